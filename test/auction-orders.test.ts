/** Orders at the open and at the close: when they wait, enter the book, trade and end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditBooks } from '../engine/book/book-audit.ts';
import { Code, codeName } from '../engine/codes.ts';
import { RULES } from '../engine/limits.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import type { SymbolParam } from '../engine/params.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';
import { copyOf, follow, sameFromAnySnapshot } from './support/snapshot-at-any.ts';

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}, funds = {}): void {
  it(name, () => {
    const harness = new Harness().setUp(4, params, funds);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    const { exchange } = harness;
    for (const asset of [USD, BTC]) assert.equal(exchange.accounts.imbalance(asset), 0);
    const books = exchange.books.filter((book) => book !== undefined);
    auditBooks(exchange.slab, exchange.pages, books, () => true, exchange.stops.books, exchange.waiting.slots());
    if (!text.includes('at-')) return;
    sameFromAnySnapshot(new Harness().setUp(4, params, funds), text);
  });
}

describe('orders at the close', () => {
  ledger(
    'wait outside the book, enter it when the closing auction starts, and what is left ends after the uncross',
    `
    1 new 1 buy 5 @ 510 at-close
      > 1 Accepted 1 5@510 leaves 5
    2 new 1 sell 3 @ 500
      > 2 Accepted 1 3@500 leaves 3
    3 new 1 buy 1 @ 500
      > 3 Accepted 1 1@500 leaves 1
      > 2 Fill 1 1@500 leaves 2 maker
      > 3 Fill 1 1@500 leaves 0 taker
    phase closing-auction
      > 0 Accepted
    1 new 2 buy 1 @ 505 at-close
      > 1 Accepted 2 1@505 leaves 1
    uncross
      > 1 Fill 1 2@510 leaves 3 auction
      > 2 Fill 1 2@510 leaves 0 auction
      > 1 Cancelled 1 3@510 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 2 1@505 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 2@510
    1 new 3 buy 1 @ 505 at-close
      > 1 Rejected 3 1@505 leaves 0 AUCTION_OVER
    phase closed
      > 0 Accepted
    1 new 4 buy 1 @ 505 at-close
      > 1 Rejected 4 1@505 leaves 0 SYMBOL_CLOSED
    phase pre-open
      > 0 Accepted
    1 new 5 buy 1 @ 505 at-close
      > 1 Accepted 5 1@505 leaves 1`,
  );
  ledger(
    'enter in the order in which they were entered, behind the orders at their price; an amend to more goes back',
    `
    1 new 1 buy 1 @ 500 at-close
      > 1 Accepted 1 1@500 leaves 1
    2 new 1 buy 1 @ 500 at-close
      > 2 Accepted 1 1@500 leaves 1
    3 new 1 buy 2 @ 500 at-close
      > 3 Accepted 1 2@500 leaves 2
    3 amend 1 1 @ 500
      > 3 Amended 1 1@500 leaves 1 kept
    1 amend 1 2 @ 500
      > 1 Amended 1 2@500 leaves 2
    4 new 1 buy 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    phase closing-auction
      > 0 Accepted
    4 new 2 sell 4 @ 500
      > 4 Accepted 2 4@500 leaves 4
    uncross
      > 4 Fill 1 1@500 leaves 0 auction self-trade
      > 4 Fill 2 1@500 leaves 3 auction self-trade
      > 2 Fill 1 1@500 leaves 0 auction
      > 4 Fill 2 1@500 leaves 2 auction
      > 3 Fill 1 1@500 leaves 0 auction
      > 4 Fill 2 1@500 leaves 1 auction
      > 1 Fill 1 1@500 leaves 1 auction
      > 4 Fill 2 1@500 leaves 0 auction
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 4@500`,
  );
  ledger(
    'end when the symbol closes without the auction; those in the book end when the auction does',
    `
    1 new 1 buy 1 @ 500 at-close
      > 1 Accepted 1 1@500 leaves 1
    phase auction
      > 0 Accepted
    uncross
      > 0 Accepted
    phase closing-auction
      > 0 Accepted
    phase halted
      > 0 Accepted
    2 new 1 buy 1 @ 500 at-close
      > 2 Rejected 1 1@500 leaves 0 SYMBOL_HALTED
    phase continuous
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted
    2 new 2 sell 1 @ 400 at-close
      > 2 Accepted 2 1@400 leaves 1
    phase closed
      > 2 Cancelled 2 1@400 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted`,
  );
  ledger(
    'are cancelled by their owner and by the operator while they wait, and hold their money until then',
    `
    1 new 1 buy 2 @ 500 at-close
      > 1 Accepted 1 2@500 leaves 2
    1 new 2 buy 1 @ 1
      > 1 Rejected 2 1@1 leaves 0 INSUFFICIENT_FUNDS
    1 cancel 1
      > 1 Cancelled 1 2@500 leaves 0 CANCELLED_BY_CLIENT
    1 new 3 buy 2 @ 500 at-close
      > 1 Accepted 3 2@500 leaves 2
    1 amend 3 1 @ 600
      > 1 Amended 3 1@600 leaves 1
    1 amend 3 2 @ 600
      > 1 AmendRejected 3 2@600 leaves 1 INSUFFICIENT_FUNDS
    kill account 1 on
      > 1 Cancelled 3 1@600 leaves 0 CANCELLED_KILL_SWITCH
      > 0 Accepted 1@0
    2 new 1 buy 2 @ 500 at-close
      > 2 Accepted 1 2@500 leaves 2
    2 new 2 buy 2 @ 500 at-close
      > 2 Rejected 2 2@500 leaves 0 INSUFFICIENT_FUNDS
    2 new 1 buy 2 @ 500 at-close
      > 2 Accepted 1 2@500 leaves 2 again`,
    {},
    { usd: 1000 },
  );
});

describe('many orders at the close', () => {
  it('enter at most so many with one command, the rest before the next ones; the uncross waits for it; a snapshot between changes nothing', () => {
    for (const uncrossAfter of [0, 1, 2, 3]) {
      const harness = new Harness({ ...SMALL_LIMITS, orders: 64, ordersPerAccount: 64 }).setUp(3);
      const { exchange } = harness;
      exchange.auctionOrders.perCommand = 2;
      for (let id = 1; id <= 8; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ ${500 + id} at-close`));
      assert.equal(exchange.deadlineUs, Number.POSITIVE_INFINITY);
      const inBook = (): number => [...Array(9).keys()].filter((id) => exchange.books[SYMBOL]?.levelOrders(0, 500 + id) === 1).length;
      harness.do(parseCommand('phase closing-auction'));
      for (let step = 0; ; step++) {
        assert.equal(inBook(), Math.min(8, 2 * (step + 1)));
        assert.equal(exchange.deadlineUs <= exchange.timeUs, inBook() < 8, 'a tick is due as long as orders wait');
        if (step === uncrossAfter) break;
        harness.do(parseCommand('tick'));
      }
      const copy = copyOf(exchange);
      copy.auctionOrders.perCommand = 2;
      const codes = ['2 new 1 sell 8 @ 1', 'uncross', 'uncross', 'uncross'].map((line) => {
        const { reports } = harness.do(parseCommand(line));
        follow(copy, exchange, line);
        assert.equal(stateHash(copy), stateHash(exchange), line);
        return reports.at(-1)?.code;
      });
      // Two enter before each command.
      const ready = Math.max(0, 2 - uncrossAfter - 1);
      assert.deepEqual(
        codes.slice(1),
        [0, 1, 2].map((n) => (n < ready ? Code.UNCROSS_WAITS : Code.OK)),
      );
      assert.equal(exchange.symbols.tradeId[SYMBOL], 8, 'all of them trade');
    }
  });

  it('end at most so many with one command when the symbol closes, and all before it opens again', () => {
    const harness = new Harness({ ...SMALL_LIMITS, orders: 64, ordersPerAccount: 64 }).setUp(3);
    const { exchange } = harness;
    exchange.auctionOrders.perCommand = 3;
    for (let id = 1; id <= 8; id++) harness.do(parseCommand(`1 new ${id} sell 1 @ 500 at-close`));
    const ended = (line: string): number =>
      harness.do(parseCommand(line)).reports.filter(({ kind }) => kind === ReportKind.Cancelled).length;
    assert.deepEqual([ended('phase closed'), ended('tick'), ended('phase pre-open'), exchange.slab.count], [3, 3, 2, 0]);
  });
});

/** One command lets two orders enter or end. @param rules 5: all end at once */
function inParts(name: string, text: string, rules = RULES): void {
  it(name, () => {
    const harness = new Harness(undefined, rules).setUp(4, { ReferencePrice: 500, PriceBandPpm: 100_000 });
    const { exchange } = harness;
    exchange.auctionOrders.perCommand = 2;
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(exchange.accounts.imbalance(asset), 0);
    const books = exchange.books.filter((book) => book !== undefined);
    auditBooks(exchange.slab, exchange.pages, books, () => true, exchange.stops.books, exchange.waiting.slots());
  });
}

