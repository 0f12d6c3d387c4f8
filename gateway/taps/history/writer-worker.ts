import { parentPort, workerData } from 'node:worker_threads';
import type { CandleProgress } from '../candles/candle-stats.ts';
import { CandleTrimmer } from '../candles/candle-trimmer.ts';
import type { PositionProgress } from '../positions/position-writer.ts';
import { HistoryFullError } from './room.ts';
import { HistoryTrimmer } from './trimmer.ts';
import { HistoryWriter } from './writer.ts';
import { type WriterMessage, type WriterStart, WriterStat } from './writer-messages.ts';

/** Between polls: frequent while there are reports, so that each poll takes little time of a core that it may share with trading. */
const BUSY_MS = 4;
const IDLE_MS = 20;
/** Delay before a failed write is retried, ms. */
const RETRY_MS = 500;
/** Between two reports of the candles that are made at the start. */
const PROGRESS_MS = 5000;

async function run(start: WriterStart): Promise<void> {
  const { stats, stop } = start;
  const writer = new HistoryWriter(
    start,
    throttled(
      ({ trades, of }: CandleProgress) => trades === of,
      (progress) => post({ event: 'candles', progress }),
    ),
    throttled(
      ({ reports, of }: PositionProgress) => reports === of,
      (progress) => post({ event: 'positions', progress }),
    ),
  );
  stats[WriterStat.caughtUpTrades] = writer.candles.caughtUp;
  const trimmer = start.keepUs === undefined ? undefined : new HistoryTrimmer(writer.store, start.dataDir, start.keepUs);
  const { keepCandlesUs } = start;
  const candles = keepCandlesUs === undefined ? undefined : new CandleTrimmer(writer.store, start.dataDir, keepCandlesUs);
  stats[WriterStat.watermark] = writer.watermark;
  post({ event: 'ready', candles: writer.candles.packedStates() });
  for (;;) {
    const stopping = Atomics.load(stop, 0) !== 0;
    const written = pollOnce(writer, stats, stopping);
    noteCandles(writer, stats);
    if (written > 0 && stopping) continue;
    // After the engine has stopped, only a full disk leaves reports unwritten; the log has them.
    if (stopping) break;
    if (written !== -1) trim(trimmer, candles, writer, stats);
    Atomics.wait(stop, 0, 0, written === -1 ? RETRY_MS : writer.taken > 0 ? BUSY_MS : IDLE_MS);
  }
  try {
    await writer.close();
  } catch (error) {
    fail(error);
  }
}

/** Passes progress on at most every few seconds, and the end. */
function throttled<Progress>(isEnd: (progress: Progress) => boolean, pass: (progress: Progress) => void): (progress: Progress) => void {
  let passedAt = performance.now();
  return (progress) => {
    if (!isEnd(progress) && performance.now() - passedAt < PROGRESS_MS) return;
    passedAt = performance.now();
    pass(progress);
  };
}

function post(message: WriterMessage): void {
  parentPort?.postMessage(message);
}

function noteCandles({ candles }: HistoryWriter, stats: Float64Array): void {
  stats[WriterStat.candlesWaiting] = candles.waiting;
  stats[WriterStat.lateTrades] = candles.late;
  stats.set(candles.stored, WriterStat.candles);
}

/** A step of the retention, if one is due. Its failures are those of a commit. */
function trim(trimmer: HistoryTrimmer | undefined, candles: CandleTrimmer | undefined, writer: HistoryWriter, stats: Float64Array): void {
  try {
    stats[WriterStat.removed] += trimmer?.poll(writer.newestUs, performance.now()) ?? 0;
    candles?.poll(writer.newestUs, performance.now());
  } catch (error) {
    noteFailure(error, stats);
  }
}

/** A full disk is tried again. Does not return after another error. */
function noteFailure(error: unknown, stats: Float64Array): void {
  stats[WriterStat.failures]++;
  if (!(error instanceof HistoryFullError)) fail(error);
  if (stats[WriterStat.failing] === 0) notify('failing', error.message);
  stats[WriterStat.failing] = 1;
}

/** Reports written; -1 when the disk is full: they stay in the ring. Does not return after another error. */
function pollOnce(writer: HistoryWriter, stats: Float64Array, stopping: boolean): number {
  const began = performance.now();
  let written: number;
  try {
    written = writer.poll(stopping);
  } catch (error) {
    noteFailure(error, stats);
    return -1;
  }
  if (written === 0) return 0;
  if (stats[WriterStat.failing] === 1) notify('recovered', '');
  stats[WriterStat.failing] = 0;
  stats[WriterStat.watermark] = writer.watermark;
  stats[WriterStat.reports] += written;
  stats[WriterStat.commits]++;
  stats[WriterStat.lastCommitMs] = performance.now() - began;
  return written;
}

/**
 * Reports the failure and waits until the process ends. The thread must not end: that would close the store, whose
 * memory may be damaged, see room.ts.
 */
function fail(error: unknown): never {
  notify('failed', error instanceof Error ? error.message : String(error));
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function notify(event: 'failing' | 'recovered' | 'failed', error: string): void {
  post({ event, error });
}

if (parentPort !== null) void run(workerData as WriterStart);
