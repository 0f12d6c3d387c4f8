import { assert } from '../assert.ts';
import { ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, type OrderSlab, OrderWord } from './order-slab.ts';

const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { prev: OFFSET } = OrderWord;
const { filled: PRIORITY } = OrderDouble;
const NIL = -1;

/**
 * Heaps of trailing stops by offset, then priority number: leftist trees over the
 * slots of the slab, so that two become one, and any order leaves one, in O(log n). The root of a heap
 * names it. Nodes are slots + 1, 0 = none. Takes 13 bytes per slot, from the first trailing stop on. One thread owns it.
 */
export class OffsetHeap {
  readonly #slab: OrderSlab;
  #left = new Int32Array(0);
  #right = new Int32Array(0);
  #up = new Int32Array(0);
  /** Length of the shortest way down to a missing child. */
  #rank = new Uint8Array(0);

  constructor(slab: OrderSlab) {
    this.#slab = slab;
  }

  /** Makes the order in `slot` a heap. It must have its offset and priority number. */
  single(slot: number): void {
    if (this.#rank.length === 0) {
      const nodes = this.#slab.capacity + 1;
      this.#left = new Int32Array(nodes);
      this.#right = new Int32Array(nodes);
      this.#up = new Int32Array(nodes);
      this.#rank = new Uint8Array(nodes);
    }
    const node = slot + 1;
    this.#left[node] = 0;
    this.#right[node] = 0;
    this.#up[node] = 0;
    this.#rank[node] = 1;
  }

  /** Makes two heaps one. Returns its root. @param one @param other roots; -1 = an empty heap */
  meld(one: number, other: number): number {
    return this.#meld(one + 1, other + 1) - 1;
  }

  /** Takes the order in `slot` out of its heap. Returns the new root if it was the root; -1 if nothing is left, or it was not the root. */
  remove(slot: number): number {
    const left = this.#left;
    const right = this.#right;
    const up = this.#up;
    const node = slot + 1;
    const below = this.#meld(left[node], right[node]);
    const above = up[node];
    if (below !== 0) up[below] = above;
    if (above === 0) return below - 1;
    if (left[above] === node) left[above] = below;
    else right[above] = below;
    for (let at = above; at !== 0 && this.#rerank(at); ) at = up[at];
    return NIL;
  }

  /** Slots of a heap, in no particular order. Cold. @throws InvariantError if the heap is not in order */
  slots(root: number): number[] {
    const found: number[] = [];
    const open = root === NIL ? [] : [root + 1];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      found.push(node - 1);
      const rank = this.#rank;
      const [left, right] = [this.#left[node], this.#right[node]];
      assert(rank[left] >= rank[right] && rank[node] === rank[right] + 1, 'a heap of offsets is leftist');
      for (const child of [left, right]) {
        if (child === 0) continue;
        assert(this.#up[child] === node && this.#before(node, child), 'a heap of offsets is in order');
        open.push(child);
      }
    }
    return found;
  }

  #meld(a: number, b: number): number {
    if (a === 0 || b === 0) return a | b;
    const top = this.#before(b, a) ? b : a;
    const right = this.#meld(this.#right[top], top === a ? b : a);
    this.#right[top] = right;
    this.#up[right] = top;
    this.#rerank(top);
    return top;
  }

  /** Puts the shorter child right. Returns whether the rank of the node changed. */
  #rerank(node: number): boolean {
    const left = this.#left;
    const right = this.#right;
    const rank = this.#rank;
    if (rank[left[node]] < rank[right[node]]) {
      const child = left[node];
      left[node] = right[node];
      right[node] = child;
    }
    const before = rank[node];
    rank[node] = rank[right[node]] + 1;
    return rank[node] !== before;
  }

  #before(a: number, b: number): boolean {
    const { words, doubles } = this.#slab;
    // Both are in ticks, or both in parts per million, which are below 0.
    const difference = Math.abs(words[((a - 1) << TO_WORDS) + OFFSET]) - Math.abs(words[((b - 1) << TO_WORDS) + OFFSET]);
    if (difference !== 0) return difference < 0;
    return doubles[((a - 1) << TO_DOUBLES) + PRIORITY] < doubles[((b - 1) << TO_DOUBLES) + PRIORITY];
  }
}
