import { LatencyBuckets } from '../latency-buckets.ts';

const DELAY_BOUNDS_US = [1e3, 5e3, 10e3, 50e3, 100e3, 500e3, 1e6, 5e6, 10e6, 60e6, 300e6] as const;

/** What the calendars did, counted for the metrics. One writer. */
export class CalendarCounters {
  /** Boundaries of symbols: crossed; overtaken by the next one; given up because a command was rejected. */
  crossed = 0;
  missed = 0;
  failed = 0;
  /** Attempts that ended because the exchange took no commands. */
  retries = 0;
  /** From the due time of a boundary to the answer of its last command. */
  readonly delay = new LatencyBuckets(DELAY_BOUNDS_US);
}
