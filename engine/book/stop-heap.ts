import { ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, type OrderSlab, OrderWord } from './order-slab.ts';

const NIL = -1;
/** An order at place `n` of a heap has level FIRST_LEVEL - n. */
const FIRST_LEVEL = -2;
const FIRST_CAPACITY = 16;
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { next: STOP_PRICE, level: LEVEL } = OrderWord;
const { filled: PRIORITY } = OrderDouble;

/**
 * The pending stops of one symbol, side and trigger: a binary heap of slots. The
 * first one is the next to trigger: the lowest stop price of buys, the highest of
 * sells, then the lowest priority number. A stop takes 4 to 8 bytes here beside its record. One thread owns it.
 */
export class StopHeap {
  count = 0;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  /** 1 for buys, -1 for sells. */
  readonly #sign: number;
  #heap = new Int32Array(FIRST_CAPACITY);

  /** @param side 0 = buy, 1 = sell */
  constructor(slab: OrderSlab, side: number) {
    this.#words = slab.words;
    this.#doubles = slab.doubles;
    this.#sign = side === 0 ? 1 : -1;
  }

  /** Slot of the next stop to trigger; -1 = none. */
  get first(): number {
    return this.count === 0 ? NIL : this.#heap[0];
  }

  /** The stop price of the order in `slot`, negative for a sell: stops trigger from the lowest key on. */
  keyOf(slot: number): number {
    return this.#sign * this.#words[(slot << TO_WORDS) + STOP_PRICE];
  }

  /** The order in `slot` must have its stop price and its priority number, and not rest. */
  add(slot: number): void {
    if (this.count === this.#heap.length) {
      const larger = new Int32Array(2 * this.count);
      larger.set(this.#heap);
      this.#heap = larger;
    }
    this.#rise(this.count++, slot);
  }

  /** Removes an order that was added. It no longer has a level then. */
  remove(slot: number): void {
    const at = FIRST_LEVEL - this.#words[(slot << TO_WORDS) + LEVEL];
    this.#words[(slot << TO_WORDS) + LEVEL] = NIL;
    const last = this.#heap[--this.count];
    if (last === slot) return;
    if (at > 0 && this.before(last, this.#heap[(at - 1) >> 1])) this.#rise(at, last);
    else this.#sink(at, last);
  }

  /** Whether the stop in slot `one` triggers before the one in `other`. */
  before(one: number, other: number): boolean {
    const difference = this.keyOf(one) - this.keyOf(other);
    if (difference !== 0) return difference < 0;
    return this.#doubles[(one << TO_DOUBLES) + PRIORITY] < this.#doubles[(other << TO_DOUBLES) + PRIORITY];
  }

  /** Slots in no particular order. Cold. */
  slots(): Int32Array {
    return this.#heap.subarray(0, this.count);
  }

  /** Puts `slot` at `at`, or nearer to the first place. */
  #rise(at: number, slot: number): void {
    let to = at;
    while (to > 0) {
      const above = (to - 1) >> 1;
      const other = this.#heap[above];
      if (!this.before(slot, other)) break;
      this.#put(to, other);
      to = above;
    }
    this.#put(to, slot);
  }

  /** Puts `slot` at `at`, or further from the first place. */
  #sink(at: number, slot: number): void {
    const heap = this.#heap;
    let to = at;
    for (;;) {
      let below = 2 * to + 1;
      if (below >= this.count) break;
      if (below + 1 < this.count && this.before(heap[below + 1], heap[below])) below++;
      if (!this.before(heap[below], slot)) break;
      this.#put(to, heap[below]);
      to = below;
    }
    this.#put(to, slot);
  }

  #put(at: number, slot: number): void {
    this.#heap[at] = slot;
    this.#words[(slot << TO_WORDS) + LEVEL] = FIRST_LEVEL - at;
  }
}
