/** Pegged orders: what they follow, when they move and keep their place, and that everything else treats them as orders at their limit. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stateHash } from '../engine/machine/state-rows.ts';
import type { SymbolParam } from '../engine/params.ts';
import type { PeggedOrders } from '../engine/rules/pegged-orders.ts';
import { CommandKind, Side } from '../engine/wire/layout.ts';
import {
  BTC,
  describe as describeReport,
  Harness,
  parseCommand,
  SMALL_LIMITS,
  SYMBOL,
  tidyLedger,
  USD,
} from './support/exchange-fixture.ts';
import { NaiveMirror } from './support/naive-mirror.ts';
import { audit, copyOf } from './support/shares-fixture.ts';

/** `2/1 5@505`: account, client order id, open quantity and price; best price first, then by place. */
function bookOf({ exchange }: Harness): string {
  const { slab, books, pegs } = exchange;
  const name = (slot: number): string => `${slab.account(slot)}/${slab.clientOrderId(slot)} ${slab.open(slot)}`;
  const side = (which: number): string => {
    const orders: string[] = [];
    books[SYMBOL]?.ordersInPriority(which, (slot) => orders.push(`${name(slot)}@${slab.price(slot)}`));
    return orders.join(', ') || '-';
  };
  const parked = [...pegs.parked()].map(name).join(', ');
  return `${side(Side.Buy)} | ${side(Side.Sell)}${parked && ` | parked ${parked}`}`;
}

