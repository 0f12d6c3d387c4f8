/**
 * Budgets: `bench/budgets.json` is a list of them.
 *
 * A `target` is a goal of the project: the run reports whether it is met and
 * by how much, and never fails because of it. A `guard` must hold on the machines that check
 * each change: if it is broken in the best of the windows, the check fails. A `ratio`
 * is a figure against a reference measured in the same run, which a busy machine
 * slows equally: it fails when the best window is worse than the committed figure
 * by more than its tolerance.
 *
 * A target can be judged by the median of its windows, and only in those windows in which a floor is low enough: a
 * millisecond cannot be seen on a machine that takes longer by itself.
 */
import { describeFaults, figureOf, isLatency, PERCENTILE_NAMES, PERCENTILES, type Percentile } from './figures.ts';
import type { Metric, Profile, RunResult, Unit } from './result.ts';

interface Common {
  readonly scope: string;
  readonly metric: string;
  /** The source of the limit. */
  readonly source: string;
  /** If set, only in this profile. */
  readonly profile?: Profile;
  /** Of a latency; a value has none. */
  readonly percentile?: Percentile;
}

export interface LimitBudget extends Common {
  readonly kind: 'target' | 'guard';
  /** In the metric's unit: at most, or at least where higher is better. */
  readonly limit: number;
  /** Of a target: what is judged instead of the best window. Of a ratio to a floor, the best window is the one whose floor was disturbed most. */
  readonly judged?: 'median';
  /** Of a target: only the windows in which this figure of the same scope is low enough. */
  readonly where?: Condition;
}

export interface Condition {
  readonly metric: string;
  /** Of a latency; a value has none. */
  readonly percentile?: Percentile;
  /** In that metric's unit. */
  readonly below: number;
}

export interface RatioBudget extends Common {
  readonly kind: 'ratio';
  readonly committed: number;
  /** 0.15 is 15 %. */
  readonly tolerance: number;
}

export type Budget = LimitBudget | RatioBudget;

export interface Verdict {
  readonly budget: Budget;
  /** `error`: the scope ran and has no such figure, or it should have been checked and could not be. */
  readonly state: 'met' | 'not met' | 'broken' | 'not judged' | 'not measured' | 'error';
  /** The limit, or the worst permitted value of a ratio. */
  readonly limit: number;
  readonly unit?: Unit;
  readonly better?: Metric['better'];
  readonly best?: number;
  readonly median?: number;
  /** Windows that were judged, if not all: `in the 2 of 3 windows in which …`. */
  readonly windows?: string;
  /** Distance of the judged window from the limit, relative to it, positive if met: -0.2 misses it by 20 %. */
  readonly margin?: number;
  readonly reason?: string;
  /** True if every window is vetoed: measured, and not judged. */
  readonly vetoed?: true;
}

/** True if the check fails because of it. */
export function fails(verdict: Verdict): boolean {
  return verdict.state === 'broken' || verdict.state === 'error';
}

/** True if another measurement of its scope could mend it: a disturbance passes. */
export function deservesAnotherLook(verdict: Verdict): boolean {
  return verdict.state === 'broken' || (verdict.state === 'error' && verdict.vetoed === true);
}

/** `wire.pingpong.grpc.latency p50` */
export function budgetName({ budget: { metric, percentile } }: Verdict): string {
  return percentile === undefined ? metric : `${metric} ${PERCENTILE_NAMES[percentile]}`;
}

export class BudgetError extends Error {}

const COMMON = ['scope', 'metric', 'source', 'kind', 'profile', 'percentile'];
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  target: [...COMMON, 'limit', 'judged', 'where'],
  guard: [...COMMON, 'limit'],
  ratio: [...COMMON, 'committed', 'tolerance'],
};

/**
 * @param text JSON @param scopes names that exist
 * @throws BudgetError that names the entry, because a misspelt budget would have no effect
 */
export function parseBudgets(text: string, scopes: readonly string[]): Budget[] {
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (error) {
    throw new BudgetError((error as Error).message);
  }
  if (!Array.isArray(entries)) throw new BudgetError('not a list');
  const seen = new Set<string>();
  return entries.map((entry: unknown, index) => {
    const wrong = (what: string): never => {
      throw new BudgetError(`entry ${index + 1}: ${what}`);
    };
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return wrong('not an object');
    const fields = entry as Record<string, unknown>;
    const { kind, scope, metric, source, profile = 'both', percentile = '' } = fields;
    const known = typeof kind === 'string' && Object.hasOwn(FIELDS, kind) ? FIELDS[kind] : wrong('kind must be target, guard or ratio');
    for (const name of Object.keys(fields)) if (!known.includes(name)) wrong(`${kind} has no field ${name}`);
    if (typeof scope !== 'string' || !scopes.includes(scope)) return wrong(`no such scope: ${scope}`);
    if (typeof metric !== 'string' || !metric.startsWith(`${scope}.`)) return wrong(`metric must begin with ${scope}.`);
    if (typeof source !== 'string' || source === '') wrong('source must state where the limit comes from');
    if (profile !== 'both' && profile !== 'full' && profile !== 'ci') wrong('profile must be full or ci');
    if (percentile !== '' && !PERCENTILES.includes(percentile as Percentile)) wrong(`percentile must be ${PERCENTILES.join(', ')}`);
    for (const name of kind === 'ratio' ? ['committed', 'tolerance'] : ['limit']) {
      const value = fields[name];
      if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) wrong(`${name} must be a number, not negative`);
    }
    if (fields.judged !== undefined && fields.judged !== 'median') wrong('judged must be median, or left out');
    const condition = wrongCondition(fields.where, scope);
    if (condition !== undefined) wrong(condition);
    for (const one of profile === 'both' ? ['full', 'ci'] : [profile]) {
      const key = `${kind} ${metric} ${percentile} ${one}`;
      if (seen.has(key)) wrong(`a second ${kind} for ${metric}`);
      seen.add(key);
    }
    return entry as Budget;
  });
}

