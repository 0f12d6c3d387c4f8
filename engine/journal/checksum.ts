import { crc32 } from 'node:zlib';

/**
 * CRC-32 as zlib computes it. zlib is several times faster per byte, but a call
 * to it costs as much as a few hundred bytes in JavaScript. A market with little
 * trading makes batches of one command; the checksum of a small batch is
 * therefore computed in JavaScript.
 */
const NATIVE_FROM_BYTES = 768;

/** Slicing by 4: table k has the effect of a byte k positions ahead. */
const TABLES = new Int32Array(4 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  TABLES[byte] = crc;
}
for (let at = 256; at < 1024; at++) TABLES[at] = (TABLES[at - 256] >>> 8) ^ TABLES[TABLES[at - 256] & 255];

/**
 * Checksum, as an Int32, of bytes `from` up to `end`, both multiples of 4.
 *
 * @param words and `bytes` are views of the same memory from its first byte
 */
export function checksum(words: Int32Array, bytes: Uint8Array, from: number, end: number): number {
  if (end - from >= NATIVE_FROM_BYTES) return crc32(bytes.subarray(from, end)) | 0;
  let crc = -1;
  for (let at = from >> 2; at < end >> 2; at++) {
    crc ^= words[at];
    crc = TABLES[768 + (crc & 255)] ^ TABLES[512 + ((crc >>> 8) & 255)] ^ TABLES[256 + ((crc >>> 16) & 255)] ^ TABLES[crc >>> 24];
  }
  return ~crc;
}
