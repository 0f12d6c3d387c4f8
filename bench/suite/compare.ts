import { figureOf, isLatency, type Percentile } from './figures.ts';
import { judgePairs } from './pair-verdict.ts';
import type { Metric, PairedFigure, RunResult, Window } from './result.ts';

/** One figure in this run and in an earlier one, or of two commits in turns. */
export interface Change {
  /** NaN if the figure could not be read on that side. */
  readonly before: number;
  readonly now: number;
  /** Change relative to the earlier figure, positive if better; undefined if that was 0, or one is not finite. */
  readonly better?: number;
  /** Why it is called neither better nor worse. */
  readonly doubt?: keyof typeof DOUBTS;
  /** In turns: in how many of the pairs that count this commit is better. */
  readonly pairs?: { readonly better: number; readonly of: number };
}

/** Reasons for doubt, as sentences for the report. */
export const DOUBTS = {
  overlap: 'the windows of the two runs overlap',
  vetoed: 'the load generator was late in a window',
  failed: 'a window failed',
  unknown: 'the earlier result does not say in which windows its load generator was late',
  noise: 'the pairs do not agree',
} as const;

/**
 * Two runs apart. Only windows that do not overlap, and of which none is vetoed or failed, are called better or worse.
 * @param before and the format of its result @returns undefined if the earlier run has no such figure
 */
export function compareMetric(
  now: Metric,
  before: Metric | undefined,
  percentile?: Percentile,
  format: RunResult['format'] = 2,
): Change | undefined {
  if (before === undefined || before.unit !== now.unit || isLatency(before) !== isLatency(now)) return undefined;
  const [a, b] = [figureOf(before, percentile), figureOf(now, percentile)];
  const windows = [...before.windows, ...now.windows];
  if (a === undefined || b === undefined) return { before: a?.median ?? Number.NaN, now: b?.median ?? Number.NaN, doubt: 'vetoed' };
  const sign = now.better === 'lower' ? -1 : 1;
  const low = (figure: typeof a): number => Math.min(figure.best, figure.worst);
  const high = (figure: typeof a): number => Math.max(figure.best, figure.worst);
  const better = (sign * (b.median - a.median)) / a.median;
  const doubt = doubtOf(windows, format === 1 && percentile !== undefined, low(a) <= high(b) && low(b) <= high(a));
  return { before: a.median, now: b.median, ...(Number.isFinite(better) && { better }), ...(doubt !== undefined && { doubt }) };
}

function doubtOf(windows: readonly Window[], unknown: boolean, overlap: boolean): Change['doubt'] {
  if (windows.some(({ vetoed }) => vetoed !== undefined)) return 'vetoed';
  if (windows.some(({ failed, latency }) => failed !== undefined || latency?.count === 0)) return 'failed';
  if (unknown) return 'unknown';
  return overlap ? 'overlap' : undefined;
}

/** Two commits in turns. */
export function comparePairs({ pairs }: PairedFigure, direction: Metric['better']): Change {
  const { outcome, better, used, change, here = Number.NaN, there = Number.NaN } = judgePairs(pairs, direction);
  return {
    before: there,
    now: here,
    ...(change !== undefined && { better: change }),
    ...(outcome === 'noise' && { doubt: 'noise' as const }),
    pairs: { better, of: used },
  };
}

export function metricsById(run: RunResult | undefined): ReadonlyMap<string, Metric> {
  return new Map(run?.scopes.flatMap(({ metrics }) => metrics.map((metric) => [metric.id, metric] as const)));
}

/** Reasons to doubt a comparison with an earlier run, as sentences. */
export function differences(now: RunResult, before: RunResult): string[] {
  const found: string[] = [];
  const compare = (what: string, a: unknown, b: unknown): void => {
    if (String(a) !== String(b)) found.push(`${what}: ${b} before, ${a} now`);
  };
  const measured = new Set(before.scopes.flatMap(({ scope, metrics }) => (metrics.length > 0 ? [scope] : [])));
  const missing = now.scopes.filter(({ scope, metrics }) => metrics.length > 0 && !measured.has(scope)).map(({ scope }) => scope);
  if (missing.length > 0) found.push(`Not measured before: ${missing.join(', ')} (--compare FILE names a run that did)`);
  if (before.against !== undefined) found.push('Measured before in turns with another commit, which has shorter windows');
  compare('Profile', now.profile, before.profile);
  compare('Processor', `${now.machine.cores} x ${now.machine.cpu}`, `${before.machine.cores} x ${before.machine.cpu}`);
  compare('Kernel', now.machine.kernel, before.machine.kernel);
  compare('Node', now.machine.node, before.machine.node);
  compare('Flags', now.machine.flags.join(' ') || 'none', before.machine.flags.join(' ') || 'none');
  compare('Disk', now.machine.disk, before.machine.disk);
  return found;
}
