/** Windows that failed or are vetoed: what counts, what is shown, and what is remembered of a run. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { underLoad } from '../bench/load/metrics.ts';
import { lateness, WindowWatch } from '../bench/load/window-watch.ts';
import { renderChart } from '../bench/report/chart.ts';
import { renderHtml } from '../bench/report/html-report.ts';
import { renderMarkdown } from '../bench/report/markdown-report.ts';
import { describeChange, directionOf, type Report } from '../bench/report/model.ts';
import { commonTitle } from '../bench/report/percentile-charts.ts';
import { renderSummary } from '../bench/report/terminal-summary.ts';
import { soaked } from '../bench/soak/soak-run.ts';
import { soakMetrics } from '../bench/soak/verdict.ts';
import { type Budget, deservesAnotherLook, fails, judge } from '../bench/suite/budgets.ts';
import { compareMetric } from '../bench/suite/compare.ts';
import { attempt, eachWindow, foundIn, Violation, windowsOf } from '../bench/suite/each-window.ts';
import { describeFaults, figureOf } from '../bench/suite/figures.ts';
import { together } from '../bench/suite/further-look.ts';
import { appendHistory, historyLine, readHistory, trends } from '../bench/suite/history.ts';
import { type Latency, Recorder } from '../bench/suite/recorder.ts';
import type { Metric, RunResult, Window, WindowFault } from '../bench/suite/result.ts';
import { Parts } from '../bench/suite/scope.ts';
import { Code } from '../engine/codes.ts';
import { BENCH_BUDGETS, benchResult } from './support/bench-result.ts';

const LATE = { vetoed: 'the generator itself was late by 2.00 of the 3.00 ms at p99' };
const REFUSED = { failed: '6,564 commands were rejected, the first with BUSY' };

function latencyOf(p99: number, p50 = p99 / 10): Latency {
  const recorder = new Recorder();
  recorder.recordMany(p50, 90);
  recorder.recordMany(p99, 10);
  return recorder.take();
}

const windowOf = (p99: number, fault: WindowFault = {}): Window => ({ latency: latencyOf(p99), ...fault });
const metricOf = (...windows: Window[]): Metric => ({ id: 'wire.latency', title: 'latency', unit: 'ms', better: 'lower', windows });
const rateOf = (...windows: Window[]): Metric => ({ id: 'wire.rate', title: 'rate', unit: '/s', better: 'higher', windows });

function runOf(...metrics: Metric[]): RunResult {
  const run = benchResult();
  return { ...run, scopes: [{ ...run.scopes[0], metrics, series: [] }] };
}

test('a failed window is worse than every other, a vetoed one does not count', () => {
  const figure = (metric: Metric) => figureOf(metric, metric.unit === 'ms' ? 'p99' : undefined);
  const rounded = (metric: Metric) => Object.values(figure(metric) ?? {}).map((value) => Math.round(value));
  assert.deepEqual(rounded(metricOf(windowOf(5), windowOf(1, LATE), windowOf(7))), [6, 5, 7]);
  assert.deepEqual(rounded(metricOf(windowOf(5), windowOf(1, REFUSED), windowOf(7))), [7, 5, Number.POSITIVE_INFINITY]);
  assert.deepEqual(rounded(rateOf({ value: 5 }, { value: 100, ...REFUSED }, { value: 7 })), [5, 7, Number.NEGATIVE_INFINITY]);
  assert.deepEqual(rounded(rateOf({ value: 5 }, REFUSED)), [Number.NEGATIVE_INFINITY, 5, Number.NEGATIVE_INFINITY], 'without a value');
  assert.equal(figure(metricOf(windowOf(1, LATE), windowOf(2, LATE))), undefined);
  assert.equal(figure(metricOf(windowOf(1, REFUSED)))?.best, Number.POSITIVE_INFINITY);
  assert.deepEqual(describeFaults(metricOf(windowOf(5), windowOf(1, LATE), windowOf(7, REFUSED))), [
    `1 of 3 windows failed: ${REFUSED.failed}`,
    `1 of 3 windows vetoed: ${LATE.vetoed}`,
  ]);
});

test('budgets: a failed window is a miss, a vetoed one neither', () => {
  const guard: Budget = { kind: 'guard', scope: 'wire', metric: 'wire.latency', percentile: 'p99', limit: 2, source: 'a test' };
  const verdictOf = (budget: Budget, ...windows: Window[]) => judge(runOf(metricOf(...windows)), [budget])[0];
  assert.equal(verdictOf(guard, windowOf(1), windowOf(9, REFUSED)).state, 'met');
  assert.equal(verdictOf(guard, windowOf(3), windowOf(1, REFUSED)).state, 'broken', 'not the best');
  assert.equal(verdictOf(guard, windowOf(3), windowOf(1, LATE)).state, 'broken', 'not the best either');
  const refused = verdictOf(guard, windowOf(1, REFUSED), windowOf(1, REFUSED));
  assert.deepEqual([refused.state, refused.reason], ['broken', `2 of 2 windows failed: ${REFUSED.failed}`]);
  const late = verdictOf(guard, windowOf(1, LATE));
  assert.deepEqual([late.state, late.reason], ['error', `1 of 1 windows vetoed: ${LATE.vetoed}`]);
  assert.ok(fails(late) && deservesAnotherLook(late));
  assert.equal(verdictOf({ ...guard, kind: 'target' }, windowOf(1, LATE)).state, 'not measured');
  assert.ok(!deservesAnotherLook(judge(benchResult(), [{ ...guard, metric: 'wire.gone' }])[0]), 'a figure that is not there stays away');
});

test('runs apart: a figure with a failed or vetoed window is called neither better nor worse', () => {
  const compare = (now: Metric, before: Metric, format: 1 | 2 = 2) => compareMetric(now, before, 'p99', format);
  const [slow, fast] = [metricOf(windowOf(227), windowOf(230)), metricOf(windowOf(20), windowOf(21))];
  assert.equal(directionOf(compare(fast, slow)), 'good');
  assert.equal(describeChange(compare(fast, slow)), '91 % better');
  const late = metricOf(windowOf(227, LATE), windowOf(230));
  for (const [now, before] of [
    [fast, late],
    [late, fast],
  ]) {
    assert.equal(directionOf(compare(now, before)), 'chance');
    assert.equal(describeChange(compare(now, before)), 'vetoed');
  }
  assert.equal(describeChange(compare(fast, metricOf(windowOf(227, LATE)))), 'vetoed', 'no window is left');
  assert.equal(describeChange(compare(fast, metricOf(windowOf(227, REFUSED), windowOf(230)))), 'failed');
  assert.equal(directionOf(compare(fast, slow, 1)), 'chance', 'format 1 does not say when its generator was late');
  assert.match(describeChange(compare(metricOf(windowOf(20), windowOf(31)), metricOf(windowOf(30), windowOf(30)))), /^noise \(\+\d+ %\)$/);
});

test('a window says why it failed or is vetoed', () => {
  const watch = new WindowWatch(4);
  for (let window = -1; window < 4; window++) for (let i = 0; i < 100; i++) watch.sent(window, window === 1 ? 4 : 0.01);
  watch.rejected(-1, Code.BUSY);
  watch.rejected(0, Code.BUSY);
  watch.rejected(0, Code.UNKNOWN_ORDER);
  watch.brokeOff(3, 'a session was lost: reset');
  watch.brokeOff(4, 'later');
  const faults = watch.faults([latencyOf(1), latencyOf(5), latencyOf(1), latencyOf(1)]);
  assert.deepEqual(faults[0], { failed: '2 commands were rejected, the first with BUSY' });
  assert.match(faults[1].vetoed ?? '', /^the generator itself was late by 4\.00 of the 5\.0\d ms at p99$/);
  assert.deepEqual(faults[2], {});
  assert.deepEqual(faults[3], { failed: 'a session was lost: reset' });
  assert.equal(watch.sendDelay().count, 400, 'the warm-up is not in it');
});

test('lateness: more than half of the figure, at p99 or at p50', () => {
  assert.deepEqual(lateness(latencyOf(10, 1), latencyOf(5, 0.4)), {});
  assert.match(lateness(latencyOf(10, 1), latencyOf(5.1, 0.4)).vetoed ?? '', /at p99$/);
  assert.match(lateness(latencyOf(10, 1), latencyOf(4, 0.6)).vetoed ?? '', /at p50$/);
  assert.deepEqual(lateness(latencyOf(10), new Recorder().take()), {}, 'nothing was sent late');
});

test('reports show what a window measured, and why it does not count', () => {
  const run = runOf(metricOf(windowOf(1), windowOf(3, LATE), windowOf(2, REFUSED)), {
    ...rateOf(REFUSED),
    title: 'a `rate`',
    note: 'see `openbell`',
  });
  const report: Report = { run, verdicts: [], leftOut: [], trends: [] };
  const markdown = renderMarkdown(report);
  assert.match(markdown, /- wire\.latency: Window 2 of 3 vetoed \(p99 3\.00 ms\): the generator itself/);
  assert.match(markdown, /- wire\.latency: Window 3 of 3 failed \(p99 2\.00 ms\): 6,564 commands/);
  assert.match(markdown, /\| failed \| failed \| failed \|/);
  assert.match(markdown, /- wire\.rate: see `openbell`/);
  const page = renderHtml(report);
  assert.match(page, /<small class="fault">Window 2 of 3 vetoed/);
  assert.match(page, /see <code>openbell<\/code>/);
  const text = renderSummary(report, { out: 'bench/out', colour: false });
  assert.match(text, /Figures with windows that failed or are vetoed: 2, such as wire\.latency: 1 of 3 windows failed: 6,564/);
});

test('charts are named by what the titles of their lines share', () => {
  assert.equal(commonTitle(['gRPC: 20,000 commands/s, unbatched', 'gRPC: 100,000 commands/s, unbatched']), 'gRPC: … commands/s, unbatched');
  assert.equal(
    commonTitle(['gRPC: single orders, one at a time', 'WebSocket: single orders, one at a time']),
    'Single orders, one at a time',
  );
  assert.equal(commonTitle(['stops: p50', 'stops: p99']), 'Stops');
  assert.equal(commonTitle(['a', 'b']), 'Latencies');
  assert.equal(commonTitle(['the same', 'the same']), 'The same');
});

test('limits that are close together have their labels above each other', () => {
  const x = { label: 'rate', unit: '/s' } as const;
  const marks = [0.2, 0.19, 0.18].map((y) => ({ x: 2, y, label: `guard ${y}` }));
  const line = { name: 'a', points: [[2, 0.1] as const, [1e4, 5] as const] };
  const svg = renderChart({ title: 'a', x: 'percentile', y: { label: 'latency', unit: 'ms', log: true }, lines: [line], marks }).text;
  const baselines = [...svg.matchAll(/<text class="mark end" x="[\d.]+" y="([\d.]+)">/g)].map(([, y]) => Number(y)).sort((a, b) => a - b);
  assert.equal(baselines.length, 3);
  for (let index = 1; index < 3; index++) assert.ok(baselines[index] - baselines[index - 1] >= 13.9, `${baselines}`);
  assert.match(renderChart({ title: 'a', x: { ...x, label: 'offered commands/s' }, y: x, lines: [line] }).text, />offered commands\/s</);
});

test('what a scope measured before it failed stays', () => {
  const run = runOf(metricOf(windowOf(1)));
  const [scope] = run.scopes;
  const failed = { ...run, scopes: [{ ...scope, failed: 'Error: the exchange ended' }] };
  const guard: Budget = { kind: 'guard', scope: 'wire', metric: 'wire.latency', percentile: 'p99', limit: 2, source: 'a test' };
  assert.deepEqual(
    judge(failed, [guard, { ...guard, metric: 'wire.other' }]).map(({ state }) => state),
    ['met', 'not measured'],
  );
  const report: Report = { run: failed, verdicts: [], leftOut: [], trends: [] };
  for (const text of [renderMarkdown(report), renderHtml(report)]) assert.match(text, /the exchange ended[\s\S]*wire\.latency/);
  const again = together(scope, { ...scope, metrics: [], failed: 'Error: ended' }, []);
  assert.equal(again.failed, 'Error: ended');
  assert.equal(again.metrics.length, 1);
});

test('a part of a scope that fails does not end the others; an abort does', async () => {
  const abort = new AbortController();
  const parts = new Parts(abort.signal);
  const done: string[] = [];
  const failing = async (): Promise<void> => {
    throw new Error('the exchange ended');
  };
  assert.deepEqual(parts.outcome, {});
  await parts.run('target', failing);
  await parts.run('rates', async () => void done.push('rates'));
  assert.deepEqual(done, ['rates']);
  assert.match(parts.outcome.failed ?? '', /^target: Error: the exchange ended\n.*bench-windows/);
  abort.abort(new Error('interrupted'));
  await assert.rejects(parts.run('echo', failing), /interrupted/);
});

test('a window that ends with an error is kept with its reason, and the others stay', async () => {
  const abort = new AbortController();
  const found = await eachWindow(3, abort.signal, async (window) => {
    if (window === 1) throw new Error('3 commands were rejected, the first with BUSY\n    at deliver');
    return { ms: window + 5 };
  });
  const windows = windowsOf(found, ({ ms }) => ({ value: ms }));
  assert.deepEqual(windows, [{ value: 5 }, { failed: '3 commands were rejected, the first with BUSY' }, { value: 7 }]);
  assert.deepEqual(foundIn(found), [{ ms: 5 }, { ms: 7 }]);
  assert.equal(figureOf({ ...rateOf(...windows), better: 'lower' })?.median, 7);
});

test('what must never happen, and an abort, do not count as a window that failed', async () => {
  const abort = new AbortController();
  const lost = async (): Promise<never> => {
    throw new Violation('2 of 9 commands were not answered');
  };
  await assert.rejects(attempt(abort.signal, lost), Violation);
  abort.abort(new Error('interrupted'));
  await assert.rejects(
    eachWindow(1, abort.signal, () => Promise.reject(new Error('the load generator ended'))),
    /interrupted/,
  );
});

test('soak: after a reject what was seen stays, with the reason', () => {
  const seen = Array.from({ length: 9 }, (_, i) => ({ seconds: i, ownMb: 100 + i, filesMb: 1, heapMb: 10, files: 5 }));
  const loads = (length: number) => Array.from({ length }, (_, i) => ({ seconds: i, p50: 1, p99: 2, max: 3 }));
  const { samples, fault } = soaked(seen, { samples: loads(7), faults: [REFUSED] });
  assert.equal(samples.length, 7, 'up to where the load ended');
  for (const { windows } of soakMetrics(samples).map((metric) => underLoad([fault], metric))) {
    assert.equal(windows[0].failed, REFUSED.failed);
    assert.ok(Number.isFinite(windows[0].value));
  }
  assert.throws(() => soaked(seen, { samples: loads(2), faults: [REFUSED] }), /rejected, the first with BUSY/);
});

test('summary: a figure that is judged by its median is shown by it', () => {
  const ratio: Metric = { ...metricOf(), id: 'wire.ratio', unit: 'x', windows: [0.5, 3, 4].map((value) => ({ value })) };
  const [scope] = benchResult().scopes;
  const run = { ...benchResult(), scopes: [{ ...scope, metrics: [ratio] }] };
  const budget: Budget = { kind: 'target', scope: 'wire', metric: 'wire.ratio', limit: 2, judged: 'median', source: 'a test' };
  const text = renderSummary({ run, verdicts: judge(run, [budget]), leftOut: [], trends: [] }, { out: 'bench/out', colour: false });
  assert.match(text, /✗ wire\.ratio +3\.00x \(target ≤ 2x\): not met: 50 % over \(median\)/);
});

test('summary: about twenty lines, a mark for each budget, those that do not hold first', () => {
  const run = benchResult();
  const many = Array.from({ length: 30 }, (_, index): Budget => ({ ...BENCH_BUDGETS[3], source: `${index}` }) as Budget);
  const verdicts = judge(run, [...BENCH_BUDGETS, ...many]);
  const plain = renderSummary({ run, verdicts, leftOut: [], trends: [] }, { out: 'bench/out', colour: false });
  assert.ok(plain.split('\n').length <= 24, plain);
  const marks = plain.match(/[✓✗]/g) ?? [];
  const measured = verdicts.filter(({ state }) => state !== 'not measured').length;
  assert.equal(marks.length, measured + 1, 'one for each, and one for the scope that failed');
  assert.match(plain, /✗ fanout failed: Error: EMFILE/);
  const lines = plain.split('\n').filter((line) => /^ {2}[✓✗] (wire|durable)/.test(line));
  assert.ok(lines.findLastIndex((line) => line.includes('✗')) < lines.findIndex((line) => line.includes('✓')), plain);
  assert.ok(renderSummary({ run, verdicts, leftOut: [], trends: [] }, { out: '', colour: true }).includes('\x1b[31m✗\x1b[0m'));
});

test('history: a line for each run, and a trend over those that are comparable', (t) => {
  const out = mkdtempSync(join(tmpdir(), 'openbell-history-'));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const add = (slower: number, more: Partial<RunResult> = {}, options: Record<string, string> = {}) => {
    const run = { ...benchResult(slower), ...more };
    appendHistory(out, historyLine(run, judge(run, BENCH_BUDGETS), options));
  };
  add(2);
  add(1.5, { profile: 'ci' });
  add(1.4, {}, { only: 'target' });
  add(1.3, { against: { commit: 'c0ffee', method: [], scopes: [], figures: [] } });
  appendFileSync(join(out, 'history.jsonl'), '{"format":1,"commit":"cut o');
  add(1);
  const history = readHistory(out);
  assert.equal(history.length, 5, 'the line that was cut off is left out');
  const run = benchResult();
  const found = trends(history, judge(run, BENCH_BUDGETS));
  const sustained = found.find(({ verdict }) => verdict.budget.metric === 'wire.grpc.single.sustained');
  assert.deepEqual(
    sustained?.points.map(({ best }) => best),
    [27_150, 54_300],
  );
  assert.deepEqual(trends(history.slice(0, 1), judge(run, BENCH_BUDGETS)), [], 'one run is no trend');
  assert.deepEqual(readHistory(join(out, 'nowhere')), []);
  const page = renderHtml({ run, verdicts: judge(run, BENCH_BUDGETS), leftOut: [], trends: found });
  assert.match(page, /<section id="trend">[\s\S]*wire\.grpc\.single\.sustained/);
});
