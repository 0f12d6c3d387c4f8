import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { getI64 } from '../engine/units.ts';
import { LevelUpdate } from '../engine/wire/layout.ts';
import { StructList } from '../engine/wire/market-frames.ts';
import { topBooks } from '../gateway/market/channels/top-book.ts';
import { MirrorLevels } from '../gateway/market/mirror-levels.ts';

interface NaiveLevel {
  quantity: number;
  orders: number;
}
type Sides = readonly [Map<number, NaiveLevel>, Map<number, NaiveLevel>];
type View = [side: number, price: number, quantity: number, orders: number];

/** The best levels of both sides. */
function best(sides: Sides, depth: number): View[] {
  return sides.flatMap((levels, side) =>
    [...levels]
      .sort(([a], [b]) => (side === 0 ? b - a : a - b))
      .slice(0, depth)
      .map(([price, { quantity, orders }]): View => [side, price, quantity, orders]),
  );
}

function views({ words, count, bytes }: StructList): View[] {
  return Array.from({ length: count }, (_, i) => {
    const at = (i * bytes) / 4;
    const field = (offset: number) => getI64(words, at + offset / 4);
    return [words[at], field(LevelUpdate.price), field(LevelUpdate.quantity), words[at + LevelUpdate.orders / 4]];
  });
}

/** A reader: it has exactly the levels that snapshot and updates gave it. */
class Reader {
  readonly #levels = new Map<string, View>();

  take(list: readonly View[]): void {
    for (const view of list) {
      const key = `${view[0]} ${view[1]}`;
      if (view[2] === 0) assert.ok(this.#levels.delete(key), 'only a level that the reader has is removed');
      else this.#levels.set(key, view);
    }
  }

  get levels(): View[] {
    return [...this.#levels.values()].sort(([a, p], [b, q]) => a - b || (a === 0 ? q - p : p - q));
  }
}

const step = fc.record({
  side: fc.nat(1),
  price: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 300 })),
  quantity: fc.integer({ min: 1, max: 9 }),
  removes: fc.boolean(),
  flushes: fc.integer({ min: 0, max: 9 }).map((value) => value === 0),
  heap: fc.boolean(),
});

it('snapshot and updates always describe exactly the best levels', () => {
  for (const { wire, stateDoubles, onFlush, snapshot } of topBooks) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.nat(50), (steps, joinsAt) => {
        const levels = new MirrorLevels();
        const sides: Sides = [new Map(), new Map()];
        const mirror = { levels, seq: 0 };
        const pending = new StructList(LevelUpdate.bytes);
        const state = new Float64Array(stateDoubles);
        const channel = { mirror, pending, state, number: 0, wanted: false };
        const asChannel = channel as never as Parameters<typeof onFlush>[0];
        const reader = new Reader();
        let joined = false;
        let number = 0;
        const flush = (): void => {
          onFlush(asChannel);
          assert.equal(channel.number - number, pending.count, 'each update has a number');
          number = channel.number;
          if (joined) reader.take(views(pending));
          pending.clear();
          if (joined) assert.deepEqual(reader.levels, best(sides, wire.depth));
        };
        for (const [i, { side, price, quantity, removes, flushes, heap }] of steps.entries()) {
          const slot = levels.at(side, Float64Array.of(price), 0);
          const known = sides[side].get(price);
          mirror.seq++;
          if (removes && known !== undefined) {
            sides[side].delete(price);
            levels.quantity[slot] = 0;
            levels.orders[slot] = 0;
            levels.emptied(slot);
          } else {
            sides[side].set(price, { quantity: (known?.quantity ?? 0) + quantity, orders: (known?.orders ?? 0) + 1 });
            levels.quantity[slot] = (known?.quantity ?? 0) + quantity;
            levels.orders[slot] = (known?.orders ?? 0) + 1;
          }
          if (heap) levels.best(side);
          if (i === joinsAt) {
            // The first reader: nothing was published before; a flush may come before its snapshot.
            channel.wanted = true;
            if (heap) flush();
            const list = new StructList(LevelUpdate.bytes);
            snapshot(asChannel, list, 0);
            joined = true;
            reader.take(views(list));
            assert.deepEqual(reader.levels, best(sides, wire.depth));
          }
          if (flushes) flush();
        }
        flush();
      }),
      { numRuns: 60 },
    );
  }
});

it('empty levels are looked at once, however many there are in front of the others', () => {
  const levels = new MirrorLevels();
  const slots = new Int32Array(10);
  const add = (price: number): number => {
    const slot = levels.at(1, Float64Array.of(price), 0);
    levels.orders[slot] = 1;
    return slot;
  };
  const emptied = Array.from({ length: 300 }, (_, i) => add(1 + i));
  for (let price = 1000; price < 1600; price++) add(price);
  for (const slot of emptied) {
    levels.orders[slot] = 0;
    levels.emptied(slot);
  }
  for (let round = 0; round < 10; round++) {
    const found = levels.top(1, 10, slots);
    assert.deepEqual(
      Array.from(slots.subarray(0, found), (slot) => levels.price[slot]),
      Array.from({ length: 10 }, (_, i) => 1000 + i),
    );
  }
  // All of them were taken out: their slots are used again.
  const before = levels.price.length;
  for (let i = 0; i < 300; i++) add(5000 + i);
  assert.equal(levels.price.length, before);
});
