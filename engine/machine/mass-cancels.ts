import { type OrderSlab, OWNER_ACCOUNT, OWNER_SIDE_SHIFT, OWNER_SYMBOL_SHIFT, OWNER_SYMBOLS } from '../book/order-slab.ts';
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
  /** Symbol and side as a mask and as what is named, for {@link OrderSlab.ownerAt}. */
  readonly bits: number;
  readonly named: number;
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
   * Orders that it names at most, and how many of them are found; the slots before `next` were searched. What is left of those that were found, sorted, with
   * perhaps some that have ended otherwise; undefined before the search. No part of the state: after a snapshot they are searched again.
   */
  count: number;
  found: number;
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
 * orders of all accounts. The commands that sort do a part of it each. With a symbol or a side, or beside others that are under way,
 * the command itself does such a scan, too, because its answer has the number of orders. The column has side and symbol, so that only the records of orders
 * that are named are read.
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
    const count = this.#count(its);
    this.#answers.massCancelled(account, symbol, reason, tag, count, this.later(count));
    this.#start(its, count);
    return count;
  }

  /** Begins one of a group. Returns the number of orders that it names. */
  beginGroup(group: number, symbol: number, sides: number): number {
    const its = this.#new(0, group, symbol, sides, 0, Code.CANCELLED_BY_OPERATOR, this.#state.lastOrderId);
    const count = this.#count(its);
    this.#start(its, count);
    return count;
  }

  /** How many of `count` orders that a mass cancel names are cancelled by later commands. */
  later(count: number): number {
    return count > this.sortedPerCommand ? count : Math.max(0, count - this.perCommand);
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
      if (its.sorts > 0) {
        its.sorts--;
        this.#sort(its, this.sortedPerCommand);
        return;
      }
      const left = this.#sort(its, Number.POSITIVE_INFINITY);
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
    const bits = (symbol === 0 ? 0 : -1 << OWNER_SYMBOL_SHIFT) | (sides === 0 ? 0 : 1 << OWNER_SIDE_SHIFT);
    const named = (symbol << OWNER_SYMBOL_SHIFT) | (sides === 2 ? 1 << OWNER_SIDE_SHIFT : 0);
    const its = { account, group, symbol, sides, bits, named, session, code, lastOrderId, number };
    return { ...its, sorts: 0, count: 0, found: 0, next: 0, left: undefined };
  }

  /** @param count orders that it names */
  #start(its: MassCancel, count: number): void {
    if (count > this.sortedPerCommand) {
      its.sorts = Math.ceil(count / this.sortedPerCommand);
      return this.#goOn(its);
    }
    const left = this.#sort(its, count);
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

  #names(its: MassCancel, slot: number): boolean {
    return names(this.#state.slab, its, slot, this.#isExact);
  }

  /** The number of orders that it names and that no earlier one does. */
  #count(its: MassCancel): number {
    const { slab, accounts } = this.#state;
    const open = this.#openOrders(its);
    if (its.bits === 0 && its.session === 0 && this.#underWay.length === 0) return open;
    const earlier = this.#underWay.filter((each) => this.#mayShare(each, its));
    let covered = 0;
    for (const each of earlier) if (this.#covers(each, its)) covered = Math.max(covered, each.lastOrderId);
    if (open === 0 || covered === its.lastOrderId) return 0;
    const others = earlier.filter((each) => !this.#covers(each, its));
    return countOf(slab, accounts.group, its, covered, others, open, this.#isExact);
  }

  /** Whether no two symbols have equal lower bits. */
  get #isExact(): boolean {
    return this.#state.books.length <= OWNER_SYMBOLS;
  }

  /** Whether two may name one order. */
  #mayShare(one: MassCancel, other: MassCancel): boolean {
    const { group } = this.#state.accounts;
    const isOwner =
      one.account === 0 || other.account === 0
        ? (one.account === 0 ? one.group : group[one.account]) === (other.account === 0 ? other.group : group[other.account])
        : one.account === other.account;
    if (!isOwner || (one.symbol !== other.symbol && one.symbol !== 0 && other.symbol !== 0)) return false;
    return one.sides === other.sides || one.sides === 0 || other.sides === 0;
  }

  /** Whether `one` names all that `other` names and that was there when it began. They may share orders. */
  #covers(one: MassCancel, other: MassCancel): boolean {
    if (one.account !== 0 && other.account === 0) return false;
    if (one.symbol !== 0 && one.symbol !== other.symbol) return false;
    return (one.sides === 0 || one.sides === other.sides) && (one.session === 0 || one.session === other.session);
  }

  /** Finds and sorts the next `most` of its orders. Returns all that are sorted. */
  #sort(its: MassCancel, most: number): BookOrderHeap {
    if (its.left === undefined) {
      its.count = this.#openOrders(its);
      its.found = 0;
      its.next = 0;
      its.left = new BookOrderHeap(its.count);
    }
    const { left } = its;
    const end = Math.min(its.count, its.found + most);
    while (its.found < end) {
      const slot = this.#next(its, its.next);
      if (slot === NIL) {
        // Some have ended meanwhile, or it does not name all orders of its owner.
        its.found = its.count;
        break;
      }
      its.next = slot + 1;
      if (!this.#isLeft(its, slot)) continue;
      its.found++;
      this.#add(left, slot);
    }
    return left;
  }

  /** The first slot from `from` on that has an order of its owner, -1 if there is none. */
  #next({ account, group }: MassCancel, from: number): number {
    const { slab, accounts } = this.#state;
    return account === 0 ? nextOfGroup(slab.ownerAt, accounts.group, group, from) : nextOf(slab.ownerAt, account, from);
  }

  /** Whether it names the order in `slot`, which is of its owner, and no earlier one does. */
  #isLeft(its: MassCancel, slot: number): boolean {
    return this.#names(its, slot) && (this.#underWay[0] === its || this.codeOf(slot) === Code.OK);
  }

  /** Open orders of its owner. */
  #openOrders({ account, group }: MassCancel): number {
    const { accounts } = this.#state;
    if (account !== 0) return accounts.openOrders[account];
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

