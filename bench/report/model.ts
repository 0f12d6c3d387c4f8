/** The content of both reports, as text ready for layout. */
import type { Verdict } from '../suite/budgets.ts';
import { type Change, compareMetric, metricsById } from '../suite/compare.ts';
import { figureOf, isLatency, PERCENTILES, type Percentile } from '../suite/figures.ts';
import type { Machine, Metric, RunResult } from '../suite/result.ts';
import { formatDuration, formatNumber, formatPart, formatPlain, formatValue } from './format.ts';

export interface Report {
  readonly run: RunResult;
  /** The run to compare with. */
  readonly before?: RunResult;
  readonly verdicts: readonly Verdict[];
  /** Scopes that a run of all scopes omits. */
  readonly leftOut: readonly string[];
}

export interface Cell {
  readonly median: string;
  readonly best: string;
  readonly worst: string;
}

export interface LatencyRow {
  readonly metric: Metric;
  /** In the order of {@link PERCENTILES}, in ms. */
  readonly cells: readonly Cell[];
  /** Latencies recorded, all windows together. */
  readonly samples: string;
  readonly changes: Readonly<Record<'p50' | 'p99', Change | undefined>>;
}

export interface ValueRow {
  readonly metric: Metric;
  readonly cell: Cell;
  readonly change: Change | undefined;
}

export function latencyRows(metrics: readonly Metric[], before: RunResult | undefined): LatencyRow[] {
  const earlier = metricsById(before);
  return metrics.filter(isLatency).map((metric) => ({
    metric,
    cells: PERCENTILES.map((percentile) => cellOf(metric, percentile)),
    samples: metric.windows.reduce((sum, { latency }) => sum + (latency?.count ?? 0), 0).toLocaleString('en-US'),
    changes: { p50: compareMetric(metric, earlier.get(metric.id), 'p50'), p99: compareMetric(metric, earlier.get(metric.id), 'p99') },
  }));
}

export function valueRows(metrics: readonly Metric[], before: RunResult | undefined): ValueRow[] {
  const earlier = metricsById(before);
  return metrics
    .filter((metric) => !isLatency(metric))
    .map((metric) => ({ metric, cell: cellOf(metric), change: compareMetric(metric, earlier.get(metric.id)) }));
}

function cellOf(metric: Metric, percentile?: Percentile): Cell {
  const figure = figureOf(metric, percentile);
  const format = percentile === undefined ? (value: number) => formatValue(value, metric.unit) : formatNumber;
  return { median: format(figure.median), best: format(figure.best), worst: format(figure.worst) };
}

/** `12 % better`, `0`, or empty without an earlier run. */
export function describeChange(change: Change | undefined): string {
  if (change === undefined) return '';
  if (change.better === undefined) return change.now === 0 ? 'same' : `was ${formatNumber(change.before)}`;
  if (change.better === 0) return 'same';
  return `${formatPart(change.better)} ${change.better > 0 ? 'better' : 'worse'}`;
}

/** `≤ 1.00 ms`; for a ratio, its worst permitted value. */
export function describeLimit({ limit, unit, better }: Verdict): string {
  const bound = better === undefined ? '' : better === 'lower' ? '≤ ' : '≥ ';
  return bound + (unit === undefined ? formatPlain(limit) : formatValue(limit, unit, formatPlain));
}

/** Source of a ratio's limit. */
export function describeCommitted({ budget }: Verdict): string {
  if (budget.kind !== 'ratio') return '';
  return `committed ${formatPlain(budget.committed)}x, ${formatPart(budget.tolerance)} allowed`;
}

export function describeVerdict(verdict: Verdict): string {
  const { budget, reason, windows } = verdict;
  const judged = budget.kind !== 'ratio' && budget.judged === 'median' && reason === undefined ? ' (median)' : '';
  return `${describeMargin(verdict)}${judged}${windows === undefined ? '' : `, ${windows}`}`;
}

function describeMargin({ state, margin, reason, better }: Verdict): string {
  if (reason !== undefined) return `${state}: ${reason}`;
  if (margin === undefined || margin === 0) return state;
  if (margin > 0) return `${state}, ${formatPart(margin)} to spare`;
  return `${state}: ${formatPart(margin)} ${better === 'lower' ? 'over' : 'short'}`;
}

/** One sentence for each kind. */
export function describeOutcome(verdicts: readonly Verdict[]): string[] {
  const sentences: string[] = [];
  const judged = verdicts.filter(({ best, state }) => best !== undefined && state !== 'not judged');
  const checks = judged.filter(({ budget }) => budget.kind !== 'target');
  const broken = checks.filter(({ state }) => state === 'broken').length;
  const targets = judged.filter(({ budget }) => budget.kind === 'target');
  const met = targets.filter(({ state }) => state === 'met').length;
  const errors = verdicts.filter(({ state }) => state === 'error').length;
  if (checks.length > 0) sentences.push(`Checked budgets: ${checks.length - broken} of ${checks.length} hold.`);
  if (targets.length > 0) sentences.push(`Targets: ${met} of ${targets.length} met.`);
  if (errors > 0) sentences.push(`Budgets whose figure was not found: ${errors}.`);
  if (judged.length === 0) sentences.push('No budget was measured in this run.');
  return sentences;
}

export function describeMachineRows(machine: Machine): readonly (readonly [string, string])[] {
  return [
    ['Processor', `${machine.cores} x ${machine.cpu}`],
    ['Memory', `${(machine.memoryMb / 1000).toFixed(1)} GB`],
    ['Virtualization', machine.virtualization],
    ['Kernel', machine.kernel],
    ['Disk', machine.disk],
    ['Node', `${machine.node} (V8 ${machine.v8})`],
    ['Flags', machine.flags.join(' ') || 'none'],
  ];
}

/** To the minute. */
export function describeTime({ startedAt }: RunResult): string {
  return `${startedAt.slice(0, 16).replace('T', ' ')} UTC`;
}

export function describeRun({ run, leftOut }: Report): string {
  const left = leftOut.length === 0 ? '' : ` Left out, because it is run by name only: ${leftOut.join(', ')}.`;
  return `Commit ${run.commit}, profile ${run.profile}, started ${describeTime(run)}, took ${formatDuration(run.seconds)}.${left}`;
}
