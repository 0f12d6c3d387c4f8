import { Bench } from 'tinybench';
import { assert, fail } from '../../engine/assert.ts';
import { type BookListener, OrderBook } from '../../engine/book/order-book.ts';
import { OrderSlab } from '../../engine/book/order-slab.ts';
import { LevelPages } from '../../engine/book/price-ladder.ts';

/** Orders in the book at an uncross; half of them on each side, spread over prices around the middle. */
export const AUCTION_ORDERS = 1000;
const MAX_PRICE = 2 ** 14;
const MID = MAX_PRICE / 2;
const SPREAD = 100;

/** A production book that collects orders and uncrosses them. */
class Auction implements BookListener {
  readonly #slab = new OrderSlab(2 * AUCTION_ORDERS);
  readonly #book = new OrderBook(1, this.#slab, new LevelPages(2 * (MAX_PRICE / 64)), MAX_PRICE, this);
  #lots = 0;
  #volume = 0;

  collect(): void {
    const slab = this.#slab;
    for (let id = 1; id <= AUCTION_ORDERS; id++) {
      const slot = slab.acquire(id);
      slab.setTerms(slot, 0, 1, id & 1, 0);
      // 37 and the spread have no common factor, so that each price gets an equal share.
      slab.setPrice(slot, MID - SPREAD / 2 + ((id * 37) % SPREAD));
      slab.setOpen(slot, 1 + (id % 20));
      assert(this.#book.rest(slot), 'auction: a page for every price');
    }
    this.#lots = 0;
  }

  uncross(): void {
    this.#book.uncross(MID);
  }

  /** @throws InvariantError when the traded volume differs from the indicated one or from the last one, or the book is crossed */
  clear(): void {
    const { indicativeVolume } = this.#book;
    assert(this.#lots > 0 && this.#lots === indicativeVolume, `auction: ${this.#lots} lots traded, ${indicativeVolume} indicated`);
    assert(this.#volume === 0 || this.#volume === this.#lots, 'auction: the same orders, a different volume');
    assert(this.#book.bestBid() < this.#book.bestAsk(), 'auction: crossed afterwards');
    this.#volume = this.#lots;
    for (let slot = 0; slot < this.#slab.capacity; slot++) {
      if (this.#slab.level(slot) === -1) continue;
      this.#book.remove(slot);
      this.#slab.release(slot);
    }
  }

  onAuctionTrade(_book: OrderBook, _buy: number, _sell: number, _price: number, quantity: number): void {
    this.#lots += quantity;
  }

  onMakerGone(_book: OrderBook, maker: number): void {
    this.#slab.release(maker);
  }

  onTrade(): void {
    fail('auction: an order traded while the auction collects orders');
  }
}

/** Mean microseconds of one uncross, the search for its price included, for each of `windows`. */
export function runAuction(windows: number, windowMs: number): number[] {
  const auction = new Auction();
  const run = (): number => {
    globalThis.gc?.();
    const bench = new Bench({ time: windowMs, iterations: 1, warmup: false, throws: true });
    bench.add('auction', () => auction.uncross(), {
      async: false,
      beforeEach: () => auction.collect(),
      afterEach: () => auction.clear(),
    });
    const { result } = bench.runSync()[0];
    assert(result.state === 'completed', `auction: ${result.state}`);
    return result.latency.mean * 1000;
  };
  run();
  return Array.from({ length: windows }, run);
}
