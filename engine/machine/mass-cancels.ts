import { Code } from '../codes.ts';
import type { OrderChecks } from '../rules/order-checks.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { ReportKind } from '../wire/layout.ts';
import { isAuctionOnly } from '../wire/order-kinds.ts';
import type { Answers } from './answers.ts';
import { BookOrderHeap } from './book-order-heap.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;

/** Orders that mass cancels cancel with one command at most, so that none delays the others by more than about a millisecond. */
export const CANCELS_PER_COMMAND = 512;
/** Orders that one command at most puts in the order of the book, for the same reason. */
export const SORTED_PER_COMMAND = 4096;

/** A mass cancel: the open orders that it names. */
interface MassCancel {
  /** 0 = the accounts of a group. */
  readonly account: number;
  readonly group: number;
  /** 0 = all. */
  readonly symbol: number;
  /** 0 = both, 1 = buys, 2 = sells. */
  readonly sides: number;
  /** Only orders of this session of the account; 0 = all. */
  readonly session: number;
  /** With which the orders are reported. */
  readonly code: Code;
  /** Orders with a higher id were entered after it. */
  readonly lastOrderId: number;
  /** Grows from one to the next. No part of the state. */
  readonly number: number;
  /** Commands that sort before the first one cancels; 0 if they are few. */
  sorts: number;
  /**
   * Slots of the orders, those before `next` sorted; and what is left of the sorted ones, with perhaps some that have ended otherwise.
   * No part of the state: after a snapshot they are searched again.
   */
  slots: Int32Array | undefined;
  next: number;
  left: BookOrderHeap | undefined;
}

/**
 * Mass cancels of accounts and groups. Each cancels what is open at its sequence, by symbol:
 * the orders in the book, buys first, the best price first; then pending stops, buys
 * first, the next to trigger first, those that trail last, because their stop prices move; each then by order id. It cancels at most
 * {@link CANCELS_PER_COMMAND} orders with its command. If more are left, it is
 * under way: it continues before each further command. If it names more than
 * {@link SORTED_PER_COMMAND}, the next commands only sort them, and none is cancelled before. The first one that was
 * begun is finished first, and has those orders that several name. That of a group
 * names the orders of the accounts that are in it.
 *
 * The orders are found by one scan of the slab's column of accounts,
 * which ends with the last of them: about a millisecond per million open
 * orders of all accounts. It is not repeated by the commands that continue. A symbol or a side
 * is looked up in the record of each order, at once, because the answer has their number.
 * Slots are not the same in every replay, so the scan alone may depend on them,
 * not the sequence. Owned by the engine thread.
 */
export class MassCancels implements StatePart {
  readonly kinds = [RowKind.MassCancel];
  /** Orders cancelled with one command at most; tests lower it. */
  perCommand: number = CANCELS_PER_COMMAND;
  /** Orders sorted with one command at most; tests lower it. */
  sortedPerCommand: number = SORTED_PER_COMMAND;
  readonly #state: MachineState;
  readonly #checks: OrderChecks;
  readonly #answers: Answers;
  readonly #resting: RestingOrders;
  /** The first that was begun is first, also of one owner. */
  readonly #underWay: MassCancel[] = [];
  /** By account, or by the negative number of a group. */
  readonly #byOwner = new Map<number, MassCancel[]>();
  #number = 0;

  constructor(state: MachineState, checks: OrderChecks, answers: Answers, resting: RestingOrders) {
    this.#state = state;
    this.#checks = checks;
    this.#answers = answers;
    this.#resting = resting;
  }

  /** Mass cancels that are not finished. */
  get count(): number {
    return this.#underWay.length;
  }

  /** The account's command: `symbol` and the side are as in {@link MassCancel}. */
  apply(): void {
    const { order, accounts, books } = this.#state;
    if (!accounts.exists(order.account)) return this.#answers.rejectUnknownAccount(ReportKind.MassCancelled);
    this.#checks.count(order.account);
    if (order.symbol !== 0 && books[order.symbol] === undefined)
      return this.#answers.massCancelled(order.account, order.symbol, Code.UNKNOWN_SYMBOL, order.tag, 0, 0);
    this.begin(order.account, order.symbol, order.quantity, Code.CANCELLED_BY_MASS_CANCEL, Code.OK, order.tag);
  }

