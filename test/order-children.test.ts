/** One triggers other: what the fills and the end of a parent do to the order that waits for them. */
import { describe, it } from 'node:test';
import { ledgerOf } from './support/children-ledger.ts';

const ledger = ledgerOf(it);

describe('one triggers other', () => {
  ledger(
    'each fill of the parent makes as many lots live; an order that grows loses its place',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
    3 new 1 sell 1 @ 520
      > 3 Accepted 1 1@520 leaves 1
    2 new 2 sell 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 2 maker
      > 2 Fill 2 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 5 PARENT_FILLED
    4 new 1 buy 3 @ 520
      > 4 Accepted 1 3@520 leaves 3
      > 3 Fill 1 1@520 leaves 0 maker
      > 4 Fill 1 1@520 leaves 2 taker
      > 1 Fill 2 2@520 leaves 3 maker
      > 4 Fill 1 2@520 leaves 0 taker`,
  );
  ledger(
    'the parent may trade on arrival: immediate-or-cancel, market, fill-or-kill',
    `
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
    oto: 1 new 1 buy 5 @ 500 ioc & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 2 Fill 1 2@500 leaves 0 maker
      > 1 Fill 1 2@500 leaves 3 taker
      > 1 Cancelled 1 3@500 leaves 0 CANCELLED_REMAINDER
      > 1 Amended 2 2@520 leaves 2 CANCELLED_PARENT kept
      > 1 Amended 2 2@520 leaves 2 PARENT_FILLED
    2 new 2 sell 2 @ 500
      > 2 Accepted 2 2@500 leaves 2
    oto: 1 new 3 buy 5 mkt & 1 new 4 sell 5 stop 480
      > 1 Accepted 3 5@0 leaves 5
      > 1 Accepted 4 5@0 leaves 5 stop 480
      > 2 Fill 2 2@500 leaves 0 maker
      > 1 Fill 3 2@500 leaves 3 taker
      > 1 Fill 2 2@520 leaves 0 maker
      > 1 Fill 3 2@520 leaves 1 taker
      > 1 Cancelled 3 1@0 leaves 0 CANCELLED_REMAINDER
      > 1 Amended 4 4@0 leaves 4 stop 480 CANCELLED_PARENT kept
      > 1 Amended 4 4@0 leaves 4 stop 480 PARENT_FILLED
    oto: 1 new 5 buy 5 @ 500 fok & 1 new 6 sell 5 @ 520
      > 1 Rejected 5 5@500 leaves 0 FOK_NOT_FILLABLE
      > 1 Rejected 6 5@520 leaves 0 LIST_REJECTED
    oto: 1 new 7 buy 5 @ 500 ioc & 1 new 8 sell 5 stop 480
      > 1 Accepted 7 5@500 leaves 5
      > 1 Accepted 8 5@0 leaves 5 stop 480
      > 1 Cancelled 7 5@500 leaves 0 CANCELLED_REMAINDER
      > 1 Cancelled 8 5@0 leaves 0 stop 480 CANCELLED_PARENT
    2 new 3 sell 9 @ 500
      > 2 Accepted 3 9@500 leaves 9
    oto: 1 new 9 buy 5 @ 500 fok & 1 new 10 sell 5 @ 520
      > 1 Accepted 9 5@500 leaves 5
      > 1 Accepted 10 5@520 leaves 5
      > 2 Fill 3 5@500 leaves 4 maker
      > 1 Fill 9 5@500 leaves 0 taker
      > 1 Amended 10 5@520 leaves 5 PARENT_FILLED`,
  );
  ledger(
    'the child may cross at once, may be a stop, and may be of the side of its parent',
    `
    3 new 1 buy 9 @ 505
      > 3 Accepted 1 9@505 leaves 9
    oto: 1 new 1 buy 5 @ 520 & 1 new 2 sell 5 @ 505
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@505 leaves 5
    2 new 1 sell 3 @ 520
      > 2 Accepted 1 3@520 leaves 3
      > 1 Fill 1 3@520 leaves 2 maker
      > 2 Fill 1 3@520 leaves 0 taker
      > 1 Amended 2 3@505 leaves 5 PARENT_FILLED
      > 1 Fill 1 2@520 leaves 0 maker
      > 1 Fill 2 2@520 leaves 3 taker
      > 3 Fill 1 1@505 leaves 8 maker
      > 1 Fill 2 1@505 leaves 2 taker
      > 1 Amended 2 2@505 leaves 2 PARENT_FILLED
      > 3 Fill 1 2@505 leaves 6 maker
      > 1 Fill 2 2@505 leaves 0 taker
    oto: 1 new 3 buy 4 @ 500 & 1 new 4 buy 4 stop 520
      > 1 Accepted 3 4@500 leaves 4
      > 1 Accepted 4 4@0 leaves 4 stop 520
    2 new 2 sell 20 @ 500
      > 2 Accepted 2 20@500 leaves 20
      > 3 Fill 1 6@505 leaves 0 maker
      > 2 Fill 2 6@505 leaves 14 taker
      > 1 Fill 3 4@500 leaves 0 maker
      > 2 Fill 2 4@500 leaves 10 taker
      > 1 Amended 4 4@0 leaves 4 stop 520 PARENT_FILLED
    4 new 2 buy 1 @ 501
      > 4 Accepted 2 1@501 leaves 1
      > 2 Fill 2 1@500 leaves 9 maker
      > 4 Fill 2 1@500 leaves 0 taker
    2 new 3 sell 3 @ 520
      > 2 Accepted 3 3@520 leaves 3
    4 new 3 buy 1 @ 520
      > 4 Accepted 3 1@520 leaves 1
      > 2 Fill 2 1@500 leaves 8 maker
      > 4 Fill 3 1@500 leaves 0 taker`,
  );
  ledger(
    'a child that traded all its live lots waits again, until its parent ends',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
    4 new 1 buy 3 @ 520
      > 4 Accepted 1 3@520 leaves 3
      > 1 Fill 2 2@520 leaves 3 maker
      > 4 Fill 1 2@520 leaves 1 taker
    1 new 2 sell 5 @ 520
      > 1 Rejected 2 5@520 leaves 0 CLIENT_ORDER_ID_REUSED
    2 new 2 sell 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@520 leaves 0 maker
      > 2 Fill 2 1@520 leaves 0 taker
    4 cancel 1
      > 4 CancelRejected 1 0@0 leaves 0 UNKNOWN_ORDER
    1 cancel 1
      > 1 Cancelled 1 3@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 2 3@520 leaves 0 CANCELLED_PARENT
    4 new 2 buy 1 @ 520
      > 4 Accepted 2 1@520 leaves 1`,
  );
  ledger(
    'cancel of the parent: of an unfilled one cancels all; of a partly filled one leaves what is live',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    1 cancel 1
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 2 5@520 leaves 0 CANCELLED_PARENT
    oto: 1 new 3 buy 5 @ 500 & 1 new 4 sell 5 @ 520
      > 1 Accepted 3 5@500 leaves 5
      > 1 Accepted 4 5@520 leaves 5
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 3 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 4 2@520 leaves 5 PARENT_FILLED
    1 cancel 3
      > 1 Cancelled 3 3@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 4 2@520 leaves 2 CANCELLED_PARENT kept
    1 amend 4 1 @ 520
      > 1 Amended 4 1@520 leaves 1 kept
    oto: 1 new 5 buy 5 @ 500 & 1 new 6 sell 5 stop 480
      > 1 Accepted 5 5@500 leaves 5
      > 1 Accepted 6 5@0 leaves 5 stop 480
    1 cancel 6
      > 1 Cancelled 6 5@0 leaves 0 stop 480 CANCELLED_BY_CLIENT
    2 new 2 sell 9 @ 500
      > 2 Accepted 2 9@500 leaves 9
      > 1 Fill 5 5@500 leaves 0 maker
      > 2 Fill 2 5@500 leaves 4 taker`,
  );
  ledger(
    'the parent ends by its time, a kill switch, a mass cancel, the dead man, a kill switch of the symbol',
    `
    at 100: oto: 1 new 1 buy 5 @ 500 gtd 200 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    at 150: 2 new 1 sell 1 @ 500
      > 2 Accepted 1 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 4 maker
      > 2 Fill 1 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 5 PARENT_FILLED
    at 200: tick
      > 1 Cancelled 1 4@500 leaves 0 EXPIRED
      > 1 Amended 2 1@520 leaves 1 CANCELLED_PARENT kept
    oto: 1 new 3 buy 5 @ 500 & 1 new 4 sell 5 @ 520 gtd 400
      > 1 Accepted 3 5@500 leaves 5
      > 1 Accepted 4 5@520 leaves 5
    at 400: tick
      > 1 Cancelled 4 5@520 leaves 0 EXPIRED
    1 cancel 3
      > 1 Cancelled 3 5@500 leaves 0 CANCELLED_BY_CLIENT
    oto: 1 new 5 buy 5 @ 500 & 1 new 6 sell 5 @ 520
      > 1 Accepted 5 5@500 leaves 5
      > 1 Accepted 6 5@520 leaves 5
    1 mass-cancel
      > 1 MassCancelled 3 later 0
      > 1 Cancelled 5 5@500 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 6 5@520 leaves 0 CANCELLED_PARENT
      > 1 Cancelled 2 1@520 leaves 0 CANCELLED_BY_MASS_CANCEL
    oto: 1 new 7 buy 5 @ 500 & 1 new 8 sell 5 @ 520
      > 1 Accepted 7 5@500 leaves 5
      > 1 Accepted 8 5@520 leaves 5
    1 mass-cancel sell
      > 1 MassCancelled 1 later 0
      > 1 Cancelled 8 5@520 leaves 0 CANCELLED_BY_MASS_CANCEL
    1 mass-cancel
      > 1 MassCancelled 1 later 0
      > 1 Cancelled 7 5@500 leaves 0 CANCELLED_BY_MASS_CANCEL
    oto: 1 new 9 buy 5 @ 500 & 1 new 10 sell 5 @ 520
      > 1 Accepted 9 5@500 leaves 5
      > 1 Accepted 10 5@520 leaves 5
    1 cancel-after 50
      > 1 CancelAfterSet 458
    +100000 tick
      > 1 MassCancelled 2 later 0 CANCELLED_AFTER
      > 1 Cancelled 9 5@500 leaves 0 CANCELLED_AFTER
      > 1 Cancelled 10 5@520 leaves 0 CANCELLED_PARENT
    oto: 1 new 11 buy 5 @ 500 & 1 new 12 sell 5 @ 520
      > 1 Accepted 11 5@500 leaves 5
      > 1 Accepted 12 5@520 leaves 5
    kill account 1 on
      > 1 Cancelled 11 5@500 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Cancelled 12 5@520 leaves 0 CANCELLED_PARENT
      > 0 Accepted 1@0
    kill account 1 off
      > 0 Accepted
    oto: 1 new 13 buy 5 @ 500 & 1 new 14 sell 5 @ 520
      > 1 Accepted 13 5@500 leaves 5
      > 1 Accepted 14 5@520 leaves 5
    2 new 2 sell 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 1 Fill 13 1@500 leaves 4 maker
      > 2 Fill 2 1@500 leaves 0 taker
      > 1 Amended 14 1@520 leaves 5 PARENT_FILLED
    kill symbol 1 on
      > 1 Cancelled 13 4@500 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Amended 14 1@520 leaves 1 CANCELLED_PARENT kept
      > 1 Cancelled 14 1@520 leaves 0 CANCELLED_KILL_SWITCH
      > 0 Accepted 2@0
    kill symbol 1 off
      > 0 Accepted
    oto: 1 new 15 buy 5 @ 500 & 1 new 16 sell 5 @ 520
      > 1 Accepted 15 5@500 leaves 5
      > 1 Accepted 16 5@520 leaves 5`,
  );
  ledger(
    'self-trade prevention ends or lowers the parent, or its child',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    1 new 3 sell 2 @ 500 cancel-oldest
      > 1 Accepted 3 2@500 leaves 2
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_SELF_TRADE
      > 1 Cancelled 2 5@520 leaves 0 CANCELLED_PARENT
    oto: 1 new 4 buy 5 @ 499 & 1 new 5 sell 5 @ 520
      > 1 Accepted 4 5@499 leaves 5
      > 1 Accepted 5 5@520 leaves 5
    1 new 6 sell 2 @ 499 decrement
      > 1 Accepted 6 2@499 leaves 2
      > 1 Amended 4 3@499 leaves 3 CANCELLED_SELF_TRADE kept
      > 1 Amended 5 3@520 leaves 3 CANCELLED_PARENT kept
      > 1 Cancelled 6 2@499 leaves 0 CANCELLED_SELF_TRADE
    2 new 1 sell 1 @ 499
      > 2 Accepted 1 1@499 leaves 1
      > 1 Fill 4 1@499 leaves 2 maker
      > 2 Fill 1 1@499 leaves 0 taker
      > 1 Amended 5 1@520 leaves 3 PARENT_FILLED
    1 new 7 buy 1 @ 520 decrement
      > 1 Accepted 7 1@520 leaves 1
      > 1 Amended 3 1@500 leaves 1 CANCELLED_SELF_TRADE kept
      > 1 Cancelled 7 1@520 leaves 0 CANCELLED_SELF_TRADE
    oto: 1 new 8 buy 5 @ 500 & 1 new 9 sell 5 @ 500 cancel-newest
      > 1 Accepted 8 5@500 leaves 5
      > 1 Accepted 9 5@500 leaves 5
      > 1 Fill 3 1@500 leaves 0 maker
      > 1 Fill 8 1@500 leaves 4 taker
      > 1 Amended 9 1@500 leaves 5 PARENT_FILLED
      > 1 Cancelled 9 5@500 leaves 0 CANCELLED_SELF_TRADE
    2 new 3 sell 1 @ 500
      > 2 Accepted 3 1@500 leaves 1
      > 1 Fill 8 1@500 leaves 3 maker
      > 2 Fill 3 1@500 leaves 0 taker`,
  );
  ledger(
    'amends: a child keeps its quantity while its parent is open, a parent may be lowered',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    1 amend 2 4 @ 520
      > 1 AmendRejected 2 4@520 leaves 5 LINKED_AMEND
    1 amend 2 5 @ 530
      > 1 Amended 2 5@530 leaves 5 kept
    1 amend 2 5 @ 530 stop 540
      > 1 AmendRejected 2 5@530 leaves 5 STOP_PRICE
    1 amend 2 5 @ 9999999
      > 1 AmendRejected 2 5@9999999 leaves 5 PRICE_RANGE
    1 amend 1 6 @ 500
      > 1 AmendRejected 1 6@500 leaves 5 LINKED_AMEND
    1 amend 1 4 @ 500
      > 1 Amended 1 4@500 leaves 4 kept
      > 1 Amended 2 4@530 leaves 4 CANCELLED_PARENT kept
    2 new 1 sell 1 @ 501
      > 2 Accepted 1 1@501 leaves 1
    1 amend 1 4 @ 501
      > 1 Amended 1 4@501 leaves 4
      > 2 Fill 1 1@501 leaves 0 maker
      > 1 Fill 1 1@501 leaves 3 taker
      > 1 Amended 2 1@530 leaves 4 PARENT_FILLED
    1 amend 2 4 @ 525
      > 1 Amended 2 4@525 leaves 4
    1 amend 2 1 @ 525
      > 1 AmendRejected 2 1@525 leaves 4 LINKED_AMEND
    1 amend 1 2 @ 501
      > 1 Amended 1 2@501 leaves 2 kept
      > 1 Amended 2 3@525 leaves 3 CANCELLED_PARENT kept
    oto: 1 new 3 buy 5 @ 500 & 1 new 4 sell 5 stop 480
      > 1 Accepted 3 5@500 leaves 5
      > 1 Accepted 4 5@0 leaves 5 stop 480
    1 amend 4 5 @ 470 stop 475
      > 1 AmendRejected 4 5@470 leaves 5 PRICE_RANGE
    1 amend 4 5 @ 470
      > 1 AmendRejected 4 5@470 leaves 5 PRICE_RANGE
    1 amend 4 5 stop 470
      > 1 Amended 4 5@0 leaves 5 stop 470 kept`,
  );
  ledger(
    'what cannot be paid, or the phase or the band does not allow, is cancelled with its code',
    `
    oto: 1 new 1 sell 5 @ 500 & 1 new 2 buy 5 @ 490
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@490 leaves 5
    1 new 3 buy 1996000 @ 500
      > 1 Accepted 3 1996000@500 leaves 1996000
      > 1 Fill 1 5@500 leaves 0 maker
      > 1 Fill 3 5@500 leaves 1995995 taker
      > 1 Amended 2 5@490 leaves 5 PARENT_FILLED
    2 new 1 buy 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
    1 cancel 3
      > 1 Cancelled 3 1995995@500 leaves 0 CANCELLED_BY_CLIENT
    oto: 1 new 4 buy 5 @ 500 & 1 new 5 sell 5 @ 520 post
      > 1 Accepted 4 5@500 leaves 5
      > 1 Accepted 5 5@520 leaves 5
    phase auction
      > 0 Accepted
    2 new 2 sell 5 @ 500
      > 2 Accepted 2 5@500 leaves 5
    uncross
      > 2 Fill 1 2@500 leaves 0 auction self-trade
      > 2 Fill 2 2@500 leaves 3 auction self-trade
      > 1 Fill 4 3@500 leaves 2 auction
      > 2 Fill 2 3@500 leaves 0 auction
      > 0 Accepted 5@500
      > 1 Cancelled 5 5@520 leaves 0 NOT_IN_AUCTION
    oto: 1 new 6 buy 5 @ 500 & 1 new 7 sell 5 @ 520
      > 1 Accepted 6 5@500 leaves 5
      > 1 Accepted 7 5@520 leaves 5
    2 new 3 sell 2 @ 500
      > 2 Accepted 3 2@500 leaves 2
    uncross
      > 1 Fill 4 2@500 leaves 0 auction
      > 2 Fill 3 2@500 leaves 0 auction
      > 0 Accepted 2@500
    phase continuous
      > 0 Accepted
    4 new 1 buy 9 @ 520
      > 4 Accepted 1 9@520 leaves 9`,
    {},
  );
  ledger(
    'auctions: the lots of an uncross are live after it',
    `
    phase auction
      > 0 Accepted
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    oto: 1 new 3 buy 5 mkt & 1 new 4 sell 5 @ 520
      > 1 Rejected 3 5@0 leaves 0 NOT_IN_AUCTION
      > 1 Rejected 4 5@520 leaves 0 LIST_REJECTED
    2 new 1 sell 3 @ 490
      > 2 Accepted 1 3@490 leaves 3
    uncross
      > 1 Fill 1 3@500 leaves 2 auction
      > 2 Fill 1 3@500 leaves 0 auction
      > 0 Accepted 3@500
      > 1 Amended 2 3@520 leaves 5 PARENT_FILLED
    phase continuous
      > 0 Accepted
    1 cancel 1
      > 1 Cancelled 1 2@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 2 3@520 leaves 3 CANCELLED_PARENT kept`,
  );
  ledger(
    'the trigger of a stop cancels the rest of its parent first',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@0 leaves 5 stop 480 PARENT_FILLED
    1 amend 1 3 @ 470
      > 1 Amended 1 3@470 leaves 3
    4 new 1 buy 9 @ 478
      > 4 Accepted 1 9@478 leaves 9
    2 new 2 sell 1 @ 478
      > 2 Accepted 2 1@478 leaves 1
      > 4 Fill 1 1@478 leaves 8 maker
      > 2 Fill 2 1@478 leaves 0 taker
      > 1 Triggered 2 5@0 leaves 5 stop 480
      > 1 Cancelled 1 3@470 leaves 0 CANCELLED_LINKED
      > 1 Amended 2 2@0 leaves 2 stop 480 CANCELLED_PARENT kept
      > 4 Fill 1 2@478 leaves 6 maker
      > 1 Fill 2 2@478 leaves 0 taker`,
  );
  ledger(
    'a list sent again is answered as its orders are now',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 5 again
      > 1 Accepted 2 5@520 leaves 5 again
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Accepted 1 5@500 leaves 3 again
      > 1 Accepted 2 5@520 leaves 5 again
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 3 again
      > 1 Rejected 2 5@0 leaves 0 CLIENT_ORDER_ID_REUSED
    oto: 1 new 8 buy 5 @ 500 & 1 new 2 sell 5 @ 520
      > 1 Rejected 8 5@500 leaves 0 LIST_REJECTED
      > 1 Accepted 2 5@520 leaves 5 again`,
  );
  ledger(
    'all are accepted or none',
    `
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 gtd 1
      > 1 Rejected 1 5@500 leaves 0 LIST_REJECTED
      > 1 Rejected 2 5@520 leaves 0 EXPIRY_PAST
    oto: 1 new 3 buy 5000000 @ 500 & 1 new 4 sell 5000000 @ 520
      > 1 Rejected 3 5000000@500 leaves 0 INSUFFICIENT_FUNDS
      > 1 Rejected 4 5000000@520 leaves 0 LIST_REJECTED`,
  );
});
