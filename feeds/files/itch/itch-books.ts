import { AddedOrder, OrderLevels } from '../../books/order-levels.ts';
import { ALL_INSTRUMENTS, BookSide, FeedFault, type FeedSink, FeedState, TakerSide } from '../../feed.ts';
import { type ItchMessage, ItchType } from './itch-message.ts';
import type { ItchHandler } from './itch-reader.ts';
import { ITCH_PRICE_DECIMALS } from './layout.ts';

/** In place of the number of an instrument: it is not yet known. */
const UNKNOWN = -2;
const LOCATES = 2 ** 16;
const TWO_21 = 2 ** 21;
const TWO_32 = 2 ** 32;

/**
 * The books and trades of a stream of ITCH: orders become levels, executions become trades, all in the units of ITCH
 * (prices with four decimals, whole shares). An instrument is known from its directory message, or from
 * its first order or trade where a file begins in the middle of a day.
 *
 * - An execution with a price that is not printable is no trade: the cross trade that follows has its shares.
 * - A broken trade is counted and changes nothing: the book is not affected by it, and a sink cannot take a trade back.
 * - A trading halt makes an instrument stale until it trades again.
 */
export class ItchBooks implements ItchHandler {
  readonly #sink: FeedSink;
  readonly #books: OrderLevels;
  /** Instrument of each stock locate; -1 where the sink does not want it. */
  readonly #instruments = new Int32Array(LOCATES).fill(UNKNOWN);
  readonly #dayStartUs: number;
  brokenTrades = 0;

  /** @param dayStartUs midnight of the venue's day in microseconds since 1970, which the messages do not have */
  constructor(sink: FeedSink, dayStartUs = 0) {
    this.#sink = sink;
    this.#books = new OrderLevels(sink);
    this.#dayStartUs = dayStartUs;
  }

  /** Orders in all books. */
  get orders(): number {
    return this.#books.orders;
  }

  itch(message: ItchMessage): void {
    switch (message.type) {
      case ItchType.AddOrder:
      case ItchType.AddOrderMpid:
        return this.#add(message);
      case ItchType.OrderExecuted:
      case ItchType.OrderExecutedPrice:
        return this.#execute(message);
      case ItchType.OrderCancel:
        return this.#cancel(message);
      case ItchType.OrderDelete:
        return this.#delete(message);
      case ItchType.OrderReplace:
        return this.#replace(message);
      case ItchType.Trade:
        return this.#trade(message);
      case ItchType.CrossTrade:
        return this.#cross(message);
      case ItchType.BrokenTrade:
        this.brokenTrades++;
        return;
      case ItchType.StockDirectory:
        this.#meet(message.stockLocate, message.directoryStock);
        return;
      case ItchType.TradingAction:
        return this.#tradingAction(message);
      default:
    }
  }

