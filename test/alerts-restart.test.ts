/** Alerts over kills at each step: windows, cool-downs and edges continue, in the real store, against a twin that is never killed. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { FeedState } from '../feeds/feed.ts';
import type { Alert, Condition, FillFields, Firing } from '../gateway/alerts/alert.ts';
import { Alerts } from '../gateway/alerts/alerts.ts';
import { AlertEvaluator } from '../gateway/alerts/evaluator.ts';
import { EventMaker } from '../gateway/alerts/event-maker.ts';
import { FEED_START_MS, PolledValues } from '../gateway/alerts/polled-values.ts';
import { PRICE, SYMBOL, TRADE_CONDITIONS } from './support/alert-conditions.ts';
import { times } from './support/long-runs.ts';
import { NaiveAlerts } from './support/naive-alerts.ts';
import { RestartedAlerts } from './support/restarted-alerts.ts';
import { until } from './support/until.ts';

const SECOND = 1e6;
/** A multiple of all windows, so that tables can count from it. */
const START = 20_000 * 86_400 * SECOND;

/** Alerts of symbol 1, each of an account of its own, so that no limit of events is reached. */
class Bench {
  readonly alerts: RestartedAlerts;
  readonly set: Alert[] = [];

  private constructor(alerts: RestartedAlerts) {
    this.alerts = alerts;
  }

  static async start(t?: TestContext): Promise<Bench> {
    const alerts = new RestartedAlerts(START);
    t?.after(() => alerts.remains());
    await alerts.start();
    return new Bench(alerts);
  }

  async add(condition: Condition, coolDownS?: number): Promise<Alert> {
    const alert = await this.alerts.add({ account: this.set.length + 1, condition, coolDownS, note: '' });
    this.set.push({ ...alert });
    return alert;
  }

  /** A trade of symbol 1 after a tick. */
  trade(seconds: number, price: number, lots = 1): void {
    this.alerts.nowUs = START + seconds * SECOND;
    this.alerts.state.tick(0);
    this.alerts.trade(1, price, lots);
  }

  /** Stores all that has fired. */
  store(): void {
    this.alerts.state.tick(0);
    this.alerts.commit(true);
  }

  /** Seconds of the events that are stored, by alert. */
  get fired(): Record<number, number[]> {
    const events = this.set.flatMap(({ account }) => this.alerts.thread.events(account, 0, 1000));
    const fired: Record<number, number[]> = {};
    for (const { alert, timeUs } of events) fired[alert] = [...(fired[alert] ?? []), (timeUs - START) / SECOND];
    return fired;
  }
}

/** What happens between two trades. */
const KILLS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  'without a kill': async () => undefined,
  'a kill before anything is stored': (bench) => bench.alerts.kill(),
  'a kill after the values are stored': async (bench) => {
    bench.store();
    await bench.alerts.kill();
  },
  'a kill after the events are stored, and not the windows': async (bench) => {
    bench.alerts.state.tick(0);
    bench.alerts.commit(false);
    await bench.alerts.kill();
  },
  'a kill after which the windows are not stored': async (bench) => {
    bench.store();
    bench.alerts.removeWindows();
    await bench.alerts.kill();
  },
  'two kills': async (bench) => {
    bench.store();
    await bench.alerts.kill();
    await bench.alerts.kill();
  },
};

