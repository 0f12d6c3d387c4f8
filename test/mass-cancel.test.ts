/** Mass cancels: docs/TRADING-RULES.md, "Mass cancel". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { auditBook } from '../engine/book/book-audit.ts';
import { Code } from '../engine/codes.ts';
import { resolveLimits } from '../engine/limits.ts';
import { BookOrderHeap } from '../engine/machine/book-order-heap.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { CANCELS_PER_COMMAND } from '../engine/machine/mass-cancels.ts';
import { StateLoader, saveState, stateHash } from '../engine/machine/state-rows.ts';
import { AccountParam, SYMBOL_PARAM_DEFAULTS } from '../engine/params.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { CommandKind, OrderType, Phase, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { ENGINE_LIMITS, RunningEngine, temporaryDirectory, venue } from './support/engine-fixture.ts';
import {
  BTC,
  Harness,
  type LongCommandFields,
  parseCommand,
  runLedger,
  SMALL_LIMITS,
  SYMBOL,
  tidyLedger,
  USD,
} from './support/exchange-fixture.ts';
import { times } from './support/long-runs.ts';
import { NaiveExchange } from './support/naive-exchange.ts';
import { until } from './support/until.ts';

function audit(harness: Harness, mayCross = false): void {
  for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
  const book = harness.exchange.books[SYMBOL];
  assert.ok(book);
  auditBook(book, mayCross);
}

/** @param perCommand orders that one command cancels */
function ledger(name: string, perCommand: number, text: string): void {
  it(name, () => {
    const harness = new Harness().setUp(3);
    harness.exchange.massCancels.perCommand = perCommand;
    assert.equal(runLedger(harness, text), tidyLedger(text));
    audit(harness, true);
  });
}

