/**
 * Another tenant of the host can slow all windows of a scope, and a check that fails for that reason is soon
 * ignored. A scope with a broken budget is therefore measured again before the check fails, and the best window
 * of all counts: a disturbance passes, a regression does not.
 */
import { budgetName, type Verdict } from './budgets.ts';
import type { Metric, ScopeResult } from './result.ts';

/** Maximum number of further measurements of a scope. */
export const FURTHER_LOOKS = 2;

/** Combines the windows of both runs, with the charts of the later one. A failed run stays failed, and what was measured stays. */
export function together(first: ScopeResult, again: ScopeResult, broken: readonly Verdict[]): ScopeResult {
  if (again.skipped !== undefined) return again;
  const names = broken.map(budgetName);
  return {
    ...again,
    startedAt: first.startedAt,
    seconds: first.seconds + again.seconds,
    method: [...first.method, `Measured again, because a budget did not hold (${names.join(', ')}): the windows are those of all runs.`],
    metrics: joinWindows(first.metrics, again.metrics),
  };
}

/** The metrics of both, in the order of the later; the windows of the first come first. */
export function joinWindows(first: readonly Metric[], again: readonly Metric[]): Metric[] {
  const later = new Set(again.map(({ id }) => id));
  return [
    ...first.filter(({ id }) => !later.has(id)),
    ...again.map((metric) => {
      const before = first.find(({ id }) => id === metric.id);
      return before === undefined ? metric : { ...metric, windows: [...before.windows, ...metric.windows] };
    }),
  ];
}
