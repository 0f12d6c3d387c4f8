/** Nodes that the walk may look at besides those it returns, before its memory grows. */
const FIRST_NODES = 128;

/**
 * Walks a binary heap from its best node on, without changing the heap: the next best node is a child of one that was taken, so a small
 * heap of candidates has it. Taking n nodes looks at 2n + 1 of them at most. One walk at a time.
 */
export class BestFirst {
  /** Positions in the walked heap; a heap by key. */
  #nodes = new Int32Array(FIRST_NODES);
  #keys = new Float64Array(FIRST_NODES);
  #count = 0;

  /** Begins a walk; the caller adds the root. */
  begin(): void {
    this.#count = 0;
  }

  /** @param key of the node; less is better */
  add(node: number, key: number): void {
    if (this.#count === this.#nodes.length) this.#grow();
    const nodes = this.#nodes;
    const keys = this.#keys;
    let at = this.#count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      keys[at] = keys[parent];
      nodes[at] = nodes[parent];
      at = parent;
    }
    keys[at] = key;
    nodes[at] = node;
  }

  /** The best candidate, which is removed; -1: there is none. */
  take(): number {
    if (this.#count === 0) return -1;
    const nodes = this.#nodes;
    const keys = this.#keys;
    const best = nodes[0];
    const count = --this.#count;
    const key = keys[count];
    const node = nodes[count];
    let at = 0;
    for (let child = 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && keys[child + 1] < keys[child]) child++;
      if (keys[child] >= key) break;
      keys[at] = keys[child];
      nodes[at] = nodes[child];
      at = child;
    }
    keys[at] = key;
    nodes[at] = node;
    return best;
  }

  #grow(): void {
    const nodes = new Int32Array(2 * this.#nodes.length);
    const keys = new Float64Array(2 * this.#keys.length);
    nodes.set(this.#nodes);
    keys.set(this.#keys);
    this.#nodes = nodes;
    this.#keys = keys;
  }
}
