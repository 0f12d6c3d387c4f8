import type { MessagePort } from 'node:worker_threads';
import type { BarRange } from '../../../feeds/analysis/instrument-candles.ts';

export interface FeedCandleThreadData {
  readonly dataDir: string;
  /** How long candles shorter than a minute are kept, microseconds. */
  readonly keepUs: number;
  /** Of the store, at most. */
  readonly mostBytes: number;
  /** See {@link FeedCandleStat}. */
  readonly stats: Float64Array;
}

/** Index in the shared stats; only this thread stores them. */
export const FeedCandleStat = { stored: 0, lost: 1, refused: 2, damaged: 3, removed: 4, bytes: 5, failing: 6 } as const;
export const FEED_CANDLE_STATS = Object.keys(FeedCandleStat).length;

export type ToFeedCandleThread =
  | { readonly type: 'feeds'; readonly port: MessagePort }
  | { readonly type: 'ask'; readonly question: number; readonly feed: string; readonly instrument: string; readonly range: BarRange }
  | { readonly type: 'stop' };

export type FromFeedCandleThread =
  | { readonly type: 'bars'; readonly question: number; readonly bars: Float64Array | undefined }
  /** For the log and the health check. */
  | { readonly type: 'fault'; readonly code: FeedCandleFault; readonly text: string }
  | { readonly type: 'recovered' };

/** `FEED_CANDLES_FULL`: nothing is stored until the disk has room. `..._DAMAGED`: what was damaged is left out. Others: nothing is stored. */
export type FeedCandleFault = 'FEED_CANDLES_FULL' | 'FEED_CANDLES_DAMAGED' | 'FEED_CANDLES_NEWER' | 'FEED_CANDLES_UNUSABLE';
