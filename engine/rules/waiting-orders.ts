import { ORDER_WORDS_SHIFT, type OrderSlab, OrderWord } from '../book/order-slab.ts';
import { TimeInForce } from '../wire/layout.ts';

const NIL = -1;
/** Level of an order that waits for its auction. */
export const WAITS = -2;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { next: NEXT, prev: PREV, level: LEVEL } = OrderWord;
/** The times in force whose orders may wait. */
export const AUCTION_TIMES = [TimeInForce.AtTheOpen, TimeInForce.AtTheClose] as const;

/** The orders of one symbol and one kind of auction, in the order in which they were entered. */
interface Queue {
  first: number;
  last: number;
}

/**
 * The orders at the open and at the close that wait outside the book for their
 * auction: records of the slab at level {@link WAITS}, in a list per symbol and
 * kind of auction. A symbol gets memory for its lists with its first such order. Owned by the
 * engine thread.
 */
export class WaitingOrders {
  readonly #slab: OrderSlab;
  /** By symbol: at the open, at the close. */
  readonly #queues = new Map<number, readonly [Queue, Queue]>();
  /** The symbols that had such orders, in ascending order. */
  readonly symbols: number[] = [];
  /** Orders that wait. */
  count = 0;

  constructor(slab: OrderSlab) {
    this.#slab = slab;
  }

  /** All slots. */
  *slots(): Generator<number> {
    for (const queues of this.#queues.values())
      for (const { first } of queues) for (let slot = first; slot !== NIL; slot = this.next(slot)) yield slot;
  }

  /** Slot of the order that waits longest, -1 if none does. @param time AtTheOpen or AtTheClose */
  first(symbol: number, time: number): number {
    return this.#queues.get(symbol)?.[time - TimeInForce.AtTheOpen].first ?? NIL;
  }

  /** Slot of the one after it, -1 if it is the last. */
  next(slot: number): number {
    return this.#slab.next(slot);
  }

  /** The order in `slot` waits from now on, behind the others of its auction. Its terms must be set. */
  add(slot: number): void {
    const { words } = this.#slab;
    const queue = this.#queueOf(slot);
    const at = slot << TO_WORDS;
    words[at + LEVEL] = WAITS;
    words[at + NEXT] = NIL;
    words[at + PREV] = queue.last;
    if (queue.last === NIL) queue.first = slot;
    else words[(queue.last << TO_WORDS) + NEXT] = slot;
    queue.last = slot;
    this.count++;
  }

  /** The order in `slot` no longer waits. */
  remove(slot: number): void {
    const { words } = this.#slab;
    const queue = this.#queueOf(slot);
    const at = slot << TO_WORDS;
    const [earlier, later] = [words[at + PREV], words[at + NEXT]];
    if (earlier === NIL) queue.first = later;
    else words[(earlier << TO_WORDS) + NEXT] = later;
    if (later === NIL) queue.last = earlier;
    else words[(later << TO_WORDS) + PREV] = earlier;
    words[at + LEVEL] = NIL;
    this.count--;
  }

  #queueOf(slot: number): Queue {
    const symbol = this.#slab.symbol(slot);
    let queues = this.#queues.get(symbol);
    if (queues === undefined) {
      queues = [
        { first: NIL, last: NIL },
        { first: NIL, last: NIL },
      ];
      this.#queues.set(symbol, queues);
      this.symbols.push(symbol);
      this.symbols.sort((a, b) => a - b);
    }
    return queues[this.#slab.timeInForce(slot) - TimeInForce.AtTheOpen];
  }
}
