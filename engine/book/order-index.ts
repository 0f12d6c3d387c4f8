import { type Allocate, allocateLocal } from '../allocate.ts';
import { assert } from '../assert.ts';

const NIL = -1;
const TWO_M32 = 2 ** -32;
/** 2^32 / golden ratio, odd. */
const GOLDEN = 0x9e3779b1;
/** Neighbouring ids that share a cache line of buckets. */
const BLOCK_BITS = 4;
const BLOCK_MASK = (1 << BLOCK_BITS) - 1;

/**
 * Order id -> slot: a hash table of chains whose links are a column beside the
 * orders. Insert and remove touch one bucket, and no neighbour moves.
 *
 * The table has room for every slot but uses only as many buckets as there
 * ever were orders at once (at least a sixteenth of them), because a quiet book
 * with a large capacity should live in the cache. It grows a bucket at a time,
 * with the insert that asks for it, by splitting one chain in two (linear
 * hashing): there is no moment at which everything is rehashed.
 *
 * Ids are given out in sequence, so 16 neighbours stay together in one cache
 * line and only their block is scattered. Which blocks meet in one chain
 * depends on a multiplier that each process draws for itself: nobody can
 * choose which of his orders to leave in the book so that they pile up. It
 * decides where things lie, never what is found, and is no part of the state.
 */
export class OrderIndex {
  readonly #ids: Float64Array;
  readonly #chain: Int32Array;
  readonly #buckets: Int32Array;
  readonly #spread: number;
  #count = 0;
  /** Buckets in use. */
  #size: number;
  /** Lowest 2^k - 1 that is not below `#size` - 1. */
  #mask: number;

  /**
   * @param ids the id column: `ids[slot]` is read, never written, while `slot` is in the index
   * @param spread the multiplier; odd
   */
  constructor(ids: Float64Array, allocate: Allocate = allocateLocal, spread = drawSpread()) {
    assert(ids.length >= 1 && ids.length <= 2 ** 27, 'order index: 1 to 2^27 slots');
    const bits = Math.max(BLOCK_BITS, 32 - Math.clz32(ids.length - 1));
    this.#ids = ids;
    this.#chain = new Int32Array(allocate(ids.length * 4));
    this.#buckets = new Int32Array(allocate(4 << bits)).fill(NIL);
    this.#spread = spread;
    this.#size = 1 << Math.max(BLOCK_BITS, bits - 4);
    this.#mask = this.#size - 1;
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
    if (++this.#count > this.#size) this.#grow();
  }

  /** `slot` is in the index and `ids[slot]` still set. */
  remove(slot: number): void {
    const bucket = this.#bucket(this.#ids[slot]);
    const first = this.#buckets[bucket];
    if (first === slot) this.#buckets[bucket] = this.#chain[slot];
    else this.#removeBehind(first, slot);
    this.#count--;
  }

  #removeBehind(first: number, slot: number): void {
    let at = first;
    while (at !== NIL && this.#chain[at] !== slot) at = this.#chain[at];
    assert(at !== NIL, 'order index: remove of a slot that is not here');
    this.#chain[at] = this.#chain[slot];
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

  /** Splits the next chain: those of its orders whose hash has the new bit set move to the new bucket. */
  #grow(): void {
    if (this.#size === this.#buckets.length) return;
    const added = this.#size++;
    if (added > this.#mask) this.#mask = this.#mask * 2 + 1;
    const source = added & (this.#mask >>> 1);
    let slot = this.#buckets[source];
    this.#buckets[source] = NIL;
    while (slot !== NIL) {
      const next = this.#chain[slot];
      const bucket = this.#bucket(this.#ids[slot]);
      this.#chain[slot] = this.#buckets[bucket];
      this.#buckets[bucket] = slot;
      slot = next;
    }
  }

  #bucket(id: number): number {
    const low = id | 0;
    const block = Math.imul((low >>> BLOCK_BITS) ^ Math.imul(id * TWO_M32, GOLDEN), this.#spread);
    const bucket = (((block ^ (block >>> 16)) << BLOCK_BITS) | ((low + (block >>> 28)) & BLOCK_MASK)) & this.#mask;
    return bucket < this.#size ? bucket : bucket & (this.#mask >>> 1);
  }
}

function drawSpread(): number {
  return crypto.getRandomValues(new Int32Array(1))[0] | 1;
}
