import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** A latency distribution: milliseconds, and the full histogram in tenths of a microsecond. */
export interface Latency {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** HdrHistogram V2, compressed, base64. Unit: {@link UNIT_MS}. */
  readonly histogram: string;
}

/** A histogram's integer 1 is 100 ns. */
export const UNIT_MS = 1e-4;
/** 100 s; slower values count as 100 s. */
const HIGHEST = 1e9;

/** Records latencies without allocating: three significant digits from 100 ns to 100 s. */
export class Recorder {
  readonly #histogram: Histogram = build({ highestTrackableValue: HIGHEST, numberOfSignificantValueDigits: 3, autoResize: false });

  /** @param ms values below zero count as zero: the two clock readings may be from different processes */
  record(ms: number): void {
    const units = Math.round(ms / UNIT_MS);
    this.#histogram.recordValue(units < 0 ? 0 : units > HIGHEST ? HIGHEST : units);
  }

  /** The same latency for `count` orders, as the orders of one frame have. */
  recordMany(ms: number, count: number): void {
    const units = Math.round(ms / UNIT_MS);
    this.#histogram.recordValueWithCount(units < 0 ? 0 : units > HIGHEST ? HIGHEST : units, count);
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  percentile(percent: number): number {
    return this.#histogram.getValueAtPercentile(percent) * UNIT_MS;
  }

  /** Returns the latencies recorded since the last call, and resets. */
  take(): Latency {
    const latency = toLatency(this.#histogram);
    this.reset();
    return latency;
  }

  /** Resets: for callers that read percentiles during the load and need no encoded histogram. */
  reset(): void {
    this.#histogram.reset();
  }
}

/** Several windows, or several processes, as one distribution. */
export function mergeLatencies(latencies: readonly Latency[]): Latency {
  const all = build({ highestTrackableValue: HIGHEST, numberOfSignificantValueDigits: 3 });
  for (const { histogram } of latencies) all.add(decodeFromCompressedBase64(histogram));
  return toLatency(all);
}

function toLatency(histogram: Histogram): Latency {
  const at = (percent: number): number => round(histogram.getValueAtPercentile(percent) * UNIT_MS);
  return {
    count: histogram.totalCount,
    mean: round(histogram.mean * UNIT_MS),
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: round(histogram.maxValue * UNIT_MS),
    histogram: encodeIntoCompressedBase64(histogram),
  };
}

/** Rounds to 100 ns, the resolution of the histogram. */
function round(ms: number): number {
  return Math.round(ms * 1e4) / 1e4;
}
