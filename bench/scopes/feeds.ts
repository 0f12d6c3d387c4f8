/** Outside market data: text to records, through the ring, to a reader. */
import { setImmediate as turn } from 'node:timers/promises';
import { OpenBreaker } from '../feeds/breaker.ts';
import { ITCH_SECONDS, measureItch } from '../feeds/itch-metrics.ts';
import { parseWindow } from '../feeds/parse.ts';
import { ReferenceBench } from '../feeds/reference.ts';
import { ringWindow } from '../feeds/ring-work.ts';
import { Visible } from '../feeds/visible.ts';
import type { Latency } from '../suite/recorder.ts';
import type { Metric, Profile, ScopeResult } from '../suite/result.ts';
import { measured, type Scope, type ScopeContext } from '../suite/scope.ts';

interface Plan {
  readonly windowSeconds: number;
  /** Records/s, rising. */
  readonly rates: readonly number[];
  /** Repetitions of the turns of a window on one core. */
  readonly repeats: number;
  /** Frames of a window of reference prices. */
  readonly references: number;
}

const PLANS: Record<Profile, Plan> = {
  ci: { windowSeconds: 0.5, rates: [50_000], repeats: 1, references: 200 },
  full: { windowSeconds: 0.9, rates: [50_000, 200_000], repeats: 5, references: 2000 },
};
const READERS = [1, 4] as const;
const REFERENCES_PER_SECOND = 200;
const BREAKER_CALLS = 5000;

export const scope: Scope = {
  name: 'feeds',
  title: 'Feeds: outside market data from its text to a reader',
  options: {},
  seconds: (profile) => (profile === 'ci' ? 14 : 90) + ITCH_SECONDS[profile],
  run: (context) => measured(scope, () => run(context)),
};

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series'>> {
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
  for (const readers of READERS) {
    const name = readers === 1 ? 'one reader' : `${readers} readers`;
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
    step++;
  }
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
  step++;
  for (const rate of plan.rates) {
    // The first window warms up.
    const visible = await Visible.start({ recordsPerSecond: rate, windowSeconds: plan.windowSeconds, windows: context.windows + 1 });
    try {
      visible.window();
      const latencies = await windowsOf(`${rate} records/s`, context.windows, () => visible.window());
      const title = `records at a reader, ${rate.toLocaleString('en')} records/s`;
      metrics.push(
        latency(
          `feeds.visible.${rate}.latency`,
          `Planned time of a frame to its ${title}`,
          latencies.map(({ planned }) => planned),
        ),
        latency(
          `feeds.begun.${rate}.latency`,
          `Begin of reading a frame to its ${title}`,
          latencies.map(({ begun }) => begun),
        ),
      );
    } finally {
      await visible.stop();
    }
    step++;
  }
  const references = await ReferenceBench.start({
    framesPerSecond: REFERENCES_PER_SECOND,
    framesPerWindow: plan.references,
    windows: context.windows + 1,
  });
  try {
    await references.window();
    const latencies = await windowsOf('reference prices', context.windows, () => references.window());
    metrics.push(latency('feeds.reference.latency', 'Frame at the socket of a venue to its reference price in the engine', latencies));
  } finally {
    await references.stop();
  }
  step++;
  const breaker = new OpenBreaker();
  await breaker.window(BREAKER_CALLS);
  const answers = await windowsOf('open breaker', context.windows, () => breaker.window(BREAKER_CALLS));
  metrics.push(latency('feeds.breaker.latency', 'Request to a host whose breaker is open, to its answer', answers));
  step++;
  const itch = await measureItch(context, (what, done) => context.progress(what, (step + done) / steps));
  return { method: [...method(plan), itch.method], metrics: [...metrics, ...itch.metrics], series: [] };
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

function method({ windowSeconds }: Plan): string[] {
  return [
    'Ring: on one core, batches of 64 records are written and published, then read and checked by each reader. Bare copies: the same, from one array to another, without sequences, publication or wake-up. Both take six turns of 200,000 records in a window; the ratio is the median of the turns.',
    'Text to records: generated frames of the form of Bybit v5, with three changed levels each, read by the production adapter, which keeps the book and writes four records and the newest values for each frame. JSON.parse alone: the same bytes decoded and parsed, the numbers as floats, and nothing kept.',
    `Visible: one thread reads frames at their planned times (open loop) and writes the records; another takes them out of the ring. Latency: until the reader has the last record of the frame, from its planned time, and from the moment at which the thread begins to read it, which leaves out the time in which the thread had no core. Both threads poll without a pause, so two cores are needed. Windows of ${windowSeconds} s, after one that warms up.`,
    `Reference price: a venue on a thread of its own writes ${REFERENCES_PER_SECOND} frames/s to a WebSocket on loopback; a whole exchange, durability fast, takes the middle of each as the reference price of a symbol. Latency: from the write of a frame until the engine has answered the command with its price. A price that a newer one has overtaken has no command. The threads wait for each other without polling, so that other work on the machine shows in the tail.`,
    `Open breaker: ${BREAKER_CALLS.toLocaleString('en')} requests of a source, one after the other, to a host whose circuit breaker is open. Each is answered with CIRCUIT_OPEN, and none is sent.`,
    'Checked: every record arrives, once and in order; no frame is refused; no record is missed.',
  ];
}
