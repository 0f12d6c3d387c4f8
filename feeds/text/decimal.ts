import { FeedFault } from '../feed.ts';

/** A decimal number has at most this many places behind its point. */
export const MAX_DECIMALS = 18;

/** 10^0 to 10^18, each exact. */
export const POWERS: Float64Array = Float64Array.from({ length: MAX_DECIMALS + 1 }, (_, exponent) => Number(`1e${exponent}`));

const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;

/**
 * Reads decimal text, `12` or `0.01230`, into exact integers: 123 * 10^-4, written with 5 decimals. Zeros at the end
 * of the text do not enlarge the mantissa, so `1000000000.00000000` fits; the number of written decimals is kept apart,
 * so that the text can be written again exactly as it was.
 *
 * No sign, no exponent; at least one digit, and one before a point. Zeros before the number are not kept: venues do not write them.
 */
export class DecimalReader {
  /** In [0, 2^53). */
  mantissa = 0;
  /** Decimals of the mantissa: the value is mantissa * 10^-decimals. Its last digit is not 0, unless decimals is 0. */
  decimals = 0;
  /** Decimals as written, at least {@link decimals}. */
  written = 0;

  /** @returns `None`, or what is wrong; the fields are then void */
  read(bytes: Uint8Array, from: number, to: number): FeedFault {
    let mantissa = 0;
    let at = from;
    for (; at < to; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) break;
      // A sum that rounds is at 2^53 or above before and after, so the comparison is exact.
      mantissa = mantissa * 10 + digit;
      if (mantissa > Number.MAX_SAFE_INTEGER) return FeedFault.NumberTooLarge;
    }
    if (at === from) return at < to && bytes[at] === MINUS ? FeedFault.NumberNegative : FeedFault.NumberMalformed;
    let decimals = 0;
    let written = 0;
    if (at < to && bytes[at] === POINT) {
      const first = ++at;
      for (; at < to; at++) {
        const digit = bytes[at] - ZERO;
        if (digit < 0 || digit > 9) break;
        if (digit === 0) continue;
        // Zeros since the last other digit count only now.
        const places = at - first + 1;
        if (places > MAX_DECIMALS) return FeedFault.NumberTooLarge;
        mantissa = mantissa * POWERS[places - decimals] + digit;
        if (mantissa > Number.MAX_SAFE_INTEGER) return FeedFault.NumberTooLarge;
        decimals = places;
      }
      written = at - first;
      if (written === 0) return FeedFault.NumberMalformed;
      if (written > MAX_DECIMALS) return FeedFault.NumberTooLarge;
    }
    if (at !== to) return FeedFault.NumberMalformed;
    this.mantissa = mantissa;
    this.decimals = decimals;
    this.written = written;
    return FeedFault.None;
  }

  /** Sets it to 0. */
  clear(): void {
    this.mantissa = 0;
    this.decimals = 0;
    this.written = 0;
  }

  /** The number in units of 10^-scale, which must be at least {@link decimals}. @returns -1 if it needs 2^53 units or more */
  units(scale: number): number {
    const units = this.mantissa * POWERS[scale - this.decimals];
    return units <= Number.MAX_SAFE_INTEGER ? units : -1;
  }
}

/** A sequence number or a trade's number: digits only. @returns -1 if it is none, or not below 2^53 */
export function wholeNumber(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return from === to ? -1 : value;
}

/**
 * The text of `units` * 10^-scale with `written` decimals, as the venue wrote it. Decimals that are left out must be zeros.
 * @param units an integer in [0, 2^53), or a BigInt from 0
 */
export function decimalText(units: number | bigint, scale: number, written: number): string {
  const digits = String(units).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits
    .slice(digits.length - scale)
    .padEnd(written, '0')
    .slice(0, written);
  return written === 0 ? whole : `${whole}.${fraction}`;
}

/**
 * Writes the digits of `units` * 10^-scale with `written` decimals, without the point and without zeros before the
 * first other digit: what Kraken's checksum is computed from. 0 gives nothing.
 * @returns the position behind the last digit
 */
export function writeDigits(target: Uint8Array, at: number, units: number, scale: number, written: number): number {
  if (units === 0) return at;
  const kept = written < scale ? units / POWERS[scale - written] : units;
  let end = at + digitCount(kept);
  putDigits(target, at, end, kept);
  for (let i = scale; i < written; i++) target[end++] = ZERO;
  return end;
}

/** Writes the text that {@link decimalText} gives. @returns the position behind it */
export function writeDecimal(target: Uint8Array, at: number, units: number, scale: number, written: number): number {
  const kept = written < scale ? units / POWERS[scale - written] : units;
  if (written === 0) {
    const end = at + digitCount(kept);
    putDigits(target, at, end, kept);
    return end;
  }
  const places = Math.min(scale, written);
  const whole = Math.max(digitCount(kept) - places, 1);
  let end = at + 1 + whole + places;
  // One to the right of their place; then those before the point move.
  putDigits(target, at + 1, end, kept);
  for (let i = at; i < at + whole; i++) target[i] = target[i + 1];
  target[at + whole] = POINT;
  for (let i = places; i < written; i++) target[end++] = ZERO;
  return end;
}

/** Writes a number into `target[from..to)`, with zeros in front. In two halves, so that the arithmetic is that of 32-bit integers. */
function putDigits(target: Uint8Array, from: number, to: number, value: number): void {
  const upper = Math.floor(value / 1e8);
  let high = upper | 0;
  let low = (value - upper * 1e8) | 0;
  const middle = Math.max(to - 8, from);
  let at = to;
  while (at > middle) {
    const rest = (low / 10) | 0;
    target[--at] = ZERO + low - rest * 10;
    low = rest;
  }
  while (at > from) {
    const rest = (high / 10) | 0;
    target[--at] = ZERO + high - rest * 10;
    high = rest;
  }
}

/** Digits of an integer in [0, 2^53); 1 for 0. */
function digitCount(value: number): number {
  let count = value < 1e8 ? 1 : 9;
  while (value >= POWERS[count]) count++;
  return count;
}
