import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataLock, DataLockedError, isLockFile, lockHolder } from '../../engine/journal/data-lock.ts';
import { makeDirectory } from '../../engine/journal/paths.ts';
import { syncDirectory } from '../../engine/journal/segment-file.ts';
import { BackupError } from './backup-error.ts';
import { type CopyOptions, copyFile, hashFile, type Throttle } from './copy-file.ts';
import { type BackupContent, type BackupFile, MANIFEST, type Manifest, manifestText } from './manifest.ts';
import { partialOf, UNFINISHED } from './unfinished.ts';

/** An earlier backup whose unchanged files the new one shares. */
export interface Previous {
  readonly dir: string;
  readonly manifest: Manifest;
}

/**
 * The directory of a backup that is being made: `TARGET.partial`, renamed to `TARGET` when everything in it is durable. So `TARGET` is a
 * whole backup or does not exist. What an interrupted backup left is removed by the next one.
 */
export class BackupTarget {
  readonly dir: string;
  readonly #target: string;
  readonly #lock: DataLock;
  readonly #throttle: Throttle;
  readonly #previous: Previous | undefined;
  readonly #shared: ReadonlyMap<string, BackupFile>;
  #files = new Map<string, BackupFile>();

  private constructor(target: string, lock: DataLock, throttle: Throttle, previous: Previous | undefined) {
    this.dir = partialOf(target);
    this.#target = target;
    this.#lock = lock;
    this.#throttle = throttle;
    this.#previous = previous;
    this.#shared = new Map(previous?.manifest.files.map((file) => [file.path, file]));
  }

  /** Only the owner may enter the directory: alerts hold secrets of webhooks. @throws BackupError, the system's Error */
  static create(target: string, throttle: Throttle, previous?: Previous): BackupTarget {
    if (existsSync(target) && (!statSync(target).isDirectory() || readdirSync(target).length > 0))
      throw new BackupError('BACKUP_EXISTS', `${target} exists and is not an empty directory. Nothing was changed. Name another one.`);
    const dir = partialOf(target);
    makeDirectory(dirname(target));
    makeDirectory(dir, 0o700);
    const names = readdirSync(dir).filter((name) => !isLockFile(name));
    const pid = lockHolder(dir);
    if (pid !== 0) throw runs(target, pid);
    if (names.length > 0 && !names.includes(UNFINISHED))
      throw new BackupError('BACKUP_EXISTS', `${dir} exists, and openbell did not make it. Nothing was changed. Move it away.`);
    const lock = lockOf(dir, target);
    for (const name of names.filter((each) => each !== UNFINISHED)) rmSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, UNFINISHED), '');
    return new BackupTarget(target, lock, throttle, previous);
  }

  /** The file system that the backup is written to. */
  get parent(): string {
    return dirname(this.#target);
  }

  /** Copies a file of the data directory. @param immutable a file of this name and size never changes, so the one of the previous backup may be shared */
  async add(dataDir: string, path: string, options: CopyOptions & { readonly immutable?: boolean } = {}): Promise<void> {
    const to = join(this.dir, path);
    if (options.immutable && this.#share(join(dataDir, path), path, to)) return;
    const { immutable: _, ...copy } = options;
    const { usedBytes } = options;
    this.#files.set(path, {
      path,
      ...(usedBytes !== undefined && { usedBytes }),
      ...(await copyFile(join(dataDir, path), to, this.#throttle, copy)),
    });
  }

  /** Adds a file that was written to the directory by other means. */
  async addWritten(path: string): Promise<void> {
    const { zerosFollow: _, ...file } = await hashFile(join(this.dir, path), this.#throttle);
    this.#files.set(path, { path, ...file });
  }

  /** Removes files whose paths begin with `prefix`, to copy them again. */
  remove(prefix: string): void {
    for (const path of [...this.#files.keys()].filter((each) => each.startsWith(prefix))) this.#files.delete(path);
    for (const name of readdirSync(this.dir)) if (name.startsWith(prefix)) rmSync(join(this.dir, name), { recursive: true });
  }

  makeFolder(name: string, mode: number): void {
    mkdirSync(join(this.dir, name), { mode });
  }

  /** A hard link, so that the file takes no further room. False: it must be copied. */
  #share(from: string, path: string, to: string): boolean {
    const known = this.#shared.get(path);
    if (this.#previous === undefined || known === undefined || known.usedBytes !== undefined || known.bytes !== statSync(from).size)
      return false;
    try {
      linkSync(join(this.#previous.dir, path), to);
    } catch {
      // Another file system, one without links, or the previous backup is no longer whole.
      return false;
    }
    this.#files.set(path, known);
    return true;
  }

  /** Writes the manifest and gives the directory its name. Everything is durable when it returns. */
  finish(content: Omit<BackupContent, 'files'>): void {
    const files = [...this.#files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    writeFileSync(join(this.dir, MANIFEST), manifestText({ ...content, files }), { flush: true, mode: 0o600 });
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) syncDirectory(join(this.dir, folder));
    rmSync(join(this.dir, UNFINISHED));
    syncDirectory(this.dir);
    this.#lock.release();
    renameSync(this.dir, this.#target);
    syncDirectory(dirname(this.#target));
  }

  /** Removes everything. */
  abandon(): void {
    this.#lock.release();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function lockOf(dir: string, target: string): DataLock {
  try {
    return DataLock.acquire(dir);
  } catch (error) {
    throw error instanceof DataLockedError ? runs(target, error.pid) : error;
  }
}

function runs(target: string, pid: number): BackupError {
  return new BackupError(
    'DATA_LOCKED',
    `Another backup to ${target} is being made by process ${pid}. Nothing was changed. Wait for its end, or name another directory.`,
  );
}
