import { type Allocate, allocateLocal } from '../allocate.ts';
import { assert } from '../assert.ts';
import type { Money, PriceTicks, QtyLots } from '../units.ts';
import { OrderIndex } from './order-index.ts';

const NIL = -1;

/**
 * An order, 64 bytes: all that a command touches of it lies in one or two
 * cache lines. (A column per field took a cache miss per field as soon as the
 * columns outgrew the cache; docs/PERFORMANCE.md has the figures.)
 *
 *   byte 0       8      16       24              32     40     44     48      52        56                     60
 *   ┌───────┬──────┬────────┬───────────────┬──────┬──────┬──────┬───────┬─────────┬──────────────────────┬─────┐
 *   │ price │ open │ filled │ clientOrderId │ held │ next │ prev │ level │ account │ symbol, side, t.i.f. │ tag │
 *   └───────┴──────┴────────┴───────────────┴──────┴──────┴──────┴───────┴─────────┴──────────────────────┴─────┘
 */
const ORDER_BYTES = 64;
/** Positions of an order's fields, from its first double at `slot << ORDER_DOUBLES_SHIFT`. For hot functions; see {@link OrderSlab}. */
export const ORDER_DOUBLES_SHIFT = 3;
export const OrderDouble = { price: 0, open: 1, filled: 2, clientOrderId: 3, held: 4 } as const;
/** The same from its first word at `slot << ORDER_WORDS_SHIFT`; `terms` has symbol, side and time in force. */
export const ORDER_WORDS_SHIFT = 4;
export const OrderWord = { next: 10, prev: 11, level: 12, account: 13, terms: 14, tag: 15 } as const;

/**
 * The resting orders of a shard: a record per slot, -1 for no slot. One slab
 * serves all books of the shard, so that a busy book may use what a quiet one
 * does not. Freed slots are taken again last in, first out, while their cache
 * lines are warm.
 *
 * The owner sets the fields after `acquire` and counts `filled`; a book owns
 * `next`, `prev`, `level`, and while an order rests in it `open`; the risk
 * model owns `held`. One thread owns the slab.
 *
 * The accessors are for the code that is not hot. V8 inlines at most 920
 * bytecodes into a function, and each call of an accessor takes 20 of them: a
 * hot function that asks for five fields of an order through them leaves no
 * room for what it calls. It works out where the record starts once, and reads
 * `doubles` and `words` itself ({@link OrderDouble}, {@link OrderWord}). The
 * accessors have the positions as literals, because a named constant makes them
 * longer than the 27 bytecodes that are always inlined.
 */
export class OrderSlab {
  readonly capacity: number;
  /** Orders in the slab. */
  count = 0;
  /** Exchange order id, a column of its own: the index reads nothing else. */
  readonly id: Float64Array;
  readonly doubles: Float64Array;
  readonly words: Int32Array;
  readonly #index: OrderIndex;
  #free: number;

  /** @param capacity most orders at a time, 1 to 2^26; all memory is taken here */
  constructor(capacity: number, allocate: Allocate = allocateLocal) {
    assert(Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 26, 'order slab: capacity is 1 to 2^26');
    this.capacity = capacity;
    this.id = new Float64Array(allocate(capacity * 8));
    const records = allocate(capacity * ORDER_BYTES);
    this.doubles = new Float64Array(records);
    this.words = new Int32Array(records);
    this.#index = new OrderIndex(this.id, allocate);
    for (let slot = 0; slot < capacity; slot++) {
      this.setLevel(slot, NIL);
      this.setNext(slot, slot + 1 === capacity ? NIL : slot + 1);
    }
    this.#free = 0;
  }

  /** Takes a slot for `orderId`, which must not be in the slab; -1 when it is full. Fields other than `id` hold old values. */
  acquire(orderId: number): number {
    const slot = this.#free;
    if (slot === NIL) return NIL;
    this.#free = this.next(slot);
    this.id[slot] = orderId;
    this.#index.insert(slot);
    this.count++;
    return slot;
  }

  /** Gives back a slot that rests in no book. */
  release(slot: number): void {
    assert(this.level(slot) === NIL, 'order slab: release of a resting order');
    this.#index.remove(slot);
    this.setNext(slot, this.#free);
    this.#free = slot;
    this.count--;
  }

  /** The slot of `orderId`, -1 when there is none. Any number may be asked for. */
  find(orderId: number): number {
    return this.#index.find(orderId);
  }

  /** Limit price. */
  price(slot: number): PriceTicks {
    return this.doubles[(slot << 3) + 0];
  }

  setPrice(slot: number, ticks: PriceTicks): void {
    this.doubles[(slot << 3) + 0] = ticks;
  }

  /** Still to trade. */
  open(slot: number): QtyLots {
    return this.doubles[(slot << 3) + 1];
  }

  setOpen(slot: number, lots: QtyLots): void {
    this.doubles[(slot << 3) + 1] = lots;
  }

  /** Traded. */
  filled(slot: number): QtyLots {
    return this.doubles[(slot << 3) + 2];
  }

  setFilled(slot: number, lots: QtyLots): void {
    this.doubles[(slot << 3) + 2] = lots;
  }

  clientOrderId(slot: number): number {
    return this.doubles[(slot << 3) + 3];
  }

  setClientOrderId(slot: number, id: number): void {
    this.doubles[(slot << 3) + 3] = id;
  }

  /** What the order holds back, in the smallest unit of the asset that it pays with. */
  held(slot: number): Money {
    return this.doubles[(slot << 3) + 4];
  }

  setHeld(slot: number, amount: Money): void {
    this.doubles[(slot << 3) + 4] = amount;
  }

  account(slot: number): number {
    return this.words[(slot << 4) + 13] >>> 0;
  }

  tag(slot: number): number {
    return this.words[(slot << 4) + 15] >>> 0;
  }

  setTag(slot: number, tag: number): void {
    this.words[(slot << 4) + 15] = tag;
  }

  symbol(slot: number): number {
    return this.words[(slot << 4) + 14] & 0xffff;
  }

  side(slot: number): number {
    return (this.words[(slot << 4) + 14] >>> 16) & 0xff;
  }

  timeInForce(slot: number): number {
    return this.words[(slot << 4) + 14] >>> 24;
  }

  /** Whose order it is, and what does not change while it lives. @param symbol below 2^16 */
  setTerms(slot: number, account: number, symbol: number, side: number, timeInForce: number): void {
    this.words[(slot << 4) + 13] = account;
    this.words[(slot << 4) + 14] = symbol | (side << 16) | (timeInForce << 24);
  }

  /** The order behind it in the queue of its level. A free slot: the next free one. */
  next(slot: number): number {
    return this.words[(slot << 4) + 10];
  }

  setNext(slot: number, other: number): void {
    this.words[(slot << 4) + 10] = other;
  }

  /** The order before it in the queue of its level. */
  prev(slot: number): number {
    return this.words[(slot << 4) + 11];
  }

  setPrev(slot: number, other: number): void {
    this.words[(slot << 4) + 11] = other;
  }

  /** The level the order is queued at, an index into the books' shared level pages; -1 when it rests nowhere. */
  level(slot: number): number {
    return this.words[(slot << 4) + 12];
  }

  setLevel(slot: number, level: number): void {
    this.words[(slot << 4) + 12] = level;
  }

  /** Longest chain of the id index: 1 or 2 unless ids were chosen to collide. Walks everything. */
  longestChain(): number {
    return this.#index.longestChain();
  }
}