/** Whether a mass cancel names an order of its owner. @param isExact no two symbols have equal lower bits */
function names(slab: OrderSlab, { bits, named, symbol, session, lastOrderId }: MassCancel, slot: number, isExact: boolean): boolean {
  if ((slab.ownerAt[slot] & bits) !== named || slab.id[slot] > lastOrderId) return false;
  return (session === 0 || slab.session[slot] === session) && (isExact || symbol === 0 || slab.symbol(slot) === symbol);
}

/** Orders of which `open` are open of the owner: those with ids above `covered` that a mass cancel names and no other one does. One loop without closures, because it is cold. */
function countOf(
  slab: OrderSlab,
  groups: ArrayLike<number>,
  its: MassCancel,
  covered: number,
  others: readonly MassCancel[],
  open: number,
  isExact: boolean,
): number {
  const { ownerAt, id, session: sessions } = slab;
  const { account, group, symbol, session, bits, named } = its;
  const looksUp = symbol !== 0 && !isExact;
  let count = 0;
  for (let slot = 0, left = open; left > 0; slot++) {
    const word = ownerAt[slot];
    const owner = word & OWNER_ACCOUNT;
    if (account === 0 ? groups[owner] !== group : owner !== account) continue;
    left--;
    if ((word & bits) !== named || (covered !== 0 && id[slot] <= covered)) continue;
    if ((session !== 0 && sessions[slot] !== session) || (looksUp && slab.symbol(slot) !== symbol)) continue;
    let other = 0;
    while (other < others.length && !namesOf(slab, others[other], owner, slot, isExact)) other++;
    if (other === others.length) count++;
  }
  return count;
}

function namesOf(slab: OrderSlab, its: MassCancel, owner: number, slot: number, isExact: boolean): boolean {
  return (its.account === 0 || its.account === owner) && names(slab, its, slot, isExact);
}

function nextOf(ownerAt: Int32Array, account: number, from: number): number {
  for (let slot = from; slot < ownerAt.length; slot++) if ((ownerAt[slot] & OWNER_ACCOUNT) === account) return slot;
  return NIL;
}

function nextOfGroup(ownerAt: Int32Array, groups: ArrayLike<number>, group: number, from: number): number {
  for (let slot = from; slot < ownerAt.length; slot++) if (groups[ownerAt[slot] & OWNER_ACCOUNT] === group) return slot;
  return NIL;
}
