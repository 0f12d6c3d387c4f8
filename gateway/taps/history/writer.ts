import { GatedConsumer, type SeqCell } from '../../../engine/rings/gated-consumer.ts';
import type { RingConsumer, RingSlots } from '../../../engine/rings/ring.ts';
import { openTap, type RingTap } from '../../../engine/rings/tapped-ring.ts';
import { DutyLimit } from '../../../engine/threads/duty-limit.ts';
import { reportGate } from '../../../engine/threads/pumps.ts';
import { putI64 } from '../../../engine/units.ts';
import { ReportKind, Side, Trade } from '../../../engine/wire/layout.ts';
import { REPORT_WORDS } from '../../../engine/wire/report-frames.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import { Taker } from '../../../feeds/analysis/candles.ts';
import { NO_TRADE, takerOfFill } from '../../fill-trade.ts';
import type { CandleProgress } from '../candles/candle-stats.ts';
import { CandleWriter, MANY_CANDLES } from '../candles/candle-writer.ts';
import { LedgerWriter } from '../ledger/ledger-writer.ts';
import { type PositionProgress, PositionWriter } from '../positions/position-writer.ts';
import { hasRoom, requireRoom } from './room.ts';
import { RunCollector } from './run-collector.ts';
import type { Runs } from './run-format.ts';
import { REPORT_RUNS, TRADE_RUNS } from './run-layout.ts';
import { NEWEST } from './runs.ts';
import { type HistoryStore, openHistory, putWatermark, watermarkOf } from './store.ts';

/** Reports held in memory until the next commit, at most: 16 MiB. */
const MAX_HELD = 131_072;
/**
 * Minimum interval between commits, unless much is pending: each commit flushes the disk twice, which
 * delays the log's fdatasync.
 */
const COMMIT_MS = 200;
/**
 * Some 400 KiB of compact records: a commit copies them in the kernel in one piece. The pages and the flush that every commit has cost as much, so
 * smaller ones take more time of the processor.
 */
const COMMIT_REPORTS = 8192;
/**
 * The inverse of the share of the thread's time, without idle time, that commits
 * may use. With few accounts a commit takes a millisecond; with thousands, whose
 * keys are spread over the tree, it is slow, so it waits until more is pending.
 */
const COMMIT_SHARE = 10;
/** Fill level of the ring above which the writer does not rest; below it, the fuller the ring, the shorter are the rests. */
const RESTS_BELOW = 1 / 4;
/** Rest per unit of work while the ring is empty: a tenth of a core. */
const REST = 9;
/** Longest work between two rests, ms, and reports that are taken off the ring in that time. */
const WORK_MS = 0.08;
const TAKE_REPORTS = 512;

/** The account to which administrative commands are answered. */
const OPERATOR = 0;

export interface WriterOptions {
  readonly dataDir: string;
  /** Its consumer of the report ring. */
  readonly reports: RingTap;
  /** Reports of commands beyond it stay in the ring: history never holds what the log may still lose. Without it, all are taken. */
  readonly durable?: SeqCell | undefined;
  /** All reports of commands up to this one are in the ring. Without it, the last command seen counts as incomplete. */
  readonly applied?: SeqCell | undefined;
  /** Records that are older than the newest one by this are removed, microseconds. Default: all are kept. */
  readonly keepUs?: number;
  /** The same for candles shorter than a minute. */
  readonly keepCandlesUs?: number;
}

/**
 * Moves reports from the ring to the store. On a full disk a commit is tried again with the
 * same reports; meanwhile the buffer fills, then the ring, so that a full disk
 * causes back-pressure, never a gap. Reports that a crash loses from the buffer
 * are after the watermark, and the engine publishes them again.
 *
 * One thread owns it. `poll` blocks that thread for the length of a commit.
 */
export class HistoryWriter {
  readonly store: HistoryStore;
  readonly candles: CandleWriter;
  readonly #positions: PositionWriter;
  readonly #ledger: LedgerWriter;
  readonly #dataDir: string;
  readonly #gate: GatedConsumer;
  readonly #consumer: RingConsumer;
  readonly #slots: RingSlots;
  readonly #applied: SeqCell | undefined;
  readonly #reports = new RunCollector(REPORT_RUNS, MAX_HELD);
  readonly #trades = new RunCollector(TRADE_RUNS, MAX_HELD);
  readonly #limit = new DutyLimit(DutyLimit.allocate(), WORK_MS);
  /** Owners whose stale runs have already been deleted. */
  readonly #cleared = { reports: new Set<number>(), trades: new Set<number>() };
  readonly #report = new ReportView();
  /** The trade of the fill that is read. */
  readonly #trade = new Int32Array(Trade.bytes / 4);
  /** The sell order of the auction trade whose first fill was just read. */
  #contra = 0;
  #taken = 0;
  /** The last commit failed: the disk is full. */
  #failed = false;
  #watermark: number;
  /** Sequence of the last report taken, and the last command whose reports were all taken. */
  #newest = 0;
  #complete = 0;
  #newestUs = 0;
  #notBefore = 0;
  #lastCommit = 0;

