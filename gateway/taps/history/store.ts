import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { OpeningBalance } from '../../../engine/threads/log-start.ts';
import { type CandleStore, openCandles } from '../candles/candle-store.ts';
import { truncateCandles } from '../candles/candle-truncate.ts';
import { beginLedgerAt, type LedgerStore, ledgerRowsAfter, openLedger, truncateLedger } from '../ledger/ledger-store.ts';
import { positionsAfter, truncatePositions } from '../positions/position-repair.ts';
import { openPositions, type PositionStore } from '../positions/position-store.ts';
import { requireRoom, requireWritable } from './room.ts';
import { compactRun, fieldOf, type Runs, recordsOf } from './run-format.ts';
import { REPORT_RUNS, type RunLayout, TRADE_RUNS } from './run-layout.ts';
import { historyPath } from './store-paths.ts';

/**
 * The history for queries: every execution report by account and every trade by
 * symbol, in one LMDB environment under `DATA/history`. It is derived from the
 * log, which is authoritative; the watermark is the last command up to which the
 * history is complete.
 *
 *   reports  [account, first report number] -> compact Report structs, trailer; see compact-records.ts
 *   trades   [symbol, first trade id]       -> compact Trade structs, trailer
 *   lost     account                        -> last report number that is no longer kept
 *   candles, candle-states                  -> see ../candles/candle-store.ts
 *   positions, position-bases               -> see ../positions/position-store.ts
 *   ledger                                  -> see ../ledger/ledger-store.ts
 *   meta     'watermark', 'version'         -> sequence, version of this layout
 *            'check'                        -> CRC-32 of both, from version 2 on
 *
 * A value is a run of consecutive numbers; its trailer is a checksum. Version 1
 * has no trailers and no `lost`, and versions 1 and 2 have whole structs; their runs stay as they are, and the store has
 * version 3 from the first commit of this release on. After a crash the engine publishes
 * the last commands' reports again: the writer removes their stored records,
 * and a run may still begin inside an older one; where two runs overlap, the one
 * with the higher first number counts.
 */
export interface HistoryStore extends CandleStore, PositionStore, LedgerStore {
  readonly root: RootDatabase;
  readonly reports: Runs;
  readonly trades: Runs;
  readonly lost: Database<number, number>;
  readonly meta: Database<number, string>;
}

const WATERMARK = 'watermark';
const FORMAT = 'version';
const CHECK = 'check';
/** Versions that are read: oldest, and newest, which is written. A store without one is version 1: the first releases wrote none. */
const OLDEST_VERSION = 1;
const VERSION = 3;

/** The history has a layout version that this release does not support. Nothing was changed. */
export class HistoryVersionError extends Error {
  readonly code: 'HISTORY_NEWER' | 'HISTORY_BAD';

  constructor(path: string, version: number) {
    const newer = version > VERSION;
    super(
      newer
        ? `The history in ${path} was written by a newer openbell: it has version ${version}; ` +
            `this release reads versions ${OLDEST_VERSION} to ${VERSION}. Nothing was changed. Start the release that wrote it, or a newer one.`
        : `The history in ${path} has version ${version}, which no release writes: it is damaged. Nothing was changed. ` +
            'The next start sets it aside and rebuilds it from the log.',
    );
    this.name = 'HistoryVersionError';
    this.code = newer ? 'HISTORY_NEWER' : 'HISTORY_BAD';
  }
}

/**
 * Opens, and unless `readOnly` creates, the history of a data directory. Each thread opens its own.
 * @param mayLoseLast a commit flushes the disk once instead of twice. The store stays whole, but the end of the machine may undo the last
 *   commit: only for commits that a start can make again from the log
 * @throws HistoryVersionError; unless `readOnly`, HistoryFullError and HistoryUnusableError
 */
export function openHistory(dataDir: string, readOnly = false, mayLoseLast = false): HistoryStore {
  if (!readOnly) requireWritable(historyPath(dataDir));
  const root = open({ path: historyPath(dataDir), maxDbs: 16, maxReaders: 64, readOnly, noSubdir: false, noMetaSync: mayLoseLast });
  const meta = root.openDB<number, string>({ name: 'meta', encoding: 'ordered-binary', cache: false });
  const version = meta.get(FORMAT) ?? OLDEST_VERSION;
  if (version < OLDEST_VERSION || version > VERSION) {
    void root.close();
    throw new HistoryVersionError(historyPath(dataDir), version);
  }
  return {
    root,
    reports: root.openDB({ name: 'reports', encoding: 'binary', cache: false }),
    trades: root.openDB({ name: 'trades', encoding: 'binary', cache: false }),
    lost: root.openDB({ name: 'lost', encoding: 'ordered-binary', cache: false }),
    ...openCandles(root),
    ...openPositions(root),
    ...openLedger(root),
    meta,
  };
}

/** Sequence up to which every report is in the store; 0 = none. */
export function watermarkOf(store: HistoryStore): number {
  return store.meta.get(WATERMARK) ?? 0;
}

