import { fail } from '../assert.ts';
import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import { CARRY_MASK } from '../rules/fee-schedules.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { Money, QtyLots } from '../units.ts';
import { LinkKind, ReportKind, Side } from '../wire/layout.ts';
import type { Answers } from './answers.ts';
import type { OrderChildren } from './order-children.ts';
import { ReportFlag } from './report-writer.ts';
import type { Followers, RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;
const { OK, CANCELLED_LINKED } = Code;
const { OneCancelsOther } = LinkKind;

/**
 * What a fill, an amend, the trigger or the end of a linked order does to its
 * partner. Two linked orders never rest on one side of a book: such a pair is a
 * limit order and a stop, or two stops, and ends when a stop of it triggers. So a match never has to
 * remove an order that it could reach.
 *
 * Orders of one side share a reservation, the larger of the two. One of them,
 * the front, reserves all that it needs alone: the limit order, or of two stops the older one. The
 * other one reserves what it needs beyond that. Owned by the engine thread.
 */
export class LinkedOrders implements Followers, StatePart {
  readonly kinds = [RowKind.Linked];
  /** Set before the first command. */
  children: OrderChildren | undefined;
  readonly #state: MachineState;
  readonly #links: MachineState['links'];
  readonly #slab: MachineState['slab'];
  readonly #answers: Answers;
  readonly #resting: RestingOrders;

  constructor(state: MachineState, answers: Answers, resting: RestingOrders) {
    this.#state = state;
    this.#links = state.links;
    this.#slab = state.slab;
    this.#answers = answers;
    this.#resting = resting;
  }

  filled(slot: number, lots: QtyLots): void {
    const links = this.#links;
    if (links.childOf(slot) !== NIL) return this.children?.parentChanged(slot);
    const partner = links.partnerOf(slot);
    if (partner === NIL) return;
    const left = this.#slab.total(partner) - lots;
    if (links.kindOf(slot) === OneCancelsOther) this.#cancelPartner(slot);
    // If its parent can fill more, both wait for it.
    else if (left > 0 || !links.comes(slot)) this.#update(slot, partner, left);
  }

  reduced(slot: number): void {
    const links = this.#links;
    if (links.childOf(slot) !== NIL) return this.children?.parentChanged(slot);
    const partner = links.partnerOf(slot);
    if (partner === NIL) return;
    if (links.kindOf(slot) !== OneCancelsOther) this.#update(slot, partner, this.#slab.total(slot));
    else if (this.#share(slot, partner)) this.#reserveRest(slot, partner);
  }

  ended(slot: number): void {
    const links = this.#links;
    if (links.childOf(slot) !== NIL) return this.children?.parentEnded(slot);
    const sibling = links.isChild(slot) ? (this.children?.forget(slot) ?? NIL) : NIL;
    if (links.partnerOf(slot) !== NIL) this.#cancelPartner(slot);
    else if (sibling !== NIL) this.#resting.cancel(sibling, CANCELLED_LINKED, this.#slab.tag(sibling));
  }

  parks(slot: number): boolean {
    return this.children?.parks(slot) === true;
  }

  cancelWaiting(slot: number, code: Code, tag: number): void {
    this.children?.cancelWaiting(slot, code, tag);
  }

  /**
   * Call it before an amend of a linked order, which the current command names. Returns the code of its reject; or OK: the order then has all of the
   * reservation, and {@link amended} must follow.
   */
  amends(slot: number): Code {
    const slab = this.#slab;
    const { order } = this.#state;
    const links = this.#links;
    const partner = links.partnerOf(slot);
    if (links.childOf(slot) !== NIL) return order.quantity > slab.total(slot) ? Code.LINKED_AMEND : OK;
    if (links.comes(slot)) {
      const later = links.later(slot);
      if (order.quantity !== slab.total(slot) + later) return Code.LINKED_AMEND;
      order.quantity = slab.total(slot);
      this.#state.aggressor.later = later;
    }
    if (partner === NIL) return OK;
    if (links.kindOf(slot) !== OneCancelsOther && order.quantity > slab.total(slot)) return Code.LINKED_AMEND;
    if (this.#share(slot, partner)) {
      const { risks } = this.#state;
      const risk = risks.of(slab.symbol(slot));
      const whole = this.#need(slot);
      risk.share(partner, slab.total(partner), 0);
      risk.share(slot, slab.total(slot), whole);
    } else if (slab.level(slot) > NIL && slab.level(partner) > NIL) {
      const [own, other] = [order.price, slab.price(partner)];
      if (slab.side(slot) === Side.Buy ? own >= other : own <= other) return Code.LINKED_AMEND;
    }
    return OK;
  }

  /** An amend of the order that was in `slot`, filled as far, was applied or rejected. @param partner its partner before */
  amended(slot: number, partner: number, filled: QtyLots): void {
    const slab = this.#slab;
    const links = this.#links;
    this.#state.aggressor.later = 0;
    if (links.childOf(slot) !== NIL) return this.children?.parentChanged(slot);
    if (links.isChild(slot) && !links.comes(slot)) links.removeChild(slot);
    // The end of the order has ended its partner.
    if (partner === NIL || links.partnerOf(slot) !== partner) return;
    if (this.#links.kindOf(slot) === OneCancelsOther) {
      if (slab.level(slot) > NIL && slab.filled(slot) !== filled) this.#cancelPartner(slot);
      else if (this.#share(slot, partner)) this.#reserve(slot, partner);
      return;
    }
    if (slab.total(slot) === slab.total(partner)) this.#reserve(slot, partner);
    else this.#update(slot, partner, slab.total(slot));
  }

  /**
   * The stop in `slot` triggers; it is linked no more. Returns the slot of its partner if that stays open: it has no reservation then, and
   * {@link afterTrigger} must follow. Otherwise -1.
   */
  triggered(slot: number): number {
    const links = this.#links;
    this.children?.triggered(slot);
    const partner = links.partnerOf(slot);
    if (partner === NIL) return NIL;
    if (links.kindOf(slot) === OneCancelsOther) {
      this.#cancelPartner(slot);
      return NIL;
    }
    links.remove(slot);
    this.#state.risks.of(this.#slab.symbol(partner)).share(partner, this.#slab.total(partner), 0);
    return partner;
  }

  /** @param partner that `triggered` returned @param rests whether the triggered order, the aggressor, rests now */
  afterTrigger(partner: number, rests: boolean): void {
    const slab = this.#slab;
    const { aggressor, accounts, symbols, risks } = this.#state;
    const left = slab.total(partner) - aggressor.filled;
    if (rests || left <= 0) return this.#resting.cancel(partner, CANCELLED_LINKED, slab.tag(partner));
    const risk = risks.of(slab.symbol(partner));
    if (aggressor.filled > 0) {
      this.#setCarry(partner, aggressor.feeCarry);
      risk.share(partner, left, 0);
      this.#setOpen(partner, left);
    }
    const symbol = slab.symbol(partner);
    const asset = slab.side(partner) === Side.Buy ? symbols.quoteAsset[symbol] : symbols.baseAsset[symbol];
    const need = this.#need(partner);
    if (need > accounts.balances[accounts.balanceAt(slab.account(partner), asset)])
      return this.#resting.cancel(partner, Code.INSUFFICIENT_FUNDS, slab.tag(partner));
    risk.share(partner, left, need);
  }

  /** Links two open orders of one list. @param front what it traded since it was accepted, it has traded alone */
  link(front: number, other: number, kind: number): void {
    this.#add(front, other, kind);
    if (kind !== OneCancelsOther && this.#slab.total(front) !== this.#slab.total(other))
      this.#update(front, other, this.#slab.total(front));
    else if (this.#share(front, other)) this.#reserveRest(front, other);
  }

  #add(one: number, other: number, kind: number): void {
    this.#links.add(one, other, kind);
  }

  /** Whether two linked orders reserve the same asset. */
  #share(one: number, other: number): boolean {
    return this.#slab.side(one) === this.#slab.side(other);
  }

  /** What an order reserves alone. */
  #need(slot: number): Money {
    const slab = this.#slab;
    const symbol = slab.symbol(slot);
    const { risks, symbols } = this.#state;
    const unit = slab.level(slot) < NIL ? this.#links.unitOf(slot) : slab.price(slot) * symbols.quotePerTickLot[symbol];
    return risks.of(symbol).amountOf(slot, slab.total(slot), unit);
  }

  /** Shares out the reservation of a pair anew. */
  #reserve(one: number, other: number): void {
    const slab = this.#slab;
    const isFront = slab.level(one) > NIL || (slab.level(other) < NIL && slab.id[one] < slab.id[other]);
    const front = isFront ? one : other;
    const rest = isFront ? other : one;
    const risk = this.#state.risks.of(slab.symbol(front));
    risk.share(rest, slab.total(rest), 0);
    risk.share(front, slab.total(front), this.#need(front));
    this.#reserveRest(front, rest);
  }

  /** `other` reserves what it needs beyond the reservation of `front`. */
  #reserveRest(front: number, other: number): void {
    const slab = this.#slab;
    const { risks } = this.#state;
    risks.of(slab.symbol(other)).share(other, slab.total(other), Math.max(0, this.#need(other) - slab.held(front)));
  }

  /** One updates the other: the partner of the order in `slot` has `left` lots open, too. */
  #update(slot: number, partner: number, left: QtyLots): void {
    if (left <= 0) return this.#cancelPartner(slot);
    const slab = this.#slab;
    // Together they pay the fee of all that they trade, rounded once.
    this.#setCarry(partner, slab.fees(slot) & CARRY_MASK);
    this.#state.risks.of(slab.symbol(partner)).share(partner, left, 0);
    this.#setOpen(partner, left);
    if (slab.level(partner) > NIL || slab.level(slot) < NIL) this.#reserve(slot, partner);
    else this.#reserveRest(slot, partner);
  }

  #setOpen(slot: number, left: QtyLots): void {
    const slab = this.#slab;
    if (slab.level(slot) < NIL) slab.setOpen(slot, left);
    else {
      // What an iceberg does not display falls first.
      this.#resting.reduce(this.#state.books[slab.symbol(slot)] as OrderBook, slot, left);
    }
    this.#answers.resting(ReportKind.Amended, ReportFlag.KeptPriority, CANCELLED_LINKED, slot, slab.tag(slot));
  }

  #setCarry(slot: number, carry: number): void {
    this.#slab.setFees(slot, (this.#slab.fees(slot) & ~CARRY_MASK) | carry);
  }

  #cancelPartner(slot: number): void {
    const partner = this.#links.partnerOf(slot);
    this.#links.remove(slot);
    this.#resting.cancel(partner, CANCELLED_LINKED, this.#slab.tag(partner));
  }

  save(out: RowWriter): void {
    const { id } = this.#slab;
    for (const slot of this.#links.inOrder()) {
      const partner = this.#links.partnerOf(slot);
      out.row(RowKind.Linked, id[slot], id[partner], this.#links.kindOf(slot), this.#savedUnit(slot), this.#savedUnit(partner));
    }
  }

  #savedUnit(slot: number): Money {
    return this.#slab.level(slot) < NIL ? this.#links.unitOf(slot) : 0;
  }

  load(r: Float64Array, at: number): void {
    const slots = [r[at + 1], r[at + 2]].map((id) => this.#slab.find(id));
    if (slots.includes(NIL)) fail(`the snapshot links orders ${r[at + 1]} and ${r[at + 2]}, one of which is not open`);
    this.#add(slots[0], slots[1], r[at + 3]);
    for (const [i, slot] of slots.entries()) this.#links.setUnit(slot, r[at + 4 + i]);
  }
}
