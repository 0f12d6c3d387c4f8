import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { mustHaveRoom } from '../../engine/journal/disk.ts';
import { listSegments } from '../../engine/journal/log-format.ts';
import { chainAt, type LogExtent, LogLookupError, logExtent } from '../../engine/journal/log-lookup.ts';
import { scanLog } from '../../engine/journal/log-reader.ts';
import { listSnapshots } from '../../engine/journal/snapshot-files.ts';
import { resolveLimits } from '../../engine/limits.ts';
import { lastConfiguration } from '../../engine/threads/logged-configurations.ts';
import { type Verification, verifyDataDirectory } from '../../engine/threads/verify.ts';
import type { Seq } from '../../engine/units.ts';
import { auditDirectory, auditFiles } from '../audit/audit-files.ts';
import { verifyTrail } from '../audit/audit-reader.ts';
import { checkStore } from '../taps/history/store-check.ts';
import { VERSION } from '../version.ts';
import { mustBeApart } from './apart.ts';
import { BackupError } from './backup-error.ts';
import { BackupTarget, type Previous } from './backup-target.ts';
import { copyAudit } from './copied-audit.ts';
import { copyStore, STORES, storeBytes } from './copied-stores.ts';
import { Throttle } from './copy-file.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { mustBeRestored } from './restored.ts';

export interface BackupOptions {
  /** Data directory of a running or stopped exchange. */
  readonly dataDir: string;
  /** Directory to make; it must not exist, or be empty. */
  readonly target: string;
  /** An earlier backup of the same log: files that have not changed are hard links to its files, where the file system allows it. */
  readonly since?: string;
  /** Most bytes to read or copy in a second. Default: no limit. */
  readonly bytesPerSecond?: number;
  readonly onProgress?: (progress: BackupProgress) => void;
}

/** The stages of a backup, in this order. A copy that cannot be used is made again. */
export type BackupStage = 'copying' | 'audit' | 'reading' | 'replaying' | 'hashing' | 'finishing';

export interface BackupProgress {
  readonly stage: BackupStage;
  /** Bytes copied; the command that was read or replayed up to, 0 before the first; else 0. */
  readonly done: number;
}

export interface BackupResult {
  readonly manifest: Manifest;
  /** What the backup does not contain, and why. */
  readonly warnings: readonly string[];
}

/** A running exchange that removes old files can make a copy unusable; then it is made again. */
const ATTEMPTS = 5;
/** Of the manifest, and blocks that are not full. */
const SPARE_BYTES = 4 * 1024 * 1024;

/**
 * Makes a consistent copy of a data directory. The exchange may be running: nothing is locked or asked, and files are only read.
 *
 * The parts are copied in an order that makes them fit each other. Stores come first, because the history must not be ahead of the log.
 * Snapshots follow, because a snapshot must not be ahead of the log either. The log comes last, up to the last whole batch that it has at
 * that moment. So everything that was acknowledged before the call is in the backup (in mode fast, without what a kill would lose). The
 * copy is then checked and replayed with the code of `openbell verify`. Blocks the thread at times.
 *
 * @throws BackupError, DataDirectoryError if there is no room, and the errors of
 *   a log that cannot be read. Nothing is left behind.
 */
