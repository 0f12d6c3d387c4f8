/** Ring in to ring out: sequencer, engine, log and gates, in both topologies, with and without waiting for the disk. */
import { availableParallelism } from 'node:os';
import type { PipelinePlan, Variant, VariantFigures } from '../pipeline/pipeline-run.ts';
import type { PipelineAssignment, PipelineFigures } from '../pipeline/pipeline-worker.ts';
import { disturbanceMetrics } from '../suite/disturbance-metrics.ts';
import { foundIn } from '../suite/each-window.ts';
import type { Latency } from '../suite/recorder.ts';
import { type Metric, median, type Profile, type ScopeResult, type Series } from '../suite/result.ts';
import { runRoomyThread, YOUNG_MB } from '../suite/roomy-thread.ts';
import { measured, type Scope, type ScopeContext } from '../suite/scope.ts';

const TOPOLOGIES = ['compact', 'pinned'] as const;
/** I/O, engine and journal. */
const PINNED_THREADS = 3;

function variants(fast: readonly number[], durable: readonly number[]): Variant[] {
  return TOPOLOGIES.flatMap((topology): Variant[] => [
    { topology, durability: 'fast', rates: fast },
    { topology, durability: 'durable', rates: durable },
  ]);
}

const PLANS: Record<Profile, PipelinePlan> = {
  ci: {
    variants: variants([100_000, 250_000], [50_000, 100_000]),
    windowSeconds: 0.2,
    warmUpCommands: 200_000,
    maximumCommands: 200_000,
  },
  full: {
    variants: variants([50_000, 100_000, 250_000, 500_000, 1_000_000], [25_000, 50_000, 100_000, 250_000, 500_000]),
    windowSeconds: 2,
    warmUpCommands: 1_000_000,
    maximumCommands: 2_000_000,
  },
};

export const scope: Scope = {
  name: 'pipeline',
  title: 'Pipeline: ring in to ring out, both topologies',
  options: {},
  seconds: (profile) => (profile === 'ci' ? 15 : 200),
  run: (context) => measured(scope, () => run(context)),
};

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const plan = PLANS[context.profile];
  const assignment: PipelineAssignment = { plan, windows: context.windows, dir: context.dir };
  const entry = new URL('../pipeline/pipeline-worker.ts', import.meta.url);
  const found = await runRoomyThread<PipelineAssignment, PipelineFigures>(entry, assignment, context);
  const figures = foundIn(found);
  // One that does not end in the state of the twin fails the scope; the figures of the others stay.
  const failures = found.flatMap((each, index) => {
    const { topology, durability } = plan.variants[index];
    return 'failed' in each ? [`${topology}, ${durability}: ${each.failed}`] : [];
  });
  return {
    method: method(plan, context.windows),
    metrics: figures.flatMap(variantMetrics),
    series: [knee('p50', figures, ({ p50 }) => p50), knee('p99', figures, ({ p99 }) => p99), knee('p99.9', figures, ({ p999 }) => p999)],
    ...(failures.length > 0 && { failed: failures.join('\n') }),
  };
}

function variantMetrics({ topology, durability, rates, latencies, maximum, disturbances }: VariantFigures): Metric[] {
  const id = `pipeline.${topology}.${durability}`;
  const title = `${topology}, ${durability}`;
  const value = (each: number) => ({ value: Math.round(each) });
  return [
    ...rates.map(
      (rate, index): Metric => ({
        id: `${id}.${rate}.latency`,
        title: `${title}: latency at ${rate.toLocaleString('en')} commands/s`,
        unit: 'ms',
        better: 'lower',
        windows: latencies[index].map((latency) => ({ latency })),
      }),
    ),
    { id: `${id}.maximum`, title: `${title}: commands at the maximum rate`, unit: '/s', better: 'higher', windows: maximum.map(value) },
    ...disturbanceMetrics(id, disturbances, title),
  ];
}

/** Median over the windows. */
function knee(name: string, figures: readonly VariantFigures[], read: (latency: Latency) => number): Series {
  return {
    id: `pipeline.knee.${name}`,
    title: `${name} by rate`,
    x: { label: 'commands per second', unit: '/s' },
    y: { label: 'latency from the planned time', unit: 'ms', log: true },
    lines: figures.map(({ topology, durability, rates, latencies }) => ({
      name: `${topology}, ${durability}`,
      points: rates.map((rate, index) => [rate, median(latencies[index].map(read))] as const),
    })),
  };
}

function method({ windowSeconds, warmUpCommands, maximumCommands }: PipelinePlan, windows: number): string[] {
  const cores = availableParallelism();
  return [
    'Load: the commands of the scope `core`, put into the command ring at planned times by the thread that is the I/O thread in production; it looks once a turn of its event loop, as frames would come. No network and no history (its end of the report ring is read and dropped).',
    'Latency: from the planned time until the gate has handed on the reports: sequencer, engine, and in `durable` also log and fdatasync. A command that finds the ring full waits, and its waiting counts.',
    `\`compact\` runs all stages on that thread; \`pinned\` has ${PINNED_THREADS} threads.${
      cores < PINNED_THREADS
        ? ` This machine has ${cores} cores: in \`pinned\` the threads take turns, and its figures reflect the scheduler, not the topology.`
        : ''
    }`,
    `Warm-up, in each of the four: ${warmUpCommands.toLocaleString('en')} commands at the maximum rate, and one window of the lowest rate. ${windows} windows of ${windowSeconds} s a rate, all rates in turn; ${maximumCommands.toLocaleString('en')} commands a closed-loop window. Commands are generated before each window, in another thread; garbage is collected at the same time.`,
    `The thread that stands for the I/O thread has a young generation of ${YOUNG_MB} MB, for the clock readings of the load; in production it has V8's default.`,
    'Checked at the end: every command was answered; the replayed log gives the state hash of the twin from which the commands were generated; money is conserved.',
  ];
}
