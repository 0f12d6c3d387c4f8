/** What the others cost an account: latency beside them over latency alone, window by window. */
import { valueMetric } from '../load/metrics.ts';
import { MAX_LATE_SHARE } from '../load/window-watch.ts';
import { type Attempt, foundIn } from '../suite/each-window.ts';
import { PERCENTILE_NAMES } from '../suite/figures.ts';
import { mergeLatencies } from '../suite/recorder.ts';
import { type Metric, median, type Window } from '../suite/result.ts';
import type { Probed } from './probe.ts';

/** The turns of a window: disturbed ones, and the quiet ones around them. */
export interface IsolationTurns<Disturbed extends Probed = Probed> {
  readonly quiet: readonly Attempt<Probed>[];
  readonly disturbed: readonly Attempt<Disturbed>[];
}

const SIDES = ['disturbed', 'quiet'] as const;
type Side = (typeof SIDES)[number];

/**
 * A window with a turn that broke off failed. One in which the probe itself waited for its core for more than half of a
 * latency, alone or disturbed, is vetoed: it is a figure of the core that the clients share, not of the exchange.
 * @param id such as `history` @param title of what disturbs @param note what it did
 */
export function isolationRatios(id: string, title: string, windows: readonly IsolationTurns[], note: string): Metric[] {
  return (['p50', 'p99'] as const).map((percentile) => {
    const merged = windows.map((window) => ({ disturbed: merge(window.disturbed), quiet: merge(window.quiet), window }));
    const at = (side: Side, part: keyof Probed): string => {
      const values = merged.flatMap((each) => each[side]?.[part][percentile] ?? []);
      return values.length === 0 ? '-' : `${median(values).toFixed(3)} ms`;
    };
    const of = (side: Side): string => `${at(side, 'latency')} (the client itself waited for its core ${at(side, 'own')})`;
    const metric = valueMetric(
      `isolation.${id}.${percentile}`,
      `order latency, ${percentile}, beside ${title} / alone`,
      'x',
      'lower',
      [],
      `Median beside it ${of('disturbed')}, alone ${of('quiet')}. ${note}`,
    );
    return {
      ...metric,
      windows: merged.map(({ disturbed, quiet, window }): Window => {
        const failed = [...window.disturbed, ...window.quiet].flatMap((turn) => ('failed' in turn ? turn.failed : []))[0];
        if (failed !== undefined) return { failed };
        if (disturbed === undefined || quiet === undefined) return { failed: 'there was no turn' };
        const value = disturbed.latency[percentile] / quiet.latency[percentile];
        const late = SIDES.filter((side) => {
          const { latency, own } = side === 'quiet' ? quiet : disturbed;
          return own[percentile] > MAX_LATE_SHARE * latency[percentile];
        });
        if (late.length === 0) return { value };
        const { latency, own } = late[0] === 'quiet' ? quiet : disturbed;
        const whole = latency[percentile];
        const part = Math.min(own[percentile], whole);
        const share = `${part.toFixed(2)} of the ${whole.toFixed(2)} ms at ${PERCENTILE_NAMES[percentile]}, ${late[0] === 'quiet' ? 'alone' : 'disturbed'}`;
        return { value, vetoed: `the client itself waited for its core for up to ${share}` };
      }),
    };
  });
}

function merge(turns: readonly Attempt<Probed>[]): Probed | undefined {
  const found = foundIn(turns);
  if (found.length === 0) return undefined;
  return { latency: mergeLatencies(found.map(({ latency }) => latency)), own: mergeLatencies(found.map(({ own }) => own)) };
}
