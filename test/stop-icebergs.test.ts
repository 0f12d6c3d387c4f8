/** Stop-limit orders that become icebergs or hidden orders: docs/TRADING-RULES.md, "Stops". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditBooks } from '../engine/book/book-audit.ts';
import type { SymbolParam } from '../engine/params.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import { BTC, Harness, parseCommand, runLedger, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';
import { sameFromAnySnapshot } from './support/snapshot-at-any.ts';

/** The last trade is at 500; account 4 bids below. */
const MARKET = ['4 new 1 sell 1 @ 500', '4 new 2 buy 1 @ 500 ioc'];

function prepared(params: Partial<Record<keyof typeof SymbolParam, number>>): Harness {
  const harness = new Harness().setUp(5, params);
  for (const line of MARKET) harness.do(parseCommand(line));
  return harness;
}

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}): void {
  it(name, () => {
    const harness = prepared(params);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    const { accounts, books, slab, pages, stops } = harness.exchange;
    for (const asset of [USD, BTC]) assert.equal(accounts.imbalance(asset), 0);
    const book = books[SYMBOL];
    assert.ok(book);
    auditBooks(slab, pages, [book], () => false, stops.books);
    sameFromAnySnapshot(prepared(params), text);
  });
}

describe('stops that become icebergs or hidden orders', () => {
  ledger(
    'trade as a whole when they trigger, and what is left displays a part at a time',
    `
    1 new 1 sell 10 stop 490 @ 485 show 3
      > 1 Accepted 1 10@485 leaves 10 stop 490
    4 new 3 buy 2 @ 487
      > 4 Accepted 3 2@487 leaves 2
    4 new 4 buy 1 @ 490
      > 4 Accepted 4 1@490 leaves 1
    5 new 1 sell 1 @ 490
      > 5 Accepted 1 1@490 leaves 1
      > 4 Fill 4 1@490 leaves 0 maker
      > 5 Fill 1 1@490 leaves 0 taker
      > 1 Triggered 1 10@485 leaves 10 stop 490
      > 4 Fill 3 2@487 leaves 0 maker
      > 1 Fill 1 2@487 leaves 8 taker
    5 new 2 sell 2 @ 485
      > 5 Accepted 2 2@485 leaves 2
    2 new 1 buy 6 @ 485
      > 2 Accepted 1 6@485 leaves 6
      > 1 Fill 1 3@485 leaves 5 maker
      > 2 Fill 1 3@485 leaves 3 taker
      > 5 Fill 2 2@485 leaves 0 maker
      > 2 Fill 1 2@485 leaves 1 taker
      > 1 Fill 1 1@485 leaves 4 maker
      > 2 Fill 1 1@485 leaves 0 taker
    1 amend 1 3 @ 485
      > 1 Amended 1 3@485 leaves 3 kept`,
  );
  ledger(
    'a trailing one too; its displayed quantity is amended while it waits, in its place',
    `
    1 new 1 sell 10 trail 10 limit 5 show 3
      > 1 Accepted 1 10@485 leaves 10 stop 490
    1 new 2 sell 1 stop 490 @ 485
      > 1 Accepted 2 1@485 leaves 1 stop 490
    1 amend 1 10 show 4
      > 1 AmendRejected 1 10@0 leaves 10 PRICE_RANGE
    1 amend 1 10 @ 5 show 11
      > 1 AmendRejected 1 10@5 leaves 10 DISPLAYED_QUANTITY
    1 amend 1 10 @ 5 show 4
      > 1 Amended 1 10@485 leaves 10 stop 490 kept
    1 amend 2 1 @ 485 show 1
      > 1 AmendRejected 2 1@485 leaves 1 DISPLAYED_QUANTITY
    1 amend 1 401 limit 5
      > 1 AmendRejected 1 401@5 leaves 10 DISPLAYED_QUANTITY
    reference 490
      > 0 Accepted
    4 new 3 buy 1 @ 490
      > 4 Accepted 3 1@490 leaves 1
    5 new 1 sell 1 @ 490
      > 5 Accepted 1 1@490 leaves 1
      > 4 Fill 3 1@490 leaves 0 maker
      > 5 Fill 1 1@490 leaves 0 taker
      > 1 Triggered 1 10@485 leaves 10 stop 490
      > 1 Triggered 2 1@485 leaves 1 stop 490
    2 new 1 buy 6 @ 485
      > 2 Accepted 1 6@485 leaves 6
      > 1 Fill 1 4@485 leaves 6 maker
      > 2 Fill 1 4@485 leaves 2 taker
      > 1 Fill 2 1@485 leaves 0 maker
      > 2 Fill 1 1@485 leaves 1 taker
      > 1 Fill 1 1@485 leaves 5 maker
      > 2 Fill 1 1@485 leaves 0 taker`,
  );
  ledger(
    'hidden ones stand behind what is displayed; what ends while it waits has taken no place',
    `
    1 new 1 buy 5 stop 510 @ 515 hidden
      > 1 Accepted 1 5@515 leaves 5 stop 510
    1 new 2 buy 5 stop 505 @ 515 hidden gtd 20000
      > 1 Accepted 2 5@515 leaves 5 stop 505
    at 20000: tick
      > 1 Cancelled 2 5@515 leaves 0 stop 505 EXPIRED
    4 new 3 sell 1 @ 510
      > 4 Accepted 3 1@510 leaves 1
    5 new 1 buy 1 @ 510
      > 5 Accepted 1 1@510 leaves 1
      > 4 Fill 3 1@510 leaves 0 maker
      > 5 Fill 1 1@510 leaves 0 taker
      > 1 Triggered 1 5@515 leaves 5 stop 510
    5 new 2 buy 1 @ 515
      > 5 Accepted 2 1@515 leaves 1
    2 new 1 sell 3 @ 515
      > 2 Accepted 1 3@515 leaves 3
      > 5 Fill 2 1@515 leaves 0 maker
      > 2 Fill 1 1@515 leaves 2 taker
      > 1 Fill 1 2@515 leaves 3 maker
      > 2 Fill 1 2@515 leaves 0 taker`,
  );
  ledger(
    'the displayed quantity is checked at entry; one that has no room to rest, or trades in full, leaves nothing hidden',
    `
    1 new 1 sell 101 stop 490 @ 485 show 1
      > 1 Rejected 1 101@485 leaves 0 DISPLAYED_QUANTITY
    1 new 2 sell 2 stop 490 @ 485 hidden
      > 1 Accepted 2 2@485 leaves 2 stop 490
    1 new 3 sell 4 stop 490 @ 485 show 2 now
      > 1 Accepted 3 4@485 leaves 4 stop 490
    4 new 3 buy 9 @ 490
      > 4 Accepted 3 9@490 leaves 9
    5 new 1 sell 1 @ 490
      > 5 Accepted 1 1@490 leaves 1
      > 4 Fill 3 1@490 leaves 8 maker
      > 5 Fill 1 1@490 leaves 0 taker
      > 1 Triggered 2 2@485 leaves 2 stop 490
      > 4 Fill 3 2@490 leaves 6 maker
      > 1 Fill 2 2@490 leaves 0 taker
      > 1 Triggered 3 4@485 leaves 4 stop 490
      > 4 Fill 3 4@490 leaves 2 maker
      > 1 Fill 3 4@490 leaves 0 taker`,
  );

  ledger(
    'a post-only one that would trade when it triggers rests behind the other side, if it may',
    `
    4 new 3 sell 5 @ 507
      > 4 Accepted 3 5@507 leaves 5
    1 new 1 buy 4 stop 505 @ 510 post
      > 1 Accepted 1 4@510 leaves 4 stop 505
    1 new 2 buy 4 stop 505 @ 510 show 2 gtc reprice
      > 1 Accepted 2 4@510 leaves 4 stop 505
    1 new 3 buy 4 stop 505 @ 504 gtc reprice
      > 1 Accepted 3 4@504 leaves 4 stop 505
    4 new 4 sell 1 @ 505
      > 4 Accepted 4 1@505 leaves 1
    5 new 1 buy 1 @ 505
      > 5 Accepted 1 1@505 leaves 1
      > 4 Fill 4 1@505 leaves 0 maker
      > 5 Fill 1 1@505 leaves 0 taker
      > 1 Triggered 1 4@510 leaves 4 stop 505
      > 1 Cancelled 1 4@510 leaves 0 POST_ONLY_WOULD_TRADE
      > 1 Triggered 2 4@510 leaves 4 stop 505
      > 1 Amended 2 4@506 leaves 4
      > 1 Triggered 3 4@504 leaves 4 stop 505
    2 new 1 sell 3 @ 506
      > 2 Accepted 1 3@506 leaves 3
      > 1 Fill 2 2@506 leaves 2 maker
      > 2 Fill 1 2@506 leaves 1 taker
      > 1 Fill 2 1@506 leaves 1 maker
      > 2 Fill 1 1@506 leaves 0 taker
    1 new 1 buy 4 stop 510 @ 512 gtc reprice
      > 1 Rejected 1 4@512 leaves 0 CLIENT_ORDER_ID_REUSED
    5 new 2 buy 9 @ 507 ioc
      > 5 Accepted 2 9@507 leaves 9
      > 4 Fill 3 5@507 leaves 0 maker
      > 5 Fill 2 5@507 leaves 4 taker
      > 5 Cancelled 2 4@507 leaves 0 CANCELLED_REMAINDER`,
  );
  ledger(
    'where there is no price behind the other side, it is cancelled',
    `
    1 new 1 sell 1 stop 490 @ 485 gtc reprice
      > 1 Accepted 1 1@485 leaves 1 stop 490
    reference 480
      > 0 Accepted
    1 new 2 sell 1 trail 5 limit 5 ref gtc reprice
      > 1 Accepted 2 1@470 leaves 1 stop 475 ref
    4 new 3 buy 1 @ 500
      > 4 Accepted 3 1@500 leaves 1
    reference 475
      > 0 Accepted
      > 1 Triggered 2 1@470 leaves 1 stop 475 ref
      > 1 Cancelled 2 1@470 leaves 0 NO_PRICE_LEFT`,
    { MaxPrice: 500 },
  );

  it('market data shows a displayed part under a public id of its own, and nothing of a hidden one', () => {
    const harness = prepared({});
    const shown = (line: string): unknown[] =>
      harness
        .do(parseCommand(line))
        .events.filter(({ kind }) => kind === MarketEventKind.Add)
        .map(({ price, quantity }) => [price, quantity]);
    harness.do(parseCommand('1 new 1 sell 10 stop 490 @ 485 show 3 ref'));
    harness.do(parseCommand('1 new 2 sell 10 stop 490 @ 486 hidden ref'));
    assert.deepEqual(shown('reference 490'), [[485, 3]]);
  });
});
