import { type Allocate, allocateLocal } from './allocate.ts';
import { assert } from './assert.ts';

const NIL = -1;
const TWO_M32 = 2 ** -32;
/** 2^32 / golden ratio, odd: multiples of it fall far apart. */
const SPREAD = 0x9e3779b1 | 0;

/**
 * Order id -> slot: a chained hash table whose links are a column beside the
 * orders, so insert and remove touch one bucket and no neighbour moves.
 *
 * Ids are sequential and mostly dense, so the hash keeps neighbours together
 * (16 of them share a cache line) and turns each further window of `buckets`
 * ids by its own amount. A run of old orders therefore never piles up under
 * the ids that follow it a whole table later, as it would with linear probing,
 * and a chain of n orders costs an attacker n windows of ids. Ids that all
 * share their low bits are spread by the turn.
 */
export class OrderIndex {
  readonly #ids: Float64Array;
  readonly #chain: Int32Array;
  readonly #buckets: Int32Array;
  readonly #mask: number;
  readonly #shift: number;

  /** @param ids the id column: `ids[slot]` is read, never written, while `slot` is in the index */
  constructor(ids: Float64Array, allocate: Allocate = allocateLocal) {
    assert(ids.length >= 1 && ids.length <= 2 ** 27, 'order index: 1 to 2^27 slots');
    const bits = Math.max(4, 32 - Math.clz32(ids.length - 1)) + 1;
    this.#ids = ids;
    this.#chain = new Int32Array(allocate(ids.length * 4));
    this.#buckets = new Int32Array(allocate(4 << bits)).fill(NIL);
    this.#mask = (1 << bits) - 1;
    this.#shift = bits;
  }

  /** The slot of `id`, -1 when it is not here. */
  find(id: number): number {
    let slot = this.#buckets[this.#bucket(id)];
    while (slot !== NIL && this.#ids[slot] !== id) slot = this.#chain[slot];
    return slot;
  }

  /** `ids[slot]` is set and not in the index yet. */
  insert(slot: number): void {
    const bucket = this.#bucket(this.#ids[slot]);
    this.#chain[slot] = this.#buckets[bucket];
    this.#buckets[bucket] = slot;
  }

  /** `slot` is in the index and `ids[slot]` still set. */
  remove(slot: number): void {
    const bucket = this.#bucket(this.#ids[slot]);
    let at = this.#buckets[bucket];
    if (at === slot) {
      this.#buckets[bucket] = this.#chain[slot];
      return;
    }
    while (at !== NIL) {
      const next = this.#chain[at];
      if (next === slot) {
        this.#chain[at] = this.#chain[slot];
        return;
      }
      at = next;
    }
    assert(false, 'order index: remove of a slot that is not here');
  }

  /** Orders in the longest chain; walks everything. */
  longestChain(): number {
    let longest = 0;
    for (let slot of this.#buckets) {
      let length = 0;
      for (; slot !== NIL; slot = this.#chain[slot]) length++;
      if (length > longest) longest = length;
    }
    return longest;
  }

  #bucket(id: number): number {
    const low = id | 0;
    const window = (low >>> this.#shift) + Math.imul((id * TWO_M32) | 0, SPREAD);
    return (low + Math.imul(window, SPREAD)) & this.#mask;
  }
}
