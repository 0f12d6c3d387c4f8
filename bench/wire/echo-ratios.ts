import { setTimeout as sleep } from 'node:timers/promises';
import { thousands, valueMetric } from '../load/metrics.ts';
import { cpuSeconds } from '../load/process-usage.ts';
import type { StageTeller } from '../load/stage-teller.ts';
import { RESTING, type Venue } from '../load/venue.ts';
import { type Metric, median } from '../suite/result.ts';
import type { EchoProcess } from './echo-process.ts';
import type { WirePlan } from './plan.ts';

/** Their reports are numbered by the echo, so the exchange must not know them. */
const ECHO_ACCOUNTS: readonly number[] = [1_000_001, 1_000_002];
/** Commands under way: so many that neither side ever waits for one. */
const UNDER_WAY = 4000;
/** The exchange's history is written behind the trading: its CPU time belongs to the orders, and not into the echo's turn. */
const SETTLE_MS = 150;

const SIDES = ['exchange', 'echo'] as const;
type Side = (typeof SIDES)[number];

/** One figure of both, in turn: what disturbs the machine for a while disturbs both. */
type Figures = Record<Side, number[]>;

/** The exchange over a server of the general gRPC library that accepts every order and does nothing. */
export async function echoRatios(venue: Venue, echo: EchoProcess, plan: WirePlan, stage: StageTeller): Promise<Metric[]> {
  const { load, symbols } = venue;
  const open: Record<Side, () => Promise<void>> = {
    exchange: () => venue.open('grpc'),
    echo: () => load.open({ transport: 'grpc', port: echo.port, accounts: ECHO_ACCOUNTS, symbols, resting: RESTING }),
  };
  const pids: Record<Side, number> = { exchange: venue.exchange.pid, echo: echo.pid };
  const figures = (): Figures => ({ exchange: [], echo: [] });
  const [p50, cpu, sustained] = [figures(), figures(), figures()];
  const { orders, warmupMs, windowMs } = plan.echo;
  // The first round is warm-up.
  for (let round = 0; round <= plan.windows; round++) {
    const keep = (to: number[], figure: number): unknown => round > 0 && to.push(figure);
    for (const side of SIDES) {
      stage.begin(`echo reference: ${side}, one at a time`);
      await open[side]();
      const { windows } = await load.pingPong({ warmup: orders / 4, orders, windows: 1 });
      keep(p50[side], windows[0].p50);
    }
    for (const side of SIDES) {
      stage.begin(`echo reference: ${side}, as fast as it answers`);
      await open[side]();
      const before = cpuSeconds(pids[side]);
      const { achieved, orders } = await load.saturate({ underWay: UNDER_WAY, warmupMs, windowMs });
      await sleep(SETTLE_MS);
      keep(cpu[side], ((cpuSeconds(pids[side]) - before) * 1e6) / orders);
      keep(sustained[side], achieved);
    }
  }
  return [
    ratio('pingpong.p50', 'single orders, one at a time, p50', 'lower', p50, (ms) => `${ms.toFixed(3)} ms`),
    ratio('cpu_per_order', 'CPU per order at the highest rate', 'lower', cpu, (us) => `${us.toFixed(1)} us`),
    ratio('sustained', 'unbatched messages a second', 'higher', sustained, (rate) => `${thousands(Math.round(rate))}/s`),
  ];
}

/** Against the echo's best window: a disturbed one would flatter. */
function ratio(id: string, what: string, better: Metric['better'], { exchange, echo }: Figures, write: (figure: number) => string): Metric {
  const best = better === 'lower' ? Math.min(...echo) : Math.max(...echo);
  const note = `The echo's best window: ${write(best)}, its median ${write(median(echo))}; the exchange's median ${write(median(exchange))}.`;
  const values = exchange.map((figure) => figure / best);
  return valueMetric(`wire.ratio.echo.${id}`, `gRPC over an echo of the general library: ${what}`, 'x', better, values, note);
}
