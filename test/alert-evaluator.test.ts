/** When alerts fire: tables of each kind, and random trades against a twin that looks at everything. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Alert, Condition, Direction, FillFields } from '../gateway/alerts/alert.ts';
import { AlertEvaluator, MOST_ARMED } from '../gateway/alerts/evaluator.ts';
import { DIRECTION, PRICE, SYMBOL, TRADE_CONDITIONS } from './support/alert-conditions.ts';
import { times } from './support/long-runs.ts';
import { NaiveAlerts } from './support/naive-alerts.ts';

const SECOND = 1e6;
/** A multiple of all windows, so that tables can count from it. */
const START = 20_000 * 86_400 * SECOND;

function alertOf(id: number, condition: Condition, coolDownS?: number, account = 1): Alert {
  const times = { createdUs: 0, afterReportNo: 0, fired: 0, firedUs: 0, suppressed: 0 };
  return { id, account, note: '', condition, coolDownS, ...times };
}

function fillOf(reportNo: number, symbol: number, leaves: number): FillFields {
  return { reportNo, symbol, side: 1, orderId: 7, clientOrderId: 1, price: 100, quantity: 5, leaves, tradeId: 3 };
}

/** The evaluator and what it fires. */
function setUp() {
  const fired: number[] = [];
  const evaluator = new AlertEvaluator(({ alert }) => void fired.push(alert.id));
  const trade = (price: number, seconds: number, lots = 1) => evaluator.symbols[1]?.trade(price, lots, START + seconds * SECOND);
  return { evaluator, fired, trade, taken: () => fired.splice(0) };
}

