import { InstrumentFeed } from '../books/instrument-feed.ts';
import {
  type AdapterOptions,
  ALL_INSTRUMENTS,
  FeedFault,
  type FeedLine,
  type FeedSink,
  MAX_FRAME_BYTES,
  type VenueAdapter,
} from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import { JsonScanner } from '../text/json-scanner.ts';

/** Most instruments of a line. */
export const MAX_INSTRUMENTS = 4096;
/** Most instruments of a venue's list whose decimals are kept. */
const MAX_LISTED = 65_536;
/** Instruments that hardly trade have nothing for minutes. */
const STALE_AFTER_S = 300;
/** An instrument is stale when it has had nothing for so many times as long, although others have something. */
const QUIET_TIMES = 10;

export interface LineLimits {
  /** Nothing arrived for this long: the line is opened again. */
  readonly silentUs: number;
  /** Most levels of a side of a book. */
  readonly levels?: number;
}

/**
 * What the adapters of venues with JSON over WebSocket have in common: the instruments by name, silence, frames that
 * cannot be read, and what becomes of the books when the line ends. An adapter adds its messages.
 */
export abstract class VenueLine implements VenueAdapter {
  abstract readonly venue: string;
  abstract readonly address: string;
  /** All instruments of the line, by their number in it. */
  readonly instruments: InstrumentFeed[] = [];
  protected readonly options: AdapterOptions;
  protected readonly line: FeedLine;
  protected readonly sink: FeedSink;
  protected readonly scanner = new JsonScanner();
  protected open = false;
  readonly #names = new ByteTable();
  readonly #decimals = new Map<string, readonly [price: number, quantity: number]>();
  readonly #limits: LineLimits;
  readonly #staleAfterUs: number;
  #heardUs = 0;
  /** When the instruments had something new, last, as seen by {@link tick}, and how much they had had then. */
  #newUs = 0;
  #written = 0;
  /** By instrument: how much it had had, and since when no more. */
  readonly #seen: number[] = [];
  readonly #seenUs: number[] = [];

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink, limits: LineLimits) {
    this.options = options;
    this.line = line;
    this.sink = sink;
    this.#limits = limits;
    this.#staleAfterUs = (options.staleAfterSeconds ?? STALE_AFTER_S) * 1e6;
    for (const name of options.instruments) this.#add(name);
  }

  opened(nowUs: number): void {
    this.sink.sequence(0);
    this.open = true;
    this.#heardUs = nowUs;
    this.#newUs = nowUs;
    this.subscribe(nowUs);
  }

  frame(bytes: Uint8Array, nowUs: number): void {
    // What still arrives on a line that is given up is not read.
    if (!this.open) return;
    this.#heardUs = nowUs;
    this.sink.sequence(0);
    if (bytes.length > MAX_FRAME_BYTES) this.restart(FeedFault.FrameTooLarge);
    else this.message(bytes, nowUs);
  }

  answer(_url: string, _bytes: Uint8Array, _nowUs: number): void {
    // A venue without HTTP answers has nothing to read.
  }

  answerFailed(_url: string, _status: number, _nowUs: number): void {
    this.sink.sequence(0);
    this.sink.fault(ALL_INSTRUMENTS, FeedFault.HttpFailed);
  }

  closed(_nowUs: number): void {
    this.sink.sequence(0);
    this.open = false;
    this.syncAll(FeedFault.Closed);
  }

  tick(nowUs: number): void {
    if (!this.open) return;
    this.sink.sequence(0);
    if (nowUs - this.#heardUs > this.#limits.silentUs || this.#hasNothingNew(nowUs)) this.restart(FeedFault.Silent);
    else {
      this.#markQuiet(nowUs);
      this.poll(nowUs);
    }
  }

  /** The connection is open: sends the subscriptions of `options.instruments`, if there are any, and fetches snapshots. */
  protected abstract subscribe(nowUs: number): void;

  /** Reads a frame. Before records with a number of the venue, it sets {@link FeedSink.sequence}, which is 0 at the beginning. @param bytes at most {@link MAX_FRAME_BYTES} */
  protected abstract message(bytes: Uint8Array, nowUs: number): void;

  /** Once per second on an open line that is not silent: pings, fetches that are due. */
  protected poll(_nowUs: number): void {
    // Most venues ping themselves.
  }

  /** All books are lost. */
  protected syncAll(fault: FeedFault): void {
    for (const instrument of this.instruments) instrument.sync(fault);
  }

  /** Counts a fault that leaves nothing to be trusted on this line, and opens it again. */
  protected restart(fault: FeedFault): void {
    this.sink.fault(ALL_INSTRUMENTS, fault);
    this.syncAll(fault);
    // Once: until the line has closed and opened, nothing more is expected of it.
    if (this.open) this.line.reconnect(fault);
    this.open = false;
  }

  /** Counts a fault of the line that changes nothing else. */
  protected count(fault: FeedFault): void {
    this.sink.fault(ALL_INSTRUMENTS, fault);
  }

  /** The number of the instrument whose name the scanner read last, as an index of {@link instruments}; -1 if it is unknown, which is counted. */
  protected instrument(scanner: JsonScanner): number {
    const number = scanner.id(this.#names);
    if (number !== -1) return number;
    if (this.options.instruments.length === 0) return this.instrumentNamed(scanner.text());
    this.count(FeedFault.UnknownInstrument);
    return -1;
  }

  /** As {@link instrument}, from a string. It allocates. */
  protected instrumentNamed(name: string): number {
    if (this.options.instruments.length === 0 && this.#names.size < MAX_INSTRUMENTS) return this.#add(name);
    const number = this.#find(name);
    if (number === -1) this.count(FeedFault.UnknownInstrument);
    return number;
  }

  /** The decimals of an instrument, from the venue's list: before or after it is known. */
  protected expectDecimals(name: string, priceDecimals: number, quantityDecimals: number): void {
    const number = this.#find(name);
    if (number !== -1) this.instruments[number].expectDecimals(priceDecimals, quantityDecimals);
    else if (this.options.instruments.length === 0 && this.#decimals.size < MAX_LISTED)
      this.#decimals.set(name, [priceDecimals, quantityDecimals]);
  }

  /** The venue has given up an instrument: its book is stale. One that is not known is ignored. */
  protected withdrawn(name: string): void {
    const number = this.#find(name);
    if (number === -1) return;
    this.instruments[number].fault(FeedFault.Refused);
    this.instruments[number].sync(FeedFault.Refused);
  }

  /** Pongs and heartbeats arrive, and nothing of the instruments. */
  #hasNothingNew(nowUs: number): boolean {
    let written = 0;
    for (const instrument of this.instruments) written += instrument.written;
    if (written !== this.#written) this.#newUs = nowUs;
    this.#written = written;
    // Without instruments, nothing was subscribed.
    return this.options.instruments.length > 0 && nowUs - this.#newUs > this.#staleAfterUs;
  }

  /** An instrument that the venue has given up may say nothing more on a line that is well. */
  #markQuiet(nowUs: number): void {
    // Without instruments, nothing was subscribed.
    if (this.options.instruments.length === 0) return;
    for (let i = 0; i < this.instruments.length; i++) {
      const instrument = this.instruments[i];
      if (instrument.written !== this.#seen[i]) {
        this.#seen[i] = instrument.written;
        this.#seenUs[i] = nowUs;
      } else if (instrument.live && nowUs - this.#seenUs[i] > QUIET_TIMES * this.#staleAfterUs) instrument.quiet();
    }
  }

  #find(name: string): number {
    const bytes = new TextEncoder().encode(name);
    return this.#names.find(bytes, 0, bytes.length);
  }

  #add(name: string): number {
    const number = this.#names.add(name);
    if (number < this.instruments.length) return number;
    const instrument = new InstrumentFeed(name, this.sink, this.#limits.levels);
    this.instruments.push(instrument);
    const decimals = this.#decimals.get(name);
    if (decimals !== undefined) instrument.expectDecimals(...decimals);
    return number;
  }
}
