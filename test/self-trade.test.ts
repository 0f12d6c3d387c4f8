/** Self-trade prevention: the five modes, per order, per account and per group of accounts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditBook } from '../engine/book/book-audit.ts';
import { Code, codeName } from '../engine/codes.ts';
import { SymbolParam } from '../engine/params.ts';
import { MOST_ORDERS_MET, MOST_OWN_ORDERS } from '../engine/rules/self-trade.ts';
import { CommandKind, ReportKind } from '../engine/wire/layout.ts';
import { BTC, describeEvent, Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';

function ledger(name: string, text: string, funds: { usd?: number; btc?: number } = {}): void {
  it(name, () => {
    const harness = new Harness().setUp(3, {}, funds);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
    const book = harness.exchange.books[SYMBOL];
    assert.ok(book);
    auditBook(book, true);
  });
}

/** Account 2 sells 2 at 99, account 1 sells 5 at 100, account 2 sells 3 at 100 behind it. */
const BOOK = `
  2 new 1 sell 2 @ 99
    > 2 Accepted 1 2@99 leaves 2
  1 new 1 sell 5 @ 100
    > 1 Accepted 1 5@100 leaves 5
  2 new 2 sell 3 @ 100
    > 2 Accepted 2 3@100 leaves 3`;
const FIRST = `
    > 2 Fill 1 2@99 leaves 0 maker
    > 1 Fill 2 2@99 leaves 4 taker`;

describe('the mode of the incoming order decides', () => {
  ledger(
    'none: the orders trade',
    `${BOOK}
  1 new 2 buy 6 @ 100 none
    > 1 Accepted 2 6@100 leaves 6${FIRST}
    > 1 Fill 1 4@100 leaves 1 maker
    > 1 Fill 2 4@100 leaves 0 taker`,
  );
  ledger(
    'cancel-newest: what is left of the incoming order is cancelled',
    `${BOOK}
  1 new 2 buy 6 @ 100 cancel-newest
    > 1 Accepted 2 6@100 leaves 6${FIRST}
    > 1 Cancelled 2 4@100 leaves 0 CANCELLED_SELF_TRADE
  1 cancel 1
    > 1 Cancelled 1 5@100 leaves 0 CANCELLED_BY_CLIENT`,
  );
  ledger(
    'cancel-oldest: the resting order is cancelled, and the incoming one goes on',
    `${BOOK}
  1 new 2 buy 6 @ 100 cancel-oldest
    > 1 Accepted 2 6@100 leaves 6${FIRST}
    > 1 Cancelled 1 5@100 leaves 0 CANCELLED_SELF_TRADE
    > 2 Fill 2 3@100 leaves 0 maker
    > 1 Fill 2 3@100 leaves 1 taker
  3 new 1 sell 1 @ 100
    > 3 Accepted 1 1@100 leaves 1
    > 1 Fill 2 1@100 leaves 0 maker
    > 3 Fill 1 1@100 leaves 0 taker`,
  );
  ledger(
    'cancel-both',
    `${BOOK}
  1 new 2 buy 6 @ 100 cancel-both
    > 1 Accepted 2 6@100 leaves 6${FIRST}
    > 1 Cancelled 1 5@100 leaves 0 CANCELLED_SELF_TRADE
    > 1 Cancelled 2 4@100 leaves 0 CANCELLED_SELF_TRADE`,
  );
  ledger(
    'decrement: both are reduced by the smaller quantity, the emptied one is cancelled; the resting one keeps its place',
    `${BOOK}
  1 new 2 buy 6 @ 100 decrement
    > 1 Accepted 2 6@100 leaves 6${FIRST}
    > 1 Amended 1 1@100 leaves 1 CANCELLED_SELF_TRADE kept
    > 1 Cancelled 2 4@100 leaves 0 CANCELLED_SELF_TRADE
  3 new 1 buy 2 @ 100
    > 3 Accepted 1 2@100 leaves 2
    > 1 Fill 1 1@100 leaves 0 maker
    > 3 Fill 1 1@100 leaves 1 taker
    > 2 Fill 2 1@100 leaves 2 maker
    > 3 Fill 1 1@100 leaves 0 taker`,
  );
  ledger(
    'decrement of a larger incoming order: it goes on with what is left',
    `${BOOK}
  1 new 2 buy 9 @ 100 decrement
    > 1 Accepted 2 9@100 leaves 9
    > 2 Fill 1 2@99 leaves 0 maker
    > 1 Fill 2 2@99 leaves 7 taker
    > 1 Cancelled 1 5@100 leaves 0 CANCELLED_SELF_TRADE
    > 1 Amended 2 2@100 leaves 2 CANCELLED_SELF_TRADE
    > 2 Fill 2 2@100 leaves 1 maker
    > 1 Fill 2 2@100 leaves 0 taker`,
  );
  ledger(
    'a resting order keeps its mode for an amend that makes it trade',
    `
  1 new 1 sell 5 @ 100
    > 1 Accepted 1 5@100 leaves 5
  1 new 2 buy 6 @ 98 cancel-oldest
    > 1 Accepted 2 6@98 leaves 6
  1 amend 2 6 @ 100
    > 1 Amended 2 6@100 leaves 6
    > 1 Cancelled 1 5@100 leaves 0 CANCELLED_SELF_TRADE
  1 new 3 sell 2 @ 101 cancel-newest
    > 1 Accepted 3 2@101 leaves 2
  1 amend 3 2 @ 100
    > 1 Amended 3 2@100 leaves 2
    > 1 Cancelled 3 2@100 leaves 0 CANCELLED_SELF_TRADE
  1 new 4 sell 6 @ 101 decrement
    > 1 Accepted 4 6@101 leaves 6
  1 amend 4 6 @ 100
    > 1 Amended 4 6@100 leaves 6
    > 1 Cancelled 2 6@100 leaves 0 CANCELLED_SELF_TRADE
    > 1 Cancelled 4 6@100 leaves 0 CANCELLED_SELF_TRADE
  1 new 2 buy 6 @ 98 cancel-oldest
    > 1 Accepted 2 6@100 leaves 0 again
  1 new 2 buy 6 @ 98 cancel-newest
    > 1 Rejected 2 6@98 leaves 0 CLIENT_ORDER_ID_REUSED`,
  );
});

