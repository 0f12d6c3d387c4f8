import type { BarRange, LeftOut } from '../analysis/feed-candles.ts';
import type { FeedFault } from '../feed.ts';
import type { AnySource } from '../lines/file-source.ts';
import type { FeedHandles } from './feed-handles.ts';

export interface FeedThreadData {
  readonly handles: FeedHandles;
  /** Numbered in this order. */
  readonly sources: readonly AnySource[];
}

export type FromFeedThread =
  | { readonly type: 'started' }
  | { readonly type: 'note'; readonly source: string; readonly fault: FeedFault; readonly text: string }
  | ({ readonly type: 'candles'; readonly question: number } & FeedBars);

/** Candles of an instrument, and what its source has left out of all candles. */
export interface FeedBars {
  /** BAR_FIELDS numbers each, oldest first. */
  readonly bars: Float64Array;
  readonly leftOut: LeftOut;
}

/** `stop`: the thread ends its connections, then itself. `candles` is answered with the number of the question. */
export type ToFeedThread =
  | { readonly type: 'stop' }
  | { readonly type: 'candles'; readonly question: number; readonly source: number; readonly row: number; readonly range: BarRange };
