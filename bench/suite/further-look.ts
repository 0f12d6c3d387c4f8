/**
 * A neighbour on the host can slow all the windows of a scope, and a check that fails for that is soon
 * ignored. So a scope in which a budget broke is measured again before the check fails, and the best window
 * of all counts: a disturbance passes, a regression stays.
 */
import { budgetName, type Verdict } from './budgets.ts';
import type { ScopeResult } from './result.ts';

/** How often a scope is measured again at most. */
export const FURTHER_LOOKS = 2;

/** The windows of both runs; charts are those of the later. A run that failed stays one. */
export function together(first: ScopeResult, again: ScopeResult, broken: readonly Verdict[]): ScopeResult {
  if (again.failed !== undefined || again.skipped !== undefined) return again;
  const names = broken.map(budgetName);
  return {
    ...again,
    startedAt: first.startedAt,
    seconds: first.seconds + again.seconds,
    method: [...first.method, `Measured again, because a budget did not hold (${names.join(', ')}): the windows are those of all runs.`],
    metrics: again.metrics.map((metric) => {
      const before = first.metrics.find(({ id }) => id === metric.id);
      return before === undefined ? metric : { ...metric, windows: [...before.windows, ...metric.windows] };
    }),
  };
}
