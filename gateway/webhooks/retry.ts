const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Delays after the failed attempts, ms: nine attempts over a day. */
export const RETRY_DELAYS_MS: readonly number[] = [5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 7 * HOUR, 9 * HOUR];
/** Each delay is longer or shorter by up to this part of it, so that endpoints that failed together are not asked again together. */
export const JITTER = 0.2;
/** Longest delay that the header Retry-After of an answer can ask for, ms. */
export const MAX_RETRY_AFTER_MS = 12 * HOUR;

/**
 * Delay until the next attempt, ms; undefined: there is none, the delivery is dead.
 * @param attempts those that have failed, from 1
 * @param random from 0 to 1
 * @param retryAfterMs what the endpoint asked for; a shorter delay than planned is not granted
 */
export function retryDelay(attempts: number, random: number, retryAfterMs = 0): number | undefined {
  if (attempts > RETRY_DELAYS_MS.length) return undefined;
  const delay = RETRY_DELAYS_MS[attempts - 1] * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(delay, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
}

/** The header Retry-After in ms: seconds, or a date of HTTP; 0 if there is none or it is neither. @param nowMs since the Unix epoch */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header) * SECOND;
  // A date begins with its day of the week; Date.parse would accept much else.
  const date = /^[A-Z][a-z]{2}, .* GMT$/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs);
}
