import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink } from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import { JsonFields } from '../text/json-fields.ts';
import { isoToUs } from '../text/times.ts';
import { writeMakerTrade } from './coinbase-trade.ts';
import { readLevels } from './level-arrays.ts';
import { COINBASE_EXCHANGE_LIST } from './lists/coinbase-list.ts';
import { VenueLine } from './venue-line.ts';
import type { VenueUrls } from './venue-urls.ts';

export const COINBASE_EXCHANGE_URLS: VenueUrls = {
  webSocketUrl: 'wss://ws-feed.exchange.coinbase.com',
  httpUrl: 'https://api.exchange.coinbase.com',
  listOnly: true,
};

const LIST = { pages: COINBASE_EXCHANGE_LIST, path: '/products', queries: [''], urls: COINBASE_EXCHANGE_URLS };

/** Heartbeats come once per second. */
const SILENT_US = 15e6;

const Type = { Snapshot: 0, Update: 1, Ticker: 2, Match: 3, LastMatch: 4, Subscriptions: 5, Heartbeat: 6, Error: 7 } as const;
const TYPES = new ByteTable(['snapshot', 'l2update', 'ticker', 'match', 'last_match', 'subscriptions', 'heartbeat', 'error']);

const Field = {
  Type: 0,
  Product: 1,
  Bids: 2,
  Asks: 3,
  Changes: 4,
  Time: 5,
  Price: 6,
  Quantity: 7,
  Side: 8,
  TradeId: 9,
  Bid: 10,
  BidQuantity: 11,
  Ask: 12,
  AskQuantity: 13,
  Sequence: 14,
} as const;
const FIELDS = ['type', 'product_id', 'bids', 'asks', 'changes', 'time', 'price', 'size', 'side', 'trade_id'].concat([
  'best_bid',
  'best_bid_size',
  'best_ask',
  'best_ask_size',
  'sequence',
]);
const SIDES = new ByteTable(['buy', 'sell']);

/**
 * Coinbase Exchange, the older feed: `level2_batch` (`snapshot`, `l2update`), `matches`, `ticker` and `heartbeat`. Changes of a
 * book have no number: the venue guarantees the delivery of `level2`. The rules and their sources: docs/FEEDS.md,
 * "Coinbase Exchange".
 */
export class CoinbaseExchangeAdapter extends VenueLine {
  readonly venue = 'coinbase-exchange';
  readonly address: string;
  readonly #fields = new JsonFields(FIELDS);

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    super(options, line, sink, { silentUs: SILENT_US }, LIST);
    this.address = options.webSocketUrl ?? COINBASE_EXCHANGE_URLS.webSocketUrl;
  }

  protected subscribe(): void {
    this.#subscribe(this.wantedNames());
  }

  protected override again(number: number): void {
    this.#subscribe([this.instruments[number].name]);
  }

  #subscribe(names: readonly string[]): void {
    if (names.length === 0) return;
    this.line.send(JSON.stringify({ type: 'subscribe', product_ids: names, channels: ['heartbeat', 'level2_batch', 'matches', 'ticker'] }));
  }

  protected message(bytes: Uint8Array): void {
    const { scanner } = this;
    const fields = this.#fields;
    if (!fields.readText(scanner, bytes)) {
      this.restart(FeedFault.Malformed);
      return;
    }
    const type = fields.id(scanner, Field.Type, TYPES);
    if (type === -1) this.count(FeedFault.UnknownMessage);
    else if (type === Type.Error) this.count(FeedFault.Refused);
    // The last match is a trade from before the connection.
    if (type === -1 || type > Type.Match) return;
    const number = this.#instrument();
    if (number === -1) return;
    // Changes of a book have none.
    this.sink.sequence(Math.max(0, wholeNumber(bytes, fields.from[Field.Sequence], fields.to[Field.Sequence])));
    if (type === Type.Snapshot) this.#snapshot(number);
    else if (type === Type.Update) this.#update(number, bytes);
    else if (type === Type.Match) writeMakerTrade(this.instruments[number], bytes, fields, Field, SIDES);
    else this.#ticker(number, bytes);
  }

  #snapshot(number: number): void {
    const fields = this.#fields;
    const instrument = this.instruments[number];
    if (!fields.has(Field.Bids) || !fields.has(Field.Asks)) {
      this.restart(FeedFault.MissingField);
      return;
    }
    instrument.beginSnapshot();
    const bids = readLevels(this.scanner, fields.position[Field.Bids], instrument, BookSide.Bid);
    const asks = readLevels(this.scanner, fields.position[Field.Asks], instrument, BookSide.Ask);
    if (bids && asks) instrument.endSnapshot(0);
    else this.restart(FeedFault.MissingField);
  }

  /** `changes` is a list of side, price and quantity. */
  #update(number: number, bytes: Uint8Array): void {
    const { scanner } = this;
    const fields = this.#fields;
    const instrument = this.instruments[number];
    if (!instrument.whole) {
      instrument.fault(FeedFault.NoSnapshot);
      return;
    }
    const timeUs = isoToUs(bytes, fields.from[Field.Time], fields.to[Field.Time]);
    if (fields.has(Field.Changes)) scanner.resume(fields.position[Field.Changes]);
    if (!fields.has(Field.Changes) || !scanner.array()) {
      this.restart(FeedFault.MissingField);
      return;
    }
    let complete = true;
    while (scanner.next()) {
      let inside = scanner.array() && scanner.next();
      const side = inside && scanner.value() ? scanner.id(SIDES) : -1;
      inside = inside && scanner.next();
      const priced = inside && scanner.value();
      const { from, to } = scanner;
      inside = inside && scanner.next();
      if (side === -1 || !priced || !inside || !scanner.value()) complete = false;
      else instrument.level(side === 0 ? BookSide.Bid : BookSide.Ask, bytes, from, to, scanner.from, scanner.to);
      if (inside) scanner.leave();
    }
    if (complete) instrument.endUpdate(timeUs);
    else this.restart(FeedFault.MissingField);
  }

  #ticker(number: number, bytes: Uint8Array): void {
    const { from, to } = this.#fields;
    const { Bid, BidQuantity, Ask, AskQuantity } = Field;
    // Recordings of 2021 have the prices without their quantities: no quote.
    if (![Bid, BidQuantity, Ask, AskQuantity].every((field) => this.#fields.has(field))) return;
    const instrument = this.instruments[number];
    const timeUs = isoToUs(bytes, from[Field.Time], to[Field.Time]);
    const fault = instrument.quoteBid(bytes, from[Bid], to[Bid], from[BidQuantity], to[BidQuantity]);
    if (fault === FeedFault.None) instrument.quoteAsk(bytes, from[Ask], to[Ask], from[AskQuantity], to[AskQuantity], timeUs);
  }

  #instrument(): number {
    if (!this.#fields.has(Field.Product)) {
      this.count(FeedFault.MissingField);
      return -1;
    }
    this.scanner.resume(this.#fields.position[Field.Product]);
    return this.scanner.value() ? this.instrument(this.scanner) : -1;
  }
}
