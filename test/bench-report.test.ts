/**
 * The HTML report, as text and in the real browser. Without Chromium on the PATH
 * the latter is skipped, unless OPENBELL_CI=1: then it fails. After a change that
 * is intended, OPENBELL_UPDATE_SCREENSHOT=1 renews the screenshot: check it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderHtml } from '../bench/report/html-report.ts';
import { renderMarkdown } from '../bench/report/markdown-report.ts';
import { escapeHtml, html } from '../bench/report/markup.ts';
import type { Report } from '../bench/report/model.ts';
import { linearScale, logScale, percentileScale } from '../bench/report/scale.ts';
import { judge } from '../bench/suite/budgets.ts';
import { historyLine, trends } from '../bench/suite/history.ts';
import { BENCH_BUDGETS, benchResult } from './support/bench-result.ts';
import { findChromium, openInChromium } from './support/chromium.ts';
import { blockMeans, decodePng } from './support/png.ts';

const PROBE = readFileSync(new URL('./support/report-probe.js', import.meta.url), 'utf8');
const SCREENSHOT = fileURLToPath(new URL('./support/bench-report.png', import.meta.url));
/** Other fonts move letters within a block of 8 by 8 pixels, and some lines by a few; a missing chart leaves a hole. */
const BLOCK = 8;
const DIFFERENT = 24;
const MAX_DIFFERENT_PART = 0.02;

const run = benchResult();
const history = [1.3, 1.1, 1].map((slower) => {
  const earlier = benchResult(slower);
  return historyLine(earlier, judge(earlier, BENCH_BUDGETS), {});
});
const report: Report = {
  run,
  before: benchResult(1.3),
  verdicts: judge(run, BENCH_BUDGETS),
  leftOut: ['soak'],
  trends: trends(history, judge(run, BENCH_BUDGETS)),
};
const page = renderHtml(report);

