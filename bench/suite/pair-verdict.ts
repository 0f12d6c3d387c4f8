/** Better, worse or noise: what pairs of neighbouring turns say about a figure. */
import { type Metric, median, type Pair } from './result.ts';

/** Fewer pairs say nothing. */
export const MIN_PAIRS = 5;
/**
 * Two-sided level of the sign test: all of five to eight pairs on one side, or all but one of nine or ten. Without a
 * difference up to one of sixteen figures seems to have one, which the report states beside the counts.
 */
export const LEVEL = 1 / 16;

export interface PairVerdict {
  readonly outcome: 'better' | 'worse' | 'noise';
  /** Pairs in which this commit is better, and worse; equal ones are in neither. */
  readonly better: number;
  readonly worse: number;
  /** Pairs that count; the others are vetoed, or both sides failed. */
  readonly used: number;
  /** Medians of the sides, and of the relative differences by pair, positive if better; undefined if no pair has both. */
  readonly here?: number;
  readonly there?: number;
  readonly change?: number;
}

export function judgePairs(pairs: readonly Pair[], direction: Metric['better']): PairVerdict {
  const sign = direction === 'lower' ? -1 : 1;
  // A side that failed is worse than any figure.
  const failed = sign * Number.NEGATIVE_INFINITY;
  const counted = pairs.filter(({ here, there, vetoed }) => vetoed === undefined && (here !== undefined || there !== undefined));
  const sides = counted.map(({ here = failed, there = failed }) => sign * Math.sign(here - there));
  const [better, worse] = [sides.filter((side) => side > 0).length, sides.filter((side) => side < 0).length];
  const whole = counted.filter(
    (pair): pair is Required<Pick<Pair, 'here' | 'there'>> => pair.here !== undefined && pair.there !== undefined,
  );
  const relative = whole.filter(({ there }) => there !== 0).map(({ here, there }) => (sign * (here - there)) / Math.abs(there));
  const decided = counted.length >= MIN_PAIRS && signTest(better, worse) <= LEVEL;
  return {
    outcome: decided ? (better > worse ? 'better' : 'worse') : 'noise',
    better,
    worse,
    used: counted.length,
    ...(whole.length > 0 && { here: median(whole.map(({ here }) => here)), there: median(whole.map(({ there }) => there)) }),
    ...(relative.length > 0 && { change: median(relative) }),
  };
}

/** The probability of so uneven a split, or a more uneven one, of fair coins: two-sided. */
export function signTest(better: number, worse: number): number {
  const n = better + worse;
  let [ways, tail] = [1, 0];
  for (let k = 0; k <= Math.min(better, worse); k++) {
    tail += ways;
    ways = (ways * (n - k)) / (k + 1);
  }
  return Math.min(1, (2 * tail) / 2 ** n);
}
