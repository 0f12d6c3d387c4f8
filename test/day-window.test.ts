import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { CANDLE_FIELDS, CandleField, Candles, INTERVAL_US, Taker } from '../feeds/analysis/candles.ts';
import { DAY_US, type DaySummary, DayWindow, dayBegin, MINUTE } from '../feeds/analysis/day-window.ts';
import { wideValue } from '../feeds/analysis/wide-sum.ts';

const MINUTE_US = INTERVAL_US[MINUTE];
const T0 = 1_700_000_040_000_000;

interface NaiveTrade {
  readonly timeUs: number;
  readonly price: number;
  readonly quantity: number;
}

/** What the trades since the begin of the window come to. */
function naive(all: readonly NaiveTrade[], nowUs: number) {
  const begin = nowUs - (nowUs % MINUTE_US) + MINUTE_US - DAY_US;
  const trades = all.filter(({ timeUs }) => timeUs >= begin);
  const prices = trades.map(({ price }) => price);
  return {
    open: prices[0] ?? 0,
    high: Math.max(0, ...prices),
    low: prices.length === 0 ? 0 : Math.min(...prices),
    last: prices.at(-1) ?? 0,
    volume: trades.reduce((sum, { quantity }) => sum + quantity, 0),
    notional: trades.reduce((sum, { price, quantity }) => sum + BigInt(price) * BigInt(quantity), 0n),
    trades: trades.length,
  };
}

function summaryOf(day: DayWindow, candles: Candles) {
  const to: DaySummary = { open: 0, high: 0, low: 0, last: 0, volume: 0, notionalLow: 0, notionalHigh: 0, trades: 0 };
  day.read(candles.state, candles.formingAt(MINUTE), to);
  const { notionalLow, notionalHigh, ...rest } = to;
  return { ...rest, notional: wideValue(notionalLow, notionalHigh) };
}

/** Steps: some time passes, then there may be a trade. */
const steps = fc.array(
  fc.record({
    passes: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 3 * MINUTE_US }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 8 * 3_600_000_000 }) },
      { weight: 1, arbitrary: fc.constantFrom(MINUTE_US, DAY_US, DAY_US - MINUTE_US, DAY_US + 1) },
    ),
    price: fc.integer({ min: 0, max: 20 }),
    quantity: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constant(2 ** 45)),
  }),
  { maxLength: 120 },
);

it('the window has what the trades of its 24 hours come to, also when it is loaded in the middle of the day', () => {
  fc.assert(
    fc.property(steps, fc.nat(120), fc.nat(3), (list, loadAt, behind) => {
      const candles = new Candles();
      const trades: NaiveTrade[] = [];
      /** Candles of closed minutes, as a history has them. */
      const stored: number[] = [];
      let day: DayWindow | undefined;
      let loaded = false;
      let nowUs = T0;
      const onClosed = (): void => {
        if ((candles.justClosed & (1 << MINUTE)) === 0) return;
        const at = candles.closedAt(MINUTE);
        stored.push(...candles.state.subarray(at, at + CANDLE_FIELDS));
        day?.follow(candles);
      };
      for (const [i, { passes, price, quantity }] of list.entries()) {
        nowUs += passes;
        candles.advance(nowUs);
        onClosed();
        if (i === loadAt) day = new DayWindow();
        if (price > 0) {
          trades.push({ timeUs: nowUs, price, quantity });
          candles.trade(nowUs, price, quantity, Taker.Buy, trades.length, i);
          onClosed();
        }
        if (day === undefined) continue;
        if (!loaded && i >= loadAt + behind) {
          loaded = true;
          const begin = dayBegin(nowUs);
          const kept = Float64Array.from(stored).slice();
          const from = stored.findIndex((value, at) => at % CANDLE_FIELDS === CandleField.start && value >= begin);
          day.prepend(from === -1 ? new Float64Array(0) : kept.subarray(from), CANDLE_FIELDS);
        }
        day.advance(nowUs);
        if (loaded) assert.deepEqual(summaryOf(day, candles), naive(trades, nowUs));
      }
    }),
    { numRuns: 300 },
  );
});

it('the window changes by time alone when its oldest minute leaves it', () => {
  const candles = new Candles();
  const day = new DayWindow();
  assert.equal(day.dueUs, Number.POSITIVE_INFINITY);
  candles.trade(T0 + 5, 10, 1, Taker.Buy, 1, 1);
  candles.advance(T0 + MINUTE_US);
  day.follow(candles);
  const minute = T0 - (T0 % MINUTE_US);
  assert.equal(day.dueUs, minute + DAY_US);
  day.advance(day.dueUs - 1);
  assert.equal(summaryOf(day, candles).trades, 1);
  day.advance(day.dueUs);
  assert.equal(summaryOf(day, candles).trades, 0);
});

it('a day in which each minute has a trade', () => {
  const candles = new Candles();
  const day = new DayWindow();
  for (let minute = 0; minute < 3000; minute++) {
    candles.trade(T0 + minute * MINUTE_US, 1000 + minute, 2, Taker.Sell, minute + 1, minute);
    day.follow(candles);
  }
  const nowUs = T0 + 2999 * MINUTE_US;
  day.advance(nowUs);
  const { open, high, low, last, volume, trades } = summaryOf(day, candles);
  assert.deepEqual([open, high, low, last, volume, trades], [1000 + 1560, 3999, 2560, 3999, 2880, 1440]);
});
