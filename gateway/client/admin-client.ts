import { type HttpOptions, httpRequest } from './http-request.ts';
import { pathOf } from './symbols.ts';

/** The orders to cancel: of an account, of a symbol, or of an account in a symbol; or one of them, by either id. */
export type OrdersToCancel =
  | { readonly account: number; readonly symbol?: string; readonly orderId?: number; readonly clientOrderId?: number }
  | { readonly symbol: string; readonly orderId?: number };

export interface CancelledOrders {
  /** Number of orders cancelled. Each is reported to its account with CANCELLED_BY_OPERATOR. */
  readonly cancelled: number;
  /** Sequence of the last command. */
  readonly seq: number;
  /** True: orders that arrived meanwhile are left. */
  readonly more?: boolean;
}

/** What an operator does, over the admin port. The token must have the role for it, docs/SECURITY.md. */
export class AdminClient {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * Cancels resting orders of any account, in every phase.
   * @throws OpenbellError UNKNOWN_ORDER when the one order does not rest, UNKNOWN_ACCOUNT, UNKNOWN_SYMBOL, PERMISSION_DENIED, ...;
   * HTTP_FAILED when the exchange cannot be reached: look at the orders, then send it again
   */
  async cancelOrders(orders: OrdersToCancel): Promise<CancelledOrders> {
    if ('account' in orders) {
      const { account, ...rest } = orders;
      return this.#post(`/v1/accounts/${account}/cancel-orders`, rest);
    }
    const { symbol, ...rest } = orders;
    return this.#post(`/v1/symbols/${pathOf(symbol)}/cancel-orders`, rest);
  }

  #post<T>(path: string, body: object): Promise<T> {
    return httpRequest(this.#options, path, body);
  }
}
