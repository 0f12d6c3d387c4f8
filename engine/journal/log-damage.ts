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
  SLOT_WORDS,
  sameLog,
} from './log-format.ts';
import { isSegmentSize } from './segment-size.ts';

/** Bytes per read in the search for newer batches. */
const CHUNK_BYTES = 4 * MAX_BATCH_BYTES;

/** The log is damaged: a batch that cannot be read was durable, or acknowledged commands follow it. Nothing was changed. */
export class DamagedLogError extends Error {
  readonly code = 'LOG_DAMAGED';
  /** Path of the segment. */
  readonly file: string;
  /** Byte in the file where the first bad batch starts. */
  readonly position: number;
  /** Seq of the command expected there. All commands before it are good. */
  readonly expectedSeq: Seq;
  /** The fault, in a few words. */
  readonly reason: string;

  constructor(file: string, position: number, expectedSeq: Seq, reason: string) {
    const dir = dirname(file);
    super(
      `The log is damaged: ${file}, byte ${position}: ${reason}. Commands up to ${expectedSeq - 1} are good; nothing was changed. ` +
        `Run "openbell repair ${dir} --cut" to remove everything after them (a copy is kept in ${dir}/damaged-<time>/), ` +
        `or "openbell repair ${dir} --fork DEST" to copy the good part to a new data directory and leave this one unchanged.`,
    );
    this.name = 'DamagedLogError';
    this.file = file;
    this.position = position;
    this.expectedSeq = expectedSeq;
    this.reason = reason;
  }
}

/**
 * The log has a batch of a version that this build does not support. The batch
 * may hold acknowledged commands, so nothing from there on is cut or zeroed.
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

/** Commands are missing before or after those in the log: files were deleted, or belong to another log. */
export class IncompleteLogError extends Error {
  readonly code = 'LOG_INCOMPLETE';

  constructor(dir: string, detail: string, advice: string) {
    super(`The log in ${dir} is incomplete: ${detail}. ${advice}`);
    this.name = 'IncompleteLogError';
  }
}

/** Incomplete batches at the end of a log, which were being written when the process or the machine stopped. None was acknowledged. */
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

/** Result of the search, in the rest of a segment, for a batch that proves that an earlier one was on the disk. */
interface Rest {
  /** Offset, from the start of the search, of the byte after the last byte that is not zero. */
  readonly used: number;
  readonly proof: number;
  readonly proofSeq: Seq;
}

/**
 * Distinguishes a torn tail from damage, at the position in the last segment
 * where the sequence of good batches ends. Returns undefined if only zeros
 * follow, which is a regular end of the log.
 *
 * A batch after the position contains the seq that was on the disk when the
 * batch was written. If that seq covers `expectedSeq`, durable commands are
 * damaged. If there is no such batch, the data at the position was never
 * acknowledged: it is the last write, or in mode fast the last few writes.
 *
 * @throws DamagedLogError if durable commands are damaged, or the segment was cut short
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
  // Before its first command, a log can be shorter than it should be: an earlier release was killed while it created the first segment.
  if (rest.used === 0 && stop.position === 0 && expectedSeq === 1) return undefined;
  const cut = cutShort(fd, size, stop.position, logId);
  if (cut !== undefined) throw new DamagedLogError(path, stop.position, expectedSeq, cut);
  if (rest.used === 0) return undefined;
  if (rest.proof >= 0) {
    const where =
      rest.proof === 0 ? '' : `, and a good batch that starts with command ${rest.proofSeq} follows at byte ${stop.position + rest.proof}`;
    throw new DamagedLogError(path, stop.position, expectedSeq, stop.reason + where);
  }
  return { file: basename(path), position: stop.position, bytes: rest.used, expectedSeq, reason: stop.reason };
}

/**
 * Describes how a segment was cut short, undefined if it was not. A segment has its whole size, filled with zeros, before it gets its
 * name, and a batch is written only where it fits. So a batch that ends beyond the file, or a segment of an unknown size
 * that is full, was longer: what is missing may be durable. If zeros follow the last batch, nothing is missing.
 */
function cutShort(fd: number, size: number, position: number, logId: LogId | undefined): string | undefined {
  const left = size - position;
  const header = new Int32Array(SLOT_WORDS);
  let fits = true;
  if (left >= SLOT_BYTES && readSync(fd, header, 0, SLOT_BYTES, position) === SLOT_BYTES && looksLikeHeader(header, 0)) {
    const { count, logId: found } = readHeader(header, 0);
    fits = batchBytes(count) <= left || (logId !== undefined && !sameLog(found, logId));
  }
  if (fits && (left >= 2 * SLOT_BYTES || isSegmentSize(size))) return undefined;
  const where = fits ? 'where more must follow' : 'within a batch';
  return `the file was cut short: it ends at byte ${size}, ${where}. Put the whole file back from a copy if there is one`;
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
    // A good batch that does not continue the log here, or one with this seq at another position, is not an incomplete write.
    const misplaced = at === 0 || header.firstSeq === expectedSeq;
    if (misplaced || header.syncedSeq >= expectedSeq) return { used: used * 4, proof: at, proofSeq: header.firstSeq };
  }
  return { used: used * 4, proof: -1, proofSeq: 0 };
}

/**
 * Searches for a batch of a newer version after a torn or damaged position.
 * Such a batch proves that a newer openbell continued this log: the apparent
 * damage may be data that this build cannot read. Runs in steps of a few ms.
 *
 * @param segments the segment that contains `position`, and all later ones
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
        // A batch that continues after the chunk is checked with the next chunk, which starts at the batch or before it.
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
