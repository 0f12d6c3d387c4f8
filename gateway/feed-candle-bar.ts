import { BarField } from '../feeds/analysis/bar-ring.ts';
import { CandleField } from '../feeds/analysis/candles.ts';
import type { Bar } from '../feeds/analysis/indicators/indicator.ts';
import { WIDE_BASE } from '../feeds/analysis/wide-sum.ts';

/** A candle of an outside market as indicators read it. Each number is the float next to the decimal one. @param bar BAR_FIELDS numbers */
export function feedCandleBar(bar: Float64Array): Bar {
  const [priceUnit, quantityUnit] = [10 ** bar[BarField.priceDecimals], 10 ** bar[BarField.quantityDecimals]];
  return {
    startUs: bar[CandleField.start],
    open: bar[CandleField.open] / priceUnit,
    high: bar[CandleField.high] / priceUnit,
    low: bar[CandleField.low] / priceUnit,
    close: bar[CandleField.close] / priceUnit,
    volume: bar[CandleField.volume] / quantityUnit,
    notional: (bar[CandleField.notionalHigh] * WIDE_BASE + bar[CandleField.notionalLow]) / (priceUnit * quantityUnit),
  };
}
