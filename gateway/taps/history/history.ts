import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { FairQueue, QueueFullError } from './fair-queue.ts';
import { unpackOrders } from './order-rows.ts';
import type { OrderPage, RecordPage } from './queries.ts';
import type { PackedOrderPage, Query } from './query-worker.ts';
import { NEWEST } from './runs.ts';
import type { WriterOptions } from './writer.ts';
import { WRITER_STATS, type WriterMessage, type WriterStart, WriterStat } from './writer-worker.ts';

/** The same suffix as this file: `.ts` in the repository, `.js` in the package. */
const SUFFIX = extname(import.meta.filename);
/** Threads for queries, and as many for sessions that resume: queries must not keep clients from reconnecting. */
const THREADS = 1;
/** Maximum waiting queries, of one caller and of all; further ones are rejected, because each keeps an HTTP response or a session open. */
const MAX_WAITING_PER_CALLER = 32;
const MAX_WAITING = 256;
/** Sessions of an account wait in turn, too; there are 1024 sessions at most. */
const MAX_WAITING_SESSIONS = 1024;

/** The source of reports that the hub no longer retains. */
export interface ReportArchive {
  /** Packed 128-byte reports of `account`, numbered `from`, `from + 1`, ..., at most `limit`; empty when there are none (yet). */
  read(account: number, from: number, limit: number): Promise<Uint8Array>;
}

export interface HistoryStats {
  readonly watermark: number;
  readonly reports: number;
  readonly commits: number;
  /** The store cannot be written, so reports wait in the ring: most likely a full disk. */
  readonly failing: boolean;
  readonly failures: number;
  readonly lastCommitMs: number;
}

export interface HistoryOptions extends WriterOptions {
  /** Called when writes start to fail, and when they succeed again. */
  readonly onState?: (event: 'failing' | 'recovered', error: string) => void;
  /** Called when the writer's thread has died: reports accumulate in the ring until the process is restarted. */
  readonly onFailure?: (error: Error) => void;
}

/** The history query is rejected because too many are waiting. */
export class HistoryBusyError extends Error {
  readonly code = 'OPENBELL_HISTORY_BUSY';
}

/**
 * The I/O thread's interface to the history: starts the writer's thread, and uses
 * the query pools: one for queries, one for sessions that resume.
 */
export class History implements ReportArchive {
  readonly #writer: Worker;
  readonly #exited: Promise<void>;
  readonly #stop: Int32Array;
  readonly #stats: Float64Array;
  readonly #queries: QueryPool;
  readonly #resumes: QueryPool;

  private constructor(dataDir: string, writer: Worker, stop: Int32Array, stats: Float64Array) {
    this.#queries = new QueryPool(dataDir, MAX_WAITING_PER_CALLER, MAX_WAITING);
    this.#resumes = new QueryPool(dataDir, MAX_WAITING_SESSIONS, MAX_WAITING_SESSIONS);
    this.#writer = writer;
    this.#stop = stop;
    this.#stats = stats;
    this.#exited = new Promise((resolve) => writer.once('exit', () => resolve()));
  }

  /** Resolves when the writer has opened its store and takes reports. */
  static async start(options: HistoryOptions): Promise<History> {
    const { onState, onFailure, ...writerOptions } = options;
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const stats = new Float64Array(new SharedArrayBuffer(8 * WRITER_STATS));
    const workerData = { ...writerOptions, stop, stats } satisfies WriterStart;
    const writer = new Worker(new URL(`writer-worker${SUFFIX}`, import.meta.url), { workerData, name: 'history' });
    const history = new History(options.dataDir, writer, stop, stats);
    await new Promise<void>((resolve, reject) => {
      writer.on('error', (error: Error) => {
        reject(error);
        onFailure?.(error);
      });
      writer.on('message', (message: WriterMessage) => {
        if (message.event === 'ready') resolve();
        else onState?.(message.event, message.error);
      });
    });
    return history;
  }

  stats(): HistoryStats {
    const s = this.#stats;
    return {
      watermark: s[WriterStat.watermark],
      reports: s[WriterStat.reports],
      commits: s[WriterStat.commits],
      failing: s[WriterStat.failing] !== 0,
      failures: s[WriterStat.failures],
      lastCommitMs: s[WriterStat.lastCommitMs],
    };
  }

  /** For sessions that resume; accounts take turns. */
  async read(account: number, from: number, limit: number): Promise<Uint8Array> {
    return (await this.#resumes.run(String(account), { kind: 'reports', account, from, limit })) as Uint8Array;
  }

  /** The same for a query. @param caller callers take turns */
  async accountReports(account: number, from: number, limit: number, caller: string): Promise<Uint8Array> {
    return (await this.#queries.run(caller, { kind: 'reports', account, from, limit })) as Uint8Array;
  }

  /** Fill reports of an account, newest first, numbered below `before`. */
  async accountFills(account: number, limit: number, before = NEWEST, caller = ''): Promise<RecordPage> {
    return (await this.#queries.run(caller, { kind: 'fills', account, before, limit })) as RecordPage;
  }

  /** Orders of an account in their latest state, newest first, with an order id below `before`. */
  async accountOrders(account: number, limit: number, before = NEWEST, caller = ''): Promise<OrderPage> {
    const { packed, ...page } = (await this.#queries.run(caller, { kind: 'orders', account, before, limit })) as PackedOrderPage;
    return { orders: unpackOrders(packed), ...page };
  }

  /** Trades of a symbol, newest first, with an id below `before`. */
  async symbolTrades(symbol: number, limit: number, before = NEWEST, caller = ''): Promise<RecordPage> {
    return (await this.#queries.run(caller, { kind: 'trades', symbol, before, limit })) as RecordPage;
  }

  /** Call after the engine has stopped: writes the rest of the ring and ends all threads. */
  async stop(): Promise<void> {
    await Promise.all([this.#queries.close(), this.#resumes.close()]);
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
    await this.#exited;
  }

  /** Ends the writer at once, as a crash would; it loses the reports in the ring. */
  async kill(): Promise<void> {
    await Promise.all([this.#queries.destroy(), this.#resumes.destroy()]);
    await this.#writer.terminate();
  }
}

/** Threads that answer queries, behind a queue in which callers take turns. The threads start with the first query. */
class QueryPool {
  readonly #dataDir: string;
  readonly #queue: FairQueue;
  #pool: Piscina<Query> | undefined;

  constructor(dataDir: string, mostPerCaller: number, most: number) {
    this.#dataDir = dataDir;
    this.#queue = new FairQueue(THREADS, mostPerCaller, most);
  }

  /** @throws HistoryBusyError */
  async run(caller: string, query: Query): Promise<unknown> {
    try {
      return await this.#queue.run(caller, () => this.#threads().run(query));
    } catch (error) {
      throw error instanceof QueueFullError ? new HistoryBusyError(error.message) : error;
    }
  }

  async close(): Promise<void> {
    await this.#pool?.close({ force: true });
  }

  async destroy(): Promise<void> {
    await this.#pool?.destroy();
  }

  #threads(): Piscina<Query> {
    this.#pool ??= new Piscina({
      filename: new URL(`query-worker${SUFFIX}`, import.meta.url).href,
      workerData: { dataDir: this.#dataDir },
      minThreads: 1,
      maxThreads: THREADS,
      idleTimeout: 30_000,
      // Without it a waiting thread blocks in Atomics.wait and the pool cannot end it while the process stops.
      atomics: 'async',
    });
    return this.#pool;
  }
}
