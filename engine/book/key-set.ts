import type { Allocate } from '../allocate.ts';

/**
 * A set of whole numbers, the keys. The lowest height of a pyramid has one bit per key. Each height above has one bit per
 * word (32 bits) of the height below, up to a single word. A search for the next key takes at most one step per height (six
 * for 2^26 keys), independent of the distance. Nothing is balanced or allocated. One thread owns it.
 */
export class KeySet {
  /** One more than the highest key that it can have. */
  readonly none: number;
  /** All heights of the pyramid: one bit per key, then one per word of the height below. A zero word after each height ends a search. */
  readonly bits: Int32Array;
  /** Where each height starts in `bits`. */
  readonly starts: Int32Array;

  /** @param keys a power of two, from 64 */
  constructor(keys: number, allocate: Allocate) {
    this.none = keys;
    const starts = [];
    let words = 0;
    for (let height = keys; height > 1; height = Math.ceil(height / 32)) {
      starts.push(words);
      words += Math.ceil(height / 32) + 1;
    }
    this.starts = new Int32Array(starts);
    this.bits = new Int32Array(allocate(words * 4));
  }

  /** Lowest key of the set from `from` (0 to `none`) up, or `none`. */
  next(from: number): number {
    const bits = this.bits;
    const starts = this.starts;
    let at = from;
    for (let height = 0; height < starts.length; height++) {
      const found = bits[starts[height] + (at >>> 5)] & (-1 << (at & 31));
      if (found !== 0) {
        at = (at & ~31) | lowestBit(found);
        while (height > 0) at = (at << 5) | lowestBit(bits[starts[--height] + at]);
        return at;
      }
      at = (at >>> 5) + 1;
    }
    return this.none;
  }

  /** Highest key of the set from `from` down, or -1; `from` is -1 to `none` - 1. */
  previous(from: number): number {
    const bits = this.bits;
    const starts = this.starts;
    let at = from;
    for (let height = 0; height < starts.length && at >= 0; height++) {
      const found = bits[starts[height] + (at >>> 5)] & (-1 >>> (31 - (at & 31)));
      if (found !== 0) {
        at = (at & ~31) | (31 - Math.clz32(found));
        while (height > 0) at = (at << 5) | (31 - Math.clz32(bits[starts[--height] + at]));
        return at;
      }
      at = (at >>> 5) - 1;
    }
    return -1;
  }

  protected setAbove(word: number): void {
    const bits = this.bits;
    let bit = word;
    for (let height = 1; height < this.starts.length; height++) {
      const at = this.starts[height] + (bit >>> 5);
      const before = bits[at];
      bits[at] = before | (1 << (bit & 31));
      if (before !== 0) return;
      bit >>>= 5;
    }
  }

  protected clearAbove(word: number): void {
    const bits = this.bits;
    let bit = word;
    for (let height = 1; height < this.starts.length; height++) {
      const at = this.starts[height] + (bit >>> 5);
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
