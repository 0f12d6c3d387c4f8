import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import { TIERED as TIERED_SCHEDULE } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { hashTerms, UNKNOWN_TERMS } from '../rules/order-terms.ts';
import { Phase, ReportKind, SelfTradeMode, Side } from '../wire/layout.ts';
import { FIRST_SPECIAL_KIND, KIND_RESTS, OrderKind, selfTradeModeOf } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import type { AuctionOrders } from './auction-orders.ts';
import type { BandedMatch } from './banded-match.ts';
import type { GuardedMatch } from './guarded-match.ts';
import type { PegOrders } from './peg-orders.ts';
import type { RestingOrders } from './resting-orders.ts';
import { Aggressor, type MachineState } from './state.ts';
import type { StopOrders } from './stop-orders.ts';

const { OK } = Code;
const { Continuous: CONTINUOUS } = Phase;
const { None: NONE } = SelfTradeMode;
const { Buy: BUY } = Side;
const TIERED = TIERED_SCHEDULE;
const FIRST_SPECIAL = FIRST_SPECIAL_KIND;
const FIRST_AUCTION = OrderKind.AuctionLimit;
const REJECTED = new Aggressor();

/** Processes a new order: checks it, matches it, and rests or cancels the remainder. Owned by the engine thread. */
export class NewOrder {
  readonly #state: MachineState;
  readonly #order: MachineState['order'];
  readonly #aggressor: MachineState['aggressor'];
  readonly #clientOrderIds: MachineState['clientOrderIds'];
  readonly #checks: OrderChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #guarded: GuardedMatch;
  readonly #banded: BandedMatch;
  readonly #stops: MachineState['stops'];
  readonly #stopOrders: StopOrders;
  readonly #auctionOrders: AuctionOrders;
  readonly #pegOrders: PegOrders;

  constructor(
    state: MachineState,
    checks: OrderChecks,
    answers: Answers,
    resting: RestingOrders,
    guarded: GuardedMatch,
    banded: BandedMatch,
    stopOrders: StopOrders,
    auctionOrders: AuctionOrders,
    pegOrders: PegOrders,
  ) {
    this.#guarded = guarded;
    this.#banded = banded;
    this.#state = state;
    this.#order = state.order;
    this.#aggressor = state.aggressor;
    this.#clientOrderIds = state.clientOrderIds;
    this.#checks = checks;
    this.#answers = answers;
    this.#resting = resting;
    this.#stops = state.stops;
    this.#stopOrders = stopOrders;
    this.#auctionOrders = auctionOrders;
    this.#pegOrders = pegOrders;
  }

  apply(): void {
    const state = this.#state;
    const { order, aggressor } = state;
    if (!state.accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(ReportKind.Rejected);
    if (state.rules >= 3) hashTerms(order);
    else order.termsHash = UNKNOWN_TERMS;
    this.setFees();
    const known = state.clientOrderIds.find(order.account, order.clientOrderId);
    if (known !== 0) {
      this.#checks.count(order.account);
      return this.#answers.again(known);
    }
    state.selfTrade.begin(order.account, selfTradeModeOf(order.lifetimeBits));
    const isStop = order.stopPrice !== 0;
    let code: Code;
    if (order.orderKind >= FIRST_SPECIAL && !isStop) code = this.#special();
    else code = isStop ? this.#stopOrders.enter() : this.#checks.newOrder(order);
    if (code !== OK) return this.#reject(code);
    if (isStop || order.orderKind >= FIRST_AUCTION) return;
    const orderId = ++state.lastOrderId;
    const book = state.books[order.symbol] as OrderBook;
    aggressor.orderId = orderId;
    this.#answers.accepted();
    aggressor.open = order.quantity;
    aggressor.filled = 0;
    aggressor.feeCarry = order.feeCarry;
    const allowed = state.symbols.phase[order.symbol] !== CONTINUOUS || this.match(book);
    if (aggressor.open === 0) return this.#clientOrderIds.rememberNew(order, OK, aggressor);
    if (!allowed) this.#cancelRest(this.#guarded.code);
    else if (KIND_RESTS[order.orderKind] !== 0) {
      if (this.#resting.rest(book)) return;
      this.#cancelRest(book.noRoomCode());
    } else this.#cancelRest(this.#banded.remainderCode(order.symbol));
    this.#clientOrderIds.rememberNew(order, OK, aggressor);
  }

  /** The same for kinds with checks of their own. */
  #special(): Code {
    const { orderKind } = this.#order;
    if (orderKind === OrderKind.PostOnlyReprice) return this.#checks.newSpecial(this.#order);
    return orderKind === OrderKind.Pegged ? this.#pegOrders.enter() : this.#auctionOrders.enter();
  }

  /** Gives the current order the fees of a new one. */
  setFees(): void {
    const order = this.#order;
    const { symbols, feeSchedules, feeTiers, timeUs } = this.#state;
    // The checks find a symbol that does not exist.
    order.feeSchedule = order.symbol < symbols.capacity ? feeSchedules.ofSymbol[order.symbol] : 0;
    if (order.feeSchedule >= TIERED) order.feeSchedule = feeTiers.scheduleOf(order.symbol, order.account, timeUs);
    order.feeCarry = feeSchedules.firstCarry;
  }

  /** The code of what the current order leaves if it does not rest, after its match. */
  get remainder(): Code {
    return this.#banded.remainderCode(this.#order.symbol);
  }

  /** Why the rest of the current order must be cancelled, if `match` returned false. */
  get refusal(): Code {
    return this.#guarded.code;
  }

  /** Trades the current order, which is the aggressor. Returns false if self-trade prevention cancels the rest. */
  match(book: OrderBook): boolean {
    const order = this.#order;
    const limit = this.#checks.limitPrice(order);
    if (this.#stops.watched[order.symbol] !== 0) {
      this.#stops.beforeMatch(order.symbol, order.side === BUY ? book.bestAsk() : book.bestBid());
      if (this.#banded.applies(order.symbol)) return this.#banded.match(book, order.side, limit);
    }
    if (this.#state.selfTrade.mode > NONE || book.guards !== 0) return this.#guarded.match(book, order.side, limit);
    book.match(order.side, limit, order.quantity);
    return true;
  }

  #reject(code: Code): void {
    const order = this.#order;
    this.#answers.reply(ReportKind.Rejected, code, 0, order.price, order.quantity, 0, 0);
    // An order that came too early can be sent again, and is then a new one.
    if (code === Code.THROTTLED || code === Code.ORDER_TO_TRADE) return this.#answers.notBefore();
    if (code === Code.TRAIL_UNAVAILABLE) return;
    // The mark continues to reject a forgotten id. Remembering it would evict another id without need.
    if (code !== Code.CLIENT_ORDER_ID_TOO_OLD && code !== Code.BAD_CLIENT_ORDER_ID) this.#clientOrderIds.rememberNew(order, code, REJECTED);
  }

  #cancelRest(code: Code): void {
    const order = this.#order;
    const aggressor = this.#aggressor;
    this.#answers.reply(ReportKind.Cancelled, code, aggressor.orderId, order.price, aggressor.open, 0, aggressor.filled);
  }
}
