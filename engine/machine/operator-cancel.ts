import type { OrderBook } from '../book/order-book.ts';
import { type OrderSlab, OWNER_ACCOUNT } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import type { OrderRequest } from '../rules/order-request.ts';
import { AUCTION_TIMES } from '../rules/waiting-orders.ts';
import { Side } from '../wire/layout.ts';
import { IdHeap } from './id-heap.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const NIL = -1;

/** Orders that one command cancels at most, so that none delays the others by more than about a millisecond. The caller sends the command again while `more` is true. */
export const CANCELS_PER_COMMAND = 1024;
/** The same before rules 6. */
const CANCELS_BEFORE = 4096;

/**
 * The operator's cancel: one order, or the orders of an account, of a symbol, or
 * of an account in a symbol; and {@link sweep} for kill switches and suspensions, also of
 * a group and of the venue. It works in every phase. Each cancelled order is
 * reported to its account with the code of the cause.
 *
 * The sequence is the same in every replay: the orders of a symbol in the order
 * of its book, buys first, then its stops in the order in which they would trigger, buys
 * first, then those that wait for an auction, then those that wait for lots that are due, by order id, and those of the venue by symbol; those of an account or group by order id. The orders of an
 * account are found by a scan of the slab, which takes some milliseconds per
 * million resting orders and ends with the account's last order. Commands that
 * continue use the same scan: what it found and still rests comes first, because
 * later orders have higher ids. The scan is no part of the state: a command
 * without it, in a replay from a snapshot, has the same result. Owned by the
 * engine thread.
 */
export class OperatorCancel {
  /** Results of the last command: orders cancelled, and whether more are left that it names. */
  cancelled = 0;
  more = false;
  #code: Code = Code.CANCELLED_BY_OPERATOR;
  #most = CANCELS_PER_COMMAND;
  /** Account, group and symbol of the last scan, and what it found; undefined when all of it was cancelled. */
  #account = 0;
  #group = 0;
  #symbol = 0;
  #found: IdHeap | undefined;
  /** By symbol, ids of the orders whose auction was over when the command first met one; undefined before. */
  #ending: Map<number, number[]> | undefined;
  readonly #state: MachineState;
  readonly #resting: RestingOrders;

  constructor(state: MachineState, resting: RestingOrders) {
    this.#state = state;
    this.#resting = resting;
  }

  /**
   * Fields of the command: `account` and `symbol`, 0 = any; `orderId`, or
   * `clientOrderId` with an account, for one order. At least one is not 0.
   */
  apply({ account, symbol, orderId, clientOrderId }: OrderRequest): Code {
    const { accounts, books } = this.#state;
    this.begin(Code.CANCELLED_BY_OPERATOR);
    if (account !== 0 && !accounts.exists(account)) return Code.UNKNOWN_ACCOUNT;
    const book = books[symbol];
    if (symbol !== 0 && book === undefined) return Code.UNKNOWN_SYMBOL;
    if (orderId !== 0 || clientOrderId !== 0) return this.#one(account, symbol, orderId, clientOrderId);
    if (account !== 0) this.#ofAccounts(account, 0, symbol);
    else if (book !== undefined) this.#ofBook(book);
    else return Code.BAD_PARAMETER;
    return Code.OK;
  }

  /** Cancels all orders of an account, of a group or of a symbol; of the venue if all are 0. The named ones exist. */
  sweep(code: Code, account: number, group: number, symbol: number): void {
    this.begin(code);
    const { books } = this.#state;
    if (account !== 0 || group !== 0) this.#ofAccounts(account, group, symbol);
    else for (const book of symbol === 0 ? books : [books[symbol]]) if (book !== undefined && !this.more) this.#ofBook(book);
  }

  /** Call it when an account changes its group: the scan of a group is no longer true. */
  forgetScan(): void {
    this.#found = undefined;
  }

  /** Resets the results. @param code of the cancellations */
  begin(code: Code): void {
    this.cancelled = 0;
    this.more = false;
    this.#ending = undefined;
    this.#code = code;
    this.#most = this.#state.rules < 6 ? CANCELS_BEFORE : CANCELS_PER_COMMAND;
  }

