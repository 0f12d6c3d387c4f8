/** A bar as indicators read it: decimal numbers as floats, which no engine ever sees. */
export interface Bar {
  /** Begin of its bucket, microseconds since the Unix epoch. */
  readonly startUs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** Sum of price times quantity of its trades. */
  readonly notional: number;
}

/**
 * One indicator over one series of bars. The last bar may still be forming: it is replaced until the next one begins. A
 * replaced bar leaves no trace, so the values are those of the bar as it stands. Not for use by two threads.
 */
export interface Indicator {
  /** Of the last bar, one for each output. NaN: there are too few bars. The array stays the same object. */
  readonly values: Float64Array;

  /** @param replace in place of the last bar; false: after it */
  update(bar: Bar, replace: boolean): void;
}
