import { BAR_FIELDS } from '../../../feeds/analysis/bar-ring.ts';
import { INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import type { BarRange } from '../../../feeds/analysis/instrument-candles.ts';
import type { FeedBars } from '../../../feeds/worker/feed-messages.ts';
import type { Feeds } from '../../../feeds/worker/feeds.ts';
import type { FeedCandleHistory } from './feed-candle-history.ts';

/** What the reader needs of the feeds. */
export type LiveFeeds = Pick<Feeds, 'candles' | 'latest' | 'leftOut' | 'storedNames'>;

/** Candles of feeds: the last ones from the feed thread, older ones from the store. I/O thread. */
export class FeedCandleReader {
  readonly #feeds: LiveFeeds;
  readonly #history: Pick<FeedCandleHistory, 'bars'>;

  constructor(feeds: LiveFeeds, history: Pick<FeedCandleHistory, 'bars'>) {
    this.#feeds = feeds;
    this.#history = history;
  }

  /**
   * Candles of a range, oldest first; undefined: there is no such instrument.
   * @param source its number @param caller whose turn it takes
   * @throws FeedsBusyError
   */
  async read(source: number, instrument: string, range: BarRange, caller: string): Promise<FeedBars | undefined> {
    const row = this.#feeds.latest.find(source, instrument);
    // First what is in memory: what leaves it meanwhile is stored.
    const live = row === -1 ? undefined : await this.#feeds.candles(source, row, range);
    const begin = (live?.beginUs ?? Number.POSITIVE_INFINITY) / INTERVAL_US[range.interval];
    const count = (live?.bars.length ?? 0) / BAR_FIELDS;
    if (live !== undefined && (begin <= range.from || (range.newest && count === range.limit))) return live;
    const limit = range.newest ? range.limit - count : range.limit;
    const rest = { ...range, to: Math.min(range.to, begin), limit };
    const stored = await this.#history.bars(this.#feeds.storedNames[source], instrument, rest, caller);
    if (live === undefined) return stored && { bars: stored, beginUs: Number.POSITIVE_INFINITY, leftOut: this.#feeds.leftOut()[source] };
    return { ...live, bars: joined(stored ?? new Float64Array(0), live.bars, range.limit) };
  }
}

/** The first `limit` candles of both. */
function joined(older: Float64Array, newer: Float64Array, limit: number): Float64Array {
  const bars = new Float64Array(Math.min(older.length + newer.length, limit * BAR_FIELDS));
  bars.set(older);
  bars.set(newer.subarray(0, bars.length - older.length), older.length);
  return bars;
}
