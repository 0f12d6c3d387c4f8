import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Limits, resolveLimits } from '../engine/limits.ts';
import { type CommandFields, encodeCommand } from '../engine/machine/command.ts';
import { configureCommand } from '../engine/machine/configuration.ts';
import type { Exchange } from '../engine/machine/exchange.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { CommandKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { Harness, parseCommand, SMALL_LIMITS, SYMBOL, USD } from './support/exchange-fixture.ts';
import { audit, codes, copyOf } from './support/shares-fixture.ts';

describe('the step from rules 2 to rules 3', () => {
  const limits: Limits = resolveLimits({
    ...SMALL_LIMITS,
    orders: 40,
    ordersPerAccount: 6,
    pages: 10,
    pagesPerAccount: 2,
    rememberedOrders: 24,
    rememberedOrdersPerAccount: 7,
    rememberedKeys: 12,
    rememberedKeysPerAccount: 3,
  });
  const account = fc.integer({ min: 1, max: 4 });
  const command: fc.Arbitrary<CommandFields> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant(CommandKind.New),
        account,
        clientOrderId: fc.integer({ min: 1, max: 200 }),
        symbol: fc.constant(SYMBOL),
        side: fc.constantFrom(Side.Buy, Side.Sell),
        timeInForce: fc.constantFrom(TimeInForce.GoodTillCancel, TimeInForce.GoodTillCancel, TimeInForce.ImmediateOrCancel),
        price: fc.integer({ min: 1, max: 400 }),
        quantity: fc.integer({ min: 1, max: 9 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant(CommandKind.Cancel), account, orderId: fc.integer({ min: 1, max: 120 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant(CommandKind.Amend),
        account,
        orderId: fc.integer({ min: 1, max: 120 }),
        price: fc.integer({ min: 1, max: 400 }),
        quantity: fc.integer({ min: 1, max: 9 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant(CommandKind.Deposit),
        account: fc.integer({ min: 1, max: 7 }),
        symbol: fc.constant(USD),
        quantity: fc.integer({ min: 1, max: 9 }),
        orderId: fc.integer({ min: 1, max: 30 }),
      }),
    },
  );

  /** Applies the same commands to another exchange. */
  class Follower {
    exchange: Exchange;
    readonly #bytes = new Uint8Array(64);
    readonly #words = new Int32Array(this.#bytes.buffer);

    constructor(exchange: Exchange) {
      this.exchange = exchange;
    }

    do(fields: CommandFields): void {
      const seq = this.exchange.seq + 1;
      encodeCommand(this.#bytes, this.#words, 0, { ...fields, seq, timeUs: seq * 1000 });
      this.exchange.apply(this.#bytes, this.#words, 0);
    }
  }

  it('gives the same state from the log, and from a snapshot before it or after it', () => {
    const flow = fc.array(command, { minLength: 30, maxLength: 150, size: 'max' });
    fc.assert(
      fc.property(flow, flow, (before, after) => {
        const harness = new Harness(limits);
        harness.do({ ...configureCommand(limits), parameter: 2 });
        harness.setUp(4);
        for (const fields of before) harness.do(fields);
        const { exchange } = harness;
        const followers = [new Follower(copyOf(exchange, limits))];
        assert.equal(stateHash(followers[0].exchange), stateHash(exchange));
        const step = configureCommand(limits);
        harness.do(step);
        followers[0].do(step);
        assert.equal(stateHash(followers[0].exchange), stateHash(exchange));
        followers.push(new Follower(copyOf(exchange, limits)));
        audit(harness);
        for (let holder = 1; holder <= 4; holder++) {
          const mine = [...exchange.clientOrderIds.remembered()].filter((index) => exchange.clientOrderIds.accountOf(index) === holder);
          assert.ok(mine.length <= limits.rememberedOrdersPerAccount);
        }
        for (const fields of after) {
          harness.do(fields);
          for (const follower of followers) follower.do(fields);
        }
        audit(harness);
        for (const follower of followers) assert.equal(stateHash(follower.exchange), stateHash(exchange));
        assert.equal(stateHash(copyOf(exchange, limits)), stateHash(exchange));
      }),
      { numRuns: 60 },
    );
  });

  it('what was too old stays too old, and ids of other lengths are accepted', () => {
    const harness = new Harness({ ...limits, rememberedOrders: 4 });
    harness.do({ ...configureCommand({ ...limits, rememberedOrders: 4 }), parameter: 2 });
    harness.setUp(1);
    for (const id of [1000, 1, 2, 3, 4, 5]) {
      harness.do(parseCommand(`1 new ${id} buy 1 @ 100`));
      harness.do(parseCommand(`1 cancel ${id}`));
    }
    // One large id that is forgotten makes all smaller ones too old.
    assert.deepEqual(codes(harness, '1 new 999 buy 1 @ 100'), ['CLIENT_ORDER_ID_TOO_OLD']);
    harness.do(configureCommand({ ...limits, rememberedOrders: 4 }));
    assert.deepEqual(codes(harness, '1 new 999 buy 1 @ 100'), ['CLIENT_ORDER_ID_TOO_OLD']);
    assert.deepEqual(codes(harness, '1 new 1001 buy 1 @ 100'), ['OK']);
    for (let id = 2 ** 40; id < 2 ** 40 + 9; id++) {
      harness.do(parseCommand(`1 new ${id} buy 1 @ 100`));
      harness.do(parseCommand(`1 cancel ${id}`));
    }
    assert.deepEqual(codes(harness, '1 new 1002 buy 1 @ 100'), ['OK']);
  });

  it('before it, an amend without a page cancels its order and shares have no effect, as logs of rules 2 say', () => {
    const few = { ...limits, pages: 3, pagesPerAccount: 1, ordersPerAccount: 1 };
    const harness = new Harness(few);
    harness.do({ ...configureCommand(few), parameter: 2 });
    harness.setUp(2);
    assert.deepEqual(codes(harness, '1 new 1 buy 1 @ 70'), ['OK']);
    assert.deepEqual(codes(harness, '1 new 2 buy 1 @ 70'), ['OK']);
    assert.deepEqual(codes(harness, '1 new 3 buy 1 @ 140'), ['OK']);
    assert.deepEqual(codes(harness, '1 new 4 buy 1 @ 200'), ['OK']);
    assert.deepEqual(codes(harness, '1 amend 2 1 @ 300'), ['OK', 'LEVELS_FULL']);
    harness.do(configureCommand(few));
    assert.deepEqual(codes(harness, '1 new 5 buy 1 @ 200'), ['ORDER_SHARE_FULL']);
    assert.deepEqual(codes(harness, '1 cancel 1'), ['CANCELLED_BY_CLIENT']);
    audit(harness);
  });

  it('a share may be lowered: orders and pages stay, ids above it are forgotten, and the state is that of a replay', () => {
    const harness = new Harness(limits);
    harness.do(configureCommand(limits));
    harness.setUp(2);
    for (let id = 1; id <= 6; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ ${id % 2 === 0 ? 70 : 200}`));
    for (let id = 11; id <= 16; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ 100 ioc`));
    const lower = { ...limits, ordersPerAccount: 2, pagesPerAccount: 1, rememberedOrdersPerAccount: 3, rememberedKeysPerAccount: 1 };
    harness.do(configureCommand(lower));
    assert.equal(harness.exchange.slab.count, 6);
    assert.equal([...harness.exchange.clientOrderIds.remembered()].length, 3);
    assert.deepEqual(codes(harness, '1 new 20 buy 1 @ 70'), ['ORDER_SHARE_FULL']);
    assert.deepEqual(codes(harness, '1 new 13 buy 1 @ 70'), ['CLIENT_ORDER_ID_TOO_OLD']);
    const copy = copyOf(harness.exchange, limits);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    assert.equal(copy.pages.share, 1);
    audit(harness);
  });
});
