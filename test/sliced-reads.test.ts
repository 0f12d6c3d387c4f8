import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateLocal } from '../engine/allocate.ts';
import { OrderSlab } from '../engine/book/order-slab.ts';
import { TrailGroups } from '../engine/book/trail-groups.ts';
import { Accounts } from '../engine/rules/accounts.ts';
import { ClientIdTable, ClientOrderIds } from '../engine/rules/client-order-ids.ts';
import { OrderLinks } from '../engine/rules/order-links.ts';
import { Symbols } from '../engine/rules/symbols.ts';
import { allocateControl, Control } from '../engine/threads/control.ts';
import { Directory } from '../engine/threads/directory.ts';
import { Side } from '../engine/wire/layout.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { MirrorLevels } from '../gateway/market/mirror-levels.ts';

/** The columns that the engine's thread changes, without an engine. */
class Columns {
  readonly control = new Control(allocateControl());
  readonly accounts = new Accounts(8, 4, 1, allocateLocal);
  readonly slab = new OrderSlab(2 ** 18);
  readonly clientIds = new ClientIdTable(2 ** 18, 8, allocateLocal);
  readonly directory = new Directory(this.control, {
    accounts: this.accounts,
    symbols: new Symbols(4, allocateLocal),
    slab: this.slab,
    links: new OrderLinks(this.slab, 4),
    trailGroups: new TrailGroups(8),
    clientIdTable: this.clientIds,
  });
  #id = 0;

