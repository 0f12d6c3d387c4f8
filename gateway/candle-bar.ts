import type { CandleView } from '../engine/wire/channels/candles.ts';
import type { Bar } from '../feeds/analysis/indicators/indicator.ts';
import { WIDE_BASE } from '../feeds/analysis/wide-sum.ts';

/** The tick and the lot, `mantissa * 10^-decimals` each. */
export interface BarUnits {
  readonly tickMantissa: number;
  readonly tickDecimals: number;
  readonly lotMantissa: number;
  readonly lotDecimals: number;
}

/** A candle as indicators read it. Each number is the float next to the decimal one. */
export function candleBar(candle: CandleView, { tickMantissa, tickDecimals, lotMantissa, lotDecimals }: BarUnits): Bar {
  const price = (ticks: number) => (ticks * tickMantissa) / 10 ** tickDecimals;
  const money = (candle.notionalHigh * WIDE_BASE + candle.notionalLow) * tickMantissa * lotMantissa;
  return {
    startUs: candle.startUs,
    open: price(candle.open),
    high: price(candle.high),
    low: price(candle.low),
    close: price(candle.close),
    volume: (candle.volume * lotMantissa) / 10 ** lotDecimals,
    notional: money / 10 ** (tickDecimals + lotDecimals),
  };
}
