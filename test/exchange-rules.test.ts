import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import type { CommandFields } from '../engine/machine/command.ts';
import { AccountParam, SymbolParam } from '../engine/params.ts';
import { CommandKind, Phase, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';

function check(ledger: string, harness = new Harness().setUp()): Harness {
  assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
  for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
  return harness;
}

/** The effect of each time in force: rows of (resting sells, the order, its required result). */
describe('order types', () => {
  const rows: [string, string][] = [
    [
      'a limit order rests, and trades at the resting price, oldest first',
      `1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       2 new 1 sell 5 @ 100
       > 2 Accepted 1 5@100 leaves 5
       2 new 2 sell 5 @ 99
       > 2 Accepted 2 5@99 leaves 5
       3 new 1 buy 12 @ 101
       > 3 Accepted 1 12@101 leaves 12
       > 2 Fill 2 5@99 leaves 0 maker
       > 3 Fill 1 5@99 leaves 7 taker
       > 1 Fill 1 5@100 leaves 0 maker
       > 3 Fill 1 5@100 leaves 2 taker
       > 2 Fill 1 2@100 leaves 3 maker
       > 3 Fill 1 2@100 leaves 0 taker`,
    ],
    [
      'a sell trades with the highest buy first and rests what is left',
      `1 new 1 buy 1 @ 100
       > 1 Accepted 1 1@100 leaves 1
       1 new 2 buy 1 @ 101
       > 1 Accepted 2 1@101 leaves 1
       2 new 1 sell 5 @ 100
       > 2 Accepted 1 5@100 leaves 5
       > 1 Fill 2 1@101 leaves 0 maker
       > 2 Fill 1 1@101 leaves 4 taker
       > 1 Fill 1 1@100 leaves 0 maker
       > 2 Fill 1 1@100 leaves 3 taker
       3 new 1 buy 3 @ 100
       > 3 Accepted 1 3@100 leaves 3
       > 2 Fill 1 3@100 leaves 0 maker
       > 3 Fill 1 3@100 leaves 0 taker`,
    ],
    [
      'immediate or cancel: the rest is cancelled',
      `1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       2 new 1 buy 8 @ 100 ioc
       > 2 Accepted 1 8@100 leaves 8
       > 1 Fill 1 5@100 leaves 0 maker
       > 2 Fill 1 5@100 leaves 3 taker
       > 2 Cancelled 1 3@100 leaves 0 CANCELLED_REMAINDER
       2 new 2 buy 8 @ 100 ioc
       > 2 Accepted 2 8@100 leaves 8
       > 2 Cancelled 2 8@100 leaves 0 CANCELLED_REMAINDER`,
    ],
    [
      'fill or kill: all or nothing',
      `1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       1 new 2 sell 5 @ 102
       > 1 Accepted 2 5@102 leaves 5
       2 new 1 buy 6 @ 101 fok
       > 2 Rejected 1 6@101 leaves 0 FOK_NOT_FILLABLE
       2 new 2 buy 6 @ 102 fok
       > 2 Accepted 2 6@102 leaves 6
       > 1 Fill 1 5@100 leaves 0 maker
       > 2 Fill 2 5@100 leaves 1 taker
       > 1 Fill 2 1@102 leaves 4 maker
       > 2 Fill 2 1@102 leaves 0 taker`,
    ],
    [
      'market: sweeps, and never rests',
      `2 new 1 buy 5 mkt
       > 2 Rejected 1 5@0 leaves 0 NO_LIQUIDITY
       1 new 1 sell 2 @ 100
       > 1 Accepted 1 2@100 leaves 2
       1 new 2 sell 2 @ 5000
       > 1 Accepted 2 2@5000 leaves 2
       2 new 2 buy 5 mkt
       > 2 Accepted 2 5@0 leaves 5
       > 1 Fill 1 2@100 leaves 0 maker
       > 2 Fill 2 2@100 leaves 3 taker
       > 1 Fill 2 2@5000 leaves 0 maker
       > 2 Fill 2 2@5000 leaves 1 taker
       > 2 Cancelled 2 1@0 leaves 0 CANCELLED_REMAINDER`,
    ],
    [
      'post only: rejected when it would trade',
      `1 new 1 sell 2 @ 100
       > 1 Accepted 1 2@100 leaves 2
       2 new 1 buy 2 @ 100 post
       > 2 Rejected 1 2@100 leaves 0 POST_ONLY_WOULD_TRADE
       2 new 2 buy 2 @ 99 post
       > 2 Accepted 2 2@99 leaves 2
       2 amend 2 2 @ 100
       > 2 AmendRejected 2 2@100 leaves 2 POST_ONLY_WOULD_TRADE
       1 new 2 sell 2 @ 99
       > 1 Accepted 2 2@99 leaves 2
       > 2 Fill 2 2@99 leaves 0 maker
       > 1 Fill 2 2@99 leaves 0 taker`,
    ],
    [
      'cancel: by client order id, once, and only by its owner',
      `1 new 1 sell 2 @ 100
       > 1 Accepted 1 2@100 leaves 2
       2 cancel 1
       > 2 CancelRejected 1 0@0 leaves 0 UNKNOWN_ORDER
       1 cancel 1
       > 1 Cancelled 1 2@100 leaves 0 CANCELLED_BY_CLIENT
       1 cancel 1
       > 1 CancelRejected 1 0@0 leaves 0 UNKNOWN_ORDER`,
    ],
    [
      'amend: a smaller quantity at the same price keeps its place',
      `1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       2 new 1 sell 5 @ 100
       > 2 Accepted 1 5@100 leaves 5
       1 amend 1 3 @ 100
       > 1 Amended 1 3@100 leaves 3 kept
       3 new 1 buy 4 @ 100
       > 3 Accepted 1 4@100 leaves 4
       > 1 Fill 1 3@100 leaves 0 maker
       > 3 Fill 1 3@100 leaves 1 taker
       > 2 Fill 1 1@100 leaves 4 maker
       > 3 Fill 1 1@100 leaves 0 taker`,
    ],
    [
      'amend: a larger quantity loses it, the same quantity keeps it',
      `1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       2 new 1 sell 5 @ 100
       > 2 Accepted 1 5@100 leaves 5
       1 amend 1 6 @ 100
       > 1 Amended 1 6@100 leaves 6
       2 amend 1 5 @ 100
       > 2 Amended 1 5@100 leaves 5 kept
       3 new 1 buy 1 @ 100
       > 3 Accepted 1 1@100 leaves 1
       > 2 Fill 1 1@100 leaves 4 maker
       > 3 Fill 1 1@100 leaves 0 taker`,
    ],
    [
      'amend: another price loses it, and may trade',
      `1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       2 new 1 buy 3 @ 90
       > 2 Accepted 1 3@90 leaves 3
       1 amend 1 4 @ 90
       > 1 Amended 1 4@90 leaves 4
       > 2 Fill 1 3@90 leaves 0 maker
       > 1 Fill 1 3@90 leaves 1 taker
       3 new 1 buy 1 @ 95
       > 3 Accepted 1 1@95 leaves 1
       > 1 Fill 1 1@90 leaves 0 maker
       > 3 Fill 1 1@90 leaves 0 taker`,
    ],
    [
      'the same order again: its present state or its rejection, no second trade',
      `1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       2 new 1 buy 2 @ 100
       > 2 Accepted 1 2@100 leaves 2
       > 1 Fill 1 2@100 leaves 3 maker
       > 2 Fill 1 2@100 leaves 0 taker
       2 new 1 buy 2 @ 100
       > 2 Accepted 1 2@100 leaves 0 again
       1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 3 again
       2 new 2 buy 1 @ 0
       > 2 Rejected 2 1@0 leaves 0 PRICE_RANGE
       2 new 2 buy 1 @ 0
       > 2 Rejected 2 1@0 leaves 0 PRICE_RANGE again
       1 cancel 1
       > 1 Cancelled 1 3@100 leaves 0 CANCELLED_BY_CLIENT
       1 new 1 sell 5 @ 100
       > 1 Accepted 1 5@100 leaves 0 again`,
    ],
  ];
  for (const [name, ledger] of rows) it(name, () => void check(ledger));

  it('cancel and amend by exchange order id, only for the owner', () => {
    const harness = new Harness().setUp();
    const [accepted] = harness.do(parseCommand('1 new 1 sell 5 @ 100')).reports;
    const { orderId } = accepted;
    assert.equal(orderId, 1);
    const foreign = harness.do({ kind: CommandKind.Cancel, account: 2, orderId }).reports[0];
    assert.equal(codeName(foreign.code), 'UNKNOWN_ORDER');
    const amended = harness.do({ kind: CommandKind.Amend, account: 1, orderId, price: 101, quantity: 5 }).reports[0];
    assert.deepEqual([amended.kind, amended.price, amended.clientOrderId], [ReportKind.Amended, 101, 1]);
    const cancelled = harness.do({ kind: CommandKind.Cancel, account: 1, orderId, tag: 9 }).reports[0];
    assert.deepEqual([cancelled.kind, cancelled.quantity, cancelled.tag], [ReportKind.Cancelled, 5, 9]);
  });

  it('reports are numbered per account without gaps', () => {
    const harness = new Harness().setUp();
    const numbers: number[] = [];
    for (let id = 1; id <= 20; id++) {
      for (const line of [`1 new ${id} sell 1 @ 100`, `2 new ${id} buy 1 @ 100`, `2 cancel ${id}`]) {
        for (const report of harness.do(parseCommand(line)).reports) if (report.account === 2) numbers.push(report.reportNo);
      }
    }
    assert.deepEqual(
      numbers,
      Array.from(numbers, (_, i) => i + 1),
    );
  });
});

describe('risk checks, each with its code', () => {
  const rows: {
    name: string;
    code: string;
    order: string;
    params?: Record<string, number>;
    before?: (harness: Harness) => void;
    usd?: number;
    btc?: number;
  }[] = [
    { name: 'unknown account', code: 'UNKNOWN_ACCOUNT', order: '9 new 1 buy 1 @ 100' },
    { name: 'client order id 0', code: 'BAD_CLIENT_ORDER_ID', order: '1 new 0 buy 1 @ 100' },
    {
      name: 'suspended account',
      code: 'ACCOUNT_SUSPENDED',
      order: '1 new 1 buy 1 @ 100',
      before: (h) => h.must({ kind: CommandKind.SetAccount, account: 1, parameter: AccountParam.Suspended, quantity: 1 }),
    },
    {
      name: 'open order limit',
      code: 'OPEN_ORDER_LIMIT',
      order: '1 new 2 buy 1 @ 100',
      before: (h) => {
        h.must({ kind: CommandKind.SetAccount, account: 1, parameter: AccountParam.MaxOpenOrders, quantity: 1 });
        h.do(parseCommand('1 new 1 buy 1 @ 100'));
      },
    },
    { name: 'halted', code: 'SYMBOL_HALTED', order: '1 new 1 buy 1 @ 100', before: (h) => h.phase(Phase.Halted) },
    { name: 'closed', code: 'SYMBOL_CLOSED', order: '1 new 1 buy 1 @ 100', before: (h) => h.phase(Phase.Closed) },
    { name: 'IOC in an auction', code: 'NOT_IN_AUCTION', order: '1 new 1 buy 1 @ 100 ioc', before: (h) => h.phase(Phase.Auction) },
    { name: 'market in an auction', code: 'NOT_IN_AUCTION', order: '1 new 1 buy 1 mkt', before: (h) => h.phase(Phase.Auction) },
    { name: 'price 0', code: 'PRICE_RANGE', order: '1 new 1 buy 1 @ 0' },
    { name: 'price above the ladder', code: 'PRICE_RANGE', order: '1 new 1 buy 1 @ 1001', params: { MaxPrice: 1000 } },
    { name: 'tick', code: 'TICK', order: '1 new 1 buy 1 @ 101', params: { TickStep: 5 } },
    { name: 'lot', code: 'LOT', order: '1 new 1 buy 15 @ 100', params: { LotStep: 10 } },
    { name: 'quantity 0', code: 'QUANTITY_MIN', order: '1 new 1 buy 0 @ 100' },
    { name: 'quantity too small', code: 'QUANTITY_MIN', order: '1 new 1 buy 4 @ 100', params: { MinQuantity: 5 } },
    { name: 'quantity too large', code: 'QUANTITY_MAX', order: '1 new 1 buy 6 @ 100', params: { MaxQuantity: 5 } },
    { name: 'notional too small', code: 'NOTIONAL_MIN', order: '1 new 1 buy 1 @ 99', params: { MinNotional: 100 } },
    { name: 'notional too large', code: 'NOTIONAL_MAX', order: '1 new 1 buy 2 @ 51', params: { MaxNotional: 100 } },
    { name: 'notional beyond exact integers', code: 'NOTIONAL_MAX', order: '1 new 1 sell 1000000000000 @ 1000000' },
    {
      name: 'buy above the price band',
      code: 'PRICE_BAND',
      order: '1 new 1 buy 1 @ 1101',
      params: { ReferencePrice: 1000, PriceBandPpm: 100_000 },
    },
    {
      name: 'sell below the price band',
      code: 'PRICE_BAND',
      order: '1 new 1 sell 1 @ 899',
      params: { ReferencePrice: 1000, PriceBandPpm: 100_000 },
    },
    { name: 'buy without money', code: 'INSUFFICIENT_FUNDS', order: '1 new 1 buy 3 @ 100', usd: 299 },
    {
      name: 'buy without money for the fee',
      code: 'INSUFFICIENT_FUNDS',
      order: '1 new 1 buy 10 @ 100',
      usd: 1000,
      params: { TakerFeePpm: 1000 },
    },
    { name: 'sell without the asset', code: 'INSUFFICIENT_FUNDS', order: '1 new 1 sell 3 @ 100', btc: 2 },
    {
      name: 'market buy without money for what it would sweep',
      code: 'INSUFFICIENT_FUNDS',
      order: '1 new 1 buy 3 mkt',
      usd: 299,
      before: (h) => h.do(parseCommand('2 new 1 sell 3 @ 100')),
    },
  ];
  for (const { name, code, order, params, before, usd, btc } of rows) {
    it(`${name}: ${code}`, () => {
      const harness = new Harness().setUp(3, params, { usd, btc });
      before?.(harness);
      const { reports } = harness.do(parseCommand(order));
      assert.deepEqual(
        reports.map((report) => [report.kind, codeName(report.code)]),
        [[ReportKind.Rejected, code]],
      );
      assert.deepEqual(harness.exchange.accounts.imbalance(USD), 0);
    });
  }

  const passes: { name: string; order: string; params?: Record<string, number>; usd?: number }[] = [
    { name: 'at the price band', order: '1 new 1 buy 1 @ 1100', params: { ReferencePrice: 1000, PriceBandPpm: 100_000 } },
    { name: 'a passive price beyond the price band', order: '1 new 1 buy 1 @ 1', params: { ReferencePrice: 1000, PriceBandPpm: 100_000 } },
    { name: 'the last unit of money', order: '1 new 1 buy 3 @ 100', usd: 300 },
    { name: 'the last unit of money for the fee', order: '1 new 1 buy 10 @ 100', usd: 1001, params: { TakerFeePpm: 1000 } },
    {
      name: 'the limits themselves',
      order: '1 new 1 buy 5 @ 100',
      params: { MinQuantity: 5, MaxQuantity: 5, MinNotional: 500, MaxNotional: 500, TickStep: 100, LotStep: 5, MaxPrice: 100 },
    },
  ];
  for (const { name, order, params, usd } of passes) {
    it(`passes: ${name}`, () => {
      const { reports } = new Harness().setUp(3, params, { usd }).do(parseCommand(order));
      assert.deepEqual(
        reports.map((report) => report.kind),
        [ReportKind.Accepted],
      );
    });
  }

  it('BOOK_FULL and LEVELS_FULL when capacity is reached, and the book continues', () => {
    const small = new Harness({ ...SMALL_LIMITS, orders: 2 }).setUp();
    check(
      `1 new 1 buy 1 @ 100
       > 1 Accepted 1 1@100 leaves 1
       1 new 2 buy 1 @ 99
       > 1 Accepted 2 1@99 leaves 1
       1 new 3 buy 1 @ 98
       > 1 Rejected 3 1@98 leaves 0 BOOK_FULL
       2 new 1 sell 1 @ 100 ioc
       > 2 Accepted 1 1@100 leaves 1
       > 1 Fill 1 1@100 leaves 0 maker
       > 2 Fill 1 1@100 leaves 0 taker
       1 new 4 buy 1 @ 98
       > 1 Accepted 4 1@98 leaves 1`,
      small,
    );
    const few = new Harness({ ...SMALL_LIMITS, pages: 2 }).setUp();
    few.do(parseCommand('1 new 1 buy 1 @ 100'));
    few.do(parseCommand('1 new 2 buy 1 @ 1000'));
    const { reports } = few.do(parseCommand('1 new 3 buy 2 @ 2000'));
    assert.deepEqual(
      reports.map((report) => [report.kind, codeName(report.code)]),
      [
        [ReportKind.Accepted, 'OK'],
        [ReportKind.Cancelled, 'LEVELS_FULL'],
      ],
    );
    assert.equal(few.balance(1, USD).reserved, 1100);
  });
});

describe('money', () => {
  it('is reserved on entry, settled on fill with fees, released on cancel', () => {
    const harness = new Harness().setUp(3, { TakerFeePpm: 2000, MakerFeePpm: -500 }, { usd: 1_000_000, btc: 1000 });
    harness.do(parseCommand('1 new 1 buy 100 @ 200'));
    // 20,000 and the highest fee, 2 in 1,000.
    assert.deepEqual(harness.balance(1, USD), { available: 1_000_000 - 20_040, reserved: 20_040 });
    const { reports } = harness.do(parseCommand('2 new 1 sell 40 @ 190'));
    assert.deepEqual(
      reports.map((report) => report.fee),
      [0, -4, 16],
    );
    assert.deepEqual(harness.balance(2, USD), { available: 1_000_000 + 8000 - 16, reserved: 0 });
    assert.deepEqual(harness.balance(2, BTC), { available: 960, reserved: 0 });
    // 60 x 200 stay reserved with their fee; the maker paid 8,000 less a rebate of 4.
    assert.deepEqual(harness.balance(1, USD), { available: 1_000_000 - 8000 + 4 - 12_024, reserved: 12_024 });
    assert.deepEqual(harness.balance(1, BTC), { available: 1040, reserved: 0 });
    assert.equal(harness.exchange.accounts.fees[USD], 12);
    harness.do(parseCommand('1 cancel 1'));
    assert.deepEqual(harness.balance(1, USD), { available: 1_000_000 - 8000 + 4, reserved: 0 });
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
  });

  it('a suspended account may still cancel', () => {
    const harness = new Harness().setUp();
    harness.do(parseCommand('1 new 1 buy 100 @ 200'));
    harness.must({ kind: CommandKind.SetAccount, account: 1, parameter: AccountParam.Suspended, quantity: 1 });
    assert.equal(codeName(harness.do(parseCommand('1 amend 1 50 @ 200')).reports[0].code), 'ACCOUNT_SUSPENDED');
    assert.equal(harness.do(parseCommand('1 cancel 1')).reports[0].kind, ReportKind.Cancelled);
  });

  it('an account may trade with itself and keeps what it has, less fees', () => {
    const harness = new Harness().setUp(1, { TakerFeePpm: 1000 }, { usd: 100_000, btc: 100 });
    harness.do(parseCommand('1 new 1 sell 10 @ 500'));
    harness.do(parseCommand('1 new 2 buy 10 @ 500'));
    assert.deepEqual(harness.balance(1, USD), { available: 99_995, reserved: 0 });
    assert.deepEqual(harness.balance(1, BTC), { available: 100, reserved: 0 });
  });

  it('deposits and withdrawals are bounded', () => {
    const harness = new Harness().setUp(1, {}, { usd: 100 });
    const code = (fields: Parameters<Harness['do']>[0]): string => codeName(harness.do(fields).reports[0].code);
    assert.equal(code({ kind: CommandKind.Withdraw, account: 1, symbol: USD, quantity: 101 }), 'INSUFFICIENT_FUNDS');
    assert.equal(code({ kind: CommandKind.Withdraw, account: 1, symbol: USD, quantity: 100 }), 'OK');
    assert.equal(code({ kind: CommandKind.Deposit, account: 1, symbol: USD, quantity: 2 ** 53 - 1 }), 'OK');
    assert.equal(code({ kind: CommandKind.Deposit, account: 1, symbol: USD, quantity: 1 }), 'BAD_PARAMETER');
    assert.equal(code({ kind: CommandKind.Deposit, account: 1, symbol: 7, quantity: 1 }), 'UNKNOWN_ASSET');
    assert.equal(code({ kind: CommandKind.Deposit, account: 33, symbol: USD, quantity: 1 }), 'UNKNOWN_ACCOUNT');
  });
});

describe('trading phases', () => {
  it('an auction collects orders, publishes its price, and uncrosses at one price', () => {
    const harness = new Harness().setUp(3, { TakerFeePpm: 1000 });
    harness.phase(Phase.Auction);
    check(
      `1 new 1 buy 10 @ 105
       > 1 Accepted 1 10@105 leaves 10
       2 new 1 sell 4 @ 95
       > 2 Accepted 1 4@95 leaves 4
       3 new 1 sell 4 @ 100
       > 3 Accepted 1 4@100 leaves 4
       phase continuous
       > 0 Rejected BOOK_CROSSED
       uncross
       > 1 Fill 1 4@105 leaves 6 fee 1 auction
       > 2 Fill 1 4@105 leaves 0 fee 1 auction
       > 1 Fill 1 4@105 leaves 2 auction
       > 3 Fill 1 4@105 leaves 0 fee 1 auction
       > 0 Accepted 8@105
       uncross
       > 0 Accepted
       phase continuous
       > 0 Accepted
       uncross
       > 0 Rejected WRONG_PHASE`,
      harness,
    );
  });

  it('the indicative price is published again with a phase or the reference price, and only in an auction', () => {
    const harness = new Harness().setUp();
    const indicated = (fields: CommandFields): number[] =>
      harness.do(fields).events.flatMap(({ kind, price }) => (kind === MarketEventKind.Indicative ? [price] : []));
    harness.phase(Phase.Auction);
    harness.do(parseCommand('1 new 1 buy 2 @ 100'));
    assert.deepEqual(indicated(parseCommand('2 new 1 sell 2 @ 90')), [90]);
    const reference = { kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.ReferencePrice, quantity: 95 };
    assert.deepEqual(indicated(reference), [95]);
    assert.deepEqual(indicated(parseCommand('phase halted')), []);
    assert.deepEqual(indicated(parseCommand('phase auction')), [95]);
  });

  it('a market sell whose price band is above the whole ladder finds nothing, and the book continues', () => {
    const harness = new Harness().setUp(3, { MaxPrice: 1000, PriceBandPpm: 100_000, ReferencePrice: 5000 });
    check(
      `1 new 1 buy 2 @ 100
       > 1 Accepted 1 2@100 leaves 2
       2 new 1 sell 1 mkt
       > 2 Rejected 1 1@0 leaves 0 NO_LIQUIDITY
       2 new 2 sell 3 mkt
       > 2 Rejected 2 3@0 leaves 0 NO_LIQUIDITY
       1 cancel 1
       > 1 Cancelled 1 2@100 leaves 0 CANCELLED_BY_CLIENT
       2 new 3 sell 1 mkt
       > 2 Rejected 3 1@0 leaves 0 NO_LIQUIDITY`,
      harness,
    );
  });

  it('tick step and ladder change only while the book is empty, fees at any time', () => {
    const harness = new Harness().setUp();
    harness.do(parseCommand('1 new 1 buy 1 @ 100'));
    const set = (parameter: number, quantity: number): string =>
      codeName(harness.do({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter, quantity }).reports[0].code);
    assert.equal(set(9, 1000), 'OK');
    assert.equal(set(2, 1000), 'BOOK_NOT_EMPTY');
    assert.equal(set(1, 2), 'BOOK_NOT_EMPTY');
    assert.equal(set(3, 2), 'OK');
    harness.do(parseCommand('1 cancel 1'));
    assert.equal(set(1, 2), 'OK');
    assert.equal(set(99, 1000), 'BAD_PARAMETER');
    assert.equal(set(9, 1_000_001), 'BAD_PARAMETER');
  });

  it('definitions are checked', () => {
    const harness = new Harness().setUp();
    const base = {
      kind: CommandKind.DefineSymbol,
      symbol: 2,
      account: BTC,
      tag: USD,
      side: 2,
      timeInForce: 3,
      clientOrderId: 1,
      orderId: 1,
      name: 'X',
    };
    const rows: [string, Parameters<Harness['do']>[0]][] = [
      ['ALREADY_DEFINED', { ...base, symbol: SYMBOL }],
      ['CAPACITY', { ...base, symbol: 8 }],
      ['CAPACITY', { ...base, symbol: 0 }],
      ['UNKNOWN_ASSET', { ...base, tag: 5 }],
      ['BAD_PARAMETER', { ...base, tag: BTC }],
      ['BAD_PARAMETER', { ...base, side: 3 }],
      ['BAD_PARAMETER', { ...base, clientOrderId: 0 }],
      ['BAD_PARAMETER', { ...base, name: 'with space' }],
      ['OK', base],
      ['ALREADY_DEFINED', { kind: CommandKind.DefineAsset, symbol: USD, tag: 2, name: 'USD' }],
      ['BAD_PARAMETER', { kind: CommandKind.DefineAsset, symbol: 5, tag: 13, name: 'X' }],
      ['CAPACITY', { kind: CommandKind.DefineAsset, symbol: 8, tag: 2, name: 'X' }],
      ['ALREADY_DEFINED', { kind: CommandKind.DefineAccount, account: 1, name: 'X' }],
      ['CAPACITY', { kind: CommandKind.DefineAccount, account: 64, name: 'X' }],
      ['BAD_PARAMETER', { kind: CommandKind.DefineAccount, account: 63, name: '' }],
      ['UNKNOWN_SYMBOL', { kind: CommandKind.SetPhase, symbol: 7, parameter: 1 }],
      ['BAD_PARAMETER', { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: 4 }],
    ];
    for (const [code, fields] of rows) assert.equal(codeName(harness.do(fields).reports[0].code), code, JSON.stringify(fields));
  });
});

describe('client order ids beyond the window', () => {
  it('are rejected if they could be a repeat, which never happens with upward counting', () => {
    const harness = new Harness({ ...SMALL_LIMITS, rememberedOrders: 4 }).setUp();
    for (let id = 10; id < 30; id++) {
      const { reports } = harness.do({
        kind: CommandKind.New,
        account: 1,
        clientOrderId: id,
        symbol: SYMBOL,
        side: Side.Buy,
        price: 1,
        quantity: 1,
        timeInForce: TimeInForce.ImmediateOrCancel,
      });
      assert.equal(reports[0].kind, ReportKind.Accepted, `id ${id}`);
    }
    const again = harness.do(parseCommand('1 new 29 buy 1 @ 1 ioc')).reports[0];
    assert.ok(again.flags & 2);
    assert.equal(codeName(harness.do(parseCommand('1 new 12 buy 1 @ 1')).reports[0].code), 'CLIENT_ORDER_ID_TOO_OLD');
    assert.equal(harness.do(parseCommand('2 new 12 buy 1 @ 1')).reports[0].kind, ReportKind.Accepted);
  });
});
