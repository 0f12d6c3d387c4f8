import { countToUs, isoToUs, secondsToUs } from '../text/times.ts';

const DASH = 0x2d;
const POINT = 0x2e;
const T = 0x54;
const Z = 0x5a;
/** A date and a time to the nanosecond, with room for a Z. */
const scratch = new Uint8Array(40);

/**
 * A time in a CSV file as microseconds since 1970, 0 if it is none: `2024-01-02T03:04:05.678Z`, the same with a space
 * or without Z (then in UTC), seconds with a fraction, or a whole number of seconds, milliseconds, microseconds or
 * nanoseconds, which its number of digits tells apart for times since 2001.
 */
export function csvTimeUs(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length > 4 && bytes[from + 4] === DASH) return dateUs(bytes, from, to);
  const point = bytes.indexOf(POINT, from);
  if (point !== -1 && point < to) return secondsToUs(bytes, from, to);
  if (length <= 11) return countToUs(bytes, from, to, 0);
  if (length <= 14) return countToUs(bytes, from, to, 3);
  if (length <= 17) return countToUs(bytes, from, to, 6);
  return countToUs(bytes, from, to - 3, 6);
}

function dateUs(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 19 || to - from >= scratch.length) return 0;
  scratch.set(bytes.subarray(from, to));
  scratch[10] = T;
  const end = to - from;
  if ((scratch[end - 1] | 0x20) === (Z | 0x20)) return isoToUs(scratch, 0, end);
  scratch[end] = Z;
  return isoToUs(scratch, 0, end + 1);
}
