import type { OrderSlab } from '../book/order-slab.ts';
import { Side } from '../wire/layout.ts';
import type { Accounts } from './accounts.ts';
import { buyReserve } from './fees.ts';
import type { Symbols } from './symbols.ts';

const { Buy } = Side;

/**
 * The money that resting orders hold back: a buy its cost at the limit price
 * and the highest fee, a sell its lots. Kept by slot, because each amount takes
 * divisions to work out. Owned by the engine thread.
 */
export class Reservations {
  readonly #held: Float64Array;
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;
  readonly #slab: OrderSlab;

  constructor(accounts: Accounts, symbols: Symbols, slab: OrderSlab) {
    this.#held = new Float64Array(slab.capacity);
    this.#accounts = accounts;
    this.#symbols = symbols;
    this.#slab = slab;
  }

  /** What the resting order in `slot` holds back. */
  held(slot: number): number {
    return this.#held[slot];
  }

  /** What the order in `slot` would hold back with `open` lots open. */
  amountOf(slot: number, open: number): number {
    const slab = this.#slab;
    const symbols = this.#symbols;
    const symbol = slab.symbol[slot];
    if (slab.side[slot] !== Buy) return open * symbols.basePerLot[symbol];
    return buyReserve(slab.price[slot] * open * symbols.quotePerTickLot[symbol], symbols.reserveFeePpm[symbol]);
  }

  /** Holds `amount` back for an order that comes to rest. */
  hold(slot: number, amount: number): void {
    const at = this.#balanceAt(slot);
    this.#held[slot] = amount;
    this.#accounts.available[at] -= amount;
    this.#accounts.reserved[at] += amount;
  }

  /** Gives back all that the order in `slot` holds. */
  release(slot: number): void {
    const at = this.#balanceAt(slot);
    const amount = this.#held[slot];
    this.#accounts.available[at] += amount;
    this.#accounts.reserved[at] -= amount;
  }

  /** Notes what an order holds back that was loaded together with its account's balances. */
  noteLoaded(slot: number): void {
    this.#held[slot] = this.amountOf(slot, this.#slab.open[slot]);
  }

  /** Pays a fill of a resting order out of what it holds; called before its `open` falls by `quantity`. */
  settle(slot: number, cost: number, fee: number, quantity: number): void {
    const slab = this.#slab;
    const accounts = this.#accounts;
    const symbols = this.#symbols;
    const symbol = slab.symbol[slot];
    const at = slab.account[slot] * accounts.assets;
    const base = at + symbols.baseAsset[symbol];
    const quote = at + symbols.quoteAsset[symbol];
    const lots = quantity * symbols.basePerLot[symbol];
    if (slab.side[slot] === Buy) {
      const open = slab.open[slot];
      const held = open === quantity ? 0 : this.amountOf(slot, open - quantity);
      const freed = this.#held[slot] - held;
      this.#held[slot] = held;
      accounts.reserved[quote] -= freed;
      accounts.available[quote] += freed - cost - fee;
      accounts.available[base] += lots;
    } else {
      this.#held[slot] -= lots;
      accounts.reserved[base] -= lots;
      accounts.available[quote] += cost - fee;
    }
  }

  #balanceAt(slot: number): number {
    const slab = this.#slab;
    const symbol = slab.symbol[slot];
    const asset = slab.side[slot] === Buy ? this.#symbols.quoteAsset[symbol] : this.#symbols.baseAsset[symbol];
    return slab.account[slot] * this.#accounts.assets + asset;
  }
}
