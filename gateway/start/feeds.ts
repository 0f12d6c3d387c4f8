import { faultCode } from '../../feeds/feed.ts';
import { Feeds } from '../../feeds/worker/feeds.ts';
import type { VenueConfig } from '../config/config-file.ts';
import { FeedCandleStreams } from '../market/feed-candle-streams.ts';
import { type MirrorSource, mirrorSource } from '../mirror-source.ts';
import { FeedCandleHistory } from '../taps/feed-candles/feed-candle-history.ts';
import { FeedCandleReader } from '../taps/feed-candles/feed-candle-reader.ts';
import type { StartContext } from './start-context.ts';

const DAY_US = 86_400 * 1e6;
const GIB = 2 ** 30;

/** Prices from outside. */
export interface OutsidePrices {
  /** They connect in the background; undefined: there is no source. */
  readonly feeds: Feeds | undefined;
  readonly feedCandles: FeedCandleStreams | undefined;
  /** Their stored candles, and those with the last ones. */
  readonly candleHistory: FeedCandleHistory | undefined;
  readonly candleReader: FeedCandleReader | undefined;
  /** What `--simulate mirror` imitates; undefined without it. */
  readonly mirror: MirrorSource | undefined;
}

/** Starts the feeds of the configuration, and a capture in a loop if the simulator imitates one. */
export function startFeeds({ config, log, state, undo }: StartContext, venue: VenueConfig): OutsidePrices {
  const mirror = typeof config.simulate === 'object' ? mirrorSource(config.simulate.mirror, config.feeds) : undefined;
  const captures = mirror?.capture === undefined ? [] : [mirror.capture];
  if (config.feeds.length === 0 && captures.length === 0)
    return { feeds: undefined, feedCandles: undefined, candleHistory: undefined, candleReader: undefined, mirror };
  const candleHistory = new FeedCandleHistory({
    dataDir: config.data,
    keepUs: config.candleKeep * DAY_US,
    mostBytes: config.feedCandleSize * GIB,
    onFault: (code, text) => (code === undefined ? log.info(text) : log.error({ code }, text)),
  });
  state.feedCandles = candleHistory;
  undo.push(() => candleHistory.stop());
  const hasReferences = venue.symbols.some(({ reference }) => reference !== undefined);
  const feeds = new Feeds({
    sources: config.feeds,
    captures,
    books: config.feedBooks,
    candleStore: () => candleHistory.port(),
    onNote: (feed, fault, text) => log.warn({ feed, fault: faultCode(fault) }, text),
    ...(hasReferences && { onChange: () => state.references?.wake() }),
  });
  undo.push(() => feeds.stop());
  const candleReader = new FeedCandleReader(feeds, candleHistory);
  const feedCandles = new FeedCandleStreams(feeds, ({ source, instrument }, range) =>
    candleReader.read(source, instrument, range, 'streams'),
  );
  undo.push(() => feedCandles.stop());
  return { feeds, feedCandles, candleHistory, candleReader, mirror };
}
