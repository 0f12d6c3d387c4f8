import { type Allocate, allocateLocal } from '../allocate.ts';
import { HIDDEN, ICEBERG, LINKED, ORDER_WORDS_SHIFT, type OrderSlab, OrderWord, WAITS_FOR_PARENT } from '../book/order-slab.ts';
import type { Money, QtyLots } from '../units.ts';
import { expires, isAuctionOnly } from '../wire/order-kinds.ts';
import { HAS_MORE } from './fee-schedules.ts';

const NIL = -1;
const { terms: TERMS } = OrderWord;
/** Of a child. */
const ASKS = 2;
/** In the word of an order's terms. */
export const LINKED_BIT = LINKED << 16;

/**
 * Links between open orders, by slot: partners, of which a fill or the end of one concerns the other; and parents with
 * their children, which become live with the fills of the parent. The children of a bracket are siblings, and partners while both are live.
 * The columns have the slab's capacity, but the system gives them memory only where they are used: some 60 bytes per linked
 * order. Written by the engine thread only; the I/O thread may read all but the units.
 */
export class OrderLinks {
  /** Pairs of partners. */
  count = 0;
  /** Orders that have a parent, or lots that are due. */
  children = 0;
  /** Orders with lots that are due: all, and by symbol. */
  due = 0;
  readonly dueIn: Int32Array;
  readonly #slab: OrderSlab;
  /** Slot of the partner + 1; 0 = none. The others are alike. */
  readonly #partner: Int32Array;
  readonly #parent: Int32Array;
  readonly #child: Int32Array;
  readonly #sibling: Int32Array;
  readonly #kind: Uint8Array;
  readonly #due: Float64Array;
  readonly #isChild: Uint8Array;
  /** Of a parent: lots that its children got of its fills, and those that they can get in all. */
  readonly #passed: Float64Array;
  readonly #size: Float64Array;
  readonly #unit: Float64Array;

  /** @param symbols ids of symbols are below it */
  constructor(slab: OrderSlab, symbols: number, allocate: Allocate = allocateLocal) {
    this.#slab = slab;
    this.dueIn = new Int32Array(symbols);
    this.#partner = new Int32Array(allocate(slab.capacity * 4));
    this.#parent = new Int32Array(allocate(slab.capacity * 4));
    this.#child = new Int32Array(allocate(slab.capacity * 4));
    this.#sibling = new Int32Array(allocate(slab.capacity * 4));
    this.#kind = new Uint8Array(allocate(slab.capacity));
    this.#due = new Float64Array(allocate(slab.capacity * 8));
    this.#unit = new Float64Array(slab.capacity);
    this.#isChild = new Uint8Array(slab.capacity);
    this.#passed = new Float64Array(slab.capacity);
    this.#size = new Float64Array(slab.capacity);
  }

  /** Links two open orders. @param kind a LinkKind */
  add(one: number, other: number, kind: number): void {
    this.count++;
    this.#partner[one] = other + 1;
    this.#partner[other] = one + 1;
    this.#kind[one] = kind;
    this.#kind[other] = kind;
    this.#mark(one);
    this.#mark(other);
  }

  /** The order in `slot` and its partner are linked no more. */
  remove(slot: number): void {
    const partner = this.partnerOf(slot);
    this.count--;
    this.#partner[partner] = 0;
    this.#partner[slot] = 0;
    this.#unmark(partner);
    this.#unmark(slot);
  }

  /** Slot of the partner of an open order; -1 = it has none. */
  partnerOf(slot: number): number {
    return this.#partner[slot] - 1;
  }

  /** The LinkKind of an order with a partner. */
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

