/** Risk, matching and settlement in one step, on one core, at rising fixed rates. */
import type { CoreFigures, CorePlan } from '../core/core-run.ts';
import type { CoreAssignment } from '../core/core-worker.ts';
import { disturbanceMetrics } from '../suite/disturbance-metrics.ts';
import type { Latency } from '../suite/recorder.ts';
import { type Metric, median, type Profile, type ScopeResult, type Series } from '../suite/result.ts';
import { runRoomyThread, YOUNG_MB } from '../suite/roomy-thread.ts';
import { measured, type Scope, type ScopeContext } from '../suite/scope.ts';

/** Commands/s; exchange-core publishes its table for these, except for 1.5 M. */
const RATES = [125_000, 250_000, 500_000, 1_000_000, 1_500_000, 2_000_000];
const PLANS: Record<Profile, CorePlan> = {
  ci: { rates: RATES, windowSeconds: 0.2, warmUpCommands: 1_500_000, maximumCommands: 400_000 },
  full: { rates: RATES, windowSeconds: 2, warmUpCommands: 3_000_000, maximumCommands: 3_000_000 },
};
/** A rate is sustained if 99 % of its commands are done within this time. */
const HELD_MS = 1;

export const scope: Scope = {
  name: 'core',
  title: 'Core: risk, matching and settlement on one core',
  options: {},
  seconds: (profile) => (profile === 'ci' ? 12 : 120),
  run: (context) => measured(scope, () => run(context)),
};

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series'>> {
  const plan = PLANS[context.profile];
  const assignment: CoreAssignment = { plan, windows: context.windows };
  const figures = await runRoomyThread<CoreAssignment, CoreFigures>(
    new URL('../core/core-worker.ts', import.meta.url),
    assignment,
    context,
  );
  return { method: method(plan, figures, context.windows), metrics: metrics(figures), series: [knee(figures)] };
}

function metrics({ latencies, maximum, disturbances }: CoreFigures): Metric[] {
  const byRate = RATES.map(
    (rate, index): Metric => ({
      id: `core.${rate}.latency`,
      title: `Latency at ${rate.toLocaleString('en')} commands/s`,
      unit: 'ms',
      better: 'lower',
      windows: latencies[index].map((latency) => ({ latency })),
      ...(median(latencies[index].map(({ p99 }) => p99)) > HELD_MS
        ? { note: 'Includes a backlog: the rate is too high for this machine, or the core was shared (see core.waited).' }
        : {}),
    }),
  );
  const held = maximum.map((_, window) => Math.max(0, ...RATES.filter((_, index) => latencies[index][window].p99 < HELD_MS)));
  return [
    ...byRate,
    {
      id: 'core.held',
      title: `Highest of the rates with p99 < ${HELD_MS} ms`,
      unit: '/s',
      better: 'higher',
      windows: held.map((value) => ({ value })),
    },
    {
      id: 'core.maximum',
      title: 'Commands at the maximum rate',
      unit: '/s',
      better: 'higher',
      windows: maximum.map((value) => ({ value: Math.round(value) })),
    },
    ...disturbanceMetrics('core', disturbances),
  ];
}

/** Median over the windows of each percentile. */
function knee({ latencies }: CoreFigures): Series {
  const line = (name: string, read: (latency: Latency) => number) => ({
    name,
    points: RATES.map((rate, index) => [rate, median(latencies[index].map(read))] as const),
  });
  return {
    id: 'core.knee',
    title: 'Latency by rate',
    x: { label: 'commands per second', unit: '/s' },
    y: { label: 'latency from the planned time', unit: 'ms', log: true },
    lines: [line('p50', ({ p50 }) => p50), line('p99', ({ p99 }) => p99), line('p99.9', ({ p999 }) => p999)],
  };
}

function method({ windowSeconds, warmUpCommands, maximumCommands }: CorePlan, { twin, traded }: CoreFigures, windows: number): string[] {
  const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
  const { mix, restingOrders, levels } = twin;
  return [
    'Load: the mix of the table that exchange-core publishes: 9 % new, 3 % immediate-or-cancel, 6 % cancel, 82 % move; 1,000 accounts, one symbol, fees on.' +
      ` In this run: ${percent(mix.new)} new or immediate-or-cancel, ${percent(mix.cancel)} cancel, ${percent(mix.move)} move; ${percent(traded)} of the commands traded; ${restingOrders} orders rested at ${levels} prices at the end.`,
    'Measured: checks, matching, settlement, and every report and market event in its ring. Not measured: log, gates, threads, network. exchange-core omits the same, but its measured path crosses threads; this one does not.',
    'Open loop: command i is due at start + i / rate. Latency counts from there until all reports of its poll (at most 256 commands) are in the ring, so that a delay of one command is included in the later ones.',
    'Commands are generated before each window, from a twin of the exchange in another thread. Times are stored during the window and put into the histogram after it. The measuring thread empties the rings between two polls; the latency of waiting commands includes this.',
    `Reading the clock takes about 60 ns and 16 bytes of garbage, and every latency includes it. The measured thread has a young generation of ${YOUNG_MB} MB, enough for the readings of a window; the exchange itself creates no garbage.`,
    `Warm-up: ${warmUpCommands.toLocaleString('en')} commands at the maximum rate, a quarter of a second at 500,000/s. ${windows} windows of ${windowSeconds} s a rate, all rates in turn; ${maximumCommands.toLocaleString('en')} commands a closed-loop window. Garbage is collected before each window.`,
    'Checked at the end: every command was answered, the state has the hash of the twin, money is conserved.',
  ];
}
