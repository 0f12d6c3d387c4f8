import { assert } from '../../engine/assert.ts';
import { resolveLimits } from '../../engine/limits.ts';
import { tradingHash } from '../../engine/machine/state-rows.ts';
import { CommandMaker } from '../core/command-maker.ts';
import { MeasuredCore } from '../core/measured-core.ts';
import { EmbeddedFlow, type Use } from './embedded-flow.ts';

export interface EmbedPlan {
  readonly warmUpCommands: number;
  /** Of a window. */
  readonly commands: number;
  /** The window is done in as many parts, bare and embedded in turns. */
  readonly turns: number;
}

export interface EmbedFigures {
  /** Commands/s of each window: of the bare state machine, and of the embedded exchange. */
  readonly bare: readonly number[];
  readonly embedded: readonly number[];
}

/**
 * The commands of the scope `core`, given to the bare state machine and to an embedded exchange in turns of some milliseconds, each with a state of
 * its own, so that a disturbance of the machine affects both equally.
 * @throws InvariantError when the states differ at the end
 */
export async function runEmbed(
  use: Use,
  plan: EmbedPlan,
  windows: number,
  progress: (what: string, done: number) => void,
): Promise<EmbedFigures> {
  const limits = resolveLimits({ orders: 2 ** 16, rememberedOrders: 2 ** 16 });
  const part = Math.ceil(plan.commands / plan.turns);
  // The definitions and the first orders of the flow come first, in one part.
  const maker = new CommandMaker(limits, Math.max(part, 8192));
  const core = new MeasuredCore(limits, maker);
  const flow = new EmbeddedFlow(limits, use);
  const bareFirst = (count: number): { readonly bareMs: number; readonly ms: number } => {
    const { fromMs, toMs } = core.closedLoop(count);
    return { bareMs: toMs - fromMs, ms: flow.run(maker.words, count) };
  };
  const embeddedFirst = (count: number): { readonly bareMs: number; readonly ms: number } => {
    const ms = flow.run(maker.words, count);
    const { fromMs, toMs } = core.closedLoop(count);
    return { bareMs: toMs - fromMs, ms };
  };
  /** One part for each; another one comes first each time. */
  const turn = async (number: number): Promise<{ readonly bareMs: number; readonly ms: number }> => {
    await maker.make(part);
    flow.prepare(maker.words, part);
    return number % 2 === 0 ? bareFirst(part) : embeddedFirst(part);
  };
  try {
    const first = (await maker.setUp()).count;
    flow.prepare(maker.words, first);
    bareFirst(first);
    for (let done = 0; done < plan.warmUpCommands; done += part) {
      progress(`${use}: warm-up`, 0);
      await turn(done / part);
    }
    const bare: number[] = [];
    const embedded: number[] = [];
    for (let window = 0; window < windows; window++) {
      let [bareMs, ms] = [0, 0];
      for (let i = 0; i < plan.turns; i++) {
        progress(`${use}: window ${window + 1} of ${windows}`, (window + i / plan.turns) / windows);
        const took = await turn(i);
        bareMs += took.bareMs;
        ms += took.ms;
      }
      bare.push((part * plan.turns * 1000) / bareMs);
      embedded.push((part * plan.turns * 1000) / ms);
    }
    const { tradingHash: expected } = await maker.state();
    assert(tradingHash(flow.exchange.machine) === expected, `embed: ${use}: same commands, other state`);
    return { bare, embedded };
  } finally {
    await maker.close();
  }
}
