/** Features together, of which each has tests of its own. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BTC, Harness, runLedger, tidyLedger, USD } from './support/exchange-fixture.ts';

function ledger(name: string, params: Parameters<Harness['setUp']>[1], text: string): void {
  it(name, () => {
    const harness = new Harness().setUp(4, params);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
  });
}

ledger(
  'a quote inside the band trades, an iceberg outside of it interrupts; the auction takes what the iceberg does not display',
  { ReferencePrice: 500, DynamicBandPpm: 20_000, VolatilityUs: 5_000_000 },
  `
  1 quote 5 @ 495 / 5 @ 505
    > 1 Accepted bid 5@495 leaves 5
    > 1 Accepted ask 5@505 leaves 5
  2 new 1 sell 25 @ 511 show 10
    > 2 Accepted 1 25@511 leaves 25
  3 new 1 buy 20 @ 515
    > 3 Accepted 1 20@515 leaves 20
    > 1 Fill ask 5@505 leaves 0 maker
    > 3 Fill 1 5@505 leaves 15 taker
  uncross
    > 3 Fill 1 15@511 leaves 0 auction
    > 2 Fill 1 15@511 leaves 10 auction
    > 0 Accepted 15@511
  phase continuous
    > 0 Accepted
  3 new 2 buy 3 @ 511
    > 3 Accepted 2 3@511 leaves 3
    > 2 Fill 1 3@511 leaves 7 maker
    > 3 Fill 2 3@511 leaves 0 taker`,
);

ledger(
  'an uncross fills one of two orders that update each other: the stop is lowered, and triggers later with what is left',
  { ReferencePrice: 500 },
  `
  ouo: 1 new 1 sell 5 @ 505 & 1 new 2 sell 5 stop 490
    > 1 Accepted 1 5@505 leaves 5
    > 1 Accepted 2 5@0 leaves 5 stop 490
  phase auction
    > 0 Accepted
  2 new 1 buy 3 @ 506
    > 2 Accepted 1 3@506 leaves 3
  uncross
    > 2 Fill 1 3@505 leaves 0 auction
    > 1 Fill 1 3@505 leaves 2 auction
    > 1 Amended 2 2@0 leaves 2 stop 490 CANCELLED_LINKED kept
    > 0 Accepted 3@505
  phase continuous
    > 0 Accepted
  2 new 2 buy 4 @ 480
    > 2 Accepted 2 4@480 leaves 4
  2 new 3 sell 1 @ 490
    > 2 Accepted 3 1@490 leaves 1
  3 new 1 buy 1 @ 490
    > 3 Accepted 1 1@490 leaves 1
    > 2 Fill 3 1@490 leaves 0 maker
    > 3 Fill 1 1@490 leaves 0 taker
    > 1 Triggered 2 2@0 leaves 2 stop 490
    > 2 Fill 2 2@480 leaves 2 maker
    > 1 Fill 2 2@480 leaves 0 taker
    > 1 Cancelled 1 2@505 leaves 0 CANCELLED_LINKED`,
);
