import { setTimeout as sleep } from 'node:timers/promises';
import type { EchoProcess } from '../floors/echo-process.ts';
import { ECHO_ACCOUNTS } from '../floors/floor.ts';
import { thousands } from '../load/metrics.ts';
import { cpuSeconds } from '../load/process-usage.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import { RESTING, type Venue } from '../load/venue.ts';
import { type Attempt, eachWindow, foundIn, windowsOf } from '../suite/each-window.ts';
import { type Latency, mergeLatencies } from '../suite/recorder.ts';
import { type Metric, median } from '../suite/result.ts';
import type { WirePlan } from './plan.ts';

/** Commands in flight: enough that neither side ever waits for one. */
export const UNDER_WAY = 4000;
/** The exchange writes its history with a delay. Its CPU time belongs to the orders, not to the echo's turn. */
const SETTLE_MS = 50;

const SIDES = ['exchange', 'echo'] as const;
type Side = (typeof SIDES)[number];

/** The figures of one side in the turns of a window. */
interface Turns {
  readonly pingPong: Latency[];
  readonly achieved: number[];
  cpuSeconds: number;
  orders: number;
}
type Window = Record<Side, Turns>;

/**
 * Ratios of the exchange to a server of the general gRPC library that accepts every order without processing. They take
 * short turns, several in each window, so that a longer disturbance of the machine affects both.
 */
export async function echoRatios(venue: Venue, echo: EchoProcess, plan: WirePlan, stage: StageReporter): Promise<Metric[]> {
  const { load, symbols } = venue;
  const open: Record<Side, () => Promise<void>> = {
    exchange: () => venue.open('grpc'),
    echo: () => load.open({ transport: 'grpc', port: echo.port, accounts: ECHO_ACCOUNTS, symbols, resting: RESTING }),
  };
  const pids: Record<Side, number> = { exchange: venue.exchange.pid, echo: echo.pid };
  const { turns, pingPong, saturate } = plan.echo;

  const turn = async (side: Side, to: Turns): Promise<void> => {
    await open[side]();
    to.pingPong.push(...(await load.pingPong({ ...pingPong, windows: 1 })).windows);
    const before = cpuSeconds(pids[side]);
    const { achieved, orders } = await load.saturate({ underWay: UNDER_WAY, ...saturate });
    await sleep(SETTLE_MS);
    to.achieved.push(achieved);
    to.cpuSeconds += cpuSeconds(pids[side]) - before;
    to.orders += orders;
  };
  const window = async (name: string): Promise<Window> => {
    stage.begin(`gRPC, the exchange and the echo in turns: ${name}`);
    const found: Window = { exchange: none(), echo: none() };
    for (let i = 0; i < turns; i++) for (const side of SIDES) await turn(side, found[side]);
    return found;
  };

  await window('warm-up');
  const windows = await eachWindow(plan.windows, stage.signal, (index) => window(`window ${index + 1}`));
  return [
    ratio('pingpong.p50', 'single orders, one at a time, p50', 'lower', windows, p50, (ms) => `${ms.toFixed(3)} ms`),
    ratio('cpu_per_order', 'CPU per order at the highest rate', 'lower', windows, cpuPerOrder, (us) => `${us.toFixed(1)} us`),
    ratio('sustained', 'unbatched messages a second', 'higher', windows, sustained, (rate) => `${thousands(Math.round(rate))}/s`),
  ];
}

const none = (): Turns => ({ pingPong: [], achieved: [], cpuSeconds: 0, orders: 0 });
const p50 = ({ pingPong }: Turns): number => mergeLatencies(pingPong).p50;
const cpuPerOrder = (turns: Turns): number => (turns.cpuSeconds * 1e6) / turns.orders;
const sustained = ({ achieved }: Turns): number => achieved.reduce((sum, each) => sum + each, 0) / achieved.length;

function ratio(
  id: string,
  what: string,
  better: Metric['better'],
  windows: readonly Attempt<Window>[],
  figure: (turns: Turns) => number,
  write: (figure: number) => string,
): Metric {
  const found = foundIn(windows);
  const of = (side: Side): string => write(median(found.map((window) => figure(window[side]))));
  return {
    id: `wire.ratio.echo.${id}`,
    title: `gRPC over an echo of the general library: ${what}`,
    unit: 'x',
    better,
    windows: windowsOf(windows, ({ exchange, echo }) => ({ value: figure(exchange) / figure(echo) })),
    ...(found.length > 0 && { note: `Median of the exchange ${of('exchange')}, of the echo ${of('echo')}.` }),
  };
}
