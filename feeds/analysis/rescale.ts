import { CANDLE_FIELDS, CandleField } from './candles.ts';
import { WIDE_BASE, wideValue } from './wide-sum.ts';

const LIMIT = 2 ** 53;
const PRICES = [CandleField.open, CandleField.high, CandleField.low, CandleField.close] as const;
const VOLUMES = [CandleField.volume, CandleField.buyVolume, CandleField.sellVolume] as const;

/**
 * Writes a candle in smaller units. Sums that no longer fit become 0, and their trades are uncounted; if its prices do not
 * fit, there is no candle any more. Cold.
 * @param at index of the candle @param priceFactor 10^n: old units of a price by new ones
 */
export function rescaleCandle(state: Float64Array, at: number, priceFactor: number, quantityFactor: number): void {
  if (state[at + CandleField.trades] === 0) return;
  for (const field of PRICES) state[at + field] *= priceFactor;
  if (state[at + CandleField.high] >= LIMIT) return void state.fill(0, at, at + CANDLE_FIELDS);
  const { notionalLow, notionalHigh, volume, trades, uncounted } = CandleField;
  const notional = wideValue(state[at + notionalLow], state[at + notionalHigh]) * BigInt(priceFactor) * BigInt(quantityFactor);
  const base = BigInt(WIDE_BASE);
  if (state[at + volume] * quantityFactor < LIMIT && notional / base < BigInt(LIMIT)) {
    for (const field of VOLUMES) state[at + field] *= quantityFactor;
    state[at + notionalLow] = Number(notional % base);
    state[at + notionalHigh] = Number(notional / base);
    return;
  }
  for (const field of [...VOLUMES, notionalLow, notionalHigh]) state[at + field] = 0;
  state[at + uncounted] = state[at + trades];
}
