import { INTERVAL_US } from '../feeds/analysis/candles.ts';
import { type CandleRecord, emptyCandle } from './candle-record.ts';

/**
 * Candles with those of the buckets between them that had no trade: their prices are the last close before, their volume is 0.
 * @param candles oldest first
 * @param fromUs begin of the first bucket @param toUs end of the last one, not included
 * @param closeBefore the close before `fromUs`; 0: there was no trade yet, and buckets before the first one are left out
 * @param nowUs time of the engine: a bucket that has ended by then is closed
 */
export function* withEmpty(
  candles: readonly CandleRecord[],
  interval: number,
  fromUs: number,
  toUs: number,
  closeBefore: number,
  nowUs: number,
): Generator<CandleRecord> {
  const length = INTERVAL_US[interval];
  let close = closeBefore;
  let next = 0;
  for (let startUs = fromUs; startUs < toUs; startUs += length) {
    const candle = candles[next];
    if (candle?.startUs === startUs) {
      next++;
      close = candle.close;
      yield candle;
    } else if (close !== 0) yield emptyCandle(interval, startUs, close, startUs + length <= nowUs);
  }
}
