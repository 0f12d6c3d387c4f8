import { fail } from '../assert.ts';
import type { OrderBook } from '../book/order-book.ts';
import { STOP_BY_REFERENCE } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { ControlBit } from '../rules/control-bits.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { hashTerms } from '../rules/order-terms.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { QtyLots } from '../units.ts';
import { checkList } from '../wire/check-list.ts';
import { Command, CommandExtension, Instruction, LinkKind, OrderType, Phase, ReportKind, Trigger } from '../wire/layout.ts';
import { hasChildren, isLink, legOf, legsOf, linkKindOf, linkTermOf, linkWord, MAX_LEGS } from '../wire/list-link.ts';
import { canLink, KIND_RESTS, OrderKind, selfTradeModeOf } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import { addExtension, type PendingExtension } from './extension.ts';
import type { LinkedOrders } from './linked-orders.ts';
import type { NewOrder } from './new-order.ts';
import type { OrderChildren } from './order-children.ts';
import type { RestingOrders } from './resting-orders.ts';
import { Aggressor, type MachineState } from './state.ts';
import type { StopOrders } from './stop-orders.ts';

const { OK, CANCELLED_LINKED } = Code;
const NIL = -1;
const WORDS = Command.bytes / 4;
/** An extension and a command. */
const LEG_WORDS = 2 * WORDS;
const ROW_WORDS = 8;
/** When an order comes again that was rejected with ORDERS_EXPIRING, in microseconds. */
export const EXPIRING_RETRY_US = 10_000;
const REJECTED = new Aggressor();

/**
 * Lists of orders that are linked with each other, or of a parent and its children. The orders of a list come one
 * after another, each with its extension. They are kept until the last one is there; then all
 * of them are accepted, or none. After a crash, the log may end within a list; another
 * command follows then, and what there is of the list is dropped. A snapshot may be
 * taken within a list, so what has come of it is part of the state. Owned by the
 * engine thread.
 */
export class OrderLists implements StatePart {
  readonly kinds = [RowKind.OrderList];
  readonly #state: MachineState;
  readonly #order: MachineState['order'];
  readonly #checks: OrderChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #newOrder: NewOrder;
  readonly #stopOrders: StopOrders;
  readonly #linked: LinkedOrders;
  readonly #children: OrderChildren;
  readonly #extension: PendingExtension;
  /** Extension and command of each order that has come. */
  readonly #words = new Int32Array(MAX_LEGS * LEG_WORDS);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  #count = 0;
  /** Seq of the last order that has come. */
  #seq = 0;
  /** The first order of the list that came while more orders had come to their end in its way than one command cancels; 0 = none. */
  #late = 0;
  /** Fee schedule of all orders, as they were sent at one time. */
  #schedule = 0;
  /** By order of the list: its id, its notional, and what it needs alone. */
  readonly #ids = new Float64Array(MAX_LEGS);
  readonly #notional = new Float64Array(MAX_LEGS);
  readonly #needed = new Float64Array(MAX_LEGS);
  /** Of a trailing stop: the price that it follows from, its first stop price, and its limit there; ticks. */
  readonly #extreme = new Float64Array(MAX_LEGS);
  readonly #stopPrice = new Float64Array(MAX_LEGS);
  readonly #limit = new Float64Array(MAX_LEGS);

  constructor(
    state: MachineState,
    checks: OrderChecks,
    answers: Answers,
    resting: RestingOrders,
    newOrder: NewOrder,
    stopOrders: StopOrders,
    linked: LinkedOrders,
    children: OrderChildren,
    extension: PendingExtension,
  ) {
    this.#state = state;
    this.#order = state.order;
    this.#checks = checks;
    this.#answers = answers;
    this.#resting = resting;
    this.#newOrder = newOrder;
    this.#stopOrders = stopOrders;
    this.#linked = linked;
    this.#children = children;
    this.#extension = extension;
  }

