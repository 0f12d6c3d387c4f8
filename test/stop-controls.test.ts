/** Stops under self-trade prevention and the operator's controls. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BTC, Harness, runLedger, tidyLedger, USD } from './support/exchange-fixture.ts';

function ledger(name: string, text: string): void {
  it(name, () => {
    const harness = new Harness().setUp(4);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
  });
}

describe('stops', () => {
  ledger(
    'self-trade prevention counts when a stop triggers',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    1 new 1 sell 2 @ 510
      > 1 Accepted 1 2@510 leaves 2
    2 new 1 sell 2 @ 520
      > 2 Accepted 1 2@520 leaves 2
    1 new 2 buy 3 stop 505 cancel-oldest
      > 1 Accepted 2 3@0 leaves 3 stop 505
    1 new 3 buy 3 stop 506 cancel-newest
      > 1 Accepted 3 3@0 leaves 3 stop 506
    3 new 1 sell 1 @ 506
      > 3 Accepted 1 1@506 leaves 1
    1 new 4 sell 1 @ 525
      > 1 Accepted 4 1@525 leaves 1
    4 new 3 buy 1 @ 506
      > 4 Accepted 3 1@506 leaves 1
      > 3 Fill 1 1@506 leaves 0 maker
      > 4 Fill 3 1@506 leaves 0 taker
      > 1 Triggered 2 3@0 leaves 3 stop 505
      > 1 Cancelled 1 2@510 leaves 0 CANCELLED_SELF_TRADE
      > 2 Fill 1 2@520 leaves 0 maker
      > 1 Fill 2 2@520 leaves 1 taker
      > 1 Cancelled 4 1@525 leaves 0 CANCELLED_SELF_TRADE
      > 1 Cancelled 2 1@0 leaves 0 CANCELLED_REMAINDER
      > 1 Triggered 3 3@0 leaves 3 stop 506
      > 1 Cancelled 3 3@0 leaves 0 NO_LIQUIDITY`,
  );
  ledger(
    'only prices that traded trigger: an own order that prevention passes is none',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    1 new 1 sell 1 @ 480
      > 1 Accepted 1 1@480 leaves 1
    2 new 1 sell 1 @ 520
      > 2 Accepted 1 1@520 leaves 1
    3 new 1 sell 1 stop 490
      > 3 Accepted 1 1@0 leaves 1 stop 490
    3 new 2 buy 1 stop 520
      > 3 Accepted 2 1@0 leaves 1 stop 520
    1 new 2 buy 1 @ 520 cancel-oldest
      > 1 Accepted 2 1@520 leaves 1
      > 1 Cancelled 1 1@480 leaves 0 CANCELLED_SELF_TRADE
      > 2 Fill 1 1@520 leaves 0 maker
      > 1 Fill 2 1@520 leaves 0 taker
      > 3 Triggered 2 1@0 leaves 1 stop 520
      > 3 Cancelled 2 1@0 leaves 0 NO_LIQUIDITY`,
  );
  ledger(
    'a kill switch cancels stops too, and none is accepted meanwhile',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    1 new 1 buy 1 stop 520
      > 1 Accepted 1 1@0 leaves 1 stop 520
    2 new 1 buy 1 stop 510
      > 2 Accepted 1 1@0 leaves 1 stop 510
    2 new 2 sell 1 @ 600
      > 2 Accepted 2 1@600 leaves 1
    kill symbol 1 on
      > 2 Cancelled 2 1@600 leaves 0 CANCELLED_KILL_SWITCH
      > 2 Cancelled 1 1@0 leaves 0 stop 510 CANCELLED_KILL_SWITCH
      > 1 Cancelled 1 1@0 leaves 0 stop 520 CANCELLED_KILL_SWITCH
      > 0 Accepted 3@0
    1 new 2 buy 1 stop 520
      > 1 Rejected 2 1@0 leaves 0 KILL_SWITCH
    kill symbol 1 off
      > 0 Accepted
    1 new 3 buy 1 stop 520
      > 1 Accepted 3 1@0 leaves 1 stop 520
    kill account 1 on
      > 1 Cancelled 3 1@0 leaves 0 stop 520 CANCELLED_KILL_SWITCH
      > 0 Accepted 1@0`,
  );
  ledger(
    'a stop counts as an open order for the limits of positions, which are checked again when it triggers',
    `
    limit 1 1 MaxPosition 5
      > 0 Accepted
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    1 new 1 buy 3 stop 510
      > 1 Accepted 1 3@0 leaves 3 stop 510
    1 new 2 buy 3 stop 511
      > 1 Rejected 2 3@0 leaves 0 POSITION_LIMIT
    1 new 3 buy 2 stop 511
      > 1 Accepted 3 2@0 leaves 2 stop 511
    4 new 3 sell 9 @ 512
      > 4 Accepted 3 9@512 leaves 9
    limit 1 1 MaxPosition 4
      > 0 Accepted
    4 new 4 buy 1 @ 512
      > 4 Accepted 4 1@512 leaves 1
      > 4 Fill 3 1@512 leaves 8 maker
      > 4 Fill 4 1@512 leaves 0 taker
      > 1 Triggered 1 3@0 leaves 3 stop 510
      > 1 Cancelled 1 3@0 leaves 0 POSITION_LIMIT
      > 1 Triggered 3 2@0 leaves 2 stop 511
      > 4 Fill 3 2@512 leaves 6 maker
      > 1 Fill 3 2@512 leaves 0 taker`,
  );
  ledger(
    'limits of commands apply to the entry and the amend of a stop, not to its trigger',
    `
    set 1 CommandsPerSecond 1
      > 0 Accepted
    set 1 CommandBurst 1
      > 0 Accepted
    at 1000: 4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    at 1000: 4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    at 1000: 1 new 1 buy 1 stop 510
      > 1 Accepted 1 1@0 leaves 1 stop 510
    at 1000: 1 new 2 buy 1 stop 510
      > 1 Rejected 2 1@0 leaves 0 THROTTLED retry +1000000
    at 1000: 1 amend 1 1 stop 511
      > 1 AmendRejected 1 1@0 leaves 1 THROTTLED retry +1000000
    at 1000: 4 new 3 sell 2 @ 511
      > 4 Accepted 3 2@511 leaves 2
    at 1000: 4 new 4 buy 1 @ 511
      > 4 Accepted 4 1@511 leaves 1
      > 4 Fill 3 1@511 leaves 1 maker
      > 4 Fill 4 1@511 leaves 0 taker
      > 1 Triggered 1 1@0 leaves 1 stop 510
      > 4 Fill 3 1@511 leaves 0 maker
      > 1 Fill 1 1@511 leaves 0 taker`,
  );
});
