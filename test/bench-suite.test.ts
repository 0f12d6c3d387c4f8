import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { soakMetrics } from '../bench/soak/verdict.ts';
import { CATALOG, chooseScopes, loadScope, scopeFile } from '../bench/suite/catalog.ts';
import { compareMetric, differences } from '../bench/suite/compare.ts';
import { figureOf } from '../bench/suite/figures.ts';
import { Pacer } from '../bench/suite/pacer.ts';
import { clock, secondsLeft } from '../bench/suite/progress.ts';
import { mergeLatencies, Recorder } from '../bench/suite/recorder.ts';
import { benchResult, valueMetric } from './support/bench-result.ts';

test('pacer: due events do not depend on sent events', () => {
  const pacer = new Pacer(1000, 50);
  assert.equal(pacer.due(49.9), 0);
  assert.equal(pacer.due(50), 1, 'the first is due at the start');
  assert.equal(pacer.due(50.9), 1);
  assert.equal(pacer.due(150), 101, 'a stall of 100 ms delays 100 events, and skips none');
  assert.equal(pacer.plannedMs(100), 150);
  for (let index = 0; index < 1000; index++) assert.ok(pacer.due(pacer.plannedMs(index) + 1e-6) >= index + 1);
});

test('recorder: percentiles, from zero to its maximum', () => {
  const recorder = new Recorder();
  for (let index = 1; index <= 1000; index++) recorder.record(index / 100);
  recorder.record(-1);
  recorder.record(1e9);
  const latency = recorder.take();
  assert.equal(latency.count, 1002);
  close(latency.p50, 5);
  close(latency.p90, 9.01);
  close(latency.p99, 9.91);
  close(latency.max, 100_000);
  assert.equal(recorder.count, 0, 'take starts anew');

  recorder.recordMany(2, 99);
  recorder.record(7);
  close(recorder.percentile(99), 2);
  close(recorder.percentile(99.5), 7);
});

test('recorder: several windows are one distribution, not the mean of their percentiles', () => {
  const recorder = new Recorder();
  const window = (ms: number, count: number) => {
    recorder.recordMany(ms, count);
    return recorder.take();
  };
  const merged = mergeLatencies([window(1, 990), window(50, 10)]);
  assert.equal(merged.count, 1000);
  close(merged.p99, 1);
  close(merged.p999, 50);
});

test("figures: best and worst by the metric's direction", () => {
  assert.deepEqual(figureOf(valueMetric('a.b', '', '/s', 'higher', [2, 9, 4])), { median: 4, best: 9, worst: 2 });
  assert.deepEqual(figureOf(valueMetric('a.b', '', 'us', 'lower', [2, 9, 4, 6])), { median: 5, best: 2, worst: 9 });
  assert.throws(() => figureOf(valueMetric('a.b', '', 'us', 'lower', [])), /a\.b has no windows/);
  assert.throws(() => figureOf(valueMetric('a.b', '', 'us', 'lower', [1]), 'p99'), /a\.b has no p99/);
});

test('compare: better is positive in either direction; overlapping windows may be chance', () => {
  const rate = (...values: number[]) => valueMetric('a.rate', '', '/s', 'higher', values);
  const time = (...values: number[]) => valueMetric('a.time', '', 'us', 'lower', values);
  assert.deepEqual(compareMetric(rate(110, 120, 130), rate(90, 100, 109)), { before: 100, now: 120, better: 0.2 });
  assert.deepEqual(compareMetric(time(110, 120, 130), time(90, 100, 110)), { before: 100, now: 120, better: -0.2, doubt: 'overlap' });
  assert.equal(compareMetric(time(1, 2, 3), undefined), undefined);
  assert.equal(compareMetric(time(1, 2, 3), rate(1, 2, 3)), undefined, 'another unit is another figure');
  assert.equal(compareMetric(time(1, 2, 3), time(0, 0, 0))?.better, undefined);
});

test('soak: growth an hour by the second half, drift of p99, open files', () => {
  const samples = Array.from({ length: 60 }, (_, i) => ({
    seconds: (i + 1) * 60,
    // Fills up, and then grows by a tenth of a MB a minute.
    ownMb: i < 30 ? 10 * i : 300 + 0.1 * i,
    filesMb: 0,
    heapMb: 20,
    files: 40 + (i === 59 ? 1 : 0),
    p50: 0.1,
    p99: i < 40 ? 1 : 1.5,
  }));
  const found = new Map(soakMetrics(samples).map((metric) => [metric.id, figureOf(metric)?.median]));
  close(found.get('soak.rss.growth') ?? 0, 6);
  assert.equal(found.get('soak.fds.growth'), 1);
  assert.equal(found.get('soak.p99.drift'), 1.5);
});

test('--help lists the options, and the scopes with their options', () => {
  const run = fileURLToPath(new URL('../bench/run.ts', import.meta.url));
  const help = execFileSync(process.execPath, [run, '--help'], { encoding: 'utf8' });
  assert.match(help, /--compare FILE/);
  for (const name of CATALOG.names) assert.match(help, new RegExp(`^  ${name} +[\\d:]+  \\w`, 'm'));
  assert.match(help, /^ +-o minutes=…/m);
});

test('bench:ci is planned for less than five minutes', async () => {
  const scopes = await Promise.all(chooseScopes(CATALOG, []).map((name) => loadScope(scopeFile(CATALOG, name))));
  const seconds = scopes.reduce((sum, scope) => sum + scope.seconds('ci'), 0);
  assert.ok(seconds < 300, `${seconds} s`);
});

test('compare: reasons for doubt are reported', () => {
  const [now, before] = [benchResult(), benchResult(2)];
  assert.deepEqual(differences(now, before), []);
  const elsewhere = { ...before, profile: 'ci' as const, machine: { ...before.machine, cores: 64, node: 'v24.0.0' } };
  assert.deepEqual(differences(now, elsewhere), [
    'Profile: ci before, full now',
    'Processor: 64 x Intel(R) Xeon(R) Processor before, 2 x Intel(R) Xeon(R) Processor now',
    'Node: v24.0.0 before, v22.23.3 now',
  ]);
  const [first, ...rest] = before.scopes;
  assert.deepEqual(differences(now, { ...before, scopes: rest }), [
    `Not measured before: ${first.scope} (--compare FILE names a run that did)`,
  ]);
});

test('progress: the remaining time follows the pace once it is known', () => {
  assert.equal(secondsLeft(60, 10, 0), 50);
  assert.equal(secondsLeft(60, 70, 0.05), 0);
  assert.equal(secondsLeft(60, 60, 0.5), 60);
  assert.equal(clock(0), '0:00');
  assert.equal(clock(59.2), '1:00');
  assert.equal(clock(3723), '1:02:03');
});

/** Three significant digits. */
function close(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * 0.0015, `${actual} is not ${expected}`);
}
