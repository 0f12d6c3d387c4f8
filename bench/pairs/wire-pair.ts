import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from '../load/process-usage.ts';
import { type Venue, withVenue } from '../load/venue.ts';
import { clientsApart } from '../suite/cores.ts';
import type { Latency } from '../suite/recorder.ts';
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
      ratios = await ratiosInTurns(turns, (side) => measure(venues[side]));
    }),
  );
  return ratios;
}

async function warmUp({ open, load }: Venue): Promise<void> {
  await open('grpc');
  for (const batch of [TARGET_BATCH, 1]) await load.run({ ...BATCHED, batch, rate: TARGET_RATE / 2, warmupMs: WARM_UP_MS });
  await load.saturate({ ...UNBATCHED, warmupMs: WARM_UP_MS });
}

async function measure(venue: Venue): Promise<Figures> {
  const { load } = venue;
  const [{ p50 }] = (await load.pingPong(ONE_AT_A_TIME)).windows;
  let achieved = 0;
  const unbatched = await cpuPerOrder(venue, async () => {
    const result = await load.saturate(UNBATCHED);
    achieved = result.achieved;
    return result.orders;
  });
  let latency: Latency | undefined;
  const batched = await cpuPerOrder(venue, async () => {
    const result = await load.run(BATCHED);
    [latency] = result.windows;
    return result.orders;
  });
  return {
    'wire.pingpong': 1 / p50,
    'wire.unbatched': achieved,
    'wire.unbatched.cpu': 1 / unbatched,
    'wire.batches.cpu': 1 / batched,
    'wire.batches.p50': 1 / (latency?.p50 ?? Number.NaN),
    'wire.batches.p90': 1 / (latency?.p90 ?? Number.NaN),
    'wire.batches.p99': 1 / (latency?.p99 ?? Number.NaN),
  };
}

/** Seconds of CPU time of the exchange per order. @param work returns the number of its orders */
async function cpuPerOrder({ exchange }: Venue, work: () => Promise<number>): Promise<number> {
  const before = cpuSeconds(exchange.pid);
  const orders = await work();
  await sleep(SETTLE_MS);
  return (cpuSeconds(exchange.pid) - before) / orders;
}
