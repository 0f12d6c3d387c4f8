import { type Allocate, allocateLocal } from '../allocate.ts';
import { assert } from '../assert.ts';
import { DEFAULT_LIMITS, RULES } from '../limits.ts';
import { MAX_PRICE_TICKS } from '../params.ts';
import { KeySet } from './key-set.ts';

/** A page has the levels of prices that are equal without their lowest bits. */
export const PAGE_BITS = 6;
// Constants of the module that it does not export: V8 folds them, but loads an exported one each time.
const TO_PAGE = 6;
const PAGE_LEVELS = 1 << TO_PAGE;
const TO_WORDS = 3;
const TO_PAGE_WORDS = TO_PAGE + TO_WORDS;
const PAYER = 3;
const UNKNOWN = -1;

/**
 * A level, 32 bytes, so that its fields are found by shifts. In a level without orders, `orders` and `payer` are 0 and the other fields have no meaning.
 *
 *   byte 0      4      8        12      16         24
 *   ┌──────┬──────┬────────┬───────┬──────────┬──────┐
 *   │ head │ tail │ orders │ payer │ quantity │ free │
 *   └──────┴──────┴────────┴───────┴──────────┴──────┘
 *
 * `payer` is 1 + the slot of the order whose account is charged for the page, if that order is at this level.
 */
/** From a level to its first word, and below to its first double. */
export const LEVEL_WORDS_SHIFT = 3;
export const LEVEL_WORDS = 1 << LEVEL_WORDS_SHIFT;
export const LEVEL_TAIL = 1;
export const LEVEL_ORDERS = 2;
export const LEVEL_PAYER = 3;
export const LEVEL_DOUBLES_SHIFT = 2;
export const LEVEL_DOUBLES = 1 << LEVEL_DOUBLES_SHIFT;
export const LEVEL_QUANTITY = 2;

/**
 * Price levels in pages of 64 neighbouring ticks, shared by all ladders of a
 * shard. A ladder takes a page when the first of its 64 prices has an order, and
 * releases it when the last order is gone. One thread owns the pages.
 *
 * A page in use is charged to the account of one of its orders, its payer: the
 * order that opened the page, and when that one leaves, the last in priority of
 * those that remain: it is the last to trade, so that a page rarely changes its payer. So an account is charged only for pages in which it
 * has orders.
 * An account opens no page above its share. It can be charged for more when other accounts leave
 * pages in which it has orders.
 */
export class LevelPages {
  /** Pages in all. */
  declare readonly capacity: number;
  /** Pages in use. */
  count = 0;
  /** Rules in force; see MachineState.setRules. */
  rules: number = RULES;
  /** Most pages in use at a time, at most `capacity`. */
  declare limit: number;
  /** Most pages that one account may open. */
  declare share: number;
  /** Pages charged to each account. */
  declare readonly held: Int32Array;
  /** `level * LEVEL_WORDS` is the level's head slot, then LEVEL_TAIL, LEVEL_ORDERS. */
  declare readonly words: Int32Array;
  /** `level * LEVEL_DOUBLES + LEVEL_QUANTITY`: open lots of the level. */
  declare readonly doubles: Float64Array;
  /** By level: open lots of icebergs that are not displayed. Empty before the first iceberg. */
  reserves = new Float64Array(0);
  /** By level: slot + 1 of the first hidden order, if that one rests at the level; otherwise there is none. Empty before the first hidden order. */
  firstHidden = new Int32Array(0);
  /** By level: slot + 1 of the last market order of an auction, 0 = there is none. Empty before the first market order. */
  lastMarket = new Int32Array(0);
  /** By level: orders that are no reference for pegged ones. Empty before the first of them. */
  quiet = new Int32Array(0);
  #free = 0;
  /** Pages above this number were never used, so the free list does not contain them. */
  #fresh = 0;

  /** @param capacity pages, 1 to 2^20; 2,048 bytes each @param accounts account ids are below it */
  constructor(capacity: number, allocate: Allocate = allocateLocal, accounts = DEFAULT_LIMITS.accounts) {
    assert(Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 20, 'level pages: capacity is 1 to 2^20');
    this.capacity = capacity;
    this.limit = capacity;
    this.share = capacity;
    this.held = new Int32Array(allocate(accounts * 4));
    const memory = allocate((capacity + 1) * PAGE_LEVELS * LEVEL_DOUBLES * 8);
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
  }

  /** Call it before the first iceberg rests. Cold. */
  keepReserves(): void {
    if (this.reserves.length === 0) this.reserves = new Float64Array((this.capacity + 1) * PAGE_LEVELS);
  }

  /** Call it before the first hidden order rests. Cold. */
  keepHidden(): void {
    if (this.firstHidden.length === 0) this.firstHidden = new Int32Array((this.capacity + 1) * PAGE_LEVELS);
  }

  /** Call it before the first market order of an auction rests. Cold. */
  keepMarkets(): void {
    if (this.lastMarket.length === 0) this.lastMarket = new Int32Array((this.capacity + 1) * PAGE_LEVELS);
  }

  /** Call it before the first hidden or pegged order rests. Cold. */
  keepQuiet(): void {
    if (this.quiet.length === 0) this.quiet = new Int32Array((this.capacity + 1) * PAGE_LEVELS);
  }

  /** An empty page, from 1; 0 when all are in use. */
  take(): number {
    if (this.count >= this.limit) return 0;
    let page = this.#free;
    if (page !== 0) this.#free = this.words[page << TO_PAGE_WORDS];
    else page = ++this.#fresh;
    this.count++;
    return page;
  }

