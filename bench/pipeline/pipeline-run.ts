import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { resolveLimits } from '../../engine/limits.ts';
import type { Durability, Topology } from '../../engine/threads/engine-options.ts';
import { CommandMaker } from '../core/command-maker.ts';
import type { Span } from '../core/measured-core.ts';
import { addDisturbance, type Disturbance, DisturbanceWatch, UNDISTURBED } from '../suite/disturbance.ts';
import { type Latency, Recorder } from '../suite/recorder.ts';
import { Pipeline } from './pipeline.ts';

export interface Variant {
  readonly topology: Topology;
  readonly durability: Durability;
  /** Commands/s, rising. */
  readonly rates: readonly number[];
}

export interface PipelinePlan {
  readonly variants: readonly Variant[];
  /** Of an open-loop window. */
  readonly windowSeconds: number;
  readonly warmUpCommands: number;
  /** Of a closed-loop window. */
  readonly maximumCommands: number;
}

export interface VariantFigures extends Variant {
  /** By rate, then window. */
  readonly latencies: readonly (readonly Latency[])[];
  /** Commands/s of each closed-loop window. */
  readonly maximum: readonly number[];
  /** Of the I/O thread, by window, over all rates and the closed loop. */
  readonly disturbances: readonly Disturbance[];
}

/**
 * One topology and durability, in a new folder of `parent`: warm-up, then
 * `windows` times each rate and the closed loop, in turn.
 * @throws InvariantError when the log does not replay to the state of the twin
 */
export async function runVariant(
  { windowSeconds, warmUpCommands, maximumCommands }: PipelinePlan,
  variant: Variant,
  windows: number,
  parent: string,
  progress: (what: string, done: number) => void,
): Promise<VariantFigures> {
  const { topology, durability, rates } = variant;
  const name = `${topology}, ${durability}`;
  const limits = resolveLimits({ orders: 2 ** 16, rememberedOrders: 2 ** 16 });
  const capacity = Math.max(warmUpCommands, maximumCommands, ...rates.map((rate) => Math.ceil(rate * windowSeconds)));
  const dir = join(parent, `${topology}-${durability}`);
  mkdirSync(dir);
  const maker = new CommandMaker(limits, capacity);
  const pipeline = new Pipeline({ dir, topology, durability, limits, capacity });
  const recorder = new Recorder();
  const watch = new DisturbanceWatch();
  const latencies: Latency[][] = rates.map(() => []);
  const maximum: number[] = [];
  const disturbances: Disturbance[] = [];
  const prepare = async (count: number): Promise<void> => {
    await maker.make(count);
    await watch.begin();
  };
  try {
    progress(`${name}: warm-up`, 0);
    await pipeline.start();
    await pipeline.settle(maker.words, (await maker.setUp()).count);
    await prepare(warmUpCommands);
    await pipeline.closedLoop(maker.words, warmUpCommands);
    const slow = Math.round(rates[0] * windowSeconds);
    await prepare(slow);
    await pipeline.openLoop(maker.words, slow, rates[0], recorder);
    recorder.take();
    for (let window = 0; window < windows; window++) {
      let disturbance = UNDISTURBED;
      const measure = async (what: string, step: number, count: number, run: () => Promise<Span>): Promise<Span> => {
        progress(`${name}: ${what}, window ${window + 1} of ${windows}`, (window + step / (rates.length + 1)) / windows);
        await prepare(count);
        const span = await run();
        disturbance = addDisturbance(disturbance, await watch.end(span.toMs));
        return span;
      };
      for (const [index, rate] of rates.entries()) {
        const count = Math.round(rate * windowSeconds);
        await measure(`${rate} commands/s`, index, count, () => pipeline.openLoop(maker.words, count, rate, recorder));
        latencies[index].push(recorder.take());
      }
      const most = maximumCommands;
      const { fromMs, toMs } = await measure('maximum', rates.length, most, () => pipeline.closedLoop(maker.words, most));
      maximum.push((most / (toMs - fromMs)) * 1000);
      disturbances.push(disturbance);
    }
    await pipeline.stop(await maker.state());
    return { ...variant, latencies, maximum, disturbances };
  } finally {
    watch.close();
    await pipeline.abandon();
    await maker.close();
  }
}
