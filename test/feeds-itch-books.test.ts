import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BookSide } from '../feeds/feed.ts';
import { ItchBooks } from '../feeds/files/itch/itch-books.ts';
import type { ItchMessage } from '../feeds/files/itch/itch-message.ts';
import { ItchReader } from '../feeds/files/itch/itch-reader.ts';
import { FeedRecorder } from './support/feed-recorder.ts';
import { ItchEncoder } from './support/itch-encoder.ts';
import { lobsterToItch } from './support/lobster-itch.ts';
import { missing, sharedData } from './support/shared-data.ts';

const messages = sharedData('lobster', 'AAPL_message_10.csv');
const states = sharedData('lobster', 'AAPL_orderbook_10.csv');

function written(write: (file: ItchEncoder) => void, dayStartUs = 0): string[] {
  const sink = new FeedRecorder();
  const file = new ItchEncoder();
  file.directory(7, 0, 'AAPL');
  const reader = new ItchReader(new ItchBooks(sink, dayStartUs));
  reader.push(file.bytes());
  sink.take();
  const own = new ItchEncoder();
  write(own);
  reader.push(own.bytes());
  reader.end();
  assert.equal(reader.isDamaged, false);
  return sink.take();
}

test('messages become levels and trades', () => {
  const add = (file: ItchEncoder) => file.add(7, 5000, 1n, 'B', 100, 'AAPL', 1_234_500);
  const added = ['bid AAPL 123.4500 x 100', 'end AAPL 5'];
  /** [case, messages after an order to buy 100 at 123.45, what the sink is told] */
  const ledger: [what: string, write: (file: ItchEncoder) => void, told: string[]][] = [
    ['an order', () => undefined, []],
    ['an order of a participant', (f) => f.add(7, 6999, 2n, 'S', 5, 'AAPL', 1_235_000, 'GSCO'), ['ask AAPL 123.5000 x 5', 'end AAPL 6']],
    [
      'an execution',
      (f) => f.executed(7, 6000, 1n, 40, 900n),
      ['bid AAPL 123.4500 x 60', 'end AAPL 6', 'trade AAPL sell 123.4500 x 40 at 6 id 900'],
    ],
    [
      'an execution at another price',
      (f) => f.executedAt(7, 6000, 1n, 100, 901n, true, 1_234_400),
      ['bid AAPL 123.4500 x 0', 'end AAPL 6', 'trade AAPL sell 123.4400 x 100 at 6 id 901'],
    ],
    ['one that is not printable', (f) => f.executedAt(7, 6000, 1n, 99, 901n, false, 1), ['bid AAPL 123.4500 x 1', 'end AAPL 6']],
    ['a cancellation of a part', (f) => f.cancel(7, 6000, 1n, 30), ['bid AAPL 123.4500 x 70', 'end AAPL 6']],
    ['a deletion', (f) => f.delete(7, 6000, 1n), ['bid AAPL 123.4500 x 0', 'end AAPL 6']],
    ['a replacement', (f) => f.replace(7, 6000, 1n, 3n, 20, 1_234_600), ['bid AAPL 123.4500 x 0', 'bid AAPL 123.4600 x 20', 'end AAPL 6']],
    ['a trade of a hidden order', (f) => f.trade(7, 6000, 'B', 9, 'AAPL', 1_234_567, 902n), ['trade AAPL 123.4567 x 9 at 6 id 902']],
    ['a cross', (f) => f.cross(7, 6000, 500n, 'AAPL', 1_230_000, 903n, 'O'), ['trade AAPL 123.0000 x 500 at 6 id 903']],
    ['a cross without shares', (f) => f.cross(7, 6000, 0n, 'AAPL', 0, 904n, 'C'), []],
    ['a cross of 2^53 shares', (f) => f.cross(7, 6000, 1n << 53n, 'AAPL', 1, 904n, 'C'), ['fault AAPL NUMBER_TOO_LARGE']],
    ['a trade number of 2^53', (f) => f.trade(7, 6000, 'B', 9, 'AAPL', 1, 1n << 53n), ['trade AAPL 0.0001 x 9 at 6 id 0']],
    ['a broken trade', (f) => f.broken(7, 6000, 900n), []],
    ['a halt', (f) => f.tradingAction(7, 6000, 'AAPL', 'H'), ['status AAPL stale']],
    ['an order that is not known', (f) => f.delete(7, 6000, 77n), ['fault AAPL UNKNOWN_ORDER']],
    ['a stock that is not known', (f) => f.delete(8, 6000, 1n), ['fault * UNKNOWN_ORDER']],
    ['the id of an order in the book', (f) => f.add(7, 6000, 1n, 'S', 5, 'AAPL', 2), ['fault AAPL DUPLICATE_ORDER']],
    [
      'more than the order has',
      (f) => f.executed(7, 6000, 1n, 101, 900n),
      ['fault AAPL ORDER_EXCEEDED', 'bid AAPL 123.4500 x 0', 'end AAPL 6', 'trade AAPL sell 123.4500 x 101 at 6 id 900'],
    ],
    ['an order of no shares', (f) => f.add(7, 6000, 4n, 'S', 0, 'AAPL', 2), ['fault AAPL NUMBER_MALFORMED']],
    ['an execution of no shares', (f) => f.executed(7, 6000, 1n, 0, 900n), ['fault AAPL NUMBER_MALFORMED']],
    [
      'an order of a stock without a directory entry',
      (f) => f.add(9, 6000, 1n, 'S', 5, 'MSFT', 2),
      ['scale MSFT 4 0', 'clear MSFT', 'end MSFT 0', 'status MSFT live', 'ask MSFT 0.0002 x 5', 'end MSFT 6'],
    ],
  ];
  for (const [what, write, told] of ledger) {
    const lines = written((file) => {
      add(file);
      write(file);
    });
    assert.deepEqual(lines, [...added, ...told], what);
  }
});

