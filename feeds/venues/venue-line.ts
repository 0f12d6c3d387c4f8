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
import { InstrumentStatus, type InstrumentTerms } from '../instrument-terms.ts';
import { ByteTable } from '../text/byte-table.ts';
import { JsonScanner } from '../text/json-scanner.ts';
import { InstrumentList, ListAnswer } from './lists/instrument-list.ts';
import type { ListPages } from './lists/list-format.ts';
import type { VenueUrls } from './venue-urls.ts';

/** Most instruments of a line. */
export const MAX_INSTRUMENTS = 4096;
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

/** The list of instruments that a venue has for requests. */
export interface LineList {
  readonly pages: ListPages;
  /** Path of its address. */
  readonly path: string;
  /** Parameters of its address; several: the list is in as many parts. */
  readonly queries: readonly string[];
  readonly urls: VenueUrls;
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
  readonly #byId = new Map<number, InstrumentFeed>();
  readonly #list: InstrumentList | undefined;
  readonly #listPath: string | undefined;
  /** Of this connection, a subscription was refused. */
  #isRefused = false;
  readonly #limits: LineLimits;
  readonly #staleAfterUs: number;
  #heardUs = 0;
  /** When the instruments had something new, last, as seen by {@link tick}, and how much they had had then. */
  #newUs = 0;
  #written = 0;
  /** By instrument: how much it had had, and since when no more. */
  readonly #seen: number[] = [];
  readonly #seenUs: number[] = [];

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink, limits: LineLimits, list?: LineList) {
    this.options = options;
    this.line = line;
    this.sink = sink;
    this.#limits = limits;
    this.#staleAfterUs = (options.staleAfterSeconds ?? STALE_AFTER_S) * 1e6;
    if (list !== undefined) {
      const { pages, path } = list;
      this.#listPath = path;
      this.#list = new InstrumentList({ pages, urls: listUrls(options, list), scanner: this.scanner, fetch: (url) => line.fetch(url) });
    }
    for (const name of options.instruments) this.#add(name);
  }

  opened(nowUs: number): void {
    this.sink.sequence(0);
    this.open = true;
    this.#isRefused = false;
    this.#heardUs = nowUs;
    this.#newUs = nowUs;
    this.#list?.poll(nowUs);
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

  answer(url: string, bytes: Uint8Array, nowUs: number): void {
    this.sink.sequence(0);
    const page = this.#list?.answer(url, bytes, nowUs) ?? ListAnswer.Other;
    if (page === ListAnswer.Failed) this.count(FeedFault.ListFailed);
    else if (page === ListAnswer.Page) this.#takePage(nowUs);
    else if (page === ListAnswer.Whole) this.#takeList(nowUs);
    else if (page === ListAnswer.Other && !this.#isRecordedList(url, bytes)) this.answered(url, bytes, nowUs);
  }

  answerFailed(url: string, status: number, nowUs: number): void {
    this.sink.sequence(0);
    if (this.#list?.answerFailed(url, nowUs) === true) return this.count(FeedFault.ListFailed);
    this.count(FeedFault.HttpFailed);
    this.failed(url, status, nowUs);
  }

  closed(nowUs: number): void {
    this.sink.sequence(0);
    this.#list?.closed(nowUs);
    this.open = false;
    this.syncAll(FeedFault.Closed);
  }

  tick(nowUs: number): void {
    if (!this.open) return;
    this.sink.sequence(0);
    if (nowUs - this.#heardUs > this.#limits.silentUs || this.#hasNothingNew(nowUs)) this.restart(FeedFault.Silent);
    else {
      this.#markQuiet(nowUs);
      this.#list?.poll(nowUs);
      this.poll(nowUs);
    }
  }

  /** Whether an answer to this address is the venue's list, or a page of it. */
  isList(url: string): boolean {
    return this.#listPath !== undefined && pathOf(url) === this.#listPath;
  }

  /** The instrument with this number in the sink. */
  withId(id: number): InstrumentFeed | undefined {
    return this.#byId.get(id);
  }

  /** An answer that is no page of the list. */
  protected answered(_url: string, _bytes: Uint8Array, _nowUs: number): void {
    // A venue without other requests has nothing to read.
  }

  /** A request that was not for the list failed, which is counted. @param status as in {@link VenueAdapter.answerFailed} */
  protected failed(_url: string, _status: number, _nowUs: number): void {
    // As above.
  }

  /**
   * An instrument trades again, and has no book: subscribes it again, as far as the venue does not go on by itself. The line is opened
   * again if the adapter has no better way.
   */
  protected again(_number: number, _nowUs: number): void {
    this.line.reconnect(FeedFault.None);
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
    if (fault === FeedFault.Refused) this.#isRefused = true;
    this.sink.fault(ALL_INSTRUMENTS, fault);
  }

  /** The instruments that are to be subscribed: all but those that the venue's list does not have. */
  protected wantedNames(): string[] {
    return this.instruments.filter(({ delisted }) => !delisted).map(({ name }) => name);
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

  /** Takes what a list, or a message about one instrument, says. One that is not known is ignored. */
  protected listed(terms: InstrumentTerms, nowUs: number): void {
    const number = this.#find(terms.name);
    if (number === -1) return;
    const instrument = this.instruments[number];
    const { suspended } = instrument;
    instrument.list(terms);
    if (suspended && !instrument.suspended && !instrument.whole && this.open) this.again(number, nowUs);
  }

  /** The list is whole: what it does not have is delisted. Of captures, which have no instruments by configuration, nothing is. */
  protected listedAll(terms: ReadonlyMap<string, InstrumentTerms>, nowUs: number): void {
    const wanted = this.wantedNames().length;
    for (const instrument of this.instruments) {
      const found = terms.get(instrument.name);
      if (found !== undefined) this.listed(found, nowUs);
      else if (this.options.instruments.length > 0) instrument.list({ ...instrument.terms, status: InstrumentStatus.Delisted });
    }
    // A venue may refuse all of a subscription for one name that it does not have.
    if (!this.open || !this.#isRefused || this.wantedNames().length >= wanted) return;
    this.#isRefused = false;
    this.line.reconnect(FeedFault.Refused);
  }

  #takePage(nowUs: number): void {
    for (const { name } of this.instruments) {
      const terms = this.#list?.found.get(name);
      if (terms !== undefined) this.listed(terms, nowUs);
    }
  }

  #takeList(nowUs: number): void {
    const list = this.#list;
    if (list === undefined) return;
    const before = new Set(this.instruments.filter(isHalted));
    this.listedAll(list.terms, nowUs);
    const halted = this.instruments.filter(isHalted);
    list.next(
      nowUs,
      halted.length > 0,
      halted.some((instrument) => !before.has(instrument)),
    );
  }

  /** Whether an answer of a capture was its list; its parameters may be others than those of this adapter. */
  #isRecordedList(url: string, bytes: Uint8Array): boolean {
    if (this.options.instruments.length > 0 || !this.isList(url)) return false;
    const terms = this.#list?.read(url, bytes);
    if (terms === undefined) this.count(FeedFault.ListFailed);
    else for (const instrument of this.instruments) this.#describe(instrument);
    return true;
  }

  #describe(instrument: InstrumentFeed): void {
    const terms = this.#list?.terms.get(instrument.name);
    if (terms !== undefined) instrument.list(terms);
  }

  /** Pongs and heartbeats arrive, and nothing of the instruments. */
  #hasNothingNew(nowUs: number): boolean {
    let written = 0;
    for (const instrument of this.instruments) written += instrument.written;
    if (written !== this.#written) this.#newUs = nowUs;
    this.#written = written;
    // Without instruments, nothing was subscribed; those that do not trade have nothing new.
    return (
      this.options.instruments.length > 0 &&
      !this.instruments.every(({ suspended }) => suspended) &&
      nowUs - this.#newUs > this.#staleAfterUs
    );
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
      } else if (instrument.live && !instrument.suspended && nowUs - this.#seenUs[i] > QUIET_TIMES * this.#staleAfterUs) instrument.quiet();
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
    this.#byId.set(instrument.id, instrument);
    this.#describe(instrument);
    return number;
  }
}

/** A list is not read from the venue where another server stands for it, unless that has an address for requests. */
function listUrls({ instruments, webSocketUrl, httpUrl, withoutList }: AdapterOptions, { path, queries, urls }: LineList): string[] {
  const base = httpUrl ?? (webSocketUrl === undefined ? urls.httpUrl : undefined);
  if (instruments.length === 0 || base === undefined || withoutList) return [];
  return queries.map((query) => `${base}${path}${query === '' ? '' : `?${query}`}`);
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : '';
}

function isHalted({ terms }: InstrumentFeed): boolean {
  return terms.status === InstrumentStatus.Halted;
}
