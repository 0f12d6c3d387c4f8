/** Linked orders of which one updates the other: a fill or an amend of one reduces or ends the other. */
import { describe, it } from 'node:test';
import { ledgerOf } from './support/children-ledger.ts';

const ledger = ledgerOf(it);

describe('one updates other', () => {
  ledger(
    'a fill of the limit order reduces the stop, and the last one cancels it',
    `
    ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    2 new 1 buy 2 @ 520
      > 2 Accepted 1 2@520 leaves 2
      > 1 Fill 1 2@520 leaves 3 maker
      > 2 Fill 1 2@520 leaves 0 taker
      > 1 Amended 2 3@0 leaves 3 stop 480 CANCELLED_LINKED kept
    2 new 2 buy 9 @ 520
      > 2 Accepted 2 9@520 leaves 9
      > 1 Fill 1 3@520 leaves 0 maker
      > 2 Fill 2 3@520 leaves 6 taker
      > 1 Cancelled 2 3@0 leaves 0 stop 480 CANCELLED_LINKED`,
  );
  ledger(
    'what trades on arrival counts',
    `
    4 new 1 buy 2 @ 520
      > 4 Accepted 1 2@520 leaves 2
    ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
      > 4 Fill 1 2@520 leaves 0 maker
      > 1 Fill 1 2@520 leaves 3 taker
      > 1 Amended 2 3@0 leaves 3 stop 480 CANCELLED_LINKED kept
    4 new 2 buy 9 @ 521
      > 4 Accepted 2 9@521 leaves 9
      > 1 Fill 1 3@520 leaves 0 maker
      > 4 Fill 2 3@520 leaves 6 taker
      > 1 Cancelled 2 3@0 leaves 0 stop 480 CANCELLED_LINKED
    ouo: 1 new 3 sell 5 @ 520 & 1 new 4 sell 5 stop 480
      > 1 Accepted 3 5@520 leaves 5
      > 1 Accepted 4 5@0 leaves 5 stop 480
      > 4 Fill 2 5@521 leaves 1 maker
      > 1 Fill 3 5@521 leaves 0 taker
      > 1 Cancelled 4 5@0 leaves 0 stop 480 CANCELLED_LINKED`,
  );
  ledger(
    'the stop triggers: what it trades reduces the limit order, which stays',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    5 new 1 buy 1 @ 500 ioc
      > 5 Accepted 1 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 5 Fill 1 1@500 leaves 0 taker
    ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    4 new 2 buy 3 @ 480
      > 4 Accepted 2 3@480 leaves 3
    5 new 2 sell 1 @ 480
      > 5 Accepted 2 1@480 leaves 1
      > 4 Fill 2 1@480 leaves 2 maker
      > 5 Fill 2 1@480 leaves 0 taker
      > 1 Triggered 2 5@0 leaves 5 stop 480
      > 4 Fill 2 2@480 leaves 0 maker
      > 1 Fill 2 2@480 leaves 3 taker
      > 1 Cancelled 2 3@0 leaves 0 CANCELLED_REMAINDER
      > 1 Amended 1 3@520 leaves 3 CANCELLED_LINKED kept
    2 new 2 buy 9 @ 520
      > 2 Accepted 2 9@520 leaves 9
      > 1 Fill 1 3@520 leaves 0 maker
      > 2 Fill 2 3@520 leaves 6 taker`,
  );
  ledger(
    'a stop that triggers and trades in full cancels the limit order',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    5 new 1 buy 1 @ 500 ioc
      > 5 Accepted 1 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 5 Fill 1 1@500 leaves 0 taker
    ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    4 new 2 buy 9 @ 480
      > 4 Accepted 2 9@480 leaves 9
    5 new 2 sell 1 @ 480
      > 5 Accepted 2 1@480 leaves 1
      > 4 Fill 2 1@480 leaves 8 maker
      > 5 Fill 2 1@480 leaves 0 taker
      > 1 Triggered 2 5@0 leaves 5 stop 480
      > 4 Fill 2 5@480 leaves 3 maker
      > 1 Fill 2 5@480 leaves 0 taker
      > 1 Cancelled 1 5@520 leaves 0 CANCELLED_LINKED`,
  );
  ledger(
    'a stop-limit that rests after its trigger cancels the limit order, which could trade no earlier',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    5 new 1 buy 1 @ 500 ioc
      > 5 Accepted 1 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 5 Fill 1 1@500 leaves 0 taker
    ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480 @ 479
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@479 leaves 5 stop 480
    4 new 2 buy 3 @ 480
      > 4 Accepted 2 3@480 leaves 3
    5 new 2 sell 1 @ 480
      > 5 Accepted 2 1@480 leaves 1
      > 4 Fill 2 1@480 leaves 2 maker
      > 5 Fill 2 1@480 leaves 0 taker
      > 1 Triggered 2 5@479 leaves 5 stop 480
      > 4 Fill 2 2@480 leaves 0 maker
      > 1 Fill 2 2@480 leaves 3 taker
      > 1 Cancelled 1 5@520 leaves 0 CANCELLED_LINKED`,
  );
  ledger(
    'two stops: the first one that triggers reduces the other',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    5 new 1 buy 1 @ 500 ioc
      > 5 Accepted 1 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 5 Fill 1 1@500 leaves 0 taker
    ouo: 1 new 1 sell 5 stop 490 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@0 leaves 5 stop 490
      > 1 Accepted 2 5@0 leaves 5 stop 480
    4 new 2 buy 3 @ 490
      > 4 Accepted 2 3@490 leaves 3
    5 new 2 sell 1 @ 490
      > 5 Accepted 2 1@490 leaves 1
      > 4 Fill 2 1@490 leaves 2 maker
      > 5 Fill 2 1@490 leaves 0 taker
      > 1 Triggered 1 5@0 leaves 5 stop 490
      > 4 Fill 2 2@490 leaves 0 maker
      > 1 Fill 1 2@490 leaves 3 taker
      > 1 Cancelled 1 3@0 leaves 0 CANCELLED_REMAINDER
      > 1 Amended 2 3@0 leaves 3 stop 480 CANCELLED_LINKED kept
    1 amend 2 3 stop 470
      > 1 Amended 2 3@0 leaves 3 stop 470`,
  );
  ledger(
    'an amend to less lowers both, one to more is rejected',
    `
    ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    1 amend 1 3 @ 520
      > 1 Amended 1 3@520 leaves 3 kept
      > 1 Amended 2 3@0 leaves 3 stop 480 CANCELLED_LINKED kept
    1 amend 2 2 stop 470
      > 1 Amended 2 2@0 leaves 2 stop 470
      > 1 Amended 1 2@520 leaves 2 CANCELLED_LINKED kept
    1 amend 1 2 @ 521
      > 1 Amended 1 2@521 leaves 2
    1 amend 1 3 @ 521
      > 1 AmendRejected 1 3@521 leaves 2 LINKED_AMEND
    1 amend 2 3 stop 470
      > 1 AmendRejected 2 3@0 leaves 2 LINKED_AMEND`,
  );
  ledger(
    'cancel and expiry of one cancels the other',
    `
    at 10: ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480 gtd 90
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    1 cancel 1
      > 1 Cancelled 1 5@520 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 2 5@0 leaves 0 stop 480 CANCELLED_LINKED
    at 20: ouo: 1 new 3 sell 5 @ 520 & 1 new 4 sell 5 stop 480 gtd 90
      > 1 Accepted 3 5@520 leaves 5
      > 1 Accepted 4 5@0 leaves 5 stop 480
    at 90: tick
      > 1 Cancelled 4 5@0 leaves 0 stop 480 EXPIRED
      > 1 Cancelled 3 5@520 leaves 0 CANCELLED_LINKED`,
  );
  ledger(
    'self-trade prevention that reduces one reduces the other',
    `
    ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    1 new 3 buy 2 @ 520 gtc decrement
      > 1 Accepted 3 2@520 leaves 2
      > 1 Amended 1 3@520 leaves 3 CANCELLED_SELF_TRADE kept
      > 1 Amended 2 3@0 leaves 3 stop 480 CANCELLED_LINKED kept
      > 1 Cancelled 3 2@520 leaves 0 CANCELLED_SELF_TRADE`,
  );
  ledger(
    'trades of the limit order itself can trigger the stop',
    `
    4 new 1 buy 2 @ 485
      > 4 Accepted 1 2@485 leaves 2
    ouo: 1 new 1 sell 5 @ 470 & 1 new 2 sell 5 stop 490
      > 1 Accepted 1 5@470 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 490
      > 4 Fill 1 2@485 leaves 0 maker
      > 1 Fill 1 2@485 leaves 3 taker
      > 1 Amended 2 3@0 leaves 3 stop 490 CANCELLED_LINKED kept
      > 1 Triggered 2 3@0 leaves 3 stop 490
      > 1 Cancelled 2 3@0 leaves 0 NO_LIQUIDITY`,
  );
  ledger(
    'an uncross fills one in part, and reduces the other',
    `
    phase auction
      > 0 Accepted
    ouo: 1 new 1 sell 5 @ 510 & 1 new 2 sell 5 stop 490
      > 1 Accepted 1 5@510 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 490
    2 new 1 buy 2 @ 515
      > 2 Accepted 1 2@515 leaves 2
    uncross
      > 2 Fill 1 2@510 leaves 0 auction
      > 1 Fill 1 2@510 leaves 3 auction
      > 1 Amended 2 3@0 leaves 3 stop 490 CANCELLED_LINKED kept
      > 0 Accepted 2@510`,
  );
  ledger(
    'a stop that fails a check when it triggers leaves the limit order',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    5 new 1 buy 1 @ 500 ioc
      > 5 Accepted 1 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 5 Fill 1 1@500 leaves 0 taker
    ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    4 new 2 buy 1 @ 480
      > 4 Accepted 2 1@480 leaves 1
    5 new 2 sell 1 @ 480
      > 5 Accepted 2 1@480 leaves 1
      > 4 Fill 2 1@480 leaves 0 maker
      > 5 Fill 2 1@480 leaves 0 taker
      > 1 Triggered 2 5@0 leaves 5 stop 480
      > 1 Cancelled 2 5@0 leaves 0 NO_LIQUIDITY
    2 new 1 buy 1 @ 520
      > 2 Accepted 1 1@520 leaves 1
      > 1 Fill 1 1@520 leaves 4 maker
      > 2 Fill 1 1@520 leaves 0 taker`,
  );
  ledger(
    'both pay the fee of all that they trade, rounded once',
    `
    ouo: 1 new 1 sell 2 @ 520 & 1 new 2 sell 2 stop 480
      > 1 Accepted 1 2@520 leaves 2
      > 1 Accepted 2 2@0 leaves 2 stop 480
    2 new 1 buy 1 @ 520
      > 2 Accepted 1 1@520 leaves 1
      > 1 Fill 1 1@520 leaves 1 fee 1 maker
      > 2 Fill 1 1@520 leaves 0 fee 1 taker
      > 1 Amended 2 1@0 leaves 1 stop 480 CANCELLED_LINKED kept
    4 new 1 buy 9 @ 480
      > 4 Accepted 1 9@480 leaves 9
    5 new 1 sell 1 @ 480
      > 5 Accepted 1 1@480 leaves 1
      > 4 Fill 1 1@480 leaves 8 fee 1 maker
      > 5 Fill 1 1@480 leaves 0 fee 1 taker
      > 1 Triggered 2 1@0 leaves 1 stop 480
      > 4 Fill 1 1@480 leaves 7 maker
      > 1 Fill 2 1@480 leaves 0 taker
      > 1 Cancelled 1 1@520 leaves 0 CANCELLED_LINKED`,
    { MakerFeePpm: 1000, TakerFeePpm: 1000 },
  );
  ledger(
    'of buys, which reserve at other prices than their limit',
    `
    ouo: 1 new 1 buy 9 @ 490 & 1 new 2 buy 9 stop 520
      > 1 Accepted 1 9@490 leaves 9
      > 1 Accepted 2 9@0 leaves 9 stop 520
    2 new 1 sell 2 @ 490
      > 2 Accepted 1 2@490 leaves 2
      > 1 Fill 1 2@490 leaves 7 fee 1 maker
      > 2 Fill 1 2@490 leaves 0 fee 1 taker
      > 1 Amended 2 7@0 leaves 7 stop 520 CANCELLED_LINKED kept
    1 amend 1 6 @ 491
      > 1 Amended 1 6@491 leaves 6
      > 1 Amended 2 6@0 leaves 6 stop 520 CANCELLED_LINKED kept
    2 new 2 sell 1 @ 491
      > 2 Accepted 2 1@491 leaves 1
      > 1 Fill 1 1@491 leaves 5 fee 1 maker
      > 2 Fill 2 1@491 leaves 0 fee 1 taker
      > 1 Amended 2 5@0 leaves 5 stop 520 CANCELLED_LINKED kept
    1 amend 2 4 stop 530
      > 1 Amended 2 4@0 leaves 4 stop 530
      > 1 Amended 1 4@491 leaves 4 CANCELLED_LINKED kept`,
    { MakerFeePpm: 1000, TakerFeePpm: 1000, PriceBandPpm: 50000 },
  );
});