/** Trades, as seconds, price and lots, and when alerts with these conditions fire. */
const RUNS: readonly {
  readonly name: string;
  readonly condition: Condition;
  readonly coolDownS: number | undefined;
  readonly trades: readonly (readonly [seconds: number, price: number, lots?: number])[];
  readonly fires: readonly number[];
}[] = [
  {
    name: 'a move from a price before the kill',
    condition: { kind: 'move', symbol: 1, window: '1m', direction: 'up', level: 50_000 },
    coolDownS: 0,
    trades: [
      [0, 1000],
      [30, 1049],
      [59, 1050],
      [61, 1049],
      [62, 1000],
      [63, 1051],
    ],
    fires: [59, 63],
  },
  {
    name: 'a volume that is collected over the kill',
    condition: { kind: 'volume', symbol: 1, window: '1m', level: 100 },
    coolDownS: 0,
    trades: [
      [0, 1, 60],
      [10, 1, 39],
      [20, 1, 1],
      [30, 1, 500],
      [60, 1, 99],
      [70, 1, 1],
    ],
    fires: [20, 70],
  },
  {
    name: 'a ratio to windows before the kill',
    condition: { kind: 'volume-ratio', symbol: 1, window: '10s', level: 3e6 },
    coolDownS: 0,
    trades: [...Array.from({ length: 22 }, (_, i) => [i * 10, 1, 10] as const), [220, 1, 29], [221, 1, 1], [222, 1, 100], [230, 1, 48]],
    fires: [221, 230],
  },
  {
    name: 'a price with a cool-down',
    condition: { kind: 'price', symbol: 1, direction: 'up', level: 100 },
    coolDownS: 60,
    trades: [
      [0, 99],
      [1, 101],
      [10, 99],
      [11, 101],
      [59, 99],
      [60, 101],
      [61, 99],
      [62, 101],
    ],
    fires: [1, 62],
  },
  {
    name: 'a price that stays above',
    condition: { kind: 'price', symbol: 1, direction: 'up', level: 100 },
    coolDownS: 0,
    trades: [
      [0, 99],
      [1, 100],
      [2, 101],
      [3, 102],
    ],
    fires: [1],
  },
  {
    name: 'a price that is unknown at first',
    condition: { kind: 'price', symbol: 1, direction: 'either', level: 100 },
    coolDownS: 0,
    trades: [
      [0, 105],
      [1, 99],
      [2, 101],
    ],
    fires: [1, 2],
  },
  {
    name: 'an alert that fires once',
    condition: { kind: 'price', symbol: 1, direction: 'either', level: 100 },
    coolDownS: undefined,
    trades: [
      [0, 105],
      [1, 99],
      [2, 101],
    ],
    fires: [1],
  },
];

for (const [kill, happens] of Object.entries(KILLS))
  describe(kill, { timeout: 120_000 }, () => {
    for (const { name, condition, coolDownS, trades, fires } of RUNS)
      it(name, async (t) => {
        const bench = await Bench.start(t);
        const { id } = await bench.add(condition, coolDownS);
        for (const [seconds, price, lots] of trades) {
          bench.trade(seconds, price, lots);
          await happens(bench);
        }
        bench.store();
        assert.deepEqual(bench.fired, { [id]: fires });
      });
  });

test('events that are stored before other firings have theirs are not made again', { timeout: 120_000 }, async (t) => {
  const bench = await Bench.start(t);
  const up = { kind: 'price', symbol: 1, direction: 'up', level: 100 } as const;
  const ids = [];
  for (const coolDownS of [0, 60, 0, undefined]) ids.push((await bench.add(up, coolDownS)).id);
  bench.trade(0, 99);
  bench.store();
  bench.trade(1, 101);
  // As a tick that has more firings than it makes events of.
  bench.alerts.state.events.make(2, 0);
  bench.alerts.commit(true);
  assert.equal(Object.keys(bench.fired).length, 2);
  await bench.alerts.kill();
  bench.store();
  assert.deepEqual(bench.fired, Object.fromEntries(ids.map((id) => [id, [1]])));
  bench.trade(2, 99);
  bench.trade(3, 101);
  bench.store();
  assert.deepEqual(bench.fired, { [ids[0]]: [1, 3], [ids[1]]: [1], [ids[2]]: [1, 3], [ids[3]]: [1] });
});

test('a window that was not stored is made of the trades since its first alert was set', { timeout: 120_000 }, async (t) => {
  const bench = await Bench.start(t);
  const volume = { kind: 'volume', symbol: 1, window: '1m', level: 100 } as const;
  bench.trade(0, 1, 60);
  bench.alerts.nowUs = START + 1 * SECOND;
  const { id } = await bench.add(volume, 0);
  bench.trade(2, 1, 50);
  bench.store();
  bench.alerts.removeWindows();
  await bench.alerts.kill();
  // Before the next commit: a further alert joins the window, and stores no empty one.
  const other = await bench.add({ ...volume, level: 101 }, 0);
  await bench.alerts.kill();
  bench.trade(3, 1, 49);
  bench.trade(4, 1, 1);
  bench.trade(5, 1, 1);
  bench.store();
  assert.deepEqual(bench.fired, { [id]: [4], [other.id]: [5] });
});

