import { crc32 } from 'node:zlib';
import type { Database } from 'lmdb';
import { getI64 } from '../../../engine/units.ts';
import { expand, mostCompactWords, packRecord, storedWords } from './compact-records.ts';
import type { RunLayout } from './run-layout.ts';

/** Runs in the store: owner and first number -> compact records, trailer. */
export type Runs = Database<Buffer, [number, number]>;

/**
 * Bytes after the records of a run: CRC-32 over owner, first number and what the run holds, then a byte of value 0, by which the length of a run of
 * compact records differs from the lengths of earlier versions.
 */
export const TRAILER_BYTES = 5;
/** The trailer of version 2 of the store, after whole records: the same CRC-32, then 0. Version 1 wrote none. */
const WHOLE_TRAILER_BYTES = 8;

/** A run in the store is not what was written. The history must be rebuilt from the log. */
export class DamagedHistoryError extends Error {
  readonly code = 'HISTORY_DAMAGED';
  readonly detail: string;

  constructor(detail: string) {
    super(`The history is damaged: ${detail}. It is derived from the log; the next start builds it again.`);
    this.name = 'DamagedHistoryError';
    this.detail = detail;
  }
}

const key = new Float64Array(2);
const keyBytes = new Uint8Array(key.buffer);

function checksumOf(owner: number, firstNo: number, records: Uint8Array): number {
  key[0] = owner;
  key[1] = firstNo;
  return crc32(records, crc32(keyBytes));
}

/** Writes the trailer behind the first `length` bytes of `run`, which has room for it. @returns the bytes to store, a view of `run` */
export function sealRun(owner: number, firstNo: number, run: Uint8Array, length: number): Uint8Array {
  const crc = checksumOf(owner, firstNo, run.subarray(0, length));
  for (let i = 0; i < 4; i++) run[length + i] = crc >>> (8 * i);
  run[length + 4] = 0;
  return run.subarray(0, length + TRAILER_BYTES);
}

/** The run of these packed records, to be stored. */
export function compactRun(layout: RunLayout, owner: number, firstNo: number, records: Uint8Array): Uint8Array {
  const count = records.length / layout.bytes;
  const out = new Int32Array(count * mostCompactWords(layout) + Math.ceil(TRAILER_BYTES / 4));
  const words = wordsOf(records);
  let end = 0;
  for (let i = 0; i < count; i++) end = packRecord(words, (i * layout.bytes) / 4, layout.bytes / 4, storedWords(layout), out, end);
  return sealRun(owner, firstNo, new Uint8Array(out.buffer), end * 4);
}

/**
 * The records of a stored run, verified. Of a run of version 1, which has no
 * checksum, only the numbers and owners of its records are checked.
 * @returns packed records: of earlier versions a view of `value`, otherwise new
 * @throws DamagedHistoryError
 */
export function recordsOf(layout: RunLayout, owner: number, firstNo: number, value: Buffer): Buffer {
  if (value.length % 4 === TRAILER_BYTES % 4) return compactRecords(layout, owner, firstNo, value);
  const sealed = value.length % layout.bytes === WHOLE_TRAILER_BYTES;
  const records = sealed ? value.subarray(0, value.length - WHOLE_TRAILER_BYTES) : value;
  if (records.length === 0 || records.length % layout.bytes !== 0) damaged(layout, owner, firstNo, `has ${value.length} bytes`);
  if (!sealed) checkNumbers(layout, owner, firstNo, records);
  else checkChecksum(layout, owner, firstNo, value, records);
  return records;
}

function compactRecords(layout: RunLayout, owner: number, firstNo: number, value: Buffer): Buffer {
  const compact = value.subarray(0, value.length - TRAILER_BYTES);
  if (compact.length === 0) damaged(layout, owner, firstNo, `has ${value.length} bytes`);
  checkChecksum(layout, owner, firstNo, value, compact);
  const records = expand(layout, owner, firstNo, wordsOf(compact));
  if (records === undefined) damaged(layout, owner, firstNo, 'ends within a record');
  return records;
}

function checkChecksum(layout: RunLayout, owner: number, firstNo: number, value: Buffer, content: Buffer): void {
  if (value.readUInt32LE(content.length) !== checksumOf(owner, firstNo, content)) damaged(layout, owner, firstNo, 'has a wrong checksum');
}

function checkNumbers(layout: RunLayout, owner: number, firstNo: number, records: Buffer): void {
  for (let at = 0, no = firstNo; at < records.length; at += layout.bytes, no++) {
    const numbered = records.readUInt32LE(at + layout.numberAt) + records.readUInt32LE(at + layout.numberAt + 4) * 2 ** 32 === no;
    const owned = layout.ownerAt === undefined || records.readUInt32LE(at + layout.ownerAt) === owner;
    if (!numbered || !owned) damaged(layout, owner, firstNo, `has another record in the place of number ${no}`);
  }
}

function damaged({ name }: RunLayout, owner: number, firstNo: number, what: string): never {
  const whose = name === 'reports' ? `reports of account ${owner}` : `trades of symbol ${owner}`;
  throw new DamagedHistoryError(`the run of ${whose} from number ${firstNo} on ${what}`);
}

/** An aligned copy, read as 32-bit words: LMDB's values start at any byte. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return new Int32Array(copy.buffer);
}

/** An int64 field of the record at byte `at` of {@link recordsOf}. */
export function fieldOf(records: Uint8Array, at: number): number {
  return getI64(wordsOf(records.subarray(at, at + 8)), 0);
}