describe('when an alert fires', () => {
  /** Value before, value after: which directions of an alert at 100 fire. */
  const EDGES: readonly [from: number, to: number, fires: readonly Direction[]][] = [
    [99, 100, ['up', 'either']],
    [99, 150, ['up', 'either']],
    [100, 101, []],
    [100, 100, []],
    [101, 150, []],
    [101, 100, ['down', 'either']],
    [150, 1, ['down', 'either']],
    [100, 99, []],
    [50, 99, []],
    [Number.NaN, 150, []],
    [Number.NaN, 1, []],
  ];
  for (const [from, to, fires] of EDGES) {
    it(`an edge and not a level: ${from} to ${to} fires ${fires.join(', ') || 'nothing'}`, () => {
      const { evaluator, fired, trade } = setUp();
      const directions: readonly Direction[] = ['up', 'down', 'either'];
      for (const [i, direction] of directions.entries())
        evaluator.add(alertOf(i, { kind: 'price', symbol: 1, direction, level: 100 }), from);
      trade(to, 0);
      assert.deepEqual(
        fired.map((id) => directions[id]),
        fires,
      );
    });
  }

  it('once, every time, or after a cool-down', () => {
    const { evaluator, trade, taken } = setUp();
    for (const [id, coolDownS] of [undefined, 0, 10].entries())
      evaluator.add(alertOf(id, { kind: 'price', symbol: 1, direction: 'up', level: 100 }, coolDownS), 99);
    const swing = (seconds: number) => {
      trade(100, seconds);
      trade(99, seconds);
      const fired = taken().sort();
      evaluator.tick(START + seconds * SECOND);
      return fired;
    };
    assert.deepEqual([swing(0), swing(1), swing(9), swing(10), swing(11)], [[0, 1, 2], [1], [1], [1], [1, 2]]);
    assert.equal(evaluator.size, 2, 'the first one is removed');
  });

  it('not twice between two ticks, however often the value crosses', () => {
    const { evaluator, trade, taken } = setUp();
    evaluator.add(alertOf(1, { kind: 'price', symbol: 1, direction: 'either', level: 100 }, 0), 99);
    for (let i = 0; i < 100; i++) trade(i % 2 === 0 ? 101 : 99, 0);
    assert.deepEqual(taken(), [1]);
  });

  it('many at one level: each once, and none of another direction is lost', () => {
    const { evaluator, trade, taken } = setUp();
    const either = [...Array(10).keys()];
    for (const id of either) evaluator.add(alertOf(id, { kind: 'price', symbol: 1, direction: 'either', level: 100 }, 0), 99);
    evaluator.add(alertOf(10, { kind: 'price', symbol: 1, direction: 'down', level: 100 }, 0));
    evaluator.add(alertOf(11, { kind: 'price', symbol: 1, direction: 'down', level: 99 }, 0));
    const byId = () => taken().sort((a, b) => a - b);
    trade(101, 0);
    assert.deepEqual(byId(), either);
    trade(100, 0);
    assert.deepEqual(byId(), [10], 'the others rest');
    trade(101, 0);
    evaluator.tick(START);
    trade(99, 0);
    assert.deepEqual(byId(), [...either, 10, 11]);
  });

  it('a move in a window: from the lowest that the window still has', () => {
    const { evaluator, trade, taken } = setUp();
    evaluator.add(alertOf(1, { kind: 'move', symbol: 1, window: '1m', direction: 'up', level: 50_000 }, 0), 0);
    trade(1000, 0);
    trade(1049, 30);
    assert.deepEqual(taken(), []);
    trade(1050, 60); // 5 % above the price of a minute ago
    assert.deepEqual(taken(), [1]);
    evaluator.tick(START + 60 * SECOND);
    trade(1100, 61); // the price of 0 s is out of the window: 1100 is 4.86 % above 1049
    trade(1102, 62); // and 1102 is 5.05 %
    assert.deepEqual(taken(), [1]);
  });

  it('a volume: in each window anew', () => {
    const { evaluator, trade, taken } = setUp();
    evaluator.add(alertOf(1, { kind: 'volume', symbol: 1, window: '10s', level: 100 }, 0), 0);
    trade(1, 0, 99);
    assert.deepEqual(taken(), []);
    trade(1, 9, 1);
    assert.deepEqual(taken(), [1]);
    evaluator.tick(START + 9 * SECOND);
    trade(1, 9, 500);
    assert.deepEqual(taken(), [], 'it is above the level already');
    trade(1, 10, 120);
    assert.deepEqual(taken(), [1], 'in the next window, with a smaller volume than the last one');
  });

  it('a volume in relation to the 20 windows before', () => {
    const { evaluator, trade, taken } = setUp();
    evaluator.add(alertOf(1, { kind: 'volume-ratio', symbol: 1, window: '1m', level: 3e6 }, 0), 0);
    for (let minute = 0; minute <= 20; minute++) trade(1, minute * 60 + 30, minute === 0 ? 1e6 : 10);
    assert.deepEqual(taken(), [], 'the first window, which may be a part, does not count');
    trade(1, 21 * 60, 29);
    assert.deepEqual(taken(), []);
    trade(1, 21 * 60 + 1, 1);
    assert.deepEqual(taken(), [1]);
  });

  it('a spread: not while a side is empty', () => {
    const { evaluator, taken } = setUp();
    evaluator.add(alertOf(1, { kind: 'spread', symbol: 1, direction: 'up', level: 10_000 }, 0), 5000);
    evaluator.symbols[1]?.quote(0, 1000, START);
    assert.deepEqual(taken(), []);
    evaluator.symbols[1]?.quote(995, 1005, START);
    assert.deepEqual(taken(), [1], 'a hundredth of the middle');
  });

  it('fills: of a symbol, complete ones, and not those before the alert', () => {
    const { evaluator, taken } = setUp();
    evaluator.add(alertOf(1, { kind: 'fill', symbol: 0, complete: false }, 0));
    evaluator.add(alertOf(2, { kind: 'fill', symbol: 2, complete: false }, 0));
    evaluator.add(alertOf(3, { kind: 'fill', symbol: 0, complete: true }, 0));
    evaluator.add({ ...alertOf(4, { kind: 'fill', symbol: 0, complete: false }, 0), afterReportNo: 11 });
    evaluator.add(alertOf(5, { kind: 'fill', symbol: 0, complete: false }, 0, 2));
    const fired = [fillOf(10, 1, 5), fillOf(11, 2, 0), fillOf(12, 1, 1)].map((fill) => {
      evaluator.fill(1, fill, START);
      return taken();
    });
    assert.deepEqual(fired, [[1], [1, 2, 3], [1, 4]]);
  });

  it('all alerts are forgotten with their gauges', () => {
    const { evaluator, trade } = setUp();
    const alert = alertOf(1, { kind: 'move', symbol: 1, window: '1h', direction: 'down', level: 1 }, 0);
    evaluator.add(alert, 0);
    trade(5, 0);
    evaluator.remove(alert);
    evaluator.forgetWindows();
    assert.deepEqual([[...evaluator.gauges()], evaluator.symbols[1], evaluator.size], [[], undefined, 0]);
  });
});

