import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import { MAX_PRICE_TICKS } from '../params.ts';
import { MOST_OWN_ORDERS } from '../rules/self-trade.ts';
import type { PriceTicks } from '../units.ts';
import { ReportKind, SelfTradeMode, Side } from '../wire/layout.ts';
import type { Answers } from './answers.ts';
import type { QuoteProtection } from './quote-protection.ts';
import { ReportFlag } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const { None, CancelNewest, CancelOldest, CancelBoth } = SelfTradeMode;
const { CANCELLED_SELF_TRADE } = Code;

/**
 * The match of an incoming order that asks about each resting order: an order with
 * self-trade prevention, and any order in a book that has guards. Where prevention would make it trade
 * with an order of its own owner, it does instead what its mode says. Where a fill triggers the protection of a
 * market maker, all quotes of that account are cancelled before the next fill. Slower than
 * the book's `match`. Owned by the engine thread.
 */
export class GuardedMatch {
  readonly #state: MachineState;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;

  readonly #protection: QuoteProtection;
  /** With which the rest of the aggressor must be cancelled, if `match` returned false. */
  code: Code = CANCELLED_SELF_TRADE;

  constructor(state: MachineState, answers: Answers, resting: RestingOrders, protection: QuoteProtection) {
    this.#protection = protection;
    this.#state = state;
    this.#answers = answers;
    this.#resting = resting;
  }

  /**
   * Trades the aggressor. Returns false if the rest of it must be cancelled with {@link code}. If decrements used up the aggressor, its end is
   * reported, and `open` is 0.
   * @param low it stops before a trade at a price below it, ticks @param high or above it
   */
  match(book: OrderBook, side: number, limitPrice: PriceTicks, low = 0, high = MAX_PRICE_TICKS): boolean {
    const { aggressor, selfTrade, slab, stops, protections } = this.#state;
    const { mode, mostMet } = selfTrade;
    const prevents = mode > None;
    this.code = prevents ? CANCELLED_SELF_TRADE : Code.CANCELLED_QUOTES_PULLED;
    let first = true;
    const other = side === Side.Buy ? Side.Sell : Side.Buy;
    let own = 0;
    /** Resting orders that it met, of an order with prevention, and quotes that it made protections cancel. */
    let met = 0;
    while (aggressor.open > 0 && book.crosses(side, limitPrice)) {
      if (prevents) met++;
      if (met > mostMet) return false;
      const maker = book.first(other);
      if (!prevents || !selfTrade.isOwn(maker)) {
        const price = slab.price(maker);
        if (price < low || price > high) return true;
        if (first) stops.tradesFirst(price);
        first = false;
        const quoter = book.guards === 0 ? 0 : protections.quoterOf(maker);
        const lots = Math.min(aggressor.open, slab.open(maker));
        book.take(maker, lots);
        if (quoter !== 0 && protections.filled(quoter, other, lots)) met += this.#protection.pull(quoter);
        continue;
      }
      if (mode === CancelNewest || ++own > MOST_OWN_ORDERS) return false;
      if (mode === CancelOldest || mode === CancelBoth) this.#resting.cancel(maker, CANCELLED_SELF_TRADE, slab.tag(maker));
      else this.#decrement(book, maker);
      if (mode === CancelBoth) return false;
    }
    return true;
  }

  /** Reduces both orders by the smaller quantity, without a trade. */
  #decrement(book: OrderBook, maker: number): void {
    const { aggressor, slab, order, risks } = this.#state;
    const open = slab.total(maker);
    const lots = Math.min(aggressor.open, open);
    if (lots === open) this.#resting.cancel(maker, CANCELLED_SELF_TRADE, slab.tag(maker));
    else {
      risks.of(order.symbol).reduce(maker, open - lots);
      this.#resting.reduce(book, maker, open - lots);
      this.#answers.resting(ReportKind.Amended, ReportFlag.KeptPriority, CANCELLED_SELF_TRADE, maker, slab.tag(maker));
      if (slab.fees(maker) < 0) this.#resting.reduced(maker);
    }
    const { orderId, filled } = aggressor;
    aggressor.open -= lots;
    const left = aggressor.open + aggressor.later;
    if (left > 0) this.#answers.reply(ReportKind.Amended, CANCELLED_SELF_TRADE, orderId, order.price, left, left, filled);
    else this.#answers.reply(ReportKind.Cancelled, CANCELLED_SELF_TRADE, orderId, order.price, lots, 0, filled);
  }
}
