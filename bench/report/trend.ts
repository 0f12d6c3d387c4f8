/** Figures over the runs of the same machine, profile and options. */
import { budgetName } from '../suite/budgets.ts';
import type { Trend } from '../suite/history.ts';
import { formatValue } from './format.ts';
import { html, type Markup } from './markup.ts';

const WIDTH = 220;
const HEIGHT = 30;
const PAD = 4;

/** A row per figure: best windows as a line, medians as dots, the limit dashed. */
export function renderTrends(trends: readonly Trend[]): Markup | undefined {
  if (trends.length === 0) return undefined;
  const longest = trends.reduce((a, b) => (b.points.length > a.points.length ? b : a)).points;
  const [first, last] = [longest[0], longest[longest.length - 1]];
  return html`<section id="trend">
<h2>Trend <small>the last ${longest.length} comparable runs, ${first.commit} to ${last.commit}</small></h2>
<p class="dim">Same machine, profile and options, in the order of the runs, which were apart: a step may be the machine. The line is the best window, a dot the median; dashed is the limit.</p>
<table class="figures trends"><thead><tr><th></th><th></th><th class="n">first</th><th class="n">lowest</th><th class="n">highest</th><th class="n">this run</th></tr></thead>
<tbody>${trends.map(row)}</tbody></table>
</section>`;
}

function row({ verdict, points }: Trend): Markup {
  const bests = points.map(({ best }) => best);
  const show = (value: number): string => formatValue(value, verdict.unit ?? 'count');
  return html`<tr><th scope="row">${budgetName(verdict)}</th><td>${sparkline({ verdict, points })}</td><td class="n" data-label="first">${show(bests[0])}</td>
<td class="n" data-label="lowest">${show(Math.min(...bests))}</td><td class="n" data-label="highest">${show(Math.max(...bests))}</td><td class="n strong" data-label="this run">${show(bests[bests.length - 1])}</td></tr>`;
}

/** On a log scale, if all values are above zero. */
function sparkline({ verdict, points }: Trend): Markup {
  const { limit } = verdict;
  const values = points.flatMap(({ best, median }) => [best, median]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const warp = low > 0 ? Math.log : (value: number): number => value;
  const range = warp(high) - warp(low) || 1;
  const y = (value: number): number => round(HEIGHT - PAD - ((warp(value) - warp(low)) / range) * (HEIGHT - 2 * PAD));
  const x = (index: number): number => round(PAD + (index / (points.length - 1)) * (WIDTH - 2 * PAD));
  const inside = limit >= low && limit <= high && (low <= 0 || limit > 0);
  const path = points.map(({ best }, index) => `${index === 0 ? 'M' : 'L'}${x(index)} ${y(best)}`).join('');
  return html`<svg class="trend" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${budgetName(verdict)} over ${points.length} runs">
${inside && html`<path class="mark" d="M0 ${y(limit)}H${WIDTH}"/>`}<path class="line c0" d="${path}"/>
${points.map(({ commit, startedAt, best, median }, index) => html`<circle class="dot c0" cx="${x(index)}" cy="${y(median)}" r="1.8"><title>${commit}, ${startedAt.slice(0, 10)}: best ${String(best)}, median ${String(median)}</title></circle>`)}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
