/**
 * What settings of the host do to a running exchange, one at a time: each is on in one turn and off in the next, with the order changed from
 * pair to pair. Root, Linux, two cores. A run that is killed leaves the setting on:
 *
 *   npm run -s build && node bench/tuning/turns.ts [--pairs 25] [--window 400] [--durability fast|durable] SETTING ...
 *
 * A turn is 0.4 s of orders at the target rate (in mode durable 20,000 a second) in batches of ten, and a few hundred orders one at a time.
 * The exchange is bound to all cores but the last, the generator and this process to the last.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { allowedCores, clientsApart } from '../load/placement.ts';
import { cpuSeconds } from '../load/process-usage.ts';
import { type Venue, withVenue } from '../load/venue.ts';
import { median } from '../suite/result.ts';
import { TARGET_BATCH, TARGET_RATE } from '../wire/plan.ts';
import { SETTINGS, type Setting } from './settings.ts';

const DURABLE_RATE = 20_000;
const WARM_UP_MS = 3000;
/** The exchange writes its history with a delay. */
const SETTLE_MS = 50;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string', default: '25' },
    durability: { type: 'string', default: 'fast' },
    window: { type: 'string', default: '400' },
  },
});
const durability = values.durability === 'durable' ? 'durable' : 'fast';
const rate = durability === 'fast' ? TARGET_RATE : DURABLE_RATE;
const unknown = positionals.filter((name) => SETTINGS[name] === undefined);
if (positionals.length === 0 || unknown.length > 0) {
  process.stderr.write(`${unknown.length > 0 ? `unknown: ${unknown.join(', ')}\n` : ''}settings:\n`);
  for (const [name, { what }] of Object.entries(SETTINGS)) process.stderr.write(`  ${name.padEnd(18)} ${what}\n`);
  process.exit(2);
}

/** Milliseconds, and microseconds of the processor. */
interface Figures {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly alone: number;
  readonly cpu: number;
  /** Time in which the I/O thread was ready and another thread ran, microseconds per order. */
  readonly waited: number;
  /** Of the generator: p99 of its own lateness. */
  readonly late: number;
}
const NAMES: readonly (keyof Figures)[] = ['p50', 'p90', 'p99', 'p999', 'alone', 'cpu', 'waited', 'late'];

const SIDES = ['off', 'on'] as const;
type Side = (typeof SIDES)[number];

const placement = clientsApart();
const online = allowedCores(readFileSync('/proc/self/status', 'latin1'));
if (placement.clients !== undefined) spawnSync('taskset', ['-a', '-c', '-p', placement.clients, String(process.pid)]);
const scratch = mkdtempSync(`${tmpdir()}/openbell-tuning-`);
const aborted = new AbortController();
process.once('SIGINT', () => aborted.abort(new Error('interrupted')));
const context = { profile: 'ci', windows: 3, dir: scratch, progress: () => undefined, signal: aborted.signal, options: {} } as const;
const otherCores = placement.clients ?? String(online.at(-1));
try {
  await withVenue(context, 'data', { placement, durability }, async (venue) => {
    await warmUp(venue);
    for (const name of positionals) {
      const setting = SETTINGS[name];
      if (setting.atStart) await startedWith(name, setting, venue);
      else await measure(name, setting, () => venue, setting.on);
    }
  });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Starts a second exchange while the setting is on. The one out of its turn sleeps. */
async function startedWith(name: string, setting: Setting, off: Venue): Promise<void> {
  const undo = setting.on({ pid: process.pid, otherCores });
  try {
    await withVenue(context, name, { placement, durability }, async (on) => {
      await warmUp(on);
      await measure(name, setting, (side) => (side === 'on' ? on : off), undefined);
    });
  } finally {
    undo();
  }
}

async function warmUp({ open, load }: Venue): Promise<void> {
  await open('grpc');
  await load.run({ ...run(), warmupMs: WARM_UP_MS, windowMs: 1 });
  await load.pingPong({ warmup: 2000, orders: 1, windows: 1 });
}

/** @param switchOn for its turns; undefined: the venue of these turns has it already */
async function measure(name: string, setting: Setting, venueOf: (side: Side) => Venue, switchOn: Setting['on'] | undefined): Promise<void> {
  const found: Record<Side, Figures[]> = { off: [], on: [] };
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    for (const side of pair % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const venue = venueOf(side);
      let undo: (() => void) | undefined;
      try {
        if (side === 'on') undo = switchOn?.({ pid: venue.exchange.pid, otherCores });
      } catch (error) {
        console.log(`\n${name}: ${setting.what}: not here: ${(error as Error).message}`);
        return;
      }
      try {
        if (setting.newConnections) await venue.open('grpc');
        found[side].push(await turn(venue));
      } finally {
        undo?.();
      }
    }
  }
  console.log(`\n${name}: ${setting.what}; ${rate.toLocaleString('en')} orders/s, ${durability}\n`);
  console.log('| | off | on | on over off, median (quartiles) | less in |\n|---|---|---|---|---|');
  for (const figure of NAMES) {
    const [off, on] = SIDES.map((side) => found[side].map((figures) => figures[figure]));
    const ratios = on.map((value, pair) => value / off[pair]);
    const sorted = ratios.toSorted((a, b) => a - b);
    const at = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))].toFixed(2);
    const less = `${ratios.filter((ratio) => ratio < 1).length} of ${ratios.length} pairs`;
    console.log(`| ${figure} | ${median(off).toFixed(3)} | ${median(on).toFixed(3)} | ${at(0.5)} (${at(0.25)} to ${at(0.75)}) | ${less} |`);
  }
}

async function turn({ load, exchange }: Venue): Promise<Figures> {
  const [before, waitedBefore] = [cpuSeconds(exchange.pid), waitedMs(exchange.pid)];
  const { windows, sendDelay, orders } = await load.run(run());
  await sleep(SETTLE_MS);
  const cpu = ((cpuSeconds(exchange.pid) - before) * 1e6) / orders;
  const waited = ((waitedMs(exchange.pid) - waitedBefore) * 1000) / orders;
  const alone = await load.pingPong({ warmup: 20, orders: 500, windows: 1 });
  const { p50, p90, p99, p999 } = windows[0];
  return { p50, p90, p99, p999, alone: alone.windows[0].p50, cpu, waited, late: sendDelay.p99 };
}

/** Of the process's main thread: time in which it was ready and not running, ms. */
function waitedMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
}

function run() {
  return { rate, batch: TARGET_BATCH, warmupMs: 100, windowMs: Number(values.window), windows: 1, sampleMs: 0, mayReject: true };
}
