/** Linked orders of which one cancels the other: what a fill, the trigger or the end of one does to the other, and what both reserve. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code, codeName } from '../engine/codes.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { ledgerOf } from './support/children-ledger.ts';
import { BTC, describe as describeReport, Harness, parseCommand, SMALL_LIMITS, USD } from './support/exchange-fixture.ts';
import { times } from './support/long-runs.ts';
import { copyOf } from './support/snapshot-at-any.ts';

const ledger = ledgerOf(it);

describe('one cancels other', () => {
  ledger(
    'a fill of the limit order cancels the stop, also a partial one',
    `
    oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    2 new 1 buy 2 @ 520
      > 2 Accepted 1 2@520 leaves 2
      > 1 Fill 1 2@520 leaves 3 maker
      > 2 Fill 1 2@520 leaves 0 taker
      > 1 Cancelled 2 5@0 leaves 0 stop 480 CANCELLED_LINKED
    2 new 2 buy 9 @ 520
      > 2 Accepted 2 9@520 leaves 9
      > 1 Fill 1 3@520 leaves 0 maker
      > 2 Fill 2 3@520 leaves 6 taker`,
  );
  ledger(
    'the trigger of the stop cancels the limit order, before it trades',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    5 new 1 buy 1 @ 500 ioc
      > 5 Accepted 1 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 5 Fill 1 1@500 leaves 0 taker
    oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    4 new 2 buy 9 @ 480
      > 4 Accepted 2 9@480 leaves 9
    5 new 2 sell 1 @ 480
      > 5 Accepted 2 1@480 leaves 1
      > 4 Fill 2 1@480 leaves 8 maker
      > 5 Fill 2 1@480 leaves 0 taker
      > 1 Triggered 2 5@0 leaves 5 stop 480
      > 1 Cancelled 1 5@520 leaves 0 CANCELLED_LINKED
      > 4 Fill 2 5@480 leaves 3 maker
      > 1 Fill 2 5@480 leaves 0 taker`,
  );
  ledger(
    'cancel of one cancels the other; so does a mass cancel',
    `
    oco: 1 new 1 buy 5 @ 490 & 1 new 2 buy 5 stop 520
      > 1 Accepted 1 5@490 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 520
    1 cancel 1
      > 1 Cancelled 1 5@490 leaves 0 CANCELLED_BY_CLIENT
      > 1 Cancelled 2 5@0 leaves 0 stop 520 CANCELLED_LINKED
    oco: 1 new 3 buy 5 @ 490 & 1 new 4 buy 5 stop 520 @ 530
      > 1 Accepted 3 5@490 leaves 5
      > 1 Accepted 4 5@530 leaves 5 stop 520
    1 cancel 4
      > 1 Cancelled 4 5@530 leaves 0 stop 520 CANCELLED_BY_CLIENT
      > 1 Cancelled 3 5@490 leaves 0 CANCELLED_LINKED
    oco: 1 new 5 buy 5 @ 490 & 1 new 6 buy 6 stop 520
      > 1 Accepted 5 5@490 leaves 5
      > 1 Accepted 6 6@0 leaves 6 stop 520
    1 mass-cancel
      > 1 MassCancelled 2 later 0
      > 1 Cancelled 5 5@490 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 6 6@0 leaves 0 stop 520 CANCELLED_LINKED
    oco: 1 new 7 buy 5 @ 490 & 1 new 8 sell 6 @ 520
      > 1 Accepted 7 5@490 leaves 5
      > 1 Accepted 8 6@520 leaves 6
    1 mass-cancel sell of 1
      > 1 MassCancelled 1 later 0
      > 1 Cancelled 8 6@520 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 7 5@490 leaves 0 CANCELLED_LINKED`,
  );
  ledger(
    'what trades on arrival cancels the other, which may be of the other side',
    `
    4 new 1 buy 2 @ 520
      > 4 Accepted 1 2@520 leaves 2
    oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
      > 4 Fill 1 2@520 leaves 0 maker
      > 1 Fill 1 2@520 leaves 3 taker
      > 1 Cancelled 2 5@0 leaves 0 stop 480 CANCELLED_LINKED
    4 new 2 sell 2 @ 490
      > 4 Accepted 2 2@490 leaves 2
    oco: 1 new 3 sell 5 @ 530 & 1 new 4 buy 5 @ 490
      > 1 Accepted 3 5@530 leaves 5
      > 1 Accepted 4 5@490 leaves 5
      > 4 Fill 2 2@490 leaves 0 maker
      > 1 Fill 4 2@490 leaves 3 taker
      > 1 Cancelled 3 5@530 leaves 0 CANCELLED_LINKED
    4 new 3 sell 1 @ 489
      > 4 Accepted 3 1@489 leaves 1
      > 1 Fill 4 1@490 leaves 2 maker
      > 4 Fill 3 1@490 leaves 0 taker
    oco: 1 new 5 buy 5 @ 489 & 1 new 6 sell 5 @ 540
      > 1 Accepted 5 5@489 leaves 5
      > 1 Accepted 6 5@540 leaves 5`,
  );
  ledger(
    'two stops, of both sides: the first one that triggers cancels the other',
    `
    4 new 1 sell 1 @ 500
      > 4 Accepted 1 1@500 leaves 1
    5 new 1 buy 1 @ 500 ioc
      > 5 Accepted 1 1@500 leaves 1
      > 4 Fill 1 1@500 leaves 0 maker
      > 5 Fill 1 1@500 leaves 0 taker
    4 new 2 buy 9 @ 490
      > 4 Accepted 2 9@490 leaves 9
    oco: 1 new 1 buy 5 stop 510 & 1 new 2 sell 5 stop 490
      > 1 Accepted 1 5@0 leaves 5 stop 510
      > 1 Accepted 2 5@0 leaves 5 stop 490
    5 new 2 sell 1 @ 490
      > 5 Accepted 2 1@490 leaves 1
      > 4 Fill 2 1@490 leaves 8 maker
      > 5 Fill 2 1@490 leaves 0 taker
      > 1 Triggered 2 5@0 leaves 5 stop 490
      > 1 Cancelled 1 5@0 leaves 0 stop 510 CANCELLED_LINKED
      > 4 Fill 2 5@490 leaves 3 maker
      > 1 Fill 2 5@490 leaves 0 taker`,
  );
  ledger(
    'both are accepted or neither: the code of the one that fails, and LIST_REJECTED for the other',
    `
    oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5000000 stop 480
      > 1 Rejected 1 5@520 leaves 0 LIST_REJECTED
      > 1 Rejected 2 5000000@0 leaves 0 INSUFFICIENT_FUNDS
    oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5000000 stop 480
      > 1 Rejected 1 5@520 leaves 0 LIST_REJECTED again
      > 1 Rejected 2 5000000@0 leaves 0 INSUFFICIENT_FUNDS again
    oco: 1 new 3 sell 0 @ 520 & 1 new 4 sell 5 stop 480
      > 1 Rejected 3 0@520 leaves 0 QUANTITY_MIN
      > 1 Rejected 4 5@0 leaves 0 LIST_REJECTED
    oco: 9 new 5 sell 5 @ 520 & 9 new 6 sell 5 stop 480
      > 0 Rejected UNKNOWN_ACCOUNT 5@520
      > 0 Rejected UNKNOWN_ACCOUNT 5@0
    oco: 1 new 7 sell 5 @ 520 & 1 new 7 sell 5 stop 480
      > 1 Rejected 7 5@520 leaves 0 BAD_LIST
      > 1 Rejected 7 5@0 leaves 0 BAD_LIST`,
  );
  ledger(
    'a list that is sent again changes nothing; with other terms, or as single orders, it is rejected',
    `
    oco: 1 new 5 sell 5 @ 520 & 1 new 6 sell 5 stop 480
      > 1 Accepted 5 5@520 leaves 5
      > 1 Accepted 6 5@0 leaves 5 stop 480
    oco: 1 new 5 sell 5 @ 520 & 1 new 6 sell 5 stop 480
      > 1 Accepted 5 5@520 leaves 5 again
      > 1 Accepted 6 5@0 leaves 5 stop 480 again
    oco: 1 new 5 sell 6 @ 520 & 1 new 6 sell 5 stop 480
      > 1 Rejected 5 6@520 leaves 0 CLIENT_ORDER_ID_REUSED
      > 1 Accepted 6 5@0 leaves 5 stop 480 again
    ouo: 1 new 5 sell 5 @ 520 & 1 new 6 sell 5 stop 480
      > 1 Rejected 5 5@520 leaves 0 CLIENT_ORDER_ID_REUSED
      > 1 Rejected 6 5@0 leaves 0 CLIENT_ORDER_ID_REUSED
    1 new 5 sell 5 @ 520
      > 1 Rejected 5 5@520 leaves 0 CLIENT_ORDER_ID_REUSED
    oco: 1 new 5 sell 5 @ 520 & 1 new 7 sell 5 stop 480
      > 1 Accepted 5 5@520 leaves 5 again
      > 1 Rejected 7 5@0 leaves 0 LIST_REJECTED`,
  );
  ledger(
    'an amend of one leaves the other; a fill that it causes does not',
    `
    4 new 1 buy 2 @ 510
      > 4 Accepted 1 2@510 leaves 2
    oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    1 amend 1 7 @ 521
      > 1 Amended 1 7@521 leaves 7
    1 amend 2 8 stop 470
      > 1 Amended 2 8@0 leaves 8 stop 470
    1 amend 2 3 stop 471
      > 1 Amended 2 3@0 leaves 3 stop 471
    1 amend 1 4 @ 510
      > 1 Amended 1 4@510 leaves 4
      > 4 Fill 1 2@510 leaves 0 maker
      > 1 Fill 1 2@510 leaves 2 taker
      > 1 Cancelled 2 3@0 leaves 0 stop 471 CANCELLED_LINKED`,
  );
  ledger(
    'of two sides, they never trade with each other',
    `
    oco: 1 new 1 buy 5 @ 490 & 1 new 2 sell 5 @ 510
      > 1 Accepted 1 5@490 leaves 5
      > 1 Accepted 2 5@510 leaves 5
    1 amend 1 5 @ 510
      > 1 AmendRejected 1 5@510 leaves 5 LINKED_AMEND
    1 amend 2 5 @ 490
      > 1 AmendRejected 2 5@490 leaves 5 LINKED_AMEND
    1 amend 1 5 @ 509
      > 1 Amended 1 5@509 leaves 5`,
  );
  ledger(
    'one that expires cancels the other',
    `
    at 10: oco: 1 new 1 buy 5 @ 490 gtd 90 & 1 new 2 buy 5 stop 520
      > 1 Accepted 1 5@490 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 520
    at 90: tick
      > 1 Cancelled 1 5@490 leaves 0 EXPIRED
      > 1 Cancelled 2 5@0 leaves 0 stop 520 CANCELLED_LINKED
    at 91: oco: 1 new 3 buy 5 @ 490 gtd 190 & 1 new 4 buy 5 stop 520 gtd 190
      > 1 Accepted 3 5@490 leaves 5
      > 1 Accepted 4 5@0 leaves 5 stop 520
    at 190: tick
      > 1 Cancelled 3 5@490 leaves 0 EXPIRED
      > 1 Cancelled 4 5@0 leaves 0 stop 520 CANCELLED_LINKED`,
  );
  ledger(
    'self-trade prevention that cancels one cancels the other, one that reduces it does not',
    `
    oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    1 new 3 buy 2 @ 520 gtc decrement
      > 1 Accepted 3 2@520 leaves 2
      > 1 Amended 1 3@520 leaves 3 CANCELLED_SELF_TRADE kept
      > 1 Cancelled 3 2@520 leaves 0 CANCELLED_SELF_TRADE
    1 new 4 buy 2 @ 520 gtc cancel-oldest
      > 1 Accepted 4 2@520 leaves 2
      > 1 Cancelled 1 3@520 leaves 0 CANCELLED_SELF_TRADE
      > 1 Cancelled 2 5@0 leaves 0 stop 480 CANCELLED_LINKED`,
  );
  ledger(
    'a kill switch and a suspension cancel both',
    `
    oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480
      > 1 Accepted 1 5@520 leaves 5
      > 1 Accepted 2 5@0 leaves 5 stop 480
    kill account 1 on
      > 1 Cancelled 1 5@520 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Cancelled 2 5@0 leaves 0 stop 480 CANCELLED_LINKED
      > 0 Accepted 1@0
    kill account 1 off
      > 0 Accepted
    oco: 1 new 3 sell 5 @ 520 & 1 new 4 buy 5 @ 480
      > 1 Accepted 3 5@520 leaves 5
      > 1 Accepted 4 5@480 leaves 5
    set 1 Suspended 2
      > 1 Cancelled 3 5@520 leaves 0 CANCELLED_SUSPENDED
      > 1 Cancelled 4 5@480 leaves 0 CANCELLED_LINKED
      > 0 Accepted 1@0`,
  );
  ledger(
    'an uncross fills one and cancels the other',
    `
    phase auction
      > 0 Accepted
    oco: 1 new 1 sell 5 @ 510 & 1 new 2 buy 5 @ 490
      > 1 Accepted 1 5@510 leaves 5
      > 1 Accepted 2 5@490 leaves 5
    oco: 2 new 1 buy 5 @ 515 & 2 new 2 buy 5 stop 530
      > 2 Accepted 1 5@515 leaves 5
      > 2 Accepted 2 5@0 leaves 5 stop 530
    uncross
      > 2 Fill 1 5@510 leaves 0 auction
      > 1 Fill 1 5@510 leaves 0 auction
      > 2 Cancelled 2 5@0 leaves 0 stop 530 CANCELLED_LINKED
      > 1 Cancelled 2 5@490 leaves 0 CANCELLED_LINKED
      > 0 Accepted 5@510`,
  );
});

/** Runs lines, and returns what account 1 has reserved after each of them. */
function reserved(harness: Harness, asset: number, lines: readonly string[]): number[] {
  return lines.map((line) => {
    harness.do(parseCommand(line));
    assert.equal(harness.exchange.accounts.imbalance(asset), 0);
    return harness.balance(1, asset).reserved;
  });
}