test('times count from the day that is given', () => {
  const lines = written((file) => file.add(7, 34_200_000_001_999, 1n, 'B', 1, 'AAPL', 10_000), 1_340_251_200_000_000);
  assert.deepEqual(lines, ['bid AAPL 1.0000 x 1', 'end AAPL 1340285400000001']);
});

test('books of any messages are the ones of naive books', () => {
  const step = fc.record({
    kind: fc.constantFrom(...'AAAFECXDUP'),
    locate: fc.integer({ min: 1, max: 3 }),
    id: fc.bigInt({ min: 0n, max: 40n }).map((id) => id << 30n),
    other: fc.bigInt({ min: 0n, max: 40n }).map((id) => id << 30n),
    side: fc.constantFrom<'B' | 'S'>('B', 'S'),
    shares: fc.integer({ min: 1, max: 50 }),
    price: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const file = new ItchEncoder();
      const twin = new Map<string, { level: string; shares: number }>();
      for (const { kind, locate, id, other, side, shares, price } of steps) {
        const key = `${locate}/${id}`;
        const order = twin.get(key);
        const level = (of: string) => `${locate}${of}${price}`;
        const take = () => {
          if (order === undefined) return;
          order.shares -= shares;
          if (order.shares <= 0) twin.delete(key);
        };
        if (kind === 'A' || kind === 'F') {
          file.add(locate, 1, id, side, shares, `S${locate}`, price, kind === 'F' ? 'XXXX' : undefined);
          if (order === undefined) twin.set(key, { level: level(side), shares });
        } else if (kind === 'E' || kind === 'C' || kind === 'X') {
          if (kind === 'E') file.executed(locate, 1, id, shares, 1n);
          else if (kind === 'C') file.executedAt(locate, 1, id, shares, 1n, true, price);
          else file.cancel(locate, 1, id, shares);
          take();
        } else if (kind === 'D') {
          file.delete(locate, 1, id);
          twin.delete(key);
        } else if (kind === 'U') {
          file.replace(locate, 1, id, other, shares, price);
          if (order === undefined) continue;
          twin.delete(key);
          const next = `${locate}/${other}`;
          if (!twin.has(next)) twin.set(next, { level: level(order.level[1]), shares });
        } else {
          file.trade(locate, 1, side, shares, `S${locate}`, price, 1n);
        }
      }
      const sink = new FeedRecorder(true);
      const reader = new ItchReader(new ItchBooks(sink));
      reader.push(file.bytes());
      const naive = new Map<string, number>();
      for (const { level, shares } of twin.values()) naive.set(level, (naive.get(level) ?? 0) + shares);
      const own = sink.names.flatMap((name) =>
        (['B', 'S'] as const).flatMap((side) =>
          sink.book(name, side === 'B' ? BookSide.Bid : BookSide.Ask).map((text) => `${name[1]}${side}${text}`),
        ),
      );
      const twins = [...naive].map(([level, shares]) => `${level.slice(0, 2)}0.000${level.slice(2)} x ${shares}`);
      assert.deepEqual(own.sort(), twins.sort());
    }),
    { numRuns: 200 },
  );
});

test('a recorded day as ITCH: every message comes back, and ten levels are right after every event', {
  skip: missing(messages, states),
}, () => {
  const day = lobsterToItch(messages, states);
  const bytes = day.file.bytes();
  const sink = new FeedRecorder(true);
  const books = new ItchBooks(sink);
  const frames: Uint8Array[] = [];
  const wrong: number[] = [];
  let event = 0;
  let count = 0;
  const reader = new ItchReader({
    itch(message: ItchMessage) {
      frames.push(message.bytes());
      books.itch(message);
      if (++count < day.after[event]) return;
      if (tenLevels(sink) !== day.states[event]) wrong.push(event);
      event++;
    },
  });
  for (let from = 0; from < bytes.length; from += 1000) reader.push(bytes.subarray(from, from + 1000));
  reader.end();
  assert.equal(event, 999);
  assert.deepEqual(wrong, []);
  assert.deepEqual([...sink.faults], []);
  assert.equal(reader.messages, day.file.count);
  assert.equal(sink.lines.filter((line) => line.startsWith('trade')).length, 98 + 61);
  const back = new ItchEncoder();
  for (const frame of frames) back.raw(frame);
  assert.ok(back.bytes().equals(bytes));
});

/** As a row of LOBSTER's book file. */
function tenLevels(sink: FeedRecorder): string {
  const [asks, bids] = [sink.book('AAPL', BookSide.Ask), sink.book('AAPL', BookSide.Bid)];
  const text = (level: string) => level.replace('.', '').replace(' x ', ',');
  return Array.from({ length: 10 }, (_, depth) => `${text(asks[depth])},${text(bids[depth])}`).join(',');
}
