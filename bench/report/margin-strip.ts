import type { Verdict } from '../suite/budgets.ts';
import { html, type Markup } from './markup.ts';

const WIDTH = 120;
const MIDDLE = WIDTH / 2;
/** An edge is four times the limit, or a quarter. */
const EDGE = 4;

/** Best window (dot) and median (tick) against the limit (line in the middle), on a log scale: the left side is good. */
export function marginStrip({ limit, best, median, better }: Verdict): Markup | undefined {
  if (best === undefined || median === undefined || limit <= 0) return undefined;
  const at = (value: number): number => {
    const part = value <= 0 ? -1 : Math.log(value / limit) / Math.log(EDGE);
    const inside = Math.min(1, Math.max(-1, better === 'higher' ? -part : part));
    return Math.round((MIDDLE + inside * (MIDDLE - 5)) * 10) / 10;
  };
  const state = better === 'lower' ? best <= limit : best >= limit;
  return html`<svg class="strip ${state ? 'good' : 'bad'}" viewBox="0 0 ${WIDTH} 16" role="img" aria-label="best window and median against the limit">
<line class="base" x1="0" x2="${WIDTH}" y1="8" y2="8"/><line class="limit" x1="${MIDDLE}" x2="${MIDDLE}" y1="1" y2="15"/>
<line class="range" x1="${at(best)}" x2="${at(median)}" y1="8" y2="8"/>
<line class="median" x1="${at(median)}" x2="${at(median)}" y1="4" y2="12"/><circle cx="${at(best)}" cy="8" r="3.5"/></svg>`;
}
