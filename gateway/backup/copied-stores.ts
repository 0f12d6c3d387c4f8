import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open } from 'lmdb';
import { syncDirectory } from '../../engine/journal/segment-file.ts';

/** LMDB environments of a data directory, by the paths of their data in it. */
export const STORES = ['history/data.mdb', 'alerts/data.mdb', 'feed-candles/data.mdb'] as const;

/** More than any of the stores has. */
const MAX_DATABASES = 32;

/** Size of a store's file, 0 if there is none. A compacted copy is at most as large. */
export function storeBytes(dataDir: string, store: string): number {
  return statSync(join(dataDir, store), { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Copies a store as it is after its last transaction, while a running exchange may write it. LMDB does it in a read transaction, on a
 * thread of its own: writers are not delayed, but pages that they replace meanwhile are not used again before it ends, so the file may
 * grow. The copy is compacted. A plain copy of all pages would not do: it has two meta pages, and on another host LMDB may choose the
 * older one, whose pages may be overwritten.
 * @param to path of the new `data.mdb`, durable when it resolves; its directory must not exist
 */
export async function copyStore(from: string, to: string): Promise<void> {
  mkdirSync(dirname(to), { mode: 0o700 });
  const source = open({ path: dirname(from), maxDbs: MAX_DATABASES, readOnly: true, noSubdir: false });
  try {
    await source.backup(dirname(to), true);
  } catch (error) {
    // LMDB's errors have the system's text, and no code.
    throw /no space left|disk quota/i.test(String(error)) ? Object.assign(error as Error, { code: 'ENOSPC' }) : error;
  } finally {
    await source.close();
  }
  if (!existsSync(to)) throw Object.assign(new Error(`LMDB made no copy of ${from}`), { code: 'EIO' });
  const fd = openSync(to, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncDirectory(dirname(to));
}
