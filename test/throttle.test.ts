/** Limits of commands of an account: per second, and per fill; when to try again, and what trying again does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allocateLocal } from '../engine/allocate.ts';
import { codeName } from '../engine/codes.ts';
import { Accounts } from '../engine/rules/accounts.ts';
import { OrderRequest } from '../engine/rules/order-request.ts';
import { FREE_ORDERS, OrderToTrade, STEP_US } from '../engine/rules/order-to-trade.ts';
import { Throttles } from '../engine/rules/throttles.ts';
import { Harness, parseCommand, runLedger, SMALL_LIMITS, tidyLedger } from './support/exchange-fixture.ts';
import { times } from './support/long-runs.ts';
import { NaiveBuckets, NaiveRatios } from './support/naive-rates.ts';
import { sameFromAnySnapshot } from './support/snapshot-at-any.ts';

const LEDGERS: [name: string, ledger: string][] = [
  [
    'the burst passes, then one order each tenth of a second',
    `set 1 CommandsPerSecond 10
     > 0 Accepted
     set 1 CommandBurst 2
     > 0 Accepted
     1 new 1 buy 1 @ 90
     > 1 Accepted 1 1@90 leaves 1
     1 new 2 buy 1 @ 90
     > 1 Accepted 2 1@90 leaves 1
     1 new 3 buy 1 @ 90
     > 1 Rejected 3 1@90 leaves 0 THROTTLED retry +98000
     2 new 3 buy 1 @ 90
     > 2 Accepted 3 1@90 leaves 1
     +95999 1 new 3 buy 1 @ 90
     > 1 Rejected 3 1@90 leaves 0 THROTTLED retry +1
     1 new 3 buy 1 @ 90
     > 1 Accepted 3 1@90 leaves 1`,
  ],
  [
    'at the time of the report it passes',
    `set 1 CommandsPerSecond 1
     > 0 Accepted
     1 new 1 buy 1 @ 90
     > 1 Accepted 1 1@90 leaves 1
     1 new 2 buy 1 @ 90
     > 1 Rejected 2 1@90 leaves 0 THROTTLED retry +999000
     +998000 1 new 2 buy 1 @ 90
     > 1 Accepted 2 1@90 leaves 1`,
  ],
  [
    'an order that was throttled can come again with other terms, or not at all; one that passed cannot',
    `set 1 CommandsPerSecond 1
     > 0 Accepted
     1 new 1 buy 1 @ 90
     > 1 Accepted 1 1@90 leaves 1
     1 new 2 buy 1 @ 90
     > 1 Rejected 2 1@90 leaves 0 THROTTLED retry +999000
     1 new 1 buy 1 @ 90
     > 1 Accepted 1 1@90 leaves 1 again
     +2000000 1 new 2 sell 3 @ 95
     > 1 Accepted 2 3@95 leaves 3
     +2000000 1 new 2 buy 1 @ 90
     > 1 Rejected 2 1@90 leaves 0 CLIENT_ORDER_ID_REUSED`,
  ],
  [
    'amends wait, also those to less; cancels count and never wait',
    `set 1 CommandsPerSecond 10
     > 0 Accepted
     set 1 CommandBurst 3
     > 0 Accepted
     1 new 1 buy 5 @ 90
     > 1 Accepted 1 5@90 leaves 5
     1 new 2 buy 5 @ 90
     > 1 Accepted 2 5@90 leaves 5
     1 cancel 1
     > 1 Cancelled 1 5@90 leaves 0 CANCELLED_BY_CLIENT
     1 amend 2 4 @ 90
     > 1 AmendRejected 2 4@90 leaves 5 THROTTLED retry +97000
     1 amend 2 5 @ 91
     > 1 AmendRejected 2 5@91 leaves 5 THROTTLED retry +96000
     1 cancel 1
     > 1 CancelRejected 1 0@0 leaves 0 UNKNOWN_ORDER
     1 amend 2 5 @ 91
     > 1 AmendRejected 2 5@91 leaves 5 THROTTLED retry +99000
     1 amend 7 5 @ 91
     > 1 AmendRejected 7 5@91 leaves 0 UNKNOWN_ORDER
     1 cancel 2
     > 1 Cancelled 2 5@90 leaves 0 CANCELLED_BY_CLIENT`,
  ],
  [
    'what later checks reject counts; what a suspension rejects does not',
    `set 1 CommandsPerSecond 1
     > 0 Accepted
     set 1 Suspended 1
     > 0 Accepted
     1 new 1 buy 1 @ 90
     > 1 Rejected 1 1@90 leaves 0 ACCOUNT_SUSPENDED
     set 1 Suspended 0
     > 0 Accepted
     1 new 2 buy 1 @ 0
     > 1 Rejected 2 1@0 leaves 0 PRICE_RANGE
     1 new 3 buy 1 @ 90
     > 1 Rejected 3 1@90 leaves 0 THROTTLED retry +999000`,
  ],
  [
    'without the limit nothing waits, and a new limit begins with a full burst',
    `set 1 CommandsPerSecond 1
     > 0 Accepted
     1 new 1 buy 1 @ 90
     > 1 Accepted 1 1@90 leaves 1
     set 1 CommandsPerSecond 0
     > 0 Accepted
     1 new 2 buy 1 @ 90
     > 1 Accepted 2 1@90 leaves 1
     set 1 CommandsPerSecond 1
     > 0 Accepted
     1 new 3 buy 1 @ 90
     > 1 Accepted 3 1@90 leaves 1
     1 new 4 buy 1 @ 90
     > 1 Rejected 4 1@90 leaves 0 THROTTLED retry +999000`,
  ],
];

describe('commands per second', () => {
  for (const [name, ledger] of LEDGERS) {
    it(name, () => assert.equal(runLedger(new Harness().setUp(2), ledger), tidyLedger(ledger)));
    it(`${name}: the same from a snapshot at any command`, () => sameFromAnySnapshot(new Harness().setUp(2), ledger));
  }

  it('throttled orders do not make the exchange forget the others', () => {
    const harness = new Harness({ ...SMALL_LIMITS, rememberedOrders: 16, rememberedOrdersPerAccount: 4 }).setUp(1);
    runLedger(harness, '1 new 1 buy 1 @ 90\n1 cancel 1\nset 1 CommandsPerSecond 1\n1 new 2 buy 1 @ 90');
    for (let id = 100; id < 200; id++)
      assert.equal(codeName(harness.do(parseCommand(`1 new ${id} buy 1 @ 90`)).reports[0].code), 'THROTTLED');
    const ledger = `1 new 1 buy 1 @ 90
      > 1 Accepted 1 1@90 leaves 0 again
      1 new 3 buy 1 @ 90
      > 1 Rejected 3 1@90 leaves 0 THROTTLED retry +999000`;
    assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
  });

  const rejects = ['set 1 CommandsPerSecond 1000001', 'set 1 CommandBurst 1000001', 'set 1 OrderToTrade 1000001', 'set 9 OrderToTrade 1'];
  for (const line of rejects) {
    it(`${line} is rejected`, () => {
      const code = line.startsWith('set 9') ? 'UNKNOWN_ACCOUNT' : 'BAD_PARAMETER';
      assert.equal(codeName(new Harness().setUp(1).do(parseCommand(line)).reports[0].code), code);
    });
  }
  it('rules 3 have no such limits', () => {
    const harness = new Harness(SMALL_LIMITS, 3).setUp(1);
    for (const name of ['CommandsPerSecond', 'CommandBurst', 'OrderToTrade'])
      assert.equal(codeName(harness.do(parseCommand(`set 1 ${name} 1`)).reports[0].code), 'BAD_PARAMETER');
  });

  it('no span of time has more commands than the burst and what the rate adds', () => {
    const steps = fc.array(fc.tuple(fc.nat(3_000_000), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(5), steps, (perSecond, burst, commands) => {
        const accounts = new Accounts(2, 1, 1, allocateLocal);
        const throttles = new Throttles(accounts, allocateLocal);
        const naive = new NaiveBuckets();
        const order = new OrderRequest();
        order.account = 1;
        let nowUs = 1_700_000_000_000_000;
        throttles.set(1, perSecond, burst, nowUs);
        naive.set(1, { perSecond, burst }, nowUs);
        const passed: number[] = [];
        for (const [waitUs, cancel] of commands) {
          nowUs += waitUs;
          const passes = throttles.check(order, nowUs);
          assert.equal(passes ? 0 : order.retryUs, naive.wait(1, nowUs));
          if (passes) passed.push(nowUs);
          if (!passes && !cancel) continue;
          throttles.take(1, nowUs);
          naive.take(1, nowUs);
        }
        for (const [first, from] of passed.entries())
          for (const [last, to] of passed.entries())
            assert.ok(last < first || last - first + 1 <= (burst || perSecond) + ((to - from) * perSecond) / 1e6, `${first} to ${last}`);
      }),
      { numRuns: times(200, 500) },
    );
  });
});

describe('orders per fill', () => {
  /** Account 1 has a limit of 2, and has sent `orders` of which none traded, a second into a step. */
  function venue(orders: number): Harness {
    const harness = new Harness().setUp(2);
    harness.do({ ...parseCommand('set 1 OrderToTrade 2'), waitUs: STEP_US - (harness.exchange.timeUs % STEP_US) + 1_000_000 });
    for (let id = 1; id <= orders; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ 90`));
    return harness;
  }
  const code = (harness: Harness, line: string) => codeName(harness.do(parseCommand(line)).reports[0].code);

  it(`${FREE_ORDERS} in the window are free; the next ones wait until the step of the first has left it`, () => {
    const harness = venue(FREE_ORDERS);
    const [report] = harness.do(parseCommand('1 new 900 buy 1 @ 90')).reports;
    const step = Math.floor(report.timeUs / STEP_US);
    assert.deepEqual([codeName(report.code), report.retryUs], ['ORDER_TO_TRADE', (step + 6) * STEP_US]);
    const wait = report.retryUs - report.timeUs - 1000;
    assert.equal(code(harness, `+${wait - 1} 1 new 900 buy 1 @ 90`), 'ORDER_TO_TRADE');
    assert.equal(code(harness, '1 new 900 buy 1 @ 90'), 'OK');
  });

  it('an amend counts, a cancel does not and never waits', () => {
    const harness = venue(FREE_ORDERS - 1);
    assert.equal(code(harness, '1 amend 1 2 @ 91'), 'OK');
    const [amend] = harness.do(parseCommand('1 amend 1 1 @ 91')).reports;
    assert.deepEqual([codeName(amend.code), amend.retryUs > amend.timeUs], ['ORDER_TO_TRADE', true]);
    for (let id = 1; id <= 50; id++) assert.equal(code(harness, `1 cancel ${id}`), 'CANCELLED_BY_CLIENT');
    assert.equal(code(harness, '1 new 900 buy 1 @ 90'), 'ORDER_TO_TRADE');
  });

  for (const [how, lines] of [
    ['as maker', ['2 new 1 sell 51 @ 90']],
    ['in an auction', ['phase auction', '2 new 1 sell 51 @ 90', 'uncross', 'phase continuous']],
  ] as const) {
    it(`each fill allows two more, ${how}; a partial fill counts as one`, () => {
      const harness = venue(FREE_ORDERS);
      for (const line of lines) harness.do(parseCommand(line));
      // 51 fills allow 102 orders in the window, of which 100 were sent.
      assert.equal(code(harness, '1 new 900 buy 1 @ 80'), 'OK');
      assert.equal(code(harness, '1 new 901 buy 1 @ 80'), 'OK');
      assert.equal(code(harness, '1 new 902 buy 1 @ 80'), 'ORDER_TO_TRADE');
    });
  }

  it('as taker, too', () => {
    const harness = venue(FREE_ORDERS - 1);
    for (let id = 1; id <= 51; id++) harness.do(parseCommand(`2 new ${id} sell 1 @ 95`));
    assert.equal(code(harness, '1 new 900 buy 51 @ 95'), 'OK');
    assert.equal(code(harness, '1 new 901 buy 1 @ 80'), 'OK');
    assert.equal(code(harness, '1 new 902 buy 1 @ 80'), 'OK');
    assert.equal(code(harness, '1 new 903 buy 1 @ 80'), 'ORDER_TO_TRADE');
  });

  it('the same from a snapshot at any command: orders, fills and steps are in it', () => {
    const lines = [
      'set 1 OrderToTrade 2',
      '2 new 1 sell 9 @ 90',
      '1 new 1 buy 1 @ 90',
      '1 new 2 buy 5 @ 89',
      '+12000000 2 new 2 sell 2 @ 89',
    ];
    const more = [
      '1 amend 2 1 @ 89',
      '+31000000 1 new 3 buy 1 @ 90',
      '+70000000 1 new 4 buy 1 @ 90',
      'set 1 OrderToTrade 0',
      '1 new 5 buy 1 @ 80',
    ];
    sameFromAnySnapshot(new Harness().setUp(2), [...lines, ...more].join('\n'));
  });

  it('the same as the naive count, for any sequence', () => {
    const step = fc.tuple(fc.constantFrom(0, 1, 2_000_000, 11_000_000, 70_000_000), fc.integer({ min: 1, max: 60 }), fc.boolean());
    let waited = 0;
    const same = fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 30 }), (limit, bursts) => {
      const accounts = new Accounts(2, 1, 1, allocateLocal);
      const ratios = new OrderToTrade(accounts, allocateLocal);
      const naive = new NaiveRatios();
      const order = new OrderRequest();
      order.account = 1;
      let nowUs = 1_700_000_000_000_000;
      ratios.set(1, limit);
      naive.set(1, limit);
      for (const [waitUs, count, fills] of bursts) {
        nowUs += waitUs;
        for (let i = 0; i < count; i++) {
          if (fills) {
            ratios.countFill(1, nowUs);
            naive.count(1, nowUs, true);
            continue;
          }
          const passes = ratios.check(order, nowUs);
          assert.equal(passes ? 0 : order.retryUs, naive.wait(1, nowUs));
          if (!passes) waited++;
          if (!passes) break;
          ratios.countOrder(1, nowUs);
          naive.count(1, nowUs, false);
        }
        const rows: [number, number, number][] = [];
        ratios.eachStep(1, (...row) => rows.push(row));
        assert.deepEqual(rows, naive.rows(1));
      }
    });
    fc.assert(same, { numRuns: times(200, 500) });
    assert.ok(waited > 0);
  });
});