describe('many orders of an auction that is over', () => {
  const before = `
    phase closing-auction
      > 0 Accepted
    2 new 1 sell 1 @ 504 at-close
      > 2 Accepted 1 1@504 leaves 1
    1 new 1 sell 1 @ 502 at-close
      > 1 Accepted 1 1@502 leaves 1
    1 new 2 sell 1 @ 503 at-close
      > 1 Accepted 2 1@503 leaves 1
    1 new 3 sell 9 at-close
      > 1 Accepted 3 9@450 leaves 9
    1 new 4 sell 1 @ 505 at-close
      > 1 Accepted 4 1@505 leaves 1
    1 new 5 sell 1 @ 506 at-close
      > 1 Accepted 5 1@506 leaves 1
    3 new 1 buy 5 @ 500
      > 3 Accepted 1 5@500 leaves 5`;
  inParts(
    'end bit by bit, market orders at once, then in the sequence in which they entered; before one would trade, it ends',
    `${before}
    uncross
      > 3 Fill 1 5@500 leaves 0 auction
      > 1 Fill 3 5@500 leaves 4 auction
      > 1 Cancelled 3 4@450 leaves 0 CANCELLED_AUCTION_OVER
      > 2 Cancelled 1 1@504 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 1 1@502 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 5@500
    phase continuous
      > 1 Cancelled 2 1@503 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 4 1@505 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted
    phase closing-auction
      > 1 Cancelled 5 1@506 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted`,
  );
  inParts(
    'all end with the uncross, in the sequence of the book, under rules 5',
    `${before}
    uncross
      > 3 Fill 1 5@500 leaves 0 auction
      > 1 Fill 3 5@500 leaves 4 auction
      > 1 Cancelled 3 4@450 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 1 1@502 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 2 1@503 leaves 0 CANCELLED_AUCTION_OVER
      > 2 Cancelled 1 1@504 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 4 1@505 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 5 1@506 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 5@500`,
    5,
  );
  inParts(
    'do not trade, and are not amended: they end before',
    `${before}
    1 new 6 sell 1 @ 507 at-close
      > 1 Accepted 6 1@507 leaves 1
    1 new 7 sell 1 @ 508 at-close
      > 1 Accepted 7 1@508 leaves 1
    2 new 2 sell 1 @ 509
      > 2 Accepted 2 1@509 leaves 1
    uncross
      > 3 Fill 1 5@500 leaves 0 auction
      > 1 Fill 3 5@500 leaves 4 auction
      > 1 Cancelled 3 4@450 leaves 0 CANCELLED_AUCTION_OVER
      > 2 Cancelled 1 1@504 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 1 1@502 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 5@500
    1 amend 7 1 @ 510
      > 1 Cancelled 2 1@503 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 4 1@505 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 7 1@508 leaves 0 CANCELLED_AUCTION_OVER
      > 1 AmendRejected 7 1@510 leaves 0 UNKNOWN_ORDER
    phase continuous
      > 1 Cancelled 5 1@506 leaves 0 CANCELLED_AUCTION_OVER
      > 1 Cancelled 6 1@507 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted
    3 new 2 buy 1 @ 509
      > 3 Accepted 2 1@509 leaves 1
      > 2 Fill 2 1@509 leaves 0 maker
      > 3 Fill 2 1@509 leaves 0 taker`,
  );

  it('meet no order of continuous trading, and are through a snapshot in any state', () => {
    const build = (): Harness => {
      const harness = new Harness().setUp(4, { ReferencePrice: 500 });
      harness.exchange.auctionOrders.perCommand = 1;
      for (const line of ['phase closing-auction', ...[2, 5, 3, 4, 1].map((id) => `1 new ${id} sell 1 @ ${500 + id} at-close`)])
        harness.must(parseCommand(line));
      return harness;
    };
    const lines = [
      'uncross',
      'phase continuous',
      '2 new 1 buy 3 @ 503',
      '2 new 2 buy 3 @ 501',
      'phase closing-auction',
      'tick',
      'uncross',
      'tick',
    ];
    for (let at = 0; at < lines.length; at++) {
      const harness = build();
      const { exchange } = harness;
      for (const line of lines.slice(0, at)) harness.do(parseCommand(line));
      const copy = copyOf(exchange);
      copy.auctionOrders.perCommand = 1;
      assert.equal(stateHash(copy), stateHash(exchange));
      for (const line of lines.slice(at)) {
        harness.do(parseCommand(line));
        follow(copy, exchange, line);
        assert.equal(stateHash(copy), stateHash(exchange), `${line} after a snapshot before ${lines[at]}`);
      }
      assert.equal(exchange.symbols.tradeId[SYMBOL], 0);
      assert.deepEqual([exchange.slab.count, exchange.books[SYMBOL]?.bestBid(), exchange.deadlineUs], [2, 503, Number.POSITIVE_INFINITY]);
    }
  });

  it('that wait for one that does not come end bit by bit; orders of the next session are not among them', () => {
    const harness = new Harness().setUp(4);
    const { exchange } = harness;
    exchange.auctionOrders.perCommand = 1;
    for (const id of [1, 2, 3, 4, 6, 7]) harness.must(parseCommand(`1 new ${id} sell 1 @ 500 at-close`));
    const ended = (line: string): string[] => {
      const copy = copyOf(exchange);
      copy.auctionOrders.perCommand = 1;
      const { reports } = harness.do(parseCommand(line));
      follow(copy, exchange, line);
      assert.equal(stateHash(copy), stateHash(exchange), line);
      return reports.map(({ kind, clientOrderId, code }) => `${kind} ${clientOrderId} ${codeName(code as Code)}`);
    };
    assert.deepEqual(ended('phase closed'), ['4 1 CANCELLED_AUCTION_OVER', '1 0 OK']);
    assert.deepEqual(ended('phase pre-open'), ['4 2 CANCELLED_AUCTION_OVER', '1 0 OK']);
    // It has two records.
    assert.deepEqual(ended('1 new 5 sell 1 @ 500 at-close'), ['4 3 CANCELLED_AUCTION_OVER', '4 4 CANCELLED_AUCTION_OVER', '1 5 OK']);
    // The last one that ends is amended, which ends it; the new one keeps waiting.
    assert.deepEqual(ended('1 amend 7 1 @ 501'), ['4 6 CANCELLED_AUCTION_OVER', '4 7 CANCELLED_AUCTION_OVER', '7 7 UNKNOWN_ORDER']);
    assert.deepEqual(ended('tick'), []);
    assert.deepEqual([exchange.slab.count, exchange.waiting.count, exchange.deadlineUs], [1, 1, Number.POSITIVE_INFINITY]);
  });
});

