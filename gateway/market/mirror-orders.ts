import { assert } from '../../engine/assert.ts';
import { IdTable } from './id-table.ts';

const FIRST_ORDERS = 1024;

/**
 * The resting orders of all mirrors of an exchange, in columns: one pool, as
 * the engine has one, so the engine's capacity bounds it. Grows by doubling up
 * to that. `next` and `prev` link the orders of a level, -1 = none.
 */
export class MirrorOrders {
  readonly capacity: number;
  readonly #index = new IdTable();
  id = new Float64Array(FIRST_ORDERS);
  price = new Float64Array(FIRST_ORDERS);
  open = new Float64Array(FIRST_ORDERS);
  side = new Uint8Array(FIRST_ORDERS);
  /** Slot of the order's level in its mirror. */
  level = new Int32Array(FIRST_ORDERS);
  next = new Int32Array(FIRST_ORDERS);
  prev = new Int32Array(FIRST_ORDERS);
  #free = -1;
  #used = 0;

  /** @param capacity resting orders of the engine's shard */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Orders resting now. */
  get count(): number {
    return this.#index.size;
  }

  /** Slot of order `ids[at]`, or -1. See {@link IdTable} for why the id is not passed by value. */
  find(ids: Float64Array, at: number): number {
    return this.#index.find(ids, at);
  }

  /** Slot for a new order with the id `ids[at]`. */
  acquire(ids: Float64Array, at: number): number {
    let slot = this.#free;
    if (slot !== -1) this.#free = this.next[slot];
    else {
      assert(this.#used < this.capacity, 'mirror: more resting orders than the engine has room for');
      if (this.#used === this.id.length) this.#grow();
      slot = this.#used++;
    }
    this.id[slot] = ids[at];
    this.#index.add(ids, at, slot);
    return slot;
  }

  release(slot: number): void {
    this.#index.remove(this.id, slot);
    this.next[slot] = this.#free;
    this.#free = slot;
  }

  #grow(): void {
    const size = this.id.length * 2;
    this.id = grown(this.id, new Float64Array(size));
    this.price = grown(this.price, new Float64Array(size));
    this.open = grown(this.open, new Float64Array(size));
    this.side = grown(this.side, new Uint8Array(size));
    this.level = grown(this.level, new Int32Array(size));
    this.next = grown(this.next, new Int32Array(size));
    this.prev = grown(this.prev, new Int32Array(size));
  }
}

/** Copies a column into a larger one. */
export function grown<T extends Float64Array | Int32Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
