import { fdatasync, fdatasyncSync, fsync, fsyncSync, rename, renameSync, write, writeSync } from 'node:fs';

export type DiskError = NodeJS.ErrnoException;
export type Written = (error: DiskError | null, bytes: number) => void;
export type Done = (error: DiskError | null) => void;

/**
 * How the log writer reaches the disk. One state machine runs over both: on
 * the event-loop thread the callbacks come later, in a thread of its own they
 * come before the call returns.
 */
export interface Disk {
  /** True when callbacks come before the call returns. */
  readonly blocking: boolean;
  /** May write less than `length`. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Written): void;
  /** fdatasync: the data, and the size if it changed. */
  syncData(fd: number, done: Done): void;
  /** fsync: also of a directory. */
  syncAll(fd: number, done: Done): void;
  rename(from: string, to: string, done: Done): void;
  /** Asks for a call of `poll` in about `ms`; a thread that polls anyway need not do it. */
  wake(ms: number, poll: () => void): void;
}

/** For the event-loop thread: the work is done by libuv's pool. */
export const asynchronousDisk: Disk = {
  blocking: false,
  write: (fd, bytes, offset, length, position, done) => write(fd, bytes, offset, length, position, done),
  syncData: (fd, done) => fdatasync(fd, done),
  syncAll: (fd, done) => fsync(fd, done),
  rename: (from, to, done) => rename(from, to, done),
  wake: (ms, poll) => void setTimeout(poll, ms).unref(),
};

/** For a thread that does nothing else: it blocks, and spares the hand-over to the pool and back. */
export const synchronousDisk: Disk = {
  blocking: true,
  write(fd, bytes, offset, length, position, done) {
    let written = 0;
    attempt(
      () => {
        written = writeSync(fd, bytes, offset, length, position);
      },
      (error) => done(error, written),
    );
  },
  syncData: (fd, done) => attempt(() => fdatasyncSync(fd), done),
  syncAll: (fd, done) => attempt(() => fsyncSync(fd), done),
  rename: (from, to, done) => attempt(() => renameSync(from, to), done),
  wake: () => undefined,
};

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
