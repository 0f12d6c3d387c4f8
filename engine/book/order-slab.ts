import { type Allocate, allocateLocal } from '../allocate.ts';
import { assert } from '../assert.ts';
import { OrderIndex } from './order-index.ts';

const NIL = -1;

/**
 * The resting orders of a shard: one typed array per field, a slot per order,
 * -1 for no slot. One slab serves all books of the shard, so that a busy book
 * may use what a quiet one does not. Freed slots are taken again last in,
 * first out, while their cache lines are warm.
 *
 * The owner fills the columns after `acquire` and counts `filled`; a book owns
 * `next`, `prev`, `level`, and while an order rests in it `open`. One thread
 * owns the slab.
 */
export class OrderSlab {
  readonly capacity: number;
  /** Orders in the slab. */
  count = 0;
  /** Exchange order id. */
  readonly id: Float64Array;
  /** Limit price in ticks. */
  readonly price: Float64Array;
  /** Lots still to trade. */
  readonly open: Float64Array;
  /** Lots traded. */
  readonly filled: Float64Array;
  readonly clientOrderId: Float64Array;
  readonly account: Uint32Array;
  readonly symbol: Uint32Array;
  readonly tag: Uint32Array;
  readonly side: Uint8Array;
  readonly timeInForce: Uint8Array;
  /** Neighbours in the queue of the level: `next` came later. A free slot: `next` is the next free one. */
  readonly next: Int32Array;
  readonly prev: Int32Array;
  /** The level the order is queued at, an index into the books' shared level pages; -1 when it rests nowhere. */
  readonly level: Int32Array;
  readonly #index: OrderIndex;
  #free: number;

  /** @param capacity most orders at a time, 1 to 2^27; all memory is taken here */
  constructor(capacity: number, allocate: Allocate = allocateLocal) {
    assert(Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 27, 'order slab: capacity is 1 to 2^27');
    this.capacity = capacity;
    this.id = new Float64Array(allocate(capacity * 8));
    this.price = new Float64Array(allocate(capacity * 8));
    this.open = new Float64Array(allocate(capacity * 8));
    this.filled = new Float64Array(allocate(capacity * 8));
    this.clientOrderId = new Float64Array(allocate(capacity * 8));
    this.account = new Uint32Array(allocate(capacity * 4));
    this.symbol = new Uint32Array(allocate(capacity * 4));
    this.tag = new Uint32Array(allocate(capacity * 4));
    this.side = new Uint8Array(allocate(capacity));
    this.timeInForce = new Uint8Array(allocate(capacity));
    this.next = new Int32Array(allocate(capacity * 4));
    this.prev = new Int32Array(allocate(capacity * 4));
    this.level = new Int32Array(allocate(capacity * 4)).fill(NIL);
    this.#index = new OrderIndex(this.id, allocate);
    for (let slot = 0; slot < capacity - 1; slot++) this.next[slot] = slot + 1;
    this.next[capacity - 1] = NIL;
    this.#free = 0;
  }

  /** Takes a slot for `orderId`, which must not be in the slab; -1 when it is full. Columns other than `id` hold old values. */
  acquire(orderId: number): number {
    const slot = this.#free;
    if (slot === NIL) return NIL;
    this.#free = this.next[slot];
    this.id[slot] = orderId;
    this.#index.insert(slot);
    this.count++;
    return slot;
  }

  /** Gives back a slot that rests in no book. */
  release(slot: number): void {
    assert(this.level[slot] === NIL, 'order slab: release of a resting order');
    this.#index.remove(slot);
    this.next[slot] = this.#free;
    this.#free = slot;
    this.count--;
  }

  /** The slot of `orderId`, -1 when there is none. Any number may be asked for. */
  find(orderId: number): number {
    return this.#index.find(orderId);
  }

  /** Longest chain of the id index: 1 or 2 unless ids were chosen to collide. Walks everything. */
  longestChain(): number {
    return this.#index.longestChain();
  }
}