test('nothing is stored while a start takes up what is stored', { timeout: 120_000 }, async (t) => {
  const before = new RestartedAlerts(START);
  t.after(() => before.remains());
  await before.start();
  const condition = { kind: 'volume', symbol: 1, window: '1m', level: 100 } as const;
  await before.add({ account: 1, condition, coolDownS: 0, note: '' });
  before.nowUs += SECOND;
  before.trade(1, 1, 60);
  before.commit(true);
  // It is not stored, so a start reads it. That takes some ticks of the alerts here.
  before.trade(1, 1, 39);
  const dataDir = await before.closeStore();
  const options = before.options();
  // Values are stored every 5 s: the time comes while trades are read.
  const clock = performance.now.bind(performance);
  let passedMs = 0;
  t.mock.method(performance, 'now', () => clock() + passedMs);
  const trades: typeof options.trades = async (...page) => {
    passedMs += 10_000;
    await sleep(500);
    return options.trades(...page);
  };
  const alerts = new Alerts({ ...options, trades, dataDir, loopback: false, published: async () => undefined });
  await alerts.start();
  before.nowUs += SECOND;
  before.trade(1, 1, 1);
  await until(async () => (await alerts.events(1, 0, 10)).length > 0, 'the volume of all three trades');
  await alerts.stop();
});

test('a window that no alert follows any more is forgotten, here and in the store', { timeout: 120_000 }, async (t) => {
  const bench = await Bench.start(t);
  const stored = () => bench.alerts.thread.load().windows.map(([key]) => key);
  const move = { kind: 'move', symbol: 1, window: '1m', direction: 'up', level: 50_000 } as const;
  const [first, second] = [await bench.add(move, 0), await bench.add({ ...move, window: '10s' })];
  bench.trade(0, 100);
  bench.store();
  assert.deepEqual(stored(), ['1:10s', '1:1m']);
  bench.trade(1, 105);
  await bench.alerts.remove(first);
  bench.store();
  assert.deepEqual([stored(), bench.fired[second.id]], [[], [1]]);
});

test('an alert is stored as of its last event: later fills of it are found again', () => {
  const alert = { id: 1, account: 1, note: '', condition: { kind: 'fill', symbol: 0, complete: false }, coolDownS: 0 } as const;
  const names = { symbol: () => undefined, asset: () => undefined };
  const events = new EventMaker({ names, exists: () => true, onEnded: () => undefined });
  const evaluator = new AlertEvaluator((firing: Firing) => events.fired(firing));
  const fill = (reportNo: number) => ({
    reportNo,
    symbol: 1,
    side: 1,
    orderId: 7,
    clientOrderId: 1,
    price: 5,
    quantity: 5,
    leaves: 1,
    tradeId: 3,
  });
  const start = (fired: Pick<Alert, 'fired' | 'firedUs' | 'afterReportNo'>) => {
    const again = new AlertEvaluator((firing) => events.fired(firing));
    again.add({ ...alert, createdUs: 0, suppressed: 0, ...fired });
    return again;
  };
  evaluator.add({ ...alert, createdUs: 0, suppressed: 0, fired: 0, firedUs: 0, afterReportNo: 4 });
  const fills: readonly FillFields[] = [fill(5), fill(6)];
  for (const each of fills) evaluator.fill(1, each, START);
  events.make(1, 0);
  const { alerts } = events.take();
  assert.deepEqual(
    alerts.map(({ fired, firedUs, afterReportNo }) => [fired, firedUs, afterReportNo]),
    [[1, START, 5]],
  );
  events.make(9, 0);
  events.take();
  const next = start(alerts[0]);
  for (const each of fills) next.fill(1, each, START);
  events.make(9, 0);
  assert.deepEqual(
    events.take().events.map(({ reportNo }) => reportNo),
    [6],
  );
});

