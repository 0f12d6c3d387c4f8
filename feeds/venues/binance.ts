import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink, TakerSide } from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import { JsonFields } from '../text/json-fields.ts';
import { countToUs } from '../text/times.ts';
import type { BinanceMarket } from './binance-markets.ts';
import { readLevels } from './level-arrays.ts';
import { BINANCE_LIST } from './lists/binance-list.ts';
import { SnapshotLine } from './snapshot-line.ts';

const DEFAULT_DEPTH = 1000;
/** The venue allows 1,024 streams on a connection; an instrument has three. */
const MAX_BINANCE_INSTRUMENTS = 341;
/** The server's pings are not frames, and instruments that hardly trade have no frame for minutes. */
const SILENT_US = 180e6;

const Event = { Depth: 0, Trade: 1, AggregateTrade: 2, BookTicker: 3, Shutdown: 4 } as const;
/** Those behind the shutdown are known and not read. */
const EVENTS = new ByteTable(
  ['depthUpdate', 'trade', 'aggTrade', 'bookTicker', 'serverShutdown'].concat(['kline', '24hrTicker', '24hrMiniTicker', 'markPriceUpdate']),
);

/** Of every message. Combined streams wrap an event as `data`; `a` and `b` are lists in changes, texts in quotes and numbers in trades. */
const Field = {
  Data: 0,
  Event: 1,
  EventTime: 2,
  Symbol: 3,
  FirstId: 4,
  LastId: 5,
  PreviousId: 6,
  Bid: 7,
  BidQuantity: 8,
  Ask: 9,
  AskQuantity: 10,
  Price: 11,
  Quantity: 12,
  Time: 13,
  TradeId: 14,
  BuyerRests: 15,
  Result: 16,
  Error: 17,
} as const;
const FIELDS = ['data', 'e', 'E', 's', 'U', 'u', 'pu', 'b', 'B', 'a', 'A', 'p', 'q', 'T', 't', 'm', 'result', 'error'];

const Snapshot = { Id: 0, Bids: 1, Asks: 2, EventTime: 3 } as const;
/** What of an instrument may still repeat what came on the connection before. */
const Join = { Book: 1, Trades: 2, Quotes: 4 } as const;

/** First letters of `true` and `false`. */
const TRUE = 0x74;
const FALSE = 0x66;

const SNAPSHOT_FIELDS = ['lastUpdateId', 'bids', 'asks', 'E'];

/**
 * Binance spot, Binance US and futures: `depth@100ms`, trades and `bookTicker` in combined streams, snapshots over HTTP.
 * The rules and their sources: docs/FEEDS.md, "Binance".
 */
export class BinanceAdapter extends SnapshotLine {
  readonly venue: string;
  readonly address: string;
  readonly #market: BinanceMarket;
  readonly #fields = new JsonFields(FIELDS, 1);
  readonly #snapshot = new JsonFields(SNAPSHOT_FIELDS);
  /** By instrument: number of the last change in the book. */
  readonly #lastIds: number[] = [];
  /** By instrument: the next change is the first one behind a snapshot. */
  readonly #first: boolean[] = [];
  /** By instrument: of what the connection before may have brought the beginning, {@link Join}s. */
  readonly #joins: number[] = [];
  /** By instrument: number of the last change that came, and that of the last one of the connection before. */
  readonly #seenIds: number[] = [];
  readonly #joinIds: number[] = [];
  /** By instrument: number of the last trade and of the last quote; 0 = none. */
  readonly #tradeIds: number[] = [];
  readonly #quoteIds: number[] = [];

  constructor(market: BinanceMarket, options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    const { listPath: path, listQuery } = market;
    super(options, line, sink, { silentUs: SILENT_US }, { pages: BINANCE_LIST, path, queries: [listQuery], urls: market });
    if (options.instruments.length > MAX_BINANCE_INSTRUMENTS) {
      throw new RangeError(
        `${options.instruments.length} instruments on a line of ${market.venue}; give at most ${MAX_BINANCE_INSTRUMENTS}`,
      );
    }
    this.#market = market;
    this.venue = market.venue;
    const streams = options.instruments.flatMap((name) =>
      [`depth@100ms`, market.trades, 'bookTicker'].map((stream) => `${name.toLowerCase()}@${stream}`),
    );
    this.address = `${options.webSocketUrl ?? market.webSocketUrl}/stream?streams=${streams.join('/')}`;
  }

  takeOver(): void {
    for (const number of this.instruments.keys()) {
      this.#joins[number] = Join.Book | Join.Trades | Join.Quotes;
      this.#joinIds[number] = this.#seenIds[number] ?? 0;
    }
  }

  protected subscribe(nowUs: number): void {
    this.#joins.fill(0);
    this.#seenIds.fill(0);
    this.#tradeIds.fill(0);
    this.#quoteIds.fill(0);
    // The address is the subscription.
    for (const number of this.instruments.keys()) this.need(number, nowUs);
  }