describe('orders at the open', () => {
  ledger(
    'wait before the opening auction, take part in it, and are rejected once it is over',
    `
    phase closed
      > 0 Accepted
    phase pre-open
      > 0 Accepted
    1 new 1 buy 5 @ 500 at-open
      > 1 Accepted 1 5@500 leaves 5
    phase opening-auction
      > 0 Accepted
    2 new 1 sell 2 @ 490 at-open
      > 2 Accepted 1 2@490 leaves 2
    2 new 2 sell 1 @ 520 at-open
      > 2 Accepted 2 1@520 leaves 1
    uncross
      > 1 Fill 1 2@500 leaves 3 auction
      > 2 Fill 1 2@500 leaves 0 auction
      > 1 Cancelled 1 3@500 leaves 0 CANCELLED_AUCTION_OVER
      > 2 Cancelled 2 1@520 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 2@500
    1 new 2 buy 5 @ 500 at-open
      > 1 Rejected 2 5@500 leaves 0 AUCTION_OVER
    phase continuous
      > 0 Accepted
    1 new 3 buy 5 @ 500 at-open
      > 1 Rejected 3 5@500 leaves 0 AUCTION_OVER
    phase auction
      > 0 Accepted
    1 new 4 buy 5 @ 500 at-open
      > 1 Rejected 4 5@500 leaves 0 AUCTION_OVER`,
  );
  ledger(
    'end when trading starts without an opening auction',
    `
    phase pre-open
      > 0 Accepted
    1 new 1 buy 5 @ 500 at-open
      > 1 Accepted 1 5@500 leaves 5
    phase continuous
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted
    phase opening-auction
      > 0 Accepted
    1 new 2 buy 5 @ 500 at-open
      > 1 Accepted 2 5@500 leaves 5
    phase continuous
      > 1 Cancelled 2 5@500 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted`,
  );
});

