import { besideFloors } from '../floors/floor-metrics.ts';
import { inTurns } from '../floors/in-turns.ts';
import { joinRuns } from '../load/join-runs.ts';
import { latencyMetric, thousands } from '../load/metrics.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import type { TransportName } from '../load/transport.ts';
import type { Venue } from '../load/venue.ts';
import { eachWindow, windowsOf } from '../suite/each-window.ts';
import type { Metric } from '../suite/result.ts';
import { floorLoad } from './floor-plan.ts';
import { BATCHES, type WirePlan } from './plan.ts';
import type { FloorsOf } from './server-side.ts';

const NAMES: Record<TransportName, string> = {
  grpc: 'gRPC',
  'grpc-js': 'gRPC, library as client',
  'grpc-proto': 'gRPC, protobuf',
  ws: 'WebSocket',
  'ws-json': 'WebSocket, JSON',
};

/** Orders before each window of single orders but the first, on its new connection. */
const NEXT_WARMUP = 100;

/** Opens connections of this kind and loads them until V8 has compiled the code to be measured. */
export async function warmUp(venue: Venue, transport: TransportName, plan: WirePlan, stage: StageReporter): Promise<void> {
  stage.begin(`${NAMES[transport]}: warm-up`);
  await venue.open(transport);
  for (const batch of transport === 'grpc' ? BATCHES : [1])
    await venue.load.run({ rate: 40_000, batch, warmupMs: plan.warmupMs, windowMs: 1, windows: 1, sampleMs: 0, mayReject: true });
}

/** One command at a time: the latency of a single order without other load. */
export async function pingPong(venue: Venue, transport: TransportName, plan: WirePlan, stage: StageReporter): Promise<Metric> {
  stage.begin(`${NAMES[transport]}: one at a time`);
  const { pingPongOrders: orders, windows } = plan;
  const [id, title] = [`wire.pingpong.${transport}.latency`, `${NAMES[transport]}: single orders, one at a time`];
  // Of a new connection each: a window that broke off does not take the others with it.
  const found = await eachWindow(windows, stage.signal, async (window) => {
    await venue.open(transport);
    const { windows: latencies } = await venue.load.pingPong({
      warmup: window === 0 ? Math.floor(orders / 2) : NEXT_WARMUP,
      orders,
      windows: 1,
    });
    return latencies[0];
  });
  return { id, title, unit: 'ms', better: 'lower', windows: windowsOf(found, (latency) => ({ latency })) };
}

/** Open loop at fixed rates, single commands and batches. */
export async function fixedRates(
  venue: Venue,
  transport: TransportName,
  batches: readonly number[],
  rates: readonly number[],
  plan: WirePlan,
  stage: StageReporter,
): Promise<Metric[]> {
  const { warmupMs, windowMs } = plan.fixed;
  const metrics: Metric[] = [];
  for (const batch of batches)
    for (const rate of rates) {
      const what = `${thousands(rate)} commands/s, ${batch === 1 ? 'unbatched' : `batches of ${batch}`}`;
      stage.begin(`${NAMES[transport]}: ${what}`);
      // A session that an earlier rate has lost would fail this one, too.
      await venue.open(transport);
      const result = await venue.load.run({ rate, batch, warmupMs, windowMs, windows: plan.windows, sampleMs: 0, mayReject: true });
      metrics.push(latencyMetric(`wire.${transport}.batch${batch}.${rate}.latency`, `${NAMES[transport]}: ${what}`, rate, result));
    }
  return metrics;
}

/** Single commands at a fixed rate, open loop, in turns with floors: one turn of each in a window. */
export async function rateBesideFloors(
  venue: Venue,
  transport: 'grpc' | 'ws',
  rate: number,
  floorsOf: FloorsOf,
  plan: WirePlan,
  stage: StageReporter,
): Promise<readonly Metric[]> {
  const { warmupMs, windowMs } = plan.fixed;
  const what = `${NAMES[transport]}: ${thousands(rate)} commands/s, unbatched`;
  stage.begin(`${what}, and its floors`);
  const floors = await floorsOf(venue, floorLoad(plan, rate, 1, windowMs));
  for (const floor of floors) await floor.warmUp();
  const turn = async () => {
    stage.begin(what);
    await venue.open(transport);
    return await venue.load.run({ rate, batch: 1, warmupMs, windowMs, windows: 1, sampleMs: 0, mayReject: true });
  };
  const { exchange, floors: found } = await inTurns(plan.windows, 1, turn, floors);
  const latency = latencyMetric(`wire.${transport}.batch1.${rate}.latency`, what, rate, joinRuns(exchange, windowMs / 1000));
  return besideFloors(latency, found, { scope: 'wire', point: `${transport}.batch1.${rate}`, what });
}
