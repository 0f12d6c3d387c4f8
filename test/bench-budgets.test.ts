import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderHtml } from '../bench/report/html-report.ts';
import { renderMarkdown } from '../bench/report/markdown-report.ts';
import { describeVerdict } from '../bench/report/model.ts';
import { type Budget, fails, judge, parseBudgets, type Verdict } from '../bench/suite/budgets.ts';
import { CATALOG } from '../bench/suite/catalog.ts';
import { Recorder } from '../bench/suite/recorder.ts';
import type { Metric, RunResult } from '../bench/suite/result.ts';
import { benchResult, valueMetric } from './support/bench-result.ts';

const SOURCE = 'a test';

function runOf(...metrics: Metric[]): RunResult {
  const run = benchResult();
  return { ...run, scopes: [{ ...run.scopes[0], metrics }] };
}

/** A latency whose windows have these p99 values. */
function latencies(...p99s: number[]): Metric {
  const windows = p99s.map((p99) => {
    const recorder = new Recorder();
    recorder.recordMany(p99 / 10, 90);
    recorder.recordMany(p99, 10);
    return { latency: recorder.take() };
  });
  return { id: 'wire.latency', title: '', unit: 'ms', better: 'lower', windows };
}

function verdictOf(budget: Budget, metric: Metric): Verdict {
  return judge(runOf(metric), [budget])[0];
}

test('a guard is judged by the best of the windows', () => {
  const guard: Budget = { kind: 'guard', scope: 'wire', metric: 'wire.latency', percentile: 'p99', limit: 1, source: SOURCE };
  assert.equal(verdictOf(guard, latencies(5, 0.9, 7)).state, 'met');
  const broken = verdictOf(guard, latencies(5, 1.1, 7));
  assert.equal(broken.state, 'broken');
  assert.ok(fails(broken));
  assert.ok(broken.margin !== undefined && broken.margin > -0.11 && broken.margin < -0.09, `${broken.margin}`);
  assert.equal(verdictOf({ ...guard, percentile: 'p50' }, latencies(5, 1.1, 7)).state, 'met');
});

test('a window without answers does not count, and is not the best of all', () => {
  const guard: Budget = { kind: 'guard', scope: 'wire', metric: 'wire.latency', percentile: 'p99', limit: 1, source: SOURCE };
  const brokenOff = (...p99s: number[]): Metric => {
    const metric = latencies(...p99s);
    return { ...metric, windows: [...metric.windows, { latency: new Recorder().take() }] };
  };
  assert.equal(verdictOf(guard, brokenOff(5, 7)).state, 'broken');
  assert.equal(verdictOf(guard, brokenOff(5, 0.9)).state, 'met');
  const empty = runOf(brokenOff());
  const report = { run: empty, before: empty, verdicts: judge(empty, [guard]), leftOut: [], trends: [] };
  assert.match(renderMarkdown(report), /\| ∞ ms \|.*broken: ∞ % over/);
  assert.match(renderHtml(report), /broken: ∞ % over/);
});

test('if higher is better, the limit is a minimum', () => {
  const guard: Budget = { kind: 'guard', scope: 'wire', metric: 'wire.rate', limit: 100, source: SOURCE };
  const rate = (...values: number[]): Metric => valueMetric('wire.rate', '', '/s', 'higher', values);
  assert.equal(verdictOf(guard, rate(50, 100, 60)).state, 'met');
  assert.equal(verdictOf(guard, rate(50, 99, 60)).state, 'broken');
});

test('a missed target is reported and does not fail the check', () => {
  const target: Budget = { kind: 'target', scope: 'wire', metric: 'wire.latency', percentile: 'p99', limit: 1, source: SOURCE };
  const verdict = verdictOf(target, latencies(2, 2, 3));
  assert.equal(verdict.state, 'not met');
  assert.ok(!fails(verdict));
});

test('a ratio may be worse than the committed one by its tolerance, in the direction that is worse', () => {
  const ratio: Budget = { kind: 'ratio', scope: 'wire', metric: 'wire.ratio', committed: 2, tolerance: 0.15, source: SOURCE };
  const state = (better: Metric['better'], ...values: number[]) =>
    verdictOf(ratio, valueMetric('wire.ratio', '', 'x', better, values)).state;
  assert.equal(state('lower', 4, 2.29, 4), 'met');
  assert.equal(state('lower', 4, 2.31, 4), 'broken');
  assert.equal(state('lower', 0.1, 0.1, 0.1), 'met', 'much better is not worse');
  assert.equal(state('higher', 1, 1.71, 1), 'met');
  assert.equal(state('higher', 1, 1.69, 1), 'broken');
  assert.equal(verdictOf(ratio, valueMetric('wire.ratio', '', '/s', 'lower', [2])).state, 'error', 'not a ratio');
});

test('a target can be judged by the median: of a ratio to a floor, the best window is the one whose floor was disturbed most', () => {
  const target: Budget = { kind: 'target', scope: 'wire', metric: 'wire.ratio', limit: 2, judged: 'median', source: SOURCE };
  const verdict = (...values: number[]) => verdictOf(target, valueMetric('wire.ratio', '', 'x', 'lower', values));
  assert.equal(verdict(0.5, 3, 3).state, 'not met');
  const met = verdict(5, 1.5, 1);
  assert.deepEqual([met.state, met.best, met.margin], ['met', 1, 0.25]);
  assert.equal(describeVerdict(met), 'met, 25 % to spare (median)');
});