  #one(account: number, symbol: number, orderId: number, clientOrderId: number): Code {
    const { slab, clientOrderIds } = this.#state;
    if (clientOrderId !== 0 && (orderId !== 0 || account === 0)) return Code.BAD_PARAMETER;
    const slot = orderId !== 0 ? slab.find(orderId) : clientOrderIds.find(account, clientOrderId) - 1;
    if (slot < 0) return Code.UNKNOWN_ORDER;
    if ((account !== 0 && slab.account(slot) !== account) || (symbol !== 0 && slab.symbol(slot) !== symbol)) return Code.UNKNOWN_ORDER;
    this.#cancel(slot);
    return Code.OK;
  }

  #ofBook(book: OrderBook): void {
    for (const side of [Side.Buy, Side.Sell]) {
      for (let slot = book.first(side); slot !== NIL; slot = book.first(side)) {
        if (this.cancelled === this.#most) {
          this.more = true;
          return;
        }
        this.#cancel(slot);
      }
    }
    this.#stopsOf(book.symbol);
    this.#waitingOf(book.symbol);
    this.#parkedOf(book.symbol);
    this.#childrenOf(book.symbol);
  }

  #stopsOf(symbol: number): void {
    const stops = this.#state.stops.books[symbol];
    if (stops === undefined) return;
    for (const side of [Side.Buy, Side.Sell]) {
      for (let slot = stops.first(side); slot !== NIL; slot = stops.first(side)) {
        if (this.cancelled === this.#most) {
          this.more = true;
          return;
        }
        this.#cancel(slot);
      }
    }
  }

  #waitingOf(symbol: number): void {
    const { waiting } = this.#state;
    for (const time of AUCTION_TIMES) {
      for (let slot = waiting.first(symbol, time); slot !== NIL; slot = waiting.first(symbol, time)) {
        if (this.cancelled === this.#most) {
          this.more = true;
          return;
        }
        this.#cancel(slot);
      }
    }
    this.#endingOf(symbol);
  }

  /** Those outside the book whose auction is over, and that would end with the next commands. */
  #endingOf(symbol: number): void {
    const { waiting, slab } = this.#state;
    if (waiting.firstEnding === NIL) return;
    this.#ending ??= this.#endingBySymbol();
    for (const id of this.#ending.get(symbol) ?? []) {
      const slot = slab.find(id);
      if (slot === NIL || !waiting.isEnding(slot)) continue;
      if (this.cancelled === this.#most) {
        this.more = true;
        return;
      }
      this.#cancel(slot);
    }
  }

  /** Ids of the orders whose auction is over, in their sequence. */
  #endingBySymbol(): Map<number, number[]> {
    const { waiting, slab } = this.#state;
    const found = new Map<number, number[]>();
    for (const slot of waiting.ending()) {
      const symbol = slab.symbol(slot);
      const ids = found.get(symbol);
      if (ids === undefined) found.set(symbol, [slab.id[slot]]);
      else ids.push(slab.id[slot]);
    }
    return found;
  }

  /** What is left of the pegged orders is parked. */
  #parkedOf(symbol: number): void {
    const { pegs } = this.#state;
    for (let slot = pegs.first(symbol); slot !== NIL && !this.more; slot = pegs.first(symbol)) {
      if (this.cancelled === this.#most) this.more = true;
      else this.#cancel(slot);
    }
  }

  /** Those that wait for fills of a parent end with it; what is left are those whose parent has ended, and whose lots are due. */
  #childrenOf(symbol: number): void {
    const { links, slab } = this.#state;
    if (links.dueIn[symbol] === 0) return;
    const left = new IdHeap(Float64Array.from(links.dueWaitingIn(symbol), (slot) => slab.id[slot]));
    for (let id = left.first; id !== 0; id = left.first) {
      const slot = slab.find(id);
      if (slot !== NIL) {
        if (this.cancelled === this.#most) {
          this.more = true;
          return;
        }
        this.#cancel(slot);
      }
      left.shift();
    }
  }

  #ofAccounts(account: number, group: number, symbol: number): void {
    if (this.#account !== account || this.#group !== group || this.#symbol !== symbol) this.#found = undefined;
    this.#account = account;
    this.#group = group;
    this.#symbol = symbol;
    let scanned = false;
    for (;;) {
      const slot = this.#first();
      if (slot === NIL) {
        if (scanned) break;
        // Orders entered since the scan have higher ids than those that it found.
        this.#found = this.#scan(account, group, symbol);
        scanned = true;
      } else if (this.cancelled === this.#most) {
        this.more = true;
        return;
      } else this.#cancel(slot);
    }
    this.#found = undefined;
  }

  /** Slot of the order with the lowest id of those found that still rests; NIL when there is none. */
  #first(): number {
    const found = this.#found;
    if (found === undefined) return NIL;
    const { slab } = this.#state;
    for (let id = found.first; id !== 0; id = found.first) {
      const slot = slab.find(id);
      if (slot !== NIL) return slot;
      found.shift();
    }
    return NIL;
  }

  /** Ids of the orders of the account, or of the accounts of the group. Slots are not the same in every replay, order ids are. */
  #scan(account: number, group: number, symbol: number): IdHeap {
    const { slab, accounts } = this.#state;
    const ids = new Float64Array(account !== 0 ? accounts.openOrders[account] : this.#openOrdersOf(group));
    const count = account !== 0 ? idsOf(slab, account, ids) : idsOfGroup(slab, accounts.group, group, ids);
    if (symbol === 0) return new IdHeap(ids.subarray(0, count));
    return new IdHeap(ids.subarray(0, count).filter((id) => slab.symbol(slab.find(id)) === symbol));
  }

  #openOrdersOf(group: number): number {
    const { accounts } = this.#state;
    let count = 0;
    for (let account = 1; account < accounts.capacity; account++)
      if (accounts.group[account] === group) count += accounts.openOrders[account];
    return count;
  }

  #cancel(slot: number): void {
    this.#resting.cancel(slot, this.#code, this.#state.slab.tag(slot));
    this.cancelled++;
  }
}

function idsOf({ ownerAt, id }: OrderSlab, account: number, ids: Float64Array): number {
  let count = 0;
  for (let slot = 0; count < ids.length; slot++) if ((ownerAt[slot] & OWNER_ACCOUNT) === account) ids[count++] = id[slot];
  return count;
}

function idsOfGroup({ ownerAt, id }: OrderSlab, groups: ArrayLike<number>, group: number, ids: Float64Array): number {
  let count = 0;
  for (let slot = 0; count < ids.length; slot++) if (groups[ownerAt[slot] & OWNER_ACCOUNT] === group) ids[count++] = id[slot];
  return count;
}
