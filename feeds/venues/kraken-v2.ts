import { krakenChecksum } from '../books/checksums.ts';
import type { InstrumentFeed } from '../books/instrument-feed.ts';
import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink, TakerSide } from '../feed.ts';
import type { InstrumentTerms } from '../instrument-terms.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import { JsonFields } from '../text/json-fields.ts';
import { isoToUs } from '../text/times.ts';
import { bookDepth, depthOf } from './kraken-depth.ts';
import { krakenPairs } from './lists/kraken-list.ts';
import { SubscriptionLine } from './subscription-line.ts';
import type { VenueUrls } from './venue-urls.ts';

export const KRAKEN_V2_URLS: VenueUrls = { webSocketUrl: 'wss://ws.kraken.com/v2' };

/** Heartbeats come once per second; a book may be silent for longer on a good line. */
const SILENT_US = 10e6;

const CHANNELS = new ByteTable(['book', 'trade', 'ticker', 'instrument', 'heartbeat', 'status', 'ping', 'pong']);
const Channel = { Book: 0, Trade: 1, Ticker: 2, Instrument: 3, Heartbeat: 4, Status: 5 } as const;
const TYPES = new ByteTable(['snapshot', 'update']);
const Type = { Snapshot: 0, Update: 1 } as const;
const METHODS = new ByteTable(['subscribe', 'unsubscribe', 'ping', 'pong']);
const SIDES = new ByteTable(['buy', 'sell']);
const SYSTEMS = new ByteTable(['online']);

const Field = { Channel: 0, Type: 1, Data: 2, Method: 3, Success: 4, Result: 5, Symbol: 6 } as const;
const FIELDS = ['channel', 'type', 'data', 'method', 'success', 'result', 'symbol'];
/** Of the answer to a subscription. */
const Result = { Channel: 0, Depth: 1 } as const;
const RESULT_FIELDS = ['channel', 'depth'];
const Book = { Symbol: 0, Bids: 1, Asks: 2, Checksum: 3, Time: 4 } as const;
const BOOK_FIELDS = ['symbol', 'bids', 'asks', 'checksum', 'timestamp'];
const Level = { Price: 0, Quantity: 1 } as const;
const LEVEL_FIELDS = ['price', 'qty'];
const Trade = { Symbol: 0, Side: 1, Price: 2, Quantity: 3, Id: 4, Time: 5 } as const;
const TRADE_FIELDS = ['symbol', 'side', 'price', 'qty', 'trade_id', 'timestamp'];
const Ticker = { Symbol: 0, Bid: 1, BidQuantity: 2, Ask: 3, AskQuantity: 4, Time: 5 } as const;
const TICKER_FIELDS = ['symbol', 'bid', 'bid_qty', 'ask', 'ask_qty', 'timestamp'];
const Pairs = { Pairs: 0 } as const;
const SYSTEM_FIELDS = ['system'];
const FALSE = 0x66;

/**
 * Kraken, WebSocket API version 2: objects, numbers without quotes. The checksum is computed from the text of the numbers,
 * zeros at their end included, so they are never read as floats. The rules and their sources: docs/FEEDS.md, "Kraken, version 2".
 */
