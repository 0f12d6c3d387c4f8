/** A client order id that was used before: the present state of its order for the same terms, a reject for others. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allocateLocal } from '../engine/allocate.ts';
import { OrderSlab } from '../engine/book/order-slab.ts';
import { Code, codeName } from '../engine/codes.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { StateLoader, saveState, stateHash } from '../engine/machine/state-rows.ts';
import { ClientIdTable, ClientOrderIds } from '../engine/rules/client-order-ids.ts';
import { OrderRequest } from '../engine/rules/order-request.ts';
import { hashTerms } from '../engine/rules/order-terms.ts';
import { allocateFrom, allocateRecording } from '../engine/threads/allocate-from.ts';
import { LIMIT_53 } from '../engine/units.ts';
import { CommandKind, OrderType, Phase, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { OrderKind } from '../engine/wire/order-kinds.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { Harness, type LongCommandFields, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger } from './support/exchange-fixture.ts';

const sell: LongCommandFields = {
  kind: CommandKind.New,
  account: 1,
  clientOrderId: 1,
  symbol: SYMBOL,
  side: Side.Sell,
  timeInForce: TimeInForce.GoodTillCancel,
  price: 100,
  quantity: 5,
};

describe('the same order again', () => {
  /** What happened to order 1 of account 1 (sell 5 @ 100), and the answer: kind, code, price, quantity, leaves, filled. */
  const rows: [name: string, then: string, answer: [kind: string, ...rest: unknown[]]][] = [
    ['untouched', '', ['Accepted', 'OK', 100, 5, 5, 0]],
    ['filled in part', '2 new 1 buy 2 @ 100', ['Accepted', 'OK', 100, 5, 3, 2]],
    ['amended', '1 amend 1 7 @ 101', ['Accepted', 'OK', 101, 7, 7, 0]],
    ['filled in part, then amended', '2 new 1 buy 2 @ 100\n1 amend 1 1 @ 100', ['Accepted', 'OK', 100, 3, 1, 2]],
    ['filled', '2 new 1 buy 9 @ 100', ['Accepted', 'OK', 100, 5, 0, 5]],
    ['cancelled', '1 cancel 1', ['Accepted', 'OK', 100, 5, 0, 0]],
    ['filled in part, then cancelled', '2 new 1 buy 2 @ 100\n1 cancel 1', ['Accepted', 'OK', 100, 5, 0, 2]],
    ['amended, then filled', '1 amend 1 2 @ 99\n2 new 1 buy 2 @ 99', ['Accepted', 'OK', 99, 2, 0, 2]],
    ['halted', 'phase halted', ['Accepted', 'OK', 100, 5, 5, 0]],
  ];
  for (const [name, then, answer] of rows) {
    it(`${name}: its present state`, () => {
      const harness = new Harness().setUp();
      const [accepted] = harness.do(sell).reports;
      runLedger(harness, then);
      const [again, ...more] = harness.do({ ...sell, tag: 7 }).reports;
      const { code, price, quantity, leaves, filled } = again;
      const kind = again.kind === ReportKind.Accepted ? 'Accepted' : again.kind;
      assert.deepEqual([kind, codeName(code), price, quantity, leaves, filled], answer);
      assert.deepEqual([again.flags, again.orderId, again.tag, more], [2, accepted.orderId, 7, []]);
    });
  }

  it('immediate or cancel, market, fill or kill: what was filled', () => {
    const harness = new Harness().setUp();
    harness.do({ ...sell, quantity: 4 });
    const orders: [LongCommandFields, quantity: number, filled: number][] = [
      [{ ...sell, account: 2, clientOrderId: 1, side: Side.Buy, timeInForce: TimeInForce.ImmediateOrCancel, quantity: 1 }, 1, 1],
      [{ ...sell, account: 2, clientOrderId: 2, side: Side.Buy, timeInForce: TimeInForce.Market, price: 0, quantity: 9 }, 9, 3],
      [{ ...sell, account: 2, clientOrderId: 3, timeInForce: TimeInForce.ImmediateOrCancel, quantity: 2 }, 2, 0],
    ];
    for (const [order] of orders) harness.do(order);
    for (const [order, wanted, got] of orders) {
      const [{ kind, flags, quantity, leaves, filled }] = harness.do(order).reports;
      assert.deepEqual([kind, flags, quantity, leaves, filled], [ReportKind.Accepted, 2, wanted, 0, got]);
    }
  });

  it('a rejected order: its reject', () => {
    const harness = new Harness().setUp();
    harness.phase(Phase.Halted);
    harness.do(sell);
    harness.phase(Phase.Continuous);
    const [{ kind, code, flags }] = harness.do(sell).reports;
    assert.deepEqual([kind, code, flags], [ReportKind.Rejected, Code.SYMBOL_HALTED, 2]);
  });
});

