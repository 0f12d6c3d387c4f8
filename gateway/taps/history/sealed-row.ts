import { crc32 } from 'node:zlib';
import { DamagedHistoryError } from './run-format.ts';

/** Bytes behind the value of a row: CRC-32 over key and value, then 0. */
export const ROW_TRAILER_BYTES = 8;

/** Key of a row: two numbers. */
export type RowKey = [number, number];

const keyNumbers = new Float64Array(2);
const keyBytes = new Uint8Array(keyNumbers.buffer);

function checksum(key: Readonly<RowKey>, bytes: Uint8Array): number {
  keyNumbers.set(key);
  return crc32(bytes, crc32(keyBytes));
}

/** Writes the trailer behind the value, the first `length` bytes of `row`. @returns row */
export function sealRow(key: Readonly<RowKey>, row: Buffer, length: number): Buffer {
  row.writeUInt32LE(checksum(key, row.subarray(0, length)), length);
  return row;
}

/**
 * The value of a stored row, verified.
 * @param what what it is, for the error: `the candles` @param length of the value, bytes
 * @returns a view of `row` @throws DamagedHistoryError
 */
export function verifiedRow(what: string, key: Readonly<RowKey>, row: Buffer, length: number): Buffer {
  const bytes = row.subarray(0, length);
  if (row.length !== length + ROW_TRAILER_BYTES || row.readUInt32LE(length) !== checksum(key, bytes))
    throw new DamagedHistoryError(`${what} at ${key} have a wrong checksum`);
  return bytes;
}

/** @throws DamagedHistoryError if a key that was read without LMDB is not of two numbers */
export function verifiedKey(database: string, key: unknown): RowKey {
  if (!Array.isArray(key) || key.length !== 2 || !key.every(Number.isSafeInteger))
    throw new DamagedHistoryError(`a key of ${database} is damaged`);
  return key as RowKey;
}
