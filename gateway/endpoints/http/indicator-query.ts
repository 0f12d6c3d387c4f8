import { z } from 'zod';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { CANDLE_INTERVALS, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { type IndicatorSpec, warmUpOf } from '../../../feeds/analysis/indicators/catalog.ts';
import { IndicatorSeries } from '../../../feeds/analysis/indicators/indicator-series.ts';
import { IndicatorError, readIndicators } from '../../../feeds/analysis/indicators/indicator-text.ts';
import { candleBar } from '../../candle-bar.ts';
import type { CandleRecord } from '../../candle-record.ts';
import { symbolNamed } from './admin-queries.ts';
import { priceText } from './admin-views.ts';
import { bucketsOf, RANGE } from './candle-parameters.ts';
import { type CandleSources, readCandles } from './candle-reader.ts';
import { HttpError } from './http-error.ts';
import { LongList } from './json-pieces.ts';
import { INTERVAL, LIMIT } from './query-schemas.ts';
import { get, type Request, type Route } from './route.ts';
import { INDICATORS } from './schemas/market.ts';

/** Candles that are read at once: what comes from a thread of the history is one piece of work here, of less than half a millisecond. */
const PAGE = 250;

/**
 * Indicators over the candles of a symbol: see docs/ANALYSIS.md. An answer reads at most MAX_WARM_UP candles before those that
 * it shows, page by page, and calculates in slices.
 */
export function indicatorRoute(sources: CandleSources): Route {
  return get({
    path: '/v1/symbols/:name/indicators',
    summary: 'Indicators over the candles of a symbol, oldest first.',
    action: 'market:read',
    public: true,
    query: {
      interval: INTERVAL,
      indicator: z
        .string()
        .default('')
        .meta({ description: 'Indicators, separated by commas: docs/ANALYSIS.md. Required.', examples: ['rsi:14,macd:12:26:9'] }),
      ...RANGE,
      limit: LIMIT,
    },
    answer: INDICATORS,
    handle: async ({ params, query, inSlices, caller }) => {
      const symbol = symbolNamed(sources.directory, params.name);
      const interval = CANDLE_INTERVALS.indexOf(query.interval);
      const length = INTERVAL_US[interval];
      const specs = specsOf(query.indicator, length);
      const { limit } = query;
      const warmUp = Math.max(...specs.map((spec) => warmUpOf(spec, length)));
      const afterNow = Math.floor(sources.engineTimeUs() / length) + 1;
      const given = bucketsOf(query, interval);
      const to = Math.min(given.to ?? afterNow, afterNow);
      const about = { symbol: symbol.id, interval };
      const before = (bucket: number, count: number) => newest(sources, caller, { ...about, to: bucket }, count);
      let candles: readonly CandleRecord[];
      let begin: number;
      let behind: true | undefined;
      if (given.from === undefined) {
        ({ candles, behind } = await before(to, warmUp + limit));
        begin = Math.max(0, candles.length - limit);
      } else {
        // One more than asked for shows whether there is a next page.
        const page = await readCandles(sources, caller, { ...about, from: given.from, to, limit: limit + 1, newest: false });
        const earlier = await before(Math.min(given.from, afterNow), warmUp);
        candles = [...earlier.candles, ...page.candles];
        begin = earlier.candles.length;
        behind = page.behind ?? earlier.behind;
      }
      const series = await IndicatorSeries.of(specs);
      await inSlices(addAll(series, symbol, candles.slice(0, begin)));
      const shown = candles.slice(begin, begin + limit);
      return {
        pieces: {
          symbol: symbol.name,
          interval: CANDLE_INTERVALS[interval],
          indicators: specs.map(({ text }) => text),
          bars: new LongList(views(series, symbol, shown)),
          next: candles[begin + limit]?.startUs ?? 0,
          behind,
        },
      };
    },
  });
}

/** @throws HttpError 400 */
function specsOf(text: string, intervalUs: number): IndicatorSpec[] {
  try {
    return readIndicators(text === '' ? [] : text.split(','), intervalUs);
  } catch (error) {
    if (error instanceof IndicatorError) throw new HttpError(400, 0, error.code, error.message);
    throw error;
  }
}

/** The last `count` candles before a bucket, or as many as there are. */
async function newest(
  sources: CandleSources,
  caller: Request['caller'],
  { to, ...about }: { readonly symbol: number; readonly interval: number; readonly to: number },
  count: number,
): Promise<{ candles: readonly CandleRecord[]; behind: true | undefined }> {
  const pages: CandleRecord[][] = [];
  let behind: true | undefined;
  for (let end = to, left = count; left > 0; ) {
    const limit = Math.min(PAGE, left);
    const page = await readCandles(sources, caller, { ...about, from: 0, to: end, limit, newest: true });
    const candles = page.candles.slice(-limit);
    behind ??= page.behind;
    pages.unshift(candles);
    if (candles.length < limit) break;
    left -= limit;
    end = candles[0].startUs / INTERVAL_US[about.interval];
  }
  return { candles: pages.flat(), behind };
}

function* addAll(series: IndicatorSeries, symbol: SymbolInfo, candles: readonly CandleRecord[]): Generator<undefined, void> {
  for (const candle of candles) {
    series.add(candleBar(candle, symbol));
    yield;
  }
}

function* views(series: IndicatorSeries, symbol: SymbolInfo, candles: readonly CandleRecord[]): Generator<unknown> {
  for (const candle of candles) {
    series.add(candleBar(candle, symbol));
    const { startUs, closed, close } = candle;
    yield { startUs, start: new Date(startUs / 1000).toISOString(), closed, close: priceText(symbol, close), values: series.values() };
  }
}
