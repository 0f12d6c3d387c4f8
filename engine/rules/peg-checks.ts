import { Code } from '../codes.ts';
import { PegKind } from '../wire/peg-terms.ts';
import { CONTROL_CODES, LIMIT_CODES } from './check-sequences.ts';
import type { CheckedState, OrderChecks } from './order-checks.ts';
import type { OrderRequest } from './order-request.ts';
import type { PeggedOrders } from './pegged-orders.ts';

const NIL = -1;
const { OK } = Code;

/** Pegged orders that an account can have: so many are repriced with a few commands, and none makes those of others wait for long. */
export const PEGS_PER_ACCOUNT = 1024;

/** The codes of the checks of a new pegged order, in sequence. docs/CODES.md lists them. Price, notional and funds are those of its limit. */
export const NEW_PEG_CHECKS: readonly (readonly Code[])[] = [
  [Code.BAD_CLIENT_ORDER_ID],
  [Code.CLIENT_ORDER_ID_TOO_OLD],
  [...CONTROL_CODES, Code.POSITION_LIMIT, Code.EXPOSURE_LIMIT],
  [Code.UNKNOWN_SYMBOL, Code.SYMBOL_HALTED, Code.SYMBOL_CLOSED],
  [Code.NO_SESSION, Code.EXPIRY_PAST],
  [Code.PEG_OFFSET],
  LIMIT_CODES,
  [Code.OPEN_ORDER_LIMIT, Code.BOOK_FULL, Code.ORDER_SHARE_FULL, Code.PEG_LIMIT],
  [Code.INSUFFICIENT_FUNDS],
];

/** The checks of pegged orders. Owned by the engine thread. */
export class PegChecks {
  /** Most pegged orders of an account; tests lower it. */
  perAccount: number = PEGS_PER_ACCOUNT;
  readonly #state: CheckedState & { readonly pegs: PeggedOrders };
  readonly #checks: OrderChecks;

  constructor(state: CheckedState & { readonly pegs: PeggedOrders }, checks: OrderChecks) {
    this.#state = state;
    this.#checks = checks;
  }

  newOrder(order: OrderRequest): Code {
    const checks = this.#checks;
    return (
      checks.clientOrderId(order) ||
      checks.clientOrderIdAge(order) ||
      checks.admits(order, NIL) ||
      checks.phase(order) ||
      checks.lifetime(order) ||
      // At the price of the other side or beyond, it would always be repriced behind it.
      (order.pegKind === PegKind.Market && order.pegOffset <= 0 ? Code.PEG_OFFSET : OK) ||
      checks.symbolLimits(order) ||
      checks.openRoom(order) ||
      (this.#state.pegs.ofAccount[order.account] >= this.perAccount ? Code.PEG_LIMIT : OK) ||
      checks.limitFunds(order)
    );
  }

  /** Checks an amend of the order in `slot` to another limit, or to more; `order` has the terms that it would have. */
  amend(order: OrderRequest, slot: number): Code {
    const checks = this.#checks;
    const code = checks.admits(order, slot) || checks.phase(order) || checks.symbolLimits(order);
    if (code !== OK) return code;
    const risk = this.#state.risks.of(order.symbol);
    risk.need(order);
    return order.needed > this.#state.accounts.balances[order.payAt] + risk.held(slot) ? Code.INSUFFICIENT_FUNDS : OK;
  }

  /** To at most its quantity, at its limit. */
  lower(order: OrderRequest, slot: number): Code {
    return this.#checks.lower(order, slot);
  }

  /** Counts an amend that no check rejects. */
  count(account: number): void {
    this.#checks.count(account);
  }
}
