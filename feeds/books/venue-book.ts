import { BookSide } from '../feed.ts';
import { MAX_DECIMALS, POWERS } from '../text/decimal.ts';

const FIRST_CAPACITY = 64;

/** What {@link BookLevels.set} did. */
export const LevelChange = {
  /** The level was not there and is not there. */
  None: 0,
  Added: 1,
  Changed: 2,
  Removed: 3,
  /** The side is full: the level was not added. */
  Refused: 4,
} as const;
export type LevelChange = (typeof LevelChange)[keyof typeof LevelChange];

/**
 * One side of a book: levels sorted in typed arrays, a column per field, with room at both ends. The best level is the
 * last one. To insert or remove a level moves those on its shorter side: an update near the best level moves few, and
 * a snapshot in order, best or worst level first, moves none.
 *
 * Beside its units, each level keeps the numbers of decimals that the venue wrote, so that the text can be had back.
 * Depths are counted from the best level, 0.
 */
export class BookLevels {
  readonly side: BookSide;
  readonly #capacity: number;
  /** Prices, negative for asks, so that both sides ascend to the best. */
  #keys = new Float64Array(FIRST_CAPACITY);
  #quantities = new Float64Array(FIRST_CAPACITY);
  /** Three numbers of decimals in 5 bits each: written of the price, written of the quantity, and {@link coarseness} of the quantity. */
  #written = new Uint16Array(FIRST_CAPACITY);
  /** Positions of the worst level, and behind the best one. */
  #from = FIRST_CAPACITY / 2;
  #to = FIRST_CAPACITY / 2;

  /** @param capacity most levels, at least 1 */
  constructor(side: BookSide, capacity: number) {
    this.side = side;
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#to - this.#from;
  }

  clear(): void {
    this.#from = this.#to = this.#keys.length / 2;
  }

  /** @param depth in [0, length) */
  price(depth: number): number {
    const key = this.#keys[this.#to - 1 - depth];
    return this.side === BookSide.Bid ? key : 0 - key;
  }

  /** In the units of the book; 0 if it needs 2^53 of them or more. */
  quantity(depth: number): number {
    return this.coarseness(depth) === 0 ? this.storedQuantity(depth) : 0;
  }

  /** The quantity exactly, in units that are larger by {@link coarseness} decimals. */
  storedQuantity(depth: number): number {
    return this.#quantities[this.#to - 1 - depth];
  }

