import { setTimeout as sleep } from 'node:timers/promises';
import { CANDLE_INTERVALS, type CandleInterval, INTERVAL_US } from '../../feeds/analysis/candles.ts';
import { type IndicatorSpec, warmUpOf } from '../../feeds/analysis/indicators/catalog.ts';
import type { Bar } from '../../feeds/analysis/indicators/indicator.ts';
import { IndicatorSeries, type IndicatorValue } from '../../feeds/analysis/indicators/indicator-series.ts';
import { IndicatorError, readIndicators } from '../../feeds/analysis/indicators/indicator-text.ts';
import type { BarSource, SeenBar } from './bar-source.ts';
import { OpenbellError } from './errors.ts';
import { type FeedBarConnection, FeedBars } from './feed-bars.ts';
import { checkOptions, type Options } from './known-options.ts';
import type { MarketClient } from './market.ts';
import type { QueryClient } from './query-client.ts';
import { SymbolBars } from './symbol-bars.ts';
import type { SymbolUnits } from './symbols.ts';

/** What a stream of indicators has, whatever its bars are of. */
export interface FollowedIndicators {
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

export interface IndicatorOptions extends FollowedIndicators {
  readonly symbol: string;
}

/** Indicators over the candles of an outside market. */
export interface FeedIndicatorOptions extends FollowedIndicators {
  /** Name of the source in the configuration of the exchange. */
  readonly source: string;
  /** As the venue writes it. */
  readonly instrument: string;
}

const FOLLOWED: Options<FollowedIndicators> = { interval: true, indicators: true, bars: true, onBar: true, onLost: true };

/** Prices and volume are floats, for calculations; the exact ones are in the candle. */
export interface IndicatorBar extends Bar {
  readonly closed: boolean;
  /** By the text of the indicator; those with several values have an object. null: there are too few bars. */
  readonly values: Readonly<Record<string, IndicatorValue>>;
}

/** Of the admin interface. */
const PAGE = 1000;
/** Until bars are asked for again after a failure, ms. */
const AGAIN_MS = 1000;

/**
 * Indicators over a series of bars, calculated here, so that no subscriber costs the exchange more than a stream of
 * candles. It begins with bars of the history, as many as the indicators need to settle.
 */
export class IndicatorStream {
  readonly #source: BarSource;
  readonly #options: FollowedIndicators;
  readonly #series: IndicatorSeries;
  /** The newest state of each bar that came while the history is read; undefined: it is not being read. */
  #waiting: Map<number, SeenBar> | undefined = new Map();
  /** Bars of the stream are missing, which the history has now. */
  #isMissing = false;
  #last: SeenBar | undefined;
  #closed = false;
  #endStream: () => void = () => undefined;

  private constructor(source: BarSource, options: FollowedIndicators, series: IndicatorSeries) {
    this.#source = source;
    this.#options = options;
    this.#series = series;
  }

  /** Resolves when the bars of the past have been passed on. @throws OpenbellError BAD_OPTION, BAD_INDICATOR, UNKNOWN_SYMBOL, HTTP_FAILED */
  static open(queries: QueryClient, market: MarketClient, units: SymbolUnits, options: IndicatorOptions): Promise<IndicatorStream> {
    checkOptions('indicators', options, { ...FOLLOWED, symbol: true });
    const interval = intervalOf(options);
    return IndicatorStream.#begun(new SymbolBars(queries, market, units, { symbol: options.symbol, interval }), interval, options);
  }

  /** The same over an outside market. @throws OpenbellError BAD_OPTION, BAD_INDICATOR, UNKNOWN_FEED, UNKNOWN_INSTRUMENT, HTTP_FAILED */
  static openFeed(queries: QueryClient, connection: FeedBarConnection, options: FeedIndicatorOptions): Promise<IndicatorStream> {
    checkOptions('feedIndicators', options, { ...FOLLOWED, source: true, instrument: true });
    const interval = intervalOf(options);
    const { source, instrument } = options;
    return IndicatorStream.#begun(new FeedBars(queries, connection, { source, instrument, interval }), interval, options);
  }

  static async #begun(source: BarSource, interval: CandleInterval, options: FollowedIndicators): Promise<IndicatorStream> {
    const { bars = 1 } = options;
    if (!Number.isInteger(bars) || bars < 0 || bars > PAGE)
      throw new OpenbellError('BAD_OPTION', `bars must be a whole number from 0 to ${PAGE}, not ${String(bars)}`);
    const specs = specsOf(options, interval);
    const stream = new IndicatorStream(source, options, await IndicatorSeries.of(specs));
    const live = await source.follow({
      onBar: (bar) => stream.#live(bar),
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

  #live(bar: SeenBar): void {
    if (this.#waiting === undefined) this.#take(bar, true);
    else this.#waiting.set(bar.startUs, bar);
  }

  async #begin(warmUp: number, shown: number): Promise<void> {
    const pages: (readonly SeenBar[])[] = [];
    for (let left = warmUp + shown, to: number | undefined; left > 0; ) {
      const limit = Math.min(PAGE, left);
      const { bars } = await this.#source.page({ limit, ...(to !== undefined && { to }) });
      if (bars.length === 0) break;
      pages.unshift(bars);
      left -= bars.length;
      to = bars[0].startUs;
    }
    const bars = pages.flat();
    for (const [i, bar] of bars.entries()) this.#take(bar, i >= bars.length - shown);
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
        const { bars, next } = await this.#source.page({ from, limit: PAGE });
        for (const bar of bars) this.#take(bar, true);
        if (next === 0) break;
        from = next;
      }
    }
    const waiting = this.#waiting ?? new Map<number, SeenBar>();
    this.#waiting = undefined;
    for (const bar of waiting.values()) this.#take(bar, true);
  }

  /** Takes a bar that is new, or further than it was. */
  #take(bar: SeenBar, isShown: boolean): void {
    const last = this.#last;
    if (this.#closed) return;
    if (last !== undefined && bar.startUs <= last.startUs) {
      if (bar.startUs < last.startUs || last.closed || bar.progress < last.progress) return;
      if (bar.progress === last.progress && !bar.closed) return;
    }
    this.#last = bar;
    this.#series.add(bar);
    if (!isShown) return;
    const { progress: _, ...shown } = bar;
    this.#options.onBar({ ...shown, values: this.#series.values() });
  }
}

function intervalOf({ interval = '1m' }: FollowedIndicators): CandleInterval {
  if (CANDLE_INTERVALS.includes(interval)) return interval;
  throw new OpenbellError('BAD_INTERVAL', `there are no candles of ${String(interval)}: use ${CANDLE_INTERVALS.join(', ')}`);
}

function specsOf({ indicators }: FollowedIndicators, interval: CandleInterval): IndicatorSpec[] {
  try {
    return readIndicators(indicators, INTERVAL_US[CANDLE_INTERVALS.indexOf(interval)]);
  } catch (error) {
    if (error instanceof IndicatorError) throw new OpenbellError(error.code, error.message);
    throw error;
  }
}
