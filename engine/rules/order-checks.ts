import type { OrderBook } from '../book/order-book.ts';
import type { OrderSlab } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { MILLION, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import type { Money } from '../units.ts';
import { Phase, Side, TimeInForce } from '../wire/layout.ts';
import type { Accounts } from './accounts.ts';
import { buyReserve } from './fees.ts';
import type { OrderRequest } from './order-request.ts';
import type { Symbols } from './symbols.ts';

const { LotStep, TickStep, MaxPrice, MinQuantity, MaxQuantity, MinNotional, MaxNotional, PriceBandPpm, ReferencePrice } = SymbolParam;
const { Buy } = Side;
const { GoodTillCancel, FillOrKill, Market, PostOnly } = TimeInForce;
const { OK } = Code;

/**
 * The checks that stand before the book, in this order: the id, the account,
 * the phase, the symbol's limits, capacity, the book's side of the time in
 * force, the money. The first that fails gives the answer; docs/CODES.md lists
 * them. They change nothing but `needed`. Owned by the engine thread.
 */
export class OrderChecks {
  /** What the order checked last needs: if it rests whole, it holds back just that. */
  needed: Money = 0;
  readonly accounts: Accounts;
  readonly symbols: Symbols;
  readonly slab: OrderSlab;
  readonly books: readonly (OrderBook | undefined)[];

  constructor(accounts: Accounts, symbols: Symbols, slab: OrderSlab, books: readonly (OrderBook | undefined)[]) {
    this.accounts = accounts;
    this.symbols = symbols;
    this.slab = slab;
    this.books = books;
  }

  /** Of a new order: the first check that fails. */
  newOrder(order: OrderRequest): Code {
    const { accounts, symbols, slab } = this;
    const account = order.account;
    if (order.clientOrderId === 0) return Code.BAD_CLIENT_ORDER_ID;
    if (order.clientOrderId <= accounts.forgottenId[account]) return Code.CLIENT_ORDER_ID_TOO_OLD;
    if (accounts.suspended[account] !== 0) return Code.ACCOUNT_SUSPENDED;
    const phaseCode = this.#phase(order);
    if (phaseCode !== OK) return phaseCode;
    const limitCode = this.#symbolLimits(order, order.timeInForce !== Market);
    if (limitCode !== OK) return limitCode;
    if (order.rests) {
      if (accounts.openOrders[account] >= accounts.maxOpenOrders[account]) return Code.OPEN_ORDER_LIMIT;
      if (slab.count >= slab.capacity) return Code.BOOK_FULL;
    }
    const book = this.books[order.symbol] as OrderBook;
    let notional = order.price * order.quantity * symbols.quotePerTickLot[order.symbol];
    if (order.timeInForce === Market) {
      const limit = this.limitPrice(order);
      // The reference price may stand above the ladder, and with it a sell's band: no book may be asked for such a price.
      if (limit > book.maxPrice) return Code.NO_LIQUIDITY;
      book.sweep(order.side, limit, order.quantity);
      if (book.sweptQuantity === 0) return Code.NO_LIQUIDITY;
      notional = book.sweptNotional * symbols.quotePerTickLot[order.symbol];
      const notionalCode = this.#notional(order, notional);
      if (notionalCode !== OK) return notionalCode;
    } else if (order.timeInForce === FillOrKill && !book.fillable(order.side, order.price, order.quantity)) return Code.FOK_NOT_FILLABLE;
    else if (order.timeInForce === PostOnly && this.#crosses(order, book)) return Code.POST_ONLY_WOULD_TRADE;
    return this.#need(order, notional) > accounts.available[this.#payAt(order)] ? Code.INSUFFICIENT_FUNDS : OK;
  }

  /** Of an amend; `order` has the resting order's symbol, side and time in force, `held` is what that gives back. */
  amend(order: OrderRequest, held: Money): Code {
    const { accounts, symbols } = this;
    if (accounts.suspended[order.account] !== 0) return Code.ACCOUNT_SUSPENDED;
    const phaseCode = this.#phase(order);
    if (phaseCode !== OK) return phaseCode;
    const limitCode = this.#symbolLimits(order, true);
    if (limitCode !== OK) return limitCode;
    if (order.timeInForce === PostOnly && this.#crosses(order, this.books[order.symbol] as OrderBook)) return Code.POST_ONLY_WOULD_TRADE;
    const needed = this.#need(order, order.price * order.quantity * symbols.quotePerTickLot[order.symbol]);
    return needed > accounts.available[this.#payAt(order)] + held ? Code.INSUFFICIENT_FUNDS : OK;
  }

  #phase(order: OrderRequest): Code {
    const { symbols } = this;
    const symbol = order.symbol;
    if (symbol >= symbols.capacity || symbols.defined[symbol] === 0) return Code.UNKNOWN_SYMBOL;
    const phase = symbols.phase[symbol];
    if (phase === Phase.Continuous) return OK;
    if (phase === Phase.Halted) return Code.SYMBOL_HALTED;
    if (phase === Phase.Closed) return Code.SYMBOL_CLOSED;
    return order.timeInForce === GoodTillCancel ? OK : Code.NOT_IN_AUCTION;
  }

  /** Quantity and, with a limit price, price and notional limits of the symbol. */
  #symbolLimits(order: OrderRequest, hasPrice: boolean): Code {
    const { params, quotePerTickLot } = this.symbols;
    const row = order.symbol * SYMBOL_PARAMS;
    const quantity = order.quantity;
    if (quantity < params[row + MinQuantity] || quantity === 0) return Code.QUANTITY_MIN;
    if (quantity > params[row + MaxQuantity]) return Code.QUANTITY_MAX;
    const lotStep = params[row + LotStep];
    if (lotStep !== 1 && quantity % lotStep !== 0) return Code.LOT;
    if (!hasPrice) return OK;
    const price = order.price;
    if (price === 0 || price > params[row + MaxPrice]) return Code.PRICE_RANGE;
    const tickStep = params[row + TickStep];
    if (tickStep !== 1 && price % tickStep !== 0) return Code.TICK;
    if (this.#outsideBand(order)) return Code.PRICE_BAND;
    return this.#notional(order, price * quantity * quotePerTickLot[order.symbol]);
  }

  /** A product that left the exact range is above any MaxNotional, and so is refused. */
  #notional(order: OrderRequest, notional: number): Code {
    const { params } = this.symbols;
    const row = order.symbol * SYMBOL_PARAMS;
    if (notional < params[row + MinNotional]) return Code.NOTIONAL_MIN;
    return notional > params[row + MaxNotional] ? Code.NOTIONAL_MAX : OK;
  }

  /**
   * Buys above the band and sells below it are refused, passive prices are not
   * (as in CME Globex price banding).
   */
  #outsideBand(order: OrderRequest): boolean {
    const { params } = this.symbols;
    const row = order.symbol * SYMBOL_PARAMS;
    const reference = params[row + ReferencePrice];
    const band = params[row + PriceBandPpm];
    if (band === 0 || reference === 0) return false;
    const worse = order.side === Buy ? order.price - reference : reference - order.price;
    return worse * MILLION > reference * band;
  }

  /** The order's limit price; a market order's is the edge of the price band, or the end of the ladder. A sell's edge may lie above the ladder. */
  limitPrice(order: OrderRequest): number {
    if (order.timeInForce !== Market) return order.price;
    const { params } = this.symbols;
    const row = order.symbol * SYMBOL_PARAMS;
    const reference = params[row + ReferencePrice];
    const band = params[row + PriceBandPpm];
    if (band === 0 || reference === 0) return order.side === Buy ? params[row + MaxPrice] : 1;
    const distance = Math.floor((reference * band) / MILLION);
    return order.side === Buy ? Math.min(reference + distance, params[row + MaxPrice]) : Math.max(reference - distance, 1);
  }

  #crosses(order: OrderRequest, book: OrderBook): boolean {
    const best = order.side === Buy ? book.bestAsk() : book.bestBid();
    return best !== 0 && (order.side === Buy ? best <= order.price : best >= order.price);
  }

  /** Where the balance is that the command at work pays from. */
  #payAt(order: OrderRequest): number {
    const { symbols } = this;
    const asset = order.side === Buy ? symbols.quoteAsset[order.symbol] : symbols.baseAsset[order.symbol];
    return order.account * this.accounts.assets + asset;
  }

  /** What the command at work needs for `notional`; noted, because an order that rests whole holds back just that. */
  #need(order: OrderRequest, notional: number): Money {
    const { symbols } = this;
    const symbol = order.symbol;
    this.needed = order.side === Buy ? buyReserve(notional, symbols.reserveFeePpm[symbol]) : order.quantity * symbols.basePerLot[symbol];
    return this.needed;
  }
}
