import { fdatasync, fdatasyncSync, fsync, fsyncSync, read, readSync, rename, renameSync, write, writeSync } from 'node:fs';

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
   * Writes at most about 100 KiB to pages that are in the page cache. This is a
   * copy in memory, so it runs on the calling thread in both implementations.
   * Always calls back before it returns. May write less than `length`.
   */
  append(fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Moved): void;
  /** May write less than `length`. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Moved): void;
  /** May read less than `length`. */
  read(fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Moved): void;
  /** fdatasync: the data, and the size if it changed. */
  syncData(fd: number, done: Done): void;
  /** fsync: also of a directory. */
  syncAll(fd: number, done: Done): void;
  rename(from: string, to: string, done: Done): void;
  /** Requests a call of `poll` in about `ms` milliseconds. A thread that polls continuously ignores it. */
  wake(ms: number, poll: () => void): void;
}

const append: Disk['append'] = (fd, bytes, offset, length, position, done) =>
  move(() => writeSync(fd, bytes, offset, length, position), done);

/** For the event-loop thread: libuv's thread pool runs the operations that wait for the disk. */
export const asynchronousDisk: Disk = {
  blocking: false,
  append,
  write: (fd, bytes, offset, length, position, done) => write(fd, bytes, offset, length, position, done),
  read: (fd, bytes, offset, length, position, done) => read(fd, bytes, offset, length, position, done),
  syncData: (fd, done) => fdatasync(fd, done),
  syncAll: (fd, done) => fsync(fd, done),
  rename: (from, to, done) => rename(from, to, done),
  wake: (ms, poll) => void setTimeout(poll, ms).unref(),
};

/** For a dedicated thread: operations block, which avoids the switch to the thread pool and back. */
export const synchronousDisk: Disk = {
  blocking: true,
  append,
  write: append,
  read: (fd, bytes, offset, length, position, done) => move(() => readSync(fd, bytes, offset, length, position), done),
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
