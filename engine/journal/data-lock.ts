import { closeSync, fstatSync, linkSync, openSync, readFile, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cannotBeWritten, isDiskFull } from './disk.ts';
import { logOwner } from './log-owner.ts';
import { makeDirectory } from './paths.ts';

const NAME = 'lock';
/** Is added to the name of a lock for the lock under which it is taken over. */
const TAKEOVER = '.takeover';

/** Interval at which the holder looks at its lock, ms. */
const WATCH_MS = 500;
const REMOVING =
  'Remove it only if no exchange uses the directory: "fuser -v" on the log-*.obl files there must show no process, on each host and in each container that has the directory.';

/** Another process uses the data directory. */
export class DataLockedError extends Error {
  readonly code = 'DATA_LOCKED';
  readonly pid: number;

  /** @param how how it is known, if not by its lock */
  constructor(dir: string, pid: number, how = '') {
    super(`The data directory ${dir} is in use by process ${pid}${how}. Stop that process first, or name another directory.`);
    this.name = 'DataLockedError';
    this.pid = pid;
  }
}

/** A lock is there that is not a file. Nothing was changed. */
export class BadLockError extends Error {
  readonly code = 'DATA_LOCK_BAD';

  constructor(path: string, cause: unknown) {
    super(`${path} cannot be read as a lock file (${(cause as Error).message}). Nothing was changed. ${REMOVING}`);
    this.name = 'BadLockError';
  }
}

/** The lock of a running process was removed or replaced: another process may write the same log. */
export class LockLostError extends Error {
  readonly code = 'DATA_LOCK_LOST';

  constructor(path: string, what: string) {
    super(
      `${path}, the lock of this process, ${what}. Another process may use the data directory, so this one writes and answers nothing more. ` +
        'Leave the lock file alone while an exchange runs. See that no other one runs on the directory, run "openbell verify" on it, and start again.',
    );
    this.name = 'LockLostError';
  }
}

/** The owner of a lock. Pids are reused, but a pid is unique together with its start time and the boot. */
interface Owner {
  readonly pid: number;
  /** Clock ticks since boot; '' if there is no /proc. */
  readonly started: string;
  readonly boot: string;
  /** Inode of the lock file and real path of its directory, which a copy does not have. Undefined: an earlier release wrote the lock. */
  readonly inode: string | undefined;
  readonly directory: string | undefined;
}

/**
 * Allows one process per data directory, apart from read-only processes. The
 * lock is a file that names its owner. The lock of a process that has ended is
 * taken over, and so is one that was copied together with a directory. The lock
 * works between processes of one machine (one pid namespace). A directory that
 * two machines or containers share needs another lock.
 */
export class DataLock {
  readonly #path: string;
  /** Content of the lock file; undefined: it is not held. */
  #content: string | undefined;
  #watch: NodeJS.Timeout | undefined;

  private constructor(path: string, content: string | undefined) {
    this.#path = path;
    this.#content = content;
  }

  /** Creates the directory if it does not exist. @throws DataLockedError, BadLockError, PathError, the system's Error if the directory cannot be written */
  static acquire(dir: string): DataLock {
    makeDirectory(dir);
    return DataLock.#take(dir);
  }

