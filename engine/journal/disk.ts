import { fdatasync, fdatasyncSync, fsync, fsyncSync, read, readSync, rename, renameSync, write, writeSync } from 'node:fs';

export type DiskError = NodeJS.ErrnoException;
export type Moved = (error: DiskError | null, bytes: number) => void;
export type Done = (error: DiskError | null) => void;

/**
 * How the log writer reaches the disk. One state machine runs over both: on
 * the event-loop thread most callbacks come later, in a thread of its own they
 * come before the call returns.
 */
export interface Disk {
  /** True when all callbacks come before the call returns. */
  readonly blocking: boolean;
  /**
   * Writes into pages that are in the page cache, and so copies at most some 100 KiB
   * there: no driver hands that to another thread, where it would wait for a core of
   * its own. Always calls back before it returns. May write less than `length`.
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
  /** Asks for a call of `poll` in about `ms`; a thread that polls anyway need not do it. */
  wake(ms: number, poll: () => void): void;
}

const append: Disk['append'] = (fd, bytes, offset, length, position, done) =>
  move(() => writeSync(fd, bytes, offset, length, position), done);

/** For the event-loop thread: what waits for the disk is done by libuv's pool. */
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

/** For a thread that does nothing else: it blocks, and spares the hand-over to the pool and back. */
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

/** `done` is called outside of the try: what it throws is not a disk error. */
function attempt(work: () => void, done: Done): void {
  let failed: DiskError | null = null;
  try {
    work();
  } catch (error) {
    failed = error as DiskError;
  }
  done(failed);
}

/** True when there is no room for now: the same work may succeed later. */
export function isDiskFull(error: DiskError): boolean {
  return error.code === 'ENOSPC' || error.code === 'EDQUOT';
}
