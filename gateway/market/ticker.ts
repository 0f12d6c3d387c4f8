import { assert } from '../../engine/assert.ts';
import { putI64 } from '../../engine/units.ts';
import { Side, Ticker } from '../../engine/wire/layout.ts';
import type { Candles } from '../../feeds/analysis/candles.ts';
import { type DaySummary, DayWindow, dayBegin, MINUTE } from '../../feeds/analysis/day-window.ts';
import type { BookMirror } from './book-mirror.ts';
import type { SymbolPast } from './symbol-past.ts';

/** Index of each value of a ticker; see Ticker in openbell.fbs. */
export const TickerValue = {
  openTimeUs: 0,
  timeUs: 1,
  open: 2,
  high: 3,
  low: 4,
  last: 5,
  change: 6,
  changePpm: 7,
  volume: 8,
  notionalLow: 9,
  notionalHigh: 10,
  trades: 11,
  lastTradeId: 12,
  bidPrice: 13,
  bidQuantity: 14,
  askPrice: 15,
  askQuantity: 16,
  seq: 17,
} as const;
export const TICKER_VALUES = Object.keys(TickerValue).length;
const T = TickerValue;
assert(Ticker.bytes === TICKER_VALUES * 8 && Ticker.seq === T.seq * 8, 'ticker: its values are those of the struct, in its order');

const summary: DaySummary = { open: 0, high: 0, low: 0, last: 0, volume: 0, notionalLow: 0, notionalHigh: 0, trades: 0 };
const NO_DAY = new DayWindow();

/** Writes the ticker of a symbol whose past is loaded, as of the last call of `advance`. Allocates nothing. */
export function readTicker(mirror: BookMirror, candles: Candles, past: SymbolPast, to: Float64Array): void {
  (past.day ?? NO_DAY).read(candles.state, candles.formingAt(MINUTE), summary);
  const traded = summary.trades !== 0;
  const { open, last } = summary;
  const timeUs = Math.max(past.timeUs, mirror.timeUs);
  to[T.openTimeUs] = dayBegin(timeUs);
  to[T.timeUs] = timeUs;
  to[T.open] = traded ? open : mirror.lastPrice;
  to[T.high] = traded ? summary.high : mirror.lastPrice;
  to[T.low] = traded ? summary.low : mirror.lastPrice;
  to[T.last] = traded ? last : mirror.lastPrice;
  to[T.change] = last - open;
  to[T.changePpm] = open === 0 ? 0 : Math.round(((last - open) / open) * 1e6);
  to[T.volume] = summary.volume;
  to[T.notionalLow] = summary.notionalLow;
  to[T.notionalHigh] = summary.notionalHigh;
  to[T.trades] = summary.trades;
  to[T.lastTradeId] = mirror.lastTradeId;
  readBest(mirror, Side.Buy, to, T.bidPrice);
  readBest(mirror, Side.Sell, to, T.askPrice);
  to[T.seq] = mirror.seq;
}

/** Writes the values as the struct at word `at`. */
export function putTicker(words: Int32Array, at: number, values: Float64Array): void {
  for (let i = 0; i < TICKER_VALUES; i++) putI64(words, at + 2 * i, values[i]);
}

function readBest({ levels }: BookMirror, side: Side, to: Float64Array, at: number): void {
  const level = levels.best(side);
  to[at] = level === -1 ? 0 : levels.price[level];
  to[at + 1] = level === -1 ? 0 : levels.quantity[level];
}
