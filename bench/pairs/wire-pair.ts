import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadResult } from '../load/load-protocol.ts';
import { cpuSeconds } from '../load/process-usage.ts';
import { type Venue, withVenue } from '../load/venue.ts';
import { clientsApart } from '../suite/cores.ts';
import { attempt } from '../suite/each-window.ts';
import type { ScopeContext } from '../suite/scope.ts';
import { UNDER_WAY } from '../wire/echo-ratios.ts';
import { TARGET_BATCH, TARGET_RATE } from '../wire/plan.ts';
import { type Both, type Figures, ratiosInTurns, type Side } from './turns.ts';

/** The exchange writes its history with a delay. That time belongs to the orders, not to the other side's turn. */
const SETTLE_MS = 50;
const WARM_UP_MS = 2000;

const ONE_AT_A_TIME = { warmup: 50, orders: 500, windows: 1 };
const UNBATCHED = { underWay: UNDER_WAY, warmupMs: 50, windowMs: 250 };
const BATCHED = { rate: TARGET_RATE, batch: TARGET_BATCH, warmupMs: 50, windowMs: 1500, windows: 1, sampleMs: 0, mayReject: true };

/** Order entry over gRPC: both exchanges run at once, each with a load generator of this checkout; the one out of its turn sleeps. */
export async function wirePair(context: ScopeContext, name: string, checkouts: Both<string>, turns: number): Promise<Figures> {
  const options = (side: Side) => ({ checkout: checkouts[side], durability: 'fast', placement: clientsApart() }) as const;
  let ratios: Figures = {};
  await withVenue(context, `${name}-old`, options('old'), (old) =>
    withVenue(context, `${name}-new`, options('new'), async (now) => {
      const venues = { old, new: now };
      for (const venue of Object.values(venues)) await warmUp(venue);
      ratios = await ratiosInTurns(turns, (side) => measure(venues[side], context.signal));
    }),
  );
  return ratios;
}

async function warmUp({ open, load }: Venue): Promise<void> {
  await open('grpc');
  for (const batch of [TARGET_BATCH, 1]) await load.run({ ...BATCHED, batch, rate: TARGET_RATE / 2, warmupMs: WARM_UP_MS });
  await load.saturate({ ...UNBATCHED, warmupMs: WARM_UP_MS });
}

async function measure(venue: Venue, signal: AbortSignal): Promise<Figures> {
  const { load } = venue;
  /** A load that the exchange refused or broke off is one that failed: the next one has a new session. */
  const orFailed = async (work: () => Promise<Figures>): Promise<Figures | undefined> => {
    const found = await attempt(signal, work);
    if (!('failed' in found)) return found.found;
    await venue.open('grpc');
    return undefined;
  };
  const single = await orFailed(async () => ({ 'wire.pingpong': 1 / (await load.pingPong(ONE_AT_A_TIME)).windows[0].p50 }));
  const unbatched = await orFailed(async () => {
    const { result, cpu } = await withCpu(venue, () => load.saturate(UNBATCHED));
    return { 'wire.unbatched': result.achieved, 'wire.unbatched.cpu': 1 / cpu };
  });
  const batched = await orFailed(async () => {
    const { result, cpu } = await withCpu(venue, () => load.run(BATCHED));
    return batchFigures(result, cpu);
  });
  return { ...FAILED, ...single, ...unbatched, ...batched };
}

const FAILED: Figures = {
  'wire.pingpong': 0,
  'wire.unbatched': 0,
  'wire.unbatched.cpu': 0,
  'wire.batches.cpu': 0,
  'wire.batches.p50': 0,
  'wire.batches.p90': 0,
  'wire.batches.p99': 0,
};

/** Of a late generator the latency is not that of the exchange; its CPU time is. @throws Error if the load failed */
export function batchFigures({ windows: [latency], faults: [fault] }: LoadResult, cpu: number): Figures {
  if (fault.failed !== undefined) throw new Error(fault.failed);
  const of = (ms: number): number => (fault.vetoed === undefined ? 1 / ms : Number.NaN);
  return {
    'wire.batches.cpu': 1 / cpu,
    'wire.batches.p50': of(latency.p50),
    'wire.batches.p90': of(latency.p90),
    'wire.batches.p99': of(latency.p99),
  };
}

/** With the seconds of CPU time of the exchange per order. */
async function withCpu(
  { exchange }: Venue,
  work: () => Promise<LoadResult>,
): Promise<{ readonly result: LoadResult; readonly cpu: number }> {
  const before = cpuSeconds(exchange.pid);
  const result = await work();
  await sleep(SETTLE_MS);
  return { result, cpu: (cpuSeconds(exchange.pid) - before) / result.orders };
}
