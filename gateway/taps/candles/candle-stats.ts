/** What the history's thread did with candles, since the start. */
export interface CandleStats {
  /** Closed candles that were written, by number of the interval. */
  readonly stored: readonly number[];
  /** Closed candles that wait for the next commit. */
  readonly waiting: number;
  /** Trades of a candle that was closed already. An engine's own trades are never late: others are a defect. */
  readonly late: number;
  /** Stored trades that were in no candle at the start, and are now. */
  readonly caughtUp: number;
}

/** How far the candles of stored trades are made. */
export interface CandleProgress {
  /** Trades that are in candles now. */
  readonly trades: number;
  /** All that were in no candle; an estimate from the ids of trades. */
  readonly of: number;
}
