import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BAR_FIELDS, BarField, BarRing, MOST_BARS } from '../feeds/analysis/bar-ring.ts';
import { CANDLE_INTERVALS, CandleField, INTERVAL_US, Taker } from '../feeds/analysis/candles.ts';
import { CLOSE_AFTER_US, FeedCandles, leftOutOf, MOST_AHEAD_US } from '../feeds/analysis/feed-candles.ts';
import type { BarRange } from '../feeds/analysis/instrument-candles.ts';
import { rescaleCandle } from '../feeds/analysis/rescale.ts';
import { wideValue } from '../feeds/analysis/wide-sum.ts';
import { ALL_INSTRUMENTS, FeedFault, FeedState, TakerSide } from '../feeds/feed.ts';
import { RecordPublisher } from '../feeds/rings/record-publisher.ts';
import { allocateFeeds, openOutput } from '../feeds/worker/feed-handles.ts';
import { candleAt, type NaiveTrade, naiveCandles } from './support/naive-candles.ts';

const SECOND = 1e6;
const DAY = 19_675 * 86_400 * SECOND;
const ROW = 3;
const of = (name: (typeof CANDLE_INTERVALS)[number]) => CANDLE_INTERVALS.indexOf(name);
const all = (interval: number): BarRange => ({ interval, from: 0, to: Number.MAX_SAFE_INTEGER, limit: 10_000, newest: true });

function opened(budget = { left: 10_000 }): FeedCandles {
  const candles = new FeedCandles(budget);
  candles.scale(ROW, 2, 3);
  candles.connection(FeedState.Live);
  return candles;
}

/** `seconds open high low close = volume trades`, with what is special. */
function ledger(candles: FeedCandles, interval: (typeof CANDLE_INTERVALS)[number], row = ROW): string[] {
  const bars = candles.bars(row, all(of(interval)));
  return Array.from({ length: bars.length / BAR_FIELDS }, (_, i) => {
    const at = i * BAR_FIELDS;
    const { start, open, high, low, close, volume, trades } = candleAt(bars, at);
    const marks = [
      ...(bars[at + BarField.closed] === 0 ? ['forming'] : []),
      ...(bars[at + BarField.incomplete] === 1 ? ['incomplete'] : []),
    ];
    return [`${(start - DAY) / SECOND}s ${open} ${high} ${low} ${close} = ${volume} ${trades}`, ...marks].join(' ');
  });
}

