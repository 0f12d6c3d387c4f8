import { assert } from '../../engine/assert.ts';
import { resolveLimits } from '../../engine/limits.ts';
import { tradingHash } from '../../engine/machine/state-rows.ts';
import { CommandMaker } from '../core/command-maker.ts';
import { BareFlow } from './bare-flow.ts';
import { EmbeddedFlow, type Use } from './embedded-flow.ts';
import { OrderInputs } from './order-inputs.ts';

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
 * The orders of the scope `core`, given to the bare state machine and to an embedded exchange in turns of some milliseconds, each with a state of
 * its own, so that a disturbance of the machine affects both equally. Both do the same work from the same inputs: they read columns, send each order, and
 * count those that were accepted. So the bare state machine does not get commands that are encoded already, the calls do not decode recorded commands, and
 * events of books are written by both or by none. Names and decimal text are inputs of the calls alone: their cost is what that row measures.
 * @throws InvariantError when the states or the numbers of accepted orders differ at the end
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
  const capacity = Math.max(part, 8192);
  const maker = new CommandMaker(limits, capacity);
  const inputs = new OrderInputs(capacity);
  const core = new BareFlow(limits, use === 'events');
  const flow = new EmbeddedFlow(limits, use);
  const bareFirst = (): { readonly bareMs: number; readonly ms: number } => {
    const bareMs = core.run(inputs);
    return { bareMs, ms: flow.run(inputs) };
  };
  const embeddedFirst = (): { readonly bareMs: number; readonly ms: number } => {
    const ms = flow.run(inputs);
    return { bareMs: core.run(inputs), ms };
  };
  const read = (count: number): void => {
    inputs.read(maker.words, count);
    flow.prepare(inputs);
  };
  /** One part for each; another one comes first each time. */
  const turn = async (number: number): Promise<{ readonly bareMs: number; readonly ms: number }> => {
    await maker.make(part);
    read(part);
    return number % 2 === 0 ? bareFirst() : embeddedFirst();
  };
  try {
    const first = (await maker.setUp()).count;
    core.define(maker.bytes, maker.words, first);
    read(first);
    bareFirst();
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
    assert(tradingHash(core.exchange) === expected, `embed: ${use}: bare: same commands, other state`);
    assert(flow.accepted === core.accepted, `embed: ${use}: accepted ${flow.accepted} and bare ${core.accepted}`);
    return { bare, embedded };
  } finally {
    await maker.close();
  }
}
