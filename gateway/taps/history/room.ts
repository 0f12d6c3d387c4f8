import { statfsSync } from 'node:fs';

/** Pages that the store copies for one run, at most: its own, one that splits, and its share of the branches. */
const PAGES_PER_RUN = 3;
/** Pages of the other trees, of the free list and of the metadata. */
const OTHER_PAGES = 64;
const PAGE_BYTES = 4096;

/** There is too little room on the disk for the next commit. The store was not touched, and the commit can be tried again. */
export class HistoryFullError extends Error {
  readonly code = 'ENOSPC';

  constructor(path: string, needed: number, free: number) {
    super(`the disk of ${path} is full: a commit may need ${needed} bytes, and ${free} are free`);
    this.name = 'HistoryFullError';
  }
}

/**
 * Checks that the disk has room for a commit of so many runs. LMDB must not meet
 * a full disk itself: its text about a failed write is longer than the memory
 * that it has allocated for it (lmdb 3.5.6, mdb_page_flush), and overwrites other
 * memory of this process.
 * @throws HistoryFullError
 */
export function requireRoom(path: string, runs: number): void {
  const needed = (runs * PAGES_PER_RUN + OTHER_PAGES) * PAGE_BYTES;
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize < needed) throw new HistoryFullError(path, needed, bavail * bsize);
}
