import type { InstrumentFeed } from '../books/instrument-feed.ts';
import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink } from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import { JsonFields } from '../text/json-fields.ts';
import { isoToUs } from '../text/times.ts';
import { writeMakerTrade } from './coinbase-trade.ts';
import { COINBASE_LIST } from './lists/coinbase-list.ts';
import { VenueLine } from './venue-line.ts';
import type { VenueUrls } from './venue-urls.ts';

export const COINBASE_URLS: VenueUrls = {
  webSocketUrl: 'wss://advanced-trade-ws.coinbase.com',
  httpUrl: 'https://api.coinbase.com',
  listOnly: true,
};

const LIST = { pages: COINBASE_LIST, path: '/api/v3/brokerage/market/products', queries: [''], urls: COINBASE_URLS };

/** Heartbeats come once per second. */
const SILENT_US = 15e6;

const Channel = { Level2: 0, Trades: 1, Ticker: 2, TickerBatch: 3, Heartbeats: 4, Subscriptions: 5, Candles: 6, Status: 7 } as const;
const CHANNELS = new ByteTable(['l2_data', 'market_trades', 'ticker', 'ticker_batch', 'heartbeats', 'subscriptions', 'candles', 'status']);
const SUBSCRIBED = ['heartbeats', 'level2', 'market_trades', 'ticker'];

const Field = { Channel: 0, Time: 1, Sequence: 2, Events: 3, Type: 4 } as const;
const FIELDS = ['channel', 'timestamp', 'sequence_num', 'events', 'type'];
const Event = { Type: 0, Product: 1, Updates: 2, Trades: 3, Tickers: 4 } as const;
const EVENT_FIELDS = ['type', 'product_id', 'updates', 'trades', 'tickers'];
const EventType = { Snapshot: 0, Update: 1 } as const;
const EVENT_TYPES = new ByteTable(['snapshot', 'update']);
const Level = { Side: 0, Price: 1, Quantity: 2 } as const;
const LEVEL_FIELDS = ['side', 'price_level', 'new_quantity'];
const Trade = { Product: 0, TradeId: 1, Price: 2, Quantity: 3, Time: 4, Side: 5 } as const;
const TRADE_FIELDS = ['product_id', 'trade_id', 'price', 'size', 'time', 'side'];
const Ticker = { Product: 0, Bid: 1, BidQuantity: 2, Ask: 3, AskQuantity: 4 } as const;
const TICKER_FIELDS = ['product_id', 'best_bid', 'best_bid_quantity', 'best_ask', 'best_ask_quantity'];
const SIDES = new ByteTable(['bid', 'offer']);
const MAKER_SIDES = new ByteTable(['BUY', 'SELL']);

/**
 * Coinbase Advanced Trade: `level2` (its messages are `l2_data`), `market_trades`, `ticker` and `heartbeats`. Messages are
 * numbered over all channels of the connection, so that a missing one makes every book of it uncertain. The rules and
 * their sources: docs/FEEDS.md, "Coinbase Advanced Trade".
 */
