import { OpenbellError } from './errors.ts';
import { failureText } from './failure-text.ts';
import { pathOf, SHARD_HEADER } from './symbols.ts';
import type { Dispatcher } from './tls.ts';
import type { TokenSource } from './token-source.ts';

/** A request of many orders takes several commands. */
const TIMEOUT_MS = 30_000;

export interface AdminClientOptions {
  /** Address of the admin port, such as http://127.0.0.1:7403. */
  readonly origin: string;
  readonly tokens: TokenSource | undefined;
  readonly dispatcher: Dispatcher | undefined;
  readonly shard: number | undefined;
}

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
  readonly #options: AdminClientOptions;

  constructor(options: AdminClientOptions) {
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

  async #post<T>(path: string, body: object): Promise<T> {
    const { origin, tokens, dispatcher, shard } = this.#options;
    const token = await tokens?.get();
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${origin}${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(shard !== undefined && { [SHARD_HEADER]: String(shard) }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(dispatcher && { dispatcher }),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw new OpenbellError('HTTP_FAILED', `no answer from ${origin}${path} (${failureText(error)})`);
    }
    const answer = parse(text) as (T & { code?: number; name?: string; message?: string }) | undefined;
    if (status === 200 && answer !== undefined) return answer;
    const { code, name = 'HTTP_FAILED', message = `${origin}${path} answered with HTTP status ${status}` } = answer ?? {};
    throw new OpenbellError(name, message, code === 0 ? undefined : code);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
