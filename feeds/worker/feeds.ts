import { type MessagePort, Worker } from 'node:worker_threads';
import { type LeftOut, leftOutOf } from '../analysis/feed-candles.ts';
import type { BarRange } from '../analysis/instrument-candles.ts';
import { type BookView, readViews } from '../books/book-views.ts';
import { FEED_STATES, FeedFault } from '../feed.ts';
import type { InstrumentTerms } from '../instrument-terms.ts';
import type { CaptureSource } from '../lines/capture-line.ts';
import type { FeedSource } from '../lines/feed-source.ts';
import { BroadcastReader, type ReaderOptions } from '../rings/broadcast-ring.ts';
import { ChangeWatch } from '../rings/change-signal.ts';
import { type BookSpec, ConsolidatedReader } from '../rings/consolidated-table.ts';
import { LatestReader, LatestValues } from '../rings/latest-values.ts';
import { RecordPublisher } from '../rings/record-publisher.ts';
import { type SourceStatus, SourcesReader } from '../rings/source-status.ts';
import { openBooks } from './feed-books.ts';
import { allocateFeeds, type FeedHandles, type FeedSizes, openOutput } from './feed-handles.ts';
import { type FeedBars, type FeedThreadData, type FromFeedThread, storedName, type ToFeedThread } from './feed-messages.ts';

export interface FeedsOptions extends FeedSizes {
  readonly sources: readonly FeedSource[];
  /** Further sources, numbered behind the others. */
  readonly captures?: readonly CaptureSource[];
  /** Consolidated books of their instruments; none by default. */
  readonly books?: readonly BookSpec[];
  /** What happened to a source, or to the thread (`source` undefined): for the log. */
  readonly onNote: (source: string | undefined, fault: FeedFault, text: string) => void;
  /** Rows that {@link Feeds.watch} names have changed. Called once until {@link Feeds.arm} is called. */
  readonly onChange?: () => void;
  /** A new port to the store of candles, for each feed thread; undefined: candles are kept in memory only. */
  readonly candleStore?: (() => MessagePort) | undefined;
}

/** A reader of the ring that lasts as long as the feeds. */
export interface NamedReader {
  /** For the metrics. */
  readonly name: string;
  readonly reader: BroadcastReader;
}

/** Until a thread that ended by itself is started again, ms. */
const RESTART_MS = 1_000;
/** Until a thread that does not end its connections is terminated, ms. */
const STOP_MS = 2_000;
/** Of the thread's heap: one that leaks ends, and the process does not. */
const HEAP_MB = 512;

/** Questions that wait for the thread, at most. */
const MOST_QUESTIONS = 64;

/** The feed thread does not answer now: it is being started again, or has too many questions. */
export class FeedsBusyError extends Error {
  readonly code = 'BUSY';

  constructor(reason: string) {
    super(`${reason}; ask again in a moment`);
    this.name = 'FeedsBusyError';
  }
}

type Answer = Extract<FromFeedThread, { readonly question: number }>;

interface Question {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: FeedsBusyError) => void;
}

const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './feed-worker.ts' : './feed-worker.js', import.meta.url);

/**
 * The feeds of a process, as the main thread has them: it starts and stops the feed thread, and reads what the thread
 * writes. If the thread ends by itself, all sources are down and their instruments stale, until a new thread has
 * connected; readers keep their ends, and records are numbered on.
 */
export class Feeds {
  /** For readers in other threads. */
  readonly handles: FeedHandles;
  readonly latest: LatestReader;
  /** Consolidated books, in the order of the configuration; for the calling thread, as `latest`. */
  readonly books: readonly ConsolidatedReader[];
  /** Names of the sources in the store of candles, by number. */
  readonly storedNames: readonly string[];
  readonly #options: FeedsOptions;
  readonly #names: readonly string[];
  readonly #status: SourcesReader;
  readonly #watch: ChangeWatch | undefined;
  readonly #values = new LatestValues();
  readonly #readers: NamedReader[] = [];
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;
  /** What the venues' lists say, by row. */
  readonly #terms = new Map<number, InstrumentTerms>();
  readonly #questions = new Map<number, Question>();
  #asked = 0;