describe('a mass cancel', () => {
  ledger(
    'cancels what the account has in the book: buys first, the best price first, then the lower order id',
    100,
    `
    1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    1 new 2 sell 2 @ 700
      > 1 Accepted 2 2@700 leaves 2
    1 new 3 buy 3 @ 501
      > 1 Accepted 3 3@501 leaves 3
    1 new 4 buy 4 @ 500
      > 1 Accepted 4 4@500 leaves 4
    1 new 5 sell 5 @ 699
      > 1 Accepted 5 5@699 leaves 5
    2 new 1 buy 9 @ 500
      > 2 Accepted 1 9@500 leaves 9
    1 mass-cancel
      > 1 MassCancelled 5 later 0
      > 1 Cancelled 3 3@501 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 4 4@500 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 5 5@699 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 2 2@700 leaves 0 CANCELLED_BY_MASS_CANCEL
    1 mass-cancel
      > 1 MassCancelled 0 later 0
    3 new 1 sell 10 @ 500
      > 3 Accepted 1 10@500 leaves 10
      > 2 Fill 1 9@500 leaves 0 maker
      > 3 Fill 1 9@500 leaves 1 taker`,
  );
  ledger(
    'of a side, or of a symbol, leaves the others',
    100,
    `
    1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    1 new 2 sell 2 @ 700
      > 1 Accepted 2 2@700 leaves 2
    1 mass-cancel sell
      > 1 MassCancelled 1 later 0
      > 1 Cancelled 2 2@700 leaves 0 CANCELLED_BY_MASS_CANCEL
    1 mass-cancel sell of 1
      > 1 MassCancelled 0 later 0
    1 mass-cancel buy of 1
      > 1 MassCancelled 1 later 0
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_MASS_CANCEL
    1 mass-cancel of 2
      > 1 MassCancelled 0 later 0 UNKNOWN_SYMBOL`,
  );
  ledger(
    'works in every phase',
    100,
    `
    1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    phase halted
      > 0 Accepted
    1 mass-cancel
      > 1 MassCancelled 1 later 0
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_BY_MASS_CANCEL`,
  );
  ledger(
    'cancels pending stops after the book: buys first, the next to trigger first, then the lower order id',
    100,
    `
    1 new 1 buy 1 stop 510
      > 1 Accepted 1 1@0 leaves 1 stop 510
    1 new 2 buy 1 stop 505
      > 1 Accepted 2 1@0 leaves 1 stop 505
    1 new 3 sell 1 @ 480 stop 480
      > 1 Accepted 3 1@480 leaves 1 stop 480
    1 new 4 sell 1 stop 490 ref
      > 1 Accepted 4 1@0 leaves 1 stop 490 ref
    1 new 5 sell 1 @ 700
      > 1 Accepted 5 1@700 leaves 1
    1 new 6 buy 1 @ 100
      > 1 Accepted 6 1@100 leaves 1
    1 new 7 buy 1 stop 505
      > 1 Accepted 7 1@0 leaves 1 stop 505
    2 new 1 sell 1 stop 490
      > 2 Accepted 1 1@0 leaves 1 stop 490
    1 mass-cancel sell of 1
      > 1 MassCancelled 3 later 0
      > 1 Cancelled 5 1@700 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 4 1@0 leaves 0 stop 490 ref CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 3 1@480 leaves 0 stop 480 CANCELLED_BY_MASS_CANCEL
    1 mass-cancel
      > 1 MassCancelled 4 later 0
      > 1 Cancelled 6 1@100 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 2 1@0 leaves 0 stop 505 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 7 1@0 leaves 0 stop 505 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 1 1@0 leaves 0 stop 510 CANCELLED_BY_MASS_CANCEL
    1 mass-cancel
      > 1 MassCancelled 0 later 0
    2 mass-cancel
      > 2 MassCancelled 1 later 0
      > 2 Cancelled 1 1@0 leaves 0 stop 490 CANCELLED_BY_MASS_CANCEL`,
  );
  it('is accepted from a suspended account, and answered to the operator for one that does not exist', () => {
    const harness = new Harness().setUp(1);
    harness.must(parseCommand('1 new 1 buy 1 @ 500'));
    harness.must({ kind: CommandKind.SetAccount, account: 1, parameter: AccountParam.Suspended, quantity: 1 });
    const { reports } = harness.do(parseCommand('1 mass-cancel'));
    assert.deepEqual(
      reports.map(({ kind, code }) => [kind, code]),
      [
        [ReportKind.MassCancelled, 0],
        [ReportKind.Cancelled, Code.CANCELLED_BY_MASS_CANCEL],
      ],
    );
    const [stranger] = harness.do({ kind: CommandKind.MassCancel, account: 9 }).reports;
    assert.deepEqual([stranger.kind, stranger.code, stranger.account], [ReportKind.MassCancelled, Code.UNKNOWN_ACCOUNT, 0]);
  });
  it('needs rules 5: earlier logs have none', () => {
    const harness = new Harness(SMALL_LIMITS, 4).setUp(1);
    harness.must(parseCommand('1 new 1 buy 1 @ 500'));
    assert.deepEqual(harness.do(parseCommand('1 mass-cancel')).reports, []);
    assert.equal(harness.exchange.slab.count, 1);
  });
});

