import { latencyMetric, thousands, underLoad, valueMetric } from '../load/metrics.ts';
import { runWithReadings, type ServerWindow } from '../load/server-readings.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import type { Venue } from '../load/venue.ts';
import type { Metric, Series } from '../suite/result.ts';
import { TARGET_BATCH, TARGET_RATE, type WirePlan } from './plan.ts';

const SAMPLES = 60;

export interface ServerSide {
  readonly metrics: readonly Metric[];
  readonly series: readonly Series[];
}

/** The target rate: 100,000 commands/s in batches of 10, measured by the client and by the exchange. */
export function target(venue: Venue, plan: WirePlan, stage: StageReporter): Promise<ServerSide> {
  return point(venue, plan, stage, {
    rate: TARGET_RATE,
    windowMs: plan.targetWindowMs,
    ids: {
      latency: `wire.target.${TARGET_RATE}.latency`,
      serviceTime: `wire.residence.${TARGET_RATE}`,
      cpu: 'wire.cpu_per_order',
    },
    mode: 'mode fast',
  });
}

/** The same for mode durable, at a rate that the disk can easily sustain. */
export function durable(venue: Venue, plan: WirePlan, stage: StageReporter): Promise<ServerSide> {
  const { rate, windowMs } = plan.durable;
  return point(venue, plan, stage, {
    rate,
    windowMs,
    ids: {
      latency: `wire.durable.${rate}.latency`,
      serviceTime: `wire.residence.durable.${rate}`,
      cpu: 'wire.cpu_per_order.durable',
    },
    mode: 'mode durable',
  });
}

interface Point {
  readonly rate: number;
  readonly windowMs: number;
  readonly ids: { readonly latency: string; readonly serviceTime: string; readonly cpu: string };
  readonly mode: string;
}

async function point(
  { exchange, load, open }: Venue,
  plan: WirePlan,
  stage: StageReporter,
  { rate, windowMs, ids, mode }: Point,
): Promise<ServerSide> {
  const { windows } = plan;
  const what = `${thousands(rate)} commands/s in batches of ${TARGET_BATCH}, ${mode}`;
  stage.begin(`${what}: warm-up`);
  await open('grpc');
  const run = { rate, batch: TARGET_BATCH, windowMs, windows, sampleMs: (windows * windowMs) / SAMPLES, mayReject: true };
  // Code that is not compiled yet cannot sustain the full rate.
  for (const share of [0.2, 1])
    await load.run({ ...run, rate: share * rate, warmupMs: plan.warmupMs, windowMs: 1, windows: 1, sampleMs: 0 });
  stage.begin(what);
  const { result, server } = await runWithReadings(exchange, load, { ...run, warmupMs: plan.warmupMs });
  const latency = latencyMetric(ids.latency, what, rate, result);
  const line = (name: string, read: (sample: (typeof result.samples)[number]) => number): Series['lines'][number] => ({
    name,
    points: result.samples.map((sample) => [sample.seconds, read(sample)] as const),
  });
  const figure = (
    id: string,
    title: string,
    unit: Metric['unit'],
    better: Metric['better'],
    read: (window: ServerWindow) => number,
  ): Metric =>
    underLoad(
      result.faults,
      valueMetric(
        id,
        `${title}: ${what}`,
        unit,
        better,
        server.map((window) => window && read(window)),
      ),
    );
  return {
    metrics: [
      latency,
      figure(`${ids.serviceTime}.p50`, 'Socket read to socket write, p50', 'ms', 'lower', ({ serviceTimeP50 }) => serviceTimeP50),
      figure(`${ids.serviceTime}.p99`, 'Socket read to socket write, p99', 'ms', 'lower', ({ serviceTimeP99 }) => serviceTimeP99),
      figure(`${ids.serviceTime}.within_1ms`, 'Socket read to socket write within 1 ms', '%', 'higher', ({ withinMs }) => withinMs),
      figure(ids.cpu, 'Server CPU per order, all threads', 'us', 'lower', ({ cpuPerOrder }) => cpuPerOrder),
    ],
    series: [
      {
        id: ids.latency,
        title: `Latency over time: ${what}`,
        x: { label: 'time', unit: 's' },
        y: { label: 'latency from planned time', unit: 'ms', log: true },
        lines: [line('p50', ({ p50 }) => p50), line('p99', ({ p99 }) => p99), line('max', ({ max }) => max)],
      },
    ],
  };
}
