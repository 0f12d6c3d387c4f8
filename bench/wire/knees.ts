import { thousands, valueMetric } from '../load/metrics.ts';
import { kneeRate, type RampStep, ramp, sustainedRate } from '../load/ramp.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import type { Venue } from '../load/venue.ts';
import type { Metric, Series } from '../suite/result.ts';
import type { WirePlan } from './plan.ts';

export interface Knee {
  readonly metrics: readonly Metric[];
  readonly series: Series;
}

const NAMES = { grpc: 'gRPC', ws: 'WebSocket' } as const;

/**
 * Increases the rate until one is not sustained, several times. Measures the knee, and for
 * single commands the highest sustained rate. Both are rates that were run, so
 * the true one is up to one step of the ramp higher.
 */
export async function knee(venue: Venue, transport: 'grpc' | 'ws', batch: number, plan: WirePlan, stage: StageReporter): Promise<Knee> {
  const { repeats, ...ramping } = plan.ramps;
  const what = `${NAMES[transport]}, ${batch === 1 ? 'unbatched' : `batches of ${batch}`}`;
  const ramps: RampStep[][] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    // The overload at the end of a ramp may have ended a session.
    await venue.open(transport);
    ramps.push(await ramp(venue.load, { ...ramping, batch }, (rate) => stage.begin(`${what}: ramp ${repeat + 1}, ${thousands(rate)}/s`)));
  }
  const note = `rates from ${thousands(ramping.from)}/s in steps of ${ramping.factor}x, ${ramping.windowMs / 1000} s each; 0: not even the first`;
  const metrics = [
    valueMetric(`wire.${transport}.batch${batch}.knee`, `${what}: highest rate with p99 < 1 ms`, '/s', 'higher', ramps.map(kneeRate), note),
  ];
  if (batch === 1)
    metrics.push(
      valueMetric(`wire.${transport}.single.sustained`, `${what}: highest sustained rate`, '/s', 'higher', ramps.map(sustainedRate), note),
    );
  return { metrics, series: kneeChart(`wire.${transport}.batch${batch}.knee`, what, ramps) };
}

/** The ramp with the highest rate before p99 exceeded 1 ms: the others were disturbed more. */
function kneeChart(id: string, what: string, ramps: readonly RampStep[][]): Series {
  const best = ramps.reduce((a, b) => (kneeRate(b) > kneeRate(a) ? b : a));
  const line = (name: string, read: (step: RampStep) => number): Series['lines'][number] => ({
    name,
    points: best.map((step) => [step.rate, read(step)] as const),
  });
  return {
    id,
    title: `Throughput and latency: ${what}`,
    x: { label: 'offered commands/s', unit: '/s' },
    y: { label: 'latency from planned time', unit: 'ms', log: true },
    lines: [line('p50', ({ p50 }) => p50), line('p99', ({ p99 }) => p99), line('p99.9', ({ p999 }) => p999)],
  };
}
