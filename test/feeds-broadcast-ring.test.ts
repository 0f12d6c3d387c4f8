import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { InvariantError } from '../engine/assert.ts';
import { allocateBroadcast, type BroadcastHandle, BroadcastProducer, BroadcastReader } from '../feeds/rings/broadcast-ring.ts';
import { FeedMemoryError } from '../feeds/rings/feed-memory.ts';
import { loadSequence, SharedSequence } from '../feeds/rings/shared-sequence.ts';
import { END_KIND, isNumbered, type ProducerData, type ReaderData, type ReaderResult, writeNumbered } from './support/broadcast-worker.ts';
import { NaiveBroadcast } from './support/naive-broadcast.ts';

function put(producer: BroadcastProducer, ...values: number[]): void {
  for (const value of values) producer.claim().a = value;
}

/** First number, missed, values of one poll. */
function take(reader: BroadcastReader): [number, number, ...number[]] {
  const count = reader.poll();
  return [reader.first, reader.missed, ...Array.from({ length: count }, (_, i) => reader.at(i).a)];
}

describe('broadcast ring, one thread', () => {
  it('shows nothing before a flush, then everything in order, to each reader', () => {
    const ring = allocateBroadcast({ capacity: 8, batch: 4 });
    const producer = new BroadcastProducer(ring);
    const readers = [new BroadcastReader(ring), new BroadcastReader(ring)];
    put(producer, 10, 11);
    for (const reader of readers) assert.deepEqual(take(reader), [0, 0]);
    producer.flush();
    assert.equal(readers[0].available(), 2);
    for (const reader of readers) assert.deepEqual(take(reader), [0, 0, 10, 11]);
    for (const reader of readers) assert.deepEqual(take(reader), [2, 0]);
  });

  it('publishes by itself when a batch is complete', () => {
    const ring = allocateBroadcast({ capacity: 8, batch: 2 });
    const producer = new BroadcastProducer(ring);
    const reader = new BroadcastReader(ring);
    put(producer, 1, 2);
    assert.deepEqual(take(reader), [0, 0]);
    put(producer, 3);
    assert.deepEqual(take(reader), [0, 0, 1, 2]);
    producer.flush();
    assert.deepEqual(take(reader), [2, 0, 3]);
  });

  it('tells a reader that fell behind what it missed, and goes on with the oldest record that is whole', () => {
    const ring = allocateBroadcast({ capacity: 8, batch: 2 });
    const producer = new BroadcastProducer(ring);
    const reader = new BroadcastReader(ring, { limit: 4 });
    for (let value = 0; value < 20; value++) put(producer, value);
    producer.flush();
    // 8 slots, of which the producer may be writing 2: the newest 6 of 20 are kept.
    assert.deepEqual(take(reader), [14, 14, 14, 15, 16, 17]);
    assert.deepEqual(take(reader), [18, 0, 18, 19]);
    assert.equal(reader.missedTotal, 14);
  });

  it('starts with the next record, or with the oldest that is kept', () => {
    const ring = allocateBroadcast({ capacity: 4, batch: 1, first: 100 });
    const producer = new BroadcastProducer(ring);
    assert.deepEqual(take(new BroadcastReader(ring, { from: 'oldest' })), [100, 0]);
    put(producer, 1, 2);
    producer.flush();
    assert.deepEqual(take(new BroadcastReader(ring, { from: 'oldest' })), [100, 0, 1, 2]);
    assert.deepEqual(take(new BroadcastReader(ring)), [102, 0]);
    put(producer, 3, 4, 5);
    producer.flush();
    assert.deepEqual(take(new BroadcastReader(ring, { from: 'oldest' })), [102, 0, 3, 4, 5]);
  });

  it('passes over what a reader does not want, and counts it', () => {
    const ring = allocateBroadcast({ capacity: 8 });
    const producer = new BroadcastProducer(ring);
    const reader = new BroadcastReader(ring);
    put(producer, 1, 2, 3);
    producer.flush();
    assert.equal(reader.skipToNewest(), 3);
    put(producer, 4);
    producer.flush();
    assert.deepEqual(take(reader), [3, 0, 4]);
    assert.equal(reader.missedTotal, 3);
  });

  it('a new producer continues where the last one published; what it had only claimed is gone', () => {
    const ring = allocateBroadcast({ capacity: 8, batch: 4 });
    const reader = new BroadcastReader(ring);
    const producer = new BroadcastProducer(ring);
    put(producer, 1);
    producer.flush();
    put(producer, 2);
    const second = new BroadcastProducer(ring);
    assert.equal(second.published, 1);
    put(second, 3);
    second.flush();
    assert.deepEqual(take(reader), [0, 0, 1, 3]);
  });

  it('a claimed record has no field of the record that stood there before', () => {
    const ring = allocateBroadcast({ capacity: 2, batch: 1 });
    const producer = new BroadcastProducer(ring);
    for (let number = 0; number < 2; number++) writeNumbered(producer.claim(), 2 ** 40 + number);
    const record = producer.claim();
    const { kind, detail, source, instrument, venueSequence, venueTimeUs, receiveTimeUs, a, b, c, d } = record;
    assert.deepEqual(
      [kind, detail, source, instrument, venueSequence, venueTimeUs, receiveTimeUs, a, b, c, d],
      Array.from({ length: 11 }, () => 0),
    );
  });

  for (const first of [2 ** 31 - 5, 2 ** 32 - 5, 2 ** 40 - 5, 2 ** 53 - 64])
    it(`counts exactly from ${first}, every field in place`, () => {
      const ring = allocateBroadcast({ capacity: 8, batch: 2, first });
      const producer = new BroadcastProducer(ring);
      const [close, far] = [new BroadcastReader(ring), new BroadcastReader(ring)];
      for (let number = first; number < first + 30; number++) {
        writeNumbered(producer.claim(), number);
        producer.flush();
        assert.equal(close.poll(), 1);
        assert.deepEqual([close.first, close.missed, isNumbered(close.at(0), number)], [number, 0, true]);
      }
      assert.equal(far.poll(), 6);
      assert.deepEqual([far.first, far.missed], [first + 24, 24]);
      for (let i = 0; i < 6; i++) assert.ok(isNumbered(far.at(i), first + 24 + i));
      assert.equal(new BroadcastProducer(ring).published, first + 30);
    });

  it('agrees with a list of numbered values, however producer and readers interleave', () => {
    const step = fc.tuple(
      fc.constantFrom('put', 'put', 'put', 'put', 'flush', 'poll', 'poll', 'skip', 'restart'),
      fc.nat(2),
      fc.integer({ min: 1, max: 9 }),
    );
    const spec = fc.constantFrom(
      { capacity: 2, batch: 1 },
      { capacity: 8, batch: 1 },
      { capacity: 8, batch: 3 },
      { capacity: 16, batch: 8 },
    );
    let laps = 0;
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120, size: 'max' }),
        spec,
        fc.constantFrom(0, 2 ** 31 - 9, 2 ** 32 - 9),
        (steps, { capacity, batch }, first) => {
          const ring = allocateBroadcast({ capacity, batch, first });
          const twin = new NaiveBroadcast(capacity, batch, first);
          const producer = new BroadcastProducer(ring);
          const limits = [1, 3, 100];
          const readers = limits.map((limit) => new BroadcastReader(ring, { limit }));
          const next = limits.map(() => first);
          let value = 0;
          for (const [op, which, times] of steps) {
            if (op === 'put')
              for (let i = 0; i < times; i++) {
                put(producer, value);
                twin.claim(value++);
              }
            if (op === 'flush') {
              producer.flush();
              twin.flush();
            }
            if (op === 'poll') {
              const expected = twin.poll(next[which], limits[which]);
              assert.deepEqual(take(readers[which]), [expected.first, expected.missed, ...expected.values]);
              next[which] = expected.first + expected.values.length;
              laps += Math.sign(expected.missed);
            }
            if (op === 'skip') {
              assert.equal(readers[which].skipToNewest(), twin.published - next[which]);
              next[which] = twin.published;
            }
            if (op === 'restart') {
              readers[which] = new BroadcastReader(ring, { from: 'oldest', limit: limits[which] });
              next[which] = twin.oldest;
            }
            assert.equal(producer.published, twin.published);
            assert.equal(readers[which].next, next[which]);
          }
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(laps > 20, `readers were lapped ${laps} times`);
  });

  it('refuses sizes that it cannot represent, and memory of another layout', () => {
    for (const spec of [
      { capacity: 3 },
      { capacity: 1 },
      { capacity: 2 ** 25 },
      { capacity: 8, batch: 5 },
      { capacity: 8, batch: 0 },
      { capacity: 8, first: -1 },
      { capacity: 8, first: 2 ** 53 },
    ])
      assert.throws(() => allocateBroadcast(spec), InvariantError);
    const { memory } = allocateBroadcast({ capacity: 8 });
    assert.throws(() => new BroadcastReader({ memory }, { limit: 0 }), InvariantError);
    for (const bytes of [0, 8, 4096]) assert.throws(() => new BroadcastReader({ memory: new SharedArrayBuffer(bytes) }), FeedMemoryError);
    new Int32Array(memory)[0] = 2;
    assert.throws(() => new BroadcastProducer({ memory }), FeedMemoryError);
  });
});

