import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import { MOST_OWN_ORDERS } from '../rules/self-trade.ts';
import { CommandKind, Phase, SelfTradeMode, Side } from '../wire/layout.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;
const { EXPIRED } = Code;

/** Orders that expire with one command at most, so that many ends at one time delay no other command by more than about a millisecond. */
export const EXPIRIES_PER_COMMAND = 512;

/**
 * Cancels the orders whose end has come, before the command that is stamped at
 * or after it: the oldest end first, then by order id. If more are due than one
 * command cancels, the others follow with the next commands or ticks. Until
 * then, an order that is due does not trade, and is not amended or cancelled:
 * what the command would reach of it expires first. Owned by the engine thread.
 */
export class Expiry {
  readonly #state: MachineState;
  readonly #resting: RestingOrders;

  constructor(state: MachineState, resting: RestingOrders) {
    this.#state = state;
    this.#resting = resting;
  }

  /** Call it before a command when `expiries.earliestUs` is not after its time. Returns true if more is due. */
  run(): boolean {
    const { expiries, timeUs } = this.#state;
    for (let n = 0; n < EXPIRIES_PER_COMMAND; n++) {
      this.#expire(expiries.first);
      if (expiries.earliestUs > timeUs) return false;
    }
    return true;
  }

  /** Call it next if more is due. Returns false if the command must be rejected with ORDERS_EXPIRING: more is due in its way than one command cancels. */
  clear(): boolean {
    const { expiries, timeUs, order, books, symbols } = this.#state;
    const { kind, symbol } = order;
    if (kind === CommandKind.New) return this.clearWay(books[symbol], order.side);
    if (kind === CommandKind.Cancel || kind === CommandKind.Amend) return this.#clearTarget();
    if (kind === CommandKind.Uncross && symbols.phase[symbol] === Phase.Auction)
      while (expiries.earliestUs <= timeUs) this.#expire(expiries.first);
    return true;
  }

  /**
   * Expires what is due among the orders with which the current order would trade. Returns false if there is more. Its other terms may not be
   * known yet: a market order is one without a price.
   */
  clearWay(book: OrderBook | undefined, side: number): boolean {
    const { slab, order, selfTrade, accounts } = this.#state;
    if (book === undefined || !accounts.exists(order.account)) return true;
    selfTrade.begin(order.account, SelfTradeMode.None);
    const { price: limit } = order;
    let left = order.quantity;
    let own = 0;
    let due = 0;
    for (let slot = book.first(side === Side.Buy ? Side.Sell : Side.Buy); slot !== NIL && left > 0; ) {
      const price = slab.price(slot);
      if (limit !== 0 && (side === Side.Buy ? price > limit : price < limit)) return true;
      const following = book.following(slot);
      if (this.#isDue(slot)) {
        if (due++ === EXPIRIES_PER_COMMAND) return false;
        this.#expire(slot);
        // Self-trade prevention may pass orders of the same owner.
      } else if (!selfTrade.isOwn(slot) || own++ >= MOST_OWN_ORDERS) left -= slab.open(slot);
      slot = following;
    }
    return true;
  }

  #clearTarget(): boolean {
    const { order, slab, books, accounts } = this.#state;
    if (!accounts.exists(order.account)) return true;
    const slot = this.#resting.find(order.orderId);
    if (slot === NIL) return true;
    if (this.#isDue(slot)) this.#expire(slot);
    else if (order.kind === CommandKind.Amend && slab.level(slot) > NIL) return this.clearWay(books[slab.symbol(slot)], slab.side(slot));
    return true;
  }

  #isDue(slot: number): boolean {
    const { slab, expiries, timeUs } = this.#state;
    return slab.fees(slot) < 0 && expiries.expiryOf(slot) <= timeUs;
  }

  #expire(slot: number): void {
    this.#resting.cancel(slot, EXPIRED, this.#state.slab.tag(slot));
  }
}