describe('what must trade at once counts only what can trade', () => {
  for (const [mode, quantity, code] of [
    ['none', 10, Code.OK],
    ['cancel-newest', 2, Code.OK],
    ['cancel-newest', 3, Code.FOK_NOT_FILLABLE],
    ['cancel-oldest', 5, Code.OK],
    ['cancel-oldest', 6, Code.FOK_NOT_FILLABLE],
    ['cancel-both', 3, Code.FOK_NOT_FILLABLE],
    ['decrement', 2, Code.OK],
    ['decrement', 3, Code.FOK_NOT_FILLABLE],
  ] as const) {
    it(`fill-or-kill of ${quantity}, ${mode}: ${codeName(code)}`, () => {
      const harness = new Harness().setUp(3);
      for (const line of ['2 new 1 sell 2 @ 99', '1 new 1 sell 5 @ 100', '2 new 2 sell 3 @ 100']) harness.do(parseCommand(line));
      const { reports } = harness.do(parseCommand(`1 new 2 buy ${quantity} @ 100 fok ${mode}`));
      assert.equal(codeName(reports[0].code), codeName(code));
      if (code === Code.OK) assert.equal(reports.at(-1)?.leaves, 0);
      else assert.deepEqual([reports.length, harness.exchange.slab.count], [1, 3], 'nothing else happens');
    });
  }
  ledger(
    'a market buy pays for what it trades: the own orders that it passes cost nothing, the ones behind them do',
    `
  1 new 1 sell 5 @ 10
    > 1 Accepted 1 5@10 leaves 5
  2 new 1 sell 5 @ 30
    > 2 Accepted 1 5@30 leaves 5
  1 new 2 buy 5 mkt cancel-oldest
    > 1 Rejected 2 5@0 leaves 0 INSUFFICIENT_FUNDS
  1 new 3 buy 3 mkt cancel-oldest
    > 1 Accepted 3 3@0 leaves 3
    > 1 Cancelled 1 5@10 leaves 0 CANCELLED_SELF_TRADE
    > 2 Fill 1 3@30 leaves 2 maker
    > 1 Fill 3 3@30 leaves 0 taker`,
    { usd: 100, btc: 10 },
  );
});

