import { ORDER_WORDS_SHIFT, type OrderSlab, OrderWord } from '../book/order-slab.ts';
import { TimeInForce } from '../wire/layout.ts';
import { isAuctionMarket, isAuctionOnly } from '../wire/order-kinds.ts';

const NIL = -1;
/** Level of an order that waits for its auction. */
export const WAITS = -2;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { level: LEVEL } = OrderWord;
/** The times in force whose orders may wait. */
export const AUCTION_TIMES = [TimeInForce.AtTheOpen, TimeInForce.AtTheClose] as const;
/** Stamp of an order that was moved to those that end one by one. */
const MOVED = -1;

/** Orders in sequence. */
class OrderList {
  first = NIL;
  last = NIL;
  count = 0;
  /** Orders with a stamp up to this one have left the list together, for those that end. */
  moved = 0;
}

/** The orders of one symbol and one kind of auction, in the sequence in which they were entered: outside the book; and in it. */
class AuctionLists {
  readonly waiting = new OrderList();
  readonly limits = new OrderList();
  readonly markets = new OrderList();
}

/**
 * The orders at the open and at the close: those that wait outside the book for their
 * auction, at level {@link WAITS}, those that are in the book, and those that end because their auction is over.
 * A whole list moves to those that end in one step; each order has the stamp of its place in the list, which says whether it was moved. A symbol gets
 * memory for its lists with its first such order; 16 bytes per slot are used from the first one on. Owned by the
 * engine thread.
 */
export class WaitingOrders {
  /** Orders that wait outside the book, without those that end. */
  count = 0;
  readonly #slab: OrderSlab;
  /** By symbol: at the open, at the close. */
  readonly #lists = new Map<number, readonly [AuctionLists, AuctionLists]>();
  /** The symbols that had such orders, in ascending order. */
  readonly symbols: number[] = [];
  readonly #ending = new OrderList();
  /** By slot: the order before it and the one behind it; and its stamp, 0 = it is in no list. */
  #earlier = new Int32Array(0);
  #later = new Int32Array(0);
  #stamp = new Float64Array(0);
  #lastStamp = 0;

  constructor(slab: OrderSlab) {
    this.#slab = slab;
  }

