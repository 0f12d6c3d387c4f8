import type { OrderBook } from '../book/order-book.ts';
import { QUOTE } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { feesWord, HAS_MORE } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { UNKNOWN_TERMS } from '../rules/order-terms.ts';
import { NO_SIDE, QuoteChecks, QuoteSide } from '../rules/quote-checks.ts';
import { Phase, QuoteAction, ReportKind, SelfTradeMode, Side, TimeInForce } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { sessionNumberIn } from '../wire/session-number.ts';
import type { Answers } from './answers.ts';
import type { BandedMatch } from './banded-match.ts';
import type { GuardedMatch } from './guarded-match.ts';
import type { QuoteProtection } from './quote-protection.ts';
import { ReportFlag } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;
const { OK, CANCELLED_BY_CLIENT } = Code;
const { Accepted: ACCEPTED, Amended: AMENDED, Cancelled: CANCELLED, Rejected: REJECTED } = ReportKind;

/**
 * Quotes: a bid and an ask of an account in a symbol, which the next quote
 * replaces in place. Both sides are accepted, or neither is and the quote before stays. Each side is an order without a
 * client order id. First, sides that end or lose their place leave the book; then the bid is placed, then the ask. So a quote
 * never trades with its own other side. Each side has one answer, before its fills. Owned by the engine thread.
 */
export class QuoteOrders {
  readonly #state: MachineState;
  readonly #checks: QuoteChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #guarded: GuardedMatch;
  readonly #banded: BandedMatch;
  readonly #protection: QuoteProtection;
  readonly #bid = new QuoteSide(Side.Buy);
  readonly #ask = new QuoteSide(Side.Sell);

  constructor(
    state: MachineState,
    checks: OrderChecks,
    answers: Answers,
    resting: RestingOrders,
    guarded: GuardedMatch,
    banded: BandedMatch,
    protection: QuoteProtection,
  ) {
    this.#protection = protection;
    this.#banded = banded;
    this.#state = state;
    this.#checks = new QuoteChecks(state, checks);
    this.#answers = answers;
    this.#resting = resting;
    this.#guarded = guarded;
  }

  apply(): void {
    const state = this.#state;
    const { order } = state;
    if (state.rules < 5) return;
    if (state.rules >= 6 && !isQuote(order.side, order.timeInForce)) return this.#rejectMalformed();
    if (order.side !== QuoteAction.Quote) return this.#protect();
    this.#read();
    if (!state.accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(REJECTED);
    const code = this.#checks.check(order, this.#bid, this.#ask);
    if (code !== OK) return this.#reject(code);
    const book = state.books[order.symbol] as OrderBook;
    this.#leave(this.#bid, book);
    this.#leave(this.#ask, book);
    this.#place(this.#bid, book);
    this.#place(this.#ask, book);
  }

  /** Not from a verified frame. */
  #rejectMalformed(): void {
    const { order, accounts } = this.#state;
    order.side = 0;
    order.timeInForce = 0;
    order.clientOrderId = 0;
    if (!accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(REJECTED);
    this.#answers.reply(REJECTED, Code.MALFORMED_COMMAND, 0, order.price, order.quantity, 0, 0);
  }

  /** Sets or resets the market-maker protection of the account. One answer, without an order. */
  #protect(): void {
    const { order, accounts, protections } = this.#state;
    const { side: action, account, price, quantity } = order;
    if (!accounts.exists(account)) return this.#answers.rejectUnknownAccount(REJECTED);
    this.#checks.count(account);
    if (action === QuoteAction.Reset) protections.reset(account);
    else this.#protection.set();
    order.side = 0;
    order.clientOrderId = 0;
    this.#answers.reply(ACCEPTED, OK, 0, price, quantity, 0, 0);
  }

  /** More orders are due in the way of the quote than one command cancels. @param retryUs when it can come again */
  rejectForNow(retryUs: number): void {
    this.#read();
    this.#state.order.retryUs = retryUs;
    this.#checks.failed = NO_SIDE;
    this.#reject(Code.ORDERS_EXPIRING);
  }

