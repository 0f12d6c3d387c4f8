import { allocateLocal } from '../allocate.ts';
import type { PriceTicks } from '../units.ts';
import { GROUP_BITS, KeySet } from './key-set.ts';
import { LEVEL_ORDERS, LEVEL_WORDS, type LevelPages, type PriceLadder } from './price-ladder.ts';

const BUY = 0;

/**
 * The best prices of a book that pegged orders follow: of what is displayed, and
 * is not pegged itself. So pegged orders cannot follow one another, and do not show
 * where hidden orders rest.
 *
 * A search over levels would take as long as there are levels with nothing but pegged and
 * hidden orders. So each side has a set of the prices at which a reference was entered since they were found to have none.
 * A level that has none any more leaves the set when a search meets it: each order that is entered
 * causes one such step at most. Owned by the engine thread.
 */
export class ReferencePrices {
  readonly #bids: ReferenceLevels;
  readonly #asks: ReferenceLevels;

  constructor(bids: PriceLadder, asks: PriceLadder) {
    this.#bids = new ReferenceLevels(bids);
    this.#asks = new ReferenceLevels(asks);
  }

  /** A reference rests at a price from now on. */
  add(side: number, price: PriceTicks): void {
    if (side === BUY) this.#bids.add(price);
    else this.#asks.add(price);
  }

  /** The best price of a side, ticks; 0 = it has none. */
  best(side: number): PriceTicks {
    return side === BUY ? this.#bids.best() : this.#asks.best();
  }
}

class ReferenceLevels extends KeySet {
  readonly #ladder: PriceLadder;
  readonly #pages: LevelPages;

  constructor(ladder: PriceLadder) {
    super(ladder.none, allocateLocal);
    this.#ladder = ladder;
    this.#pages = ladder.pages;
    // All occupied prices: a search finds which of them have no reference.
    this.bits.set(ladder.bits);
  }

  add(price: PriceTicks): void {
    const key = price ^ this.#ladder.flip;
    const word = key >>> 5;
    this.bits[word] |= 1 << (key & 31);
    this.addGroup(key >>> GROUP_BITS);
  }

  best(): PriceTicks {
    for (let key = this.next(0); key !== this.none; key = this.next(key + 1)) {
      if (this.#isReference(key)) return key ^ this.#ladder.flip;
      this.#remove(key);
    }
    return 0;
  }

  #isReference(key: number): boolean {
    const ladder = this.#ladder;
    const { words, quiet } = this.#pages;
    if (!ladder.isOccupied(key)) return false;
    const level = ladder.levelOf(key);
    return words[level * LEVEL_WORDS + LEVEL_ORDERS] > (quiet[level] ?? 0);
  }

  #remove(key: number): void {
    const word = key >>> 5;
    this.bits[word] &= ~(1 << (key & 31));
    if (this.bits[word] === 0 && this.bits[word ^ 1] === 0) this.removeGroup(key >>> GROUP_BITS);
  }
}
