/** Post-only orders that rest one step behind the other side, instead of being rejected. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stateHash } from '../engine/machine/state-rows.ts';
import type { SymbolParam } from '../engine/params.ts';
import { BTC, Harness, runLedger, tidyLedger, USD } from './support/exchange-fixture.ts';
import { copyOf } from './support/shares-fixture.ts';

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}, funds = {}): void {
  it(name, () => {
    const harness = new Harness().setUp(4, params, funds);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
    assert.equal(stateHash(copyOf(harness.exchange, harness.exchange.limits)), stateHash(harness.exchange));
  });
}

describe('post-only orders that may be repriced', () => {
  ledger(
    'rest one step behind the other side, and at their price if they would not trade',
    `
    1 new 1 sell 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 3 @ 520 gtc reprice
      > 2 Accepted 1 3@490 leaves 3
    2 new 2 buy 3 @ 480 gtc reprice
      > 2 Accepted 2 3@480 leaves 3
    3 new 1 sell 2 @ 100 gtc reprice
      > 3 Accepted 1 2@500 leaves 2
    3 new 2 buy 2 @ 510 gtc post
      > 3 Rejected 2 2@510 leaves 0 POST_ONLY_WOULD_TRADE
    4 new 1 sell 4 @ 490 ioc
      > 4 Accepted 1 4@490 leaves 4
      > 2 Fill 1 3@490 leaves 0 maker
      > 4 Fill 1 3@490 leaves 1 taker
      > 4 Cancelled 1 1@490 leaves 0 CANCELLED_REMAINDER`,
    { TickStep: 10 },
  );
  ledger(
    'are compared with the price that they were sent with when they come again',
    `
    1 new 1 sell 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 3 @ 520 gtc reprice
      > 2 Accepted 1 3@499 leaves 3
    1 cancel 1
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_BY_CLIENT
    2 new 1 buy 3 @ 520 gtc reprice
      > 2 Accepted 1 3@499 leaves 3 again
    2 new 1 buy 3 @ 499 gtc reprice
      > 2 Rejected 1 3@499 leaves 0 CLIENT_ORDER_ID_REUSED
    2 new 1 buy 3 @ 520 gtc post
      > 2 Rejected 1 3@520 leaves 0 CLIENT_ORDER_ID_REUSED
    2 amend 1 4 @ 498
      > 2 Amended 1 4@498 leaves 4`,
  );
  ledger(
    'stay post-only: an amend to a price that would trade is rejected',
    `
    1 new 1 sell 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 3 @ 520 gtc reprice
      > 2 Accepted 1 3@499 leaves 3
    2 amend 1 3 @ 500
      > 2 AmendRejected 1 3@500 leaves 3 POST_ONLY_WOULD_TRADE
    2 new 2 buy 3 @ 520 day reprice
      > 2 Accepted 2 3@499 leaves 3
    2 amend 2 3 @ 500
      > 2 AmendRejected 2 3@500 leaves 3 POST_ONLY_WOULD_TRADE`,
    { SessionEnd: 2 ** 52 },
  );
  ledger(
    'have the price band, the notional and the funds of the new price; a rejected one has its own',
    `
    1 new 1 sell 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 2 @ 600 gtc reprice
      > 2 Accepted 1 2@499 leaves 2
    2 new 2 buy 2 @ 600 gtc reprice
      > 2 Rejected 2 2@600 leaves 0 INSUFFICIENT_FUNDS
    2 cancel 1
      > 2 Cancelled 1 2@499 leaves 0 CANCELLED_BY_CLIENT
    2 new 3 buy 1 @ 500 gtc reprice
      > 2 Rejected 3 1@500 leaves 0 NOTIONAL_MIN
    1 cancel 1
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_BY_CLIENT
    3 new 1 buy 2 @ 400
      > 3 Accepted 1 2@400 leaves 2
    1 new 2 sell 3 @ 1 gtc reprice
      > 1 Rejected 2 3@1 leaves 0 PRICE_BAND
    1 new 3 sell 3 @ 401 gtc reprice
      > 1 Rejected 3 3@401 leaves 0 PRICE_BAND`,
    { ReferencePrice: 480, PriceBandPpm: 100_000, MinNotional: 500 },
    { usd: 1000 },
  );
  ledger(
    'are rejected where no price is left, and in an auction',
    `
    1 new 1 sell 5 @ 10
      > 1 Accepted 1 5@10 leaves 5
    2 new 1 buy 3 @ 20 gtc reprice
      > 2 Rejected 1 3@20 leaves 0 NO_PRICE_LEFT
    2 new 2 buy 3 @ 2000 gtc reprice
      > 2 Rejected 2 3@2000 leaves 0 PRICE_RANGE
    2 new 3 buy 3 @ 15 gtc reprice
      > 2 Rejected 3 3@15 leaves 0 TICK
    1 cancel 1
      > 1 Cancelled 1 5@10 leaves 0 CANCELLED_BY_CLIENT
    2 new 4 buy 1 @ 1000
      > 2 Accepted 4 1@1000 leaves 1
    1 new 2 sell 1 @ 10 gtc reprice
      > 1 Rejected 2 1@10 leaves 0 NO_PRICE_LEFT
    phase auction
      > 0 Accepted
    1 new 3 sell 1 @ 10 gtc reprice
      > 1 Rejected 3 1@10 leaves 0 NOT_IN_AUCTION`,
    { TickStep: 10, MaxPrice: 1000 },
  );
  ledger(
    'as icebergs, display what icebergs may',
    `
    1 new 1 buy 4 @ 500 gtc reprice show 1
      > 1 Rejected 1 4@500 leaves 0 DISPLAYED_QUANTITY
    1 new 2 buy 201 @ 500 gtc reprice show 2
      > 1 Rejected 2 201@500 leaves 0 DISPLAYED_QUANTITY
    1 new 3 buy 4 @ 500 gtc reprice show 2
      > 1 Accepted 3 4@500 leaves 4`,
    { MinDisplayed: 2 },
  );
});
