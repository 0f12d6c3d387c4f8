import type { OrderBook } from '../book/order-book.ts';
import { STOP_BY_REFERENCE, TRAILING, WAITS_FOR_PARENT } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { ChildChecks } from '../rules/child-checks.ts';
import { CARRY_MASK } from '../rules/fee-schedules.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { StopChecks } from '../rules/stop-checks.ts';
import type { Money, QtyLots } from '../units.ts';
import { ReportKind, Trigger } from '../wire/layout.ts';
import type { Answers } from './answers.ts';
import { ChildRows } from './child-rows.ts';
import { DueChildren } from './due-children.ts';
import { type Linker, LiveChildren } from './live-children.ts';
import type { NewOrder } from './new-order.ts';
import { ReportFlag } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';
import { kindAfterTrigger } from './stop-orders.ts';

const NIL = -1;
const { OK, CANCELLED_LINKED, CANCELLED_PARENT } = Code;
const { Amended: AMENDED, AmendRejected: AMEND_REJECTED } = ReportKind;

/** Lists whose children become live with one command at most. */
export const CHILDREN_PER_COMMAND = 32;

/** What the children need of the ends that are due. */
interface Ends {
  isMore(): boolean;
  end(slot: number): boolean;
  clearWay(book: OrderBook | undefined, side: number): boolean;
}

/**
 * Parents and their children. A child waits outside the book and the stops, and reserves nothing. Each fill of its parent makes
 * as many lots of it due; after the command, before stops trigger, what is due becomes live: it enters, or an order that is live grows.
 * The children of a bracket become live together, the limit order first, and update each other then. A child whose live lots are all traded waits again,
 * if its parent can fill more. At most {@link CHILDREN_PER_COMMAND} lists have their turn with one command, by symbol in the order of the fills, symbols in turn; the rest
 * before the next command or tick. Owned by the engine thread.
 */
export class OrderChildren {
  readonly rows: ChildRows;
  /** Lists that have their turn with one command at most; tests lower it. */
  perCommand: number = CHILDREN_PER_COMMAND;
  readonly #state: MachineState;
  readonly #slab: MachineState['slab'];
  readonly #links: MachineState['links'];
  readonly #checks: OrderChecks;
  readonly #childChecks: ChildChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  readonly #live: LiveChildren;
  readonly #ends: Ends;
  readonly #due: DueChildren;
  /** Turns of the command `#seq` that are left. */
  #left = 0;
  #seq = 0;

  constructor(
    state: MachineState,
    checks: OrderChecks,
    answers: Answers,
    resting: RestingOrders,
    newOrder: NewOrder,
    linked: Linker,
    ends: Ends,
  ) {
    this.#state = state;
    this.#slab = state.slab;
    this.#links = state.links;
    this.#checks = checks;
    const stopChecks = new StopChecks(state, checks);
    this.#childChecks = new ChildChecks(state, checks, stopChecks);
    this.#answers = answers;
    this.#resting = resting;
    this.#live = new LiveChildren(state, checks, stopChecks, this.#childChecks, answers, resting, newOrder, linked, (slot) =>
      this.forget(slot),
    );
    this.#ends = ends;
    this.#due = new DueChildren(state);
    this.rows = new ChildRows(state, resting, this.#due, (slot, lots) => this.#addDue(slot, lots));
  }

  /** The code of the first check that the current order, a new child, fails; or OK. A stop has the notional that it will hold back. */
  check(): Code {
    return this.#childChecks.newChild(this.#state.order);
  }

