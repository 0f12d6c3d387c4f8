/** Ratios of this checkout to an older one that need turns of about a second: both run side by side. */
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingBuild } from '../load/exchange-process.ts';
import { describePlacement } from '../load/placement.ts';
import { checkoutPair } from '../pairs/checkout-pair.ts';
import type { Figures } from '../pairs/turns.ts';
import { wirePair } from '../pairs/wire-pair.ts';
import { clientsApart, offTheExchange } from '../suite/cores.ts';
import { type Attempt, attempt, foundIn, windowsOf } from '../suite/each-window.ts';
import type { Metric, ScopeResult, Window } from '../suite/result.ts';
import { measured, type Scope, type ScopeContext } from '../suite/scope.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TURNS = 15;
/** Of a pair whose other side failed: JSON has no infinity. */
const LARGEST = 1000;
const PARTS = ['core', 'wire', 'flow'] as const;

export const scope: Scope = {
  name: 'pairs',
  title: 'Pairs: this commit over another one, side by side in turns of a second',
  options: {
    only: `${PARTS.join(', ')}: one of its parts`,
    files: 'order flow files of part flow, with commas between',
    turns: `of a pair, ${TURNS}`,
  },
  subject: 'turns',
  seconds: () => 300,
  missing: missingBuild,
  run: (context) => measured(scope, () => run(context)),
};

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const { checkout, options, signal, windows: pairs, progress } = context;
  if (checkout === undefined) throw new Error('pairs: there is no other checkout');
  const { only } = options;
  if (only !== undefined && !PARTS.some((part) => part === only)) throw new Error(`-o only=${only}: it is one of ${PARTS.join(', ')}`);
  const turns = Number(options.turns ?? TURNS);
  if (!(turns >= 1)) throw new Error('-o turns is a number from 1');
  const files = options.files?.split(',').map((file) => resolve(file)) ?? [];
  if (only === 'flow' && files.length === 0) throw new Error('-o only=flow needs -o files=FILE,…');
  const checkouts = { old: checkout, new: ROOT };

  const parts: Record<(typeof PARTS)[number], readonly ((pair: number) => Promise<Figures>)[]> = {
    core: [() => checkoutPair('core', 'core', checkouts, turns, signal)],
    wire: [(pair) => offTheExchange(() => wirePair(context, `${pair}`, checkouts, turns))],
    flow: files.map((file) => () => checkoutPair(`flow.${basename(file)}`, file, checkouts, turns, signal)),
  };
  const measurements = PARTS.filter((part) => only === undefined || part === only).flatMap((part) => parts[part]);
  /** By measurement, then pair. */
  const attempts = measurements.map((): Attempt<Figures>[] => []);
  for (let pair = 0; pair < pairs; pair++)
    for (const [index, measurement] of measurements.entries()) {
      progress(`pair ${pair + 1} of ${pairs}`, (pair + index / measurements.length) / pairs);
      attempts[index].push(await attempt(signal, () => measurement(pair)));
    }
  const nothing = attempts.find((each) => foundIn(each).length === 0)?.[0];
  return {
    method: method(turns),
    metrics: attempts.flatMap(pairMetrics),
    series: [],
    ...(nothing !== undefined && 'failed' in nothing && { failed: nothing.failed }),
  };
}

/** A pair that broke off is kept with its reason. Its side is not known, so that it does not count. */
export function pairMetrics(attempts: readonly Attempt<Figures>[]): Metric[] {
  const ids = new Set(foundIn(attempts).flatMap((figures) => Object.keys(figures)));
  const window = (ratio: number): Window =>
    Number.isNaN(ratio)
      ? { vetoed: 'the load generator was late, or both sides failed, in each turn' }
      : { value: Math.min(ratio, LARGEST) };
  return [...ids].map((id) =>
    metric(
      id,
      windowsOf(attempts, (figures) => window(figures[id])),
    ),
  );
}

const TITLES: Readonly<Record<string, string>> = {
  core: 'Core: commands/s',
  'wire.pingpong': 'Wire: one at a time, 1 / p50',
  'wire.unbatched': 'Wire: unbatched, orders/s',
  'wire.unbatched.cpu': 'Wire: unbatched, orders per CPU second',
  'wire.batches.cpu': 'Wire: batches of ten, orders per CPU second',
  'wire.batches.p50': 'Wire: batches of ten, 1 / p50',
  'wire.batches.p90': 'Wire: batches of ten, 1 / p90',
  'wire.batches.p99': 'Wire: batches of ten, 1 / p99',
};

function metric(id: string, windows: readonly Window[]): Metric {
  const title = TITLES[id] ?? `Flow ${id.slice('flow.'.length)}: messages/s`;
  return {
    id: `pairs.${id}`,
    title: `${title}, this commit over the other`,
    unit: 'x',
    better: 'higher',
    windows,
  };
}

function method(turns: number): string[] {
  return [
    `A pair starts new processes of both checkouts side by side and gives them ${turns} turns of about a second, with the order changed from turn to turn. Its figure is the median ratio of its turns; above 1 is faster here. The halves of a turn meet much the same machine, and how V8 compiled one process differs from pair to pair.`,
    `The state machine and the order flow are driven by the suite of each checkout, order entry over gRPC by the generator of this one. ${describePlacement(clientsApart())}`,
  ];
}
