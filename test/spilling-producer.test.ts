import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allocateRing, RingConsumer } from '../engine/rings/ring.ts';
import { SpillingProducer } from '../engine/rings/spilling-producer.ts';

const WORDS = 4;

function ends(capacity: number): { producer: SpillingProducer; consumer: RingConsumer } {
  const ring = allocateRing({ slotBytes: WORDS * 4, capacity, consumers: 1 });
  return { producer: new SpillingProducer(ring), consumer: new RingConsumer(ring) };
}

function write(producer: SpillingProducer, value: number): void {
  const at = producer.claim() * WORDS;
  producer.slots.u32.fill(value, at, at + WORDS);
}

/** All available records; all words of a record are equal. */
function takeAll(consumer: RingConsumer, most = Infinity): number[] {
  const values: number[] = [];
  while (values.length < most) {
    const slot = consumer.next();
    if (slot === -1) break;
    const words = [...consumer.slots.u32.subarray(slot * WORDS, (slot + 1) * WORDS)];
    assert.ok(
      words.every((word) => word === words[0]),
      `a torn record ${words}`,
    );
    values.push(words[0]);
  }
  consumer.release();
  return values;
}

function upTo(end: number, from = 0): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}

describe('spilling producer', () => {
  it('is a plain producer while everything fits', () => {
    const { producer, consumer } = ends(8);
    for (const value of upTo(8)) write(producer, value);
    producer.publish();
    assert.deepEqual(takeAll(consumer), upTo(8));
    assert.equal(producer.spilledTotal, 0);
    assert.ok(producer.drain());
  });

  it('buffers records that do not fit and delivers them in order', () => {
    const { producer, consumer } = ends(8);
    for (const value of upTo(30)) write(producer, value);
    producer.publish();
    assert.equal(producer.spilledTotal, 22);
    assert.equal(producer.drain(), false, 'the consumer took nothing yet');
    const taken: number[] = [];
    for (let rounds = 0; rounds < 3; rounds++) {
      taken.push(...takeAll(consumer));
      assert.equal(producer.drain(), rounds === 2);
    }
    taken.push(...takeAll(consumer));
    assert.deepEqual(taken, upTo(30));
  });

  it('a record that is claimed while the overflow waits is placed after it', () => {
    const { producer, consumer } = ends(4);
    for (const value of upTo(6)) write(producer, value);
    producer.publish();
    assert.deepEqual(takeAll(consumer), upTo(4));
    // The ring has room again, but 4 and 5 come first.
    write(producer, 6);
    producer.publish();
    assert.deepEqual(takeAll(consumer), []);
    assert.ok(producer.drain());
    assert.deepEqual(takeAll(consumer), [4, 5, 6]);
  });

  it('grows its overflow to the output of one command', () => {
    const { producer, consumer } = ends(4);
    const many = 5000;
    for (const value of upTo(many)) write(producer, value);
    producer.publish();
    const taken: number[] = [];
    do taken.push(...takeAll(consumer));
    while (!producer.drain());
    taken.push(...takeAll(consumer));
    assert.deepEqual(taken, upTo(many));
  });

  it('delivers every record once and in order, whichever side is slow', () => {
    const step = fc.oneof(
      fc.record({ op: fc.constant('command' as const), count: fc.nat(20) }),
      fc.record({ op: fc.constant('take' as const), count: fc.nat(12) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const { producer, consumer } = ends(8);
        const taken: number[] = [];
        let written = 0;
        for (const { op, count } of steps) {
          if (op === 'take') taken.push(...takeAll(consumer, count));
          // The owner's rule: the next command only when nothing is left over.
          else if (producer.drain()) {
            for (let n = 0; n < count; n++) write(producer, written++);
            producer.publish();
          }
        }
        do taken.push(...takeAll(consumer));
        while (!producer.drain());
        taken.push(...takeAll(consumer));
        assert.deepEqual(taken, upTo(written));
      }),
      { numRuns: 300 },
    );
  });
});
