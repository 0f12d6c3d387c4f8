import type { OrderSlab } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import type { PriceTicks, QtyLots } from '../units.ts';
import { Phase, Side, TimeInForce } from '../wire/layout.ts';
import { OrderKind } from '../wire/order-kinds.ts';
import { CONTROL_CODES } from './check-sequences.ts';
import { CARRY_MASK, type FeeSchedules, scheduleOf } from './fee-schedules.ts';
import type { FeeTiers } from './fee-tiers.ts';
import type { LiveQuotes } from './live-quotes.ts';
import type { CheckedState, OrderChecks } from './order-checks.ts';
import type { OrderRequest } from './order-request.ts';
import type { Protections } from './protections.ts';

const NIL = -1;
const { OK } = Code;
/** Value of {@link QuoteChecks.failed}: the code concerns both sides. */
export const NO_SIDE = -1;

/** The codes of the checks of a quote, in sequence, after UNKNOWN_ACCOUNT. docs/CODES.md lists them, which a test verifies. */
export const QUOTE_CHECKS: readonly (readonly Code[])[] = [
  [...CONTROL_CODES, Code.POSITION_LIMIT, Code.EXPOSURE_LIMIT],
  [Code.PROTECTION_TRIGGERED],
  [Code.UNKNOWN_SYMBOL],
  [Code.QUOTE_CROSSED],
  [Code.SYMBOL_HALTED, Code.SYMBOL_CLOSED],
  [Code.QUANTITY_MIN, Code.QUANTITY_MAX, Code.LOT, Code.PRICE_RANGE, Code.TICK, Code.PRICE_BAND, Code.NOTIONAL_MIN, Code.NOTIONAL_MAX],
  [Code.INSUFFICIENT_FUNDS],
  [Code.POST_ONLY_WOULD_TRADE],
  [Code.OPEN_ORDER_LIMIT, Code.BOOK_FULL, Code.ORDER_SHARE_FULL],
];

/** The inputs of the checks. */
interface QuotedState extends CheckedState {
  readonly feeSchedules: FeeSchedules;
  readonly feeTiers: FeeTiers;
  readonly quotes: LiveQuotes;
  readonly protections: Protections;
}

/** Live sides of quotes of one account: what one protection cancels at most. */
export const MOST_SIDES = 1024;

/** One side of the current quote. */
export class QuoteSide {
  readonly side: Side;
  price: PriceTicks = 0;
  /** 0 = no quote on this side. */
  quantity: QtyLots = 0;
  /** Slot of the live quote that it replaces, -1 = none. */
  slot = NIL;
  /** The live quote keeps its place: it becomes less or nothing, or stays as it is. Also without one, if there is no quantity. */
  keeps = false;
  notional = 0;

  constructor(side: Side) {
    this.side = side;
  }

  set(price: PriceTicks, quantity: QtyLots, slot: number): void {
    this.price = price;
    this.quantity = quantity;
    this.slot = slot;
  }
}

/**
 * The checks of a quote. Both sides pass, or neither does. The reservations of
 * the quote that it replaces count as available. What only lowers, keeps or
 * ends sides gives up what a cancel could, so the phase, the price band and funds do not matter. Owned by the engine thread.
 */
export class QuoteChecks {
  /** Side of the quote that the last code is about, or {@link NO_SIDE}. */
  failed: number = NO_SIDE;
  readonly #state: QuotedState;
  readonly #slab: OrderSlab;
  readonly #checks: OrderChecks;

  constructor(state: QuotedState, checks: OrderChecks) {
    this.#state = state;
    this.#slab = state.slab;
    this.#checks = checks;
  }

