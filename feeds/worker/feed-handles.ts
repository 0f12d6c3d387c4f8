import { allocateLeftOut } from '../analysis/feed-candles.ts';
import { allocateBroadcast, type BroadcastHandle, BroadcastProducer } from '../rings/broadcast-ring.ts';
import { allocateChangeSignal, ChangeSignal, type ChangeSignalHandle } from '../rings/change-signal.ts';
import { allocateConsolidated, type BookSpec, type ConsolidatedHandle } from '../rings/consolidated-table.ts';
import { allocateLatest, type LatestHandle, latestWriter } from '../rings/latest-values.ts';
import type { FeedOutput } from '../rings/record-publisher.ts';
import { allocateSources, type SourcesHandle, sourcesWriter } from '../rings/source-status.ts';

/** The shared memory of the feeds of a process, sent by `postMessage` to any thread that reads it. */
export interface FeedHandles {
  readonly ring: BroadcastHandle;
  readonly latest: LatestHandle;
  readonly sources: SourcesHandle;
  /** Consolidated books, in the order of the configuration. */
  readonly books: readonly ConsolidatedHandle[];
  /** Trades that are in no candle, counted by the feed thread: of each source. */
  readonly leftOut: readonly Float64Array[];
  /** Wakes the main thread when rows of `latest` that it watches have changed; undefined if it watches none. */
  readonly signal: ChangeSignalHandle | undefined;
}

export interface FeedSizes {
  /** Records of the ring; a power of two; 65,536 by default (4 MB). */
  readonly records?: number;
  /** Instruments over all sources; 4,096 by default. */
  readonly instruments?: number;
  /** The main thread watches rows. */
  readonly watched?: boolean;
}

export function allocateFeeds(
  { records = 65_536, instruments = 4_096, watched = false }: FeedSizes,
  sources: number,
  books: readonly BookSpec[] = [],
): FeedHandles {
  return {
    ring: allocateBroadcast({ capacity: records }),
    latest: allocateLatest(instruments),
    sources: allocateSources(sources),
    books: books.map(allocateConsolidated),
    leftOut: allocateLeftOut(sources),
    signal: watched ? allocateChangeSignal(instruments) : undefined,
  };
}

/** The writing ends, for one thread at a time: new ones continue where the last ones published. */
export function openOutput({ ring, latest, sources, signal }: FeedHandles): FeedOutput {
  return {
    ring: new BroadcastProducer(ring),
    latest: latestWriter(latest),
    sources: sourcesWriter(sources),
    ...(signal !== undefined && { signal: new ChangeSignal(signal) }),
  };
}
