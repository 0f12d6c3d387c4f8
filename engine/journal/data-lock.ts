import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAME = 'lock';
const TAKEOVER = 'lock.takeover';

/** Another process uses the data directory. */
export class DataLockedError extends Error {
  readonly code = 'DATA_LOCKED';
  readonly pid: number;

  constructor(dir: string, pid: number) {
    super(`The data directory ${dir} is in use by process ${pid}. Stop that process first, or choose another directory with --data.`);
    this.name = 'DataLockedError';
    this.pid = pid;
  }
}

/** The owner of a lock. Pids are reused, but a pid is unique together with its start time and the boot. */
interface Owner {
  readonly pid: number;
  /** Clock ticks since boot; '' if there is no /proc. */
  readonly started: string;
  readonly boot: string;
}

/**
 * Allows one process per data directory, apart from read-only processes. The
 * lock is a file that names its owner. The lock of a process that has ended is
 * taken over. The lock works between processes of one machine (one pid
 * namespace). A directory that two machines or containers share needs another
 * lock.
 */
export class DataLock {
  readonly #path: string;
  #held = true;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Creates the directory if it does not exist. Throws {@link DataLockedError}. */
  static acquire(dir: string): DataLock {
    mkdirSync(dir, { recursive: true });
    const path = join(dir, NAME);
    if (place(dir, NAME)) return new DataLock(path);
    takeOver(dir);
    return new DataLock(path);
  }

  /** Idempotent. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    rmSync(this.#path, { force: true });
  }
}

/** The pid of the running process that holds the lock, 0 if there is none. */
export function lockHolder(dir: string): number {
  const owner = readOwner(join(dir, NAME));
  return owner && lives(owner) ? owner.pid : 0;
}

/** Replaces the lock of a process that has ended. Only one process at a time may do so: two processes that both read the old lock must not delete each other's new lock. */
function takeOver(dir: string): void {
  const guard = join(dir, TAKEOVER);
  if (!place(dir, TAKEOVER)) {
    const other = readOwner(guard);
    if (other && lives(other)) throw new DataLockedError(dir, other.pid);
    rmSync(guard, { force: true }); // its owner ended during a takeover
    if (!place(dir, TAKEOVER)) throw new DataLockedError(dir, readOwner(guard)?.pid ?? 0);
  }
  try {
    const owner = readOwner(join(dir, NAME));
    if (owner && lives(owner)) throw new DataLockedError(dir, owner.pid);
    rmSync(join(dir, NAME), { force: true });
    if (!place(dir, NAME)) throw new DataLockedError(dir, readOwner(join(dir, NAME))?.pid ?? 0);
  } finally {
    rmSync(guard, { force: true });
  }
}

/** Creates a lock file with its whole content in one step. Returns false if it exists. */
function place(dir: string, name: string): boolean {
  const temporary = join(dir, `lock.${process.pid}.${name}.tmp`);
  writeFileSync(temporary, JSON.stringify(thisProcess()));
  try {
    linkSync(temporary, join(dir, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function readOwner(path: string): Owner | undefined {
  const text = readIfThere(path);
  if (text === '') return undefined;
  try {
    const { pid, started, boot } = JSON.parse(text);
    return Number.isInteger(pid) && pid > 0 ? { pid, started: String(started), boot: String(boot) } : undefined;
  } catch (error) {
    // Torn by a power cut, which also ended the writer.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function thisProcess(): Owner {
  return { pid: process.pid, started: startTime(process.pid), boot: bootId() };
}

function lives(owner: Owner): boolean {
  if (owner.boot !== bootId()) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startTime(owner.pid) === owner.started;
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
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}
