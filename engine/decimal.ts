import { LIMIT_53 } from './units.ts';

/** Why a text is not a count of units: it is not a decimal number, it lies between two units, or it needs 2^53 units or more. */
export type DecimalErrorCode = 'DECIMAL_MALFORMED' | 'DECIMAL_NOT_A_MULTIPLE' | 'DECIMAL_TOO_LARGE';

export class DecimalError extends Error {
  readonly code: DecimalErrorCode;

  constructor(code: DecimalErrorCode, message: string) {
    super(message);
    this.name = 'DecimalError';
    this.code = code;
  }
}

/** Below this limit, ten times a remainder plus a digit is exact. It is far above any tick or lot. */
const MAX_MANTISSA = 2 ** 49;
const MAX_DECIMALS = 18;
const ZERO = 48;
const POINT = 46;
/** So many digits are below 2^53, and so many below 2^31. */
const MOST_SHORT = 15;
const MOST_INT32 = 9;
const POWERS = Array.from({ length: MAX_DECIMALS + 1 }, (_, exponent) => 10 ** exponent);
/** No result of {@link shortToUnits}. */
const NOT_SHORT = -1;

/**
 * Converts decimal text, `12` or `12.340`, to an exact count of units of mantissa * 10^-decimals: ticks, lots or smallest
 * units of money, in [0, 2^53). The text has no sign and no exponent, and a digit on each side of a point.
 *
 * Long text is divided by the mantissa one digit at a time (long division), so nothing is rounded.
 * @throws DecimalError
 */
export function decimalToUnits(text: string, mantissa: number, decimals: number): number {
  checkUnit(mantissa, decimals);
  return textToUnits(text, mantissa, decimals);
}

/** {@link decimalToUnits} for a unit that has been checked. @throws DecimalError */
export function textToUnits(text: string, mantissa: number, decimals: number): number {
  const short = shortToUnits(text, mantissa, decimals);
  return short === NOT_SHORT ? longToUnits(text, mantissa, decimals) : short;
}

/**
 * {@link decimalToUnits} for the usual text: all its digits together are an exact double, so one division is enough.
 * @returns {@link NOT_SHORT} for any other text, and for one that is wrong
 */
function shortToUnits(text: string, mantissa: number, decimals: number): number {
  const { length } = text;
  if (length === 0 || length > MOST_SHORT) return NOT_SHORT;
  let point = -1;
  let small = 0;
  let i = 0;
  // 32-bit integers as long as they are enough.
  for (; i < length && i < MOST_INT32; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit >= 0 && digit <= 9) small = (Math.imul(small, 10) + digit) | 0;
    else if (digit === POINT - ZERO && point === -1 && i > 0 && i < length - 1) point = i;
    else return NOT_SHORT;
  }
  let digits = small;
  for (; i < length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit >= 0 && digit <= 9) digits = digits * 10 + digit;
    else if (digit === POINT - ZERO && point === -1 && i < length - 1) point = i;
    else return NOT_SHORT;
  }
  const missing = point === -1 ? decimals : decimals - (length - 1 - point);
  if (missing < 0) return NOT_SHORT;
  // A product below 2^53 is exact; one that is rounded is not below it.
  const value = missing === 0 ? digits : digits * POWERS[missing];
  if (value >= LIMIT_53) return NOT_SHORT;
  if (mantissa === 1) return value;
  return value % mantissa === 0 ? value / mantissa : NOT_SHORT;
}

function longToUnits(text: string, mantissa: number, decimals: number): number {
  let units = 0;
  let remainder = 0;
  /** Digits after the point so far; -1 before it. */
  let places = -1;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) {
      if (text.charCodeAt(i) !== POINT || places !== -1 || i === 0 || i === text.length - 1) throw malformed(text);
      places = 0;
      continue;
    }
    if (places === decimals) {
      if (digit !== 0) throw notAMultiple(text, mantissa, decimals);
      continue;
    }
    if (places !== -1) places++;
    const dividend = remainder * 10 + digit;
    remainder = dividend % mantissa;
    units = shift(units, (dividend - remainder) / mantissa, text, mantissa, decimals);
  }
  if (text.length === 0) throw malformed(text);
  for (let place = places === -1 ? 0 : places; place < decimals; place++) {
    const dividend = remainder * 10;
    remainder = dividend % mantissa;
    units = shift(units, (dividend - remainder) / mantissa, text, mantissa, decimals);
  }
  if (remainder !== 0) throw notAMultiple(text, mantissa, decimals);
  return units;
}

/**
 * Formats `units` units of mantissa * 10^-decimals as decimal text with `decimals` places: `12.30`. The result is exact,
 * also where the number of 10^-decimals exceeds 2^53. |units| < 2^53; negative units (a fee that is a rebate) give a minus sign.
 */
export function unitsToDecimal(units: number, mantissa: number, decimals: number): string {
  checkUnit(mantissa, decimals);
  if (!Number.isSafeInteger(units)) throw new RangeError(`${units} is not a count of units; give an integer below 2^53`);
  const count = Math.abs(units);
  const product = count * mantissa;
  const digits = (product < LIMIT_53 ? String(product) : String(BigInt(count) * BigInt(mantissa))).padStart(decimals + 1, '0');
  const sign = units < 0 ? '-' : '';
  return decimals === 0 ? sign + digits : `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/**
 * The shortest decimal text that stands for a number, without an exponent: `1e-7` gives `0.0000001`. It is what
 * {@link decimalToUnits} reads, except for numbers that it rejects: negative ones, NaN and infinities keep their own text.
 */
export function numberToDecimal(value: number): string {
  const text = String(value);
  const match = /^(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, whole, fraction = '', exponent] = match;
  const digits = whole + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  // A double of 10^21 or more has at most 17 digits, so its point stands behind them.
  return digits.padEnd(point, '0');
}

function checkUnit(mantissa: number, decimals: number): void {
  if (!Number.isInteger(mantissa) || mantissa < 1 || mantissa > MAX_MANTISSA) {
    throw new RangeError(`${mantissa} is not a unit's mantissa; give an integer from 1 to 2^49`);
  }
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > MAX_DECIMALS) {
    throw new RangeError(`${decimals} is not a number of decimals; give an integer from 0 to ${MAX_DECIMALS}`);
  }
}

function shift(units: number, digit: number, text: string, mantissa: number, decimals: number): number {
  // Compared before it is computed: 10 * units might round. No digit is above 9.
  if (units > (Number.MAX_SAFE_INTEGER - digit) / 10) {
    const largest = unitsToDecimal(Number.MAX_SAFE_INTEGER, mantissa, decimals);
    throw new DecimalError('DECIMAL_TOO_LARGE', `${shown(text)} is too large; the largest number here is ${largest}`);
  }
  return units * 10 + digit;
}

function malformed(text: string): DecimalError {
  return new DecimalError('DECIMAL_MALFORMED', `${shown(text)} is not a decimal number; write it like 12 or 12.34`);
}

function notAMultiple(text: string, mantissa: number, decimals: number): DecimalError {
  const step = unitsToDecimal(1, mantissa, decimals);
  return new DecimalError('DECIMAL_NOT_A_MULTIPLE', `${shown(text)} is not a multiple of ${step}; round it to one`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
