import { closeSync, existsSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PathError } from '../../../engine/journal/path-kind.ts';
import { makeDirectory } from '../../../engine/journal/paths.ts';

/** Pages that the store copies for one run, at most: its own, one that splits, and its share of the branches. */
const PAGES_PER_RUN = 3;
/** Pages of the other trees, of the free list and of the metadata. */
const OTHER_PAGES = 64;
const PAGE_BYTES = 4096;

/** Files that LMDB opens. */
export const STORE_FILES = ['data.mdb', 'lock.mdb'] as const;
const PROBE = 'probe.tmp';

/** There is too little room on the disk for the next commit. The store was not touched, and the commit can be tried again. */
export class HistoryFullError extends Error {
  readonly code = 'ENOSPC';

  constructor(path: string, needed: number, free: number) {
    super(`the disk of ${path} is full: the next step may need ${needed} bytes, and ${free} are free`);
    this.name = 'HistoryFullError';
  }
}

/** The files of the store cannot be opened or written. */
export class HistoryUnusableError extends Error {
  readonly code: string;

  constructor(path: string, { code = 'unknown', message }: NodeJS.ErrnoException) {
    super(`the history in ${path} cannot be written (${message}); nothing was changed`);
    this.name = 'HistoryUnusableError';
    this.code = code;
  }
}

/**
 * Checks that the disk has room for a commit of so many runs. LMDB must not meet
 * a full disk itself: its text about a failed write is longer than the memory
 * that it has allocated for it (lmdb 3.5.6, mdb_page_flush), and overwrites the
 * size that malloc keeps of the next piece, so that malloc aborts the process.
 * @param besides bytes that other files need on the same disk
 * @throws HistoryFullError
 */
export function requireRoom(path: string, runs: number, besides = 0): void {
  const { needed, free } = roomOf(path, runs, besides);
  if (free < needed) throw new HistoryFullError(path, needed, free);
}

/** The same check, without an error. */
export function hasRoom(path: string, runs: number): boolean {
  const { needed, free } = roomOf(path, runs, 0);
  return free >= needed;
}

function roomOf(path: string, runs: number, besides: number): { needed: number; free: number } {
  const { bavail, bsize } = statfsSync(path);
  return { needed: (runs * PAGES_PER_RUN + OTHER_PAGES) * PAGE_BYTES + besides, free: bavail * bsize };
}

/**
 * Creates the store's directory, and checks that its files can be opened and that its disk takes a write. LMDB must not
 * meet such an error itself: where it cannot open its data file, it ends the process with SIGSEGV (lmdb 3.5.6).
 * @throws HistoryFullError, HistoryUnusableError, PathError
 */
export function requireWritable(path: string): void {
  try {
    makeDirectory(path);
    requireRoom(path, 0);
    for (const name of STORE_FILES) if (existsSync(join(path, name))) closeSync(openSync(join(path, name), 'r+'));
    const probe = join(path, PROBE);
    const fd = openSync(probe, 'w');
    try {
      writeSync(fd, new Uint8Array(PAGE_BYTES));
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
      rmSync(probe, { force: true });
    }
  } catch (error) {
    throw error instanceof HistoryFullError || error instanceof PathError
      ? error
      : new HistoryUnusableError(path, error as NodeJS.ErrnoException);
  }
}