  /** Releases `page`, which must be empty. The free list links pages through their first word. */
  give(page: number): void {
    this.words[page << TO_PAGE_WORDS] = this.#free;
    this.#free = page;
    this.count--;
  }
}

/**
 * The occupied prices of one side, and the best of them.
 *
 * The ladder uses keys: a sell's key is its price, a buy's key is the price with
 * its bits flipped. On both sides the lowest key is the best price, so one search
 * serves both. The set has the occupied keys.
 */
export class PriceLadder extends KeySet {
  /** key = price ^ flip, and back. */
  declare readonly flip: number;
  /** Lowest occupied key, or `none`. */
  declare best: number;
  /** Next occupied key after `best`, or `none`; -1 = unknown. Most orders that improve the best price are the next to leave it: no search then. */
  second: number = UNKNOWN;
  declare readonly pages: LevelPages;
  /** Page of each 64 keys, 0 = none. */
  declare readonly directory: Int32Array;

  /**
   * @param side 0 = buy, 1 = sell
   * @param maxPrice highest price in ticks, 1 to MAX_PRICE_TICKS
   */
  constructor(side: 0 | 1, pages: LevelPages, maxPrice: number, allocate: Allocate = allocateLocal) {
    assert(Number.isInteger(maxPrice) && maxPrice >= 1 && maxPrice <= MAX_PRICE_TICKS, 'price ladder: maxPrice is 1 to 2^26');
    // A small integer, which `2 ** n` is not for V8: `best` and `flip` would be boxed doubles.
    const keys = 1 << Math.max(TO_PAGE, 32 - Math.clz32(maxPrice));
    super(keys, allocate);
    this.pages = pages;
    this.flip = side === 0 ? keys - 1 : 0;
    this.best = keys;
    this.directory = new Int32Array(allocate((keys >> TO_PAGE) * 4));
  }

  /**
   * Level of `key` for a new order, -1 if a page is needed and none is left, or the account has `most` pages. For the first order of a
   * level, call `occupy` next. A new page is charged to the account.
   */
  enter(key: number, slot: number, account: number, most: number): number {
    const page = this.directory[key >>> TO_PAGE];
    if (page === 0) return this.#open(key, slot, account, most);
    return (page << TO_PAGE) | (key & (PAGE_LEVELS - 1));
  }

  #open(key: number, slot: number, account: number, most: number): number {
    const pages = this.pages;
    if (pages.held[account] >= most) return -1;
    const page = pages.take();
    if (page === 0) return -1;
    this.directory[key >>> TO_PAGE] = page;
    this.addGroup(key >>> TO_PAGE);
    const level = (page << TO_PAGE) | (key & (PAGE_LEVELS - 1));
    pages.words[(level << TO_WORDS) | PAYER] = slot + 1;
    pages.held[account]++;
    return level;
  }

  /** True if `key` is in a page of this ladder. */
  hasPage(key: number): boolean {
    return this.directory[key >>> TO_PAGE] !== 0;
  }

  /** Number of occupied keys in the page of `key`, 0 to 64. */
  occupiedInPage(key: number): number {
    const word = (key >>> TO_PAGE) << 1;
    return countBits(this.bits[word]) + countBits(this.bits[word + 1]);
  }

  /** Level of the last occupied key in the page of `key`; -1 if it has no page. */
  lastInPage(key: number): number {
    const page = this.directory[key >>> TO_PAGE];
    if (page === 0) return -1;
    const word = (key >>> TO_PAGE) << 1;
    const high = this.bits[word + 1];
    return (page << TO_PAGE) | (high !== 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(this.bits[word]));
  }

  /** Marks `key` as occupied, when its first order arrives. */
  occupy(key: number): void {
    this.bits[key >>> 5] |= 1 << (key & 31);
    if (key < this.best) {
      this.second = this.best;
      this.best = key;
    } else if (key < this.second) this.second = key;
  }

  /** Marks `key` as empty, after its last order left. */
  vacate(key: number): void {
    const bits = this.bits;
    const word = key >>> 5;
    const left = bits[word] & ~(1 << (key & 31));
    bits[word] = left;
    if (left === 0 && bits[word ^ 1] === 0) this.#close(key >>> TO_PAGE);
    if (key === this.best) {
      this.best = this.second === UNKNOWN ? this.next(key + 1) : this.second;
      this.second = UNKNOWN;
    } else if (key === this.second) this.second = UNKNOWN;
  }

  /** Gives an empty page back. */
  #close(group: number): void {
    this.pages.give(this.directory[group]);
    this.directory[group] = 0;
    this.removeGroup(group);
  }

  /** Level of an occupied key. */
  levelOf(key: number): number {
    return (this.directory[key >>> TO_PAGE] << TO_PAGE) | (key & (PAGE_LEVELS - 1));
  }

  isOccupied(key: number): boolean {
    return (this.bits[key >>> 5] & (1 << (key & 31))) !== 0;
  }

  /** Open lots at `key`. */
  quantityAt(key: number): number {
    return this.isOccupied(key) ? this.pages.doubles[this.levelOf(key) * LEVEL_DOUBLES + LEVEL_QUANTITY] : 0;
  }

  /** Open lots at `key` with what is not displayed. */
  totalAt(key: number): number {
    if (!this.isOccupied(key)) return 0;
    const level = this.levelOf(key);
    const { doubles, reserves } = this.pages;
    const displayed = doubles[level * LEVEL_DOUBLES + LEVEL_QUANTITY];
    return reserves.length === 0 ? displayed : displayed + reserves[level];
  }
}

function countBits(word: number): number {
  let count = 0;
  for (let left = word; left !== 0; left &= left - 1) count++;
  return count;
}
