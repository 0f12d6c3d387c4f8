import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { atOnce } from '../turns.ts';
import { getI64, type Seq } from '../units.ts';
import { type ChainValue, CommandChain } from './command-chain.ts';
import { DamagedLogError, findNewerBatch, IncompleteLogError, judgeStop, NewerLogError, type Stop, type TornTail } from './log-damage.ts';
import {
  batchBytes,
  CHAIN_VERSION,
  checksumHolds,
  HeaderWord,
  isNewerBatch,
  LOG_MAGIC,
  type LogId,
  listSegments,
  looksLikeHeader,
  MAX_BATCH_BYTES,
  possibleCount,
  SEQ_WORD,
  type SegmentFile,
  SLOT_BYTES,
  SLOT_WORDS,
} from './log-format.ts';
import { idForEmptyLog } from './log-id.ts';
import { fillZeros, syncDirectory } from './segment-file.ts';

/** Bytes per read: large enough for any batch, small enough for the cache. */
const CHUNK_BYTES = 2 * MAX_BATCH_BYTES;

const PUT_BACK = 'Put the missing files back from a copy.';

/**
 * Receives the records of each batch in order: `count` slots from word
 * `firstWord` on, numbered without gaps from `firstSeq`. `words` is valid during
 * the call only.
 */
export type BatchListener = (words: Int32Array, firstWord: number, count: number, firstSeq: Seq) => void;

/** The end of a log, where {@link LogWriter} continues. */
export interface LogEnd {
  readonly logId: LogId;
  /** Last command; 0 if there is none. */
  readonly lastSeq: Seq;
  /** Checksum of the last batch; 0 if there is none. */
  readonly lastCrc: number;
  /** Hash of the commands up to the last one. */
  readonly chain: ChainValue;
  /** Name of the last segment; undefined if there is none. */
  readonly file: string | undefined;
  /** Byte offset of the next batch in that segment. */
  readonly position: number;
  /** Segments and batches that were read. */
  readonly segments: number;
  readonly batches: number;
  /** If it is set, call {@link cutTornTail} before appending. */
  readonly torn: TornTail | undefined;
}

/** Verifies the whole log. Throws {@link DamagedLogError}, {@link NewerLogError} or {@link IncompleteLogError}. @param onSeq called for each batch with its first command */
export function scanLog(dir: string, onSeq: (seq: Seq) => void = () => undefined): LogEnd {
  const first = listSegments(dir)[0];
  return readLog(dir, first?.firstSeq ?? 1, (_words, _firstWord, _count, firstSeq) => onSeq(firstSeq));
}

/**
 * Reads and verifies the log from the segment that contains `fromSeq`, and
 * passes the commands from `fromSeq` on to `onBatch`. All of them are on the
 * disk. Blocks, and changes nothing. While the log is being written, read only
 * commands that were durable before the call: throw from `onBatch` to end the
 * reading.
 *
 * @param fromSeq from 1; the end plus one is allowed (a snapshot that covers everything)
 * @throws DamagedLogError a bad batch, where durable commands are lost
 * @throws NewerLogError a batch that a newer openbell wrote
 * @throws IncompleteLogError `fromSeq` is before the first segment, or beyond the end
 */
export function readLog(dir: string, fromSeq: Seq, onBatch: BatchListener): LogEnd {
  return atOnce(readLogSteps(dir, fromSeq, onBatch));
}

/** {@link readLog} in steps of {@link CHUNK_BYTES} at most, about 10 ms each; `return` abandons it. */
export function* readLogSteps(dir: string, fromSeq: Seq, onBatch: BatchListener): Generator<undefined, LogEnd> {
  const all = listSegments(dir);
  if (all.length === 0 && fromSeq > 1) {
    throw new IncompleteLogError(dir, `there is no log file, but commands from ${fromSeq} on are needed`, PUT_BACK);
  }
  const start = all.findLastIndex((segment) => segment.firstSeq <= fromSeq);
  if (all.length > 0 && start === -1) {
    throw new IncompleteLogError(dir, `it starts with command ${all[0].firstSeq}, but those from ${fromSeq} on are needed`, PUT_BACK);
  }
  const end = yield* readSegments(dir, all.slice(Math.max(0, start)), fromSeq, onBatch);
  if (end.lastSeq < fromSeq - 1) {
    const detail = `it ends with command ${end.lastSeq}, but a snapshot holds those up to ${fromSeq - 1}`;
    throw new IncompleteLogError(dir, detail, `${PUT_BACK} Or run "openbell repair ${dir} --cut" to continue from command ${end.lastSeq}.`);
  }
  if (end.batches > 0 || start < 1) return end;
  // An empty segment does not contain a log id. The previous segment does.
  return yield* readSegments(dir, all.slice(start - 1), fromSeq, onBatch);
}

