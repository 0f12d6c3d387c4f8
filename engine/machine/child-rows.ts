import { fail } from '../assert.ts';
import { LINKED } from '../book/order-slab.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { Money, QtyLots } from '../units.ts';
import type { DueChildren } from './due-children.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;
/** In the row of a waiting child, the time in force and the bits beside it are above the byte of the side. */
const LIFETIME = 256;

/** The rows of children: those that wait, their links and lots that are due, and what trailing stops have besides. Owned by the engine thread. */
export class ChildRows implements StatePart {
  readonly kinds = [RowKind.WaitingChild, RowKind.Child, RowKind.TrailingChild];
  readonly #slab: MachineState['slab'];
  readonly #links: MachineState['links'];
  readonly #prices: MachineState['stops']['prices'];
  readonly #resting: RestingOrders;
  readonly #due: DueChildren;
  readonly #addDue: (slot: number, lots: QtyLots) => void;

  /** @param addDue makes lots of a child due */
  constructor(state: MachineState, resting: RestingOrders, due: DueChildren, addDue: (slot: number, lots: QtyLots) => void) {
    this.#slab = state.slab;
    this.#links = state.links;
    this.#prices = state.stops.prices;
    this.#resting = resting;
    this.#due = due;
    this.#addDue = addDue;
  }

  save(out: RowWriter): void {
    const slab = this.#slab;
    const links = this.#links;
    const slots = links.childrenInOrder();
    for (const slot of slots) {
      if (!links.isWaiting(slot)) continue;
      out.row(
        RowKind.WaitingChild,
        slab.id[slot],
        slab.clientOrderId(slot),
        slab.price(slot),
        slab.filled(slot),
        slab.next(slot),
        slab.account(slot),
        slab.symbol(slot),
        (slab.sideBits(slot) & ~LINKED) + slab.lifetime(slot) * LIFETIME,
        slab.tag(slot),
        slab.termsHash[slot],
      );
      this.#resting.saveTerms(out, slot);
    }
    const dueSlots = this.#due.inOrder();
    for (const slot of [...dueSlots, ...slots.filter((each) => links.dueOf(each) === 0)]) {
      const [parent, sibling] = [links.parentOf(slot), links.siblingOf(slot)];
      const ids = [parent, sibling].map((each) => (each === NIL ? 0 : slab.id[each]));
      out.row(RowKind.Child, slab.id[slot], ...ids, links.dueOf(slot), this.#savedUnit(slot));
    }
    for (const slot of slots) {
      const waits = links.isWaiting(slot);
      const asks = links.asksForReports(slot);
      if (this.#prices.isTrailing(slot) && (waits || asks))
        out.row(RowKind.TrailingChild, slab.id[slot], waits ? slab.prev(slot) : 0, Number(asks));
    }
  }

  /** Of a stop, but not of a trailing one before it trails. */
  #savedUnit(slot: number): Money {
    const slab = this.#slab;
    if (this.#prices.isTrailing(slot)) return this.#links.isWaiting(slot) ? 0 : this.#links.unitOf(slot);
    return slab.level(slot) < NIL && slab.next(slot) !== 0 ? this.#links.unitOf(slot) : 0;
  }

  load(r: Float64Array, at: number): void {
    const slab = this.#slab;
    const links = this.#links;
    if (r[at] === RowKind.WaitingChild) {
      const terms = r[at + 8];
      this.#resting.loadChild(r, at, terms % LIFETIME, Math.floor(terms / LIFETIME));
      return;
    }
    const slot = slab.find(r[at + 1]);
    if (r[at] === RowKind.TrailingChild) {
      if (slot === NIL || !links.isChild(slot)) fail(`the snapshot has a trailing stop ${r[at + 1]} that is no child`);
      if (links.isWaiting(slot)) slab.setPrev(slot, r[at + 2]);
      if (r[at + 3] === 1) links.setReports(slot);
      return;
    }
    const parent = r[at + 2] === 0 ? NIL : slab.find(r[at + 2]);
    const sibling = r[at + 3] === 0 ? NIL : slab.find(r[at + 3]);
    if (slot === NIL || (parent === NIL) !== (r[at + 2] === 0) || (sibling === NIL) !== (r[at + 3] === 0))
      fail(`the snapshot has an order ${r[at + 1]} that waits for order ${r[at + 2]}, one of which is not open`);
    links.addChild(slot, parent, sibling !== NIL && links.isChild(sibling) ? sibling : NIL);
    if (r[at + 5] !== 0) links.setUnit(slot, r[at + 5]);
    this.#addDue(slot, r[at + 4]);
    if (parent === NIL) return;
    links.setPassed(parent, slab.traded(parent));
    links.setSize(parent, slab.traded(parent) + slab.total(parent));
  }
}
