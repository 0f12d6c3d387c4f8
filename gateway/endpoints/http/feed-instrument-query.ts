import { z } from 'zod';
import type { FeedFault } from '../../../feeds/feed.ts';
import { unlisted } from '../../../feeds/instrument-terms.ts';
import { LatestValues } from '../../../feeds/rings/latest-values.ts';
import type { Feeds } from '../../../feeds/worker/feeds.ts';
import type { FeedInstrument } from '../../client/query-types.ts';
import { feedInstrumentView } from '../../feed-instrument-view.ts';
import { LongList } from '../json/json-pieces.ts';
import { FEED_INSTRUMENTS } from '../json/schemas/feeds.ts';
import { feedNamed } from './feed-queries.ts';
import { get, type Route } from './route.ts';

/**
 * The instruments of all feeds, or of one, as their venues' lists describe them. Before the query of one feed, whose pattern fits, too.
 * @param feeds undefined if none are configured
 */
export function feedInstrumentRoute(feeds: Feeds | undefined): Route {
  return get({
    path: '/v1/feeds/instruments',
    summary: 'The instruments of all feeds, or of one, as the lists of their venues describe them.',
    action: 'market:read',
    query: { feed: z.string().optional().meta({ description: 'Only those of this feed.' }) },
    answer: FEED_INSTRUMENTS,
    handle: ({ query: { feed } }) => {
      const source = feed === undefined ? -1 : feedNamed(feeds, feed).source;
      return { pieces: new LongList(feeds === undefined ? [] : instruments(feeds, source)) };
    },
  });
}

/** @param source its number; -1: all */
function* instruments(feeds: Feeds, source: number): Generator<FeedInstrument> {
  const { latest } = feeds;
  const names = feeds.status().map(({ name }) => name);
  const now = new LatestValues();
  for (let row = 0; row < latest.rows; row++) {
    latest.read(row, now);
    if (source !== -1 && now.source !== source) continue;
    const terms = feeds.terms(row) ?? unlisted(latest.name(row));
    yield feedInstrumentView(names[now.source], now.state, now.fault as FeedFault, terms);
  }
}