describe('one order does not make the others wait for long', () => {
  const own = (count: number): Harness => {
    const harness = new Harness().setUp(2);
    for (let id = 1; id <= count; id++) harness.must(parseCommand(`1 new ${id} sell 1 @ 100`));
    harness.must(parseCommand('2 new 1 sell 5 @ 100'));
    return harness;
  };
  for (const mode of ['cancel-oldest', 'decrement']) {
    it(`it passes or cancels ${MOST_OWN_ORDERS} of its owner: ${mode}`, () => {
      const harness = own(MOST_OWN_ORDERS + 10);
      const { reports } = harness.do(parseCommand(`1 new 9999 buy 900 @ 100 ${mode}`));
      const prevented = reports.filter(({ kind, code }) => kind === ReportKind.Cancelled && code === Code.CANCELLED_SELF_TRADE);
      assert.equal(prevented.length, MOST_OWN_ORDERS + 1);
      assert.deepEqual([prevented.at(-1)?.clientOrderId, prevented.at(-1)?.filled], [9999, 0]);
      assert.equal(harness.exchange.slab.count, 11);
    });
  }
  it('so does a fill-or-kill order', () => {
    for (const [count, code] of [
      [MOST_OWN_ORDERS, Code.OK],
      [MOST_OWN_ORDERS + 1, Code.FOK_NOT_FILLABLE],
    ]) {
      const { reports } = own(count).do(parseCommand('1 new 9999 buy 5 @ 100 fok cancel-oldest'));
      assert.equal(codeName(reports[0].code), codeName(code));
    }
  });
  for (const [rules, most] of [
    [6, 4096],
    [7, MOST_ORDERS_MET],
  ])
    it(`it meets ${most} orders under rules ${rules}`, () => {
      const harness = new Harness({ ...SMALL_LIMITS, orders: 8192, rememberedOrders: 8192 }, rules).setUp(2);
      for (let id = 1; id <= most + 10; id++) harness.must(parseCommand(`2 new ${id} sell 1 @ 100`));
      assert.equal(harness.do(parseCommand(`1 new 1 buy ${most + 1} @ 100 fok cancel-oldest`)).reports[0].code, Code.FOK_NOT_FILLABLE);
      const { reports } = harness.do(parseCommand('1 new 2 buy 5000 @ 100 cancel-oldest'));
      const last = reports.at(-1);
      assert.deepEqual([last?.kind, last?.code, last?.filled], [ReportKind.Cancelled, Code.CANCELLED_SELF_TRADE, most]);
      assert.equal(harness.exchange.slab.count, 10);
      harness.must(parseCommand('2 new 9000 sell 5000 @ 101'));
      const market = harness.do(parseCommand('1 new 3 buy 5000 mkt cancel-oldest')).reports;
      assert.equal(market.at(-1)?.filled, 5000);
    });
  it('so it does with parts of an iceberg: three orders or parts at most', () => {
    const harness = new Harness().setUp(3);
    harness.exchange.selfTrade.mostMet = 3;
    const ledger = `
  2 new 1 sell 6 @ 100 show 2
    > 2 Accepted 1 6@100 leaves 6
  3 new 1 sell 2 @ 100
    > 3 Accepted 1 2@100 leaves 2
  1 new 1 buy 7 @ 100 fok cancel-oldest
    > 1 Rejected 1 7@100 leaves 0 FOK_NOT_FILLABLE
  1 new 2 buy 7 @ 100 cancel-oldest
    > 1 Accepted 2 7@100 leaves 7
    > 2 Fill 1 2@100 leaves 4 maker
    > 1 Fill 2 2@100 leaves 5 taker
    > 3 Fill 1 2@100 leaves 0 maker
    > 1 Fill 2 2@100 leaves 3 taker
    > 2 Fill 1 2@100 leaves 2 maker
    > 1 Fill 2 2@100 leaves 1 taker
    > 1 Cancelled 2 1@100 leaves 0 CANCELLED_SELF_TRADE`;
    assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
  });
});

