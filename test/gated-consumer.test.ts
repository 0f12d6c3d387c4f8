import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GatedConsumer, type GateSpec } from '../engine/rings/gated-consumer.ts';
import { RingProducer } from '../engine/rings/ring.ts';
import { openTap, TapError, TappedRing } from '../engine/rings/tapped-ring.ts';
import { Engine } from '../engine/threads/engine.ts';
import { marketGate, reportGate } from '../engine/threads/pumps.ts';
import { putI64 } from '../engine/units.ts';
import { ENGINE_LIMITS, temporaryDirectory } from './support/engine-fixture.ts';

const durable = { words: new Int32Array(new SharedArrayBuffer(8)), index: 1 };

/** A ring with a record per seq, and how many of them a poll takes. */
function polls(spec: GateSpec, seqs: readonly number[]): (limit: number) => number {
  const ring = new TappedRing({ slotBytes: spec.recordBytes, capacity: 16 }, ['a']);
  const producer = new RingProducer(ring.handle);
  for (const seq of seqs) {
    const at = producer.tryClaim() * spec.recordBytes + spec.seqAt;
    if (spec.seqAs === 'f64') producer.slots.f64[at / 8] = seq;
    else putI64(producer.slots.i32, at / 4, seq);
  }
  producer.publish();
  const gate = new GatedConsumer(openTap(ring.tap('a')), spec);
  return (limit) => {
    let found = 0;
    gate.begin(limit);
    while (gate.next() !== -1) found++;
    gate.release();
    assert.equal(gate.taken, found);
    return found;
  };
}

for (const [name, spec] of [
  ['reports', (gate: typeof durable | undefined) => reportGate(gate, false)],
  ['market events', marketGate],
] as const) {
  it(`no ${name} are released before their command is durable, across the wrap of the low word`, () => {
    const wrap = 2 ** 32;
    const poll = polls(spec(durable), [wrap - 1, wrap, wrap, wrap + 1]);
    const at = (seq: number): number => {
      Atomics.store(durable.words, durable.index, seq | 0);
      return poll(10);
    };
    assert.deepEqual([wrap - 2, wrap - 1, wrap - 1, wrap, wrap + 1].map(at), [0, 1, 0, 2, 1]);
  });

  it(`${name} without a log are released at once, up to the limit`, () => {
    const poll = polls(spec(undefined), [7, 7, 7, 8]);
    assert.deepEqual([2, 1, 5, 5].map(poll), [2, 1, 1, 0]);
  });
}

it('a consumer of whole commands continues to the last record of the current command', () => {
  Atomics.store(durable.words, durable.index, 9);
  const poll = polls(reportGate(durable, true), [7, 7, 7, 8, 8, 9, 10]);
  assert.deepEqual([1, 2, 1, 1].map(poll), [3, 2, 1, 0]);
});

it('the seq must be inside the record, and a slot must be one record', () => {
  const ring = new TappedRing({ slotBytes: 128, capacity: 2 }, ['a']);
  const make = (change: Partial<GateSpec>) => () =>
    new GatedConsumer(openTap(ring.tap('a')), { ...reportGate(undefined, true), ...change });
  assert.doesNotThrow(make({}));
  assert.throws(make({ recordBytes: 64 }), /a slot holds one record/);
  assert.throws(make({ seqAt: 34 }), /aligned inside/);
  assert.throws(make({ seqAt: 124 }), /aligned inside/);
});

it('a tap that the engine does not have is rejected, and so is one that it reads itself', (t) => {
  const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
  const make = (reports?: readonly string[]): Engine =>
    new Engine({ dir, topology: 'compact', limits: ENGINE_LIMITS, ...(reports && { taps: { reports } }) });
  const engine = make(['history', 'drop-copy']);
  assert.deepEqual([engine.tap('reports', 'history').consumer, engine.tap('reports', 'drop-copy').consumer], [1, 2]);
  assert.equal(engine.reportRing.consumers, 3);
  assert.equal(make().tap('reports', 'history').consumer, 1);
  assert.equal(make([]).reportRing.consumers, 1);
  const rejected = (take: () => unknown): void =>
    assert.throws(take, (error) => error instanceof TapError && error.code === 'OPENBELL_TAP');
  rejected(() => engine.tap('reports', 'candles'));
  rejected(() => engine.tap('market', 'history'));
  rejected(() => engine.consume('reports', 'sessions'));
  rejected(() => engine.consume('market', 'market-data'));
  rejected(() => make(['history', 'history']));
  rejected(() => make(['sessions']));
  rejected(() => make(Array.from({ length: 8 }, (_, i) => `tap ${i}`)));
});
