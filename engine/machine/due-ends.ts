import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import { MOST_OWN_ORDERS } from '../rules/self-trade.ts';
import { CommandKind, Phase, SelfTradeMode, Side } from '../wire/layout.ts';
import type { AuctionOrders } from './auction-orders.ts';
import type { CancelAfters } from './cancel-afters.ts';
import { EXPIRIES_PER_COMMAND, type Expiry } from './expiry.ts';
import type { MassCancels } from './mass-cancels.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;
const { OK } = Code;

/**
 * Ends the orders whose end comes without a command that names them, before
 * each command: those that expire, then those of mass cancels that are under way,
 * then those of accounts whose deadline has come, and those of auctions that are over.
 * One command ends a bounded number. Until the others are ended too, such an order
 * does not trade, and is not amended, cancelled or triggered: what the command
 * would reach of it ends first. Owned by the engine thread.
 */
export class DueEnds {
  readonly #state: MachineState;
  readonly #resting: RestingOrders;
  readonly #expiry: Expiry;
  readonly #massCancels: MassCancels;
  readonly #cancelAfters: CancelAfters;
  readonly #auctionOrders: AuctionOrders;

  constructor(
    state: MachineState,
    resting: RestingOrders,
    expiry: Expiry,
    massCancels: MassCancels,
    cancelAfters: CancelAfters,
    auctionOrders: AuctionOrders,
  ) {
    this.#state = state;
    this.#resting = resting;
    this.#expiry = expiry;
    this.#massCancels = massCancels;
    this.#cancelAfters = cancelAfters;
    this.#auctionOrders = auctionOrders;
  }

  /** True if orders are due, and not ended yet. */
  get more(): boolean {
    return this.#state.expiries.earliestUs <= this.#state.timeUs || this.#ofAccounts;
  }

  /** The same, without those that expire. */
  get #ofAccounts(): boolean {
    const { waiting, timeUs } = this.#state;
    return this.#massCancels.count !== 0 || this.#cancelAfters.earliestUs <= timeUs || waiting.firstEnding !== NIL;
  }

  /** Call it before a command when something is due, or may be. Returns `more`. */
  run(): boolean {
    const state = this.#state;
    const expiring = this.#expiry.run();
    this.#massCancels.continue();
    if (this.#cancelAfters.earliestUs <= state.timeUs) this.#cancelAfters.run();
    this.#auctionOrders.continue();
    state.wakes[1] = this.#massCancels.count !== 0 || this.#auctionOrders.busy ? Number.NEGATIVE_INFINITY : this.#cancelAfters.earliestUs;
    return expiring || this.#ofAccounts;
  }

  /** Call it next if more is due. Returns false if the command must be rejected with ORDERS_EXPIRING: more is due in its way than one command ends. */
  clear(): boolean {
    const { order, books, symbols, rules } = this.#state;
    const { kind, symbol } = order;
    if (kind === CommandKind.New) return this.clearWay(books[symbol], order.side);
    if (kind === CommandKind.Quote) return this.#clearQuote();
    if (kind === CommandKind.Cancel || kind === CommandKind.Amend) return this.#clearTarget();
    if (kind === CommandKind.Uncross && rules < 6 && symbols.phase[symbol] === Phase.Auction) this.clearBook(symbol);
    return true;
  }

  /** Ends all that is due in the book of a symbol, however much that is: before an uncross, before rules 6. */
  clearBook(symbol: number): void {
    this.#expiry.runAll();
    if (this.#ofAccounts) this.#clearSides(this.#state.books[symbol]);
  }

  /**
   * Ends what is due among the orders with which the current order would trade. Returns false if there is more. Its other terms may not be
   * known yet: a market order is one without a price.
   */
  clearWay(book: OrderBook | undefined, side: number): boolean {
    const { slab, order, selfTrade, accounts, protections } = this.#state;
    if (book === undefined || !accounts.exists(order.account)) return true;
    selfTrade.begin(order.account, SelfTradeMode.None);
    const { price: limit } = order;
    let left = order.quantity;
    let reserve = 0;
    let own = 0;
    let due = 0;
    for (let slot = book.first(side === Side.Buy ? Side.Sell : Side.Buy); slot !== NIL && left > 0; ) {
      const price = slab.price(slot);
      if (limit !== 0 && (side === Side.Buy ? price > limit : price < limit)) return true;
      const following = book.following(slot);
      const code = this.#codeOf(slot);
      if (code !== OK) {
        if (due++ === EXPIRIES_PER_COMMAND) return false;
        this.#resting.cancel(slot, code, slab.tag(slot));
        // Self-trade prevention may pass orders of the same owner, and protections may cancel quotes. What icebergs do not display follows all
        // that is displayed at their price.
      } else if ((!selfTrade.isOwn(slot) || own++ >= MOST_OWN_ORDERS) && protections.quoterOf(slot) === 0) {
        left -= slab.open(slot);
        reserve += slab.total(slot) - slab.open(slot);
      }
      if (reserve > 0 && (following === NIL || slab.price(following) !== price || slab.isHidden(following))) {
        left -= reserve;
        reserve = 0;
      }
      slot = following;
    }
    return true;
  }

  /** Ends the order if its end has come. */
  end(slot: number): boolean {
    const code = this.#codeOf(slot);
    if (code === OK) return false;
    this.#resting.cancel(slot, code, this.#state.slab.tag(slot));
    return true;
  }

  #clearTarget(): boolean {
    const { order, slab, books, accounts } = this.#state;
    if (!accounts.exists(order.account)) return true;
    const slot = this.#resting.find(order.orderId);
    if (slot === NIL || this.end(slot)) return true;
    if (order.kind === CommandKind.Amend && slab.level(slot) > NIL && !slab.isPegged(slot))
      return this.clearWay(books[slab.symbol(slot)], slab.side(slot));
    return true;
  }

  /** The quote before, and the way of both sides. */
  #clearQuote(): boolean {
    const { order, books, quotes } = this.#state;
    const { account, symbol, price, quantity } = order;
    for (const side of [Side.Buy, Side.Sell]) {
      const slot = quotes.find(account, symbol, side);
      if (slot !== NIL) this.end(slot);
    }
    const isBidClear = this.clearWay(books[symbol], Side.Buy);
    order.price = order.clientOrderId;
    order.quantity = order.orderId;
    const isClear = isBidClear && this.clearWay(books[symbol], Side.Sell);
    order.price = price;
    order.quantity = quantity;
    return isClear;
  }

  #clearSides(book: OrderBook | undefined): void {
    if (book === undefined) return;
    for (const side of [Side.Buy, Side.Sell]) {
      for (let slot = book.first(side); slot !== NIL; ) {
        const following = book.following(slot);
        this.end(slot);
        slot = following;
      }
    }
  }

  /** The code with which the order will end; OK if its end has not come. */
  #codeOf(slot: number): Code {
    if (this.#expiry.isDue(slot)) return Code.EXPIRED;
    return this.#massCancels.codeOf(slot) || this.#cancelAfters.codeOf(slot) || this.#auctionOrders.codeOf(slot);
  }
}