  /** Begins a mass cancel of an account that exists. Returns the number of orders that it names. @param code of the orders' reports @param reason code of its own report @param session 0 = all */
  begin(account: number, symbol: number, sides: number, code: Code, reason: Code, tag: number, session = 0): number {
    const its = this.#new(account, 0, symbol, sides, session, code, this.#state.lastOrderId);
    const count = this.#search(its);
    this.#answers.massCancelled(account, symbol, reason, tag, count, this.later(count));
    this.#start(its, count);
    return count;
  }

  /** Begins one of a group. Returns the number of orders that it names. */
  beginGroup(group: number, symbol: number, sides: number): number {
    const its = this.#new(0, group, symbol, sides, 0, Code.CANCELLED_BY_OPERATOR, this.#state.lastOrderId);
    const count = this.#search(its);
    this.#start(its, count);
    return count;
  }

  /** How many of `count` orders that a mass cancel names are cancelled by later commands. */
  later(count: number): number {
    return count > this.sortedPerCommand ? count : Math.max(0, count - this.perCommand);
  }

  /** Call it when an account has changed its group: which orders are named may have changed. */
  forgetScans(): void {
    for (const its of this.#underWay) {
      its.slots = undefined;
      its.left = undefined;
    }
  }

  /** Continues what is under way; before a command. */
  continue(): void {
    const underWay = this.#underWay;
    let room = this.perCommand;
    while (room > 0 && underWay.length > 0) {
      const its = underWay[0];
      if (its.sorts > 0) {
        its.sorts--;
        if (its.slots !== undefined) this.#sort(its, its.slots, this.sortedPerCommand);
        return;
      }
      if (its.slots === undefined) this.#search(its);
      const left = this.#sort(its, its.slots as Int32Array, Number.POSITIVE_INFINITY);
      room -= this.#cancel(its, left, room);
      if (left.count === 0) this.#finish(its);
    }
  }

  /** The code with which a mass cancel that is under way will cancel the open order; OK if none will. */
  codeOf(slot: number): Code {
    if (this.#underWay.length === 0) return Code.OK;
    const { slab, accounts } = this.#state;
    const account = slab.account(slot);
    const group = accounts.group[account];
    const own = this.#first(account, slot);
    const ofGroup = group === 0 ? undefined : this.#first(-group, slot);
    const first = own === undefined || (ofGroup !== undefined && ofGroup.number < own.number) ? ofGroup : own;
    return first === undefined ? Code.OK : first.code;
  }

  save(out: RowWriter): void {
    for (const { account, group, symbol, sides, session, code, lastOrderId, sorts } of this.#underWay)
      out.row(RowKind.MassCancel, account, symbol, sides, code, lastOrderId, group, sorts, session);
  }

  load(r: Float64Array, at: number): void {
    const [account, symbol, sides, code, lastOrderId, group, sorts, session] = r.subarray(at + 1);
    const its = this.#new(account, group, symbol, sides, session, code as Code, lastOrderId);
    its.sorts = sorts;
    this.#goOn(its);
  }

  #new(account: number, group: number, symbol: number, sides: number, session: number, code: Code, lastOrderId: number): MassCancel {
    const number = ++this.#number;
    return { account, group, symbol, sides, session, code, lastOrderId, number, sorts: 0, slots: undefined, next: 0, left: undefined };
  }

  /** @param count orders that it names, of which `slots` has the slots */
  #start(its: MassCancel, count: number): void {
    if (count > this.sortedPerCommand) {
      its.sorts = Math.ceil(count / this.sortedPerCommand);
      return this.#goOn(its);
    }
    const left = this.#sort(its, its.slots as Int32Array, count);
    this.#cancel(its, left, this.perCommand);
    if (left.count > 0) this.#goOn(its);
  }

