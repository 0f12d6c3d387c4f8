import type { Allocate } from '../allocate.ts';

const NIL = -1;
/** Keys that are equal without so many lowest bits share one bit of the pyramid, that of their group. */
export const GROUP_BITS = 6;

/**
 * A set of whole numbers, the keys. A key has one bit, in two words per group of 64 neighbouring keys. Above them is a pyramid:
 * its lowest height has one bit per group with a key, each height above has one bit per
 * word (32 bits) of the height below, up to a single word. A search for the next key takes at most two steps in its group and one per height (four
 * for 2^26 keys), independent of the distance. Nothing is balanced or allocated. One thread owns it.
 */
export class KeySet {
  /** One more than the highest key that it can have. */
  declare readonly none: number;
  /** One bit per key, then all heights of the pyramid. Two zero words after the keys, and one after each height, end a search. */
  declare readonly bits: Int32Array;
  /** Where the keys and each height start in `bits`. */
  declare readonly starts: Int32Array;
  /** Length of `starts`. A field, because V8 makes the length of a typed array a double. */
  readonly #heights: number = 0;

  /** @param keys a power of two, from 64 */
  constructor(keys: number, allocate: Allocate) {
    this.none = keys;
    const starts = [0];
    let words = (keys >>> 5) + 2;
    for (let height = keys >>> GROUP_BITS; starts.length === 1 || height > 1; height = Math.ceil(height / 32)) {
      starts.push(words);
      words += Math.ceil(height / 32) + 1;
    }
    this.starts = new Int32Array(starts);
    this.#heights = starts.length;
    this.bits = new Int32Array(allocate(words * 4));
  }

  /** Lowest key of the set from `from` (0 to `none`) up, or `none`. */
  next(from: number): number {
    const bits = this.bits;
    let word = from >>> 5;
    let found = bits[word] & (-1 << (from & 31));
    if (found === 0 && (word & 1) === 0) found = bits[++word];
    if (found !== 0) return (word << 5) | lowestBit(found);
    const group = this.#nextGroup((word >>> 1) + 1);
    if (group === NIL) return this.none;
    const low = bits[group << 1];
    return (group << 6) | (low !== 0 ? lowestBit(low) : 32 | lowestBit(bits[(group << 1) | 1]));
  }

  /** Lowest group with a key from `from` up, or -1. */
  #nextGroup(from: number): number {
    const bits = this.bits;
    const starts = this.starts;
    const heights = this.#heights;
    let at = from;
    for (let height = 1; height < heights; height++) {
      const found = bits[starts[height] + (at >>> 5)] & (-1 << (at & 31));
      if (found !== 0) {
        at = (at & ~31) | lowestBit(found);
        while (height > 1) at = (at << 5) | lowestBit(bits[starts[--height] + at]);
        return at;
      }
      at = (at >>> 5) + 1;
    }
    return NIL;
  }

  /** Highest key of the set from `from` down, or -1; `from` is -1 to `none` - 1. */
  previous(from: number): number {
    if (from < 0) return NIL;
    const bits = this.bits;
    let word = from >>> 5;
    let found = bits[word] & (-1 >>> (31 - (from & 31)));
    if (found === 0 && (word & 1) === 1) found = bits[--word];
    if (found !== 0) return (word << 5) | highestBit(found);
    const group = this.#previousGroup((word >>> 1) - 1);
    if (group === NIL) return NIL;
    const high = bits[(group << 1) | 1];
    return (group << 6) | (high !== 0 ? 32 | highestBit(high) : highestBit(bits[group << 1]));
  }

  /** Highest group with a key from `from` down, or -1. */
  #previousGroup(from: number): number {
    const bits = this.bits;
    const starts = this.starts;
    let at = from;
    for (let height = 1; height < this.#heights && at >= 0; height++) {
      const found = bits[starts[height] + (at >>> 5)] & (-1 >>> (31 - (at & 31)));
      if (found !== 0) {
        at = (at & ~31) | highestBit(found);
        while (height > 1) at = (at << 5) | highestBit(bits[starts[--height] + at]);
        return at;
      }
      at = (at >>> 5) - 1;
    }
    return NIL;
  }

  /** A group has its first key. */
  protected addGroup(group: number): void {
    const bits = this.bits;
    const starts = this.starts;
    const heights = this.#heights;
    let bit = group;
    for (let height = 1; height < heights; height++) {
      const at = starts[height] + (bit >>> 5);
      const before = bits[at];
      bits[at] = before | (1 << (bit & 31));
      if (before !== 0) return;
      bit >>>= 5;
    }
  }

  /** A group has lost its last key. */
  protected removeGroup(group: number): void {
    const bits = this.bits;
    const starts = this.starts;
    const heights = this.#heights;
    let bit = group;
    for (let height = 1; height < heights; height++) {
      const at = starts[height] + (bit >>> 5);
      const left = bits[at] & ~(1 << (bit & 31));
      bits[at] = left;
      if (left !== 0) return;
      bit >>>= 5;
    }
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function highestBit(word: number): number {
  return 31 - Math.clz32(word);
}
