import { Trade } from '../../engine/wire/layout.ts';
import type { StructList } from '../../engine/wire/market-frames.ts';

const WORDS = Trade.bytes / 4;

/** The last trades of a symbol as wire structs, in a ring. I/O thread; adding one allocates nothing. */
export class RecentTrades {
  readonly #most: number;
  readonly #words: Int32Array;
  #next = 0;
  #count = 0;

  /** @param most trades that are kept */
  constructor(most: number) {
    this.#most = most;
    this.#words = new Int32Array(most * WORDS);
  }

  get count(): number {
    return this.#count;
  }

  /** @returns the words of the ring; the trade is written at {@link RecentTrades.claim} */
  get words(): Int32Array {
    return this.#words;
  }

  /** Where the next trade is written, which replaces the oldest one. */
  claim(): number {
    const at = this.#next * WORDS;
    this.#next = (this.#next + 1) % this.#most;
    if (this.#count < this.#most) this.#count++;
    return at;
  }

  /** Puts trades before those that are there. @param packed Trade structs, newest first */
  prepend(packed: Uint8Array): void {
    const own = this.#list(this.#count);
    const older = new Int32Array(packed.slice().buffer);
    this.#next = this.#count = 0;
    for (let at = older.length - WORDS; at >= 0; at -= WORDS) this.#words.set(older.subarray(at, at + WORDS), this.claim());
    for (const trade of own) this.#words.set(trade, this.claim());
  }

  /** Appends the last trades, oldest first. @param most at most so many */
  copy(most: number, list: StructList): void {
    for (let left = Math.min(most, this.#count); left > 0; left--) {
      const from = ((this.#next - left + this.#most) % this.#most) * WORDS;
      const at = list.add();
      list.words.set(this.#words.subarray(from, from + WORDS), at);
    }
  }

  #list(most: number): Int32Array[] {
    return Array.from({ length: most }, (_, i) => {
      const from = ((this.#next - most + i + this.#most) % this.#most) * WORDS;
      return this.#words.slice(from, from + WORDS);
    });
  }
}
