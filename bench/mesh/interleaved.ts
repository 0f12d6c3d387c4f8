import type { LoadResult } from '../load/load-protocol.ts';
import { latencyMetric, thousands, underLoad, valueMetric, withFaults } from '../load/metrics.ts';
import { cpuSeconds } from '../load/process-usage.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import type { Venue } from '../load/venue.ts';
import type { Metric } from '../suite/result.ts';
import type { Parts } from '../suite/scope.ts';
import type { EnvoyProcess } from './envoy-process.ts';

export interface MeshPlan {
  /** Pairs of a direct and a proxied window. */
  readonly pairs: number;
  readonly rates: readonly number[];
  readonly warmupMs: number;
  readonly windowMs: number;
}

const BATCHES = [
  { batch: 1, name: 'single' },
  { batch: 10, name: 'batch10' },
] as const;

/** Direct, proxied, direct, proxied: a longer disturbance of the machine affects both. A rate that ends with an error leaves those of the others. */
export async function interleaved(
  venue: Venue,
  envoy: EnvoyProcess,
  plan: MeshPlan,
  stage: StageReporter,
  parts: Parts,
): Promise<Metric[]> {
  const metrics: Metric[] = [];
  for (const { batch, name } of BATCHES) {
    for (const rate of plan.rates) {
      const what = `${thousands(rate)} commands/s, ${batch === 1 ? 'unbatched' : `batches of ${batch}`}`;
      await parts.run(what, async () => {
        const direct: LoadResult[] = [];
        const proxied: LoadResult[] = [];
        const cpu: number[] = [];
        for (let pair = 0; pair < plan.pairs; pair++) {
          stage.begin(`${what}: direct`);
          direct.push(await window(venue, undefined, rate, batch, plan));
          stage.begin(`${what}: through Envoy`);
          const before = cpuSeconds(envoy.pid);
          const result = await window(venue, envoy.port, rate, batch, plan);
          proxied.push(result);
          cpu.push(((cpuSeconds(envoy.pid) - before) * 1e6) / result.orders);
        }
        metrics.push(...pairMetrics(`${name}.${rate}`, what, rate, direct, proxied, cpu));
      });
    }
  }
  return metrics;
}

/** A separate connection for each window, because the account's reports go to all its connections. */
async function window(venue: Venue, port: number | undefined, rate: number, batch: number, plan: MeshPlan): Promise<LoadResult> {
  await venue.open('grpc', port);
  // A full command ring (BUSY) on shared cores is an overload of this window, not the end of the measurement.
  return venue.load.run({ rate, batch, warmupMs: plan.warmupMs, windowMs: plan.windowMs, windows: 1, sampleMs: 0, mayReject: true });
}

function pairMetrics(
  id: string,
  what: string,
  rate: number,
  direct: readonly LoadResult[],
  proxied: readonly LoadResult[],
  cpu: readonly number[],
): Metric[] {
  const all = (results: readonly LoadResult[]): LoadResult => ({
    ...(results.find(({ kept }) => !kept) ?? results[0]),
    windows: results.map(({ windows }) => windows[0]),
    faults: results.map(({ faults }) => faults[0]),
  });
  const faults = direct.map(({ faults: [fault] }, pair) => ({ ...proxied[pair].faults[0], ...fault }));
  const failed = proxied.filter(({ kept }) => !kept).length;
  const note =
    failed === 0 ? undefined : `not sustained through Envoy in ${failed} of ${proxied.length} windows: this is a queue, not a hop`;
  const addedMetric = (percentile: 'p50' | 'p99'): Metric => {
    const added = direct.map(({ windows: [window] }, pair) => proxied[pair].windows[0][percentile] - window[percentile]);
    return withFaults(
      faults,
      valueMetric(`mesh.added.${id}.${percentile}`, `Added by Envoy, ${percentile}: ${what}`, 'ms', 'lower', added, note),
    );
  };
  return [
    latencyMetric(`mesh.direct.${id}.latency`, `Direct: ${what}`, rate, all(direct)),
    latencyMetric(`mesh.proxied.${id}.latency`, `Through Envoy: ${what}`, rate, all(proxied)),
    addedMetric('p50'),
    addedMetric('p99'),
    underLoad(
      proxied.map(({ faults: [fault] }) => fault),
      valueMetric(`mesh.envoy_cpu.${id}`, `CPU of Envoy per order: ${what}`, 'us', 'lower', cpu, note),
    ),
  ];
}
