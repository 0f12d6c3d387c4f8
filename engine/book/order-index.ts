import { type Allocate, allocateLocal } from '../allocate.ts';
import { assert, fail } from '../assert.ts';

const NIL = -1;
const { imul } = Math;
const TWO_32 = 2 ** 32;
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
  /** By slot, the next slot of its chain; behind them, the first slot of each bucket. One array, so that a chain is changed in one way from its first link to its last one. */
  private declare readonly links: Int32Array;
  /** Position of the first bucket in `links`. */
  private readonly first: number = 0;
  /** Position of the bucket of the last `find`. Only a bucket: the link of a slot that left is no longer kept. */
  private last = 0;
  private readonly spread: number = 0;
  /** Buckets in use. */
  private size = 0;
  /** Lowest 2^k - 1 that is not below `size` - 1. */
  private mask = 0;
  /** The owner's multiplier, `size` and `mask`. */
  private declare readonly shared: Int32Array;

  /**
   * @param ids the id column: `ids[slot]` is read, never written, while `slot` is in the index
   * @param spread the multiplier; odd
   */
  constructor(ids: Float64Array, allocate: Allocate = allocateLocal, spread = drawSpread()) {
    assert(ids.length >= 1 && ids.length <= 2 ** 27, 'order index: 1 to 2^27 slots');
    const bits = Math.max(BLOCK_BITS, 32 - Math.clz32(ids.length - 1));
    this.ids = ids;
    // Buckets begin at a whole cache line.
    this.first = (ids.length + BLOCK_MASK) & ~BLOCK_MASK;
    this.links = new Int32Array(allocate((this.first + (1 << bits)) * 4));
    this.links.fill(NIL, this.first);
    this.last = this.first;
    this.spread = spread;
    this.size = 1 << Math.max(BLOCK_BITS, bits - 4);
    this.mask = this.size - 1;
    this.shared = new Int32Array(allocate(12));
    this.share();
  }

  private share(): void {
    this.shared[SPREAD] = this.spread;
    this.shared[SIZE] = this.size;
    this.shared[MASK] = this.mask;
  }

  /**
   * {@link find} for a thread that does not own the index. The owner may change it meanwhile: then the slot may be that of another id, or -1 although
   * `id` is there.
   */
  peek(id: number): number {
    const { shared, links } = this;
    let slot = links[this.first + bucketOf(id, shared[SPREAD], shared[SIZE], shared[MASK])];
    // A chain that changes may lead anywhere.
    for (let steps = 0; slot !== NIL && this.ids[slot] !== id; steps++) slot = steps === LONGEST_CHAIN ? NIL : links[slot];
    return slot;
  }

  /** The slot of `id`, -1 if `id` is not in the index. */
  find(id: number): number {
    const { links, ids } = this;
    const at = this.position(id);
    this.last = at;
    let slot = links[at];
    while (slot !== NIL && ids[slot] !== id) slot = links[slot];
    return slot;
  }

  /** Adds `slot`. `ids[slot]` must be `id`, and must not be in the index yet. */
  insert(slot: number, id: number): void {
    const { links } = this;
    const at = this.position(id);
    links[slot] = links[at];
    links[at] = slot;
    // Freed slots are reused first, so the highest slot is the highest number of orders so far.
    if (slot >= this.size) this.grow();
  }

  /** Removes `slot`, which must be in the index with `ids[slot]` still set. */
  remove(slot: number): void {
    const { links } = this;
    // Most orders that leave were looked up just before, and are the first of their bucket.
    let at = this.last;
    if (links[at] !== slot) at = this.before(slot);
    links[at] = links[slot];
  }

  /** Position of the link to `slot`. */
  private before(slot: number): number {
    const { links } = this;
    let at = this.position(this.ids[slot]);
    while (links[at] !== slot) {
      at = links[at];
      if (at === NIL) fail('order index: remove of a slot that is not here');
    }
    return at;
  }

  /** Length of the longest chain. Walks the whole table. */
  longestChain(): number {
    const { links } = this;
    let longest = 0;
    for (let bucket = this.first; bucket < links.length; bucket++) {
      let length = 0;
      for (let slot = links[bucket]; slot !== NIL; slot = links[slot]) length++;
      if (length > longest) longest = length;
    }
    return longest;
  }

  /** Splits the next chain: orders whose hash has the new bit set move to the new bucket. */
  private grow(): void {
    const { links, first } = this;
    if (first + this.size === links.length) return;
    const added = this.size++;
    if (added > this.mask) this.mask = this.mask * 2 + 1;
    this.share();
    const source = first + (added & (this.mask >>> 1));
    let slot = links[source];
    links[source] = NIL;
    while (slot !== NIL) {
      const next = links[slot];
      const at = this.position(this.ids[slot]);
      links[slot] = links[at];
      links[at] = slot;
      slot = next;
    }
  }

  /** Position of the bucket of `id` in `links`. */
  private position(id: number): number {
    const low = id | 0;
    let block = low >>> BLOCK_BITS;
    if (id >= TWO_32) block ^= highBits(id);
    block = imul(block, this.spread);
    const bucket = (((block ^ (block >>> 16)) << BLOCK_BITS) | ((low + (block >>> 28)) & BLOCK_MASK)) & this.mask;
    return this.first + (bucket < this.size ? bucket : bucket & (this.mask >>> 1));
  }
}

/** As the private method of {@link OrderIndex}, which V8 inlines with the fields of its object. */
function bucketOf(id: number, spread: number, size: number, mask: number): number {
  const low = id | 0;
  const block = imul((low >>> BLOCK_BITS) ^ (id >= TWO_32 ? highBits(id) : 0), spread);
  const bucket = (((block ^ (block >>> 16)) << BLOCK_BITS) | ((low + (block >>> 28)) & BLOCK_MASK)) & mask;
  return bucket < size ? bucket : bucket & (mask >>> 1);
}

/** What ids from 2^32 up add to their block. */
function highBits(id: number): number {
  return imul(id / TWO_32, GOLDEN);
}

function drawSpread(): number {
  return crypto.getRandomValues(new Int32Array(1))[0] | 1;
}
