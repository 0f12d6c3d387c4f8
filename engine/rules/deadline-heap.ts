import type { TimeUs } from '../units.ts';

/**
 * Slots with a deadline: a binary heap by deadline, then id, such as the orders that
 * expire. Adding and removing one takes a number of steps that grows with the
 * logarithm of their number. The columns have one entry per slot, but the system gives them
 * memory only where they are used: 16 bytes per slot with a deadline. Owned by the engine thread.
 */
export class DeadlineHeap {
  /** Slots with a deadline. */
  count = 0;
  /** By slot, of orders in the heap. */
  readonly #time: Float64Array;
  readonly #earliest: Float64Array;
  readonly #place: Int32Array;
  readonly #heap: Int32Array;
  readonly #id: Float64Array;

  /** @param ids id of each slot, which decides between equal deadlines @param times column of the deadlines; other threads may read it @param earliest where `earliestUs` is */
  constructor(ids: Float64Array, times: Float64Array, earliest = new Float64Array(1)) {
    this.#earliest = earliest;
    earliest[0] = Number.POSITIVE_INFINITY;
    this.#id = ids;
    this.#time = times;
    this.#place = new Int32Array(ids.length);
    this.#heap = new Int32Array(ids.length);
  }

  /** The earliest deadline in microseconds since the Unix epoch; infinite if there is none. */
  get earliestUs(): TimeUs {
    return this.#earliest[0];
  }

  /** The slot whose deadline is first. Only if `count` is not 0. */
  get first(): number {
    return this.#heap[0];
  }

  /** True if the slot was added. */
  has(slot: number): boolean {
    const at = this.#place[slot];
    return at < this.count && this.#heap[at] === slot;
  }

  /** Deadline of a slot; infinite if it was not added. */
  timeOf(slot: number): TimeUs {
    return this.has(slot) ? this.#time[slot] : Number.POSITIVE_INFINITY;
  }

  /** Adds a slot, whose deadline is in its column. */
  add(slot: number): void {
    this.#rise(this.count++, slot);
    this.#earliest[0] = this.#time[this.#heap[0]];
  }

  /** Removes a slot, if it was added. */
  remove(slot: number): void {
    if (!this.has(slot)) return;
    const at = this.#place[slot];
    const last = this.#heap[--this.count];
    if (last !== slot) {
      if (at > 0 && this.#before(last, this.#heap[(at - 1) >> 1])) this.#rise(at, last);
      else this.#sink(at, last);
    }
    this.#earliest[0] = this.count === 0 ? Number.POSITIVE_INFINITY : this.#time[this.#heap[0]];
  }

  /** Puts `slot` at `at`, or nearer to the first place. */
  #rise(at: number, slot: number): void {
    const heap = this.#heap;
    let to = at;
    while (to > 0) {
      const above = (to - 1) >> 1;
      const other = heap[above];
      if (!this.#before(slot, other)) break;
      heap[to] = other;
      this.#place[other] = to;
      to = above;
    }
    heap[to] = slot;
    this.#place[slot] = to;
  }

  /** Puts `slot` at `at`, or further from the first place. */
  #sink(at: number, slot: number): void {
    const { count } = this;
    const heap = this.#heap;
    let to = at;
    for (;;) {
      let below = 2 * to + 1;
      if (below >= count) break;
      if (below + 1 < count && this.#before(heap[below + 1], heap[below])) below++;
      const other = heap[below];
      if (!this.#before(other, slot)) break;
      heap[to] = other;
      this.#place[other] = to;
      to = below;
    }
    heap[to] = slot;
    this.#place[slot] = to;
  }

  #before(one: number, other: number): boolean {
    const difference = this.#time[one] - this.#time[other];
    return difference < 0 || (difference === 0 && this.#id[one] < this.#id[other]);
  }
}