  add(account: number): number {
    this.control.beginChange();
    const slot = this.slab.acquire(++this.#id);
    this.slab.setTerms(slot, account, 1, 0, 0);
    this.slab.setLevel(slot, 7);
    this.accounts.openOrders[account]++;
    this.control.endChange();
    return slot;
  }

  remove(slot: number): void {
    this.control.beginChange();
    this.accounts.openOrders[this.slab.account(slot)]--;
    this.slab.setLevel(slot, -1);
    this.slab.release(slot);
    this.control.endChange();
  }
}

/** Runs the walk with `between` between its steps. */
function walk(columns: Columns, limit: number, between: (step: number) => void, after = 0) {
  const work = columns.directory.openOrdersInSteps(1, limit, after);
  for (let step = 0; ; step++) {
    const { done, value } = work.next();
    if (done) return { ...value, ids: value.orders.map(({ orderId }) => orderId), steps: step + 1 };
    between(step);
  }
}

test('open orders: a walk in steps finds what rests at one moment, although orders come and go meanwhile', () => {
  const columns = new Columns();
  const slots = Array.from({ length: 200_000 }, (_, i) => columns.add(i % 50_000 === 49_999 ? 1 : 2));
  const still = walk(columns, 100, () => undefined);
  assert.deepEqual([still.ids, still.complete], [[50_000, 100_000, 150_000, 200_000], true]);
  assert.ok(still.steps > 10, 'in steps');

  // Behind the walk an order is entered, one that was found is removed, and one ahead of it is.
  let entered = -1;
  const changed = walk(columns, 100, (step) => {
    if (step !== 6) return;
    columns.remove(slots[0]);
    entered = columns.add(1);
    columns.remove(slots[49_999]);
    columns.remove(slots[199_999]);
  });
  assert.equal(entered, slots[0], 'the entered order takes a slot that the walk has passed');
  assert.deepEqual([changed.ids, changed.complete], [[100_000, 150_000, 200_001], true]);
  assert.equal(walk(columns, 2, () => undefined).orders.length, 2);
  assert.deepEqual(walk(columns, 2, () => undefined).complete, true);

  // An account that changes with each step is reported as such, in bounded work.
  let last = columns.add(1);
  const busy = walk(columns, 100, () => {
    columns.remove(last);
    columns.remove(columns.add(2));
    last = columns.add(1);
  });
  assert.ok(busy.steps < 1000);
  assert.equal(walk(new Columns(), 100, () => undefined).orders.length, 0);
});

test('open orders are sorted by order id, and pages continue after one, although slots are used again', () => {
  const columns = new Columns();
  const slots = Array.from({ length: 100_000 }, (_, i) => columns.add(i % 3 === 0 ? 1 : 2));
  const prng = new Prng(3);
  const rests = new Map(slots.map((slot, i) => [slot, i + 1]));
  let last = slots.length;
  /** A random order is replaced by a newer one in its slot. */
  const change = (): void => {
    const slot = slots[prng.below(slots.length)];
    const account = columns.slab.account(slot);
    columns.remove(slot);
    assert.equal(columns.add(account), slot);
    rests.set(slot, ++last);
  };
  for (let i = 0; i < 100_000; i++) change();
  const ids = () =>
    [...rests]
      .filter(([slot]) => columns.slab.account(slot) === 1)
      .map(([, id]) => id)
      .sort((a, b) => a - b);
  assert.deepEqual(
    columns.directory.openOrders(1, 1000).map(({ orderId }) => orderId),
    ids().slice(0, 1000),
  );
  assert.deepEqual(columns.directory.openOrders(1, Number.POSITIVE_INFINITY).length, ids().length);
  for (const changing of [false, true]) {
    const pages: number[] = [];
    for (let page = 0; page === 0 || pages.length === page * 1000; page++) {
      const after = pages.at(-1) ?? 0;
      const entered = last;
      const read = walk(columns, 1000, () => changing && change(), after);
      assert.equal(read.complete, true);
      const expected = ids().filter((id) => id > after);
      // The page is what rests now: exactly, or but for the orders entered since the walk began.
      if (!changing) assert.deepEqual(read.ids, expected.slice(0, 1000));
      else
        assert.deepEqual(
          read.ids.filter((id) => id <= entered),
          expected.filter((id) => id <= entered).slice(0, 1000),
        );
      pages.push(...read.ids);
    }
    if (!changing) assert.deepEqual(pages, ids());
  }
});

test('an order is found by its client order id with one look, while the engine does not change the index, and else with a walk', () => {
  const columns = new Columns();
  const { control, slab, directory } = columns;
  const ids = new ClientOrderIds(slab, 8, new Float64Array(8), 3, allocateLocal, columns.clientIds);
  const slots = Array.from({ length: 20_000 }, (_, i) => columns.add(1 + (i % 2)));
  for (const [i, slot] of slots.entries()) {
    slab.setClientOrderId(slot, i + 1);
    ids.addResting(slot);
  }
  const look = (account: number, id: number) => {
    const work = directory.restingOrderOfClientIdInSteps(account, id);
    for (let steps = 1; ; steps++) {
      const { done, value } = work.next();
      if (done) return { orderId: value?.orderId, steps };
    }
  };
  assert.deepEqual(look(1, 19_999), { orderId: slab.id[slots[19_998]], steps: 1 });
  assert.deepEqual(look(2, 19_999), { orderId: undefined, steps: 1 }, 'of another account');
  assert.deepEqual(look(1, 20_001), { orderId: undefined, steps: 1 });
  control.beginChange();
  columns.clientIds.positions.fill(0);
  const walked = look(1, 19_999);
  assert.equal(walked.orderId, slab.id[slots[19_998]]);
  assert.ok(walked.steps > 8);
});

test('open orders: a change in progress is never read', () => {
  const columns = new Columns();
  columns.add(1);
  columns.control.beginChange();
  let ended = false;
  const read = walk(columns, 10, (step) => {
    if (step === 20) {
      ended = true;
      columns.control.endChange();
    }
  });
  assert.deepEqual([ended, read.complete, read.ids], [true, true, [1]]);
});

test('a copy of levels, sorted in steps, is the order of the levels at the copy, to any depth', () => {
  const prng = new Prng(7);
  const levels = new MirrorLevels();
  const price = new Float64Array(1);
  for (let i = 0; i < 5000; i++) {
    price[0] = 1 + prng.below(100_000);
    const slot = levels.at(i % 2, price, 0);
    levels.orders[slot]++;
    levels.quantity[slot] += 3;
  }
  for (const side of [Side.Buy, Side.Sell]) {
    const expected = [...levels.sorted(side)].map((slot) => levels.price[slot]);
    for (const depth of [1, 20, 600, 5000]) {
      const copy = levels.copy(side);
      const work = copy.sorted(depth);
      let steps = 1;
      let next = work.next();
      for (; !next.done; next = work.next()) {
        // The copy does not follow the book.
        if (steps++ === 1) levels.quantity.fill(9);
      }
      const sorted = next.value;
      levels.quantity.fill(3);
      assert.deepEqual(
        sorted.map((level) => level.price),
        expected.slice(0, depth),
      );
      assert.ok(
        sorted.every(({ quantity, orders }) => quantity === 3 && orders >= 1),
        'quantities of the moment of the copy',
      );
      assert.ok(steps >= 4);
    }
  }
});
