import { fail } from '../assert.ts';
import type { OrderBook } from '../book/order-book.ts';
import { HIDDEN, ICEBERG, ICEBERG_SHIFT, IcebergNumber, ORDER_WORDS_SHIFT, OrderWord } from '../book/order-slab.ts';
import { HAS_MORE } from '../rules/fee-schedules.ts';
import { RowKind, type RowWriter } from '../state-part.ts';
import type { QtyLots } from '../units.ts';
import { SelfTradeMode, Side } from '../wire/layout.ts';
import type { MachineState } from './state.ts';

const NIL = -1;
const { terms: TERMS } = OrderWord;
const { reserve: RESERVE, display: DISPLAY, publicId: PUBLIC_ID, firstId: FIRST_ID } = IcebergNumber;
/** Of a stop that waits, which has no public id. */
const REPRICE = PUBLIC_ID;

/**
 * Orders that display a part of their quantity at a time. The book has the
 * displayed part; the reserve is beside the order, and in a sum of its level.
 * When the part is used up, the next one stands last at its price, under a new
 * public id, which is an order id of its own: the parts of an order are linked only in the reports of its
 * owner. For money, reports and checks of liquidity the whole counts. Hidden orders display nothing, and have no public id. Owned by the engine thread.
 */
export class Icebergs {
  readonly #state: MachineState;
  /** Parts that the command `#seq` has used up. */
  #parts = 0;
  #seq = 0;

  constructor(state: MachineState) {
    this.#state = state;
  }

  /** The resting order in `slot` displays parts of `display` lots from now on. @param publicId of the first one; the order's own or a new one */
  enter(book: OrderBook, slot: number, display: QtyLots, publicId: number): void {
    const { slab } = this.#state;
    const { icebergs } = slab;
    const at = slot << ICEBERG_SHIFT;
    slab.words[(slot << ORDER_WORDS_SHIFT) + TERMS] |= ICEBERG;
    slab.setFees(slot, slab.fees(slot) | HAS_MORE);
    icebergs[at + RESERVE] = 0;
    icebergs[at + DISPLAY] = display;
    icebergs[at + PUBLIC_ID] = publicId;
    icebergs[at + FIRST_ID] = publicId;
    book.hide(slot, Math.max(slab.open(slot) - display, 0));
  }

  /** The stop in `slot`, which waits, displays parts of `display` lots when it rests; 0 = nothing, -1 = all. @param reprice 1 = it rests behind the other side where it would trade */
  keep(slot: number, display: QtyLots, reprice: number): void {
    const { slab } = this.#state;
    slab.words[(slot << ORDER_WORDS_SHIFT) + TERMS] |= ICEBERG;
    slab.setFees(slot, slab.fees(slot) | HAS_MORE);
    slab.icebergs.fill(0, slot << ICEBERG_SHIFT, (slot + 1) << ICEBERG_SHIFT);
    slab.icebergs[(slot << ICEBERG_SHIFT) + DISPLAY] = display;
    slab.icebergs[(slot << ICEBERG_SHIFT) + REPRICE] = reprice;
  }

  /** Whether the stop in `slot` rests behind the other side where it would trade. */
  reprices(slot: number): boolean {
    const { slab } = this.#state;
    return slab.isIceberg(slot) && slab.icebergs[(slot << ICEBERG_SHIFT) + REPRICE] !== 0;
  }

  /** The stop in `slot` displays another quantity when it rests. */
  setKept(slot: number, display: QtyLots): void {
    this.#state.slab.icebergs[(slot << ICEBERG_SHIFT) + DISPLAY] = display;
  }

  /** What the stop in `slot` displays when it rests, in lots; 0 = nothing, -1 = all. */
  kept(slot: number): QtyLots {
    const { slab } = this.#state;
    return slab.isIceberg(slot) ? slab.display(slot) : -1;
  }

  /** Rests the triggered order in `slot`, or a child: a hidden one needs its bit to find its place. Returns false if there is no room, and changes nothing. */
  rest(book: OrderBook, slot: number, kept: QtyLots): boolean {
    const { words } = this.#state.slab;
    const at = (slot << ORDER_WORDS_SHIFT) + TERMS;
    if (kept === 0) words[at] |= HIDDEN;
    const rests = book.rest(slot);
    if (!rests) words[at] &= ~HIDDEN;
    return rests;
  }

  /** The order in `slot` has traded all, left the book, and waits: it displays as before when it rests again. */
  keepAgain(book: OrderBook, slot: number): void {
    const { slab } = this.#state;
    if (slab.isIceberg(slot)) this.keep(slot, slab.display(slot), 0);
    else if (slab.isHidden(slot)) {
      book.hiddenGone(slot);
      slab.words[(slot << ORDER_WORDS_SHIFT) + TERMS] &= ~HIDDEN;
      this.keep(slot, 0, 0);
    }
  }

  /** The triggered order in `slot`, or a child, rests, and displays what it kept. A hidden one has the bit already. */
  rested(book: OrderBook, slot: number, kept: QtyLots): void {
    if (kept > 0) return this.enter(book, slot, kept, this.newId());
    if (kept === 0) this.enterHidden(book, slot);
    if (book.hiddenOrders !== 0) this.arrived(slot);
  }

