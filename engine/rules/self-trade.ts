import type { OrderBook } from '../book/order-book.ts';
import type { OrderSlab } from '../book/order-slab.ts';
import type { PriceTicks, QtyLots } from '../units.ts';
import { SelfTradeMode, Side } from '../wire/layout.ts';
import type { Accounts } from './accounts.ts';
import type { LiveQuotes } from './live-quotes.ts';
import type { Protections } from './protections.ts';

const NIL = -1;
/** Orders of its owner that one order with prevention passes or cancels at most. What is left of it is cancelled then, so that an account delays the others by at most about a millisecond. */
export const MOST_OWN_ORDERS = 256;
/** Resting orders that it meets at most, of any owner. */
export const MOST_ORDERS_MET = 4096;
const { None: NONE, CancelNewest: CANCEL_NEWEST, CancelBoth: CANCEL_BOTH, CancelOldest: CANCEL_OLDEST } = SelfTradeMode;

/**
 * Self-trade prevention of the incoming order: with which resting orders it must
 * not trade, and what it would trade with the others. The mode is that of the
 * incoming order, or of its account. Two orders are of one owner if their
 * accounts are the same, or of the same group. Owned by the engine thread.
 */
export class SelfTrade {
  /** The incoming order's mode. Above None: prevention is on. */
  mode = 0;
  /** Results of `sweep`: lots, and the sum of price x lots. */
  sweptQuantity: QtyLots = 0;
  sweptNotional = 0;
  #account = 0;
  readonly #slab: OrderSlab;
  readonly #accounts: Accounts;
  readonly #modes: Uint8Array;

  readonly #protections: Protections;
  readonly #quotes: LiveQuotes;

  constructor(slab: OrderSlab, accounts: Accounts, protections: Protections, quotes: LiveQuotes) {
    this.#protections = protections;
    this.#quotes = quotes;
    this.#slab = slab;
    this.#accounts = accounts;
    this.#modes = accounts.selfTradeMode;
  }

  /** Sets the incoming order. @param mode of the order; AccountDefault: the account's */
  begin(account: number, mode: number): void {
    this.mode = mode === 0 ? this.#modes[account] : mode;
    this.#account = account;
  }

  /** Whether the resting order in `slot` is of the incoming order's owner. */
  isOwn(slot: number): boolean {
    const account = this.#slab.account(slot);
    const { group } = this.#accounts;
    return account === this.#account || (group[account] !== 0 && group[account] === group[this.#account]);
  }

  /** As the book's `sweep`, without what prevention keeps from trading and without quotes that protections cancel on the way. Visits the orders one by one. */
  sweep(book: OrderBook, side: number, limit: PriceTicks, quantity: QtyLots, mostNotional = Number.POSITIVE_INFINITY): void {
    const slab = this.#slab;
    const { mode } = this;
    const protections = this.#protections;
    const prevents = mode > NONE;
    const other = side === Side.Buy ? Side.Sell : Side.Buy;
    if (book.guards !== 0) protections.beginTrial();
    let left = quantity;
    let traded = 0;
    let notional = 0;
    let met = 0;
    let own = 0;
    for (let slot = book.first(other); slot !== NIL && left > 0; slot = book.following(slot)) {
      const price = slab.price(slot);
      if ((side === Side.Buy ? price > limit : price < limit) || notional > mostNotional) break;
      const quoter = book.guards === 0 ? 0 : protections.quoterOf(slot);
      if (quoter !== 0 && protections.isPulled(quoter)) continue;
      if (prevents) met++;
      if (met > MOST_ORDERS_MET) break;
      const lots = Math.min(left, slab.open(slot));
      if (!prevents || !this.isOwn(slot)) {
        traded += lots;
        notional += lots * price;
        if (quoter !== 0 && protections.tryFill(quoter, other, lots, lots === slab.open(slot)))
          met += this.#quotes.countOf(quoter) - protections.goneInTrial(quoter);
      } else if (mode === CANCEL_NEWEST || mode === CANCEL_BOTH || ++own > MOST_OWN_ORDERS) break;
      else if (mode === CANCEL_OLDEST) continue;
      left -= lots;
    }
    this.sweptQuantity = traded;
    this.sweptNotional = notional;
  }
}
