/** One number per window: what tables, budgets and comparisons read from a metric. */
import type { Latency } from './recorder.ts';
import { bestWindow, type Metric, median } from './result.ts';

export const PERCENTILES = ['p50', 'p90', 'p99', 'p999', 'max'] as const;
export type Percentile = (typeof PERCENTILES)[number] & keyof Latency;

/** Its notation, such as `p99.9`. */
export const PERCENTILE_NAMES: Readonly<Record<Percentile, string>> = { p50: 'p50', p90: 'p90', p99: 'p99', p999: 'p99.9', max: 'max' };

export interface Figure {
  readonly median: number;
  readonly best: number;
  readonly worst: number;
}

export function isLatency(metric: Metric): boolean {
  return metric.windows.some((window) => window.latency !== undefined);
}

/** @param percentile of a latency; undefined for a value @throws Error if the windows do not have it */
export function figureOf(metric: Metric, percentile?: Percentile): Figure {
  if (metric.windows.length === 0) throw new Error(`${metric.id} has no windows`);
  const read = (window: Metric['windows'][number]): number => {
    // Without latencies (a stopped run), every percentile is 0, which would count as the best window.
    if (percentile !== undefined && window.latency?.count === 0) return Number.POSITIVE_INFINITY;
    const value = percentile === undefined ? window.value : window.latency?.[percentile];
    if (value === undefined) throw new Error(`${metric.id} has no ${percentile ?? 'value'} in one of its windows`);
    return value;
  };
  const opposite: Metric = { ...metric, better: metric.better === 'lower' ? 'higher' : 'lower' };
  return { median: median(metric.windows.map(read)), best: bestWindow(metric, read), worst: bestWindow(opposite, read) };
}
