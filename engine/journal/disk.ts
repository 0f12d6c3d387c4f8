import { fdatasync, fdatasyncSync, fsync, fsyncSync, rename, renameSync, statfsSync, write, writeSync } from 'node:fs';

export type DiskError = NodeJS.ErrnoException;
export type Moved = (error: DiskError | null, bytes: number) => void;
export type Done = (error: DiskError | null) => void;

/**
 * Disk operations of the log writer. The same state machine uses both
 * implementations. On the event-loop thread, most callbacks run later. On a
 * separate thread, callbacks run before the call returns.
 */
export interface Disk {
  /** True if all callbacks run before the call returns. */
  readonly blocking: boolean;
  /**
   * Writes at most a batch, to whole pages, and to pages that the last write has
   * left in the page cache, so that nothing is read. This is a copy in memory, so it
   * runs on the calling thread in both implementations. Always calls back before it
   * returns. May write less than `length`.
   */
  append(fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Moved): void;
  /** May write less than `length`. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Moved): void;
  /** fdatasync: the data, and the size if it changed. */
  syncData(fd: number, done: Done): void;
  /** fsync: also of a directory. */
  syncAll(fd: number, done: Done): void;
  rename(from: string, to: string, done: Done): void;
  /** Requests a call of `poll` in `ms` milliseconds or a little later, never earlier. A thread that polls by itself ignores it. */
  wake(ms: number, poll: () => void): void;
}

const append: Disk['append'] = (fd, bytes, offset, length, position, done) =>
  move(() => writeSync(fd, bytes, offset, length, position), done);

/** For the event-loop thread: libuv's thread pool runs the operations that wait for the disk. */
export const asynchronousDisk: Disk = {
  blocking: false,
  append,
  write: (fd, bytes, offset, length, position, done) => write(fd, bytes, offset, length, position, done),
  syncData: (fd, done) => fdatasync(fd, done),
  syncAll: (fd, done) => fsync(fd, done),
  rename: (from, to, done) => rename(from, to, done),
  wake: (ms, poll) => wakeAt(performance.now() + ms, ms, poll),
};

/** Calls `poll` at the time of `performance.now()`, or later. A timer counts from the time at which its turn of the event loop began, and so may run early. */
function wakeAt(dueMs: number, ms: number, poll: () => void): void {
  const wake = (): void => {
    const leftMs = dueMs - performance.now();
    if (leftMs > 0) wakeAt(dueMs, leftMs, poll);
    else poll();
  };
  setTimeout(wake, ms).unref();
}

/** For a dedicated thread: operations block, which avoids the switch to the thread pool and back. */
export const synchronousDisk: Disk = {
  blocking: true,
  append,
  write: append,
  syncData: (fd, done) => attempt(() => fdatasyncSync(fd), done),
  syncAll: (fd, done) => attempt(() => fsyncSync(fd), done),
  rename: (from, to, done) => attempt(() => renameSync(from, to), done),
  wake: () => undefined,
};

function move(work: () => number, done: Moved): void {
  let bytes = 0;
  attempt(
    () => {
      bytes = work();
    },
    (error) => done(error, bytes),
  );
}

/** Calls `done` outside of the try: an exception in `done` is not a disk error. */
function attempt(work: () => void, done: Done): void {
  let failed: DiskError | null = null;
  try {
    work();
  } catch (error) {
    failed = error as DiskError;
  }
  done(failed);
}

/** True if the disk is full or a quota is reached: the same operation may succeed later. */
export function isDiskFull(error: DiskError): boolean {
  return error.code === 'ENOSPC' || error.code === 'EDQUOT';
}

/** True if the file system or the rights of this user allow no change. */
export function cannotBeWritten(error: DiskError): boolean {
  return error.code === 'EROFS' || error.code === 'EACCES' || error.code === 'EPERM';
}

/** The exchange stopped while the disk was full: the log does not have the last commands, which were not answered. */
export class DiskFullError extends Error {
  readonly code = 'DISK_FULL';

  constructor(dir: string, seq: number) {
    super(
      `The disk is full: commands from ${seq} on are not durable in ${dir}. In mode durable, none of them was answered. Free some space and start again.`,
    );
    this.name = 'DiskFullError';
  }
}

/** The data directory cannot be used as it is. What was acknowledged is unchanged. */
export class DataDirectoryError extends Error {
  readonly code: 'DISK_FULL' | 'DATA_READ_ONLY' | 'DATA_NO_ACCESS';

  constructor(code: DataDirectoryError['code'], message: string, cause: DiskError) {
    super(message, { cause });
    this.name = 'DataDirectoryError';
    this.code = code;
  }
}

/** The error of work on a data directory, with its remedy if the disk is full or the directory cannot be written; else the same error. */
export function dataDirectoryError(dir: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DataDirectoryError) return error;
  const cause = error as DiskError;
  // The system's limit of file watchers has the code of a full disk.
  if (isDiskFull(cause) && cause.syscall !== 'watch') {
    const remedy = 'Free space there, but not in the command log (log-*.obl), and try again. Nothing that was acknowledged is lost.';
    return new DataDirectoryError('DISK_FULL', `There is no space left for ${dir} (${cause.message}). ${remedy}`, cause);
  }
  if (cause.code === 'EROFS')
    return new DataDirectoryError('DATA_READ_ONLY', `${dir} is on a read-only file system (${cause.message}). Nothing was changed.`, cause);
  // The same codes are given for ports and other files.
  const above = (cause.syscall === 'mkdir' || cause.syscall === 'stat') && cause.path !== undefined && dir.startsWith(cause.path);
  if (cannotBeWritten(cause) && (above || cause.path?.startsWith(dir))) {
    const remedy = 'Nothing was changed. Run openbell as the owner of the directory, or change its rights.';
    return new DataDirectoryError('DATA_NO_ACCESS', `This user may not use ${dir} (${cause.message}). ${remedy}`, cause);
  }
  return error;
}

/** Throws if the file system of the directory has less than `bytes` free. Blocks. @param what needs them @throws DataDirectoryError with DISK_FULL */
export function mustHaveRoom(dir: string, bytes: number, what = 'a new directory'): void {
  const { bfree, bsize } = statfsSync(dir);
  if (bfree * bsize >= bytes) return;
  const mebibytes = (size: number): string => (size / 2 ** 20).toFixed(1);
  const cause = new Error(`${mebibytes(bfree * bsize)} MiB are free, and ${what} needs ${mebibytes(bytes)} MiB`);
  throw dataDirectoryError(dir, Object.assign(cause, { code: 'ENOSPC' }));
}
