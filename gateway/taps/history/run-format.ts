import { crc32 } from 'node:zlib';
import type { Database } from 'lmdb';
import { getI64 } from '../../../engine/units.ts';
import { Report, Trade } from '../../../engine/wire/layout.ts';

/** Runs in the store: owner and first number -> records, trailer. */
export type Runs = Database<Buffer, [number, number]>;

/** What a run consists of: packed records of one size, numbered without gaps. */
export interface RunLayout {
  readonly name: 'reports' | 'trades';
  /** Bytes per record. */
  readonly bytes: number;
  /** Byte of the record's number, an int64. */
  readonly numberAt: number;
  /** Byte of the record's owner, a uint32; undefined if a record does not contain it. */
  readonly ownerAt: number | undefined;
  /** Byte of the seq of the command that caused the record. */
  readonly seqAt: number;
  /** Byte of the time of that command, microseconds. */
  readonly timeAt: number;
}

export const REPORT_RUNS: RunLayout = {
  name: 'reports',
  bytes: Report.bytes,
  numberAt: Report.reportNo,
  ownerAt: Report.account,
  seqAt: Report.seq,
  timeAt: Report.timeUs,
};
export const TRADE_RUNS: RunLayout = {
  name: 'trades',
  bytes: Trade.bytes,
  numberAt: Trade.tradeId,
  ownerAt: undefined,
  seqAt: Trade.seq,
  timeAt: Trade.timeUs,
};

/** Bytes after the records of a run: CRC-32 over owner, first number and records, then 0. Version 1 of the store wrote none. */
export const TRAILER_BYTES = 8;

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
  run.fill(0, length + 4, length + TRAILER_BYTES);
  return run.subarray(0, length + TRAILER_BYTES);
}

/**
 * The records of a stored run, verified. Of a run of version 1, which has no
 * checksum, only the numbers and owners of its records are checked.
 * @returns a view of `value`
 * @throws DamagedHistoryError
 */
export function recordsOf(layout: RunLayout, owner: number, firstNo: number, value: Buffer): Buffer {
  const sealed = value.length % layout.bytes === TRAILER_BYTES;
  const records = sealed ? value.subarray(0, value.length - TRAILER_BYTES) : value;
  if (records.length === 0 || records.length % layout.bytes !== 0) damaged(layout, owner, firstNo, `has ${value.length} bytes`);
  if (!sealed) checkNumbers(layout, owner, firstNo, records);
  else if (value.readUInt32LE(records.length) !== checksumOf(owner, firstNo, records))
    damaged(layout, owner, firstNo, 'has a wrong checksum');
  return records;
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
