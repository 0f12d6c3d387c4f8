import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DataLock, DataLockedError, isLockFile, lockHolder } from '../../engine/journal/data-lock.ts';
import { mustHaveRoom } from '../../engine/journal/disk.ts';
import { mustBeDirectory, mustBeFile } from '../../engine/journal/path-kind.ts';
import { makeDirectory } from '../../engine/journal/paths.ts';
import { syncDirectory } from '../../engine/journal/segment-file.ts';
import { mustBeApart } from './apart.ts';
import { BackupError } from './backup-error.ts';
import { copyFile, hashFile, Throttle } from './copy-file.ts';
import { type BackupFile, type Manifest, readManifest } from './manifest.ts';
import { RESTORED, RESTORING, type Restored } from './restored.ts';

export interface RestoreProgress {
  readonly stage: 'checking' | 'copying';
  readonly done: number;
  readonly total: number;
}

type OnProgress = (progress: RestoreProgress) => void;

const SPARE_BYTES = 4 * 1024 * 1024;

/**
 * Reads all files of a backup and compares them with its manifest.
 * @throws BackupError that names the first file that differs
 */
export async function checkBackup(backup: string, onProgress: OnProgress = () => undefined): Promise<Manifest> {
  mustBeDirectory(backup);
  const manifest = readManifest(backup);
  const throttle = counted('checking', manifest, onProgress);
  for (const file of manifest.files) {
    const fault = await faultOf(join(backup, file.path), file, throttle);
    if (fault !== undefined)
      throw new BackupError(
        'BACKUP_BAD',
        `${join(backup, file.path)} ${fault}: the backup is damaged. Nothing was changed. Use another backup.`,
      );
  }
  return manifest;
}

async function faultOf(path: string, { bytes, usedBytes, sha256 }: BackupFile, throttle: Throttle): Promise<string | undefined> {
  mustBeFile(path);
  if (!existsSync(path)) return 'is missing';
  const { size } = statSync(path);
  if (size !== bytes) return `has ${size} bytes instead of ${bytes}`;
  const found = await hashFile(path, throttle, usedBytes);
  return found.sha256 === sha256 && (usedBytes === undefined || found.zerosFollow) ? undefined : 'does not match its checksum';
}

/**
 * Copies a backup to a data directory that does not exist or is empty. The whole backup is checked before anything is written, and each
 * file again while it is copied. Until all of it is durable, no exchange starts on the directory; a restore that was interrupted can be
 * run again.
 * @throws BackupError, DataLockedError, DataDirectoryError if there is no room
 */
export async function restoreBackup(backup: string, dataDir: string, onProgress: OnProgress = () => undefined): Promise<Manifest> {
  mustBeApart(backup, dataDir);
  const repeated = mustBeEmpty(dataDir);
  const manifest = await checkBackup(backup, onProgress);
  const { beganAt, seq, stateHash } = manifest;
  const restored: Restored = { backup: resolve(backup), beganAt, restoredAt: new Date().toISOString(), seq, stateHash };
  const mark = `${JSON.stringify(restored, undefined, 1)}\n`;
  makeDirectory(dataDir);
  const marked = !repeated && placeMark(dataDir, mark);
  let lock: DataLock | undefined;
  try {
    lock = DataLock.acquire(dataDir);
    makeRoom(dataDir, manifest, repeated);
  } catch (error) {
    // Nothing was copied. Another process that marked the directory meanwhile keeps its mark.
    if (marked && readFileSync(join(dataDir, RESTORING), 'utf8') === mark) rmSync(join(dataDir, RESTORING));
    lock?.release();
    throw error;
  }
  try {
    writeFileSync(join(dataDir, RESTORING), mark, { flush: true });
    syncDirectory(dataDir);
    await copyFiles(backup, dataDir, manifest, counted('copying', manifest, onProgress));
    renameSync(join(dataDir, RESTORING), join(dataDir, RESTORED));
    syncDirectory(dataDir);
    return manifest;
  } finally {
    lock.release();
  }
}

/**
 * The mark comes before the lock and everything else, so that no exchange starts on what a restore leaves that is killed at any moment.
 * @returns false if another process has marked the directory at the same time
 */
function placeMark(dataDir: string, mark: string): boolean {
  const pid = lockHolder(dataDir);
  if (pid !== 0) throw new DataLockedError(dataDir, pid);
  const path = join(dataDir, RESTORING);
  try {
    writeFileSync(path, mark, { flag: 'wx', flush: true });
    syncDirectory(dataDir);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    rmSync(path, { force: true });
    throw error;
  }
}

/** Removes the rest of an interrupted restore. */
function makeRoom(dataDir: string, { files }: Manifest, repeated: boolean): void {
  const names = contentOf(dataDir).filter((name) => name !== RESTORING);
  // The mark is new then: what is there came while the backup was checked.
  if (names.length > 0 && !repeated) throw notEmpty(dataDir);
  for (const name of names) rmSync(join(dataDir, name), { recursive: true });
  const bytes = files.reduce((sum, file) => sum + file.bytes, SPARE_BYTES);
  mustHaveRoom(dataDir, bytes, 'the restored directory');
}

async function copyFiles(backup: string, dataDir: string, { files }: Manifest, throttle: Throttle): Promise<void> {
  const folders = new Set(files.map(({ path }) => dirname(path)).filter((folder) => folder !== '.'));
  // Records of the audit and secrets of webhooks are for the owner only.
  for (const folder of folders) mkdirSync(join(dataDir, folder), { mode: folder === 'history' ? 0o755 : 0o700 });
  for (const { path, bytes, usedBytes = bytes, mode, sha256 } of files) {
    const copied = await copyFile(join(backup, path), join(dataDir, path), throttle, { usedBytes, bytes, mode, fill: true });
    if (copied.sha256 !== sha256)
      throw new BackupError(
        'BACKUP_BAD',
        `${join(backup, path)} was changed while it was restored, or the disk returns other bytes at each read. ${dataDir} is not whole, and no exchange starts on it.`,
      );
  }
  for (const folder of folders) syncDirectory(join(dataDir, folder));
}

/** The rest of an interrupted restore counts as nothing. @returns true if there is one */
function mustBeEmpty(dataDir: string): boolean {
  mustBeDirectory(dataDir);
  if (!existsSync(dataDir)) return false;
  const names = contentOf(dataDir);
  if (names.length > 0 && !names.includes(RESTORING)) throw notEmpty(dataDir);
  return names.length > 0;
}

function contentOf(dataDir: string): string[] {
  return readdirSync(dataDir).filter((name) => !isLockFile(name) && name !== 'lost+found');
}

function notEmpty(dataDir: string): BackupError {
  return new BackupError(
    'RESTORE_NOT_EMPTY',
    `${dataDir} is not empty. Nothing was changed. Name a directory that does not exist, or move its content away.`,
  );
}

function counted(stage: RestoreProgress['stage'], { files }: Manifest, onProgress: OnProgress): Throttle {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  return new Throttle(Number.POSITIVE_INFINITY, (bytes) => {
    done += bytes;
    onProgress({ stage, done, total });
  });
}