  /** Makes the current order, the aggressor, a child that waits. The price of a trailing stop is the distance of its limit. Returns its slot. @param unit of a stop: the notional of a lot at the price that it holds back @param parent @param sibling slots, -1 = none */
  enter(unit: Money, parent: number, sibling: number): number {
    const { order } = this.#state;
    const isTrail = order.trailOffset !== 0;
    const isByReference = order.trigger === Trigger.ReferencePrice && (isTrail || order.stopPrice !== 0);
    const slot = this.#resting.enterChild((isByReference ? STOP_BY_REFERENCE : 0) | (isTrail ? TRAILING : 0));
    if (isTrail) {
      this.#slab.setNext(slot, order.activationPrice);
      this.#slab.setPrev(slot, order.trailOffset);
    }
    this.#links.setUnit(slot, unit);
    this.#links.addChild(slot, parent, sibling);
    if (isTrail && order.reportTrail) this.#links.setReports(slot);
    return slot;
  }

  /** Makes the fills of a new parent so far due to its children. @param first child @param parent slot, -1 = it has ended @param quantity of its order @param filled of it */
  begin(first: number, parent: number, quantity: QtyLots, filled: QtyLots): void {
    const links = this.#links;
    const second = links.siblingOf(first);
    this.#addDue(first, filled);
    if (second !== NIL) this.#addDue(second, filled);
    let size = filled;
    if (parent !== NIL) {
      size += this.#slab.total(parent);
      links.setPassed(parent, filled);
      links.setSize(parent, size);
    }
    if (size === quantity) return;
    this.#reportLowered(first);
    if (second !== NIL) this.#reportLowered(second);
  }

  /** The parent in `slot` was filled or reduced. */
  parentChanged(slot: number): void {
    const links = this.#links;
    this.#pass(slot);
    const size = this.#slab.traded(slot) + this.#slab.total(slot);
    if (size >= links.sizeOf(slot)) return;
    links.setSize(slot, size);
    const first = links.childOf(slot);
    const second = links.siblingOf(first);
    this.#reportLowered(first);
    if (second !== NIL) this.#reportLowered(second);
  }

  /** The parent in `slot` is no longer open. What of its children never became live, and is not due, ends with it. */
  parentEnded(slot: number): void {
    const links = this.#links;
    this.#pass(slot);
    const first = links.childOf(slot);
    const second = links.siblingOf(first);
    // Also what an amend took off an order that then traded to its end.
    const lost = this.#state.rules < 7 ? this.#slab.total(slot) : links.sizeOf(slot) - this.#slab.traded(slot);
    this.#loseParent(first, lost);
    if (second !== NIL) this.#loseParent(second, lost);
  }