describe('a mass cancel of more orders than one command cancels', () => {
  const three = `
    1 new 1 buy 1 @ 502
      > 1 Accepted 1 1@502 leaves 1
    1 new 2 buy 2 @ 501
      > 1 Accepted 2 2@501 leaves 2
    1 new 3 buy 3 @ 500
      > 1 Accepted 3 3@500 leaves 3
    1 mass-cancel
      > 1 MassCancelled 3 later 2
      > 1 Cancelled 1 1@502 leaves 0 CANCELLED_BY_MASS_CANCEL`;
  ledger(
    'continues with each command, before it, until nothing is left',
    1,
    `${three}
    2 new 1 buy 1 @ 400
      > 1 Cancelled 2 2@501 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 2 Accepted 1 1@400 leaves 1
    tick
      > 1 Cancelled 3 3@500 leaves 0 CANCELLED_BY_MASS_CANCEL
    tick`,
  );
  ledger(
    'does not cancel what is entered after it',
    1,
    `${three}
    1 new 4 buy 4 @ 600
      > 1 Cancelled 2 2@501 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Accepted 4 4@600 leaves 4
    tick
      > 1 Cancelled 3 3@500 leaves 0 CANCELLED_BY_MASS_CANCEL
    tick
    2 new 1 sell 4 @ 600
      > 2 Accepted 1 4@600 leaves 4
      > 1 Fill 4 4@600 leaves 0 maker
      > 2 Fill 1 4@600 leaves 0 taker`,
  );
  ledger(
    'an order that it names does not trade: what would meet it lets it go first',
    1,
    `
    2 new 1 buy 5 @ 500
      > 2 Accepted 1 5@500 leaves 5
    1 new 1 buy 1 @ 503
      > 1 Accepted 1 1@503 leaves 1
    1 new 2 buy 2 @ 502
      > 1 Accepted 2 2@502 leaves 2
    1 new 3 buy 3 @ 501
      > 1 Accepted 3 3@501 leaves 3
    1 new 4 buy 4 @ 490
      > 1 Accepted 4 4@490 leaves 4
    1 mass-cancel
      > 1 MassCancelled 4 later 3
      > 1 Cancelled 1 1@503 leaves 0 CANCELLED_BY_MASS_CANCEL
    3 new 1 sell 6 @ 495
      > 1 Cancelled 2 2@502 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 3 3@501 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 3 Accepted 1 6@495 leaves 6
      > 2 Fill 1 5@500 leaves 0 maker
      > 3 Fill 1 5@500 leaves 1 taker
    tick
      > 1 Cancelled 4 4@490 leaves 0 CANCELLED_BY_MASS_CANCEL`,
  );
  ledger(
    'nor is it amended or cancelled, and an amend of another one lets it go as a new order would',
    1,
    `
    2 new 1 sell 5 @ 900
      > 2 Accepted 1 5@900 leaves 5
    1 new 1 buy 1 @ 504
      > 1 Accepted 1 1@504 leaves 1
    1 new 2 buy 2 @ 503
      > 1 Accepted 2 2@503 leaves 2
    1 new 3 buy 3 @ 502
      > 1 Accepted 3 3@502 leaves 3
    1 new 4 buy 4 @ 501
      > 1 Accepted 4 4@501 leaves 4
    1 new 5 buy 5 @ 500
      > 1 Accepted 5 5@500 leaves 5
    1 new 6 buy 6 @ 499
      > 1 Accepted 6 6@499 leaves 6
    1 new 7 buy 7 @ 498
      > 1 Accepted 7 7@498 leaves 7
    1 mass-cancel
      > 1 MassCancelled 7 later 6
      > 1 Cancelled 1 1@504 leaves 0 CANCELLED_BY_MASS_CANCEL
    1 amend 4 1 @ 501
      > 1 Cancelled 2 2@503 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 4 4@501 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 AmendRejected 4 1@501 leaves 0 UNKNOWN_ORDER
    1 cancel 6
      > 1 Cancelled 3 3@502 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 6 6@499 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 CancelRejected 6 0@0 leaves 0 UNKNOWN_ORDER
    2 amend 1 5 @ 400
      > 1 Cancelled 5 5@500 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 7 7@498 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 2 Amended 1 5@400 leaves 5`,
  );
  ledger(
    'an uncross waits until it is finished',
    1,
    `
    phase auction
      > 0 Accepted
    1 new 1 buy 1 @ 502
      > 1 Accepted 1 1@502 leaves 1
    1 new 2 buy 2 @ 501
      > 1 Accepted 2 2@501 leaves 2
    1 new 3 sell 3 @ 400
      > 1 Accepted 3 3@400 leaves 3
    2 new 1 sell 1 @ 450
      > 2 Accepted 1 1@450 leaves 1
    1 mass-cancel
      > 1 MassCancelled 3 later 2
      > 1 Cancelled 1 1@502 leaves 0 CANCELLED_BY_MASS_CANCEL
    uncross
      > 1 Cancelled 2 2@501 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 0 Rejected UNCROSS_WAITS
    uncross
      > 1 Cancelled 3 3@400 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 0 Accepted`,
  );
  ledger(
    'a stop that it names does not trigger, and does not take a price of its own',
    1,
    `
    2 new 1 sell 5 @ 600
      > 2 Accepted 1 5@600 leaves 5
    1 new 1 buy 1 @ 400
      > 1 Accepted 1 1@400 leaves 1
    1 new 2 buy 1 @ 300
      > 1 Accepted 2 1@300 leaves 1
    1 new 3 buy 1 @ 200
      > 1 Accepted 3 1@200 leaves 1
    1 new 4 buy 2 stop 600
      > 1 Accepted 4 2@0 leaves 2 stop 600
    1 mass-cancel
      > 1 MassCancelled 4 later 3
      > 1 Cancelled 1 1@400 leaves 0 CANCELLED_BY_MASS_CANCEL
    3 new 1 buy 1 @ 600
      > 1 Cancelled 2 1@300 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 3 Accepted 1 1@600 leaves 1
      > 2 Fill 1 1@600 leaves 4 maker
      > 3 Fill 1 1@600 leaves 0 taker
      > 1 Cancelled 4 2@0 leaves 0 stop 600 CANCELLED_BY_MASS_CANCEL
    tick
      > 1 Cancelled 3 1@200 leaves 0 CANCELLED_BY_MASS_CANCEL`,
  );
  ledger(
    'a stop that triggers lets go what it would meet of it',
    1,
    `
    1 new 1 sell 1 @ 601
      > 1 Accepted 1 1@601 leaves 1
    1 new 2 sell 1 @ 602
      > 1 Accepted 2 1@602 leaves 1
    1 new 3 sell 1 @ 603
      > 1 Accepted 3 1@603 leaves 1
    2 new 1 sell 5 @ 600
      > 2 Accepted 1 5@600 leaves 5
    2 new 2 sell 5 @ 604
      > 2 Accepted 2 5@604 leaves 5
    3 new 1 buy 6 stop 600
      > 3 Accepted 1 6@0 leaves 6 stop 600
    1 mass-cancel
      > 1 MassCancelled 3 later 2
      > 1 Cancelled 1 1@601 leaves 0 CANCELLED_BY_MASS_CANCEL
    2 new 3 buy 1 @ 600
      > 1 Cancelled 2 1@602 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 2 Accepted 3 1@600 leaves 1
      > 2 Fill 1 1@600 leaves 4 maker
      > 2 Fill 3 1@600 leaves 0 taker
      > 1 Cancelled 3 1@603 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 3 Triggered 1 6@0 leaves 6 stop 600
      > 2 Fill 1 4@600 leaves 0 maker
      > 3 Fill 1 4@600 leaves 2 taker
      > 2 Fill 2 2@604 leaves 3 maker
      > 3 Fill 1 2@604 leaves 0 taker
    tick`,
  );
  ledger(
    'an order that expires before its turn is reported so; a second mass cancel names what the first one does not',
    1,
    `
    at 100: 1 new 1 buy 1 @ 503 gtd 300
      > 1 Accepted 1 1@503 leaves 1
    at 100: 1 new 2 buy 2 @ 502
      > 1 Accepted 2 2@502 leaves 2
    at 100: 1 new 3 buy 3 @ 501 gtd 200
      > 1 Accepted 3 3@501 leaves 3
    at 100: 1 new 4 buy 4 @ 500
      > 1 Accepted 4 4@500 leaves 4
    at 101: 1 mass-cancel
      > 1 MassCancelled 4 later 3
      > 1 Cancelled 1 1@503 leaves 0 CANCELLED_BY_MASS_CANCEL
    at 200: 1 new 5 buy 5 @ 100
      > 1 Cancelled 3 3@501 leaves 0 EXPIRED
      > 1 Cancelled 2 2@502 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Accepted 5 5@100 leaves 5
    at 200: 1 new 6 buy 6 @ 101
      > 1 Cancelled 4 4@500 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Accepted 6 6@101 leaves 6
    at 200: 1 mass-cancel
      > 1 MassCancelled 2 later 1
      > 1 Cancelled 6 6@101 leaves 0 CANCELLED_BY_MASS_CANCEL
    at 200: tick
      > 1 Cancelled 5 5@100 leaves 0 CANCELLED_BY_MASS_CANCEL`,
  );
  it('of more than are sorted with one command sorts first: meanwhile they neither trade nor rest for others', () => {
    const harness = new Harness().setUp(3);
    Object.assign(harness.exchange.massCancels, { perCommand: 2, sortedPerCommand: 2 });
    const text = `
    1 new 1 buy 1 @ 501
      > 1 Accepted 1 1@501 leaves 1
    1 new 2 buy 1 @ 503
      > 1 Accepted 2 1@503 leaves 1
    1 new 3 buy 1 @ 502
      > 1 Accepted 3 1@502 leaves 1
    1 new 4 buy 1 stop 600
      > 1 Accepted 4 1@0 leaves 1 stop 600
    1 new 5 buy 1 @ 500
      > 1 Accepted 5 1@500 leaves 1
    1 mass-cancel
      > 1 MassCancelled 5 later 5
    2 new 1 sell 1 @ 503
      > 1 Cancelled 2 1@503 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 2 Accepted 1 1@503 leaves 1
    1 new 6 buy 1 @ 100
      > 1 Accepted 6 1@100 leaves 1
    tick
    1 cancel 6
      > 1 Cancelled 3 1@502 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 1 1@501 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 6 1@100 leaves 0 CANCELLED_BY_CLIENT
    tick
      > 1 Cancelled 5 1@500 leaves 0 CANCELLED_BY_MASS_CANCEL
      > 1 Cancelled 4 1@0 leaves 0 stop 600 CANCELLED_BY_MASS_CANCEL`;
    assert.equal(runLedger(harness, text), tidyLedger(text));
    assert.equal(harness.exchange.massCancels.count, 0);
  });
  it('cancels 512 of 3,000 with its command, and a snapshot in between continues the same', () => {
    const harness = new Harness(resolveLimits({ ...SMALL_LIMITS, orders: 4096 })).setUp(1);
    for (let i = 1; i <= 3000; i++) harness.must(parseCommand(`1 new ${i} buy 1 @ ${1 + ((i * 7919) % 500)}`));
    const first = harness.do(parseCommand('1 mass-cancel')).reports;
    assert.deepEqual([first[0].quantity, first[0].leaves, first.length], [3000, 3000 - CANCELS_PER_COMMAND, 1 + CANCELS_PER_COMMAND]);
    const copy = copyOf(harness.exchange);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    for (const left of [2, 3, 4, 5, 6, 7].map((slices) => Math.max(0, 3000 - slices * CANCELS_PER_COMMAND))) {
      harness.do(parseCommand('tick'));
      replay(copy, harness.exchange, { kind: CommandKind.Tick });
      assert.equal(harness.exchange.slab.count, left);
      assert.equal(harness.exchange.massCancels.count, left === 0 ? 0 : 1);
      assert.equal(stateHash(copy), stateHash(harness.exchange));
    }
    audit(harness);
  });
});