  /** Takes the current command, an order of a list, in `slot` of `words`, with its extension. The last one of the list has all of them applied. @param late more orders have come to their end in its way than one command cancels */
  add(link: number, extension: Int32Array, words: Int32Array, slot: number, late = false): void {
    const { seq } = this.#state;
    const leg = legOf(link);
    if (this.#state.rules >= 6 ? !this.#follows(link) : leg !== 1 && !this.#isNext(leg)) return this.#refuseLeg();
    if (leg === 1) this.#late = 0;
    if (late && this.#late === 0) this.#late = leg;
    const at = (leg - 1) * LEG_WORDS;
    for (let i = 0; i < WORDS; i++) {
      this.#words[at + i] = extension[i];
      this.#words[at + WORDS + i] = words[slot * WORDS + i];
    }
    this.#count = leg;
    this.#seq = seq;
    if (leg < legsOf(link)) return;
    this.#apply();
    this.#count = 0;
  }

  /** Whether the order begins a list, or continues the one that has begun. A list from a verified frame always does. */
  #follows(link: number): boolean {
    if (!isLink(link)) return false;
    const leg = legOf(link);
    return leg === 1 || (this.#isNext(leg) && this.#linkOf(0) === linkWord(linkKindOf(link) as LinkKind, 1, legsOf(link)));
  }

  #isNext(leg: number): boolean {
    return this.#count === leg - 1 && this.#seq === this.#state.seq - 2;
  }

  #linkOf(leg: number): number {
    return this.#words[leg * LEG_WORDS + CommandExtension.link / 4];
  }

