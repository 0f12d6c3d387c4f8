import type { OrderBook } from '../book/order-book.ts';
import { ICEBERG, ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, OrderWord, PEGGED, QUOTE } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { CARRY_BITS, CARRY_MASK, type FeeSchedules, NO_CARRY as NO_FEE_CARRY, SCHEDULE_MASK, scheduleOf } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { LINKED_BIT } from '../rules/order-links.ts';
import type { RiskModel } from '../rules/risk-model.ts';
import type { QtyLots } from '../units.ts';
import { CommandFlag, Phase, ReportKind, SelfTradeMode, Side } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { ICEBERG_BIT as ICEBERG_LIFETIME, LIFETIME_BITS, RESTING_KINDS, selfTradeModeOf } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import type { BandedMatch } from './banded-match.ts';
import type { GuardedMatch } from './guarded-match.ts';
import type { LinkedOrders } from './linked-orders.ts';
import type { PegOrders } from './peg-orders.ts';
import { ReportFlag } from './report-writer.ts';
import { ANY_SHARE as ANY, type RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';
import type { StopOrders } from './stop-orders.ts';

const { OK } = Code;
const NIL = -1;
const { Buy: BUY } = Side;
const { Continuous: CONTINUOUS, Auction: AUCTION } = Phase;
const { Add: ADD, Reduce: REDUCE, Remove: REMOVE } = MarketEventKind;
const { AmendRejected: AMEND_REJECTED, Amended: AMENDED } = ReportKind;
const { KeptPriority: KEPT_PRIORITY } = ReportFlag;
const { Extended: EXTENDED } = CommandFlag;
// Module constants: V8 folds them, but loads an imported constant each time.
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { open: OPEN } = OrderDouble;
const { price: PRICE, fees: FEES, level: LEVEL, terms: TERMS } = OrderWord;
const LINKED = LINKED_BIT;
const ANY_SHARE = ANY;
const ICEBERG_BIT = ICEBERG_LIFETIME;
/** The same in the word of an order's terms. */
const ICEBERG_TERM = ICEBERG;
const { None: NONE } = SelfTradeMode;
const RESTING = RESTING_KINDS;
const TO_SCHEDULE = CARRY_BITS;
const SCHEDULE = SCHEDULE_MASK;
const CARRY = CARRY_MASK;
const NO_CARRY = NO_FEE_CARRY;
/** Orders that are amended in another way. */
const SPECIAL = ICEBERG | PEGGED | (QUOTE << 16);

/**
 * Amend and cancel of a resting order, named by either id. An amend to at most
 * the open quantity at the same price keeps the priority; from rules 3 on, one
 * that changes nothing does too, and what can be cancelled can be lowered. Most commands of a
 * busy flow are amends, so their way has few functions, which read the order's
 * record themselves and pass slots instead of doubles: what V8 does not inline
 * is a call then, and boxes nothing. Owned by the engine thread.
 */
export class AmendCancel {
  readonly #state: MachineState;
  readonly #order: MachineState['order'];
  readonly #accounts: MachineState['accounts'];
  readonly #slab: MachineState['slab'];
  readonly #risks: MachineState['risks'];
  readonly #books: MachineState['books'];
  readonly #aggressor: MachineState['aggressor'];
  readonly #symbols: MachineState['symbols'];
  readonly #schedules: FeeSchedules;
  readonly #checks: OrderChecks;
  readonly #answers: Answers;
  readonly #market: MachineState['market'];
  readonly #changedAuctions: MachineState['changedAuctions'];
  readonly #resting: RestingOrders;
  readonly #guarded: GuardedMatch;
  readonly #banded: BandedMatch;
  readonly #stops: MachineState['stops'];
  readonly #stopOrders: StopOrders;
  readonly #pegOrders: PegOrders;

  readonly #linked: LinkedOrders;
  /** Slot of a linked order whose amend is under way; -1 = none. */
  #amending = NIL;

  constructor(
    state: MachineState,
    checks: OrderChecks,
    answers: Answers,
    resting: RestingOrders,
    guarded: GuardedMatch,
    banded: BandedMatch,
    stopOrders: StopOrders,
    pegOrders: PegOrders,
    linked: LinkedOrders,
  ) {
    this.#linked = linked;
    this.#guarded = guarded;
    this.#banded = banded;
    this.#state = state;
    this.#order = state.order;
    this.#accounts = state.accounts;
    this.#slab = state.slab;
    this.#risks = state.risks;
    this.#books = state.books;
    this.#aggressor = state.aggressor;
    this.#symbols = state.symbols;
    this.#schedules = state.feeSchedules;
    this.#checks = checks;
    this.#answers = answers;
    this.#market = state.market;
    this.#changedAuctions = state.changedAuctions;
    this.#resting = resting;
    this.#stops = state.stops;
    this.#stopOrders = stopOrders;
    this.#pegOrders = pegOrders;
  }

  cancel(): void {
    const order = this.#order;
    const accounts = this.#accounts;
    if (!accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(ReportKind.CancelRejected);
    if (accounts.controls[order.account] !== 0) this.#checks.count(order.account);
    const slot = this.#resting.find(order.orderId);
    if (slot === -1) return this.#answers.reply(ReportKind.CancelRejected, Code.UNKNOWN_ORDER, order.orderId, 0, 0, 0, 0);
    this.#resting.cancel(slot, Code.CANCELLED_BY_CLIENT, order.tag);
  }

  amend(): void {
    const order = this.#order;
    const accounts = this.#accounts;
    const slab = this.#slab;
    const risks = this.#risks;
    if (!accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(AMEND_REJECTED);
    const slot = this.#resting.find(order.orderId);
    if (slot === -1) return this.#rejectUnknown();
    const { doubles } = slab;
    const record = slot << TO_DOUBLES;
    const { words } = slab;
    const terms = words[(slot << TO_WORDS) | TERMS];
    const isPlain = ((terms & (SPECIAL | LINKED)) | (order.flags & EXTENDED)) === 0;
    if ((!isPlain || words[(slot << TO_WORDS) | LEVEL] < NIL) && this.#amendOther(slot, terms)) return;
    const fees = words[(slot << TO_WORDS) | FEES];
    order.symbol = terms & 0xffff;
    order.side = (terms >>> 16) & 1;
    order.orderKind = RESTING[terms >>> 24];
    order.lifetimeBits = (terms >>> 24) & LIFETIME_BITS;
    order.feeSchedule = (fees >>> TO_SCHEDULE) & SCHEDULE;
    const risk = risks.of(order.symbol);
    const rules3 = this.#state.rules >= 3;
    const open = doubles[record | OPEN];
    const keeps = order.price === words[(slot << TO_WORDS) | PRICE] && (order.quantity < open || (rules3 && order.quantity === open));
    order.feeCarry = fees & CARRY;
    if (!keeps && order.feeCarry === NO_CARRY) order.feeCarry = this.#schedules.firstCarry;
    const code = keeps && rules3 ? this.#checks.lower(order, slot) : this.#checks.amend(order, slot);
    if (code !== OK) return this.#rejectAmend(code, slot);
    if (keeps && order.quantity === open) return this.#amended(KEPT_PRIORITY, slot, terms);
    const phase = this.#symbols.phase[order.symbol];
    const book = this.#books[order.symbol] as OrderBook;
    if (keeps) this.#lower(slot, book, risk, terms);
    else this.#replace(slot, book, risk, phase);
    if (phase === AUCTION) this.#changedAuctions.add(order.symbol);
  }

  /** A lower quantity at the same price keeps the priority. */
  #lower(slot: number, book: OrderBook, risk: RiskModel, terms: number): void {
    const before = this.#slab.open(slot);
    book.reduce(slot, this.#order.quantity);
    risk.rehold(slot, this.#order, before);
    this.#market.order(REDUCE, slot);
    this.#amended(KEPT_PRIORITY, slot, terms);
  }

  #amended(flags: number, slot: number, terms: number): void {
    if ((terms & (ICEBERG_TERM | LINKED)) === 0) this.#answers.plain(AMENDED, flags, OK, slot, this.#order.tag);
    else this.#answers.resting(AMENDED, flags, OK, slot, this.#order.tag);
  }

  #rejectUnknown(): void {
    const order = this.#order;
    this.#checks.count(order.account);
    this.#answers.reply(AMEND_REJECTED, Code.UNKNOWN_ORDER, order.orderId, order.price, order.quantity, 0, 0);
  }

  /** An iceberg; or an order that cannot be amended so: a side of a quote, which the next quote replaces, or one that displays all. */
  #amendSpecial(slot: number): void {
    if (this.#slab.isIceberg(slot)) return this.#amendIceberg(slot);
    this.#rejectUncounted(this.#order.lifetimeBits !== 0 ? Code.DISPLAYED_QUANTITY : Code.QUOTE_AMEND, slot);
  }

  /** Also changes what it displays, if the command says so. To less of either, it keeps its priority: the reserve falls first. */
  #amendIceberg(slot: number): void {
    const order = this.#order;
    const slab = this.#slab;
    const { icebergs } = this.#resting;
    const display = slab.display(slot);
    const named = order.lifetimeBits !== 0;
    if (!named) order.displayed = display;
    order.symbol = slab.symbol(slot);
    order.side = slab.side(slot);
    order.orderKind = RESTING[slab.lifetime(slot)];
    order.lifetimeBits = (slab.lifetime(slot) & LIFETIME_BITS) | ICEBERG_BIT;
    order.feeSchedule = scheduleOf(slab.fees(slot));
    order.feeCarry = slab.fees(slot) & CARRY;
    const keeps = order.price === slab.price(slot) && order.quantity <= slab.total(slot) && order.displayed <= display;
    let code = keeps ? this.#checks.lower(order, slot) : this.#checks.amend(order, slot);
    if (code === OK && (named || !keeps)) code = this.#checks.displayed(order, named);
    if (code !== OK) return this.#rejectAmend(code, slot);
    const risk = this.#risks.of(order.symbol);
    const book = this.#books[order.symbol] as OrderBook;
    if (!keeps) {
      icebergs.makeWhole(book, slot);
      this.#replace(slot, book, risk, this.#symbols.phase[order.symbol]);
    } else {
      if (order.quantity < slab.total(slot)) {
        risk.reduce(slot, order.quantity);
        this.#resting.reduce(book, slot, order.quantity);
      }
      if (order.displayed < display && icebergs.lowerDisplay(book, slot, order.displayed)) this.#resting.publish(REDUCE, slot);
      this.#answers.resting(AMENDED, KEPT_PRIORITY, OK, slot, order.tag);
    }
    if (this.#symbols.phase[order.symbol] === AUCTION) this.#changedAuctions.add(order.symbol);
  }

  #rejectUncounted(code: Code, slot: number): void {
    this.#checks.count(this.#order.account);
    this.#rejectNamed(code, slot);
  }

  /** The amend of an order that waits, is linked, or has more than a plain one; or by terms that the order does not have. Returns false if it is one like others. */
  #amendOther(slot: number, terms: number): boolean {
    const order = this.#order;
    if ((terms & LINKED) !== 0 && slot !== this.#amending) this.#amendLinked(slot);
    else if ((terms & PEGGED) !== 0) this.#pegOrders.amend(slot);
    else if (this.#slab.level(slot) < NIL) this.#stopOrders.amend(slot);
    else if (order.stopPrice !== 0) this.#rejectUncounted(order.trailOffset === 0 ? Code.STOP_PRICE : Code.TRAIL_OFFSET, slot);
    else if (((terms & SPECIAL) | order.lifetimeBits) !== 0) this.#amendSpecial(slot);
    else return false;
    return true;
  }

  /** Rejects the amend of a resting order, which the command names, before any check of it. */
  rejectAmend(code: Code): void {
    this.#rejectNamed(code, this.#resting.find(this.#order.orderId));
  }

  #rejectNamed(code: Code, slot: number): void {
    const order = this.#order;
    const slab = this.#slab;
    // Its partner was in its way, and ended with it.
    if (slot === NIL) return this.#answers.reply(AMEND_REJECTED, code, order.orderId, order.price, order.quantity, 0, 0);
    order.symbol = slab.symbol(slot);
    order.side = slab.side(slot);
    this.#rejectAmend(code, slot);
  }

  /** Amends a linked order: first its partner makes room, then it follows. */
  #amendLinked(slot: number): void {
    const slab = this.#slab;
    const { links } = this.#state;
    if (links.isWaiting(slot)) return this.#linked.children?.amend(slot);
    const partner = links.partnerOf(slot);
    const filled = slab.filled(slot);
    const code = this.#linked.amends(slot);
    if (code !== OK) {
      this.#checks.count(this.#order.account);
      return this.rejectAmend(code);
    }
    this.#amending = slot;
    this.amend();
    this.#amending = NIL;
    this.#linked.amended(slot, partner, filled);
  }

  #rejectAmend(code: Code, slot: number): void {
    const order = this.#order;
    const slab = this.#slab;
    const { later } = this.#state.aggressor;
    this.#identify(slot);
    this.#answers.reply(
      AMEND_REJECTED,
      code,
      slab.id[slot],
      order.price,
      order.quantity + later,
      this.#resting.leaves(slot),
      slab.traded(slot),
    );
    if (code === Code.THROTTLED || code === Code.ORDER_TO_TRADE) this.#answers.notBefore();
  }

  /** The order loses its priority, may trade at its new price, and rests last there. */
  #replace(slot: number, book: OrderBook, risk: RiskModel, phase: number): void {
    const order = this.#order;
    const { doubles, words } = this.#slab;
    const record = slot << TO_DOUBLES;
    const terms = words[(slot << TO_WORDS) | TERMS];
    const before = doubles[record | OPEN];
    const crosses = phase === CONTINUOUS && book.crosses(order.side, order.price);
    if (crosses) risk.release(slot);
    book.remove(slot);
    this.#market.order(REMOVE, slot);
    words[(slot << TO_WORDS) | PRICE] = order.price;
    doubles[record | OPEN] = order.quantity;
    this.#amended(0, slot, terms);
    if ((words[(slot << TO_WORDS) | FEES] & CARRY) !== order.feeCarry) this.#setCarry(slot, order.feeCarry);
    if (crosses) {
      const allowed = this.#trade(slot, book);
      if (doubles[record | OPEN] === 0) return this.#resting.gone(slot);
      if (!allowed) return this.#end(slot, this.#guarded.code);
    }
    // From rules 3 on the room was checked. What the order traded may have taken the account over its share meanwhile.
    if (book.rest(slot, ANY_SHARE)) {
      if (crosses) risk.hold(slot, order);
      else risk.rehold(slot, order, before);
      if (((terms & ICEBERG_TERM) | book.hiddenOrders) !== 0) this.#arrive(slot, book, terms);
      this.#market.order(ADD, slot);
      return;
    }
    if (!crosses) this.#releaseAll(slot, risk, before);
    this.#end(slot, Code.LEVELS_FULL);
  }

  /** Before rules 3: the order cannot rest at its new price. */
  #releaseAll(slot: number, risk: RiskModel, before: QtyLots): void {
    risk.rehold(slot, this.#order, before);
    risk.release(slot);
  }

  /** The order rests at its new price; it is an iceberg, or the book has hidden orders. */
  #arrive(slot: number, book: OrderBook, terms: number): void {
    const { icebergs } = this.#resting;
    if ((terms & ICEBERG_TERM) === 0) icebergs.arrived(slot);
    else icebergs.enter(book, slot, this.#order.displayed, icebergs.newId());
  }

  #end(slot: number, code: Code): void {
    this.#answers.cancelled(slot, code, this.#slab.tag(slot));
    this.#resting.gone(slot);
  }

  /** The amended order crosses the other side. Returns false if self-trade prevention cancels the rest. */
  #trade(slot: number, book: OrderBook): boolean {
    const order = this.#order;
    const aggressor = this.#aggressor;
    const slab = this.#slab;
    aggressor.orderId = slab.id[slot];
    aggressor.open = order.quantity;
    aggressor.filled = slab.filled(slot);
    aggressor.feeCarry = order.feeCarry;
    const { selfTrade } = this.#state;
    selfTrade.begin(order.account, selfTradeModeOf(order.lifetimeBits));
    // Reports of its fills have the tag of the order; the answer had the tag of the amend.
    order.tag = slab.tag(slot);
    this.#identify(slot);
    const watched = this.#stops.watched[order.symbol] !== 0;
    if (watched) this.#stops.beforeMatch(order.symbol, order.side === BUY ? book.bestAsk() : book.bestBid());
    let allowed = true;
    if (watched && this.#banded.applies(order.symbol)) allowed = this.#banded.match(book, order.side, order.price);
    else if (selfTrade.mode <= NONE && book.guards === 0) book.match(order.side, order.price, order.quantity);
    else allowed = this.#guarded.match(book, order.side, order.price);
    slab.setOpen(slot, aggressor.open);
    slab.setFilled(slot, aggressor.filled);
    this.#setCarry(slot, aggressor.feeCarry);
    return allowed;
  }

  /** Gives the current order what reports of it and of its fills name, and no check needs. */
  #identify(slot: number): void {
    const order = this.#order;
    const slab = this.#slab;
    order.timeInForce = slab.timeInForce(slot);
    order.clientOrderId = slab.clientOrderId(slot);
  }

  #setCarry(slot: number, carry: number): void {
    const slab = this.#slab;
    slab.setFees(slot, (slab.fees(slot) & ~CARRY) | carry);
  }
}