  /** Not 0 only for a quantity that needs 2^53 units of the book or more. */
  coarseness(depth: number): number {
    return (this.#written[this.#to - 1 - depth] >>> 10) & 0x1f;
  }

  writtenPriceDecimals(depth: number): number {
    return this.#written[this.#to - 1 - depth] & 0x1f;
  }

  writtenQuantityDecimals(depth: number): number {
    return (this.#written[this.#to - 1 - depth] >>> 5) & 0x1f;
  }

  /** The depth of a price; -1 if there is no such level. */
  find(price: number): number {
    const key = this.#key(price);
    const at = this.#search(key);
    return at < this.#to && this.#keys[at] === key ? this.#to - 1 - at : -1;
  }

  /** Nearer to the other side. */
  isBetter(price: number, other: number): boolean {
    return this.#key(price) > this.#key(other);
  }

  /**
   * Sets the quantity at a price; 0 removes the level.
   * @param priceDecimals written, in [0, {@link MAX_DECIMALS}], as the other numbers of decimals
   * @param coarseness decimals by which the units of this quantity are larger than those of the book
   */
  set(price: number, quantity: number, priceDecimals: number, quantityDecimals: number, coarseness = 0): LevelChange {
    const key = this.#key(price);
    let at = this.#search(key);
    const found = at < this.#to && this.#keys[at] === key;
    if (quantity === 0) {
      if (!found) return LevelChange.None;
      this.#remove(at);
      return LevelChange.Removed;
    }
    if (!found) {
      if (this.length === this.#capacity) return LevelChange.Refused;
      at = this.#insert(at);
      this.#keys[at] = key;
    }
    this.#quantities[at] = quantity;
    this.#written[at] = priceDecimals | (quantityDecimals << 5) | (coarseness << 10);
    return found ? LevelChange.Changed : LevelChange.Added;
  }

  /** Removes the worst level. */
  dropWorst(): void {
    this.#from++;
  }

  /** The largest price in units; 0 when empty. */
  highestPrice(): number {
    return this.length === 0 ? 0 : this.price(this.side === BookSide.Bid ? 0 : this.length - 1);
  }

  /** The units became smaller by these decimals. All prices must stay below 2^53; a quantity that does not becomes coarser. */
  refine(priceDecimals: number, quantityDecimals: number): void {
    for (let i = this.#from; i < this.#to; i++) {
      this.#keys[i] *= POWERS[priceDecimals];
      const quantity = this.#quantities[i] * POWERS[quantityDecimals];
      if (this.#written[i] >>> 10 === 0 && quantity <= Number.MAX_SAFE_INTEGER) this.#quantities[i] = quantity;
      else this.#written[i] += quantityDecimals << 10;
    }
  }

  /** Removes the levels whose quantity needs 2^53 units of the book or more. @returns how many */
  dropCoarse(): number {
    const end = this.#to;
    this.#to = this.#from;
    for (let at = this.#from; at < end; at++) {
      if (this.#written[at] >>> 10 > 0) continue;
      if (at !== this.#to) this.#move(at, at + 1, this.#to);
      this.#to++;
    }
    return end - this.#to;
  }

  #key(price: number): number {
    return this.side === BookSide.Bid ? price : 0 - price;
  }

  /** The first position with a key of at least this one. */
  #search(key: number): number {
    const keys = this.#keys;
    let low = this.#from;
    let high = this.#to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes room for a level before a position. @returns the position of the room */
  #insert(at: number): number {
    const upwards = this.#to - at <= at - this.#from;
    if (upwards ? this.#to === this.#keys.length : this.#from === 0) {
      const before = this.#from;
      this.#makeRoom();
      return this.#insert(at + this.#from - before);
    }
    if (upwards) {
      this.#move(at, this.#to++, at + 1);
      return at;
    }
    this.#move(this.#from, at, --this.#from);
    return at - 1;
  }

  #remove(at: number): void {
    if (this.#to - at <= at - this.#from) this.#move(at + 1, this.#to--, at);
    else this.#move(this.#from, at, ++this.#from);
  }

  /** Moves levels to another position. */
  #move(from: number, to: number, target: number): void {
    this.#keys.copyWithin(target, from, to);
    this.#quantities.copyWithin(target, from, to);
    this.#written.copyWithin(target, from, to);
  }

  /** Puts the levels in the middle; of arrays twice as long, if more than three quarters of these are used. */
  #makeRoom(): void {
    const [keys, quantities, written, from, to] = [this.#keys, this.#quantities, this.#written, this.#from, this.#to];
    const isWide = to - from <= (keys.length / 4) * 3;
    const size = isWide ? keys.length : keys.length * 2;
    this.#from = Math.floor((size - (to - from)) / 2);
    this.#to = this.#from + to - from;
    if (isWide) {
      this.#move(from, to, this.#from);
      return;
    }
    this.#keys = new Float64Array(size);
    this.#quantities = new Float64Array(size);
    this.#written = new Uint16Array(size);
    this.#keys.set(keys.subarray(from, to), this.#from);
    this.#quantities.set(quantities.subarray(from, to), this.#from);
    this.#written.set(written.subarray(from, to), this.#from);
  }
}

/** Most levels of a side, where the venue sets no depth: Coinbase sends every level of a product. */
export const MAX_LEVELS = 65_536;

/** Orders far from the market make deep books: files of orders have them all. */
export const MAX_FILE_LEVELS = 2 ** 20;

/** The book of one instrument of one venue, in units of 10^-priceDecimals and 10^-quantityDecimals. */
export class VenueBook {
  readonly bids: BookLevels;
  readonly asks: BookLevels;
  /** The units: most decimals so far. */
  priceDecimals = 0;
  quantityDecimals = 0;

  /** @param capacity most levels of a side */
  constructor(capacity: number = MAX_LEVELS) {
    this.bids = new BookLevels(BookSide.Bid, capacity);
    this.asks = new BookLevels(BookSide.Ask, capacity);
  }

  side(side: BookSide): BookLevels {
    return side === BookSide.Bid ? this.bids : this.asks;
  }

  clear(): void {
    this.bids.clear();
    this.asks.clear();
  }

  /** The best bid is at or above the best ask. */
  get crossed(): boolean {
    return this.bids.length > 0 && this.asks.length > 0 && this.bids.price(0) >= this.asks.price(0);
  }

  /**
   * Makes the units small enough for numbers with these decimals. They never become larger.
   * @returns false if a price would need 2^53 units or more; nothing is changed then
   */
  grow(priceDecimals: number, quantityDecimals: number): boolean {
    if (!this.canGrow(priceDecimals, quantityDecimals)) return false;
    const price = Math.max(this.priceDecimals, priceDecimals);
    const quantity = Math.max(this.quantityDecimals, quantityDecimals);
    this.bids.refine(price - this.priceDecimals, quantity - this.quantityDecimals);
    this.asks.refine(price - this.priceDecimals, quantity - this.quantityDecimals);
    this.priceDecimals = price;
    this.quantityDecimals = quantity;
    return true;
  }
  /** Whether {@link grow} would succeed. */
  canGrow(priceDecimals: number, quantityDecimals: number): boolean {
    const price = Math.max(this.priceDecimals, priceDecimals);
    if (price > MAX_DECIMALS || quantityDecimals > MAX_DECIMALS) return false;
    const highest = Math.max(this.bids.highestPrice(), this.asks.highestPrice());
    return highest * POWERS[price - this.priceDecimals] <= Number.MAX_SAFE_INTEGER;
  }
}
