import { INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { type CandleRecord, stateCandle } from '../../candle-record.ts';
import { type CandleStore, openCandle, seriesOf, storedCandles } from './candle-store.ts';

/** Which candles: `from` and `to` are buckets of the interval, counted from the Unix epoch; `to` is not included. */
export interface CandleRange {
  readonly symbol: number;
  /** Number of the interval. */
  readonly interval: number;
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  /** The last `limit` of the range instead of the first. */
  readonly newest: boolean;
  /** The store must have the trades up to this one. */
  readonly atLeast: number;
}

export interface StoredCandles {
  /** Oldest first, complete up to trade `lastTradeId`; the last one may be forming. */
  readonly candles: readonly CandleRecord[];
  /** Close of the last candle before `from`; 0: there is none. */
  readonly closeBefore: number;
}

/**
 * The candles of a range as of the last commit.
 * @returns undefined: the store does not have trade `atLeast` yet @throws DamagedHistoryError
 */
export function storedCandlesOf(store: CandleStore, range: CandleRange): StoredCandles | undefined {
  const { symbol, interval, from, to, limit, newest, atLeast } = range;
  const state = storedCandles(store, symbol);
  if ((state?.lastTradeId ?? 0) < atLeast) return undefined;
  const series = seriesOf(symbol, interval);
  const read = (options: object): CandleRecord[] =>
    Array.from(store.candles.getRange(options), ({ key, value }) => openCandle(key as [number, number], value));
  const candles = newest
    ? read({ start: [series, to - 1], end: [series, from - 1], reverse: true, limit }).reverse()
    : read({ start: [series, from], end: [series, to], limit });
  const forming = state && stateCandle(state.state, state.formingAt(interval), interval, false);
  const bucket = (forming?.startUs ?? -1) / INTERVAL_US[interval];
  if (forming !== undefined && bucket >= from && bucket < to && (newest || candles.length < limit)) candles.push(forming);
  const before = read({ start: [series, from - 1], end: [series, -1], reverse: true, limit: 1 });
  const isBefore = forming !== undefined && bucket < from;
  return { candles: newest ? candles.slice(-limit) : candles, closeBefore: isBefore ? forming.close : (before[0]?.close ?? 0) };
}