const ACCOUNT = fc.integer({ min: 1, max: 2 });

const CONDITION = fc.oneof(
  ...TRADE_CONDITIONS,
  fc.record({ kind: fc.constant('spread' as const), symbol: SYMBOL, direction: DIRECTION, level: fc.integer({ min: 0, max: 60_000 }) }),
  fc.record({
    kind: fc.constant('position' as const),
    asset: fc.constant(1),
    direction: DIRECTION,
    level: fc.integer({ min: 0, max: 10 }),
  }),
  fc.record({ kind: fc.constant('fill' as const), symbol: fc.integer({ min: 0, max: 2 }), complete: fc.boolean() }),
);

const STEP = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      condition: CONDITION,
      account: ACCOUNT,
      coolDownS: fc.constantFrom(undefined, 0, 7),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat() }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('trade' as const),
      symbol: SYMBOL,
      price: PRICE,
      lots: fc.integer({ min: 1, max: 20 }),
      waitS: fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 0, max: 12 }) },
        { weight: 1, arbitrary: fc.integer({ min: 60, max: 900 }) },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('quote' as const), symbol: SYMBOL, bid: fc.oneof(PRICE, fc.constant(0)), ask: PRICE }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('position' as const), account: ACCOUNT, units: fc.integer({ min: 0, max: 12 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('fill' as const), account: ACCOUNT, symbol: SYMBOL, leaves: fc.integer({ min: 0, max: 1 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
);

describe('random steps', () => {
  it('fire the same alerts as a twin that looks at everything', () => {
    let fires = 0;
    fc.assert(
      fc.property(fc.array(STEP, { minLength: 80, maxLength: 240, size: 'max' }), (steps) => {
        let fired: number[] = [];
        const evaluator = new AlertEvaluator(({ alert }) => void fired.push(alert.id));
        const naive = new NaiveAlerts();
        let nowUs = START;
        let ids = 0;
        let reportNo = 0;
        for (const step of steps) {
          fired = [];
          naive.fired = [];
          if (step.do === 'add') {
            const alert = alertOf(++ids, step.condition, step.coolDownS, step.account);
            const value = ids % 3 === 0 ? Number.NaN : 0;
            evaluator.add(alert, value);
            naive.add({ ...alert }, value);
          } else if (step.do === 'remove') {
            const alerts = [...evaluator.alerts()];
            if (alerts.length === 0) continue;
            const alert = alerts[step.which % alerts.length];
            evaluator.remove(alert);
            naive.remove(alert.id);
          } else if (step.do === 'trade') {
            nowUs += step.waitS * SECOND;
            evaluator.symbols[step.symbol]?.trade(step.price, step.lots, nowUs);
            naive.trade(step.symbol, { price: step.price, lots: step.lots, timeUs: nowUs });
          } else if (step.do === 'quote') {
            evaluator.symbols[step.symbol]?.quote(step.bid, step.ask, nowUs);
            naive.quote(step.symbol, step.bid, step.ask, nowUs);
          } else if (step.do === 'position') {
            evaluator.set(`position:${step.account}:1`, step.units, nowUs);
            naive.position(step.account, 1, step.units, nowUs);
          } else if (step.do === 'fill') {
            const fill = fillOf(++reportNo, step.symbol, step.leaves);
            evaluator.fill(step.account, fill, nowUs);
            naive.fill(step.account, fill, nowUs);
          } else {
            evaluator.tick(nowUs);
            naive.tick(nowUs, MOST_ARMED);
          }
          evaluator.forgetWindows();
          const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);
          assert.deepEqual(sorted(fired), sorted(naive.fired), JSON.stringify(step));
          fires += fired.length;
        }
      }),
      { numRuns: times(150, 3000) },
    );
    assert.ok(fires > 1000, `only ${fires} alerts fired`);
  });
});
