/** A run in turns with another commit. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { OtherCheckout } from './other-checkout.ts';
import { LEVEL, MIN_PAIRS } from './pair-verdict.ts';
import type { PairedFigure, ScopeResult } from './result.ts';
import type { Measurement } from './run-scope.ts';
import type { Scope } from './scope.ts';
import { pairFigures, type Side, sideOf, takeTurns } from './turns.ts';

/** A scope of this commit and of the other one. */
export interface Compared {
  readonly here: ScopeResult;
  readonly there: ScopeResult;
  readonly figures: readonly PairedFigure[];
}

export interface Turns {
  readonly pairs: number;
  /** Root of this checkout. */
  readonly root: string;
  readonly other: OtherCheckout;
  /** @param name of the turn, for the progress */
  measure(name: string, measurement: Measurement): Promise<ScopeResult>;
  /** Further turns were added to the plan. */
  more(): void;
}

/** @param file of the scope in this checkout */
export async function compareScope(scope: Scope, file: string, turns: Turns): Promise<Compared> {
  if (scope.subject === 'turns') return compareInside(scope, file, turns);
  if (scope.subject === 'command') {
    const method = 'The suite of this commit measured the built command of both.';
    return compareTurns(scope, turns, method, (side) => ({ file, windows: 1, checkout: side === 'here' ? undefined : turns.other.root }));
  }
  const beside = join(turns.other.suite, relative(join(turns.root, 'bench'), file));
  const own = join(turns.other.root, relative(turns.root, file));
  const sources = (there: string, method: string) =>
    compareTurns(scope, turns, method, (side) => ({ file: side === 'here' ? file : there, windows: 1 }));
  const compared = await sources(beside, 'The suite of this commit measured the sources of both.');
  if (compared.there.failed === undefined || !existsSync(own)) return compared;
  return sources(
    own,
    'Each commit was measured by its own suite, because the suite of this commit does not run on the sources of the other one.',
  );
}

async function compareTurns(scope: Scope, turns: Turns, how: string, measurement: (side: Side) => Measurement): Promise<Compared> {
  const { pairs, other, measure, more } = turns;
  const taken = await takeTurns(
    pairs,
    (side, pair) => measure(`${scope.name}, pair ${pair + 1}, ${side === 'here' ? 'this commit' : other.commit}`, measurement(side)),
    more,
  );
  const [here, there] = [sideOf(taken, 'here'), sideOf(taken, 'there')];
  const method = `${taken.length} pairs of turns with commit ${other.commit}, each turn in new processes and with one window. ${how}`;
  return { here: { ...here, method: [...here.method, method] }, there, figures: pairFigures(taken) };
}

/** Its windows are ratios, of this commit over the other one. */
async function compareInside(scope: Scope, file: string, { pairs, other, measure }: Turns): Promise<Compared> {
  const here = await measure(scope.name, { file, windows: pairs, checkout: other.root });
  const figures = here.metrics.map(({ id, windows }) => ({
    metric: id,
    pairs: windows.map(({ value, vetoed, failed }) => ((vetoed ?? failed) ? { vetoed: vetoed ?? failed } : { here: value, there: 1 })),
  }));
  return { here, there: { ...here, metrics: [], series: [] }, figures };
}

export const AGAINST_METHOD: readonly string[] = [
  'In turns: the order changes from pair to pair, and a pair is two neighbouring turns, which meet much the same machine.',
  `Better and worse are said where a sign test over the pairs says so at the level 1/${1 / LEVEL} (two-sided): all of ${MIN_PAIRS} to 8 pairs, all but one of 9 or 10. Of figures without a difference, up to one of ${1 / LEVEL} is called so by chance. The rest is noise.`,
  'A pair in which the load generator was late is vetoed, and a side that failed is the worse one. The change is the median over the pairs.',
];
