/** Runs of the history in their compact form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { putI64 } from '../engine/units.ts';
import { Report } from '../engine/wire/layout.ts';
import { expand } from '../gateway/taps/history/compact-records.ts';
import { RunCollector } from '../gateway/taps/history/run-collector.ts';
import { compactRun, recordsOf, TRAILER_BYTES } from '../gateway/taps/history/run-format.ts';
import { REPORT_RUNS, type RunLayout, TRADE_RUNS } from '../gateway/taps/history/run-layout.ts';

/** What fits in a page of the store. */
const LONGEST_RUN = 4096 - 56;

/** Mostly zeros, as records are. */
const word = fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const owners = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const numbers = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 2 ** 32 - 3, max: 2 ** 50 }));

/** Packed records with these words, numbered from `firstNo` on. */
function recordsWith(layout: RunLayout, owner: number, firstNo: number, all: readonly (readonly number[])[]): Buffer {
  const count = layout.bytes / 4;
  const words = new Int32Array(all.length * count);
  for (const [i, record] of all.entries()) {
    words.set(record.slice(0, count), i * count);
    putI64(words, i * count + layout.numberAt / 4, firstNo + i);
    if (layout.ownerAt !== undefined) words[i * count + layout.ownerAt / 4] = owner;
  }
  return Buffer.from(words.buffer);
}

for (const layout of [REPORT_RUNS, TRADE_RUNS]) {
  test(`${layout.name}: what was packed is read again, whatever the words are`, () => {
    const runs = fc.array(fc.array(word, { minLength: 32, maxLength: 32 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(owners, numbers, runs, (owner, firstNo, all) => {
        const records = recordsWith(layout, owner, firstNo, all);
        const run = compactRun(layout, owner, firstNo, records);
        assert.equal(run.length % 4, TRAILER_BYTES % 4);
        assert.deepEqual(recordsOf(layout, owner, firstNo, Buffer.from(run)), records);
      }),
    );
  });

  test(`${layout.name}: the collector gives all records back, in runs that fit a page`, () => {
    const record = fc.record({
      owner: fc.integer({ min: 1, max: 3 }),
      skip: fc.boolean(),
      words: fc.array(word, { minLength: 32, maxLength: 32 }),
    });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 200 }), (all) => {
        const collector = new RunCollector(layout, 200);
        const expected = new Map<string, Buffer>();
        const next = new Map<number, number>();
        let gaps = 0;
        for (const { owner, skip, words } of all) {
          const no = (next.get(owner) ?? 1) + (skip ? 1 : 0);
          if (skip) gaps++;
          next.set(owner, no + 1);
          const bytes = recordsWith(layout, owner, no, [words]);
          expected.set(`${owner} ${no}`, bytes);
          collector.add(owner, no, new Int32Array(bytes.buffer), 0);
        }
        const most = collector.mostRuns + gaps;
        const found = new Map<string, Buffer>();
        let runs = 0;
        collector.forEachRun((owner, first, run) => {
          runs++;
          assert.ok(run.length <= LONGEST_RUN, `${run.length} bytes`);
          const records = recordsOf(layout, owner, first, Buffer.from(run));
          for (let i = 0; i < records.length / layout.bytes; i++)
            found.set(`${owner} ${first + i}`, Buffer.from(records.subarray(i * layout.bytes, (i + 1) * layout.bytes)));
        });
        assert.deepEqual(new Map([...found].toSorted()), new Map([...expected].toSorted()));
        assert.ok(runs <= most, `${runs} runs, at most ${most} were announced`);
      }),
      { numRuns: 50 },
    );
  });
}

test('records that do not fit into one page become several runs', () => {
  for (const layout of [REPORT_RUNS, TRADE_RUNS]) {
    const words = Array.from({ length: 32 }, (_, i) => i + 1);
    const all = Array.from({ length: 300 }, () => words);
    const records = recordsWith(layout, 1, 1, all);
    const collector = new RunCollector(layout, all.length);
    const packed = new Int32Array(records.buffer);
    for (let i = 0; i < all.length; i++) collector.add(1, i + 1, packed, (i * layout.bytes) / 4);
    const parts: Buffer[] = [];
    collector.forEachRun((owner, first, run) => {
      assert.ok(run.length <= LONGEST_RUN, `${run.length} bytes`);
      parts.push(Buffer.from(recordsOf(layout, owner, first, Buffer.from(run))));
    });
    assert.ok(parts.length > 1 && parts.length <= collector.mostRuns);
    assert.deepEqual(Buffer.concat(parts), records);
  }
});

test('number and owner take no room, and zeros take a bit', () => {
  const words = Array.from({ length: 32 }, () => 0);
  const length = (records: Buffer): number => compactRun(REPORT_RUNS, 7, 9, records).length - TRAILER_BYTES;
  assert.equal(length(recordsWith(REPORT_RUNS, 7, 9, [words])), 4);
  words[Report.price / 4] = 100;
  assert.equal(length(recordsWith(REPORT_RUNS, 7, 9, [words])), 8);
});

test('a run that is cut off within a record, or has a changed byte, is damaged', () => {
  const words = Array.from({ length: 32 }, (_, i) => i);
  const run = Buffer.from(compactRun(REPORT_RUNS, 7, 9, recordsWith(REPORT_RUNS, 7, 9, [words, words])));
  assert.equal(expand(REPORT_RUNS, 7, 9, new Int32Array([0b111, 1, 2])), undefined);
  for (let at = 0; at < run.length - 1; at++) {
    const damaged = Buffer.from(run);
    damaged[at] ^= 0x10;
    assert.throws(() => recordsOf(REPORT_RUNS, 7, 9, damaged), { code: 'HISTORY_DAMAGED' }, `byte ${at}`);
  }
  for (let length = 0; length < run.length; length++)
    assert.throws(() => recordsOf(REPORT_RUNS, 7, 9, run.subarray(0, length)), { code: 'HISTORY_DAMAGED' }, `${length} bytes`);
  assert.throws(() => recordsOf(REPORT_RUNS, 7, 10, run), { code: 'HISTORY_DAMAGED' });
});