function copyOf(exchange: Exchange): Exchange {
  const copy = new Exchange(exchange.limits);
  const loader = new StateLoader(copy);
  saveState(exchange, (rows, count) => loader.load(rows, count));
  const { perCommand, sortedPerCommand } = exchange.massCancels;
  Object.assign(copy.massCancels, { perCommand, sortedPerCommand });
  return copy;
}

/** Applies to the copy the command that the other one applied last. */
function replay(copy: Exchange, { seq, timeUs }: Exchange, fields: LongCommandFields): void {
  const bytes = new Uint8Array(64);
  const words = new Int32Array(bytes.buffer);
  encodeCommand(bytes, words, 0, { ...fields, seq, timeUs });
  copy.apply(bytes, words, 0);
}

it('property: the heap of a mass cancel gives orders by symbol, the book before the stops, side, price and id', () => {
  const order = fc.record({
    symbol: fc.integer({ min: 1, max: 3 }),
    side: fc.constantFrom(Side.Buy, Side.Sell),
    price: fc.constantFrom(1, 2, 3, 2 ** 26),
    id: fc.integer({ min: 1, max: 2 ** 52 }),
    stop: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.uniqueArray(order, { selector: ({ id }) => id, maxLength: 60 }), (orders) => {
      const heap = new BookOrderHeap(orders.length);
      for (const { symbol, side, price, id, stop } of orders) {
        if (stop) heap.addStop(symbol, side, price, id);
        else heap.add(symbol, side, price, id);
      }
      const got: number[] = [];
      for (let id = heap.first; id !== 0; id = heap.first) {
        got.push(id);
        heap.shift();
      }
      const sign = (side: number, stop: boolean): number => ((side === Side.Buy) === stop ? 1 : -1);
      const want = orders.sort(
        (a, b) =>
          a.symbol - b.symbol ||
          Number(a.stop) - Number(b.stop) ||
          a.side - b.side ||
          sign(a.side, a.stop) * (a.price - b.price) ||
          a.id - b.id,
      );
      assert.deepEqual(
        got,
        want.map(({ id }) => id),
      );
    }),
  );
});

