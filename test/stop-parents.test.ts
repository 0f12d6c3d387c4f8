/** Parents that wait for their trigger: docs/TRADING-RULES.md, "Orders that wait for another". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import { ledgerOf } from './support/children-ledger.ts';
import { Harness, parseCommand, SMALL_LIMITS } from './support/exchange-fixture.ts';

const ledger = ledgerOf(it);

describe('stops as parents', () => {
  ledger(
    'a stop as parent: its children become live with what it trades when it triggers',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 5 stop 510 & 1 new 2 sell 5 @ 530 & 1 new 3 sell 5 stop 495
      > 1 Accepted 1 5@0 leaves 5 stop 510
      > 1 Accepted 2 5@530 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 495
    4 new 3 sell 3 @ 510
      > 4 Accepted 3 3@510 leaves 3
    4 new 4 sell 9 @ 511
      > 4 Accepted 4 9@511 leaves 9
    2 new 1 buy 1 @ 510
      > 2 Accepted 1 1@510 leaves 1
      > 4 Fill 3 1@510 leaves 2 maker
      > 2 Fill 1 1@510 leaves 0 taker
      > 1 Triggered 1 5@0 leaves 5 stop 510
      > 4 Fill 3 2@510 leaves 0 maker
      > 1 Fill 1 2@510 leaves 3 taker
      > 4 Fill 4 3@511 leaves 6 maker
      > 1 Fill 1 3@511 leaves 0 taker
      > 1 Amended 2 5@530 leaves 5 PARENT_FILLED
      > 1 Amended 3 5@0 leaves 5 stop 495 PARENT_FILLED
    3 new 1 buy 2 @ 530
      > 3 Accepted 1 2@530 leaves 2
      > 4 Fill 4 2@511 leaves 4 maker
      > 3 Fill 1 2@511 leaves 0 taker
    3 new 2 buy 4 @ 495
      > 3 Accepted 2 4@495 leaves 4
    4 cancel 4
      > 4 Cancelled 4 4@511 leaves 0 CANCELLED_BY_CLIENT
    4 new 5 sell 2 @ 495
      > 4 Accepted 5 2@495 leaves 2
      > 3 Fill 2 2@495 leaves 2 maker
      > 4 Fill 5 2@495 leaves 0 taker
      > 1 Triggered 3 5@0 leaves 5 stop 495
      > 3 Fill 2 2@495 leaves 0 maker
      > 1 Fill 3 2@495 leaves 3 taker
      > 1 Cancelled 3 3@0 leaves 0 CANCELLED_REMAINDER
      > 1 Amended 2 3@530 leaves 3 CANCELLED_LINKED kept`,
  );
  ledger(
    'a stop-limit that rests after its trigger: each further fill makes as many lots live',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 5 stop 510 @ 512 & 1 new 2 sell 5 @ 530 & 1 new 3 sell 5 stop 495
      > 1 Accepted 1 5@512 leaves 5 stop 510
      > 1 Accepted 2 5@530 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 495
    4 new 3 sell 2 @ 510
      > 4 Accepted 3 2@510 leaves 2
    2 new 1 buy 1 @ 510
      > 2 Accepted 1 1@510 leaves 1
      > 4 Fill 3 1@510 leaves 1 maker
      > 2 Fill 1 1@510 leaves 0 taker
      > 1 Triggered 1 5@512 leaves 5 stop 510
      > 4 Fill 3 1@510 leaves 0 maker
      > 1 Fill 1 1@510 leaves 4 taker
      > 1 Amended 2 1@530 leaves 5 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 5 stop 495 PARENT_FILLED
    4 new 4 sell 2 @ 511
      > 4 Accepted 4 2@511 leaves 2
      > 1 Fill 1 2@512 leaves 2 maker
      > 4 Fill 4 2@512 leaves 0 taker
      > 1 Amended 2 2@530 leaves 5 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 5 stop 495 PARENT_FILLED
    4 new 5 buy 1 @ 495
      > 4 Accepted 5 1@495 leaves 1
    4 new 6 sell 1 @ 495
      > 4 Accepted 6 1@495 leaves 1
      > 1 Fill 1 1@512 leaves 1 maker
      > 4 Fill 6 1@512 leaves 0 taker
      > 1 Amended 2 1@530 leaves 5 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 5 stop 495 PARENT_FILLED
    4 cancel 5
      > 4 Cancelled 5 1@495 leaves 0 CANCELLED_BY_CLIENT
    1 cancel 1
      > 1 Cancelled 1 1@512 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 2 4@530 leaves 4 CANCELLED_PARENT kept
      > 1 Amended 3 4@0 leaves 4 stop 495 CANCELLED_PARENT kept`,
  );
  ledger(
    'what a parent that waits for its trigger has: an amend, a cancel, an end and a mass cancel concern its children',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 5 stop 510 & 1 new 2 sell 5 @ 530 & 1 new 3 sell 5 stop 495
      > 1 Accepted 1 5@0 leaves 5 stop 510
      > 1 Accepted 2 5@530 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 495
    1 amend 1 4 @ 0 stop 512
      > 1 Amended 1 4@0 leaves 4 stop 512
      > 1 Amended 2 4@530 leaves 4 CANCELLED_PARENT kept
      > 1 Amended 3 4@0 leaves 4 stop 495 CANCELLED_PARENT kept
    1 amend 1 5 @ 0
      > 1 AmendRejected 1 5@0 leaves 4 LINKED_AMEND
    1 amend 2 4 @ 525
      > 1 Amended 2 4@525 leaves 4 kept
    1 amend 3 5 @ 0 stop 490
      > 1 AmendRejected 3 5@0 leaves 4 LINKED_AMEND
    1 cancel 2
      > 1 Cancelled 2 4@525 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 3 4@0 leaves 0 stop 495 CANCELLED_LINKED
    oto: 1 new 4 buy 2 stop 510 & 1 new 5 sell 2 @ 530
      > 1 Accepted 4 2@0 leaves 2 stop 510
      > 1 Accepted 5 2@530 leaves 2
    1 cancel 4
      > 1 Cancelled 4 2@0 leaves 0 stop 510 CANCELLED_BY_CLIENT
      > 1 Cancelled 5 2@530 leaves 0 CANCELLED_PARENT
    at 10: oto: 1 new 6 buy 2 stop 510 gtd 20 & 1 new 7 sell 2 @ 530
      > 1 Accepted 6 2@0 leaves 2 stop 510
      > 1 Accepted 7 2@530 leaves 2
    at 30: tick
      > 1 Cancelled 6 2@0 leaves 0 stop 510 EXPIRED
      > 1 Cancelled 7 2@530 leaves 0 CANCELLED_PARENT
    oto: 1 new 8 buy 2 stop 510 & 1 new 9 buy 2 @ 400
      > 1 Accepted 8 2@0 leaves 2 stop 510
      > 1 Accepted 9 2@400 leaves 2
    1 mass-cancel
      > 1 MassCancelled 3 later 0
      > 1 Cancelled 8 2@0 leaves 0 stop 510 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 9 2@400 leaves 0 CANCELLED_PARENT
      > 1 Cancelled 1 4@0 leaves 0 stop 512 CANCELLED_BY_MASS_CANCEL`,
  );
  ledger(
    'what is not filled at the trigger ends its children: no price, no money, a rest that is cancelled',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    oto: 1 new 1 buy 2 stop 500 now & 1 new 2 sell 2 @ 530
      > 1 Accepted 1 2@0 leaves 2 stop 500
      > 1 Accepted 2 2@530 leaves 2
      > 1 Triggered 1 2@0 leaves 2 stop 500
      > 1 Cancelled 1 2@0 leaves 0 NO_LIQUIDITY
      > 1 Cancelled 2 2@530 leaves 0 CANCELLED_PARENT
    bracket: 1 new 3 buy 4 stop 510 & 1 new 4 sell 4 @ 530 & 1 new 5 sell 4 stop 495
      > 1 Accepted 3 4@0 leaves 4 stop 510
      > 1 Accepted 4 4@530 leaves 4
      > 1 Accepted 5 4@0 leaves 4 stop 495
    4 new 3 sell 4 @ 510
      > 4 Accepted 3 4@510 leaves 4
    2 new 1 buy 1 @ 510
      > 2 Accepted 1 1@510 leaves 1
      > 4 Fill 3 1@510 leaves 3 maker
      > 2 Fill 1 1@510 leaves 0 taker
      > 1 Triggered 3 4@0 leaves 4 stop 510
      > 4 Fill 3 3@510 leaves 0 maker
      > 1 Fill 3 3@510 leaves 1 taker
      > 1 Cancelled 3 1@0 leaves 0 CANCELLED_REMAINDER
      > 1 Amended 4 3@530 leaves 3 CANCELLED_PARENT kept
      > 1 Amended 5 3@0 leaves 3 stop 495 CANCELLED_PARENT kept
      > 1 Amended 4 3@530 leaves 3 PARENT_FILLED
      > 1 Amended 5 3@0 leaves 3 stop 495 PARENT_FILLED
    oto: 1 new 6 buy 4 stop 515 @ 520 fok & 1 new 7 sell 4 @ 530
      > 1 Accepted 6 4@520 leaves 4 stop 515
      > 1 Accepted 7 4@530 leaves 4
    4 new 4 sell 4 @ 515
      > 4 Accepted 4 4@515 leaves 4
    2 new 2 buy 1 @ 515
      > 2 Accepted 2 1@515 leaves 1
      > 4 Fill 4 1@515 leaves 3 maker
      > 2 Fill 2 1@515 leaves 0 taker
      > 1 Triggered 6 4@520 leaves 4 stop 515
      > 1 Cancelled 6 4@520 leaves 0 FOK_NOT_FILLABLE
      > 1 Cancelled 7 4@530 leaves 0 CANCELLED_PARENT`,
  );
  ledger(
    'a cascade: two parents of one stop price, and the stop-loss of the first, in the order of their turns',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 3 stop 505 & 1 new 2 sell 3 @ 540 & 1 new 3 sell 3 stop 504
      > 1 Accepted 1 3@0 leaves 3 stop 505
      > 1 Accepted 2 3@540 leaves 3
      > 1 Accepted 3 3@0 leaves 3 stop 504
    oto: 2 new 1 buy 2 stop 505 & 2 new 2 sell 2 @ 503
      > 2 Accepted 1 2@0 leaves 2 stop 505
      > 2 Accepted 2 2@503 leaves 2
    4 new 3 sell 2 @ 505
      > 4 Accepted 3 2@505 leaves 2
    4 new 4 sell 9 @ 506
      > 4 Accepted 4 9@506 leaves 9
    4 new 5 buy 9 @ 502
      > 4 Accepted 5 9@502 leaves 9
    3 new 1 buy 1 @ 505
      > 3 Accepted 1 1@505 leaves 1
      > 4 Fill 3 1@505 leaves 1 maker
      > 3 Fill 1 1@505 leaves 0 taker
      > 1 Triggered 1 3@0 leaves 3 stop 505
      > 4 Fill 3 1@505 leaves 0 maker
      > 1 Fill 1 1@505 leaves 2 taker
      > 4 Fill 4 2@506 leaves 7 maker
      > 1 Fill 1 2@506 leaves 0 taker
      > 1 Amended 2 3@540 leaves 3 PARENT_FILLED
      > 1 Amended 3 3@0 leaves 3 stop 504 PARENT_FILLED
      > 2 Triggered 1 2@0 leaves 2 stop 505
      > 4 Fill 4 2@506 leaves 5 maker
      > 2 Fill 1 2@506 leaves 0 taker
      > 2 Amended 2 2@503 leaves 2 PARENT_FILLED`,
  );
  ledger(
    'a trigger in an auction: the price of the uncross counts when continuous trading starts',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    phase opening-auction
      > 0 Accepted
    bracket: 1 new 1 buy 3 stop 505 & 1 new 2 sell 3 @ 540 & 1 new 3 sell 3 stop 495
      > 1 Accepted 1 3@0 leaves 3 stop 505
      > 1 Accepted 2 3@540 leaves 3
      > 1 Accepted 3 3@0 leaves 3 stop 495
    4 new 3 sell 2 @ 505
      > 4 Accepted 3 2@505 leaves 2
    2 new 1 buy 1 @ 505
      > 2 Accepted 1 1@505 leaves 1
    uncross
      > 2 Fill 1 1@505 leaves 0 auction
      > 4 Fill 3 1@505 leaves 1 auction
      > 0 Accepted 1@505
    4 new 4 sell 2 @ 506
      > 4 Accepted 4 2@506 leaves 2
    phase continuous
      > 0 Accepted
      > 1 Triggered 1 3@0 leaves 3 stop 505
      > 4 Fill 3 1@505 leaves 0 maker
      > 1 Fill 1 1@505 leaves 2 taker
      > 4 Fill 4 2@506 leaves 0 maker
      > 1 Fill 1 2@506 leaves 0 taker
      > 1 Amended 2 3@540 leaves 3 PARENT_FILLED
      > 1 Amended 3 3@0 leaves 3 stop 495 PARENT_FILLED`,
  );
  ledger(
    'a halt before the trigger, and one after it',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    oto: 1 new 1 buy 2 stop 505 @ 506 & 1 new 2 sell 2 @ 540
      > 1 Accepted 1 2@506 leaves 2 stop 505
      > 1 Accepted 2 2@540 leaves 2
    phase halted
      > 0 Accepted
    phase continuous
      > 0 Accepted
    4 new 3 sell 1 @ 505
      > 4 Accepted 3 1@505 leaves 1
    4 new 4 sell 1 @ 505
      > 4 Accepted 4 1@505 leaves 1
    2 new 1 buy 1 @ 505
      > 2 Accepted 1 1@505 leaves 1
      > 4 Fill 3 1@505 leaves 0 maker
      > 2 Fill 1 1@505 leaves 0 taker
      > 1 Triggered 1 2@506 leaves 2 stop 505
      > 4 Fill 4 1@505 leaves 0 maker
      > 1 Fill 1 1@505 leaves 1 taker
      > 1 Amended 2 1@540 leaves 2 PARENT_FILLED
    phase halted
      > 0 Accepted
    1 cancel 1
      > 1 Cancelled 1 1@506 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 2 1@540 leaves 1 CANCELLED_PARENT kept`,
  );
  ledger(
    'self-trade prevention at the trigger lowers the parent, and its children',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    oto: 1 new 1 buy 5 stop 505 @ 506 decrement & 1 new 2 sell 5 @ 540
      > 1 Accepted 1 5@506 leaves 5 stop 505
      > 1 Accepted 2 5@540 leaves 5
    1 new 3 sell 2 @ 506
      > 1 Accepted 3 2@506 leaves 2
    4 new 3 sell 1 @ 505
      > 4 Accepted 3 1@505 leaves 1
    4 new 4 sell 1 @ 506
      > 4 Accepted 4 1@506 leaves 1
    2 new 1 buy 1 @ 505
      > 2 Accepted 1 1@505 leaves 1
      > 4 Fill 3 1@505 leaves 0 maker
      > 2 Fill 1 1@505 leaves 0 taker
      > 1 Triggered 1 5@506 leaves 5 stop 505
      > 1 Cancelled 3 2@506 leaves 0 CANCELLED_SELF_TRADE
      > 1 Amended 1 3@506 leaves 3 CANCELLED_SELF_TRADE
      > 4 Fill 4 1@506 leaves 0 maker
      > 1 Fill 1 1@506 leaves 2 taker
      > 1 Amended 2 3@540 leaves 3 CANCELLED_PARENT kept
      > 1 Amended 2 1@540 leaves 3 PARENT_FILLED`,
  );
  ledger(
    'a volatility interruption: the rest of a stop-limit waits in the auction, and its children with it',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    oto: 1 new 1 buy 3 stop 505 @ 530 & 1 new 2 sell 3 @ 540
      > 1 Accepted 1 3@530 leaves 3 stop 505
      > 1 Accepted 2 3@540 leaves 3
    4 new 3 sell 1 @ 505
      > 4 Accepted 3 1@505 leaves 1
    4 new 4 sell 1 @ 506
      > 4 Accepted 4 1@506 leaves 1
    4 new 5 sell 2 @ 525
      > 4 Accepted 5 2@525 leaves 2
    2 new 1 buy 1 @ 505
      > 2 Accepted 1 1@505 leaves 1
      > 4 Fill 3 1@505 leaves 0 maker
      > 2 Fill 1 1@505 leaves 0 taker
      > 1 Triggered 1 3@530 leaves 3 stop 505
      > 4 Fill 4 1@506 leaves 0 maker
      > 1 Fill 1 1@506 leaves 2 taker
      > 1 Amended 2 1@540 leaves 3 PARENT_FILLED`,
    { DynamicBandPpm: 20000, VolatilityUs: 60000000 },
  );
  ledger(
    'a child that trades when it becomes live, and triggers the next parent',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    oto: 1 new 1 buy 2 stop 505 & 1 new 2 sell 2 @ 490
      > 1 Accepted 1 2@0 leaves 2 stop 505
      > 1 Accepted 2 2@490 leaves 2
    oto: 2 new 1 sell 1 stop 491 & 2 new 2 buy 1 @ 480
      > 2 Accepted 1 1@0 leaves 1 stop 491
      > 2 Accepted 2 1@480 leaves 1
    4 new 3 buy 1 @ 491
      > 4 Accepted 3 1@491 leaves 1
    4 new 4 buy 3 @ 490
      > 4 Accepted 4 3@490 leaves 3
    4 new 5 sell 3 @ 505
      > 4 Accepted 5 3@505 leaves 3
    3 new 1 buy 1 @ 505
      > 3 Accepted 1 1@505 leaves 1
      > 4 Fill 5 1@505 leaves 2 maker
      > 3 Fill 1 1@505 leaves 0 taker
      > 1 Triggered 1 2@0 leaves 2 stop 505
      > 4 Fill 5 2@505 leaves 0 maker
      > 1 Fill 1 2@505 leaves 0 taker
      > 1 Amended 2 2@490 leaves 2 PARENT_FILLED
      > 4 Fill 3 1@491 leaves 0 maker
      > 1 Fill 2 1@491 leaves 1 taker
      > 4 Fill 4 1@490 leaves 2 maker
      > 1 Fill 2 1@490 leaves 0 taker
      > 2 Triggered 1 1@0 leaves 1 stop 491
      > 4 Fill 4 1@490 leaves 1 maker
      > 2 Fill 1 1@490 leaves 0 taker
      > 2 Amended 2 1@480 leaves 1 PARENT_FILLED`,
  );
});

it('an exchange of rules 6 takes no such list', () => {
  const harness = new Harness(SMALL_LIMITS, 6).setUp(2);
  const codes = (line: string): string[] => harness.do(parseCommand(line)).reports.map(({ code }) => codeName(code));
  assert.deepEqual(codes('oto: 1 new 1 buy 5 stop 510 & 1 new 2 sell 5 @ 530'), ['BAD_LIST', 'BAD_LIST']);
  assert.deepEqual(codes('oto: 1 new 3 buy 5 @ 510 & 1 new 4 sell 5 stop 490'), ['OK', 'OK']);
});
