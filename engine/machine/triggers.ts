import type { OrderBook } from '../book/order-book.ts';
import { LINKED, ORDER_WORDS_SHIFT, OrderWord } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { CARRY_MASK, feesWord, HAS_MORE, scheduleOf } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { LINKED_BIT } from '../rules/order-links.ts';
import { ALL, type PendingStops } from '../rules/pending-stops.ts';
import { ReportKind, SelfTradeMode, Side } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { KIND_RESTS, LIFETIME_BITS, OrderKind, selfTradeModeOf } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import type { BandedMatch } from './banded-match.ts';
import type { DueEnds } from './due-ends.ts';
import type { GuardedMatch } from './guarded-match.ts';
import type { LinkedOrders } from './linked-orders.ts';
import type { OrderChildren } from './order-children.ts';
import type { RestingOrders } from './resting-orders.ts';
import { type MachineState, OLD_TRIGGERS_PER_COMMAND, TRIGGER_PAUSE_US } from './state.ts';
import { kindAfterTrigger } from './stop-orders.ts';

const NIL = -1;
const { OK } = Code;
/** The bits beside the side in the word of an order's terms. */
const STOP_BITS = 0x00fe0000;
const { terms: TERMS } = OrderWord;

/** Trailing stops that become active with one command at most, and groups of them that become one with another. */
export const FOLLOWS_PER_COMMAND = 512;

/**
 * Triggers stops, after the command that moved the price. What waits for fills of its parent in the symbol, and is due, becomes live first. Each becomes a market
 * or limit order, is checked again, and trades to its end; what its trades cross
 * has its turn later. What exceeds the share of one command goes on before the
 * next command or tick, after a pause: what triggers there has time priority over that command.
 * Owned by the engine thread.
 */
export class Triggers {
  /** See FOLLOWS_PER_COMMAND; tests lower it. */
  followsPerCommand: number = FOLLOWS_PER_COMMAND;
  readonly #state: MachineState;
  readonly #stops: PendingStops;
  readonly #checks: OrderChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #guarded: GuardedMatch;
  readonly #banded: BandedMatch;
  readonly #dueEnds: DueEnds;
  readonly #linked: LinkedOrders;
  readonly #children: OrderChildren;
  /** Triggers that the command `#seq` may still cause. */
  #left = 0;
  #seq = 0;

  constructor(
    state: MachineState,
    checks: OrderChecks,
    answers: Answers,
    resting: RestingOrders,
    guarded: GuardedMatch,
    banded: BandedMatch,
    dueEnds: DueEnds,
    linked: LinkedOrders,
    children: OrderChildren,
  ) {
    this.#children = children;
    this.#linked = linked;
    this.#state = state;
    this.#stops = state.stops;
    this.#checks = checks;
    this.#answers = answers;
    this.#resting = resting;
    this.#guarded = guarded;
    this.#banded = banded;
    this.#dueEnds = dueEnds;
  }

