import { Code } from '../../../engine/codes.ts';
import { CANDLE_INTERVALS, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { isoTime } from '../../iso-time.ts';
import { HttpError } from './http-error.ts';

const YEAR_9999_US = Date.UTC(9999, 11, 31) * 1000;

/** The number of the interval; 1m if none is given. @throws HttpError 400 */
export function intervalOf(query: URLSearchParams): number {
  const text = query.get('interval') ?? '1m';
  const interval = (CANDLE_INTERVALS as readonly string[]).indexOf(text);
  if (interval === -1) throw bad(`interval must be one of ${CANDLE_INTERVALS.join(', ')}, not ${text.slice(0, 16)}`);
  return interval;
}

/** Whether buckets without a trade are asked for. @throws HttpError 400 */
export function isEmpty(query: URLSearchParams): boolean {
  const text = query.get('empty') ?? '0';
  if (text !== '0' && text !== '1') throw bad(`empty must be 1, to have buckets without trades, or 0, not ${text.slice(0, 16)}`);
  return text === '1';
}

/** From the first to before the last bucket, counted from the Unix epoch; undefined where none is given. @throws HttpError 400 */
export function bucketsOf(
  query: URLSearchParams,
  interval: number,
): { readonly from: number | undefined; readonly to: number | undefined } {
  const [from, to] = [timeOf(query, 'from'), timeOf(query, 'to')];
  if (from !== undefined && to !== undefined && from > to) throw bad('from must not be after to');
  const bucket = (us: number | undefined) => (us === undefined ? undefined : Math.ceil(us / INTERVAL_US[interval]));
  return { from: bucket(from), to: bucket(to) };
}

/** Microseconds since the epoch, or a time as ISO 8601 with a time zone. @throws HttpError 400 */
function timeOf(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  const us = /^\d{1,16}$/.test(text) ? Number(text) : ISO_TIME.test(text) ? isoUs(text) : Number.NaN;
  if (us >= 0 && us <= YEAR_9999_US) return us;
  throw bad(`${key} must be microseconds since the Unix epoch, or a time such as 2026-01-31T09:30:00Z, not ${text.slice(0, 40)}`);
}

/** A day alone begins at midnight UTC. NaN for a day that does not exist. */
function isoUs(text: string): number {
  return (isoTime(text.includes('T') ? text : `${text}T00:00:00Z`) ?? Number.NaN) * 1000;
}
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A parameter that is wrong. */
export function bad(message: string): HttpError {
  return new HttpError(400, Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}