export async function makeBackup({
  dataDir,
  since,
  bytesPerSecond = Number.POSITIVE_INFINITY,
  ...options
}: BackupOptions): Promise<BackupResult> {
  const target = resolve(options.target);
  mustBeApart(target, dataDir);
  mustBeRestored(dataDir);
  const { onProgress = () => undefined } = options;
  const beganAt = new Date().toISOString();
  const previous = since === undefined ? undefined : previousBackup(dataDir, since);
  let copied = 0;
  const throttle = new Throttle(bytesPerSecond, (bytes) => {
    copied += bytes;
    onProgress({ stage: 'copying', done: copied });
  });
  // Fails before a directory is made, if there is no log.
  const { lastFile, lastBytes } = logExtent(dataDir);
  const partial = BackupTarget.create(target, throttle, previous);
  try {
    const warnings: string[] = [];
    mustHaveRoom(partial.parent, roomFor(dataDir, previous, lastFile) + lastBytes, 'the backup');
    const { historySeq, extent } = await copyAll(dataDir, partial, warnings);
    onProgress({ stage: 'audit', done: 0 });
    const audit = await checkAudit(partial, warnings);
    const state = checkCopy(partial.dir, extent, onProgress);
    onProgress({ stage: 'finishing', done: 0 });
    partial.finish({
      release: VERSION,
      beganAt,
      endedAt: new Date().toISOString(),
      source: resolve(dataDir),
      logId: extent.logId,
      firstSeq: extent.segments[0].firstSeq,
      seq: extent.seq,
      chain: extent.chain ?? null,
      stateHash: state.stateHash,
      tradingHash: state.tradingHash,
      historySeq,
      audit,
    });
    return { manifest: readManifest(target), warnings };
  } catch (error) {
    partial.abandon();
    throw error;
  }
}

/** @throws BackupError if the log of the directory does not continue the one in the backup */
function previousBackup(dataDir: string, since: string): Previous {
  const manifest = readManifest(since);
  const { seq, chain, logId } = manifest;
  let found: string | undefined;
  try {
    if (logExtent(dataDir).logId === logId && chain !== null) found = chainAt(dataDir, seq).chain;
  } catch (error) {
    if (!(error instanceof LogLookupError)) throw error;
  }
  if (chain === null || found !== chain.chain)
    throw new BackupError(
      'BACKUP_OTHER_LOG',
      `the log in ${dataDir} does not have the commands of the backup ${since} up to ${seq}, or no longer has the last of them. Make a backup without --since.`,
    );
  return { dir: resolve(since), manifest };
}

interface CopiedParts {
  readonly historySeq: Seq | null;
  readonly extent: LogExtent;
}

