import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink, TakerSide } from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import { JsonFields } from '../text/json-fields.ts';
import { countToUs } from '../text/times.ts';
import { readLevels } from './level-arrays.ts';
import { BITSTAMP_LIST } from './lists/bitstamp-list.ts';
import { SnapshotLine } from './snapshot-line.ts';
import type { VenueUrls } from './venue-urls.ts';

export const BITSTAMP_URLS = { webSocketUrl: 'wss://ws.bitstamp.net', httpUrl: 'https://www.bitstamp.net' } as const satisfies VenueUrls;

const LIST = { pages: BITSTAMP_LIST, path: '/api/v2/trading-pairs-info/', queries: [''], urls: BITSTAMP_URLS };

/** The adapter asks for a heartbeat more often than this, so that a line without changes is not silent. */
const SILENT_US = 60e6;
const HEARTBEAT_US = 20e6;

const Event = { Data: 0, Trade: 1, Subscribed: 2, Reconnect: 3, Error: 4, Heartbeat: 5 } as const;
const EVENTS = new ByteTable([
  'data',
  'trade',
  'bts:subscription_succeeded',
  'bts:request_reconnect',
  'bts:error',
  'bts:heartbeat',
  'bts:unsubscription_succeeded',
]);

const Field = { Event: 0, Channel: 1, Data: 2 } as const;
const FIELDS = ['event', 'channel', 'data'];
const Data = { Time: 0, Bids: 1, Asks: 2, Price: 3, Quantity: 4, Type: 5, Id: 6 } as const;
const DATA_FIELDS = ['microtimestamp', 'bids', 'asks', 'price_str', 'amount_str', 'type', 'id'];

const CHANGES = 'diff_order_book_';
const TRADES = 'live_trades_';

/**
 * Bitstamp: `diff_order_book` with snapshots over HTTP, and `live_trades`. Changes have a time in microseconds and no
 * number, so that a lost one cannot be seen, except by a book that is crossed. The rules and their sources:
 * docs/FEEDS.md, "Bitstamp".
 */