  /** Allocates, and starts the thread. Connections are made in the background. */
  constructor(options: FeedsOptions) {
    this.#options = options;
    const { sources, captures = [], books = [] } = options;
    this.#names = [...sources, ...captures].map(({ name }) => name);
    this.storedNames = [...sources, ...captures].map(storedName);
    this.handles = allocateFeeds({ ...options, watched: options.onChange !== undefined }, this.#names.length, books);
    const { signal } = this.handles;
    this.#watch = signal && options.onChange && new ChangeWatch(signal, options.onChange);
    this.latest = new LatestReader(this.handles.latest);
    this.#status = new SourcesReader(this.handles.sources);
    // The sources get their numbers here: in the order of the configuration, before a line is made.
    const output = openOutput(this.handles);
    for (const name of this.#names) {
      const publisher = new RecordPublisher(output, name);
      // So do the instruments of books: there is room for them, whatever comes later.
      for (const { feed, instrument } of books.flatMap((book) => book.sources))
        if (feed === name && publisher.instrument(instrument) === output.latest.rows)
          throw new RangeError(`feed ${name}: the table of latest values has no room for ${instrument}`);
    }
    openBooks(this.handles.books, FeedFault.None, Date.now() * 1000);
    this.books = this.handles.books.map((handle) => new ConsolidatedReader(handle));
    this.#start();
  }

  /** State and counters of each source, in the order of the configuration. */
  status(): SourceStatus[] {
    return this.#status.all();
  }

  /** Trades of each source that are in no candle, in the order of {@link status}. */
  leftOut(): LeftOut[] {
    return this.handles.leftOut.map(leftOutOf);
  }

  /** Changes of this row of {@link latest} call `onChange`. Read the row once after that. */
  watch(row: number): void {
    this.#watch?.watch(row);
  }

  /** The next change calls `onChange`. Read the rows after that. */
  arm(): void {
    this.#watch?.arm();
  }

  /** How many instruments of each source are in each state: by the source's number, then by `FeedState`. */
  instrumentStates(): number[][] {
    const counts = this.#names.map(() => new Array<number>(FEED_STATES).fill(0));
    for (let row = 0; row < this.latest.rows; row++) {
      this.latest.read(row, this.#values);
      counts[this.#values.source][this.#values.state]++;
    }
    return counts;
  }

  /** What its venue's list says of the instrument of a row of {@link latest}; undefined: nothing yet. */
  terms(row: number): InstrumentTerms | undefined {
    return this.#terms.get(row);
  }

  /** A new reader of all records, for the calling thread. @param name of one that lasts: what it misses is in the metrics */
  reader(options?: ReaderOptions, name?: string): BroadcastReader {
    const reader = new BroadcastReader(this.handles.ring, options);
    if (name !== undefined) this.#readers.push({ name, reader });
    return reader;
  }

  /** The readers that have a name. */
  get readers(): readonly NamedReader[] {
    return this.#readers;
  }

  /**
   * Candles of an instrument that are in memory: the last ones.
   * @param source its number @param row of the instrument @throws FeedsBusyError
   */
  async candles(source: number, row: number, range: BarRange): Promise<FeedBars> {
    return (await this.#ask((question) => ({ type: 'candles', question, source, row, range }))) as FeedBars & Answer;
  }

  /**
   * The best levels of books, in the order of the question.
   * @param wanted source, row and levels of a side of each, at most `MOST_VIEW_LEVELS` @throws FeedsBusyError
   */
  async views(wanted: Int32Array): Promise<(BookView | undefined)[]> {
    const answer = await this.#ask((question) => ({ type: 'views', question, wanted }));
    return answer.type === 'views' ? readViews(answer.views) : [];
  }

  /** Ends all connections and the thread. The memory remains readable. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    this.#watch?.close();
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const message: ToFeedThread = { type: 'stop' };
    worker.postMessage(message);
    const timer = setTimeout(() => void worker.terminate(), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #ask(messageOf: (question: number) => ToFeedThread): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker;
      if (worker === undefined) return reject(new FeedsBusyError('the feed thread is being started'));
      if (this.#questions.size >= MOST_QUESTIONS) return reject(new FeedsBusyError('too many questions wait for the feed thread'));
      const question = ++this.#asked;
      this.#questions.set(question, { resolve, reject });
      worker.postMessage(messageOf(question));
    });
  }

  #start(): void {
    const { sources, captures = [], onNote } = this.#options;
    const candleStore = this.#options.candleStore?.();
    const workerData: FeedThreadData = { handles: this.handles, sources, captures, candleStore };
    const transferList = candleStore === undefined ? [] : [candleStore];
    const worker = new Worker(ENTRY, { workerData, transferList, name: 'feeds', resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
    this.#worker = worker;
    let failure: Error | undefined;
    worker.on('error', (error: Error) => {
      failure = error;
    });
    worker.on('message', (message: FromFeedThread) => {
      if (message.type === 'note') onNote(message.source, message.fault, message.text);
      else if (message.type === 'listed') for (const { row, terms } of message.listed) this.#terms.set(row, terms);
      else if (message.type === 'candles' || message.type === 'views') {
        this.#questions.get(message.question)?.resolve(message);
        this.#questions.delete(message.question);
      }
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      for (const { reject } of this.#questions.values()) reject(new FeedsBusyError('the feed thread has ended'));
      this.#questions.clear();
      // Its thread has ended, so this thread may write in its place.
      const output = openOutput(this.handles);
      const fault = this.#stopping ? FeedFault.None : FeedFault.Closed;
      const nowUs = Date.now() * 1000;
      openBooks(this.handles.books, fault, nowUs);
      for (const name of this.#names) {
        const publisher = new RecordPublisher(output, name);
        publisher.at(nowUs);
        publisher.end(fault);
      }
      if (this.#stopping) return;
      onNote(undefined, fault, `the feed thread ended${failure === undefined ? '' : `: ${failure.message}`}; it is started again`);
      this.#restart = setTimeout(() => this.#start(), RESTART_MS);
    });
  }
}
