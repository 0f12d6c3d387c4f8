import { type Allocate, allocateLocal } from '../allocate.ts';
import { assert } from '../assert.ts';

const NIL = -1;
const TWO_M32 = 2 ** -32;
/** 2^32 / golden ratio, odd. */
const GOLDEN = 0x9e3779b1;
/** Neighbouring ids that share a cache line of buckets. */
const BLOCK_BITS = 4;
const BLOCK_MASK = (1 << BLOCK_BITS) - 1;
/** Shared words. */
const SPREAD = 0;
const SIZE = 1;
const MASK = 2;
/** Steps of a chain that another thread takes at most. Real ones have a few orders; a longer one is not found there. */
const LONGEST_CHAIN = 256;

/**
 * Order id -> slot: a chained hash table whose links are a column beside the
 * orders. Insert and remove touch one bucket, and no other entry moves.
 *
 * The table has memory for every slot, but uses only as many buckets as the
 * highest number of orders so far (at least a sixteenth of the slots), so that
 * a small book with a large capacity stays in the cache. The table grows by one
 * bucket, during an insert, by splitting one chain in two (linear hashing). It
 * is never rehashed as a whole.
 *
 * Order ids are sequential. A block of 16 neighbouring ids shares one cache
 * line, and the hash scatters blocks. Which blocks share a chain depends on a
 * random multiplier of the process, so that clients cannot choose order ids
 * that collide. The multiplier affects positions only, never results, and is
 * not part of the state.
 *
 * One thread owns the index. Another one, with an index of its own over the same memory, may call {@link peek}: what it needs to know of the
 * owner's is in shared words.
 */
export class OrderIndex {
  private declare readonly ids: Float64Array;
  private declare readonly chain: Int32Array;
  private declare readonly buckets: Int32Array;
  readonly #spread: number = 0;
  #count = 0;
  /** Buckets in use. */
  #size = 0;
  /** Lowest 2^k - 1 that is not below `#size` - 1. */
  #mask = 0;
  /** The owner's multiplier, `#size` and `#mask`. */
  private declare readonly shared: Int32Array;

  /**
   * @param ids the id column: `ids[slot]` is read, never written, while `slot` is in the index
   * @param spread the multiplier; odd
   */
  constructor(ids: Float64Array, allocate: Allocate = allocateLocal, spread = drawSpread()) {
    assert(ids.length >= 1 && ids.length <= 2 ** 27, 'order index: 1 to 2^27 slots');
    const bits = Math.max(BLOCK_BITS, 32 - Math.clz32(ids.length - 1));
    this.ids = ids;
    this.chain = new Int32Array(allocate(ids.length * 4));
    this.buckets = new Int32Array(allocate(4 << bits)).fill(NIL);
    this.#spread = spread;
    this.#size = 1 << Math.max(BLOCK_BITS, bits - 4);
    this.#mask = this.#size - 1;
    this.shared = new Int32Array(allocate(12));
    this.#share();
  }

  #share(): void {
    this.shared[SPREAD] = this.#spread;
    this.shared[SIZE] = this.#size;
    this.shared[MASK] = this.#mask;
  }

  /**
   * {@link find} for a thread that does not own the index. The owner may change it meanwhile: then the slot may be that of another id, or -1 although
   * `id` is there.
   */
  peek(id: number): number {
    const shared = this.shared;
    let slot = this.buckets[bucketOf(id, shared[SPREAD], shared[SIZE], shared[MASK])];
    // A chain that changes may lead anywhere.
    for (let steps = 0; slot !== NIL && this.ids[slot] !== id; steps++) slot = steps === LONGEST_CHAIN ? NIL : this.chain[slot];
    return slot;
  }

  /** The slot of `id`, -1 if `id` is not in the index. */
  find(id: number): number {
    let slot = this.buckets[this.#bucket(id)];
    while (slot !== NIL && this.ids[slot] !== id) slot = this.chain[slot];
    return slot;
  }

  /** Adds `slot`. `ids[slot]` must be `id`, and must not be in the index yet. */
  insert(slot: number, id: number): void {
    const bucket = this.#bucket(id);
    this.chain[slot] = this.buckets[bucket];
    this.buckets[bucket] = slot;
    if (++this.#count > this.#size) this.#grow();
  }

  /** Removes `slot`, which must be in the index with `ids[slot]` still set. */
  remove(slot: number): void {
    const bucket = this.#bucket(this.ids[slot]);
    const first = this.buckets[bucket];
    if (first === slot) this.buckets[bucket] = this.chain[slot];
    else this.#removeBehind(first, slot);
    this.#count--;
  }

  #removeBehind(first: number, slot: number): void {
    let at = first;
    while (at !== NIL && this.chain[at] !== slot) at = this.chain[at];
    assert(at !== NIL, 'order index: remove of a slot that is not here');
    this.chain[at] = this.chain[slot];
  }

  /** Length of the longest chain. Walks the whole table. */
  longestChain(): number {
    let longest = 0;
    for (let slot of this.buckets) {
      let length = 0;
      for (; slot !== NIL; slot = this.chain[slot]) length++;
      if (length > longest) longest = length;
    }
    return longest;
  }

  /** Splits the next chain: orders whose hash has the new bit set move to the new bucket. */
  #grow(): void {
    if (this.#size === this.buckets.length) return;
    const added = this.#size++;
    if (added > this.#mask) this.#mask = this.#mask * 2 + 1;
    this.#share();
    const source = added & (this.#mask >>> 1);
    let slot = this.buckets[source];
    this.buckets[source] = NIL;
    while (slot !== NIL) {
      const next = this.chain[slot];
      const bucket = this.#bucket(this.ids[slot]);
      this.chain[slot] = this.buckets[bucket];
      this.buckets[bucket] = slot;
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

/** As the private method of {@link OrderIndex}, which V8 inlines with the fields of its object. */
function bucketOf(id: number, spread: number, size: number, mask: number): number {
  const low = id | 0;
  const block = Math.imul((low >>> BLOCK_BITS) ^ Math.imul(id * TWO_M32, GOLDEN), spread);
  const bucket = (((block ^ (block >>> 16)) << BLOCK_BITS) | ((low + (block >>> 28)) & BLOCK_MASK)) & mask;
  return bucket < size ? bucket : bucket & (mask >>> 1);
}

function drawSpread(): number {
  return crypto.getRandomValues(new Int32Array(1))[0] | 1;
}
