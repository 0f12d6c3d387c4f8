import { type Allocate, allocateLocal } from '../allocate.ts';
import { HIDDEN, ICEBERG, LINKED, ORDER_WORDS_SHIFT, type OrderSlab, OrderWord } from '../book/order-slab.ts';
import type { Money } from '../units.ts';
import { expires } from '../wire/order-kinds.ts';
import { HAS_MORE } from './fee-schedules.ts';

const NIL = -1;
const { terms: TERMS } = OrderWord;
/** In the word of an order's terms. */
export const LINKED_BIT = LINKED << 16;

/**
 * The partners of open orders, by slot. The columns have the slab's capacity, but
 * the system gives them memory only where they are used: 13 bytes per linked
 * order. Written by the engine thread only; the I/O thread may read partners and kinds.
 */
export class OrderLinks {
  /** Pairs. */
  count = 0;
  readonly #slab: OrderSlab;
  /** Slot of the partner + 1; 0 = none. */
  readonly #partner: Int32Array;
  readonly #kind: Uint8Array;
  readonly #unit: Float64Array;

  constructor(slab: OrderSlab, allocate: Allocate = allocateLocal) {
    this.#slab = slab;
    this.#partner = new Int32Array(allocate(slab.capacity * 4));
    this.#kind = new Uint8Array(allocate(slab.capacity));
    this.#unit = new Float64Array(slab.capacity);
  }

  /** Links two open orders. @param kind a LinkKind */
  add(one: number, other: number, kind: number): void {
    this.count++;
    this.#set(one, other, kind);
    this.#set(other, one, kind);
  }

  /** The order in `slot` and its partner are linked no more. */
  remove(slot: number): void {
    this.count--;
    this.#clear(this.partnerOf(slot));
    this.#clear(slot);
  }

  /** Slot of the partner of an open order; -1 = it has none. */
  partnerOf(slot: number): number {
    return this.#partner[slot] - 1;
  }

  /** The LinkKind of a linked order. */
  kindOf(slot: number): number {
    return this.#kind[slot];
  }

  /** Of a linked order that is a stop: the notional of a lot at the price that it holds back. */
  unitOf(slot: number): Money {
    return this.#unit[slot];
  }

  setUnit(slot: number, unit: Money): void {
    this.#unit[slot] = unit;
  }

  /** Slots of the linked orders with the lower id of each pair, by id. Walks the slab; cold. */
  inOrder(): number[] {
    const { id } = this.#slab;
    const slots: number[] = [];
    for (let slot = 0; slots.length < this.count; slot++) {
      const partner = this.partnerOf(slot);
      if (partner !== NIL && id[slot] < id[partner]) slots.push(slot);
    }
    return slots.sort((a, b) => id[a] - id[b]);
  }

  #set(slot: number, partner: number, kind: number): void {
    const slab = this.#slab;
    this.#partner[slot] = partner + 1;
    this.#kind[slot] = kind;
    slab.words[(slot << ORDER_WORDS_SHIFT) + TERMS] |= LINKED_BIT;
    slab.setFees(slot, slab.fees(slot) | HAS_MORE);
  }

  #clear(slot: number): void {
    const slab = this.#slab;
    this.#partner[slot] = 0;
    const at = (slot << ORDER_WORDS_SHIFT) + TERMS;
    slab.words[at] &= ~LINKED_BIT;
    const hasMore = (slab.words[at] & (ICEBERG | HIDDEN)) !== 0 || slab.session[slot] !== 0 || expires(slab.timeInForce(slot));
    if (!hasMore) slab.setFees(slot, slab.fees(slot) & ~HAS_MORE);
  }
}