  #refuseLeg(): void {
    const { seq, rules, accounts } = this.#state;
    if (rules < 6) fail(`command ${seq} continues a list that did not begin`);
    if (accounts.exists(this.#order.account)) this.#refuse(Code.BAD_LIST);
    else this.#answers.rejectUnknownAccount(ReportKind.Rejected);
  }

  /** Whether the orders of the list fit together, as those of a verified frame do. */
  #isWellFormed(): boolean {
    const { account } = this.#order;
    const { rules } = this.#state;
    for (let leg = 0; leg < this.#count; leg++) {
      this.#read(leg);
      const { timeInForce, minQuantity, displayed, link } = this.#order;
      const at = leg * LEG_WORDS;
      const orderType = this.#bytes[at * 4 + CommandExtension.orderType];
      const instructions = this.#words[at + CommandExtension.instructions / 4];
      if (
        this.#order.account !== account ||
        (rules < 7 && isNewInFamily(orderType, instructions, displayed, link)) ||
        !canLink(orderType, timeInForce, instructions, minQuantity !== 0, displayed !== 0, linkTermOf(link))
      )
        return false;
    }
    return checkList(this.#bytes, this.#words) === OK;
  }

  #apply(): void {
    const { accounts, clientOrderIds, rules } = this.#state;
    const legs = this.#count;
    if (!accounts.exists(this.#order.account)) {
      for (let leg = 0; leg < legs; leg++) {
        this.#read(leg);
        this.#answers.rejectUnknownAccount(ReportKind.Rejected);
      }
      return;
    }
    if (rules >= 6 && !this.#isWellFormed()) {
      for (let leg = 0; leg < legs; leg++) {
        this.#read(leg);
        this.#refuse(Code.BAD_LIST);
      }
      return;
    }
    this.#newOrder.setFees();
    this.#schedule = this.#order.feeSchedule;
    for (let leg = 0; leg < legs; leg++) {
      this.#read(leg);
      if (clientOrderIds.find(this.#order.account, this.#order.clientOrderId) !== 0) return this.#again();
    }
    const failed = this.#late !== 0 ? this.#expiring() : this.#check();
    if (failed !== NIL) return this.#rejectAll(failed);
    for (let leg = 0; leg < legs; leg++) {
      this.#read(leg);
      this.#ids[leg] = ++this.#state.lastOrderId;
      this.#begin(leg);
      this.#answers.accepted();
    }
    this.#enter();
  }

  /** The list was sent before: each order is answered as it is now. */
  #again(): void {
    for (let leg = 0; leg < this.#count; leg++) {
      this.#read(leg);
      const { account, clientOrderId } = this.#order;
      this.#checks.count(account);
      const known = this.#state.clientOrderIds.find(account, clientOrderId);
      if (known === 0) this.#refuse(Code.LIST_REJECTED);
      else this.#answers.again(known);
    }
  }

  #expiring(): number {
    this.#code = Code.ORDERS_EXPIRING;
    this.#order.retryUs = this.#state.timeUs + EXPIRING_RETRY_US;
    return this.#late - 1;
  }

  /** Checks the orders one after another, each as if those before it were open. Returns the first one that fails, with its code in `#code`; -1 if all pass. */
  #check(): number {
    const { accounts, slab, rules } = this.#state;
    const order = this.#order;
    let failed = NIL;
    let checked = 0;
    let earlier = 0;
    for (; failed === NIL && checked < this.#count; checked++) {
      this.#read(checked);
      if (checked > 0 && order.clientOrderId === earlier) this.#code = Code.CLIENT_ORDER_ID_REUSED;
      else if (rules < 6 && hasChildren(linkKindOf(order.link))) this.#code = Code.UNSUPPORTED_TERM;
      else if (this.#isChild(checked)) this.#code = this.#children.check();
      else if (order.stopPrice !== 0) this.#code = this.#stopOrders.check();
      else if (order.orderKind === OrderKind.PostOnlyReprice) this.#code = this.#checks.newSpecial(order);
      else this.#code = this.#checks.newOrder(order);
      if (this.#code !== OK) failed = checked;
      earlier = order.clientOrderId;
      this.#notional[checked] = order.notional;
      this.#needed[checked] = order.needed;
      if (order.trailOffset !== 0) this.#noteTrail(checked);
      accounts.openOrders[order.account]++;
      slab.count++;
      if (!this.#isChild(checked)) this.#changeOpen(1);
    }
    for (let leg = 0; leg < checked; leg++) {
      this.#read(leg);
      accounts.openOrders[order.account]--;
      slab.count--;
      if (!this.#isChild(leg)) this.#changeOpen(-1);
    }
    return failed;
  }

  #code: Code = OK;

  #noteTrail(leg: number): void {
    const { stopPrice, price } = this.#order;
    this.#extreme[leg] = this.#stopOrders.extreme;
    this.#stopPrice[leg] = stopPrice;
    this.#limit[leg] = price;
  }

  #changeOpen(sign: number): void {
    const { accounts } = this.#state;
    const { account, symbol, side, quantity } = this.#order;
    if ((accounts.controls[account] & ControlBit.Limited) !== 0) accounts.positionLimits.changeOpen(account, symbol, side, sign * quantity);
  }

  #rejectAll(failed: number): void {
    const code = this.#code;
    const { clientOrderIds } = this.#state;
    // Orders that came too early can be sent again, and are then new ones.
    const late = code === Code.THROTTLED || code === Code.ORDER_TO_TRADE || code === Code.ORDERS_EXPIRING;
    const early = late || code === Code.TRAIL_UNAVAILABLE;
    for (let leg = 0; leg < this.#count; leg++) {
      this.#read(leg);
      const order = this.#order;
      const its = leg === failed ? code : Code.LIST_REJECTED;
      this.#refuse(its);
      if (late && leg === failed) this.#answers.notBefore();
      if (!early && order.clientOrderId !== 0 && !clientOrderIds.tooOld(order.account, order.clientOrderId))
        clientOrderIds.rememberNew(order, its, REJECTED);
    }
  }

  #refuse(code: Code): void {
    const order = this.#order;
    this.#answers.reply(ReportKind.Rejected, code, 0, order.price, order.quantity, 0, 0);
  }

