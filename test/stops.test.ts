/** Stop and stop-limit orders: what triggers them, in which order, and with what money. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { SymbolParam } from '../engine/params.ts';
import { CommandKind, ReportKind } from '../engine/wire/layout.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';
import { copyOf } from './support/shares-fixture.ts';

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}): void {
  it(name, () => {
    const harness = new Harness().setUp(5, params);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
  });
}

describe('stops', () => {
  ledger(
    'are triggered side by side: the side that the trades crossed first is first, buys by rising and sells by falling stop price, then by time',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    4 new 3 sell 1 @ 490
      > 4 Accepted 3 1@490 leaves 1
    4 new 4 sell 9 @ 520
      > 4 Accepted 4 9@520 leaves 9
    4 new 5 buy 9 @ 480
      > 4 Accepted 5 9@480 leaves 9
    1 new 1 sell 2 stop 495
      > 1 Accepted 1 2@0 leaves 2 stop 495
    1 new 2 sell 2 stop 498
      > 1 Accepted 2 2@0 leaves 2 stop 498
    2 new 1 buy 2 stop 510
      > 2 Accepted 1 2@0 leaves 2 stop 510
    2 new 2 buy 2 stop 520
      > 2 Accepted 2 2@0 leaves 2 stop 520
    2 new 3 buy 2 stop 510
      > 2 Accepted 3 2@0 leaves 2 stop 510
    3 new 1 buy 2 @ 520
      > 3 Accepted 1 2@520 leaves 2
      > 4 Fill 3 1@490 leaves 0 maker
      > 3 Fill 1 1@490 leaves 1 taker
      > 4 Fill 4 1@520 leaves 8 maker
      > 3 Fill 1 1@520 leaves 0 taker
      > 1 Triggered 2 2@0 leaves 2 stop 498
      > 4 Fill 5 2@480 leaves 7 maker
      > 1 Fill 2 2@480 leaves 0 taker
      > 1 Triggered 1 2@0 leaves 2 stop 495
      > 4 Fill 5 2@480 leaves 5 maker
      > 1 Fill 1 2@480 leaves 0 taker
      > 2 Triggered 1 2@0 leaves 2 stop 510
      > 4 Fill 4 2@520 leaves 6 maker
      > 2 Fill 1 2@520 leaves 0 taker
      > 2 Triggered 3 2@0 leaves 2 stop 510
      > 4 Fill 4 2@520 leaves 4 maker
      > 2 Fill 3 2@520 leaves 0 taker
      > 2 Triggered 2 2@0 leaves 2 stop 520
      > 4 Fill 4 2@520 leaves 2 maker
      > 2 Fill 2 2@520 leaves 0 taker`,
  );
  ledger(
    'trigger by the last trade or by the reference price, in one order; what a trigger crosses comes later',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    4 new 3 sell 9 @ 600
      > 4 Accepted 3 9@600 leaves 9
    1 new 1 buy 1 stop 510 ref
      > 1 Accepted 1 1@0 leaves 1 stop 510 ref
    2 new 1 buy 1 stop 505
      > 2 Accepted 1 1@0 leaves 1 stop 505
    3 new 1 buy 1 stop 505 ref
      > 3 Accepted 1 1@0 leaves 1 stop 505 ref
    reference 510
      > 0 Accepted
      > 3 Triggered 1 1@0 leaves 1 stop 505 ref
      > 4 Fill 3 1@600 leaves 8 maker
      > 3 Fill 1 1@600 leaves 0 taker
      > 1 Triggered 1 1@0 leaves 1 stop 510 ref
      > 4 Fill 3 1@600 leaves 7 maker
      > 1 Fill 1 1@600 leaves 0 taker
      > 2 Triggered 1 1@0 leaves 1 stop 505
      > 4 Fill 3 1@600 leaves 6 maker
      > 2 Fill 1 1@600 leaves 0 taker
    4 new 9 buy 1 @ 600
      > 4 Accepted 9 1@600 leaves 1
      > 4 Fill 3 1@600 leaves 5 maker
      > 4 Fill 9 1@600 leaves 0 taker`,
  );
  ledger(
    'a wave of which no stop is left, because all were cancelled before their turn, has crossed nothing',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    1 new 1 sell 1 stop 490 ref
      > 1 Accepted 1 1@0 leaves 1 stop 490 ref
    phase auction
      > 0 Accepted
    1 new 2 sell 1 stop 505 now
      > 1 Accepted 2 1@0 leaves 1 stop 505
    reference 485
      > 0 Accepted
    1 cancel 1
      > 1 Cancelled 1 1@0 leaves 0 stop 490 ref CANCELLED_BY_CLIENT
    1 cancel 2
      > 1 Cancelled 2 1@0 leaves 0 stop 505 CANCELLED_BY_CLIENT
    2 new 1 sell 1 stop 505 now
      > 2 Accepted 1 1@0 leaves 1 stop 505
    reference 495
      > 0 Accepted
    2 new 2 sell 1 stop 490 ref
      > 2 Accepted 2 1@0 leaves 1 stop 490 ref`,
  );
  ledger(
    'become limit orders that rest, are post-only, ioc or fok, and are checked again',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    4 new 3 sell 9 @ 520
      > 4 Accepted 3 9@520 leaves 9
    1 new 1 buy 12 stop 510 @ 520
      > 1 Accepted 1 12@520 leaves 12 stop 510
    1 new 2 buy 2 stop 511 @ 525 gtc post
      > 1 Accepted 2 2@525 leaves 2 stop 511
    1 new 3 buy 2 stop 512 @ 515 ioc
      > 1 Accepted 3 2@515 leaves 2 stop 512
    1 new 4 buy 2 stop 513 @ 515 fok
      > 1 Accepted 4 2@515 leaves 2 stop 513
    1 new 5 buy 2 stop 514 fok
      > 1 Accepted 5 2@0 leaves 2 stop 514
    2 new 1 buy 1 @ 520
      > 2 Accepted 1 1@520 leaves 1
      > 4 Fill 3 1@520 leaves 8 maker
      > 2 Fill 1 1@520 leaves 0 taker
      > 1 Triggered 1 12@520 leaves 12 stop 510
      > 4 Fill 3 8@520 leaves 0 maker
      > 1 Fill 1 8@520 leaves 4 taker
      > 1 Triggered 2 2@525 leaves 2 stop 511
      > 1 Triggered 3 2@515 leaves 2 stop 512
      > 1 Cancelled 3 2@515 leaves 0 CANCELLED_REMAINDER
      > 1 Triggered 4 2@515 leaves 2 stop 513
      > 1 Cancelled 4 2@515 leaves 0 FOK_NOT_FILLABLE
      > 1 Triggered 5 2@0 leaves 2 stop 514
      > 1 Cancelled 5 2@0 leaves 0 NO_LIQUIDITY`,
  );
  ledger(
    'are rejected when their condition holds, or trigger at once on request',
    `
    1 new 1 buy 1 stop 500
      > 1 Accepted 1 1@0 leaves 1 stop 500
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
      > 1 Triggered 1 1@0 leaves 1 stop 500
      > 1 Cancelled 1 1@0 leaves 0 NO_LIQUIDITY
    1 new 2 buy 1 stop 500
      > 1 Rejected 2 1@0 leaves 0 STOP_WOULD_TRIGGER
    1 new 3 sell 1 stop 500
      > 1 Rejected 3 1@0 leaves 0 STOP_WOULD_TRIGGER
    1 new 4 sell 1 stop 499
      > 1 Accepted 4 1@0 leaves 1 stop 499
    4 new 3 sell 5 @ 505
      > 4 Accepted 3 5@505 leaves 5
    1 new 5 buy 2 stop 490 now
      > 1 Accepted 5 2@0 leaves 2 stop 490
      > 1 Triggered 5 2@0 leaves 2 stop 490
      > 4 Fill 3 2@505 leaves 3 maker
      > 1 Fill 5 2@505 leaves 0 taker
    1 new 6 buy 2 stop 590 now
      > 1 Accepted 6 2@0 leaves 2 stop 590`,
  );
  ledger(
    'wait through an auction, whose prices count as trades: what they crossed triggers when continuous trading starts',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    phase auction
      > 0 Accepted
    1 new 1 buy 1 stop 510
      > 1 Accepted 1 1@0 leaves 1 stop 510
    1 new 2 sell 1 stop 490
      > 1 Accepted 2 1@0 leaves 1 stop 490
    2 new 1 buy 5 @ 520
      > 2 Accepted 1 5@520 leaves 5
    3 new 1 sell 4 @ 515
      > 3 Accepted 1 4@515 leaves 4
    uncross
      > 2 Fill 1 4@520 leaves 1 auction
      > 3 Fill 1 4@520 leaves 0 auction
      > 0 Accepted 4@520
    1 new 3 buy 1 stop 515
      > 1 Rejected 3 1@0 leaves 0 STOP_WOULD_TRIGGER
    2 new 2 buy 1 @ 530
      > 2 Accepted 2 1@530 leaves 1
    3 new 2 sell 3 @ 480
      > 3 Accepted 2 3@480 leaves 3
    uncross
      > 2 Fill 2 1@480 leaves 0 auction
      > 3 Fill 2 1@480 leaves 2 auction
      > 2 Fill 1 1@480 leaves 0 auction
      > 3 Fill 2 1@480 leaves 1 auction
      > 0 Accepted 2@480
    phase continuous
      > 0 Accepted
      > 1 Triggered 1 1@0 leaves 1 stop 510
      > 3 Fill 2 1@480 leaves 0 maker
      > 1 Fill 1 1@480 leaves 0 taker
      > 1 Triggered 2 1@0 leaves 1 stop 490
      > 1 Cancelled 2 1@0 leaves 0 NO_LIQUIDITY`,
  );
  ledger(
    'hold the edge of the price band around the stop price and the fee; a limit is within that band',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 fee 1 taker
    1 new 1 buy 10 stop 520
      > 1 Accepted 1 10@0 leaves 10 stop 520
    1 new 2 buy 10 stop 520 @ 573
      > 1 Rejected 2 10@573 leaves 0 PRICE_BAND
    1 new 2 buy 10 stop 520 @ 530
      > 1 Rejected 2 10@530 leaves 0 CLIENT_ORDER_ID_REUSED
    1 amend 1 20 stop 540
      > 1 Amended 1 20@0 leaves 20 stop 540
    1 amend 2 5 @ 525
      > 1 AmendRejected 2 5@525 leaves 0 UNKNOWN_ORDER
    1 cancel 1
      > 1 Cancelled 1 20@0 leaves 0 stop 540 CANCELLED_BY_CLIENT
    1 cancel 2
      > 1 CancelRejected 2 0@0 leaves 0 UNKNOWN_ORDER`,
    { PriceBandPpm: 100_000, TakerFeePpm: 1000 },
  );
  ledger(
    'are amended in any field; another stop price loses the place among equal ones',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    1 new 1 buy 1 stop 510
      > 1 Accepted 1 1@0 leaves 1 stop 510
    2 new 1 buy 1 stop 510
      > 2 Accepted 1 1@0 leaves 1 stop 510
    1 amend 1 3 stop 510
      > 1 Amended 1 3@0 leaves 3 stop 510 kept
    1 amend 1 3 stop 500
      > 1 AmendRejected 1 3@0 leaves 3 STOP_WOULD_TRIGGER
    1 amend 1 3 @ 520 stop 511
      > 1 AmendRejected 1 3@520 leaves 3 PRICE_RANGE
    1 amend 1 3 @ 520
      > 1 AmendRejected 1 3@520 leaves 3 PRICE_RANGE
    1 amend 1 3 stop 511
      > 1 Amended 1 3@0 leaves 3 stop 511
    1 amend 1 3 stop 510
      > 1 Amended 1 3@0 leaves 3 stop 510
    3 new 1 buy 1 stop 520 @ 530
      > 3 Accepted 1 1@530 leaves 1 stop 520
    3 amend 1 2 @ 540 stop 515
      > 3 Amended 1 2@540 leaves 2 stop 515
    3 amend 1 2 @ 541
      > 3 Amended 1 2@541 leaves 2 stop 515 kept
    3 amend 1 2 stop 515
      > 3 AmendRejected 1 2@0 leaves 2 PRICE_RANGE
    4 new 3 sell 9 @ 520
      > 4 Accepted 3 9@520 leaves 9
    4 amend 3 8 @ 520 stop 500
      > 4 AmendRejected 3 8@520 leaves 9 STOP_PRICE
    4 new 4 buy 1 @ 520
      > 4 Accepted 4 1@520 leaves 1
      > 4 Fill 3 1@520 leaves 8 maker
      > 4 Fill 4 1@520 leaves 0 taker
      > 2 Triggered 1 1@0 leaves 1 stop 510
      > 4 Fill 3 1@520 leaves 7 maker
      > 2 Fill 1 1@520 leaves 0 taker
      > 1 Triggered 1 3@0 leaves 3 stop 510
      > 4 Fill 3 3@520 leaves 4 maker
      > 1 Fill 1 3@520 leaves 0 taker
      > 3 Triggered 1 2@541 leaves 2 stop 515
      > 4 Fill 3 2@520 leaves 2 maker
      > 3 Fill 1 2@520 leaves 0 taker
    1 amend 1 1 stop 530
      > 1 AmendRejected 1 1@0 leaves 0 UNKNOWN_ORDER
    1 new 1 buy 1 stop 510
      > 1 Accepted 1 3@0 leaves 0 again
    1 new 1 buy 1 stop 511
      > 1 Rejected 1 1@0 leaves 0 CLIENT_ORDER_ID_REUSED`,
  );
  ledger(
    'are one order by their client order id',
    `
    1 new 1 buy 1 stop 510
      > 1 Accepted 1 1@0 leaves 1 stop 510
    1 new 1 buy 1 stop 510
      > 1 Accepted 1 1@0 leaves 1 stop 510 again
    1 new 1 buy 1 stop 510 ref
      > 1 Rejected 1 1@0 leaves 0 CLIENT_ORDER_ID_REUSED
    1 new 1 buy 1 stop 510 now
      > 1 Rejected 1 1@0 leaves 0 CLIENT_ORDER_ID_REUSED
    1 new 1 buy 1 stop 511
      > 1 Rejected 1 1@0 leaves 0 CLIENT_ORDER_ID_REUSED
    1 new 1 buy 1 stop 510 @ 510
      > 1 Rejected 1 1@510 leaves 0 CLIENT_ORDER_ID_REUSED
    1 new 1 buy 1 @ 510
      > 1 Rejected 1 1@510 leaves 0 CLIENT_ORDER_ID_REUSED
    1 cancel 1
      > 1 Cancelled 1 1@0 leaves 0 stop 510 CANCELLED_BY_CLIENT
    1 new 1 buy 1 stop 510
      > 1 Accepted 1 1@0 leaves 0 again`,
  );
  ledger(
    'expire while they wait, also with the command that would trigger them, and in the book after that',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    at 100: 1 new 1 buy 1 stop 510 gtd 200
      > 1 Accepted 1 1@0 leaves 1 stop 510
    at 100: 1 new 2 buy 1 stop 510 @ 520 gtd 201
      > 1 Accepted 2 1@520 leaves 1 stop 510
    at 199: 3 new 1 sell 5 @ 510
      > 3 Accepted 1 5@510 leaves 5
    at 200: 2 new 1 buy 1 @ 510
      > 1 Cancelled 1 1@0 leaves 0 stop 510 EXPIRED
      > 2 Accepted 1 1@510 leaves 1
      > 3 Fill 1 1@510 leaves 4 maker
      > 2 Fill 1 1@510 leaves 0 taker
      > 1 Triggered 2 1@520 leaves 1 stop 510
      > 3 Fill 1 1@510 leaves 3 maker
      > 1 Fill 2 1@510 leaves 0 taker
    at 201: tick`,
  );
  ledger(
    'wait in a halt, where they can be cancelled',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    4 new 3 sell 9 @ 520
      > 4 Accepted 3 9@520 leaves 9
    1 new 1 buy 1 stop 510
      > 1 Accepted 1 1@0 leaves 1 stop 510
    2 new 1 buy 1 stop 510
      > 2 Accepted 1 1@0 leaves 1 stop 510
    3 new 1 buy 100 stop 510
      > 3 Accepted 1 100@0 leaves 100 stop 510
    phase halted
      > 0 Accepted
    1 new 2 buy 1 stop 520
      > 1 Rejected 2 1@0 leaves 0 SYMBOL_HALTED
    1 amend 1 1 stop 520
      > 1 AmendRejected 1 1@0 leaves 1 SYMBOL_HALTED
    1 cancel 1
      > 1 Cancelled 1 1@0 leaves 0 stop 510 CANCELLED_BY_CLIENT
    phase continuous
      > 0 Accepted
    4 new 4 buy 1 @ 520
      > 4 Accepted 4 1@520 leaves 1
      > 4 Fill 3 1@520 leaves 8 maker
      > 4 Fill 4 1@520 leaves 0 taker
      > 2 Triggered 1 1@0 leaves 1 stop 510
      > 4 Fill 3 1@520 leaves 7 maker
      > 2 Fill 1 1@520 leaves 0 taker
      > 3 Triggered 1 100@0 leaves 100 stop 510
      > 4 Fill 3 7@520 leaves 0 maker
      > 3 Fill 1 7@520 leaves 93 taker
      > 3 Cancelled 1 93@0 leaves 0 CANCELLED_REMAINDER`,
  );
  ledger(
    'trigger each other: each trades to its end first',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    4 new 3 sell 1 @ 505
      > 4 Accepted 3 1@505 leaves 1
    4 new 4 sell 1 @ 510
      > 4 Accepted 4 1@510 leaves 1
    4 new 5 sell 1 @ 515
      > 4 Accepted 5 1@515 leaves 1
    4 new 6 sell 1 @ 520
      > 4 Accepted 6 1@520 leaves 1
    1 new 1 buy 1 stop 505
      > 1 Accepted 1 1@0 leaves 1 stop 505
    2 new 1 buy 1 stop 510
      > 2 Accepted 1 1@0 leaves 1 stop 510
    3 new 1 buy 1 stop 515
      > 3 Accepted 1 1@0 leaves 1 stop 515
    1 new 2 sell 1 stop 400 @ 390
      > 1 Accepted 2 1@390 leaves 1 stop 400
    3 new 2 buy 1 @ 505
      > 3 Accepted 2 1@505 leaves 1
      > 4 Fill 3 1@505 leaves 0 maker
      > 3 Fill 2 1@505 leaves 0 taker
      > 1 Triggered 1 1@0 leaves 1 stop 505
      > 4 Fill 4 1@510 leaves 0 maker
      > 1 Fill 1 1@510 leaves 0 taker
      > 2 Triggered 1 1@0 leaves 1 stop 510
      > 4 Fill 5 1@515 leaves 0 maker
      > 2 Fill 1 1@515 leaves 0 taker
      > 3 Triggered 1 1@0 leaves 1 stop 515
      > 4 Fill 6 1@520 leaves 0 maker
      > 3 Fill 1 1@520 leaves 0 taker`,
  );
  ledger(
    'are appended: what a triggered order crosses comes after what was crossed before',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    4 new 2 buy 1 @ 500 ioc
      > 4 Accepted 2 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 4 Fill 2 1@500 leaves 0 taker
    4 new 3 sell 2 @ 495
      > 4 Accepted 3 2@495 leaves 2
    1 new 1 sell 1 stop 495 @ 480
      > 1 Accepted 1 1@480 leaves 1 stop 495
    2 new 1 buy 1 stop 510
      > 2 Accepted 1 1@0 leaves 1 stop 510
    3 new 1 sell 1 stop 485 @ 480
      > 3 Accepted 1 1@480 leaves 1 stop 485
    4 new 4 sell 1 @ 515
      > 4 Accepted 4 1@515 leaves 1
    5 new 1 buy 3 @ 515
      > 5 Accepted 1 3@515 leaves 3
      > 4 Fill 3 2@495 leaves 0 maker
      > 5 Fill 1 2@495 leaves 1 taker
      > 4 Fill 4 1@515 leaves 0 maker
      > 5 Fill 1 1@515 leaves 0 taker
      > 1 Triggered 1 1@480 leaves 1 stop 495
      > 2 Triggered 1 1@0 leaves 1 stop 510
      > 1 Fill 1 1@480 leaves 0 maker
      > 2 Fill 1 1@480 leaves 0 taker
      > 3 Triggered 1 1@480 leaves 1 stop 485`,
  );
});

describe('the funds of stops', () => {
  it('what a buy holds back pays for all that it may trade in the price band, when the price is at its stop price', () => {
    const asks = fc.array(fc.record({ over: fc.nat(60), quantity: fc.integer({ min: 1, max: 9 }) }), { minLength: 1, maxLength: 20 });
    const given = { asks, stop: fc.integer({ min: 501, max: 540 }), quantity: fc.integer({ min: 1, max: 60 }), fee: fc.nat(20_000) };
    fc.assert(
      fc.property(fc.record(given), ({ asks, stop, quantity, fee }) => {
        const harness = new Harness().setUp(3, { PriceBandPpm: 100_000, TakerFeePpm: fee }, { usd: 100_000_000, btc: 10_000 });
        for (const line of ['2 new 1 sell 1 @ 500', '2 new 2 buy 1 @ 500 ioc', `2 new 3 sell 1 @ ${stop}`]) harness.do(parseCommand(line));
        harness.do(parseCommand(`1 new 1 buy ${quantity} stop ${stop}`));
        // The account has nothing besides what the stop holds back.
        const { available, reserved } = harness.balance(1, USD);
        harness.must({ kind: CommandKind.Withdraw, account: 1, symbol: USD, quantity: available });
        for (const [i, ask] of asks.entries()) harness.do(parseCommand(`2 new ${10 + i} sell ${ask.quantity} @ ${stop + ask.over}`));
        const { reports } = harness.do(parseCommand(`3 new 1 buy 1 @ ${stop}`));
        const mine = reports.filter(({ account }) => account === 1);
        assert.equal(mine[0]?.kind, ReportKind.Triggered);
        const reach = asks.filter(({ over }) => over <= Math.floor((stop * 100_000) / 1e6)).reduce((sum, ask) => sum + ask.quantity, 0);
        const filled = mine.filter(({ kind }) => kind === ReportKind.Fill).reduce((sum, fill) => sum + fill.quantity, 0);
        assert.equal(filled, Math.min(quantity, reach));
        const left = harness.balance(1, USD);
        assert.deepEqual([left.reserved, left.available <= reserved], [0, true]);
      }),
    );
  });

  it('are checked again: what the price has outrun is cancelled with the code of the check', () => {
    const harness = new Harness().setUp(4, { PriceBandPpm: 100_000 }, { usd: 10_000 });
    const text = `
      2 new 1 sell 1 @ 500
        > 2 Accepted 1 1@500 leaves 1
      2 new 2 buy 1 @ 500 ioc
        > 2 Accepted 2 1@500 leaves 1
        > 2 Fill 1 1@500 leaves 0 maker
        > 2 Fill 2 1@500 leaves 0 taker
      2 new 3 sell 50 @ 549
        > 2 Accepted 3 50@549 leaves 50
      1 new 1 buy 19 stop 501 @ 520
        > 1 Accepted 1 19@520 leaves 19 stop 501
      3 new 1 buy 18 stop 502
        > 3 Accepted 1 18@0 leaves 18 stop 502
      3 new 2 sell 1 stop 499 @ 449
        > 3 Rejected 2 1@449 leaves 0 PRICE_BAND
      1 new 2 buy 2 stop 510
        > 1 Rejected 2 2@0 leaves 0 INSUFFICIENT_FUNDS
      4 new 1 buy 1 @ 549
        > 4 Accepted 1 1@549 leaves 1
        > 2 Fill 3 1@549 leaves 49 maker
        > 4 Fill 1 1@549 leaves 0 taker
        > 1 Triggered 1 19@520 leaves 19 stop 501
        > 3 Triggered 1 18@0 leaves 18 stop 502
        > 2 Fill 3 18@549 leaves 31 maker
        > 3 Fill 1 18@549 leaves 0 taker`;
    assert.equal(runLedger(harness, text), tidyLedger(text));
    harness.do(parseCommand('3 new 5 sell 5 stop 530'));
    harness.must({ kind: CommandKind.SetAccount, account: 3, quantity: 1 });
    const { reports } = harness.do({ kind: CommandKind.SetSymbol, symbol: 1, parameter: 10, quantity: 549 });
    assert.equal(reports.length, 1);
    harness.do(parseCommand('4 new 2 buy 9 @ 530'));
    const suspended = harness.do(parseCommand('2 new 9 sell 1 @ 530 ioc')).reports.filter(({ account }) => account === 3);
    assert.deepEqual(
      suspended.map(({ kind, code }) => [kind, code]),
      [
        [ReportKind.Triggered, 0],
        [ReportKind.Cancelled, Code.ACCOUNT_SUSPENDED],
      ],
    );
    assert.deepEqual(harness.balance(3, BTC).reserved, 0);
  });

  it('stay what they are when the fees or the price band of the symbol change, also through a snapshot', () => {
    const harness = new Harness().setUp(2, { PriceBandPpm: 100_000, TakerFeePpm: 1000 });
    harness.must(parseCommand('1 new 1 buy 10 stop 500'));
    const { reserved } = harness.balance(1, USD);
    assert.equal(reserved, 5506);
    harness.setParam('TakerFeePpm', 9000);
    harness.setParam('PriceBandPpm', 0);
    const copy = copyOf(harness.exchange, SMALL_LIMITS);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    harness.do(parseCommand('1 cancel 1'));
    assert.equal(harness.balance(1, USD).reserved, 0);
  });

  it('the tick step and the highest price stay while a stop waits', () => {
    const harness = new Harness().setUp(1);
    harness.must(parseCommand('1 new 1 buy 1 stop 510'));
    const change = (): number =>
      harness.do({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.TickStep, quantity: 2 }).reports[0].code;
    assert.equal(change(), Code.BOOK_NOT_EMPTY);
    harness.do({ kind: CommandKind.CancelOrders, symbol: SYMBOL });
    assert.equal(change(), Code.OK);
  });
});