describe('what linked orders reserve', () => {
  it('is the larger of both where they are of one side, at each step, and each its own where they are not', () => {
    const buys = ['oco: 1 new 1 buy 5 @ 490 & 1 new 2 buy 5 stop 520', '1 amend 1 6 @ 500', '1 amend 2 2 stop 530', '1 cancel 2'];
    assert.deepEqual(reserved(new Harness().setUp(), USD, buys), [2600, 3000, 3000, 0]);
    const updated = [
      'ouo: 1 new 1 buy 5 @ 490 & 1 new 2 buy 5 stop 520',
      '2 new 1 sell 2 @ 490',
      '1 amend 2 3 stop 540',
      '1 amend 1 1 @ 490',
    ];
    assert.deepEqual(reserved(new Harness().setUp(), USD, updated), [2600, 1560, 1620, 540]);
    const stops = ['oco: 1 new 1 sell 5 stop 490 & 1 new 2 sell 7 stop 480', '1 amend 2 9 stop 480', '1 amend 1 12 stop 490', '1 cancel 1'];
    assert.deepEqual(reserved(new Harness().setUp(), BTC, stops), [7, 9, 12, 0]);
    const prevented = ['oco: 1 new 1 buy 5 @ 490 & 1 new 2 buy 4 stop 520', '1 new 3 sell 2 @ 490 gtc decrement'];
    assert.deepEqual(reserved(new Harness().setUp(), USD, prevented), [2450, 2080]);
    const sides = new Harness().setUp();
    assert.deepEqual(reserved(sides, USD, ['oco: 1 new 1 buy 5 @ 490 & 1 new 2 sell 5 @ 520']), [2450]);
    assert.equal(sides.balance(1, BTC).reserved, 5);
  });

  it('is enough for both with not a unit more, fees included', () => {
    const fees = { TakerFeePpm: 10_007, MakerFeePpm: 10_007 };
    const whole = 2600 + Math.ceil(2600 * 0.010007);
    const list = 'ouo: 1 new 1 buy 5 @ 519 & 1 new 2 buy 5 stop 520';
    const poor = new Harness().setUp(3, fees, { usd: whole - 1 });
    assert.equal(poor.do(parseCommand(list)).reports[1].code, Code.INSUFFICIENT_FUNDS);
    const able = new Harness().setUp(3, fees, { usd: whole });
    const fills = [1, 1, 1, 1, 1].map((lots, i) => `2 new ${i + 1} sell ${lots} @ 519`);
    const held = reserved(able, USD, [list, ...fills]);
    assert.deepEqual(
      held.map((units, i) => units >= (5 - i) * 520),
      held.map((_, i) => i < 6),
    );
    assert.ok(able.balance(1, USD).available >= 0);
    assert.equal(held.at(-1), 0);
  });

  it('property: a flow of linked orders conserves money, and reserves what both need at each step', () => {
    const line = fc.oneof(
      fc
        .record({
          id: fc.integer({ min: 1, max: 200 }),
          kind: fc.constantFrom('oco', 'ouo'),
          side: fc.constantFrom('buy', 'sell'),
          lots: fc.integer({ min: 1, max: 9 }),
          at: fc.integer({ min: 95, max: 105 }),
          stop: fc.integer({ min: 90, max: 110 }),
        })
        .map(
          ({ id, kind, side, lots, at, stop }) =>
            `${kind}: 1 new ${id * 2} ${side} ${lots} @ ${at} & 1 new ${id * 2 + 1} ${side} ${lots} stop ${stop}`,
        ),
      fc
        .record({
          id: fc.nat(1000),
          side: fc.constantFrom('buy', 'sell'),
          lots: fc.integer({ min: 1, max: 9 }),
          at: fc.integer({ min: 93, max: 107 }),
        })
        .map(({ id, side, lots, at }) => `2 new ${id + 1} ${side} ${lots} @ ${at}`),
      fc
        .record({ id: fc.integer({ min: 2, max: 401 }), lots: fc.integer({ min: 1, max: 9 }), at: fc.integer({ min: 95, max: 105 }) })
        .map(({ id, lots, at }) => `1 amend ${id} ${lots} @ ${at}`),
      fc.integer({ min: 2, max: 401 }).map((id) => `1 cancel ${id}`),
    );
    fc.assert(
      fc.property(fc.array(line, { minLength: 20, maxLength: 120, size: 'max' }), fc.constantFrom(0, 10_007), (lines, fee) => {
        const harness = new Harness().setUp(3, { TakerFeePpm: fee, MakerFeePpm: fee }, { usd: 3000, btc: 20 });
        const { exchange } = harness;
        const { slab, links, risks } = exchange;
        for (const each of lines) {
          harness.do(parseCommand(each));
          for (const asset of [USD, BTC]) assert.equal(exchange.accounts.imbalance(asset), 0);
          for (const slot of links.inOrder()) {
            const partner = links.partnerOf(slot);
            const need = (of: number): number =>
              risks.of(1).amountOf(of, slab.open(of), slab.level(of) < -1 ? links.unitOf(of) : (slab.price(of) as number));
            assert.equal(slab.held(slot) + slab.held(partner), Math.max(need(slot), need(partner)));
          }
        }
      }),
      { numRuns: times(60, 300) },
    );
  });
});

