import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JournalWord } from '../engine/journal/journal-status.ts';
import { GatedConsumer } from '../engine/rings/gated-consumer.ts';
import { allocateRing, RingConsumer, RingProducer } from '../engine/rings/ring.ts';
import { allocateControl, Control, JOURNAL_AT } from '../engine/threads/control.ts';
import { ReportPump, reportGate } from '../engine/threads/pumps.ts';
import { getI64, putI64 } from '../engine/units.ts';
import { Report } from '../engine/wire/layout.ts';

const WORDS = Report.bytes / 4;
const SEQ = Report.seq / 4;

function pump(gated: boolean, seqs: readonly number[]): { handed: (limit: number) => number[]; durable: (seq: number) => void } {
  const ring = allocateRing({ slotBytes: Report.bytes, capacity: 16, consumers: 1 });
  const control = new Control(allocateControl());
  const durableCell = { words: control.words, index: JOURNAL_AT + JournalWord.durable };
  const producer = new RingProducer(ring);
  for (const seq of seqs) putI64(producer.slots.i32, producer.tryClaim() * WORDS + SEQ, seq);
  producer.publish();
  const reports = new ReportPump(new GatedConsumer(new RingConsumer(ring), reportGate(gated ? durableCell : undefined, true)));
  let got: number[] = [];
  reports.handler = { onReport: (slots, slot) => got.push(getI64(slots.i32, slot * WORDS + SEQ)), onReportsEnd: () => undefined };
  const handed = (limit: number): number[] => {
    got = [];
    assert.equal(reports.poll(limit), got.length);
    return got;
  };
  return { handed, durable: (seq) => Atomics.store(control.words, JOURNAL_AT + JournalWord.durable, seq | 0) };
}

it('a poll ends between two commands: a waiter for a command has all of its reports', () => {
  const { handed } = pump(false, [1, 2, 2, 2, 3, 3]);
  assert.deepEqual(handed(2), [1, 2, 2, 2]);
  assert.deepEqual(handed(2), [3, 3]);
  assert.deepEqual(handed(2), []);
});

it('no report leaves before its command is durable, across the wrap of the low word', () => {
  const wrap = 2 ** 32;
  const { handed, durable } = pump(true, [wrap - 2, wrap - 1, wrap, wrap + 1]);
  durable(wrap - 3);
  assert.deepEqual(handed(10), []);
  durable(wrap - 1);
  assert.deepEqual(handed(10), [wrap - 2, wrap - 1]);
  durable(wrap);
  assert.deepEqual(handed(10), [wrap]);
  durable(wrap + 1);
  assert.deepEqual(handed(10), [wrap + 1]);
});
