import { CANDLE_INTERVALS } from '../../../feeds/analysis/candles.ts';
import type { CandleProgress } from '../candles/candle-stats.ts';
import type { PositionProgress } from '../positions/position-writer.ts';
import type { WriterOptions } from './writer.ts';

/** What the thread that writes the history is given at its start. */
export interface WriterStart extends WriterOptions {
  /** Int32: 0 = run, 1 = the engine has stopped, write the rest and end. */
  readonly stop: Int32Array;
  /** See {@link WriterStat}. */
  readonly stats: Float64Array;
}

/** Index in the shared stats; only the writer's thread stores them. */
export const WriterStat = {
  watermark: 0,
  reports: 1,
  commits: 2,
  failing: 3,
  lastCommitMs: 4,
  failures: 5,
  removed: 6,
  candlesWaiting: 7,
  lateTrades: 8,
  caughtUpTrades: 9,
  /** First of the stored candles, one for each interval. */
  candles: 10,
} as const;
export const WRITER_STATS = WriterStat.candles + CANDLE_INTERVALS.length;

export type WriterMessage =
  /** @see CandleWriter.packedStates */
  | { readonly event: 'ready'; readonly candles: Float64Array }
  /** Candles of stored trades are made before the writer is ready. */
  | { readonly event: 'candles'; readonly progress: CandleProgress }
  /** Then positions of stored reports are computed. */
  | { readonly event: 'positions'; readonly progress: PositionProgress }
  /** The disk is full, or has room again. */
  | { readonly event: 'failing' | 'recovered'; readonly error: string }
  /** The store failed in another way. The thread has stopped for ever. */
  | { readonly event: 'failed'; readonly error: string };
