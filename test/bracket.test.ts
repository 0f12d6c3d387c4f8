/** Brackets: a parent, take-profit and stop-loss, which become live with its fills and update each other. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { audit, ledgerOf } from './support/children-ledger.ts';
import { Harness, runLedger, tidyLedger } from './support/exchange-fixture.ts';

const ledger = ledgerOf(it);

describe('brackets', () => {
  ledger(
    'each fill makes both children live, and a fill of one reduces the other',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 5 stop 480 PARENT_FILLED
    4 new 1 buy 1 @ 520
      > 4 Accepted 1 1@520 leaves 1
      > 1 Fill 2 1@520 leaves 4 maker
      > 4 Fill 1 1@520 leaves 0 taker
      > 1 Amended 3 4@0 leaves 4 stop 480 CANCELLED_LINKED kept
    2 new 2 sell 3 @ 500
      > 2 Accepted 2 3@500 leaves 3
      > 1 Fill 1 3@500 leaves 0 maker
      > 2 Fill 2 3@500 leaves 0 taker
      > 1 Amended 2 3@520 leaves 4 PARENT_FILLED
      > 1 Amended 3 3@0 leaves 4 stop 480 PARENT_FILLED
    4 new 2 buy 4 @ 520
      > 4 Accepted 2 4@520 leaves 4
      > 1 Fill 2 4@520 leaves 0 maker
      > 4 Fill 2 4@520 leaves 0 taker
      > 1 Cancelled 3 4@0 leaves 0 stop 480 CANCELLED_LINKED`,
  );
  ledger(
    'both wait again when the take-profit has traded all that is live',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 5 stop 480 PARENT_FILLED
    4 new 1 buy 3 @ 520
      > 4 Accepted 1 3@520 leaves 3
      > 1 Fill 2 2@520 leaves 3 maker
      > 4 Fill 1 2@520 leaves 1 taker
      > 1 Amended 3 3@0 leaves 3 stop 480 CANCELLED_LINKED kept
    4 cancel 1
      > 4 Cancelled 1 1@520 leaves 0 CANCELLED_BY_CLIENT
    2 new 2 sell 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 2 maker
      > 2 Fill 2 1@500 leaves 0 taker
      > 1 Amended 2 1@520 leaves 3 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 3 stop 480 PARENT_FILLED
    1 cancel 1
      > 1 Cancelled 1 2@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 2 1@520 leaves 1 CANCELLED_PARENT kept
      > 1 Amended 3 1@0 leaves 1 stop 480 CANCELLED_PARENT kept
    4 new 2 buy 1 @ 520
      > 4 Accepted 2 1@520 leaves 1
      > 1 Fill 2 1@520 leaves 0 maker
      > 4 Fill 2 1@520 leaves 0 taker
      > 1 Cancelled 3 1@0 leaves 0 stop 480 CANCELLED_LINKED`,
  );
  ledger(
    'a take-profit that trades with its own parent, and ends it, leaves the stop-loss its lots',
    `
    bracket: 1 new 1 buy 4 @ 500 & 1 new 2 sell 4 @ 520 & 1 new 3 sell 4 stop 480
      > 1 Accepted 1 4@500 leaves 4
      > 1 Accepted 2 4@520 leaves 4
      > 1 Accepted 3 4@0 leaves 4 stop 480
    1 amend 2 4 @ 490
      > 1 Amended 2 4@490 leaves 4 kept
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 2 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@490 leaves 4 PARENT_FILLED
      > 1 Fill 1 2@500 leaves 0 maker
      > 1 Fill 2 2@500 leaves 2 taker
      > 1 Amended 2 2@490 leaves 2 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 2 stop 480 PARENT_FILLED
    4 new 1 buy 1 @ 490
      > 4 Accepted 1 1@490 leaves 1
      > 1 Fill 2 1@490 leaves 1 maker
      > 4 Fill 1 1@490 leaves 0 taker
      > 1 Amended 3 1@0 leaves 1 stop 480 CANCELLED_LINKED kept
    1 cancel 3
      > 1 Cancelled 3 1@0 leaves 0 stop 480 CANCELLED_BY_CLIENT
      > 1 Cancelled 2 1@490 leaves 0 CANCELLED_LINKED`,
  );
  ledger(
    'a parent that is amended to less, and trades to its end with it: its children lose what it lost',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    2 new 1 sell 2 @ 510
      > 2 Accepted 1 2@510 leaves 2
    1 amend 1 2 @ 510
      > 1 Amended 1 2@510 leaves 2
      > 2 Fill 1 2@510 leaves 0 maker
      > 1 Fill 1 2@510 leaves 0 taker
      > 1 Amended 2 2@520 leaves 2 CANCELLED_PARENT kept
      > 1 Amended 3 2@0 leaves 2 stop 480 CANCELLED_PARENT kept
      > 1 Amended 2 2@520 leaves 2 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 2 stop 480 PARENT_FILLED`,
  );
  ledger(
    'a parent that is amended through its take-profit: the stop-loss has as many lots',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 5 stop 480 PARENT_FILLED
    1 amend 1 3 @ 530
      > 1 Amended 1 3@530 leaves 3
      > 1 Fill 2 2@520 leaves 3 maker
      > 1 Fill 1 2@520 leaves 1 taker
      > 1 Amended 3 3@0 leaves 3 stop 480 CANCELLED_LINKED kept
      > 1 Amended 2 2@520 leaves 3 PARENT_FILLED
      > 1 Fill 1 1@530 leaves 0 maker
      > 1 Fill 2 1@530 leaves 2 taker
      > 1 Amended 3 1@0 leaves 2 stop 480 PARENT_FILLED
      > 1 Amended 2 1@520 leaves 2 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 2 stop 480 PARENT_FILLED
    4 new 1 buy 1 @ 520
      > 4 Accepted 1 1@520 leaves 1
      > 1 Fill 2 1@520 leaves 1 maker
      > 4 Fill 1 1@520 leaves 0 taker
      > 1 Amended 3 1@0 leaves 1 stop 480 CANCELLED_LINKED kept`,
  );
  it('a take-profit that trades and cannot rest leaves the stop-loss what it did not trade', () => {
    const harness = new Harness().setUp(5);
    harness.exchange.pages.limit = 1;
    const text = `
    4 new 1 buy 1 @ 494
      > 4 Accepted 1 1@494 leaves 1
    4 new 2 buy 1 @ 450
      > 4 Accepted 2 1@450 leaves 1
    bracket: 1 new 1 buy 3 @ 500 & 1 new 2 sell 3 @ 580 & 1 new 3 sell 3 stop 430
      > 1 Accepted 1 3@500 leaves 3
      > 1 Accepted 2 3@580 leaves 3
      > 1 Accepted 3 3@0 leaves 3 stop 430
    1 amend 2 3 @ 494
      > 1 Amended 2 3@494 leaves 3 kept
    2 new 1 sell 3 @ 500
      > 2 Accepted 1 3@500 leaves 3
      > 1 Fill 1 3@500 leaves 0 maker
      > 2 Fill 1 3@500 leaves 0 taker
      > 1 Amended 2 3@494 leaves 3 PARENT_FILLED
      > 4 Fill 1 1@494 leaves 0 maker
      > 1 Fill 2 1@494 leaves 2 taker
      > 1 Cancelled 2 2@494 leaves 0 LEVELS_FULL
      > 1 Amended 3 2@0 leaves 2 stop 430 PARENT_FILLED`;
    assert.equal(runLedger(harness, text), tidyLedger(text));
    audit(harness);
  });
  ledger(
    'what the take-profit trades when it becomes live counts for the fee of both',
    `
    bracket: 1 new 1 buy 2 @ 500 & 1 new 2 sell 2 @ 520 & 1 new 3 sell 2 stop 480
      > 1 Accepted 1 2@500 leaves 2
      > 1 Accepted 2 2@520 leaves 2
      > 1 Accepted 3 2@0 leaves 2 stop 480
    1 amend 2 2 @ 490
      > 1 Amended 2 2@490 leaves 2 kept
    4 new 1 buy 1 @ 495
      > 4 Accepted 1 1@495 leaves 1
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 0 maker
      > 2 Fill 1 2@500 leaves 0 fee 1 taker
      > 1 Amended 2 2@490 leaves 2 PARENT_FILLED
      > 4 Fill 1 1@495 leaves 0 maker
      > 1 Fill 2 1@495 leaves 1 fee 1 taker
      > 1 Amended 3 1@0 leaves 1 stop 480 PARENT_FILLED
    4 new 2 buy 2 @ 479
      > 4 Accepted 2 2@479 leaves 2
    2 new 2 sell 1 @ 479
      > 2 Accepted 2 1@479 leaves 1
      > 4 Fill 2 1@479 leaves 1 maker
      > 2 Fill 2 1@479 leaves 0 fee 1 taker
      > 1 Triggered 3 1@0 leaves 1 stop 480
      > 4 Fill 2 1@479 leaves 0 maker
      > 1 Fill 3 1@479 leaves 0 taker
      > 1 Cancelled 2 1@490 leaves 0 CANCELLED_LINKED`,
    { TakerFeePpm: 500 },
  );
  ledger(
    'the stop-loss triggers: the rest of the parent is cancelled, what it trades reduces the take-profit',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    2 new 1 sell 3 @ 500
      > 2 Accepted 1 3@500 leaves 3
      > 1 Fill 1 3@500 leaves 2 maker
      > 2 Fill 1 3@500 leaves 0 taker
      > 1 Amended 2 3@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 3@0 leaves 5 stop 480 PARENT_FILLED
    1 amend 1 2 @ 470
      > 1 Amended 1 2@470 leaves 2
    4 new 1 buy 2 @ 475
      > 4 Accepted 1 2@475 leaves 2
    2 new 2 sell 1 @ 475
      > 2 Accepted 2 1@475 leaves 1
      > 4 Fill 1 1@475 leaves 1 maker
      > 2 Fill 2 1@475 leaves 0 taker
      > 1 Triggered 3 5@0 leaves 5 stop 480
      > 1 Cancelled 1 2@470 leaves 0 CANCELLED_LINKED
      > 1 Amended 2 3@520 leaves 3 CANCELLED_PARENT kept
      > 1 Amended 3 3@0 leaves 3 stop 480 CANCELLED_PARENT kept
      > 4 Fill 1 1@475 leaves 0 maker
      > 1 Fill 3 1@475 leaves 2 taker
      > 1 Cancelled 3 2@0 leaves 0 CANCELLED_REMAINDER
      > 1 Amended 2 2@520 leaves 2 CANCELLED_LINKED kept
    4 new 2 buy 9 @ 520
      > 4 Accepted 2 9@520 leaves 9
      > 1 Fill 2 2@520 leaves 0 maker
      > 4 Fill 2 2@520 leaves 7 taker`,
  );
  ledger(
    'a stop-loss whose condition holds when it becomes live triggers at once',
    `
    2 new 1 sell 5 @ 500
      > 2 Accepted 1 5@500 leaves 5
    4 new 1 buy 1 @ 478
      > 4 Accepted 1 1@478 leaves 1
    4 new 2 buy 9 @ 476
      > 4 Accepted 2 9@476 leaves 9
    2 new 2 sell 1 @ 478
      > 2 Accepted 2 1@478 leaves 1
      > 4 Fill 1 1@478 leaves 0 maker
      > 2 Fill 2 1@478 leaves 0 taker
    bracket: 1 new 1 buy 5 mkt & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 505
      > 1 Accepted 1 5@0 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 505
      > 2 Fill 1 5@500 leaves 0 maker
      > 1 Fill 1 5@500 leaves 0 taker
      > 1 Amended 2 5@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 5@0 leaves 5 stop 505 PARENT_FILLED
      > 1 Triggered 3 5@0 leaves 5 stop 505
      > 4 Fill 2 5@476 leaves 4 maker
      > 1 Fill 3 5@476 leaves 0 taker
      > 1 Cancelled 2 5@520 leaves 0 CANCELLED_LINKED`,
  );
  ledger(
    'the take-profit may trade at once: the stop-loss becomes live for what it has left',
    `
    4 new 1 buy 3 @ 515
      > 4 Accepted 1 3@515 leaves 3
    2 new 1 sell 5 @ 530
      > 2 Accepted 1 5@530 leaves 5
    bracket: 1 new 1 buy 5 mkt & 1 new 2 sell 5 @ 510 & 1 new 3 sell 5 stop 505
      > 1 Accepted 1 5@0 leaves 5
      > 1 Accepted 2 5@510 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 505
      > 2 Fill 1 5@530 leaves 0 maker
      > 1 Fill 1 5@530 leaves 0 taker
      > 1 Amended 2 5@510 leaves 5 PARENT_FILLED
      > 4 Fill 1 3@515 leaves 0 maker
      > 1 Fill 2 3@515 leaves 2 taker
      > 1 Amended 3 2@0 leaves 2 stop 505 PARENT_FILLED
    4 new 2 buy 5 @ 516
      > 4 Accepted 2 5@516 leaves 5
      > 1 Fill 2 2@510 leaves 0 maker
      > 4 Fill 2 2@510 leaves 3 taker
      > 1 Cancelled 3 2@0 leaves 0 stop 505 CANCELLED_LINKED
    2 new 2 sell 3 @ 530
      > 2 Accepted 2 3@530 leaves 3
    bracket: 1 new 4 buy 3 mkt & 1 new 5 sell 3 @ 510 & 1 new 6 sell 3 stop 505
      > 1 Accepted 4 3@0 leaves 3
      > 1 Accepted 5 3@510 leaves 3
      > 1 Accepted 6 3@0 leaves 3 stop 505
      > 2 Fill 2 3@530 leaves 0 maker
      > 1 Fill 4 3@530 leaves 0 taker
      > 1 Amended 5 3@510 leaves 3 PARENT_FILLED
      > 4 Fill 2 3@516 leaves 0 maker
      > 1 Fill 5 3@516 leaves 0 taker
      > 1 Cancelled 6 3@0 leaves 0 stop 505 CANCELLED_LINKED`,
  );
  ledger(
    'cancel of one child cancels the other, before they are live and after; the parent stays',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    1 cancel 2
      > 1 Cancelled 2 5@520 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 3 5@0 leaves 0 stop 480 CANCELLED_LINKED
    bracket: 1 new 4 buy 5 @ 501 & 1 new 5 sell 5 @ 520 & 1 new 6 sell 5 stop 480
      > 1 Accepted 4 5@501 leaves 5
      > 1 Accepted 5 5@520 leaves 5
      > 1 Accepted 6 5@0 leaves 5 stop 480
    2 new 1 sell 2 @ 501
      > 2 Accepted 1 2@501 leaves 2
      > 1 Fill 4 2@501 leaves 3 maker
      > 2 Fill 1 2@501 leaves 0 taker
      > 1 Amended 5 2@520 leaves 5 PARENT_FILLED
      > 1 Amended 6 2@0 leaves 5 stop 480 PARENT_FILLED
    1 cancel 6
      > 1 Cancelled 6 5@0 leaves 0 stop 480 CANCELLED_BY_CLIENT
      > 1 Cancelled 5 5@520 leaves 0 CANCELLED_LINKED
    2 new 2 sell 3 @ 501
      > 2 Accepted 2 3@501 leaves 3
      > 1 Fill 4 3@501 leaves 0 maker
      > 2 Fill 2 3@501 leaves 0 taker
    bracket: 1 new 7 buy 5 @ 501 & 1 new 8 sell 5 @ 520 & 1 new 9 sell 5 stop 480
      > 1 Accepted 7 5@501 leaves 5
      > 1 Accepted 8 5@520 leaves 5
      > 1 Accepted 9 5@0 leaves 5 stop 480
    2 new 3 sell 2 @ 501
      > 2 Accepted 3 2@501 leaves 2
      > 1 Fill 7 2@501 leaves 3 maker
      > 2 Fill 3 2@501 leaves 0 taker
      > 1 Amended 8 2@520 leaves 5 PARENT_FILLED
      > 1 Amended 9 2@0 leaves 5 stop 480 PARENT_FILLED
    1 cancel 8
      > 1 Cancelled 8 5@520 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 9 5@0 leaves 0 stop 480 CANCELLED_LINKED
    1 mass-cancel
      > 1 MassCancelled 2 later 0
      > 1 Cancelled 7 3@501 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_BY_MASS_CANCEL`,
  );
  ledger(
    'cancel of the parent, unfilled and partly filled',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    1 cancel 1
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 2 5@520 leaves 0 CANCELLED_PARENT
      > 1 Cancelled 3 5@0 leaves 0 stop 480 CANCELLED_PARENT
    bracket: 1 new 4 buy 5 @ 500 & 1 new 5 sell 5 @ 520 & 1 new 6 sell 5 stop 480 @ 470
      > 1 Accepted 4 5@500 leaves 5
      > 1 Accepted 5 5@520 leaves 5
      > 1 Accepted 6 5@470 leaves 5 stop 480
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 4 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 5 2@520 leaves 5 PARENT_FILLED
      > 1 Amended 6 2@470 leaves 5 stop 480 PARENT_FILLED
    1 cancel 4
      > 1 Cancelled 4 3@500 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 5 2@520 leaves 2 CANCELLED_PARENT kept
      > 1 Amended 6 2@470 leaves 2 stop 480 CANCELLED_PARENT kept
    4 new 1 buy 1 @ 520
      > 4 Accepted 1 1@520 leaves 1
      > 1 Fill 5 1@520 leaves 1 maker
      > 4 Fill 1 1@520 leaves 0 taker
      > 1 Amended 6 1@470 leaves 1 stop 480 CANCELLED_LINKED kept
    1 amend 6 1 @ 470 stop 478
      > 1 Amended 6 1@470 leaves 1 stop 478
    4 new 2 buy 1 @ 520
      > 4 Accepted 2 1@520 leaves 1
      > 1 Fill 5 1@520 leaves 0 maker
      > 4 Fill 2 1@520 leaves 0 taker
      > 1 Cancelled 6 1@470 leaves 0 stop 478 CANCELLED_LINKED`,
  );
  ledger(
    'a sold position: the children buy, and share their reservation',
    `
    bracket: 1 new 1 sell 5 @ 500 & 1 new 2 buy 5 @ 480 & 1 new 3 buy 5 stop 520
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@480 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 520
    2 new 1 buy 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@480 leaves 5 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 5 stop 520 PARENT_FILLED
    4 new 1 sell 1 @ 480
      > 4 Accepted 1 1@480 leaves 1
      > 1 Fill 2 1@480 leaves 4 maker
      > 4 Fill 1 1@480 leaves 0 taker
      > 1 Amended 3 4@0 leaves 4 stop 520 CANCELLED_LINKED kept
    2 new 2 buy 3 @ 500
      > 2 Accepted 2 3@500 leaves 3
      > 1 Fill 1 3@500 leaves 0 maker
      > 2 Fill 2 3@500 leaves 0 taker
      > 1 Amended 2 3@480 leaves 4 PARENT_FILLED
      > 1 Amended 3 3@0 leaves 4 stop 520 PARENT_FILLED
    1 mass-cancel
      > 1 MassCancelled 2 later 0
      > 1 Cancelled 2 4@480 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 3 4@0 leaves 0 stop 520 CANCELLED_LINKED`,
  );
  ledger(
    'a child that fails a check when it becomes live ends, and its sibling stays',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 post & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    phase auction
      > 0 Accepted
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
    uncross
      > 1 Fill 1 2@500 leaves 3 auction
      > 2 Fill 1 2@500 leaves 0 auction
      > 0 Accepted 2@500
      > 1 Cancelled 2 5@520 leaves 0 NOT_IN_AUCTION
      > 1 Amended 3 2@0 leaves 5 stop 480 PARENT_FILLED
    phase continuous
      > 0 Accepted
    2 new 2 sell 3 @ 500
      > 2 Accepted 2 3@500 leaves 3
      > 1 Fill 1 3@500 leaves 0 maker
      > 2 Fill 2 3@500 leaves 0 taker
      > 1 Amended 3 3@0 leaves 5 stop 480 PARENT_FILLED
    1 cancel 3
      > 1 Cancelled 3 5@0 leaves 0 stop 480 CANCELLED_BY_CLIENT`,
  );
  ledger(
    'the parent is filled by a child of another bracket, within one sweep',
    `
    3 new 1 buy 4 @ 510
      > 3 Accepted 1 4@510 leaves 4
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 490
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 490
    bracket: 2 new 1 sell 4 @ 530 & 2 new 2 buy 4 @ 505 & 2 new 3 buy 4 stop 540
      > 2 Accepted 1 4@530 leaves 4
      > 2 Accepted 2 4@505 leaves 4
      > 2 Accepted 3 4@0 leaves 4 stop 540
    oto: 4 new 1 buy 6 @ 508 & 4 new 2 sell 6 @ 499
      > 4 Accepted 1 6@508 leaves 6
      > 4 Accepted 2 6@499 leaves 6
    5 new 1 sell 7 @ 508
      > 5 Accepted 1 7@508 leaves 7
      > 3 Fill 1 4@510 leaves 0 maker
      > 5 Fill 1 4@510 leaves 3 taker
      > 4 Fill 1 3@508 leaves 3 maker
      > 5 Fill 1 3@508 leaves 0 taker
      > 4 Amended 2 3@499 leaves 6 PARENT_FILLED
      > 4 Fill 1 3@508 leaves 0 maker
      > 4 Fill 2 3@508 leaves 3 taker
      > 4 Amended 2 3@499 leaves 3 PARENT_FILLED
      > 1 Fill 1 3@500 leaves 2 maker
      > 4 Fill 2 3@500 leaves 0 taker
      > 1 Amended 2 3@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 3@0 leaves 5 stop 490 PARENT_FILLED`,
  );
  ledger(
    'limits of positions count what is live',
    `
    limit 1 1 MaxPosition 4
      > 0 Accepted
    bracket: 1 new 1 buy 4 @ 500 & 1 new 2 sell 4 @ 520 & 1 new 3 sell 4 stop 480
      > 1 Accepted 1 4@500 leaves 4
      > 1 Accepted 2 4@520 leaves 4
      > 1 Accepted 3 4@0 leaves 4 stop 480
    bracket: 1 new 4 buy 1 @ 500 & 1 new 5 sell 1 @ 520 & 1 new 6 sell 1 stop 480
      > 1 Rejected 4 1@500 leaves 0 POSITION_LIMIT
      > 1 Rejected 5 1@520 leaves 0 LIST_REJECTED
      > 1 Rejected 6 1@0 leaves 0 LIST_REJECTED
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 2 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 4 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 4 stop 480 PARENT_FILLED
    2 new 2 sell 2 @ 500
      > 2 Accepted 2 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 0 maker
      > 2 Fill 2 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 4 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 4 stop 480 PARENT_FILLED
    4 new 1 buy 4 @ 520
      > 4 Accepted 1 4@520 leaves 4
      > 1 Fill 2 4@520 leaves 0 maker
      > 4 Fill 1 4@520 leaves 0 taker
      > 1 Cancelled 3 4@0 leaves 0 stop 480 CANCELLED_LINKED`,
  );
});
