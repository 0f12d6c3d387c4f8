import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InvariantError } from '../engine/assert.ts';
import { auditBooks } from '../engine/book/book-audit.ts';
import { OrderBook } from '../engine/book/order-book.ts';
import { OrderIndex } from '../engine/book/order-index.ts';
import { OrderSlab } from '../engine/book/order-slab.ts';
import { LevelPages } from '../engine/book/price-ladder.ts';
import { allocateFrom, allocateRecording } from '../engine/threads/allocate-from.ts';

const MB = 1_000_000;

describe('order slab', () => {
  it('adds, removes and finds like a map, for any ids', () => {
    const id = fc.oneof(
      fc.nat(40),
      fc.nat(40).map((n) => n * 64),
      fc.nat(40).map((n) => n * 2 ** 32 + 5),
      fc.integer({ min: 2 ** 31 - 20, max: 2 ** 31 + 20 }),
      fc.maxSafeInteger().map(Math.abs),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), id), { maxLength: 200, size: 'max' }), (steps) => {
        const slab = new OrderSlab(24);
        const map = new Map<number, number>();
        for (const [add, orderId] of steps) {
          const slot = slab.find(orderId);
          assert.equal(slot, map.get(orderId) ?? -1);
          if (slot !== -1 && !add) {
            slab.release(slot);
            map.delete(orderId);
          } else if (slot === -1 && add) {
            const taken = slab.acquire(orderId);
            assert.equal(taken === -1, map.size === slab.capacity);
            if (taken !== -1) map.set(orderId, taken);
          }
          assert.equal(slab.count, map.size);
        }
        for (const [orderId, slot] of map) assert.equal(slab.find(orderId), slot);
      }),
      { numRuns: 300 },
    );
  });

  it('is found by another thread, with a slab of its own over the same memory', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(400)), { maxLength: 300, size: 'max' }), (steps) => {
        const { allocate, columns } = allocateRecording();
        const reader = new OrderSlab(512, allocate);
        const owner = new OrderSlab(512, allocateFrom(columns));
        for (const [add, orderId] of steps) {
          const slot = owner.find(orderId);
          if (slot !== -1 && !add) owner.release(slot);
          else if (slot === -1 && add) owner.acquire(orderId);
          assert.equal(reader.peek(orderId), owner.find(orderId));
        }
        for (let orderId = 0; orderId <= 401; orderId++) assert.equal(reader.peek(orderId), owner.find(orderId));
      }),
      { numRuns: 100 },
    );
  });

  it('ends a look into a chain that another thread changes', () => {
    const columns: SharedArrayBuffer[] = [];
    const ids = new Float64Array(16).fill(1);
    const allocate = (bytes: number) => {
      const column = new SharedArrayBuffer(bytes);
      columns.push(column);
      return column;
    };
    const index = new OrderIndex(ids, allocate);
    // Each bucket and each slot leads to slot 3, and so does that itself.
    new Int32Array(columns[0]).fill(3);
    assert.equal(index.peek(7), -1);
  });

  it('accepts a query for any number', () => {
    const slab = new OrderSlab(4);
    slab.acquire(7);
    for (const id of [0, -1, 0.5, 7.5, 2 ** 53, Number.NaN, Infinity]) assert.equal(slab.find(id), -1);
  });

  const capacity = 2 ** 14;
  const patterns: [name: string, id: (n: number) => number][] = [
    ['dense', (n) => n + 1],
    ['every tenth', (n) => n * 10],
    ['a whole table apart', (n) => n * capacity],
    ['several tables apart', (n) => n * capacity * 8],
    ['2^32 apart', (n) => n * 2 ** 32],
    ['half old run, half new run a table later', (n) => (n < capacity / 2 ? n : n + capacity)],
    ['multiples of a thousand', (n) => n * 1000],
  ];
  for (const [name, id] of patterns) {
    it(`a full index of ids ${name} keeps its chains short`, () => {
      for (const spread of [0x9e3779b1, 0x85ebca6b, 0x27d4eb2f, 0x2c1b3c6d]) {
        const ids = new Float64Array(capacity);
        const index = new OrderIndex(ids, undefined, spread);
        for (let slot = 0; slot < capacity; slot++) {
          ids[slot] = id(slot);
          index.insert(slot, ids[slot]);
        }
        assert.ok(index.longestChain() <= 12, `longest chain ${index.longestChain()}`);
        for (let slot = 0; slot < capacity; slot++) assert.equal(index.find(ids[slot]), slot);
        for (let slot = 0; slot < capacity; slot++) index.remove(slot);
        assert.equal(index.longestChain(), 0);
      }
    });
  }

  it('removes the orders of one bucket in any order, also after a search for another one', () => {
    const ids = Float64Array.from({ length: 64 }, (_, slot) => slot * 2 ** 32);
    for (let seed = 1; seed < 200; seed++) {
      const index = new OrderIndex(ids, undefined, seed * 2 + 1);
      for (let slot = 0; slot < 64; slot++) index.insert(slot, ids[slot]);
      for (let turn = 0; turn < 64; turn++) {
        const slot = (turn * 37 + seed) & 63;
        index.find(ids[(slot * 11 + 5) & 63]);
        index.remove(slot);
        assert.equal(index.find(ids[slot]), -1);
        for (let later = turn + 1; later < 64; later++) {
          const other = (later * 37 + seed) & 63;
          assert.equal(index.find(ids[other]), other);
        }
      }
      assert.equal(index.longestChain(), 0);
    }
  });

  it('removing an unknown id is misuse', () => {
    const ids = new Float64Array([5, 6]);
    const index = new OrderIndex(ids);
    index.insert(0, 5);
    assert.throws(() => index.remove(1), InvariantError);
  });
});

describe('a million resting orders', () => {
  it('fit in 150 MB of columns, levels and index, and remain a valid book', () => {
    const orders = 1_000_000;
    const prices = 50_000;
    const mid = 2 ** 18;
    let bytes = 0;
    const allocate = (size: number): ArrayBuffer => {
      bytes += size;
      return new ArrayBuffer(size);
    };
    const before = process.memoryUsage.rss();
    const slab = new OrderSlab(orders, allocate);
    const pages = new LevelPages(4096, allocate);
    const book = new OrderBook(1, slab, pages, 2 ** 20, unheard, allocate);
    for (let n = 1; n <= orders; n++) {
      const slot = slab.acquire(n);
      const side = n & 1;
      const away = 1 + ((n * 7919) % prices);
      slab.setTerms(slot, 1, 1, side, 0);
      slab.setPrice(slot, side === 0 ? mid - away : mid + away);
      slab.setOpen(slot, n);
      slab.setFilled(slot, 0);
      slab.setClientOrderId(slot, n);
      slab.setTag(slot, n);
      assert.ok(book.rest(slot));
    }
    const resident = process.memoryUsage.rss() - before;
    assert.equal(slab.acquire(orders + 1), -1);
    assert.ok(bytes < 150 * MB, `${bytes / MB} MB of arrays`);
    assert.ok(resident < 150 * MB, `${resident / MB} MB resident`);
    auditBooks(slab, pages, [book], () => false);
    process.stdout.write(`# 1 M resting orders: ${(bytes / MB).toFixed(1)} MB of arrays, ${(resident / MB).toFixed(1)} MB resident\n`);
  });
});

const unheard = {
  onTrade(): void {
    assert.fail('nothing crosses');
  },
  onMakerGone(): void {
    assert.fail('nothing crosses');
  },
  onAuctionTrade(): void {
    assert.fail('there is no auction');
  },
};
