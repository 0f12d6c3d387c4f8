import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import { MAX_PRICE_TICKS } from '../params.ts';
import { MOST_ORDERS_MET, MOST_OWN_ORDERS } from '../rules/self-trade.ts';
import type { PriceTicks } from '../units.ts';
import { ReportKind, SelfTradeMode, Side } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import type { Answers } from './answers.ts';
import { ReportFlag } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const { CancelNewest, CancelOldest, CancelBoth } = SelfTradeMode;
const { CANCELLED_SELF_TRADE } = Code;

/**
 * The match of an incoming order with self-trade prevention. Where it would trade
 * with an order of its own owner, it does instead what its mode says. Slower than
 * the book's `match`, because it asks about each resting order; only orders with
 * prevention take this way. Owned by the engine thread.
 */
export class GuardedMatch {
  readonly #state: MachineState;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;

  constructor(state: MachineState, answers: Answers, resting: RestingOrders) {
    this.#state = state;
    this.#answers = answers;
    this.#resting = resting;
  }

  /**
   * Trades the aggressor. Returns false if the rest of it must be cancelled with CANCELLED_SELF_TRADE. If decrements used up the aggressor, its end is
   * reported, and `open` is 0.
   * @param low it stops before a trade at a price below it, ticks @param high or above it
   */
  match(book: OrderBook, side: number, limitPrice: PriceTicks, low = 0, high = MAX_PRICE_TICKS): boolean {
    const { aggressor, selfTrade, slab, stops } = this.#state;
    let first = true;
    const other = side === Side.Buy ? Side.Sell : Side.Buy;
    let own = 0;
    for (let met = 1; aggressor.open > 0 && book.crosses(side, limitPrice); met++) {
      if (met > MOST_ORDERS_MET) return false;
      const maker = book.first(other);
      if (!selfTrade.isOwn(maker)) {
        const price = slab.price(maker);
        if (price < low || price > high) return true;
        if (first) stops.tradesFirst(price);
        first = false;
        book.take(maker, Math.min(aggressor.open, slab.open(maker)));
        continue;
      }
      const { mode } = selfTrade;
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
    const open = slab.open(maker);
    const lots = Math.min(aggressor.open, open);
    if (lots === open) this.#resting.cancel(maker, CANCELLED_SELF_TRADE, slab.tag(maker));
    else {
      risks.of(order.symbol).reduce(maker, open - lots);
      book.reduce(maker, open - lots);
      this.#resting.publish(MarketEventKind.Reduce, maker);
      this.#answers.resting(ReportKind.Amended, ReportFlag.KeptPriority, CANCELLED_SELF_TRADE, maker, slab.tag(maker));
    }
    const { orderId, filled } = aggressor;
    aggressor.open -= lots;
    const left = aggressor.open;
    if (left > 0) this.#answers.reply(ReportKind.Amended, CANCELLED_SELF_TRADE, orderId, order.price, left, left, filled);
    else this.#answers.reply(ReportKind.Cancelled, CANCELLED_SELF_TRADE, orderId, order.price, lots, 0, filled);
  }
}
