import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import { getI64, putI64, type Seq } from '../units.ts';
import { Command } from '../wire/layout.ts';
import { checksum } from './checksum.ts';
import { type ChainValue, hex64 } from './command-chain.ts';
import { mustBeFile } from './path-kind.ts';

/**
 * The command log. A segment is a file of 64-byte slots, zero-filled when it is
 * created. A batch is one header slot and `count` command slots, copied from the
 * command ring. Words are little-endian Int32.
 *
 *   word 0       1       2         3       4..5       6..7     8          9     10..11      12..13  14..15
 *   ┌───────────┬───────┬─────────┬───────┬──────────┬────────┬──────────┬─────┬───────────┬───────┬──────────────┐
 *   │ crc32 of  │ magic │ version │ count │ firstSeq │ log id │ previous │  0  │ syncedSeq │ chain │ chainFromSeq │
 *   │ the rest  │       │         │       │          │        │ crc      │     │           │       │              │
 *   └───────────┴───────┴─────────┴───────┴──────────┴────────┴──────────┴─────┴───────────┴───────┴──────────────┘
 *
 * - `crc32` covers the header from byte 4 and the records.
 * - `log id` is random and identifies the log: a batch of another log is never accepted.
 * - `previous crc` chains the batches: a stale batch of the same log does not fit.
 * - `syncedSeq` is the last seq known to be on the disk when this batch was
 *   written. If an earlier batch is bad, `syncedSeq` determines whether durable
 *   commands are lost, or only writes that were in flight.
 * - `count` 0 is a seal: it states only that all batches before it are on the disk.
 * - `chain` is the hash of all commands from `chainFromSeq` up to the last one of
 *   this batch (see {@link CommandChain}); it does not depend on the batches.
 *
 * A command slot is never a valid header: a command has its symbol id in the
 * word of the magic, and its time in the words of the log id.
 *
 * Version 1 has zeros from word 12 on. After batches of version 1, the chain
 * begins with the first batch of version 2. Only magic and version have the same
 * position in every version. This build recognizes a batch of a version above
 * {@link LOG_VERSION}, but does not read it.
 */
export const SLOT_BYTES = 64;
export const SLOT_WORDS = SLOT_BYTES / 4;
export const LOG_MAGIC = 0x424c424f;
/** Oldest version that is read. */
export const LOG_OLDEST_VERSION = 1;
/** Version that is written, and the newest that is read. */
export const LOG_VERSION = 2;
/** First version with a chain. */
export const CHAIN_VERSION = 2;
/** Most records in a batch. */
export const MAX_BATCH_RECORDS = 16_384;
/** Most bytes of a batch, header included. */
export const MAX_BATCH_BYTES = (1 + MAX_BATCH_RECORDS) * SLOT_BYTES;

/** Word index of each field of the header. */
export const HeaderWord = {
  crc: 0,
  magic: 1,
  version: 2,
  count: 3,
  firstSeq: 4,
  logId: 6,
  previousCrc: 8,
  syncedSeq: 10,
  chain: 12,
  chainFromSeq: 14,
} as const;

/** Word index of the seq in a command slot. */
export const SEQ_WORD = Command.seq / 4;

assert(Command.bytes === SLOT_BYTES, 'log: a slot holds a command');
assert(Command.seq % 8 === 0, 'log: seq is aligned');
assert(LOG_MAGIC > 2 ** 24, 'log: no symbol id can be the magic');
assert(HeaderWord.magic * 4 === Command.symbol && HeaderWord.logId * 4 === Command.timeUs, 'log: a command cannot pass for a header');

/** Identity of a log, 64 random bits in two words. */
export interface LogId {
  readonly low: number;
  readonly high: number;
}

export function sameLog(a: LogId, b: LogId): boolean {
  return a.low === b.low && a.high === b.high;
}

/** The id as 16 hex digits. */
export function logIdHex(id: LogId): string {
  return hex64(id.low, id.high);
}

/** The fields of a header, except the checksum. */
export interface BatchHeader {
  readonly count: number;
  readonly firstSeq: Seq;
  readonly logId: LogId;
  readonly previousCrc: number;
  readonly syncedSeq: Seq;
  /** Chain up to the last record; all 0 in version 1. */
  readonly chain: ChainValue;
}

