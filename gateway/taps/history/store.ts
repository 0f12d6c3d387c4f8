import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { getI64 } from '../../../engine/units.ts';
import { Report, Trade } from '../../../engine/wire/layout.ts';

/**
 * What happened, kept for questions: every execution report by account and
 * every trade by symbol, in one LMDB environment under `DATA/history`. It is
 * derived from the log, which alone decides what is true; the watermark says
 * up to which command it is complete.
 *
 *   reports  [account, first report number] -> packed 128-byte Report structs
 *   trades   [symbol, first trade id]       -> packed 64-byte Trade structs
 *   meta     'watermark'                    -> sequence
 *
 * A value is a run of consecutive numbers. After a crash the engine publishes
 * the last commands' reports again: the writer removes what was stored of them,
 * and a run may still begin inside an older one; where two runs overlap, the one
 * with the higher first number counts.
 */
export interface HistoryStore {
  readonly root: RootDatabase;
  readonly reports: Runs;
  readonly trades: Runs;
  readonly meta: Database<number, string>;
}
export type Runs = Database<Buffer, [number, number]>;

const WATERMARK = 'watermark';

/** Opens, and unless `readOnly` creates, the history of a data directory. Each thread opens its own. */
export function openHistory(dataDir: string, readOnly = false): HistoryStore {
  const root = open({ path: historyPath(dataDir), maxDbs: 4, maxReaders: 64, readOnly, noSubdir: false });
  return {
    root,
    reports: root.openDB({ name: 'reports', encoding: 'binary', cache: false }),
    trades: root.openDB({ name: 'trades', encoding: 'binary', cache: false }),
    meta: root.openDB({ name: 'meta', encoding: 'ordered-binary', cache: false }),
  };
}

function historyPath(dataDir: string): string {
  return join(dataDir, 'history');
}

/** Sequence up to which every report is in the store; 0 = none. */
export function watermarkOf(store: HistoryStore): number {
  return store.meta.get(WATERMARK) ?? 0;
}

/** Only inside the transaction that writes the reports it covers. */
export function putWatermark(store: HistoryStore, seq: number): void {
  store.meta.putSync(WATERMARK, seq);
}

/**
 * As {@link watermarkOf}, for a data directory that nothing has open: recovery
 * asks before it replays, because reports after it must be published again.
 */
export async function readWatermark(dataDir: string): Promise<number> {
  if (!existsSync(join(historyPath(dataDir), 'data.mdb'))) return 0;
  const store = openHistory(dataDir);
  const seq = watermarkOf(store);
  await store.root.close();
  return seq;
}

/**
 * Forgets what commands after `seq` caused: for a log that was cut there, whose
 * numbers will be used again. Returns how many reports and trades went.
 */
export async function truncateHistory(dataDir: string, seq: number): Promise<number> {
  if (!existsSync(join(historyPath(dataDir), 'data.mdb'))) return 0;
  const store = openHistory(dataDir);
  const removed = store.root.transactionSync(() => {
    const reports = truncateRuns(store.reports, Report.bytes, Report.seq, seq);
    const trades = truncateRuns(store.trades, Trade.bytes, Trade.seq, seq);
    if (watermarkOf(store) > seq) putWatermark(store, seq);
    return reports + trades;
  });
  await store.root.close();
  return removed;
}

function truncateRuns(runs: Runs, recordBytes: number, seqAt: number, seq: number): number {
  const shorter: { key: [number, number]; value: Buffer }[] = [];
  let removed = 0;
  for (const { key, value } of runs.getRange({})) {
    const records = value.length / recordBytes;
    const words = wordsOf(value);
    let keep = 0;
    while (keep < records && getI64(words, (keep * recordBytes + seqAt) >> 2) <= seq) keep++;
    if (keep === records) continue;
    removed += records - keep;
    shorter.push({ key: key as [number, number], value: value.subarray(0, keep * recordBytes) });
  }
  for (const { key, value } of shorter) {
    if (value.length === 0) runs.removeSync(key);
    else runs.putSync(key, value);
  }
  return removed;
}

/** An aligned copy, read as 32-bit words: LMDB's values start at any byte. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return new Int32Array(copy.buffer);
}