async function copyAll(dataDir: string, partial: BackupTarget, warnings: string[]): Promise<CopiedParts> {
  for (let attempt = 1; ; attempt++) {
    const historySeq = await copyStores(dataDir, partial, warnings);
    await copyAudit(dataDir, partial);
    if (existsSync(join(dataDir, 'configured.json'))) await partial.add(dataDir, 'configured.json');
    try {
      const extent = await copyLog(dataDir, partial);
      const lost = reportsLost(partial.dir, extent, historySeq);
      if (lost !== undefined && attempt < ATTEMPTS) throw lost;
      if (lost !== undefined) warnings.push(lost.message);
      return { historySeq, extent };
    } catch (error) {
      const changed = error instanceof BackupError ? error.code === 'BACKUP_CHANGED' : (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (!changed || attempt === ATTEMPTS) throw error;
    }
    warnings.length = 0;
    for (const prefix of ['history', 'alerts', 'feed-candles', 'audit', 'configured', 'snapshot-', 'log-']) partial.remove(prefix);
  }
}

/** Without the newest segment, whose zeros take no room, and what a previous backup shares. It may still be copied if the file system has no links. */
function roomFor(dataDir: string, previous: Previous | undefined, newest: string): number {
  const without = new Set(previous?.manifest.files.filter(({ usedBytes }) => usedBytes === undefined).map(({ path }) => path)).add(newest);
  const files = [
    ...listSegments(dataDir).map(({ name }) => name),
    ...listSnapshots(dataDir).map(({ path }) => basename(path)),
    ...auditFiles(auditDirectory(dataDir)).map((path) => join('audit', basename(path))),
  ];
  const copied = files
    .filter((path) => !without.has(path))
    .map((path) => statSync(join(dataDir, path), { throwIfNoEntry: false })?.size ?? 0);
  return [...copied, ...STORES.map((store) => storeBytes(dataDir, store))].reduce((sum, bytes) => sum + bytes, SPARE_BYTES);
}

/** @returns the last command whose reports the copied history holds; null without one */
async function copyStores(dataDir: string, partial: BackupTarget, warnings: string[]): Promise<Seq | null> {
  let historySeq: Seq | null = null;
  for (const store of STORES) {
    if (storeBytes(dataDir, store) === 0) continue;
    await copyStore(join(dataDir, store), join(partial.dir, store));
    if (store === STORES[0]) {
      const { fault, watermark } = checkStore(partial.dir, Number.POSITIVE_INFINITY);
      if (fault !== undefined) {
        partial.remove('history');
        warnings.push(`The history is damaged (${fault}) and is not in the backup. A restored exchange builds it from the log.`);
        continue;
      }
      historySeq = watermark;
    }
    await partial.addWritten(store);
  }
  return historySeq;
}

async function copyLog(dataDir: string, partial: BackupTarget): Promise<LogExtent> {
  for (const { path } of listSnapshots(dataDir)) await addIfThere(dataDir, partial, basename(path));
  mustBeDefined(dataDir);
  const extent = logExtent(dataDir);
  mustBeDefined(dataDir);
  const last = extent.segments.findIndex(({ name }) => name === extent.lastFile);
  for (const [index, { name }] of extent.segments.entries()) {
    if (index < last) await partial.add(dataDir, name, { immutable: true });
    else {
      const usedBytes = index === last ? extent.lastBytes : 0;
      await partial.add(dataDir, name, { usedBytes, bytes: statSync(join(dataDir, name)).size });
    }
  }
  return extent;
}

/** A snapshot may be removed as soon as there are newer ones. */
async function addIfThere(dataDir: string, partial: BackupTarget, path: string): Promise<void> {
  try {
    await partial.add(dataDir, path, { immutable: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** While a first start defines the venue, the log has a part of it only. */
function mustBeDefined(dataDir: string): void {
  if (existsSync(join(dataDir, 'genesis.json')))
    throw new BackupError(
      'BACKUP_BUSY',
      `${dataDir} is in its first start, or that one was interrupted: definitions or deposits of its configuration are missing. Make the backup when the exchange is ready.`,
    );
}

/**
 * Where the log begins later, a start publishes the reports that the history lacks from a snapshot between the two. Segments that were
 * removed while the history was copied may leave none; then a new attempt helps.
 */
function reportsLost(dir: string, { segments }: LogExtent, historySeq: Seq | null): BackupError | undefined {
  const { firstSeq } = segments[0];
  if (historySeq === null || firstSeq === 1) return undefined;
  if (listSnapshots(dir).some(({ seq }) => seq >= firstSeq - 1 && seq <= historySeq)) return undefined;
  const detail = `The history ends with command ${historySeq}, and neither the log nor a snapshot continues there`;
  return new BackupError('BACKUP_CHANGED', `${detail}: a restored exchange lacks the reports behind it (HISTORY_LOST).`);
}

/** A trail with a fault is copied as it is: it is evidence. */
async function checkAudit(partial: BackupTarget, warnings: string[]): Promise<Manifest['audit']> {
  if (!existsSync(auditDirectory(partial.dir))) return null;
  const { records, head, fault } = await verifyTrail(partial.dir);
  if (fault !== undefined)
    warnings.push(`The audit trail has a fault, which the backup has as well: ${fault.file}, line ${fault.line}: ${fault.problem}`);
  return { records, head };
}

/** Reads all of the copied log, and replays it from the newest snapshot. @throws the errors of `openbell verify` */
function checkCopy(dir: string, { seq }: LogExtent, onProgress: (progress: BackupProgress) => void): Verification {
  onProgress({ stage: 'reading', done: 0 });
  const { lastSeq, torn } = scanLog(dir, (done) => onProgress({ stage: 'reading', done }));
  onProgress({ stage: 'replaying', done: 0 });
  const state = verifyDataDirectory(dir, {
    limits: resolveLimits({ ...lastConfiguration(dir) }),
    fromSnapshot: true,
    onProgress: (done) => onProgress({ stage: 'replaying', done }),
    onHashing: () => onProgress({ stage: 'hashing', done: 0 }),
  });
  if (lastSeq !== seq || torn !== undefined || state.seq !== seq)
    throw new BackupError(
      'BACKUP_BAD',
      `the copied log ends with command ${lastSeq} and not with ${seq}: the disk does not return what was written to it.`,
    );
  return state;
}
