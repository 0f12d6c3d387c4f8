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
/** Resting orders that it meets at most, of any owner, and parts of icebergs; as many as parts that a command uses up without prevention. Also the quotes that an order makes protections cancel before its rest ends. */
export const MOST_ORDERS_MET = 1024;
/** The same before rules 7. */
const MOST_BEFORE = 4096;
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
  /** See MOST_ORDERS_MET; tests lower it. */
  mostMet: number = MOST_ORDERS_MET;
  /** Results of `sweep`: lots, and the sum of price x lots. */
  sweptQuantity: QtyLots = 0;
  sweptNotional = 0;
  #account = 0;
  /** Of a sweep: what icebergs have behind a displayed part, and how much of it they display at a time. */
  #partsMet = 0;
  readonly #reserves = new Float64Array(MOST_BEFORE);
  readonly #displays = new Float64Array(MOST_BEFORE);
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

  /** Puts rules in force. */
  setRules(rules: number): void {
    this.mostMet = rules < 7 ? MOST_BEFORE : MOST_ORDERS_MET;
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

  /** The lots that an order with prevention, with `left` lots, trades with the further parts of a level; and how many of them it meets. */
  #tradeParts(count: number, left: QtyLots, met: number): QtyLots {
    let parts = count;
    let traded = 0;
    let at = 0;
    for (; at < parts && traded < left && met + at < this.mostMet; at++) {
      const reserve = this.#reserves[at];
      const display = this.#displays[at];
      traded += Math.min(left - traded, display, reserve);
      if (reserve > display) this.#addParts(parts++, reserve - display, display);
    }
    this.#partsMet = at;
    return traded;
  }

  #addParts(at: number, reserve: QtyLots, display: QtyLots): void {
    this.#reserves[at] = reserve;
    this.#displays[at] = display;
  }

  /**
   * As the book's `sweep`, without what prevention keeps from trading and without quotes that protections cancel on the way. Visits the orders one by
   * one, and of an order with prevention each further part of an iceberg, in the sequence of the match.
   */
  sweep(book: OrderBook, side: number, limit: PriceTicks, quantity: QtyLots): void {
    const { mostNotional } = book;
    const slab = this.#slab;
    const { mode, mostMet } = this;
    const protections = this.#protections;
    const prevents = mode > NONE;
    const other = side === Side.Buy ? Side.Sell : Side.Buy;
    if (book.guards !== 0) protections.beginTrial();
    let left = quantity;
    let traded = 0;
    let notional = 0;
    let met = 0;
    let own = 0;
    let parts = 0;
    let reserves = 0;
    for (let slot = book.first(other); slot !== NIL && left > 0; ) {
      const price = slab.price(slot);
      if ((side === Side.Buy ? price > limit : price < limit) || notional > mostNotional) break;
      const following = book.following(slot);
      const quoter = book.guards === 0 ? 0 : protections.quoterOf(slot);
      if (quoter === 0 || !protections.isPulled(quoter)) {
        if (prevents) met++;
        if (met > mostMet) break;
        const isOwn = prevents && this.isOwn(slot);
        const lots = Math.min(left, isOwn ? slab.total(slot) : slab.open(slot));
        if (!isOwn) {
          traded += lots;
          notional += lots * price;
          left -= lots;
          if (quoter !== 0 && protections.tryFill(quoter, other, lots, lots === slab.open(slot)))
            met += this.#quotes.countOf(quoter) - protections.goneInTrial(quoter);
          const reserve = slab.total(slot) - slab.open(slot);
          reserves += reserve;
          if (reserve > 0 && prevents) this.#addParts(parts++, reserve, slab.display(slot));
        } else if (mode === CANCEL_NEWEST || mode === CANCEL_BOTH || ++own > MOST_OWN_ORDERS) break;
        else if (mode !== CANCEL_OLDEST) left -= lots;
      }
      if (reserves > 0 && (following === NIL || slab.price(following) !== price || slab.isHidden(following))) {
        // The level's icebergs display their next parts in turn, before its hidden orders and the next price.
        const lots = prevents ? this.#tradeParts(parts, left, met) : met > mostMet ? 0 : Math.min(left, reserves);
        if (prevents) met += this.#partsMet;
        traded += lots;
        notional += lots * price;
        left -= lots;
        parts = 0;
        reserves = 0;
      }
      slot = following;
    }
    this.sweptQuantity = traded;
    this.sweptNotional = notional;
  }
}
