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

/** Orders that mass cancels cancel with one command at most: about a millisecond of work. */
export const CANCELS_PER_COMMAND = 1024;

/** A mass cancel: the open orders that it names. */
interface MassCancel {
  /** 0 = the accounts of a group. */
  readonly account: number;
  readonly group: number;
  /** 0 = all. */
  readonly symbol: number;
  /** 0 = both, 1 = buys, 2 = sells. */
  readonly sides: number;
  /** With which the orders are reported. */
  readonly code: Code;
  /** Orders with a higher id were entered after it. */
  readonly lastOrderId: number;
  /** Grows from one to the next. No part of the state. */
  readonly number: number;
  /** What is left of them, and perhaps some that have ended otherwise. No part of the state: after a snapshot it is found again. */
  left: BookOrderHeap | undefined;
}

/**
 * Mass cancels of accounts and groups. Each cancels what is open at its sequence, by symbol:
 * the orders in the book, buys first, the best price first; then pending stops, buys
 * first, the next to trigger first; each then by order id. It cancels at most
 * {@link CANCELS_PER_COMMAND} orders with its command. If more are left, it is
 * under way: it continues before each further command. The first one that was
 * begun is finished first, and has those orders that several name. That of a group
 * names the orders of the accounts that are in it.
 *
 * The orders are found by one scan of the slab's column of accounts,
 * which ends with the last of them: about a millisecond per million open
 * orders of all accounts. It is not repeated by the commands that continue.
 * Slots are not the same in every replay, so the scan alone may depend on them,
 * not the sequence. Owned by the engine thread.
 */
export class MassCancels implements StatePart {
  readonly kinds = [RowKind.MassCancel];
  /** Orders cancelled with one command at most; tests lower it. */
  perCommand: number = CANCELS_PER_COMMAND;
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

  /** Begins a mass cancel of an account that exists. Returns the number of orders that it names. @param code of the orders' reports @param reason code of its own report */
  begin(account: number, symbol: number, sides: number, code: Code, reason: Code, tag: number): number {
    const its = this.#new(account, 0, symbol, sides, code, this.#state.lastOrderId);
    const left = this.#find(its);
    const { count } = left;
    this.#answers.massCancelled(account, symbol, reason, tag, count, Math.max(0, count - this.perCommand));
    this.#start(its, left);
    return count;
  }

  /** Begins one of a group. Returns the number of orders that it names. */
  beginGroup(group: number, symbol: number, sides: number): number {
    const its = this.#new(0, group, symbol, sides, Code.CANCELLED_BY_OPERATOR, this.#state.lastOrderId);
    const left = this.#find(its);
    const { count } = left;
    this.#start(its, left);
    return count;
  }

  /** Call it when an account has changed its group: which orders are named may have changed. */
  forgetScans(): void {
    for (const its of this.#underWay) its.left = undefined;
  }

  /** Continues what is under way; before a command. */
  continue(): void {
    const underWay = this.#underWay;
    let room = this.perCommand;
    while (room > 0 && underWay.length > 0) {
      const its = underWay[0];
      its.left ??= this.#find(its);
      room -= this.#cancel(its, its.left, room);
      if (its.left.count === 0) this.#finish(its);
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
    for (const { account, group, symbol, sides, code, lastOrderId } of this.#underWay)
      out.row(RowKind.MassCancel, account, symbol, sides, code, lastOrderId, group);
  }

  load(r: Float64Array, at: number): void {
    const [account, symbol, sides, code, lastOrderId, group] = r.subarray(at + 1);
    this.#goOn(this.#new(account, group, symbol, sides, code as Code, lastOrderId));
  }

  #new(account: number, group: number, symbol: number, sides: number, code: Code, lastOrderId: number): MassCancel {
    return { account, group, symbol, sides, code, lastOrderId, number: ++this.#number, left: undefined };
  }

  #start(its: MassCancel, left: BookOrderHeap): void {
    its.left = left;
    this.#cancel(its, left, this.perCommand);
    if (left.count > 0) this.#goOn(its);
  }

  #goOn(its: MassCancel): void {
    this.#underWay.push(its);
    const owner = ownerOf(its);
    const others = this.#byOwner.get(owner);
    if (others === undefined) this.#byOwner.set(owner, [its]);
    else others.push(its);
    this.#state.wakeUs = Number.NEGATIVE_INFINITY;
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

  #names({ symbol, sides, lastOrderId }: MassCancel, slot: number): boolean {
    const { slab } = this.#state;
    if (slab.id[slot] > lastOrderId || (symbol !== 0 && slab.symbol(slot) !== symbol)) return false;
    return sides === 0 || sides === slab.side(slot) + 1;
  }

  /** The orders that it names and that no earlier one does. */
  #find(its: MassCancel): BookOrderHeap {
    const { slab, accounts } = this.#state;
    const { accountAt } = slab;
    const { account, group } = its;
    const { group: groups } = accounts;
    let left = account === 0 ? this.#openOrdersOf(group) : accounts.openOrders[account];
    const found = new BookOrderHeap(left);
    for (let slot = 0; left > 0 && slot < accountAt.length; slot++) {
      const owner = accountAt[slot];
      if ((account === 0 ? groups[owner] !== group : owner !== account) || slab.level(slot) === NIL) continue;
      left--;
      if (!this.#names(its, slot)) continue;
      if (this.#underWay[0] === its || this.codeOf(slot) === Code.OK) this.#add(found, slot);
    }
    found.build();
    return found;
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
    else if (isAuctionOnly(slab.timeInForce(slot))) found.addWaiting(slab.symbol(slot), slab.side(slot), slab.id[slot]);
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
