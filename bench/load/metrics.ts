import type { Metric, Window, WindowFault } from '../suite/result.ts';
import type { LoadResult } from './load-protocol.ts';

/** The latency of a run as a metric, with notes on its validity: a rate that was not sustained, a late generator. */
export function latencyMetric(id: string, title: string, rate: number, result: LoadResult): Metric {
  const notes: string[] = [];
  if (result.overloaded) notes.push(`overloaded: at ${thousands(rate)} commands/s a window was stopped, too many commands were in flight`);
  // Rejects count as answers: a rate with them is not a rate of orders.
  else if (!result.kept && result.rejected === 0)
    notes.push(`${Math.round(result.achieved).toLocaleString('en')} of ${rate.toLocaleString('en')} commands/s were answered`);
  if (result.rejected > 0) notes.push(`${thousands(result.rejected)} commands were rejected`);
  if (result.sendDelay.count > 0) notes.push(`the generator itself was late by ${result.sendDelay.p99.toFixed(2)} ms at p99`);
  return {
    id,
    title,
    unit: 'ms',
    better: 'lower',
    windows: result.windows.map((latency, window) => ({ latency, ...result.faults[window] })),
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}

/** A figure per window; undefined in a window that failed before it could be read. */
export function valueMetric(
  id: string,
  title: string,
  unit: Metric['unit'],
  better: Metric['better'],
  values: readonly (number | undefined)[],
  note?: string,
): Metric {
  const windows: Window[] = values.map((value) => (value === undefined ? {} : { value }));
  return { id, title, unit, better, windows, ...(note !== undefined && { note }) };
}

/**
 * The same figure without the windows whose load failed. A late generator does not veto what the exchange measured itself
 * (service times, CPU): that is not counted from the planned time.
 */
export function underLoad(faults: readonly WindowFault[], metric: Metric): Metric {
  return withFaults(
    faults.map(({ failed }) => (failed === undefined ? {} : { failed })),
    metric,
  );
}

/** @param faults by window */
export function withFaults(faults: readonly WindowFault[], metric: Metric): Metric {
  return { ...metric, windows: metric.windows.map((window, index) => ({ ...window, ...faults[index] })) };
}

/** `100,000` */
export function thousands(count: number): string {
  return count.toLocaleString('en');
}