  #read(): void {
    const { order, quotes } = this.#state;
    const { account, symbol, price, quantity, clientOrderId, orderId } = order;
    this.#bid.set(price, quantity, quotes.find(account, symbol, Side.Buy));
    this.#ask.set(clientOrderId, orderId, quotes.find(account, symbol, Side.Sell));
    order.clientOrderId = 0;
    order.orderId = 0;
    order.termsHash = UNKNOWN_TERMS;
  }

  #reject(code: Code): void {
    const { failed } = this.#checks;
    this.#rejectSide(this.#bid, failed === Side.Sell ? Code.QUOTE_OTHER_SIDE : code);
    this.#rejectSide(this.#ask, failed === Side.Buy ? Code.QUOTE_OTHER_SIDE : code);
  }

  /** `leaves` is what rests of the quote before. */
  #rejectSide(side: QuoteSide, code: Code): void {
    const { order, slab } = this.#state;
    order.side = side.side;
    this.#answers.reply(REJECTED, code, 0, side.price, side.quantity, side.slot === NIL ? 0 : slab.open(side.slot), 0);
    if (code === Code.THROTTLED || code === Code.ORDER_TO_TRADE || code === Code.ORDERS_EXPIRING) this.#answers.notBefore();
  }

  /** Cancels a side without a quantity, and takes one that loses its place out of the book. */
  #leave(side: QuoteSide, book: OrderBook): void {
    const { order, risks } = this.#state;
    const { slot } = side;
    order.side = side.side;
    if (slot === NIL) {
      if (side.quantity === 0) this.#answers.reply(CANCELLED, CANCELLED_BY_CLIENT, 0, 0, 0, 0, 0);
    } else if (side.quantity === 0) this.#resting.cancel(slot, CANCELLED_BY_CLIENT, order.tag);
    else if (!side.keeps) {
      risks.of(order.symbol).release(slot);
      book.remove(slot);
      this.#resting.publish(MarketEventKind.Remove, slot);
    }
  }

  #place(side: QuoteSide, book: OrderBook): void {
    if (side.quantity === 0) return;
    this.#checks.use(this.#state.order, side);
    if (side.slot === NIL) this.#enter(book);
    else if (side.keeps) this.#keep(side.slot, book);
    else this.#move(side.slot, book);
  }

  #enter(book: OrderBook): void {
    const state = this.#state;
    const { order, aggressor } = state;
    aggressor.orderId = ++state.lastOrderId;
    this.#answers.accepted();
    const allowed = this.#trade(book, 0);
    if (aggressor.open === 0) return;
    const code = allowed ? (this.#resting.restQuote(book) ? OK : book.noRoomCode()) : this.#guarded.code;
    if (code !== OK) this.#answers.reply(CANCELLED, code, aggressor.orderId, order.price, aggressor.open, 0, aggressor.filled);
  }

  /** The same or a lower quantity at the same price. */
  #keep(slot: number, book: OrderBook): void {
    const { order, slab, risks } = this.#state;
    this.#setSender(slot);
    if (order.quantity < slab.open(slot)) {
      const risk = risks.of(order.symbol);
      risk.release(slot);
      book.reduce(slot, order.quantity);
      risk.hold(slot, order);
      this.#resting.publish(MarketEventKind.Reduce, slot);
    }
    this.#answers.resting(AMENDED, ReportFlag.KeptPriority, OK, slot, order.tag);
  }

  /** Another price or a higher quantity: the side keeps its order id, and is new otherwise. */
  #move(slot: number, book: OrderBook): void {
    const { order, slab, aggressor, risks } = this.#state;
    slab.setPrice(slot, order.price);
    slab.setOpen(slot, order.quantity);
    this.#setSender(slot);
    this.#answers.resting(AMENDED, 0, OK, slot, order.tag);
    aggressor.orderId = slab.id[slot];
    const allowed = this.#trade(book, slab.filled(slot));
    slab.setOpen(slot, aggressor.open);
    slab.setFilled(slot, aggressor.filled);
    slab.setFees(slot, HAS_MORE | feesWord(order.feeSchedule, aggressor.feeCarry));
    if (aggressor.open === 0) return this.#resting.gone(slot);
    if (!allowed) return this.#end(slot, this.#guarded.code);
    if (!book.rest(slot)) return this.#end(slot, book.noRoomCode());
    risks.of(order.symbol).hold(slot, order);
    if (book.hiddenOrders !== 0) this.#resting.icebergs.arrived(slot);
    this.#resting.publish(MarketEventKind.Add, slot);
  }

  /** What the side has of the latest quote beside price and quantity. */
  #setSender(slot: number): void {
    const { order, slab } = this.#state;
    slab.setTag(slot, order.tag);
    slab.setTerms(slot, order.account, order.symbol, order.side | QUOTE, order.timeInForce);
    this.#resting.setSession(slot, sessionNumberIn(order.flags));
  }

  #end(slot: number, code: Code): void {
    this.#answers.cancelled(slot, code, this.#state.slab.tag(slot));
    this.#resting.gone(slot);
  }

  /** Trades the current side, in continuous trading. Returns false if self-trade prevention cancels the rest. @param filled lots that it traded before */
  #trade(book: OrderBook, filled: number): boolean {
    const { order, aggressor, symbols, stops, selfTrade } = this.#state;
    aggressor.open = order.quantity;
    aggressor.filled = filled;
    aggressor.feeCarry = order.feeCarry;
    if (symbols.phase[order.symbol] !== Phase.Continuous || !book.crosses(order.side, order.price)) return true;
    selfTrade.begin(order.account, SelfTradeMode.AccountDefault);
    if (stops.watched[order.symbol] !== 0) stops.beforeMatch(order.symbol, order.side === Side.Buy ? book.bestAsk() : book.bestBid());
    if (this.#banded.applies(order.symbol)) return this.#banded.match(book, order.side, order.price);
    if (selfTrade.mode > SelfTradeMode.None || book.guards !== 0) return this.#guarded.match(book, order.side, order.price);
    book.match(order.side, order.price, order.quantity);
    return true;
  }
}

function isQuote(action: number, timeInForce: number): boolean {
  if (action > QuoteAction.Reset) return false;
  return timeInForce === TimeInForce.GoodTillCancel || timeInForce === TimeInForce.PostOnly;
}
