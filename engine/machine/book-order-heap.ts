import { Side } from '../wire/layout.ts';

/** Above the highest price of a ladder. */
const PRICES = 2 ** 27;

/**
 * Orders by symbol: those in the book before pending stops, then by side (buys
 * first), price (the best first; stops by stop price, the next to trigger first),
 * then order id. It is a binary heap: `add` takes constant time on average, and
 * `shift` logarithmic time, so that no single command sorts all orders of an
 * account. It owns its memory, 16 bytes per order.
 */
export class BookOrderHeap {
  readonly #places: Float64Array;
  readonly #ids: Float64Array;
  /** Orders in the heap. */
  count = 0;

  /** @param capacity orders that `add` can take */
  constructor(capacity: number) {
    this.#places = new Float64Array(capacity);
    this.#ids = new Float64Array(capacity);
  }

  /** Adds an order of a book. @param price in ticks, 1 to 2^26 */
  add(symbol: number, side: number, price: number, id: number): void {
    this.#add(symbol * 4 + side, side === Side.Buy ? PRICES - price : price, id);
  }

  /** The same for a pending stop. */
  addStop(symbol: number, side: number, stopPrice: number, id: number): void {
    this.#add(symbol * 4 + 2 + side, side === Side.Buy ? stopPrice : PRICES - stopPrice, id);
  }

  /** The same for an order that waits for an auction, and for a stop whose stop price moves: behind the stops of its side. */
  addWaiting(symbol: number, side: number, id: number): void {
    this.#add(symbol * 4 + 2 + side, PRICES - 1, id);
  }

  /** Id of the first order, 0 when there is none. */
  get first(): number {
    return this.count === 0 ? 0 : this.#ids[0];
  }

  /** Removes the first order. */
  shift(): void {
    const last = --this.count;
    this.#places[0] = this.#places[last];
    this.#ids[0] = this.#ids[last];
    this.#sink(0);
  }

  #add(queue: number, place: number, id: number): void {
    const places = this.#places;
    const ids = this.#ids;
    const its = queue * PRICES + place;
    let at = this.count++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (places[above] < its || (places[above] === its && ids[above] < id)) break;
      places[at] = places[above];
      ids[at] = ids[above];
      at = above;
    }
    places[at] = its;
    ids[at] = id;
  }

  #sink(from: number): void {
    const places = this.#places;
    const ids = this.#ids;
    const { count } = this;
    const place = places[from];
    const id = ids[from];
    let at = from;
    for (let child = 2 * at + 1; child < count; child = 2 * at + 1) {
      const other = child + 1;
      if (other < count && (places[other] < places[child] || (places[other] === places[child] && ids[other] < ids[child]))) child = other;
      if (place < places[child] || (place === places[child] && id < ids[child])) break;
      places[at] = places[child];
      ids[at] = ids[child];
      at = child;
    }
    places[at] = place;
    ids[at] = id;
  }
}
