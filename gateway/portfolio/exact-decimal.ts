/** An exact decimal number: `units * 10^-decimals`. */
export interface ExactDecimal {
  readonly units: bigint;
  readonly decimals: number;
}

/** Decimal text with `decimals` places: `-12.30`. */
export function decimalOf({ units, decimals }: ExactDecimal): string {
  const digits = String(units < 0n ? -units : units).padStart(decimals + 1, '0');
  const sign = units < 0n ? '-' : '';
  return decimals === 0 ? sign + digits : `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** A quotient, rounded to the nearest integer, halves away from zero. @param divisor above 0 */
export function rounded(dividend: bigint, divisor: bigint): bigint {
  const half = (2n * (dividend < 0n ? -dividend : dividend) + divisor) / (2n * divisor);
  return dividend < 0n ? -half : half;
}

/** The units that a number has with `decimals` places, rounded to the nearest, halves away from zero. */
export function unitsWith({ units, decimals: own }: ExactDecimal, decimals: number): bigint {
  return decimals >= own ? units * 10n ** BigInt(decimals - own) : rounded(units, 10n ** BigInt(own - decimals));
}