  /** The order in `slot`, which rests and has the bit, is a hidden one from now on. */
  enterHidden(book: OrderBook, slot: number): void {
    const { slab } = this.#state;
    slab.setFees(slot, slab.fees(slot) | HAS_MORE);
    book.hiddenOrders++;
  }

  /** The order in `slot` has lost its place, and rests in a book with hidden orders: it is later than what came until now. */
  arrived(slot: number): void {
    this.#state.slab.icebergs[(slot << ICEBERG_SHIFT) + FIRST_ID] = this.newId();
  }

  /** A public id that no order has had. */
  newId(): number {
    return ++this.#state.lastOrderId;
  }

  /** What the iceberg in `slot` displayed is used up and left the book. Returns false if it has nothing more; otherwise the next part rests. */
  goesOn(slot: number): boolean {
    const { slab, books, seq, selfTrade, aggressor, partsPerCommand } = this.#state;
    const at = slot << ICEBERG_SHIFT;
    if (slab.icebergs[at + RESERVE] === 0) return false;
    if (seq !== this.#seq) {
      this.#seq = seq;
      this.#parts = 0;
    }
    // A match with prevention has a bound of its own.
    const least = ++this.#parts > partsPerCommand && selfTrade.mode <= SelfTradeMode.None ? aggressor.open : 0;
    slab.icebergs[at + PUBLIC_ID] = this.newId();
    (books[slab.symbol(slot)] as OrderBook).refresh(slot, least);
    return true;
  }

  /** All of the resting iceberg in `slot` is in the book from now on, so that it can be removed as any order. */
  makeWhole(book: OrderBook, slot: number): void {
    book.hide(slot, -this.#state.slab.icebergs[(slot << ICEBERG_SHIFT) + RESERVE]);
  }

  /** Lowers the open quantity of the resting iceberg in `slot` to `total`, first what it does not display. Returns whether it displays less. */
  reduce(book: OrderBook, slot: number, total: QtyLots): boolean {
    const { slab } = this.#state;
    const less = slab.total(slot) - total;
    const reserved = Math.min(less, slab.icebergs[(slot << ICEBERG_SHIFT) + RESERVE]);
    book.takeReserve(slot, reserved);
    if (reserved === less) return false;
    book.reduce(slot, total);
    return true;
  }

  /** Lowers what each part displays. Returns whether the present one displays less. */
  lowerDisplay(book: OrderBook, slot: number, display: QtyLots): boolean {
    const { slab } = this.#state;
    slab.icebergs[(slot << ICEBERG_SHIFT) + DISPLAY] = display;
    const more = slab.open(slot) - display;
    if (more > 0) book.hide(slot, more);
    return more > 0;
  }

  save(out: RowWriter, slot: number): void {
    const { slab } = this.#state;
    const { icebergs, id } = slab;
    const at = slot << ICEBERG_SHIFT;
    if (slab.level(slot) < NIL) return out.row(RowKind.Iceberg, id[slot], icebergs[at + DISPLAY], icebergs[at + REPRICE]);
    out.row(RowKind.Iceberg, id[slot], icebergs[at + DISPLAY], slab.open(slot), icebergs[at + PUBLIC_ID], icebergs[at + FIRST_ID]);
  }

  /** Writes the arrival of an order that displays all or nothing, if it has lost its place and is not before all hidden orders of the book. @param first arrival of those */
  saveArrival(out: RowWriter, slot: number, first: number): void {
    const { slab } = this.#state;
    const arrival = slab.arrival(slot);
    if (arrival === slab.id[slot] || slab.isIceberg(slot) || arrival < first) return;
    out.row(RowKind.Iceberg, slab.id[slot], 0, 0, 0, arrival);
  }

  /** The earliest arrival of a book's hidden orders; infinite if it has none. */
  firstArrival(book: OrderBook): number {
    let first = Number.POSITIVE_INFINITY;
    if (book.hiddenOrders === 0) return first;
    const { slab } = this.#state;
    for (const side of [Side.Buy, Side.Sell]) {
      book.ordersInPriority(side, (slot) => {
        if (slab.isHidden(slot)) first = Math.min(first, slab.arrival(slot));
      });
    }
    return first;
  }

  /** Loads the row of an order that was loaded as a whole. */
  load(r: Float64Array, at: number): void {
    const { slab, books } = this.#state;
    const slot = slab.find(r[at + 1]);
    if (slot === -1) fail(`the snapshot has an iceberg or arrival of order ${r[at + 1]}, which does not rest`);
    if (slab.level(slot) < NIL) return this.keep(slot, r[at + 2], r[at + 3]);
    if (r[at + 2] === 0) {
      slab.icebergs[(slot << ICEBERG_SHIFT) + FIRST_ID] = r[at + 5];
      return;
    }
    const book = books[slab.symbol(slot)] as OrderBook;
    this.enter(book, slot, r[at + 2], r[at + 5]);
    book.hide(slot, slab.open(slot) - r[at + 3]);
    slab.icebergs[(slot << ICEBERG_SHIFT) + PUBLIC_ID] = r[at + 4];
  }
}
