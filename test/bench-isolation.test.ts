/** What others cost an account: which windows count, and which are of the client's core. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Probed } from '../bench/isolation/probe.ts';
import { type IsolationTurns, isolationRatios } from '../bench/isolation/ratios.ts';
import type { Attempt } from '../bench/suite/each-window.ts';
import { figureOf } from '../bench/suite/figures.ts';
import { type Latency, Recorder } from '../bench/suite/recorder.ts';

function latencyOf(p50: number, p99: number): Latency {
  const recorder = new Recorder();
  recorder.recordMany(p50, 90);
  recorder.recordMany(p99, 10);
  return recorder.take();
}

const turn = (p99: number, own = 0): Attempt<Probed> => ({ found: { latency: latencyOf(0.2, p99), own: latencyOf(0, own) } });
const window = (disturbed: Attempt<Probed>, ...quiet: Attempt<Probed>[]): IsolationTurns => ({ disturbed: [disturbed], quiet });

test('isolation: a ratio is that of a window, and one that broke off is kept with its reason', () => {
  const broken = { failed: '7 orders were rejected, the first with BUSY' };
  const [p50, p99] = isolationRatios(
    'history',
    'queries',
    [window(turn(4), turn(1), turn(2)), window(broken, turn(1)), window(turn(6), turn(2))],
    '',
  );
  assert.deepEqual(
    p99.windows.map(({ value, failed }) => failed ?? value?.toFixed(1)),
    ['2.0', broken.failed, '3.0'],
  );
  assert.deepEqual(
    p50.windows.map(({ value }) => value?.toFixed(1)),
    ['1.0', undefined, '1.0'],
  );
  assert.equal(figureOf(p99)?.worst, Number.POSITIVE_INFINITY);
  assert.match(p99.note ?? '', /^Median beside it [56]\.\d+ ms/);
  const [lost] = isolationRatios('history', 'queries', [window(turn(4), turn(1), broken)], '');
  assert.equal(lost.windows[0].failed, broken.failed, 'a quiet turn, too');
});

test('isolation: what the client itself waited for its core vetoes a window, alone or disturbed', () => {
  const [p50, p99] = isolationRatios(
    'history',
    'queries',
    [window(turn(4, 1.9), turn(1)), window(turn(4, 2.1), turn(1)), window(turn(4), turn(1, 0.6)), window(turn(4, 9), turn(1))],
    '',
  );
  assert.deepEqual(
    p99.windows.map(({ vetoed }) => /up to (.*)$/.exec(vetoed ?? '')?.[1].replaceAll(/(\.\d)\d/g, '$1')),
    [undefined, '2.1 of the 4.0 ms at p99, disturbed', '0.6 of the 1.0 ms at p99, alone', '4.0 of the 4.0 ms at p99, disturbed'],
  );
  assert.ok(
    p50.windows.every(({ vetoed }) => vetoed === undefined),
    'by percentile',
  );
});