describe('shared sequence', () => {
  it('a writer continues from a store of the last one that was cut off at any of its steps', () => {
    for (let steps = 0; steps <= 3; steps++) {
      const words = new Int32Array(new SharedArrayBuffer(12));
      new SharedSequence(words, 0).store(2 ** 32 - 1);
      // What `store(2 ** 32)` does, up to some step.
      if (steps >= 1) words[2] = 1;
      if (steps >= 2) words[0] = 0;
      if (steps >= 3) words[1] = 1;
      new SharedSequence(words, 0);
      assert.equal(loadSequence(words, 0), steps >= 2 ? 2 ** 32 : 2 ** 32 - 1, `after ${steps} steps`);
    }
  });
});

const SUPPORT = new URL('./support/broadcast-worker.ts', import.meta.url);

async function race(
  ring: BroadcastHandle,
  count: number,
  readers: readonly Pick<ReaderData, 'limit' | 'sleepMs' | 'behind'>[],
): Promise<ReaderResult[]> {
  const ready = new Int32Array(new SharedArrayBuffer(4));
  const results = readers.map(async (reader) => {
    const worker = new Worker(SUPPORT, { workerData: { role: 'reader', ring, ready, ...reader } satisfies ReaderData });
    const [result] = (await once(worker, 'message')) as [ReaderResult];
    await worker.terminate();
    return result;
  });
  const producer = new Worker(SUPPORT, {
    workerData: { role: 'producer', ring, count, ready, readers: readers.length } satisfies ProducerData,
  });
  await once(producer, 'exit');
  return Promise.all(results);
}

