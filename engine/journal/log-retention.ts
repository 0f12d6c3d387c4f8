import { closeSync, fsync, open, openSync, readSync, unlink } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { getI64, type Seq, type TimeUs } from '../units.ts';
import { Command } from '../wire/layout.ts';
import { HeaderWord, LOG_MAGIC, listSegments, type SegmentFile, SLOT_BYTES, SLOT_WORDS } from './log-format.ts';
import { listSnapshots } from './snapshot-files.ts';

/** Snapshots that must exist before a segment is removed: the newest one, and one to fall back on. */
const LEAST_SNAPSHOTS = 2;

/** What decides which segments may be removed. */
export interface RetentionRule {
  /** Seq of a snapshot that was verified: see docs/JOURNAL.md, *Retention*. */
  readonly verifiedSeq: Seq;
  /** The history holds the reports up to this command. */
  readonly historySeq: Seq;
  /** Segments with a command of this time or later stay. */
  readonly beforeUs: TimeUs;
}

/**
 * The segments that may be removed, oldest first. A start must be able to use any
 * snapshot in the directory, and to publish again the reports that the history
 * lacks. So each of these segments ends before the oldest snapshot, before the
 * end of the history, and before the verified snapshot. The newest segment stays.
 */
export function removableSegments(dir: string, { verifiedSeq, historySeq, beforeUs }: RetentionRule): SegmentFile[] {
  const snapshots = listSnapshots(dir);
  if (snapshots.length < LEAST_SNAPSHOTS || !snapshots.some(({ seq }) => seq === verifiedSeq)) return [];
  const coveredSeq = Math.min(verifiedSeq, historySeq, ...snapshots.map(({ seq }) => seq));
  const segments = listSegments(dir);
  const removable: SegmentFile[] = [];
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (next === undefined || next.firstSeq - 1 > coveredSeq) break;
    // Times never decrease, so the first command of the next segment bounds those of this one.
    const timeUs = firstTime(join(dir, next.name));
    if (timeUs === undefined || timeUs >= beforeUs) break;
    removable.push(segment);
  }
  return removable;
}

/** True if a segment other than the newest is older than `beforeUs`, whether or not it may be removed yet. */
export function hasExpiredSegment(dir: string, beforeUs: TimeUs): boolean {
  const second = listSegments(dir)[1];
  const timeUs = second && firstTime(join(dir, second.name));
  return timeUs !== undefined && timeUs < beforeUs;
}

/** Time of the first command in a segment; undefined if it has none, or begins with a batch that cannot be read. */
function firstTime(path: string): TimeUs | undefined {
  const words = new Int32Array((2 * SLOT_BYTES) / 4);
  const fd = openSync(path, 'r');
  try {
    if (readSync(fd, new Uint8Array(words.buffer), 0, 2 * SLOT_BYTES, 0) < 2 * SLOT_BYTES) return undefined;
  } finally {
    closeSync(fd);
  }
  if (words[HeaderWord.magic] !== LOG_MAGIC || words[HeaderWord.count] < 1) return undefined;
  return getI64(words, SLOT_WORDS + Command.timeUs / 4);
}

/** Operations of {@link removeSegments}. Each resolves when it is complete. */
export interface RetentionDisk {
  unlink(path: string): Promise<void>;
  syncDirectory(dir: string): Promise<void>;
}

/** In libuv's pool: to free the blocks of a segment takes milliseconds. */
export const poolDisk: RetentionDisk = {
  unlink: promisify(unlink),
  syncDirectory: async (dir) => {
    const fd = await promisify(open)(dir, 'r');
    try {
      await promisify(fsync)(fd);
    } finally {
      closeSync(fd);
    }
  },
};

/**
 * Removes segments, oldest first. The directory is synced after each, so that
 * whatever interrupts it, the log begins later and has no gap.
 * @throws the error of the file system; segments before it are removed
 */
export async function removeSegments(dir: string, segments: readonly SegmentFile[], disk: RetentionDisk = poolDisk): Promise<void> {
  for (const { name } of segments) {
    await disk.unlink(join(dir, name));
    await disk.syncDirectory(dir);
  }
}
