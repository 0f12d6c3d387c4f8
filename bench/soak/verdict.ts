import { valueMetric } from '../load/metrics.ts';
import { type Metric, median, type Series } from '../suite/result.ts';
import type { SoakSample } from './soak-run.ts';

/** Three figures that show whether the load could run indefinitely. One window each: the hour is the window. */
export function soakMetrics(samples: readonly SoakSample[]): Metric[] {
  const settled = samples.slice(samples.length >> 1);
  const third = Math.floor(samples.length / 3);
  const p99 = (some: readonly SoakSample[]): number => median(some.map((sample) => sample.p99));
  const last = samples[samples.length - 1];
  return [
    valueMetric(
      'soak.rss.growth',
      'Private resident memory, growth per hour',
      'MB',
      'lower',
      [slopePerHour(settled, ({ ownMb }) => ownMb)],
      `at the end ${last.ownMb.toFixed(0)} MB, of that heap ${last.heapMb.toFixed(0)} MB; mapped files, which are page cache: ${last.filesMb.toFixed(0)} MB`,
    ),
    valueMetric('soak.fds.growth', 'Open files, last sample against the first', 'count', 'lower', [last.files - samples[0].files]),
    valueMetric('soak.p99.drift', 'p99, last third against first third', 'x', 'lower', [
      p99(samples.slice(-third)) / p99(samples.slice(0, third)),
    ]),
    valueMetric('soak.p99.median', 'p99 of a sample, median of all', 'ms', 'lower', [p99(samples)]),
  ];
}

export function soakSeries(samples: readonly SoakSample[]): Series[] {
  const time = { label: 'time', unit: 's' } as const;
  const line = (name: string, read: (sample: SoakSample) => number): Series['lines'][number] => ({
    name,
    points: samples.map((sample) => [sample.seconds, read(sample)] as const),
  });
  return [
    {
      id: 'soak.latency',
      title: 'Latency over time',
      x: time,
      y: { label: 'latency from planned time', unit: 'ms', log: true },
      lines: [line('p50', ({ p50 }) => p50), line('p99', ({ p99 }) => p99)],
    },
    {
      id: 'soak.memory',
      title: 'Memory of the exchange over time',
      x: time,
      y: { label: 'memory', unit: 'MB' },
      lines: [
        line('its own', ({ ownMb }) => ownMb),
        line('JavaScript heap', ({ heapMb }) => heapMb),
        line('mapped files', ({ filesMb }) => filesMb),
      ],
    },
    {
      id: 'soak.files',
      title: 'Open files of the exchange over time',
      x: time,
      y: { label: 'file descriptors', unit: 'count' },
      lines: [line('open files', ({ files }) => files)],
    },
  ];
}

/** Slope of the least-squares line, per hour. */
function slopePerHour(samples: readonly SoakSample[], read: (sample: SoakSample) => number): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = samples.map(({ seconds }) => seconds / 3600);
  const y = samples.map(read);
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, value, i) => sum + (value - meanX) * (y[i] - meanY), 0);
  return covariance / x.reduce((sum, value) => sum + (value - meanX) ** 2, 0);
}
