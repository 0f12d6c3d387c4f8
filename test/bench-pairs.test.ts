/** Both checkouts in turns of a second: a turn or a pair that failed does not take the others with it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadResult } from '../bench/load/load-protocol.ts';
import { type Figures, ratiosInTurns } from '../bench/pairs/turns.ts';
import { batchFigures } from '../bench/pairs/wire-pair.ts';
import { pairMetrics } from '../bench/scopes/pairs.ts';
import { Recorder } from '../bench/suite/recorder.ts';
import type { WindowFault } from '../bench/suite/result.ts';

const LATE = { vetoed: 'the generator itself was late' };
const REFUSED = { failed: '12 commands were rejected, the first with BUSY' };

function resultOf(fault: WindowFault): LoadResult {
  const recorder = new Recorder();
  recorder.record(2);
  const counts = { orders: 1, fills: 0, rejected: 0, achieved: 0 };
  return { windows: [recorder.take()], faults: [fault], samples: [], sendDelay: recorder.take(), ...counts, kept: true, overloaded: false };
}

/** @param turns figures of the old and the new side */
async function inTurns(...turns: readonly (readonly [number, number])[]): Promise<number> {
  let half = 0;
  const { rate } = await ratiosInTurns(turns.length, async (side) => ({ rate: turns[half++ >> 1][side === 'old' ? 0 : 1] }));
  return rate;
}

test('pairs: a side that failed in a turn is the worse one, and a turn without a figure does not count', async () => {
  assert.equal(await inTurns([10, 11], [10, 12], [10, 13]), 1.2);
  assert.equal(await inTurns([10, 0], [10, 12], [10, 13]), 1.2);
  assert.equal(await inTurns([0, 11], [10, 12], [10, 11]), 1.2);
  assert.equal(await inTurns([10, 0], [10, 0], [10, 13]), 0);
  assert.equal(await inTurns([0, 11], [0, 11], [10, 11]), Number.POSITIVE_INFINITY);
  assert.equal(await inTurns([0, 0], [10, Number.NaN], [10, 13]), 1.3);
  assert.equal(await inTurns([0, 0], [Number.NaN, 12]), Number.NaN);
});

test('pairs: of a late generator the latency does not count, its processor time does; a load that failed has neither', () => {
  assert.equal(batchFigures(resultOf({}), 4)['wire.batches.p99'].toFixed(1), '0.5');
  const late = batchFigures(resultOf(LATE), 4);
  assert.equal(late['wire.batches.cpu'], 0.25);
  assert.ok(Number.isNaN(late['wire.batches.p50']));
  assert.throws(() => batchFigures(resultOf(REFUSED), 4), /rejected, the first with BUSY/);
});

test('pairs: one that broke off is kept with its reason', () => {
  const found = (rate: number): { readonly found: Figures } => ({ found: { 'wire.pingpong': rate } });
  const [metric, ...more] = pairMetrics([
    found(1.1),
    { failed: 'openbell start ended with 1' },
    found(Number.NaN),
    found(Number.POSITIVE_INFINITY),
  ]);
  assert.deepEqual([metric.id, more.length], ['pairs.wire.pingpong', 0]);
  assert.deepEqual(
    metric.windows.map(({ value, failed, vetoed }) => value ?? failed ?? vetoed),
    [1.1, 'openbell start ended with 1', 'the load generator was late, or both sides failed, in each turn', 1000],
  );
  assert.deepEqual(pairMetrics([{ failed: 'openbell start ended with 1' }]), []);
});
