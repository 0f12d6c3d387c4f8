/**
 * Shows who makes the exchange's I/O thread wait at the target's load, for one or more built checkouts, in turns:
 *
 *   node bench/waits.ts [CHECKOUT ...] [--seconds N] [--turns N] [--rate N] [--durability fast|durable]
 *
 * Without a checkout: this one. It prints the median of the turns for each figure: the processor time per order by thread, and, with `perf`
 * and the right to use it (root, or kernel.perf_event_paranoid -1), from the scheduler's events the waits of the I/O thread, and the
 * stretches of the other threads. A wait is our own if threads of the exchange ran for at least half of it. Linux only.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Venue, withVenue } from './load/venue.ts';
import { clientsApart } from './suite/cores.ts';
import { median } from './suite/result.ts';
import { canRecordScheduler, recordScheduler } from './waits/record-scheduler.ts';
import { SchedulerTrace } from './waits/scheduler-trace.ts';
import { threadNames, threadTimes } from './waits/thread-times.ts';
import { figuresOf, type TurnFigures, timesOf } from './waits/turn-figures.ts';
import { TARGET_BATCH, TARGET_RATE } from './wire/plan.ts';

const USAGE = 'usage: node bench/waits.ts [CHECKOUT ...] [--seconds N] [--turns N] [--rate N] [--durability fast|durable]\n';
const WARM_UP_MS = 3000;
/** After the load: what the history writes later belongs to the orders of the turn. */
const SETTLE_MS = 500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3' },
    turns: { type: 'string', default: '5' },
    rate: { type: 'string', default: String(TARGET_RATE) },
    durability: { type: 'string', default: 'fast' },
  },
});
const checkouts = (positionals.length === 0 ? [join(import.meta.dirname, '..')] : positionals).map((path) => resolve(path));
const [seconds, turns, rate] = [Number(values.seconds), Number(values.turns), Number(values.rate)];
const durability = values.durability === 'durable' ? 'durable' : 'fast';
const missing = checkouts.find((path) => !existsSync(join(path, 'dist/gateway/cli.js')));
if (!(seconds > 0 && turns >= 1 && rate > 0) || missing !== undefined) {
  process.stderr.write(missing === undefined ? USAGE : `${missing} is not built.\n${USAGE}`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), 'openbell-waits-'));
const aborted = new AbortController();
process.once('SIGINT', () => aborted.abort(new Error('interrupted')));
const placement = clientsApart();
const withPerf = canRecordScheduler();
const load = { rate, batch: TARGET_BATCH, windows: 1, sampleMs: 0, mayReject: true };

async function measure({ exchange, load: generator }: Venue): Promise<TurnFigures> {
  const names = threadNames(exchange.pid);
  const trace = new SchedulerTrace(exchange.pid, names);
  const before = threadTimes(exchange.pid);
  const found = { orders: 0, p50: 0, p99: 0 };
  const work = async (): Promise<void> => {
    const { orders, windows } = await generator.run({ ...load, warmupMs: 100, windowMs: seconds * 1000 });
    Object.assign(found, { orders, p50: windows[0].p50, p99: windows[0].p99 });
  };
  if (withPerf) await recordScheduler(join(scratch, 'perf.data'), placement.clients, work, (line) => trace.line(line));
  else await work();
  await sleep(SETTLE_MS);
  return {
    ...timesOf(before, threadTimes(exchange.pid), names, found.orders, seconds),
    'p50, ms': found.p50,
    'p99, ms': found.p99,
    ...(withPerf && figuresOf(trace, names, seconds)),
  };
}

/** Starts the exchanges one within the other, then measures them in turns. */
async function inTurns(venues: readonly Venue[], found: readonly TurnFigures[][]): Promise<void> {
  const rest = checkouts.slice(venues.length);
  if (rest.length > 0) {
    const context = { profile: 'ci', windows: 3, dir: scratch, progress: () => undefined, signal: aborted.signal, options: {} } as const;
    await withVenue(context, `data-${venues.length}`, { checkout: rest[0], durability, placement }, async (venue) => {
      await venue.open('grpc');
      await venue.load.run({ ...load, rate: rate / 2, warmupMs: WARM_UP_MS, windowMs: 1 });
      await inTurns([...venues, venue], found);
    });
    return;
  }
  for (let turn = 0; turn < turns; turn++) {
    const order = [...venues.keys()];
    for (const i of turn % 2 === 0 ? order : order.toReversed()) found[i].push(await measure(venues[i]));
  }
}

const found: readonly TurnFigures[][] = checkouts.map(() => []);
try {
  await inTurns([], found);
} finally {
  rmSync(scratch, { recursive: true });
}
if (!withPerf) process.stderr.write('perf cannot record the scheduler here: no waits and no stretches.\n');
process.stdout.write(`figure | ${checkouts.join(' | ')}\n---|${checkouts.map(() => '---').join('|')}\n`);
const figures = new Set(found.flat().flatMap((each) => Object.keys(each)));
const shown = (of: readonly TurnFigures[], figure: string): string => {
  const all = of.map((each) => each[figure] ?? 0);
  return `${median(all).toFixed(3)} (${all.map((each) => each.toFixed(2)).join(' ')})`;
};
for (const figure of figures) process.stdout.write(`${figure} | ${found.map((of) => shown(of, figure)).join(' | ')}\n`);
