import { assert } from '../assert.ts';
import type { OrderBook } from '../book/order-book.ts';
import { ICEBERG, ORDER_WORDS_SHIFT, OrderWord } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import type { ChildChecks } from '../rules/child-checks.ts';
import { CARRY_MASK, scheduleOf } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { triggerOf } from '../rules/pending-stops.ts';
import type { StopChecks } from '../rules/stop-checks.ts';
import { putU53, type QtyLots } from '../units.ts';
import { LinkKind, Phase, ReportKind } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { LIFETIME_BITS, selfTradeModeOf } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import type { NewOrder } from './new-order.ts';
import { ReportWord } from './report-writer.ts';
import { ANY_SHARE, type RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';
import { kindAfterTrigger } from './stop-orders.ts';

const NIL = -1;
const { OK, PARENT_FILLED } = Code;
const { Amended: AMENDED } = ReportKind;

/** Links two live orders. */
export interface Linker {
  link(front: number, other: number, kind: number): void;
}

/** Makes lots of children live: a child enters the book or the stops, or one that is live grows; or it fails a check, and ends. Owned by the engine thread. */
export class LiveChildren {
  readonly #state: MachineState;
  readonly #slab: MachineState['slab'];
  readonly #links: MachineState['links'];
  readonly #checks: OrderChecks;
  readonly #stopChecks: StopChecks;
  readonly #childChecks: ChildChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #newOrder: NewOrder;
  readonly #linked: Linker;
  readonly #forget: (slot: number) => void;
  /** Lots that the limit order whose turn it is has traded in it, or self-trade prevention has taken off it. */
  #traded = 0;

  /** @param forget makes the order in a slot no child any more */
  constructor(
    state: MachineState,
    checks: OrderChecks,
    stopChecks: StopChecks,
    childChecks: ChildChecks,
    answers: Answers,
    resting: RestingOrders,
    newOrder: NewOrder,
    linked: Linker,
    forget: (slot: number) => void,
  ) {
    this.#state = state;
    this.#slab = state.slab;
    this.#links = state.links;
    this.#checks = checks;
    this.#stopChecks = stopChecks;
    this.#childChecks = childChecks;
    this.#answers = answers;
    this.#resting = resting;
    this.#newOrder = newOrder;
    this.#linked = linked;
    this.#forget = forget;
  }

  /** Whether the child in `slot` is no stop. */
  isLimit(slot: number): boolean {
    if (this.#slab.level(slot) > NIL) return true;
    return this.#links.isWaiting(slot) && this.#slab.next(slot) === 0 && !this.#state.stops.prices.isTrailing(slot);
  }

  /** The book of its symbol. */
  bookOf(slot: number): OrderBook {
    return this.#state.books[this.#slab.symbol(slot)] as OrderBook;
  }

  /** The first child of a list, or the only one that is left. */
  enterFirst(slot: number, lots: QtyLots): void {
    this.#traded = 0;
    if (!this.isLimit(slot)) this.#enterStop(slot, lots, NIL);
    else if (this.#links.isWaiting(slot)) this.#enterLimit(slot, lots);
    else this.#growLimit(slot, lots);
  }

  /** The stop of a bracket: as many lots as the limit order has, or all that this did not trade if it was rejected. */
  enterSecond(one: number, other: number, lots: QtyLots): void {
    const slab = this.#slab;
    const links = this.#links;
    const isAlone = links.siblingOf(other) !== one;
    if (isAlone) return this.#enterStop(other, lots - this.#traded, NIL);
    // It traded all.
    if (slab.level(one) <= NIL) return;
    // Together they pay the fee of all that they trade, rounded once.
    slab.setFees(other, (slab.fees(other) & ~CARRY_MASK) | (slab.fees(one) & CARRY_MASK));
    this.#enterStop(other, slab.total(one) - slab.open(other), one);
  }

  #enterLimit(slot: number, lots: QtyLots): void {
    const slab = this.#slab;
    const { order, aggressor, selfTrade, stops } = this.#state;
    this.read(slot, lots);
    selfTrade.begin(order.account, selfTradeModeOf(order.lifetimeBits));
    slab.setOpen(slot, lots);
    const code = this.#childChecks.becomesLive(order);
    if (code !== OK) return this.#reject(slot, code);
    slab.setLevel(slot, NIL);
    const { icebergs } = this.#resting;
    const kept = icebergs.kept(slot);
    // An incoming iceberg or hidden order trades its whole quantity, as any other order.
    slab.words[(slot << ORDER_WORDS_SHIFT) + OrderWord.terms] &= ~ICEBERG;
    this.#reportLive(slot, lots);
    aggressor.orderId = slab.id[slot];
    aggressor.open = lots;
    aggressor.filled = slab.filled(slot);
    aggressor.feeCarry = order.feeCarry;
    aggressor.later = this.#links.later(slot);
    const book = this.bookOf(slot);
    const allowed = this.#state.symbols.phase[order.symbol] !== Phase.Continuous || this.#newOrder.match(book);
    aggressor.later = 0;
    stops.afterMatch();
    this.#traded = lots - aggressor.open;
    slab.setOpen(slot, aggressor.open);
    slab.setFilled(slot, aggressor.filled);
    slab.setFees(slot, (slab.fees(slot) & ~CARRY_MASK) | aggressor.feeCarry);
    if (aggressor.open === 0) {
      // It may wait for more.
      if (kept >= 0) icebergs.keep(slot, kept, 0);
      return this.#resting.gone(slot);
    }
    if (!allowed) return this.#end(slot, this.#newOrder.refusal);
    if (!icebergs.rest(book, slot, kept)) return this.#reject(slot, book.noRoomCode());
    this.#resting.hold(slot);
    icebergs.rested(book, slot, kept);
    this.#resting.publish(MarketEventKind.Add, slot);
  }

  /** A limit order that is live has more lots, and loses its place. */
  #growLimit(slot: number, lots: QtyLots): void {
    const slab = this.#slab;
    const { order, accounts, risks } = this.#state;
    const partner = this.#links.partnerOf(slot);
    this.read(slot, slab.total(slot) + lots);
    const risk = risks.of(order.symbol);
    const code = this.#checks.standing(order, slot);
    this.#checks.setNotional(order);
    risk.need(order);
    const held = risk.held(slot) + (partner === NIL ? 0 : risk.held(partner));
    const isShort = order.needed > accounts.balances[order.payAt] + held;
    if (code !== OK || isShort) return this.#rejectLive(slot, code || Code.INSUFFICIENT_FUNDS, lots);
    const book = this.bookOf(slot);
    const { icebergs } = this.#resting;
    const isIceberg = slab.isIceberg(slot);
    if (isIceberg) icebergs.makeWhole(book, slot);
    book.remove(slot);
    this.#resting.publish(MarketEventKind.Remove, slot);
    risk.release(slot);
    if (partner !== NIL) risk.share(partner, slab.open(partner), 0);
    slab.setOpen(slot, order.quantity);
    this.#reportLive(slot, lots);
    assert(book.rest(slot, ANY_SHARE), 'a child that grows has room at its price');
    risk.hold(slot, order);
    if (isIceberg) icebergs.enter(book, slot, slab.display(slot), icebergs.newId());
    else if (book.hiddenOrders !== 0) icebergs.arrived(slot);
    this.#resting.publish(MarketEventKind.Add, slot);
  }

  /** A stop has so many more lots that wait for its trigger. @param front limit order with which it shares its reservation, -1 = none */
  #enterStop(slot: number, lots: QtyLots, front: number): void {
    const slab = this.#slab;
    const { order, accounts, risks, stops } = this.#state;
    const waits = this.#links.isWaiting(slot);
    const open = slab.open(slot) + lots;
    this.read(slot, open);
    const risk = risks.of(order.symbol);
    const begins = waits && order.trailOffset !== 0;
    const code = begins ? this.#stopChecks.becomesTrail(order) : this.#stopChecks.becomesLive(order, waits ? NIL : slot);
    if (begins) this.#links.setUnit(slot, order.notional / open);
    order.notional = this.#links.unitOf(slot) * open;
    risk.need(order);
    const needed = Math.max(0, order.needed - (front === NIL ? 0 : risk.held(front)));
    const isShort = needed > accounts.balances[order.payAt] + risk.held(slot);
    if (code !== OK || isShort) return this.#rejectStop(slot, code || Code.INSUFFICIENT_FUNDS, lots);
    risk.share(slot, open, needed);
    slab.setOpen(slot, open);
    if (waits) {
      slab.setLevel(slot, NIL);
      if (begins) stops.addBeginning(slot, this.#stopChecks.extreme);
      else stops.add(slot);
      if (this.#links.asksForReports(slot)) stops.reports.add(slot);
    }
    this.#reportLive(slot, lots);
    if (front !== NIL && waits) this.#linked.link(front, slot, LinkKind.OneUpdatesOther);
    if (waits && !begins && stops.holds(order.symbol, order.side, order.trigger, order.stopPrice)) stops.triggerNow(slot);
  }

  #rejectStop(slot: number, code: Code, lots: QtyLots): void {
    if (!this.#links.isWaiting(slot)) return this.#rejectLive(slot, code, lots);
    this.#slab.setOpen(slot, lots);
    this.#reject(slot, code);
  }

  /** So many lots of the order in `slot` are live from now on. */
  #reportLive(slot: number, lots: QtyLots): void {
    this.#answers.resting(AMENDED, 0, PARENT_FILLED, slot, this.#slab.tag(slot));
    const { words, at } = this.#state.reports;
    putU53(words, at + ReportWord.quantity, lots);
  }

  /** The child in `slot`, which is not live, ends, and its sibling stays. */
  #reject(slot: number, code: Code): void {
    const slab = this.#slab;
    this.#answers.cancelled(slot, code, slab.tag(slot));
    slab.setPrice(slot, this.#state.stops.prices.limit(slot));
    this.#forget(slot);
    slab.setLevel(slot, NIL);
    this.#resting.gone(slot);
  }

  /** The same for one that is live, and does not get `lots` more. */
  #rejectLive(slot: number, code: Code, lots: QtyLots): void {
    const links = this.#links;
    const slab = this.#slab;
    if (links.partnerOf(slot) !== NIL) links.remove(slot);
    const all = slab.total(slot) + lots + links.later(slot);
    this.#forget(slot);
    this.#resting.cancel(slot, code, slab.tag(slot));
    const { words, at } = this.#state.reports;
    putU53(words, at + ReportWord.quantity, all);
  }

  #end(slot: number, code: Code): void {
    this.#answers.cancelled(slot, code, this.#slab.tag(slot));
    this.#resting.gone(slot);
  }

  /** Makes the child in `slot` the current order, with `quantity` lots. */
  read(slot: number, quantity: QtyLots): void {
    const slab = this.#slab;
    const { order } = this.#state;
    order.account = slab.account(slot);
    order.symbol = slab.symbol(slot);
    order.side = slab.side(slot);
    order.timeInForce = slab.timeInForce(slot);
    order.lifetimeBits = slab.lifetime(slot) & LIFETIME_BITS;
    order.clientOrderId = slab.clientOrderId(slot);
    order.tag = slab.tag(slot);
    order.price = slab.price(slot);
    order.quantity = quantity;
    order.feeSchedule = scheduleOf(slab.fees(slot));
    order.feeCarry = slab.fees(slot) & CARRY_MASK;
    order.orderKind = kindAfterTrigger(order.price, slab.lifetime(slot));
    order.stopPrice = slab.level(slot) < NIL ? slab.next(slot) : 0;
    order.trigger = triggerOf(slab, slot);
    const isTrail = this.#state.stops.prices.isTrailing(slot);
    order.trailOffset = isTrail ? slab.prev(slot) : 0;
    order.activationPrice = isTrail ? order.stopPrice : 0;
  }
}