test('a target is judged only in the windows in which a floor is low enough', () => {
  const where = { metric: 'wire.floor.latency', percentile: 'p99', below: 0.5 } as const;
  const target: Budget = { kind: 'target', scope: 'wire', metric: 'wire.latency', percentile: 'p99', limit: 1, where, source: SOURCE };
  const verdict = (floors: readonly number[], ...p99s: number[]) =>
    judge(runOf(latencies(...p99s), { ...latencies(...floors), id: 'wire.floor.latency' }), [target])[0];
  assert.equal(verdict([0.4, 0.4, 0.4], 0.9, 2, 3).state, 'met');
  const two = verdict([0.4, 2, 0.4], 3, 0.9, 2);
  assert.equal(two.state, 'not met');
  assert.match(describeVerdict(two), /^not met: 1\d\d % over, in the 2 of 3 windows in which wire\.floor\.latency p99 is below 0\.5$/);
  const none = verdict([0.6, 2, 4], 3, 0.9, 2);
  assert.equal(none.state, 'not judged');
  assert.ok(!fails(none));
  const why = /not judged: the machine does not show it: wire\.floor\.latency p99 is 0\.6 ms at best, and must be below 0\.5/;
  assert.match(describeVerdict(none), why);
  const run = runOf(latencies(3));
  const report = { run, before: run, verdicts: [none], leftOut: [], trends: [] };
  for (const text of [renderMarkdown(report), renderHtml(report)]) {
    assert.match(text, why);
    assert.match(text, /No budget was measured in this run/);
  }
  assert.equal(judge(runOf(latencies(3)), [target])[0].state, 'error', 'without the floor');
});

test('a scope that ran must have the figure; one that did not is not measured', () => {
  const budget: Budget = { kind: 'guard', scope: 'wire', metric: 'wire.gone', limit: 1, source: SOURCE };
  const state = (more: Partial<Budget>, complete = true) => judge(benchResult(), [{ ...budget, ...more } as Budget], complete)[0].state;
  assert.equal(state({}), 'error');
  assert.equal(state({}, false), 'not measured');
  assert.equal(state({ profile: 'ci' }), 'not measured');
  assert.equal(state({ scope: 'book', metric: 'book.gone' }), 'not measured');
  assert.equal(state({ scope: 'fanout', metric: 'fanout.hop' }), 'not measured', 'failed');
  assert.equal(state({ kind: 'target', scope: 'mesh', metric: 'mesh.added' }), 'not measured', 'skipped');
  assert.equal(state({ scope: 'mesh', metric: 'mesh.added' }), 'error', 'a guard that could not be checked');
  assert.equal(state({ metric: 'wire.cpu_per_order', percentile: 'p99' }), 'error', 'a value has no percentiles');
  assert.equal(state({ metric: 'wire.pingpong.ws.latency' }), 'error', 'a latency without one');
});

test('the file is read strictly', () => {
  const good = { kind: 'guard', scope: 'wire', metric: 'wire.a', limit: 1, source: SOURCE };
  const parse = (...entries: unknown[]) => parseBudgets(JSON.stringify(entries), CATALOG.names);
  assert.deepEqual(parse(good, { ...good, profile: 'ci', metric: 'wire.b' }).length, 2);
  parse({ ...good, profile: 'ci' }, { ...good, profile: 'full' });
  const wrong: readonly (readonly [entry: unknown, message: RegExp])[] = [
    [{ ...good, kind: 'wish' }, /kind must be/],
    [{ ...good, kind: 'toString' }, /kind must be/],
    [{ ...good, limt: 1 }, /guard has no field limt/],
    [{ ...good, committed: 1 }, /guard has no field committed/],
    [{ ...good, kind: 'ratio' }, /ratio has no field limit/],
    [{ ...good, limit: undefined }, /limit must be a number/],
    [{ ...good, limit: '1' }, /limit must be a number/],
    [{ ...good, limit: -1 }, /limit must be a number/],
    [{ ...good, scope: 'wires' }, /no such scope: wires/],
    [{ ...good, metric: 'fanout.a' }, /metric must begin with wire\./],
    [{ ...good, percentile: 'p95' }, /percentile must be p50, p90, p99, p999, max/],
    [{ ...good, profile: 'quick' }, /profile must be/],
    [{ ...good, source: '' }, /source must state/],
    [{ ...good, judged: 'median' }, /guard has no field judged/],
    [{ ...good, kind: 'target', judged: 'worst' }, /judged must be median/],
    [{ ...good, kind: 'target', where: 1 }, /where must be an object/],
    [{ ...good, kind: 'target', where: { metric: 'fanout.a', below: 1 } }, /where: metric must begin with wire\./],
    [{ ...good, kind: 'target', where: { metric: 'wire.b', below: 0 } }, /where: below must be/],
    [{ ...good, kind: 'target', where: { metric: 'wire.b', below: 1, percentile: 'p95' } }, /where: percentile must be/],
    [{ ...good, kind: 'target', where: { metric: 'wire.b', under: 1 } }, /where has no field under/],
    [null, /not an object/],
  ];
  for (const [entry, message] of wrong)
    assert.throws(
      () => parse(good, entry),
      (error: Error) => message.test(error.message) && error.message.startsWith('entry 2: '),
      String(message),
    );
  assert.throws(() => parse(good, { ...good, limit: 2 }), /entry 2: a second guard for wire\.a/);
  assert.throws(() => parse(good, { ...good, profile: 'ci' }), /a second guard/);
  assert.throws(() => parseBudgets('{}', CATALOG.names), /not a list/);
  assert.throws(() => parseBudgets('[', CATALOG.names), /JSON/);
});

test('bench/budgets.json is a valid list of budgets', () => {
  const budgets = parseBudgets(readFileSync(new URL('../bench/budgets.json', import.meta.url), 'utf8'), CATALOG.names);
  assert.ok(budgets.length > 0);
});