/** Call only inside the transaction that writes the reports it covers. Also stores the layout version. */
export function putWatermark(store: HistoryStore, seq: number): void {
  store.meta.putSync(FORMAT, VERSION);
  store.meta.putSync(WATERMARK, seq);
  store.meta.putSync(CHECK, checkOf(seq, VERSION));
}

/** Values of `meta` by key. */
export type MetaValues = { watermark?: number; version?: number; check?: number } & Record<string, number>;

/** What is wrong with them; undefined if nothing is. */
export function metaFault({ watermark = 0, version = OLDEST_VERSION, check }: MetaValues): string | undefined {
  if (!(Number.isInteger(version) && version >= OLDEST_VERSION && version <= VERSION))
    return `it has version ${version}, which no release writes`;
  if (!(Number.isSafeInteger(watermark) && watermark >= 0)) return 'its watermark is not a sequence';
  if (version > 1 && check !== checkOf(watermark, version)) return 'its watermark does not match its checksum';
  return undefined;
}

/** True if a later release may have written this version. Numbers far above it are damage. */
export function isNewerVersion(version: number): boolean {
  return Number.isInteger(version) && version > VERSION && version <= VERSION + 1000;
}

function checkOf(watermark: number, version: number): number {
  return crc32(`${watermark} ${version}`);
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

/** Of `lost`, at least. */
const ENTRIES_PER_PAGE = 64;

/**
 * Makes a new store for a log whose beginning is gone: reports up to
 * `lastReportNo[account]` are lost, and the store is complete after `seq`, where
 * accounts have these balances.
 */
export async function beginHistoryAt(
  dataDir: string,
  seq: number,
  lastReportNo: Float64Array,
  balances: readonly OpeningBalance[] = [],
): Promise<void> {
  requireRoom(dataDir, Math.ceil((lastReportNo.length + balances.length) / ENTRIES_PER_PAGE));
  const store = openHistory(dataDir);
  store.root.transactionSync(() => {
    for (const [account, no] of lastReportNo.entries()) if (no > 0) store.lost.putSync(account, no);
    beginLedgerAt(store, seq, lastReportNo, balances);
    putWatermark(store, seq);
  });
  await store.root.close();
}

/**
 * Removes the reports and trades of commands after `seq`, for a log that was cut
 * there and whose numbers will be used again. Returns how many were removed.
 * @throws DamagedHistoryError; HistoryFullError, then nothing was changed
 */
export async function truncateHistory(dataDir: string, seq: number): Promise<number> {
  if (!existsSync(join(historyPath(dataDir), 'data.mdb'))) return 0;
  const store = openHistory(dataDir);
  try {
    requireRoom(historyPath(dataDir), rowsAfter(store, seq));
    return store.root.transactionSync(() => {
      const reports = truncateRuns(store.reports, REPORT_RUNS, seq);
      const trades = truncateRuns(store.trades, TRADE_RUNS, seq);
      truncateCandles(store, seq);
      truncatePositions(store, seq);
      truncateLedger(store, seq);
      if (watermarkOf(store) > seq) putWatermark(store, seq);
      return reports + trades;
    });
  } finally {
    await store.root.close();
  }
}

/**
 * Checks that {@link truncateHistory} to `seq` has room, and `besides` bytes more on the same disk.
 * @throws HistoryFullError, DamagedHistoryError
 */
export async function requireRoomToTruncate(dataDir: string, seq: number, besides: number): Promise<void> {
  if (!existsSync(join(historyPath(dataDir), 'data.mdb'))) return requireRoom(dataDir, 0, besides);
  const store = openHistory(dataDir);
  try {
    requireRoom(historyPath(dataDir), rowsAfter(store, seq), besides);
  } finally {
    await store.root.close();
  }
}

/** Runs that hold records of commands after `seq`, and positions and rows of the ledger that do. */
function rowsAfter(store: HistoryStore, seq: number): number {
  let runs = positionsAfter(store, seq) + ledgerRowsAfter(store, seq);
  for (const [from, layout] of [
    [store.reports, REPORT_RUNS],
    [store.trades, TRADE_RUNS],
  ] as const) {
    for (const { key, value } of from.getRange({})) {
      const records = recordsOf(layout, ...(key as [number, number]), value);
      if (fieldOf(records, records.length - layout.bytes + layout.seqAt) > seq) runs++;
    }
  }
  return runs;
}

function truncateRuns(runs: Runs, layout: RunLayout, seq: number): number {
  const shorter: { key: [number, number]; records: Uint8Array }[] = [];
  let removed = 0;
  for (const { key, value } of runs.getRange({})) {
    const [owner, first] = key as [number, number];
    const records = recordsOf(layout, owner, first, value);
    const count = records.length / layout.bytes;
    let keep = 0;
    while (keep < count && fieldOf(records, keep * layout.bytes + layout.seqAt) <= seq) keep++;
    if (keep === count) continue;
    removed += count - keep;
    shorter.push({ key: [owner, first], records: records.slice(0, keep * layout.bytes) });
  }
  for (const { key, records } of shorter) {
    if (records.length === 0) {
      runs.removeSync(key);
      continue;
    }
    runs.putSync(key, compactRun(layout, ...key, records) as Buffer);
  }
  return removed;
}
