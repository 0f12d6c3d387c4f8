/**
 * A count of up to 2^53 in shared memory that one thread raises and any thread reads, without a BigInt (a load
 * from a BigInt64Array allocates).
 *
 * The low 32 bits change with every store, the high ones once in 2^32. That change is bracketed: the expected high
 * word first, then the low word, then the high word. A reader that sees two equal high words around its low word
 * has read the three of one count.
 */
const LOW = 0;
const HIGH = 1;
const EXPECTED_HIGH = 2;

/** Words that a count takes. */
export const SEQUENCE_WORDS = 3;

const TWO_32 = 2 ** 32;

/** The count that begins at word `at`. */
export function loadSequence(words: Int32Array, at: number): number {
  for (;;) {
    const high = Atomics.load(words, at + HIGH);
    const low = Atomics.load(words, at + LOW);
    if (Atomics.load(words, at + EXPECTED_HIGH) === high) return high * TWO_32 + (low >>> 0);
  }
}

/** The writing end of a count. One thread owns it. */
export class SharedSequence {
  readonly #words: Int32Array;
  readonly #at: number;
  #high: number;

  /** Continues from the count that the words hold, also when the last writer ended in the middle of a store. */
  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
    const low = Atomics.load(words, at + LOW) >>> 0;
    // The low word passes from its largest value to a small one between the two high words.
    this.#high = Atomics.load(words, at + (low < TWO_32 / 2 ? EXPECTED_HIGH : HIGH));
    Atomics.store(words, at + EXPECTED_HIGH, this.#high);
    Atomics.store(words, at + HIGH, this.#high);
  }

  /** Plain stores before it are visible to a thread that loads this count, or a later one. */
  store(count: number): void {
    const high = Math.floor(count / TWO_32);
    if (high === this.#high) {
      Atomics.store(this.#words, this.#at + LOW, count | 0);
      return;
    }
    this.#high = high;
    Atomics.store(this.#words, this.#at + EXPECTED_HIGH, high);
    Atomics.store(this.#words, this.#at + LOW, count | 0);
    Atomics.store(this.#words, this.#at + HIGH, high);
  }
}
