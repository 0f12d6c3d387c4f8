import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderHtml } from '../bench/report/html-report.ts';
import { renderMarkdown } from '../bench/report/markdown-report.ts';
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
