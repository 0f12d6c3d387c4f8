import type { SchedulerTrace, Wait } from './scheduler-trace.ts';
import type { ThreadTimes } from './thread-times.ts';

/** Waits that count as long, ms, and stretches that another thread must not exceed. */
export const LONG_MS = 1;
export const STRETCH_MS = 0.1;

/** Figures of one turn, by name; less is better. */
export type TurnFigures = Readonly<Record<string, number>>;

/** Of the processor time of each thread, and of its wait for a core. */
export function timesOf(
  before: readonly ThreadTimes[],
  after: readonly ThreadTimes[],
  names: ReadonlyMap<number, string>,
  orders: number,
  seconds: number,
): TurnFigures {
  const figures: Record<string, number> = { 'CPU per order, us': 0 };
  for (const { tid, ranMs, waitedMs } of after) {
    const earlier = before.find((thread) => thread.tid === tid);
    const us = ((ranMs - (earlier?.ranMs ?? 0)) * 1000) / orders;
    const name = names.get(tid) ?? 'later threads';
    figures['CPU per order, us'] += us;
    figures[`  ${name}`] = (figures[`  ${name}`] ?? 0) + us;
    if (name === 'io') figures['io ready and not on a core, % of the time'] = (waitedMs - (earlier?.waitedMs ?? 0)) / seconds / 10;
  }
  return figures;
}

/** Of the waits of the I/O thread, and of the stretches of the others. */
export function figuresOf(trace: SchedulerTrace, names: ReadonlyMap<number, string>, seconds: number): TurnFigures {
  const own = new Set(names.values());
  const long = trace.waits.filter(({ ms }) => ms > LONG_MS);
  const figures: Record<string, number> = {
    'waits of io over 1 ms, a second': long.length / seconds,
    '  of these our own': long.filter((wait) => ownShare(wait, own) >= 0.5).length / seconds,
    'longest wait, ms': Math.max(0, ...trace.waits.map(({ ms }) => ms)),
    'turns of io, a second': (trace.stretches.get('io')?.length ?? 0) / seconds,
  };
  for (const [name, ms] of trace.stretches) {
    if (name === 'io') continue;
    figures[`${name}: stretches a second`] = ms.length / seconds;
    figures[`${name}: over 0.1 ms, a second`] = ms.filter((each) => each > STRETCH_MS).length / seconds;
    figures[`${name}: longest, ms`] = ms.reduce((most, each) => Math.max(most, each), 0);
  }
  const waited = new Map<string, number>();
  for (const { ran } of trace.waits) for (const [name, ms] of ran) waited.set(name, (waited.get(name) ?? 0) + ms);
  for (const [name, ms] of [...waited].toSorted(([, a], [, b]) => b - a).slice(0, 6))
    figures[`io waits for ${name}, % of the time`] = ms / seconds / 10;
  return figures;
}

function ownShare({ ms, ran }: Wait, own: ReadonlySet<string>): number {
  let ours = 0;
  for (const [name, ranMs] of ran) if (own.has(name)) ours += ranMs;
  return ours / ms;
}