const folder = mkdtempSync(join(tmpdir(), 'openbell-report-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const chromium = findChromium();
const skip =
  chromium === undefined && process.env.OPENBELL_CI !== '1' ? 'NO CHROMIUM ON THE PATH: the report was not looked at in a browser' : false;
if (skip !== false) process.stderr.write(`bench-report.test: ${skip}\n`);

interface Facts {
  readonly width: number;
  readonly charts: number;
  readonly lines: number;
  readonly at: string;
  readonly readings: readonly string[];
  readonly hidden: number;
  readonly background: string;
  readonly wrong: readonly string[];
}

/** Lays the page out at that width. A window has a least width, a frame has none. */
function probe(name: string, width: number, flags: readonly string[] = []): Facts {
  const framed = page.replace('</body>', () => `<script>${PROBE}</script></body>`);
  const file = join(folder, `${name}.html`);
  writeFileSync(
    file,
    `<!doctype html><iframe id="f" style="width:${width}px;height:4000px;border:0" srcdoc="${escapeHtml(framed)}"></iframe>
<pre id="out"></pre><script>onload = () => { out.textContent = f.contentDocument.getElementById('facts').textContent; };</script>`,
  );
  const dom = openInChromium(chromium ?? 'chromium', file, ['--window-size=1300,4000', ...flags, '--dump-dom']);
  const facts = /<pre id="out">(\{.*\})<\/pre>/s.exec(dom)?.[1] ?? assert.fail('the probe did not run');
  return JSON.parse(facts.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')) as Facts;
}

for (const width of [1200, 400])
  test(`in the browser, ${width} px wide: nothing overflows, overlaps or is empty, and the charts answer`, { skip }, () => {
    const facts = probe(`at-${width}`, width);
    assert.deepEqual(facts.wrong, []);
    assert.equal(facts.width, width);
    assert.equal(facts.charts, 6);
    assert.equal(facts.lines, 4 + 3 + 2 + 2 + 2 + 3);
    assert.match(facts.at, /^at 99\.\d+ %:$/);
    assert.equal(facts.readings.length, 4);
    for (const reading of facts.readings) assert.match(reading, /^0\.\d+$/);
    assert.equal(facts.hidden, 1);
    assert.equal(facts.background, 'rgb(255, 255, 255)');
  });

test('in the browser, dark: the page is', { skip }, () => {
  const facts = probe('dark', 1200, ['--blink-settings=preferredColorScheme=0']);
  assert.deepEqual(facts.wrong, []);
  assert.equal(facts.background, 'rgb(20, 22, 26)');
});

test('in the browser: it looks unchanged', { skip }, () => {
  const file = join(folder, 'report.html');
  writeFileSync(file, page);
  const taken = process.env.OPENBELL_UPDATE_SCREENSHOT === '1' ? SCREENSHOT : join(folder, 'report.png');
  openInChromium(chromium ?? 'chromium', file, ['--window-size=1200,2600', '--force-device-scale-factor=0.5', `--screenshot=${taken}`]);
  const [now, then] = [taken, SCREENSHOT].map((png) => decodePng(readFileSync(png)));
  assert.deepEqual([now.width, now.height], [then.width, then.height]);
  const [a, b] = [blockMeans(now, BLOCK), blockMeans(then, BLOCK)];
  const different = a.filter((mean, index) => Math.abs(mean - b[index]) > DIFFERENT).length / a.length;
  assert.ok(different <= MAX_DIFFERENT_PART, `${(different * 100).toFixed(1)} % of the page look different; compare ${SCREENSHOT}`);
});

test('the page is self-contained, and loads nothing', () => {
  assert.doesNotMatch(page, /https?:|<link(?! rel="icon" href="data:,")|<img|src=|@import|url\(/);
  assert.match(page, /Content-Security-Policy" content="default-src &#39;none&#39;/);
});

test('all texts of a scope are escaped', () => {
  const evil = `</script><img src=x onerror=alert(1)>"'&|\n# no heading`;
  const [scope] = run.scopes;
  const metric = { ...scope.metrics[0], id: `wire.${evil}`, title: evil, note: evil };
  const value = { ...scope.metrics.at(-1), id: `wire.value.${evil}`, title: evil, note: evil } as typeof metric;
  const series = scope.series.map((each) => ({
    ...each,
    title: evil,
    x: { ...each.x, label: evil },
    lines: each.lines.map((line) => ({ ...line, name: evil })),
  }));
  const { machine } = run;
  const scopes = [
    { ...scope, title: evil, method: [evil], metrics: [metric, value], series },
    { ...scope, scope: 'mesh', skipped: evil },
    { ...scope, scope: 'fanout', failed: evil },
  ];
  const bad = { ...run, commit: evil, machine: { ...machine, cpu: evil, kernel: evil, disk: evil }, scopes };
  const verdicts = judge(bad, [{ kind: 'guard', scope: 'wire', metric: `wire.value.${evil}`, limit: 1, source: evil }]);
  const written = renderHtml({
    run: bad,
    before: { ...bad, commit: `${evil} before` },
    verdicts,
    leftOut: [evil],
    trends: trends([historyLine(bad, verdicts, {}), historyLine(bad, verdicts, {})], verdicts),
  });
  assert.doesNotMatch(written, /<img/);
  assert.equal(written.match(/<script/g)?.length, 1);
  assert.equal(written.match(/<\/script/g)?.length, 1);
  assert.match(written, /&lt;\/script&gt;&lt;img src=x onerror=alert\(1\)&gt;&quot;&#39;&amp;\|/);
  const markdown = renderMarkdown({ run: bad, before: bad, verdicts, leftOut: [], trends: [] });
  const lines = markdown.split('\n').filter((line) => !line.startsWith('    '));
  assert.ok(!lines.some((line) => /^# no heading/.test(line) || /(?<!\\)<(img|\/script)/.test(line)), markdown);
});

test('markup: values are escaped, markup in markup is not escaped twice', () => {
  assert.equal(html`<b>${'<&>'}</b>${[html`<i>${1}</i>`, undefined, false, 'x"']}`.text, '<b>&lt;&amp;&gt;</b><i>1</i>x&quot;');
});

test('scales: round ticks, the whole of the data inside', () => {
  const labels = (scale: { ticks: readonly { label: string }[] }): string => scale.ticks.map(({ label }) => label).join(' ');
  assert.equal(labels(linearScale([0, 240_000], [0, 100], 6, true)), '0 50,000 100,000 150,000 200,000 250,000');
  assert.equal(labels(linearScale([0.1, 0.3], [0, 100], 3, true)), '0 0.1 0.2 0.3');
  assert.equal(labels(linearScale([0, 0], [0, 100], 5, true)), '0 0.2');
  assert.equal(labels(logScale([0.085, 1.3], [0, 100])), '0.05 0.1 0.2 0.5 1 2');
  assert.equal(labels(logScale([0.003, 40], [0, 100])), '0.01 0.1 1 10');
  assert.equal(labels(logScale([2, 2], [0, 100])), '2 5');
  assert.equal(labels(percentileScale(4.5, [0, 100])), '0 50 % 90 % 99 % 99.9 % 99.99 %');
  const { at } = percentileScale(4, [0, 100]);
  assert.deepEqual([at(1), at(10), at(100), at(10_000), at(1e6)], [0, 25, 50, 100, 100]);
});
