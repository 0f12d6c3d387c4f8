import type { LoadClient } from './load-client.ts';

/** One rate of a ramp. */
export interface RampStep {
  readonly rate: number;
  /** ms. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** The load was answered as fast as it was offered. */
  readonly kept: boolean;
}

export interface RampPlan {
  readonly batch: number;
  /** Commands a second: the first rate, and the end of the ramp if every rate is sustained. */
  readonly from: number;
  readonly to: number;
  /** Factor from one rate to the next, above 1. */
  readonly factor: number;
  readonly warmupMs: number;
  readonly windowMs: number;
}

/** Maximum p99 of a sustained rate: above it, a queue grows that the window is too short to show. */
const SUSTAINED_P99_MS = 50;
/** The knee: the highest rate with a p99 below this. */
const KNEE_P99_MS = 1;

/** Rates upwards until one is not sustained. `onStep` is called with each rate before it starts. */
export async function ramp(load: LoadClient, plan: RampPlan, onStep: (rate: number) => void): Promise<RampStep[]> {
  const { batch, from, to, factor, warmupMs, windowMs } = plan;
  const steps: RampStep[] = [];
  for (let rate = from; rate <= to; rate = nextRate(rate, factor)) {
    onStep(rate);
    const { windows, kept } = await load.run({ rate, batch, warmupMs, windowMs, windows: 1, sampleMs: 0, mayReject: true });
    const { p50, p99, p999 } = windows[0];
    steps.push({ rate, p50, p99, p999, kept });
    if (!kept || p99 > SUSTAINED_P99_MS) break;
  }
  return steps;
}

/** Round numbers. */
function nextRate(rate: number, factor: number): number {
  return Math.max(rate + 1000, Math.round((rate * factor) / 1000) * 1000);
}

/** The highest sustained rate of the ramp; 0 if the first was not sustained. */
export function sustainedRate(steps: readonly RampStep[]): number {
  return highest(steps, ({ kept, p99 }) => kept && p99 <= SUSTAINED_P99_MS);
}

/** The highest rate of the ramp with p99 < 1 ms; 0 if there is none. */
export function kneeRate(steps: readonly RampStep[]): number {
  return highest(steps, ({ kept, p99 }) => kept && p99 < KNEE_P99_MS);
}

function highest(steps: readonly RampStep[], holds: (step: RampStep) => boolean): number {
  return steps.filter(holds).reduce((most, { rate }) => Math.max(most, rate), 0);
}
