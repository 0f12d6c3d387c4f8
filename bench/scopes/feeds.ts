/** Outside market data: text to records, through the ring, to a reader. */
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { OpenBreaker } from '../feeds/breaker.ts';
import { ITCH_SECONDS, measureItch } from '../feeds/itch-metrics.ts';
import { parseWindow } from '../feeds/parse.ts';
import { ReferenceBench } from '../feeds/reference.ts';
import { ringWindow } from '../feeds/ring-work.ts';
import { Visible, type VisibleLatencies } from '../feeds/visible.ts';
import type { Latency } from '../suite/recorder.ts';
import type { Metric, Profile, ScopeResult } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

interface Plan {
  readonly windowSeconds: number;
  /** Records/s, rising. */
  readonly rates: readonly number[];
  /** Repetitions of the turns of a window on one core. */
  readonly repeats: number;
  /** Frames of a window of reference prices, and before the first one. */
  readonly references: number;
  readonly warmUpReferences: number;
}

const PLANS: Record<Profile, Plan> = {
  ci: { windowSeconds: 0.2, rates: [50_000], repeats: 1, references: 120, warmUpReferences: 1500 },
  full: { windowSeconds: 0.9, rates: [50_000, 200_000], repeats: 5, references: 2000, warmUpReferences: 6000 },
};
const READERS = [1, 4] as const;
const REFERENCES_PER_SECOND = 200;
const BREAKER_CALLS = 5000;

export const scope: Scope = {
  name: 'feeds',
  title: 'Feeds: outside market data from its text to a reader',
  options: {},
  seconds: (profile) => (profile === 'ci' ? 17 : 160) + ITCH_SECONDS[profile],
  run: (context) => measured(scope, () => run(context)),
};

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const plan = PLANS[context.profile];
  const steps = READERS.length + 1 + plan.rates.length + 3;
  const metrics: Metric[] = [];
  const windowsOf = async <Window>(what: string, windows: number, measure: () => Window | Promise<Window>): Promise<Window[]> => {
    const found: Window[] = [];
    for (let window = 0; window < windows; window++) {
      context.progress(`${what}, window ${window + 1} of ${windows}`, (metrics.length === 0 ? 0 : step + window / windows) / steps);
      await turn();
      context.signal.throwIfAborted();
      found.push(await measure());
    }
    return found;
  };
  let step = 0;
  const parts = new Parts(context.signal);
  /** One after the other: a part that fails leaves the figures of the others. */
  const part = async (what: string, work: () => Promise<void>): Promise<void> => {
    await parts.run(what, work);
    step++;
  };
  for (const readers of READERS) {
    const name = readers === 1 ? 'one reader' : `${readers} readers`;
    await part(`ring, ${name}`, async () => {
      ringWindow(readers);
      const windows = await windowsOf(`ring, ${name}`, context.windows * plan.repeats, () => ringWindow(readers));
      metrics.push(
        rates(
          `feeds.ring.${readers}`,
          `Ring on one core, ${name}`,
          windows.map(({ ours }) => ours),
        ),
        rates(
          `feeds.bare.${readers}`,
          `The same copies without a ring, ${name}`,
          windows.map(({ bare }) => bare),
        ),
        ratio(
          `feeds.ratio.ring.${readers}`,
          `Ring over bare copies, ${name}`,
          windows.map((window) => window.ratio),
        ),
      );
    });
  }
  await part('text to records', async () => {
    parseWindow();
    const parse = await windowsOf('text to records', context.windows * plan.repeats, parseWindow);
    metrics.push(
      rates(
        'feeds.parse',
        'Frames from text to records and newest values, one core',
        parse.map(({ ours }) => ours),
      ),
      rates(
        'feeds.json',
        'The same frames through JSON.parse alone',
        parse.map(({ json }) => json),
      ),
      ratio(
        'feeds.ratio.json',
        'Text to records over JSON.parse alone',
        parse.map((window) => window.ratio),
      ),
    );
  });
  for (const rate of plan.rates)
    await part(`${rate} records/s`, async () => {
      // The first window warms up.
      const visible = await Visible.start({ recordsPerSecond: rate, windowSeconds: plan.windowSeconds, windows: context.windows + 1 });
      try {
        visible.window();
        visible.bareWindow();
        // Both cores are busy for a window; threads that waited run in between.
        const rested = async (window: () => VisibleLatencies): Promise<VisibleLatencies> => {
          await delay(plan.windowSeconds * 1000);
          return window();
        };
        const windows = await windowsOf(`${rate} records/s`, context.windows, async () => ({
          feed: await rested(() => visible.window()),
          bare: await rested(() => visible.bareWindow()),
        }));
        metrics.push(...visibleMetrics(rate, windows));
      } finally {
        await visible.stop();
      }
    });
  await part('reference prices', async () => {
    const references = await ReferenceBench.start({
      framesPerSecond: REFERENCES_PER_SECOND,
      framesPerWindow: plan.references,
      warmUpFrames: plan.warmUpReferences,
      windows: context.windows + 1,
    });
    try {
      await references.window();
      await references.bareWindow();
      const windows = await windowsOf('reference prices', context.windows, async () => ({
        feed: await references.window(),
        bare: await references.bareWindow(),
      }));
      metrics.push(...referenceMetrics(windows));
    } finally {
      await references.stop();
    }
  });
  await part('open breaker', async () => {
    const breaker = new OpenBreaker();
    await breaker.window(BREAKER_CALLS);
    const answers = await windowsOf('open breaker', context.windows, () => breaker.window(BREAKER_CALLS));
    metrics.push(latency('feeds.breaker.latency', 'Request to a host whose breaker is open, to its answer', answers));
  });
  const methods = method(plan);
  await part('ITCH', async () => {
    const itch = await measureItch(context, (what, done) => context.progress(what, (step + done) / steps));
    methods.push(itch.method);
    metrics.push(...itch.metrics);
  });
  return { method: methods, metrics, series: [], ...parts.outcome };
}

