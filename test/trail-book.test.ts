/** The groups of trailing stops against a list, in which each order looks at each price. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { OffsetHeap } from '../engine/book/offset-heap.ts';
import { OrderSlab } from '../engine/book/order-slab.ts';
import { StopHeap } from '../engine/book/stop-heap.ts';
import { TrailBook } from '../engine/book/trail-book.ts';
import { TrailGroups } from '../engine/book/trail-groups.ts';
import { Side } from '../engine/wire/layout.ts';
import { times } from './support/long-runs.ts';

interface Order {
  slot: number;
  offset: number;
  priority: number;
  extreme: number;
  /** 0 = it follows. */
  activation: number;
}

/** Groups that become one with another at a time. */
const most = fc.constantFrom(1, 2, 1000);

/** A price to follow; an order with an offset, with or without an activation price; the end of one; another offset of one. */
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ price: fc.integer({ min: 1000, max: 1040 }), most }) },
  { weight: 2, arbitrary: fc.record({ price: fc.integer({ min: 1000, max: 1400 }), most }) },
  { weight: 4, arbitrary: fc.record({ offset: fc.integer({ min: 1, max: 9 }), from: fc.constantFrom(0, 0, 0, 0, 1010, 1030) }) },
  { weight: 3, arbitrary: fc.record({ at: fc.nat(1000), again: fc.constantFrom(0, 0, 3, 5) }) },
);

it('orders follow, begin to, and trigger first as in the list, whatever comes between', () => {
  fc.assert(
    fc.property(fc.constantFrom(Side.Buy, Side.Sell), fc.array(step, { minLength: 20, maxLength: 400, size: 'max' }), (side, steps) => {
      const slab = new OrderSlab(400);
      const groups = new TrailGroups(400);
      const sign = side === Side.Buy ? 1 : -1;
      const stopPrice = (slot: number): number => groups.extremeOf(slot) + sign * slab.prev(slot);
      const stops = new StopHeap(slab, side);
      const book = new TrailBook({ slab, groups, offsets: new OffsetHeap(slab), stopPrice }, stops, side);
      let orders: Order[] = [];
      let price = 1020;
      let priority = 0;
      const reaches = (activation: number): boolean => (side === Side.Buy ? price <= activation : price >= activation);
      const follow = (slot: number, extreme: number, again: boolean): void => {
        slab.setFilled(slot, ++priority);
        if (again) book.addAgain(slot, extreme);
        else book.addFollowing(slot, extreme);
      };
      for (const each of steps) {
        if ('price' in each) {
          price = each.price;
          book.saw(price);
          for (const order of orders) {
            const extreme = side === Side.Buy ? Math.min(order.extreme, price) : Math.max(order.extreme, price);
            if (order.activation === 0) order.extreme = extreme;
          }
          while (book.best !== 0 && book.raise(each.most) === each.most) {
            const extremes = book.extremes();
            assert.deepEqual(
              extremes,
              [...new Set(extremes)].sort((a, b) => sign * (a - b)),
              'the newest one is the worst',
            );
          }
          for (let slot = book.best === 0 ? -1 : book.activate(); slot !== -1; slot = book.activate()) {
            const order = orders.find((o) => o.slot === slot);
            assert.ok(order && order.activation !== 0 && reaches(order.activation));
            follow(slot, price, false);
            Object.assign(order, { activation: 0, extreme: price, priority });
          }
          assert.ok(!orders.some(({ activation }) => activation !== 0 && reaches(activation)));
        } else if ('offset' in each) {
          const { offset, from } = each;
          const slot = slab.acquire(++priority);
          slab.setPrev(slot, offset);
          slab.setFilled(slot, priority);
          const waits = from !== 0 && !reaches(from);
          if (waits) {
            slab.setNext(slot, from);
            book.addWaiting(slot);
          } else follow(slot, price, false);
          orders.push({ slot, offset, priority, extreme: waits ? 0 : price, activation: waits ? from : 0 });
        } else if (orders.length > 0) {
          const order = orders[each.at % orders.length];
          book.remove(order.slot);
          assert.equal(slab.level(order.slot), -1);
          if (each.again !== 0 && order.activation === 0) {
            slab.setPrev(order.slot, each.again);
            follow(order.slot, order.extreme, true);
            Object.assign(order, { offset: each.again, priority });
          } else {
            orders = orders.filter((o) => o !== order);
            slab.release(order.slot);
          }
        }
        const following = orders.filter(({ activation }) => activation === 0);
        assert.equal(book.count, orders.length);
        for (const { slot, extreme, offset } of following) assert.equal(stopPrice(slot), extreme + sign * offset);
        const best = Math.min(...following.map(({ extreme, offset }) => sign * extreme + offset));
        assert.equal(stops.first === -1 ? Infinity : stops.keyOf(stops.first), best);
        const leaders = new Set(following.map(({ extreme }) => extreme));
        assert.equal(stops.count, leaders.size);
        for (const slot of stops.slots()) {
          const group = following.filter(({ extreme }) => extreme === groups.extremeOf(slot));
          group.sort((a, b) => a.offset - b.offset || a.priority - b.priority);
          assert.equal(slot, group[0].slot, 'the first of its group');
        }
        assert.deepEqual(new Set(book.slots().concat([...stops.slots()])), new Set(orders.map(({ slot }) => slot)));
        assert.deepEqual(
          book.extremes(),
          [...leaders].sort((a, b) => sign * (a - b)),
        );
      }
    }),
    { numRuns: times(200, 2000) },
  );
});

it('groups that were merged are free again when no order needs them', () => {
  const groups = new TrailGroups(8);
  for (let round = 0; round < 1000; round++) {
    const made = [1, 2, 3, 4].map((n) => groups.create(n));
    for (const [slot, group] of made.entries()) groups.join(slot, group);
    const one = groups.unite(groups.unite(made[0], made[1]), groups.unite(made[2], made[3]));
    groups.setExtreme(one, 100 + round);
    groups.leave(round % 4);
    for (const slot of [0, 1, 2, 3]) {
      assert.equal(groups.extremeOf(slot), slot === round % 4 ? 0 : 100 + round);
      if (slot !== round % 4) groups.leave(slot);
    }
    groups.drop(one);
  }
});

it('groups that are only a step on the way to others go when their memory is needed', () => {
  const orders = 64;
  const groups = new TrailGroups(orders);
  const kept: { slot: number; extreme: number }[] = [];
  for (let round = 0; round < 40; round++) {
    const free = [...Array(orders).keys()].filter((slot) => groups.group[slot] === 0);
    let level = free.slice(0, 2 ** Math.floor(Math.log2(free.length))).map((slot) => {
      const group = groups.create(0);
      groups.join(slot, group);
      return group;
    });
    while (level.length > 1) level = level.filter((_, i) => i % 2 === 0).map((group, i) => groups.unite(level[2 * i + 1], group));
    groups.setExtreme(level[0], round + 1);
    // The last order is the farthest from its group; the others leave.
    for (const slot of free) if (groups.group[slot] !== 0 && slot !== free[0]) groups.leave(slot);
    kept.push({ slot: free[0], extreme: round + 1 });
    for (const { slot, extreme } of kept) assert.equal(groups.extremeOf(slot), extreme);
  }
});
