import { z } from 'zod';
import { BAR_FIELDS, BarField } from '../../../feeds/analysis/bar-ring.ts';
import { CANDLE_INTERVALS, CandleField, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { type IndicatorSpec, warmUpOf } from '../../../feeds/analysis/indicators/catalog.ts';
import type { Bar } from '../../../feeds/analysis/indicators/indicator.ts';
import { IndicatorSeries } from '../../../feeds/analysis/indicators/indicator-series.ts';
import { IndicatorError, readIndicators } from '../../../feeds/analysis/indicators/indicator-text.ts';
import type { BarRange } from '../../../feeds/analysis/instrument-candles.ts';
import { decimalText } from '../../../feeds/text/decimal.ts';
import type { Feeds } from '../../../feeds/worker/feeds.ts';
import { candleBar } from '../../candle-bar.ts';
import type { CandleRecord } from '../../candle-record.ts';
import { feedCandleBar } from '../../feed-candle-bar.ts';
import type { FeedCandleReader } from '../../taps/feed-candles/feed-candle-reader.ts';
import { priceText } from '../json/amounts.ts';
import { LongList } from '../json/json-pieces.ts';
import { FEED_INDICATORS } from '../json/schemas/feeds.ts';
import { INDICATORS } from '../json/schemas/market.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { bucketsOf, RANGE } from './candle-parameters.ts';
import { type CandleSources, readCandles } from './candle-reader.ts';
import { feedSeries, INSTRUMENT } from './feed-candle-query.ts';
import { HttpError } from './http-error.ts';
import { INTERVAL, LIMIT } from './query-schemas.ts';
import { get, type QueryValues, type Request, type Route } from './route.ts';

const QUERY = {
  interval: INTERVAL,
  indicator: z
    .string({ error: 'is required: indicators, separated by commas, such as rsi:14' })
    .meta({ description: 'Indicators, separated by commas: docs/ANALYSIS.md.', examples: ['rsi:14,macd:12:26:9'] }),
  ...RANGE,
  limit: LIMIT,
};
/** What both queries read of a request. */
type IndicatorRequest = Pick<Request, 'inSlices'> & { readonly query: QueryValues<typeof QUERY> };

/** Candles that are read at once: what comes from another thread is one piece of work here, of less than half a millisecond. */
const PAGE = 250;

/** A series of candles that indicators are calculated over. */
interface Candles<Candle> {
  /** Oldest first. */
  readonly read: (range: BarRange) => Promise<{ readonly candles: readonly Candle[]; readonly behind?: true | undefined }>;
  readonly barOf: (candle: Candle) => Bar;
  /** What an answer says of a candle, beside its values. */
  readonly viewOf: (candle: Candle) => object;
  /** The bucket after the present one. */
  readonly end: number;
}

/** Indicators over the candles of a symbol: see docs/ANALYSIS.md. */
export function indicatorRoute(sources: CandleSources): Route {
  return get({
    path: '/v1/symbols/:name/indicators',
    summary: 'Indicators over the candles of a symbol, oldest first.',
    action: 'market:read',
    public: true,
    query: QUERY,
    answer: INDICATORS,
    handle: async (request) => {
      const symbol = symbolNamed(sources.directory, request.params.name);
      const end = Math.floor(sources.engineTimeUs() / INTERVAL_US[CANDLE_INTERVALS.indexOf(request.query.interval)]) + 1;
      const answer = await indicators<CandleRecord>(request, {
        read: (range) => readCandles(sources, request.caller, { symbol: symbol.id, ...range }),
        barOf: (candle) => candleBar(candle, symbol),
        viewOf: ({ startUs, closed, close }) => view(startUs, closed, priceText(symbol, close)),
        end,
      });
      return { pieces: { symbol: symbol.name, ...answer } };
    },
  });
}

/** The same over the candles of an outside market. @param feeds undefined if none are configured */
export function feedIndicatorRoute(feeds: Feeds | undefined, reader: FeedCandleReader | undefined): Route {
  return get({
    path: '/v1/feeds/:name/indicators',
    summary: 'Indicators over the candles of an instrument of a feed, oldest first.',
    action: 'market:read',
    query: { ...QUERY, instrument: INSTRUMENT },
    answer: FEED_INDICATORS,
    handle: async (request) => {
      const { feed, instrument, read } = feedSeries(request, feeds, reader);
      const answer = await indicators<Float64Array>(request, {
        read: async (range) => {
          const { bars } = await read(range);
          return {
            candles: Array.from({ length: bars.length / BAR_FIELDS }, (_, i) => bars.subarray(i * BAR_FIELDS, (i + 1) * BAR_FIELDS)),
          };
        },
        barOf: feedCandleBar,
        viewOf: (bar) => {
          const decimals = bar[BarField.priceDecimals];
          const close = decimalText(bar[CandleField.close], decimals, decimals);
          return {
            ...view(bar[CandleField.start], bar[BarField.closed] === 1, close),
            ...(bar[BarField.incomplete] === 1 && { incomplete: true }),
          };
        },
        // The series ends by the venue's time, which is not known here.
        end: Number.MAX_SAFE_INTEGER,
      });
      return { pieces: { feed, instrument, ...answer } };
    },
  });
}

function view(startUs: number, closed: boolean, close: string) {
  return { startUs, start: new Date(startUs / 1000).toISOString(), closed, close };
}

/**
 * The answer of a request. It reads at most MAX_WARM_UP candles before those that it shows, page by page, and calculates in slices.
 * @throws HttpError
 */
async function indicators<Candle>({ query, inSlices }: IndicatorRequest, source: Candles<Candle>) {
  const interval = CANDLE_INTERVALS.indexOf(query.interval);
  const length = INTERVAL_US[interval];
  const specs = specsOf(query.indicator, length);
  const { limit } = query;
  const warmUp = Math.max(...specs.map((spec) => warmUpOf(spec, length)));
  const given = bucketsOf(query, interval);
  const to = Math.min(given.to ?? source.end, source.end);
  let candles: readonly Candle[];
  let begin: number;
  let behind: true | undefined;
  if (given.from === undefined) {
    ({ candles, behind } = await newest(source, interval, to, warmUp + limit));
    begin = Math.max(0, candles.length - limit);
  } else {
    // One more than the limit shows whether there is a next page.
    const page = await source.read({ interval, from: given.from, to, limit: limit + 1, newest: false });
    const earlier = await newest(source, interval, Math.min(given.from, source.end), warmUp);
    candles = [...earlier.candles, ...page.candles];
    begin = earlier.candles.length;
    behind = page.behind ?? earlier.behind;
  }
  const series = await IndicatorSeries.of(specs);
  await inSlices(addAll(series, source, candles.slice(0, begin)));
  const after = candles.at(begin + limit);
  return {
    interval: CANDLE_INTERVALS[interval],
    indicators: specs.map(({ text }) => text),
    bars: new LongList(views(series, source, candles.slice(begin, begin + limit))),
    next: after === undefined ? 0 : source.barOf(after).startUs,
    behind,
  };
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
async function newest<Candle>(
  { read, barOf }: Candles<Candle>,
  interval: number,
  to: number,
  count: number,
): Promise<{ candles: readonly Candle[]; behind: true | undefined }> {
  const pages: (readonly Candle[])[] = [];
  let behind: true | undefined;
  for (let end = to, left = count; left > 0; ) {
    const limit = Math.min(PAGE, left);
    const page = await read({ interval, from: 0, to: end, limit, newest: true });
    const candles = page.candles.slice(-limit);
    behind ??= page.behind;
    // A page may be short although there are older candles: where the history is ahead of market data, what it has newer is left out.
    if (candles.length === 0) break;
    pages.unshift(candles);
    left -= candles.length;
    end = barOf(candles[0]).startUs / INTERVAL_US[interval];
  }
  return { candles: pages.flat(), behind };
}

function* addAll<Candle>(series: IndicatorSeries, { barOf }: Candles<Candle>, candles: readonly Candle[]): Generator<undefined, void> {
  for (const candle of candles) {
    series.add(barOf(candle));
    yield;
  }
}

function* views<Candle>(series: IndicatorSeries, { barOf, viewOf }: Candles<Candle>, candles: readonly Candle[]): Generator<unknown> {
  for (const candle of candles) {
    series.add(barOf(candle));
    yield { ...viewOf(candle), values: series.values() };
  }
}
