const TWO_32 = 2 ** 32;

/**
 * Seeded random numbers for simulations and tests: xoshiro128** 1.1 (Blackman and Vigna, https://prng.di.unimi.it), its
 * state filled from the seed by SplitMix32. The same seed gives the same numbers on any machine. Not for secrets.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed any integer in [0, 2^53) */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`${seed} is not a seed; give an integer in [0, 2^53)`);
    // The high word offsets the sequence of the low one, so that all 53 bits have an effect.
    let state = (seed | 0) ^ Math.imul(Math.floor(seed / TWO_32), 0x85ebca6b);
    const splitMix = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = splitMix();
    this.#b = splitMix();
    this.#c = splitMix();
    // All zero is the one state that xoshiro never leaves.
    this.#d = splitMix() | 1;
  }

  /** A generator in exactly this state: four 32-bit words, not all 0. */
  static fromState(a: number, b: number, c: number, d: number): Prng {
    const prng = new Prng(0);
    prng.#a = a | 0;
    prng.#b = b | 0;
    prng.#c = c | 0;
    prng.#d = d | 0;
    if ((prng.#a | prng.#b | prng.#c | prng.#d) === 0) throw new RangeError('a state of four zeros gives only zeros; give another');
    return prng;
  }

  /** Uniform in [0, 2^32). */
  u32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return scrambled >>> 0;
  }

  /** Uniform in [0, limit), limit from 1 to 2^32. The deviation from uniform is less than limit / 2^32. */
  below(limit: number): number {
    return Math.floor((this.u32() * limit) / TWO_32);
  }

  /** Uniform in [low, high], both integers. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True `perMille` times in a thousand. */
  chance(perMille: number): boolean {
    return this.below(1000) < perMille;
  }

  /** Failures before the first success, which has probability 2^-shift each time; at most `limit`. */
  geometric(shift: number, limit: number): number {
    const mask = (1 << shift) - 1;
    let failures = 0;
    while (failures < limit && ((this.u32() >>> 8) & mask) !== 0) failures++;
    return failures;
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