/** What a feed took, and what the same threads take without it. */
interface Beside<Figure> {
  readonly feed: Figure;
  readonly bare: Figure;
}

function visibleMetrics(rate: number, windows: readonly Beside<VisibleLatencies>[]): Metric[] {
  const pair = (id: string, from: string, part: keyof VisibleLatencies): Metric[] => [
    latency(
      `feeds.${id}.${rate}.latency`,
      `${from} to its records at a reader, ${rate.toLocaleString('en')} records/s`,
      windows.map(({ feed }) => feed[part]),
    ),
    latency(
      `feeds.${id}.bare.${rate}.latency`,
      'The same times, to a bare count at the reader',
      windows.map(({ bare }) => bare[part]),
    ),
  ];
  return [...pair('visible', 'Frame in hand', 'taken'), ...pair('planned', 'Planned time of a frame', 'planned')];
}

function referenceMetrics(windows: readonly Beside<Latency>[]): Metric[] {
  return [
    latency(
      'feeds.reference.latency',
      'Frame at the socket of a venue to its reference price in the engine',
      windows.map(({ feed }) => feed),
    ),
    latency(
      'feeds.reference.bare.latency',
      'The same way through threads that do nothing',
      windows.map(({ bare }) => bare),
    ),
  ];
}

function rates(id: string, title: string, values: readonly number[]): Metric {
  return { id, title, unit: '/s', better: 'higher', windows: values.map((value) => ({ value: Math.round(value) })) };
}

function ratio(id: string, title: string, values: readonly number[]): Metric {
  return { id, title, unit: 'x', better: 'higher', windows: values.map((value) => ({ value })) };
}

function latency(id: string, title: string, latencies: readonly Latency[]): Metric {
  return { id, title, unit: 'ms', better: 'lower', windows: latencies.map((each) => ({ latency: each })) };
}

function method({ windowSeconds, warmUpReferences }: Plan): string[] {
  return [
    'Ring: on one core, batches of 64 records are written and published, then read and checked by each reader. Bare copies: the same, from one array to another, without sequences, publication or wake-up. Both take six turns of 200,000 records in a window; the ratio is the median of the turns.',
    'Text to records: generated frames of the form of Bybit v5, with three changed levels each, read by the production adapter, which keeps the book and writes four records and the newest values for each frame. JSON.parse alone: the same bytes decoded and parsed, the numbers as floats, and nothing kept.',
    `Visible: one thread takes frames at their planned times (open loop) and writes the records; another takes them out of the ring. "Frame in hand": from the moment at which the thread has the frame until the reader has its last record; frames that are due together are in hand together, as from one read of a socket, and the last one waits for the others. "Planned time": the same from the planned time, so with the time in which the thread had no core. Both threads poll without a pause, so two cores are needed. Bare: the same threads, times and clock, and a shared count in place of frames and records; its tail is that of the cores and the scheduler. Windows of ${windowSeconds} s, in turns, with a pause as long before each, after one of each that warms up.`,
    `Reference price: a venue on a thread of its own writes ${REFERENCES_PER_SECOND} prepared frames/s to a WebSocket on loopback; a whole exchange, durability fast, takes the middle of each as the reference price of a symbol. Latency: from the write of a frame until the engine has answered the command with its price. A price that a newer one has overtaken has no command. The threads wait for each other without polling, so that other work on the machine shows in the tail. Bare: the venue writes to a socket of a thread that reads no byte and wakes this one; its latency is that of two wake-ups. Windows in turns, after ${warmUpReferences.toLocaleString('en')} frames and one window of each that warm up.`,
    `Open breaker: ${BREAKER_CALLS.toLocaleString('en')} requests of a source, one after the other, to a host whose circuit breaker is open. Each is answered with CIRCUIT_OPEN, and none is sent.`,
    'Checked: every record arrives, once and in order; no frame is refused; no record is missed.',
  ];
}
