import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { NewerLogError } from './log-damage.ts';
import {
  batchBytes,
  checksumHolds,
  HeaderWord,
  isNewerBatch,
  type LogId,
  listSegments,
  looksLikeHeader,
  MAX_BATCH_BYTES,
  readHeader,
} from './log-format.ts';
import { snapshotLogId } from './snapshot-files.ts';

/**
 * Returns the id of the log in a directory, from the first batch of the oldest
 * segment that starts with a good batch. Undefined: no command was ever written,
 * or no segment starts with a good batch. Reads a few KiB. The log may be
 * written meanwhile.
 *
 * @throws NewerLogError if a newer openbell wrote that batch
 */
export function readLogId(dir: string): LogId | undefined {
  const bytes = new Uint8Array(MAX_BATCH_BYTES);
  const words = new Int32Array(bytes.buffer);
  for (const { name } of listSegments(dir)) {
    const path = join(dir, name);
    const have = readStart(path, bytes);
    if (have === undefined) continue;
    if (isNewerBatch(words, bytes, 0, have)) throw new NewerLogError(path, 0, words[HeaderWord.version]);
    if (!looksLikeHeader(words, 0)) continue;
    const size = batchBytes(words[HeaderWord.count]);
    if (size <= have && checksumHolds(words, bytes, 0, size)) return readHeader(words, 0).logId;
  }
  return undefined;
}

/**
 * Returns the id for a log without a batch: the log id of the newest snapshot,
 * because a log keeps its id even after all its commands were cut. Without a
 * snapshot, a new id.
 */
export function idForEmptyLog(dir: string): LogId {
  const known = snapshotLogId(dir);
  if (known) return known;
  const [low, high] = randomFillSync(new Int32Array(2));
  return { low, high };
}

/** Undefined: the segment was removed meanwhile, because it is older than the log is kept. */
function readStart(path: string, bytes: Uint8Array): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return readSync(fd, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(fd);
  }
}
