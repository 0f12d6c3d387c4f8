/**
 * Runs a venue's adapter without a line and writes down what it does, a line of text each, so that a test reads like a
 * ledger:
 *
 *     send {"op":"ping"} · get https://… · reconnect SEQUENCE_GAP
 *     BTCUSDT book 99.5x2 98.0x1 | 100.5x3 · BTCUSDT trade buy 100.5x1 #7 · BTCUSDT quote 99.5x2 | 100.5x3
 *     BTCUSDT live · BTCUSDT stale SEQUENCE_GAP · BTCUSDT fault SEQUENCE_GAP
 *
 * Numbers are the sink's integers in the sink's units. Books are kept from the calls of the sink alone.
 */
import {
  type AdapterOptions,
  ALL_INSTRUMENTS,
  BookSide,
  type FeedFault,
  type FeedLine,
  type FeedSink,
  type FeedState,
  faultCode,
  stateName,
  TakerSide,
  type VenueAdapter,
} from '../../feeds/feed.ts';
import { decimalText } from '../../feeds/text/decimal.ts';

/** Addresses of lists of instruments; that of openbell has what its line needs, and is written down. */
const LIST = /exchangeInfo|trading-pairs-info|instruments-info|AssetPairs|public\/instruments|\/products$/;

type Create = (options: AdapterOptions, line: FeedLine, sink: FeedSink) => VenueAdapter;

interface SinkBook {
  readonly name: string;
  priceDecimals: number;
  quantityDecimals: number;
  readonly bids: Map<number, number>;
  readonly asks: Map<number, number>;
}

export class VenueLedger<Adapter extends VenueAdapter = VenueAdapter> implements FeedLine, FeedSink {
  readonly adapter: Adapter;
  readonly books: SinkBook[] = [];
  readonly faults = new Map<string, number>();
  /** Addresses of fetches that are not answered yet. */
  readonly asked: string[] = [];
  /** Those of fetches for the venue's list of instruments, which are not written down. */
  readonly lists: string[] = [];
  /** The venue's number of each book, trade and quote. */
  readonly sequences: number[] = [];
  #sequence = 0;
  #lines: string[] = [];
  nowUs = 1_700_000_000_000_000;

  /** What the constructor writes is not taken down. */
  constructor(create: (options: AdapterOptions, line: FeedLine, sink: FeedSink) => Adapter, options: Partial<AdapterOptions> = {}) {
    this.adapter = (create as Create)({ instruments: [], ...options }, this, this) as Adapter;
    this.take();
  }

  /** What was written since the last call. */
  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  open(): string[] {
    this.adapter.opened(this.nowUs);
    return this.take();
  }

  /** @param frame text, or an object to be written as JSON */
  frame(frame: unknown): string[] {
    this.adapter.frame(bytesOf(frame), this.nowUs);
    return this.take();
  }

  answer(url: string, body: unknown): string[] {
    this.#answered(url);
    this.adapter.answer(url, bytesOf(body), this.nowUs);
    return this.take();
  }

  fail(url: string, status: number): string[] {
    this.#answered(url);
    this.adapter.answerFailed(url, status, this.nowUs);
    return this.take();
  }

  close(): string[] {
    this.adapter.closed(this.nowUs);
    this.asked.length = 0;
    this.lists.length = 0;
    return this.take();
  }

  /** Lets time pass, a tick per second. */
  pass(seconds: number): string[] {
    for (let i = 0; i < seconds; i++) {
      this.nowUs += 1_000_000;
      this.adapter.tick(this.nowUs);
    }
    return this.take();
  }

  /** All levels of a book, best first, as `99.5x2 | 100.5x3`. */
  book(name: string): string {
    const book = this.books.find((candidate) => candidate.name === name);
    return book === undefined ? 'unknown' : text(book);
  }

  send(frame: string | Uint8Array): void {
    this.#lines.push(`send ${typeof frame === 'string' ? frame : Buffer.from(frame).toString('hex')}`);
  }

  fetch(url: string): void {
    if (LIST.test(url)) {
      this.lists.push(url);
      return;
    }
    this.asked.push(url);
    this.#lines.push(`get ${url}`);
  }

  reconnect(fault: FeedFault): void {
    this.#lines.push(`reconnect ${faultCode(fault)}`);
  }

  instrument(name: string): number {
    const known = this.books.findIndex((book) => book.name === name);
    if (known !== -1) return known;
    return this.books.push({ name, priceDecimals: 0, quantityDecimals: 0, bids: new Map(), asks: new Map() }) - 1;
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    Object.assign(this.books[instrument], { priceDecimals, quantityDecimals });
  }

  sequence(venueSequence: number): void {
    this.#sequence = venueSequence;
  }

  bookClear(instrument: number): void {
    this.books[instrument].bids.clear();
    this.books[instrument].asks.clear();
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    const book = this.books[instrument];
    const levels = side === BookSide.Bid ? book.bids : book.asks;
    if (quantity === 0) levels.delete(price);
    else levels.set(price, quantity);
  }

  bookEnd(instrument: number): void {
    this.sequences.push(this.#sequence);
    this.#lines.push(`${this.books[instrument].name} book ${text(this.books[instrument])}`);
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, _venueTimeUs: number, tradeId: number): void {
    this.sequences.push(this.#sequence);
    const side = takerSide === TakerSide.Buy ? 'buy' : takerSide === TakerSide.Sell ? 'sell' : 'unknown';
    this.#lines.push(`${this.books[instrument].name} trade ${side} ${this.#pair(instrument, price, quantity)} #${tradeId}`);
  }

  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    this.sequences.push(this.#sequence);
    const sides = `${this.#pair(instrument, bid, bidQuantity)} | ${this.#pair(instrument, ask, askQuantity)}`;
    this.#lines.push(`${this.books[instrument].name} quote ${sides}`);
  }

  status(instrument: number, state: FeedState, fault: FeedFault): void {
    this.#lines.push(`${this.#name(instrument)} ${stateName(state)}${fault === 0 ? '' : ` ${faultCode(fault)}`}`);
  }

  fault(instrument: number, fault: FeedFault): void {
    const code = faultCode(fault);
    this.faults.set(code, (this.faults.get(code) ?? 0) + 1);
    this.#lines.push(`${this.#name(instrument)} fault ${code}`);
  }

  #answered(url: string): void {
    for (const fetches of [this.asked, this.lists]) {
      const at = fetches.indexOf(url);
      if (at !== -1) fetches.splice(at, 1);
    }
  }

  #name(instrument: number): string {
    return instrument === ALL_INSTRUMENTS ? 'line' : this.books[instrument].name;
  }

  #pair(instrument: number, price: number, quantity: number): string {
    const { priceDecimals, quantityDecimals } = this.books[instrument];
    return `${decimalText(price, priceDecimals, priceDecimals)}x${decimalText(quantity, quantityDecimals, quantityDecimals)}`;
  }
}

function text({ bids, asks, priceDecimals, quantityDecimals }: SinkBook): string {
  const side = (levels: ReadonlyMap<number, number>, falling: boolean): string =>
    [...levels]
      .sort(([a], [b]) => (falling ? b - a : a - b))
      .map(([p, q]) => `${decimalText(p, priceDecimals, priceDecimals)}x${decimalText(q, quantityDecimals, quantityDecimals)}`)
      .join(' ');
  return `${side(bids, true)} | ${side(asks, false)}`;
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}
