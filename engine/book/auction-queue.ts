import { isAuctionMarket } from '../wire/order-kinds.ts';
import type { LevelPlaces } from './level-places.ts';
import { ICEBERG_SHIFT, IcebergNumber, type OrderSlab } from './order-slab.ts';
import { LEVEL_WORDS, type PriceLadder } from './price-ladder.ts';

const NIL = -1;
const { publicId: PUBLIC_ID, firstId: FIRST_ID } = IcebergNumber;

/** What the queue needs of a book. */
interface Book {
  readonly slab: OrderSlab;
  /** False: it has no iceberg. */
  readonly hasIcebergs: boolean;
  readonly hiddenOrders: number;
  readonly places: LevelPlaces;
}

/**
 * The orders of one side of a book in the sequence in which an uncross fills
 * them: by price, then by original time. That is their sequence in the book, but
 * for two kinds. Icebergs that displayed a further part stand behind orders that
 * came later: one displays a further part when all orders before it are used up,
 * so at its price it was there before each order that has not done so itself.
 * Hidden orders stand behind all others.
 */
export class AuctionQueue {
  readonly #book: Book;
  readonly #ladder: PriceLadder;
  /** The icebergs that displayed a further part; the one that comes first is last. */
  readonly #earlier: number[] = [];

  /** @param price in ticks, up to which the uncross trades */
  constructor(book: Book, ladder: PriceLadder, price: number) {
    this.#book = book;
    this.#ladder = ladder;
    if (!book.hasIcebergs) return;
    const { slab } = book;
    const { words } = ladder.pages;
    const last = price ^ ladder.flip;
    for (let key = ladder.best; key <= last && key !== ladder.none; key = ladder.next(key + 1)) {
      for (let slot = words[ladder.levelOf(key) * LEVEL_WORDS]; slot !== NIL; slot = slab.next(slot)) {
        if (slab.isIceberg(slot) && this.#number(slot, PUBLIC_ID) !== this.#number(slot, FIRST_ID)) this.#earlier.push(slot);
      }
    }
    const keyOf = (slot: number): number => slab.price(slot) ^ ladder.flip;
    this.#earlier.sort((a, b) => keyOf(b) - keyOf(a) || this.#number(b, FIRST_ID) - this.#number(a, FIRST_ID));
  }

  /** The order that is filled next. The side must have one. */
  get first(): number {
    const { slab, hiddenOrders } = this.#book;
    const shown = this.#firstShown();
    if (hiddenOrders === 0 || slab.isHidden(shown) || isAuctionMarket(slab.lifetime(shown))) return shown;
    const hidden = this.#book.places.firstHiddenAt(shown);
    return hidden !== NIL && slab.arrival(hidden) < slab.arrival(shown) ? hidden : shown;
  }

  /** The first one that is not hidden; if there is none, the first hidden one. */
  #firstShown(): number {
    const { words } = this.#ladder.pages;
    const { slab } = this.#book;
    const slot = words[this.#ladder.levelOf(this.#ladder.best) * LEVEL_WORDS];
    // Market orders are before all others.
    if (isAuctionMarket(slab.lifetime(slot))) return slot;
    const earlier = this.#earlier;
    while (earlier.length > 0) {
      const iceberg = earlier[earlier.length - 1];
      if (slab.level(iceberg) !== NIL) return slab.price(iceberg) === slab.price(slot) ? iceberg : slot;
      earlier.pop();
    }
    return slot;
  }

  #number(slot: number, number: number): number {
    return this.#book.slab.icebergs[(slot << ICEBERG_SHIFT) + number];
  }
}
