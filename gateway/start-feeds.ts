import { faultCode } from '../feeds/feed.ts';
import type { FeedSource } from '../feeds/lines/feed-source.ts';
import { Feeds } from '../feeds/worker/feeds.ts';
import type { Logger } from './log.ts';

/** The feeds of the configuration, connecting in the background; undefined if it has none. @param onChange as in FeedsOptions */
export function startFeeds(sources: readonly FeedSource[], log: Logger, onChange: (() => void) | undefined): Feeds | undefined {
  if (sources.length === 0) return undefined;
  return new Feeds({
    sources,
    onNote: (feed, fault, text) => log.warn({ feed, fault: faultCode(fault) }, text),
    ...(onChange !== undefined && { onChange }),
  });
}
