import { MILLION } from '../params.ts';

const LIMIT_53 = 2 ** 53;

/**
 * Fee on a notional, rounded towards zero, so that neither a fee nor a rebate
 * exceeds its rate. The result is exact: notional x ppm could exceed 2^53, so
 * the millions and the remainder are computed separately.
 *
 * @param notional quote units, [0, 2^53)
 * @param ppm millionths, [-10^6, 10^6]
 */
export function feeOn(notional: number, ppm: number): number {
  if (ppm === 0) return 0;
  // Not a negation: -0 and 0 have different state hashes.
  if (ppm < 0) return 0 - feeOn(notional, -ppm);
  const product = notional * ppm;
  // Exact: the quotient is below 2^34, where neighbouring doubles differ by less than a millionth.
  if (product < LIMIT_53) return Math.floor(product / 1e6);
  const millions = Math.floor(notional / MILLION);
  return millions * ppm + Math.floor(((notional - millions * MILLION) * ppm) / MILLION);
}

/**
 * The amount that a resting buy of this notional reserves: its cost at the limit
 * price and the highest fee that it can be charged. The amount is superadditive
 * in the notional (floor(a) + floor(b) <= floor(a + b)), so fills at or below the
 * limit price never cost more than the part of the reservation that they release.
 */
export function buyReserve(notional: number, reserveFeePpm: number): number {
  // Repeats the code of feeOn: V8 inlines this function, but calls the longer feeOn with boxed doubles.
  const product = notional * reserveFeePpm;
  return notional + (product < LIMIT_53 ? Math.floor(product / 1e6) : feeOn(notional, reserveFeePpm));
}
