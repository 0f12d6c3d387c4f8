import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CANDLE_INTERVALS, CandleField, Candles, INTERVAL_US, Taker } from '../feeds/analysis/candles.ts';
import { addProduct, wideValue } from '../feeds/analysis/wide-sum.ts';
import { ClosedCandles, candleAt, type NaiveTrade, naiveCandles } from './support/naive-candles.ts';

const SECOND = 1e6;
/** 2023-11-14, a whole day since the epoch. */
const DAY = 19_675 * 86_400 * SECOND;
const of = (name: (typeof CANDLE_INTERVALS)[number]) => CANDLE_INTERVALS.indexOf(name);

/** A ledger row of a candle: start in seconds since DAY, then what traded. */
function row(candles: Candles, at: number): string {
  const { start, open, high, low, close, volume, buyVolume, sellVolume, notional, trades } = candleAt(candles.state, at);
  return `${(start - DAY) / SECOND}s ${open} ${high} ${low} ${close} volume ${volume} = ${buyVolume} + ${sellVolume} notional ${notional} trades ${trades}`;
}

describe('candles', () => {
  it('a minute of trades', () => {
    const candles = new Candles();
    const { Buy, Sell, None } = Taker;
    const ledger: string[] = [];
    const note = (mask: number) => {
      for (const [i, name] of CANDLE_INTERVALS.entries()) if (mask & (1 << i)) ledger.push(`${name} ${row(candles, candles.closedAt(i))}`);
    };
    for (const [id, [seconds, price, quantity, taker]] of [
      [0, 100, 5, Buy],
      [0.999999, 103, 2, Buy],
      [1, 99, 1, Sell],
      [14.5, 101, 4, None],
      [15, 102, 3, Sell],
    ].entries())
      note(candles.trade(DAY + seconds * SECOND, price, quantity, taker, id + 1, id + 70));
    note(candles.advance(DAY + 59.999999 * SECOND));
    note(candles.advance(DAY + 60 * SECOND));
    assert.deepEqual(ledger, [
      '1s 0s 100 103 100 103 volume 7 = 7 + 0 notional 706 trades 2',
      '1s 1s 99 99 99 99 volume 1 = 0 + 1 notional 99 trades 1',
      '1s 14s 101 101 101 101 volume 4 = 0 + 0 notional 404 trades 1',
      '15s 0s 100 103 99 101 volume 12 = 7 + 1 notional 1209 trades 4',
      '1s 15s 102 102 102 102 volume 3 = 0 + 3 notional 306 trades 1',
      '15s 15s 102 102 102 102 volume 3 = 0 + 3 notional 306 trades 1',
      '1m 0s 100 103 99 102 volume 15 = 7 + 4 notional 1515 trades 5',
    ]);
    assert.equal(row(candles, candles.formingAt(of('1d'))), '0s 100 103 99 102 volume 15 = 7 + 4 notional 1515 trades 5');
    assert.equal(candles.dueUs, DAY + 300 * SECOND);
    assert.equal(candles.late, 0);
  });

  it('a repeated trade changes nothing, a late one is counted and is missing only where its bucket was closed', () => {
    const candles = new Candles();
    candles.trade(DAY, 10, 1, Taker.Buy, 7, 1);
    const before = candles.state.slice();
    assert.equal(candles.trade(DAY + 1, 11, 1, Taker.Buy, 7, 1), 0);
    assert.equal(candles.trade(DAY + 9 * SECOND, 11, 1, Taker.Buy, 6, 1), 0);
    assert.deepEqual(candles.state, before);
    candles.advance(DAY + 2 * SECOND);
    candles.trade(DAY + 1, 12, 1, Taker.Sell, 0, 2);
    assert.equal(candles.late, 1);
    assert.equal(row(candles, candles.closedAt(of('1s'))), '0s 10 10 10 10 volume 1 = 1 + 0 notional 10 trades 1');
    assert.equal(candles.state[candles.formingAt(of('1s')) + CandleField.trades], 0);
    assert.equal(row(candles, candles.formingAt(of('15s'))), '0s 10 12 10 12 volume 2 = 1 + 1 notional 22 trades 2');
    assert.equal(candles.advance(DAY), 0, 'a clock that goes back closes nothing');
  });

  it('what passes a limit is left out of the sums and counted', () => {
    const candles = new Candles();
    const most = 2 ** 53 - 1;
    candles.trade(DAY, 3, most - 1, Taker.Buy, 1, 1);
    candles.trade(DAY, 3, 1, Taker.Buy, 2, 2);
    candles.trade(DAY, 4, 1, Taker.Sell, 3, 3);
    const at = candles.formingAt(of('1d'));
    assert.equal(row(candles, at), `0s 3 4 3 4 volume ${most} = ${most} + 0 notional ${3n * BigInt(most)} trades 3`);
    assert.equal(candles.state[at + CandleField.uncounted], 1);
  });

  it('a sum of products is exact, or refused and unchanged', () => {
    const integer = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.integer({ min: 2 ** 26 - 2, max: 2 ** 27 + 2 }), fc.constant(2 ** 53 - 1));
    fc.assert(
      fc.property(fc.array(fc.tuple(integer, integer), { maxLength: 20 }), (factors) => {
        const words = new Float64Array(2);
        let exact = 0n;
        for (const [a, b] of factors) {
          const next = exact + BigInt(a) * BigInt(b);
          const fits = next < 2n ** 105n;
          if (fits !== addProduct(words, 0, a, b)) return false;
          if (fits) exact = next;
          if (wideValue(words[0], words[1]) !== exact) return false;
        }
        return true;
      }),
      { numRuns: 2000 },
    );
  });
});

