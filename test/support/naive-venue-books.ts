/**
 * The books that a recorded session ends with, computed in the plainest way: the whole file in memory, JSON.parse (prices
 * and quantities are texts at these venues), a sorted list of texts for each side. It shares nothing with feeds/, so that
 * `openbell feeds books` can be compared with it.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** What `openbell feeds books CAPTURE --json` prints for an instrument. */
export interface NaiveBookLine {
  readonly instrument: string;
  readonly bids: readonly (readonly [price: string, quantity: string])[];
  readonly asks: readonly (readonly [price: string, quantity: string])[];
  readonly updates: number;
  readonly checks: number;
  readonly failed: number;
  readonly crossed: number;
}

export interface CaptureLine {
  readonly t: string;
  readonly ts: string;
  readonly url?: string;
  readonly data?: string;
}

/** One message of a session: a frame, or an answer with its url. */
// biome-ignore lint/suspicious/noExplicitAny: parsed JSON of ten formats
type Json = any;

interface Level {
  /** The price in units of 10^-18. */
  readonly key: bigint;
  readonly price: string;
  readonly quantity: string;
}

export class NaiveBook {
  /** Rising prices on both sides. */
  #bids: Level[] = [];
  #asks: Level[] = [];
  updates = 0;
  checks = 0;
  failed = 0;
  crossed = 0;

  clear(): void {
    this.#bids = [];
    this.#asks = [];
  }

  level(side: 'bid' | 'ask', price: string, quantity: string): void {
    const levels = side === 'bid' ? this.#bids : this.#asks;
    const key = scaled(price);
    let at = 0;
    for (let end = levels.length; at < end; ) {
      const middle = (at + end) >> 1;
      if (levels[middle].key < key) at = middle + 1;
      else end = middle;
    }
    const found = levels[at]?.key === key ? 1 : 0;
    if (/^[0.]*$/.test(quantity)) levels.splice(at, found);
    else levels.splice(at, found, { key, price, quantity });
  }

  levels(bids: readonly (readonly string[])[], asks: readonly (readonly string[])[]): void {
    for (const [price, quantity] of bids) this.level('bid', price, quantity);
    for (const [price, quantity] of asks) this.level('ask', price, quantity);
  }

  /** Keeps the best `depth` levels of each side. */
  truncate(depth: number): void {
    this.#bids = this.#bids.slice(-depth);
    this.#asks = this.#asks.slice(0, depth);
  }

  /** An update ends: it is counted, and so is a book whose best bid is at or above its best ask. */
  updated(): void {
    this.updates++;
    const [bid, ask] = [this.#bids.at(-1), this.#asks[0]];
    if (bid !== undefined && ask !== undefined && bid.key >= ask.key) this.crossed++;
  }

  line(instrument: string, levels: number): NaiveBookLine {
    const { updates, checks, failed, crossed } = this;
    const texts = ({ price, quantity }: Level): [string, string] => [price, quantity];
    const bids = this.#bids.toReversed().slice(0, levels).map(texts);
    const asks = this.#asks.slice(0, levels).map(texts);
    return { instrument, bids, asks, updates, checks, failed, crossed };
  }
}

export class NaiveBooks {
  readonly #books = new Map<string, NaiveBook>();

  of(instrument: string): NaiveBook {
    const found = this.#books.get(instrument) ?? new NaiveBook();
    this.#books.set(instrument, found);
    return found;
  }