  protected message(bytes: Uint8Array, nowUs: number): void {
    const { scanner } = this;
    const fields = this.#fields;
    if (!fields.readText(scanner, bytes)) this.restart(FeedFault.Malformed);
    else if (fields.has(Field.Event)) this.#event(fields.id(scanner, Field.Event, EVENTS), bytes, nowUs);
    else if (fields.has(Field.AskQuantity)) this.#quote(bytes);
    else if (fields.has(Field.Error)) this.count(FeedFault.Refused);
    else if (!fields.has(Field.Result)) this.count(FeedFault.UnknownMessage);
  }

  protected snapshotUrl(name: string): string {
    const { httpUrl, depthPath, depths } = this.#market;
    const wanted = this.options.depth ?? DEFAULT_DEPTH;
    const limit = depths.find((depth) => depth >= wanted) ?? depths[depths.length - 1];
    return `${this.options.httpUrl ?? httpUrl}${depthPath}?symbol=${name}&limit=${limit}`;
  }

  protected instrumentOf(url: string): number {
    const name = /\/depth\?(?:.*&)?symbol=([^&]+)/.exec(url);
    return name === null ? -1 : this.instrumentNamed(name[1]);
  }

  protected snapshot(number: number, bytes: Uint8Array): boolean {
    const { scanner } = this;
    const fields = this.#snapshot;
    const instrument = this.instruments[number];
    if (!fields.readText(scanner, bytes)) return this.#unusable(number, FeedFault.Malformed);
    const id = wholeNumber(bytes, fields.from[Snapshot.Id], fields.to[Snapshot.Id]);
    if (id === -1 || !fields.has(Snapshot.Bids) || !fields.has(Snapshot.Asks)) return this.#unusable(number, FeedFault.MissingField);
    if (this.#isTooOld(number, id)) return this.#unusable(number, FeedFault.SnapshotTooOld);
    fields.readText(scanner, bytes);
    this.sink.sequence(id);
    instrument.beginSnapshot();
    const bids = readLevels(scanner, fields.position[Snapshot.Bids], instrument, BookSide.Bid);
    const asks = readLevels(scanner, fields.position[Snapshot.Asks], instrument, BookSide.Ask);
    if (!bids || !asks) {
      instrument.sync(FeedFault.MissingField);
      return false;
    }
    this.#lastIds[number] = id;
    this.#first[number] = true;
    instrument.endSnapshot(countToUs(bytes, fields.from[Snapshot.EventTime], fields.to[Snapshot.EventTime], 3));
    return true;
  }

  /** Changes are missing between the snapshot and the first one that waits and is not in it. */
  #isTooOld(number: number, snapshotId: number): boolean {
    const pending = this.pending(number);
    for (let i = 0; i < pending.count; i++) {
      const bytes = pending.frame(i);
      this.#fields.readText(this.scanner, bytes);
      if (!this.#isOld(bytes, snapshotId, true)) return !this.#follows(bytes, snapshotId, true);
    }
    return false;
  }

  #unusable(number: number, fault: FeedFault): boolean {
    this.instruments[number].fault(fault);
    return false;
  }

