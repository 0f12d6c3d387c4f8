import { assert } from '../assert.ts';

/** A limb is below this. Three limbs hold an integer below 2^53. */
const LIMB = 1e7;
const LIMB_DIGITS = 7;
const FACTOR_LIMBS = 3;
/** Room for (2^53)^4, and a limb of carry. */
const LIMBS = 11;
const ZERO = 48;
const WIDE_BASE = 2 ** 52;
/** Most digits that {@link WideDigits} writes without padding. */
export const WIDE_DIGITS = LIMBS * LIMB_DIGITS;

/**
 * A product of integers that may pass 2^53, as decimal digits: limbs of seven digits, because a BigInt allocates. One object is
 * used again for each number.
 */
export class WideDigits {
  /** Lowest first. */
  #limbs = new Float64Array(LIMBS);
  #product = new Float64Array(LIMBS);
  #count = 0;

  /** Takes `high * 2^52 + low`; both are in [0, 2^53). */
  set(low: number, high: number): void {
    this.#count = 0;
    this.#add(high);
    if (high !== 0) this.multiply(WIDE_BASE);
    this.#add(low);
  }

  /** @param factor integer in [1, 2^53) */
  multiply(factor: number): void {
    const limbs = this.#limbs;
    const product = this.#product;
    const f0 = factor % LIMB;
    const upper = Math.floor(factor / LIMB);
    const f1 = upper % LIMB;
    const f2 = Math.floor(upper / LIMB);
    const count = this.#count + FACTOR_LIMBS;
    assert(count <= LIMBS, 'wide digits: the product is too large');
    let carry = 0;
    for (let k = 0; k < count; k++) {
      let sum = carry;
      if (k < this.#count) sum += limbs[k] * f0;
      if (k >= 1 && k <= this.#count) sum += limbs[k - 1] * f1;
      if (k >= 2 && k <= this.#count + 1) sum += limbs[k - 2] * f2;
      carry = Math.floor(sum / LIMB);
      product[k] = sum - carry * LIMB;
    }
    this.#limbs = product;
    this.#product = limbs;
    this.#count = count;
    this.#trim();
  }

  /**
   * Writes the digits.
   * @param least digits, zeros in front included
   * @returns the number of digits
   */
  write(to: Uint8Array, at: number, least: number): number {
    const limbs = this.#limbs;
    let digits = Math.max(1, this.#count * LIMB_DIGITS);
    if (this.#count !== 0) for (let first = limbs[this.#count - 1], power = LIMB / 10; first < power; power /= 10) digits--;
    const total = Math.max(digits, least);
    let end = at + total;
    for (let i = 0; i * LIMB_DIGITS < total; i++) {
      let rest = i < this.#count ? limbs[i] | 0 : 0;
      for (let d = 0; d < LIMB_DIGITS && end > at; d++) {
        const tenth = (rest / 10) | 0;
        to[--end] = ZERO + rest - tenth * 10;
        rest = tenth;
      }
    }
    return total;
  }

  /** @param value integer in [0, 2^53) */
  #add(value: number): void {
    const limbs = this.#limbs;
    let rest = value;
    for (let k = 0; rest !== 0; k++) {
      if (k === this.#count) limbs[this.#count++] = 0;
      const sum = limbs[k] + (rest % LIMB);
      rest = Math.floor(rest / LIMB) + (sum >= LIMB ? 1 : 0);
      limbs[k] = sum >= LIMB ? sum - LIMB : sum;
    }
  }

  #trim(): void {
    while (this.#count > 0 && this.#limbs[this.#count - 1] === 0) this.#count--;
  }
}