/** Steps of time that meet the edges of buckets, and days of silence. */
const step = fc.oneof(
  fc.constantFrom(0, 1, 999_999, 1e6, 14 * 1e6, 15 * 1e6, 60 * 1e6, 300 * 1e6, 3600 * 1e6, 86_400 * 1e6),
  fc.nat(3 * 1e6),
  fc.nat(200_000 * 1e6),
);
const event = fc.record({
  step,
  /** Otherwise only time passes. */
  isTrade: fc.nat(3).map((n) => n !== 0),
  price: fc.integer({ min: 1, max: 2 ** 40 }),
  quantity: fc.integer({ min: 1, max: 2 ** 40 }),
  taker: fc.constantFrom(Taker.Buy, Taker.Sell, Taker.None),
  /** A restart before it: the state is copied into a new object, and the last trades come again. */
  restart: fc.nat(9).map((n) => n === 0),
});

describe('properties of candles', () => {
  it('are those of the definition, each closes once, also across restarts that repeat trades', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let candles = new Candles();
        const collected = new ClosedCandles();
        const trades: NaiveTrade[] = [];
        let timeUs = DAY + 123_456;
        for (const { step: us, isTrade, price, quantity, taker, restart } of events) {
          if (restart) {
            candles = new Candles(candles.state.slice());
            for (const t of trades.slice(-3))
              collected.note(candles, candles.trade(t.timeUs, t.price, t.quantity, t.taker, t.tradeId, t.seq));
          }
          timeUs += us;
          if (isTrade) {
            const trade = { timeUs, price, quantity, taker, tradeId: trades.length + 1, seq: trades.length + 5 };
            trades.push(trade);
            collected.note(candles, candles.trade(timeUs, price, quantity, taker, trade.tradeId, trade.seq));
          } else collected.note(candles, candles.advance(timeUs));
          const due = candles.dueUs;
          assert.ok(due > timeUs, 'what is due is closed');
        }
        assert.equal(candles.late, 0);
        for (let i = 0; i < CANDLE_INTERVALS.length; i++) assert.deepEqual(collected.all(candles, i), naiveCandles(trades, i));
      }),
      { numRuns: 300 },
    );
  });

  it('the candles of an interval add up to those of the next', () => {
    for (let i = 1; i < INTERVAL_US.length; i++) assert.equal(INTERVAL_US[i] % INTERVAL_US[i - 1], 0);
  });
});
