/** The result of a run of the suite: plain JSON, read by budgets, comparison and reports. */
import type { Latency } from './recorder.ts';

export type Unit = 'ms' | 's' | '/s' | 'x' | 'MB' | '%' | 'count' | 'us' | 'bytes';

/**
 * One figure, measured once per window. A shared machine disturbs only some
 * windows: budgets use the best one, tables show the median.
 */
export interface Metric {
  /** Stable over versions, dotted, begins with the scope: `wire.grpc.batch10.100000`. */
  readonly id: string;
  readonly title: string;
  /** Of the values and of the percentiles. Latencies are in ms; `x` is a ratio. */
  readonly unit: Unit;
  readonly better: 'lower' | 'higher';
  readonly windows: readonly Window[];
  /** A remark for the reader of this figure. */
  readonly note?: string;
}

/** Either a value, or a latency distribution; one that failed may have neither. */
export interface Window extends WindowFault {
  readonly value?: number;
  readonly latency?: Latency;
}

/** Why a window is not used as it is: sentences without a full stop, for the report. */
export interface WindowFault {
  /** What was measured refused the load or broke off: it counts as worse than every other window. */
  readonly failed?: string;
  /** The measurement itself was disturbed, such as by a late load generator: it is shown, and counts neither for nor against. */
  readonly vetoed?: string;
}

/** A chart: latency over time, the knee, percentiles by rate. Points in order of x. */
export interface Series {
  readonly id: string;
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

export interface Axis {
  readonly label: string;
  readonly unit: Unit;
  readonly log?: boolean;
}

export interface ScopeResult {
  readonly scope: string;
  readonly title: string;
  /** How it was measured: load, warm-up, windows, the measured interval. Sentences for the report. */
  readonly method: readonly string[];
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly metrics: readonly Metric[];
  readonly series: readonly Series[];
  /** Why the scope was not measured, such as a missing tool. Then there are no metrics. */
  readonly skipped?: string;
  /** The failure. Then the metrics are those that were measured before it. */
  readonly failed?: string;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly kernel: string;
  readonly node: string;
  readonly v8: string;
  /** Node flags of the scopes' processes. */
  readonly flags: readonly string[];
  readonly virtualization: string;
  /** File system and device of the folder that the durable scopes write to. */
  readonly disk: string;
}

/** 1 had no reasons for windows that failed or are vetoed, and no comparison in turns. */
export const RESULT_FORMAT = 2;

export interface RunResult {
  readonly format: 1 | typeof RESULT_FORMAT;
  readonly profile: Profile;
  readonly startedAt: string;
  readonly seconds: number;
  readonly commit: string;
  readonly machine: Machine;
  readonly scopes: readonly ScopeResult[];
  /** The other commit of `--against`. */
  readonly against?: Against;
}

/** A comparison with another commit: turns of both within one run. */
export interface Against {
  readonly commit: string;
  /** How the sides were measured: sentences for the report. */
  readonly method: readonly string[];
  /** What the other commit's turns found. */
  readonly scopes: readonly ScopeResult[];
  readonly figures: readonly PairedFigure[];
}

/** A figure of both commits, pair by pair. */
export interface PairedFigure {
  readonly metric: string;
  /** Of a latency; a value has none. */
  readonly percentile?: string;
  readonly pairs: readonly Pair[];
}

/** Two neighbouring turns. A side that failed has no figure. */
export interface Pair {
  readonly here?: number;
  readonly there?: number;
  /** Why the pair is not used. */
  readonly vetoed?: string;
}

/** `ci` takes some six minutes over all scopes; `full` takes the time that the figure needs. */
export type Profile = 'full' | 'ci';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
