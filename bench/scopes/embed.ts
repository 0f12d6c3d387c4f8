/** The embedded exchange against the bare state machine, in turns. */
import type { EmbedFigures, EmbedPlan } from '../embed/embed-run.ts';
import type { EmbedAssignment } from '../embed/embed-worker.ts';
import { USES, type Use } from '../embed/embedded-flow.ts';
import type { Metric, Profile, ScopeResult } from '../suite/result.ts';
import { runThread } from '../suite/roomy-thread.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

const PLANS: Record<Profile, EmbedPlan> = {
  ci: { warmUpCommands: 400_000, commands: 200_000, turns: 20 },
  full: { warmUpCommands: 1_000_000, commands: 1_000_000, turns: 100 },
};

export const scope: Scope = {
  name: 'embed',
  title: 'Embedded: the exchange as calls of a program, against the bare state machine',
  options: {},
  seconds: (profile) => (profile === 'ci' ? 12 : 50),
  run: (context) => measured(scope, () => run(context)),
};

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const { profile, windows, progress } = context;
  const plan = PLANS[profile];
  const metrics: Metric[] = [];
  const uses = Object.entries(USES) as [Use, string][];
  const parts = new Parts(context.signal);
  for (const [index, [use, text]] of uses.entries())
    await parts.run(use, async () => {
      const { bare, embedded } = await runThread<EmbedAssignment, EmbedFigures>(
        new URL('../embed/embed-worker.ts', import.meta.url),
        { use, plan, windows },
        { ...context, progress: (what, done) => progress(what, (index + done) / uses.length) },
      );
      metrics.push(
        metric(`embed.${use}`, `Calls: ${text}`, '/s', embedded.map(Math.round)),
        metric(`embed.${use}.bare`, 'The bare state machine beside it', '/s', bare.map(Math.round)),
        metric(
          `embed.${use}.share`,
          'Share of the bare rate',
          'x',
          embedded.map((value, window) => value / bare[window]),
        ),
      );
    });
  return {
    method: [
      'Load: that of the scope `core`: 9 % new, 3 % immediate-or-cancel, 6 % cancel, 82 % move; 1,000 accounts, one symbol, fees on. Both have the same state and the same number of accepted orders at the end, which is checked.',
      `In turns of ${Math.ceil(plan.commands / plan.turns).toLocaleString('en')} commands, another one first each time: the bare state machine with its rings, which are read at each 256 commands, and an embedded exchange. Each way to use it has a thread of its own.`,
      'Both read the same columns. Measured of a call: its object, advanceTo, names, checks of the wire, the command, its result and its callbacks; of the bare state machine: packing the 64 bytes of a command, applying it, and looking at its reports. Both write events of books in the row with callbacks only. Collections of garbage are included.',
    ],
    metrics,
    series: [],
    ...parts.outcome,
  };
}

function metric(id: string, title: string, unit: Metric['unit'], values: readonly number[]): Metric {
  return { id, title, unit, better: 'higher', windows: values.map((value) => ({ value })) };
}