describe('another order under the same client order id', () => {
  const others: [name: string, change: Partial<LongCommandFields>][] = [
    ['symbol', { symbol: SYMBOL + 1 }],
    ['side', { side: Side.Buy }],
    ['price', { price: 101 }],
    ['quantity', { quantity: 4 }],
    ['time in force', { timeInForce: TimeInForce.ImmediateOrCancel }],
    ['post-only', { timeInForce: TimeInForce.PostOnly }],
    ['minimum quantity', { timeInForce: TimeInForce.ImmediateOrCancel, extension: { minQuantity: 2 } }],
    ['order type', { timeInForce: TimeInForce.FillOrKill, price: 0, extension: { orderType: OrderType.Market } }],
  ];
  for (const [name, change] of others) {
    it(`${name}: CLIENT_ORDER_ID_REUSED, whether the order rests, has ended or was rejected`, () => {
      for (const before of ['', '1 cancel 1', 'phase closed']) {
        const harness = new Harness().setUp();
        if (before === 'phase closed') harness.phase(Phase.Closed);
        harness.do(sell);
        if (before === '1 cancel 1') runLedger(harness, before);
        harness.phase(Phase.Continuous);
        const resting = harness.exchange.slab.count;
        const [{ kind, code, flags, orderId, quantity }, ...more] = harness.do({ ...sell, ...change }).reports;
        assert.deepEqual([kind, codeName(code), flags, orderId], [ReportKind.Rejected, 'CLIENT_ORDER_ID_REUSED', 0, 0]);
        assert.deepEqual([quantity, more, harness.exchange.slab.count], [change.quantity ?? 5, [], resting]);
        // The id still stands for the first order.
        assert.equal(harness.do(sell).reports[0].flags, 2);
      }
    });
  }

  it('a long order is compared with its minimum quantity', () => {
    const harness = new Harness().setUp();
    const long: LongCommandFields = { ...sell, timeInForce: TimeInForce.ImmediateOrCancel, extension: { minQuantity: 2 } };
    assert.equal(harness.do(long).reports[0].code, Code.MIN_QUANTITY_NOT_FILLABLE);
    assert.deepEqual([harness.do(long).reports[0].code, harness.do(long).reports[0].flags], [Code.MIN_QUANTITY_NOT_FILLABLE, 2]);
    assert.equal(harness.do({ ...long, extension: { minQuantity: 3 } }).reports[0].code, Code.CLIENT_ORDER_ID_REUSED);
  });
});

describe('rules 2', () => {
  it('accept any terms under a used id, and report a finished order as not filled', () => {
    const ledger = `1 new 1 sell 5 @ 100
      > 1 Accepted 1 5@100 leaves 5
      1 new 1 sell 9 @ 120
      > 1 Accepted 1 5@100 leaves 5 again
      2 new 1 buy 5 @ 100
      > 2 Accepted 1 5@100 leaves 5
      > 1 Fill 1 5@100 leaves 0 maker
      > 2 Fill 1 5@100 leaves 0 taker
      1 new 1 sell 5 @ 100
      > 1 Accepted 1 5@100 leaves 0 again`;
    const harness = new Harness(SMALL_LIMITS, 2).setUp();
    assert.equal(runLedger(harness, ledger), tidyLedger(ledger));
    assert.equal(harness.do(sell).reports[0].filled, 0);
  });

  it('orders from before rules 3 are not compared after it, later ones are; a snapshot keeps the difference', () => {
    const harness = new Harness(SMALL_LIMITS, 2).setUp();
    harness.do(sell);
    harness.do({ ...sell, clientOrderId: 2, timeInForce: TimeInForce.ImmediateOrCancel });
    harness.exchange.setRules(3);
    harness.do({ ...sell, clientOrderId: 3 });
    const loaded = new Exchange(SMALL_LIMITS);
    const loader = new StateLoader(loaded);
    saveState(harness.exchange, (rows, count) => loader.load(rows, count));
    assert.equal(stateHash(loaded), stateHash(harness.exchange));
    const codes = [1, 2, 3].map((clientOrderId) => codeName(harness.do({ ...sell, clientOrderId, quantity: 6 }).reports[0].code));
    assert.deepEqual(codes, ['OK', 'OK', 'CLIENT_ORDER_ID_REUSED']);
  });
});