// Property ---------------------------------------------------------------------

const ACCOUNTS = 2;
const account = fc.integer({ min: 1, max: ACCOUNTS });
const clientOrderId = fc.integer({ min: 1, max: 60 });
const price = fc.integer({ min: 95, max: 105 });
const newOrder = fc.record({
  kind: fc.constant(CommandKind.New),
  account,
  clientOrderId,
  symbol: fc.constant(SYMBOL),
  side: fc.constantFrom(Side.Buy, Side.Sell),
  price,
  quantity: fc.integer({ min: 1, max: 9 }),
});
const step: fc.Arbitrary<LongCommandFields> = fc.oneof(
  { weight: 8, arbitrary: newOrder },
  {
    weight: 2,
    arbitrary: fc.record({ order: newOrder, end: fc.integer({ min: 1, max: 150 }) }).map(({ order, end }) => ({
      ...order,
      timeInForce: TimeInForce.GoodTillDate,
      extension: { expiryUs: 1000 + end * 10 },
    })),
  },
  { weight: 1, arbitrary: newOrder.map((o) => ({ ...o, price: 0, timeInForce: TimeInForce.Market })) },
  {
    weight: 3,
    arbitrary: fc.record({ order: newOrder, stopPrice: price, limited: fc.boolean() }).map(({ order, stopPrice, limited }) => ({
      ...order,
      price: limited ? order.price : 0,
      extension: { orderType: limited ? OrderType.StopLimit : OrderType.Stop, stopPrice },
    })),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant(CommandKind.MassCancel), account, quantity: fc.constantFrom(0, 0, 1, 2) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant(CommandKind.Amend), account, clientOrderId, price, quantity: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant(CommandKind.CancelAfter), account, quantity: fc.constantFrom(0, 50, 100, 200) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant(CommandKind.Cancel), account, clientOrderId }) },
  { weight: 1, arbitrary: fc.constant({ kind: CommandKind.Tick }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<LongCommandFields>(
      { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Auction },
      { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Continuous },
      { kind: CommandKind.Uncross, symbol: SYMBOL },
    ),
  },
);

