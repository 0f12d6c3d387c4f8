import type { MessagePort } from 'node:worker_threads';
import { faultCode } from '../feeds/feed.ts';
import type { CaptureSource } from '../feeds/lines/capture-line.ts';
import type { FeedSource } from '../feeds/lines/feed-source.ts';
import type { BookSpec } from '../feeds/rings/consolidated-table.ts';
import { Feeds } from '../feeds/worker/feeds.ts';
import type { Logger } from './log.ts';

/**
 * The feeds of the configuration, connecting in the background, and a capture in a loop; undefined if there is none.
 * @param onChange as in FeedsOptions; `candleStore` too
 */
export function startFeeds(
  sources: readonly FeedSource[],
  capture: CaptureSource | undefined,
  books: readonly BookSpec[],
  log: Logger,
  onChange: (() => void) | undefined,
  candleStore: (() => MessagePort) | undefined,
): Feeds | undefined {
  if (sources.length === 0 && capture === undefined) return undefined;
  return new Feeds({
    sources,
    captures: capture === undefined ? [] : [capture],
    books,
    candleStore,
    onNote: (feed, fault, text) => log.warn({ feed, fault: faultCode(fault) }, text),
    ...(onChange !== undefined && { onChange }),
  });
}