/** Searches the rest for batches of a newer openbell, before the log is reported as torn or damaged. */
function* readSegments(dir: string, segments: SegmentFile[], fromSeq: Seq, onBatch: BatchListener): Generator<undefined, LogEnd> {
  const newerBehind = (file: string, position: number): Generator<undefined, NewerLogError | undefined> =>
    findNewerBatch(dir, segments.slice(segments.findIndex(({ name }) => name === file)), position);
  let end: LogEnd;
  try {
    end = yield* readGood(dir, segments, fromSeq, onBatch);
  } catch (error) {
    if (!(error instanceof DamagedLogError)) throw error;
    throw (yield* newerBehind(basename(error.file), error.position)) ?? error;
  }
  const newer = end.torn && (yield* newerBehind(end.torn.file, end.torn.position));
  if (newer) throw newer;
  return end;
}

function* readGood(dir: string, segments: SegmentFile[], fromSeq: Seq, onBatch: BatchListener): Generator<undefined, LogEnd> {
  const run = new GoodRun(segments[0]?.firstSeq ?? 1, fromSeq, onBatch);
  let position = 0;
  let torn: TornTail | undefined;
  for (const [index, { name, firstSeq }] of segments.entries()) {
    const path = join(dir, name);
    // The name of a segment is the proof that the one before it was complete.
    if (firstSeq !== run.expectedSeq) {
      throw new DamagedLogError(
        join(dir, segments[index - 1].name),
        position,
        run.expectedSeq,
        `it ends, and the next segment starts with command ${firstSeq}`,
      );
    }
    const fd = openSync(path, 'r');
    try {
      // After a kill, the end, and the name of the segment or of a snapshot, may be only in the page cache. The caller may publish what it
      // reads, so both are synced first.
      if (index === segments.length - 1) {
        fdatasyncSync(fd);
        syncDirectory(dir);
      }
      const { size } = fstatSync(fd);
      const stop = yield* run.readSegment(path, fd, size);
      position = stop.position;
      if (index === segments.length - 1) torn = judgeStop(fd, size, path, stop, run.expectedSeq, run.logId);
      // The writer leaves a segment only if there is no space for a batch of one record, and after the segment is durable.
      else if (size - position >= 2 * SLOT_BYTES)
        throw new DamagedLogError(path, position, run.expectedSeq, `${stop.reason}, and another segment follows`);
    } finally {
      closeSync(fd);
    }
  }
  return {
    logId: run.logId ?? idForEmptyLog(dir),
    lastSeq: run.expectedSeq - 1,
    lastCrc: run.previousCrc,
    chain: run.chain.value(),
    file: segments.at(-1)?.name,
    position,
    segments: segments.length,
    batches: run.batches,
    torn,
  };
}

/**
 * Removes a torn tail: keeps its bytes in `torn-<seq>-<byte>.bin` beside the
 * log, then zeroes them. Safe to repeat after an interruption. Returns the end
 * to append at and a message for the operator; undefined if nothing was torn.
 */
