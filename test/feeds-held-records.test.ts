import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BookSide, FeedFault, type FeedSink, FeedState, TakerSide } from '../feeds/feed.ts';
import { HeldRecords, type PlayedSink } from '../feeds/lines/held-records.ts';

/** The calls as text. */
class Ledger implements PlayedSink {
  readonly calls: string[] = [];

  readonly scale = (...args: number[]) => this.#note('scale', args);
  readonly sequence = () => undefined;
  readonly bookClear = (...args: number[]) => this.#note('clear', args);
  readonly level = (...args: number[]) => this.#note('level', args);
  readonly bookEnd = (...args: number[]) => this.#note('end', args);
  readonly trade = (...args: number[]) => this.#note('trade', args);
  readonly quote = (...args: number[]) => this.#note('quote', args);
  readonly status = (...args: number[]) => this.#note('status', args);

  #note(what: string, args: number[]): void {
    this.calls.push(`${what} ${args.join(' ')}`);
  }
}

function held(faults: string[] = []): HeldRecords {
  return new HeldRecords({ instrument: () => 0, fault: (instrument, fault) => faults.push(`${instrument} ${fault}`) });
}

/** Plays all complete groups: `TIME: calls`. */
function play(records: HeldRecords): string[] {
  const groups: string[] = [];
  while (records.hasGroup) {
    const ledger = new Ledger();
    const { timeUs } = records;
    assert.equal(records.playGroup(ledger), ledger.calls.length);
    groups.push(`${timeUs}: ${ledger.calls.join(', ')}`);
  }
  return groups;
}

test('a group ends with an update, a trade or a quote; what has no time waits for one', () => {
  const records = held();
  records.scale(1, 2, 3);
  records.bookClear(1);
  assert.deepEqual(play(records), []);
  records.level(1, BookSide.Ask, 10, 5);
  records.bookEnd(1, 1000, 0, 0, 10, 5);
  records.trade(1, 10, 2, TakerSide.Buy, 1001, 77);
  records.quote(2, 1, 2, 3, 4, 0);
  records.status(1, FeedState.Stale, FeedFault.Crossed);
  assert.deepEqual(play(records), [
    '1000: scale 1 2 3, clear 1, level 1 1 10 5, end 1 1000 0 0 10 5',
    '1001: trade 1 10 2 1 1001 77',
    '0: quote 2 1 2 3 4 0',
  ]);
  assert.deepEqual(play(records), []);
  records.close();
  assert.deepEqual(play(records), [`0: status 1 ${FeedState.Stale} ${FeedFault.Crossed}`]);
});

test('a time that goes back by more than a second is a fault, once', () => {
  const faults: string[] = [];
  const records = held(faults);
  for (const [instrument, timeUs] of [
    [1, 10_000_000],
    [2, 9_500_000],
    [3, 8_900_000],
    [4, 9_000_000],
    [5, 0],
    [6, 7_000_000],
  ]) {
    records.trade(instrument, 1, 1, TakerSide.Unknown, timeUs, 0);
  }
  assert.deepEqual(faults, [`3 ${FeedFault.ClockBack}`, `6 ${FeedFault.ClockBack}`]);
});

test('records without a time do not wait without a limit', () => {
  const records = held();
  for (let i = 0; i < 20_000; i++) records.level(0, BookSide.Bid, i, 1);
  const ledger = new Ledger();
  assert.ok(records.hasGroup && records.playGroup(ledger) >= 16_384);
  records.bookEnd(0, 5, 1, 1, 0, 0);
  while (records.hasGroup) records.playGroup(ledger);
  assert.equal(ledger.calls.length, 20_001);
});