  static #take(dir: string): DataLock {
    // Before anything is replaced: a running exchange may have lost its lock, or have one whose pid counts in another container.
    if (lockHolder(dir) === 0) mustNotBeOpen(dir);
    take(dir, NAME);
    const path = join(dir, NAME);
    return new DataLock(path, readFileSync(path, 'utf8'));
  }

  /**
   * As `acquire`, of a directory that exists. In one that cannot be written (read-only, or a full disk) no lock is made, because no exchange can start there
   * meanwhile; it only must not be in use.
   * @param mayWrite true: the work may write after all, so a full disk is an error
   */
  static acquireToRead(dir: string, mayWrite = false): DataLock {
    try {
      return DataLock.#take(dir);
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      if (!cannotBeWritten(cause) && (mayWrite || !isDiskFull(cause))) throw error;
      const pid = lockHolder(dir);
      if (pid !== 0) throw new DataLockedError(dir, pid);
      return new DataLock(join(dir, NAME), undefined);
    }
  }

  /** False: the directory cannot be written, see {@link DataLock.acquireToRead}; or the lock was released. */
  get held(): boolean {
    return this.#content !== undefined;
  }

  /** @throws LockLostError if the lock file is gone, or is not the one of this process */
  check(): void {
    const fault = this.#fault(readIfThere(this.#path));
    if (fault !== undefined) throw fault;
  }

  /**
   * Looks at the lock file twice a second until `release`, without blocking, and calls `onLost` once if it is gone or not the one of
   * this process. A file that cannot be read proves nothing. Needs an event loop, which it does not keep alive.
   */
  watch(onLost: (error: LockLostError) => void): void {
    const look = (text: string): void => {
      const fault = this.#watch === undefined ? undefined : this.#fault(text);
      if (fault === undefined) return;
      clearInterval(this.#watch);
      this.#watch = undefined;
      onLost(fault);
    };
    let reading = false; // A disk that hangs must not take more than one thread of the pool.
    this.#watch = setInterval(() => {
      if (reading) return;
      reading = true;
      readFile(this.#path, 'utf8', (error, text) => {
        reading = false;
        if (error === null) look(text);
        else if (isAbsent(error)) look('');
      });
    }, WATCH_MS).unref();
  }

  #fault(text: string): LockLostError | undefined {
    if (!this.held || text === this.#content) return undefined;
    const pid = ownerIn(text)?.pid;
    return new LockLostError(this.#path, text === '' ? 'is gone' : `was replaced${pid === undefined ? '' : ` by process ${pid}`}`);
  }

  /** Idempotent. Leaves the lock of another process alone: the directory may have been moved, and another one put in its place. */
  release(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    if (!this.held) return;
    this.#content = undefined;
    const owner = readOwner(this.#path);
    if (owner?.pid === process.pid && lives(owner, this.#path)) rmSync(this.#path, { force: true });
  }
}

/** True for the name of a lock, or of a file that a process leaves in the directory if it is killed while it makes one. */
export function isLockFile(name: string): boolean {
  return /^lock(\.takeover)*$/.test(name) || /^lock\.\d+\.lock(\.takeover)*\.tmp$/.test(name);
}

/** The pid of the running process that holds the lock, 0 if there is none. @throws BadLockError */
export function lockHolder(dir: string): number {
  const path = join(dir, NAME);
  const owner = readOwner(path);
  return owner && lives(owner, path) ? owner.pid : 0;
}

/** @throws DataLockedError if a process has the log open for writing, without a lock that this process understands */
function mustNotBeOpen(dir: string): void {
  const pid = logOwner(dir);
  if (pid !== 0) throw new DataLockedError(dir, pid, ', which has the log open, although its lock file is gone or of another container');
}

/** Places the lock file, after it removed that of a process that has ended. @throws DataLockedError, BadLockError */
function take(dir: string, name: string): void {
  while (!place(dir, name)) {
    if (isStale(dir, name)) removeStale(dir, name);
  }
}

/**
 * Removes the lock of a process that has ended. Only the holder of its guard may do so: two processes that both read the old lock would
 * remove each other's new one. The guard is a lock, too, so one that is left by a process that ended here is removed under a guard of its own.
 */
function removeStale(dir: string, name: string): void {
  const guard = `${name}${TAKEOVER}`;
  take(dir, guard);
  try {
    // What is stale now stays until this process removes it. What is absent is not removed: the next process may place its lock there.
    if (isStale(dir, name)) rmSync(join(dir, name));
  } finally {
    rmSync(join(dir, guard), { force: true });
  }
}

/** False: there is no lock. @throws DataLockedError if its process runs, BadLockError */
function isStale(dir: string, name: string): boolean {
  const path = join(dir, name);
  for (;;) {
    const text = readLock(path);
    if (text === undefined) return false;
    const owner = ownerIn(text);
    if (owner && lives(owner, path)) throw new DataLockedError(dir, owner.pid);
    // A process that released its lock and then ended: the file of this name may be that of another by now.
    if (readLock(path) === text) return true;
  }
}

/** Creates a lock file with its whole content in one step. Returns false if it exists. Leaves no other file behind. */
function place(dir: string, name: string): boolean {
  const temporary = join(dir, `lock.${process.pid}.${name}.tmp`);
  try {
    const fd = openSync(temporary, 'w');
    try {
      writeFileSync(fd, JSON.stringify(thisProcess(dir, fstatSync(fd, { bigint: true }).ino)));
    } finally {
      closeSync(fd);
    }
    linkSync(temporary, join(dir, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    removeIfPossible(temporary);
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    // Where it could not be created either.
    if (!cannotBeWritten(error as NodeJS.ErrnoException)) throw error;
  }
}

/** Undefined: there is no lock, or the file is not one. A power cut may tear it, which also ended its writer. */
function readOwner(path: string): Owner | undefined {
  return ownerIn(readLock(path) ?? '');
}

/** Content of a lock file, undefined if it does not exist. @throws BadLockError */
function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isAbsent(error as NodeJS.ErrnoException)) return undefined;
    throw new BadLockError(path, error);
  }
}

function ownerIn(text: string): Owner | undefined {
  try {
    const { pid, started, boot, inode, directory }: Record<keyof Owner, unknown> = JSON.parse(text) ?? {};
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0) return undefined;
    const place =
      typeof inode === 'string' && typeof directory === 'string' ? { inode, directory } : { inode: undefined, directory: undefined };
    return { pid: pid as number, started: String(started), boot: String(boot), ...place };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function thisProcess(dir: string, inode: bigint): Owner {
  return { pid: process.pid, started: startTime(process.pid), boot: bootId(), inode: String(inode), directory: realpathSync(dir) };
}

/** @param path of the lock file */
function lives(owner: Owner, path: string): boolean {
  if (owner.boot !== bootId() || wasCopied(owner, path)) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startTime(owner.pid) === owner.started;
}

/**
 * True if the lock file is a copy: its owner uses another directory. Both must differ: a directory that is moved keeps the inode, and one
 * path may show different inodes on some network file systems.
 */
function wasCopied({ inode, directory }: Owner, path: string): boolean {
  if (inode === undefined) return false;
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found !== undefined && String(found.ino) !== inode && realpathSync(dirname(path)) !== directory;
}

/** Field 22 of /proc/PID/stat; the name of the program, field 2, may contain blanks and brackets. Empty for a zombie (field 3 is Z), which holds no resources. */
function startTime(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
}

function bootId(): string {
  return readIfThere('/proc/sys/kernel/random/boot_id').trim();
}

/** Content of the file, '' if it does not exist. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isAbsent(error as NodeJS.ErrnoException)) return '';
    throw error;
  }
}

function isAbsent({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH';
}
