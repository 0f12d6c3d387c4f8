import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NO_LIMITS = { windowUs: 0, fills: 0, lots: 0, netLots: 0 };

/**
 * What a market-maker protection does: it cancels all quotes of an account whose
 * protection a fill has triggered, by symbol, bids first. The commands of its client are here, too. Owned by the engine thread.
 */
export class QuoteProtection {
  readonly #state: MachineState;
  readonly #resting: RestingOrders;

  constructor(state: MachineState, resting: RestingOrders) {
    this.#state = state;
    this.#resting = resting;
  }

  /** Cancels the quotes of an account. Returns how many these were. */
  pull(account: number): number {
    const { quotes, slab } = this.#state;
    const slots = quotes.ofAccount(account);
    slots.sort((a, b) => slab.symbol(a) - slab.symbol(b) || slab.side(a) - slab.side(b));
    for (const slot of slots) this.#resting.cancel(slot, Code.CANCELLED_PROTECTION, slab.tag(slot));
    return slots.length;
  }

  /** Cancels the quotes of the accounts that an uncross has triggered, in the order in which it did. */
  afterUncross(): void {
    const { tripped } = this.#state.protections;
    for (const account of tripped) this.pull(account);
    tripped.length = 0;
  }

  /** The current command's limits, for its account, which exists. */
  set(): void {
    const { order, protections } = this.#state;
    const { account, quantity: windowUs, clientOrderId: fills, orderId: lots, price: netLots } = order;
    this.#guard(account, -1);
    protections.set(account, windowUs === 0 ? NO_LIMITS : { windowUs, fills, lots, netLots });
    this.#guard(account, 1);
  }

  /** The books of the account's quotes have so many guarded orders more, if it is protected. */
  #guard(account: number, more: number): void {
    const { protections, quotes, slab, books } = this.#state;
    if (!protections.has(account)) return;
    for (const slot of quotes.ofAccount(account)) (books[slab.symbol(slot)] as OrderBook).guards += more;
  }
}
