/** Trailing stops: what they follow, when they trigger, and with what money. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditBooks } from '../engine/book/book-audit.ts';
import { Code } from '../engine/codes.ts';
import type { Exchange } from '../engine/machine/exchange.ts';
import { TRIGGERS_PER_COMMAND } from '../engine/machine/state.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import type { SymbolParam } from '../engine/params.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { BTC, Harness, parseCommand, runLedger, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';
import { copyOf, follow, sameFromAnySnapshot } from './support/snapshot-at-any.ts';

/** The last trade is at 500; account 4 has bids and offers around it. */
const MARKET = ['4 new 1 sell 1 @ 500', '4 new 2 buy 1 @ 500 ioc'];

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}): void {
  it(name, () => {
    const harness = new Harness().setUp(5, params);
    for (const line of MARKET) harness.do(parseCommand(line));
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
    const again = new Harness().setUp(5, params);
    for (const line of MARKET) again.do(parseCommand(line));
    sameFromAnySnapshot(again, text);
  });
}

describe('trailing stops', () => {
  ledger(
    'follow the best trade from their activation on, in ticks or parts per million, and trigger at what they reached',
    `
    4 new 3 buy 9 @ 480
      > 4 Accepted 3 9@480 leaves 9
    1 new 1 sell 1 trail 5 from 510
      > 1 Accepted 1 1@0 leaves 1 stop 505
    1 new 2 sell 2 trail 5
      > 1 Accepted 2 2@0 leaves 2 stop 495
    1 new 3 sell 3 trail 3 from 499
      > 1 Accepted 3 3@0 leaves 3 stop 497
    4 new 4 sell 1 @ 505
      > 4 Accepted 4 1@505 leaves 1
    4 new 5 buy 1 @ 505
      > 4 Accepted 5 1@505 leaves 1
      > 4 Fill 4 1@505 leaves 0 maker
      > 4 Fill 5 1@505 leaves 0 taker
    1 new 2 sell 2 trail 5
      > 1 Accepted 2 2@0 leaves 2 stop 500 again
    4 new 6 sell 2 @ 512
      > 4 Accepted 6 2@512 leaves 2
    4 new 7 buy 1 @ 512
      > 4 Accepted 7 1@512 leaves 1
      > 4 Fill 6 1@512 leaves 1 maker
      > 4 Fill 7 1@512 leaves 0 taker
    1 amend 1 1 trail 4
      > 1 Amended 1 1@0 leaves 1 stop 508
    5 new 1 buy 1 @ 508
      > 5 Accepted 1 1@508 leaves 1
    4 new 8 sell 1 @ 508
      > 4 Accepted 8 1@508 leaves 1
      > 5 Fill 1 1@508 leaves 0 maker
      > 4 Fill 8 1@508 leaves 0 taker
      > 1 Triggered 3 3@0 leaves 3 stop 509
      > 4 Fill 3 3@480 leaves 6 maker
      > 1 Fill 3 3@480 leaves 0 taker
      > 1 Triggered 1 1@0 leaves 1 stop 508
      > 4 Fill 3 1@480 leaves 5 maker
      > 1 Fill 1 1@480 leaves 0 taker
      > 1 Triggered 2 2@0 leaves 2 stop 507
      > 4 Fill 3 2@480 leaves 3 maker
      > 1 Fill 2 2@480 leaves 0 taker`,
  );
  ledger(
    'are far from the market by at least their offset: what rounds is rounded away from it, to the tick step',
    `
    1 new 1 sell 1 trail 490
      > 1 Accepted 1 1@0 leaves 1 stop 10
    1 new 2 sell 1 trail 500
      > 1 Rejected 2 1@0 leaves 0 TRAIL_OFFSET
    1 new 3 sell 1 trail 999999ppm
      > 1 Rejected 3 1@0 leaves 0 TRAIL_OFFSET
    1 new 4 sell 1 trail 2
      > 1 Accepted 4 1@0 leaves 1 stop 495
    1 new 5 sell 1 trail 20 limit 500
      > 1 Rejected 5 1@500 leaves 0 PRICE_RANGE
    1 new 6 sell 1 trail 20 limit 3
      > 1 Rejected 6 1@3 leaves 0 TICK
    1 new 7 buy 1 trail 600
      > 1 Rejected 7 1@0 leaves 0 TRAIL_OFFSET`,
    { TickStep: 5, MaxPrice: 1000 },
  );
  ledger(
    'follow the reference price on request; of one extreme and stop price, the smallest offset is first',
    `
    4 new 3 buy 9 @ 480
      > 4 Accepted 3 9@480 leaves 9
    1 new 1 sell 1 trail 10000ppm ref
      > 1 Accepted 1 1@0 leaves 1 stop 495 ref
    2 new 1 sell 1 trail 5 ref
      > 2 Accepted 1 1@0 leaves 1 stop 495 ref
    3 new 1 sell 1 trail 9900ppm ref
      > 3 Accepted 1 1@0 leaves 1 stop 495 ref
    reference 600
      > 0 Accepted
    1 new 1 sell 1 trail 10000ppm ref
      > 1 Accepted 1 1@0 leaves 1 stop 594 ref again
    reference 594
      > 0 Accepted
      > 2 Triggered 1 1@0 leaves 1 stop 595 ref
      > 4 Fill 3 1@480 leaves 8 maker
      > 2 Fill 1 1@480 leaves 0 taker
      > 3 Triggered 1 1@0 leaves 1 stop 594 ref
      > 4 Fill 3 1@480 leaves 7 maker
      > 3 Fill 1 1@480 leaves 0 taker
      > 1 Triggered 1 1@0 leaves 1 stop 594 ref
      > 4 Fill 3 1@480 leaves 6 maker
      > 1 Fill 1 1@480 leaves 0 taker`,
  );
  ledger(
    'hold the edge of the price band around the first stop price, or their limit there; amends change any term',
    `
    1 new 1 buy 10 trail 20
      > 1 Accepted 1 10@0 leaves 10 stop 520
    1 new 2 buy 10 trail 20 limit 30
      > 1 Accepted 2 10@550 leaves 10 stop 520
    1 new 3 buy 1 trail 20 limit 55
      > 1 Rejected 3 1@55 leaves 0 PRICE_BAND
    1 new 4 buy 10 trail 20 from 450
      > 1 Accepted 4 10@0 leaves 10 stop 470
    2 new 1 buy 1 @ 480
      > 2 Accepted 1 1@480 leaves 1
    4 new 3 sell 1 @ 480
      > 4 Accepted 3 1@480 leaves 1
      > 2 Fill 1 1@480 leaves 0 maker
      > 4 Fill 3 1@480 leaves 0 fee 1 taker
    1 amend 1 20 trail 20
      > 1 Amended 1 20@0 leaves 20 stop 500 kept
    1 amend 2 10 limit 31
      > 1 Amended 2 10@531 leaves 10 stop 500 kept
    1 amend 2 10 limit 0
      > 1 AmendRejected 2 10@0 leaves 10 PRICE_RANGE
    1 amend 1 20 limit 3
      > 1 AmendRejected 1 20@3 leaves 20 PRICE_RANGE
    1 amend 1 20 limit 3 trail 5
      > 1 AmendRejected 1 20@3 leaves 20 PRICE_RANGE
    1 amend 4 10 trail 30000ppm from 460
      > 1 Amended 4 10@0 leaves 10 stop 474
    1 cancel 1
      > 1 Cancelled 1 20@0 leaves 0 stop 500 CANCELLED_BY_CLIENT
    1 cancel 2
      > 1 Cancelled 2 10@531 leaves 0 stop 500 CANCELLED_BY_CLIENT
    1 cancel 4
      > 1 Cancelled 4 10@0 leaves 0 stop 474 CANCELLED_BY_CLIENT`,
    { PriceBandPpm: 100000, TakerFeePpm: 1000 },
  );
  ledger(
    'stand while stops of their side are due, and follow when these have had their turn',
    `
    4 new 3 buy 9 @ 480
      > 4 Accepted 3 9@480 leaves 9
    1 new 1 sell 1 trail 5
      > 1 Accepted 1 1@0 leaves 1 stop 495
    1 new 2 sell 1 trail 12
      > 1 Accepted 2 1@0 leaves 1 stop 488
    1 new 3 sell 1 stop 490
      > 1 Accepted 3 1@0 leaves 1 stop 490
    phase auction
      > 0 Accepted
    1 new 4 sell 1 trail 5
      > 1 Accepted 4 1@0 leaves 1 stop 495
    4 new 4 buy 1 @ 493
      > 4 Accepted 4 1@493 leaves 1
    5 new 1 sell 1 @ 493
      > 5 Accepted 1 1@493 leaves 1
    uncross
      > 4 Fill 4 1@493 leaves 0 auction
      > 5 Fill 1 1@493 leaves 0 auction
      > 0 Accepted 1@493
    1 new 5 sell 1 trail 5
      > 1 Rejected 5 1@0 leaves 0 TRAIL_UNAVAILABLE
    1 new 6 buy 1 trail 5
      > 1 Accepted 6 1@0 leaves 1 stop 498
    1 amend 2 1 trail 3
      > 1 AmendRejected 2 1@0 leaves 1 TRAIL_UNAVAILABLE
    1 amend 2 2 trail 12
      > 1 Amended 2 2@0 leaves 2 stop 488 kept
    4 new 5 buy 1 @ 510
      > 4 Accepted 5 1@510 leaves 1
    5 new 2 sell 1 @ 510
      > 5 Accepted 2 1@510 leaves 1
    uncross
      > 4 Fill 5 1@510 leaves 0 auction
      > 5 Fill 2 1@510 leaves 0 auction
      > 0 Accepted 1@510
    1 new 2 sell 1 trail 12
      > 1 Accepted 2 2@0 leaves 2 stop 488 again
    phase continuous
      > 0 Accepted
      > 1 Triggered 1 1@0 leaves 1 stop 495
      > 4 Fill 3 1@480 leaves 8 maker
      > 1 Fill 1 1@480 leaves 0 taker
      > 1 Triggered 4 1@0 leaves 1 stop 495
      > 4 Fill 3 1@480 leaves 7 maker
      > 1 Fill 4 1@480 leaves 0 taker
      > 1 Triggered 6 1@0 leaves 1 stop 498
      > 1 Cancelled 6 1@0 leaves 0 NO_LIQUIDITY
      > 1 Triggered 3 1@0 leaves 1 stop 490
      > 4 Fill 3 1@480 leaves 6 maker
      > 1 Fill 3 1@480 leaves 0 taker
      > 1 Triggered 2 2@0 leaves 2 stop 488
      > 4 Fill 3 2@480 leaves 4 maker
      > 1 Fill 2 2@480 leaves 0 taker
    1 new 2 sell 1 trail 12
      > 1 Accepted 2 2@0 leaves 0 again
    1 new 5 sell 1 trail 5
      > 1 Accepted 5 1@0 leaves 1 stop 475`,
  );
  ledger(
    'that a falling sweep takes up by its first price and reaches by its last are due with the next command',
    `
    4 new 3 buy 1 @ 510
      > 4 Accepted 3 1@510 leaves 1
    4 new 4 buy 1 @ 470
      > 4 Accepted 4 1@470 leaves 1
    4 new 5 buy 9 @ 460
      > 4 Accepted 5 9@460 leaves 9
    1 new 1 sell 1 trail 35
      > 1 Accepted 1 1@0 leaves 1 stop 465
    5 new 1 sell 2 @ 470
      > 5 Accepted 1 2@470 leaves 2
      > 4 Fill 3 1@510 leaves 0 maker
      > 5 Fill 1 1@510 leaves 1 taker
      > 4 Fill 4 1@470 leaves 0 maker
      > 5 Fill 1 1@470 leaves 0 taker
    tick
      > 1 Triggered 1 1@0 leaves 1 stop 475
      > 4 Fill 5 1@460 leaves 8 maker
      > 1 Fill 1 1@460 leaves 0 taker`,
  );
  ledger(
    'no longer stand when what was due is cancelled',
    `
    1 new 1 buy 1 trail 5 ref
      > 1 Accepted 1 1@0 leaves 1 stop 505 ref
    phase auction
      > 0 Accepted
    2 new 1 buy 1 stop 492 now
      > 2 Accepted 1 1@0 leaves 1 stop 492
    reference 490
      > 0 Accepted
    2 cancel 1
      > 2 Cancelled 1 1@0 leaves 0 stop 492 CANCELLED_BY_CLIENT
    1 new 1 buy 1 trail 5 ref
      > 1 Accepted 1 1@0 leaves 1 stop 495 ref again`,
  );
  ledger(
    'expire, are cancelled by kill switches and mass cancels, also before they follow',
    `
    4 new 3 sell 1 @ 500
      > 4 Accepted 3 1@500 leaves 1
    1 new 1 sell 2 trail 5 cancel-oldest
      > 1 Accepted 1 2@0 leaves 2 stop 495
    1 new 2 sell 2 trail 5 gtd 9000
      > 1 Accepted 2 2@0 leaves 2 stop 495
    2 new 1 buy 2 trail 5
      > 2 Accepted 1 2@0 leaves 2 stop 505
    1 new 3 sell 2 trail 7 from 520 gtd 9000
      > 1 Accepted 3 2@0 leaves 2 stop 513
    2 new 2 buy 2 trail 5
      > 2 Accepted 2 2@0 leaves 2 stop 505
    at 9000: tick
      > 1 Cancelled 2 2@0 leaves 0 stop 495 EXPIRED
      > 1 Cancelled 3 2@0 leaves 0 stop 513 EXPIRED
    kill symbol 1 on
      > 4 Cancelled 3 1@500 leaves 0 CANCELLED_KILL_SWITCH
      > 2 Cancelled 1 2@0 leaves 0 stop 505 CANCELLED_KILL_SWITCH
      > 2 Cancelled 2 2@0 leaves 0 stop 505 CANCELLED_KILL_SWITCH
      > 1 Cancelled 1 2@0 leaves 0 stop 495 CANCELLED_KILL_SWITCH
      > 0 Accepted 4@0
    kill symbol 1 off
      > 0 Accepted
    1 new 4 sell 1 trail 5
      > 1 Accepted 4 1@0 leaves 1 stop 495
    2 new 3 sell 1 trail 5 from 510
      > 2 Accepted 3 1@0 leaves 1 stop 505
    2 mass-cancel
      > 2 MassCancelled 1 later 0
      > 2 Cancelled 3 1@0 leaves 0 stop 505 CANCELLED_BY_MASS_CANCEL`,
  );

  it('more are due than one command triggers: the others stand, through snapshots, and follow when these have had their turn', () => {
    const harness = new Harness().setUp(3);
    const many = 3 * TRIGGERS_PER_COMMAND + 12;
    const stopOf = (exchange: Exchange): number => {
      const slot = exchange.clientOrderIds.find(2, 1) - 1;
      return exchange.stops.prices.stopPrice(slot);
    };
    const triggers = (line: string): number =>
      harness.do(parseCommand(line)).reports.filter(({ kind }) => kind === ReportKind.Triggered).length;
    harness.must(parseCommand('reference 500'));
    for (let id = 1; id <= many; id++) harness.must(parseCommand(`1 new ${id} sell 1 trail ${5 + (id % 3)} ref`));
    harness.must(parseCommand('2 new 1 sell 1 trail 50 ref'));
    assert.equal(triggers('reference 490'), TRIGGERS_PER_COMMAND);
    // What is due stays due, and nothing follows, though the price is better than ever.
    assert.equal(triggers('reference 510'), TRIGGERS_PER_COMMAND);
    assert.equal(stopOf(harness.exchange), 450);
    const copy = copyOf(harness.exchange);
    assert.deepEqual([stateHash(copy), stopOf(copy)], [stateHash(harness.exchange), 450]);
    const late = harness.do(parseCommand('2 new 2 sell 1 trail 50 ref'));
    assert.equal(late.reports.at(-1)?.code, Code.TRAIL_UNAVAILABLE);
    follow(copy, harness.exchange, '2 new 2 sell 1 trail 50 ref');
    assert.equal(triggers('tick'), 12);
    follow(copy, harness.exchange, 'tick');
    assert.deepEqual([stopOf(harness.exchange), stopOf(copy)], [460, 460]);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    assert.equal(harness.do(parseCommand('2 new 2 sell 1 trail 50 ref')).reports[0].code, Code.OK, 'its id was not used up');
    const book = harness.exchange.books[SYMBOL];
    assert.ok(book);
    auditBooks(harness.exchange.slab, harness.exchange.pages, [book], () => false, harness.exchange.stops.books);
  });

  it('become active, and reach a price, in parts if many do: the others stand, through snapshots, and the end is that of one step', () => {
    const before = [
      ...['reference 500', '1 new 1 sell 1 trail 50 ref', 'reference 490', '1 new 2 sell 1 trail 50 ref'],
      ...['reference 480', '1 new 3 sell 1 trail 50 ref', 'reference 479', '1 new 4 sell 1 trail 50 ref'],
      ...[5, 6, 7].map((id) => `2 new ${id} sell 1 trail ${id} from ${505 + (id & 2)} ref`),
    ];
    const [parts, whole, old] = [new Harness(), new Harness(), new Harness(undefined, 5)].map((harness) => harness.setUp(3));
    parts.exchange.triggers.followsPerCommand = 2;
    const stopsOf = ({ exchange }: Harness): (number | undefined)[] =>
      [1, 2, 3, 4, 5, 6, 7].map((id) => {
        const slot = exchange.clientOrderIds.find(id < 5 ? 1 : 2, id) - 1;
        return slot < 0 ? undefined : exchange.stops.prices.stopPrice(slot);
      });
    for (const harness of [parts, whole, old]) for (const line of [...before, 'reference 510']) harness.must(parseCommand(line));
    assert.deepEqual(stopsOf(whole), [460, 460, 460, 460, 505, 504, 503]);
    assert.deepEqual(stopsOf(old), stopsOf(whole), 'rules 5 take one step');
    // Two groups joined the newest one, which has come to the price of the last of them; the others wait.
    const seen = [stopsOf(parts)];
    for (let step = 0; parts.exchange.deadlineUs <= parts.exchange.timeUs; step++) {
      const copy = copyOf(parts.exchange);
      copy.triggers.followsPerCommand = 2;
      assert.equal(copy.deadlineUs <= copy.timeUs, true);
      const late = step === 0 ? '3 new 1 sell 1 trail 5' : '3 new 1 sell 1 trail 5 from 600 ref';
      const line = step < 2 ? late : 'tick';
      const { reports } = parts.do(parseCommand(line));
      if (step < 2) assert.equal(reports.at(-1)?.code, Code.TRAIL_UNAVAILABLE);
      follow(copy, parts.exchange, line);
      assert.equal(stateHash(copy), stateHash(parts.exchange), line);
      seen.push(stopsOf(parts));
    }
    assert.deepEqual(seen, [
      [450, 440, 440, 440, 500, 501, 500],
      [460, 460, 460, 460, 505, 501, 500],
      [460, 460, 460, 460, 505, 504, 503],
      [460, 460, 460, 460, 505, 504, 503],
    ]);
    assert.equal(parts.exchange.deadlineUs, Number.POSITIVE_INFINITY);
    assert.equal(parts.do(parseCommand('3 new 1 sell 1 trail 5 from 600 ref')).reports[0].code, Code.OK, 'its id was not used up');
    for (const line of ['reference 505', 'tick']) for (const harness of [parts, whole]) harness.do(parseCommand(line));
    assert.deepEqual(stopsOf(parts), stopsOf(whole));
  });

  it('of which a part is active yet are cancelled as always', () => {
    const harness = new Harness().setUp(3);
    const { exchange } = harness;
    exchange.triggers.followsPerCommand = 1;
    for (const id of [1, 2, 3]) harness.must(parseCommand(`1 new ${id} buy 1 trail 5 from 490 ref`));
    harness.must(parseCommand('reference 490'));
    for (const id of [1, 3]) assert.equal(harness.do(parseCommand(`1 cancel ${id}`)).reports[0].code, Code.CANCELLED_BY_CLIENT);
    assert.equal(exchange.stops.prices.stopPrice(exchange.clientOrderIds.find(1, 2) - 1), 495);
    harness.do(parseCommand('tick'));
    assert.deepEqual([exchange.deadlineUs, exchange.slab.count], [Number.POSITIVE_INFINITY, 1]);
  });

  it('have ended: waves of stops that are cancelled count no more, as in a state from a snapshot', () => {
    const before = ['3 new 90 buy 1 @ 100', '3 new 91 sell 1 @ 100'];
    // The cancelled stop 2 was due; the stop 4 would have its turn behind it, and another price would be the last.
    const text = `
      1 new 10 buy 5 @ 99
      1 new 11 sell 5 @ 101
      reference 100
      2 new 1 sell 1 trail 5
      2 cancel 1
      phase auction
      2 new 2 sell 1 stop 95 ref
      2 new 3 buy 1 stop 105 ref
      reference 90
      2 cancel 2
      reference 110
      2 new 4 sell 1 stop 115 ref now
      phase continuous`;
    const harness = new Harness().setUp(3);
    for (const line of before) harness.must(parseCommand(line));
    sameFromAnySnapshot(harness, text);
  });
});
