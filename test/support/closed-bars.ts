import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import { CANDLE_INTERVALS, Candles, INTERVAL_US, Taker } from '../../feeds/analysis/candles.ts';
import { readIndicatorOutput } from '../../feeds/analysis/indicators/indicator-output.ts';
import { IndicatorSeries } from '../../feeds/analysis/indicators/indicator-series.ts';
import type { Alert, IndicatorCondition } from '../../gateway/alerts/alert.ts';
import type { ReadCandles } from '../../gateway/alerts/bar-follower.ts';
import { candleBar } from '../../gateway/candle-bar.ts';
import { type CandleRecord, stateCandle } from '../../gateway/candle-record.ts';

/** Cents and thousandths. */
export const UNITS = { tickMantissa: 1, tickDecimals: 2, lotMantissa: 1, lotDecimals: 3 };

/** The candles of symbol 1, from trades, and all of them that have closed, as the history has them. */
export class ClosedBars {
  readonly candles = new Candles();
  readonly closed: CandleRecord[][] = CANDLE_INTERVALS.map(() => []);
  #tradeId = 0;
  /** Set it to let reads fail. */
  failing = false;
  reads = 0;

  trade(timeUs: number, price: number): void {
    this.#keep(this.candles.trade(timeUs, price, 1, Taker.Buy, ++this.#tradeId, this.#tradeId));
  }

  advance(timeUs: number): void {
    this.#keep(this.candles.advance(timeUs));
  }

  readonly read: ReadCandles = async ({ interval, from, to, limit, newest }) => {
    await Promise.resolve();
    this.reads++;
    if (this.failing) throw new Error('it fails');
    const { candles } = this;
    const forming = stateCandle(candles.state, candles.formingAt(interval), interval, false);
    const all = [...this.closed[interval], ...(forming === undefined ? [] : [forming])];
    const range = all.filter(({ startUs }) => startUs >= from * INTERVAL_US[interval] && startUs < to * INTERVAL_US[interval]);
    return newest ? range.slice(-limit) : range.slice(0, limit);
  };

  #keep(closed: number): void {
    for (const interval of CANDLE_INTERVALS.keys())
      if ((closed & (1 << interval)) !== 0)
        this.closed[interval].push(stateCandle(this.candles.state, this.candles.closedAt(interval), interval, true) as CandleRecord);
  }
}

/** As docs/ALERTS.md says it: the values of a condition at all bars, each from the first bar on, and the bars at which an alert fires. */
export async function firingsOf(alert: Alert, condition: IndicatorCondition, bars: readonly CandleRecord[]): Promise<number[]> {
  const length = INTERVAL_US[CANDLE_INTERVALS.indexOf(condition.interval)];
  const first = await valuesOf(condition.indicator, bars, length);
  const second = condition.crosses === undefined ? bars.map(() => 0) : await valuesOf(condition.crosses, bars, length);
  const fired: number[] = [];
  for (let i = 1; i < bars.length; i++) {
    const [from, to] = [first[i - 1] - second[i - 1], first[i] - second[i]];
    const up = from < condition.level && to >= condition.level;
    const down = from > condition.level && to <= condition.level;
    const fires = (up && condition.direction !== 'down') || (down && condition.direction !== 'up');
    if (fires && bars[i].startUs > (alert.afterBarUs ?? -1)) fired.push(bars[i].startUs + length);
  }
  return alert.coolDownS === undefined ? fired.slice(0, 1) : fired;
}

async function valuesOf(text: string, bars: readonly CandleRecord[], length: number): Promise<number[]> {
  const { spec, output } = readIndicatorOutput(text, length);
  const series = await IndicatorSeries.of([spec]);
  return bars.map((bar) => {
    series.add(candleBar(bar, UNITS));
    const value = series.values()[spec.text];
    const number = value !== null && typeof value === 'object' ? Object.values(value)[output] : value;
    return number === null ? Number.NaN : Number(number.toPrecision(10));
  });
}

export const SYMBOL = { id: 1, name: 'BTC-USD', ...UNITS } as SymbolInfo;
