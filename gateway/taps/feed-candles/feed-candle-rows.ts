import { BAR_FIELDS, BarField } from '../../../feeds/analysis/bar-ring.ts';
import { CandleField } from '../../../feeds/analysis/candles.ts';
import { INSTRUMENT_STATE } from '../../../feeds/analysis/instrument-candles.ts';
import { ROW_TRAILER_BYTES, type RowKey, sealRow, verifiedRow } from '../history/sealed-row.ts';

/** Numbers of a stored candle, 64-bit floats, little-endian, in this order. A change of it is another version of the store. */
const FIELDS = [
  ...[CandleField.start, CandleField.open, CandleField.high, CandleField.low, CandleField.close],
  ...[CandleField.volume, CandleField.buyVolume, CandleField.sellVolume, CandleField.notionalLow, CandleField.notionalHigh],
  ...[CandleField.trades, CandleField.uncounted, BarField.priceDecimals, BarField.quantityDecimals, BarField.incomplete],
];
const BAR_BYTES = FIELDS.length * 8;
const STATE_BYTES = INSTRUMENT_STATE * 8;
/** In errors. */
const WHAT = 'the candles of a feed';

/** The value of a closed candle. @param bars holds it at index `at` */
export function sealBar(key: RowKey, bars: Float64Array, at: number): Buffer {
  const row = Buffer.alloc(BAR_BYTES + ROW_TRAILER_BYTES);
  for (let i = 0; i < FIELDS.length; i++) row.writeDoubleLE(bars[at + FIELDS[i]], i * 8);
  return sealRow(key, row, BAR_BYTES);
}

/** @returns BAR_FIELDS numbers @throws DamagedHistoryError */
export function openBar(key: RowKey, value: Buffer): Float64Array {
  const row = verifiedRow(WHAT, key, value, BAR_BYTES);
  const bar = new Float64Array(BAR_FIELDS);
  for (let i = 0; i < FIELDS.length; i++) bar[FIELDS[i]] = row.readDoubleLE(i * 8);
  bar[BarField.closed] = 1;
  return bar;
}

/** The value of what continues the candles of a series. @param state INSTRUMENT_STATE numbers */
export function sealState(series: number, state: Float64Array): Buffer {
  const row = Buffer.alloc(STATE_BYTES + ROW_TRAILER_BYTES);
  for (let i = 0; i < INSTRUMENT_STATE; i++) row.writeDoubleLE(state[i], i * 8);
  return sealRow([series, 0], row, STATE_BYTES);
}

/** @throws DamagedHistoryError */
export function openState(series: number, value: Buffer): Float64Array {
  const row = verifiedRow(WHAT, [series, 0], value, STATE_BYTES);
  return Float64Array.from({ length: INSTRUMENT_STATE }, (_, i) => row.readDoubleLE(i * 8));
}
