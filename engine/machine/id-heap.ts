/**
 * Order ids, lowest first: a binary heap. It is built in linear time, and `shift` takes logarithmic time, so that no
 * single command sorts all orders of an account. It owns its memory.
 */
export class IdHeap {
  readonly #ids: Float64Array;
  #count: number;

  /** @param ids in any order; the heap takes the array over */
  constructor(ids: Float64Array) {
    this.#ids = ids;
    this.#count = ids.length;
    for (let at = (this.#count >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** The lowest id, 0 when there is none. */
  get first(): number {
    return this.#count === 0 ? 0 : this.#ids[0];
  }

  /** Removes the lowest id. */
  shift(): void {
    this.#ids[0] = this.#ids[--this.#count];
    this.#sink(0);
  }

  #sink(from: number): void {
    const ids = this.#ids;
    const count = this.#count;
    const id = ids[from];
    let at = from;
    for (let child = 2 * at + 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && ids[child + 1] < ids[child]) child++;
      if (ids[child] >= id) break;
      ids[at] = ids[child];
      at = child;
    }
    ids[at] = id;
  }
}
