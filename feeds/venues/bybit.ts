import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink, TakerSide } from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import { JsonFields } from '../text/json-fields.ts';
import { countToUs } from '../text/times.ts';
import { readLevels } from './level-arrays.ts';
import { BYBIT_LIST } from './lists/bybit-list.ts';
import { VenueLine } from './venue-line.ts';
import type { VenueUrls } from './venue-urls.ts';

export function bybitUrls(category: BybitCategory): VenueUrls {
  return { webSocketUrl: `wss://stream.bybit.com/v5/public/${category}`, httpUrl: 'https://api.bybit.com', listOnly: true };
}

/** The adapter pings every 20 s, as the venue asks, and the venue answers. */
const PING_US = 20e6;
const SILENT_US = 60e6;
/** The venue's markets: spot, contracts with margin in USDT or USDC, and in the coin. */
export type BybitCategory = 'spot' | 'linear' | 'inverse';

/** Of a request on the spot line. */
const MAX_ARGUMENTS = 10;
/** Levels of a side that the venue offers. */
const DEPTHS = [1, 50, 200, 1000];
const DEFAULT_DEPTH = 200;

const TYPES = new ByteTable(['snapshot', 'delta']);
const OPERATIONS = new ByteTable(['subscribe', 'unsubscribe', 'ping', 'pong']);
const SIDES = new ByteTable(['Buy', 'Sell']);

/** `data` is an object in book messages, whose fields belong to the message, and a list in others. */
const Field = { Data: 0, Topic: 1, Type: 2, Time: 3, Bids: 4, Asks: 5, Update: 6, Operation: 7, Success: 8 } as const;
const FIELDS = ['data', 'topic', 'type', 'ts', 'b', 'a', 'u', 'op', 'success'];
const Trade = { Time: 0, Side: 1, Quantity: 2, Price: 3, Id: 4 } as const;
const TRADE_FIELDS = ['T', 'S', 'v', 'p', 'i'];

const BOOK = 'orderbook.';
const TRADES = 'publicTrade.';
const POINT = 0x2e;
const FALSE = 0x66;

/**
 * Bybit v5: `orderbook.N` and `publicTrade` of one category. The rules and their sources: docs/FEEDS.md, "Bybit".
 */
export class BybitAdapter extends VenueLine {
  readonly venue: string;
  readonly address: string;
  readonly #depth: number;
  readonly #fields = new JsonFields(FIELDS, 1);
  readonly #trade = new JsonFields(TRADE_FIELDS);
  readonly #trades: number[] = [];
  /** By instrument: number of the last update; 0 = waits for a snapshot. */
  readonly #updates: number[] = [];
  #pingUs = 0;

  constructor(category: BybitCategory, options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    super(
      options,
      line,
      sink,
      { silentUs: SILENT_US },
      { pages: BYBIT_LIST, path: '/v5/market/instruments-info', queries: [`category=${category}&limit=1000`], urls: bybitUrls(category) },
    );
    this.venue = category === 'spot' ? 'bybit' : `bybit-${category}`;
    this.address = options.webSocketUrl ?? bybitUrls(category).webSocketUrl;
    const wanted = options.depth ?? DEFAULT_DEPTH;
    this.#depth = DEPTHS.find((depth) => depth >= wanted) ?? DEPTHS[DEPTHS.length - 1];
  }

  override closed(nowUs: number): void {
    super.closed(nowUs);
    this.#updates.fill(0);
  }

  protected subscribe(nowUs: number): void {
    this.#pingUs = nowUs;
    this.#updates.fill(0);
    this.#subscribe(this.wantedNames());
  }

  protected override again(number: number): void {
    this.#subscribe([this.instruments[number].name]);
  }

