import type { Disturbance } from './disturbance.ts';
import type { Metric } from './result.ts';

/** Figures for judging the latencies of the same scope. @param id prefix of the metrics' ids */
export function disturbanceMetrics(id: string, disturbances: readonly Disturbance[], of = 'measured thread'): Metric[] {
  return [
    {
      id: `${id}.collections`,
      title: `${of}: garbage collections during a window`,
      unit: 'count',
      better: 'lower',
      windows: disturbances.map(({ collections }) => ({ value: collections })),
    },
    {
      id: `${id}.waited`,
      title: `${of}: time without a core during a window`,
      unit: 'ms',
      better: 'lower',
      windows: disturbances.map(({ waitedMs }) => ({ value: Math.round(waitedMs * 100) / 100 })),
      note: 'Ready to run while other threads ran, over all rates: included in the tail of the latencies. Time taken by a hypervisor is not included.',
    },
  ];
}
