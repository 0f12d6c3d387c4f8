import { Code } from '../../../engine/codes.ts';
import { INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { HttpError } from './http-error.ts';
import { time } from './query-schemas.ts';

/** Query parameters of a range of candles. */
export const RANGE = {
  from: time('Begin of the first candle.').optional(),
  to: time('End of the range: the first candle that is not in it.').optional(),
};

/** From the first to before the last bucket, counted from the Unix epoch; undefined where none is given. @param range microseconds @throws HttpError 400 */
export function bucketsOf(
  { from, to }: { readonly from?: number | undefined; readonly to?: number | undefined },
  interval: number,
): { readonly from: number | undefined; readonly to: number | undefined } {
  if (from !== undefined && to !== undefined && from > to) throw bad('from must not be after to');
  const bucket = (us: number | undefined) => (us === undefined ? undefined : Math.ceil(us / INTERVAL_US[interval]));
  return { from: bucket(from), to: bucket(to) };
}

/** A parameter that is wrong. */
export function bad(message: string): HttpError {
  return new HttpError(400, Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}
