import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Durability, Topology } from '../../engine/engine.ts';
import { resolveLimits } from '../../engine/limits.ts';
import { CommandMaker } from '../core/command-maker.ts';
import type { Span } from '../core/measured-core.ts';
import { GcWatch } from '../suite/gc-watch.ts';
import { type Latency, Recorder } from '../suite/recorder.ts';
import type { ScopeContext } from '../suite/scope.ts';
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
  /** Garbage collections of the I/O thread, by window, over all rates and the closed loop. */
  readonly collections: readonly number[];
}

/**
 * One topology and durability from a new directory: warm-up, then
 * `context.windows` times each rate and the closed loop, in turn.
 * @throws InvariantError when the log does not replay to the state of the twin
 */
export async function runVariant(
  { windowSeconds, warmUpCommands, maximumCommands }: PipelinePlan,
  variant: Variant,
  context: ScopeContext,
  progress: (what: string, done: number) => void,
): Promise<VariantFigures> {
  const { topology, durability, rates } = variant;
  const name = `${topology}, ${durability}`;
  const limits = resolveLimits({ orders: 2 ** 16, rememberedOrders: 2 ** 16 });
  const capacity = Math.max(warmUpCommands, maximumCommands, ...rates.map((rate) => Math.ceil(rate * windowSeconds)));
  const dir = join(context.dir, `${topology}-${durability}`);
  mkdirSync(dir);
  const maker = new CommandMaker(limits, capacity);
  const pipeline = new Pipeline({ dir, topology, durability, limits, capacity });
  const recorder = new Recorder();
  const gc = new GcWatch();
  const latencies: Latency[][] = rates.map(() => []);
  const maximum: number[] = [];
  const collections: number[] = [];
  const prepare = async (count: number): Promise<void> => {
    context.signal.throwIfAborted();
    await maker.make(count);
    await gc.settle();
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
    for (let window = 0; window < context.windows; window++) {
      let collected = 0;
      const measure = async (what: string, step: number, count: number, run: () => Promise<Span>): Promise<Span> => {
        progress(`${name}: ${what}, window ${window + 1} of ${context.windows}`, (window + step / (rates.length + 1)) / context.windows);
        await prepare(count);
        const span = await run();
        collected += await gc.count(span.fromMs, span.toMs);
        return span;
      };
      for (const [index, rate] of rates.entries()) {
        const count = Math.round(rate * windowSeconds);
        await measure(`${rate} commands/s`, index, count, () => pipeline.openLoop(maker.words, count, rate, recorder));
        latencies[index].push(recorder.take());
      }
      const most = maximumCommands;
      const { fromMs, toMs } = await measure('as fast as it goes', rates.length, most, () => pipeline.closedLoop(maker.words, most));
      maximum.push((most / (toMs - fromMs)) * 1000);
      collections.push(collected);
    }
    await pipeline.stop(await maker.state());
    return { ...variant, latencies, maximum, collections };
  } finally {
    gc.close();
    await pipeline.abandon();
    await maker.close();
  }
}
