import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Seq } from '../units.ts';
import { CommandChain, hex64 } from './command-chain.ts';
import { DamagedLogError, judgeStop, NewerLogError } from './log-damage.ts';
import {
  type BatchHeader,
  batchBytes,
  checksumHolds,
  HeaderWord,
  isNewerBatch,
  listSegments,
  logIdHex,
  looksLikeHeader,
  MAX_BATCH_BYTES,
  readHeader,
  type SegmentFile,
  SLOT_BYTES,
  SLOT_WORDS,
} from './log-format.ts';

/** Bytes per read. */
const CHUNK_BYTES = 2 * MAX_BATCH_BYTES;

/** A look-up failed: the log does not have the command, or no chain at it. */
export class LogLookupError extends Error {
  readonly code = 'LOG_LOOKUP';

  constructor(dir: string, detail: string) {
    super(`The log in ${dir} ${detail}.`);
    this.name = 'LogLookupError';
  }
}

/** Value of the hash chain, as 16 hex digits, and the first command that it covers. */
export interface ChainAt {
  readonly chain: string;
  readonly fromSeq: Seq;
}

/** The end of a log. */
export interface LogTip {
  readonly seq: Seq;
  /** 16 hex digits. */
  readonly logId: string;
  /** Undefined: version 1 wrote the last command, and the chain begins with the next one. */
  readonly chain: ChainAt | undefined;
}

/** The end of a log, and the files that hold it. */
export interface LogExtent extends LogTip {
  /** All of the log's segments, oldest first. Those before the last one hold nothing but whole batches and zeros. */
  readonly segments: readonly SegmentFile[];
  /** Name of the segment with the last batch, and the byte after that batch. What follows may be a batch that is being written. */
  readonly lastFile: string;
  readonly lastBytes: number;
}

/** A batch and its position. */
interface Placed {
  readonly header: BatchHeader;
  readonly path: string;
  readonly position: number;
}

/** A batch in the buffer of {@link walk}, valid until the next step. */
interface Seen extends Placed {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** Byte in the buffer. */
  readonly at: number;
}

interface Found extends Placed {
  /** The batch before it; undefined if it is not in the directory. */
  readonly before: Placed | undefined;
}

/**
 * Last command of a log and its chain. Reads the last segment only. An exchange
 * may be writing the log: the result is then the end at the time of reading,
 * which may not be durable yet.
 *
 * @throws LogLookupError if the log has no command; DamagedLogError if durable commands behind the end are damaged; NewerLogError
 */
export function logTip(dir: string): LogTip {
  const { seq, logId, chain } = logExtent(dir);
  return { seq, logId, chain };
}

/** As {@link logTip}, with the files: what a copy of the log must contain to end with this command. */
export function logExtent(dir: string): LogExtent {
  for (let damage: DamagedLogError | undefined; ; ) {
    const segments = listSegments(dir);
    try {
      return extentOf(dir, segments);
    } catch (error) {
      if (!(error instanceof DamagedLogError)) throw error;
      // Seen twice at one place it is damage. Otherwise the exchange has written on between two reads.
      if (damage?.position === error.position && damage.file === error.file) throw error;
      damage = error;
    }
  }
}

function extentOf(dir: string, segments: readonly SegmentFile[]): LogExtent {
  for (const segment of segments.toReversed()) {
    const last = lastBatch(dir, segment, true);
    judgeEnd(dir, segments, segment, last);
    if (!last) continue;
    const { logId, chain, firstSeq, count } = last.header;
    const value = chain.fromSeq === 0 ? undefined : { chain: hex64(chain.low, chain.high), fromSeq: chain.fromSeq };
    const tip = { seq: firstSeq + count - 1, logId: logIdHex(logId), chain: value };
    return { ...tip, segments, lastFile: segment.name, lastBytes: last.position + batchBytes(count) };
  }
  throw new LogLookupError(dir, 'has no command');
}

/**
 * The chain at a command. Finds the segment by name, reads its headers, and
 * hashes commands of the batch if the command is not the last one of it. Blocks;
 * reads one segment at most.
 *
 * @throws LogLookupError if there is no such command, or no chain at it; NewerLogError
 */
