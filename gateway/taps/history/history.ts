import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { type ReportArchive, ReportsGoneError } from '../../sessions/report-cursor.ts';
import type { CandleRange, StoredCandles } from '../candles/candle-queries.ts';
import type { CandleProgress, CandleStats } from '../candles/candle-stats.ts';
import type { LedgerPage, LedgerRange } from '../ledger/ledger-queries.ts';
import type { PositionPage, PositionRange } from '../positions/position-queries.ts';
import type { PositionProgress } from '../positions/position-writer.ts';
import type { AcceptanceTimes } from './acceptance-times.ts';
import { FairQueue, QueueFullError } from './fair-queue.ts';
import type { OrderLife } from './order-life.ts';
import { unpackOrders } from './order-rows.ts';
import type { OrderPage, RecordPage, TradeRange, VerifiedTo } from './queries.ts';
import type { Answer, OrderName, PackedOrderPage, Query, Unanswered } from './query-worker.ts';
import { DamagedHistoryError } from './run-format.ts';
import { NEWEST } from './runs.ts';
import { markDamaged } from './store-paths.ts';
import type { WriterOptions } from './writer.ts';
import { WRITER_STATS, type WriterMessage, type WriterStart, WriterStat } from './writer-messages.ts';

/** The same suffix as this file: `.ts` in the repository, `.js` in the package. */
const SUFFIX = extname(import.meta.filename);
/** Threads for queries, and as many for sessions that resume: queries must not keep clients from reconnecting. */
const THREADS = 1;
/** Maximum waiting queries, of one caller and of all; further ones are rejected, because each keeps an HTTP response or a session open. */
const MAX_WAITING_PER_CALLER = 32;
const MAX_WAITING = 256;
/** Sessions of an account wait in turn, too; there are 1024 sessions at most. */
const MAX_WAITING_SESSIONS = 1024;
/** Caller of the verification's own queries. No account and no address has this name. */
const VERIFIER = ' verification';
/** Between two slices of the verification, so that it takes little of a query thread. */
const VERIFY_EVERY_MS = 1000;

export interface HistoryStats {
  readonly watermark: number;
  readonly reports: number;
  readonly commits: number;
  /** The store cannot be written, so reports wait in the ring: most likely a full disk. */
  readonly failing: boolean;
  readonly failures: number;
  readonly lastCommitMs: number;
  /** Reports and trades that were too old and were removed. */
  readonly removed: number;
  readonly candles: CandleStats;
  /** What a query found damaged; the next start builds the store again. Undefined: nothing. */
  readonly damaged: string | undefined;
}

export interface HistoryOptions extends WriterOptions {
  /** Called when writes start to fail, and when they succeed again. */
  readonly onState?: (event: 'failing' | 'recovered', error: string) => void;
  /** Called while candles of stored trades are made, before the start has ended; the last call has all of them. */
  readonly onCandles?: (progress: CandleProgress) => void;
  /** The same for positions of stored reports, which are computed after the candles. */
  readonly onPositions?: (progress: PositionProgress) => void;
  /** Called when the writer's thread has died, or the store failed otherwise than by a full disk: reports accumulate in the ring until the process is restarted. */
  readonly onFailure?: (error: Error) => void;
  /** Called once, when a query finds a damaged run. */
  readonly onDamaged?: (error: Error) => void;
  /** The start did not verify all runs: they are verified in the background. */
  readonly verify?: boolean;
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
  /** The states of all candles when the writer began, packed as CandleWriter does. */
  candleStates: Float64Array = new Float64Array(0);
  readonly #writer: Worker;
  /** The writer's thread has ended, or waits for the end of the process after a failure. */
  readonly #ended: Promise<void>;
  readonly #stop: Int32Array;
  readonly #stats: Float64Array;
  readonly #dataDir: string;
  readonly #onDamaged: (error: Error) => void;
  readonly #queries: QueryPool;
  readonly #resumes: QueryPool;
  #damaged: string | undefined;
  #verifying: NodeJS.Timeout | undefined;