  #event(event: number, bytes: Uint8Array, nowUs: number): void {
    if (event === Event.Depth) this.#change(bytes, nowUs);
    else if (event === Event.Trade || event === Event.AggregateTrade) this.#trade(bytes, event === Event.Trade ? Field.TradeId : Field.Ask);
    else if (event === Event.BookTicker) this.#quote(bytes);
    else if (event === Event.Shutdown) this.#shutdown();
    else if (event === -1) this.count(FeedFault.UnknownMessage);
  }

  /** The venue will end the connection, and asks for a new one before. */
  #shutdown(): void {
    if (this.line.replace?.()) this.count(FeedFault.VenueDown);
    else this.restart(FeedFault.VenueDown);
  }

  #change(bytes: Uint8Array, nowUs: number): void {
    const fields = this.#fields;
    const number = this.#instrument();
    if (number === -1) return;
    const instrument = this.instruments[number];
    const last = this.#lastIds[number];
    const first = this.#first[number];
    const joins = this.#isJoining(number, Join.Book);
    const numbered = this.#number(bytes, Field.FirstId) !== -1 && this.#number(bytes, Field.LastId) !== -1;
    if (numbered) this.#seenIds[number] = this.#number(bytes, Field.LastId);
    if (!numbered || !fields.has(Field.Bid) || !fields.has(Field.Ask)) instrument.fault(FeedFault.MissingField);
    else if (this.isWaiting(number)) this.wait(number, bytes);
    else if (this.#isOld(bytes, last, first)) {
      // Changes that the snapshot includes are expected. Later ones come twice.
      if (!first && !joins) instrument.fault(FeedFault.SequenceBack);
    } else if (!this.#follows(bytes, last, first) && !(joins && this.#overlaps(bytes, last))) {
      instrument.fault(FeedFault.SequenceGap);
      this.lost(number, FeedFault.SequenceGap, nowUs);
      this.wait(number, bytes);
    } else {
      this.#lastIds[number] = this.#number(bytes, Field.LastId);
      this.sink.sequence(this.#lastIds[number]);
      this.#first[number] = false;
      // Changes of the connection before may still have waited for a snapshot.
      if (joins && this.#lastIds[number] > this.#joinIds[number]) this.#joins[number] &= ~Join.Book;
      const bids = readLevels(this.scanner, fields.position[Field.Bid], instrument, BookSide.Bid);
      const asks = readLevels(this.scanner, fields.position[Field.Ask], instrument, BookSide.Ask);
      if (bids && asks) instrument.endUpdate(this.#timeUs(bytes, Field.EventTime));
      else this.lost(number, FeedFault.MissingField, nowUs);
    }
  }

  /** Whether the change in the fields ended at or before `id`. @param first `id` is that of a snapshot */
  #isOld(bytes: Uint8Array, id: number, first: boolean): boolean {
    const lastId = this.#number(bytes, Field.LastId);
    // Futures: the change that ends with the snapshot's number is the first one to apply, and the next one is linked to it.
    return this.#market.linked && first ? lastId < id : lastId <= id;
  }

  /** Whether the change in the fields comes right behind `id`. @param first `id` is that of a snapshot, which lies anywhere in the change */
  #follows(bytes: Uint8Array, id: number, first: boolean): boolean {
    const firstId = this.#number(bytes, Field.FirstId);
    if (!this.#market.linked) return first ? firstId <= id + 1 : firstId === id + 1;
    return this.#number(bytes, Field.PreviousId) === id || (first && firstId <= id);
  }

  /** Whether nothing is missing between `id` and the change in the fields, whose beginning may be applied already: quantities are absolute. */
  #overlaps(bytes: Uint8Array, id: number): boolean {
    if (!this.#market.linked) return this.#number(bytes, Field.FirstId) <= id + 1;
    const previous = this.#number(bytes, Field.PreviousId);
    return previous !== -1 && previous <= id;
  }

  #isJoining(number: number, what: number): boolean {
    return ((this.#joins[number] ?? 0) & what) !== 0;
  }

  /** Whether the connection before has brought this number. The first one that is newer ends the comparison. */
  #isRepeated(number: number, what: number, ids: number[], id: number): boolean {
    if (id <= 0) return false;
    const isRepeated = this.#isJoining(number, what) && id <= (ids[number] ?? 0);
    if (isRepeated) return true;
    ids[number] = id;
    this.#joins[number] = (this.#joins[number] ?? 0) & ~what;
    return false;
  }

  #trade(bytes: Uint8Array, idField: number): void {
    const { from, to } = this.#fields;
    const number = this.#instrument();
    if (number === -1) return;
    const instrument = this.instruments[number];
    if (!this.#fields.has(Field.Price) || !this.#fields.has(Field.Quantity) || !this.#fields.has(Field.BuyerRests)) {
      instrument.fault(FeedFault.MissingField);
      return;
    }
    const rests = bytes[from[Field.BuyerRests]];
    const taker = rests === TRUE ? TakerSide.Sell : rests === FALSE ? TakerSide.Buy : TakerSide.Unknown;
    const timeUs = this.#timeUs(bytes, Field.Time);
    const id = Math.max(0, this.#number(bytes, idField));
    if (this.#isRepeated(number, Join.Trades, this.#tradeIds, id)) return;
    const { Price, Quantity } = Field;
    instrument.trade(bytes, from[Price], to[Price], from[Quantity], to[Quantity], taker, timeUs, id);
  }

  #quote(bytes: Uint8Array): void {
    const { from, to } = this.#fields;
    const number = this.#instrument();
    if (number === -1) return;
    const { Bid, BidQuantity, Ask, AskQuantity } = Field;
    const instrument = this.instruments[number];
    if (!this.#fields.has(Bid) || !this.#fields.has(BidQuantity) || !this.#fields.has(Ask) || !this.#fields.has(AskQuantity)) {
      instrument.fault(FeedFault.MissingField);
      return;
    }
    if (this.#isRepeated(number, Join.Quotes, this.#quoteIds, this.#number(bytes, Field.LastId))) return;
    this.sink.sequence(Math.max(0, this.#number(bytes, Field.LastId)));
    const fault = instrument.quoteBid(bytes, from[Bid], to[Bid], from[BidQuantity], to[BidQuantity]);
    if (fault !== FeedFault.None) return;
    // Spot quotes have no time.
    instrument.quoteAsk(bytes, from[Ask], to[Ask], from[AskQuantity], to[AskQuantity], this.#timeUs(bytes, Field.EventTime));
  }

  #instrument(): number {
    const position = this.#fields.position[Field.Symbol];
    if (position === -1) {
      this.count(FeedFault.MissingField);
      return -1;
    }
    this.scanner.resume(position);
    return this.scanner.value() ? this.instrument(this.scanner) : -1;
  }

  #number(bytes: Uint8Array, field: number): number {
    return wholeNumber(bytes, this.#fields.from[field], this.#fields.to[field]);
  }

  #timeUs(bytes: Uint8Array, field: number): number {
    return countToUs(bytes, this.#fields.from[field], this.#fields.to[field], 3);
  }
}