export function chainAt(dir: string, seq: Seq): ChainAt {
  const { header, before, path, position } = findBatch(dir, seq);
  const { chain, firstSeq, count } = header;
  if (chain.fromSeq === 0) throw new LogLookupError(dir, `has no chain at command ${seq}: an earlier release wrote it`);
  const words = readBatch(dir, path, position, count);
  if (seq === firstSeq + count - 1) return { chain: hex64(chain.low, chain.high), fromSeq: chain.fromSeq };
  const running = new CommandChain();
  if (chain.fromSeq === firstSeq) running.begin(firstSeq);
  else if (before) {
    readBatch(dir, before.path, before.position, before.header.count);
    running.set(before.header.chain);
  } else throw new LogLookupError(dir, `has no chain at command ${seq}: the commands before ${firstSeq} are not there`);
  running.add(words, SLOT_WORDS, seq - firstSeq + 1);
  return { chain: hex64(running.low, running.high), fromSeq: chain.fromSeq };
}

/**
 * The words of the last command of a kind from `fromSeq` on; undefined if there is none. Reads the commands back to it, but
 * verifies only the batch that holds it: replay the log to find damage. Stops at the first bad batch. Blocks.
 */
export function lastOfKind(dir: string, fromSeq: Seq, kind: number): Int32Array | undefined {
  const segments = listSegments(dir);
  const first = Math.max(
    0,
    segments.findLastIndex(({ firstSeq }) => firstSeq <= fromSeq),
  );
  for (const segment of segments.slice(first).reverse()) {
    let found: Int32Array | undefined;
    for (const { header, words, bytes, at } of walk(dir, segment, false)) {
      const from = Math.max(0, fromSeq - header.firstSeq);
      for (let i = header.count - 1; i >= from; i--) {
        const word = (at >> 2) + (1 + i) * SLOT_WORDS;
        if ((words[word] & 0xff) !== kind) continue;
        if (checksumHolds(words, bytes, at, batchBytes(header.count))) found = words.slice(word, word + SLOT_WORDS);
        break;
      }
    }
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The 16 words of a command. @throws as {@link chainAt} */
export function commandAt(dir: string, seq: Seq): Int32Array {
  const { header, path, position } = findBatch(dir, seq);
  const at = (1 + seq - header.firstSeq) * SLOT_WORDS;
  return readBatch(dir, path, position, header.count).slice(at, at + SLOT_WORDS);
}

/** One less than the first command whose chain can be looked up. */
function chainFloor(dir: string, fromSeq: Seq): Seq {
  const [first] = listSegments(dir);
  if (first.firstSeq <= fromSeq) return fromSeq - 1;
  for (const { header } of walk(dir, first, false)) if (header.count > 0) return header.firstSeq + header.count - 1;
  return first.firstSeq - 1;
}

export interface LogComparison {
  /** First command that the chains cover, and the last one that both logs have. */
  readonly fromSeq: Seq;
  readonly toSeq: Seq;
  readonly tips: readonly [LogTip, LogTip];
  readonly same: boolean;
  /** The first command that differs; undefined if none differs, or if it is before the available segments. */
  readonly differsAt: Seq | undefined;
  /** The logs differ at this command or before it; undefined if they do not differ. */
  readonly differsBy: Seq | undefined;
}

/**
 * Compares two logs with one look-up each, at the last command that both have.
 * If they differ, a binary search with further look-ups finds the first command
 * that differs.
 *
 * @throws LogLookupError if their chains cannot be compared; NewerLogError
 */
export function compareLogs(a: string, b: string): LogComparison {
  const tips = [logTip(a), logTip(b)] as const;
  const toSeq = Math.min(tips[0].seq, tips[1].seq);
  const starts = [a, b].map((dir, index) => {
    const { chain, seq } = tips[index];
    if (!chain) throw new LogLookupError(dir, `has no chain up to its end, command ${seq}: an earlier release wrote it`);
    return chain.fromSeq;
  });
  const fromSeq = starts[0];
  if (starts[1] !== fromSeq)
    throw new LogLookupError(b, `has a chain from command ${starts[1]} on, that in ${a} from ${fromSeq} on: they cannot be compared`);
  if (toSeq < fromSeq)
    throw new LogLookupError(tips[0].seq === toSeq ? a : b, `ends with command ${toSeq}, before the chain begins with ${fromSeq}`);
  const equalAt = (seq: Seq): boolean => chainAt(a, seq).chain === chainAt(b, seq).chain;
  const result = { fromSeq, toSeq, tips, differsAt: undefined, differsBy: undefined };
  if (equalAt(toSeq)) return { ...result, same: true };
  let good = Math.min(toSeq, Math.max(chainFloor(a, fromSeq), chainFloor(b, fromSeq)));
  if (good >= fromSeq && !equalAt(good)) return { ...result, same: false, differsBy: good };
  let bad = toSeq;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (equalAt(middle)) good = middle;
    else bad = middle;
  }
  return { ...result, same: false, differsAt: bad, differsBy: bad };
}

/** @throws DamagedLogError if what follows the last good batch of the segment was durable. The name of a segment proves that the one before was complete. */
function judgeEnd(dir: string, segments: readonly SegmentFile[], segment: SegmentFile, last: Placed | undefined): void {
  const path = join(dir, segment.name);
  const position = last === undefined ? 0 : last.position + batchBytes(last.header.count);
  const expectedSeq = last === undefined ? segment.firstSeq : last.header.firstSeq + last.header.count;
  const next = segments[segments.indexOf(segment) + 1];
  if (next !== undefined) {
    if (next.firstSeq === expectedSeq) return;
    throw new DamagedLogError(path, position, expectedSeq, `it ends, and the next segment starts with command ${next.firstSeq}`);
  }
  const fd = openSync(path, 'r');
  try {
    judgeStop(fd, fstatSync(fd).size, path, { position, reason: 'the batch is damaged' }, expectedSeq, last?.header.logId);
  } finally {
    closeSync(fd);
  }
}

function findBatch(dir: string, seq: Seq): Found {
  const segments = listSegments(dir);
  const index = segments.findLastIndex(({ firstSeq }) => firstSeq <= seq);
  if (index === -1)
    throw new LogLookupError(
      dir,
      segments.length === 0
        ? `has no file, and no command ${seq}`
        : `starts behind command ${seq}: it begins with command ${segments[0].firstSeq}, and older segments were removed`,
    );
  let before: Placed | undefined;
  let last = segments[index].firstSeq - 1;
  for (const { header, path, position } of walk(dir, segments[index], false)) {
    const placed = { header, path, position };
    last = header.firstSeq + header.count - 1;
    // The last batch of the previous segment is read only if there is no other one.
    if (last >= seq) return { ...placed, before: before ?? (index > 0 ? lastBatch(dir, segments[index - 1], false) : undefined) };
    before = placed;
  }
  throw new LogLookupError(dir, `has no command ${seq}: ${segments[index].name} can be read up to command ${last}`);
}

function lastBatch(dir: string, segment: SegmentFile, verified: boolean): Placed | undefined {
  let last: Placed | undefined;
  for (const { header, path, position } of walk(dir, segment, verified)) last = { header, path, position };
  return last;
}

/** The batches of a segment, up to the first position without a batch that continues the previous one. */
function* walk(dir: string, segment: SegmentFile, verified: boolean): Generator<Seen> {
  const path = join(dir, segment.name);
  const bytes = new Uint8Array(CHUNK_BYTES);
  const words = new Int32Array(bytes.buffer);
  const fd = openPresent(dir, path);
  try {
    let expected = segment.firstSeq;
    for (let from = 0; ; ) {
      const have = readSync(fd, bytes, 0, CHUNK_BYTES, from);
      let at = 0;
      while (have - at >= SLOT_BYTES) {
        if (!looksLikeHeader(words, at >> 2)) {
          if (isNewerBatch(words, bytes, at, have)) throw new NewerLogError(path, from + at, words[(at >> 2) + HeaderWord.version]);
          return;
        }
        const header = readHeader(words, at >> 2);
        const size = batchBytes(header.count);
        if (at + size > have) break;
        if (header.firstSeq !== expected || (verified && !checksumHolds(words, bytes, at, size))) return;
        yield { header, path, position: from + at, words, bytes, at };
        expected += header.count;
        at += size;
      }
      if (at === 0) return;
      from += at;
    }
  } finally {
    closeSync(fd);
  }
}

/** @throws LogLookupError if the running exchange has removed the segment since it was listed */
function openPresent(dir: string, path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new LogLookupError(dir, `no longer has ${path}: it was removed meanwhile because of its age; ask again`);
  }
}

/** The words of a batch, header included, its checksum verified. */
function readBatch(dir: string, path: string, position: number, count: number): Int32Array {
  const bytes = new Uint8Array(batchBytes(count));
  const words = new Int32Array(bytes.buffer);
  const fd = openPresent(dir, path);
  try {
    readSync(fd, bytes, 0, bytes.length, position);
  } finally {
    closeSync(fd);
  }
  if (!checksumHolds(words, bytes, 0, bytes.length))
    throw new LogLookupError(
      dir,
      `cannot be read at ${path}, byte ${position}: the checksum is wrong; "openbell verify ${dir}" gives details`,
    );
  return words;
}
