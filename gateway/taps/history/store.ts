import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { getI64 } from '../../../engine/units.ts';
import { Report, Trade } from '../../../engine/wire/layout.ts';
import { requireWritable } from './room.ts';

/**
 * The history for queries: every execution report by account and every trade by
 * symbol, in one LMDB environment under `DATA/history`. It is derived from the
 * log, which is authoritative; the watermark is the last command up to which the
 * history is complete.
 *
 *   reports  [account, first report number] -> packed 128-byte Report structs
 *   trades   [symbol, first trade id]       -> packed 64-byte Trade structs
 *   meta     'watermark', 'version'         -> sequence, version of this layout
 *
 * A value is a run of consecutive numbers. After a crash the engine publishes
 * the last commands' reports again: the writer removes their stored records,
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
const FORMAT = 'version';
/** Versions that are read: oldest, and newest, which is written. A store without one is version 1: the first releases wrote none. */
const OLDEST_VERSION = 1;
const VERSION = 1;

/** The history has a layout version that this release does not support. Nothing was changed. */
export class HistoryVersionError extends Error {
  readonly code: 'HISTORY_NEWER' | 'HISTORY_BAD';

  constructor(path: string, version: number) {
    const newer = version > VERSION;
    super(
      newer
        ? `The history in ${path} was written by a newer openbell: it has version ${version}; ` +
            `this release reads version ${VERSION}. Nothing was changed. Start the release that wrote it, or a newer one.`
        : `The history in ${path} has version ${version}, which no release writes: it is damaged. Nothing was changed. ` +
            'Move the directory away: the next start rebuilds it from the log.',
    );
    this.name = 'HistoryVersionError';
    this.code = newer ? 'HISTORY_NEWER' : 'HISTORY_BAD';
  }
}

/**
 * Opens, and unless `readOnly` creates, the history of a data directory. Each thread opens its own.
 * @throws HistoryVersionError; unless `readOnly`, HistoryFullError and HistoryUnusableError
 */
export function openHistory(dataDir: string, readOnly = false): HistoryStore {
  if (!readOnly) requireWritable(historyPath(dataDir));
  const root = open({ path: historyPath(dataDir), maxDbs: 4, maxReaders: 64, readOnly, noSubdir: false });
  const store: HistoryStore = {
    root,
    reports: root.openDB({ name: 'reports', encoding: 'binary', cache: false }),
    trades: root.openDB({ name: 'trades', encoding: 'binary', cache: false }),
    meta: root.openDB({ name: 'meta', encoding: 'ordered-binary', cache: false }),
  };
  const version = store.meta.get(FORMAT) ?? OLDEST_VERSION;
  if (version >= OLDEST_VERSION && version <= VERSION) return store;
  void root.close();
  throw new HistoryVersionError(historyPath(dataDir), version);
}

/** The LMDB environment of a data directory. */
export function historyPath(dataDir: string): string {
  return join(dataDir, 'history');
}

/** Sequence up to which every report is in the store; 0 = none. */
export function watermarkOf(store: HistoryStore): number {
  return store.meta.get(WATERMARK) ?? 0;
}

/** Call only inside the transaction that writes the reports it covers. Also stores the layout version. */
export function putWatermark(store: HistoryStore, seq: number): void {
  store.meta.putSync(FORMAT, VERSION);
  store.meta.putSync(WATERMARK, seq);
}

/**
 * As {@link watermarkOf}, for a data directory that no process has open: recovery
 * calls it before the replay, because reports after it must be published again.
 */
export async function readWatermark(dataDir: string): Promise<number> {
  if (!existsSync(join(historyPath(dataDir), 'data.mdb'))) return 0;
  const store = openHistory(dataDir);
  const seq = watermarkOf(store);
  await store.root.close();
  return seq;
}

/**
 * Removes the reports and trades of commands after `seq`, for a log that was cut
 * there and whose numbers will be used again. Returns how many were removed.
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