  /** Makes order `leg` of the list, from 0, the current one. */
  #read(leg: number): void {
    const order = this.#order;
    const state = this.#state;
    order.read(this.#words, leg * 2 + 1);
    addExtension(order, this.#bytes, this.#words, leg * 2, state.rules);
    hashTerms(order);
    order.termsHash = order.termsHash ^ Math.imul(order.link, 0x6c8e9cf5) || 1;
    order.feeSchedule = this.#schedule;
    order.feeCarry = state.feeSchedules.firstCarry;
    state.selfTrade.begin(order.account, selfTradeModeOf(order.lifetimeBits));
  }

  /** Makes order `leg`, which was checked, the aggressor. */
  #begin(leg: number): void {
    const order = this.#order;
    const { aggressor, risks } = this.#state;
    this.#checks.lifetime(order);
    order.notional = this.#notional[leg];
    if (order.trailOffset !== 0) {
      order.stopPrice = this.#stopPrice[leg];
      order.price = this.#limit[leg];
    } else if (order.stopPrice === 0) this.#checks.reprice(order);
    risks.of(order.symbol).need(order);
    aggressor.orderId = this.#ids[leg];
    aggressor.open = order.quantity;
    aggressor.filled = 0;
    aggressor.feeCarry = order.feeCarry;
  }

  /** Whether order `leg`, which is the current one, waits for fills of the first one. */
  #isChild(leg: number): boolean {
    return leg > 0 && hasChildren(linkKindOf(this.#order.link));
  }

  #isStop(leg: number): boolean {
    this.#read(leg);
    return this.#order.stopPrice !== 0;
  }

  /** Enters the accepted orders. */
  #enter(): void {
    const kind = linkKindOf(this.#order.link);
    if (hasChildren(kind)) return this.#enterChildren();
    const first = this.#isStop(0);
    const second = this.#isStop(1);
    if (first && second) {
      const one = this.#enterStop(0, NIL);
      return this.#linked.link(one, this.#enterStop(1, 0), kind);
    }
    if (!first && !second) return this.#enterLimits(kind);
    const limit = first ? 1 : 0;
    const stop = 1 - limit;
    // The stop waits before the limit order trades, so that these trades can trigger it.
    const waiting = this.#enterStop(stop, limit);
    const resting = this.#enterLimit(limit);
    const { filled } = this.#state.aggressor;
    const { slab } = this.#state;
    if (resting === NIL || (filled > 0 && kind === LinkKind.OneCancelsOther))
      return this.#resting.cancel(waiting, CANCELLED_LINKED, slab.tag(waiting));
    this.#linked.link(resting, waiting, kind);
  }

  /** @param partner the leg of whose reservation it can use all if both are of one side; -1 = it has none yet */
  #enterStop(leg: number, partner: number): number {
    this.#read(leg);
    const order = this.#order;
    const { price: distance } = order;
    this.#begin(leg);
    const { links } = this.#state;
    if (partner !== NIL && this.#sameSide()) order.needed = Math.max(0, order.needed - this.#needed[partner]);
    const bits = order.trigger === Trigger.ReferencePrice ? STOP_BY_REFERENCE : 0;
    let slot: number;
    if (order.trailOffset === 0) slot = this.#resting.enterStop(bits);
    else {
      order.price = distance;
      slot = this.#resting.enterTrail(bits, this.#extreme[leg]);
    }
    links.setUnit(slot, this.#notional[leg] / order.quantity);
    return slot;
  }

  #enterParentStop(): number {
    const { symbol, side, trigger, triggerNow, stopPrice } = this.#order;
    const { stops } = this.#state;
    const isDue = triggerNow && stops.holds(symbol, side, trigger, stopPrice);
    const slot = this.#enterStop(0, NIL);
    if (isDue) stops.triggerNow(slot);
    return slot;
  }

