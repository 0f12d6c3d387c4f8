import type { OrderSlab } from '../book/order-slab.ts';

const NIL = -1;
const EMPTY = 0;
const FIRST_TABLE = 64;

/**
 * The live sides of quotes: at most one bid and one ask for each account and
 * symbol. A hash table of slots with open addressing; the keys are in the orders' records, so a side
 * costs four to eight bytes beside its record. Owned by the engine thread.
 */
export class LiveQuotes {
  /** Sides of quotes that rest. */
  count = 0;
  readonly #slab: OrderSlab;
  /** Slot + 1; 0 = empty. At most half of it is in use. */
  #table = new Int32Array(FIRST_TABLE);
  /** Of each account: its first side, and how many it has. By slot: the neighbours in the account's list. The system gives them memory where they are used. */
  readonly #first = new Map<number, number>();
  readonly #counts = new Map<number, number>();
  #next = new Int32Array(0);
  #previous = new Int32Array(0);

  constructor(slab: OrderSlab) {
    this.#slab = slab;
  }

  /** Slot of the account's bid or ask in a symbol, -1 if there is none. */
  find(account: number, symbol: number, side: number): number {
    const slab = this.#slab;
    const table = this.#table;
    const mask = table.length - 1;
    for (let at = hash(account, symbol, side) & mask; table[at] !== EMPTY; at = (at + 1) & mask) {
      const slot = table[at] - 1;
      if (slab.account(slot) === account && slab.symbol(slot) === symbol && slab.side(slot) === side) return slot;
    }
    return NIL;
  }

  /** Slots of the account's live sides. Cold: allocates. */
  ofAccount(account: number): number[] {
    const slots: number[] = [];
    for (let slot = this.#first.get(account) ?? NIL; slot !== NIL; slot = this.#next[slot]) slots.push(slot);
    return slots;
  }

  /** Number of the account's live sides. */
  countOf(account: number): number {
    return this.#counts.get(account) ?? 0;
  }

  /** Adds the order in `slot`. There must be none of its account, symbol and side. */
  add(slot: number): void {
    if (++this.count * 2 > this.#table.length) this.#grow();
    this.#insert(slot);
    this.#link(slot);
  }

  /** Removes the order in `slot`, whose record must be as it was when it was added. */
  remove(slot: number): void {
    this.#unlink(slot);
    const table = this.#table;
    const mask = table.length - 1;
    let free = this.#home(slot);
    while (table[free] !== slot + 1) free = (free + 1) & mask;
    table[free] = EMPTY;
    this.count--;
    // What stands behind it moves up, unless it would come before its home.
    for (let at = (free + 1) & mask; table[at] !== EMPTY; at = (at + 1) & mask) {
      if (((at - this.#home(table[at] - 1)) & mask) < ((at - free) & mask)) continue;
      table[free] = table[at];
      table[at] = EMPTY;
      free = at;
    }
  }

  #link(slot: number): void {
    const { capacity } = this.#slab;
    if (this.#next.length === 0) {
      this.#next = new Int32Array(capacity);
      this.#previous = new Int32Array(capacity);
    }
    const account = this.#slab.account(slot);
    const first = this.#first.get(account) ?? NIL;
    this.#next[slot] = first;
    this.#previous[slot] = NIL;
    if (first !== NIL) this.#previous[first] = slot;
    this.#first.set(account, slot);
    this.#counts.set(account, this.countOf(account) + 1);
  }

  #unlink(slot: number): void {
    const account = this.#slab.account(slot);
    const [next, previous] = [this.#next[slot], this.#previous[slot]];
    if (next !== NIL) this.#previous[next] = previous;
    if (previous !== NIL) this.#next[previous] = next;
    else this.#first.set(account, next);
    this.#counts.set(account, this.countOf(account) - 1);
  }

  #home(slot: number): number {
    const slab = this.#slab;
    return hash(slab.account(slot), slab.symbol(slot), slab.side(slot)) & (this.#table.length - 1);
  }

  #insert(slot: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let at = this.#home(slot);
    while (table[at] !== EMPTY) at = (at + 1) & mask;
    table[at] = slot + 1;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(old.length * 2);
    for (const entry of old) if (entry !== EMPTY) this.#insert(entry - 1);
  }
}

function hash(account: number, symbol: number, side: number): number {
  const mixed = Math.imul(account, 0x9e3779b1) ^ Math.imul(symbol * 2 + side, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
