import { assert } from '../../engine/assert.ts';
import { resolveLimits } from '../../engine/limits.ts';
import { stateHash } from '../../engine/machine/state-rows.ts';
import { addDisturbance, type Disturbance, DisturbanceWatch, UNDISTURBED } from '../suite/disturbance.ts';
import { type Latency, Recorder } from '../suite/recorder.ts';
import { CommandMaker } from './command-maker.ts';
import type { TwinState } from './command-maker-worker.ts';
import { MeasuredCore, type Span } from './measured-core.ts';

export interface CorePlan {
  /** Commands/s, rising. */
  readonly rates: readonly number[];
  /** Of an open-loop window. */
  readonly windowSeconds: number;
  readonly warmUpCommands: number;
  /** Of a closed-loop window. */
  readonly maximumCommands: number;
}

export interface CoreFigures {
  /** By rate, then window. */
  readonly latencies: readonly (readonly Latency[])[];
  /** Commands/s of each closed-loop window. */
  readonly maximum: readonly number[];
  /** By window, over all rates and the closed loop. */
  readonly disturbances: readonly Disturbance[];
  readonly twin: TwinState;
  /** Share of the commands that traded, from 0 to 1. */
  readonly traded: number;
}

const WARM_UP_RATE = 500_000;
const WARM_UP_STEP = 500_000;

/** Maximum number of commands of a window of this plan. */
function capacityOf({ rates, windowSeconds, maximumCommands }: CorePlan): number {
  return Math.max(WARM_UP_STEP, maximumCommands, ...rates.map((rate) => rate * windowSeconds));
}

/**
 * Runs the plan: warm-up, then `windows` times each rate and the closed loop, in
 * turn, so that a disturbance of the machine affects all rates equally.
 * @throws InvariantError when a command was not answered, or the state differs from the twin's, or money was not conserved
 */
export async function runCore(plan: CorePlan, windows: number, progress: (what: string, done: number) => void): Promise<CoreFigures> {
  const limits = resolveLimits({ orders: 2 ** 16, rememberedOrders: 2 ** 16 });
  const maker = new CommandMaker(limits, capacityOf(plan));
  const core = new MeasuredCore(limits, maker);
  const recorder = new Recorder();
  const watch = new DisturbanceWatch();
  const { rates, windowSeconds } = plan;
  const latencies: Latency[][] = rates.map(() => []);
  const maximum: number[] = [];
  const disturbances: Disturbance[] = [];
  const steps = windows * (rates.length + 1);
  let step = 0;
  let sent = 0;
  const prepare = async (count: number): Promise<void> => {
    await maker.make(count);
    sent += count;
    await watch.begin();
  };
  try {
    progress('warm-up', 0);
    core.closedLoop((await maker.setUp()).count);
    core.answered = 0;
    core.traded = 0;
    for (let left = plan.warmUpCommands; left > 0; left -= WARM_UP_STEP) {
      await prepare(Math.min(left, WARM_UP_STEP));
      core.closedLoop(Math.min(left, WARM_UP_STEP));
    }
    await prepare(WARM_UP_RATE / 4);
    core.openLoop(WARM_UP_RATE / 4, WARM_UP_RATE, recorder);
    recorder.take();
    for (let window = 0; window < windows; window++) {
      let disturbance = UNDISTURBED;
      const measure = async (what: string, count: number, run: () => Span): Promise<Span> => {
        progress(`${what}, window ${window + 1} of ${windows}`, ++step / steps);
        await prepare(count);
        const span = run();
        disturbance = addDisturbance(disturbance, await watch.end(span.toMs));
        return span;
      };
      for (const [index, rate] of rates.entries()) {
        const count = Math.round(rate * windowSeconds);
        await measure(`${rate} commands/s`, count, () => core.openLoop(count, rate, recorder));
        latencies[index].push(recorder.take());
      }
      const { maximumCommands: most } = plan;
      const { fromMs, toMs } = await measure('maximum', most, () => core.closedLoop(most));
      maximum.push((most / (toMs - fromMs)) * 1000);
      disturbances.push(disturbance);
    }
    const twin = await maker.state();
    assert(core.answered === sent, `core: ${sent} commands, ${core.answered} answered`);
    assert(stateHash(core.exchange) === twin.stateHash, 'core: same commands, but a state that differs from the twin');
    assert(core.exchange.accounts.imbalance(1) === 0 && core.exchange.accounts.imbalance(2) === 0, 'core: money was not conserved');
    return { latencies, maximum, disturbances, twin, traded: core.traded / core.answered };
  } finally {
    watch.close();
    await maker.close();
  }
}
