/** One number per window: what tables, budgets and comparisons read from a metric. */
import type { Latency } from './recorder.ts';
import { type Metric, median, type Window } from './result.ts';

export const PERCENTILES = ['p50', 'p90', 'p99', 'p999', 'max'] as const;
export type Percentile = (typeof PERCENTILES)[number] & keyof Latency;

/** Its notation, such as `p99.9`. */
export const PERCENTILE_NAMES: Readonly<Record<Percentile, string>> = { p50: 'p50', p90: 'p90', p99: 'p99', p999: 'p99.9', max: 'max' };

/** Infinite, in the direction that is worse, where a failed window is what counts. */
export interface Figure {
  readonly median: number;
  readonly best: number;
  readonly worst: number;
}

export function isLatency(metric: Metric): boolean {
  return metric.windows.some((window) => window.latency !== undefined);
}

/**
 * Of the windows that are not vetoed. A failed one is worse than every other: the best only if all failed.
 * @param percentile of a latency; undefined for a value
 * @returns undefined if every window is vetoed
 * @throws Error if the windows do not have it
 */
export function figureOf(metric: Metric, percentile?: Percentile): Figure | undefined {
  if (metric.windows.length === 0) throw new Error(`${metric.id} has no windows`);
  const used = metric.windows.filter(({ vetoed }) => vetoed === undefined);
  if (used.length === 0) return undefined;
  const values = used.map((window) => readWindow(metric, window, percentile)).sort((a, b) => a - b);
  const [low, high] = [values[0], values[values.length - 1]];
  const [best, worst] = metric.better === 'lower' ? [low, high] : [high, low];
  return { median: median(values), best, worst };
}

function readWindow(metric: Metric, window: Window, percentile: Percentile | undefined): number {
  // Without latencies (a stopped run), every percentile is 0, which would count as the best window.
  const empty = percentile !== undefined && window.latency?.count === 0;
  if (window.failed !== undefined || empty) return metric.better === 'lower' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  const value = percentile === undefined ? window.value : window.latency?.[percentile];
  if (value === undefined) throw new Error(`${metric.id} has no ${percentile ?? 'value'} in one of its windows`);
  return value;
}

/** How many windows failed or are vetoed, with the first reason of each: `2 of 5 windows vetoed: the generator …`. Empty if none. */
export function describeFaults({ windows }: Metric): string[] {
  return (['failed', 'vetoed'] as const).flatMap((fault) => {
    const reasons = windows.flatMap((window) => window[fault] ?? []);
    return reasons.length === 0 ? [] : [`${reasons.length} of ${windows.length} windows ${fault}: ${reasons[0]}`];
  });
}
