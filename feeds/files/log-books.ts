import { nameAt } from '../../engine/rules/accounts.ts';
import type { Symbols } from '../../engine/rules/symbols.ts';
import { Phase } from '../../engine/wire/layout.ts';
import {
  MARKET_EVENT_BYTES,
  MarketEventKind,
  type MarketEventSlots,
  MarketEventView,
  MarketField,
  TRADE_IN_AUCTION,
  TRADE_KEEPS_ORDER,
  TRADE_KEEPS_OTHER,
} from '../../engine/wire/market-event.ts';
import { AddedOrder, OrderLevels } from '../books/order-levels.ts';
import { BookSide, FeedFault, type FeedSink, FeedState, TakerSide } from '../feed.ts';

const TWO_32 = 2 ** 32;
const BUY = 0;
const EVENT_DOUBLES = MARKET_EVENT_BYTES / 8;

/**
 * The books and trades of the exchange's own market events, in decimal units: a price is ticks times the mantissa of a
 * tick. A symbol is live in continuous trading; in auctions its book may be crossed, and it is stale.
 */
export class LogBooks {
  readonly #sink: FeedSink;
  readonly #books: OrderLevels;
  readonly #symbols: Symbols;
  /** Number in the sink plus one, by symbol; 0 = not yet known. */
  readonly #instruments: Int32Array;
  readonly #view = new MarketEventView();
  /** The symbol and command whose update has not ended; 0 = none. */
  #openSymbol = 0;
  #openSeq = 0;
  #openTimeUs = 0;
  /** Of the present event. */
  #timeUs = 0;

  constructor(sink: FeedSink, symbols: Symbols) {
    this.#sink = sink;
    this.#books = new OrderLevels(sink);
    this.#symbols = symbols;
    this.#instruments = new Int32Array(symbols.capacity);
  }

  event(slots: MarketEventSlots, slot: number): void {
    const event = this.#view.wrap(slots, slot);
    const { symbol, kind, seq } = event;
    this.#timeUs = slots.f64[slot * EVENT_DOUBLES + MarketField.time];
    if (this.#openSymbol !== 0 && (symbol !== this.#openSymbol || seq !== this.#openSeq)) this.end();
    const instrument = this.#instruments[symbol] === 0 ? this.#meet(symbol) : this.#instruments[symbol] - 1;
    if (instrument === -1) return;
    switch (kind) {
      case MarketEventKind.Add:
        this.#add(event, instrument, symbol);
        break;
      case MarketEventKind.Trade:
        this.#trade(event, instrument, symbol);
        break;
      case MarketEventKind.Reduce: {
        const order = this.#find(instrument, event.orderId);
        if (order === -1) return;
        const fall = this.#books.quantityOf(order) - event.quantity * this.#symbols.lotMantissa[symbol];
        if (fall > 0) this.#books.reduce(order, fall);
        break;
      }
      case MarketEventKind.Remove: {
        const order = this.#find(instrument, event.orderId);
        if (order === -1) return;
        this.#books.remove(order);
        break;
      }
      case MarketEventKind.Phase:
        this.#sink.status(instrument, event.flags === Phase.Continuous ? FeedState.Live : FeedState.Stale, FeedFault.None);
        return;
      default:
        return;
    }
    this.#openSymbol = symbol;
    this.#openSeq = seq;
    this.#openTimeUs = this.#timeUs;
  }

  /** The events of the last command are complete. */
  end(): void {
    if (this.#openSymbol === 0) return;
    this.#books.end(this.#instruments[this.#openSymbol] - 1, this.#openTimeUs);
    this.#openSymbol = 0;
  }

  #meet(symbol: number): number {
    const { tickDecimals, lotDecimals } = this.#symbols;
    const instrument = this.#sink.instrument(nameAt(this.#symbols.names, symbol));
    this.#instruments[symbol] = instrument + 1;
    if (instrument === -1) return -1;
    this.#sink.scale(instrument, tickDecimals[symbol], lotDecimals[symbol]);
    this.#sink.bookClear(instrument);
    this.#books.end(instrument, 0);
    return instrument;
  }

  #add(event: MarketEventView, instrument: number, symbol: number): void {
    const { orderId } = event;
    const side = event.side === BUY ? BookSide.Bid : BookSide.Ask;
    const price = event.price * this.#symbols.tickMantissa[symbol];
    const quantity = event.quantity * this.#symbols.lotMantissa[symbol];
    if (price > Number.MAX_SAFE_INTEGER || quantity > Number.MAX_SAFE_INTEGER)
      return this.#sink.fault(instrument, FeedFault.NumberTooLarge);
    const added = this.#books.add(instrument, Math.floor(orderId / TWO_32), orderId | 0, side, price, quantity);
    if (added !== AddedOrder.Done)
      this.#sink.fault(instrument, added === AddedOrder.Duplicate ? FeedFault.DuplicateOrder : FeedFault.BookFull);
  }

  #trade(event: MarketEventView, instrument: number, symbol: number): void {
    const { flags, orderId, otherId } = event;
    const price = event.price * this.#symbols.tickMantissa[symbol];
    const quantity = event.quantity * this.#symbols.lotMantissa[symbol];
    const inAuction = (flags & TRADE_IN_AUCTION) !== 0;
    if ((flags & TRADE_KEEPS_ORDER) === 0) this.#fall(instrument, orderId, quantity);
    if (inAuction && (flags & TRADE_KEEPS_OTHER) === 0) this.#fall(instrument, otherId, quantity);
    if (price > Number.MAX_SAFE_INTEGER || quantity > Number.MAX_SAFE_INTEGER)
      return this.#sink.fault(instrument, FeedFault.NumberTooLarge);
    const taker = inAuction ? TakerSide.Unknown : event.side === BUY ? TakerSide.Buy : TakerSide.Sell;
    this.#sink.trade(instrument, price, quantity, taker, this.#timeUs, event.extra);
  }

  #fall(instrument: number, orderId: number, quantity: number): void {
    const order = this.#find(instrument, orderId);
    if (order !== -1) this.#books.reduce(order, quantity);
  }

  #find(instrument: number, orderId: number): number {
    const order = this.#books.find(instrument, Math.floor(orderId / TWO_32), orderId | 0);
    if (order === -1) this.#sink.fault(instrument, FeedFault.UnknownOrder);
    return order;
  }
}
