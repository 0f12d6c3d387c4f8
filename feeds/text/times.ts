import { wholeNumber } from './decimal.ts';

// Times on the wire as microseconds since 1970. Text that is no time gives 0, which means "none" in the contract.

const ZERO = 0x30;
const DAYS_BEFORE_MONTH = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** A whole number of 10^-decimals seconds: `1652459225464` with 3, `1641343695681418` with 6. @param decimals 0 to 6 */
export function countToUs(bytes: Uint8Array, from: number, to: number, decimals: number): number {
  const us = wholeNumber(bytes, from, to) * 10 ** (6 - decimals);
  return us > 0 && us <= Number.MAX_SAFE_INTEGER ? us : 0;
}

/** Seconds with a fraction: `1618678133.365913`. Digits behind the sixth decimal are cut off. */
export function secondsToUs(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let seconds = 0;
  for (; at < to && isDigit(bytes[at]); at++) seconds = seconds * 10 + bytes[at] - ZERO;
  if (at === from) return 0;
  const us = fractionUs(bytes, at, to);
  const sum = seconds * 1e6 + us;
  return us === -1 || sum > Number.MAX_SAFE_INTEGER ? 0 : sum;
}

/** RFC 3339 in UTC, `2026-08-09T21:05:48.228568804Z`. Digits behind the sixth decimal are cut off. */
export function isoToUs(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 20 || (bytes[to - 1] | 0x20) !== 0x7a) return 0;
  const year = number(bytes, from, 4);
  const month = number(bytes, from + 5, 2);
  const day = number(bytes, from + 8, 2);
  const hour = number(bytes, from + 11, 2);
  const minute = number(bytes, from + 14, 2);
  const second = number(bytes, from + 17, 2);
  const us = fractionUs(bytes, from + 19, to - 1);
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || us === -1) return 0;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) && month > 2 ? 1 : 0;
  const years = year - 1;
  const leaps = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400) - 477;
  const days = (year - 1970) * 365 + leaps + DAYS_BEFORE_MONTH[month] + leap + day - 1;
  const time = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1e6 + us;
  return time >= 0 ? time : 0;
}

/** A point and digits, or nothing, as microseconds; -1 if it is something else. */
function fractionUs(bytes: Uint8Array, from: number, to: number): number {
  if (from === to) return 0;
  if (bytes[from] !== 0x2e || from + 1 === to) return -1;
  let us = 0;
  let places = 0;
  for (let at = from + 1; at < to; at++) {
    if (!isDigit(bytes[at])) return -1;
    if (places < 6) {
      us = us * 10 + bytes[at] - ZERO;
      places++;
    }
  }
  return us * 10 ** (6 - places);
}

/** A number of exactly `count` digits; NaN if there is another byte. */
function number(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at++) value = isDigit(bytes[at]) ? value * 10 + bytes[at] - ZERO : Number.NaN;
  return value;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39;
}
