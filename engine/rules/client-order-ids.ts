import type { Allocate } from '../allocate.ts';
import { assert, fail } from '../assert.ts';
import { ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, type OrderSlab, OrderWord } from '../book/order-slab.ts';
import { RULES } from '../limits.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';

const TWO_M32 = 2 ** -32;
// Module constants: V8 folds them, but loads an imported constant each time.
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { open: OPEN, filled: FILLED, clientOrderId: CLIENT_ORDER_ID } = OrderDouble;
const { terms: TERMS } = OrderWord;

/**
 * Maps an account's client order id to its order, so that a repeated id is
 * answered again and does not trade twice.
 *
 * A resting order is found by its slab slot. Finished and rejected orders are
 * remembered in a window of fixed size, first in, first out. An id that leaves
 * the window raises the account's `forgottenId`. A later id at or below that
 * mark could be a repeat, so the exchange rejects it. Clients with increasing
 * ids never receive that rejection.
 *
 * The table uses open addressing and holds references: 0 = empty, slot + 1, or
 * -(window index + 1). Eight neighbouring ids share a run of the table, so that
 * clients with sequential ids stay within a cache line. A random seed of the
 * process scatters the runs, so that clients cannot choose ids that collide.
 * The seed is not state: it affects positions only, never results.
 */
export class ClientOrderIds implements StatePart {
  readonly kinds = [RowKind.Remembered];
  readonly account: Uint32Array;
  readonly clientOrderId: Float64Array;
  readonly orderId: Float64Array;
  readonly price: Float64Array;
  readonly quantity: Float64Array;
  readonly symbol: Uint32Array;
  readonly code: Uint16Array;
  readonly side: Uint8Array;
  readonly timeInForce: Uint8Array;
  /** Rules in force; see MachineState.setRules. */
  rules: number = RULES;
  readonly #table: Int32Array;
  readonly #mask: number;
  readonly #seed: number;
  readonly #slab: OrderSlab;
  readonly #forgotten: Float64Array;
  readonly #room: number;
  /** Number of entries to remember, at most the allocated number. */
  #window: number;
  /** Next index to write; the `#filled` indices before it hold entries. */
  #next = 0;
  #filled = 0;

  /** @param room number of entries to allocate @param forgottenId the accounts' column of that name @param seed any 32-bit integer */
  constructor(slab: OrderSlab, room: number, forgottenId: Float64Array, seed: number, allocate: Allocate) {
    this.#room = room;
    this.#window = room;
    this.account = new Uint32Array(allocate(room * 4));
    this.clientOrderId = new Float64Array(allocate(room * 8));
    this.orderId = new Float64Array(allocate(room * 8));
    this.price = new Float64Array(allocate(room * 8));
    this.quantity = new Float64Array(allocate(room * 8));
    this.symbol = new Uint32Array(allocate(room * 4));
    this.code = new Uint16Array(allocate(room * 2));
    this.side = new Uint8Array(allocate(room));
    this.timeInForce = new Uint8Array(allocate(room));
    let size = 1024;
    while (size < (slab.capacity + room) * 1.5) size *= 2;
    this.#table = new Int32Array(allocate(size * 4));
    this.#mask = size - 1;
    this.#seed = seed | 0;
    this.#slab = slab;
    this.#forgotten = forgottenId;
  }

  /** Sets the number of finished orders to remember. It never decreases. */
  setWindow(window: number): void {
    this.#window = window;
  }

  /** Slot + 1 of a resting order, -(index + 1) of a remembered one, or 0. */
  find(account: number, clientOrderId: number): number {
    return this.#table[this.#probe(account, clientOrderId)];
  }