describe('candles of an outside market', () => {
  const trade = (candles: FeedCandles, seconds: number, price: number, quantity = 1, row = ROW) =>
    candles.trade(row, price, quantity, TakerSide.Buy, DAY + seconds * SECOND, DAY + seconds * SECOND, 0);
  const time = (candles: FeedCandles, seconds: number) => candles.time(DAY + seconds * SECOND, DAY + seconds * SECOND);

  it('close with the first trade of a later bucket, or when the time of the venue has passed their end', () => {
    const candles = opened();
    time(candles, 0);
    trade(candles, 0.5, 100);
    trade(candles, 0.9, 103, 2);
    trade(candles, 0.95, 99);
    assert.deepEqual(ledger(candles, '1s'), ['0s 100 103 99 99 = 4 3 forming']);
    trade(candles, 1, 98);
    assert.deepEqual(ledger(candles, '1s'), ['0s 100 103 99 99 = 4 3', '1s 98 98 98 98 = 1 1 forming']);
    time(candles, 2.9);
    assert.deepEqual(ledger(candles, '1s')[1], '1s 98 98 98 98 = 1 1 forming', 'its trades may come a second after the books');
    trade(candles, 1.99, 97);
    time(candles, 3);
    assert.deepEqual(ledger(candles, '1s')[1], '1s 98 98 97 97 = 2 2');
    assert.deepEqual(ledger(candles, '1m'), ['0s 100 103 97 97 = 6 5 forming']);
    assert.deepEqual(candles.leftOut, { late: 0, untimed: 0, ahead: 0, repeated: 0 });
  });

  it('do not close while the venue is silent, away or its time stands', () => {
    const candles = opened();
    time(candles, 0);
    trade(candles, 0, 100);
    candles.connection(FeedState.Stale);
    candles.connection(FeedState.Connecting);
    // Only the clock of this machine goes on.
    candles.time(DAY + SECOND, DAY + 3000 * SECOND);
    candles.time(0, DAY + 3000 * SECOND);
    assert.deepEqual(ledger(candles, '1s'), ['0s 100 100 100 100 = 1 1 forming incomplete']);
  });

  it('say that trades may be missing: when the connection was not open all the time', () => {
    const candles = opened();
    trade(candles, 0.5, 100);
    trade(candles, 1, 101);
    trade(candles, 2.2, 102);
    candles.connection(FeedState.Down);
    candles.connection(FeedState.Live);
    trade(candles, 2.8, 103);
    trade(candles, 3, 104);
    trade(candles, 4, 105);
    assert.deepEqual(ledger(candles, '1s'), [
      '0s 100 100 100 100 = 1 1 incomplete',
      '1s 101 101 101 101 = 1 1',
      '2s 102 103 102 103 = 2 2 incomplete',
      '3s 104 104 104 104 = 1 1',
      '4s 105 105 105 105 = 1 1 forming',
    ]);
    assert.deepEqual(ledger(candles, '15s'), ['0s 100 105 100 105 = 6 6 forming incomplete']);
  });

  it('are incomplete where the time before the gap stands in them, also if the venue comes back with an older time', () => {
    const candles = opened();
    trade(candles, 1, 100);
    candles.connection(FeedState.Down);
    candles.connection(FeedState.Live);
    time(candles, 0.5);
    trade(candles, 1.5, 101);
    trade(candles, 2, 102);
    assert.deepEqual(ledger(candles, '1s'), ['1s 100 101 100 101 = 2 2 incomplete', '2s 102 102 102 102 = 1 1 forming']);
  });

  it('count trades that are late, without a time or with one in the future', () => {
    const candles = opened();
    time(candles, 0);
    trade(candles, 1, 100);
    trade(candles, 2, 101);
    trade(candles, 1.5, 999);
    candles.trade(ROW, 5, 1, TakerSide.Sell, 0, DAY + 3 * SECOND, 0);
    candles.trade(ROW, 5, 1, TakerSide.Sell, DAY + 3 * SECOND + MOST_AHEAD_US + 1, DAY + 3 * SECOND, 0);
    candles.time(DAY + 3 * SECOND + MOST_AHEAD_US + 1, DAY + 3 * SECOND);
    candles.trade(ROW, 0, 1, TakerSide.Sell, DAY + 3 * SECOND, DAY + 3 * SECOND, 0);
    assert.deepEqual(ledger(candles, '1s'), ['1s 100 100 100 100 = 1 1', '2s 101 101 101 101 = 1 1 forming']);
    assert.deepEqual(ledger(candles, '15s'), ['0s 100 999 100 999 = 3 3 forming'], 'it is missing only where its bucket was closed');
    assert.deepEqual(candles.leftOut, { late: 1, untimed: 1, ahead: 1, repeated: 0 });
  });

  it('have the trades that a venue sends again to a new connection once', () => {
    const candles = opened();
    const numbered = (seconds: number, price: number, tradeId: number) =>
      candles.trade(ROW, price, 1, TakerSide.Buy, DAY + seconds * SECOND, DAY + seconds * SECOND, tradeId);
    time(candles, 0);
    numbered(0.1, 100, 7);
    numbered(0.5, 101, 8);
    // Out of order, but of the same connection.
    numbered(0.4, 102, 6);
    candles.connection(FeedState.Down);
    candles.connection(FeedState.Live);
    numbered(0.1, 100, 7);
    numbered(0.5, 101, 8);
    numbered(0.5, 103, 9);
    // A newer one does not admit those that were there before the connection.
    numbered(0.4, 104, 6);
    assert.deepEqual(ledger(candles, '1s'), ['0s 100 103 100 103 = 4 4 forming'], 'the last one came again: nothing is missing');
    assert.equal(candles.leftOut.repeated, 3);
    // Without numbers, a trade of the same time counts as sent again, and what is missing is not known.
    candles.connection(FeedState.Down);
    candles.connection(FeedState.Live);
    numbered(0.5, 105, 0);
    numbered(0.6, 106, 0);
    assert.equal(ledger(candles, '1s')[0], '0s 100 106 100 106 = 5 5 forming incomplete');
    assert.equal(candles.leftOut.repeated, 4);
  });

  it('are complete over a connection that ended, if the numbers of trades say so', () => {
    const numbered = (candles: FeedCandles, seconds: number, price: number, tradeId: number) =>
      candles.trade(ROW, price, 1, TakerSide.Buy, DAY + seconds * SECOND, DAY + seconds * SECOND, tradeId);
    for (const [next, mark] of [
      [8, ''],
      [9, ' incomplete'],
    ] as const) {
      const candles = opened();
      time(candles, 0);
      numbered(candles, 0.5, 100, 7);
      candles.connection(FeedState.Stale);
      assert.deepEqual(ledger(candles, '1s'), ['0s 100 100 100 100 = 1 1 forming incomplete'], 'as long as it is away');
      candles.connection(FeedState.Live);
      // A second is left for trades that are sent again.
      time(candles, 3);
      time(candles, 3.9);
      numbered(candles, 0.9, 101, next);
      numbered(candles, 4.5, 102, next + 1);
      assert.deepEqual(ledger(candles, '1s'), [`0s 100 101 100 101 = 2 2${mark}`, '4s 102 102 102 102 = 1 1 forming']);
    }
  });

  it('of one instrument are not those of another, and both close by the time of their venue', () => {
    const candles = opened();
    time(candles, 0);
    trade(candles, 0, 100);
    trade(candles, 0, 200, 1, 4);
    trade(candles, 2.5, 201, 1, 4);
    assert.deepEqual(ledger(candles, '1s'), ['0s 100 100 100 100 = 1 1']);
    assert.deepEqual(ledger(candles, '1s', 4), ['0s 200 200 200 200 = 1 1', '2s 201 201 201 201 = 1 1 forming']);
    assert.deepEqual(ledger(candles, '1s', 5), []);
  });

  it('a page is the first or the last of a range', () => {
    const candles = opened();
    for (let second = 0; second < 8; second++) trade(candles, second, 100 + second);
    const from = DAY / SECOND;
    const starts = (range: Partial<BarRange>) => {
      const bars = candles.bars(ROW, { ...all(0), from: from + 2, to: from + 7, limit: 3, ...range });
      return Array.from({ length: bars.length / BAR_FIELDS }, (_, i) => (bars[i * BAR_FIELDS] - DAY) / SECOND);
    };
    assert.deepEqual(starts({ newest: false }), [2, 3, 4]);
    assert.deepEqual(starts({ newest: true }), [4, 5, 6]);
    assert.deepEqual(starts({ newest: true, to: Number.MAX_SAFE_INTEGER }), [5, 6, 7]);
    assert.deepEqual(starts({ from: from + 9, to: from + 20 }), []);
  });

  it('keep the units that they were closed in; the forming one goes over to smaller ones', () => {
    const candles = opened();
    time(candles, 0);
    trade(candles, 0, 100, 7);
    trade(candles, 1, 101, 5);
    candles.scale(ROW, 4, 4);
    trade(candles, 1.5, 10_150, 3);
    assert.deepEqual(ledger(candles, '1s'), ['0s 100 100 100 100 = 7 1', '1s 10100 10150 10100 10150 = 53 2 forming']);
    const bars = candles.bars(ROW, all(0));
    assert.deepEqual([bars[BarField.priceDecimals], bars[BarField.quantityDecimals]], [2, 3]);
    assert.deepEqual([bars[BAR_FIELDS + BarField.priceDecimals], bars[BAR_FIELDS + BarField.quantityDecimals]], [4, 4]);
    assert.equal(candleAt(bars, BAR_FIELDS).notional, 10_100n * 50n + 10_150n * 3n);
    // A source that began anew with larger units: the smallest ones so far stay.
    candles.scale(ROW, 1, 1);
    trade(candles, 2, 5, 2);
    assert.deepEqual(ledger(candles, '1s').at(-1), '2s 5000 5000 5000 5000 = 2000 1 forming');
    assert.deepEqual(ledger(candles, '1m'), ['0s 10000 10150 5000 5000 = 2123 4 forming']);
    // A number that does not fit them: what formed in them is not known.
    trade(candles, 3, 2 ** 52, 2);
    assert.deepEqual(ledger(candles, '1m'), [`0s ${2 ** 52} ${2 ** 52} ${2 ** 52} ${2 ** 52} = 2 1 forming`]);
  });

  it('counters of trades that are left out are shared by threads, and go on in the next thread', () => {
    const sources = 2;
    const { leftOut } = allocateFeeds({ records: 64, instruments: 1 }, sources);
    for (let thread = 1; thread <= 2; thread++) {
      const candles = new FeedCandles({ left: 0 }, leftOut[1]);
      candles.trade(ROW, 10, 1, TakerSide.Buy, 0, DAY, 1);
      candles.trade(ROW, 10, 1, TakerSide.Buy, DAY + MOST_AHEAD_US + 1, DAY, 2);
      candles.trade(ROW, 10, 1, TakerSide.Buy, DAY + 2 * SECOND, DAY + 2 * SECOND, 3);
      candles.trade(ROW, 10, 1, TakerSide.Buy, DAY, DAY + 2 * SECOND, 4);
      candles.connection(FeedState.Live);
      candles.trade(ROW, 10, 1, TakerSide.Buy, DAY + 2 * SECOND, DAY + 2 * SECOND, 3);
      assert.deepEqual(leftOutOf(leftOut[1]), { late: thread, untimed: thread, ahead: thread, repeated: thread });
    }
    assert.deepEqual(leftOutOf(leftOut[0]), { late: 0, untimed: 0, ahead: 0, repeated: 0 });
  });

  it('of a source that writes records are those of its trades; what the table has no room for is in none', () => {
    const output = openOutput(allocateFeeds({ records: 64, instruments: 1 }, 1));
    const candles = new FeedCandles({ left: 0 });
    const publisher = new RecordPublisher(output, 'venue', candles);
    const row = publisher.instrument('A');
    const nowhere = publisher.instrument('B');
    publisher.status(ALL_INSTRUMENTS, FeedState.Live, FeedFault.None);
    publisher.received(DAY);
    for (const instrument of [row, nowhere]) {
      publisher.scale(instrument, 1, 1);
      publisher.bookEnd(instrument, DAY, 1, 1, 2, 1);
      publisher.trade(instrument, 10, 2, TakerSide.Sell, DAY + 1, 17);
      publisher.quote(instrument, 1, 1, 2, 1, DAY + SECOND + CLOSE_AFTER_US);
    }
    assert.deepEqual(ledger(candles, '1s', row), ['0s 10 10 10 10 = 2 1']);
    assert.deepEqual(ledger(candles, '1s', nowhere), []);
    publisher.status(ALL_INSTRUMENTS, FeedState.Down, FeedFault.Closed);
    assert.deepEqual(ledger(candles, '1m', row), ['0s 10 10 10 10 = 2 1 forming incomplete']);
  });
});