it('property: mass cancels among trades, expiries and auctions: as the naive exchange, and nothing that they named rests afterwards', () => {
  const flow = fc.array(step, { minLength: 20, maxLength: 120, size: 'max' });
  fc.assert(
    fc.property(
      flow,
      fc.constantFrom(1, 2, 3),
      fc.constantFrom(1, 3, 100),
      fc.nat(120),
      (commands, perCommand, sortedPerCommand, saved) => {
        const real = new Harness().setUp(ACCOUNTS);
        const naive = new NaiveExchange([...SYMBOL_PARAM_DEFAULTS], SMALL_LIMITS);
        naive.phase = Phase.Continuous;
        for (let id = 1; id <= ACCOUNTS; id++) {
          naive.pay(id, USD, 1_000_000_000);
          naive.pay(id, BTC, 1_000_000);
        }
        for (const { massCancels } of [real.exchange, naive]) Object.assign(massCancels, { perCommand, sortedPerCommand });
        let copy: Exchange | undefined;
        for (const [i, given] of [...commands, ...Array.from({ length: 150 }, () => ({ kind: CommandKind.Tick }))].entries()) {
          const fields: LongCommandFields = { ...given, timeUs: 1000 + i * 10 };
          const begins = fields.kind === CommandKind.MassCancel;
          if (i === saved) copy = copyOf(real.exchange);
          const got = real.do(fields).reports.filter((r) => r.account !== 0);
          const want = naive.do(fields).filter((r) => r.account !== 0);
          assert.deepEqual(
            got.map((r) => [r.account, r.kind, r.code, r.orderId, r.price, r.quantity, r.leaves]),
            want.map((r) => [r.account, r.kind, r.code, r.orderId, r.price, r.quantity, r.leaves]),
          );
          if (begins) assert.equal(got.filter((r) => r.kind === ReportKind.MassCancelled && r.code === Code.OK).length, 1);
          if (copy !== undefined && fields.extension === undefined) {
            replay(copy, real.exchange, fields);
            assert.equal(stateHash(copy), stateHash(real.exchange));
          } else if (copy !== undefined) copy = copyOf(real.exchange);
        }
        assert.equal(real.exchange.massCancels.count, 0);
        assert.deepEqual(
          [...Array(real.exchange.lastOrderId + 1).keys()].filter((id) => real.exchange.slab.find(id) !== -1),
          naive.open.map(({ id }) => id).sort((a, b) => a - b),
        );
        audit(real, true);
      },
    ),
    { numRuns: times(10, 40) },
  );
});

