import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyedRecords, RECORD_DATA, RECORD_WORDS } from '../feeds/books/keyed-records.ts';
import { AddedOrder, OrderLevels } from '../feeds/books/order-levels.ts';
import { BookSide } from '../feeds/feed.ts';
import { FeedRecorder } from './support/feed-recorder.ts';

test('keyed records agree with a map, through growth and removals', () => {
  // Few distinct words, so that keys collide in parts, and runs of the index overlap.
  const key = fc.tuple(fc.constantFrom(0, 1, 2, -1, 1 << 20, 7 << 12), fc.integer({ min: -300, max: 300 }), fc.constantFrom(0, 1));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(9)), { minLength: 1000, maxLength: 5000, size: 'max' }), (steps) => {
      const records = new KeyedRecords(2 ** 20);
      const twin = new Map<string, { record: number; value: number }>();
      for (const [[a, b, c], kind] of steps) {
        const name = `${a},${b},${c}`;
        const known = twin.get(name);
        assert.equal(records.find(a, b, c), known?.record ?? -1);
        if (known === undefined) {
          const record = records.insert(a, b, c);
          records.words[record * RECORD_WORDS + RECORD_DATA] = twin.size;
          twin.set(name, { record, value: twin.size });
        } else if (kind < 4) {
          records.remove(known.record);
          twin.delete(name);
        }
      }
      assert.equal(records.count, twin.size);
      for (const [name, { record, value }] of twin) {
        const [a, b, c] = name.split(',').map(Number);
        assert.equal(records.find(a, b, c), record);
        assert.equal(records.words[record * RECORD_WORDS + RECORD_DATA], value);
        assert.equal(records.has(record), true);
      }
    }),
    { numRuns: 20 },
  );
});

test('keyed records have a limit, and a removal makes room', () => {
  const records = new KeyedRecords(2);
  assert.deepEqual([records.insert(1, 0, 0), records.insert(2, 0, 0), records.insert(3, 0, 0)], [0, 1, -1]);
  records.remove(0);
  assert.equal(records.has(0), false);
  assert.equal(records.insert(3, 0, 0), 0);
});

function recorder(): FeedRecorder {
  const sink = new FeedRecorder();
  for (const name of ['A', 'B', 'C']) sink.scale(sink.instrument(name), 0, 0);
  sink.take();
  return sink;
}

test('orders become levels', () => {
  const sink = recorder();
  const levels = new OrderLevels(sink);
  const { Bid, Ask } = BookSide;
  const [a, b] = [0, 1];
  /** [what is done, what the sink is told] */
  const ledger: [what: string, act: () => unknown, told: string][] = [
    ['order 1', () => levels.add(a, 0, 1, Bid, 100, 30), 'bid A 100 x 30'],
    ['order 2 behind it', () => levels.add(a, 0, 2, Bid, 100, 12), 'bid A 100 x 42'],
    ['the same id again', () => levels.add(a, 0, 2, Ask, 101, 12), ''],
    ['the same id of another instrument', () => levels.add(b, 0, 2, Ask, 100, 1), 'ask B 100 x 1'],
    ['an id that differs above 2^32', () => levels.add(a, 1, 2, Ask, 2 ** 53 - 1, 7), 'ask A 9007199254740991 x 7'],
    ['a part of it', () => levels.reduce(levels.find(a, 1, 2), 1), 'ask A 9007199254740991 x 6'],
    ['a part of order 1', () => levels.reduce(levels.find(a, 0, 1), 10), 'bid A 100 x 32'],
    ['the end of the update', () => levels.end(a, 77), 'end A 77'],
    ['more than is left of it', () => levels.reduce(levels.find(a, 0, 1), 21), 'bid A 100 x 12'],
    ['all of order 2', () => levels.reduce(levels.find(a, 0, 2), 12), 'bid A 100 x 0'],
    ['a level of 2^53 - 1 at price 0', () => levels.add(a, 0, 3, Bid, 0, 2 ** 53 - 1), 'bid A 0 x 9007199254740991'],
    ['one more there', () => levels.add(a, 0, 4, Bid, 0, 1), ''],
    ['an ask at price 0', () => levels.add(a, 0, 5, Ask, 0, 1), 'ask A 0 x 1'],
    ['and its end', () => levels.remove(levels.find(a, 0, 5)), 'ask A 0 x 0'],
    ['all orders of an instrument', () => levels.clear(a), 'clear A'],
    ['the other has its own', () => levels.remove(levels.find(b, 0, 2)), 'ask B 100 x 0'],
  ];
  for (const [what, act, told] of ledger) {
    act();
    assert.equal(sink.take().join(), told, what);
  }
  assert.equal(levels.orders, 0);
  assert.equal(levels.find(a, 0, 3), -1);
});

test('an add that is refused says why, and leaves nothing', () => {
  const levels = new OrderLevels(recorder());
  assert.equal(levels.add(0, 0, 1, BookSide.Bid, 1, 1), AddedOrder.Done);
  assert.equal(levels.add(0, 0, 1, BookSide.Bid, 2, 1), AddedOrder.Duplicate);
  assert.equal(levels.add(0, 0, 2, BookSide.Bid, 1, 2 ** 53 - 1), AddedOrder.TooLarge);
  assert.deepEqual([levels.orders, levels.book(0).bids.length], [1, 1]);
});

test('levels are what a naive book of orders has, and the sink follows', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'reduce', 'remove', 'clear'),
    id: fc.nat(60),
    instrument: fc.nat(2),
    side: fc.constantFrom(BookSide.Bid, BookSide.Ask),
    price: fc.nat(5),
    quantity: fc.integer({ min: 1, max: 2 ** 40 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const sink = recorder();
      const levels = new OrderLevels(sink);
      const twin = new Map<string, { level: string; quantity: number }>();
      for (const { kind, id, instrument, side, price, quantity } of steps) {
        const name = `${instrument}/${id}`;
        const order = levels.find(instrument, id >> 3, id);
        const known = twin.get(name);
        assert.equal(order !== -1, known !== undefined);
        if (kind === 'add' && known === undefined) {
          levels.add(instrument, id >> 3, id, side, price, quantity);
          twin.set(name, { level: `${instrument} ${side} ${price}`, quantity });
        } else if (kind === 'reduce' && known !== undefined) {
          levels.reduce(order, quantity);
          known.quantity -= quantity;
          if (known.quantity <= 0) twin.delete(name);
        } else if (kind === 'remove' && known !== undefined) {
          levels.remove(order);
          twin.delete(name);
        } else if (kind === 'clear' && quantity % 7 === 0) {
          levels.clear(instrument);
          for (const key of twin.keys()) if (key.startsWith(`${instrument}/`)) twin.delete(key);
        }
        // The recorder compares the best prices with its own.
        levels.end(instrument, 0);
      }
      const naive = new Map<string, number>();
      for (const { level, quantity } of twin.values()) naive.set(level, (naive.get(level) ?? 0) + quantity);
      const told = ['A', 'B', 'C'].flatMap((name, instrument) =>
        [BookSide.Bid, BookSide.Ask].flatMap((side) => sink.book(name, side).map((text) => `${instrument} ${side} ${text}`)),
      );
      assert.deepEqual(told.sort(), [...naive].map(([level, quantity]) => `${level} x ${quantity}`).sort());
      assert.equal(levels.orders, twin.size);
    }),
    { numRuns: 200 },
  );
});