test('what waits moves to the front when the memory is full, and the memory grows when it must', () => {
  const records = held();
  const ledger = new Ledger();
  const wanted: string[] = [];
  let next = 1;
  const write = (count: number) => {
    for (let i = 0; i < count; i++, next++) {
      // A group of two records, the first of which has no time.
      records.level(0, BookSide.Bid, next, 1);
      records.bookEnd(0, next, next, 1, 0, 0);
      wanted.push(`level 0 0 ${next} 1`, `end 0 ${next} ${next} 1 0 0`);
    }
  };
  const play = (count: number) => {
    for (let i = 0; i < count; i++) {
      // The end of the group is known before more is written.
      assert.equal(
        records.timeUs,
        wanted[ledger.calls.length + 1] === undefined ? -1 : Number(wanted[ledger.calls.length + 1].split(' ')[2]),
      );
      if (i < count - 1) records.playGroup(ledger);
    }
  };
  for (const [written, played] of [
    [400, 300],
    [400, 350],
    [900, 100],
    [2000, 2500],
  ]) {
    write(written);
    play(played);
  }
  records.level(0, BookSide.Ask, 7, 7);
  while (records.hasGroup) records.playGroup(ledger);
  assert.deepEqual(ledger.calls, wanted);
  records.close();
  records.playGroup(ledger);
  assert.deepEqual([ledger.calls.at(-1), records.hasGroup], ['level 0 1 7 7', false]);
});

test('an update that is not complete stays open while the records before it move', () => {
  // The memory has 1,024 records at first: with many played, they move; with few, they need more.
  for (const played of [1000, 10]) {
    const records = held();
    const ledger = new Ledger();
    for (let i = 1; i <= 1024; i++) records.trade(0, i, 1, TakerSide.Buy, i, 0);
    for (let i = 0; i < played; i++) records.playGroup(ledger);
    records.level(0, BookSide.Ask, 7, 7);
    while (records.hasGroup) records.playGroup(ledger);
    assert.deepEqual([ledger.calls.length, ledger.calls.at(-1)], [1024, 'trade 0 1024 1 1 1024 0'], `${played} played`);
  }
});

/** Calls on a sink. */
type Call = (sink: Pick<FeedSink, keyof PlayedSink>) => void;

const number = fc.integer({ min: 0, max: 2 ** 40 });
const instrument = fc.integer({ min: 0, max: 3 });
const call: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(instrument, number, number).map(
    ([i, price, quantity]): Call =>
      (sink) =>
        sink.level(i, BookSide.Bid, price, quantity),
  ),
  fc.tuple(instrument, number).map(
    ([i, time]): Call =>
      (sink) =>
        sink.bookEnd(i, time, 1, 2, 3, 4),
  ),
  fc.tuple(instrument, number).map(
    ([i, time]): Call =>
      (sink) =>
        sink.trade(i, 5, 6, TakerSide.Sell, time, 8),
  ),
  fc.tuple(instrument, number).map(
    ([i, time]): Call =>
      (sink) =>
        sink.quote(i, 5, 6, 7, 8, time),
  ),
  instrument.map(
    (i): Call =>
      (sink) =>
        sink.status(i, FeedState.Live, FeedFault.None),
  ),
  instrument.map(
    (i): Call =>
      (sink) =>
        sink.bookClear(i),
  ),
  fc.tuple(instrument, fc.integer({ min: 0, max: 15 })).map(
    ([i, decimals]): Call =>
      (sink) =>
        sink.scale(i, decimals, 3),
  ),
);

test('all calls come out as they went in, in whatever steps they are written and played', () => {
  const steps = fc.array(fc.tuple(fc.array(call, { maxLength: 700 }), fc.integer({ min: 0, max: 300 })), { maxLength: 12 });
  fc.assert(
    fc.property(steps, (list) => {
      const records = held();
      const [direct, played] = [new Ledger(), new Ledger()];
      for (const [calls, most] of list) {
        for (const each of calls) {
          each(direct);
          each(records);
        }
        for (let left = most; left > 0 && records.hasGroup; left--) records.playGroup(played);
      }
      records.close();
      while (records.hasGroup) records.playGroup(played);
      assert.deepEqual(played.calls, direct.calls);
    }),
    { numRuns: 40 },
  );
});
