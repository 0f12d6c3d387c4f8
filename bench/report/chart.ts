/** Line charts as inline SVG, drawn when the report is created: viewing needs only a browser. */
import type { Axis } from '../suite/result.ts';
import { html, type Markup } from './markup.ts';
import { linearScale, logScale, percentileScale, type Scale } from './scale.ts';

export type Point = readonly [x: number, y: number];

export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
  /** The same x, between the best and the worst window. */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[];
}

/** A limit: the line must stay below it up to this point. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

export interface Chart {
  readonly title: string;
  /** `percentile`: x is 1 / (1 - part). */
  readonly x: Axis | 'percentile';
  readonly y: Axis;
  readonly lines: readonly Line[];
  readonly marks?: readonly Mark[];
}

/** Of the view box; the page scales it. */
const WIDTH = 480;
const HEIGHT = 286;
const PLOT = { left: 56, right: WIDTH - 26, top: 26, bottom: HEIGHT - 44 };
/** Points of a line get a dot as long as they are distinguishable. */
const MAX_DOTS = 24;
/** Number of colours in the style sheet; further lines use dashes. */
export const COLOURS = 8;
/** Minimum length of a mark with its label on it. */
const MARK_LABEL = 130;
/** Between the baselines of two labels. */
const MARK_LINE = 14;
const X_TICKS = 6;
const Y_TICKS = 5;

export function renderChart(chart: Chart): Markup {
  const { title, lines, marks = [] } = chart;
  const points = lines.flatMap((line) => line.points);
  const x = xScale(chart, points);
  const ys = [
    ...points.map(([, y]) => y),
    ...lines.flatMap(({ band = [] }) => band.flatMap(([, low, high]) => [low, high])),
    ...marks.map(({ y }) => y),
  ];
  const y = axisScale(chart.y, ys, [PLOT.bottom, PLOT.top], Y_TICKS);
  const xLabel = chart.x === 'percentile' ? 'percentile' : axisLabel(chart.x);
  const drawn = lines.map((line) => line.points.map(([px, py]): Point => [x.at(px), y.at(py)]));
  return html`<figure class="chart" data-x="${chart.x === 'percentile' ? 'percentile' : 'number'}">
<figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: ${axisLabel(chart.y)} over ${xLabel}">
${y.ticks.map((tick) => html`<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${px(tick.at)}" y2="${px(tick.at)}"/>`)}
${x.ticks.map((tick) => html`<line class="grid" x1="${px(tick.at)}" x2="${px(tick.at)}" y1="${PLOT.top}" y2="${PLOT.bottom}"/>`)}
<path class="axis" d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}"/>
${y.ticks.map((tick) => html`<text class="tick y" x="${PLOT.left - 6}" y="${px(tick.at + 4)}">${tick.label}</text>`)}
${x.ticks.map((tick, index) => html`<text class="tick x${crowded(index, chart.x) ? ' crowded' : ''}" x="${px(tick.at)}" y="${PLOT.bottom + 16}">${tick.label}</text>`)}
<text class="label y" x="2" y="12">${axisLabel(chart.y)}</text>
<text class="label x" x="${PLOT.right}" y="${HEIGHT - 8}">${xLabel}</text>
${lines.map(({ band }, index) => band && html`<path class="band c${index % COLOURS}" data-line="${index}" d="${bandPath(band, x, y)}"/>`)}
${drawn.map((line, index) => renderLine(line, index))}
${renderMarks(marks, x, y)}
<line class="cursor" y1="${PLOT.top}" y2="${PLOT.bottom}" visibility="hidden"/>
</svg>
<ul class="legend"><li class="at" aria-hidden="true"></li>${lines.map((line, index) => legendItem(line, drawn[index], index))}</ul>
</figure>`;
}

/** Labels that a narrow page leaves out. */
function crowded(index: number, x: Chart['x']): boolean {
  return x === 'percentile' ? index === 0 : index % 2 === 1;
}

function renderLine(line: readonly Point[], index: number): Markup {
  const style = lineStyle(index);
  const dots =
    line.length <= MAX_DOTS
      ? line.map(([cx, cy]) => html`<circle class="dot ${style}" data-line="${index}" cx="${px(cx)}" cy="${px(cy)}" r="2.4"/>`)
      : [];
  return html`<path class="line ${style}" data-line="${index}" d="${path(line)}"/>${dots}`;
}

/** A button, because it hides and shows the line; it contains the value at the cursor. */
function legendItem({ name, points }: Line, drawn: readonly Point[], index: number): Markup {
  const data = points.map(([x, y], at) => [px(drawn[at][0]), Number(x.toPrecision(5)), Number(y.toPrecision(4))]);
  return html`<li><button type="button" aria-pressed="true" data-line="${index}" data-points="${JSON.stringify(data)}">