/** Writes a header at word 0 and returns the checksum (an Int32); the `count` records must already follow it. */
export function stampHeader(words: Int32Array, bytes: Uint8Array, header: BatchHeader): number {
  words.fill(0, 0, SLOT_WORDS);
  words[HeaderWord.magic] = LOG_MAGIC;
  words[HeaderWord.version] = LOG_VERSION;
  words[HeaderWord.count] = header.count;
  putI64(words, HeaderWord.firstSeq, header.firstSeq);
  words[HeaderWord.logId] = header.logId.low;
  words[HeaderWord.logId + 1] = header.logId.high;
  words[HeaderWord.previousCrc] = header.previousCrc;
  putI64(words, HeaderWord.syncedSeq, header.syncedSeq);
  words[HeaderWord.chain] = header.chain.low;
  words[HeaderWord.chain + 1] = header.chain.high;
  putI64(words, HeaderWord.chainFromSeq, header.chain.fromSeq);
  words[HeaderWord.crc] = checksum(words, bytes, 4, batchBytes(header.count));
  return words[HeaderWord.crc];
}

export function batchBytes(count: number): number {
  return (1 + count) * SLOT_BYTES;
}

/** The header at word `at`, unchecked. */
export function readHeader(words: Int32Array, at: number): BatchHeader {
  return {
    count: words[at + HeaderWord.count],
    firstSeq: getI64(words, at + HeaderWord.firstSeq),
    logId: { low: words[at + HeaderWord.logId], high: words[at + HeaderWord.logId + 1] },
    previousCrc: words[at + HeaderWord.previousCrc],
    syncedSeq: getI64(words, at + HeaderWord.syncedSeq),
    chain: {
      low: words[at + HeaderWord.chain],
      high: words[at + HeaderWord.chain + 1],
      fromSeq: getI64(words, at + HeaderWord.chainFromSeq),
    },
  };
}

/** True if word `at` starts a header of a version that this build reads, with a possible count. Does not check the checksum. */
export function looksLikeHeader(words: Int32Array, at: number): boolean {
  const version = words[at + HeaderWord.version];
  return words[at + HeaderWord.magic] === LOG_MAGIC && version >= LOG_OLDEST_VERSION && version <= LOG_VERSION && possibleCount(words, at);
}

/**
 * True if byte `at` starts a batch that a newer openbell wrote. Only magic and
 * version are checked, with one exception: a batch of a version that this build
 * reads, whose version word was corrupted, is damage. Its checksum is correct
 * with the original version restored.
 *
 * @param end byte after the last available byte
 */
export function isNewerBatch(words: Int32Array, u8: Uint8Array, at: number, end: number): boolean {
  const head = at >> 2;
  const version = words[head + HeaderWord.version];
  if (words[head + HeaderWord.magic] !== LOG_MAGIC || version <= LOG_VERSION) return false;
  const bytes = batchBytes(words[head + HeaderWord.count]);
  if (!possibleCount(words, head) || at + bytes > end) return true;
  let ours = false;
  for (let known = LOG_OLDEST_VERSION; known <= LOG_VERSION && !ours; known++) {
    words[head + HeaderWord.version] = known;
    ours = checksumHolds(words, u8, at, bytes);
  }
  words[head + HeaderWord.version] = version;
  return !ours;
}

/** True if the header at word `at` has a valid count. */
export function possibleCount(words: Int32Array, at: number): boolean {
  const count = words[at + HeaderWord.count];
  return count >= 0 && count <= MAX_BATCH_RECORDS;
}

/** True if the checksum of the batch at byte `at` is correct. All its `bytes` must be available. */
export function checksumHolds(words: Int32Array, u8: Uint8Array, at: number, bytes: number): boolean {
  return checksum(words, u8, at + 4, at + bytes) === words[(at >> 2) + HeaderWord.crc];
}

const SEGMENT_NAME = /^log-(\d{16})\.obl$/;

/** `log-0000000000000001.obl`: the name contains the seq of the segment's first record. */
export function segmentName(firstSeq: Seq): string {
  return `log-${String(firstSeq).padStart(16, '0')}.obl`;
}

export interface SegmentFile {
  readonly name: string;
  readonly firstSeq: Seq;
}

/** The segments in a directory, oldest first. @throws PathError if one is no file; the system's Error if the directory cannot be read */
export function listSegments(dir: string): SegmentFile[] {
  const found: SegmentFile[] = [];
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const { name } = entry;
    const match = SEGMENT_NAME.exec(name);
    if (!match) continue;
    if (!entry.isFile()) mustBeFile(join(dir, name));
    found.push({ name, firstSeq: Number(match[1]) });
  }
  return found.sort((a, b) => a.firstSeq - b.firstSeq);
}
