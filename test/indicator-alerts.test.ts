/** Alerts on indicators: bars that close, over late looks, failed reads and crashes, against a twin that has all bars at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { CANDLE_INTERVALS } from '../feeds/analysis/candles.ts';
import { readIndicatorOutput } from '../feeds/analysis/indicators/indicator-output.ts';
import { type Alert, gaugeOf, type IndicatorCondition } from '../gateway/alerts/alert.ts';
import { AlertEvaluator } from '../gateway/alerts/evaluator.ts';
import { IndicatorWatch } from '../gateway/alerts/indicator-watch.ts';
import { MAX_INDICATORS_PER_ACCOUNT } from '../gateway/alerts/limits.ts';
import { ClosedBars, firingsOf, SYMBOL } from './support/closed-bars.ts';
import { times } from './support/long-runs.ts';
import { until } from './support/until.ts';

const SECOND = 1e6;
const START = 20_000 * 86_400 * SECOND;

type Fired = readonly [alert: number, timeUs: number];

/** What is stored: alerts that exist, values of gauges with their bars, and what has fired. */
interface Stored {
  readonly alerts: readonly Alert[];
  readonly values: ReadonlyMap<string, number>;
  readonly bars: ReadonlyMap<string, number>;
  readonly fired: readonly Fired[];
}

/** The evaluator and the watch as gateway/alerts/alerts.ts joins them, with a store in memory. */
class Exchange {
  readonly bars: ClosedBars;
  evaluator!: AlertEvaluator;
  watch!: IndicatorWatch;
  fired: Fired[] = [];
  failures = 0;
  stored: Stored = { alerts: [], values: new Map(), bars: new Map(), fired: [] };
  /** All that were ever set. */
  readonly set: Alert[] = [];
  #ids = 0;

  constructor(bars = new ClosedBars()) {
    this.bars = bars;
    this.#start();
  }

  #start(): void {
    this.fired = [...this.stored.fired];
    this.evaluator = new AlertEvaluator(({ alert, timeUs }) => {
      this.fired.push([alert.id, timeUs]);
      if (alert.coolDownS === undefined) this.watch.ended(alert, alert.condition as IndicatorCondition);
    });
    this.watch = new IndicatorWatch({
      evaluator: this.evaluator,
      symbol: () => SYMBOL,
      candles: () => this.bars.candles,
      read: this.bars.read,
      onFailed: () => void this.failures++,
    });
    for (const alert of this.stored.alerts) {
      const condition = alert.condition as IndicatorCondition;
      const key = gaugeOf(1, condition);
      this.watch.resume({ ...alert }, condition, this.stored.values.get(key), this.stored.bars.get(key));
    }
  }

  async add(condition: IndicatorCondition, coolDownS?: number): Promise<Alert> {
    await this.watch.follow(1, condition);
    const key = gaugeOf(1, condition);
    const afterBarUs = this.watch.barOf(1, condition);
    const ends = { createdUs: 0, afterReportNo: 0, fired: 0, firedUs: 0, suppressed: 0 };
    const alert: Alert = { id: ++this.#ids, account: 1, note: '', condition, coolDownS, afterBarUs, ...ends };
    const [values, bars] = [new Map(this.stored.values), new Map(this.stored.bars)];
    if (!bars.has(key)) {
      bars.set(key, afterBarUs as number);
      values.set(key, this.watch.valueOf(1, condition));
    }
    this.stored = { ...this.stored, alerts: [...this.stored.alerts, { ...alert }], values, bars };
    this.evaluator.add(alert, this.watch.valueOf(1, condition));
    this.set.push({ ...alert });
    return alert;
  }

  /** A tick: what is being read ends, too. */
  async tick(nowUs: number): Promise<void> {
    this.evaluator.tick(nowUs);
    this.watch.poll();
    for (let i = 0; i < 12; i++) await setImmediate();
  }

  /** All in one transaction. */
  store(): void {
    const gauges = [...this.evaluator.gauges()];
    this.stored = {
      alerts: [...this.evaluator.alerts()].map((alert) => ({ ...alert })),
      values: new Map(gauges.filter(({ value }) => !Number.isNaN(value)).map(({ key, value }) => [key, value])),
      bars: new Map([...this.watch.bars()].filter(([key]) => this.evaluator.gauge(key) !== undefined)),
      fired: [...this.fired],
    };
  }

  crash(): void {
    this.#start();
  }
}

function onIndicator(indicator: string, level: number | string, further: Partial<IndicatorCondition> = {}): IndicatorCondition {
  const what = typeof level === 'number' ? { level } : { crosses: level, level: 0 };
  return { kind: 'indicator', symbol: 1, interval: '1s', indicator, direction: 'either', ...what, ...further };
}

/** A bar of a second for each price. */
async function run(exchange: Exchange, prices: readonly number[], fromS = 0): Promise<void> {
  for (const [i, price] of prices.entries()) {
    exchange.bars.trade(START + (fromS + i) * SECOND, price);
    await exchange.tick(START + (fromS + i) * SECOND);
  }
}

