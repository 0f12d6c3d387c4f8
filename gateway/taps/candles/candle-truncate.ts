import { CANDLE_INTERVALS } from '../../../feeds/analysis/candles.ts';
import type { CandleRecord } from '../../candle-record.ts';
import { type CandleStore, openCandle, openState, seriesOf } from './candle-store.ts';

const INTERVALS = CANDLE_INTERVALS.length;
const DAY = INTERVALS - 1;

/**
 * Removes the candles that hold trades of commands after `seq`, for a log that was cut there. All candles after the newest
 * whole day go: the next start makes them again from the stored trades. Call it inside a transaction.
 * @returns rows removed @throws DamagedHistoryError
 */
export function truncateCandles(store: CandleStore, seq: number): number {
  const symbols = new Set<number>();
  for (const key of store.candles.getKeys({})) symbols.add(Math.floor((key as [number, number])[0] / INTERVALS));
  for (const key of store.candleStates.getKeys({})) symbols.add(key as number);
  let rows = 0;
  for (const symbol of symbols) rows += truncateSymbol(store, symbol, seq);
  return rows;
}

function truncateSymbol(store: CandleStore, symbol: number, seq: number): number {
  const value = store.candleStates.get(symbol);
  if (value !== undefined && openState(symbol, value).lastSeq <= seq) return 0;
  store.candleStates.removeSync(symbol);
  let rows = removeNewest(store, symbol, DAY, (candle) => candle.seq > seq);
  const whole = newest(store, symbol, DAY)?.lastTradeId ?? 0;
  for (let i = 0; i < DAY; i++) rows += removeNewest(store, symbol, i, (candle) => candle.lastTradeId > whole);
  return rows;
}

function removeNewest(store: CandleStore, symbol: number, interval: number, goes: (candle: CandleRecord) => boolean): number {
  for (let rows = 0; ; rows++) {
    const candle = newest(store, symbol, interval);
    if (candle === undefined || !goes(candle)) return rows;
    store.candles.removeSync(candle.key);
  }
}

function newest({ candles }: CandleStore, symbol: number, interval: number) {
  const series = seriesOf(symbol, interval);
  for (const { key, value } of candles.getRange({ start: [series, Number.MAX_SAFE_INTEGER], end: [series, -1], reverse: true, limit: 1 })) {
    const at = key as [number, number];
    return { ...openCandle(at, value), key: at };
  }
  return undefined;
}
