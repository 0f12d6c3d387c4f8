import { parentPort, workerData } from 'node:worker_threads';
import { HistoryTrimmer } from './trimmer.ts';
import { HistoryWriter, type WriterOptions } from './writer.ts';

/** Between polls: frequent while there are reports, so that each poll takes little time of a core that it may share with trading. */
const BUSY_MS = 2;
const IDLE_MS = 20;
/** Delay before a failed write is retried, ms. */
const RETRY_MS = 500;

export interface WriterStart extends WriterOptions {
  /** Int32: 0 = run, 1 = the engine has stopped, write the rest and end. */
  readonly stop: Int32Array;
  /** See {@link WriterStat}. */
  readonly stats: Float64Array;
}

/** Index in the shared stats; only the writer's thread stores them. */
export const WriterStat = { watermark: 0, reports: 1, commits: 2, failing: 3, lastCommitMs: 4, failures: 5, removed: 6 } as const;
export const WRITER_STATS = 7;

export type WriterMessage = { readonly event: 'ready' } | { readonly event: 'failing' | 'recovered'; readonly error: string };

async function run(start: WriterStart): Promise<void> {
  const writer = new HistoryWriter(start);
  const { stats, stop } = start;
  const trimmer = start.keepUs === undefined ? undefined : new HistoryTrimmer(writer.store, start.keepUs);
  stats[WriterStat.watermark] = writer.watermark;
  parentPort?.postMessage({ event: 'ready' } satisfies WriterMessage);
  for (;;) {
    const stopping = Atomics.load(stop, 0) !== 0;
    const written = pollOnce(writer, stats, stopping);
    if (written > 0 && stopping) continue;
    // After the engine has stopped, only a full disk leaves reports unwritten; the log has them.
    if (stopping) break;
    if (trimmer !== undefined && written !== -1) trim(trimmer, writer, stats);
    Atomics.wait(stop, 0, 0, written === -1 ? RETRY_MS : writer.taken > 0 ? BUSY_MS : IDLE_MS);
  }
  await writer.close();
}

function trim(trimmer: HistoryTrimmer, writer: HistoryWriter, stats: Float64Array): void {
  try {
    stats[WriterStat.removed] += trimmer.poll(writer.newestUs, performance.now());
  } catch (error) {
    // A full disk: the next commit reports it, too.
    stats[WriterStat.failures]++;
    if (stats[WriterStat.failing] === 0) notify('failing', error instanceof Error ? error.message : String(error));
    stats[WriterStat.failing] = 1;
  }
}

/** Reports written; -1 when the write failed: they stay in the ring. */
function pollOnce(writer: HistoryWriter, stats: Float64Array, stopping: boolean): number {
  const began = performance.now();
  let written: number;
  try {
    written = writer.poll(stopping);
  } catch (error) {
    stats[WriterStat.failures]++;
    if (stats[WriterStat.failing] === 0) notify('failing', error instanceof Error ? error.message : String(error));
    stats[WriterStat.failing] = 1;
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

function notify(event: 'failing' | 'recovered', error: string): void {
  parentPort?.postMessage({ event, error } satisfies WriterMessage);
}

if (parentPort !== null) void run(workerData as WriterStart);
