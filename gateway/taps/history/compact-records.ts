import type { RunLayout } from './run-layout.ts';

/*
 * A compact record is one word with a bit for each word of the record that is not 0, and then these words. The record's number and
 * owner are left out: they follow from the key of the run. Two thirds of an execution report are zeros.
 */

/** Words of the longest compact record. */
export function mostCompactWords({ bytes }: RunLayout): number {
  return 1 + bytes / 4;
}

/** Bits of the words that a compact record may hold: all except number and owner. */
export function storedWords({ bytes, numberAt, ownerAt }: RunLayout): number {
  const all = bytes === 128 ? -1 : (1 << (bytes / 4)) - 1;
  const implied = (3 << (numberAt / 4)) | (ownerAt === undefined ? 0 : 1 << (ownerAt / 4));
  return all & ~implied;
}

/**
 * Writes the record of `count` words that begins at word `from` as a compact record at word `at` of `out`, which has room for the longest one.
 * @param stored as of {@link storedWords}
 * @returns the word behind it
 */
export function packRecord(words: Int32Array, from: number, count: number, stored: number, out: Int32Array, at: number): number {
  let bits = 0;
  let end = at + 1;
  for (let i = 0; i < count; i++) {
    const word = words[from + i];
    if (word === 0 || ((stored >>> i) & 1) === 0) continue;
    out[end++] = word;
    bits |= 1 << i;
  }
  out[at] = bits;
  return end;
}

/** The whole records of a run of compact ones. Undefined: the last one is cut off. */
export function expand({ bytes, numberAt, ownerAt }: RunLayout, owner: number, firstNo: number, compact: Int32Array): Buffer | undefined {
  let count = 0;
  for (let at = 0; at < compact.length; at += 1 + bitsOf(compact[at])) count++;
  const records = new Int32Array((count * bytes) / 4);
  let at = 0;
  for (let record = 0; record < count; record++) {
    const to = (record * bytes) / 4;
    let bits = compact[at++];
    if (at + bitsOf(bits) > compact.length) return undefined;
    while (bits !== 0) {
      const i = 31 - Math.clz32(bits & -bits);
      records[to + i] = compact[at++];
      bits &= bits - 1;
    }
    const no = firstNo + record;
    records[to + numberAt / 4] = no;
    records[to + numberAt / 4 + 1] = Math.floor(no / 2 ** 32);
    if (ownerAt !== undefined) records[to + ownerAt / 4] = owner;
  }
  return Buffer.from(records.buffer);
}

function bitsOf(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  n = (n + (n >>> 4)) & 0x0f0f0f0f;
  return Math.imul(n, 0x01010101) >>> 24;
}