test('a feed that was live before the start is stale when it does not come back, and not while it connects', () => {
  let state: FeedState = FeedState.Connecting;
  let nowMs = 0;
  const fired: number[] = [];
  const evaluator = new AlertEvaluator(({ alert }) => void fired.push(alert.id));
  const feeds = { status: () => ['a', 'b'].map((name) => ({ name, state })) };
  const polled = new PolledValues({
    ...{ evaluator, directory: { account: () => undefined }, feeds: feeds as never, nowUs: () => START, nowMs: () => nowMs },
  });
  const ends = { note: '', coolDownS: 0, createdUs: 0, afterReportNo: 0, fired: 0, firedUs: 0, suppressed: 0 };
  const alerts = ['a', 'b'].map((feed, i): Alert => {
    return { id: i + 1, account: 1, condition: { kind: 'feed-stale', feed, instrument: '', level: 1, direction: 'up' }, ...ends };
  });
  // The first had current prices, the second had none.
  evaluator.add(alerts[0], 0);
  evaluator.add(alerts[1], 1);
  polled.arrange(alerts);
  polled.started();
  const look = (ms: number) => {
    nowMs = ms;
    for (let i = 0; i < 5; i++) polled.poll();
    return [...fired];
  };
  assert.deepEqual(look(1), [], 'it connects');
  assert.deepEqual(look(FEED_START_MS - 1), []);
  assert.deepEqual(look(FEED_START_MS), [1], 'it has not come back; the other one was stale before');
  state = FeedState.Live;
  assert.deepEqual(look(FEED_START_MS + 1), [1]);
});

const CONDITION: fc.Arbitrary<Condition> = fc.oneof(...TRADE_CONDITIONS);
const STEP = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant('trade' as const),
      symbol: SYMBOL,
      price: PRICE,
      lots: fc.integer({ min: 1, max: 20 }),
      waitMs: fc.oneof(fc.integer({ min: 100, max: 12_000 }), fc.integer({ min: 100, max: 900 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('add' as const), condition: CONDITION, coolDownS: fc.constantFrom(undefined, 0, 7) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('store' as const), values: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('part' as const), values: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
);

test('random trades, stores and kills fire what a process fires that is never killed', { timeout: 600_000 }, async () => {
  let fires = 0;
  let kills = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { minLength: 40, maxLength: 120, size: 'max' }), async (steps) => {
      const bench = await Bench.start();
      const { alerts } = bench;
      const naive = new NaiveAlerts(true);
      const last = new Map<number, number>();
      const expected: [alert: number, timeUs: number][] = [];
      // A window is kept until it is stored that its alerts have ended.
      const store = (values: boolean): void => {
        const { events } = alerts.state;
        if (events.firings === 0 && (values || events.isChanged)) naive.forgetWindows();
        alerts.commit(values);
      };
      try {
        for (const step of steps) {
          if (step.do === 'trade') {
            alerts.nowUs += step.waitMs * 1000;
            alerts.state.tick(0);
            naive.tick(alerts.nowUs, Number.POSITIVE_INFINITY);
            alerts.trade(step.symbol, step.price, step.lots);
            naive.trade(step.symbol, { price: step.price, lots: step.lots, timeUs: alerts.nowUs });
            last.set(step.symbol, step.price);
            for (const id of naive.fired) expected.push([id, alerts.nowUs]);
          } else if (step.do === 'add') {
            const alert = await bench.add(step.condition, step.coolDownS);
            const { condition } = alert;
            naive.add({ ...alert }, condition.kind === 'price' ? (last.get(condition.symbol) ?? Number.NaN) : 0);
          } else if (step.do === 'remove') {
            const all = bench.set.flatMap(({ account }) => alerts.state.list(account));
            if (all.length === 0) continue;
            const alert = all[step.which % all.length];
            // What has fired and has no event yet would be lost by a kill: it is deleted.
            alerts.state.tick(0);
            store(false);
            await alerts.remove(alert);
            naive.remove(alert.id);
          } else if (step.do === 'store') {
            alerts.state.tick(0);
            store(step.values);
          } else if (step.do === 'part') {
            alerts.state.events.make(1, 0);
            store(step.values);
          } else {
            naive.forgetWindows(alerts.thread.load().alerts);
            await alerts.kill();
            kills++;
          }
        }
        await alerts.kill();
        bench.store();
        const stored = bench.set.flatMap(({ account }) => alerts.thread.events(account, 0, 1000));
        const sorted = (list: (readonly [number, number])[]) => list.sort(([a, s], [b, t]) => a - b || s - t);
        assert.deepEqual(sorted(stored.map(({ alert, timeUs }) => [alert, timeUs])), sorted(expected));
        fires += expected.length;
      } finally {
        await alerts.remains();
      }
    }),
    { numRuns: times(25, 200) },
  );
  assert.ok(fires > 60 && kills > 40, `only ${fires} alerts fired, and ${kills} kills`);
});
