/** Upper bounds of order-to-report and of publish latency, microseconds. */
export const LATENCY_BOUNDS_US = [
  50, 100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 7500, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000,
] as const;

/** A latency distribution by bucket, counted without allocating; metrics read the fields on scrape. One writer. */
export class LatencyBuckets {
  /** Upper bounds, microseconds, rising. */
  readonly boundsUs: readonly number[];
  /** One count per bound, and one above the last. */
  readonly buckets: Float64Array;
  sumUs = 0;
  count = 0;

  constructor(boundsUs: readonly number[]) {
    this.boundsUs = boundsUs;
    this.buckets = new Float64Array(boundsUs.length + 1);
  }

  observe(us: number, times: number = 1): void {
    // A sum that decreases would look like a restart of the process.
    if (!(us > 0)) us = 0;
    const { boundsUs } = this;
    let bucket = 0;
    while (bucket < boundsUs.length && us > boundsUs[bucket]) bucket++;
    this.buckets[bucket] += times;
    this.count += times;
    this.sumUs += us * times;
  }
}
