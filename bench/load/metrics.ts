import type { Metric, Window } from '../suite/result.ts';
import type { LoadResult } from './load-protocol.ts';

/** The latency of a run as a metric, with notes on its validity: a rate that was not sustained, a late generator. */
export function latencyMetric(id: string, title: string, rate: number, result: LoadResult): Metric {
  const notes: string[] = [];
  if (result.overloaded) notes.push(`overloaded: at ${thousands(rate)} commands/s a window was stopped, too many commands were in flight`);
  else if (!result.kept)
    notes.push(`${Math.round(result.achieved).toLocaleString('en')} of ${rate.toLocaleString('en')} commands/s were answered`);
  if (result.rejected > 0) notes.push(`${thousands(result.rejected)} commands were rejected`);
  if (result.sendDelay.count > 0) notes.push(`the generator itself was late by ${result.sendDelay.p99.toFixed(2)} ms at p99`);
  return {
    id,
    title,
    unit: 'ms',
    better: 'lower',
    windows: result.windows.map((latency) => ({ latency })),
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}

/** A figure per window. */
export function valueMetric(
  id: string,
  title: string,
  unit: Metric['unit'],
  better: Metric['better'],
  values: readonly number[],
  note?: string,
): Metric {
  const windows: Window[] = values.map((value) => ({ value }));
  return { id, title, unit, better, windows, ...(note !== undefined && { note }) };
}

/** `100,000` */
export function thousands(count: number): string {
  return count.toLocaleString('en');
}
