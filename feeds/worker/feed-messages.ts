import type { MessagePort } from 'node:worker_threads';
import type { LeftOut } from '../analysis/feed-candles.ts';
import type { BarRange } from '../analysis/instrument-candles.ts';
import type { FeedFault } from '../feed.ts';
import type { InstrumentTerms } from '../instrument-terms.ts';
import type { CaptureSource } from '../lines/capture-line.ts';
import type { FeedSource } from '../lines/feed-source.ts';
import type { FeedHandles } from './feed-handles.ts';

export interface FeedThreadData {
  readonly handles: FeedHandles;
  readonly sources: readonly FeedSource[];
  readonly captures: readonly CaptureSource[];
  /** To the store of candles; undefined: they are kept in memory only. */
  readonly candleStore: MessagePort | undefined;
}

/** The name of a source in the store of candles. Each capture has its own. */
export function storedName(source: FeedSource | CaptureSource): string {
  return 'file' in source ? `${source.name} ${source.file.path.slice(-MOST_PATH)}` : source.name;
}
const MOST_PATH = 200;

export type FromFeedThread =
  | { readonly type: 'started' }
  | { readonly type: 'note'; readonly source: string; readonly fault: FeedFault; readonly text: string }
  | { readonly type: 'views'; readonly question: number; readonly views: Float64Array }
  | { readonly type: 'listed'; readonly listed: readonly ListedRow[] }
  | ({ readonly type: 'candles'; readonly question: number } & FeedBars);

/** What the venue's list says of the instrument of a row. */
export interface ListedRow {
  readonly row: number;
  readonly terms: InstrumentTerms;
}

/** Candles of an instrument, and what its source has left out of all candles. */
export interface FeedBars {
  /** BAR_FIELDS numbers each, oldest first. */
  readonly bars: Float64Array;
  /** Begin of the oldest candle of the interval that is in memory, microseconds; Infinity: there is none. Older ones are in the store. */
  readonly beginUs: number;
  readonly leftOut: LeftOut;
}

/**
 * `stop`: the thread ends its connections, then itself. `candles` and `views` are answered with the number of the question. `wanted` has
 * source, row and levels of each view.
 */
export type ToFeedThread =
  | { readonly type: 'stop' }
  | { readonly type: 'views'; readonly question: number; readonly wanted: Int32Array }
  | { readonly type: 'candles'; readonly question: number; readonly source: number; readonly row: number; readonly range: BarRange };