  #subscribe(names: readonly string[]): void {
    const topics = [`${BOOK}${this.#depth}.`, TRADES].flatMap((topic) => names.map((name) => topic + name));
    for (let i = 0; i < topics.length; i += MAX_ARGUMENTS) this.#request('subscribe', topics.slice(i, i + MAX_ARGUMENTS));
  }

  protected message(bytes: Uint8Array): void {
    const fields = this.#fields;
    if (!fields.readText(this.scanner, bytes)) this.restart(FeedFault.Malformed);
    else if (fields.has(Field.Topic)) this.#topic(bytes);
    else if (fields.id(this.scanner, Field.Operation, OPERATIONS) === -1) this.count(FeedFault.UnknownMessage);
    else if (fields.has(Field.Success) && bytes[fields.from[Field.Success]] === FALSE) this.count(FeedFault.Refused);
  }

  protected override poll(nowUs: number): void {
    if (nowUs - this.#pingUs < PING_US) return;
    this.#pingUs = nowUs;
    this.line.send('{"op":"ping"}');
  }

  #topic(bytes: Uint8Array): void {
    const from = this.#fields.from[Field.Topic];
    const to = this.#fields.to[Field.Topic];
    if (startsWith(bytes, from, to, BOOK)) {
      // orderbook.50.BTCUSDT
      let at = from + BOOK.length;
      while (at < to && bytes[at] !== POINT) at++;
      const number = this.#instrument(at + 1 - from);
      if (number !== -1) this.#book(number, bytes);
    } else if (startsWith(bytes, from, to, TRADES)) {
      const number = this.#instrument(TRADES.length);
      if (number !== -1) this.#tradesOf(number, bytes);
    } else this.count(FeedFault.UnknownMessage);
  }

  #book(number: number, bytes: Uint8Array): void {
    const fields = this.#fields;
    const instrument = this.instruments[number];
    const type = fields.id(this.scanner, Field.Type, TYPES);
    const update = wholeNumber(bytes, fields.from[Field.Update], fields.to[Field.Update]);
    if (type === -1 || update <= 0 || !fields.has(Field.Bids) || !fields.has(Field.Asks)) {
      instrument.fault(FeedFault.MissingField);
      return;
    }
    // Number 1: the venue's service began anew, and this is its whole book.
    const snapshot = type === 0 || update === 1;
    if (!snapshot && !this.#inSequence(number, update)) return;
    this.#updates[number] = update;
    this.sink.sequence(update);
    if (snapshot) instrument.beginSnapshot();
    const bids = readLevels(this.scanner, fields.position[Field.Bids], instrument, BookSide.Bid);
    const asks = readLevels(this.scanner, fields.position[Field.Asks], instrument, BookSide.Ask);
    const timeUs = countToUs(bytes, fields.from[Field.Time], fields.to[Field.Time], 3);
    if (!bids || !asks) this.#lost(number, FeedFault.MissingField);
    else if (snapshot) instrument.endSnapshot(timeUs);
    else instrument.endUpdate(timeUs);
  }

  #inSequence(number: number, update: number): boolean {
    const instrument = this.instruments[number];
    const last = this.#updates[number] ?? 0;
    if (last === 0) instrument.fault(FeedFault.NoSnapshot);
    else if (update <= last) instrument.fault(FeedFault.SequenceBack);
    else if (update > last + 1) {
      instrument.fault(FeedFault.SequenceGap);
      this.#lost(number, FeedFault.SequenceGap);
    } else return true;
    return false;
  }

  /** A new subscription begins with a snapshot. */
  #lost(number: number, fault: FeedFault): void {
    const instrument = this.instruments[number];
    instrument.sync(fault);
    this.#updates[number] = 0;
    const topic = `${BOOK}${this.#depth}.${instrument.name}`;
    this.#request('unsubscribe', [topic]);
    this.#request('subscribe', [topic]);
  }

  #tradesOf(number: number, bytes: Uint8Array): void {
    const { scanner } = this;
    const instrument = this.instruments[number];
    if (!this.#fields.list(scanner, Field.Data, this.#trades)) instrument.fault(FeedFault.MissingField);
    const { from, to } = this.#trade;
    for (const position of this.#trades) {
      scanner.resume(position);
      if (!this.#trade.readObject(scanner) || !this.#trade.has(Trade.Price) || !this.#trade.has(Trade.Quantity)) {
        instrument.fault(FeedFault.MissingField);
        continue;
      }
      const side = SIDES.find(bytes, from[Trade.Side], to[Trade.Side]);
      const taker = side === 0 ? TakerSide.Buy : side === 1 ? TakerSide.Sell : TakerSide.Unknown;
      const timeUs = countToUs(bytes, from[Trade.Time], to[Trade.Time], 3);
      // Contracts have texts that are no numbers here.
      const id = Math.max(0, wholeNumber(bytes, from[Trade.Id], to[Trade.Id]));
      instrument.trade(bytes, from[Trade.Price], to[Trade.Price], from[Trade.Quantity], to[Trade.Quantity], taker, timeUs, id);
    }
  }

  /** The instrument at the end of the topic. @param prefix bytes before it */
  #instrument(prefix: number): number {
    this.scanner.resume(this.#fields.position[Field.Topic]);
    this.scanner.value();
    this.scanner.from = Math.min(this.scanner.from + prefix, this.scanner.to);
    return this.instrument(this.scanner);
  }

  #request(op: 'subscribe' | 'unsubscribe', args: readonly string[]): void {
    this.line.send(JSON.stringify({ op, args }));
  }
}

function startsWith(bytes: Uint8Array, from: number, to: number, prefix: string): boolean {
  if (to - from < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[from + i] !== prefix.charCodeAt(i)) return false;
  return true;
}