<svg viewBox="0 0 22 8" aria-hidden="true"><path class="line ${lineStyle(index)}" d="M0 4H22"/></svg>${name}<output></output></button></li>`;
}

function lineStyle(index: number): string {
  return `c${index % COLOURS}${index >= COLOURS ? ' dashed' : ''}`;
}

interface PlacedMark {
  readonly label: string;
  readonly right: number;
  readonly at: number;
  /** On the line itself, because it is long enough; otherwise at the end of the axis: curves only rise, so there is room. */
  readonly inside: boolean;
}

function renderMarks(marks: readonly Mark[], x: Scale, y: Scale): Markup[] {
  const placed = marks.map(({ x: to, y: limit, label }): PlacedMark => {
    const right = x.at(to);
    return { label, right, at: y.at(limit), inside: right - PLOT.left > MARK_LABEL };
  });
  return [true, false].flatMap((inside) => {
    const lowestFirst = placed.filter((mark) => mark.inside === inside).sort((a, b) => b.at - a.at);
    let free = Number.POSITIVE_INFINITY;
    return lowestFirst.map((mark) => {
      // Limits that are close together: the upper label moves up.
      const baseline = Math.min(mark.at - 5, free);
      free = baseline - MARK_LINE;
      return renderMark(mark, baseline);
    });
  });
}

function renderMark({ label, right, at, inside }: PlacedMark, baseline: number): Markup {
  const line = html`<path class="mark" d="M${PLOT.left} ${px(at)}H${px(right)}M${px(right)} ${px(at - 5)}V${px(at + 5)}"/>`;
  if (inside) return html`${line}<text class="mark" x="${PLOT.left + 5}" y="${px(baseline)}">${label}</text>`;
  return html`${line}<path class="leader" d="M${px(right)} ${px(at)}H${PLOT.right}"/>
<text class="mark end" x="${PLOT.right - 3}" y="${px(baseline)}">${label}</text>`;
}

function xScale(chart: Chart, points: readonly Point[]): Scale {
  const values = points.map(([x]) => x);
  if (chart.x === 'percentile') return percentileScale(Math.max(2, Math.log10(extent(values, [1, 100])[1])), [PLOT.left, PLOT.right]);
  return axisScale(chart.x, values, [PLOT.left, PLOT.right], X_TICKS);
}

function axisScale({ log }: Axis, values: readonly number[], range: Point, ticks: number): Scale {
  if (log !== true) return linearScale(extent(values, [0, 1]), range, ticks, true);
  const positive = values.filter((value) => value > 0);
  return logScale(extent(positive, [1, 10]), range);
}

/** A loop, because an hour of points exceeds the maximum number of arguments. */
function extent(values: readonly number[], otherwise: Point): Point {
  if (values.length === 0) return otherwise;
  let [low, high] = [values[0], values[0]];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

export function axisLabel({ label, unit }: Axis): string {
  const shown = unit === 'us' ? 'µs' : unit;
  // `commands/s` has its unit.
  return unit === 'count' || label.endsWith(shown) ? label : `${label}, ${shown}`;
}

function path(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${px(x)} ${px(y)}`).join('');
}

function bandPath(band: NonNullable<Line['band']>, x: Scale, y: Scale): string {
  const upper = band.map(([at, , high]): Point => [x.at(at), y.at(high)]);
  const lower = band.map(([at, low]): Point => [x.at(at), y.at(low)]);
  return `${path([...upper, ...lower.reverse()])}Z`;
}

/** A tenth of a pixel is enough. */
function px(value: number): number {
  return Math.round(value * 10) / 10;
}
