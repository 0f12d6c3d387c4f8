/** A generated run of the suite with a fixed seed: its reports are always the same. */
import type { Budget } from '../../bench/suite/budgets.ts';
import { type Latency, Recorder } from '../../bench/suite/recorder.ts';
import type { Metric, RunResult, ScopeResult, Series } from '../../bench/suite/result.ts';
import { Prng } from '../../feeds/simulator/prng.ts';

const SAMPLES = 20_000;

/** @param slower every latency times that: an earlier run @returns a wire, a durable, a failed and a skipped scope */
export function benchResult(slower = 1): RunResult {
  const prng = new Prng(3);
  return {
    format: 2,
    profile: 'full',
    startedAt: slower === 1 ? '2026-11-21T04:00:00.000Z' : '2026-11-20T04:00:00.000Z',
    seconds: 431.5,
    commit: slower === 1 ? 'c0ffee012345' : 'decade012345-dirty',
    machine: {
      cpu: 'Intel(R) Xeon(R) Processor',
      cores: 2,
      memoryMb: 25_276,
      kernel: 'Linux 6.18.0',
      node: 'v22.23.3',
      v8: '12.4.254.21-node.33',
      flags: ['--expose-gc'],
      virtualization: 'virtual machine (QEMU)',
      disk: 'ext4 on /dev/vda1',
    },
    scopes: [
      wire(prng, slower),
      durable(prng, slower),
      scope('fanout', 'ten thousand connections', { failed: 'Error: EMFILE: too many open files\n    at connect (fanout.ts:10:3)' }),
      scope('mesh', 'wire through a sidecar', { skipped: 'no envoy on the PATH or in ENVOY_BIN' }),
    ],
  };
}

export const BENCH_BUDGETS: readonly Budget[] = [
  target('wire', 'wire.grpc.batch10.100000.latency', 'p99', 1),
  target('wire', 'wire.pingpong.grpc.latency', 'p50', 0.1),
  target('wire', 'wire.grpc.single.sustained', undefined, 60_000),
  target('wire', 'wire.ws.single.sustained', undefined, 100_000),
  target('fanout', 'fanout.hop.50000', 'p99', 0.5),
  { kind: 'guard', scope: 'wire', metric: 'wire.grpc.batch10.50000.latency', percentile: 'p99', limit: 2, source: 'twice the measured' },
  { kind: 'ratio', scope: 'durable', metric: 'durable.ratio.pinned.p99', committed: 1.6, tolerance: 0.15, source: 'measured on two cores' },
];

function target(scope: string, metric: string, percentile: 'p50' | 'p99' | undefined, limit: number): Budget {
  const common = { kind: 'target', scope, metric, limit, source: 'the targets for two cores' } as const;
  return percentile === undefined ? common : { ...common, percentile };
}

function wire(prng: Prng, slower: number): ScopeResult {
  const rates = [25_000, 50_000, 100_000, 150_000];
  const at = (name: string, title: string, typical: number): Metric =>
    latencyMetric(`wire.${name}.latency`, title, () => latency(prng, typical * slower));
  const metrics = [
    ...rates.map((rate) => at(`grpc.batch10.${rate}`, `gRPC: ${rate.toLocaleString('en')} commands/s, batches of 10`, 0.06 + rate / 1.2e6)),
    ...rates
      .slice(0, 3)
      .map((rate) => at(`grpc.batch1.${rate}`, `gRPC: ${rate.toLocaleString('en')} commands/s, unbatched`, 0.09 + rate / 0.6e6)),
    at('pingpong.grpc', 'gRPC: single orders, one at a time', 0.085),
    at('pingpong.ws', 'WebSocket: single orders, one at a time', 0.045),
    valueMetric(
      'wire.grpc.single.sustained',
      'single orders over gRPC',
      '/s',
      'higher',
      [52_100, 54_300, 50_900].map((value) => value / slower),
    ),
    valueMetric('wire.ws.single.sustained', 'single orders over WebSocket', '/s', 'higher', [108_200, 111_000, 104_700]),
    valueMetric('wire.cpu_per_order', 'processor time per order', 'us', 'lower', [4.31, 4.22, 4.58]),
  ];
  const knee: Series = {
    id: 'wire.knee',
    title: 'Throughput and latency: the knee',
    x: { label: 'orders', unit: '/s' },
    y: { label: 'latency', unit: 'ms', log: true },
    lines: (['p50', 'p99'] as const).map((name, index) => ({
      name,
      points: Array.from({ length: 12 }, (_, step) => {
        const rate = 20_000 * (step + 1);
        return [rate, (0.07 + 0.4 * index) * (1 / Math.max(0.02, 1 - rate / 250_000)) * (1 + prng.below(100) / 900)] as const;
      }),
    })),
  };
  const time: Series = {
    id: 'wire.time',
    title: 'Latency over time at 100,000 orders/s',
    x: { label: 'time', unit: 's' },
    y: { label: 'latency', unit: 'ms', log: true },
    lines: (['p50', 'p99', 'max'] as const).map((name, index) => ({
      name,
      points: Array.from({ length: 60 }, (_, second) => [second, [0.1, 0.7, 3][index] * (1 + prng.below(100) / 130)] as const),
    })),
  };
  const method = [
    'Open loop from a separate process: latency counts from the planned send time. Warm-up 5 s, then three windows of 20 s each.',
    'Titles are <b>escaped</b> & so is "everything" else.',
  ];
  return scope('wire', 'order entry over the wire', { method, metrics, series: [knee, time] });
}

function durable(prng: Prng, slower: number): ScopeResult {
  const metrics = [
    latencyMetric('durable.latency.pinned', 'acknowledged when durable', () => latency(prng, 0.5 * slower)),
    latencyMetric('durable.latency.disk', "the disk's own fdatasync", () => latency(prng, 0.3)),
    {
      ...valueMetric('durable.ratio.pinned.p99', 'p99 over that of the disk', 'x', 'lower', [1.71, 1.94, 1.66]),
      note: 'Group commits of the same size.',
    },
  ];
  return scope('durable', 'acknowledged when durable', { method: ['Beside the disk alone, in turns.'], metrics });
}

function scope(name: string, title: string, more: Partial<ScopeResult>): ScopeResult {
  return { scope: name, title, method: [], startedAt: '2026-11-21T04:00:00.000Z', seconds: 75, metrics: [], series: [], ...more };
}

function latencyMetric(id: string, title: string, window: () => Latency): Metric {
  return { id, title, unit: 'ms', better: 'lower', windows: Array.from({ length: 3 }, () => ({ latency: window() })) };
}

export function valueMetric(id: string, title: string, unit: Metric['unit'], better: Metric['better'], values: readonly number[]): Metric {
  return { id, title, unit, better, windows: values.map((value) => ({ value })) };
}

/** Most values near `typical` ms, and a tail like that of a garbage collector. */
function latency(prng: Prng, typical: number): Latency {
  const recorder = new Recorder();
  const busy = 0.8 + prng.below(1000) / 2500;
  for (let index = 0; index < SAMPLES; index++) {
    const even = (prng.below(1_000_000) + 1) / 1_000_001;
    recorder.record(typical * busy * (0.7 + 0.3 * even ** -0.35));
  }
  return recorder.take();
}
