import type { OrderSlab } from './order-slab.ts';
import { LEVEL_TAIL, LEVEL_WORDS, type LevelPages } from './price-ladder.ts';

const NIL = -1;
// Module constants: V8 folds them, but loads an imported constant each time.
const WORDS_PER_LEVEL = LEVEL_WORDS;
const TAIL = LEVEL_TAIL;

/**
 * The places of a level that do not follow from time alone: hidden orders stand behind all others, market orders of an auction
 * before all limit orders. Shares slab and pages with the book, whose thread owns it; who has neither kind of order pays nothing.
 */
export class LevelPlaces {
  readonly #slab: OrderSlab;
  readonly #pages: LevelPages;

  constructor(slab: OrderSlab, pages: LevelPages) {
    this.#slab = slab;
    this.#pages = pages;
  }

  /** The order in `slot`, which was queued last at its level, is hidden, or goes before the hidden ones there. */
  restBesideHidden(slot: number, level: number): void {
    const slab = this.#slab;
    const pages = this.#pages;
    const first = this.#firstHidden(level);
    if (slab.isHidden(slot)) {
      if (first !== NIL) return;
      pages.keepHidden();
      pages.firstHidden[level] = slot + 1;
      return;
    }
    if (first === NIL) return;
    const at = level * WORDS_PER_LEVEL;
    const last = slab.prev(slot);
    pages.words[at + TAIL] = last;
    slab.setNext(last, NIL);
    const before = slab.prev(first);
    slab.setPrev(slot, before);
    slab.setNext(slot, first);
    slab.setPrev(first, slot);
    if (before === NIL) pages.words[at] = slot;
    else slab.setNext(before, slot);
  }

  #firstHidden(level: number): number {
    const slot = (this.#pages.firstHidden[level] ?? 0) - 1;
    return slot !== NIL && this.#slab.level(slot) === level && this.#slab.isHidden(slot) ? slot : NIL;
  }

  /** The first hidden order at the price of a resting order, -1 if there is none. */
  firstHiddenAt(slot: number): number {
    return this.#firstHidden(this.#slab.level(slot));
  }

  /** Moves the order that rested last of those that are not hidden, a market order of an auction, before the limit orders at its price, behind the other market orders. Cold. */
  putFirst(slot: number): void {
    const slab = this.#slab;
    const { words } = this.#pages;
    const at = slab.level(slot) * WORDS_PER_LEVEL;
    const earlier = this.noteMarket(slot);
    const tail = slab.prev(slot);
    if (tail === earlier) return;
    const behind = slab.next(slot);
    slab.setNext(tail, behind);
    if (behind === NIL) words[at + TAIL] = tail;
    else slab.setPrev(behind, tail);
    const later = earlier === NIL ? words[at] : slab.next(earlier);
    slab.setPrev(slot, earlier);
    slab.setNext(slot, later);
    slab.setPrev(later, slot);
    if (earlier === NIL) words[at] = slot;
    else slab.setNext(earlier, slot);
  }

  /** The market order in `slot` is the last one at its price from now on; a snapshot has them in this sequence. Returns the slot of the one before it. Cold. */
  noteMarket(slot: number): number {
    const pages = this.#pages;
    pages.keepMarkets();
    const level = this.#slab.level(slot);
    const earlier = pages.lastMarket[level] - 1;
    pages.lastMarket[level] = slot + 1;
    return earlier;
  }
}