export class KrakenV2Adapter extends SubscriptionLine {
  readonly venue = 'kraken';
  readonly address: string;
  /** Levels of a side that the venue keeps: as subscribed, as it answered, or as its snapshots show. */
  #depth: number;
  readonly #fields = new JsonFields(FIELDS);
  readonly #result = new JsonFields(RESULT_FIELDS);
  readonly #book = new JsonFields(BOOK_FIELDS);
  readonly #level = new JsonFields(LEVEL_FIELDS);
  readonly #trade = new JsonFields(TRADE_FIELDS);
  readonly #ticker = new JsonFields(TICKER_FIELDS);
  readonly #pairs = new JsonFields(['pairs']);
  readonly #pair = krakenPairs(this.scanner);
  readonly #system = new JsonFields(SYSTEM_FIELDS);
  readonly #data: number[] = [];
  readonly #listed: number[] = [];

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    super(options, line, sink, { silentUs: SILENT_US });
    this.address = options.webSocketUrl ?? KRAKEN_V2_URLS.webSocketUrl;
    this.#depth = options.instruments.length > 0 ? bookDepth(options.depth) : 0;
  }

  protected subscribe(): void {
    if (this.options.instruments.length === 0) return;
    this.#request('subscribe', { channel: 'instrument' });
    this.#subscribe(this.wantedNames());
  }

  protected override again(number: number): void {
    this.#subscribe([this.instruments[number].name]);
  }

  #subscribe(symbol: readonly string[]): void {
    if (symbol.length === 0) return;
    this.#request('subscribe', { channel: 'book', symbol, depth: this.#depth });
    this.#request('subscribe', { channel: 'trade', symbol, snapshot: false });
    this.#request('subscribe', { channel: 'ticker', symbol, event_trigger: 'bbo' });
  }

  protected requestBook(instrument: string): void {
    const symbol = [instrument];
    this.#request('unsubscribe', { channel: 'book', symbol, depth: this.#depth });
    this.#request('subscribe', { channel: 'book', symbol, depth: this.#depth });
  }

  protected message(bytes: Uint8Array, nowUs: number): void {
    const fields = this.#fields;
    const { scanner } = this;
    if (!fields.readText(scanner, bytes)) return this.restart(FeedFault.Malformed);
    if (!fields.has(Field.Channel)) return this.#answer(bytes);
    const channel = fields.id(scanner, Field.Channel, CHANNELS);
    if (channel === -1) return this.count(FeedFault.UnknownMessage);
    if (channel === Channel.Instrument) return this.#instruments(nowUs);
    if (channel === Channel.Status) return this.#status();
    if (channel >= Channel.Heartbeat) return;
    const type = fields.id(scanner, Field.Type, TYPES);
    if (type === -1 || !fields.list(scanner, Field.Data, this.#data)) return this.count(FeedFault.MissingField);
    for (const position of this.#data) {
      scanner.resume(position);
      if (channel === Channel.Book) this.#levels(type, bytes);
      else if (channel === Channel.Ticker) this.#quote(bytes);
      // The snapshot has trades from before the subscription.
      else if (type === Type.Update) this.#tradeOf(bytes);
    }
  }

  /** `{"method":"subscribe","success":false,"error":...,"symbol":...}`: the only sign of a refusal, heartbeats go on. */
  #answer(bytes: Uint8Array): void {
    const fields = this.#fields;
    const { scanner } = this;
    if (fields.id(scanner, Field.Method, METHODS) === -1) return this.count(FeedFault.UnknownMessage);
    if (fields.has(Field.Success) && bytes[fields.from[Field.Success]] === FALSE) {
      const number = fields.has(Field.Symbol) ? this.#named(fields, Field.Symbol) : -1;
      if (number === -1) this.count(FeedFault.Refused);
      else this.instruments[number].fault(FeedFault.Refused);
      return;
    }
    if (!fields.has(Field.Result)) return;
    scanner.resume(fields.position[Field.Result]);
    if (!this.#result.readObject(scanner)) return;
    const depth = wholeNumber(bytes, this.#result.from[Result.Depth], this.#result.to[Result.Depth]);
    if (depth > 0 && this.#result.id(scanner, Result.Channel, CHANNELS) === Channel.Book) this.#depth = depth;
  }

  /** `{"channel":"status","data":[{"system":"online","connection_id":18239578009413566319,...}]}` */
  #status(): void {
    const { scanner } = this;
    if (!this.#fields.list(scanner, Field.Data, this.#data)) return this.count(FeedFault.MissingField);
    for (const position of this.#data) {
      scanner.resume(position);
      if (!this.#system.readObject(scanner) || this.#system.id(scanner, 0, SYSTEMS) === -1) this.count(FeedFault.VenueDown);
    }
  }

  #levels(type: number, bytes: Uint8Array): void {
    const book = this.#book;
    const { scanner } = this;
    if (!book.readObject(scanner)) return this.count(FeedFault.MissingField);
    const number = this.#named(book, Book.Symbol);
    if (number === -1) return;
    const instrument = this.instruments[number];
    const snapshot = type === Type.Snapshot;
    if (!snapshot && !instrument.whole) return instrument.fault(FeedFault.NoSnapshot);
    if (snapshot) instrument.beginSnapshot();
    const asks = this.#readSide(instrument, Book.Asks, BookSide.Ask, bytes);
    const bids = this.#readSide(instrument, Book.Bids, BookSide.Bid, bytes);
    // Either side may be absent from an update; an entry that is no level loses the book.
    if (!asks || !bids) return this.wrong(instrument, FeedFault.MissingField);
    if (snapshot) this.#depth = Math.max(this.#depth, depthOf(instrument.book));
    instrument.truncate(this.#depth);
    const timeUs = isoToUs(bytes, book.from[Book.Time], book.to[Book.Time]);
    if (snapshot) instrument.endSnapshot(timeUs);
    else instrument.endUpdate(timeUs);
    this.#check(instrument, snapshot, bytes);
  }

  #check(instrument: InstrumentFeed, snapshot: boolean, bytes: Uint8Array): void {
    const checksum = wholeNumber(bytes, this.#book.from[Book.Checksum], this.#book.to[Book.Checksum]);
    if (checksum === -1) {
      if (!snapshot) instrument.fault(FeedFault.MissingField);
      return;
    }
    const right = krakenChecksum(instrument.book) === checksum;
    instrument.checked(right);
    if (!right) this.lost(instrument, FeedFault.ChecksumWrong);
  }

  /** Levels `{"price":45283.5,"qty":0.10000000}` in no order. @returns false if one lacks a number */
  #readSide(instrument: InstrumentFeed, field: number, side: BookSide, bytes: Uint8Array): boolean {
    const { scanner } = this;
    const level = this.#level;
    const { from, to } = level;
    if (!this.#book.has(field)) return true;
    scanner.resume(this.#book.position[field]);
    if (!scanner.array()) return false;
    while (scanner.next()) {
      if (!level.readObject(scanner) || to[Level.Price] === 0 || to[Level.Quantity] === 0) return false;
      instrument.level(side, bytes, from[Level.Price], to[Level.Price], from[Level.Quantity], to[Level.Quantity]);
    }
    return true;
  }

  #tradeOf(bytes: Uint8Array): void {
    const trade = this.#trade;
    const { from, to } = trade;
    if (!trade.readObject(this.scanner)) return this.count(FeedFault.MissingField);
    const number = this.#named(trade, Trade.Symbol);
    if (number === -1) return;
    const instrument = this.instruments[number];
    if (!trade.has(Trade.Price) || !trade.has(Trade.Quantity)) return instrument.fault(FeedFault.MissingField);
    const side = SIDES.find(bytes, from[Trade.Side], to[Trade.Side]);
    const taker = side === 0 ? TakerSide.Buy : side === 1 ? TakerSide.Sell : TakerSide.Unknown;
    const timeUs = isoToUs(bytes, from[Trade.Time], to[Trade.Time]);
    const id = Math.max(0, wholeNumber(bytes, from[Trade.Id], to[Trade.Id]));
    instrument.trade(bytes, from[Trade.Price], to[Trade.Price], from[Trade.Quantity], to[Trade.Quantity], taker, timeUs, id);
  }

  #quote(bytes: Uint8Array): void {
    const ticker = this.#ticker;
    const { from, to } = ticker;
    const { Bid, BidQuantity, Ask, AskQuantity } = Ticker;
    if (!ticker.readObject(this.scanner)) return this.count(FeedFault.MissingField);
    const number = this.#named(ticker, Ticker.Symbol);
    if (number === -1) return;
    const instrument = this.instruments[number];
    if (!ticker.has(Bid) || !ticker.has(Ask)) return instrument.fault(FeedFault.MissingField);
    const timeUs = isoToUs(bytes, from[Ticker.Time], to[Ticker.Time]);
    const fault = instrument.quoteBid(bytes, from[Bid], to[Bid], from[BidQuantity], to[BidQuantity]);
    if (fault === FeedFault.None) instrument.quoteAsk(bytes, from[Ask], to[Ask], from[AskQuantity], to[AskQuantity], timeUs);
  }

  /** `{"channel":"instrument","data":{"pairs":[{"symbol":"BTC/USD","price_precision":1,"qty_precision":8,...}]}}` */
  #instruments(nowUs: number): void {
    const { scanner } = this;
    const type = this.#fields.id(scanner, Field.Type, TYPES);
    if (!this.#fields.has(Field.Data)) return this.count(FeedFault.MissingField);
    scanner.resume(this.#fields.position[Field.Data]);
    if (!this.#pairs.readObject(scanner)) return this.count(FeedFault.MissingField);
    // Updates of assets alone have no pairs.
    if (!this.#pairs.list(scanner, Pairs.Pairs, this.#listed)) return;
    const list = new Map<string, InstrumentTerms>();
    for (const position of this.#listed) {
      const terms = this.#pair(position);
      if (terms !== undefined) list.set(terms.name, terms);
    }
    if (type === Type.Snapshot && list.size > 0) this.listedAll(list, nowUs);
    else for (const terms of list.values()) this.listed(terms, nowUs);
  }

  /** The instrument that a field names; -1 if it is absent or unknown, which is counted. */
  #named(fields: JsonFields, field: number): number {
    this.scanner.resume(fields.position[field]);
    if (fields.has(field) && this.scanner.value()) return this.instrument(this.scanner);
    this.count(FeedFault.MissingField);
    return -1;
  }

  #request(method: 'subscribe' | 'unsubscribe', params: object): void {
    this.line.send(JSON.stringify({ method, params }));
  }
}
