import type { OrderSlab } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { MILLION, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import type { PriceTicks } from '../units.ts';
import { Phase, Side } from '../wire/layout.ts';
import { ICEBERG_BIT, KIND_NEEDS_PRICE } from '../wire/order-kinds.ts';
import { CONTROL_CODES } from './check-sequences.ts';
import type { CheckedState, OrderChecks } from './order-checks.ts';
import type { OrderRequest } from './order-request.ts';
import { type PendingStops, triggerOf } from './pending-stops.ts';
import { trailedLimit, trailedPrice } from './trail-prices.ts';

const { LotStep, TickStep, MaxPrice, MinQuantity, MaxQuantity, MinNotional, MaxNotional, PriceBandPpm } = SymbolParam;
const { Buy } = Side;
const { OK } = Code;
const NIL = -1;

/** The codes of the checks of a new stop, in sequence. docs/CODES.md lists them. Those of an order follow when it triggers. */
export const NEW_STOP_CHECKS: readonly (readonly Code[])[] = [
  [Code.BAD_CLIENT_ORDER_ID],
  [Code.CLIENT_ORDER_ID_TOO_OLD],
  [...CONTROL_CODES, Code.POSITION_LIMIT, Code.EXPOSURE_LIMIT],
  [Code.UNKNOWN_SYMBOL, Code.SYMBOL_HALTED, Code.SYMBOL_CLOSED],
  [Code.NO_SESSION, Code.EXPIRY_PAST],
  [Code.TRAIL_OFFSET, Code.TRAIL_UNAVAILABLE],
  [
    Code.QUANTITY_MIN,
    Code.QUANTITY_MAX,
    Code.LOT,
    Code.STOP_PRICE,
    Code.PRICE_RANGE,
    Code.TICK,
    Code.PRICE_BAND,
    Code.NOTIONAL_MIN,
    Code.NOTIONAL_MAX,
    Code.DISPLAYED_QUANTITY,
  ],
  [Code.OPEN_ORDER_LIMIT, Code.BOOK_FULL, Code.ORDER_SHARE_FULL],
  [Code.INSUFFICIENT_FUNDS],
  [Code.STOP_WOULD_TRIGGER],
];

/**
 * The checks of stops while they wait. Owned by the engine thread.
 *
 * The price band of a waiting stop is around its stop price. A buy holds back the
 * highest price in it, a stop-limit its limit. Without a band a market order may
 * trade at any price; the stop then holds back its stop price. A trailing stop is checked, and holds back, as a stop with its
 * first stop price, or that at its activation price if it waits for one: from there, its stop price moves away from the worst price.
 */
export class StopChecks {
  readonly #state: CheckedState & { readonly stops: PendingStops };
  /** Of the last trailing stop that passed: the price that it follows from, ticks; 0 = it waits for its activation price. */
  extreme: PriceTicks = 0;
  readonly #slab: OrderSlab;
  readonly #checks: OrderChecks;

  constructor(state: CheckedState & { readonly stops: PendingStops }, checks: OrderChecks) {
    this.#state = state;
    this.#slab = state.slab;
    this.#checks = checks;
  }

  newStop(order: OrderRequest): Code {
    const checks = this.#checks;
    return (
      checks.clientOrderId(order) ||
      checks.clientOrderIdAge(order) ||
      checks.admits(order, NIL) ||
      this.#phase(order) ||
      checks.lifetime(order) ||
      (order.trailOffset === 0 ? OK : this.#newTrail(order)) ||
      this.#limits(order) ||
      ((order.lifetimeBits & ICEBERG_BIT) === 0 ? OK : checks.displayed(order, true)) ||
      checks.openRoom(order) ||
      this.#funds(order, 0) ||
      (order.triggerNow || (order.trailOffset !== 0 && this.extreme === 0) ? OK : this.#condition(order))
    );
  }

  /** Checks lots of a child that begin to wait for their trigger; `order` has what they hold back. @param slot of the order if it is live already, or -1 */
  becomesLive(order: OrderRequest, slot: number): Code {
    return this.#checks.standing(order, slot) || (slot === NIL ? this.#phase(order) : OK);
  }

  /** The same of a trailing stop that begins to trail. Sets its first stop price, its limit and notional. */
  becomesTrail(order: OrderRequest): Code {
    const code = this.becomesLive(order, NIL);
    if (code !== OK) return code;
    const price = this.#state.stops.triggerPrice(order.symbol, order.trigger);
    this.extreme = this.#isActive(order, price) ? price : 0;
    if (this.extreme === 0 && order.activationPrice === 0) return Code.TRAIL_UNAVAILABLE;
    return this.#trail(order) || this.#prices(order);
  }

  /** The symbol's limits for a child that waits. Before it is live, a trailing stop has the stop price and limit at its activation price; without one it has none, and its offset is checked later. */
  childLimits(order: OrderRequest): Code {
    if (order.trailOffset === 0) return this.#limits(order);
    this.extreme = 0;
    if (order.activationPrice !== 0) return this.#trail(order) || this.#limits(order);
    const isDistance = (order.price !== 0) === (KIND_NEEDS_PRICE[order.orderKind] !== 0);
    order.stopPrice = 0;
    order.price = 0;
    return this.#quantity(order) || (isDistance ? OK : Code.PRICE_RANGE);
  }

  #isActive({ side, activationPrice }: OrderRequest, price: PriceTicks): boolean {
    const reached = side === Buy ? price <= activationPrice : price >= activationPrice;
    return price !== 0 && (activationPrice === 0 || reached);
  }

  /** Checks an amend of the pending stop in `slot`; `order` has the terms that it would have. */
  amend(order: OrderRequest, slot: number): Code {
    const checks = this.#checks;
    order.trigger = triggerOf(this.#slab, slot);
    const code = checks.admits(order, slot) || this.#phase(order) || this.#limits(order) || this.#funds(order, this.#slab.held(slot));
    if (code !== OK || order.stopPrice === this.#slab.next(slot)) return code;
    return this.#condition(order);
  }

  /** Checks what a stop that is amended displays when it rests. @param named whether the amend names it */
  displayed(order: OrderRequest, named: boolean): Code {
    return this.#checks.displayed(order, named);
  }

  /** Counts an amend that no check rejects. */
  count(account: number): void {
    this.#checks.count(account);
  }

  /** Checks an amend of the trailing stop in `slot`; `order` has the terms that it would have. @param moves its offset or activation price changes */
  amendTrail(order: OrderRequest, slot: number, moves: boolean): Code {
    const checks = this.#checks;
    order.trigger = triggerOf(this.#slab, slot);
    this.extreme = this.#state.stops.extremeOf(slot);
    return (
      checks.admits(order, slot) ||
      this.#phase(order) ||
      (moves && this.#isDue(order) ? Code.TRAIL_UNAVAILABLE : this.#trail(order)) ||
      this.#limits(order) ||
      this.#funds(order, this.#slab.held(slot)) ||
      (moves && this.extreme !== 0 ? this.#condition(order) : OK)
    );
  }

  #newTrail(order: OrderRequest): Code {
    const { symbol, trigger, activationPrice } = order;
    const price = this.#state.stops.triggerPrice(symbol, trigger);
    this.extreme = this.#isActive(order, price) ? price : 0;
    if (this.#isDue(order) || (price === 0 && activationPrice === 0)) return Code.TRAIL_UNAVAILABLE;
    return this.#trail(order);
  }

  /** Sets the first stop price of a trailing stop, and its limit. */
  #trail(order: OrderRequest): Code {
    const { params } = this.#state.symbols;
    const { symbol, side, activationPrice, trailOffset } = order;
    const row = symbol * SYMBOL_PARAMS;
    order.stopPrice = trailedPrice(side, this.extreme || activationPrice, trailOffset, params[row + TickStep]);
    if (order.stopPrice <= 0 || order.stopPrice > params[row + MaxPrice]) return Code.TRAIL_OFFSET;
    if (KIND_NEEDS_PRICE[order.orderKind] === 0) return OK;
    if (order.price === 0) return Code.PRICE_RANGE;
    order.price = trailedLimit(side, order.stopPrice, order.price);
    return order.price <= 0 ? Code.PRICE_RANGE : OK;
  }

  /** Whether stops of its side are due: the others stand until these have had their turn. Or they are behind their price, because many follow it. */
  #isDue({ symbol, side }: OrderRequest): boolean {
    const book = this.#state.stops.books[symbol];
    return book !== undefined && (book.isDue(side) || (this.#state.rules >= 6 && book.isBehind(side)));
  }

  /** Also in an auction: a stop does not take part in it. */
  #phase(order: OrderRequest): Code {
    const { symbols } = this.#state;
    const { symbol } = order;
    if (symbol >= symbols.capacity || symbols.defined[symbol] === 0) return Code.UNKNOWN_SYMBOL;
    if (symbols.phase[symbol] === Phase.Halted) return Code.SYMBOL_HALTED;
    return symbols.phase[symbol] === Phase.Closed ? Code.SYMBOL_CLOSED : OK;
  }

  #limits(order: OrderRequest): Code {
    return this.#quantity(order) || this.#prices(order) || this.#notional(order);
  }

  #quantity({ symbol, quantity }: OrderRequest): Code {
    const { params } = this.#state.symbols;
    const row = symbol * SYMBOL_PARAMS;
    if (quantity < params[row + MinQuantity] || quantity === 0) return Code.QUANTITY_MIN;
    if (quantity > params[row + MaxQuantity]) return Code.QUANTITY_MAX;
    return quantity % params[row + LotStep] !== 0 ? Code.LOT : OK;
  }

  /** Checks stop price and limit, and sets the notional at the worst price. */
  #prices(order: OrderRequest): Code {
    const { params, quotePerTickLot } = this.#state.symbols;
    const row = order.symbol * SYMBOL_PARAMS;
    const { quantity, price, stopPrice } = order;
    const highest = params[row + MaxPrice];
    const step = params[row + TickStep];
    if (stopPrice === 0 || stopPrice > highest || stopPrice % step !== 0) return Code.STOP_PRICE;
    const limited = KIND_NEEDS_PRICE[order.orderKind] !== 0;
    if ((price !== 0) !== limited || price > highest) return Code.PRICE_RANGE;
    if (price % step !== 0) return Code.TICK;
    const worst = this.#worstPrice(order.side, stopPrice, params[row + PriceBandPpm], highest);
    if (limited && params[row + PriceBandPpm] !== 0 && (order.side === Buy ? price > worst : price < worst)) return Code.PRICE_BAND;
    order.notional = (limited ? price : worst) * quantity * quotePerTickLot[order.symbol];
    return OK;
  }

  #notional({ symbol, notional }: OrderRequest): Code {
    const { params } = this.#state.symbols;
    const row = symbol * SYMBOL_PARAMS;
    if (notional < params[row + MinNotional]) return Code.NOTIONAL_MIN;
    return notional > params[row + MaxNotional] ? Code.NOTIONAL_MAX : OK;
  }

  /** The edge of the price band around the stop price. */
  #worstPrice(side: number, stopPrice: PriceTicks, bandPpm: number, highest: PriceTicks): PriceTicks {
    const distance = Math.floor((stopPrice * bandPpm) / MILLION);
    return side === Buy ? Math.min(stopPrice + distance, highest) : Math.max(stopPrice - distance, 1);
  }

  /** @param held what the order holds back already */
  #funds(order: OrderRequest, held: number): Code {
    this.#state.risks.of(order.symbol).need(order);
    return order.needed > this.#state.accounts.balances[order.payAt] + held ? Code.INSUFFICIENT_FUNDS : OK;
  }

  #condition(order: OrderRequest): Code {
    return this.#state.stops.holds(order.symbol, order.side, order.trigger, order.stopPrice) ? Code.STOP_WOULD_TRIGGER : OK;
  }
}