  /** All slots outside the book. Cold. */
  *slots(): Generator<number> {
    for (const lists of this.#lists.values()) for (const { waiting } of lists) yield* this.#slots(waiting);
    for (const slot of this.#slots(this.#ending)) if (this.#slab.level(slot) === WAITS) yield slot;
  }

  /** Slots of those that end, the first one first. Cold. */
  ending(): Generator<number> {
    return this.#slots(this.#ending);
  }

  /** Slots of those in the book that do not end, limit orders before market orders. Cold. @param time AtTheOpen or AtTheClose */
  *inBook(symbol: number, time: number): Generator<number> {
    const lists = this.#listsOf(symbol, time);
    if (lists === undefined) return;
    yield* this.#slots(lists.limits);
    yield* this.#slots(lists.markets);
  }

  *#slots({ first }: OrderList): Generator<number> {
    for (let slot = first; slot !== NIL; slot = this.next(slot)) yield slot;
  }

  /** Slot of the order that waits longest, -1 if none does. @param time AtTheOpen or AtTheClose */
  first(symbol: number, time: number): number {
    return this.#listsOf(symbol, time)?.waiting.first ?? NIL;
  }

  /** Slot of the market order that is longest in the book, -1 if there is none. */
  firstMarket(symbol: number, time: number): number {
    return this.#listsOf(symbol, time)?.markets.first ?? NIL;
  }

  /** Slot of the order that ends next, -1 if none does. */
  get firstEnding(): number {
    return this.#ending.first;
  }

  /** Slot of the one after it in its list, -1 if it is the last. */
  next(slot: number): number {
    return this.#later[slot];
  }

  /** Whether orders of a symbol are outside the book. Cold. */
  isUsed(symbol: number): boolean {
    if (AUCTION_TIMES.some((time) => this.first(symbol, time) !== NIL)) return true;
    for (const slot of this.ending()) if (this.#slab.symbol(slot) === symbol && this.#slab.level(slot) === WAITS) return true;
    return false;
  }

  /** The order in `slot` waits from now on, behind the others of its auction. Its terms must be set. */
  add(slot: number): void {
    this.#slab.words[(slot << TO_WORDS) + LEVEL] = WAITS;
    this.count++;
    this.#append(slot);
  }

  /** The order in `slot` is in the book from now on. It must be in no list. */
  addToBook(slot: number): void {
    this.#append(slot);
  }

  /** The order in `slot` is in no list any more, if it was in one. */
  remove(slot: number): void {
    if (this.#stamp.length === 0 || this.#stamp[slot] === 0) return;
    const { words } = this.#slab;
    const its = this.isEnding(slot) ? this.#ending : this.#listOf(slot);
    const earlier = this.#earlier[slot];
    const later = this.#later[slot];
    if (earlier === NIL) its.first = later;
    else this.#later[earlier] = later;
    if (later === NIL) its.last = earlier;
    else this.#earlier[later] = earlier;
    its.count--;
    this.#stamp[slot] = 0;
    const at = (slot << TO_WORDS) + LEVEL;
    if (words[at] !== WAITS) return;
    words[at] = NIL;
    if (its !== this.#ending) this.count--;
  }

  /** Those of an auction that wait outside the book end from now on, behind those that do already. */
  end(symbol: number, time: number): void {
    const lists = this.#listsOf(symbol, time);
    if (lists === undefined) return;
    this.count -= lists.waiting.count;
    this.#move(lists.waiting);
  }

  /** The same for limit orders of an auction that are in the book. */
  endInBook(symbol: number, time: number): void {
    const lists = this.#listsOf(symbol, time);
    if (lists !== undefined) this.#move(lists.limits);
  }

  /** The order in `slot` ends from now on, behind those that do already. Cold. */
  endOne(slot: number): void {
    const waits = this.#slab.level(slot) === WAITS;
    this.remove(slot);
    if (waits) this.#slab.setLevel(slot, WAITS);
    this.#link(slot, this.#ending);
    this.#stamp[slot] = MOVED;
  }

  /** Whether the order in `slot`, at the open or at the close, ends. */
  isEnding(slot: number): boolean {
    return this.#ending.first !== NIL && this.#stamp[slot] !== 0 && this.#stamp[slot] <= this.#listOf(slot).moved;
  }

  /** Puts those in the book into the sequence of the book. Before rules 6, a snapshot does not have the sequence in which they entered it. Cold. */
  sortAsBook(slots: Iterable<number>): void {
    for (const slot of slots) {
      if (!isAuctionOnly(this.#slab.timeInForce(slot))) continue;
      this.remove(slot);
      this.addToBook(slot);
    }
  }

  #append(slot: number): void {
    this.#link(slot, this.#listOf(slot));
    this.#stamp[slot] = ++this.#lastStamp;
  }

  #link(slot: number, list: OrderList): void {
    if (this.#stamp.length === 0) {
      const { capacity } = this.#slab;
      this.#earlier = new Int32Array(capacity);
      this.#later = new Int32Array(capacity);
      this.#stamp = new Float64Array(capacity);
    }
    this.#earlier[slot] = list.last;
    this.#later[slot] = NIL;
    if (list.last === NIL) list.first = slot;
    else this.#later[list.last] = slot;
    list.last = slot;
    list.count++;
  }

  #move(from: OrderList): void {
    if (from.first === NIL) return;
    const to = this.#ending;
    if (to.last === NIL) to.first = from.first;
    else {
      this.#later[to.last] = from.first;
      this.#earlier[from.first] = to.last;
    }
    to.last = from.last;
    to.count += from.count;
    from.first = NIL;
    from.last = NIL;
    from.count = 0;
    from.moved = this.#lastStamp;
  }

  #listsOf(symbol: number, time: number): AuctionLists | undefined {
    return this.#lists.get(symbol)?.[time - TimeInForce.AtTheOpen];
  }

  /** The list of an order that does not end, or that it was in. */
  #listOf(slot: number): OrderList {
    const slab = this.#slab;
    const symbol = slab.symbol(slot);
    let both = this.#lists.get(symbol);
    if (both === undefined) {
      both = [new AuctionLists(), new AuctionLists()];
      this.#lists.set(symbol, both);
      this.symbols.push(symbol);
      this.symbols.sort((a, b) => a - b);
    }
    const lists = both[slab.timeInForce(slot) - TimeInForce.AtTheOpen];
    if (slab.level(slot) === WAITS) return lists.waiting;
    return isAuctionMarket(slab.lifetime(slot)) ? lists.markets : lists.limits;
  }
}