export class CoinbaseAdapter extends VenueLine {
  readonly venue = 'coinbase';
  readonly address: string;
  readonly #fields = new JsonFields(FIELDS);
  readonly #event = new JsonFields(EVENT_FIELDS);
  readonly #level = new JsonFields(LEVEL_FIELDS);
  readonly #trade = new JsonFields(TRADE_FIELDS);
  readonly #ticker = new JsonFields(TICKER_FIELDS);
  readonly #events: number[] = [];
  readonly #trades: number[] = [];
  /** The number of the next message; -1 before the first one. */
  #sequence = -1;

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    super(options, line, sink, { silentUs: SILENT_US }, LIST);
    this.address = options.webSocketUrl ?? COINBASE_URLS.webSocketUrl;
  }

  protected subscribe(): void {
    this.#sequence = -1;
    this.#subscribe(this.wantedNames());
  }

  protected override again(number: number): void {
    this.#subscribe([this.instruments[number].name]);
  }

  #subscribe(names: readonly string[]): void {
    if (names.length === 0) return;
    for (const channel of SUBSCRIBED) this.line.send(JSON.stringify({ type: 'subscribe', product_ids: names, channel }));
  }

  protected message(bytes: Uint8Array): void {
    const { scanner } = this;
    const fields = this.#fields;
    if (!fields.readText(scanner, bytes)) {
      this.restart(FeedFault.Malformed);
      return;
    }
    if (!fields.has(Field.Channel)) {
      this.count(fields.has(Field.Type) ? FeedFault.Refused : FeedFault.UnknownMessage);
      return;
    }
    if (!this.#inSequence(bytes)) return;
    const channel = fields.id(scanner, Field.Channel, CHANNELS);
    if (channel === -1) this.count(FeedFault.UnknownMessage);
    else if (channel <= Channel.TickerBatch) this.#eventsOf(channel, bytes);
  }

  /** @returns false for a message that comes twice. A missing one ends the connection; this one is read nevertheless. */
  #inSequence(bytes: Uint8Array): boolean {
    const number = wholeNumber(bytes, this.#fields.from[Field.Sequence], this.#fields.to[Field.Sequence]);
    if (number === -1) {
      this.count(FeedFault.MissingField);
      return false;
    }
    if (this.#sequence !== -1 && number < this.#sequence) {
      this.count(FeedFault.SequenceBack);
      return false;
    }
    if (this.#sequence !== -1 && number > this.#sequence) {
      this.restart(FeedFault.SequenceGap);
    }
    this.#sequence = number + 1;
    this.sink.sequence(number);
    return true;
  }

  #eventsOf(channel: number, bytes: Uint8Array): void {
    const { scanner } = this;
    const timeUs = isoToUs(bytes, this.#fields.from[Field.Time], this.#fields.to[Field.Time]);
    if (!this.#fields.list(scanner, Field.Events, this.#events)) this.count(FeedFault.MissingField);
    for (const position of this.#events) {
      scanner.resume(position);
      if (!this.#event.readObject(scanner)) this.count(FeedFault.MissingField);
      else if (channel === Channel.Level2) this.#levels(bytes, timeUs);
      else if (channel === Channel.Trades) this.#tradesOf(bytes);
      else this.#tickers(bytes, timeUs);
    }
  }

  #levels(bytes: Uint8Array, timeUs: number): void {
    const { scanner } = this;
    const event = this.#event;
    const type = event.id(scanner, Event.Type, EVENT_TYPES);
    const number = this.#instrument(event, Event.Product);
    if (number === -1) return;
    const instrument = this.instruments[number];
    if (type === -1 || !event.has(Event.Updates)) {
      this.restart(FeedFault.MissingField);
      return;
    }
    if (type === EventType.Update && !instrument.whole) {
      instrument.fault(FeedFault.NoSnapshot);
      return;
    }
    if (type === EventType.Snapshot) instrument.beginSnapshot();
    if (!this.#readLevels(instrument, bytes)) this.restart(FeedFault.MissingField);
    else if (type === EventType.Snapshot) instrument.endSnapshot(timeUs);
    else instrument.endUpdate(timeUs);
  }

  /** @returns false if an update has no side, price and quantity */
  #readLevels(instrument: InstrumentFeed, bytes: Uint8Array): boolean {
    const { scanner } = this;
    const level = this.#level;
    const { from, to } = level;
    const { Side, Price, Quantity } = Level;
    scanner.resume(this.#event.position[Event.Updates]);
    if (!scanner.array()) return false;
    let complete = true;
    while (scanner.next()) {
      const side = level.readObject(scanner) ? SIDES.find(bytes, from[Side], to[Side]) : -1;
      if (side === -1 || !level.has(Price) || !level.has(Quantity)) complete = false;
      else instrument.level(side === 0 ? BookSide.Bid : BookSide.Ask, bytes, from[Price], to[Price], from[Quantity], to[Quantity]);
    }
    return complete;
  }

  /** The venue lists the newest trade first. Its snapshot has trades from before the connection, which are not written. */
  #tradesOf(bytes: Uint8Array): void {
    const { scanner } = this;
    if (this.#event.id(scanner, Event.Type, EVENT_TYPES) === EventType.Snapshot) return;
    if (!this.#event.list(scanner, Event.Trades, this.#trades)) this.count(FeedFault.MissingField);
    for (let i = this.#trades.length - 1; i >= 0; i--) {
      scanner.resume(this.#trades[i]);
      const trade = this.#trade.readObject(scanner);
      const number = trade ? this.#instrument(this.#trade, Trade.Product) : -1;
      if (number === -1) continue;
      writeMakerTrade(this.instruments[number], bytes, this.#trade, Trade, MAKER_SIDES);
    }
  }

  #tickers(bytes: Uint8Array, timeUs: number): void {
    const { scanner } = this;
    if (!this.#event.list(scanner, Event.Tickers, this.#trades)) this.count(FeedFault.MissingField);
    const { from, to } = this.#ticker;
    const { Bid, BidQuantity, Ask, AskQuantity } = Ticker;
    for (const position of this.#trades) {
      scanner.resume(position);
      const number = this.#ticker.readObject(scanner) ? this.#instrument(this.#ticker, Ticker.Product) : -1;
      if (number === -1) continue;
      const instrument = this.instruments[number];
      // The batched ticker has no best prices.
      if (!this.#ticker.has(Bid) || !this.#ticker.has(Ask)) continue;
      const fault = instrument.quoteBid(bytes, from[Bid], to[Bid], from[BidQuantity], to[BidQuantity]);
      if (fault === FeedFault.None) instrument.quoteAsk(bytes, from[Ask], to[Ask], from[AskQuantity], to[AskQuantity], timeUs);
    }
  }

  #instrument(fields: JsonFields, field: number): number {
    if (!fields.has(field)) {
      this.count(FeedFault.MissingField);
      return -1;
    }
    this.scanner.resume(fields.position[field]);
    return this.scanner.value() ? this.instrument(this.scanner) : -1;
  }
}
