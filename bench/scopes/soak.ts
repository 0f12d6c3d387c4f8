/** An hour of load: memory, file descriptors and tail latency must stay constant. */
import { missingBuild } from '../load/exchange-process.ts';
import { loadMethod } from '../load/method.ts';
import { thousands, underLoad } from '../load/metrics.ts';
import { kneeRate, type RampStep, ramp } from '../load/ramp.ts';
import { StageReporter } from '../load/stage-reporter.ts';
import { type Venue, withVenue } from '../load/venue.ts';
import { soak } from '../soak/soak-run.ts';
import { soakMetrics, soakSeries } from '../soak/verdict.ts';
import { clientsApart, offTheExchange } from '../suite/cores.ts';
import type { Profile, ScopeResult } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

const BATCH = 10;
/** Lower limit: after a disturbed ramp, the hour would have almost no load. */
const LEAST_RATE = 20_000;
const RAMP_SECONDS = 30;

export const scope: Scope = {
  name: 'soak',
  title: 'Soak: load for an hour',
  subject: 'command',
  options: {
    minutes: 'N: how long (default 60; 1 in profile ci)',
    rate: 'N: commands/s (default: half of the highest rate with p99 < 1 ms, which a ramp finds first)',
  },
  seconds: (profile) => minutesOf(profile, undefined) * 60 + RAMP_SECONDS,
  missing: missingBuild,
  run: (context) => measured(scope, () => offTheExchange(() => run(context))),
};

function minutesOf(profile: Profile, option: string | undefined): number {
  return option === undefined ? (profile === 'ci' ? 1 : 60) : numberOption('minutes', option);
}

/** @throws RangeError */
function numberOption(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`soak: ${name}=${text} must be a number above 0`);
  return value;
}

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const { options, profile } = context;
  const minutes = minutesOf(profile, options.minutes);
  const given = options.rate === undefined ? undefined : numberOption('rate', options.rate);
  const stage = new StageReporter(context, minutes * 60 + RAMP_SECONDS);
  let found: Pick<ScopeResult, 'method' | 'metrics' | 'series'> = { method: [], metrics: [], series: [] };
  // An exchange that does not stop or verify after an hour does not take the hour's figures with it.
  const parts = new Parts(context.signal);
  const work = async (venue: Venue): Promise<void> => {
    stage.begin('warm-up');
    await venue.open('grpc');
    await venue.load.run({ rate: 40_000, batch: BATCH, warmupMs: 3000, windowMs: 1, windows: 1, sampleMs: 0, mayReject: true });
    const rate = given ?? (await halfTheKnee(venue, stage));
    stage.begin(`${thousands(rate)} commands/s for ${minutes} min`);
    await venue.open('grpc');
    const { samples, fault } = await soak(venue, { rate, batch: BATCH, minutes });
    const metrics = soakMetrics(samples).map((metric) => underLoad([fault], metric));
    found = { method: method(rate, minutes, given === undefined), metrics, series: soakSeries(samples) };
  };
  try {
    await parts.run('soak', () => withVenue(context, 'soak', { durability: 'fast', placement: clientsApart() }, work));
  } finally {
    stage.end();
  }
  return { ...found, ...parts.outcome };
}

async function halfTheKnee({ load }: Venue, stage: StageReporter): Promise<number> {
  const plan = { batch: BATCH, from: 2 * LEAST_RATE, to: 640_000, factor: 1.4, warmupMs: 200, windowMs: 1500 };
  const steps: RampStep[] = await ramp(load, plan, (rate) => stage.begin(`looking for the knee: ${thousands(rate)}/s`));
  return Math.max(LEAST_RATE, kneeRate(steps) / 2);
}

function method(rate: number, minutes: number, byRamp: boolean): string[] {
  return [
    ...loadMethod(clientsApart()),
    `${thousands(rate)} commands/s in batches of ${BATCH} for ${minutes} minutes${
      byRamp ? `: half of the highest rate of a ramp that had p99 < 1 ms, but at least ${thousands(LEAST_RATE)}/s` : ''
    }. Each 10 s (or sixtieth of a shorter run) one sample of the exchange's resident memory, JavaScript heap and open files, and p50 and p99 of the answers since the last.`,
    'Memory is the private memory of the process; mapped files (the history) are page cache and are shown separately. Growth is the slope of a line through the samples of the second half (least squares), when caches and the retained reports are full; drift of p99 is the median sample of the last third over that of the first.',
  ];
}
