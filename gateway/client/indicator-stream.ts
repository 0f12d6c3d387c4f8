import { setTimeout as sleep } from 'node:timers/promises';
import type { CandleView } from '../../engine/wire/channels/candles.ts';
import { CANDLE_INTERVALS, type CandleInterval, INTERVAL_US } from '../../feeds/analysis/candles.ts';
import { type IndicatorSpec, warmUpOf } from '../../feeds/analysis/indicators/catalog.ts';
import type { Bar } from '../../feeds/analysis/indicators/indicator.ts';
import { IndicatorSeries, type IndicatorValue } from '../../feeds/analysis/indicators/indicator-series.ts';
import { IndicatorError, readIndicators } from '../../feeds/analysis/indicators/indicator-text.ts';
import { candleBar } from '../candle-bar.ts';
import { OpenbellError } from './errors.ts';
import { checkOptions, type Options } from './known-options.ts';
import type { MarketClient } from './market.ts';
import type { CandleJson, QueryClient } from './query-client.ts';
import type { SymbolUnits } from './symbols.ts';

export interface IndicatorOptions {
  readonly symbol: string;
  /** Default 1m. */
  readonly interval?: CandleInterval;
  /** Such as `['rsi:14', 'macd:12:26:9']`; docs/ANALYSIS.md lists them. At most 16. */
  readonly indicators: readonly string[];
  /** Bars of the past that the stream begins with, from 0 to 1000; the last one may be forming. Default 1. */
  readonly bars?: number;
  /**
   * A bar and its values, oldest first: the forming bar again with each change, then, once, closed. A bar that closed without a
   * connection comes when it is back.
   */
  readonly onBar: (bar: IndicatorBar) => void;
  /** The connection or a question for bars failed. The stream goes on when that works again, unless it is `final`. */
  readonly onLost?: (error: OpenbellError, final: boolean) => void;
}

const OPTIONS: Options<IndicatorOptions> = { symbol: true, interval: true, indicators: true, bars: true, onBar: true, onLost: true };

/** Prices and volume are floats, for calculations; the exact ones are in the candle. */
export interface IndicatorBar extends Bar {
  readonly closed: boolean;
  /** By the text of the indicator; those with several values have an object. null: there are too few bars. */
  readonly values: Readonly<Record<string, IndicatorValue>>;
}

/** A bar with what decides whether it is news. */
interface SeenBar extends Bar {
  readonly closed: boolean;
  readonly lastTradeId: number;
}

/** Of the admin interface. */
const PAGE = 1000;
/** Until bars are asked for again after a failure, ms. */
const AGAIN_MS = 1000;

/**
 * Indicators over the candles of a symbol, calculated here, so that no subscriber costs the exchange more than a stream of
 * candles. It begins with bars of the history, as many as the indicators need to settle.
 */
export class IndicatorStream {
  readonly #queries: QueryClient;
  readonly #units: SymbolUnits;
  readonly #options: IndicatorOptions;
  readonly #interval: CandleInterval;
  readonly #series: IndicatorSeries;
  /** The newest state of each bar that came while the history is read; undefined: it is not being read. */
  #waiting: Map<number, SeenBar> | undefined = new Map();
  /** Bars of the stream are missing, which the history has now. */
  #isMissing = false;
  #last: SeenBar | undefined;
  #closed = false;
  #endStream: () => void = () => undefined;

  private constructor(
    queries: QueryClient,
    units: SymbolUnits,
    options: IndicatorOptions,
    interval: CandleInterval,
    series: IndicatorSeries,
  ) {
    this.#queries = queries;
    this.#units = units;
    this.#options = options;
    this.#interval = interval;
    this.#series = series;
  }

  /** Resolves when the bars of the past have been passed on. @throws OpenbellError BAD_OPTION, BAD_INDICATOR, UNKNOWN_SYMBOL, HTTP_FAILED */
  static async open(queries: QueryClient, market: MarketClient, units: SymbolUnits, options: IndicatorOptions): Promise<IndicatorStream> {
    checkOptions('indicators', options, OPTIONS);
    const { interval = '1m', bars = 1 } = options;
    if (!CANDLE_INTERVALS.includes(interval))
      throw new OpenbellError('BAD_INTERVAL', `there are no candles of ${String(interval)}: use ${CANDLE_INTERVALS.join(', ')}`);
    if (!Number.isInteger(bars) || bars < 0 || bars > PAGE)
      throw new OpenbellError('BAD_OPTION', `bars must be a whole number from 0 to ${PAGE}, not ${String(bars)}`);
    const specs = specsOf(options, interval);
    const stream = new IndicatorStream(queries, units, options, interval, await IndicatorSeries.of(specs));
    const live = await market.candles(options.symbol, interval, {
      onItem: (candle) => stream.#live(candle),
      onGap: () => void stream.#refill(),
      onLost: (error, final) => {
        if (final) stream.#closed = true;
        options.onLost?.(error, final);
      },
    });
    stream.#endStream = () => live.close();
    try {
      await stream.#begin(Math.max(...specs.map((spec) => warmUpOf(spec, INTERVAL_US[CANDLE_INTERVALS.indexOf(interval)]))), bars);
    } catch (error) {
      stream.close();
      throw error;
    }
    return stream;
  }