describe('a stop that triggers while what it would meet ends', () => {
  it('ends with it, if that is its partner', () => {
    const harness = new Harness().setUp();
    harness.exchange.massCancels.perCommand = 1;
    for (const line of [
      '2 new 1 sell 1 @ 510',
      '1 new 9 sell 1 @ 515',
      '1 new 8 sell 1 @ 516',
      'oco: 1 new 1 buy 5 stop 510 & 1 new 2 sell 5 @ 520',
    ])
      harness.do(parseCommand(line));
    harness.do(parseCommand('1 mass-cancel sell of 1'));
    const { reports } = harness.do(parseCommand('3 new 1 buy 1 @ 510'));
    assert.deepEqual(reports.map(describeReport), [
      '1 Cancelled 8 1@516 leaves 0 CANCELLED_BY_MASS_CANCEL',
      '3 Accepted 1 1@510 leaves 1',
      '2 Fill 1 1@510 leaves 0 maker',
      '3 Fill 1 1@510 leaves 0 taker',
      '1 Cancelled 2 5@520 leaves 0 CANCELLED_BY_MASS_CANCEL',
      '1 Cancelled 1 5@0 leaves 0 stop 510 CANCELLED_LINKED',
    ]);
    assert.equal(harness.exchange.slab.count, 0);
    assert.deepEqual(harness.balance(1, USD), { available: 1_000_000_000, reserved: 0 });
  });
});

