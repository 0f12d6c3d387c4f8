import type { OrderSlab } from '../book/order-slab.ts';
import type { StopBook } from '../book/stop-book.ts';
import type { TrailGroups } from '../book/trail-groups.ts';
import type { PriceTicks } from '../units.ts';

/**
 * Children that are trailing stops, from the time at which they become live until they trail: until the trailing stops of their side may follow, at the end of the
 * command at the earliest. So no price from before that time moves them. Each is a group of its own, which has the price at which it became live as its extreme; one that
 * waits for its activation price is in none, and has it in `next`. Owned by the engine thread.
 */
export class TrailBegins {
  /** Symbols that have some, ascending. */
  readonly symbols: number[] = [];
  readonly #slab: OrderSlab;
  readonly #groups: TrailGroups;
  readonly #stopPrice: (slot: number) => PriceTicks;
  /** By slot. It takes memory with the first one. */
  #is = new Uint8Array(0);

  /** @param stopPrice the present stop price of the pending stop in a slot */
  constructor(slab: OrderSlab, groups: TrailGroups, stopPrice: (slot: number) => PriceTicks) {
    this.#slab = slab;
    this.#groups = groups;
    this.#stopPrice = stopPrice;
  }

  has(slot: number): boolean {
    return this.#is.length !== 0 && this.#is[slot] !== 0;
  }

  /** Adds a pending stop. @param extreme price at which it became live, ticks; 0 = it waits for its activation price */
  add(book: StopBook, slot: number, extreme: PriceTicks): void {
    if (this.#is.length === 0) this.#is = new Uint8Array(this.#slab.capacity);
    this.#is[slot] = 1;
    if (extreme !== 0) {
      this.#groups.join(slot, this.#groups.create(extreme));
      this.#slab.setNext(slot, this.#stopPrice(slot));
    }
    book.begins[this.#slab.side(slot)].add(slot);
    const symbol = this.#slab.symbol(slot);
    if (this.symbols.includes(symbol)) return;
    const at = this.symbols.findIndex((other) => other > symbol);
    this.symbols.splice(at === -1 ? this.symbols.length : at, 0, symbol);
  }

  remove(book: StopBook, slot: number): void {
    this.#is[slot] = 0;
    book.begins[this.#slab.side(slot)].remove(slot);
    if (this.#groups.group[slot] !== 0) {
      const group = this.#groups.find(slot);
      this.#groups.leave(slot);
      this.#groups.drop(group);
    }
    if (book.begins[0].count + book.begins[1].count > 0) return;
    this.symbols.splice(this.symbols.indexOf(this.#slab.symbol(slot)), 1);
  }
}