export function cutTornTail(dir: string, end: LogEnd): { end: LogEnd; message: string } | undefined {
  if (!end.torn) return undefined;
  const { file, position, bytes, expectedSeq, reason } = end.torn;
  const kept = `torn-${expectedSeq}-${position}.bin`;
  const fd = openSync(join(dir, file), 'r+');
  try {
    const tail = new Uint8Array(bytes);
    readSync(fd, tail, 0, bytes, position);
    writeFileSync(join(dir, kept), tail, { flush: true });
    syncDirectory(dir);
    fillZeros(fd, position, bytes);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const message =
    `${join(dir, file)}: cut ${bytes} bytes at byte ${position} (${reason}): a batch from command ${expectedSeq} on that was still being written when the exchange stopped. ` +
    `None of it was acknowledged; the bytes are kept in ${kept}.`;
  return { end: { ...end, torn: undefined }, message };
}

/** Returned instead of the size of a batch that a newer openbell wrote. */
const NEWER = -1;

/** The sequence of good batches, each of which continues the previous one. */
class GoodRun {
  logId: LogId | undefined;
  expectedSeq: Seq;
  previousCrc = 0;
  batches = 0;
  readonly chain = new CommandChain();
  readonly #fromSeq: Seq;
  readonly #onBatch: BatchListener;
  readonly #bytes = new Uint8Array(CHUNK_BYTES);
  readonly #words = new Int32Array(this.#bytes.buffer);

  constructor(expectedSeq: Seq, fromSeq: Seq, onBatch: BatchListener) {
    this.expectedSeq = expectedSeq;
    this.#fromSeq = fromSeq;
    this.#onBatch = onBatch;
  }

  /** Reads good batches from the start of a segment, up to the first position without one. */
  *readSegment(path: string, fd: number, size: number): Generator<undefined, Stop> {
    for (let position = 0; ; ) {
      const have = readSync(fd, this.#bytes, 0, CHUNK_BYTES, position);
      let at = 0;
      while (have - at >= SLOT_BYTES) {
        const bytes = this.#batchAt(at, have, size - position);
        if (typeof bytes === 'string') return { position: position + at, reason: bytes };
        if (bytes === NEWER) throw new NewerLogError(path, position + at, this.#words[(at >> 2) + HeaderWord.version]);
        if (bytes === 0) break;
        at += bytes;
      }
      if (at === 0) return { position, reason: have === 0 ? 'the file ends' : 'the file ends in a batch' };
      position += at;
      yield;
    }
  }

  /** Takes the batch at byte `at`. Returns its size, 0 if it continues after `have`, {@link NEWER}, or a description of its fault. */
  #batchAt(at: number, have: number, left: number): number | string {
    const words = this.#words;
    const head = at >> 2;
    const count = words[head + HeaderWord.count];
    const bytes = batchBytes(count);
    if (!looksLikeHeader(words, head)) {
      // Read the whole batch if the file can contain it: it may be a known batch with a corrupted version.
      if (words[head + HeaderWord.magic] === LOG_MAGIC && possibleCount(words, head) && at + bytes > have && at + bytes <= left) return 0;
      return isNewerBatch(words, this.#bytes, at, have) ? NEWER : 'no batch header';
    }
    if (at + bytes > left) return 'the batch is longer than the file';
    if (at + bytes > have) return 0;
    if (!checksumHolds(words, this.#bytes, at, bytes)) return 'the checksum is wrong';
    const firstSeq = getI64(words, head + HeaderWord.firstSeq);
    if (firstSeq !== this.expectedSeq) return `the batch starts with command ${firstSeq} instead of ${this.expectedSeq}`;
    if (!this.#fits(head)) return 'the batch belongs to another log or behind another batch';
    if (!numbered(words, head + SLOT_WORDS + SEQ_WORD, count, firstSeq)) return 'the commands of the batch are not numbered without gaps';
    if (!this.#continuesChain(head, count, firstSeq)) return 'the commands do not match the hash chain of the batch';
    this.previousCrc = words[head + HeaderWord.crc];
    this.expectedSeq = firstSeq + count;
    this.batches++;
    const skip = Math.max(0, this.#fromSeq - firstSeq);
    if (count > skip) this.#onBatch(words, head + (1 + skip) * SLOT_WORDS, count - skip, firstSeq + skip);
    return bytes;
  }

  /** Checks the chain. If the first batch read is not the first of the log, the chain before it is unknown, and its own value is accepted. */
  #continuesChain(head: number, count: number, firstSeq: Seq): boolean {
    const { chain } = this;
    const words = this.#words;
    if (words[head + HeaderWord.version] < CHAIN_VERSION) return !chain.begun;
    const fromSeq = getI64(words, head + HeaderWord.chainFromSeq);
    if (!chain.begun && this.batches === 0 && fromSeq !== firstSeq) {
      chain.set({ fromSeq, low: words[head + HeaderWord.chain], high: words[head + HeaderWord.chain + 1] });
      return fromSeq >= 1 && fromSeq < firstSeq;
    }
    if (!chain.begun) chain.begin(firstSeq);
    chain.add(words, head + SLOT_WORDS, count);
    return fromSeq === chain.fromSeq && chain.stands(words, head + HeaderWord.chain);
  }

  /** The first batch that is read sets the log id; its predecessor is unknown. */
  #fits(head: number): boolean {
    const words = this.#words;
    const low = words[head + HeaderWord.logId];
    const high = words[head + HeaderWord.logId + 1];
    if (this.logId === undefined) {
      this.logId = { low, high };
      return true;
    }
    return low === this.logId.low && high === this.logId.high && words[head + HeaderWord.previousCrc] === this.previousCrc;
  }
}

function numbered(words: Int32Array, seqWord: number, count: number, firstSeq: Seq): boolean {
  const last = seqWord + (count - 1) * SLOT_WORDS;
  if (count > 0 && getI64(words, last) !== firstSeq + count - 1) return false;
  let low = firstSeq | 0;
  for (let at = seqWord; at <= last; at += SLOT_WORDS) {
    if (words[at] !== low) return false;
    low = (low + 1) | 0;
  }
  return true;
}
