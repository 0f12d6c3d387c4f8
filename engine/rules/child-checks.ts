import { Code } from '../codes.ts';
import { Phase } from '../wire/layout.ts';
import { ICEBERG_BIT } from '../wire/order-kinds.ts';
import type { CheckedState, OrderChecks } from './order-checks.ts';
import type { OrderRequest } from './order-request.ts';
import type { StopChecks } from './stop-checks.ts';

const { OK } = Code;
const NIL = -1;

/**
 * The checks of children, which wait for fills of their parent. At entry and at an amend, a child is checked as a new order, but without its funds, the limits of
 * positions, and what the book says: these are checked when it becomes live. Owned by the engine thread.
 */
export class ChildChecks {
  readonly #symbols: CheckedState['symbols'];
  readonly #checks: OrderChecks;
  readonly #stops: StopChecks;

  constructor(state: CheckedState, checks: OrderChecks, stops: StopChecks) {
    this.#symbols = state.symbols;
    this.#checks = checks;
    this.#stops = stops;
  }

  /** The code of the first check that a new child fails; or OK. A stop has the notional that it will hold back. */
  newChild(order: OrderRequest): Code {
    const checks = this.#checks;
    return (
      checks.clientOrderId(order) ||
      checks.clientOrderIdAge(order) ||
      this.#admits(order) ||
      checks.lifetime(order) ||
      this.#limits(order) ||
      ((order.lifetimeBits & ICEBERG_BIT) === 0 ? OK : checks.displayed(order, true)) ||
      checks.openRoom(order)
    );
  }

  /** The same for the terms that an amend of a child would give it. @param named whether it names what is displayed */
  amend(order: OrderRequest, named: boolean): Code {
    return this.#admits(order) || this.#limits(order) || (named ? this.#checks.displayed(order, true) : OK);
  }

  /**
   * Checks lots of a child with a limit that become live now. The symbol's limits were checked for the whole order when it was entered; what its parent
   * fills at a time may be less.
   */
  becomesLive(order: OrderRequest): Code {
    const checks = this.#checks;
    const code = checks.standing(order, NIL) || checks.phase(order) || (checks.isOutsideBand(order) ? Code.PRICE_BAND : OK);
    if (code !== OK) return code;
    checks.setNotional(order);
    return checks.limitFunds(order) || checks.liquidity(order);
  }

  #limits(order: OrderRequest): Code {
    return order.stopPrice === 0 ? this.#checks.symbolLimits(order) : this.#stops.childLimits(order);
  }

  /** Also in an auction: an order outside the book does not take part in it. */
  #admits(order: OrderRequest): Code {
    const code = this.#checks.admitsCommand(order);
    if (code !== OK) return code;
    const { capacity, defined, phase } = this.#symbols;
    const { symbol } = order;
    if (symbol >= capacity || defined[symbol] === 0) return Code.UNKNOWN_SYMBOL;
    if (phase[symbol] === Phase.Halted) return Code.SYMBOL_HALTED;
    return phase[symbol] === Phase.Closed ? Code.SYMBOL_CLOSED : OK;
  }
}