  /** Call it before and after a command when `stops.pending`. Overwrites the current order. @param reports whether changes of stop prices are reported, too: once per command */
  run(reports: boolean): void {
    const state = this.#state;
    const stops = this.#stops;
    if (this.#seq !== state.seq) {
      this.#seq = state.seq;
      if (state.timeUs < state.triggersFromUs) this.#left = 0;
      else this.#left = state.rules < 6 ? OLD_TRIGGERS_PER_COMMAND : state.triggersPerCommand;
      stops.followsLeft = state.rules < 6 ? ALL : this.followsPerCommand;
    }
    stops.afterMatch();
    let areLive = this.#children.run();
    while (this.#left > 0) {
      const slot = stops.nextDue(state.links.dueIn);
      if (slot === NIL) break;
      if (!this.#trigger(slot)) this.#left = 0;
      else if (--this.#left === 0 && state.rules >= 7) state.triggersFromUs = state.timeUs + TRIGGER_PAUSE_US;
      if (this.#left === 0) stops.passTurn();
      areLive = this.#children.run();
    }
    stops.follow();
    if (reports && stops.reports.active.length > 0) this.#report();
    stops.pending = stops.busy || !areLive;
  }

  /** Reports present stop prices that are others than at the last report. */
  #report(): void {
    const { reports } = this.#stops;
    const { slab } = this.#state;
    for (let left = reports.perCommand; left > 0 && reports.active.length > 0; left--) {
      const slot = reports.look();
      if (slot !== NIL) this.#answers.resting(ReportKind.StopPriceChanged, 0, OK, slot, slab.tag(slot));
    }
    reports.passTurn();
  }

  /** Returns false if it must wait for the next command or tick: more orders have come to their end in its way than one command cancels. */
  #trigger(slot: number): boolean {
    const state = this.#state;
    const { order, slab } = state;
    const { more } = this.#dueEnds;
    if (more && this.#dueEnds.end(slot)) return true;
    this.#readOrder(slot);
    if (more) {
      const id = slab.id[slot];
      const isClear = this.#dueEnds.clearWay(state.books[order.symbol], order.side);
      // Its partner was in its way, and ended with it.
      if (slab.find(id) !== slot) return true;
      if (!isClear) return false;
    }
    this.#becomeLive(slot);
    return true;
  }

  #becomeLive(slot: number): void {
    const state = this.#state;
    const { slab, order } = state;
    this.#answers.resting(ReportKind.Triggered, 0, OK, slot, order.tag);
    if ((slab.sideBits(slot) & LINKED) === 0) return this.#enter(slot);
    const partner = this.#linked.triggered(slot);
    state.aggressor.filled = 0;
    this.#enter(slot);
    if (partner !== NIL) this.#linked.afterTrigger(partner, slab.level(slot) > NIL);
  }

  #enter(slot: number): void {
    const state = this.#state;
    const { slab, order } = state;
    const fees = slab.fees(slot);
    const kept = this.#resting.icebergs.kept(slot);
    // The price of a trailing stop is its limit from now on.
    this.#stops.end(slot);
    const isParent = (slab.sideBits(slot) & LINKED) !== 0 && state.links.childOf(slot) !== NIL;
    slab.words[(slot << ORDER_WORDS_SHIFT) + TERMS] &= isParent ? ~STOP_BITS | LINKED_BIT : ~STOP_BITS;
    state.risks.of(order.symbol).release(slot);
    const book = state.books[order.symbol] as OrderBook;
    state.selfTrade.begin(order.account, selfTradeModeOf(order.lifetimeBits));
    const code = this.#checks.triggered(order);
    if (code !== OK) return this.#end(slot, code);
    if (order.orderKind === OrderKind.PostOnlyReprice && order.price !== slab.price(slot)) this.#moveBehind(slot);
    const allowed = this.#trade(slot, book);
    if (slab.open(slot) === 0) return this.#resting.gone(slot);
    if (!allowed) return this.#end(slot, this.#guarded.code);
    if (KIND_RESTS[order.orderKind] === 0) return this.#end(slot, this.#banded.remainderCode(order.symbol));
    slab.setFees(slot, (fees & HAS_MORE) | feesWord(order.feeSchedule, state.aggressor.feeCarry));
    if (!this.#resting.icebergs.rest(book, slot, kept)) return this.#end(slot, book.noRoomCode());
    this.#resting.hold(slot);
    this.#resting.icebergs.rested(book, slot, kept);
    this.#resting.publish(MarketEventKind.Add, slot);
    if (isParent) this.#children.parentChanged(slot);
  }

  /** The triggered order would trade, and rests behind the other side instead. */
  #moveBehind(slot: number): void {
    const { slab, order } = this.#state;
    slab.setPrice(slot, order.price);
    this.#answers.resting(ReportKind.Amended, 0, OK, slot, order.tag);
  }

  /** Makes the pending stop in `slot` the current order. */
  #readOrder(slot: number): void {
    const { slab, order } = this.#state;
    order.account = slab.account(slot);
    order.symbol = slab.symbol(slot);
    order.side = slab.side(slot);
    order.timeInForce = slab.timeInForce(slot);
    const reprices = this.#resting.icebergs.reprices(slot);
    order.orderKind = reprices ? OrderKind.PostOnlyReprice : kindAfterTrigger(slab.price(slot), slab.lifetime(slot));
    order.lifetimeBits = slab.lifetime(slot) & LIFETIME_BITS;
    order.clientOrderId = slab.clientOrderId(slot);
    order.tag = slab.tag(slot);
    order.price = this.#stops.prices.limit(slot);
    order.quantity = slab.open(slot);
    order.feeSchedule = scheduleOf(slab.fees(slot));
    order.feeCarry = slab.fees(slot) & CARRY_MASK;
  }

  /** Returns false if self-trade prevention cancels the rest. */
  #trade(slot: number, book: OrderBook): boolean {
    const { slab, order, aggressor, selfTrade } = this.#state;
    aggressor.orderId = slab.id[slot];
    aggressor.open = order.quantity;
    aggressor.filled = 0;
    aggressor.feeCarry = order.feeCarry;
    this.#stops.beforeMatch(order.symbol, order.side === Side.Buy ? book.bestAsk() : book.bestBid());
    const limit = this.#checks.limitPrice(order);
    let allowed = true;
    if (this.#banded.applies(order.symbol)) allowed = this.#banded.match(book, order.side, limit);
    else if (selfTrade.mode <= SelfTradeMode.None && book.guards === 0) book.match(order.side, limit, order.quantity);
    else allowed = this.#guarded.match(book, order.side, limit);
    slab.setOpen(slot, aggressor.open);
    slab.setFilled(slot, aggressor.filled);
    this.#stops.afterMatch();
    return allowed;
  }

  /** The triggered order ends before it rests. */
  #end(slot: number, code: Code): void {
    this.#answers.cancelled(slot, code, this.#state.slab.tag(slot));
    this.#resting.gone(slot);
  }
}
