import { type Latency, Recorder } from '../suite/recorder.ts';

/** One arrival in each. */
const ARRIVALS_PER_MS = 1000;
/** A shorter wait is recorded as none: it is the distance of two readings of the clock. */
const RESOLUTION_MS = 0.005;

/** A time in which a thread that does nothing but read the clock did not run: from its last reading before to its first reading after. */
export interface Gaps {
  /** ms since the start, ascending. */
  readonly fromMs: ArrayLike<number>;
  readonly toMs: ArrayLike<number>;
  readonly count: number;
}

/**
 * The jitter of a core: how long work that needs no time would wait for a thread that is always ready. One arrival a microsecond, at
 * planned times, independent of what the core does; each waits until the next reading of the clock. So a gap of 2 ms counts as 2,000
 * arrivals that wait 2 ms, 1.999 ms, and so on, and a percentile is that of an arrival at a random time.
 */
export function waitsOf(gaps: Gaps, totalMs: number): Latency {
  const waits = new Recorder();
  let inGaps = 0;
  for (let gap = 0; gap < gaps.count; gap++) {
    const [from, to] = [gaps.fromMs[gap], gaps.toMs[gap]];
    if (to - from < RESOLUTION_MS) continue;
    const end = Math.ceil(to * ARRIVALS_PER_MS);
    for (let arrival = Math.ceil(from * ARRIVALS_PER_MS); arrival < end; arrival++) {
      waits.record(to - arrival / ARRIVALS_PER_MS);
      inGaps++;
    }
  }
  const others = Math.round(totalMs * ARRIVALS_PER_MS) - inGaps;
  if (others > 0) waits.recordMany(0, others);
  return waits.take();
}