describe('properties of candles of an outside market', () => {
  const event = fc.record({
    step: fc.oneof(fc.constantFrom(0, 1, 1e6, 15e6, 60e6, 3600e6), fc.nat(3e6), fc.nat(90_000e6)),
    isTrade: fc.boolean(),
    row: fc.nat(2),
    price: fc.integer({ min: 1, max: 2 ** 40 }),
    quantity: fc.integer({ min: 1, max: 2 ** 40 }),
    side: fc.constantFrom(TakerSide.Unknown, TakerSide.Buy, TakerSide.Sell),
  });
  const TAKERS = [Taker.None, Taker.Buy, Taker.Sell];

  it('are those of the definition, whatever closes them', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const candles = new FeedCandles({ left: 1e6 });
        candles.connection(FeedState.Live);
        const trades: NaiveTrade[][] = [[], [], []];
        let timeUs = DAY;
        for (const { step, isTrade, row, price, quantity, side } of events) {
          timeUs += step;
          if (!isTrade) candles.time(timeUs, timeUs);
          else {
            candles.trade(row, price, quantity, side, timeUs, timeUs, 0);
            trades[row].push({ timeUs, price, quantity, taker: TAKERS[side], tradeId: 0, seq: 0 });
          }
        }
        for (const [row, of] of trades.entries())
          for (let i = 0; i < CANDLE_INTERVALS.length; i++) {
            const bars = candles.bars(row, all(i));
            const own = Array.from({ length: bars.length / BAR_FIELDS }, (_, n) => candleAt(bars, n * BAR_FIELDS));
            assert.deepEqual(own, naiveCandles(of, i));
            for (let n = 0; n < own.length; n++) {
              const isDue = own[n].start + INTERVAL_US[i] + CLOSE_AFTER_US <= timeUs || n < own.length - 1;
              assert.equal(bars[n * BAR_FIELDS + BarField.closed] === 1, isDue);
            }
          }
        assert.equal(candles.leftOut.late, 0);
      }),
      { numRuns: 200 },
    );
  });

  it('a candle in smaller units is the same, or does not fit and says so', () => {
    const value = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 2 ** 53 - 1 }));
    fc.assert(
      fc.property(value, value, fc.nat(6), fc.nat(6), (price, quantity, byPrice, byQuantity) => {
        const candles = new FeedCandles({ left: 0 });
        candles.trade(0, price, quantity, TakerSide.Buy, DAY, DAY, 0);
        const state = candles.bars(0, all(0));
        const [p, q] = [10 ** byPrice, 10 ** byQuantity];
        rescaleCandle(state, 0, p, q);
        const { open, close, volume, buyVolume, trades } = candleAt(state, 0);
        const LIMIT = 2n ** 53n;
        if (BigInt(price) * BigInt(p) >= LIMIT) return trades === 0;
        assert.deepEqual([BigInt(open), close, trades], [BigInt(price) * BigInt(p), open, 1]);
        const notional = BigInt(price) * BigInt(quantity) * BigInt(p) * BigInt(q);
        const fits = BigInt(quantity) * BigInt(q) < LIMIT && notional < LIMIT * 2n ** 52n;
        assert.equal(state[CandleField.uncounted], fits ? 0 : 1);
        assert.equal(volume, fits ? BigInt(quantity) * BigInt(q) : 0n);
        assert.equal(buyVolume, volume);
        assert.equal(wideValue(state[CandleField.notionalLow], state[CandleField.notionalHigh]), fits ? notional : 0n);
        return true;
      }),
      { numRuns: 500 },
    );
  });

  it('a ring keeps the last ones, grows while the budget lasts, and takes no more', () => {
    fc.assert(
      fc.property(fc.nat(3000), fc.nat(3000), (count, left) => {
        const budget = { left };
        const ring = new BarRing(budget);
        for (let i = 0; i < count; i++) {
          const at = ring.add();
          ring.bars[at] = i;
        }
        const kept = Array.from({ length: ring.count }, (_, i) => ring.bars[ring.at(i)]);
        assert.deepEqual(
          kept,
          Array.from({ length: ring.count }, (_, i) => count - ring.count + i),
        );
        const capacity = ring.bars.length / BAR_FIELDS;
        assert.ok(
          ring.count === Math.min(count, capacity) && capacity <= MOST_BARS && budget.left === left - (capacity - 16) && budget.left >= 0,
        );
        if (left >= MOST_BARS) assert.equal(ring.count, Math.min(count, MOST_BARS));
      }),
      { numRuns: 60 },
    );
  });
});
