/** A histogram as a Prometheus endpoint exposes it: upper bounds in seconds, ascending, and the number at or below each. */
export interface PrometheusHistogram {
  readonly bounds: readonly number[];
  readonly below: readonly number[];
}

/** @throws Error when the text has no such histogram */
export function readHistogram(text: string, name: string): PrometheusHistogram {
  const buckets = [...text.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\S+)`, 'gm'))]
    .map(([, bound, count]) => ({ bound: bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), count: Number(count) }))
    .sort((a, b) => a.bound - b.bound);
  if (buckets.length === 0) throw new Error(`GET /metrics has no histogram ${name}`);
  return { bounds: buckets.map(({ bound }) => bound), below: buckets.map(({ count }) => count) };
}

/** @throws Error when the text has no such value */
export function readValue(text: string, name: string): number {
  const value = new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`GET /metrics has no ${name}`);
  return Number(value);
}

/** The observations between two readings. */
export function histogramSince(before: PrometheusHistogram, after: PrometheusHistogram): PrometheusHistogram {
  return { bounds: after.bounds, below: after.below.map((count, i) => count - before.below[i]) };
}

/** The observations of several. @param histograms of one metric, at least one */
export function addHistograms(histograms: readonly PrometheusHistogram[]): PrometheusHistogram {
  const { bounds } = histograms[0];
  return { bounds, below: bounds.map((_, bucket) => histograms.reduce((sum, { below }) => sum + below[bucket], 0)) };
}

/**
 * Seconds; linear inside a bucket. Values above the last finite bound count as that bound.
 * @throws Error without any observation, because 0 would count as the best latency
 */
export function histogramPercentile({ bounds, below }: PrometheusHistogram, percent: number): number {
  const count = below[below.length - 1];
  if (count === 0) throw new Error('nothing was observed between the two readings of the histogram');
  const rank = (count * percent) / 100;
  const at = below.findIndex((count) => count >= rank);
  const lower = at === 0 ? 0 : bounds[at - 1];
  if (bounds[at] === Number.POSITIVE_INFINITY) return lower;
  const before = at === 0 ? 0 : below[at - 1];
  const inBucket = below[at] - before;
  return inBucket === 0 ? lower : lower + ((rank - before) / inBucket) * (bounds[at] - lower);
}

/** Share at or below a bound, 0 to 1. @throws Error when no bucket ends there */
export function shareBelow({ bounds, below }: PrometheusHistogram, seconds: number): number {
  const at = bounds.indexOf(seconds);
  if (at === -1) throw new Error(`the histogram has no bucket that ends at ${seconds} s`);
  return below[at] / below[below.length - 1];
}
