import { median } from '../suite/result.ts';

/** The two checkouts that are compared. */
export const SIDES = ['old', 'new'] as const;
export type Side = (typeof SIDES)[number];
export type Both<T> = Readonly<Record<Side, T>>;

/** Figures by metric, where more is better: 0 of a side that failed, and NaN of what was not measured. */
export type Figures = Readonly<Record<string, number>>;

/**
 * Both sides measure `turns` times in turns of about a second, old first in one
 * and new first in the next. Returns the median over the turns of each metric's
 * ratio, new over old: the two halves of a turn meet much the same machine. A turn in which one side failed has a ratio of 0 or
 * infinity; one in which both failed, or a side was not measured, does not count. NaN if none counts.
 */
export async function ratiosInTurns(turns: number, measure: (side: Side) => Promise<Figures>): Promise<Figures> {
  const ratios: Record<string, number[]> = {};
  for (let turn = 0; turn < turns; turn++) {
    const found: Partial<Record<Side, Figures>> = {};
    for (const side of turn % 2 === 0 ? SIDES : SIDES.toReversed()) found[side] = await measure(side);
    for (const [metric, before] of Object.entries(found.old ?? {})) {
      ratios[metric] ??= [];
      ratios[metric].push((found.new?.[metric] ?? Number.NaN) / before);
    }
  }
  const counted = (each: readonly number[]): number[] => each.filter((ratio) => !Number.isNaN(ratio));
  return Object.fromEntries(Object.entries(ratios).map(([metric, each]) => [metric, median(counted(each))]));
}
