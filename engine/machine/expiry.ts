import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import { CommandKind, SelfTradeMode, Side } from '../wire/layout.ts';
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

  /** Call it before a command when `expiries.earliestUs` is not after its time. */
  run(): void {
    const { expiries, timeUs, order } = this.#state;
    for (let n = 0; n < EXPIRIES_PER_COMMAND; n++) {
      this.#expire(expiries.first);
      if (expiries.earliestUs > timeUs) return;
    }
    const { kind } = order;
    if (kind === CommandKind.New) this.#clearWay(this.#state.books[order.symbol], order.side);
    else if (kind === CommandKind.Cancel || kind === CommandKind.Amend) this.#clearTarget();
    else if (kind === CommandKind.Uncross || kind === CommandKind.SetPhase)
      while (expiries.earliestUs <= timeUs) this.#expire(expiries.first);
  }

  /** Expires what is due among the orders with which the current command would trade. Its other terms are not known yet: a market order is one without a price. */
  #clearWay(book: OrderBook | undefined, side: number): void {
    const { slab, order, selfTrade, accounts } = this.#state;
    if (book === undefined || !accounts.exists(order.account)) return;
    selfTrade.begin(order.account, SelfTradeMode.None);
    const { price: limit } = order;
    let left = order.quantity;
    for (let slot = book.first(side === Side.Buy ? Side.Sell : Side.Buy); slot !== NIL && left > 0; ) {
      const price = slab.price(slot);
      if (limit !== 0 && (side === Side.Buy ? price > limit : price < limit)) return;
      const following = book.following(slot);
      if (this.#isDue(slot)) this.#expire(slot);
      // Self-trade prevention may pass an order of the same owner.
      else if (!selfTrade.isOwn(slot)) left -= slab.open(slot);
      slot = following;
    }
  }

  #clearTarget(): void {
    const { order, slab, books, accounts } = this.#state;
    if (!accounts.exists(order.account)) return;
    const slot = this.#resting.find(order.orderId);
    if (slot === NIL) return;
    if (this.#isDue(slot)) this.#expire(slot);
    else if (order.kind === CommandKind.Amend) this.#clearWay(books[slab.symbol(slot)], slab.side(slot));
  }

  #isDue(slot: number): boolean {
    const { slab, expiries, timeUs } = this.#state;
    return slab.fees(slot) < 0 && expiries.expiryOf(slot) <= timeUs;
  }

  #expire(slot: number): void {
    this.#resting.cancel(slot, EXPIRED, this.#state.slab.tag(slot));
  }
}
