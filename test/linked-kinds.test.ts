/** Lists with trailing stops, icebergs and hidden orders: docs/TRADING-RULES.md, "Linked orders". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditBooks } from '../engine/book/book-audit.ts';
import type { SymbolParam } from '../engine/params.ts';
import { BTC, Harness, parseCommand, runLedger, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';
import { sameFromAnySnapshot } from './support/snapshot-at-any.ts';

/** The last trade is at 500. */
const MARKET = ['4 new 1 sell 1 @ 500', '4 new 2 buy 1 @ 500 ioc'];

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}): void {
  it(name, () => {
    const [harness, again] = [new Harness().setUp(5, params), new Harness().setUp(5, params)];
    for (const each of [harness, again]) for (const line of MARKET) each.do(parseCommand(line));
    assert.equal(runLedger(harness, text), tidyLedger(text));
    const { accounts, books, slab, pages, stops } = harness.exchange;
    for (const asset of [USD, BTC]) assert.equal(accounts.imbalance(asset), 0);
    const book = books[SYMBOL];
    assert.ok(book);
    auditBooks(slab, pages, [book], () => false, stops.books);
    sameFromAnySnapshot(again, text);
  });
}

describe('lists of other kinds', () => {
  ledger(
    'a take-profit iceberg and a trailing stop: each part that trades reduces the stop, which takes from the reserve first',
    `
    ouo: 1 new 1 sell 10 @ 520 show 3 & 1 new 2 sell 10 trail 20
      > 1 Accepted 1 10@520 leaves 10
      > 1 Accepted 2 10@0 leaves 10 stop 480
    2 new 1 buy 4 @ 520
      > 2 Accepted 1 4@520 leaves 4
      > 1 Fill 1 3@520 leaves 7 maker
      > 2 Fill 1 3@520 leaves 1 taker
      > 1 Amended 2 7@0 leaves 7 stop 480 CANCELLED_LINKED kept
      > 1 Fill 1 1@520 leaves 6 maker
      > 2 Fill 1 1@520 leaves 0 taker
      > 1 Amended 2 6@0 leaves 6 stop 480 CANCELLED_LINKED kept
    1 amend 2 4 trail 20
      > 1 Amended 2 4@0 leaves 4 stop 500 kept
      > 1 Amended 1 4@520 leaves 4 CANCELLED_LINKED kept
    1 amend 2 5 trail 20
      > 1 AmendRejected 2 5@0 leaves 4 LINKED_AMEND
    1 amend 2 1 trail 25
      > 1 Amended 2 1@0 leaves 1 stop 495
      > 1 Amended 1 1@520 leaves 1 CANCELLED_LINKED kept
    3 new 1 buy 9 @ 490
      > 3 Accepted 1 9@490 leaves 9
    4 new 3 buy 1 @ 495
      > 4 Accepted 3 1@495 leaves 1
    5 new 1 sell 1 @ 495
      > 5 Accepted 1 1@495 leaves 1
      > 4 Fill 3 1@495 leaves 0 maker
      > 5 Fill 1 1@495 leaves 0 taker
      > 1 Triggered 2 1@0 leaves 1 stop 495
      > 3 Fill 1 1@490 leaves 8 maker
      > 1 Fill 2 1@490 leaves 0 taker
      > 1 Cancelled 1 1@520 leaves 0 CANCELLED_LINKED`,
  );
  ledger(
    'the first part of an iceberg that trades cancels the stop, and the iceberg goes on',
    `
    oco: 1 new 1 sell 9 @ 520 show 2 & 1 new 2 sell 9 trail 20 limit 2 from 510 reports
      > 1 Accepted 1 9@520 leaves 9
      > 1 Accepted 2 9@488 leaves 9 stop 490
    2 new 1 buy 2 @ 520
      > 2 Accepted 1 2@520 leaves 2
      > 1 Fill 1 2@520 leaves 7 maker
      > 2 Fill 1 2@520 leaves 0 taker
      > 1 Cancelled 2 9@488 leaves 0 stop 490 CANCELLED_LINKED
    2 new 2 buy 9 @ 520
      > 2 Accepted 2 9@520 leaves 9
      > 1 Fill 1 2@520 leaves 5 maker
      > 2 Fill 2 2@520 leaves 7 taker
      > 1 Fill 1 2@520 leaves 3 maker
      > 2 Fill 2 2@520 leaves 5 taker
      > 1 Fill 1 2@520 leaves 1 maker
      > 2 Fill 2 2@520 leaves 3 taker
      > 1 Fill 1 1@520 leaves 0 maker
      > 2 Fill 2 1@520 leaves 2 taker`,
  );
  ledger(
    'a hidden order and a trailing stop end with each other; two icebergs on both sides of the market as well',
    `
    oco: 1 new 1 buy 5 @ 490 hidden & 1 new 2 buy 5 trail 10
      > 1 Accepted 1 5@490 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 510
    1 cancel 2
      > 1 Cancelled 2 5@0 leaves 0 stop 510 CANCELLED_BY_CLIENT
      > 1 Cancelled 1 5@490 leaves 0 CANCELLED_LINKED
    oco: 1 new 3 buy 6 @ 490 show 2 & 1 new 4 sell 6 @ 510 show 3
      > 1 Accepted 3 6@490 leaves 6
      > 1 Accepted 4 6@510 leaves 6
    2 new 1 sell 3 @ 490
      > 2 Accepted 1 3@490 leaves 3
      > 1 Fill 3 2@490 leaves 4 maker
      > 2 Fill 1 2@490 leaves 1 taker
      > 1 Cancelled 4 6@510 leaves 0 CANCELLED_LINKED
      > 1 Fill 3 1@490 leaves 3 maker
      > 2 Fill 1 1@490 leaves 0 taker
    oco: 1 new 5 buy 6 @ 480 hidden & 1 new 6 sell 6 @ 510 hidden
      > 1 Accepted 5 6@480 leaves 6
      > 1 Accepted 6 6@510 leaves 6
    1 mass-cancel
      > 1 MassCancelled 3 later 0
      > 1 Cancelled 3 3@490 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 5 6@480 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 6 6@510 leaves 0 CANCELLED_LINKED`,
  );
  ledger(
    'one reservation serves both; a list that has no price to follow is rejected, and its ids can be used again',
    `
    oco: 1 new 1 buy 10 @ 490 show 5 & 1 new 2 buy 10 trail 10
      > 1 Accepted 1 10@490 leaves 10
      > 1 Accepted 2 10@0 leaves 10 stop 510
    oco: 1 new 1 buy 10 @ 490 show 5 & 1 new 2 buy 10 trail 10
      > 1 Accepted 1 10@490 leaves 10 again
      > 1 Accepted 2 10@0 leaves 10 stop 510 again
    oco: 1 new 3 buy 10 @ 490 show 11 & 1 new 4 buy 10 trail 10
      > 1 Rejected 3 10@490 leaves 0 DISPLAYED_QUANTITY
      > 1 Rejected 4 10@0 leaves 0 LIST_REJECTED
    oco: 1 new 5 sell 10 @ 520 & 1 new 6 sell 10 trail 500
      > 1 Rejected 5 10@520 leaves 0 LIST_REJECTED
      > 1 Rejected 6 10@0 leaves 0 TRAIL_OFFSET
    phase auction
      > 0 Accepted
    2 new 1 sell 1 stop 500 now
      > 2 Accepted 1 1@0 leaves 1 stop 500
    oco: 1 new 7 sell 10 @ 520 & 1 new 8 sell 10 trail 20
      > 1 Rejected 7 10@520 leaves 0 LIST_REJECTED
      > 1 Rejected 8 10@0 leaves 0 TRAIL_UNAVAILABLE
    2 cancel 1
      > 2 Cancelled 1 1@0 leaves 0 stop 500 CANCELLED_BY_CLIENT
    oco: 1 new 7 sell 10 @ 520 & 1 new 8 sell 10 trail 20
      > 1 Accepted 7 10@520 leaves 10
      > 1 Accepted 8 10@0 leaves 10 stop 480`,
  );

  it('reserves what the dearer of both needs, also after an amend of the offset', () => {
    const harness = new Harness().setUp(2, {}, { usd: 10_000 });
    for (const line of ['2 new 1 sell 1 @ 500', '2 new 2 buy 1 @ 500 ioc']) harness.do(parseCommand(line));
    const free = (): number => {
      const { accounts } = harness.exchange;
      return accounts.balances[accounts.balanceAt(1, USD)];
    };
    const before = free();
    harness.do(parseCommand('ouo: 1 new 1 buy 10 @ 490 show 5 & 1 new 2 buy 10 trail 10'));
    assert.equal(before - free(), 10 * 510);
    harness.do(parseCommand('1 amend 2 10 trail 30'));
    assert.equal(before - free(), 10 * 530);
    harness.do(parseCommand('1 amend 1 6 @ 490'));
    assert.equal(before - free(), 6 * 530);
    harness.do(parseCommand('1 cancel 2'));
    assert.equal(free(), before);
  });
});