describe('the text of a number', () => {
  const RIGHT: readonly [text: string, canonical: string][] = [
    ['rsi', 'rsi:14'],
    ['rsi:7', 'rsi:7'],
    ['rsi.rsi', 'rsi:14'],
    ['bb.upper', 'bb:20:2.upper'],
    ['bb:10:2.5.lower', 'bb:10:2.5.lower'],
    ['macd:3:6.signal', 'macd:3:6:9.signal'],
    ['psar:0.02', 'psar:0.02:0.2'],
    ['adx:5.plusDi', 'adx:5.plusDi'],
  ];
  for (const [text, canonical] of RIGHT)
    it(`${text} is ${canonical}`, () => assert.equal(readIndicatorOutput(text, SECOND).text, canonical));

  const WRONG: readonly [text: string, message: RegExp][] = [
    ['', /there is no indicator/],
    ['bb', /several values; give one of bb\.upper, bb\.middle, bb\.lower/],
    ['bb.top', /bb has no value top; give one of bb\.upper/],
    ['rsi.signal', /rsi has one value: write rsi$/],
    ['rsi:0', /period must be a whole number/],
    ['vwap', /give an interval of one minute or longer/],
    ['rsi:14.x.y', /./],
  ];
  for (const [text, message] of WRONG)
    it(`'${text}' is refused`, () => assert.throws(() => readIndicatorOutput(text, SECOND), { code: 'BAD_INDICATOR', message }));
});

describe('an alert on an indicator', () => {
  it('fires when a bar closes, once, and not while it forms', async () => {
    const exchange = new Exchange();
    await run(exchange, [100, 100]);
    await exchange.add(onIndicator('sma:2', 1.5, { direction: 'up' }), 0);
    await run(exchange, [100, 300, 301], 2);
    // 300 closed: the mean of 100 and 300 is 200 cents. 301 is forming, and its bar has not closed.
    assert.deepEqual(exchange.fired, [[1, START + 4 * SECOND]]);
    exchange.bars.trade(START + 4.5 * SECOND, 1);
    await exchange.tick(START + 4.5 * SECOND);
    assert.equal(exchange.fired.length, 1, 'the forming bar is not looked at');
  });

  it('crosses another indicator, in its direction', async () => {
    const exchange = new Exchange();
    await run(exchange, [100, 90, 80, 70, 60]);
    const up = await exchange.add(onIndicator('sma:2', 'sma:4', { direction: 'up' }), 0);
    const down = await exchange.add(onIndicator('sma:2', 'sma:4', { direction: 'down' }), 0);
    await run(exchange, [50, 80, 110, 120, 60, 20, 20], 5);
    assert.deepEqual(
      exchange.fired.map(([id]) => id),
      [up.id, down.id],
    );
  });

  it('closes by time, without a trade', async () => {
    const exchange = new Exchange();
    await run(exchange, [100]);
    await exchange.add(onIndicator('sma:1', 1.5), 0);
    exchange.bars.trade(START + 1 * SECOND, 200);
    await exchange.tick(START + 1 * SECOND);
    assert.ok(exchange.watch.isDue(START + 2 * SECOND) && !exchange.watch.isDue(START + 2 * SECOND - 1));
    exchange.bars.advance(START + 2 * SECOND);
    await exchange.tick(START + 2 * SECOND);
    assert.deepEqual(exchange.fired, [[1, START + 2 * SECOND]]);
  });

  it('the first value fires nothing, and a price that does not move crosses nothing', async () => {
    const exchange = new Exchange();
    await exchange.add(onIndicator('sma:3', 1, { direction: 'up' }), 0);
    await exchange.add(onIndicator('sma:3', 'sma:7'), 0);
    await run(exchange, Array(40).fill(6_000_001));
    assert.deepEqual(exchange.fired, []);
  });

  it('a level that is reached but for the last bits of floats is reached', async () => {
    const exchange = new Exchange();
    await run(exchange, [50, 50, 50]);
    await exchange.add(onIndicator('sma:3', 0.2, { direction: 'down' }), 0);
    // The mean of 0.1, 0.2 and 0.3 is 0.20000000000000004 in floats.
    await run(exchange, [10, 20, 30, 40], 3);
    assert.deepEqual(exchange.fired, [[1, START + 6 * SECOND]]);
  });

  it('one that is set after a bar does not fire for it, also after a crash', async () => {
    const exchange = new Exchange();
    await run(exchange, [100, 100]);
    const first = await exchange.add(onIndicator('sma:1', 1.5, { direction: 'up' }), 0);
    await run(exchange, [100, 200, 200], 2);
    const second = await exchange.add(onIndicator('sma:1', 1.5, { direction: 'up' }), 0);
    exchange.crash();
    await exchange.tick(START + 5 * SECOND);
    assert.deepEqual(exchange.fired, [[first.id, START + 4 * SECOND]], 'the edge that was not stored, of the first one only');
    await run(exchange, [100, 200, 200], 5);
    assert.deepEqual(
      exchange.fired
        .slice(1)
        .map(([id]) => id)
        .sort(),
      [first.id, second.id],
    );
  });

  it('bars that cannot be read are waited for: none is passed over', async () => {
    const exchange = new Exchange();
    await run(exchange, [100, 100]);
    exchange.bars.failing = true;
    await assert.rejects(exchange.add(onIndicator('sma:1', 1.5)), { code: 'ALERTS_UNAVAILABLE' });
    assert.equal(exchange.watch.size, 0, 'nothing is kept of it');
    exchange.bars.failing = false;
    await exchange.add(onIndicator('sma:1', 1.5), 0);
    exchange.store();
    exchange.crash();
    exchange.bars.failing = true;
    await run(exchange, [100, 200, 100, 100], 2);
    assert.deepEqual(exchange.fired, []);
    exchange.bars.failing = false;
    await until(async () => {
      await exchange.tick(START + 6 * SECOND);
      return exchange.fired.length >= 2;
    }, 'the bars are read again');
    assert.deepEqual(exchange.fired, [
      [1, START + 4 * SECOND],
      [1, START + 5 * SECOND],
    ]);
  });

  it('equal indicators are calculated once; an account has a limit', async () => {
    const { watch } = new Exchange();
    const periods = Array.from({ length: MAX_INDICATORS_PER_ACCOUNT }, (_, i) => i + 2);
    for (const period of periods) await watch.follow(1, onIndicator(`sma:${period}`, 5));
    await watch.follow(1, onIndicator('sma:3', 6));
    await watch.follow(2, onIndicator('sma:2', 'sma:3'));
    assert.equal(watch.size, MAX_INDICATORS_PER_ACCOUNT);
    await assert.rejects(watch.follow(1, onIndicator('sma:2', 'sma:99')), { code: 'ALERT_LIMIT' });
    await assert.rejects(watch.follow(1, onIndicator('sma:2', 5, { interval: '1m' })), { code: 'ALERT_LIMIT' });
    watch.release(1, onIndicator('sma:4', 5));
    await watch.follow(1, onIndicator('sma:99', 5));
    assert.equal(watch.size, MAX_INDICATORS_PER_ACCOUNT);
    for (const period of periods) if (period !== 4) watch.release(1, onIndicator(`sma:${period}`, 5));
    watch.release(1, onIndicator('sma:3', 6));
    watch.release(1, onIndicator('sma:99', 5));
    watch.release(2, onIndicator('sma:2', 'sma:3'));
    assert.equal(watch.size, 0);
  });
});