it('the hash differs for two orders that differ in one field, and is never 0', () => {
  const u53 = fc.oneof(fc.nat(1000), fc.maxSafeInteger().map(Math.abs), fc.integer({ min: 2 ** 32 - 9, max: 2 ** 32 + 9 }));
  const fields = {
    symbol: fc.nat(),
    side: fc.constantFrom(0, 1),
    orderKind: fc.constantFrom(...Object.values(OrderKind)),
    price: u53,
    quantity: u53,
    minQuantity: u53,
  };
  const hashOf = (terms: Partial<OrderRequest>): number => {
    const order = Object.assign(new OrderRequest(), terms);
    hashTerms(order);
    return order.termsHash;
  };
  const terms = fc.record(fields);
  const changed = fc.constantFrom('symbol', 'price', 'quantity', 'minQuantity', 'orderKind', 'side');
  fc.assert(
    fc.property(terms, changed, fc.integer({ min: 1, max: 2 ** 31 }), (given, field, by) => {
      const hash = hashOf(given);
      assert.notEqual(hash, 0);
      assert.equal(hashOf({ ...given }), hash);
      const most = field === 'orderKind' ? 8 : field === 'side' ? 2 : field === 'symbol' ? 2 ** 32 : LIMIT_53;
      const other = { ...given, [field]: (given[field as keyof typeof given] + by) % most };
      const withMinimum = ([OrderKind.ImmediateOrCancelMinimum, OrderKind.MarketMinimum] as number[]).includes(given.orderKind);
      if (field === 'minQuantity' && !withMinimum) assert.equal(hashOf(other), hash);
      else if (field === 'orderKind' || other[field as keyof typeof other] === given[field as keyof typeof given]) return;
      else assert.notEqual(hashOf(other), hash, `${field}: ${JSON.stringify(given)}`);
    }),
    { numRuns: 5000 },
  );
});

it('a snapshot that has one client order id twice is rejected when it is loaded', () => {
  const table = new ClientIdTable(4, 4, allocateLocal);
  const ids = new ClientOrderIds(new OrderSlab(4), 4, new Float64Array(2), 1, allocateLocal, table);
  ids.remember(1, 7, 1, Code.OK, SYMBOL, Side.Buy, TimeInForce.GoodTillCancel, 100, 5, 0, 1);
  const again = () => ids.remember(1, 7, 2, Code.OK, SYMBOL, Side.Buy, TimeInForce.GoodTillCancel, 100, 5, 0, 1);
  assert.throws(again, /client order id of a remembered order is new/);
});

it('each id is found in a table that is as full as it can be, while ids come and are forgotten', () => {
  const prng = new Prng(11);
  // Two thirds of 1,024 positions: ids are up to some 50 positions behind their home.
  const room = 680;
  const accounts = 40;
  const table = new ClientIdTable(2, room, allocateLocal);
  const ids = new ClientOrderIds(new OrderSlab(2), room, new Float64Array(accounts), prng.u32(), allocateLocal, table);
  const next = Array.from({ length: accounts }, () => 1 + prng.below(2 ** 31));
  for (let step = 0; step < 40 * room; step++) {
    const account = prng.below(accounts);
    next[account] += prng.below(4) === 0 ? 1 + prng.below(100) : 1;
    ids.remember(account, next[account], step + 1, Code.OK, SYMBOL, Side.Buy, TimeInForce.GoodTillCancel, 100, 5, 0, 1);
    assert.equal(ids.find(account, next[account] + 1), 0);
    if (step % 64 !== 0) continue;
    for (const index of ids.remembered()) assert.equal(ids.find(ids.accountOf(index), ids.idOf(index)), -(index + 1));
  }
});

it('a resting order is found by another thread, with a table of its own over the same memory', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('add', 'end', 'reject'), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 40 })), {
        maxLength: 200,
      }),
      (steps) => {
        const { allocate, columns } = allocateRecording();
        const reader = new ClientIdTable(64, 8, allocate);
        const slab = new OrderSlab(64);
        const ids = new ClientOrderIds(slab, 8, new Float64Array(4), 5, allocateLocal, new ClientIdTable(64, 8, allocateFrom(columns)));
        const rests = new Map<string, number>();
        let orderId = 0;
        for (const [step, account, id] of steps) {
          const key = `${account} ${id}`;
          const slot = rests.get(key);
          if (step === 'add' && slot === undefined && rests.size < 64 && ids.find(account, id) === 0) {
            const taken = slab.acquire(++orderId);
            slab.setTerms(taken, account, SYMBOL, Side.Buy, TimeInForce.GoodTillCancel);
            slab.setClientOrderId(taken, id);
            ids.addResting(taken);
            rests.set(key, taken);
          } else if (step === 'end' && slot !== undefined) {
            ids.rememberResting(slot);
            slab.release(slot);
            rests.delete(key);
          } else if (step === 'reject' && ids.find(account, id) === 0)
            ids.remember(account, id, 0, Code.THROTTLED, SYMBOL, Side.Buy, TimeInForce.GoodTillCancel, 1, 1, 0, 1);
        }
        for (let account = 1; account <= 3; account++)
          for (let id = 1; id <= 41; id++) assert.equal(reader.peek(slab, account, id), rests.get(`${account} ${id}`) ?? -1);
      },
    ),
    { numRuns: 200 },
  );
});

it('a look into a table that another thread changes ends', () => {
  const table = new ClientIdTable(4, 4, allocateLocal);
  table.positions.fill(-8);
  assert.equal(table.peek(new OrderSlab(4), 1, 7), -1);
});
