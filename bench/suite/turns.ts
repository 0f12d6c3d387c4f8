/** Turns of two commits within one run. */
import { figureOf, isLatency, type Percentile } from './figures.ts';
import { joinWindows } from './further-look.ts';
import { MIN_PAIRS } from './pair-verdict.ts';
import type { Metric, Pair, PairedFigure, ScopeResult } from './result.ts';

/** This checkout, and the other commit. */
export type Side = 'here' | 'there';
/** Two neighbouring turns of a scope. */
export type TurnPair = Readonly<Record<Side, ScopeResult>>;

/** Pairs that are added, because too few count. */
export const FURTHER_PAIRS = 2;
const PERCENTILES: readonly Percentile[] = ['p50', 'p99'];

/**
 * Takes turns, with the order changed from pair to pair. Ends early when a side failed in both of the first two, and
 * adds up to {@link FURTHER_PAIRS} when vetoes leave a figure fewer than {@link MIN_PAIRS}.
 * @param measure a turn of that side, in new processes
 */
export async function takeTurns(
  pairs: number,
  measure: (side: Side, pair: number) => Promise<ScopeResult>,
  more: () => void = () => undefined,
): Promise<TurnPair[]> {
  const turns: TurnPair[] = [];
  for (let wanted = pairs; turns.length < wanted; ) {
    const pair = turns.length;
    const found: Partial<Record<Side, ScopeResult>> = {};
    for (const side of orderOf(pair)) found[side] = await measure(side, pair);
    turns.push(found as TurnPair);
    if (found.here?.skipped !== undefined) break;
    if (pair === 1 && (['here', 'there'] as const).some((side) => turns.every((turn) => turn[side].failed !== undefined))) break;
    if (turns.length === wanted && wanted < pairs + FURTHER_PAIRS && tooFew(turns)) {
      wanted++;
      more();
    }
  }
  return turns;
}

/** This commit is first in the first pair, and second in the next. */
export function orderOf(pair: number): readonly Side[] {
  return pair % 2 === 0 ? ['here', 'there'] : ['there', 'here'];
}

function tooFew(turns: readonly TurnPair[]): boolean {
  return pairFigures(turns).some(({ pairs }) => {
    const vetoed = pairs.filter(({ vetoed: reason }) => reason !== undefined).length;
    return vetoed > 0 && vetoed < pairs.length && pairs.length - vetoed < MIN_PAIRS;
  });
}

/** The figures that both sides have: of a latency p50 and p99. A turn's figure is the median of its windows. */
export function pairFigures(turns: readonly TurnPair[]): PairedFigure[] {
  const metrics = metricsOf(turns.map(({ here }) => here));
  const there = new Set(metricsOf(turns.map((turn) => turn.there)).map(({ id }) => id));
  return metrics
    .filter(({ id }) => there.has(id))
    .flatMap((metric) =>
      (isLatency(metric) ? PERCENTILES : [undefined]).map((percentile) => ({
        metric: metric.id,
        ...(percentile !== undefined && { percentile }),
        pairs: turns.map((turn) => pairOf(turn, metric.id, percentile)),
      })),
    );
}

function pairOf(turn: TurnPair, id: string, percentile: Percentile | undefined): Pair {
  const figures: Partial<Record<Side, number>> = {};
  for (const side of ['here', 'there'] as const) {
    const metric = turn[side].metrics.find((each) => each.id === id);
    if (metric === undefined || metric.windows.length === 0) continue;
    const figure = figureOf(metric, percentile);
    if (figure === undefined) return { vetoed: metric.windows.find(({ vetoed }) => vetoed !== undefined)?.vetoed ?? 'vetoed' };
    if (Number.isFinite(figure.median)) figures[side] = figure.median;
  }
  return figures;
}

/** All turns of a side as one result. What a failed turn did not measure is a failed window. It failed if every turn did. */
export function sideOf(turns: readonly TurnPair[], side: Side): ScopeResult {
  const results = turns.map((turn) => turn[side]);
  const known = metricsOf(results);
  const last = results.findLast(({ failed }) => failed === undefined) ?? results[results.length - 1];
  const failures = results.flatMap(({ failed }, turn) => (failed === undefined ? [] : [`Turn ${turn + 1} failed: ${firstLine(failed)}`]));
  const metrics = results.reduce<Metric[]>((all, { metrics: found, failed }) => {
    const missing = failed === undefined ? [] : known.filter(({ id }) => !found.some((metric) => metric.id === id));
    const broken = missing.map((metric) => ({ ...metric, windows: [{ failed: firstLine(failed ?? '') }] }));
    return joinWindows(all, [...found, ...broken]);
  }, []);
  const { failed: _, ...whole } = last;
  return {
    ...whole,
    method: [...last.method, ...failures],
    startedAt: results[0].startedAt,
    seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
    metrics,
    ...(failures.length === results.length && { failed: last.failed }),
  };
}

/** Each metric of these results once. */
function metricsOf(results: readonly ScopeResult[]): Metric[] {
  const all = new Map<string, Metric>();
  for (const { metrics } of results) for (const metric of metrics) if (!all.has(metric.id)) all.set(metric.id, metric);
  return [...all.values()];
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0];
}