  lines(levels: number): NaiveBookLine[] {
    return [...this.#books].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, book]) => book.line(name, levels));
  }
}

/** `capture-binance`: a snapshot answer, then the events that end after it, each of which begins where the one before ended. */
export function naiveBinance(path: string, levels: number): NaiveBookLine[] {
  const books = new NaiveBooks();
  const last = new Map<string, number>();
  for (const { data, url } of capture(path)) {
    if (url?.includes('/depth?')) {
      const instrument = new URL(url).searchParams.get('symbol') as string;
      const snapshot = JSON.parse(data);
      books.of(instrument).levels(snapshot.bids, snapshot.asks);
      last.set(instrument, Number(snapshot.lastUpdateId));
    }
  }
  for (const { data, url } of capture(path)) {
    if (url === undefined) binanceFrame(books, last, JSON.parse(data).data);
  }
  return books.lines(levels);
}

/** A file of `time frame` lines in which the snapshot stands between the frames. */
export function naiveBinanceLines(path: string, levels: number): NaiveBookLine[] {
  const books = new NaiveBooks();
  const last = new Map<string, number>();
  const early: Json[] = [];
  for (const line of lines(path)) {
    const frame = JSON.parse(line.slice(line.indexOf(' ') + 1));
    if (frame.lastUpdateId !== undefined) {
      const instrument = early[0].s;
      books.of(instrument).levels(frame.bids, frame.asks);
      last.set(instrument, Number(frame.lastUpdateId));
      for (const event of early) binanceFrame(books, last, event);
    } else if (last.size === 0) early.push(frame.data);
    else binanceFrame(books, last, frame.data);
  }
  return books.lines(levels);
}

function binanceFrame(books: NaiveBooks, last: Map<string, number>, event: Json): void {
  if (event.e !== 'depthUpdate') return;
  const previous = last.get(event.s) as number;
  if (Number(event.u) <= previous) return;
  if (Number(event.U) > previous + 1) throw new Error(`${event.s}: a gap between ${previous} and ${event.U}`);
  last.set(event.s, Number(event.u));
  books.of(event.s).levels(event.b, event.a);
  books.of(event.s).updated();
}

/** `capture-bitstamp`: a snapshot answer, then the changes that are younger. */
export function naiveBitstamp(path: string, levels: number): NaiveBookLine[] {
  const books = new NaiveBooks();
  const since = new Map<string, number>();
  for (const { data, url } of capture(path)) {
    if (!url?.includes('/order_book/')) continue;
    const instrument = url.slice(url.lastIndexOf('/') + 1);
    const snapshot = JSON.parse(data);
    books.of(instrument).levels(snapshot.bids, snapshot.asks);
    since.set(instrument, Number(snapshot.microtimestamp));
  }
  for (const { data, url } of capture(path)) {
    const frame = url === undefined ? JSON.parse(data) : {};
    if (frame.event !== 'data') continue;
    const instrument = frame.channel.slice('diff_order_book_'.length);
    if (Number(frame.data.microtimestamp) <= (since.get(instrument) as number)) continue;
    books.of(instrument).levels(frame.data.bids, frame.data.asks);
    books.of(instrument).updated();
  }
  return books.lines(levels);
}

/** `capture-coinbase`: snapshots and updates in one numbered stream. */
export function naiveCoinbase(path: string, levels: number): NaiveBookLine[] {
  const books = new NaiveBooks();
  for (const { data, url } of capture(path)) {
    const frame = url === undefined ? JSON.parse(data) : {};
    if (frame.channel !== 'l2_data') continue;
    for (const event of frame.events) {
      const book = books.of(event.product_id);
      if (event.type === 'snapshot') book.clear();
      for (const update of event.updates) {
        book.level(update.side === 'bid' ? 'bid' : 'ask', update.price_level, update.new_quantity);
      }
      if (event.type === 'update') book.updated();
    }
  }
  return books.lines(levels);
}

/** `coinbase-20210417.ws.gz`: `time: frame` lines of the older Coinbase Exchange feed. */
export function naiveCoinbaseExchange(path: string, levels: number): NaiveBookLine[] {
  const books = new NaiveBooks();
  for (const line of lines(path)) {
    if (!/^\d+\.\d+: \{/.test(line)) continue;
    const frame = JSON.parse(line.slice(line.indexOf(' ') + 1));
    if (frame.type === 'snapshot') books.of(frame.product_id).levels(frame.bids, frame.asks);
    if (frame.type !== 'l2update') continue;
    for (const [side, price, quantity] of frame.changes) books.of(frame.product_id).level(side === 'buy' ? 'bid' : 'ask', price, quantity);
    books.of(frame.product_id).updated();
  }
  return books.lines(levels);
}

function* capture(path: string): Generator<{ data: string; url?: string }> {
  for (const line of lines(path)) {
    const { t, url, data } = JSON.parse(line) as CaptureLine;
    if (data !== undefined && (t === 'recv' || t === 'http')) yield { data, url };
  }
}

function lines(path: string): string[] {
  return gunzipSync(readFileSync(path)).toString('utf8').split('\n').filter(Boolean);
}

/** A price in units of 10^-18. */
function scaled(price: string): bigint {
  const [whole, fraction = ''] = price.split('.');
  return BigInt(whole + fraction.padEnd(18, '0'));
}
