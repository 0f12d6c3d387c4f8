import { join } from 'node:path';
import type { LoadResult } from '../load/load-protocol.ts';
import { latencyMetric, thousands, underLoad, valueMetric } from '../load/metrics.ts';
import { cpuSeconds } from '../load/process-usage.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import type { Caller } from '../load/transport.ts';
import { ACCOUNTS, type Venue, withVenue } from '../load/venue.ts';
import { ANYWHERE } from '../suite/cores.ts';
import type { Metric } from '../suite/result.ts';
import type { Parts, ScopeContext } from '../suite/scope.ts';
import { type Credentials, makeCredentials } from './credentials.ts';
import { EnvoyProcess } from './envoy-process.ts';
import { type FilterStage, filterStages } from './filter-stages.ts';
import type { MeshPlan } from './interleaved.ts';
import { unaryCalls } from './unary-calls.ts';

const BATCHES = [1, 10] as const;
const UNARY_CALLS = 400;

interface Running extends FilterStage {
  readonly envoy: EnvoyProcess;
}

/**
 * Every stage has its own Envoy, and they take turns with direct windows, so that a disturbance affects all of them. A load that ends
 * with an error leaves the others.
 * @param metrics to which what was found is added
 */
export async function filterByFilter(
  context: ScopeContext,
  binary: string,
  plan: MeshPlan,
  stage: StageReporter,
  parts: Parts,
  metrics: Metric[],
): Promise<void> {
  const { dir, signal } = context;
  const credentials = await makeCredentials(dir, ACCOUNTS);
  const flags = ['--auth-proxies', '127.0.0.0/8'];
  const headers = { ...credentials.claims, 'x-openbell-roles': 'operator' };
  await withVenue(context, 'mesh', { durability: 'fast', flags, headers, placement: ANYWHERE }, async (venue) => {
    const running: Running[] = [];
    try {
      for (const each of filterStages(credentials, venue.exchange.ports)) {
        running.push({ ...each, envoy: await EnvoyProcess.start({ binary, dir: join(dir), bootstrap: each.bootstrap, signal }) });
      }
      stage.begin('warm-up');
      await venue.open('grpc', undefined, { headers: credentials.claims });
      await venue.load.run({ rate: 40_000, batch: 1, warmupMs: 1500, windowMs: 1, windows: 1, sampleMs: 0, mayReject: true });
      for (const batch of BATCHES) {
        for (const rate of plan.rates)
          await parts.run(`${thousands(rate)} commands/s, ${batch} a message`, async () => {
            metrics.push(...(await oneLoad(venue, credentials, running, rate, batch, plan, stage)));
          });
      }
      await parts.run('unary calls', async () => {
        metrics.push(...(await unary(venue, credentials, running, plan.pairs, stage)));
      });
    } finally {
      for (const { envoy } of running) await envoy.end();
    }
  });
}

async function oneLoad(
  venue: Venue,
  { claims }: Credentials,
  running: readonly Running[],
  rate: number,
  batch: number,
  plan: MeshPlan,
  stage: StageReporter,
): Promise<Metric[]> {
  const what = `${thousands(rate)} commands/s, ${batch === 1 ? 'unbatched' : `batches of ${batch}`}`;
  const window = async (port: number | undefined, caller: Caller): Promise<LoadResult> => {
    await venue.open('grpc', port, caller);
    return venue.load.run({ rate, batch, warmupMs: plan.warmupMs, windowMs: plan.windowMs, windows: 1, sampleMs: 0, mayReject: true });
  };
  const direct: LoadResult[] = [];
  const proxied = running.map((): LoadResult[] => []);
  const cpu = running.map((): number[] => []);
  for (let round = 0; round < plan.pairs; round++) {
    stage.begin(`${what}: direct`);
    direct.push(await window(undefined, { headers: claims }));
    for (const [i, { envoy, title, caller }] of running.entries()) {
      stage.begin(`${what}: ${title}`);
      const before = cpuSeconds(envoy.pid);
      const result = await window(envoy.port, caller);
      proxied[i].push(result);
      cpu[i].push(((cpuSeconds(envoy.pid) - before) * 1e6) / result.orders);
    }
  }
  const id = `${batch === 1 ? 'single' : `batch${batch}`}.${rate}`;
  const metrics = [latencyMetric(`mesh.filters.direct.${id}.latency`, `Direct: ${what}`, rate, all(direct))];
  for (const [i, { name, title }] of running.entries()) {
    metrics.push(latencyMetric(`mesh.filters.${name}.${id}.latency`, `${title}: ${what}`, rate, all(proxied[i])));
    const faults = proxied[i].map(({ faults: [fault] }) => fault);
    metrics.push(
      underLoad(faults, valueMetric(`mesh.filters.${name}.${id}.cpu`, `CPU of Envoy per order, ${title}: ${what}`, 'us', 'lower', cpu[i])),
    );
  }
  return metrics;
}

/** One call at a time: every filter processes every order. */
async function unary(
  venue: Venue,
  { claims }: Credentials,
  running: readonly Running[],
  rounds: number,
  stage: StageReporter,
): Promise<Metric[]> {
  const account = ACCOUNTS[0];
  const direct: number[] = [];
  const proxied = running.map((): number[] => []);
  const cpu = running.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    stage.begin('unary calls: direct');
    direct.push(await unaryCalls(venue.exchange.ports.grpc, account, { headers: claims }, UNARY_CALLS));
    for (const [i, { envoy, title, caller }] of running.entries()) {
      stage.begin(`unary calls: ${title}`);
      const before = cpuSeconds(envoy.pid);
      proxied[i].push(await unaryCalls(envoy.port, account, caller, UNARY_CALLS));
      cpu[i].push(((cpuSeconds(envoy.pid) - before) * 1e6) / UNARY_CALLS);
    }
  }
  const metrics = [valueMetric('mesh.filters.direct.unary.p50', 'Direct: a unary call, p50', 'ms', 'lower', direct)];
  for (const [i, { name, title }] of running.entries()) {
    metrics.push(valueMetric(`mesh.filters.${name}.unary.p50`, `${title}: a unary call, p50`, 'ms', 'lower', proxied[i]));
    metrics.push(valueMetric(`mesh.filters.${name}.unary.cpu`, `CPU of Envoy per unary call, ${title}`, 'us', 'lower', cpu[i]));
  }
  return metrics;
}

function all(results: readonly LoadResult[]): LoadResult {
  return {
    ...(results.find(({ kept }) => !kept) ?? results[0]),
    windows: results.map(({ windows }) => windows[0]),
    faults: results.map(({ faults }) => faults[0]),
  };
}