const CONDITION = fc.record({
  indicator: fc.constantFrom('sma:1', 'sma:2', 'ema:3', 'rsi:2', 'bb:3:2.lower', 'hma:4'),
  against: fc.oneof(fc.constantFrom('sma:4', 'ema:5', 'macd:2:3:2.signal'), fc.integer({ min: 96, max: 104 })),
  direction: fc.constantFrom('up' as const, 'down' as const, 'either' as const),
  interval: fc.constantFrom('1s' as const, '15s' as const),
});

const STEP = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('trade' as const),
      price: fc.integer({ min: 95, max: 105 }),
      waitMs: fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 0, max: 20_000 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), waitMs: fc.integer({ min: 0, max: 3000 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('add' as const), condition: CONDITION, coolDownS: fc.constantFrom(undefined, 0) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('store' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);

describe('random bars, late looks, stores and crashes', () => {
  it('fire what the bars say, each edge once, and none twice', async () => {
    let fires = 0;
    let crashes = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 60, maxLength: 160, size: 'max' }), async (steps) => {
        const exchange = new Exchange();
        let nowUs = START;
        for (const step of steps) {
          if (step.do === 'trade' || step.do === 'pass') nowUs += step.waitMs * 1000;
          if (step.do === 'trade') exchange.bars.trade(nowUs, step.price);
          else if (step.do === 'pass') exchange.bars.advance(nowUs);
          else if (step.do === 'tick') await exchange.tick(nowUs);
          else if (step.do === 'store') exchange.store();
          else if (step.do === 'crash') {
            crashes++;
            exchange.crash();
          } else if (exchange.set.length < 8) {
            const { indicator, against, ...further } = step.condition;
            await exchange.add(onIndicator(indicator, typeof against === 'number' ? against / 100 : against, further), step.coolDownS);
          }
        }
        // What is late is read in the end.
        for (let i = 0; i < 6; i++) await exchange.tick(nowUs);
        const expected: Fired[] = [];
        for (const alert of exchange.set) {
          const condition = alert.condition as IndicatorCondition;
          const bars = exchange.bars.closed[CANDLE_INTERVALS.indexOf(condition.interval)];
          for (const timeUs of await firingsOf(alert, condition, bars)) expected.push([alert.id, timeUs]);
        }
        const sorted = (list: readonly Fired[]) => [...list].sort(([a, s], [b, t]) => a - b || s - t);
        assert.deepEqual(sorted(exchange.fired), sorted(expected));
        fires += expected.length;
      }),
      { numRuns: times(30, 1500) },
    );
    assert.ok(fires > 50 && crashes > 10, `only ${fires} alerts fired, and ${crashes} crashes`);
  });
});
