import { readFileSync } from 'node:fs';
import { budgetName, type Verdict } from '../suite/budgets.ts';
import { type Change, differences } from '../suite/compare.ts';
import { PERCENTILE_NAMES, PERCENTILES } from '../suite/figures.ts';
import type { Metric, ScopeResult } from '../suite/result.ts';
import { renderChart } from './chart.ts';
import { formatDuration, formatValue } from './format.ts';
import { marginStrip } from './margin-strip.ts';
import { html, Markup, prose } from './markup.ts';
import {
  type Cell,
  describeChange,
  describeCommitted,
  describeDoubt,
  describeLimit,
  describeMachineRows,
  describeOutcome,
  describePaired,
  describeRun,
  describeTime,
  describeVerdict,
  describeWindows,
  directionOf,
  isCompared,
  latencyRows,
  pairedChanges,
  type Report,
  valueRows,
} from './model.ts';
import { percentileCharts } from './percentile-charts.ts';
import { renderTrends } from './trend.ts';

/** Our own file, without `</style` and `</script`. */
const [STYLE, SCRIPT] = ['report.css', 'report-script.js'].map((file) => new Markup(readFileSync(new URL(file, import.meta.url), 'utf8')));
/** The page may neither load nor send anything. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** The run as one self-contained HTML file. */
export function renderHtml(report: Report): string {
  const { run } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>openbell latency suite, ${run.commit}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>openbell latency suite</h1>
<p>${describeRun(report)}</p>
<dl class="machine">${describeMachineRows(run.machine).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<nav>${report.trends.length > 0 && html`<a href="#trend">trend</a>`}${run.scopes.map(({ scope }) => html`<a href="#${scope}">${scope}</a>`)}</nav>
</header>
<main>
${renderBudgets(report.verdicts)}
${renderComparison(report)}
${renderTrends(report.trends)}
${run.scopes.map((scope) => renderScope(scope, report))}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`.text;
}

function renderComparison(report: Report): Markup | undefined {
  const { run, before } = report;
  if (run.against !== undefined) {
    const changes = pairedChanges(report);
    const list = (texts: readonly string[], kind: string) => texts.map((text) => html`<li class="${kind}">${text}</li>`);
    return html`<section class="against" id="against"><h2>Against ${run.against.commit}</h2>
<p class="outcome">${describePaired(changes)}</p>
<ul class="changes">${list(changes.worse, 'bad')}${list(changes.better, 'good')}</ul>
<ul class="method">${run.against.method.map((sentence) => html`<li>${sentence}</li>`)}</ul></section>`;
  }
  if (before === undefined) return undefined;
  const doubts = differences(run, before);
  return html`<section class="compared"><p>Compared with commit ${before.commit} of ${describeTime(before)}, a run at another time. <span class="chance">Noise</span>: the windows of the two runs overlap; + is better. Where a window failed or was vetoed, the runs are not compared. To decide, take turns: <code>npm run bench -- SCOPE --against ${before.commit.replace('-dirty', '')}</code>.</p>
${doubts.length > 0 && html`<ul>${doubts.map((doubt) => html`<li>${doubt}</li>`)}</ul>`}</section>`;
}

function renderBudgets(verdicts: readonly Verdict[]): Markup {
  // Failed budgets first, those not measured last.
  const order: readonly Verdict['state'][] = ['error', 'broken', 'not met', 'not judged', 'met', 'not measured'];
  const rows = [...verdicts].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const [measured, rest] = [rows.filter(({ state }) => state !== 'not measured'), rows.filter(({ state }) => state === 'not measured')];
  return html`<section id="budgets">
<h2>Budgets</h2>
<p class="outcome">${describeOutcome(verdicts).join(' ')}</p>
${
  measured.length > 0 &&
  html`<table class="budgets">
<thead><tr><th>Budget</th><th>Kind</th><th class="n">Limit</th><th class="n">Best window</th><th class="n">Median</th><th>Good <span aria-hidden="true">◂ limit ▸</span> bad</th><th>Verdict</th></tr></thead>
<tbody>${measured.map(budgetRow)}</tbody></table>`
}
${rest.length > 0 && html`<details><summary>${rest.length} not measured in this run</summary><ul class="rest">${rest.map((verdict) => html`<li><b>${budgetName(verdict)}</b> ${describeLimit(verdict)}: ${verdict.reason}</li>`)}</ul></details>`}
</section>`;
}

function budgetRow(verdict: Verdict): Markup {
  const { budget, best, median, unit, state } = verdict;
  const show = (value?: number): string => (value === undefined || unit === undefined ? '' : formatValue(value, unit));
  return html`<tr class="${state.replace(' ', '-')}"><th scope="row">${budgetName(verdict)}<small>${budget.source}</small></th><td class="kind">${budget.kind}</td>
<td class="n" data-label="${budget.kind}">${describeLimit(verdict)}<small>${describeCommitted(verdict)}</small></td><td class="n strong" data-label="best window">${show(best)}</td><td class="n" data-label="median">${show(median)}</td><td>${marginStrip(verdict)}</td><td class="verdict">${describeVerdict(verdict)}</td></tr>`;
}

function renderScope(scope: ScopeResult, report: Report): Markup {
  const head = html`<h2>${scope.scope} <small>${scope.title}</small></h2>`;
  const failed = scope.failed !== undefined && html`<p class="failed">Failed.</p><pre>${scope.failed}</pre>`;
  if (failed && scope.metrics.length === 0) return html`<section id="${scope.scope}">${head}${failed}</section>`;
  if (scope.skipped !== undefined) return html`<section id="${scope.scope}">${head}<p>Skipped: ${scope.skipped}</p></section>`;
  const charts = [
    ...percentileCharts(scope.metrics, report.verdicts),
    ...scope.series.map(({ title, x, y, lines }) => ({ title, x, y, lines: lines.filter(({ points }) => points.length > 0) })),
  ].filter(({ lines }) => lines.length > 0);
  return html`<section id="${scope.scope}">
${head}${failed}
<ul class="method">${scope.method.map((sentence) => html`<li>${prose(sentence)}</li>`)}<li>Took ${formatDuration(scope.seconds)}.</li></ul>
${latencyTable(scope.metrics, report)}
${valueTable(scope.metrics, report)}
<div class="charts">${charts.map(renderChart)}</div>
</section>`;
}

function latencyTable(metrics: readonly Metric[], report: Report): Markup | undefined {
  const rows = latencyRows(metrics, report);
  const compared = isCompared(report);
  if (rows.length === 0) return undefined;
  return html`<table class="figures latencies">
<caption>Latency, ms: median of the windows, and below it best – worst</caption>
<thead><tr><th></th>${PERCENTILES.map((percentile) => html`<th class="n">${PERCENTILE_NAMES[percentile]}</th>`)}<th class="n">samples</th>${compared && html`<th class="n change">p50 change</th><th class="n change">p99 change</th>`}</tr></thead>
<tbody>${rows.map(
    ({ metric, cells, samples, changes }) =>
      html`<tr>${nameCell(metric)}${cells.map(figureCell)}<td class="n dim">${samples}</td>${compared && [changeCell(changes.p50), changeCell(changes.p99)]}</tr>`,
  )}</tbody></table>`;
}

function valueTable(metrics: readonly Metric[], report: Report): Markup | undefined {
  const rows = valueRows(metrics, report);
  const compared = isCompared(report);
  if (rows.length === 0) return undefined;
  return html`<table class="figures values">
<thead><tr><th></th><th class="n">median</th><th class="n">best</th><th class="n">worst</th>${compared && html`<th class="n">change</th>`}</tr></thead>
<tbody>${rows.map(
    ({ metric, cell, change }) =>
      html`<tr>${nameCell(metric)}<td class="n strong">${cell.median}</td><td class="n">${cell.best}</td><td class="n">${cell.worst}</td>${compared && changeCell(change)}</tr>`,
  )}</tbody></table>`;
}

function nameCell(metric: Metric): Markup {
  const { title, id, note } = metric;
  const faults = describeWindows(metric).map((text) => html`<small class="fault">${text}</small>`);
  return html`<th scope="row">${title}<code>${id}</code>${note !== undefined && html`<small>${prose(note)}</small>`}${faults}</th>`;
}

function figureCell({ median, best, worst }: Cell): Markup {
  return html`<td class="n"><b>${median}</b>${best !== '' && html`<small>${best} – ${worst}</small>`}</td>`;
}

function changeCell(change: Change | undefined): Markup {
  return html`<td class="n change ${directionOf(change)}" title="${describeDoubt(change)}">${describeChange(change)}</td>`;
}
