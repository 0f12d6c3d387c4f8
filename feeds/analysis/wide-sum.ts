/**
 * A sum of products of integers below 2^53 that may pass 2^53 itself, as two words without BigInt: its value is
 * `high * 2^52 + low`, `low` below 2^52 and `high` below 2^53. Used for the money of a candle, where one trade of an outside
 * market can have more than 2^53 units (price in hundredths times quantity in hundred-millionths).
 */
export const WIDE_BASE = 2 ** 52;
const LIMIT = 2 ** 53;
const HALF = 2 ** 26;

/**
 * Adds `a * b` to the sum at `at` (low word) and `at + 1` (high word), exactly.
 * @param a integer from 0, below 2^53; `b` too
 * @returns false: the sum would not fit, and was not changed
 */
export function addProduct(words: Float64Array, at: number, a: number, b: number): boolean {
  const product = a * b;
  // A product that rounds to 2^53 or more may have lost its last bits.
  if (product >= LIMIT) return addLongProduct(words, at, a, b);
  const carry = product >= WIDE_BASE ? 1 : 0;
  return addWide(words, at, product - carry * WIDE_BASE, carry);
}

/** The schoolbook product of halves of 26 bits. Each partial product is below 2^53, or the whole one does not fit. */
function addLongProduct(words: Float64Array, at: number, a: number, b: number): boolean {
  const aHigh = Math.floor(a / HALF);
  const bHigh = Math.floor(b / HALF);
  const aLow = a - aHigh * HALF;
  const bLow = b - bHigh * HALF;
  const mid1 = aHigh * bLow;
  const mid2 = aLow * bHigh;
  const over1 = Math.floor(mid1 / HALF);
  const over2 = Math.floor(mid2 / HALF);
  let high = aHigh * bHigh;
  if (high >= LIMIT) return false;
  const mid = (mid1 - over1 * HALF + (mid2 - over2 * HALF)) * HALF;
  const overMid = mid >= WIDE_BASE ? 1 : 0;
  let low = aLow * bLow + (mid - overMid * WIDE_BASE);
  high += over1 + over2 + overMid;
  if (low >= WIDE_BASE) {
    low -= WIDE_BASE;
    high++;
  }
  return high < LIMIT && addWide(words, at, low, high);
}

/** Adds the sum `high * 2^52 + low`. @returns false: it would not fit, and the sum was not changed */
export function addWide(words: Float64Array, at: number, low: number, high: number): boolean {
  let sumLow = words[at] + low;
  let sumHigh = words[at + 1] + high;
  if (sumLow >= WIDE_BASE) {
    sumLow -= WIDE_BASE;
    sumHigh++;
  }
  if (sumHigh >= LIMIT) return false;
  words[at] = sumLow;
  words[at + 1] = sumHigh;
  return true;
}

/** Subtracts a sum that was added before. */
export function subtractWide(words: Float64Array, at: number, low: number, high: number): void {
  const borrow = words[at] < low ? 1 : 0;
  words[at] += borrow * WIDE_BASE - low;
  words[at + 1] -= high + borrow;
}

/** The value of a sum. Cold. */
export function wideValue(low: number, high: number): bigint {
  return BigInt(high) * BigInt(WIDE_BASE) + BigInt(low);
}