  /** Adds a resting order, whose id must not be in the table. */
  addResting(slot: number): void {
    const at = this.#probe(this.#slab.account(slot), this.#slab.clientOrderId(slot));
    assert(this.#table[at] === 0, 'client order id of a new order is new');
    this.#table[at] = slot + 1;
  }

  /** Remembers an order that does not rest (any more), or a rejection (`orderId` 0). */
  remember(
    account: number,
    clientOrderId: number,
    orderId: number,
    code: number,
    symbol: number,
    side: number,
    timeInForce: number,
    price: number,
    quantity: number,
  ): void {
    if (this.#filled >= this.#window) this.#forgetOldest();
    const index = this.#next;
    this.#next = index + 1 === this.#room ? 0 : index + 1;
    this.#filled++;
    this.account[index] = account;
    this.clientOrderId[index] = clientOrderId;
    this.orderId[index] = orderId;
    this.code[index] = code;
    this.symbol[index] = symbol;
    this.side[index] = side;
    this.timeInForce[index] = timeInForce;
    this.price[index] = price;
    this.quantity[index] = quantity;
    this.#table[this.#probe(account, clientOrderId)] = -(index + 1);
  }

  /** Remembers the order in `slot`, which rested until now. Same as `remember`, without a call that boxes its doubles. */
  rememberResting(slot: number): void {
    if (this.#filled >= this.#window) this.#forgetOldest();
    const index = this.#next;
    this.#next = index + 1 === this.#room ? 0 : index + 1;
    this.#filled++;
    const slab = this.#slab;
    const { doubles } = slab;
    const order = slot << TO_DOUBLES;
    const account = slab.account(slot);
    const clientOrderId = doubles[order + CLIENT_ORDER_ID];
    const terms = slab.words[(slot << TO_WORDS) + TERMS];
    this.account[index] = account;
    this.clientOrderId[index] = clientOrderId;
    this.orderId[index] = slab.id[slot];
    this.code[index] = 0;
    this.symbol[index] = terms & 0xffff;
    this.side[index] = terms >>> 16;
    this.timeInForce[index] = terms >>> 24;
    this.price[index] = doubles[order];
    this.quantity[index] = doubles[order + FILLED] + doubles[order + OPEN];
    this.#table[this.#probe(account, clientOrderId)] = -(index + 1);
  }

  /** Remembered entries, oldest first. Cold. */
  *remembered(): Generator<number> {
    for (let i = this.#filled; i > 0; i--) yield (this.#next - i + this.#room) % this.#room;
  }

  save(out: RowWriter): void {
    for (const i of this.remembered()) {
      out.row(
        RowKind.Remembered,
        this.account[i],
        this.clientOrderId[i],
        this.orderId[i],
        this.code[i],
        this.symbol[i],
        this.side[i],
        this.timeInForce[i],
        this.price[i],
        this.quantity[i],
      );
    }
  }

  load(r: Float64Array, at: number): void {
    if (this.#filled >= this.#window) fail(`the snapshot remembers more finished orders than limits.rememberedOrders = ${this.#window}`);
    this.remember(r[at + 1], r[at + 2], r[at + 3], r[at + 4], r[at + 5], r[at + 6], r[at + 7], r[at + 8], r[at + 9]);
  }

  #forgetOldest(): void {
    const index = this.#next >= this.#filled ? this.#next - this.#filled : this.#next - this.#filled + this.#room;
    this.#filled--;
    const account = this.account[index];
    const clientOrderId = this.clientOrderId[index];
    if (clientOrderId > this.#forgotten[account]) this.#forgotten[account] = clientOrderId;
    this.#delete(this.#probe(account, clientOrderId));
  }

  #home(account: number, clientOrderId: number): number {
    const low = clientOrderId | 0;
    let hash =
      Math.imul((low >>> 3) ^ this.#seed, 0x9e3779b1) ^
      Math.imul((clientOrderId * TWO_M32) | 0, 0x85ebca6b) ^
      Math.imul(account, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 13;
    return ((hash << 3) | (low & 7)) & this.#mask;
  }

  /** Position of the id, or the empty position where it belongs. The table is never full. */
  #probe(account: number, clientOrderId: number): number {
    let at = this.#home(account, clientOrderId);
    for (;;) {
      const ref = this.#table[at];
      if (ref === 0) return at;
      if (ref > 0) {
        if (this.#slab.clientOrderId(ref - 1) === clientOrderId && this.#slab.account(ref - 1) === account) return at;
      } else if (this.clientOrderId[-ref - 1] === clientOrderId && this.account[-ref - 1] === account) return at;
      at = (at + 1) & this.#mask;
    }
  }

  /** Empties a position and moves back the entries that were displaced by it, so that no tombstones remain. */
  #delete(at: number): void {
    const mask = this.#mask;
    let hole = at;
    let next = at;
    for (;;) {
      next = (next + 1) & mask;
      const ref = this.#table[next];
      if (ref === 0) break;
      const home =
        ref > 0
          ? this.#home(this.#slab.account(ref - 1), this.#slab.clientOrderId(ref - 1))
          : this.#home(this.account[-ref - 1], this.clientOrderId[-ref - 1]);
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        this.#table[hole] = ref;
        hole = next;
      }
    }
    this.#table[hole] = 0;
  }
}