  /** The order in `slot` is a child. @param parent slot, -1 = it is not open @param sibling slot of a child that was added, -1 = none */
  addChild(slot: number, parent: number, sibling: number): void {
    this.children++;
    this.#isChild[slot] |= 1;
    this.#parent[slot] = parent + 1;
    this.#sibling[slot] = sibling + 1;
    this.#due[slot] = 0;
    if (sibling !== NIL) this.#sibling[sibling] = slot + 1;
    this.#mark(slot);
    if (parent === NIL) return;
    if (this.#child[parent] === 0) this.#child[parent] = slot + 1;
    this.#mark(parent);
  }

  /** The order in `slot`, a child, is none any more. Its parent has none then, or only the sibling. */
  removeChild(slot: number): void {
    const [parent, sibling] = [this.parentOf(slot), this.siblingOf(slot)];
    this.children--;
    this.#isChild[slot] = 0;
    this.#parent[slot] = 0;
    this.#sibling[slot] = 0;
    this.setDue(slot, 0);
    this.#unmark(slot);
    if (sibling !== NIL) this.#sibling[sibling] = 0;
    if (parent === NIL) return;
    this.#child[parent] = sibling + 1;
    this.#unmark(parent);
  }

  /** The child in `slot` has no parent any more, but perhaps lots that are due. */
  leaveParent(slot: number): void {
    const parent = this.parentOf(slot);
    this.#parent[slot] = 0;
    this.#child[parent] = 0;
    this.#unmark(parent);
  }

  /** Slot of the parent of an open order; -1 = it has none, or that is no longer open. */
  parentOf(slot: number): number {
    return this.#parent[slot] - 1;
  }

  /** Slot of the first child of an open order; -1 = it has none. */
  childOf(slot: number): number {
    return this.#child[slot] - 1;
  }

  /** Slot of the other child; -1 = there is none. */
  siblingOf(slot: number): number {
    return this.#sibling[slot] - 1;
  }

  /** Lots of a child that its parent has filled, and that are not live yet. */
  dueOf(slot: number): QtyLots {
    return this.#due[slot];
  }

  setDue(slot: number, lots: QtyLots): void {
    const more = Number(lots !== 0) - Number(this.#due[slot] !== 0);
    this.due += more;
    this.dueIn[this.#slab.symbol(slot)] += more;
    this.#due[slot] = lots;
  }

  isChild(slot: number): boolean {
    return this.#isChild[slot] !== 0;
  }

  /** The child in `slot`, a trailing stop, asks for reports whenever it is live. */
  setReports(slot: number): void {
    this.#isChild[slot] |= ASKS;
  }

  asksForReports(slot: number): boolean {
    return (this.#isChild[slot] & ASKS) !== 0;
  }

  /** Of a parent: lots of its fills that its children got. */
  passedOf(slot: number): QtyLots {
    return this.#passed[slot];
  }

  setPassed(slot: number, lots: QtyLots): void {
    this.#passed[slot] = lots;
  }

  /** Of a parent: lots that its children can get in all. */
  sizeOf(slot: number): QtyLots {
    return this.#size[slot];
  }

  setSize(slot: number, lots: QtyLots): void {
    this.#size[slot] = lots;
  }

  /** Whether more lots of the order may become live. */
  comes(slot: number): boolean {
    return this.#parent[slot] !== 0 || this.#due[slot] !== 0;
  }

  /** Lots that may become live: those that are due, and those that its parent has open. */
  later(slot: number): QtyLots {
    const parent = this.parentOf(slot);
    return this.#due[slot] + (parent === NIL ? 0 : this.#slab.total(parent));
  }

  isWaiting(slot: number): boolean {
    return this.#slab.level(slot) === WAITS_FOR_PARENT;
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

  /** Slots of the children, by id. Walks the slab; cold. */
  childrenInOrder(): number[] {
    const { id } = this.#slab;
    const slots: number[] = [];
    for (let slot = 0; slots.length < this.children; slot++) if (this.isChild(slot)) slots.push(slot);
    return slots.sort((a, b) => id[a] - id[b]);
  }

  /** Slots of the children of a symbol that wait and have lots that are due. Walks the slab; cold. */
  dueWaitingIn(symbol: number): number[] {
    const slots: number[] = [];
    for (let slot = 0, left = this.dueIn[symbol]; left > 0 && slot < this.#due.length; slot++) {
      if (this.#due[slot] === 0 || !this.isChild(slot) || this.#slab.symbol(slot) !== symbol) continue;
      left--;
      if (this.isWaiting(slot)) slots.push(slot);
    }
    return slots;
  }

  /** Slots of the children that wait. Cold. */
  waiting(): number[] {
    return this.childrenInOrder().filter((slot) => this.isWaiting(slot));
  }

  #mark(slot: number): void {
    const slab = this.#slab;
    slab.words[(slot << ORDER_WORDS_SHIFT) + TERMS] |= LINKED_BIT;
    slab.setFees(slot, slab.fees(slot) | HAS_MORE);
  }

  /** Clears the marks of an order without a link. */
  #unmark(slot: number): void {
    if (this.#partner[slot] !== 0 || this.#child[slot] !== 0 || this.isChild(slot)) return;
    const slab = this.#slab;
    const at = (slot << ORDER_WORDS_SHIFT) + TERMS;
    slab.words[at] &= ~LINKED_BIT;
    const time = slab.timeInForce(slot);
    const isMore = (slab.words[at] & (ICEBERG | HIDDEN)) !== 0 || slab.session[slot] !== 0;
    if (!isMore && !expires(time) && !isAuctionOnly(time)) slab.setFees(slot, slab.fees(slot) & ~HAS_MORE);
  }
}
