/** Quotes: two sides that the next quote replaces in place. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditBooks } from '../engine/book/book-audit.ts';
import { OrderSlab, QUOTE } from '../engine/book/order-slab.ts';
import { Code, codeName } from '../engine/codes.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import type { SymbolParam } from '../engine/params.ts';
import { LiveQuotes } from '../engine/rules/live-quotes.ts';
import { checkCommand } from '../engine/wire/check-command.ts';
import { Command, CommandKind, QuoteAction, TimeInForce } from '../engine/wire/layout.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';
import { copyOf } from './support/shares-fixture.ts';

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}, funds = {}): void {
  it(name, () => {
    const harness = new Harness().setUp(4, params, funds);
    const lines = text.replaceAll(/^ *#.*$/gm, '');
    assert.equal(runLedger(harness, lines), tidyLedger(lines));
    const { exchange } = harness;
    for (const asset of [USD, BTC]) assert.equal(exchange.accounts.imbalance(asset), 0);
    assert.equal(stateHash(copyOf(exchange, SMALL_LIMITS)), stateHash(exchange));
    const books = exchange.books.filter((book) => book !== undefined);
    auditBooks(exchange.slab, exchange.pages, books, () => true, exchange.stops.books);
  });
}

describe('a quote', () => {
  ledger(
    'replaces each side in place: what is unchanged or lower at its price keeps its place, another price and a higher quantity lose it',
    `
    1 quote 5 @ 99 / 5 @ 101
      > 1 Accepted bid 5@99 leaves 5
      > 1 Accepted ask 5@101 leaves 5
    2 new 1 buy 5 @ 99
      > 2 Accepted 1 5@99 leaves 5
    2 new 2 sell 5 @ 101
      > 2 Accepted 2 5@101 leaves 5
    # unchanged, and lower
    1 quote 5 @ 99 / 3 @ 101
      > 1 Amended bid 5@99 leaves 5 kept
      > 1 Amended ask 3@101 leaves 3 kept
    3 new 1 sell 1 @ 99 ioc
      > 3 Accepted 1 1@99 leaves 1
      > 1 Fill bid 1@99 leaves 4 maker
      > 3 Fill 1 1@99 leaves 0 taker
    3 new 2 buy 1 @ 101 ioc
      > 3 Accepted 2 1@101 leaves 1
      > 1 Fill ask 1@101 leaves 2 maker
      > 3 Fill 2 1@101 leaves 0 taker
    # up to 5 again: the bid goes behind account 2; the ask moves up and back
    1 quote 5 @ 99 / 2 @ 102
      > 1 Amended bid 5@99 leaves 5
      > 1 Amended ask 2@102 leaves 2
    1 quote 5 @ 99 / 2 @ 101
      > 1 Amended bid 5@99 leaves 5 kept
      > 1 Amended ask 2@101 leaves 2
    3 new 3 sell 6 @ 99 ioc
      > 3 Accepted 3 6@99 leaves 6
      > 2 Fill 1 5@99 leaves 0 maker
      > 3 Fill 3 5@99 leaves 1 taker
      > 1 Fill bid 1@99 leaves 4 maker
      > 3 Fill 3 1@99 leaves 0 taker
    3 new 4 buy 6 @ 101 ioc
      > 3 Accepted 4 6@101 leaves 6
      > 2 Fill 2 5@101 leaves 0 maker
      > 3 Fill 4 5@101 leaves 1 taker
      > 1 Fill ask 1@101 leaves 1 maker
      > 3 Fill 4 1@101 leaves 0 taker
    # one side ends, then both; a side that is not there is answered, too
    1 quote 4 @ 99 / 0
      > 1 Cancelled ask 1@101 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended bid 4@99 leaves 4 kept
    1 quote 0 / 0
      > 1 Cancelled bid 4@99 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled ask 0@0 leaves 0 CANCELLED_BY_CLIENT
    `,
  );

  ledger(
    'never trades with its own other side, wherever it moves, and is rejected when it crosses itself',
    `
    1 quote 5 @ 99 / 5 @ 101
      > 1 Accepted bid 5@99 leaves 5
      > 1 Accepted ask 5@101 leaves 5
    # above its own ask, below its own bid
    1 quote 5 @ 103 / 5 @ 105
      > 1 Amended bid 5@103 leaves 5
      > 1 Amended ask 5@105 leaves 5
    1 quote 5 @ 95 / 5 @ 97 post
      > 1 Amended bid 5@95 leaves 5
      > 1 Amended ask 5@97 leaves 5
    1 quote 5 @ 100 / 0
      > 1 Cancelled ask 5@97 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended bid 5@100 leaves 5
    1 quote 0 / 5 @ 90
      > 1 Cancelled bid 5@100 leaves 0 CANCELLED_BY_CLIENT
      > 1 Accepted ask 5@90 leaves 5
    1 quote 1 @ 91 / 1 @ 91
      > 1 Rejected bid 1@91 leaves 0 QUOTE_CROSSED
      > 1 Rejected ask 1@91 leaves 5 QUOTE_CROSSED
    1 quote 1 @ 92 / 1 @ 91
      > 1 Rejected bid 1@92 leaves 0 QUOTE_CROSSED
      > 1 Rejected ask 1@91 leaves 5 QUOTE_CROSSED
    `,
  );

  ledger(
    'may trade on arrival, bid first, or not at all if it is post-only',
    `
    2 new 1 sell 3 @ 100
      > 2 Accepted 1 3@100 leaves 3
    2 new 2 buy 3 @ 97
      > 2 Accepted 2 3@97 leaves 3
    1 quote 5 @ 100 / 2 @ 101 post
      > 1 Rejected bid 5@100 leaves 0 POST_ONLY_WOULD_TRADE
      > 1 Rejected ask 2@101 leaves 0 QUOTE_OTHER_SIDE
    1 quote 2 @ 96 / 2 @ 97 post
      > 1 Rejected bid 2@96 leaves 0 QUOTE_OTHER_SIDE
      > 1 Rejected ask 2@97 leaves 0 POST_ONLY_WOULD_TRADE
    1 quote 5 @ 100 / 2 @ 101
      > 1 Accepted bid 5@100 leaves 5
      > 2 Fill 1 3@100 leaves 0 maker
      > 1 Fill bid 3@100 leaves 2 taker
      > 1 Accepted ask 2@101 leaves 2
    1 quote 1 @ 95 / 4 @ 96
      > 1 Amended bid 1@95 leaves 1
      > 1 Amended ask 4@96 leaves 4
      > 2 Fill 2 3@97 leaves 0 maker
      > 1 Fill ask 3@97 leaves 1 taker
    `,
  );

  ledger(
    'that fails on one side changes nothing: the quote before stays',
    `
    1 quote 5 @ 99 / 5 @ 101
      > 1 Accepted bid 5@99 leaves 5
      > 1 Accepted ask 5@101 leaves 5
    1 quote 6 @ 99 / 2000000 @ 101
      > 1 Rejected bid 6@99 leaves 5 QUOTE_OTHER_SIDE
      > 1 Rejected ask 2000000@101 leaves 5 INSUFFICIENT_FUNDS
    1 quote 0 / 5 @ 2000000
      > 1 Rejected bid 0@0 leaves 5 QUOTE_OTHER_SIDE
      > 1 Rejected ask 5@2000000 leaves 5 PRICE_RANGE
    # what the quote before reserves counts as available
    1 quote 5 @ 98 / 1000000 @ 101
      > 1 Amended bid 5@98 leaves 5
      > 1 Amended ask 1000000@101 leaves 1000000
    1 quote 5 @ 99 / 1000000 @ 102
      > 1 Amended bid 5@99 leaves 5
      > 1 Amended ask 1000000@102 leaves 1000000
    `,
  );

  ledger(
    'is cancelled like an order, by its order id, and not amended',
    `
    1 quote 5 @ 99 / 5 @ 101
      > 1 Accepted bid 5@99 leaves 5
      > 1 Accepted ask 5@101 leaves 5
    kill account 1 on
      > 1 Cancelled bid 5@99 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Cancelled ask 5@101 leaves 0 CANCELLED_KILL_SWITCH
      > 0 Accepted 2@0
    1 quote 5 @ 99 / 5 @ 101
      > 1 Rejected bid 5@99 leaves 0 KILL_SWITCH
      > 1 Rejected ask 5@101 leaves 0 KILL_SWITCH
    1 quote 0 / 0
      > 1 Cancelled bid 0@0 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled ask 0@0 leaves 0 CANCELLED_BY_CLIENT
    `,
  );

  ledger(
    'takes part in an auction, also if it is post-only; what only lowers or ends it is accepted in every phase',
    `
    phase auction
      > 0 Accepted
    2 new 1 buy 3 @ 105
      > 2 Accepted 1 3@105 leaves 3
    1 quote 5 @ 99 / 5 @ 101 post
      > 1 Accepted bid 5@99 leaves 5
      > 1 Accepted ask 5@101 leaves 5
    uncross
      > 2 Fill 1 3@101 leaves 0 auction
      > 1 Fill ask 3@101 leaves 2 auction
      > 0 Accepted 3@101
    phase halted
      > 0 Accepted
    1 quote 5 @ 99 / 3 @ 101
      > 1 Rejected bid 5@99 leaves 5 SYMBOL_HALTED
      > 1 Rejected ask 3@101 leaves 2 SYMBOL_HALTED
    1 quote 1 @ 99 / 0
      > 1 Cancelled ask 2@101 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended bid 1@99 leaves 1 kept
    `,
  );

  ledger(
    'counts as one command for the throttle, and each of its sides as an open order',
    `
    set 1 MaxOpenOrders 3
      > 0 Accepted
    set 1 CommandsPerSecond 2
      > 0 Accepted
    1 new 1 buy 1 @ 90
      > 1 Accepted 1 1@90 leaves 1
    1 quote 5 @ 99 / 5 @ 101
      > 1 Accepted bid 5@99 leaves 5
      > 1 Accepted ask 5@101 leaves 5
    1 quote 5 @ 98 / 5 @ 101
      > 1 Rejected bid 5@98 leaves 5 THROTTLED retry +498000
      > 1 Rejected ask 5@101 leaves 5 THROTTLED retry +498000
    1 cancel 1
      > 1 Cancelled 1 1@90 leaves 0 CANCELLED_BY_CLIENT
    +1000000 1 quote 0 / 5 @ 101
      > 1 Cancelled bid 5@99 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended ask 5@101 leaves 5 kept
    +1000000 1 new 2 buy 1 @ 90
      > 1 Accepted 2 1@90 leaves 1
    1 new 3 buy 1 @ 90
      > 1 Accepted 3 1@90 leaves 1
    +1000000 1 quote 1 @ 99 / 5 @ 101
      > 1 Rejected bid 1@99 leaves 0 OPEN_ORDER_LIMIT
      > 1 Rejected ask 5@101 leaves 5 OPEN_ORDER_LIMIT
    `,
  );

  it('uses up no client order id, however often it is replaced', () => {
    const { exchange, ...harness } = twoQuotes();
    for (let i = 0; i < 20_000; i++) harness.run(`1 quote 5 @ ${90 + (i % 5)} / 5 @ ${100 + (i % 7)}`);
    assert.equal([...exchange.clientOrderIds.remembered()].length, 0);
    assert.equal(exchange.slab.count, 2);
    assert.equal(exchange.lastOrderId, 2);
  });

  it('is not amended', () => {
    const { harness } = twoQuotes();
    const { reports } = harness.do({ kind: CommandKind.Amend, account: 1, orderId: 1, price: 98, quantity: 5 });
    assert.deepEqual(
      reports.map(({ kind, code, clientOrderId, leaves }) => [kind, code, clientOrderId, leaves]),
      [[7, Code.QUOTE_AMEND, 0, 5]],
    );
    const [{ code, quantity }] = harness.do({ kind: CommandKind.Cancel, account: 1, orderId: 1 }).reports;
    assert.deepEqual([code, quantity], [Code.CANCELLED_BY_CLIENT, 5]);
  });

  it('has the tag of the last quote in all its reports', () => {
    const { harness } = twoQuotes();
    const tags = (line: string, tag = 0): number[] => harness.do({ ...parseCommand(line), tag }).reports.map((report) => report.tag);
    assert.deepEqual(tags('1 quote 5 @ 99 / 4 @ 100', 77), [77, 77]);
    assert.deepEqual(tags('2 new 1 buy 1 @ 100', 5), [5, 77, 5]);
    assert.deepEqual(tags('2 new 2 sell 1 @ 99', 6), [6, 77, 6]);
  });

  it('of another symbol is another quote', () => {
    const { harness } = twoQuotes();
    const codes = harness.do({ ...parseCommand('1 quote 5 @ 98 / 5 @ 101'), symbol: SYMBOL + 1 }).reports.map(({ code }) => code);
    assert.deepEqual(codes, [Code.UNKNOWN_SYMBOL, Code.UNKNOWN_SYMBOL]);
    assert.equal(harness.exchange.slab.price(0), 99);
  });

  it('waits for orders in the way of either side that have come to their end', () => {
    for (const [side, line] of [
      ['sell', '1 quote 1 @ 100 / 0'],
      ['buy', '1 quote 0 / 1 @ 100'],
    ]) {
      const harness = new Harness().setUp(2);
      for (let id = 1; id <= 1100; id++) harness.do(parseCommand(`at 10: 2 new ${id} ${side} 1 @ 100 gtd 90`));
      const answers = (): string[] =>
        harness
          .do(parseCommand(`at 90: ${line}`))
          .reports.filter(({ account }) => account === 1)
          .map((report) => `${codeName(report.code)} ${report.retryUs - report.timeUs > 0}`);
      assert.deepEqual(answers(), ['ORDERS_EXPIRING true', 'ORDERS_EXPIRING true']);
      // 512 at first, and as many in its way; then the rest.
      assert.deepEqual(answers(), ['CANCELLED_BY_CLIENT false', 'OK false']);
    }
  });

  it('under rules 4 does nothing, as in the releases of these rules', () => {
    const harness = new Harness(SMALL_LIMITS, 4).setUp(1);
    assert.deepEqual(harness.do(parseCommand('1 quote 5 @ 99 / 5 @ 101')).reports, []);
    assert.equal(harness.exchange.slab.count, 0);
  });

  it('is checked before it is sequenced', () => {
    const bytes = new Uint8Array(64);
    const words = new Int32Array(bytes.buffer);
    const good = { kind: CommandKind.Quote, symbol: 1, price: 99, quantity: 5, clientOrderId: 101, orderId: 4 };
    const codeOf = (fields: Partial<Parameters<typeof encodeCommand>[3]>): number => {
      encodeCommand(bytes, words, 0, { ...good, ...fields });
      return checkCommand(bytes, words, 0, 7);
    };
    assert.equal(codeOf({}), Code.OK);
    assert.equal(words[Command.account / 4], 7);
    assert.equal(codeOf({ timeInForce: TimeInForce.PostOnly }), Code.OK);
    assert.equal(codeOf({ timeInForce: TimeInForce.FillOrKill }), Code.ILLEGAL_COMBINATION);
    assert.equal(codeOf({ timeInForce: 99 }), Code.BAD_ENUM);
    assert.equal(codeOf({ side: 3 }), Code.BAD_ENUM);
    assert.equal(codeOf({ account: 8 }), Code.FOREIGN_ACCOUNT);
    assert.equal(codeOf({ price: 0 }), Code.BAD_RANGE);
    assert.equal(codeOf({ clientOrderId: 0 }), Code.BAD_RANGE);
    assert.equal(codeOf({ orderId: 2 ** 53 }), Code.BAD_RANGE);
    // A side without a quantity is stored without its price.
    assert.equal(codeOf({ quantity: 0 }), Code.OK);
    assert.equal(words[Command.price / 4], 0);
  });
});

describe('market-maker protection', () => {
  const quotes = `
    1 quote 5 @ 99 / 5 @ 101
      > 1 Accepted bid 5@99 leaves 5
      > 1 Accepted ask 5@101 leaves 5
    2 new 1 sell 9 @ 102
      > 2 Accepted 1 9@102 leaves 9`;

  ledger(
    'cancels all quotes within the sweep, after the fill that exceeds a limit, and accepts none until it is reset',
    `
    1 protect 1000000 fills 1
      > 1 Accepted bid 1000000@0 leaves 0
    ${quotes}
    3 new 1 sell 1 @ 99 ioc
      > 3 Accepted 1 1@99 leaves 1
      > 1 Fill bid 1@99 leaves 4 maker
      > 3 Fill 1 1@99 leaves 0 taker
    # the second fill in the window; the rest goes on to the next orders
    3 new 2 buy 4 @ 102
      > 3 Accepted 2 4@102 leaves 4
      > 1 Fill ask 4@101 leaves 1 maker
      > 3 Fill 2 4@101 leaves 0 taker
      > 1 Cancelled bid 4@99 leaves 0 CANCELLED_PROTECTION
      > 1 Cancelled ask 1@101 leaves 0 CANCELLED_PROTECTION
    1 quote 1 @ 99 / 1 @ 101
      > 1 Rejected bid 1@99 leaves 0 PROTECTION_TRIGGERED
      > 1 Rejected ask 1@101 leaves 0 PROTECTION_TRIGGERED
    # its other orders are not concerned
    1 new 1 buy 1 @ 90
      > 1 Accepted 1 1@90 leaves 1
    1 reset protection
      > 1 Accepted bid 0@0 leaves 0
    1 quote 1 @ 99 / 0
      > 1 Cancelled ask 0@0 leaves 0 CANCELLED_BY_CLIENT
      > 1 Accepted bid 1@99 leaves 1
    `,
  );

  ledger(
    'keeps the aggressor from the quotes that it cancels: it trades with what is behind them',
    `
    1 protect 1000000 lots 3
      > 1 Accepted bid 1000000@0 leaves 0
    1 quote 9 @ 90 / 4 @ 101
      > 1 Accepted bid 9@90 leaves 9
      > 1 Accepted ask 4@101 leaves 4
    2 new 1 sell 9 @ 101
      > 2 Accepted 1 9@101 leaves 9
    2 new 2 buy 9 @ 80
      > 2 Accepted 2 9@80 leaves 9
    3 new 1 buy 6 @ 101
      > 3 Accepted 1 6@101 leaves 6
      > 1 Fill ask 4@101 leaves 0 maker
      > 3 Fill 1 4@101 leaves 2 taker
      > 1 Cancelled bid 9@90 leaves 0 CANCELLED_PROTECTION
      > 2 Fill 1 2@101 leaves 7 maker
      > 3 Fill 1 2@101 leaves 0 taker
    `,
  );

  ledger(
    'counts net lots, and only what is in the window',
    `
    1 protect 16000000 net 3
      > 1 Accepted bid 16000000@3 leaves 0
    ${quotes}
    3 new 1 sell 3 @ 99 ioc
      > 3 Accepted 1 3@99 leaves 3
      > 1 Fill bid 3@99 leaves 2 maker
      > 3 Fill 1 3@99 leaves 0 taker
    3 new 2 buy 3 @ 101 ioc
      > 3 Accepted 2 3@101 leaves 3
      > 1 Fill ask 3@101 leaves 2 maker
      > 3 Fill 2 3@101 leaves 0 taker
    3 new 3 sell 2 @ 99 ioc
      > 3 Accepted 3 2@99 leaves 2
      > 1 Fill bid 2@99 leaves 0 maker
      > 3 Fill 3 2@99 leaves 0 taker
    +17000000 1 quote 5 @ 99 / 2 @ 101
      > 1 Accepted bid 5@99 leaves 5
      > 1 Amended ask 2@101 leaves 2 kept
    3 new 4 sell 3 @ 99 ioc
      > 3 Accepted 4 3@99 leaves 3
      > 1 Fill bid 3@99 leaves 2 maker
      > 3 Fill 4 3@99 leaves 0 taker
    3 new 5 sell 1 @ 99 ioc
      > 3 Accepted 5 1@99 leaves 1
      > 1 Fill bid 1@99 leaves 1 maker
      > 3 Fill 5 1@99 leaves 0 taker
      > 1 Cancelled bid 1@99 leaves 0 CANCELLED_PROTECTION
      > 1 Cancelled ask 2@101 leaves 0 CANCELLED_PROTECTION
    `,
  );

  ledger(
    'is asked before an order trades: what it would cancel is no liquidity, and costs of a market order are those behind it',
    `
    1 protect 1000000 fills 1
      > 1 Accepted bid 1000000@0 leaves 0
    4 protect 1000000 fills 1
      > 4 Accepted bid 1000000@0 leaves 0
    1 quote 2 @ 90 / 2 @ 101
      > 1 Accepted bid 2@90 leaves 2
      > 1 Accepted ask 2@101 leaves 2
    4 quote 2 @ 91 / 2 @ 101
      > 4 Accepted bid 2@91 leaves 2
      > 4 Accepted ask 2@101 leaves 2
    3 new 1 buy 1 @ 101
      > 3 Accepted 1 1@101 leaves 1
      > 1 Fill ask 1@101 leaves 1 maker
      > 3 Fill 1 1@101 leaves 0 taker
    # both have traded once, or will have: the next fill of account 1 is its last one
    3 new 2 buy 3 @ 101 fok
      > 3 Accepted 2 3@101 leaves 3
      > 1 Fill ask 1@101 leaves 0 maker
      > 3 Fill 2 1@101 leaves 2 taker
      > 1 Cancelled bid 2@90 leaves 0 CANCELLED_PROTECTION
      > 4 Fill ask 2@101 leaves 0 maker
      > 3 Fill 2 2@101 leaves 0 taker
    4 quote 2 @ 91 / 2 @ 101
      > 4 Amended bid 2@91 leaves 2 kept
      > 4 Accepted ask 2@101 leaves 2
    2 new 1 buy 5 @ 80
      > 2 Accepted 1 5@80 leaves 5
    3 new 3 sell 1 @ 91 ioc
      > 3 Accepted 3 1@91 leaves 1
      > 4 Fill bid 1@91 leaves 1 maker
      > 3 Fill 3 1@91 leaves 0 taker
      > 4 Cancelled bid 1@91 leaves 0 CANCELLED_PROTECTION
      > 4 Cancelled ask 2@101 leaves 0 CANCELLED_PROTECTION
    `,
  );

  ledger(
    'acts after an uncross',
    `
    1 protect 1000000 lots 2
      > 1 Accepted bid 1000000@0 leaves 0
    phase auction
      > 0 Accepted
    1 quote 5 @ 99 / 5 @ 101
      > 1 Accepted bid 5@99 leaves 5
      > 1 Accepted ask 5@101 leaves 5
    2 new 1 buy 2 @ 101
      > 2 Accepted 1 2@101 leaves 2
    3 new 1 buy 2 @ 101
      > 3 Accepted 1 2@101 leaves 2
    uncross
      > 2 Fill 1 2@101 leaves 0 auction
      > 1 Fill ask 2@101 leaves 3 auction
      > 3 Fill 1 2@101 leaves 0 auction
      > 1 Fill ask 2@101 leaves 1 auction
      > 1 Cancelled bid 5@99 leaves 0 CANCELLED_PROTECTION
      > 1 Cancelled ask 1@101 leaves 0 CANCELLED_PROTECTION
      > 0 Accepted 4@101
    `,
  );

  ledger(
    'that is switched off protects no more, also the quotes that rest',
    `
    1 protect 1000000 fills 1
      > 1 Accepted bid 1000000@0 leaves 0
    ${quotes}
    1 protect 0
      > 1 Accepted bid 0@0 leaves 0
    3 new 1 buy 1 @ 101
      > 3 Accepted 1 1@101 leaves 1
      > 1 Fill ask 1@101 leaves 4 maker
      > 3 Fill 1 1@101 leaves 0 taker
    3 new 2 buy 1 @ 101
      > 3 Accepted 2 1@101 leaves 1
      > 1 Fill ask 1@101 leaves 3 maker
      > 3 Fill 2 1@101 leaves 0 taker
    # and on again
    1 protect 1000000 fills 1
      > 1 Accepted bid 1000000@0 leaves 0
    3 new 3 buy 1 @ 101
      > 3 Accepted 3 1@101 leaves 1
      > 1 Fill ask 1@101 leaves 2 maker
      > 3 Fill 3 1@101 leaves 0 taker
    3 new 4 sell 1 @ 99
      > 3 Accepted 4 1@99 leaves 1
      > 1 Fill bid 1@99 leaves 4 maker
      > 3 Fill 4 1@99 leaves 0 taker
      > 1 Cancelled bid 4@99 leaves 0 CANCELLED_PROTECTION
      > 1 Cancelled ask 2@101 leaves 0 CANCELLED_PROTECTION
    `,
  );

  it('an order that makes protections cancel more quotes than one may ends', () => {
    const harness = new Harness().setUp(4);
    harness.exchange.selfTrade.mostMet = 0;
    const text = `
    1 protect 1000000 lots 1
      > 1 Accepted bid 1000000@0 leaves 0
    1 quote 3 @ 99 / 3 @ 101
      > 1 Accepted bid 3@99 leaves 3
      > 1 Accepted ask 3@101 leaves 3
    2 new 1 sell 9 @ 101
      > 2 Accepted 1 9@101 leaves 9
    3 new 1 buy 4 @ 101 fok
      > 3 Rejected 1 4@101 leaves 0 FOK_NOT_FILLABLE
    3 new 2 buy 4 @ 101
      > 3 Accepted 2 4@101 leaves 4
      > 1 Fill ask 3@101 leaves 0 maker
      > 3 Fill 2 3@101 leaves 1 taker
      > 1 Cancelled bid 3@99 leaves 0 CANCELLED_PROTECTION
      > 3 Cancelled 2 1@101 leaves 0 CANCELLED_QUOTES_PULLED`;
    assert.equal(runLedger(harness, text), tidyLedger(text));
  });

  it('cancels in all symbols; books without such quotes are matched without it', () => {
    const { harness } = twoQuotes();
    const OTHER = SYMBOL + 1;
    const define = { symbol: OTHER, account: BTC, tag: USD, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1, name: 'B2-USD' };
    harness.must({ kind: CommandKind.DefineSymbol, ...define });
    harness.must({ kind: CommandKind.SetPhase, symbol: OTHER, parameter: 1 });
    harness.do({ ...parseCommand('1 quote 5 @ 50 / 5 @ 51'), symbol: OTHER });
    const guards = (): (number | undefined)[] => [SYMBOL, OTHER].map((symbol) => harness.exchange.books[symbol]?.guards);
    assert.deepEqual(guards(), [0, 0]);
    harness.do(parseCommand('1 protect 1000000 lots 1'));
    assert.deepEqual(guards(), [2, 2]);
    const { reports } = harness.do(parseCommand('2 new 1 sell 2 @ 99'));
    const cancelled = reports.filter(({ kind }) => kind === 4).map(({ symbol, side, quantity }) => [symbol, side, quantity]);
    assert.deepEqual(cancelled, [
      [SYMBOL, 0, 3],
      [SYMBOL, 1, 5],
      [OTHER, 0, 5],
      [OTHER, 1, 5],
    ]);
    assert.deepEqual(guards(), [0, 0]);
    const copy = copyOf(harness.exchange, SMALL_LIMITS);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    assert.equal(copy.protections.isTriggered(1), true);
  });

  it('is checked before it is sequenced', () => {
    const bytes = new Uint8Array(64);
    const words = new Int32Array(bytes.buffer);
    const codeOf = (fields: Partial<Parameters<typeof encodeCommand>[3]>): number => {
      encodeCommand(bytes, words, 0, { kind: CommandKind.Quote, side: QuoteAction.Protection, ...fields });
      return checkCommand(bytes, words, 0, 7);
    };
    assert.equal(codeOf({ quantity: 1000, clientOrderId: 1 }), Code.OK);
    assert.equal(codeOf({}), Code.OK);
    assert.equal(codeOf({ side: QuoteAction.Reset }), Code.OK);
    assert.equal(codeOf({ side: QuoteAction.Reset, quantity: 1000, price: 1 }), Code.BAD_RANGE);
    assert.equal(codeOf({ quantity: 999, clientOrderId: 1 }), Code.BAD_RANGE);
    assert.equal(codeOf({ quantity: 1000 }), Code.BAD_RANGE);
    assert.equal(codeOf({ clientOrderId: 1 }), Code.BAD_RANGE);
    assert.equal(codeOf({ quantity: 1000, price: 1, symbol: 1 }), Code.BAD_RANGE);
    assert.equal(codeOf({ side: 3 }), Code.BAD_ENUM);
  });
});

describe('the table of live quotes', () => {
  it('finds what was added and not removed, also where many have one place', () => {
    const slab = new OrderSlab(4096);
    const quotes = new LiveQuotes(slab);
    const live = new Map<string, number>();
    let id = 0;
    for (let step = 0; step < 20_000; step++) {
      const [account, symbol, side] = [1 + ((step * 7) % 5), 1 + ((step * 31) % 97), step % 2];
      const key = `${account}/${symbol}/${side}`;
      const slot = live.get(key);
      assert.equal(quotes.find(account, symbol, side), slot ?? -1);
      if (slot === undefined) {
        const free = slab.acquire(++id);
        slab.setTerms(free, account, symbol, side | QUOTE, 0);
        quotes.add(free);
        live.set(key, free);
      } else if (step % 3 === 0) {
        quotes.remove(slot);
        slab.release(slot);
        live.delete(key);
      }
      assert.equal(quotes.count, live.size);
    }
    for (const [key, slot] of live) {
      const [account, symbol, side] = key.split('/').map(Number);
      assert.equal(quotes.find(account, symbol, side), slot);
    }
  });
});

function twoQuotes(): { harness: Harness; exchange: Harness['exchange']; run: (line: string) => void } {
  const harness = new Harness().setUp(2);
  const run = (line: string): void => {
    harness.do(parseCommand(line));
  };
  run('1 quote 5 @ 99 / 5 @ 101');
  return { harness, exchange: harness.exchange, run };
}
