import { Worker } from 'node:worker_threads';
import { FeedFault } from '../feed.ts';
import type { FeedSource } from '../lines/feed-source.ts';
import { BroadcastReader, type ReaderOptions } from '../rings/broadcast-ring.ts';
import { ChangeWatch } from '../rings/change-signal.ts';
import { LatestReader } from '../rings/latest-values.ts';
import { RecordPublisher } from '../rings/record-publisher.ts';
import { type SourceStatus, SourcesReader } from '../rings/source-status.ts';
import { allocateFeeds, type FeedHandles, type FeedSizes, openOutput } from './feed-handles.ts';
import { type FeedThreadData, type FromFeedThread, STOP } from './feed-messages.ts';

export interface FeedsOptions extends FeedSizes {
  readonly sources: readonly FeedSource[];
  /** What happened to a source, or to the thread (`source` undefined): for the log. */
  readonly onNote: (source: string | undefined, fault: FeedFault, text: string) => void;
  /** Rows that {@link Feeds.watch} names have changed. Called once until {@link Feeds.arm} is called. */
  readonly onChange?: () => void;
}

/** Until a thread that ended by itself is started again, ms. */
const RESTART_MS = 1_000;
/** Until a thread that does not end its connections is terminated, ms. */
const STOP_MS = 2_000;
/** Of the thread's heap: one that leaks ends, and the process does not. */
const HEAP_MB = 512;

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
  readonly #options: FeedsOptions;
  readonly #status: SourcesReader;
  readonly #watch: ChangeWatch | undefined;
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  /** Allocates, and starts the thread. Connections are made in the background. */
  constructor(options: FeedsOptions) {
    this.#options = options;
    this.handles = allocateFeeds({ ...options, watched: options.onChange !== undefined }, options.sources.length);
    const { signal } = this.handles;
    this.#watch = signal && new ChangeWatch(signal);
    this.latest = new LatestReader(this.handles.latest);
    this.#status = new SourcesReader(this.handles.sources);
    // The sources get their numbers here: in the order of the configuration, before a line is made.
    const output = openOutput(this.handles);
    for (const { name } of options.sources) new RecordPublisher(output, name);
    this.#start();
  }

  /** State and counters of each source, in the order of the configuration. */
  status(): SourceStatus[] {
    return this.#status.all();
  }

  /** Changes of this row of {@link latest} call `onChange`. Read the row once after that. */
  watch(row: number): void {
    this.#watch?.watch(row);
  }

  /** The next change calls `onChange`. Read the rows after that. */
  arm(): void {
    this.#watch?.arm();
  }

  /** A new reader of all records, for the calling thread. */
  reader(options?: ReaderOptions): BroadcastReader {
    return new BroadcastReader(this.handles.ring, options);
  }

  /** Ends all connections and the thread. The memory remains readable. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage(STOP);
    const timer = setTimeout(() => void worker.terminate(), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #start(): void {
    const { sources, onNote, onChange } = this.#options;
    const workerData: FeedThreadData = { handles: this.handles, sources };
    const worker = new Worker(ENTRY, { workerData, name: 'feeds', resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
    this.#worker = worker;
    let failure: Error | undefined;
    worker.on('error', (error: Error) => {
      failure = error;
    });
    worker.on('message', (message: FromFeedThread) => {
      if (message.type === 'note') onNote(message.source, message.fault, message.text);
      else if (message.type === 'changed') onChange?.();
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      // Its thread has ended, so this thread may write in its place.
      const output = openOutput(this.handles);
      const fault = this.#stopping ? FeedFault.None : FeedFault.Closed;
      for (const { name } of sources) {
        const publisher = new RecordPublisher(output, name);
        publisher.at(Date.now() * 1000);
        publisher.end(fault);
      }
      if (this.#stopping) return;
      onNote(undefined, fault, `the feed thread ended${failure === undefined ? '' : `: ${failure.message}`}; it is started again`);
      this.#restart = setTimeout(() => this.#start(), RESTART_MS);
    });
  }
}
