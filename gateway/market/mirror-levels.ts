import { BestFirst } from './best-first.ts';
import { IdTable } from './id-table.ts';
import { LevelsCopy } from './levels-copy.ts';
import { grown } from './mirror-orders.ts';

const FIRST_LEVELS = 64;
const BUY = 0;
/** Empty levels that one call of `top` takes out of a heap. */
const MOST_DROPPED = 64;

/** Shared by all books: a walk ends before the next one begins. */
const walk = new BestFirst();
const dropped = new Int32Array(MOST_DROPPED);

/**
 * The price levels of one mirror, both sides, in columns. A slot belongs to one
 * price of one side.
 *
 * The best price is read once per flush, not once per event, so each side keeps a
 * binary heap with lazy removal: an empty level stays in it until it reaches the
 * top or empty levels outnumber the others. That costs nothing per event beyond
 * the first order of a level, and is independent of the distance between prices
 * (a bitmap over 2^26 ticks would, once per symbol).
 */
export class MirrorLevels {
  price = new Float64Array(FIRST_LEVELS);
  quantity = new Float64Array(FIRST_LEVELS);
  /** Orders of the level; 0 = empty. */
  orders = new Uint32Array(FIRST_LEVELS);
  side = new Uint8Array(FIRST_LEVELS);
  /** First and last order of the level, slots of MirrorOrders. */
  head = new Int32Array(FIRST_LEVELS);
  tail = new Int32Array(FIRST_LEVELS);
  /** Levels that changed since `clearTouched`, each once, when `trackTouched` is on. */
  touched = new Int32Array(FIRST_LEVELS);
  touchedCount = 0;
  /** Levels with orders, by side. */
  readonly live: [number, number] = [0, 0];
  #track = false;
  #isTouched = new Uint8Array(FIRST_LEVELS);
  #inHeap = new Uint8Array(FIRST_LEVELS);
  readonly #heaps: [Int32Array, Int32Array] = [new Int32Array(FIRST_LEVELS), new Int32Array(FIRST_LEVELS)];
  readonly #heapCounts: [number, number] = [0, 0];
  readonly #index = new IdTable();
  /** The key of a level: price * 2 + side. */
  readonly #key = new Float64Array(1);
  #free = -1;
  #used = 0;

  /** Off by default, when changes cost nothing. Turning it off clears the list. */
  set trackTouched(on: boolean) {
    if (!on) this.clearTouched();
    this.#track = on;
  }

  get trackTouched(): boolean {
    return this.#track;
  }

