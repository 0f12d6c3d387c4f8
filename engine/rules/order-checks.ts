import type { OrderBook } from '../book/order-book.ts';
import type { OrderSlab } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import type { Capacities, Shares } from '../limits.ts';
import { MILLION, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import type { PriceTicks, QtyLots, TimeUs } from '../units.ts';
import { Phase, SelfTradeMode, Side, TimeInForce } from '../wire/layout.ts';
import {
  ICEBERG_BIT as ICEBERG,
  KIND_AUCTION,
  KIND_FILL_OR_KILL,
  KIND_MIN_QUANTITY,
  KIND_NEEDS_PRICE,
  KIND_POST_ONLY,
  KIND_RESTS,
  OrderKind,
  selfTradeModeOf,
} from '../wire/order-kinds.ts';
import type { Accounts } from './accounts.ts';
import type { ClientOrderIds } from './client-order-ids.ts';
import { ControlBit } from './control-bits.ts';
import type { KillSwitches } from './kill-switches.ts';
import type { OrderRequest } from './order-request.ts';
import type { OrderToTrade } from './order-to-trade.ts';
import type { RiskModels } from './risk-model.ts';
import type { SelfTrade } from './self-trade.ts';
import type { Symbols } from './symbols.ts';
import type { Throttles } from './throttles.ts';
import type { VolatilityBands } from './volatility-bands.ts';

const {
  LotStep,
  TickStep,
  MaxPrice,
  MinQuantity,
  MaxQuantity,
  MinNotional,
  MaxNotional,
  PriceBandPpm,
  ReferencePrice,
  SessionEnd,
  MinDisplayed,
} = SymbolParam;
const { Buy } = Side;
const { Day: DAY } = TimeInForce;
const { None: NONE } = SelfTradeMode;
const { OK } = Code;
const NIL = -1;
const { Suspended: SUSPENDED, Killed: KILLED, Watched: WATCHED, Throttled: THROTTLED, OrderToTrade: RATIO, Limited: LIMITED } = ControlBit;
// Constants of this module: V8 folds them, where it loads an imported one each time.
const AUCTION = KIND_AUCTION;
const FILL_OR_KILL = KIND_FILL_OR_KILL;
const MIN_QUANTITY = KIND_MIN_QUANTITY;
const NEEDS_PRICE = KIND_NEEDS_PRICE;
const POST_ONLY = KIND_POST_ONLY;
const RESTS = KIND_RESTS;
const PARAMS = SYMBOL_PARAMS;
const { Continuous: CONTINUOUS } = Phase;
const ICEBERG_BIT = ICEBERG;
/** Parts that an iceberg displays at most, so that a small order cannot cause much work. */
const MOST_PARTS = 100;

/** The inputs of the checks. All belong to the engine thread. */
export interface CheckedState {
  readonly accounts: Accounts;
  readonly symbols: Symbols;
  readonly slab: OrderSlab;
  readonly books: readonly (OrderBook | undefined)[];
  readonly risks: RiskModels;
  /** The logged rules and capacities in force. */
  readonly capacities: Readonly<Capacities>;
  readonly shares: Readonly<Shares>;
  readonly rules: number;
  /** Time of the current command. */
  readonly timeUs: TimeUs;
  readonly clientOrderIds: ClientOrderIds;
  readonly kills: KillSwitches;
  /** Of the incoming order. */
  readonly selfTrade: SelfTrade;
  readonly bands: VolatilityBands;
  readonly throttles: Throttles;
  readonly orderToTrade: OrderToTrade;
}

/**
 * The checks before an order reaches the book. They change only results in the order, such as `notional` and `needed`; `newOrder`, `amend`
 * and `lower` also count the command for the limits of commands.
 * Funds are checked before any walk of the book, so that an account without
 * funds cannot make the engine walk thousands of levels. (Rules 1 walked the
 * book first; logs written under rules 1 are replayed in that sequence.) Owned
 * by the engine thread.
 */
export class OrderChecks {
  readonly #state: CheckedState;
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;
  /** Columns of the symbols. */
  readonly #params: Float64Array;
  readonly #risks: RiskModels;
  readonly #clientOrderIds: ClientOrderIds;

  constructor(state: CheckedState) {
    this.#state = state;
    this.#accounts = state.accounts;
    this.#symbols = state.symbols;
    this.#params = state.symbols.params;
    this.#risks = state.risks;
    this.#clientOrderIds = state.clientOrderIds;
  }

  /** Checks a new order. Returns the code of the first check that fails, or OK. */
  newOrder(order: OrderRequest): Code {
    return (
      this.clientOrderId(order) ||
      this.clientOrderIdAge(order) ||
      this.admits(order, NIL) ||
      this.phase(order) ||
      (order.timeInForce >= DAY && this.lifetime(order)) ||
      this.symbolLimits(order) ||
      ((order.lifetimeBits & ICEBERG_BIT) !== 0 && this.displayed(order, true)) ||
      this.room(order) ||
      (this.#state.rules === 1 ? this.#bookThenFunds(order) : this.marketFunds(order) || this.limitFunds(order) || this.liquidity(order))
    );
  }

  /** {@link newOrder} for a kind of order with checks of its own: a post-only order that may be repriced. If it is accepted, `order` has the price that it got. */
  newSpecial(order: OrderRequest): Code {
    const { price } = order;
    const code =
      this.clientOrderId(order) ||
      this.clientOrderIdAge(order) ||
      this.admits(order, NIL) ||
      this.phase(order) ||
      this.lifetime(order) ||
      this.reprice(order) ||
      this.symbolLimits(order) ||
      // Before rules 7, what such an iceberg displays was not checked.
      (this.#state.rules >= 7 && (order.lifetimeBits & ICEBERG_BIT) !== 0 ? this.displayed(order, true) : OK) ||
      this.room(order) ||
      this.limitFunds(order);
    if (code !== OK) order.price = price;
    return code;
  }

  /**
   * Checks an amend of the price, or to more. `order` has the symbol, side and time in force of the resting order in `slot`, whose
   * reservation counts as available. {@link AMEND_CHECKS} and docs/CODES.md have the order of the checks.
   */
  amend(order: OrderRequest, slot: number): Code {
    const code = this.admits(order, slot) || this.phase(order) || this.symbolLimits(order);
    if (code !== OK) return code;
    if (this.#state.rules === 1 && this.#postOnly(order) !== OK) return Code.POST_ONLY_WOULD_TRADE;
    const risk = this.#risks.of(order.symbol);
    risk.need(order);
    if (order.needed > this.#accounts.balances[order.payAt] + risk.held(slot)) return Code.INSUFFICIENT_FUNDS;
    return this.#postOnly(order) || this.#levelRoom(order, slot);
  }

  /**
   * Checks that an order can rest at its new price, so that an amend never loses the order. An order that trades in full needs no room. Before
   * rules 3, the amended order was cancelled when it could not rest.
   */
  #levelRoom(order: OrderRequest, slot: number): Code {
    const book = this.books(order);
    const ladder = order.side === Buy ? book.bids : book.asks;
    return ladder.hasPage(order.price ^ ladder.flip) ? OK : this.#pageRoom(order, slot, book);
  }

  /** The same if the price needs a new page. */
  #pageRoom(order: OrderRequest, slot: number, book: OrderBook): Code {
    if (this.#state.rules < 3) return OK;
    const code = book.roomForMove(slot);
    if (code === OK || this.#symbols.phase[order.symbol] !== CONTINUOUS) return code;
    this.#state.selfTrade.begin(order.account, selfTradeModeOf(order.lifetimeBits));
    return this.#fillable(order, order.price, order.quantity) ? OK : code;
  }

  /**
   * Checks an amend to at most the open quantity at the same price, from rules 3 on. Like a cancel, it gives up part of what was
   * accepted, or nothing: the phase, the price band and the funds do not matter. What stays open must be an order that the symbol takes.
   */
  lower(order: OrderRequest, slot: number): Code {
    const code = this.admits(order, slot);
    return code !== OK || order.quantity === this.#state.slab.total(slot) ? code : this.lowerLimits(order, slot);
  }

  /** The symbol's limits for the open quantity to which the order in `slot` is lowered. Sets `notional` and what it needs. */
  lowerLimits(order: OrderRequest, slot: number): Code {
    const params = this.#params;
    const row = order.symbol * PARAMS;
    const { quantity } = order;
    const slab = this.#state.slab;
    if (quantity < params[row + MinQuantity] || quantity === 0) return Code.QUANTITY_MIN;
    const lotStep = params[row + LotStep];
    if (lotStep !== 1 && quantity % lotStep !== 0) return Code.LOT;
    order.notional = slab.limit(slot) * quantity * this.#symbols.quotePerTickLot[order.symbol];
    if (order.notional < params[row + MinNotional]) return Code.NOTIONAL_MIN;
    this.#risks.of(order.symbol).need(order);
    return OK;
  }

  /** Sets the notional of an order with a limit price. */
  setNotional(order: OrderRequest): void {
    order.notional = order.price * order.quantity * this.#symbols.quotePerTickLot[order.symbol];
  }

  /** Checks a stop that triggers, in continuous trading: as a new order, but it has its place among the open orders already. */
  triggered(order: OrderRequest): Code {
    return (
      this.standing(order, NIL) ||
      this.reprice(order) ||
      this.symbolLimits(order) ||
      this.marketFunds(order) ||
      this.limitFunds(order) ||
      this.liquidity(order)
    );
  }

  clientOrderId(order: OrderRequest): Code {
    return order.clientOrderId === 0 ? Code.BAD_CLIENT_ORDER_ID : OK;
  }

  clientOrderIdAge(order: OrderRequest): Code {
    return this.#clientOrderIds.tooOld(order.account, order.clientOrderId) ? Code.CLIENT_ORDER_ID_TOO_OLD : OK;
  }

  /** Checks what the operator controls. `order` has its account and symbol. */
  controls(order: OrderRequest): Code {
    const bits = this.#accounts.controls[order.account];
    return bits === 0 ? OK : this.#stopped(order, bits) || this.#limits(order, bits, NIL);
  }

  /** What the operator controls, without the limits of commands: a stop that triggers is none. @param slot of the order if it is live already, or -1 */
  standing(order: OrderRequest, slot: number): Code {
    const bits = this.#accounts.controls[order.account];
    if (bits === 0) return OK;
    if ((bits & SUSPENDED) !== 0) return Code.ACCOUNT_SUSPENDED;
    if ((bits & (KILLED | WATCHED)) !== 0 && this.#state.kills.concern(order.account, order.symbol)) return Code.KILL_SWITCH;
    return this.#limits(order, bits, slot);
  }

  #stopped(order: OrderRequest, bits: number): Code {
    if ((bits & SUSPENDED) !== 0) return Code.ACCOUNT_SUSPENDED;
    const { kills, throttles, orderToTrade, timeUs } = this.#state;
    if ((bits & (KILLED | WATCHED)) !== 0 && kills.concern(order.account, order.symbol)) return Code.KILL_SWITCH;
    if ((bits & THROTTLED) !== 0 && !throttles.check(order, timeUs)) return Code.THROTTLED;
    return (bits & RATIO) !== 0 && !orderToTrade.check(order, timeUs) ? Code.ORDER_TO_TRADE : OK;
  }

  #limits(order: OrderRequest, bits: number, slot: number): Code {
    if ((bits & LIMITED) === 0) return OK;
    return this.#accounts.positionLimits.check(order, slot === NIL ? 0 : this.#state.slab.total(slot));
  }

  /**
   * {@link controls}; what the limits of commands let pass counts, whatever the other checks say.
   * @param slot of the order that is amended, or NIL
   */
  #admit(order: OrderRequest, slot: number): Code {
    const bits = this.#accounts.controls[order.account];
    return this.#pass(order, bits) || this.#limits(order, bits, slot);
  }

  /** Whether the command may pass; it counts then. */
  #pass(order: OrderRequest, bits: number): Code {
    const { account } = order;
    const code = this.#stopped(order, bits);
    if (code !== OK) return code;
    const { throttles, orderToTrade, timeUs } = this.#state;
    if ((bits & THROTTLED) !== 0) throttles.take(account, timeUs);
    if ((bits & RATIO) !== 0) orderToTrade.countOrder(account, timeUs);
    return OK;
  }

  /** {@link admits} for a quote, which is one command. @param moreBuys @param moreSells lots by which its sides exceed those that they replace */
  admitsQuote(order: OrderRequest, moreBuys: QtyLots, moreSells: QtyLots): Code {
    const bits = this.#accounts.controls[order.account];
    if (bits === 0) return OK;
    const code = this.#pass(order, bits);
    if (code !== OK || (bits & LIMITED) === 0) return code;
    return this.#accounts.positionLimits.checkQuote(order.account, order.symbol, moreBuys, moreSells);
  }

  /** Apart from {@link #admit}, so that V8 inlines this test, and not what follows it for few accounts. */
  admits(order: OrderRequest, slot: number): Code {
    return this.#accounts.controls[order.account] === 0 ? OK : this.#admit(order, slot);
  }

  /** {@link admits} without the limits of positions. */
  admitsCommand(order: OrderRequest): Code {
    const bits = this.#accounts.controls[order.account];
    return bits === 0 ? OK : this.#pass(order, bits);
  }

  /** Counts a command that no throttle rejects: a cancel, the repeat of an order, the amend of an unknown one. */
  count(account: number): void {
    if ((this.#accounts.controls[account] & THROTTLED) !== 0) this.#state.throttles.take(account, this.#state.timeUs);
  }

  phase(order: OrderRequest): Code {
    const symbols = this.#symbols;
    const { symbol } = order;
    return symbol < symbols.capacity && symbols.phase[symbol] === CONTINUOUS ? OK : this.#otherPhase(order);
  }

  /** Out of continuous trading, as every symbol that is not defined. */
  #otherPhase({ symbol, orderKind }: OrderRequest): Code {
    const { capacity, defined, phase: phases } = this.#symbols;
    if (symbol >= capacity || defined[symbol] === 0) return Code.UNKNOWN_SYMBOL;
    const phase = phases[symbol];
    if (phase === Phase.Halted) return Code.SYMBOL_HALTED;
    if (phase === Phase.Closed) return Code.SYMBOL_CLOSED;
    return AUCTION[orderKind] !== 0 ? OK : Code.NOT_IN_AUCTION;
  }

  /** Checks the end of an order that has one; that of a day order is the end of the session. */
  lifetime(order: OrderRequest): Code {
    if (order.timeInForce < DAY) return OK;
    const { timeUs } = this.#state;
    if (order.timeInForce === DAY) {
      order.expiryUs = this.#params[order.symbol * PARAMS + SessionEnd];
      return order.expiryUs <= timeUs ? Code.NO_SESSION : OK;
    }
    return order.expiryUs <= timeUs ? Code.EXPIRY_PAST : OK;
  }

  /** Moves the price of an order that may be repriced, and would trade, one step behind the other side. A price that the symbol does not take stays: it is rejected next. */
  reprice(order: OrderRequest): Code {
    const { side, price } = order;
    if (order.orderKind !== OrderKind.PostOnlyReprice) return OK;
    const book = this.books(order);
    const params = this.#params;
    const row = order.symbol * PARAMS;
    const step = params[row + TickStep];
    if (price === 0 || price > params[row + MaxPrice] || price % step !== 0 || !book.crosses(side, price)) return OK;
    const behind = side === Buy ? book.bestAsk() - step : book.bestBid() + step;
    if (behind < 1 || behind > params[row + MaxPrice]) return Code.NO_PRICE_LEFT;
    order.price = behind;
    return OK;
  }

  /** Checks the symbol's limits: quantity and, with a limit price, price and notional. Sets the `notional` of an order with a limit price. */
  symbolLimits(order: OrderRequest): Code {
    const params = this.#params;
    const row = order.symbol * PARAMS;
    const quantity = order.quantity;
    if (quantity < params[row + MinQuantity] || quantity === 0) return Code.QUANTITY_MIN;
    if (quantity > params[row + MaxQuantity]) return Code.QUANTITY_MAX;
    const lotStep = params[row + LotStep];
    if (lotStep !== 1 && quantity % lotStep !== 0) return Code.LOT;
    if (NEEDS_PRICE[order.orderKind] === 0) return OK;
    const price = order.price;
    if (price === 0 || price > params[row + MaxPrice]) return Code.PRICE_RANGE;
    const tickStep = params[row + TickStep];
    if (tickStep !== 1 && price % tickStep !== 0) return Code.TICK;
    if (params[row + PriceBandPpm] !== 0 && this.isOutsideBand(order)) return Code.PRICE_BAND;
    order.notional = price * quantity * this.#symbols.quotePerTickLot[order.symbol];
    return this.#notional(order);
  }

  /** Checks what an iceberg displays. @param named false: an amend leaves it as it is, and only its part of the whole is checked */
  displayed(order: OrderRequest, named: boolean): Code {
    const params = this.#params;
    const row = order.symbol * PARAMS;
    const { displayed, quantity } = order;
    if (quantity > displayed * MOST_PARTS) return Code.DISPLAYED_QUANTITY;
    if (!named) return OK;
    const wrong = displayed > quantity || displayed < params[row + MinDisplayed] || displayed % params[row + LotStep] !== 0;
    return wrong ? Code.DISPLAYED_QUANTITY : OK;
  }

  /** Checks an order that may rest. */
  room(order: OrderRequest): Code {
    return RESTS[order.orderKind] === 0 ? OK : this.openRoom(order);
  }

  /** Checks that the account may have another open order. */
  openRoom(order: OrderRequest): Code {
    return this.roomFor(order.account, 1);
  }

  /** The same for `more` open orders. */
  roomFor(account: number, more: number): Code {
    const { accounts, slab, capacities, shares, rules } = this.#state;
    const open = accounts.openOrders[account] + more;
    if (open > accounts.maxOpenOrders[account]) return Code.OPEN_ORDER_LIMIT;
    if (slab.count + more > capacities.orders) return Code.BOOK_FULL;
    return open > shares.ordersPerAccount && rules >= 3 ? Code.ORDER_SHARE_FULL : OK;
  }

  /**
   * Checks a market order. A sell pays with its lots, so it needs no walk of the
   * book. A buy is priced level by level. The walk ends at the level where its
   * cost exceeds the account's funds or the symbol's notional limit, so that the
   * funds bound the walk. At one level, funds are checked before the notional limit.
   */
  marketFunds(order: OrderRequest): Code {
    if (NEEDS_PRICE[order.orderKind] !== 0) return OK;
    const accounts = this.#accounts;
    const symbols = this.#symbols;
    const { symbol, side } = order;
    const book = this.books(order);
    const limit = this.limitPrice(order);
    // The reference price, and with it the band of a sell, may be above the ladder. The book has no such price.
    if (limit > book.maxPrice || !book.crosses(side, limit)) return Code.NO_LIQUIDITY;
    const risk = this.#risks.of(symbol);
    order.notional = 0;
    risk.need(order);
    const available = accounts.balances[order.payAt];
    const unit = symbols.quotePerTickLot[symbol];
    const most = symbols.params[symbol * PARAMS + MaxNotional];
    if (side !== Buy && order.needed > available) return Code.INSUFFICIENT_FUNDS;
    const { selfTrade } = this.#state;
    const guarded = selfTrade.mode > NONE || book.guards !== 0;
    const mostNotional = Math.floor((side === Buy ? Math.min(available, most) : most) / unit);
    book.mostNotional = mostNotional;
    if (guarded) selfTrade.sweep(book, side, limit, order.quantity);
    else book.sweep(side, limit, order.quantity);
    book.mostNotional = Number.POSITIVE_INFINITY;
    const sweptQuantity = guarded ? selfTrade.sweptQuantity : book.sweptQuantity;
    order.notional = (guarded ? selfTrade.sweptNotional : book.sweptNotional) * unit;
    if (side === Buy && order.notional > available) return Code.INSUFFICIENT_FUNDS;
    const code = this.#notional(order);
    if (code !== OK) return code;
    risk.need(order);
    if (order.needed > available) return Code.INSUFFICIENT_FUNDS;
    const all = FILL_OR_KILL[order.orderKind] !== 0;
    const least = all ? order.quantity : MIN_QUANTITY[order.orderKind] !== 0 ? order.minQuantity : 0;
    if (sweptQuantity >= least && (least === 0 || this.#state.symbols.banded[symbol] === 0 || this.#fillable(order, limit, least)))
      return OK;
    return all ? Code.FOK_NOT_FILLABLE : Code.MIN_QUANTITY_NOT_FILLABLE;
  }

  limitFunds(order: OrderRequest): Code {
    return NEEDS_PRICE[order.orderKind] === 0 ? OK : this.#limitFunds(order);
  }

  /** Checks an order with a limit price against the other side of the book. */
  liquidity(order: OrderRequest): Code {
    const kind = order.orderKind;
    if (NEEDS_PRICE[kind] === 0) return OK;
    if (FILL_OR_KILL[kind] !== 0) return this.#fillable(order, order.price, order.quantity) ? OK : Code.FOK_NOT_FILLABLE;
    if (MIN_QUANTITY[kind] !== 0) return this.#fillable(order, order.price, order.minQuantity) ? OK : Code.MIN_QUANTITY_NOT_FILLABLE;
    return this.#postOnly(order);
  }

  /** Whether at least `least` of an order with this limit would trade at once, within the volatility bands. */
  #fillable(order: OrderRequest, limit: PriceTicks, least: QtyLots): boolean {
    const { selfTrade, bands } = this.#state;
    const book = this.books(order);
    const { side } = order;
    let inside = limit;
    if (this.#symbols.banded[order.symbol] !== 0) {
      bands.measure(order.symbol);
      if (!bands.contain(side === Buy ? book.bestAsk() : book.bestBid())) return false;
      inside = bands.limit(side, limit);
    }
    // By levels first: visiting each order is only for what is there.
    if (!book.fillable(side, inside, least)) return false;
    if (selfTrade.mode <= NONE && book.guards === 0) return true;
    selfTrade.sweep(book, side, inside, order.quantity);
    return selfTrade.sweptQuantity >= least;
  }

  /** The order's limit price; a market order's is the edge of the price band, or the end of the ladder. A sell's edge may lie above the ladder. */
  limitPrice(order: OrderRequest): PriceTicks {
    if (NEEDS_PRICE[order.orderKind] !== 0) return order.price;
    const params = this.#params;
    const row = order.symbol * PARAMS;
    const reference = params[row + ReferencePrice];
    const band = params[row + PriceBandPpm];
    if (band === 0 || reference === 0) return order.side === Buy ? params[row + MaxPrice] : 1;
    const distance = Math.floor((reference * band) / MILLION);
    return order.side === Buy ? Math.min(reference + distance, params[row + MaxPrice]) : Math.max(reference - distance, 1);
  }

  books(order: OrderRequest): OrderBook {
    return this.#state.books[order.symbol] as OrderBook;
  }

  /** The check of rules 1. */
  #bookThenFunds(order: OrderRequest): Code {
    const accounts = this.#accounts;
    const symbols = this.#symbols;
    const { symbol, side } = order;
    const book = this.books(order);
    if (NEEDS_PRICE[order.orderKind] === 0) {
      const limit = this.limitPrice(order);
      if (limit > book.maxPrice) return Code.NO_LIQUIDITY;
      book.sweep(side, limit, order.quantity);
      if (book.sweptQuantity === 0) return Code.NO_LIQUIDITY;
      order.notional = book.sweptNotional * symbols.quotePerTickLot[symbol];
      const code = this.#notional(order);
      if (code !== OK) return code;
    } else {
      const code = this.liquidity(order);
      if (code !== OK) return code;
    }
    const risk = this.#risks.of(symbol);
    risk.need(order);
    return order.needed > accounts.balances[order.payAt] ? Code.INSUFFICIENT_FUNDS : OK;
  }

  #limitFunds(order: OrderRequest): Code {
    this.#risks.of(order.symbol).need(order);
    return order.needed > this.#accounts.balances[order.payAt] ? Code.INSUFFICIENT_FUNDS : OK;
  }

  #postOnly(order: OrderRequest): Code {
    return POST_ONLY[order.orderKind] === 0 ? OK : this.#behind(order);
  }

  #behind(order: OrderRequest): Code {
    return this.books(order).crosses(order.side, order.price) ? Code.POST_ONLY_WOULD_TRADE : OK;
  }

  /** A product beyond the exact range exceeds any MaxNotional, so the order is rejected. */
  #notional(order: OrderRequest): Code {
    const { notional } = order;
    const params = this.#params;
    const row = order.symbol * PARAMS;
    if (notional < params[row + MinNotional]) return Code.NOTIONAL_MIN;
    return notional > params[row + MaxNotional] ? Code.NOTIONAL_MAX : OK;
  }

  /** Buys above the band and sells below it are rejected, passive prices are not (as in CME Globex price banding). */
  isOutsideBand(order: OrderRequest): boolean {
    const params = this.#params;
    const row = order.symbol * PARAMS;
    const reference = params[row + ReferencePrice];
    const band = params[row + PriceBandPpm];
    if (band === 0 || reference === 0) return false;
    const worse = order.side === Buy ? order.price - reference : reference - order.price;
    return worse * MILLION > reference * band;
  }
}
