import { extname } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { BarRange } from '../../../feeds/analysis/instrument-candles.ts';
import { FeedsBusyError } from '../../../feeds/worker/feeds.ts';
import { FairQueue, QueueFullError } from '../history/fair-queue.ts';
import {
  FEED_CANDLE_STATS,
  type FeedCandleFault,
  FeedCandleStat,
  type FeedCandleThreadData,
  type FromFeedCandleThread,
  type ToFeedCandleThread,
} from './feed-candle-messages.ts';

/** Maximum waiting queries, of one caller and of all; further ones are rejected. */
const MOST_PER_CALLER = 32;
const MOST = 256;

export interface FeedCandleHistoryOptions {
  readonly dataDir: string;
  /** How long candles shorter than a minute are kept, microseconds. */
  readonly keepUs: number;
  /** Of the store, at most: the oldest of the shortest candles make room. */
  readonly mostBytes: number;
  /** For the log. `undefined`: what was wrong is no longer so. */
  readonly onFault: (code: FeedCandleFault | undefined, text: string) => void;
}

export interface FeedCandleHistoryStats {
  /** Closed candles that were stored since the start. */
  readonly stored: number;
  /** Closed candles that were dropped before they could be stored: the disk was full for too long. */
  readonly lost: number;
  /** Instruments without a place in the store, counted with each attempt. */
  readonly refused: number;
  /** Rows that were read and are damaged. */
  readonly damaged: number;
  /** Candles that were removed: too old, or to make room. */
  readonly removed: number;
  readonly bytes: number;
  /** Nothing is stored now. */
  readonly failing: boolean;
}

/** The stored candles of feeds, for the main thread: starts the thread of the store, and sends it queries. */
export class FeedCandleHistory {
  readonly #worker: Worker;
  readonly #stats = new Float64Array(new SharedArrayBuffer(FEED_CANDLE_STATS * 8));
  readonly #queue = new FairQueue(1, MOST_PER_CALLER, MOST);
  readonly #questions = new Map<number, (bars: Float64Array | undefined) => void>();
  readonly #ended: Promise<void>;
  readonly #faults = new Map<FeedCandleFault, string>();
  #asked = 0;
  #isRunning = true;

  /** Starts the thread, which opens the store in the background. */
  constructor({ onFault, ...options }: FeedCandleHistoryOptions) {
    const workerData = { ...options, stats: this.#stats } satisfies FeedCandleThreadData;
    const entry = new URL(`feed-candle-worker${extname(import.meta.filename)}`, import.meta.url);
    this.#worker = new Worker(entry, { workerData, name: 'feed-candles' });
    const failed = (code: FeedCandleFault, text: string): void => {
      this.#faults.set(code, text);
      onFault(code, text);
    };
    this.#worker.on('message', (message: FromFeedCandleThread) => {
      if (message.type === 'fault') failed(message.code, message.text);
      else if (message.type === 'recovered') {
        this.#faults.delete('FEED_CANDLES_FULL');
        onFault(undefined, 'candles of feeds are stored again');
      } else {
        this.#questions.get(message.question)?.(message.bars);
        this.#questions.delete(message.question);
      }
    });
    this.#worker.on('error', ({ message }: Error) => failed('FEED_CANDLES_UNUSABLE', message));
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#isRunning = false;
        for (const answer of this.#questions.values()) answer(undefined);
        this.#questions.clear();
        resolve();
      });
    });
  }

  get stats(): FeedCandleHistoryStats {
    const { stored, lost, refused, damaged, removed, bytes, failing } = FeedCandleStat;
    const s = this.#stats;
    return {
      ...{ stored: s[stored], lost: s[lost], refused: s[refused], damaged: s[damaged], removed: s[removed], bytes: s[bytes] },
      failing: s[failing] !== 0,
    };
  }

  /** Conditions for the attention of an operator. */
  warnings(): string[] {
    return Array.from(this.#faults, ([code, text]) => `${code}: ${text}`);
  }

  /** For a new feed thread. */
  port(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#send({ type: 'feeds', port: port2 }, [port2]);
    return port1;
  }

  /**
   * Closed candles of an instrument, as of the last batch; undefined: there are none.
   * @param feed its name in the store @param caller callers take turns
   * @throws FeedsBusyError
   */
  async bars(feed: string, instrument: string, range: BarRange, caller: string): Promise<Float64Array | undefined> {
    try {
      return await this.#queue.run(caller, () => this.#ask(feed, instrument, range));
    } catch (error) {
      throw error instanceof QueueFullError ? new FeedsBusyError('too many questions for stored candles wait') : error;
    }
  }

  /** Call after the feeds have stopped. */
  async stop(): Promise<void> {
    this.#send({ type: 'stop' });
    await this.#ended;
  }

  #ask(feed: string, instrument: string, range: BarRange): Promise<Float64Array | undefined> {
    return new Promise((resolve) => {
      if (!this.#isRunning) return resolve(undefined);
      const question = ++this.#asked;
      this.#questions.set(question, resolve);
      this.#send({ type: 'ask', question, feed, instrument, range });
    });
  }

  #send(message: ToFeedCandleThread, transferList: readonly MessagePort[] = []): void {
    this.#worker.postMessage(message, transferList);
  }
}