  #add(message: ItchMessage): void {
    let instrument = this.#instruments[message.stockLocate];
    if (instrument === UNKNOWN) instrument = this.#meet(message.stockLocate, message.stock);
    if (instrument === -1) return;
    const side = message.isBuy ? BookSide.Bid : BookSide.Ask;
    if (this.#put(instrument, message.orderIdHigh, message.orderIdLow, side, message.price, message.shares)) {
      this.#books.end(instrument, this.#timeUs(message));
    }
  }

  #execute(message: ItchMessage): void {
    const order = this.#find(message);
    if (order === -1) return;
    const instrument = this.#instruments[message.stockLocate];
    const taker = this.#books.sideOf(order) === BookSide.Bid ? TakerSide.Sell : TakerSide.Buy;
    const withPrice = message.type === ItchType.OrderExecutedPrice;
    const price = withPrice ? message.executionPrice : this.#books.priceOf(order);
    const printable = !withPrice || message.isPrintable;
    const shares = message.executedShares;
    if (!this.#reduce(instrument, order, shares)) return;
    this.#books.end(instrument, this.#timeUs(message));
    if (printable) this.#sink.trade(instrument, price, shares, taker, this.#timeUs(message), matchNumber(message));
  }

  #cancel(message: ItchMessage): void {
    const order = this.#find(message);
    if (order === -1) return;
    const instrument = this.#instruments[message.stockLocate];
    if (this.#reduce(instrument, order, message.cancelledShares)) this.#books.end(instrument, this.#timeUs(message));
  }

  #delete(message: ItchMessage): void {
    const order = this.#find(message);
    if (order === -1) return;
    this.#books.remove(order);
    this.#books.end(this.#instruments[message.stockLocate], this.#timeUs(message));
  }

  #replace(message: ItchMessage): void {
    const order = this.#find(message);
    if (order === -1) return;
    const instrument = this.#instruments[message.stockLocate];
    const side = this.#books.sideOf(order);
    this.#books.remove(order);
    this.#put(instrument, message.newOrderIdHigh, message.newOrderIdLow, side, message.replacePrice, message.replaceShares);
    this.#books.end(instrument, this.#timeUs(message));
  }

  /** A trade of an order that was not displayed: the book does not change. Its side is not stated any more (always buy). */
  #trade(message: ItchMessage): void {
    let instrument = this.#instruments[message.stockLocate];
    if (instrument === UNKNOWN) instrument = this.#meet(message.stockLocate, message.stock);
    if (instrument === -1 || message.shares === 0) return;
    this.#sink.trade(instrument, message.price, message.shares, TakerSide.Unknown, this.#timeUs(message), matchNumber(message));
  }

  /** An auction's trade. One without shares says only that nothing traded. */
  #cross(message: ItchMessage): void {
    const instrument = this.#instruments[message.stockLocate];
    const shares = message.crossShares;
    if (instrument < 0 || shares === 0) return;
    if (shares === -1) return this.#sink.fault(instrument, FeedFault.NumberTooLarge);
    this.#sink.trade(instrument, message.crossPrice, shares, TakerSide.Unknown, this.#timeUs(message), matchNumber(message));
  }

  #tradingAction(message: ItchMessage): void {
    const instrument = this.#meet(message.stockLocate, message.directoryStock);
    if (instrument === -1) return;
    this.#sink.status(instrument, message.tradingState === 'T' ? FeedState.Live : FeedState.Stale, FeedFault.None);
  }

  /** The instrument of a stock locate, a new one if it was not known. */
  #meet(locate: number, stock: string): number {
    if (this.#instruments[locate] !== UNKNOWN) return this.#instruments[locate];
    const instrument = this.#sink.instrument(stock);
    this.#instruments[locate] = instrument;
    if (instrument === -1) return -1;
    this.#sink.scale(instrument, ITCH_PRICE_DECIMALS, 0);
    this.#sink.bookClear(instrument);
    this.#books.end(instrument, 0);
    this.#sink.status(instrument, FeedState.Live, FeedFault.None);
    return instrument;
  }

  /** The order that a message is about, or -1, which is counted. */
  #find(message: ItchMessage): number {
    const instrument = this.#instruments[message.stockLocate];
    if (instrument === -1) return -1;
    const order = instrument === UNKNOWN ? -1 : this.#books.find(instrument, message.orderIdHigh, message.orderIdLow);
    if (order === -1) this.#sink.fault(instrument === UNKNOWN ? ALL_INSTRUMENTS : instrument, FeedFault.UnknownOrder);
    return order;
  }

  #put(instrument: number, idHigh: number, idLow: number, side: BookSide, price: number, shares: number): boolean {
    if (shares === 0) {
      this.#sink.fault(instrument, FeedFault.NumberMalformed);
      return false;
    }
    const added = this.#books.add(instrument, idHigh, idLow, side, price, shares);
    if (added === AddedOrder.Done) return true;
    this.#sink.fault(instrument, added === AddedOrder.Duplicate ? FeedFault.DuplicateOrder : FeedFault.BookFull);
    return false;
  }

  /** Takes shares from an order. More than it has are counted as a fault, and all of it is taken. */
  #reduce(instrument: number, order: number, shares: number): boolean {
    if (shares === 0) {
      this.#sink.fault(instrument, FeedFault.NumberMalformed);
      return false;
    }
    if (shares > this.#books.quantityOf(order)) this.#sink.fault(instrument, FeedFault.OrderExceeded);
    this.#books.reduce(order, shares);
    return true;
  }

  #timeUs(message: ItchMessage): number {
    return this.#dayStartUs + Math.floor(message.timestampNs / 1000);
  }
}

/** The number of a trade, 0 where it is 2^53 or more. */
function matchNumber(message: ItchMessage): number {
  const high = message.matchHigh;
  return high < TWO_21 ? high * TWO_32 + message.matchLow : 0;
}