  #sameSide(): boolean {
    return this.#bytes[Command.bytes + Command.side] === this.#bytes[3 * Command.bytes + Command.side];
  }

  /** A buy below a sell: what trades of the first one ends the second one, and the other way round. */
  #enterLimits(kind: number): void {
    const { aggressor, slab } = this.#state;
    const first = this.#enterLimit(0);
    if (first === NIL || aggressor.filled > 0) {
      this.#read(1);
      this.#begin(1);
      return this.#cancelRest(CANCELLED_LINKED);
    }
    const second = this.#enterLimit(1);
    if (second === NIL || aggressor.filled > 0) this.#resting.cancel(first, CANCELLED_LINKED, slab.tag(first));
    else this.#linked.link(first, second, kind);
  }

  /** The parent trades, or waits for its trigger, before its children wait: nothing but its fills concerns them. */
  #enterChildren(): void {
    const parent = this.#isStop(0) ? this.#enterParentStop() : this.#enterLimit(0);
    const { filled } = this.#state.aggressor;
    const { quantity } = this.#order;
    let first = NIL;
    let last = NIL;
    for (let leg = 1; leg < this.#count; leg++) {
      this.#read(leg);
      const { price } = this.#order;
      this.#begin(leg);
      if (parent === NIL && filled === 0) {
        this.#cancelRest(Code.CANCELLED_PARENT);
        continue;
      }
      this.#order.price = price;
      last = this.#children.enter(this.#notional[leg] / quantity, parent, last);
      if (first === NIL) first = last;
    }
    if (first !== NIL) this.#children.begin(first, parent, quantity, filled);
  }

  /** Trades and rests a limit order; a parent may also be one that does not rest. Returns its slot; -1 if it has ended. */
  #enterLimit(leg: number): number {
    this.#read(leg);
    this.#begin(leg);
    const state = this.#state;
    const { aggressor, clientOrderIds } = state;
    const order = this.#order;
    const book = state.books[order.symbol] as OrderBook;
    const allowed = state.symbols.phase[order.symbol] !== Phase.Continuous || this.#newOrder.match(book);
    if (aggressor.open === 0) clientOrderIds.rememberNew(order, OK, aggressor);
    else if (!allowed) this.#cancelRest(this.#newOrder.refusal);
    else if (KIND_RESTS[order.orderKind] === 0) this.#cancelRest(this.#newOrder.remainder);
    else if (this.#resting.rest(book)) return state.slab.find(aggressor.orderId);
    else this.#cancelRest(book.noRoomCode());
    return NIL;
  }

  #cancelRest(code: Code): void {
    const order = this.#order;
    const { aggressor, clientOrderIds } = this.#state;
    this.#answers.reply(ReportKind.Cancelled, code, aggressor.orderId, order.price, aggressor.open, 0, aggressor.filled);
    if (order.stopPrice !== 0) this.#answers.withStop();
    clientOrderIds.rememberNew(order, OK, aggressor);
  }

  save(out: RowWriter): void {
    const { seq } = this.#state;
    if (this.#count === 0 || this.#seq !== (this.#extension.pending ? seq - 1 : seq)) return;
    for (let at = 0; at < this.#count * LEG_WORDS; at += ROW_WORDS)
      out.row(RowKind.OrderList, this.#count, at / ROW_WORDS, ...this.#words.subarray(at, at + ROW_WORDS), this.#late);
  }

  load(r: Float64Array, at: number): void {
    this.#count = r[at + 1];
    for (let i = 0; i < ROW_WORDS; i++) this.#words[r[at + 2] * ROW_WORDS + i] = r[at + 3 + i];
    this.#late = r[at + 11];
    this.#seq = this.#state.seq - Number(this.#extension.pending);
  }
}

/** Whether the order is a parent or child of a kind that there is from rules 7 on. */
function isNewInFamily(orderType: number, instructions: number, displayed: QtyLots, link: number): boolean {
  const term = linkTermOf(link);
  if (term === 'linked') return false;
  const last = term === 'parent' ? OrderType.Market : OrderType.StopLimit;
  return orderType > last || displayed !== 0 || (instructions & (Instruction.TriggerNow | Instruction.Hidden | Instruction.Reprice)) !== 0;
}