describe('a list that cannot enter in full', () => {
  it('ends as a whole: without a level page for the limit order, the stop goes too', () => {
    const harness = new Harness({ ...SMALL_LIMITS, pages: 1, pagesPerAccount: 1 }).setUp();
    harness.do(parseCommand('2 new 1 buy 1 @ 10'));
    const { reports } = harness.do(parseCommand('oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480'));
    assert.deepEqual(reports.map(describeReport), [
      '1 Accepted 1 5@520 leaves 5',
      '1 Accepted 2 5@0 leaves 5 stop 480',
      '1 Cancelled 1 5@520 leaves 0 LEVELS_FULL',
      '1 Cancelled 2 5@0 leaves 0 stop 480 CANCELLED_LINKED',
    ]);
    assert.equal(harness.exchange.slab.count, 1);
  });

  it('is rejected where there is room for one order only, and where the second would exceed a limit of position', () => {
    const harness = new Harness({ ...SMALL_LIMITS, ordersPerAccount: 1 }).setUp();
    const list = 'oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480';
    assert.deepEqual(
      harness.do(parseCommand(list)).reports.map(({ code }) => codeName(code)),
      ['LIST_REJECTED', 'ORDER_SHARE_FULL'],
    );
    const limited = new Harness().setUp();
    limited.do(parseCommand('limit 1 1 MaxPosition 9'));
    assert.deepEqual(
      limited.do(parseCommand(list)).reports.map(({ code }) => codeName(code)),
      ['LIST_REJECTED', 'POSITION_LIMIT'],
    );
    limited.do(parseCommand('limit 1 1 MaxPosition 10'));
    assert.equal(limited.do(parseCommand(list.replace('new 1', 'new 3').replace('new 2', 'new 4'))).reports[1].code, Code.OK);
  });

  it('is dropped when the log ends within it: another command follows then', () => {
    const harness = new Harness().setUp();
    const { legs = [] } = parseCommand('oco: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480');
    assert.deepEqual(harness.do(legs[0]).reports, []);
    assert.equal(stateHash(copyOf(harness.exchange)), stateHash(harness.exchange));
    assert.deepEqual(harness.do(parseCommand('1 new 3 sell 1 @ 530')).reports.map(describeReport), ['1 Accepted 3 1@530 leaves 1']);
    assert.equal(harness.exchange.slab.count, 1);
    assert.equal(codeName(harness.do(legs[1]).reports[0].code), 'BAD_LIST');
  });
});