export class BitstampAdapter extends SnapshotLine {
  readonly venue = 'bitstamp';
  readonly address: string;
  readonly #httpUrl: string;
  readonly #fields = new JsonFields(FIELDS);
  readonly #data = new JsonFields(DATA_FIELDS);
  /** By instrument: the time of the last change, or of the snapshot. */
  readonly #timesUs: number[] = [];
  /** By instrument: no change came behind the snapshot yet. */
  readonly #first: boolean[] = [];
  #heartbeatUs = 0;

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    super(options, line, sink, { silentUs: SILENT_US }, LIST);
    this.address = options.webSocketUrl ?? BITSTAMP_URLS.webSocketUrl;
    this.#httpUrl = options.httpUrl ?? BITSTAMP_URLS.httpUrl;
  }

  protected subscribe(nowUs: number): void {
    this.#heartbeatUs = nowUs;
    this.#subscribe(this.wantedNames());
  }

  /** The answer fetches the snapshot. */
  protected override again(number: number): void {
    this.#subscribe([this.instruments[number].name]);
  }

  #subscribe(names: readonly string[]): void {
    for (const channel of [CHANGES, TRADES]) {
      for (const name of names) this.line.send(`{"event":"bts:subscribe","data":{"channel":"${channel}${name}"}}`);
    }
  }

  protected message(bytes: Uint8Array, nowUs: number): void {
    const { scanner } = this;
    const fields = this.#fields;
    if (!fields.readText(scanner, bytes)) {
      this.restart(FeedFault.Malformed);
      return;
    }
    const event = fields.id(scanner, Field.Event, EVENTS);
    if (event === Event.Data) this.#change(bytes, nowUs);
    else if (event === Event.Trade) this.#trade(bytes);
    else if (event === Event.Subscribed) this.#subscribed(bytes, nowUs);
    else if (event === Event.Reconnect) this.restart(FeedFault.VenueDown);
    else if (event === Event.Error) this.count(FeedFault.Refused);
    else if (event === -1) this.count(FeedFault.UnknownMessage);
  }

  protected override poll(nowUs: number): void {
    super.poll(nowUs);
    if (nowUs - this.#heartbeatUs < HEARTBEAT_US) return;
    this.#heartbeatUs = nowUs;
    this.line.send('{"event":"bts:heartbeat"}');
  }

  protected snapshotUrl(name: string): string {
    return `${this.#httpUrl}/api/v2/order_book/${name}/`;
  }

  protected instrumentOf(url: string): number {
    const name = /\/order_book\/([^/?]+)\/?(?:\?|$)/.exec(url);
    return name === null ? -1 : this.instrumentNamed(name[1]);
  }

  protected snapshot(number: number, bytes: Uint8Array): boolean {
    const { scanner } = this;
    const data = this.#data;
    if (!data.readText(scanner, bytes)) return this.#unusable(number, FeedFault.Malformed);
    const timeUs = this.#timeUs(bytes);
    if (timeUs === 0 || !data.has(Data.Bids) || !data.has(Data.Asks)) return this.#unusable(number, FeedFault.MissingField);
    const pending = this.pending(number);
    if (pending.count > 0) {
      // A change between the snapshot and the first one that waits may be missing.
      const first = pending.frame(0);
      if (this.#readData(first) && this.#timeUs(first) > timeUs) return this.#unusable(number, FeedFault.SnapshotTooOld);
      data.readText(scanner, bytes);
    }
    this.#timesUs[number] = timeUs;
    this.#first[number] = true;
    this.instruments[number].beginSnapshot();
    if (this.#levels(number)) this.instruments[number].endSnapshot(timeUs);
    else this.instruments[number].sync(FeedFault.MissingField);
    return this.instruments[number].live;
  }

  #unusable(number: number, fault: FeedFault): boolean {
    this.instruments[number].fault(fault);
    return false;
  }

  #change(bytes: Uint8Array, nowUs: number): void {
    const number = this.#instrument(CHANGES);
    if (number === -1) return;
    const instrument = this.instruments[number];
    const data = this.#data;
    const timeUs = this.#readData(bytes) ? this.#timeUs(bytes) : 0;
    if (timeUs === 0 || !data.has(Data.Bids) || !data.has(Data.Asks)) {
      instrument.fault(FeedFault.MissingField);
      if (!this.isWaiting(number)) this.lost(number, FeedFault.MissingField, nowUs);
    } else if (this.isWaiting(number)) this.wait(number, bytes);
    else if (this.#first[number] ? timeUs <= this.#timesUs[number] : timeUs < this.#timesUs[number]) {
      // Changes that the snapshot includes are expected.
      if (!this.#first[number]) instrument.fault(FeedFault.SequenceBack);
    } else {
      this.#timesUs[number] = timeUs;
      this.#first[number] = false;
      if (!this.#levels(number)) this.lost(number, FeedFault.MissingField, nowUs);
      else if (!instrument.endUpdate(timeUs)) this.need(number, nowUs);
    }
  }

  #trade(bytes: Uint8Array): void {
    const number = this.#instrument(TRADES);
    if (number === -1) return;
    const instrument = this.instruments[number];
    const data = this.#data;
    if (!this.#readData(bytes) || !data.has(Data.Price) || !data.has(Data.Quantity)) {
      instrument.fault(FeedFault.MissingField);
      return;
    }
    const { from, to } = data;
    const type = wholeNumber(bytes, from[Data.Type], to[Data.Type]);
    const taker = type === 0 ? TakerSide.Buy : type === 1 ? TakerSide.Sell : TakerSide.Unknown;
    const id = Math.max(0, wholeNumber(bytes, from[Data.Id], to[Data.Id]));
    const { Price, Quantity } = Data;
    instrument.trade(bytes, from[Price], to[Price], from[Quantity], to[Quantity], taker, this.#timeUs(bytes), id);
  }

  /** Changes come from now on: a snapshot that is fetched now is not older than the first one. */
  #subscribed(bytes: Uint8Array, nowUs: number): void {
    const { from, to } = this.#fields;
    if (!startsWith(bytes, from[Field.Channel], to[Field.Channel], CHANGES)) return;
    const number = this.#instrument(CHANGES);
    if (number !== -1 && this.isWaiting(number)) this.need(number, nowUs);
  }

  #levels(number: number): boolean {
    const bids = readLevels(this.scanner, this.#data.position[Data.Bids], this.instruments[number], BookSide.Bid);
    const asks = readLevels(this.scanner, this.#data.position[Data.Asks], this.instruments[number], BookSide.Ask);
    return bids && asks;
  }

  /** Reads `data` of a frame. */
  #readData(bytes: Uint8Array): boolean {
    const { scanner } = this;
    const fields = this.#fields;
    if (scanner.bytes !== bytes && !fields.readText(scanner, bytes)) return false;
    if (!fields.has(Field.Data)) return false;
    scanner.resume(fields.position[Field.Data]);
    return this.#data.readObject(scanner);
  }

  #timeUs(bytes: Uint8Array): number {
    return countToUs(bytes, this.#data.from[Data.Time], this.#data.to[Data.Time], 6);
  }

  /** The instrument at the end of the channel's name. */
  #instrument(prefix: string): number {
    const { scanner } = this;
    const { from, to, position } = this.#fields;
    const start = position[Field.Channel];
    if (start === -1 || !startsWith(scanner.bytes, from[Field.Channel], to[Field.Channel], prefix)) {
      this.count(FeedFault.MissingField);
      return -1;
    }
    scanner.resume(start);
    scanner.value();
    scanner.from += prefix.length;
    return this.instrument(scanner);
  }
}

function startsWith(bytes: Uint8Array, from: number, to: number, prefix: string): boolean {
  if (to - from < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[from + i] !== prefix.charCodeAt(i)) return false;
  return true;
}
