/** The content of both reports, as text ready for layout. */
import type { Verdict } from '../suite/budgets.ts';
import { type Change, compareMetric, comparePairs, DOUBTS, metricsById } from '../suite/compare.ts';
import { figureOf, isLatency, PERCENTILE_NAMES, PERCENTILES, type Percentile } from '../suite/figures.ts';
import type { Trend } from '../suite/history.ts';
import { LEVEL } from '../suite/pair-verdict.ts';
import type { Machine, Metric, PairedFigure, RunResult } from '../suite/result.ts';
import { formatDuration, formatNumber, formatPart, formatPlain, formatValue } from './format.ts';

export interface Report {
  readonly run: RunResult;
  /** The earlier run to compare with, unless this run took turns with another commit. */
  readonly before?: RunResult | undefined;
  readonly verdicts: readonly Verdict[];
  /** Scopes that a run of all scopes omits. */
  readonly leftOut: readonly string[];
  readonly trends: readonly Trend[];
}

/** Of a figure: empty texts if there is none. */
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

export function latencyRows(metrics: readonly Metric[], report: Report): LatencyRow[] {
  const change = changesOf(report);
  return metrics.filter(isLatency).map((metric) => ({
    metric,
    cells: PERCENTILES.map((percentile) => cellOf(metric, percentile)),
    samples: metric.windows.reduce((sum, { latency }) => sum + (latency?.count ?? 0), 0).toLocaleString('en-US'),
    changes: { p50: change(metric, 'p50'), p99: change(metric, 'p99') },
  }));
}

export function valueRows(metrics: readonly Metric[], report: Report): ValueRow[] {
  const change = changesOf(report);
  return metrics
    .filter((metric) => !isLatency(metric))
    .map((metric) => ({ metric, cell: cellOf(metric), change: change(metric, undefined) }));
}

/** True if the figures have changes. */
export function isCompared({ run, before }: Report): boolean {
  return run.against !== undefined || before !== undefined;
}

function changesOf({ run, before }: Report): (metric: Metric, percentile: Percentile | undefined) => Change | undefined {
  if (run.against !== undefined) {
    const paired = new Map(run.against.figures.map((figure) => [figureName(figure), figure]));
    return (metric, percentile) => {
      const figure = paired.get(figureName({ metric: metric.id, percentile }));
      return figure === undefined ? undefined : comparePairs(figure, metric.better);
    };
  }
  const earlier = metricsById(before);
  return (metric, percentile) => compareMetric(metric, earlier.get(metric.id), percentile, before?.format);
}

function figureName({ metric, percentile }: Pick<PairedFigure, 'metric' | 'percentile'>): string {
  return percentile === undefined ? metric : `${metric} ${PERCENTILE_NAMES[percentile as Percentile]}`;
}

/** The figures of a run in turns, in the order of the report. */
export interface PairedChanges {
  readonly better: readonly string[];
  readonly worse: readonly string[];
  /** Number of figures that are neither. */
  readonly noise: number;
}

export function pairedChanges({ run }: Report): PairedChanges {
  const found = { better: [] as string[], worse: [] as string[], noise: 0 };
  const metrics = metricsById(run);
  for (const figure of run.against?.figures ?? []) {
    const metric = metrics.get(figure.metric);
    if (metric === undefined) continue;
    const change = comparePairs(figure, metric.better);
    if (change.doubt !== undefined) found.noise++;
    else {
      found[isBetter(change) ? 'better' : 'worse'].push(`${figureName(figure)}: ${describeChange(change)}`);
    }
  }
  return found;
}

/** `Better: 3, worse: 1, noise: 40. Without any difference, up to 2.8 of 44 figures …` */
export function describePaired({ better, worse, noise }: PairedChanges): string {
  const all = better.length + worse.length + noise;
  const chance = Math.round(all * LEVEL * 10) / 10;
  return `Better: ${better.length}, worse: ${worse.length}, noise: ${noise}. Without any difference, up to ${chance} of ${all} figures would be called better or worse by chance.`;
}

function cellOf(metric: Metric, percentile?: Percentile): Cell {
  const figure = figureOf(metric, percentile);
  if (figure === undefined) return { median: 'vetoed', best: '', worst: '' };
  const format = (value: number): string => {
    if (!Number.isFinite(value)) return 'failed';
    return percentile === undefined ? formatValue(value, metric.unit) : formatNumber(value);
  };
  return { median: format(figure.median), best: format(figure.best), worst: format(figure.worst) };
}

/** Each window that is not used as it is, with what it measured and the reason. */
export function describeWindows(metric: Metric): string[] {
  return metric.windows.flatMap((window, index) => {
    const { failed, vetoed, latency, value } = window;
    const reason = failed ?? vetoed;
    if (reason === undefined) return [];
    const seen = latency !== undefined && latency.count > 0 ? latency.p99 : value;
    const measured = seen === undefined ? '' : ` (${latency === undefined ? '' : 'p99 '}${formatValue(seen, metric.unit)})`;
    return [`Window ${index + 1} of ${metric.windows.length} ${failed === undefined ? 'vetoed' : 'failed'}${measured}: ${reason}`];
  });
}

/** `12 % better`, with pairs `12 % better, 5 of 5`; `noise (+2 %)`, where plus is better; `vetoed`; empty without a comparison. */
export function describeChange(change: Change | undefined): string {
  if (change === undefined) return '';
  const { better, doubt, pairs } = change;
  if (doubt === 'vetoed' || doubt === 'failed') return doubt;
  if (doubt === 'unknown') return 'not comparable';
  if (better === 0 || (better === undefined && change.now === 0)) return 'same';
  if (doubt !== undefined)
    return better === undefined
      ? 'noise'
      : `noise (${better > 0 ? '+' : '−'}${formatPart(better)}${pairs ? `, ${pairs.better} of ${pairs.of}` : ''})`;
  const direction = isBetter(change) ? 'better' : 'worse';
  const size = better === undefined ? '' : `${formatPart(better)} `;
  if (pairs !== undefined) return `${size}${direction}, ${isBetter(change) ? pairs.better : pairs.of - pairs.better} of ${pairs.of}`;
  return better === undefined ? `was ${formatNumber(change.before)}` : `${size}${direction}`;
}

/** `good`, `bad`, or `chance` where nothing may be concluded. */
export function directionOf(change: Change | undefined): 'good' | 'bad' | 'chance' | '' {
  if (change === undefined) return '';
  if (change.doubt !== undefined) return 'chance';
  if (change.pairs === undefined && (change.better === undefined || change.better === 0)) return '';
  return isBetter(change) ? 'good' : 'bad';
}

function isBetter({ better = 0, pairs }: Change): boolean {
  return pairs === undefined ? better > 0 : pairs.better * 2 > pairs.of;
}

export function describeDoubt(change: Change | undefined): string | undefined {
  return change?.doubt && DOUBTS[change.doubt];
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