  /** Also sets `keeps` of both sides. The account exists. */
  check(order: OrderRequest, bid: QuoteSide, ask: QuoteSide): Code {
    const checks = this.#checks;
    this.failed = NO_SIDE;
    const isKnown = this.#state.books[order.symbol] !== undefined;
    if (bid.quantity === 0 && ask.quantity === 0) {
      checks.count(order.account);
      return isKnown ? OK : Code.UNKNOWN_SYMBOL;
    }
    bid.keeps = this.#keeps(bid);
    ask.keeps = this.#keeps(ask);
    const code = checks.admitsQuote(order, bid.quantity - this.#open(bid), ask.quantity - this.#open(ask));
    if (code !== OK) return code;
    if (this.#state.protections.isTriggered(order.account)) return Code.PROTECTION_TRIGGERED;
    if (!isKnown) return Code.UNKNOWN_SYMBOL;
    if (bid.quantity !== 0 && ask.quantity !== 0 && bid.price >= ask.price) return Code.QUOTE_CROSSED;
    order.orderKind = OrderKind.GoodTillCancel;
    return (
      (bid.keeps && ask.keeps ? OK : checks.phase(order)) ||
      this.#limits(order, bid) ||
      this.#limits(order, ask) ||
      this.#funds(order, bid) ||
      this.#funds(order, ask) ||
      this.#postOnly(order, bid, ask) ||
      this.#postOnly(order, ask, bid) ||
      this.#room(order.account, more(bid) + more(ask))
    );
  }

  /** Counts a command of the account that no throttle rejects. */
  count(account: number): void {
    this.#checks.count(account);
  }

  /** Makes a side with a quantity the current order, with what it needs. */
  use(order: OrderRequest, side: QuoteSide): void {
    const { feeSchedules, feeTiers, timeUs } = this.#state;
    order.side = side.side;
    order.price = side.price;
    order.quantity = side.quantity;
    order.notional = side.notional;
    const fees = side.slot === NIL ? 0 : this.#slab.fees(side.slot);
    // A side that loses its place has the rates in force, as a new order; what it paid in advance counts.
    order.feeSchedule = side.slot !== NIL && side.keeps ? scheduleOf(fees) : feeTiers.ofNew(order.symbol, order.account, timeUs);
    order.feeCarry = side.slot === NIL ? feeSchedules.firstCarry : fees & CARRY_MASK;
    this.#state.risks.of(order.symbol).need(order);
  }

  #keeps({ slot, price, quantity }: QuoteSide): boolean {
    return quantity === 0 || (slot !== NIL && price === this.#slab.price(slot) && quantity <= this.#slab.open(slot));
  }

  #open({ slot }: QuoteSide): QtyLots {
    return slot === NIL ? 0 : this.#slab.open(slot);
  }

  #limits(order: OrderRequest, side: QuoteSide): Code {
    if (side.quantity === 0) return OK;
    const checks = this.#checks;
    side.notional = 0;
    this.use(order, side);
    let code: Code = OK;
    if (!side.keeps) code = checks.symbolLimits(order);
    else if (side.quantity < this.#slab.open(side.slot)) code = checks.lowerLimits(order, side.slot);
    side.notional = order.notional;
    return this.#of(side, code);
  }

  #funds(order: OrderRequest, side: QuoteSide): Code {
    if (side.quantity === 0 || side.keeps) return OK;
    this.use(order, side);
    const { accounts, risks } = this.#state;
    const held = side.slot === NIL ? 0 : risks.of(order.symbol).held(side.slot);
    return this.#of(side, order.needed > accounts.balances[order.payAt] + held ? Code.INSUFFICIENT_FUNDS : OK);
  }

  /** Whether a side would trade on arrival; the account's other side is replaced before. */
  #postOnly(order: OrderRequest, side: QuoteSide, other: QuoteSide): Code {
    if (side.quantity === 0 || side.keeps || order.timeInForce !== TimeInForce.PostOnly) return OK;
    if (this.#state.symbols.phase[order.symbol] !== Phase.Continuous) return OK;
    const book = this.#checks.books(order);
    let first = book.first(other.side);
    if (first !== NIL && first === other.slot) first = book.following(first);
    if (first === NIL) return OK;
    const price = this.#slab.price(first);
    const trades = side.side === Side.Buy ? price <= side.price : price >= side.price;
    return this.#of(side, trades ? Code.POST_ONLY_WOULD_TRADE : OK);
  }

  #room(account: number, more: number): Code {
    if (more <= 0) return OK;
    if (this.#state.quotes.countOf(account) + more > MOST_SIDES) return Code.OPEN_ORDER_LIMIT;
    return this.#checks.roomFor(account, more);
  }

  #of({ side }: QuoteSide, code: Code): Code {
    if (code !== OK) this.failed = side;
    return code;
  }
}

/** Open orders that the side adds. */
function more({ slot, quantity }: QuoteSide): number {
  return Number(quantity !== 0) - Number(slot !== NIL);
}
