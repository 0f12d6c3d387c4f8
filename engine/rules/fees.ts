import { MILLION } from '../params.ts';

const LIMIT_53 = 2 ** 53;

/**
 * Fee on a notional, rounded towards zero so that a fee never exceeds its rate
 * and a rebate is never more than earned. Exact: notional x ppm would leave
 * 2^53, so the millions and the rest are charged apart.
 *
 * @param notional quote units, [0, 2^53)
 * @param ppm millionths, [-10^6, 10^6]
 */
export function feeOn(notional: number, ppm: number): number {
  if (ppm === 0) return 0;
  // Not a negation: -0 is another state hash than 0.
  if (ppm < 0) return 0 - feeOn(notional, -ppm);
  const product = notional * ppm;
  // Exact: the quotient is below 2^34, where doubles are closer than a millionth to each other.
  if (product < LIMIT_53) return Math.floor(product / 1e6);
  const millions = Math.floor(notional / MILLION);
  return millions * ppm + Math.floor(((notional - millions * MILLION) * ppm) / MILLION);
}

/**
 * What a resting buy of this notional holds back: its cost at the limit price
 * and the highest fee it can be charged. Superadditive in the notional
 * (floor(a) + floor(b) <= floor(a + b)), so fills at or below the limit price
 * never cost more than the part of the reservation that they free.
 */
export function buyReserve(notional: number, reserveFeePpm: number): number {
  // As in feeOn: this function is inlined where that one, which is longer, is called with boxed doubles.
  const product = notional * reserveFeePpm;
  return notional + (product < LIMIT_53 ? Math.floor(product / 1e6) : feeOn(notional, reserveFeePpm));
}