describe('accounts and groups', () => {
  ledger(
    'the default of the account counts for orders that name no mode',
    `
  set 1 SelfTradeMode 3
    > 0 Accepted
  1 new 1 sell 5 @ 100
    > 1 Accepted 1 5@100 leaves 5
  1 new 2 buy 1 @ 100
    > 1 Accepted 2 1@100 leaves 1
    > 1 Cancelled 1 5@100 leaves 0 CANCELLED_SELF_TRADE
  1 new 3 sell 1 @ 100 none
    > 1 Accepted 3 1@100 leaves 1
    > 1 Fill 2 1@100 leaves 0 maker
    > 1 Fill 3 1@100 leaves 0 taker
  set 1 SelfTradeMode 6
    > 0 Rejected BAD_PARAMETER`,
  );
  ledger(
    'accounts of one group are one owner; those of none are not',
    `
  set 1 Group 7
    > 0 Accepted
  2 new 1 sell 5 @ 100
    > 2 Accepted 1 5@100 leaves 5
  1 new 1 buy 1 @ 100 cancel-newest
    > 1 Accepted 1 1@100 leaves 1
    > 2 Fill 1 1@100 leaves 4 maker
    > 1 Fill 1 1@100 leaves 0 taker
  set 2 Group 7
    > 0 Accepted
  1 new 2 buy 1 @ 100 cancel-newest
    > 1 Accepted 2 1@100 leaves 1
    > 1 Cancelled 2 1@100 leaves 0 CANCELLED_SELF_TRADE
  3 new 1 buy 1 @ 100 cancel-newest
    > 3 Accepted 1 1@100 leaves 1
    > 2 Fill 1 1@100 leaves 3 maker
    > 3 Fill 1 1@100 leaves 0 taker`,
  );
  ledger(
    'an auction does not prevent self-trades; its reports say so',
    `
  phase auction
    > 0 Accepted
  1 new 1 sell 5 @ 100 cancel-newest
    > 1 Accepted 1 5@100 leaves 5
  1 new 2 buy 3 @ 100 cancel-newest
    > 1 Accepted 2 3@100 leaves 3
  2 new 1 buy 2 @ 100
    > 2 Accepted 1 2@100 leaves 2
  uncross
    > 1 Fill 2 3@100 leaves 0 auction self-trade
    > 1 Fill 1 3@100 leaves 2 auction self-trade
    > 2 Fill 1 2@100 leaves 0 auction
    > 1 Fill 1 2@100 leaves 0 auction
    > 0 Accepted 5@100`,
  );
  it('before rules 4 an account has no mode', () => {
    const harness = new Harness(SMALL_LIMITS, 3).setUp(1);
    assert.equal(codeName(harness.do(parseCommand('set 1 SelfTradeMode 2')).reports[0].code), 'BAD_PARAMETER');
  });
});

it('market data shows a remove or a smaller quantity, and no trade; the last price stays', () => {
  const harness = new Harness().setUp(2);
  const events = (line: string): string[] => harness.do(parseCommand(line)).events.map(describeEvent);
  harness.do({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.ReferencePrice, quantity: 77 });
  events('1 new 1 sell 5 @ 100');
  assert.deepEqual(events('1 new 2 buy 2 @ 100 decrement'), ['Reduce sell 3@100']);
  assert.deepEqual(events('1 new 3 buy 2 @ 100 cancel-both'), ['Remove sell 3@100']);
  assert.deepEqual(events('1 new 4 buy 2 @ 100 cancel-newest'), ['Add buy 2@100']);
  const { symbols } = harness.exchange;
  assert.deepEqual([symbols.lastPrice[SYMBOL], symbols.param(SYMBOL, SymbolParam.ReferencePrice)], [0, 77]);
});
