import { isAuctionMarket } from '../wire/order-kinds.ts';
import { ICEBERG_SHIFT, IcebergNumber, type OrderSlab } from './order-slab.ts';
import { LEVEL_WORDS, type PriceLadder } from './price-ladder.ts';

const NIL = -1;
const { publicId: PUBLIC_ID, firstId: FIRST_ID } = IcebergNumber;

/**
 * The orders of one side of a book in the sequence in which an uncross fills
 * them: by price, then by original time. That is their sequence in the book,
 * but for icebergs that displayed a further part: these stand behind orders that
 * came later. One displays a further part when all orders before it are used up,
 * so at its price it was there before each order that has not done so itself.
 */
export class AuctionQueue {
  readonly #slab: OrderSlab;
  readonly #ladder: PriceLadder;
  /** The icebergs that displayed a further part; the one that comes first is last. */
  readonly #earlier: number[] = [];

  /** @param last key of the price up to which the uncross trades @param hasIcebergs false: the book has no iceberg */
  constructor(slab: OrderSlab, ladder: PriceLadder, last: number, hasIcebergs: boolean) {
    this.#slab = slab;
    this.#ladder = ladder;
    if (!hasIcebergs) return;
    const { words } = ladder.pages;
    for (let key = ladder.best; key <= last && key !== ladder.none; key = ladder.next(key + 1)) {
      for (let slot = words[ladder.levelOf(key) * LEVEL_WORDS]; slot !== NIL; slot = slab.next(slot)) {
        if (slab.isIceberg(slot) && this.#number(slot, PUBLIC_ID) !== this.#number(slot, FIRST_ID)) this.#earlier.push(slot);
      }
    }
    const key = (slot: number): number => slab.price(slot) ^ ladder.flip;
    this.#earlier.sort((a, b) => key(b) - key(a) || this.#number(b, FIRST_ID) - this.#number(a, FIRST_ID));
  }

  /** The order that is filled next. The side must have one. */
  get first(): number {
    const { words } = this.#ladder.pages;
    const slab = this.#slab;
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
    return this.#slab.icebergs[(slot << ICEBERG_SHIFT) + number];
  }
}