  /** Slot of the level of `side` at `prices[at]`; created if missing. */
  at(side: number, prices: Float64Array, at: number): number {
    this.#key[0] = prices[at] * 2 + side;
    const found = this.#index.find(this.#key, 0);
    if (found !== -1) {
      if (this.orders[found] === 0) this.#revive(found, side);
      return found;
    }
    let slot = this.#free;
    if (slot !== -1) this.#free = this.head[slot];
    else {
      if (this.#used === this.price.length) this.#grow();
      slot = this.#used++;
    }
    this.#index.add(this.#key, 0, slot);
    this.price[slot] = prices[at];
    this.quantity[slot] = 0;
    this.side[slot] = side;
    this.head[slot] = -1;
    this.tail[slot] = -1;
    this.#revive(slot, side);
    return slot;
  }

  touch(slot: number): void {
    if (!this.#track || this.#isTouched[slot] !== 0) return;
    this.#isTouched[slot] = 1;
    this.touched[this.touchedCount++] = slot;
  }

  /** Call when the level's last order is removed; the slot is freed once nothing refers to it. */
  emptied(slot: number): void {
    const side = this.side[slot];
    this.live[side]--;
    if (this.#heapCounts[side] > 2 * this.live[side] + FIRST_LEVELS) this.#sweep(side);
  }

  clearTouched(): void {
    for (let i = 0; i < this.touchedCount; i++) {
      const slot = this.touched[i];
      this.#isTouched[slot] = 0;
      this.#releaseIfUnused(slot);
    }
    this.touchedCount = 0;
  }

  /** Slot of the best level of `side`, -1 when the side is empty. */
  best(side: number): number {
    const heap = this.#heaps[side];
    while (this.#heapCounts[side] > 0) {
      const slot = heap[0];
      if (this.orders[slot] !== 0) return slot;
      const last = heap[--this.#heapCounts[side]];
      if (this.#heapCounts[side] > 0) this.#sink(side, 0, last);
      this.#inHeap[slot] = 0;
      this.#releaseIfUnused(slot);
    }
    return -1;
  }

  /**
   * Slots of the best levels of `side`, best first.
   * @param most at most so many, as far as `to` has room
   * @returns how many there are
   */
  top(side: number, most: number, to: Int32Array): number {
    const { orders, price } = this;
    const heap = this.#heaps[side];
    const count = this.#heapCounts[side];
    const worse = side === BUY ? -1 : 1;
    let found = 0;
    let empty = 0;
    walk.begin();
    if (count > 0) walk.add(0, price[heap[0]] * worse);
    while (found < most) {
      const node = walk.take();
      if (node === -1) break;
      const slot = heap[node];
      if (orders[slot] !== 0) to[found++] = slot;
      else if (empty < MOST_DROPPED) dropped[empty++] = node;
      const child = 2 * node + 1;
      if (child < count) walk.add(child, price[heap[child]] * worse);
      if (child + 1 < count) walk.add(child + 1, price[heap[child + 1]] * worse);
    }
    // So that the next call does not walk through them again. A removal may move another one, which the next call then finds.
    while (empty > 0) this.#drop(side, dropped[--empty]);
    return found;
  }

  /** All levels of `side` now, unsorted. Takes some 10 ns per level. */
  copy(side: number): LevelsCopy {
    const { orders } = this;
    const heap = this.#heaps[side];
    const copy = new LevelsCopy(side, this.live[side]);
    for (let i = 0; i < this.#heapCounts[side]; i++) {
      const slot = heap[i];
      if (orders[slot] !== 0) copy.add(slot, this.price[slot], this.quantity[slot], orders[slot]);
    }
    return copy;
  }

  /** Calls `visit` with the slot of each level of the same side with a better price, in no order, until it returns false. Cold. */
  visitBetter(slot: number, visit: (slot: number) => boolean): void {
    const side = this.side[slot];
    const worse = side === BUY ? -1 : 1;
    const key = this.price[slot] * worse;
    const heap = this.#heaps[side];
    const count = this.#heapCounts[side];
    // A node of the heap that is not better has none below it.
    const pending = [0];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (at >= count || this.price[heap[at]] * worse >= key) continue;
      if (!visit(heap[at])) return;
      pending.push(2 * at + 1, 2 * at + 2);
    }
  }

  /** Slots of all levels of `side`, best first, in an array of its own. Cold. */
  sorted(side: number): Int32Array {
    const { price } = this;
    const slots = this.#heaps[side].slice(0, this.#heapCounts[side]).filter((slot) => this.orders[slot] !== 0);
    return slots.sort(side === BUY ? (a, b) => price[b] - price[a] : (a, b) => price[a] - price[b]);
  }

  #revive(slot: number, side: number): void {
    this.live[side]++;
    if (this.#inHeap[slot] !== 0) return;
    this.#inHeap[slot] = 1;
    const heap = this.#heaps[side];
    const worse = side === BUY ? -1 : 1;
    const key = this.price[slot] * worse;
    let at = this.#heapCounts[side]++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.price[heap[parent]] * worse <= key) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = slot;
  }

  #sink(side: number, from: number, slot: number): void {
    const heap = this.#heaps[side];
    const count = this.#heapCounts[side];
    const worse = side === BUY ? -1 : 1;
    const key = this.price[slot] * worse;
    let at = from;
    for (let child = 2 * at + 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && this.price[heap[child + 1]] * worse < this.price[heap[child]] * worse) child++;
      if (this.price[heap[child]] * worse >= key) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = slot;
  }

  /** Takes the node at a position out of a heap, if its level is still an empty one. */
  #drop(side: number, node: number): void {
    const heap = this.#heaps[side];
    const slot = heap[node];
    if (node >= this.#heapCounts[side] || this.orders[slot] !== 0) return;
    const last = heap[--this.#heapCounts[side]];
    if (last !== slot) {
      const worse = side === BUY ? -1 : 1;
      const key = this.price[last] * worse;
      let at = node;
      for (let parent = (at - 1) >> 1; at > 0 && this.price[heap[parent]] * worse > key; parent = (at - 1) >> 1) {
        heap[at] = heap[parent];
        at = parent;
      }
      if (at === node) this.#sink(side, node, last);
      else heap[at] = last;
    }
    this.#inHeap[slot] = 0;
    this.#releaseIfUnused(slot);
  }

  /** Drops the empty levels from a heap; linear, amortised over the levels emptied since the last call. */
  #sweep(side: number): void {
    const heap = this.#heaps[side];
    let kept = 0;
    for (let i = 0; i < this.#heapCounts[side]; i++) {
      const slot = heap[i];
      if (this.orders[slot] !== 0) heap[kept++] = slot;
      else {
        this.#inHeap[slot] = 0;
        this.#releaseIfUnused(slot);
      }
    }
    this.#heapCounts[side] = kept;
    for (let i = (kept >> 1) - 1; i >= 0; i--) this.#sink(side, i, heap[i]);
  }

  #releaseIfUnused(slot: number): void {
    if (this.orders[slot] !== 0 || this.#inHeap[slot] !== 0 || this.#isTouched[slot] !== 0) return;
    this.#key[0] = this.price[slot] * 2 + this.side[slot];
    this.#index.remove(this.#key, 0);
    this.head[slot] = this.#free;
    this.#free = slot;
  }

  #grow(): void {
    const size = this.price.length * 2;
    this.price = grown(this.price, new Float64Array(size));
    this.quantity = grown(this.quantity, new Float64Array(size));
    this.orders = grown(this.orders, new Uint32Array(size));
    this.side = grown(this.side, new Uint8Array(size));
    this.head = grown(this.head, new Int32Array(size));
    this.tail = grown(this.tail, new Int32Array(size));
    this.touched = grown(this.touched, new Int32Array(size));
    this.#isTouched = grown(this.#isTouched, new Uint8Array(size));
    this.#inHeap = grown(this.#inHeap, new Uint8Array(size));
    this.#heaps[0] = grown(this.#heaps[0], new Int32Array(size));
    this.#heaps[1] = grown(this.#heaps[1], new Int32Array(size));
  }
}
