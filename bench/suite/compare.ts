import { figureOf, isLatency, type Percentile } from './figures.ts';
import type { Metric, RunResult } from './result.ts';

/** One figure in this run and in an earlier one. */
export interface Change {
  readonly before: number;
  readonly now: number;
  /** Change relative to the earlier figure, positive if better; undefined if that was 0. */
  readonly better?: number;
  /** True if the windows of the two runs overlap: the difference may be chance. */
  readonly withinSpread: boolean;
}

/** @returns undefined if the earlier run has no such figure */
export function compareMetric(now: Metric, before: Metric | undefined, percentile?: Percentile): Change | undefined {
  if (before === undefined || before.unit !== now.unit || isLatency(before) !== isLatency(now)) return undefined;
  const [a, b] = [figureOf(before, percentile), figureOf(now, percentile)];
  const sign = now.better === 'lower' ? -1 : 1;
  const low = (figure: typeof a): number => Math.min(figure.best, figure.worst);
  const high = (figure: typeof a): number => Math.max(figure.best, figure.worst);
  return {
    before: a.median,
    now: b.median,
    better: a.median === 0 || !Number.isFinite(a.median) ? undefined : (sign * (b.median - a.median)) / a.median,
    withinSpread: low(a) <= high(b) && low(b) <= high(a),
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
  compare('Profile', now.profile, before.profile);
  compare('Processor', `${now.machine.cores} x ${now.machine.cpu}`, `${before.machine.cores} x ${before.machine.cpu}`);
  compare('Kernel', now.machine.kernel, before.machine.kernel);
  compare('Node', now.machine.node, before.machine.node);
  compare('Flags', now.machine.flags.join(' ') || 'none', before.machine.flags.join(' ') || 'none');
  compare('Disk', now.machine.disk, before.machine.disk);
  return found;
}