describe('broadcast ring, across threads', () => {
  const count = 1_000_000;
  const ends = { wrong: 0, next: count + 1 };

  it('a producer at full speed over a small ring: every record is read whole or reported missed, none twice', async () => {
    const readers = [
      { limit: 256, sleepMs: 0, behind: 0 },
      { limit: 3, sleepMs: 0, behind: 0 },
      { limit: 16, sleepMs: 1, behind: 0 },
      { limit: 32, sleepMs: 0, behind: 60 },
    ];
    const results = await race(allocateBroadcast({ capacity: 64, batch: 8 }), count, readers);
    for (const { wrong, next, taken, missed } of results) {
      assert.deepEqual({ wrong, next }, ends);
      assert.equal(taken + missed, count + 1);
    }
    assert.ok(results[2].lapped > 0, 'the slow reader was never lapped');
    assert.ok(results[3].lapped > 0, 'the reader at the edge was never lapped');
  });

  it('a ring that holds everything: nothing is missed', async () => {
    const some = 100_000;
    const results = await race(allocateBroadcast({ capacity: 2 ** 18, batch: 64 }), some, [
      { limit: 256, sleepMs: 0, behind: 0 },
      { limit: 64, sleepMs: 0, behind: 0 },
    ]);
    for (const { taken, missed, wrong } of results) assert.deepEqual({ taken, missed, wrong }, { taken: some + 1, missed: 0, wrong: 0 });
  });

  it('a parked reader is woken by a publication; no wake-up is lost', async () => {
    const ring = allocateBroadcast({ capacity: 64, batch: 8 });
    const ready = new Int32Array(new SharedArrayBuffer(4));
    const workers = [0, 1].map(
      () => new Worker(SUPPORT, { workerData: { role: 'reader', ring, ready, limit: 8, sleepMs: 0, behind: 0 } satisfies ReaderData }),
    );
    const results = workers.map(async (worker) => ((await once(worker, 'message')) as [ReaderResult])[0]);
    while (Atomics.load(ready, 0) < workers.length) await new Promise((resolve) => setTimeout(resolve, 1));
    const producer = new BroadcastProducer(ring);
    for (let number = 0; number < 300; number++) {
      const record = producer.claim();
      writeNumbered(record, number);
      if (number === 299) record.kind = END_KIND;
      producer.flush();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const { taken, wrong, timedOut } of await Promise.all(results))
      assert.deepEqual({ taken, wrong, timedOut }, { taken: 300, wrong: 0, timedOut: 0 });
    await Promise.all(workers.map((worker) => worker.terminate()));
  });
});