describe('market orders of an auction', () => {
  ledger(
    'come before limit orders at their price, with the edge of the price band as their worst one',
    `
    phase closing-auction
      > 0 Accepted
    1 new 1 buy 1 @ 550
      > 1 Accepted 1 1@550 leaves 1
    2 new 1 buy 2 at-close
      > 2 Accepted 1 2@550 leaves 2
    3 new 1 buy 1 at-close
      > 3 Accepted 1 1@550 leaves 1
    2 amend 1 1 @ 550
      > 2 Amended 1 1@550 leaves 1 kept
    2 amend 1 1 @ 540
      > 2 AmendRejected 1 1@540 leaves 1 NOT_IN_AUCTION
    2 amend 1 3 @ 550
      > 2 AmendRejected 1 3@550 leaves 1 NOT_IN_AUCTION
    4 new 1 sell 2 @ 550
      > 4 Accepted 1 2@550 leaves 2
    uncross
      > 2 Fill 1 1@550 leaves 0 auction
      > 4 Fill 1 1@550 leaves 1 auction
      > 3 Fill 1 1@550 leaves 0 auction
      > 4 Fill 1 1@550 leaves 0 auction
      > 0 Accepted 2@550`,
    { ReferencePrice: 500, PriceBandPpm: 100_000 },
  );
  ledger(
    'keep their sequence before limit orders when the last and the first of them are cancelled',
    `
    phase closing-auction
      > 0 Accepted
    4 new 1 buy 1 @ 550
      > 4 Accepted 1 1@550 leaves 1
    1 new 1 buy 1 at-close
      > 1 Accepted 1 1@550 leaves 1
    2 new 1 buy 1 at-close
      > 2 Accepted 1 1@550 leaves 1
    3 new 1 buy 1 at-close
      > 3 Accepted 1 1@550 leaves 1
    3 cancel 1
      > 3 Cancelled 1 1@550 leaves 0 CANCELLED_BY_CLIENT
    1 cancel 1
      > 1 Cancelled 1 1@550 leaves 0 CANCELLED_BY_CLIENT
    3 new 2 buy 1 at-close
      > 3 Accepted 2 1@550 leaves 1
    4 new 2 sell 2 @ 550
      > 4 Accepted 2 2@550 leaves 2
    uncross
      > 2 Fill 1 1@550 leaves 0 auction
      > 4 Fill 2 1@550 leaves 1 auction
      > 3 Fill 2 1@550 leaves 0 auction
      > 4 Fill 2 1@550 leaves 0 auction
      > 0 Accepted 2@550`,
    { ReferencePrice: 500, PriceBandPpm: 100_000 },
  );
  ledger(
    'trade with each other at the reference price, whatever their surplus',
    `
    phase closing-auction
      > 0 Accepted
    1 new 1 buy 5 at-close
      > 1 Accepted 1 5@550 leaves 5
    2 new 1 sell 3 at-close
      > 2 Accepted 1 3@450 leaves 3
    uncross
      > 1 Fill 1 3@500 leaves 2 auction
      > 2 Fill 1 3@500 leaves 0 auction
      > 1 Cancelled 1 2@550 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 3@500`,
    { ReferencePrice: 500, PriceBandPpm: 100_000 },
  );
  ledger(
    'leave the price to the limits: more of them than there is to sell does not push it to their worst price',
    `
    phase closing-auction
      > 0 Accepted
    1 new 1 buy 9 at-close
      > 1 Accepted 1 9@550 leaves 9
    2 new 1 sell 3 @ 505
      > 2 Accepted 1 3@505 leaves 3
    3 new 1 buy 1 @ 507
      > 3 Accepted 1 1@507 leaves 1
    uncross
      > 1 Fill 1 3@508 leaves 6 auction
      > 2 Fill 1 3@508 leaves 0 auction
      > 1 Cancelled 1 6@550 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 3@508
    phase closing-auction
      > 0 Accepted
    1 new 2 sell 9 at-close
      > 1 Accepted 2 9@458 leaves 9
    2 new 2 buy 3 @ 495
      > 2 Accepted 2 3@495 leaves 3
    uncross
      > 3 Fill 1 1@495 leaves 0 auction
      > 1 Fill 2 1@495 leaves 8 auction
      > 2 Fill 2 3@495 leaves 0 auction
      > 1 Fill 2 3@495 leaves 5 auction
      > 1 Cancelled 2 5@458 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted 4@495`,
    { ReferencePrice: 500, PriceBandPpm: 100_000 },
  );
  ledger(
    'do not trade with each other without a reference price; without a price band their worst price is the last one',
    `
    phase closing-auction
      > 0 Accepted
    1 new 1 buy 2 at-close
      > 1 Accepted 1 2@2000 leaves 2
    2 new 1 sell 2 at-close
      > 2 Accepted 1 2@10 leaves 2
    uncross
      > 1 Cancelled 1 2@2000 leaves 0 CANCELLED_AUCTION_OVER
      > 2 Cancelled 1 2@10 leaves 0 CANCELLED_AUCTION_OVER
      > 0 Accepted`,
    { MaxPrice: 2000, TickStep: 10 },
  );
  ledger(
    'that waited get the worst price of the auction when they enter it, and end if they cannot pay it',
    `
    1 new 1 buy 2 at-close
      > 1 Accepted 1 2@550 leaves 2
    2 new 1 buy 1 at-close
      > 2 Accepted 1 1@550 leaves 1
    reference 520
      > 0 Accepted
    phase closing-auction
      > 1 Cancelled 1 2@550 leaves 0 INSUFFICIENT_FUNDS
      > 0 Accepted
    3 new 1 sell 1 @ 572
      > 3 Accepted 1 1@572 leaves 1
    uncross
      > 2 Fill 1 1@572 leaves 0 auction
      > 3 Fill 1 1@572 leaves 0 auction
      > 0 Accepted 1@572`,
    { ReferencePrice: 500, PriceBandPpm: 100_000 },
    { usd: 1100 },
  );
});