describe('a real engine', () => {
  for (const topology of ['compact', 'pinned'] as const) {
    it(`finishes a long mass cancel without other commands, before and after a restart (${topology})`, async (t) => {
      const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
      let running = await RunningEngine.start({ dir, topology });
      t.after(() => running.stop(false).catch(() => undefined));
      const send = async (fields: Parameters<RunningEngine['send']>[0]): Promise<void> =>
        until(() => running.send(fields), 'the ring takes the command');
      for (const fields of venue(1)) await send(fields);
      const fill = async (from: number): Promise<void> => {
        for (let i = from; i < from + 4000; i++)
          await send({ kind: CommandKind.New, account: 1, symbol: 1, side: Side.Buy, quantity: 1, price: 1 + (i % 50), clientOrderId: i });
      };
      const cancelled = (): number => running.reports.filter(({ code }) => code === Code.CANCELLED_BY_MASS_CANCEL).length;
      await fill(1);
      await send({ kind: CommandKind.MassCancel, account: 1 });
      await until(() => cancelled() === 4000, 'all are cancelled');
      const [answer] = running.reports.filter(({ kind }) => kind === ReportKind.MassCancelled);
      assert.deepEqual([answer.quantity, answer.leaves], [4000, 4000 - CANCELS_PER_COMMAND]);
      await fill(4001);
      await send({ kind: CommandKind.MassCancel, account: 1 });
      await running.stop();
      const before = cancelled();
      running = await RunningEngine.start({ dir, topology });
      await until(() => before + cancelled() === 8000, 'the rest is cancelled after the restart');
      await running.stop(false);
      const limits = resolveLimits(ENGINE_LIMITS);
      const [all, late] = [false, true].map((fromSnapshot) => verifyDataDirectory(dir, { limits, fromSnapshot }));
      assert.deepEqual([all.stateHash, all.restingOrders, all.imbalances], [late.stateHash, 0, []]);
    });
  }
});

it('of symbols whose ids have equal lower bits, one is cancelled', () => {
  const harness = new Harness({ ...SMALL_LIMITS, symbols: 1024 }).setUp(2);
  const OTHER = SYMBOL + 512;
  const terms = { account: BTC, tag: USD, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1, name: 'OTHER' };
  harness.must({ kind: CommandKind.DefineSymbol, symbol: OTHER, ...terms });
  harness.must({ kind: CommandKind.SetPhase, symbol: OTHER, parameter: Phase.Continuous });
  for (const [n, symbol] of [SYMBOL, OTHER, OTHER].entries()) harness.do({ ...parseCommand(`1 new ${n + 1} buy 1 @ 100`), symbol });
  const { reports } = harness.do({ ...parseCommand('1 mass-cancel'), symbol: OTHER });
  assert.deepEqual(
    reports.map(({ kind, quantity, clientOrderId }) => [kind, kind === ReportKind.MassCancelled ? quantity : clientOrderId]),
    [
      [ReportKind.MassCancelled, 2],
      [ReportKind.Cancelled, 2],
      [ReportKind.Cancelled, 3],
    ],
  );
});
