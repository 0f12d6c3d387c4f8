/** Parents and children that display a part of their quantity or nothing, and other kinds of parents: docs/TRADING-RULES.md, "Orders that wait for another". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import { ledgerOf } from './support/children-ledger.ts';
import { Harness, parseCommand, SMALL_LIMITS } from './support/exchange-fixture.ts';

const ledger = ledgerOf(it);

describe('other kinds of parents and children', () => {
  ledger(
    'an iceberg as parent: each of its parts that trades makes lots live',
    `
    bracket: 1 new 1 buy 6 @ 500 show 2 & 1 new 2 sell 6 @ 520 & 1 new 3 sell 6 stop 480
      > 1 Accepted 1 6@500 leaves 6
      > 1 Accepted 2 6@520 leaves 6
      > 1 Accepted 3 6@0 leaves 6 stop 480
    2 new 1 sell 3 @ 500
      > 2 Accepted 1 3@500 leaves 3
      > 1 Fill 1 2@500 leaves 4 maker
      > 2 Fill 1 2@500 leaves 1 taker
      > 1 Fill 1 1@500 leaves 3 maker
      > 2 Fill 1 1@500 leaves 0 taker
      > 1 Amended 2 3@520 leaves 6 PARENT_FILLED
      > 1 Amended 3 3@0 leaves 6 stop 480 PARENT_FILLED
    1 amend 1 2 @ 500
      > 1 Amended 1 2@500 leaves 2 kept
      > 1 Amended 2 5@520 leaves 5 CANCELLED_PARENT kept
      > 1 Amended 3 5@0 leaves 5 stop 480 CANCELLED_PARENT kept
    1 amend 1 4 @ 500
      > 1 AmendRejected 1 4@500 leaves 2 LINKED_AMEND
    1 cancel 1
      > 1 Cancelled 1 2@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 2 3@520 leaves 3 CANCELLED_PARENT kept
      > 1 Amended 3 3@0 leaves 3 stop 480 CANCELLED_PARENT kept`,
  );
  ledger(
    'a hidden parent, and a post-only parent that rests behind the other side',
    `
    oto: 1 new 1 buy 2 @ 500 hidden & 1 new 2 sell 2 @ 520
      > 1 Accepted 1 2@500 leaves 2
      > 1 Accepted 2 2@520 leaves 2
    2 new 1 sell 1 @ 500
      > 2 Accepted 1 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 1 maker
      > 2 Fill 1 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 2 PARENT_FILLED
    1 cancel 1
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 2 1@520 leaves 1 CANCELLED_PARENT kept
    4 new 1 sell 2 @ 505
      > 4 Accepted 1 2@505 leaves 2
    oto: 1 new 3 buy 2 @ 510 gtc reprice & 1 new 4 sell 2 @ 530
      > 1 Accepted 3 2@504 leaves 2
      > 1 Accepted 4 2@530 leaves 2
    2 new 2 sell 1 @ 504
      > 2 Accepted 2 1@504 leaves 1
      > 1 Fill 3 1@504 leaves 1 maker
      > 2 Fill 2 1@504 leaves 0 taker
      > 1 Amended 4 1@530 leaves 2 PARENT_FILLED`,
  );
  ledger(
    'a trailing stop as parent: its entry follows the market down, and its children wait for it',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 2 trail 10 & 1 new 2 sell 2 @ 530 & 1 new 3 sell 2 trail 5
      > 1 Accepted 1 2@0 leaves 2 stop 510
      > 1 Accepted 2 2@530 leaves 2
      > 1 Accepted 3 2@0 leaves 2
    4 new 3 sell 1 @ 490
      > 4 Accepted 3 1@490 leaves 1
    2 new 1 buy 1 @ 490
      > 2 Accepted 1 1@490 leaves 1
      > 4 Fill 3 1@490 leaves 0 maker
      > 2 Fill 1 1@490 leaves 0 taker
    4 new 4 sell 3 @ 500
      > 4 Accepted 4 3@500 leaves 3
    2 new 2 buy 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 4 Fill 4 1@500 leaves 2 maker
      > 2 Fill 2 1@500 leaves 0 taker
      > 1 Triggered 1 2@0 leaves 2 stop 500
      > 4 Fill 4 2@500 leaves 0 maker
      > 1 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@530 leaves 2 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 2 stop 495 PARENT_FILLED`,
  );
  ledger(
    'a take-profit that displays a part: it grows as a whole, and takes from the reserve when the stop-loss trades',
    `
    bracket: 1 new 1 buy 6 @ 500 & 1 new 2 sell 6 @ 520 show 2 & 1 new 3 sell 6 stop 480
      > 1 Accepted 1 6@500 leaves 6
      > 1 Accepted 2 6@520 leaves 6
      > 1 Accepted 3 6@0 leaves 6 stop 480
    1 amend 2 6 @ 520 show 3
      > 1 Amended 2 6@520 leaves 6 kept
    1 amend 3 6 stop 480 show 3
      > 1 AmendRejected 3 6@0 leaves 6 DISPLAYED_QUANTITY
    2 new 1 sell 4 @ 500
      > 2 Accepted 1 4@500 leaves 4
      > 1 Fill 1 4@500 leaves 2 maker
      > 2 Fill 1 4@500 leaves 0 taker
      > 1 Amended 2 4@520 leaves 6 PARENT_FILLED
      > 1 Amended 3 4@0 leaves 6 stop 480 PARENT_FILLED
    4 new 1 buy 1 @ 520
      > 4 Accepted 1 1@520 leaves 1
      > 1 Fill 2 1@520 leaves 5 maker
      > 4 Fill 1 1@520 leaves 0 taker
      > 1 Amended 3 5@0 leaves 5 stop 480 CANCELLED_LINKED kept
    2 new 2 sell 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 1 maker
      > 2 Fill 2 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 5 stop 480 PARENT_FILLED
    4 new 2 buy 4 @ 520
      > 4 Accepted 2 4@520 leaves 4
      > 1 Fill 2 3@520 leaves 2 maker
      > 4 Fill 2 3@520 leaves 1 taker
      > 1 Amended 3 2@0 leaves 2 stop 480 CANCELLED_LINKED kept
      > 1 Fill 2 1@520 leaves 1 maker
      > 4 Fill 2 1@520 leaves 0 taker
      > 1 Amended 3 1@0 leaves 1 stop 480 CANCELLED_LINKED kept
    2 new 3 sell 1 @ 500
      > 2 Accepted 3 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 0 maker
      > 2 Fill 3 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 1 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 1 stop 480 PARENT_FILLED
    4 new 3 buy 1 @ 520
      > 4 Accepted 3 1@520 leaves 1
      > 1 Fill 2 1@520 leaves 0 maker
      > 4 Fill 3 1@520 leaves 0 taker
      > 1 Cancelled 3 1@0 leaves 0 stop 480 CANCELLED_LINKED`,
  );
  ledger(
    'a hidden take-profit: it waits again, and is hidden again',
    `
    oto: 1 new 1 buy 3 @ 500 & 1 new 2 sell 3 @ 520 hidden
      > 1 Accepted 1 3@500 leaves 3
      > 1 Accepted 2 3@520 leaves 3
    2 new 1 sell 1 @ 500
      > 2 Accepted 1 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 2 maker
      > 2 Fill 1 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 3 PARENT_FILLED
    4 new 1 sell 1 @ 520
      > 4 Accepted 1 1@520 leaves 1
    4 new 2 buy 2 @ 520
      > 4 Accepted 2 2@520 leaves 2
      > 4 Fill 1 1@520 leaves 0 maker
      > 4 Fill 2 1@520 leaves 1 taker
      > 1 Fill 2 1@520 leaves 2 maker
      > 4 Fill 2 1@520 leaves 0 taker
    2 new 2 sell 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 1 maker
      > 2 Fill 2 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 2 PARENT_FILLED
    4 new 3 sell 1 @ 520
      > 4 Accepted 3 1@520 leaves 1
    4 new 4 buy 1 @ 520
      > 4 Accepted 4 1@520 leaves 1
      > 4 Fill 3 1@520 leaves 0 maker
      > 4 Fill 4 1@520 leaves 0 taker
    1 cancel 2
      > 1 Cancelled 2 2@520 leaves 0 CANCELLED_BY_CLIENT`,
  );
  ledger(
    'an iceberg that trades all at once when it becomes live, and rests with the next fill',
    `
    4 new 1 sell 2 @ 505
      > 4 Accepted 1 2@505 leaves 2
    oto: 1 new 1 buy 5 @ 500 & 1 new 2 buy 5 @ 505 show 1
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@505 leaves 5
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@505 leaves 5 PARENT_FILLED
      > 4 Fill 1 2@505 leaves 0 maker
      > 1 Fill 2 2@505 leaves 3 taker
    2 new 2 sell 2 @ 500
      > 2 Accepted 2 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 1 maker
      > 2 Fill 2 2@500 leaves 0 taker
      > 1 Amended 2 2@505 leaves 3 PARENT_FILLED
    4 new 3 sell 2 @ 505
      > 4 Accepted 3 2@505 leaves 2
      > 1 Fill 2 1@505 leaves 2 maker
      > 4 Fill 3 1@505 leaves 1 taker
      > 1 Fill 2 1@505 leaves 1 maker
      > 4 Fill 3 1@505 leaves 0 taker`,
  );
  ledger(
    'a stop-limit child that is an iceberg when it triggers',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    oto: 1 new 1 buy 4 @ 500 & 1 new 2 sell 4 stop 490 @ 489 show 1
      > 1 Accepted 1 4@500 leaves 4
      > 1 Accepted 2 4@489 leaves 4 stop 490
    2 new 1 sell 4 @ 500
      > 2 Accepted 1 4@500 leaves 4
      > 1 Fill 1 4@500 leaves 0 maker
      > 2 Fill 1 4@500 leaves 0 taker
      > 1 Amended 2 4@489 leaves 4 stop 490 PARENT_FILLED
    4 new 3 buy 1 @ 490
      > 4 Accepted 3 1@490 leaves 1
    2 new 2 sell 1 @ 490
      > 2 Accepted 2 1@490 leaves 1
      > 4 Fill 3 1@490 leaves 0 maker
      > 2 Fill 2 1@490 leaves 0 taker
      > 1 Triggered 2 4@489 leaves 4 stop 490
    4 new 4 buy 3 @ 489
      > 4 Accepted 4 3@489 leaves 3
      > 1 Fill 2 1@489 leaves 3 maker
      > 4 Fill 4 1@489 leaves 2 taker
      > 1 Fill 2 1@489 leaves 2 maker
      > 4 Fill 4 1@489 leaves 1 taker
      > 1 Fill 2 1@489 leaves 1 maker
      > 4 Fill 4 1@489 leaves 0 taker`,
  );
  ledger(
    'the least that is displayed, at entry and at an amend',
    `
    oto: 1 new 1 buy 4 @ 500 & 1 new 2 sell 4 @ 520 show 1
      > 1 Rejected 1 4@500 leaves 0 LIST_REJECTED
      > 1 Rejected 2 4@520 leaves 0 DISPLAYED_QUANTITY
    oto: 1 new 3 buy 4 @ 500 & 1 new 4 sell 4 @ 520 show 2
      > 1 Accepted 3 4@500 leaves 4
      > 1 Accepted 4 4@520 leaves 4
    1 amend 4 4 @ 520 show 1
      > 1 AmendRejected 4 4@520 leaves 4 DISPLAYED_QUANTITY
    oto: 1 new 5 buy 4 @ 500 & 1 new 6 sell 4 stop 490 @ 489 show 1
      > 1 Rejected 5 4@500 leaves 0 LIST_REJECTED
      > 1 Rejected 6 4@489 leaves 0 DISPLAYED_QUANTITY`,
    { MinDisplayed: 2 },
  );
});

it('an exchange of rules 6 takes no such list', () => {
  const harness = new Harness(SMALL_LIMITS, 6).setUp(2);
  const lists = [
    'oto: 1 new 1 buy 5 @ 500 show 1 & 1 new 2 sell 5 @ 520',
    'oto: 1 new 1 buy 5 @ 500 hidden & 1 new 2 sell 5 @ 520',
    'oto: 1 new 1 buy 5 @ 500 gtc reprice & 1 new 2 sell 5 @ 520',
    'oto: 1 new 1 buy 5 trail 10 & 1 new 2 sell 5 @ 520',
    'oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 show 1',
    'oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 hidden',
  ];
  for (const line of lists)
    assert.deepEqual(
      harness.do(parseCommand(line)).reports.map(({ code }) => codeName(code)),
      ['BAD_LIST', 'BAD_LIST'],
      line,
    );
});
