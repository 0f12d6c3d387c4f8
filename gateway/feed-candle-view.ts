import { BarField } from '../feeds/analysis/bar-ring.ts';
import { CandleField } from '../feeds/analysis/candles.ts';
import { notionalText, vwapText } from '../feeds/analysis/vwap.ts';
import { decimalText } from '../feeds/text/decimal.ts';

/** A candle of an outside market as JSON, in the venue's units. @param bar BAR_FIELDS numbers */
export function feedCandleView(bar: Float64Array) {
  const priceDecimals = bar[BarField.priceDecimals];
  const quantityDecimals = bar[BarField.quantityDecimals];
  const price = (field: number) => decimalText(bar[field], priceDecimals, priceDecimals);
  const quantity = (field: number) => decimalText(bar[field], quantityDecimals, quantityDecimals);
  const { start, open, high, low, close, volume, buyVolume, sellVolume, notionalLow, notionalHigh, trades, uncounted } = CandleField;
  // Prices and quantities are whole numbers of 10^-decimals.
  const average = vwapText(bar[notionalLow], bar[notionalHigh], bar[volume], 1, priceDecimals);
  return {
    ...{ startUs: bar[start], start: new Date(bar[start] / 1000).toISOString(), closed: bar[BarField.closed] === 1 },
    ...{ open: price(open), high: price(high), low: price(low), close: price(close) },
    ...{ volume: quantity(volume), buyVolume: quantity(buyVolume), sellVolume: quantity(sellVolume) },
    ...(average !== '' && { vwap: average }),
    notional: notionalText(bar[notionalLow], bar[notionalHigh], 1n, priceDecimals + quantityDecimals),
    trades: bar[trades],
    ...(bar[BarField.incomplete] === 1 && { incomplete: true }),
    ...(bar[uncounted] > 0 && { uncounted: bar[uncounted] }),
  };
}
