import { closeSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Seq } from '../units.ts';
import {
  batchBytes,
  checksumHolds,
  HeaderWord,
  isNewerBatch,
  LOG_OLDEST_VERSION,
  LOG_VERSION,
  type LogId,
  looksLikeHeader,
  MAX_BATCH_BYTES,
  readHeader,
  type SegmentFile,
  SLOT_BYTES,
  sameLog,
} from './log-format.ts';

/** Read at a time while newer batches are looked for. */
const CHUNK_BYTES = 4 * MAX_BATCH_BYTES;

/** The log cannot be read to its end although something behind the bad place was promised. Nothing was changed. */
export class DamagedLogError extends Error {
  readonly code = 'LOG_DAMAGED';
  /** Path of the segment. */
  readonly file: string;
  /** Byte in the file where the first bad batch starts. */
  readonly position: number;
  /** The command that belongs there: all before it are good. */
  readonly expectedSeq: Seq;
  /** What is wrong, in a few words. */
  readonly reason: string;

  constructor(file: string, position: number, expectedSeq: Seq, reason: string) {
    const dir = dirname(file);
    super(
      `The log is damaged: ${file}, byte ${position}: ${reason}. Commands up to ${expectedSeq - 1} are good; nothing was changed. ` +
        `Run "openbell repair ${dir} --cut" to go on from there (a copy of everything behind it is kept in ${dir}/damaged-<time>/), ` +
        `or "openbell repair ${dir} --fork DEST" to copy what is good to a new data directory and leave this one alone.`,
    );
    this.name = 'DamagedLogError';
    this.file = file;
    this.position = position;
    this.expectedSeq = expectedSeq;
    this.reason = reason;
  }
}

/**
 * The log has a batch of a version that this build does not know. It may hold
 * commands that were acknowledged, so nothing from there on is cut or zeroed.
 */
export class NewerLogError extends Error {
  readonly code = 'LOG_NEWER';
  /** Path of the segment. */
  readonly file: string;
  /** Byte in the file where the batch starts. */
  readonly position: number;
  readonly version: number;

  constructor(file: string, position: number, version: number) {
    super(
      `The log was written by a newer openbell: ${file}, byte ${position}: a batch of version ${version}; ` +
        `this release reads versions ${LOG_OLDEST_VERSION} to ${LOG_VERSION}. Nothing was changed. ` +
        `Start the release that wrote it with ${dirname(file)}, or a newer one.`,
    );
    this.name = 'NewerLogError';
    this.file = file;
    this.position = position;
    this.version = version;
  }
}

/** Commands are missing before or after those that the log holds: files were deleted, or belong to another log. */
export class IncompleteLogError extends Error {
  readonly code = 'LOG_INCOMPLETE';

  constructor(dir: string, detail: string, advice: string) {
    super(`The log in ${dir} is incomplete: ${detail}. ${advice}`);
    this.name = 'IncompleteLogError';
  }
}

/** Batches that were being written when the process or the machine stopped. None of them was promised. */
export interface TornTail {
  /** Name of the segment. */
  readonly file: string;
  readonly position: number;
  /** From `position` to the last byte that is not zero. */
  readonly bytes: number;
  readonly expectedSeq: Seq;
  readonly reason: string;
}

export interface Stop {
  readonly position: number;
  readonly reason: string;
}

/** Where the rest of a segment has a batch that proves an earlier one was on the disk. */
interface Rest {
  /** Offset, from where the search began, behind the last byte that is not zero. */
  readonly used: number;
  readonly proof: number;
  readonly proofSeq: Seq;
}

/**
 * Tells a torn tail from damage, at the place in the last segment where the
 * chain of good batches stops. Undefined: the log simply ends there, all zeros.
 *
 * A batch behind the place says which seq was on the disk when it was written.
 * If that covers `expectedSeq`, what was promised is damaged. If no such batch
 * exists, what stands there was never promised: the last write, or in mode fast
 * the last few, not waited for.
 */
export function judgeStop(
  fd: number,
  size: number,
  path: string,
  stop: Stop,
  expectedSeq: Seq,
  logId: LogId | undefined,
): TornTail | undefined {
  const rest = searchRest(fd, size, stop.position, expectedSeq, logId);
  if (rest.used === 0) return undefined;
  if (rest.proof >= 0) {
    const where =
      rest.proof === 0 ? '' : `, and a good batch that starts with command ${rest.proofSeq} follows at byte ${stop.position + rest.proof}`;
    throw new DamagedLogError(path, stop.position, expectedSeq, stop.reason + where);
  }
  return { file: basename(path), position: stop.position, bytes: rest.used, expectedSeq, reason: stop.reason };
}

function searchRest(fd: number, size: number, position: number, expectedSeq: Seq, logId: LogId | undefined): Rest {
  const length = size - position;
  const bytes = new Uint8Array(length + (-length & 3));
  let read = 0;
  while (read < length) {
    const got = readSync(fd, bytes, read, length - read, position + read);
    if (got === 0) break;
    read += got;
  }
  const words = new Int32Array(bytes.buffer);
  let used = words.length;
  while (used > 0 && words[used - 1] === 0) used--;
  for (let at = 0; at + SLOT_BYTES <= length; at += SLOT_BYTES) {
    if (!looksLikeHeader(words, at >> 2)) continue;
    const header = readHeader(words, at >> 2);
    if (logId && !sameLog(header.logId, logId)) continue;
    const end = batchBytes(header.count);
    if (at + end > length || !checksumHolds(words, bytes, at, end)) continue;
    // A good batch that does not fit here, or with this very seq elsewhere, is no write that was cut short.
    const misplaced = at === 0 || header.firstSeq === expectedSeq;
    if (misplaced || header.syncedSeq >= expectedSeq) return { used: used * 4, proof: at, proofSeq: header.firstSeq };
  }
  return { used: used * 4, proof: -1, proofSeq: 0 };
}

/**
 * Looks for a batch of a newer version behind a place that is torn or damaged.
 * There it proves that a newer openbell went on with this log: what looks like
 * damage may be something that this build cannot read. In steps of some ms.
 *
 * @param segments the one that `position` is a byte of, and those behind it
 */
export function* findNewerBatch(
  dir: string,
  segments: readonly SegmentFile[],
  position: number,
): Generator<undefined, NewerLogError | undefined> {
  const bytes = new Uint8Array(CHUNK_BYTES);
  const words = new Int32Array(bytes.buffer);
  for (const [index, { name }] of segments.entries()) {
    const path = join(dir, name);
    const fd = openSync(path, 'r');
    try {
      for (let from = index === 0 ? position : 0; ; ) {
        const have = readSync(fd, bytes, 0, CHUNK_BYTES, from);
        // A batch that goes on behind the chunk is looked at with the next one, which starts with it or before it.
        const until = have < CHUNK_BYTES ? have - SLOT_BYTES : have - MAX_BATCH_BYTES;
        let at = 0;
        for (; at <= until; at += SLOT_BYTES) {
          if (isNewerBatch(words, bytes, at, have)) return new NewerLogError(path, from + at, words[(at >> 2) + HeaderWord.version]);
        }
        if (have < CHUNK_BYTES) break;
        from += at;
        yield;
      }
    } finally {
      closeSync(fd);
    }
  }
  return undefined;
}
