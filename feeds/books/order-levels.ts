import { assert } from '../../engine/assert.ts';
import { getI64Even, LIMIT_53, putI64, putU53Even } from '../../engine/units.ts';
import { BookSide, type FeedSink } from '../feed.ts';
import { endBook } from './end-book.ts';
import { KeyedRecords, RECORD_WORDS } from './keyed-records.ts';
import { LevelChange, MAX_FILE_LEVELS, VenueBook } from './venue-book.ts';

/**
 * Words of an order: its id and instrument are the key.
 *
 *   │ id low │ id high │ instrument │ - │ price (64), of an ask -1 - price │ quantity (64) │
 */
const PRICE = 4;
const QUANTITY = 6;

const MAX_ORDERS = 2 ** 25;

/** How an {@link OrderLevels.add} ended. */
export const AddedOrder = {
  Done: 0,
  /** The instrument has an order of this id. */
  Duplicate: 1,
  /** The level's quantity would be 2^53 or more. */
  TooLarge: 2,
  /** There are as many orders or levels as there may be. */
  Full: 3,
} as const;
export type AddedOrder = (typeof AddedOrder)[keyof typeof AddedOrder];

/**
 * Books by order, of many instruments: from orders with ids to sorted levels. Every change writes
 * the new quantity of its level to the sink; {@link end} ends the update. The caller has stated the scale.
 *
 * Ids are 64-bit, as two 32-bit words, and belong to an instrument. Orders are addressed by a handle, which is
 * valid until the order is removed. Prices and quantities are integers in [0, 2^53), quantities above 0.
 * No call allocates, except for the first order of an instrument and when a table doubles.
 */
export class OrderLevels {
  readonly #sink: FeedSink;
  readonly #orders = new KeyedRecords(MAX_ORDERS);
  /** By instrument. */
  readonly #books: VenueBook[] = [];

  constructor(sink: FeedSink) {
    this.#sink = sink;
  }

  /** Orders of all instruments. */
  get orders(): number {
    return this.#orders.count;
  }

  /** The levels of an instrument; only to be read. */
  book(instrument: number): VenueBook {
    while (this.#books.length <= instrument) this.#books.push(new VenueBook(MAX_FILE_LEVELS));
    return this.#books[instrument];
  }

  /** @returns the handle of an order, or -1 */
  find(instrument: number, idHigh: number, idLow: number): number {
    return this.#orders.find(idLow | 0, idHigh | 0, instrument);
  }

  add(instrument: number, idHigh: number, idLow: number, side: BookSide, price: number, quantity: number): AddedOrder {
    assert(price >= 0 && price < LIMIT_53 && quantity > 0 && quantity < LIMIT_53, 'order levels: price and quantity are in range');
    if (this.find(instrument, idHigh, idLow) !== -1) return AddedOrder.Duplicate;
    const levels = this.book(instrument).side(side);
    const depth = levels.find(price);
    const total = depth === -1 ? quantity : levels.quantity(depth) + quantity;
    if (total >= LIMIT_53) return AddedOrder.TooLarge;
    const order = this.#orders.insert(idLow | 0, idHigh | 0, instrument);
    if (order === -1) return AddedOrder.Full;
    if (levels.set(price, total, 0, 0) === LevelChange.Refused) {
      this.#orders.remove(order);
      return AddedOrder.Full;
    }
    const { words } = this.#orders;
    putI64(words, order * RECORD_WORDS + PRICE, side === BookSide.Bid ? price : -1 - price);
    putU53Even(words, order * RECORD_WORDS + QUANTITY, quantity);
    this.#sink.level(instrument, side, price, total);
    return AddedOrder.Done;
  }

  /** Takes quantity from an order, and the order with it when none remains. @param quantity above 0; more than the order has counts as all */
  reduce(order: number, quantity: number): void {
    const { words } = this.#orders;
    const at = order * RECORD_WORDS + QUANTITY;
    const had = getI64Even(words, at);
    if (quantity >= had) return this.remove(order);
    putU53Even(words, at, had - quantity);
    this.#take(words[order * RECORD_WORDS + 2], this.sideOf(order), this.priceOf(order), quantity);
  }

  remove(order: number): void {
    const instrument = this.#orders.words[order * RECORD_WORDS + 2];
    const side = this.sideOf(order);
    const price = this.priceOf(order);
    const quantity = this.quantityOf(order);
    this.#orders.remove(order);
    this.#take(instrument, side, price, quantity);
  }

  /** Removes all orders of an instrument, and clears its book in the sink. Walks the orders of all instruments. */
  clear(instrument: number): void {
    const { words, end } = this.#orders;
    for (let order = 0; order < end; order++) {
      if (words[order * RECORD_WORDS + 2] === instrument && this.#orders.has(order)) this.#orders.remove(order);
    }
    this.book(instrument).clear();
    this.#sink.bookClear(instrument);
  }

  /** The changes of one update are written. */
  end(instrument: number, venueTimeUs: number): void {
    endBook(this.#sink, instrument, venueTimeUs, this.book(instrument));
  }

  quantityOf(order: number): number {
    return getI64Even(this.#orders.words, order * RECORD_WORDS + QUANTITY);
  }

  priceOf(order: number): number {
    const price = getI64Even(this.#orders.words, order * RECORD_WORDS + PRICE);
    return price < 0 ? -1 - price : price;
  }

  sideOf(order: number): BookSide {
    return this.#orders.words[order * RECORD_WORDS + PRICE + 1] < 0 ? BookSide.Ask : BookSide.Bid;
  }

  #take(instrument: number, side: BookSide, price: number, quantity: number): void {
    const levels = this.#books[instrument].side(side);
    const left = levels.quantity(levels.find(price)) - quantity;
    assert(left >= 0, 'order levels: a level has what its orders have');
    levels.set(price, left, 0, 0);
    this.#sink.level(instrument, side, price, left);
  }
}
