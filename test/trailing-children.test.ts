/** Children that are trailing stops: docs/TRADING-RULES.md, "Orders that wait for another". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import { ledgerOf } from './support/children-ledger.ts';
import { Harness, parseCommand, SMALL_LIMITS } from './support/exchange-fixture.ts';

const ledger = ledgerOf(it);

describe('trailing stops as children', () => {
  ledger(
    'a stop-loss that trails: it begins with the price at which it becomes live, grows with further fills, and is reduced by the take-profit',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 530 & 1 new 3 sell 5 trail 10
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@530 leaves 5
      > 1 Accepted 3 5@0 leaves 5
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@530 leaves 5 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 5 stop 490 PARENT_FILLED
    4 new 3 sell 1 @ 508
      > 4 Accepted 3 1@508 leaves 1
    2 new 2 buy 1 @ 508
      > 2 Accepted 2 1@508 leaves 1
      > 4 Fill 3 1@508 leaves 0 maker
      > 2 Fill 2 1@508 leaves 0 taker
    2 new 3 sell 1 @ 500
      > 2 Accepted 3 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 2 maker
      > 2 Fill 3 1@500 leaves 0 taker
      > 1 Amended 2 1@530 leaves 5 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 5 stop 498 PARENT_FILLED
    2 new 4 buy 1 @ 530
      > 2 Accepted 4 1@530 leaves 1
      > 1 Fill 2 1@530 leaves 4 maker
      > 2 Fill 4 1@530 leaves 0 taker
      > 1 Amended 3 4@0 leaves 4 stop 498 CANCELLED_LINKED kept
    2 new 5 sell 1 @ 500
      > 2 Accepted 5 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 1 maker
      > 2 Fill 5 1@500 leaves 0 taker
      > 1 Amended 2 1@530 leaves 4 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 4 stop 520 PARENT_FILLED
      > 1 Triggered 3 4@0 leaves 4 stop 520
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_LINKED
      > 1 Amended 2 3@530 leaves 3 CANCELLED_PARENT kept
      > 1 Amended 3 3@0 leaves 3 stop 520 CANCELLED_PARENT kept
      > 1 Cancelled 3 3@0 leaves 0 NO_LIQUIDITY
    4 new 4 buy 9 @ 519
      > 4 Accepted 4 9@519 leaves 9
    2 new 6 sell 1 @ 519
      > 2 Accepted 6 1@519 leaves 1
      > 4 Fill 4 1@519 leaves 8 maker
      > 2 Fill 6 1@519 leaves 0 taker`,
  );
  ledger(
    'both wait again, and the next fill begins a new trail',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 4 @ 500 & 1 new 2 sell 4 @ 510 & 1 new 3 sell 4 trail 10 reports
      > 1 Accepted 1 4@500 leaves 4
      > 1 Accepted 2 4@510 leaves 4
      > 1 Accepted 3 4@0 leaves 4
    2 new 1 sell 1 @ 500
      > 2 Accepted 1 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 3 maker
      > 2 Fill 1 1@500 leaves 0 taker
      > 1 Amended 2 1@510 leaves 4 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 4 stop 490 PARENT_FILLED
    2 new 2 buy 1 @ 510
      > 2 Accepted 2 1@510 leaves 1
      > 1 Fill 2 1@510 leaves 3 maker
      > 2 Fill 2 1@510 leaves 0 taker
      > 1 Amended 3 3@0 leaves 3 CANCELLED_LINKED kept
    2 new 3 sell 1 @ 500
      > 2 Accepted 3 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 2 maker
      > 2 Fill 3 1@500 leaves 0 taker
      > 1 Amended 2 1@510 leaves 3 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 3 stop 490 PARENT_FILLED
    2 new 4 sell 1 @ 507
      > 2 Accepted 4 1@507 leaves 1
    3 new 1 buy 1 @ 507
      > 3 Accepted 1 1@507 leaves 1
      > 2 Fill 4 1@507 leaves 0 maker
      > 3 Fill 1 1@507 leaves 0 taker
      > 1 StopPriceChanged 3 3@0 leaves 3 stop 497
    1 cancel 2
      > 1 Cancelled 2 3@510 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 3 3@0 leaves 0 stop 497 CANCELLED_LINKED`,
  );
  ledger(
    'an activation price: of a child that waits, and of one that is live',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 4 @ 500 & 1 new 2 sell 4 @ 530 & 1 new 3 sell 4 trail 10 from 505 limit 3 reports
      > 1 Accepted 1 4@500 leaves 4
      > 1 Accepted 2 4@530 leaves 4
      > 1 Accepted 3 4@492 leaves 4 stop 495
    1 amend 3 4 @ 0 trail 12 from 506
      > 1 AmendRejected 3 4@0 leaves 4 PRICE_RANGE
    1 amend 3 4 trail 12 from 506 limit 4
      > 1 Amended 3 4@490 leaves 4 stop 494 kept
    1 amend 3 3 trail 12 limit 4
      > 1 AmendRejected 3 3@4 leaves 4 LINKED_AMEND
    1 amend 2 4 trail 12
      > 1 AmendRejected 2 4@0 leaves 4 TRAIL_OFFSET
    2 new 1 sell 3 @ 500
      > 2 Accepted 1 3@500 leaves 3
      > 1 Fill 1 3@500 leaves 1 maker
      > 2 Fill 1 3@500 leaves 0 taker
      > 1 Amended 2 3@530 leaves 4 PARENT_FILLED
      > 1 Amended 3 3@490 leaves 4 stop 494 PARENT_FILLED
    3 new 1 sell 1 @ 506
      > 3 Accepted 1 1@506 leaves 1
    2 new 2 buy 1 @ 506
      > 2 Accepted 2 1@506 leaves 1
      > 3 Fill 1 1@506 leaves 0 maker
      > 2 Fill 2 1@506 leaves 0 taker
    2 new 3 sell 1 @ 500
      > 2 Accepted 3 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 0 maker
      > 2 Fill 3 1@500 leaves 0 taker
      > 1 Amended 2 1@530 leaves 4 PARENT_FILLED
      > 1 Amended 3 1@490 leaves 4 stop 494 PARENT_FILLED
    1 cancel 3
      > 1 Cancelled 3 4@490 leaves 0 stop 494 CANCELLED_BY_CLIENT
      > 1 Cancelled 2 4@530 leaves 0 CANCELLED_LINKED
    oto: 1 new 4 buy 1 mkt & 1 new 5 sell 1 trail 10 from 499
      > 1 Rejected 4 1@0 leaves 0 NO_LIQUIDITY
      > 1 Rejected 5 1@0 leaves 0 LIST_REJECTED`,
  );
  ledger(
    'a stop that triggers with the same command moves the price before it trails: its first stop price is reported, too',
    `
    4 new 1 sell 1 @ 499
      > 4 Accepted 1 1@499 leaves 1
    4 new 2 buy 1 @ 499 ioc
      > 4 Accepted 2 1@499 leaves 1
      > 4 Fill 1 1@499 leaves 0 maker
      > 4 Fill 2 1@499 leaves 0 taker
    3 new 1 buy 1 stop 500
      > 3 Accepted 1 1@0 leaves 1 stop 500
    4 new 3 sell 1 @ 507
      > 4 Accepted 3 1@507 leaves 1
    oto: 1 new 1 buy 1 @ 500 & 1 new 2 sell 1 trail 10 reports
      > 1 Accepted 1 1@500 leaves 1
      > 1 Accepted 2 1@0 leaves 1
    2 new 1 sell 1 @ 500
      > 2 Accepted 1 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 0 maker
      > 2 Fill 1 1@500 leaves 0 taker
      > 1 Amended 2 1@0 leaves 1 stop 490 PARENT_FILLED
      > 3 Triggered 1 1@0 leaves 1 stop 500
      > 4 Fill 3 1@507 leaves 0 maker
      > 3 Fill 1 1@507 leaves 0 taker
      > 1 StopPriceChanged 2 1@0 leaves 1 stop 497`,
  );
  ledger(
    'a one triggers other that sells short, and buys back behind the market',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    oto: 1 new 1 sell 3 @ 500 & 1 new 2 buy 3 trail 20000ppm
      > 1 Accepted 1 3@500 leaves 3
      > 1 Accepted 2 3@0 leaves 3
    4 new 3 buy 3 @ 500
      > 4 Accepted 3 3@500 leaves 3
      > 1 Fill 1 3@500 leaves 0 maker
      > 4 Fill 3 3@500 leaves 0 taker
      > 1 Amended 2 3@0 leaves 3 stop 510 PARENT_FILLED
    2 new 1 buy 1 @ 490
      > 2 Accepted 1 1@490 leaves 1
    4 new 4 sell 1 @ 490
      > 4 Accepted 4 1@490 leaves 1
      > 2 Fill 1 1@490 leaves 0 maker
      > 4 Fill 4 1@490 leaves 0 taker
    2 new 2 sell 4 @ 500
      > 2 Accepted 2 4@500 leaves 4
    3 new 1 buy 1 @ 500
      > 3 Accepted 1 1@500 leaves 1
      > 2 Fill 2 1@500 leaves 3 maker
      > 3 Fill 1 1@500 leaves 0 taker
      > 1 Triggered 2 3@0 leaves 3 stop 500
      > 2 Fill 2 3@500 leaves 0 maker
      > 1 Fill 2 3@500 leaves 0 taker`,
  );
  ledger(
    'a price before it was live does not count, also where other stops follow it: the order of the book swept down to the parent',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    3 new 1 sell 1 trail 30
      > 3 Accepted 1 1@0 leaves 1 stop 470
    4 new 3 buy 1 @ 510
      > 4 Accepted 3 1@510 leaves 1
    oto: 1 new 1 buy 1 @ 500 & 1 new 2 sell 1 trail 5
      > 1 Accepted 1 1@500 leaves 1
      > 1 Accepted 2 1@0 leaves 1
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 4 Fill 3 1@510 leaves 0 maker
      > 2 Fill 1 1@510 leaves 1 taker
      > 1 Fill 1 1@500 leaves 0 maker
      > 2 Fill 1 1@500 leaves 0 taker
      > 1 Amended 2 1@0 leaves 1 stop 495 PARENT_FILLED
    4 new 4 sell 1 @ 503
      > 4 Accepted 4 1@503 leaves 1
    2 new 2 buy 1 @ 503
      > 2 Accepted 2 1@503 leaves 1
      > 4 Fill 4 1@503 leaves 0 maker
      > 2 Fill 2 1@503 leaves 0 taker`,
  );
  ledger(
    'a cascade of its side: it stands with the others, and joins them with the better of its price and the present one',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    3 new 1 sell 1 stop 499
      > 3 Accepted 1 1@0 leaves 1 stop 499
    oto: 1 new 1 buy 1 @ 498 & 1 new 2 sell 1 trail 5
      > 1 Accepted 1 1@498 leaves 1
      > 1 Accepted 2 1@0 leaves 1
    4 new 3 buy 1 @ 499
      > 4 Accepted 3 1@499 leaves 1
    4 new 4 buy 1 @ 490
      > 4 Accepted 4 1@490 leaves 1
    2 new 1 sell 1 stop 498
      > 2 Accepted 1 1@0 leaves 1 stop 498
    2 new 2 sell 1 @ 499
      > 2 Accepted 2 1@499 leaves 1
      > 4 Fill 3 1@499 leaves 0 maker
      > 2 Fill 2 1@499 leaves 0 taker
      > 3 Triggered 1 1@0 leaves 1 stop 499
      > 1 Fill 1 1@498 leaves 0 maker
      > 3 Fill 1 1@498 leaves 0 taker
      > 1 Amended 2 1@0 leaves 1 stop 493 PARENT_FILLED
      > 2 Triggered 1 1@0 leaves 1 stop 498
      > 4 Fill 4 1@490 leaves 0 maker
      > 2 Fill 1 1@490 leaves 0 taker
    4 new 5 buy 2 @ 484
      > 1 Triggered 2 1@0 leaves 1 stop 493
      > 1 Cancelled 2 1@0 leaves 0 NO_LIQUIDITY
      > 4 Accepted 5 2@484 leaves 2
    4 new 6 sell 1 @ 484
      > 4 Accepted 6 1@484 leaves 1
      > 4 Fill 5 1@484 leaves 1 maker
      > 4 Fill 6 1@484 leaves 0 taker`,
  );
  ledger(
    'an offset beyond the price is found when it becomes live; the take-profit stays',
    `
    4 new 1 sell 1 @ 50
      > 4 Accepted 1 1@50 leaves 1
    4 new 2 buy 1 @ 50 ioc
      > 4 Accepted 2 1@50 leaves 1
      > 4 Fill 1 1@50 leaves 0 maker
      > 4 Fill 2 1@50 leaves 0 taker
    bracket: 1 new 1 buy 2 @ 50 & 1 new 2 sell 2 @ 60 & 1 new 3 sell 2 trail 50
      > 1 Accepted 1 2@50 leaves 2
      > 1 Accepted 2 2@60 leaves 2
      > 1 Accepted 3 2@0 leaves 2
    2 new 1 sell 1 @ 50
      > 2 Accepted 1 1@50 leaves 1
      > 1 Fill 1 1@50 leaves 1 maker
      > 2 Fill 1 1@50 leaves 0 taker
      > 1 Amended 2 1@60 leaves 2 PARENT_FILLED
      > 1 Cancelled 3 2@0 leaves 0 TRAIL_OFFSET`,
  );
  ledger(
    'an auction: the trail begins there, and follows when continuous trading starts',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    bracket: 1 new 1 buy 2 @ 510 & 1 new 2 sell 2 @ 530 & 1 new 3 sell 2 trail 5
      > 1 Accepted 1 2@510 leaves 2
      > 1 Accepted 2 2@530 leaves 2
      > 1 Accepted 3 2@0 leaves 2
    phase opening-auction
      > 0 Accepted
    2 new 1 sell 1 @ 505
      > 2 Accepted 1 1@505 leaves 1
    uncross
      > 1 Fill 1 1@510 leaves 1 auction
      > 2 Fill 1 1@510 leaves 0 auction
      > 0 Accepted 1@510
      > 1 Amended 2 1@530 leaves 2 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 2 stop 505 PARENT_FILLED
    phase continuous
      > 0 Accepted
    1 cancel 1
      > 1 Cancelled 1 1@510 leaves 0 CANCELLED_BY_CLIENT
      > 1 Amended 2 1@530 leaves 1 CANCELLED_PARENT kept
      > 1 Amended 3 1@0 leaves 1 stop 505 CANCELLED_PARENT kept
    1 mass-cancel
      > 1 MassCancelled 2 later 0
      > 1 Cancelled 2 1@530 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 3 1@0 leaves 0 stop 505 CANCELLED_LINKED`,
  );
  ledger(
    'an end ends both, and a kill switch all',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    at 10: bracket: 1 new 1 buy 2 @ 500 & 1 new 2 sell 2 @ 530 & 1 new 3 sell 2 trail 5 gtd 20
      > 1 Accepted 1 2@500 leaves 2
      > 1 Accepted 2 2@530 leaves 2
      > 1 Accepted 3 2@0 leaves 2
    2 new 1 sell 1 @ 500
      > 2 Accepted 1 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 1 maker
      > 2 Fill 1 1@500 leaves 0 taker
      > 1 Amended 2 1@530 leaves 2 PARENT_FILLED
      > 1 Amended 3 1@0 leaves 2 stop 495 PARENT_FILLED
    at 30: tick
      > 1 Cancelled 3 2@0 leaves 0 stop 495 EXPIRED
      > 1 Cancelled 2 2@530 leaves 0 CANCELLED_LINKED
    bracket: 1 new 4 buy 2 @ 500 & 1 new 5 sell 2 @ 530 & 1 new 6 sell 2 trail 5
      > 1 Accepted 4 2@500 leaves 2
      > 1 Accepted 5 2@530 leaves 2
      > 1 Accepted 6 2@0 leaves 2
    2 new 2 sell 1 @ 500
      > 2 Accepted 2 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 0 maker
      > 2 Fill 2 1@500 leaves 0 taker
    kill account 1 on
      > 1 Cancelled 4 2@500 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Cancelled 5 2@530 leaves 0 CANCELLED_PARENT
      > 1 Cancelled 6 2@0 leaves 0 CANCELLED_PARENT
      > 0 Accepted 1@0`,
  );

  it('those that begin to trail are a part of the budget of a command, by stop price', () => {
    const harness = new Harness().setUp(5);
    harness.exchange.triggers.followsPerCommand = 1;
    const lines = [
      'oto: 1 new 1 buy 1 @ 500 & 1 new 2 sell 1 trail 9 reports',
      'oto: 3 new 1 buy 1 @ 500 & 3 new 2 sell 1 trail 5 reports',
      '2 new 1 sell 2 @ 500',
    ];
    for (const line of lines) harness.do(parseCommand(line));
    const begin = (): boolean[] => [1, 3].map((account) => harness.exchange.stops.begins(slotOf(harness, account)));
    assert.deepEqual(begin(), [true, false]);
    harness.do(parseCommand('tick'));
    assert.deepEqual(begin(), [false, false]);
  });
});

/** Slot of the child of an account. */
function slotOf({ exchange }: Harness, account: number): number {
  const { slab } = exchange;
  for (let slot = 0; slot < slab.capacity; slot++) if (slab.account(slot) === account && slab.level(slot) < -1) return slot;
  return -1;
}

it('an exchange of rules 6 takes no such list', () => {
  const harness = new Harness(SMALL_LIMITS, 6).setUp(2);
  const codes = (line: string): string[] => harness.do(parseCommand(line)).reports.map(({ code }) => codeName(code));
  assert.deepEqual(codes('oto: 1 new 1 buy 5 @ 510 & 1 new 2 sell 5 trail 20'), ['BAD_LIST', 'BAD_LIST']);
});