  #goOn(its: MassCancel): void {
    this.#underWay.push(its);
    const owner = ownerOf(its);
    const others = this.#byOwner.get(owner);
    if (others === undefined) this.#byOwner.set(owner, [its]);
    else others.push(its);
    this.#state.wakes[1] = Number.NEGATIVE_INFINITY;
  }

  /** Ends the first one that was begun. */
  #finish(its: MassCancel): void {
    this.#underWay.shift();
    const owner = ownerOf(its);
    const others = this.#byOwner.get(owner);
    if (others === undefined || others.length === 1) this.#byOwner.delete(owner);
    else others.shift();
  }

  /** The first mass cancel of the owner that names the order. */
  #first(owner: number, slot: number): MassCancel | undefined {
    return this.#byOwner.get(owner)?.find((each) => this.#names(each, slot));
  }

  #names({ symbol, sides, session, lastOrderId }: MassCancel, slot: number): boolean {
    const { slab } = this.#state;
    if (session !== 0 && slab.session[slot] !== session) return false;
    if (slab.id[slot] > lastOrderId || (symbol !== 0 && slab.symbol(slot) !== symbol)) return false;
    return sides === 0 || sides === slab.side(slot) + 1;
  }

  /** Finds the slots of the orders that it names and that no earlier one does. Returns their number. */
  #search(its: MassCancel): number {
    const { slab, accounts } = this.#state;
    const { account, group, symbol, sides, session } = its;
    let slots = new Int32Array(account === 0 ? this.#openOrdersOf(group) : accounts.openOrders[account]);
    if (account === 0) slotsOfGroup(slab.accountAt, accounts.group, group, slots);
    else slotsOf(slab.accountAt, account, slots);
    if (symbol !== 0 || sides !== 0 || session !== 0 || this.#underWay.length > 0) slots = slots.filter((slot) => this.#isLeft(its, slot));
    its.slots = slots;
    its.next = 0;
    its.left = undefined;
    return slots.length;
  }

  /** Sorts the next `most` of its orders. Returns all that are sorted. */
  #sort(its: MassCancel, slots: Int32Array, most: number): BookOrderHeap {
    const { slab, accounts } = this.#state;
    const { account, group } = its;
    its.left ??= new BookOrderHeap(slots.length);
    const { left } = its;
    const end = Math.min(slots.length, its.next + most);
    for (; its.next < end; its.next++) {
      const slot = slots[its.next];
      const owner = slab.accountAt[slot];
      // The order may have ended since the search, and its slot may be free or have another one.
      if ((account === 0 ? accounts.group[owner] === group : owner === account) && this.#isLeft(its, slot)) this.#add(left, slot);
    }
    return left;
  }

  /** Whether it names the order in `slot`, which is of its owner, and no earlier one does. */
  #isLeft(its: MassCancel, slot: number): boolean {
    return this.#names(its, slot) && (this.#underWay[0] === its || this.codeOf(slot) === Code.OK);
  }

  #openOrdersOf(group: number): number {
    const { accounts } = this.#state;
    let count = 0;
    for (let account = 1; account < accounts.capacity; account++)
      if (accounts.group[account] === group) count += accounts.openOrders[account];
    return count;
  }

  #add(found: BookOrderHeap, slot: number): void {
    const { slab } = this.#state;
    if (slab.level(slot) > NIL) found.add(slab.symbol(slot), slab.side(slot), slab.price(slot), slab.id[slot]);
    else if (this.#state.links.isWaiting(slot)) found.addWaiting(slab.symbol(slot), slab.side(slot), slab.id[slot]);
    else if (isAuctionOnly(slab.timeInForce(slot)) || slab.isPegged(slot) || this.#state.stops.prices.isTrailing(slot))
      found.addWaiting(slab.symbol(slot), slab.side(slot), slab.id[slot]);
    else found.addStop(slab.symbol(slot), slab.side(slot), slab.next(slot), slab.id[slot]);
  }

  /** Cancels the first `most` orders that are left, and removes those before the next one that have ended. Returns how many it cancelled. */
  #cancel({ code }: MassCancel, left: BookOrderHeap, most: number): number {
    const { slab } = this.#state;
    let cancelled = 0;
    for (let id = left.first; id !== 0; id = left.first) {
      const slot = slab.find(id);
      if (slot !== NIL) {
        if (cancelled === most) break;
        this.#resting.cancel(slot, code, slab.tag(slot));
        cancelled++;
      }
      left.shift();
    }
    return cancelled;
  }
}

function ownerOf({ account, group }: MassCancel): number {
  return account === 0 ? -group : account;
}

function slotsOf(accountAt: Int32Array, account: number, slots: Int32Array): void {
  for (let slot = 0, found = 0; found < slots.length; slot++) if (accountAt[slot] === account) slots[found++] = slot;
}

function slotsOfGroup(accountAt: Int32Array, groups: ArrayLike<number>, group: number, slots: Int32Array): void {
  for (let slot = 0, found = 0; found < slots.length; slot++) if (groups[accountAt[slot]] === group) slots[found++] = slot;
}
