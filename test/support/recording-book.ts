import { auditBooks } from '../../engine/book/book-audit.ts';
import { type BookListener, OrderBook } from '../../engine/book/order-book.ts';
import { OrderSlab } from '../../engine/book/order-slab.ts';
import { LevelPages } from '../../engine/book/price-ladder.ts';

/** A production book with its own slab; records the events of the book, and owns slots like the exchange. */
export class RecordingBook implements BookListener {
  readonly slab: OrderSlab;
  readonly pages: LevelPages;
  readonly book: OrderBook;
  /** `[maker, taker, price, quantity]`, in an auction `[buy, sell, price, quantity]`. */
  trades: [number, number, number, number][] = [];
  #taker = 0;

  constructor({ orders = 64, pages = 64, maxPrice = 1000 } = {}) {
    this.slab = new OrderSlab(orders);
    this.pages = new LevelPages(pages);
    this.book = new OrderBook(1, this.slab, this.pages, maxPrice, this);
  }

  /** A limit order: trades unless `collect`, then rests unless `ioc`. Returns the quantity that neither traded nor rests. */
  enter(id: number, side: 0 | 1, price: number, quantity: number, { ioc = false, collect = false } = {}): number {
    this.#taker = id;
    const left = collect ? quantity : this.book.match(side, price, quantity);
    if (left === 0 || ioc) return left;
    const slot = this.slab.acquire(id);
    if (slot === -1) return left;
    this.slab.setTerms(slot, 0, 1, side, 0);
    this.slab.setPrice(slot, price);
    this.slab.setOpen(slot, left);
    if (this.book.rest(slot)) return 0;
    this.slab.release(slot);
    return left;
  }

  cancel(id: number): boolean {
    const slot = this.slab.find(id);
    if (slot === -1) return false;
    this.book.remove(slot);
    this.slab.release(slot);
    return true;
  }

  reduce(id: number, open: number): void {
    this.book.reduce(this.slab.find(id), open);
  }

  /** `id@price x open`, best first, then oldest first. */
  queue(side: 0 | 1): string[] {
    const lines: string[] = [];
    const { slab } = this;
    this.book.ordersInPriority(side, (slot) => lines.push(`${slab.id[slot]}@${slab.price(slot)} x ${slab.open(slot)}`));
    return lines;
  }

  audit(mayCross = false): void {
    auditBooks(this.slab, this.pages, [this.book], () => mayCross);
  }

  onTrade(_book: OrderBook, maker: number, price: number, quantity: number): void {
    this.trades.push([this.slab.id[maker], this.#taker, price, quantity]);
  }

  onMakerGone(_book: OrderBook, maker: number): void {
    this.slab.release(maker);
  }

  onAuctionTrade(_book: OrderBook, buy: number, sell: number, price: number, quantity: number): void {
    this.trades.push([this.slab.id[buy], this.slab.id[sell], price, quantity]);
  }
}
