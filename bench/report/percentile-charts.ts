/** The latencies of a scope as percentile curves; related ones share a chart. */
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import type { Verdict } from '../suite/budgets.ts';
import { PERCENTILE_NAMES } from '../suite/figures.ts';
import { type Latency, mergeLatencies, UNIT_MS } from '../suite/recorder.ts';
import type { Metric } from '../suite/result.ts';
import { type Chart, COLOURS, type Line, type Mark, type Point } from './chart.ts';
import { formatPlain } from './format.ts';

const POINTS_PER_DECADE = 12;
/** A run has no information beyond 99.9999 %. */
const MAX_DECADES = 6;
/** Axis value of a budget's percentile; the maximum has none. */
const POSITIONS: Readonly<Record<string, number>> = { p50: 2, p90: 10, p99: 100, p999: 1000 };

export function percentileCharts(metrics: readonly Metric[], verdicts: readonly Verdict[]): Chart[] {
  return group(metrics.filter((metric) => usedLatencies(metric).length > 0)).map(({ title, members }) => ({
    title,
    x: 'percentile',
    y: { label: 'latency', unit: 'ms', log: true },
    lines: members.map((metric) => line(metric)),
    marks: limits(members, verdicts),
  }));
}

/**
 * Metrics that differ only in the last part of their id (the rate, the protocol)
 * share a chart; the remaining single ones share one, too.
 */
function group(metrics: readonly Metric[]): { title: string; members: Metric[] }[] {
  const families = new Map<string, Metric[]>();
  for (const metric of metrics) {
    const stem = metric.id.replace(/\.latency$/, '').replace(/\.[^.]+$/, '');
    families.set(stem, [...(families.get(stem) ?? []), metric]);
  }
  const alone = [...families.values()].filter((members) => members.length === 1).flat();
  const groups = [...families.values()]
    .filter((members) => members.length > 1)
    .map((members) => ({ title: commonTitle(members.map(({ title }) => title)), members }));
  const rest = groups.length > 0 ? 'Other latencies' : 'Latencies';
  if (alone.length > 0) groups.push({ title: alone.length === 1 ? alone[0].title : rest, members: alone });
  return groups.flatMap(({ title, members }) =>
    Array.from({ length: Math.ceil(members.length / COLOURS) }, (_, index) => ({
      title: index === 0 ? title : `${title} (${index + 1})`,
      members: members.slice(index * COLOURS, (index + 1) * COLOURS),
    })),
  );
}

/** What the titles share, by words: `gRPC: … commands/s, unbatched`. */
export function commonTitle(titles: readonly string[]): string {
  const [first, ...rest] = titles.map((title) => title.split(' '));
  const shared = (words: readonly string[], others: readonly (readonly string[])[]): number => {
    const at = words.findIndex((word, index) => others.some((other) => other[index] !== word));
    return at === -1 ? words.length : at;
  };
  const before = shared(first, rest);
  const after = shared(
    first.slice(before).reverse(),
    rest.map((words) => words.slice(before).reverse()),
  );
  const [head, tail] = [first.slice(0, before), first.slice(first.length - after)].map((words) => words.join(' '));
  const title = head !== '' && tail !== '' ? `${head} … ${tail}` : head || tail || 'Latencies';
  const trimmed = title.replace(/[:,]$/, '');
  // Not `gRPC`, which has its own capitals.
  return /^[a-z](?![A-Z])/.test(trimmed) ? trimmed[0].toUpperCase() + trimmed.slice(1) : trimmed;
}

function line(metric: Metric): Line {
  const latencies = usedLatencies(metric);
  const curves = latencies.map(curve);
  const shortest = curves.reduce((a, b) => (b.length < a.length ? b : a));
  return {
    name: metric.title,
    points: curve(mergeLatencies(latencies)),
    band: shortest.map(([x], index) => {
      const values = curves.map((points) => points[index][1]);
      return [x, Math.min(...values), Math.max(...values)];
    }),
  };
}

/** Of the windows that neither failed nor are vetoed. */
function usedLatencies({ windows }: Metric): Latency[] {
  return windows.flatMap(({ latency, failed, vetoed }) =>
    latency === undefined || latency.count === 0 || (failed ?? vetoed) ? [] : latency,
  );
}

/** Up to the percentile that a single sample represents. */
function curve(latency: Latency): Point[] {
  const histogram = decodeFromCompressedBase64(latency.histogram);
  const decades = Math.min(MAX_DECADES, Math.log10(Math.max(1, latency.count)));
  const points: Point[] = [];
  for (let index = 0; index <= decades * POINTS_PER_DECADE + 1e-9; index++) {
    const x = 10 ** (index / POINTS_PER_DECADE);
    points.push([x, histogram.getValueAtPercentile((1 - 1 / x) * 100) * UNIT_MS]);
  }
  return points;
}

/** The budgets of these metrics, each drawn once. */
function limits(members: readonly Metric[], verdicts: readonly Verdict[]): Mark[] {
  const marks = new Map<string, Mark>();
  for (const { budget, limit } of verdicts) {
    const { percentile } = budget;
    if (percentile === undefined || percentile === 'max' || !members.some(({ id }) => id === budget.metric)) continue;
    const label = `${budget.kind} ${PERCENTILE_NAMES[percentile]} ≤ ${formatPlain(limit)} ms`;
    marks.set(`${percentile} ${limit}`, { x: POSITIONS[percentile], y: limit, label });
  }
  return [...marks.values()];
}
