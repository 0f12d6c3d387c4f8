import { MILLION } from '../params.ts';
import { NO_CARRY as NO_FEE_CARRY } from './fee-schedules.ts';

const LIMIT_53 = 2 ** 53;
const NO_CARRY = NO_FEE_CARRY;
/** With it, rounding up rounds down. */
const ROUNDS_DOWN = MILLION - 1;
/** A product below it is exact also after a carry was subtracted. */
const EXACT = LIMIT_53 - MILLION;

/**
 * Fee of a fill, rounded up to a unit, so that an order's fills together pay the
 * fee of the whole, rounded up; a rebate is rounded down. The result is exact:
 * notional x ppm could exceed 2^53, so the millions and the remainder are
 * computed separately.
 *
 * @param notional quote units, [0, 2^53)
 * @param ppm millionths, [-10^6, 10^6]
 * @param carry millionths of a unit that earlier fills paid in advance, [0, 10^6); NO_CARRY: rounded towards zero
 */
export function feeOn(notional: number, ppm: number, orderCarry: number): number {
  let carry = orderCarry;
  if (carry === NO_CARRY) carry = ppm < 0 ? 0 : ROUNDS_DOWN;
  const product = notional * ppm;
  // Exact: the quotient is below 2^34, where neighbouring doubles differ by less than two millionths. + 0 turns -0 into 0: their state hashes differ.
  if (product < EXACT && product > -EXACT) return Math.ceil((product - carry) / 1e6) + 0;
  return largeFee(notional, ppm, carry);
}

function largeFee(notional: number, ppm: number, carry: number): number {
  const millions = Math.floor(notional / MILLION);
  return millions * ppm + Math.ceil(((notional - millions * MILLION) * ppm - carry) / MILLION);
}

/** The order's carry after `fee` = feeOn(notional, ppm, carry). The terms may exceed 2^53, and are computed modulo 2^32. */
export function carryAfter(notional: number, ppm: number, carry: number, fee: number): number {
  if (carry === NO_CARRY) return carry;
  return (carry + Math.imul(fee, MILLION) - Math.imul(notional, ppm)) | 0;
}

/**
 * The amount that a resting buy of this notional reserves: its cost at the limit
 * price and the highest fee that it can be charged. Fills at or below the limit
 * price never cost more than the part of the reservation that they release: with
 * cost n and rate r at most the reserved ones, the fee and the reservation of the
 * rest add up to the rounded sum of n x r and the rest's fee, less the carry.
 */
export function buyReserve(notional: number, reservePpm: number, orderCarry: number): number {
  const carry = Math.min(orderCarry, ROUNDS_DOWN);
  // Repeats the code of feeOn: V8 inlines this function, but calls the longer feeOn with boxed doubles.
  const product = notional * reservePpm;
  return notional + (product < EXACT ? Math.ceil((product - carry) / 1e6) : largeFee(notional, reservePpm, carry));
}
