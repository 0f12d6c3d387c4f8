import type { Floor, FloorLoad } from '../floors/floor.ts';
import { besideFloors } from '../floors/floor-metrics.ts';
import { inTurns } from '../floors/in-turns.ts';
import { joinRuns } from '../load/join-runs.ts';
import type { LoadResult } from '../load/load-protocol.ts';
import { latencyMetric, thousands, underLoad, valueMetric } from '../load/metrics.ts';
import { runWithReadings, type ServerWindow, serverWindow } from '../load/server-readings.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import { THREAD_ROLES, type ThreadRole } from '../load/thread-usage.ts';
import type { Venue } from '../load/venue.ts';
import type { Metric, Series } from '../suite/result.ts';
import { floorLoad, turnsOf } from './floor-plan.ts';
import { TARGET_BATCH, TARGET_RATE, type WirePlan } from './plan.ts';

const SAMPLES = 60;

export interface ServerSide {
  readonly metrics: readonly Metric[];
  readonly series: readonly Series[];
}

/** Starts the floors of a point for its load. */
export type FloorsOf = (venue: Venue, load: FloorLoad) => Promise<readonly Floor[]>;

/** The target rate: 100,000 commands/s in batches of 10, measured by the client and by the exchange. */
export function target(venue: Venue, floorsOf: FloorsOf, plan: WirePlan, stage: StageReporter): Promise<ServerSide> {
  return point(venue, floorsOf, plan, stage, {
    name: 'target',
    rate: TARGET_RATE,
    windowMs: plan.targetWindowMs,
    ids: {
      latency: `wire.target.${TARGET_RATE}.latency`,
      serviceTime: `wire.residence.${TARGET_RATE}`,
      cpu: 'wire.cpu_per_order',
      waited: 'wire.io_waited',
    },
    mode: 'mode fast',
  });
}

/** The same for mode durable, at a rate that the disk can easily sustain. */
export function durable(
  venue: Venue,
  topology: 'auto' | 'pinned',
  floorsOf: FloorsOf,
  plan: WirePlan,
  stage: StageReporter,
): Promise<ServerSide> {
  const { rate, windowMs } = plan.durable;
  const name = topology === 'auto' ? 'durable' : `durable.${topology}`;
  return point(venue, floorsOf, plan, stage, {
    name,
    rate,
    windowMs,
    ids: {
      latency: `wire.${name}.${rate}.latency`,
      serviceTime: `wire.residence.${name}.${rate}`,
      cpu: `wire.cpu_per_order.${name}`,
      waited: `wire.io_waited.${name}`,
    },
    mode: `mode durable${topology === 'auto' ? '' : `, ${topology}`}`,
  });
}

interface Point {
  /** Part of the ids of its floors. */
  readonly name: string;
  readonly rate: number;
  readonly windowMs: number;
  readonly ids: { readonly latency: string; readonly serviceTime: string; readonly cpu: string; readonly waited: string };
  readonly mode: string;
}

async function point(
  venue: Venue,
  floorsOf: FloorsOf,
  plan: WirePlan,
  stage: StageReporter,
  { name, rate, windowMs, ids, mode }: Point,
): Promise<ServerSide> {
  const { exchange, load, open } = venue;
  const { windows } = plan;
  const what = `${thousands(rate)} commands/s in batches of ${TARGET_BATCH}, ${mode}`;
  stage.begin(`${what}: warm-up`);
  await open('grpc');
  const turns = turnsOf(plan, windowMs);
  const turnMs = windowMs / turns;
  const run = { rate, batch: TARGET_BATCH, windowMs: turnMs, sampleMs: (windows * windowMs) / SAMPLES, mayReject: true };
  // Code that is not compiled yet cannot sustain the full rate.
  for (const share of [0.2, 1])
    await load.run({ ...run, rate: share * rate, warmupMs: plan.warmupMs, windowMs: 1, windows: 1, sampleMs: 0 });
  const floors = await floorsOf(venue, floorLoad(plan, rate, TARGET_BATCH, turnMs));
  for (const floor of floors) await floor.warmUp();
  const exchangeTurn = async () => {
    stage.begin(what);
    await open('grpc');
    return await runWithReadings(exchange, load, { ...run, warmupMs: plan.floors.warmupMs });
  };
  const found = await inTurns(windows, turns, exchangeTurn, floors);
  const result = joinRuns(
    found.exchange.map((turns) => turns.map(({ result }) => result)),
    turnMs / 1000,
  );
  const readings = found.exchange.map((turns) => serverWindow(turns.flatMap(({ usage }) => usage ?? [])));
  const server = serverMetrics(ids, what, readings).map((metric) => underLoad(result.faults, metric));
  const cpu = server.find(({ id }) => id === ids.cpu);
  const latency = latencyMetric(ids.latency, what, rate, result);
  return {
    metrics: [...besideFloors(latency, found.floors, { scope: 'wire', point: name, what }, cpu), ...server],
    series: [latencyOverTime(ids.latency, what, result)],
  };
}

const ROLES: Readonly<Record<ThreadRole, string>> = {
  main: 'the I/O thread',
  workers: 'worker threads, such as the history',
  v8: "V8's threads",
  libuv: "libuv's pool",
};

function serverMetrics({ serviceTime, cpu, waited }: Point['ids'], what: string, server: readonly (ServerWindow | undefined)[]): Metric[] {
  const metric = (
    id: string,
    title: string,
    unit: Metric['unit'],
    better: Metric['better'],
    read: (window: ServerWindow) => number,
  ): Metric =>
    valueMetric(
      id,
      `${title}: ${what}`,
      unit,
      better,
      server.map((window) => window && read(window)),
    );
  return [
    metric(`${serviceTime}.p50`, 'Socket read to socket write, p50', 'ms', 'lower', ({ serviceTimeP50 }) => serviceTimeP50),
    metric(`${serviceTime}.p99`, 'Socket read to socket write, p99', 'ms', 'lower', ({ serviceTimeP99 }) => serviceTimeP99),
    metric(`${serviceTime}.within_1ms`, 'Socket read to socket write within 1 ms', '%', 'higher', ({ withinMs }) => withinMs),
    metric(cpu, 'Server CPU per order, all threads', 'us', 'lower', ({ cpuPerOrder }) => cpuPerOrder),
    ...THREAD_ROLES.map((role) =>
      metric(`${cpu}.${role}`, `Server CPU per order, ${ROLES[role]}`, 'us', 'lower', ({ cpuByRole }) => cpuByRole[role]),
    ),
    metric(waited, 'I/O thread ready, but its core was taken', '%', 'lower', (window) => window.waited),
  ];
}

function latencyOverTime(id: string, what: string, { samples }: LoadResult): Series {
  const line = (name: string, read: (sample: (typeof samples)[number]) => number): Series['lines'][number] => ({
    name,
    points: samples.map((sample) => [sample.seconds, read(sample)] as const),
  });
  return {
    id,
    title: `Latency over time: ${what}`,
    x: { label: 'time of the load', unit: 's' },
    y: { label: 'latency from planned time', unit: 'ms', log: true },
    lines: [line('p50', ({ p50 }) => p50), line('p99', ({ p99 }) => p99), line('max', ({ max }) => max)],
  };
}
