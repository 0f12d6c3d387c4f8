import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import type { Limits } from '../engine/limits.ts';
import { ReportFlag } from '../engine/machine/report-writer.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { CommandKind, Phase, ReportKind, Side } from '../engine/wire/layout.ts';
import { Harness, describe as inWords, parseCommand, runLedger, SMALL_LIMITS, tidyLedger, USD } from './support/exchange-fixture.ts';
import { audit, codes, copyOf, PAGE } from './support/shares-fixture.ts';

describe('one account uses up its share, and another one trades on', () => {
  it('resting orders: ORDER_SHARE_FULL', () => {
    const limits = { ...SMALL_LIMITS, orders: 8, ordersPerAccount: 3 };
    const harness = new Harness(limits).setUp(2);
    const ledger = `
      1 new 1 buy 1 @ 100
      > 1 Accepted 1 1@100 leaves 1
      1 new 2 buy 1 @ 100
      > 1 Accepted 2 1@100 leaves 1
      1 new 3 buy 1 @ 100
      > 1 Accepted 3 1@100 leaves 1
      1 new 4 buy 1 @ 100
      > 1 Rejected 4 1@100 leaves 0 ORDER_SHARE_FULL
      1 new 5 sell 1 @ 90 ioc
      > 1 Accepted 5 1@90 leaves 1
      > 1 Fill 1 1@100 leaves 0 maker
      > 1 Fill 5 1@100 leaves 0 taker
      1 new 6 buy 1 @ 100
      > 1 Accepted 6 1@100 leaves 1
      1 amend 6 2 @ 101
      > 1 Amended 6 2@101 leaves 2
      1 cancel 6
      > 1 Cancelled 6 2@101 leaves 0 CANCELLED_BY_CLIENT
      2 new 1 buy 1 @ 100
      > 2 Accepted 1 1@100 leaves 1
      2 new 2 sell 1 @ 200
      > 2 Accepted 2 1@200 leaves 1`;
    assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
    audit(harness);
  });

  it("the lower of the share and the account's own limit counts", () => {
    const harness = new Harness({ ...SMALL_LIMITS, ordersPerAccount: 2 }).setUp(1);
    harness.must({ kind: CommandKind.SetAccount, account: 1, parameter: 1, quantity: 1 });
    assert.deepEqual(codes(harness, '1 new 1 buy 1 @ 100'), ['OK']);
    assert.deepEqual(codes(harness, '1 new 2 buy 1 @ 100'), ['OPEN_ORDER_LIMIT']);
    harness.must({ kind: CommandKind.SetAccount, account: 1, parameter: 1, quantity: 9 });
    assert.deepEqual(codes(harness, '1 new 3 buy 1 @ 100'), ['OK']);
    assert.deepEqual(codes(harness, '1 new 4 buy 1 @ 100'), ['ORDER_SHARE_FULL']);
  });

  it('level pages: LEVEL_SHARE_FULL, on a new order and on an amend, which keeps its order', () => {
    const harness = new Harness({ ...SMALL_LIMITS, pages: 8, pagesPerAccount: 2 }).setUp(2);
    const ledger = `
      1 new 1 buy 1 @ 64
      > 1 Accepted 1 1@64 leaves 1
      1 new 2 buy 1 @ 128
      > 1 Accepted 2 1@128 leaves 1
      1 new 3 buy 1 @ 129
      > 1 Accepted 3 1@129 leaves 1
      1 new 4 buy 1 @ 192
      > 1 Accepted 4 1@192 leaves 1
      > 1 Cancelled 4 1@192 leaves 0 LEVEL_SHARE_FULL
      1 new 5 sell 1 @ 900
      > 1 Accepted 5 1@900 leaves 1
      > 1 Cancelled 5 1@900 leaves 0 LEVEL_SHARE_FULL
      1 amend 2 1 @ 192
      > 1 AmendRejected 2 1@192 leaves 1 LEVEL_SHARE_FULL
      1 amend 2 5 @ 130
      > 1 Amended 2 5@130 leaves 5
      1 amend 2 3 @ 130
      > 1 Amended 2 3@130 leaves 3 kept
      1 amend 1 1 @ 192
      > 1 Amended 1 1@192 leaves 1
      2 new 1 sell 1 @ 900
      > 2 Accepted 1 1@900 leaves 1
      2 new 2 sell 9 @ 130
      > 2 Accepted 2 9@130 leaves 9
      > 1 Fill 1 1@192 leaves 0 maker
      > 2 Fill 2 1@192 leaves 8 taker
      > 1 Fill 2 3@130 leaves 0 maker
      > 2 Fill 2 3@130 leaves 5 taker
      1 cancel 3
      > 1 Cancelled 3 1@129 leaves 0 CANCELLED_BY_CLIENT`;
    assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
    audit(harness);
  });

  it('level pages of one account in all books leave pages for others', () => {
    const limits = { ...SMALL_LIMITS, pages: 64, pagesPerAccount: 8 };
    const harness = new Harness(limits).setUp(2);
    for (let symbol = 2; symbol < 6; symbol++) {
      const step = { tag: USD, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1 };
      harness.must({ kind: CommandKind.DefineSymbol, symbol, account: 2, ...step, name: `S${symbol}` });
      harness.must({ kind: CommandKind.SetPhase, symbol, parameter: Phase.Continuous });
    }
    let id = 0;
    const seen = new Set<string>();
    for (let page = 1; page < 40; page++) {
      for (let symbol = 1; symbol < 6; symbol++) {
        const fields = { kind: CommandKind.New, account: 1, clientOrderId: ++id, symbol, side: Side.Buy, price: page * PAGE, quantity: 1 };
        for (const { code } of harness.do(fields).reports) seen.add(codeName(code));
      }
    }
    assert.deepEqual([...seen].sort(), ['LEVEL_SHARE_FULL', 'OK']);
    assert.equal(harness.exchange.pages.held[1], 8);
    for (let page = 1; page <= 8; page++) assert.deepEqual(codes(harness, `2 new ${page} sell 1 @ ${page * PAGE + 8000}`), ['OK']);
    audit(harness);
  });

  it('remembered client order ids: an account without money forgets only its own', () => {
    const limits = { ...SMALL_LIMITS, rememberedOrders: 64, rememberedOrdersPerAccount: 24 };
    const harness = new Harness(limits).setUp(2, {}, { usd: 0, btc: 0 });
    harness.must({ kind: CommandKind.Deposit, account: 1, symbol: USD, quantity: 1_000_000 });
    for (let id = 1; id <= 20; id++) {
      harness.do(parseCommand(`1 new ${id} buy 1 @ 100`));
      harness.do(parseCommand(`1 cancel ${id}`));
    }
    for (let id = 1; id <= 1000; id++) assert.deepEqual(codes(harness, `2 new ${id} buy 1 @ 100`), ['INSUFFICIENT_FUNDS']);
    for (let id = 1; id <= 20; id++) {
      const [report] = harness.do(parseCommand(`1 new ${id} buy 1 @ 100`)).reports;
      assert.equal(report.flags & ReportFlag.Duplicate, ReportFlag.Duplicate, inWords(report));
    }
    assert.deepEqual(codes(harness, '2 new 976 buy 1 @ 100'), ['CLIENT_ORDER_ID_TOO_OLD']);
    assert.deepEqual(codes(harness, '1 new 21 buy 1 @ 100'), ['OK']);
  });

  it('remembered client order ids: many accounts cannot push out what one of about their size remembers', () => {
    const limits = { ...SMALL_LIMITS, rememberedOrders: 100, rememberedOrdersPerAccount: 100 };
    const harness = new Harness(limits).setUp(10, {}, { usd: 0, btc: 0 });
    for (let id = 1; id <= 7; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ 100`));
    for (let id = 1; id <= 100; id++)
      for (let account = 2; account <= 10; account++) harness.do(parseCommand(`${account} new ${id} buy 1 @ 100`));
    for (let id = 1; id <= 7; id++) {
      const [report] = harness.do(parseCommand(`1 new ${id} buy 1 @ 100`)).reports;
      assert.equal(report.flags & ReportFlag.Duplicate, ReportFlag.Duplicate, inWords(report));
    }
  });

  it('idempotency keys: an account without money forgets only its own, and one that does not exist has none', () => {
    const limits = { ...SMALL_LIMITS, rememberedKeys: 16, rememberedKeysPerAccount: 6 };
    const harness = new Harness(limits).setUp(2);
    const deposit = { kind: CommandKind.Deposit, account: 1, symbol: USD, quantity: 5 };
    for (let key = 1; key <= 4; key++) harness.must({ ...deposit, orderId: key });
    for (let key = 1; key <= 500; key++) {
      const withdraw = { kind: CommandKind.Withdraw, account: 2, symbol: USD, quantity: 2 ** 40, orderId: key };
      assert.equal(harness.do(withdraw).reports[0].code, Code.INSUFFICIENT_FUNDS);
      assert.equal(harness.do({ ...deposit, account: 60 + (key % 3), orderId: key }).reports[0].code, Code.UNKNOWN_ACCOUNT);
      assert.equal(harness.do({ ...deposit, account: 2 ** 31 + key, orderId: key }).reports[0].code, Code.UNKNOWN_ACCOUNT);
    }
    for (let key = 1; key <= 4; key++) {
      const [{ code, flags }] = harness.do({ ...deposit, orderId: key }).reports;
      assert.deepEqual([code, flags & ReportFlag.Duplicate], [Code.OK, ReportFlag.Duplicate]);
    }
    // A request for an account that did not exist then is a new one.
    harness.must({ kind: CommandKind.DefineAccount, account: 61, name: 'late' });
    const [{ code, flags }] = harness.do({ ...deposit, account: 61, orderId: 1 }).reports;
    assert.deepEqual([code, flags & ReportFlag.Duplicate], [Code.OK, 0]);
  });
});

describe('an amend never loses the order', () => {
  /** `pages` in all, 1 for each account unless given; then lines; then the amend of order 1 of account 1, and its answer. */
  const rows: [name: string, limits: Partial<Limits>, before: string[], amend: string, answer: string][] = [
    [
      'to a page that it has',
      { pages: 2 },
      ['1 new 2 buy 1 @ 200', '1 new 1 buy 2 @ 70'],
      '1 amend 1 9 @ 201',
      '1 Amended 1 9@201 leaves 9',
    ],
    [
      'alone in its page, it takes the page along',
      { pages: 2, pagesPerAccount: 1 },
      ['1 new 1 buy 2 @ 70'],
      '1 amend 1 2 @ 300',
      '1 Amended 1 2@300 leaves 2',
    ],
    [
      'with another order at its price, no page is left',
      { pages: 2 },
      ['1 new 1 buy 2 @ 70', '2 new 2 buy 1 @ 70', '2 new 3 buy 1 @ 200'],
      '1 amend 1 2 @ 300',
      '1 AmendRejected 1 2@300 leaves 2 LEVELS_FULL',
    ],
    [
      'with another order in its page, no page is left',
      { pages: 2 },
      ['1 new 1 buy 2 @ 70', '2 new 2 buy 1 @ 127', '2 new 3 buy 1 @ 200'],
      '1 amend 1 2 @ 300',
      '1 AmendRejected 1 2@300 leaves 2 LEVELS_FULL',
    ],
    [
      'with another order in its page, the account has its share',
      { pages: 9, pagesPerAccount: 1 },
      ['1 new 1 buy 2 @ 70', '2 new 2 buy 1 @ 70'],
      '1 amend 1 2 @ 300',
      '1 AmendRejected 1 2@300 leaves 2 LEVEL_SHARE_FULL',
    ],
    [
      'that trades in full needs no page',
      { pages: 3, pagesPerAccount: 9 },
      ['1 new 1 buy 2 @ 70', '2 new 2 buy 1 @ 70', '2 new 3 sell 2 @ 300', '2 new 4 sell 2 @ 400'],
      '1 amend 1 2 @ 300',
      '1 Amended 1 2@300 leaves 2',
    ],
    [
      'that trades in part needs one',
      { pages: 3, pagesPerAccount: 9 },
      ['1 new 1 buy 2 @ 70', '2 new 2 buy 1 @ 70', '2 new 3 sell 1 @ 300', '2 new 4 sell 2 @ 400'],
      '1 amend 1 2 @ 300',
      '1 AmendRejected 1 2@300 leaves 2 LEVELS_FULL',
    ],
    [
      'to less, when other accounts left it pages above its share',
      { pages: 9, pagesPerAccount: 1 },
      ['2 new 5 buy 1 @ 70', '1 new 1 buy 2 @ 70', '3 new 5 buy 1 @ 200', '1 new 2 buy 1 @ 200', '2 cancel 5', '3 cancel 5'],
      '1 amend 1 1 @ 70',
      '1 Amended 1 1@70 leaves 1 kept',
    ],
    [
      'to more at the same price, above its share',
      { pages: 9, pagesPerAccount: 1 },
      ['2 new 5 buy 1 @ 70', '1 new 1 buy 2 @ 70', '3 new 5 buy 1 @ 200', '1 new 2 buy 1 @ 200', '2 cancel 5', '3 cancel 5'],
      '1 amend 1 3 @ 70',
      '1 Amended 1 3@70 leaves 3',
    ],
    [
      'to another page, alone and above its share',
      { pages: 9, pagesPerAccount: 1 },
      ['2 new 5 buy 1 @ 70', '1 new 1 buy 2 @ 70', '3 new 5 buy 1 @ 200', '1 new 2 buy 1 @ 200', '2 cancel 5', '3 cancel 5'],
      '1 amend 1 3 @ 300',
      '1 Amended 1 3@300 leaves 3',
    ],
  ];
  for (const [name, sizes, before, amend, answer] of rows) {
    it(name, () => {
      const limits = { ...SMALL_LIMITS, pagesPerAccount: 1024, ...sizes };
      const harness = new Harness(limits).setUp(3);
      for (const line of before)
        for (const report of harness.do(parseCommand(line)).reports)
          assert.equal(report.kind === ReportKind.Rejected || codeName(report.code) === 'LEVELS_FULL', false, inWords(report));
      const balance = harness.balance(1, USD);
      const [report, ...others] = harness.do(parseCommand(amend)).reports;
      assert.equal(inWords(report), answer);
      assert.ok(others.every(({ kind }) => kind === ReportKind.Fill));
      if (report.kind === ReportKind.AmendRejected) assert.deepEqual(harness.balance(1, USD), balance);
      audit(harness);
      // The order is there: it trades or it can be cancelled.
      if (others.length === 0) assert.deepEqual(codes(harness, '1 cancel 1'), ['CANCELLED_BY_CLIENT']);
      audit(harness);
    });
  }
});

describe('the account that a level page is charged to', () => {
  const charged = ({ exchange }: Harness): number[] => [...exchange.pages.held.subarray(1, 4)];
  const steps: [line: string, charged: number[]][] = [
    ['1 new 1 buy 1 @ 75', [1, 0, 0]],
    ['2 new 2 buy 1 @ 70', [1, 0, 0]],
    ['3 new 3 buy 1 @ 70', [1, 0, 0]],
    ['1 cancel 1', [0, 0, 1]],
    ['3 amend 3 1 @ 75', [0, 1, 0]],
    ['2 amend 2 4 @ 70', [0, 0, 1]],
    ['1 new 4 buy 1 @ 69', [0, 0, 1]],
    ['2 new 5 sell 1 @ 75', [1, 0, 0]],
    ['1 amend 4 1 @ 200', [1, 1, 0]],
    ['3 new 6 sell 1 @ 200', [0, 1, 0]],
    ['2 cancel 2', [0, 0, 0]],
  ];
  it('is that of its opener, then that of the last order in priority', () => {
    const harness = new Harness().setUp(3);
    for (const [line, expected] of steps) {
      harness.do(parseCommand(line));
      assert.deepEqual(charged(harness), expected, line);
      audit(harness);
      const copy = copyOf(harness.exchange, SMALL_LIMITS);
      assert.deepEqual([...copy.pages.held.subarray(1, 4)], expected, `${line}: after a load`);
      assert.equal(stateHash(copy), stateHash(harness.exchange));
    }
  });

  it('is right after an auction', () => {
    const harness = new Harness().setUp(3);
    harness.phase(Phase.Auction);
    for (const line of ['1 new 1 buy 5 @ 100', '2 new 2 buy 1 @ 90', '3 new 3 sell 5 @ 80', '2 new 4 sell 1 @ 126', '1 new 5 sell 1 @ 300'])
      harness.do(parseCommand(line));
    assert.deepEqual(charged(harness), [2, 0, 1]);
    harness.do(parseCommand('uncross'));
    assert.deepEqual(charged(harness), [1, 2, 0]);
    audit(harness);
  });
});