  #loseParent(slot: number, lost: QtyLots): void {
    const slab = this.#slab;
    const links = this.#links;
    if (links.isWaiting(slot) && links.dueOf(slot) === 0) return this.#endWaiting(slot, CANCELLED_PARENT, slab.tag(slot));
    links.leaveParent(slot);
    if (lost > 0) this.#reportLowered(slot);
    if (links.dueOf(slot) === 0 && slab.level(slot) !== NIL) links.removeChild(slot);
  }

  /** Gives the children of a parent what it was filled since the last time. */
  #pass(slot: number): void {
    const links = this.#links;
    const filled = this.#slab.traded(slot);
    const lots = filled - links.passedOf(slot);
    if (lots === 0) return;
    links.setPassed(slot, filled);
    const first = links.childOf(slot);
    const second = links.siblingOf(first);
    this.#addDue(first, lots);
    if (second !== NIL) this.#addDue(second, lots);
  }

  #addDue(slot: number, lots: QtyLots): void {
    if (lots === 0) return;
    const links = this.#links;
    if (links.dueOf(slot) === 0) this.#due.push(slot);
    links.setDue(slot, links.dueOf(slot) + lots);
    this.#state.stops.pending = true;
  }

  #clearDue(slot: number): void {
    this.#links.setDue(slot, 0);
    this.#due.cleared(this.#slab.symbol(slot));
  }

  /** Of a child that trades now, the record does not have its open quantity yet. */
  #reportLowered(slot: number): void {
    const slab = this.#slab;
    const { aggressor } = this.#state;
    if (slab.level(slot) === NIL) {
      slab.setOpen(slot, aggressor.open);
      slab.setFilled(slot, aggressor.filled);
      aggressor.later = this.#links.later(slot);
    }
    this.#answers.resting(AMENDED, ReportFlag.KeptPriority, CANCELLED_PARENT, slot, slab.tag(slot));
  }

  /** The child in `slot` is no longer open, or is none any more. Returns its sibling; -1 if it has none. */
  forget(slot: number): number {
    const sibling = this.#links.siblingOf(slot);
    this.#clearDue(slot);
    this.#links.removeChild(slot);
    return sibling;
  }

  /** Cancels a child that waits; its sibling, too. */
  cancelWaiting(slot: number, code: Code, tag: number): void {
    const sibling = this.#links.siblingOf(slot);
    this.#endWaiting(slot, code, tag);
    if (sibling !== NIL) this.#resting.cancel(sibling, CANCELLED_LINKED, this.#slab.tag(sibling));
  }

  #endWaiting(slot: number, code: Code, tag: number): void {
    const later = this.#links.later(slot);
    this.#answers.cancelled(slot, code, tag);
    // Of a trailing stop, it is a distance.
    this.#slab.setPrice(slot, this.#state.stops.prices.limit(slot));
    this.forget(slot);
    this.#slab.setOpen(slot, later);
    this.#slab.setLevel(slot, NIL);
    this.#resting.gone(slot);
  }

  /** All live lots of the order in `slot` are traded, and it left the book. Returns true if it is a child that waits for more. */
  parks(slot: number): boolean {
    const links = this.#links;
    if (!links.comes(slot)) return false;
    const partner = links.partnerOf(slot);
    const slab = this.#slab;
    slab.setHeld(slot, 0);
    this.#resting.icebergs.keepAgain(this.#live.bookOf(slot), slot);
    this.#wait(slot, 0);
    if (partner === NIL) return true;
    links.remove(slot);
    slab.setFees(partner, (slab.fees(partner) & ~CARRY_MASK) | (slab.fees(slot) & CARRY_MASK));
    const { stops } = this.#state;
    const isTrail = stops.prices.isTrailing(partner);
    const stopPrice = isTrail ? stops.prices.activationPrice(partner) : slab.next(partner);
    const price = slab.price(partner);
    stops.end(partner);
    slab.setPrice(partner, price);
    this.#state.risks.of(slab.symbol(partner)).share(partner, 0, 0);
    this.#wait(partner, stopPrice);
    this.#answers.resting(AMENDED, ReportFlag.KeptPriority, CANCELLED_LINKED, partner, slab.tag(partner));
    return true;
  }

  #wait(slot: number, stopPrice: number): void {
    const slab = this.#slab;
    slab.setOpen(slot, 0);
    slab.setNext(slot, stopPrice);
    slab.setLevel(slot, WAITS_FOR_PARENT);
  }

  /** The stop in `slot`, a child, triggers: the rest of its parent is cancelled. */
  triggered(slot: number): void {
    const parent = this.#links.parentOf(slot);
    if (parent !== NIL) this.#resting.cancel(parent, CANCELLED_LINKED, this.#slab.tag(parent));
  }

  /** Whether lots of children in the symbol are due. */
  areDue(symbol: number): boolean {
    return this.#links.dueIn[symbol] !== 0;
  }

  /** Makes live what is due, up to the share of the command. Returns false if more is due. Overwrites the current order. */
  run(): boolean {
    if (this.#links.due === 0) return true;
    const { seq } = this.#state;
    if (this.#seq !== seq) {
      this.#seq = seq;
      this.#left = this.perCommand;
    }
    while (this.#links.due > 0) {
      if (this.#left === 0) return false;
      const slot = this.#due.next();
      const symbol = this.#slab.symbol(slot);
      const sibling = this.#links.siblingOf(slot);
      const id = sibling === NIL ? 0 : this.#slab.id[sibling];
      if (!this.#becomeLive(slot)) {
        this.#left = 0;
        return false;
      }
      this.#left--;
      this.#due.passTurn(symbol, id);
    }
    return true;
  }

  /** Returns false if more orders have come to their end in its way than one command cancels. */
  #becomeLive(one: number): boolean {
    const links = this.#links;
    const live = this.#live;
    const other = links.siblingOf(one);
    const more = this.#ends.isMore();
    if (more && (this.#ends.end(one) || (other !== NIL && this.#ends.end(other)))) return true;
    if (more && live.isLimit(one) && links.isWaiting(one)) {
      live.read(one, links.dueOf(one));
      if (!this.#ends.clearWay(live.bookOf(one), this.#slab.side(one))) return false;
    }
    const lots = links.dueOf(one);
    const id = other === NIL ? 0 : this.#slab.id[other];
    this.#clearDue(one);
    live.enterFirst(one, lots);
    if (other !== NIL && this.#slab.find(id) === other) {
      // The limit order may have traded with its parent, so that both have further lots due.
      const further = links.dueOf(other) - lots;
      this.#clearDue(other);
      this.#addDue(other, further);
      live.enterSecond(one, other, lots);
    }
    this.#settle(one);
    if (other !== NIL) this.#settle(other);
    return true;
  }

  /** The order in `slot` is no child any more if nothing else of it can become live. */
  #settle(slot: number): void {
    if (this.#links.isChild(slot) && !this.#links.comes(slot)) this.#links.removeChild(slot);
  }

  /** Amends the child in `slot`, which waits, and which the current command names. */
  amend(slot: number): void {
    const slab = this.#slab;
    const links = this.#links;
    const { order } = this.#state;
    const { price, quantity, trailOffset, lifetimeBits: named, tag } = order;
    const isTrail = this.#state.stops.prices.isTrailing(slot);
    const isStop = isTrail || slab.next(slot) !== 0;
    // With a new offset, the extension has the activation price.
    const stopPrice = trailOffset === 0 ? order.stopPrice : order.activationPrice;
    let code: Code = OK;
    const { icebergs } = this.#resting;
    if (named !== 0 && icebergs.kept(slot) <= 0) code = Code.DISPLAYED_QUANTITY;
    else if (trailOffset !== 0 && !isTrail) code = Code.TRAIL_OFFSET;
    else if (stopPrice !== 0 && !isStop) code = Code.STOP_PRICE;
    else if (quantity !== links.later(slot)) code = Code.LINKED_AMEND;
    if (code !== OK) this.#checks.count(order.account);
    const before = slab.next(slot);
    this.#live.read(slot, quantity);
    order.price = price;
    order.tag = tag;
    order.orderKind = kindAfterTrigger(slab.price(slot), slab.lifetime(slot));
    if (trailOffset !== 0) order.trailOffset = trailOffset;
    if (stopPrice !== 0) {
      order.stopPrice = stopPrice;
      order.activationPrice = stopPrice;
    }
    // A trailing stop may have no activation price.
    if (isTrail) order.stopPrice = order.activationPrice || 1;
    code ||= this.#childChecks.amend(order, named !== 0);
    if (code !== OK) {
      order.stopPrice = 0;
      this.#answers.reply(AMEND_REJECTED, code, slab.id[slot], price, quantity, links.later(slot), slab.filled(slot));
      if (code === Code.THROTTLED || code === Code.ORDER_TO_TRADE) this.#answers.notBefore();
      return;
    }
    slab.setPrice(slot, price);
    if (isStop) {
      slab.setNext(slot, isTrail ? order.activationPrice : order.stopPrice || before);
      links.setUnit(slot, order.notional / quantity);
    }
    if (isTrail) slab.setPrev(slot, order.trailOffset);
    if (named !== 0) icebergs.setKept(slot, order.displayed);
    this.#answers.resting(AMENDED, ReportFlag.KeptPriority, OK, slot, tag);
  }
}
