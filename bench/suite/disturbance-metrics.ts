import type { Disturbance } from './disturbance.ts';
import type { Metric } from './result.ts';

/** What a reader needs to judge the latencies beside them. @param id that the metrics' ids begin with */
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
      note: 'Ready to run while others ran, over all rates: it is in the tail of the latencies. What a hypervisor takes is not in it.',
    },
  ];
}
