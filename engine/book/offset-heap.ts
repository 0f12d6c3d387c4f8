import { assert } from '../assert.ts';
import { ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, type OrderSlab, OrderWord } from './order-slab.ts';

const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { prev: OFFSET, next: UP } = OrderWord;
/** In the word of the right child: the node in the lower bits, above them the rank of its parent. */
const RANK_SHIFT = 26;
const NODE_MASK = (1 << RANK_SHIFT) - 1;
const { filled: PRIORITY } = OrderDouble;
const NIL = -1;

/**
 * Heaps of trailing stops by offset, then priority number: leftist trees over the
 * slots of the slab, so that two become one, and any order leaves one, in O(log n). The root of a heap
 * names it. Nodes are slots + 1, 0 = none. The `next` of an order that is no root is the node above it, that of a root is
 * its owner's. Takes 8 bytes per slot, from the first trailing stop on. One thread owns it.
 */
export class OffsetHeap {
  readonly #slab: OrderSlab;
  #left = new Int32Array(0);
  /** With the rank of the node itself: the length of the shortest way down to a missing child. */
  #right = new Int32Array(0);

  constructor(slab: OrderSlab) {
    this.#slab = slab;
  }

  /** Makes the order in `slot` a heap. It must have its offset and priority number. */
  single(slot: number): void {
    if (this.#left.length === 0) {
      const nodes = this.#slab.capacity + 1;
      this.#left = new Int32Array(nodes);
      this.#right = new Int32Array(nodes);
    }
    const node = slot + 1;
    this.#left[node] = 0;
    this.#right[node] = 1 << RANK_SHIFT;
  }

  /** Makes two heaps one. Returns its root. @param one @param other roots; -1 = an empty heap */
  meld(one: number, other: number): number {
    return this.#meld(one + 1, other + 1) - 1;
  }

  /** Takes the root in `slot` out of its heap. Returns the new root; -1 if nothing is left. */
  removeRoot(slot: number): number {
    const node = slot + 1;
    return this.#meld(this.#left[node], this.#right[node] & NODE_MASK) - 1;
  }

  /** Takes the order in `slot` out of the heap of another root. */
  remove(slot: number, root: number): void {
    const left = this.#left;
    const right = this.#right;
    const node = slot + 1;
    const below = this.#meld(left[node], right[node] & NODE_MASK);
    const above = this.#above(node);
    if (below !== 0) this.#setAbove(below, above);
    if (left[above] === node) left[above] = below;
    else right[above] = (right[above] & ~NODE_MASK) | below;
    for (let at = above; this.#rerank(at) && at !== root + 1; ) at = this.#above(at);
  }

  /** Slots of a heap, in no particular order. Cold. @throws InvariantError if the heap is not in order */
  slots(root: number): number[] {
    const found: number[] = [];
    const open = root === NIL ? [] : [root + 1];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      found.push(node - 1);
      const rank = (of: number): number => this.#right[of] >> RANK_SHIFT;
      const [left, right] = [this.#left[node], this.#right[node] & NODE_MASK];
      assert(rank(left) >= rank(right) && rank(node) === rank(right) + 1, 'a heap of offsets is leftist');
      for (const child of [left, right]) {
        if (child === 0) continue;
        assert(this.#above(child) === node && this.#before(node, child), 'a heap of offsets is in order');
        open.push(child);
      }
    }
    return found;
  }

  #meld(a: number, b: number): number {
    if (a === 0 || b === 0) return a | b;
    const top = this.#before(b, a) ? b : a;
    const right = this.#meld(this.#right[top] & NODE_MASK, top === a ? b : a);
    this.#right[top] = (this.#right[top] & ~NODE_MASK) | right;
    this.#setAbove(right, top);
    this.#rerank(top);
    return top;
  }

  #above(node: number): number {
    return this.#slab.words[((node - 1) << TO_WORDS) + UP];
  }

  #setAbove(node: number, above: number): void {
    this.#slab.words[((node - 1) << TO_WORDS) + UP] = above;
  }

  /** Puts the shorter child right. Returns whether the rank of the node changed. */
  #rerank(node: number): boolean {
    const left = this.#left;
    const right = this.#right;
    const before = right[node] >> RANK_SHIFT;
    let shorter = right[node] & NODE_MASK;
    if (right[left[node]] >> RANK_SHIFT < right[shorter] >> RANK_SHIFT) {
      const child = left[node];
      left[node] = shorter;
      shorter = child;
    }
    const rank = (right[shorter] >> RANK_SHIFT) + 1;
    right[node] = (rank << RANK_SHIFT) | shorter;
    return rank !== before;
  }

  #before(a: number, b: number): boolean {
    const { words, doubles } = this.#slab;
    // Both are in ticks, or both in parts per million, which are below 0.
    const difference = Math.abs(words[((a - 1) << TO_WORDS) + OFFSET]) - Math.abs(words[((b - 1) << TO_WORDS) + OFFSET]);
    if (difference !== 0) return difference < 0;
    return doubles[((a - 1) << TO_DOUBLES) + PRIORITY] < doubles[((b - 1) << TO_DOUBLES) + PRIORITY];
  }
}