  private constructor(dataDir: string, writer: Worker, stop: Int32Array, stats: Float64Array, onDamaged: (error: Error) => void) {
    this.#dataDir = dataDir;
    this.#onDamaged = onDamaged;
    const damaged = (detail: string): Error => this.#noteDamage(detail);
    this.#queries = new QueryPool(dataDir, MAX_WAITING_PER_CALLER, MAX_WAITING, damaged);
    this.#resumes = new QueryPool(dataDir, MAX_WAITING_SESSIONS, MAX_WAITING_SESSIONS, damaged);
    this.#writer = writer;
    this.#stop = stop;
    this.#stats = stats;
    this.#ended = new Promise((resolve) => {
      writer.once('exit', () => resolve());
      writer.on('message', ({ event }: WriterMessage) => {
        if (event === 'failed') resolve();
      });
    });
  }

  /** Resolves when the writer has opened its store and takes reports. */
  static async start(options: HistoryOptions): Promise<History> {
    const { onState, onFailure, onCandles, onPositions, onDamaged = () => undefined, verify = false, ...writerOptions } = options;
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const stats = new Float64Array(new SharedArrayBuffer(8 * WRITER_STATS));
    const workerData = { ...writerOptions, stop, stats } satisfies WriterStart;
    const writer = new Worker(new URL(`writer-worker${SUFFIX}`, import.meta.url), { workerData, name: 'history' });
    const history = new History(options.dataDir, writer, stop, stats, onDamaged);
    await new Promise<void>((resolve, reject) => {
      writer.on('error', (error: Error) => {
        reject(error);
        onFailure?.(error);
      });
      writer.on('message', (message: WriterMessage) => {
        if (message.event === 'ready') {
          history.candleStates = message.candles;
          resolve();
        } else if (message.event === 'candles') onCandles?.(message.progress);
        else if (message.event === 'positions') onPositions?.(message.progress);
        else if (message.event === 'failed') {
          writer.unref();
          onFailure?.(new Error(`the history in ${options.dataDir} cannot be written: ${message.error}`));
        } else onState?.(message.event, message.error);
      });
    });
    if (verify) history.#verifyFrom('reports', 0, 0);
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
      removed: s[WriterStat.removed],
      candles: {
        stored: [...s.subarray(WriterStat.candles)],
        waiting: s[WriterStat.candlesWaiting],
        late: s[WriterStat.lateTrades],
        caughtUp: s[WriterStat.caughtUpTrades],
      },
      damaged: this.#damaged,
    };
  }

  /** For sessions that resume; accounts take turns. @throws ReportsGoneError if report `from` is no longer kept; DamagedHistoryError; HistoryBusyError, as all queries do */
  async read(account: number, from: number, limit: number): Promise<Uint8Array> {
    return (await this.#resumes.run(String(account), { kind: 'reports', account, from, limit })) as Uint8Array;
  }

  /** The same for a query. @param caller callers take turns */
  async accountReports(account: number, from: number, limit: number, caller: string): Promise<Uint8Array> {
    return (await this.#queries.run(caller, { kind: 'reports', account, from, limit })) as Uint8Array;
  }

  /** Reads of the past by drop copies. They are queries, so that sessions do not wait for them. @param caller callers take turns */
  archiveOf(caller: string): ReportArchive {
    return { read: (account, from, limit) => this.accountReports(account, from, limit, caller) };
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

  /**
   * Reports of one order of the account. Undefined: the history does not have the account's report `atLeast` yet.
   * @param atLeast 0 = what there is
   */
  async orderLife(account: number, order: OrderName, limit: number, atLeast: number, caller: string): Promise<OrderLife | undefined> {
    return (await this.#queries.run(caller, { kind: 'order', account, ...order, limit, atLeast })) as OrderLife | undefined;
  }

  /** Whether the history has this report of the account, or no longer keeps it. */
  async has(account: number, reportNo: number, caller: string): Promise<boolean> {
    return (await this.#queries.run(caller, { kind: 'newest', account, atLeast: reportNo })) !== undefined;
  }

  /** When orders of an account were accepted, as of the last commit. @param orderIds ascending @throws HistoryBusyError, DamagedHistoryError */
  async acceptanceTimes(account: number, orderIds: Float64Array, caller: string): Promise<AcceptanceTimes> {
    return (await this.#queries.run(caller, { kind: 'accepted', account, orderIds })) as AcceptanceTimes;
  }

  /** Trades of a symbol, newest first, with an id below `before`. */
  symbolTrades(symbol: number, limit: number, before = NEWEST, caller = ''): Promise<RecordPage> {
    return this.tradesOf(symbol, { before, limit }, caller);
  }

  /** Trades of a symbol in a range. */
  async tradesOf(symbol: number, range: TradeRange, caller: string): Promise<RecordPage> {
    return (await this.#queries.run(caller, { kind: 'trades', symbol, ...range })) as RecordPage;
  }

  /** Candles of a symbol as of the last commit. Undefined: the history does not have trade `atLeast` yet. */
  async candles(range: CandleRange, caller: string): Promise<StoredCandles | undefined> {
    return (await this.#queries.run(caller, { kind: 'candles', ...range })) as StoredCandles | undefined;
  }

  /** Positions of an account as of the last commit. Undefined: the history does not have the account's report `atLeast` yet. */
  async positions(range: PositionRange, atLeast: number, caller: string): Promise<PositionPage | undefined> {
    return (await this.#queries.run(caller, { kind: 'positions', ...range, atLeast })) as PositionPage | undefined;
  }

  /**
   * Entries of the ledger of an account as of the last commit. Undefined: the history does not have the reports `atLeast` of the account and
   * `atLeastOperator` of the operator yet.
   */
  async ledger(range: LedgerRange, atLeast: number, atLeastOperator: number, caller: string): Promise<LedgerPage | undefined> {
    return (await this.#queries.run(caller, { kind: 'ledger', ...range, atLeast, atLeastOperator })) as LedgerPage | undefined;
  }

  /** Call after the engine has stopped: writes the rest of the ring and ends all threads. */
  async stop(): Promise<void> {
    clearTimeout(this.#verifying);
    await Promise.all([this.#queries.close(), this.#resumes.close()]);
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
    await this.#ended;
  }

  /** Ends the writer at once, as a crash would; it loses the reports in the ring. */
  async kill(): Promise<void> {
    clearTimeout(this.#verifying);
    await Promise.all([this.#queries.destroy(), this.#resumes.destroy()]);
    await this.#writer.terminate();
  }

  #noteDamage(detail: string): Error {
    const error = new DamagedHistoryError(detail);
    if (this.#damaged === undefined) {
      this.#damaged = error.message;
      markDamaged(this.#dataDir, detail);
      this.#onDamaged(error);
    }
    return error;
  }

  /** Verifies the runs from a key on, in small slices, one at a time. */
  #verifyFrom(name: 'reports' | 'trades', owner: number, no: number): void {
    this.#verifying = setTimeout(async () => {
      try {
        const next = (await this.#queries.run(VERIFIER, { kind: 'verify', name, owner, no })) as VerifiedTo;
        if (next.owner !== -1) this.#verifyFrom(name, next.owner, next.no);
        else if (name === 'reports') this.#verifyFrom('trades', 0, 0);
      } catch (error) {
        // Damage has been noted; with a full queue it goes on later.
        if (error instanceof HistoryBusyError) this.#verifyFrom(name, owner, no);
      }
    }, VERIFY_EVERY_MS).unref();
  }
}

/** Threads that answer queries, behind a queue in which callers take turns. The threads start with the first query. */
class QueryPool {
  readonly #dataDir: string;
  readonly #queue: FairQueue;
  readonly #damaged: (detail: string) => Error;
  #pool: Piscina<Query, Answer> | undefined;

  /** @param damaged notes a damaged run, and returns the error for its reader */
  constructor(dataDir: string, mostPerCaller: number, most: number, damaged: (detail: string) => Error) {
    this.#dataDir = dataDir;
    this.#damaged = damaged;
    this.#queue = new FairQueue(THREADS, mostPerCaller, most);
  }

  /** Undefined: the history is behind what the query needs. @throws HistoryBusyError, ReportsGoneError, DamagedHistoryError */
  async run(caller: string, query: Query): Promise<Exclude<Answer, { readonly unanswered: Unanswered }> | undefined> {
    let answer: Answer;
    try {
      answer = await this.#queue.run(caller, () => this.#threads().run(query));
    } catch (error) {
      throw error instanceof QueueFullError ? new HistoryBusyError(error.message) : error;
    }
    if (!('unanswered' in answer)) return answer;
    const { lost, behind, damaged = '' } = answer.unanswered;
    if (behind) return undefined;
    if (lost === undefined) throw this.#damaged(damaged);
    throw new ReportsGoneError('account' in query ? query.account : 0, lost);
  }

  async close(): Promise<void> {
    await this.#pool?.close({ force: true });
  }

  async destroy(): Promise<void> {
    await this.#pool?.destroy();
  }

  #threads(): Piscina<Query, Answer> {
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