/** Runs a ledger whose line `book` shows the book. Continues a copy of the state after each line, too. */
function run(harness: Harness, ledger: string): string {
  const out: string[] = [];
  const market = new NaiveMirror();
  for (const line of ledger.split('\n')) {
    if (line.trim() === '' || line.trim().startsWith('>') || line.trim().startsWith('=')) continue;
    out.push(line.trim());
    if (line.trim() === 'book') out.push(`= ${bookOf(harness)}`);
    else {
      const { reports, events } = harness.do(parseCommand(line));
      market.apply(events);
      for (const report of reports) out.push(`> ${describeReport(report)}`);
    }
    audit(harness);
    const copy = copyOf(harness.exchange, harness.exchange.limits);
    assert.equal(stateHash(copy), stateHash(harness.exchange), line);
    assert.equal(copy.deadlineUs, harness.exchange.deadlineUs);
  }
  return out.join('\n');
}

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}, funds = {}): void {
  it(name, () => {
    const harness = new Harness().setUp(5, params, funds);
    assert.equal(run(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
  });
}

describe('pegged orders', () => {
  ledger(
    'follow their side or the middle, up to their limit; one that stays keeps its place',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    1 new 2 sell 5 @ 510
      > 1 Accepted 2 5@510 leaves 5
    2 new 1 buy 1 @ 505 peg primary 1
      > 2 Accepted 1 1@499 leaves 1
    3 new 1 buy 1 @ 505 peg midpoint 0
      > 3 Accepted 1 1@505 leaves 1
    1 new 3 buy 5 @ 504
      > 1 Accepted 3 5@504 leaves 5
    book
      = 3/1 1@505, 1/3 5@504, 2/1 1@503, 1/1 5@500 | 1/2 5@510
    1 new 4 buy 5 @ 509
      > 1 Accepted 4 5@509 leaves 5
    book
      = 1/4 5@509, 3/1 1@505, 2/1 1@505, 1/3 5@504, 1/1 5@500 | 1/2 5@510
    1 cancel 4
      > 1 Cancelled 4 5@509 leaves 0 CANCELLED_BY_CLIENT
    1 cancel 3
      > 1 Cancelled 3 5@504 leaves 0 CANCELLED_BY_CLIENT
    book
      = 3/1 1@505, 1/1 5@500, 2/1 1@499 | 1/2 5@510`,
  );
  ledger(
    'at one price they stand in the order in which they came there; one behind another keeps its place when others move',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 1 @ 505 peg primary 0
      > 2 Accepted 1 1@500 leaves 1
    3 new 1 buy 2 @ 500 peg primary 0
      > 3 Accepted 1 2@500 leaves 2
    1 new 2 buy 5 @ 500
      > 1 Accepted 2 5@500 leaves 5
    4 new 1 buy 3 @ 505 peg primary 0
      > 4 Accepted 1 3@500 leaves 3
    book
      = 1/1 5@500, 2/1 1@500, 3/1 2@500, 1/2 5@500, 4/1 3@500 | -
    1 cancel 1
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_BY_CLIENT
    book
      = 2/1 1@500, 3/1 2@500, 1/2 5@500, 4/1 3@500 | -
    1 new 3 buy 1 @ 502
      > 1 Accepted 3 1@502 leaves 1
    book
      = 1/3 1@502, 2/1 1@502, 4/1 3@502, 3/1 2@500, 1/2 5@500 | -`,
  );
  ledger(
    'of the other side keep an offset from it, and the middle is rounded away from the other side',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    1 new 2 sell 5 @ 515
      > 1 Accepted 2 5@515 leaves 5
    2 new 1 buy 1 @ 600 peg market 0
      > 2 Rejected 1 1@600 leaves 0 PEG_OFFSET
    2 new 2 buy 1 @ 600 peg market -1
      > 2 Rejected 2 1@600 leaves 0 PEG_OFFSET
    2 new 3 buy 1 @ 600 peg market 7
      > 2 Accepted 3 1@505 leaves 1
    3 new 1 sell 1 @ 400 peg midpoint 0
      > 3 Accepted 1 1@510 leaves 1
    3 new 2 buy 1 @ 600 peg midpoint 0
      > 3 Accepted 2 1@505 leaves 1
    3 new 3 buy 1 @ 600 peg midpoint -10
      > 3 Accepted 3 1@505 leaves 1
    3 new 4 sell 1 @ 100 peg midpoint 12
      > 3 Accepted 4 1@520 leaves 1
    book
      = 2/3 1@505, 3/2 1@505, 3/3 1@505, 1/1 5@500 | 3/1 1@510, 1/2 5@515, 3/4 1@520`,
    { TickStep: 5 },
  );
  ledger(
    'do not follow one another, and lock nothing: of two at one middle, the first one has it',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    1 new 2 sell 5 @ 510
      > 1 Accepted 2 5@510 leaves 5
    2 new 1 buy 1 @ 600 peg midpoint 0
      > 2 Accepted 1 1@505 leaves 1
    3 new 1 sell 1 @ 400 peg midpoint 0
      > 3 Accepted 1 1@506 leaves 1
    3 new 2 buy 1 @ 600 peg primary 0
      > 3 Accepted 2 1@500 leaves 1
    3 new 3 buy 1 @ 600 peg primary -3
      > 3 Accepted 3 1@503 leaves 1
    2 cancel 1
      > 2 Cancelled 1 1@505 leaves 0 CANCELLED_BY_CLIENT
    book
      = 3/3 1@503, 1/1 5@500, 3/2 1@500 | 3/1 1@505, 1/2 5@510`,
  );
  ledger(
    'are moved by no hidden order, and stand behind one of the other side',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    1 new 2 sell 5 @ 510
      > 1 Accepted 2 5@510 leaves 5
    2 new 1 buy 1 @ 600 peg primary 0
      > 2 Accepted 1 1@500 leaves 1
    2 new 2 buy 1 @ 600 peg midpoint 0
      > 2 Accepted 2 1@505 leaves 1
    1 new 3 buy 5 @ 504 hidden
      > 1 Accepted 3 5@504 leaves 5
    2 cancel 2
      > 2 Cancelled 2 1@505 leaves 0 CANCELLED_BY_CLIENT
    1 cancel 3
      > 1 Cancelled 3 5@504 leaves 0 CANCELLED_BY_CLIENT
    1 new 4 sell 5 @ 503 hidden
      > 1 Accepted 4 5@503 leaves 5
    book
      = 1/1 5@500, 2/1 1@500 | 1/4 5@503, 1/2 5@510
    2 new 3 buy 1 @ 600 peg midpoint 0
      > 2 Accepted 3 1@502 leaves 1
    1 cancel 4
      > 1 Cancelled 4 5@503 leaves 0 CANCELLED_BY_CLIENT
    book
      = 2/3 1@505, 1/1 5@500, 2/1 1@500 | 1/2 5@510`,
  );
  ledger(
    'follow the displayed part of an iceberg, and nothing when it is gone',
    `
    1 new 1 sell 20 @ 500 show 10
      > 1 Accepted 1 20@500 leaves 20
    2 new 1 sell 1 @ 400 peg primary 0
      > 2 Accepted 1 1@500 leaves 1
    3 new 1 buy 10 @ 500
      > 3 Accepted 1 10@500 leaves 10
      > 1 Fill 1 10@500 leaves 10 maker
      > 3 Fill 1 10@500 leaves 0 taker
    book
      = - | 2/1 1@500, 1/1 10@500
    3 new 2 buy 11 @ 500
      > 3 Accepted 2 11@500 leaves 11
      > 2 Fill 1 1@500 leaves 0 maker
      > 3 Fill 2 1@500 leaves 10 taker
      > 1 Fill 1 10@500 leaves 0 maker
      > 3 Fill 2 10@500 leaves 0 taker`,
  );
  ledger(
    'are parked while there is nothing to follow or no price, and come back',
    `
    2 new 1 buy 3 @ 505 peg primary 2
      > 2 Accepted 1 3@0 leaves 3
    2 new 1 buy 3 @ 505 peg primary 2
      > 2 Accepted 1 3@0 leaves 3 again
    1 new 1 buy 5 @ 2
      > 1 Accepted 1 5@2 leaves 5
    book
      = 1/1 5@2 | - | parked 2/1 3
    1 new 2 buy 5 @ 3
      > 1 Accepted 2 5@3 leaves 5
    3 new 1 sell 1 @ 1
      > 3 Accepted 1 1@1 leaves 1
      > 1 Fill 2 1@3 leaves 4 maker
      > 3 Fill 1 1@3 leaves 0 taker
    book
      = 1/2 4@3, 1/1 5@2, 2/1 3@1 | -
    1 cancel 2
      > 1 Cancelled 2 4@3 leaves 0 CANCELLED_BY_CLIENT
    2 amend 1 2 @ 505
      > 2 Amended 1 2@0 leaves 2 kept
    2 amend 1 4 @ 504
      > 2 Amended 1 4@0 leaves 4 kept
    2 cancel 1
      > 2 Cancelled 1 4@0 leaves 0 CANCELLED_BY_CLIENT`,
  );
  ledger(
    'are outside the book in an auction, and come back in the order of their entry; a halt leaves them',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 1 @ 505 peg primary 0
      > 2 Accepted 1 1@500 leaves 1
    2 new 2 buy 2 @ 505 peg primary 0
      > 2 Accepted 2 2@500 leaves 2
    phase halted
      > 0 Accepted
    book
      = 1/1 5@500, 2/1 1@500, 2/2 2@500 | -
    1 cancel 1
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_BY_CLIENT
    2 amend 2 1 @ 505
      > 2 Amended 2 1@500 leaves 1 kept
    2 amend 2 1 @ 504
      > 2 AmendRejected 2 1@504 leaves 1 SYMBOL_HALTED
    2 new 3 buy 1 @ 505 peg primary 0
      > 2 Rejected 3 1@505 leaves 0 SYMBOL_HALTED
    book
      = 2/1 1@500, 2/2 1@500 | -
    phase auction
      > 0 Accepted
    book
      = - | - | parked 2/1 1, 2/2 1
    2 new 4 buy 1 @ 505 peg primary 0
      > 2 Accepted 4 1@0 leaves 1
    1 new 2 buy 4 @ 500
      > 1 Accepted 2 4@500 leaves 4
    1 new 3 sell 4 @ 499
      > 1 Accepted 3 4@499 leaves 4
    1 new 4 buy 1 @ 498
      > 1 Accepted 4 1@498 leaves 1
    uncross
      > 1 Fill 2 4@499 leaves 0 auction self-trade
      > 1 Fill 3 4@499 leaves 0 auction self-trade
      > 0 Accepted 4@499
    phase continuous
      > 0 Accepted
    book
      = 1/4 1@498, 2/1 1@498, 2/2 1@498, 2/4 1@498 | -
    phase closed
      > 0 Accepted
    1 cancel 4
      > 1 Cancelled 4 1@498 leaves 0 CANCELLED_BY_CLIENT
    book
      = 2/1 1@498, 2/2 1@498, 2/4 1@498 | -
    phase continuous
      > 0 Accepted
    book
      = - | - | parked 2/1 1, 2/2 1, 2/4 1`,
  );
  ledger(
    'are outside the book in a volatility auction; an order that trades with one may begin it',
    `
    1 new 1 sell 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 sell 5 @ 400 peg primary 40
      > 2 Accepted 1 5@540 leaves 5
    3 new 1 buy 8 @ 600
      > 3 Accepted 1 8@600 leaves 8
      > 1 Fill 1 5@500 leaves 0 maker
      > 3 Fill 1 5@500 leaves 3 taker
    book
      = 3/1 3@600 | - | parked 2/1 5
    1 new 2 sell 1 @ 620
      > 1 Accepted 2 1@620 leaves 1
    +6000000 tick
    book
      = 3/1 3@600 | 1/2 1@620, 2/1 5@660`,
    { ReferencePrice: 500, DynamicBandPpm: 50_000, VolatilityUs: 5_000_000 },
  );
  ledger(
    'reserve what they could cost at their limit, and are charged what they trade at',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 10 @ 1100 peg primary 0
      > 2 Rejected 1 10@1100 leaves 0 INSUFFICIENT_FUNDS
    2 new 2 buy 10 @ 600 peg primary 0
      > 2 Accepted 2 10@500 leaves 10
    2 amend 2 20 @ 600
      > 2 AmendRejected 2 20@600 leaves 10 INSUFFICIENT_FUNDS
    2 new 3 buy 10 @ 500
      > 2 Rejected 3 10@500 leaves 0 INSUFFICIENT_FUNDS
    3 new 1 sell 12 @ 500
      > 3 Accepted 1 12@500 leaves 12
      > 1 Fill 1 5@500 leaves 0 maker
      > 3 Fill 1 5@500 leaves 7 taker
      > 2 Fill 2 7@500 leaves 3 maker
      > 3 Fill 1 7@500 leaves 0 taker
    book
      = - | - | parked 2/2 3
    2 new 4 buy 10 @ 471
      > 2 Rejected 4 10@471 leaves 0 INSUFFICIENT_FUNDS
    2 new 5 buy 10 @ 470
      > 2 Accepted 5 10@470 leaves 10`,
    {},
    { usd: 10_000 },
  );
  ledger(
    'keep their place when an amend leaves their price and adds nothing, and lose it otherwise',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 5 @ 505 peg primary 0
      > 2 Accepted 1 5@500 leaves 5
    2 new 2 buy 5 @ 505 peg primary 0
      > 2 Accepted 2 5@500 leaves 5
    2 amend 1 4 @ 505
      > 2 Amended 1 4@500 leaves 4 kept
    2 amend 1 4 @ 505
      > 2 Amended 1 4@500 leaves 4 kept
    2 amend 1 3 @ 506
      > 2 Amended 1 3@500 leaves 3 kept
    book
      = 1/1 5@500, 2/1 3@500, 2/2 5@500 | -
    2 amend 1 4 @ 506
      > 2 Amended 1 4@500 leaves 4
    book
      = 1/1 5@500, 2/2 5@500, 2/1 4@500 | -
    2 amend 2 5 @ 498
      > 2 Amended 2 5@498 leaves 5
    book
      = 1/1 5@500, 2/1 4@500, 2/2 5@498 | -
    2 amend 2 6 @ 0
      > 2 AmendRejected 2 6@0 leaves 5 PRICE_RANGE
    2 amend 2 5 @ 498 stop 400
      > 2 AmendRejected 2 5@498 leaves 5 STOP_PRICE
    2 amend 2 5 @ 498 show 2
      > 2 AmendRejected 2 5@498 leaves 5 DISPLAYED_QUANTITY`,
  );
  ledger(
    'end like other orders, in the book or parked',
    `
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 1 @ 505 gtd 90 peg primary 0
      > 2 Accepted 1 1@500 leaves 1
    2 new 2 buy 1 @ 505 peg market 5
      > 2 Accepted 2 1@0 leaves 1
    3 new 1 buy 1 @ 505 peg market 5
      > 3 Accepted 1 1@0 leaves 1
    3 new 2 buy 1 @ 505 gtd 90 peg market 5
      > 3 Accepted 2 1@0 leaves 1
    at 90: tick
      > 2 Cancelled 1 1@500 leaves 0 EXPIRED
      > 3 Cancelled 2 1@0 leaves 0 EXPIRED
    2 mass-cancel
      > 2 MassCancelled 1 later 0
      > 2 Cancelled 2 1@0 leaves 0 CANCELLED_BY_MASS_CANCEL
    3 new 3 sell 1 @ 505 peg primary 0
      > 3 Accepted 3 1@0 leaves 1
    kill symbol 1 on
      > 1 Cancelled 1 5@500 leaves 0 CANCELLED_KILL_SWITCH
      > 3 Cancelled 1 1@0 leaves 0 CANCELLED_KILL_SWITCH
      > 3 Cancelled 3 1@0 leaves 0 CANCELLED_KILL_SWITCH
      > 0 Accepted 3@0`,
  );
  ledger(
    'count for limits of position, and are not the incoming order of self-trade prevention',
    `
    limit 2 1 MaxExposure 20
      > 0 Accepted
    1 new 1 buy 5 @ 500
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 buy 4 @ 505 peg market 5 cancel-newest
      > 2 Accepted 1 4@0 leaves 4
    2 new 2 buy 17 @ 505 peg primary 0
      > 2 Rejected 2 17@505 leaves 0 EXPOSURE_LIMIT
    2 new 3 sell 2 @ 505
      > 2 Accepted 3 2@505 leaves 2
    book
      = 1/1 5@500, 2/1 4@500 | 2/3 2@505
    2 new 4 sell 7 @ 500 decrement
      > 2 Accepted 4 7@500 leaves 7
      > 1 Fill 1 5@500 leaves 0 maker
      > 2 Fill 4 5@500 leaves 2 taker
      > 2 Amended 1 2@500 leaves 2 CANCELLED_SELF_TRADE kept
      > 2 Cancelled 4 2@500 leaves 0 CANCELLED_SELF_TRADE`,
  );
});

describe('batches of pegged orders', () => {
  /** `count` pegs of account 2 at 500, and a bid of account 1 at 501. */
  function batch(count: number): Harness {
    const harness = new Harness({ ...SMALL_LIMITS, orders: 4096, ordersPerAccount: 4096 }).setUp(4);
    harness.do(parseCommand('1 new 1 buy 1 @ 500'));
    for (let id = 1; id <= count; id++) harness.do(parseCommand(`2 new ${id} buy 1 @ 600 peg primary 0`));
    harness.do(parseCommand('1 new 2 buy 1 @ 501'));
    return harness;
  }
  const at = ({ exchange }: Harness, price: number): number => (exchange.books[SYMBOL]?.levelOrders(Side.Buy, price) ?? 0) - 1;

  it('move 256 with each command, in the order of their entry; ticks do the rest', () => {
    const harness = batch(700);
    const { exchange } = harness;
    assert.deepEqual([at(harness, 501), at(harness, 500)], [256, 444]);
    assert.equal(exchange.deadlineUs, exchange.timeUs, 'a tick is due');
    const copy = copyOf(exchange, exchange.limits);
    assert.equal(stateHash(copy), stateHash(exchange));
    assert.equal(copy.deadlineUs, exchange.timeUs);
    harness.do(parseCommand('tick'));
    assert.deepEqual([at(harness, 501), at(harness, 500)], [512, 188]);
    harness.do(parseCommand('3 new 1 sell 1 @ 600'));
    assert.deepEqual([at(harness, 501), at(harness, 500)], [700, 0]);
    harness.do(parseCommand('tick'));
    assert.equal(exchange.deadlineUs, Number.POSITIVE_INFINITY);
    const places: number[] = [];
    exchange.books[SYMBOL]?.ordersInPriority(Side.Buy, (slot) => places.push(exchange.slab.clientOrderId(slot)));
    assert.deepEqual(
      places.slice(1, 701),
      Array.from({ length: 700 }, (_, i) => i + 1),
    );
    audit(harness);
  });

  it('go on where they are when prices change meanwhile, and reach each order', () => {
    const harness = batch(400);
    assert.deepEqual([at(harness, 501), at(harness, 500)], [256, 144]);
    harness.do(parseCommand('1 new 3 buy 1 @ 502'));
    assert.deepEqual([at(harness, 502), at(harness, 501), at(harness, 500)], [256, 144, 0]);
    const first = harness.exchange.books[SYMBOL]?.first(Side.Buy) ?? -1;
    const second = harness.exchange.slab.next(first);
    assert.equal(harness.exchange.slab.clientOrderId(second), 257, 'the batch went on behind the last one that it had moved');
    harness.do(parseCommand('tick'));
    assert.deepEqual([at(harness, 502), at(harness, 501)], [400, 0]);
    audit(harness);
  });

  it('one that trades while the batch is under way is passed over', () => {
    const harness = batch(300);
    harness.do(parseCommand('3 new 1 sell 20 @ 500'));
    assert.equal(
      harness.exchange.books[SYMBOL]?.bestBid(),
      500,
      'the reference traded first, then the orders at its price, and the others were repriced',
    );
    for (let ticks = 0; ticks < 3; ticks++) harness.do(parseCommand('tick'));
    assert.equal(harness.exchange.pegs.rounds[SYMBOL]?.count, 281);
    assert.equal(at(harness, 500), 281);
    audit(harness);
  });

  it('park in parts before an uncross, which waits for it, and come back in parts', () => {
    const harness = batch(600);
    harness.do(parseCommand('tick'));
    harness.do(parseCommand('tick'));
    harness.do(parseCommand('phase auction'));
    assert.equal([...harness.exchange.pegs.parked()].length, 256);
    const copy = copyOf(harness.exchange, harness.exchange.limits);
    assert.deepEqual([copy.pegs.areParked(SYMBOL), stateHash(copy)], [false, stateHash(harness.exchange)]);
    harness.do(parseCommand('3 new 1 sell 50 @ 400'));
    const [early] = harness.do(parseCommand('uncross')).reports;
    assert.equal(describeReport(early), '0 Rejected UNCROSS_WAITS');
    harness.do(parseCommand('uncross'));
    assert.equal([...harness.exchange.pegs.parked()].length, 600, 'none of them traded');
    harness.do(parseCommand('1 new 3 buy 1 @ 300'));
    harness.do(parseCommand('phase continuous'));
    assert.equal([...harness.exchange.pegs.parked()].length, 344);
    harness.do(parseCommand('tick'));
    harness.do(parseCommand('tick'));
    assert.equal([...harness.exchange.pegs.parked()].length, 0);
    audit(harness);
  });

  it('continuous trading waits until all are parked; a halt does not', () => {
    const harness = batch(600);
    for (const line of ['tick', 'tick', 'phase auction']) harness.do(parseCommand(line));
    const [early] = harness.do(parseCommand('phase continuous')).reports;
    assert.equal(describeReport(early), '0 Rejected UNCROSS_WAITS');
    assert.equal([...harness.exchange.pegs.parked()].length, 512);
    const [halt] = harness.do(parseCommand('phase halted')).reports;
    assert.equal(describeReport(halt), '0 Accepted');
    assert.equal([...harness.exchange.pegs.parked()].length, 512);
    harness.do(parseCommand('phase continuous'));
    assert.equal([...harness.exchange.pegs.parked()].length, 256);
    audit(harness);
  });

  it('an account has so many at most', () => {
    const harness = new Harness({ ...SMALL_LIMITS, orders: 4096, ordersPerAccount: 4096 }).setUp(3);
    for (let id = 1; id <= 1024; id++) harness.do(parseCommand(`2 new ${id} buy 1 @ 600 peg primary 0`));
    const [refused] = harness.do(parseCommand('2 new 2000 buy 1 @ 600 peg primary 0')).reports;
    assert.equal(describeReport(refused), '2 Rejected 2000 1@600 leaves 0 PEG_LIMIT');
    const [accepted] = harness.do(parseCommand('3 new 1 buy 1 @ 600 peg primary 0')).reports;
    assert.equal(describeReport(accepted), '3 Accepted 1 1@0 leaves 1');
    harness.do(parseCommand('2 cancel 7'));
    const [next] = harness.do(parseCommand('2 new 2001 buy 1 @ 600 peg primary 0')).reports;
    assert.equal(describeReport(next), '2 Accepted 2001 1@0 leaves 1');
  });

  const second = SYMBOL + 1;
  const twoSymbols = (): Harness => {
    const harness = new Harness({ ...SMALL_LIMITS, orders: 4096, ordersPerAccount: 4096 }).setUp(4);
    const define = {
      kind: CommandKind.DefineSymbol,
      symbol: second,
      account: BTC,
      tag: USD,
      side: 2,
      timeInForce: 3,
      clientOrderId: 1,
      orderId: 1,
      name: 'X-USD',
    };
    harness.must(define);
    harness.must({ kind: CommandKind.SetPhase, symbol: second, parameter: 1 });
    return harness;
  };

  const turns = ({ active }: PeggedOrders): number[] => Array.from({ length: active.length }, (_, i) => active.at(i));

  it('symbols take turns', () => {
    const harness = twoSymbols();
    for (const symbol of [SYMBOL, second]) {
      harness.do({ ...parseCommand(`1 new ${symbol} buy 1 @ 500`), symbol });
      for (let id = 1; id <= 400; id++) harness.do({ ...parseCommand(`2 new ${id + 1000 * symbol} buy 1 @ 600 peg primary 0`), symbol });
    }
    const { books, pegs } = harness.exchange;
    const moved = (): number[] => [SYMBOL, second].map((symbol) => (books[symbol]?.levelOrders(Side.Buy, 501) ?? 0) - 1);
    harness.do({ ...parseCommand('1 new 11 buy 1 @ 501'), symbol: second });
    harness.do({ ...parseCommand('1 new 12 buy 1 @ 501') });
    assert.deepEqual(
      turns(pegs),
      [SYMBOL, second].reverse().filter((symbol) => pegs.rounds[symbol]?.active),
    );
    for (let ticks = 0; ticks < 4; ticks++) harness.do(parseCommand('tick'));
    assert.deepEqual(moved(), [400, 400]);
    audit(harness);
  });

  it('a symbol whose last one ends has no turn, as after a snapshot', () => {
    const harness = twoSymbols();
    const { pegOrders, pegs } = harness.exchange;
    Object.assign(pegOrders, { perCommand: 2, lookedAt: 3 });
    for (const symbol of [second, SYMBOL]) {
      harness.do({ ...parseCommand(`1 new ${symbol} buy 1 @ 500`), symbol });
      for (let id = 1; id <= 8; id++) harness.do({ ...parseCommand(`2 new ${id + 10 * symbol} buy 1 @ 600 peg primary 0`), symbol });
    }
    while (pegs.active.length > 0) harness.do(parseCommand('tick'));
    for (const symbol of [second, SYMBOL]) harness.do({ ...parseCommand(`1 new ${10 + symbol} buy 1 @ 501`), symbol });
    assert.deepEqual(turns(pegs), [SYMBOL, second]);
    harness.do({ ...parseCommand('2 mass-cancel'), symbol: second });
    assert.deepEqual(turns(pegs), [SYMBOL]);
    const copy = copyOf(harness.exchange, harness.exchange.limits);
    Object.assign(copy.pegOrders, { perCommand: 2, lookedAt: 3 });
    harness.onRecord = (bytes, words) => copy.apply(bytes, words, 0);
    harness.do({ ...parseCommand('2 new 99 buy 1 @ 600 peg primary 0'), symbol: second });
    assert.equal(stateHash(copy), stateHash(harness.exchange));
  });

  it('are no orders of rules 5', () => {
    const harness = new Harness(SMALL_LIMITS, 5).setUp(2);
    const [refused] = harness.do(parseCommand('2 new 1 buy 1 @ 600 peg primary 0')).reports;
    assert.equal(describeReport(refused), '2 Rejected 1 1@600 leaves 0 UNSUPPORTED_TERM');
  });
});
