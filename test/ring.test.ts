import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { InvariantError } from '../engine/assert.ts';
import { allocateRing, RingConsumer, type RingHandle, RingProducer } from '../engine/rings/ring.ts';
import type { RingWorkerData, RingWorkerResult } from './support/ring-worker.ts';

const SLOT_BYTES = 16;
const WORDS = SLOT_BYTES / 4;
/** Words of a cursor's line. */
const LINE = 32;

function ringOf(capacity: number, consumers = 1, startAt = 0): RingHandle {
  const ring = allocateRing({ slotBytes: SLOT_BYTES, capacity, consumers });
  const control = new Int32Array(ring.memory);
  for (let line = 0; line <= consumers; line++) control[line * LINE] = startAt;
  return ring;
}

function put(producer: RingProducer, value: number): boolean {
  const slot = producer.tryClaim();
  if (slot === -1) return false;
  producer.slots.u32[slot * WORDS] = value;
  return true;
}

function take(consumer: RingConsumer): number {
  const slot = consumer.next();
  return slot === -1 ? -1 : consumer.slots.u32[slot * WORDS];
}

describe('ring, one thread', () => {
  it('shows nothing before publish, then everything in order', () => {
    const ring = ringOf(4);
    const producer = new RingProducer(ring);
    const consumer = new RingConsumer(ring);
    put(producer, 1);
    put(producer, 2);
    assert.equal(take(consumer), -1);
    producer.publish();
    assert.equal(consumer.available(), 2);
    assert.deepEqual([take(consumer), take(consumer), take(consumer)], [1, 2, -1]);
  });

  it('is full at its capacity, until the consumer releases slots', () => {
    const ring = ringOf(4);
    const producer = new RingProducer(ring);
    const consumer = new RingConsumer(ring);
    for (let value = 0; value < 4; value++) assert.ok(put(producer, value));
    assert.equal(put(producer, 4), false);
    assert.equal(producer.free(), 0);
    producer.publish();
    assert.equal(producer.depth(), 4);
    take(consumer);
    take(consumer);
    assert.equal(put(producer, 4), false, 'taken, not released');
    consumer.release();
    assert.equal(producer.depth(), 2);
    assert.equal(producer.free(), 2);
    assert.ok(put(producer, 4) && put(producer, 5));
    assert.equal(put(producer, 6), false);
    producer.publish();
    assert.deepEqual([take(consumer), take(consumer), take(consumer), take(consumer), take(consumer)], [2, 3, 4, 5, -1]);
  });

  it('returns claimed slots, but no published ones', () => {
    const ring = ringOf(4);
    const producer = new RingProducer(ring);
    const consumer = new RingConsumer(ring);
    put(producer, 1);
    producer.publish();
    put(producer, 2);
    put(producer, 3);
    producer.unclaim(2);
    put(producer, 4);
    producer.publish();
    assert.deepEqual([take(consumer), take(consumer), take(consumer)], [1, 4, -1]);
    assert.throws(() => producer.unclaim(1), InvariantError);
  });

  it('waits for the slower of two consumers; each sees every slot', () => {
    const ring = ringOf(2, 2);
    const producer = new RingProducer(ring);
    const [fast, slow] = [new RingConsumer(ring, 0), new RingConsumer(ring, 1)];
    put(producer, 1);
    put(producer, 2);
    producer.publish();
    assert.deepEqual([take(fast), take(fast)], [1, 2]);
    fast.release();
    assert.equal(put(producer, 3), false);
    assert.equal(producer.depth(), 2);
    assert.equal(take(slow), 1);
    slow.release();
    assert.ok(put(producer, 3));
    producer.publish();
    assert.deepEqual([take(slow), take(slow), take(fast), take(fast)], [2, 3, 3, -1]);
  });

  for (const startAt of [2 ** 31 - 3, -3, -(2 ** 31)]) {
    it(`counts on across the wrap of its cursors, from ${startAt}`, () => {
      const ring = ringOf(4, 2, startAt | 0);
      const producer = new RingProducer(ring);
      const consumers = [new RingConsumer(ring, 0), new RingConsumer(ring, 1)];
      let written = 0;
      for (let round = 0; round < 10; round++) {
        while (put(producer, written)) written++;
        assert.equal(written, round * 4 + 4);
        producer.publish();
        assert.equal(producer.depth(), 4);
        for (const consumer of consumers) {
          for (let value = written - 4; value < written; value++) assert.equal(take(consumer), value);
          assert.equal(take(consumer), -1);
          consumer.release();
        }
        assert.equal(producer.free(), 4);
      }
    });
  }

  it('never loses, repeats or reorders a record, however both ends interleave', () => {
    const step = fc.tuple(fc.constantFrom('put', 'put', 'publish', 'take', 'take', 'release', 'unclaim'), fc.nat(1));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), fc.constantFrom(0, 2 ** 31 - 20, -20), (steps, startAt) => {
        const ring = ringOf(8, 2, startAt | 0);
        const producer = new RingProducer(ring);
        const consumers = [new RingConsumer(ring, 0), new RingConsumer(ring, 1)];
        const taken = [0, 0];
        const released = [0, 0];
        let claimed = 0;
        let published = 0;
        for (const [op, which] of steps) {
          const slowest = Math.min(...released);
          if (op === 'put') {
            const room = claimed - slowest < 8;
            assert.equal(put(producer, claimed), room);
            if (room) claimed++;
          }
          if (op === 'publish') {
            producer.publish();
            published = claimed;
          }
          if (op === 'unclaim' && claimed > published) {
            producer.unclaim(1);
            claimed--;
          }
          if (op === 'take') {
            const value = take(consumers[which]);
            assert.equal(value, taken[which] < published ? taken[which]++ : -1);
          }
          if (op === 'release') {
            consumers[which].release();
            released[which] = taken[which];
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('rejects sizes that its counters cannot represent', () => {
    for (const spec of [
      { slotBytes: 24, capacity: 4, consumers: 1 },
      { slotBytes: 4, capacity: 4, consumers: 1 },
      { slotBytes: 16, capacity: 3, consumers: 1 },
      { slotBytes: 16, capacity: 1, consumers: 1 },
      { slotBytes: 16, capacity: 2 ** 25, consumers: 1 },
      { slotBytes: 16, capacity: 4, consumers: 0 },
    ]) {
      assert.throws(() => allocateRing(spec), InvariantError);
    }
    assert.throws(() => new RingConsumer(ringOf(4), 1), InvariantError);
  });
});

async function start(data: RingWorkerData): Promise<{ worker: Worker; result: Promise<RingWorkerResult> }> {
  const worker = new Worker(new URL('./support/ring-worker.ts', import.meta.url), { workerData: data });
  await once(worker, 'message');
  return { worker, result: once(worker, 'message').then(([result]) => result) };
}

/** Publishes `count` records in batches, giving the loop a turn when the ring is full. */
async function produce(ring: RingHandle, count: number, batch: number, pause = 0): Promise<number> {
  const producer = new RingProducer(ring);
  let fulls = 0;
  for (let value = 0; value < count; ) {
    if (put(producer, value)) {
      value++;
      if (value % batch === 0) producer.publish();
      if (pause > 0 && value % pause === 0) {
        producer.publish();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    } else {
      fulls++;
      producer.publish();
      await turn();
    }
  }
  producer.publish();
  return fulls;
}

describe('ring, across threads', () => {
  const count = 200_000;
  const sum = Array.from({ length: count }, (_, value) => value).reduce((total, value) => (total + value) % 1_000_003, 0);

  it('carries every record in order while its cursors wrap', async () => {
    const ring = ringOf(256, 1, (2 ** 31 - 1000) | 0);
    const { worker, result } = await start({ ring, consumer: 0, count, batch: 64, sleepMs: 0 });
    await produce(ring, count, 16);
    assert.deepEqual({ ...(await result), parks: 0 }, { wrongAt: -1, sum, parks: 0 });
    await worker.terminate();
  });

  it('two consumers, one of them slow: both get everything, and the producer gets -1 when the ring is full', async () => {
    const some = 5_000;
    const ring = ringOf(128, 2);
    const fast = await start({ ring, consumer: 0, count: some, batch: 64, sleepMs: 0 });
    const slow = await start({ ring, consumer: 1, count: some, batch: 64, sleepMs: 1 });
    const fulls = await produce(ring, some, 8);
    const [one, other] = await Promise.all([fast.result, slow.result]);
    assert.ok(fulls > 0);
    assert.equal(one.wrongAt, -1);
    assert.equal(other.wrongAt, -1);
    assert.equal(one.sum, other.sum);
    await Promise.all([fast.worker.terminate(), slow.worker.terminate()]);
  });

  it('a consumer that parked is woken by every publish; no wake-up is lost', async () => {
    const some = 400;
    const ring = ringOf(64);
    const { worker, result } = await start({ ring, consumer: 0, count: some, batch: 64, sleepMs: 0 });
    await produce(ring, some, 1, 4);
    const { parks, wrongAt } = await result;
    assert.equal(wrongAt, -1);
    assert.ok(parks > 10, `parked ${parks} times`);
    await worker.terminate();
  });
});
