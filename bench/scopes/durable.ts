import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { asynchronousDisk, synchronousDisk } from '../../engine/journal/disk.ts';
import { DiskReference } from '../durable/disk-reference.ts';
import { LogDriver } from '../durable/log-driver.ts';
import type { Slice } from '../durable/schedule.ts';
import { type Latency, mergeLatencies, Recorder } from '../suite/recorder.ts';
import type { Metric, Profile, Series } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

const RATE = 50_000;
const WARM_UP_MS = 100;
const SEQUENTIAL_MS = 300;
/** Turns of each driver in a window, and the measured time of each in ms. */
const TURNS = { full: { count: 5, ms: 900 }, ci: { count: 1, ms: 700 } } as const;
const DRIVERS = ['disk', 'pool', 'compact', 'pinned'] as const;
type Driver = (typeof DRIVERS)[number];
const TITLES: Record<Driver, string> = {
  disk: 'the disk alone, group commit by a blocking loop',
  pool: 'the disk alone, group commit, fdatasync by libuv',
  compact: 'the log on the event loop (compact)',
  pinned: 'the log in a separate thread (pinned)',
};

export const scope: Scope = {
  name: 'durable',
  title: 'Acknowledged when durable: the log compared with the disk',
  options: { rate: `commands per second, ${RATE}` },
  seconds: (profile) => duration(profile, 3),
  run: (context) => measured(scope, () => run(context)),
};

function duration(profile: Profile, windows: number): number {
  const { count, ms } = TURNS[profile];
  return ((windows * count + 1) * DRIVERS.length * (ms + WARM_UP_MS) + windows * SEQUENTIAL_MS) / 1000 + 1;
}

async function run({ profile, windows, dir, progress, signal, options }: ScopeContext) {
  const rate = Number(options.rate ?? RATE);
  if (!(rate >= 1000 && rate <= 1_000_000)) throw new Error('durable: rate is 1000 to 1000000');
  const { count, ms } = TURNS[profile];
  const slice: Slice = { rate, warmUpMs: WARM_UP_MS, ms };
  const folder = (name: string): string => {
    mkdirSync(join(dir, name));
    return join(dir, name);
  };
  const reference = new DiskReference(folder('disk'));
  const compact = new LogDriver(folder('compact'), asynchronousDisk);
  const pinned = new LogDriver(folder('pinned'), synchronousDisk);
  const drive: Record<Driver, (to: Recorder) => unknown> = {
    disk: (to) => reference.blocking(slice, to),
    pool: (to) => reference.pooled(slice, to),
    compact: (to) => compact.run(slice, to),
    pinned: (to) => pinned.run(slice, to),
  };
  const found: Record<Driver, Latency[]> = { disk: [], pool: [], compact: [], pinned: [] };
  const lines = DRIVERS.map((name) => ({ name, points: [] as [number, number][] }));
  const sequential: Latency[] = [];
  const steps = (windows * count + 1) * DRIVERS.length;
  let step = 0;
  const started = performance.now();
  const turn = async (): Promise<Latency[]> => {
    const latencies: Latency[] = [];
    for (const [i, driver] of DRIVERS.entries()) {
      signal.throwIfAborted();
      progress(driver, step++ / steps);
      const recorder = new Recorder();
      await drive[driver](recorder);
      const latency = recorder.take();
      latencies.push(latency);
      lines[i].points.push([(performance.now() - started) / 1000, latency.p99]);
      // Lets Ctrl-C and the progress run between two blocking loops.
      await new Promise(setImmediate);
    }
    return latencies;
  };

  await turn();
  for (const line of lines) line.points.length = 0;
  const parts = new Parts(signal);
  for (let window = 0; window < windows; window++)
    await parts.run(`window ${window + 1}`, async () => {
      const turns: Latency[][] = [];
      for (let i = 0; i < count; i++) turns.push(await turn());
      for (const [i, driver] of DRIVERS.entries()) found[driver].push(mergeLatencies(turns.map((latencies) => latencies[i])));
      const alone = new Recorder();
      reference.sequential(SEQUENTIAL_MS, alone);
      sequential.push(alone.take());
    });
  await compact.close();
  await pinned.close();
  reference.close();

  const latency = (id: string, title: string, of: readonly Latency[]): Metric => ({
    id: `durable.${id}`,
    title,
    unit: 'ms',
    better: 'lower',
    windows: of.map((each) => ({ latency: each })),
  });
  const metrics: Metric[] = [
    ...(['compact', 'pinned'] as const).flatMap((driver) => [ratio(driver, 'p50', found), ratio(driver, 'p99', found)]),
    latency('compact.latency', TITLES.compact, found.compact),
    latency('pinned.latency', TITLES.pinned, found.pinned),
    latency('disk.latency', TITLES.disk, found.disk),
    latency('disk.pool.latency', TITLES.pool, found.pool),
    latency('disk.sequential.latency', 'the disk alone, 4 KiB and fdatasync, one after the other', sequential),
  ];
  const series: Series[] = [
    {
      id: 'durable.p99',
      title: 'p99 of each turn',
      x: { label: 'since the start', unit: 's' },
      y: { label: 'p99', unit: 'ms', log: true },
      lines,
    },
  ];
  return { method: method(rate, count, ms), metrics: metrics.filter(({ windows }) => windows.length > 0), series, ...parts.outcome };
}

/** Against the best window of the disk, because a disturbed one would flatter the log. */
function ratio(driver: 'compact' | 'pinned', percentile: 'p50' | 'p99', found: Record<Driver, readonly Latency[]>): Metric {
  const disk = Math.min(...found.disk.map((latency) => latency[percentile]));
  return {
    id: `durable.ratio.${driver}.${percentile}`,
    title: `${TITLES[driver]}: ${percentile} over that of the disk`,
    unit: 'x',
    better: 'lower',
    windows: found[driver].map((latency) => ({ value: latency[percentile] / disk })),
    note: 'The disk is the blocking loop, its best window of this run.',
  };
}

function method(rate: number, count: number, ms: number): string[] {
  return [
    `${rate} commands of 64 bytes a second, open loop: each has a planned time, and its latency counts from there until it is durable. The arrivals do not slow down when the disk does.`,
    `The disk alone is a group commit that does nothing else: under the same arrivals, a batch is the commands that arrived during the last fdatasync. It writes the bytes that the log would write, into a zero-filled file in the page cache.`,
    `The log is the real log writer with its checksums and its segments, the next one of which is made meanwhile. compact: on an event loop that sleeps while the disk works, fdatasync by libuv's pool. pinned: blocking.`,
    `Disk and log take turns of ${(ms + WARM_UP_MS) / 1000} s, ${count} in each window; the first ${WARM_UP_MS} ms of each turn and a whole first round are warm-up and not recorded.`,
  ];
}
