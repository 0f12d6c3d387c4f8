import { valueMetric } from '../load/metrics.ts';
import { figureOf, PERCENTILE_NAMES } from '../suite/figures.ts';
import { type Latency, mergeLatencies } from '../suite/recorder.ts';
import type { Metric } from '../suite/result.ts';
import type { Floor, FloorTurn } from './floor.ts';

const JUDGED = ['p50', 'p99'] as const;

/** Names of the figures beside one of the exchange's. */
export interface FloorNames {
  readonly scope: string;
  /** Part of the ids: `target`. */
  readonly point: string;
  /** The load. */
  readonly what: string;
}

/**
 * The exchange's latency with a note of what its floors had in the same windows, followed by their figures.
 * @param cpu its CPU per order in the same windows, if it is known
 */
export function besideFloors(
  latency: Metric,
  floors: ReadonlyMap<Floor, readonly (readonly FloorTurn[])[]>,
  names: FloorNames,
  cpu?: Metric,
): readonly Metric[] {
  const notes: string[] = latency.note === undefined ? [] : [latency.note];
  const metrics: Metric[] = [];
  for (const [floor, windows] of floors) {
    const own = floorLatency(floor, windows, names);
    const ratios = floor.hasRatio ? JUDGED.map((percentile) => ratio(latency, own, floor, percentile, names)) : [];
    notes.push(describeFloor(floor, own, ratios[1]));
    const ownCpu = floorCpu(floor, windows, names);
    metrics.push(own, ...ratios);
    if (ownCpu !== undefined) metrics.push(ownCpu, ...(cpu === undefined ? [] : [cpuRatio(cpu, ownCpu, floor, names)]));
  }
  return [{ ...latency, note: notes.join('; ') }, ...metrics];
}

/** The latency of the floor itself. */
export function floorLatency({ id, title }: Floor, windows: readonly (readonly FloorTurn[])[], { scope, point, what }: FloorNames): Metric {
  return {
    id: `${scope}.floor.${point}.${id}.latency`,
    title: `Beside it, ${title}: ${what}`,
    unit: 'ms',
    better: 'lower',
    windows: windows.map((turns) => {
      const failed = turns.find((turn) => turn.failed !== undefined)?.failed;
      return { latency: mergeLatencies(turns.map(({ latency }) => latency)), ...(failed !== undefined && { failed }) };
    }),
  };
}

/** The exchange over its floor, window by window; without a figure where that of either does not count. */
function ratio(
  exchange: Metric,
  floor: Metric,
  { id, title }: Floor,
  percentile: 'p50' | 'p99',
  { scope, point, what }: FloorNames,
): Metric {
  return {
    id: `${scope}.ratio.floor.${point}.${id}.${percentile}`,
    title: `${PERCENTILE_NAMES[percentile]} over that of ${title}: ${what}`,
    unit: 'x',
    better: 'lower',
    windows: exchange.windows.map(({ latency, failed, vetoed }, window) => {
      const below = floor.windows[window];
      const veto = vetoed ?? (below.failed === undefined ? undefined : `its floor broke off: ${below.failed}`);
      return {
        value: over(latency, below.latency, percentile),
        ...(failed !== undefined && { failed }),
        ...(veto !== undefined && { vetoed: veto }),
      };
    }),
  };
}

/** Infinite if the exchange has no latency: a window that broke off is not the best. */
function over(latency: Latency | undefined, floor: Latency | undefined, percentile: 'p50' | 'p99'): number {
  if (latency === undefined || floor === undefined || latency.count === 0 || floor.count === 0) return Number.POSITIVE_INFINITY;
  return latency[percentile] / floor[percentile];
}

function floorCpu(
  { id, title }: Floor,
  windows: readonly (readonly FloorTurn[])[],
  { scope, point, what }: FloorNames,
): Metric | undefined {
  const sum = (turns: readonly FloorTurn[], read: (turn: FloorTurn) => number | undefined): number =>
    turns.reduce((total, turn) => total + (read(turn) ?? 0), 0);
  const perOrder = windows.map((turns) => (sum(turns, (turn) => turn.cpuSeconds) * 1e6) / sum(turns, ({ orders }) => orders));
  if (!perOrder.every((us) => us > 0)) return undefined;
  return valueMetric(`${scope}.floor.${point}.${id}.cpu_per_order`, `CPU per order of ${title}: ${what}`, 'us', 'lower', perOrder);
}

/** Much steadier than a ratio of tails: both are times of work, not of waiting. */
function cpuRatio(exchange: Metric, floor: Metric, { id, title }: Floor, { scope, point, what }: FloorNames): Metric {
  return {
    id: `${scope}.ratio.floor.${point}.${id}.cpu_per_order`,
    title: `CPU per order over that of ${title}: ${what}`,
    unit: 'x',
    better: 'lower',
    windows: exchange.windows.map(({ value, ...faults }, window) => ({
      ...(value !== undefined && { value: value / (floor.windows[window].value as number) }),
      ...faults,
    })),
  };
}

/** For the note of a figure. @param ratio of the exchange to it, if there is one */
export function describeFloor({ title }: Floor, latency: Metric, ratio?: Metric): string {
  const figure = figureOf(latency, 'p99');
  if (figure === undefined || !Number.isFinite(figure.worst)) return `${title} beside it broke off`;
  const { median, best, worst } = figure;
  const ms = (value: number): string => (value < 0.1 ? value.toFixed(3) : value.toFixed(2));
  const own = `${title} beside it: p99 ${ms(median)} ms (${ms(best)} to ${ms(worst)})`;
  if (ratio === undefined) return own;
  const over = figureOf(ratio);
  if (over === undefined || !Number.isFinite(over.worst)) return own;
  return `${own}, so the exchange took ${over.median.toFixed(1)}x (${over.best.toFixed(1)}x to ${over.worst.toFixed(1)}x)`;
}
