import { type Allocate, allocateLocal } from '../allocate.ts';
import type { OrderSlab } from '../book/order-slab.ts';
import type { TimeUs } from '../units.ts';

/**
 * The orders that expire: a binary heap of slots by expiry, then order id. Adding
 * and removing an order takes a number of steps that grows with the logarithm of
 * their number. The columns have the slab's capacity, but the system gives them
 * memory only where they are used: 16 bytes per order that expires. Owned by the engine thread.
 */
export class OrderExpiries {
  /** Orders that expire. */
  count = 0;
  /** The earliest expiry in microseconds since the Unix epoch; infinite if no order expires. */
  earliestUs: TimeUs = Number.POSITIVE_INFINITY;
  /** By slot, of orders in the heap. */
  readonly #expiry: Float64Array;
  readonly #place: Int32Array;
  readonly #heap: Int32Array;
  readonly #id: Float64Array;

  constructor(slab: OrderSlab, allocate: Allocate = allocateLocal) {
    this.#id = slab.id;
    this.#expiry = new Float64Array(allocate(slab.capacity * 8));
    this.#place = new Int32Array(allocate(slab.capacity * 4));
    this.#heap = new Int32Array(allocate(slab.capacity * 4));
  }

  /** Slot of the order that expires first. Only if `count` is not 0. */
  get first(): number {
    return this.#heap[0];
  }

  /** Expiry of an order that was added. */
  expiryOf(slot: number): TimeUs {
    return this.#expiry[slot];
  }

  add(slot: number, expiryUs: TimeUs): void {
    this.#expiry[slot] = expiryUs;
    this.#rise(this.count++, slot);
    this.earliestUs = this.#expiry[this.#heap[0]];
  }

  /** Removes an order that was added. */
  remove(slot: number): void {
    const at = this.#place[slot];
    const last = this.#heap[--this.count];
    if (last !== slot) {
      if (at > 0 && this.#before(last, this.#heap[(at - 1) >> 1])) this.#rise(at, last);
      else this.#sink(at, last);
    }
    this.earliestUs = this.count === 0 ? Number.POSITIVE_INFINITY : this.#expiry[this.#heap[0]];
  }

  /** Puts `slot` at `at`, or nearer to the first place. */
  #rise(at: number, slot: number): void {
    const heap = this.#heap;
    let to = at;
    while (to > 0) {
      const above = (to - 1) >> 1;
      const other = heap[above];
      if (!this.#before(slot, other)) break;
      heap[to] = other;
      this.#place[other] = to;
      to = above;
    }
    heap[to] = slot;
    this.#place[slot] = to;
  }

  /** Puts `slot` at `at`, or further from the first place. */
  #sink(at: number, slot: number): void {
    const { count } = this;
    const heap = this.#heap;
    let to = at;
    for (;;) {
      let below = 2 * to + 1;
      if (below >= count) break;
      if (below + 1 < count && this.#before(heap[below + 1], heap[below])) below++;
      const other = heap[below];
      if (!this.#before(other, slot)) break;
      heap[to] = other;
      this.#place[other] = to;
      to = below;
    }
    heap[to] = slot;
    this.#place[slot] = to;
  }

  #before(one: number, other: number): boolean {
    const difference = this.#expiry[one] - this.#expiry[other];
    return difference < 0 || (difference === 0 && this.#id[one] < this.#id[other]);
  }
}