  /** Ends the subscription. */
  close(): void {
    this.#closed = true;
    this.#endStream();
  }

  #live(candle: CandleView): void {
    const { tick, lot } = this.#units;
    const units = { tickMantissa: tick.mantissa, tickDecimals: tick.decimals, lotMantissa: lot.mantissa, lotDecimals: lot.decimals };
    const bar = { ...candleBar(candle, units), closed: candle.closed, lastTradeId: candle.lastTradeId };
    if (this.#waiting === undefined) this.#take(bar, true);
    else this.#waiting.set(bar.startUs, bar);
  }

  async #begin(warmUp: number, shown: number): Promise<void> {
    const pages: CandleJson[][] = [];
    for (let left = warmUp + shown, to: number | undefined; left > 0; ) {
      const limit = Math.min(PAGE, left);
      const { candles } = await this.#queries.candles({ ...this.#what, limit, ...(to !== undefined && { to }) });
      pages.unshift([...candles]);
      if (candles.length < limit) break;
      left -= limit;
      to = candles[0].startUs;
    }
    const candles = pages.flat();
    for (const [i, candle] of candles.entries()) this.#take(barOf(candle), i >= candles.length - shown);
    await this.#readOn();
  }

  /** Some bars of the stream are missing. */
  async #refill(): Promise<void> {
    this.#isMissing = true;
    // The reader of the history looks again before it ends.
    if (this.#waiting !== undefined) return;
    this.#waiting = new Map();
    while (!this.#closed) {
      try {
        await this.#readOn();
        return;
      } catch (error) {
        this.#isMissing = true;
        this.#options.onLost?.(error as OpenbellError, false);
        await sleep(AGAIN_MS);
      }
    }
  }

  /** Reads the bars that are missing, from the last one on, then takes those that came meanwhile. */
  async #readOn(): Promise<void> {
    while (this.#isMissing) {
      this.#isMissing = false;
      for (let from = this.#last?.startUs ?? 0; ; ) {
        const { candles, next } = await this.#queries.candles({ ...this.#what, from, limit: PAGE });
        for (const candle of candles) this.#take(barOf(candle), true);
        if (next === 0) break;
        from = next;
      }
    }
    const waiting = this.#waiting ?? new Map<number, SeenBar>();
    this.#waiting = undefined;
    for (const bar of waiting.values()) this.#take(bar, true);
  }

  get #what() {
    return { symbol: this.#options.symbol, interval: this.#interval };
  }

  /** Takes a bar that is new, or further than it was. */
  #take(bar: SeenBar, isShown: boolean): void {
    const last = this.#last;
    if (this.#closed) return;
    if (last !== undefined && bar.startUs <= last.startUs) {
      if (bar.startUs < last.startUs || last.closed || bar.lastTradeId < last.lastTradeId) return;
      if (bar.lastTradeId === last.lastTradeId && !bar.closed) return;
    }
    this.#last = bar;
    this.#series.add(bar);
    if (!isShown) return;
    const { lastTradeId: _, ...shown } = bar;
    this.#options.onBar({ ...shown, values: this.#series.values() });
  }
}

function specsOf({ indicators }: IndicatorOptions, interval: CandleInterval): IndicatorSpec[] {
  try {
    return readIndicators(indicators, INTERVAL_US[CANDLE_INTERVALS.indexOf(interval)]);
  } catch (error) {
    if (error instanceof IndicatorError) throw new OpenbellError(error.code, error.message);
    throw error;
  }
}

function barOf({ startUs, closed, open, high, low, close, volume, notional, lastTradeId = 0 }: CandleJson): SeenBar {
  const [o, h, l, c] = [open, high, low, close].map(Number);
  return { startUs, closed, open: o, high: h, low: l, close: c, volume: Number(volume), notional: Number(notional), lastTradeId };
}
