import { z } from 'zod';
import { BAR_FIELDS } from '../../../feeds/analysis/bar-ring.ts';
import { CANDLE_INTERVALS, CandleField } from '../../../feeds/analysis/candles.ts';
import type { BarRange } from '../../../feeds/analysis/instrument-candles.ts';
import type { FeedBars } from '../../../feeds/worker/feed-messages.ts';
import { type Feeds, FeedsBusyError } from '../../../feeds/worker/feeds.ts';
import { feedCandleView } from '../../feed-candle-view.ts';
import type { FeedCandleReader } from '../../taps/feed-candles/feed-candle-reader.ts';
import { LongList } from '../json/json-pieces.ts';
import { FEED_CANDLES } from '../json/schemas/feeds.ts';
import { bucketsOf, RANGE } from './candle-parameters.ts';
import { feedNamed } from './feed-queries.ts';
import { HttpError } from './http-error.ts';
import { INTERVAL, LIMIT } from './query-schemas.ts';
import { get, type Request, type Route } from './route.ts';

const NO_INSTRUMENT = 'must be the name of an instrument, as its venue writes it';
/** Query parameter of requests for an instrument of a feed. */
export const INSTRUMENT = z
  .string({ error: NO_INSTRUMENT })
  .min(1, { error: NO_INSTRUMENT })
  .meta({ description: 'As its venue writes it.' });

type FeedRequest = Pick<Request, 'params' | 'caller'> & { readonly query: { readonly instrument: string } };

/** The candles of an instrument of a feed that a request names. */
export interface FeedSeries {
  readonly feed: string;
  readonly instrument: string;
  /** @throws HttpError 404, 503 */
  readonly read: (range: BarRange) => Promise<FeedBars>;
}

/** Candles from the trades of an outside market: see docs/ANALYSIS.md. @param feeds undefined if none are configured */
export function feedCandleRoute(feeds: Feeds | undefined, reader: FeedCandleReader | undefined): Route {
  return get({
    path: '/v1/feeds/:name/candles',
    summary: 'Candles from the trades of an instrument of a feed, by the time of its venue, oldest first.',
    action: 'market:read',
    query: { instrument: INSTRUMENT, interval: INTERVAL, ...RANGE, limit: LIMIT },
    answer: FEED_CANDLES,
    handle: async (request) => {
      const { query } = request;
      const { limit } = query;
      const interval = CANDLE_INTERVALS.indexOf(query.interval);
      const { from, to } = bucketsOf(query, interval);
      const { feed, instrument, read } = feedSeries(request, feeds, reader);
      const newest = from === undefined;
      // One more than the limit shows whether there is a next page.
      const range = { interval, from: from ?? 0, to: to ?? Number.MAX_SAFE_INTEGER, limit: newest ? limit : limit + 1, newest };
      const { bars, leftOut } = await read(range);
      const count = bars.length / BAR_FIELDS;
      return {
        pieces: {
          feed,
          instrument,
          interval: CANDLE_INTERVALS[interval],
          candles: new LongList(views(bars, Math.min(count, limit))),
          next: count > limit ? bars[limit * BAR_FIELDS + CandleField.start] : 0,
          leftOut,
        },
      };
    },
  });
}

/** @throws HttpError 400, 404 */
export function feedSeries(
  { params, query, caller }: FeedRequest,
  feeds: Feeds | undefined,
  reader: FeedCandleReader | undefined,
): FeedSeries {
  const { source } = feedNamed(feeds, params.name);
  const { instrument } = query;
  const read = async (range: BarRange): Promise<FeedBars> => {
    const bars = await reader?.read(source, instrument, range, caller).catch((error: unknown) => {
      throw error instanceof FeedsBusyError ? new HttpError(503, 0, error.code, error.message) : error;
    });
    if (bars !== undefined) return bars;
    throw new HttpError(
      404,
      0,
      'UNKNOWN_INSTRUMENT',
      `feed ${params.name} has no instrument ${instrument}; GET /v1/feeds/NAME shows those it has`,
    );
  };
  return { feed: params.name, instrument, read };
}

function* views(bars: Float64Array, count: number): Generator<unknown> {
  for (let i = 0; i < count; i++) yield feedCandleView(bars.subarray(i * BAR_FIELDS, (i + 1) * BAR_FIELDS));
}