/** Undefined if it is a condition, or there is none. */
function wrongCondition(where: unknown, scope: string): string | undefined {
  if (where === undefined) return undefined;
  if (typeof where !== 'object' || where === null) return 'where must be an object';
  const { metric, percentile, below, ...others } = where as Record<string, unknown>;
  for (const name of Object.keys(others)) return `where has no field ${name}`;
  if (typeof metric !== 'string' || !metric.startsWith(`${scope}.`)) return `where: metric must begin with ${scope}.`;
  if (percentile !== undefined && !PERCENTILES.includes(percentile as Percentile))
    return `where: percentile must be ${PERCENTILES.join(', ')}`;
  return typeof below === 'number' && below > 0 ? undefined : 'where: below must be a number above 0';
}

/** @param complete false when options changed what the scopes measured: a figure may be missing then */
export function judge(run: RunResult, budgets: readonly Budget[], complete = true): Verdict[] {
  return budgets.map((budget) => {
    const ran = run.scopes.find(({ scope }) => scope === budget.scope);
    const applies = budget.profile === undefined || budget.profile === run.profile;
    const limit = limitOf(budget);
    const without = (state: Verdict['state'], reason: string): Verdict => ({ budget, state, limit, reason });
    if (!applies) return without('not measured', `only in the ${budget.profile} profile`);
    if (ran === undefined) return without('not measured', 'the scope was not run');
    // A check that could not run has not passed.
    if (ran.skipped !== undefined) return without(budget.kind === 'target' ? 'not measured' : 'error', `skipped: ${ran.skipped}`);
    const metric = ran.metrics.find(({ id }) => id === budget.metric);
    if (metric === undefined && ran.failed !== undefined) return without('not measured', 'the scope failed');
    if (metric === undefined)
      return complete
        ? without('error', `${budget.scope} has no metric ${budget.metric}`)
        : without('not measured', 'omitted because of the given options');
    if (isLatency(metric) !== (budget.percentile !== undefined))
      return without('error', isLatency(metric) ? 'a latency needs a percentile' : 'only a latency has percentiles');
    if (budget.kind === 'ratio' && metric.unit !== 'x') return without('error', `a ratio has the unit x, this has ${metric.unit}`);
    const { where } = budget.kind === 'ratio' ? {} : budget;
    if (where === undefined) return judgeMetric(budget, metric);
    const condition = ran.metrics.find(({ id }) => id === where.metric);
    if (condition === undefined) return without('error', `${budget.scope} has no metric ${where.metric}`);
    return judgeWhere(budget, metric, where, condition);
  });
}

function limitOf(budget: Budget): number {
  return budget.kind === 'ratio' ? budget.committed : budget.limit;
}

/** Both metrics have the same windows. */
function judgeWhere(budget: Budget, metric: Metric, where: Condition, condition: Metric): Verdict {
  const value = ({ value, latency }: Metric['windows'][number]): number | undefined =>
    where.percentile === undefined ? value : latency?.[where.percentile];
  const values = metric.windows.map((_, window) => value(condition.windows[window] ?? {}) ?? Number.POSITIVE_INFINITY);
  const windows = metric.windows.filter((_, window) => values[window] < where.below);
  const name = where.percentile === undefined ? where.metric : `${where.metric} ${PERCENTILE_NAMES[where.percentile]}`;
  if (windows.length === 0) {
    const least = Math.min(...values);
    return {
      ...judgeMetric(budget, metric),
      state: 'not judged',
      reason: `the machine does not show it: ${name} is ${Number(least.toPrecision(3))} ${condition.unit} at best, and must be below ${where.below}`,
    };
  }
  const all = windows.length === metric.windows.length;
  const verdict = judgeMetric(budget, { ...metric, windows });
  return all
    ? verdict
    : { ...verdict, windows: `in the ${windows.length} of ${metric.windows.length} windows in which ${name} is below ${where.below}` };
}

function judgeMetric(budget: Budget, metric: Metric): Verdict {
  const figure = figureOf(metric, budget.percentile);
  if (figure === undefined) {
    const [reason] = describeFaults(metric);
    return { budget, state: budget.kind === 'target' ? 'not measured' : 'error', limit: limitOf(budget), reason, vetoed: true };
  }
  const { best, median } = figure;
  const sign = metric.better === 'lower' ? -1 : 1;
  const limit = budget.kind === 'ratio' ? budget.committed * (1 - sign * budget.tolerance) : budget.limit;
  const judged = budget.kind !== 'ratio' && budget.judged === 'median' ? median : best;
  const held = sign * (judged - limit) >= 0;
  return {
    budget,
    state: held ? 'met' : budget.kind === 'target' ? 'not met' : 'broken',
    limit,
    unit: metric.unit,
    better: metric.better,
    best,
    median,
    margin: limit === 0 ? undefined : (sign * (judged - limit)) / limit,
    ...(!Number.isFinite(judged) && { reason: describeFaults(metric)[0] }),
  };
}