  /** Both are called before the constructor returns. @param onCandles how far the candles of stored trades are made @param onPositions the same of positions */
  constructor(options: WriterOptions, onCandles?: (progress: CandleProgress) => void, onPositions?: (progress: PositionProgress) => void) {
    this.store = openHistory(options.dataDir, false, true);
    this.#dataDir = options.dataDir;
    // A take may end inside a command; the next reports show which commands are complete.
    this.#gate = new GatedConsumer(openTap(options.reports), reportGate(options.durable, false));
    this.#consumer = this.#gate.ring;
    this.#slots = this.#gate.slots;
    this.#applied = options.applied;
    this.#watermark = watermarkOf(this.store);
    this.candles = new CandleWriter(this.store);
    this.candles.catchUpAll(this.#watermark, () => this.#commitCandles(), onCandles);
    this.#ledger = new LedgerWriter(this.store, this.#watermark);
    if (this.#ledger.isNew) this.#commitLedger();
    this.#positions = new PositionWriter(this.store);
    this.#positions.catchUp(this.#watermark, (completeTo) => this.#commitPositions(completeTo), onPositions);
  }

  /** Writes candles alone, of trades that are stored. */
  #commitCandles(): void {
    requireRoom(this.#dataDir, this.candles.rows);
    this.store.root.transactionSync(() => this.candles.write(() => undefined));
    this.candles.clear();
  }

  /** Writes how far the ledger goes. */
  #commitLedger(): void {
    requireRoom(this.#dataDir, this.#ledger.rows);
    this.store.root.transactionSync(() => this.#ledger.write(this.#watermark));
  }

  /** Writes positions alone, of reports that are stored. */
  #commitPositions(completeTo: number): void {
    requireRoom(this.#dataDir, this.#positions.rows);
    this.store.root.transactionSync(() => this.#positions.write(() => undefined, completeTo));
    this.#positions.clear(performance.now());
  }

  /** Last command whose reports are all in the store, with those of all earlier commands. */
  get watermark(): number {
    return this.#watermark;
  }

  /** Time of the newest report taken; 0 = none yet. */
  get newestUs(): number {
    return this.#newestUs;
  }

  /** Reports that the last poll took off the ring. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes the reports in the ring, and commits them if a commit is due or `now`.
   * Returns the number of reports committed.
   * @throws HistoryFullError: the next call retries. Any other error is LMDB's and final: use the store no more, because
   *   LMDB may have damaged memory of its own.
   */
  poll(now = false): number {
    this.#limit.begin();
    this.#take(now);
    if (this.#reports.count === 0) return 0;
    const began = performance.now();
    if (!now && !this.#isDue(began)) return 0;
    const withPositions = this.#positions.isDue(this.#reports.count, began);
    const positionRows = withPositions ? this.#positions.rows : 0;
    this.#failed = true;
    requireRoom(this.#dataDir, this.#reports.mostRuns + this.#trades.mostRuns + this.candles.rows + this.#ledger.rows + positionRows);
    const watermark = Math.max(this.#watermark, this.#complete);
    const rested = this.#limit.rested;
    const rest = (): void => {
      if (!now) this.#rest();
    };
    const put = (name: 'reports' | 'trades', owner: number, no: number, bytes: Uint8Array): void => {
      const runs = this.store[name];
      this.#clear(runs, this.#cleared[name], owner, no);
      runs.putSync([owner, no], bytes as Buffer);
      rest();
    };
    try {
      this.store.root.transactionSync(() => {
        this.#reports.forEachRun((account, no, bytes) => put('reports', account, no, bytes));
        this.#trades.forEachRun((symbol, id, bytes) => put('trades', symbol, id, bytes));
        this.candles.write(rest);
        if (withPositions) this.#positions.write(rest, watermark);
        this.#ledger.write(watermark);
        putWatermark(this.store, watermark);
        // The commit that follows is one piece.
        if (!now) this.#limit.restBefore(this.#restPerWork());
      });
    } catch (error) {
      // The aborted transaction restored the deleted runs.
      for (const owners of Object.values(this.#cleared)) owners.clear();
      throw error;
    }
    this.#failed = false;
    const ended = performance.now();
    this.#lastCommit = ended;
    this.#notBefore = ended + (COMMIT_SHARE - 1) * (ended - began - (this.#limit.rested - rested));
    const written = this.#reports.count;
    this.#watermark = watermark;
    this.#reports.clear();
    this.#trades.clear();
    this.candles.clear();
    this.#ledger.clear();
    if (withPositions) this.#positions.clear(ended);
    else this.#positions.wait(written);
    return written;
  }

  /**
   * Deletes an owner's stale runs before its first new run. Records from its number on were stored by a process that ended
   * before the watermark reached them, and are written again. Run boundaries differ, so an old run would hide part of a new one.
   */
  #clear(runs: Runs, cleared: Set<number>, owner: number, no: number): void {
    if (cleared.has(owner)) return;
    cleared.add(owner);
    for (const key of Array.from(runs.getKeys({ start: [owner, no], end: [owner, NEWEST] }))) runs.removeSync(key);
  }

  #isDue(now: number): boolean {
    const { count } = this.#reports;
    if (count === MAX_HELD || this.candles.waiting >= MANY_CANDLES) return true;
    return now >= this.#notBefore && (count >= COMMIT_REPORTS || now >= this.#lastCommit + COMMIT_MS);
  }

  /** Commits the rest. Call it only after the engine has stopped: an empty ring then means that the last command is complete, unless the engine failed in the middle of its reports. */
  async close(): Promise<void> {
    const applied = this.#applied && Atomics.load(this.#applied.words, this.#applied.index);
    const whole = applied === undefined || ((applied - (this.#newest | 0)) | 0) >= 0;
    const written = this.#reports.count === 0;
    const ahead = whole && written && this.#consumer.peek() === -1 && this.#newest > this.#watermark;
    // Without room the watermark stays, and the next start publishes the last command's reports again, and catches up with positions.
    if (written && (ahead || this.#positions.isBehind) && hasRoom(this.#dataDir, this.#positions.rows)) {
      const watermark = ahead ? this.#newest : this.#watermark;
      this.store.root.transactionSync(() => {
        if (ahead) this.#ledger.write(watermark);
        if (ahead) putWatermark(this.store, watermark);
        this.#positions.write(() => undefined, watermark);
      });
    }
    await this.store.root.close();
  }

  #restPerWork(): number {
    return REST * Math.max(0, 1 - this.#consumer.available() / (this.#slots.capacity * RESTS_BELOW));
  }

  #rest(): void {
    const perWork = this.#restPerWork();
    if (perWork > 0) this.#limit.rest(perWork);
  }

  /** Takes what is in the ring, or until a commit is due; on a full disk, what the buffer holds. */
  #take(now: boolean): void {
    this.#taken = 0;
    do {
      this.#takeSome();
      this.#taken += this.#gate.taken;
      if (!now) this.#rest();
    } while (this.#gate.taken === TAKE_REPORTS && (now || this.#failed || !this.#isDue(performance.now())));
  }

  #takeSome(): void {
    // Read before the ring, so that the reports it covers are in the ring.
    const applied = this.#applied && Atomics.load(this.#applied.words, this.#applied.index);
    const gate = this.#gate;
    gate.begin(Math.min(TAKE_REPORTS, MAX_HELD - this.#reports.count));
    let last = -1;
    for (let slot = gate.next(); slot !== -1; slot = gate.next()) {
      this.#append(slot);
      last = slot;
    }
    if (last !== -1) {
      this.#newest = this.#seq(last);
      this.#newestUs = this.#report.timeUs;
    }
    // Reports are in order of sequence, so the first remaining one shows that earlier commands are complete.
    const left = this.#consumer.peek();
    if (left !== -1) this.#complete = this.#seq(left) - 1;
    else if (applied !== undefined && ((applied - (this.#newest | 0)) | 0) >= 0) this.#complete = this.#newest;
    else this.#complete = Math.max(this.#complete, this.#newest - 1);
    gate.release();
  }

  #seq(slot: number): number {
    return this.#report.wrap(this.#slots.i32, slot * REPORT_WORDS).seq;
  }

  #append(slot: number): void {
    const { i32 } = this.#slots;
    const from = slot * REPORT_WORDS;
    const report = this.#report.wrap(i32, from);
    this.#reports.add(report.account, report.reportNo, i32, from);
    if (report.account === OPERATOR) this.#ledger.answer(report);
    if (report.kind !== ReportKind.Fill) return;
    this.#positions.fill(report);
    // Each trade has two fills; only one of them is counted.
    const { flags, side } = report;
    // In an auction the buy's fill comes first. Each names the other order as the public knows it.
    const taker = takerOfFill(flags, side);
    if (taker !== NO_TRADE) this.#appendTrade(report, side, taker);
    else this.#contra = report.contraOrderId;
  }

  #appendTrade(report: ReportView, side: number, taker: number): void {
    const auction = taker === Taker.None;
    const words = this.#trade;
    const { tradeId, contraOrderId } = report;
    const orderId = auction ? this.#contra : report.orderId;
    words[0] = auction ? 0x100 : side;
    putI64(words, Trade.tradeId / 4, tradeId);
    putI64(words, Trade.price / 4, report.price);
    putI64(words, Trade.quantity / 4, report.quantity);
    putI64(words, Trade.buyOrderId / 4, side === Side.Buy ? orderId : contraOrderId);
    putI64(words, Trade.sellOrderId / 4, side === Side.Buy ? contraOrderId : orderId);
    putI64(words, Trade.seq / 4, report.seq);
    putI64(words, Trade.timeUs / 4, report.timeUs);
    this.#trades.add(report.symbol, tradeId, words, 0);
    this.candles.trade(report.symbol, report.timeUs, report.price, report.quantity, taker, tradeId, report.seq);
  }
}
