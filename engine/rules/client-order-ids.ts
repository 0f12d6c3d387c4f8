import type { Allocate } from '../allocate.ts';
import { assert, fail } from '../assert.ts';
import { ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, type OrderSlab, OrderWord } from '../book/order-slab.ts';
import { RULES } from '../limits.ts';
import { ROW_FIELDS, RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { within } from './account-rows.ts';
import { AccountWindows } from './account-windows.ts';
import type { OrderRequest } from './order-request.ts';
import { UNKNOWN_TERMS } from './order-terms.ts';

const TWO_M32 = 2 ** -32;
// Module constants: V8 folds them, but loads an imported constant each time.
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { open: OPEN, filled: FILLED, clientOrderId: CLIENT_ORDER_ID } = OrderDouble;
const { price: ORDER_PRICE, account: ACCOUNT, terms: TERMS } = OrderWord;
/** Before rules 3 the entries of all accounts are in the list of account 0, which has no orders. */
const SHARED = 0;

/**
 * The key of a remembered order or reject, 16 bytes: its client order id, the account, and the hash of its terms (see hashTerms). Only keys
 * are read when ids are found and forgotten, so they are apart from the rest, and many of them are in the cache.
 */
const KEY_BYTES = 16;
const KEY_DOUBLES = 1;
const KEY_WORDS = 2;
const OWNER = 2;
const TERMS_HASH = 3;
/** The rest, 40 bytes: its length in doubles and in words, positions from its first double, and from its first word. */
const RECORD_BYTES = 40;
const RECORD_DOUBLES = 5;
const RECORD_WORDS = 10;
const ORDER_ID = 0;
const PRICE = 1;
const QUANTITY = 2;
/** Lots filled: from rules 3 on, 0 for orders that ended before. */
const REMEMBERED_FILLED = 3;
/** The symbol that the order names: 32 bits, as a reject may name any. */
const SYMBOL = 8;
/** Code, and above 16 bits side and time in force as in the record of a resting order. */
const OUTCOME = 9;
/** Side and time in force in the word of an order's terms. */
const SIDE_AND_LIFETIME = 0x0f010000;
/** An empty position of the table. */
const EMPTY = 0;
/**
 * Low bits of a position: how far behind its home the id is, at most FAR. A neighbour that is as far behind another home is another id, and
 * can be moved, without a read of its key.
 */
const AWAY_BITS = 3;
const FAR = (1 << AWAY_BITS) - 1;
const MAX_REF = 2 ** (31 - AWAY_BITS);
/** Bits of a client order id. */
const ID_BITS = 53;

/**
 * The positions of {@link ClientOrderIds}, apart from it, so that another thread may look into them: with a table of its own over the same
 * memory, it finds orders that rest. Their keys are in the slab.
 */
export class ClientIdTable {
  /** References: 0 = empty, slot + 1, or -(window index + 1), each beside its distance from home. */
  readonly positions: Int32Array;
  readonly #seed: Int32Array;

  /** @param orders capacity of the slab @param room number of remembered entries */
  constructor(orders: number, room: number, allocate: Allocate) {
    let size = 1024;
    while (size < (orders + room) * 1.5) size *= 2;
    this.positions = new Int32Array(allocate(size * 4));
    this.#seed = new Int32Array(allocate(4));
  }

  /** The owner's. */
  set seed(seed: number) {
    this.#seed[0] = seed;
  }

  /**
   * The slot of an account's resting order, -1 if there is none; for any thread. The owner may change the table meanwhile: then the slot may be that
   * of another order, or -1 although the order rests.
   */
  peek(slab: OrderSlab, account: number, clientOrderId: number): number {
    const { positions } = this;
    const mask = positions.length - 1;
    let at = homeOf(account, clientOrderId, this.#seed[0], mask);
    // A table that changes may never show an empty position.
    for (let steps = 0; steps <= mask && positions[at] !== EMPTY; steps++) {
      const ref = positions[at] >> AWAY_BITS;
      if (ref > 0 && slab.clientOrderId(ref - 1) === clientOrderId && slab.account(ref - 1) === account) return ref - 1;
      at = (at + 1) & mask;
    }
    return -1;
  }
}

/** What became of a new order. */
interface Outcome {
  readonly orderId: number;
  readonly filled: number;
}

/**
 * Maps an account's client order id to its order, so that a repeated order is
 * answered with its present state and does not trade twice.
 *
 * A resting order is found by its slab slot. Finished and rejected orders are
 * remembered in a window of their account; {@link AccountWindows} says how long. An
 * id that is forgotten raises a mark: one for each account and each bit length of
 * an id. A later id at or below the mark of its bit length could be a repeat, so
 * the exchange rejects it. Clients that count upwards never receive that
 * reject, wherever each of them starts: a counter from 1, a clock in milliseconds
 * and one in microseconds have ids of different lengths, so none of them raises the mark
 * of another.
 *
 * Before rules 3 all accounts shared one window, and an account had one mark,
 * `forgottenId`. What it was at the step to rules 3 stays too old.
 *
 * The {@link ClientIdTable} uses open addressing. Eight neighbouring ids share a run of the table, so that
 * clients with sequential ids stay within a cache line. A random seed of the
 * process scatters the runs, so that clients cannot choose ids that collide.
 * The seed is not state: it affects positions only, never results.
 */
export class ClientOrderIds implements StatePart {
  readonly kinds = [RowKind.Remembered, RowKind.ForgottenId];
  /** Rules in force; see {@link setRules}. */
  rules: number = RULES;
  readonly #ids: Float64Array;
  readonly #keyWords: Int32Array;
  readonly #doubles: Float64Array;
  readonly #words: Int32Array;
  readonly #windows: AccountWindows;
  /** `account * 53 + bits - 1`: the highest id of that bit length that was forgotten. */
  readonly #marks: Float64Array;
  readonly #table: Int32Array;
  readonly #mask: number;
  readonly #seed: number;
  readonly #slab: OrderSlab;
  readonly #forgotten: Float64Array;
  #share: number;

  /**
   * @param room number of entries to allocate
   * @param forgottenId the accounts' column of that name
   * @param seed any 32-bit integer
   * @param table for the orders of the slab and the room
   */
  constructor(slab: OrderSlab, room: number, forgottenId: Float64Array, seed: number, allocate: Allocate, table: ClientIdTable) {
    this.#windows = new AccountWindows(room, forgottenId.length, allocate);
    assert(this.#windows.room <= MAX_REF, 'client order ids: the room is at most 2^28');
    const keys = allocate(this.#windows.room * KEY_BYTES);
    this.#ids = new Float64Array(keys);
    this.#keyWords = new Int32Array(keys);
    const records = allocate(this.#windows.room * RECORD_BYTES);
    this.#doubles = new Float64Array(records);
    this.#words = new Int32Array(records);
    this.#marks = new Float64Array(allocate(forgottenId.length * ID_BITS * 8));
    this.#table = table.positions;
    this.#mask = table.positions.length - 1;
    this.#seed = seed | 0;
    table.seed = this.#seed;
    this.#slab = slab;
    this.#forgotten = forgottenId;
    this.#share = room;
  }

  /** Sets the number of finished orders to remember, which never decreases, and the most of one account, which applies from rules 3 on. */
  setWindow(window: number, share: number): void {
    this.#windows.window = window;
    this.#share = share;
    this.#applyShare();
  }

  /** Puts rules in force. The step to rules 3 gives each account its entries of the shared window, in the same sequence. */
  setRules(rules: number): void {
    const windows = this.#windows;
    const moved = this.rules < 3 !== rules < 3 ? [...windows.entries()].map((index) => this.#rowOf(index)) : [];
    if (rules < 3 && moved.length > 0) fail('rules 3 are followed by no earlier ones');
    for (const [account, id] of moved) this.#delete(this.#probe(account, id));
    if (moved.length > 0) windows.clear();
    this.rules = rules;
    windows.share = windows.window;
    for (const row of moved) this.remember(...row);
    this.#applyShare();
  }

  /** Slot + 1 of a resting order, -(index + 1) of a remembered one, or 0. */
  find(account: number, clientOrderId: number): number {
    return this.#table[this.#probe(account, clientOrderId)] >> AWAY_BITS;
  }

  /** True if an id that is not found could be one that was used and forgotten. */
  tooOld(account: number, clientOrderId: number): boolean {
    if (clientOrderId <= this.#forgotten[account]) return true;
    return clientOrderId <= this.#marks[account * ID_BITS + bitLength(clientOrderId) - 1];
  }

  /** Adds a resting order, whose id must not be in the table. */
  addResting(slot: number): void {
    this.#insert(this.#slab.account(slot), this.#slab.clientOrderId(slot), slot + 1);
  }

  /**
   * Remembers a new order that does not rest, or a reject. Same as `remember`, without a call that boxes its doubles.
   * @param outcome its order id, 0 = rejected, and the lots filled
   */
  rememberNew(order: OrderRequest, code: number, outcome: Outcome): void {
    const { account, clientOrderId } = order;
    const index = this.#place(account);
    const doubles = this.#doubles;
    const words = this.#words;
    const first = index * RECORD_DOUBLES;
    doubles[first + ORDER_ID] = outcome.orderId;
    doubles[first + PRICE] = order.price;
    doubles[first + QUANTITY] = order.quantity;
    doubles[first + REMEMBERED_FILLED] = order.termsHash === UNKNOWN_TERMS ? 0 : outcome.filled;
    this.#ids[index << KEY_DOUBLES] = clientOrderId;
    this.#keyWords[(index << KEY_WORDS) + OWNER] = account;
    this.#keyWords[(index << KEY_WORDS) + TERMS_HASH] = order.termsHash;
    const record = index * RECORD_WORDS;
    words[record + SYMBOL] = order.symbol;
    words[record + OUTCOME] = code | (order.side << 16) | (order.timeInForce << 24);
    this.#insert(account, clientOrderId, -(index + 1));
  }

  /** Remembers an order that does not rest (any more), or a reject (`orderId` 0). Cold. */
  remember(
    account: number,
    clientOrderId: number,
    orderId: number,
    code: number,
    symbol: number,
    side: number,
    timeInForce: number,
    price: number,
    quantity: number,
    filled: number,
    termsHash: number,
  ): void {
    assert(this.find(account, clientOrderId) === 0, 'client order id of a remembered order is new');
    const index = this.#place(account);
    const doubles = this.#doubles;
    const words = this.#words;
    const first = index * RECORD_DOUBLES;
    doubles[first + ORDER_ID] = orderId;
    doubles[first + PRICE] = price;
    doubles[first + QUANTITY] = quantity;
    doubles[first + REMEMBERED_FILLED] = filled;
    this.#ids[index << KEY_DOUBLES] = clientOrderId;
    this.#keyWords[(index << KEY_WORDS) + OWNER] = account;
    this.#keyWords[(index << KEY_WORDS) + TERMS_HASH] = termsHash;
    const record = index * RECORD_WORDS;
    words[record + SYMBOL] = symbol;
    words[record + OUTCOME] = code | (side << 16) | (timeInForce << 24);
    this.#insert(account, clientOrderId, -(index + 1));
  }

  /** Remembers the order in `slot`, which rested until now. Same as `remember`, without a call that boxes its doubles. */
  rememberResting(slot: number): void {
    const slab = this.#slab;
    const { doubles: orders, words: orderWords } = slab;
    const order = slot << TO_DOUBLES;
    const account = orderWords[(slot << TO_WORDS) + ACCOUNT];
    const index = this.#place(account);
    const doubles = this.#doubles;
    const words = this.#words;
    const first = index * RECORD_DOUBLES;
    const clientOrderId = orders[order + CLIENT_ORDER_ID];
    doubles[first + ORDER_ID] = slab.id[slot];
    doubles[first + PRICE] = orderWords[(slot << TO_WORDS) + ORDER_PRICE];
    doubles[first + QUANTITY] = orders[order + FILLED] + orders[order + OPEN];
    doubles[first + REMEMBERED_FILLED] = this.rules >= 3 ? orders[order + FILLED] : 0;
    this.#ids[index << KEY_DOUBLES] = clientOrderId;
    this.#keyWords[(index << KEY_WORDS) + OWNER] = account;
    this.#keyWords[(index << KEY_WORDS) + TERMS_HASH] = slab.termsHash[slot];
    const record = index * RECORD_WORDS;
    const terms = orderWords[(slot << TO_WORDS) + TERMS];
    words[record + SYMBOL] = terms & 0xffff;
    words[record + OUTCOME] = terms & SIDE_AND_LIFETIME;
    const at = this.#positionOf(account, clientOrderId, slot + 1);
    this.#table[at] = (-(index + 1) << AWAY_BITS) | (this.#table[at] & FAR);
  }

  // The fields of a remembered order, by index. For cold code.

  accountOf(index: number): number {
    return this.#keyWords[(index << KEY_WORDS) + OWNER];
  }

  idOf(index: number): number {
    return this.#ids[index << KEY_DOUBLES];
  }

  orderIdOf(index: number): number {
    return this.#doubles[index * RECORD_DOUBLES + ORDER_ID];
  }

  priceOf(index: number): number {
    return this.#doubles[index * RECORD_DOUBLES + PRICE];
  }

  quantityOf(index: number): number {
    return this.#doubles[index * RECORD_DOUBLES + QUANTITY];
  }

  filledOf(index: number): number {
    return this.#doubles[index * RECORD_DOUBLES + REMEMBERED_FILLED];
  }

  termsHashOf(index: number): number {
    return this.#keyWords[(index << KEY_WORDS) + TERMS_HASH];
  }

  symbolOf(index: number): number {
    return this.#words[index * RECORD_WORDS + SYMBOL] >>> 0;
  }

  sideOf(index: number): number {
    return (this.#words[index * RECORD_WORDS + OUTCOME] >>> 16) & 0xff;
  }

  timeInForceOf(index: number): number {
    return this.#words[index * RECORD_WORDS + OUTCOME] >>> 24;
  }

  codeOf(index: number): number {
    return this.#words[index * RECORD_WORDS + OUTCOME] & 0xffff;
  }

  /** Remembered entries: by account from rules 3 on, oldest first. Cold. */
  remembered(): Generator<number> {
    return this.#windows.entries();
  }

  save(out: RowWriter): void {
    for (const i of this.remembered()) out.row(RowKind.Remembered, ...this.#rowOf(i));
    for (let account = 0; account < this.#forgotten.length; account++) {
      for (let bits = 1; bits <= ID_BITS; bits++) {
        const mark = this.#marks[account * ID_BITS + bits - 1];
        if (mark !== 0) out.row(RowKind.ForgottenId, account, mark);
      }
    }
  }

  load(r: Float64Array, at: number): void {
    if (r[at] === RowKind.ForgottenId) {
      this.#marks[within(r[at + 1], this.#forgotten.length, 'accounts') * ID_BITS + bitLength(r[at + 2]) - 1] = r[at + 2];
      return;
    }
    const { count, window } = this.#windows;
    if (count >= window) fail(`the snapshot remembers more finished orders than limits.rememberedOrders = ${window}`);
    const [, ...row] = r.subarray(at, at + ROW_FIELDS);
    this.remember(...(row as Parameters<ClientOrderIds['remember']>));
  }

  /** Index for a new entry of an account; forgets another entry if the window or the account's share is full. */
  #place(account: number): number {
    const windows = this.#windows;
    const owner = this.rules < 3 ? SHARED : account;
    const loser = windows.loser(owner);
    if (loser === -1) return windows.add(owner);
    this.#forget(windows.oldest(loser));
    if (loser === owner) return windows.replace(owner);
    windows.drop(loser);
    return windows.add(owner);
  }

  /** The arguments with which an entry is remembered. Cold. */
  #rowOf(index: number): Parameters<ClientOrderIds['remember']> {
    return [
      this.accountOf(index),
      this.idOf(index),
      this.orderIdOf(index),
      this.codeOf(index),
      this.symbolOf(index),
      this.sideOf(index),
      this.timeInForceOf(index),
      this.priceOf(index),
      this.quantityOf(index),
      this.filledOf(index),
      this.termsHashOf(index),
    ];
  }

  /** Removes an entry from the table, and raises the mark. */
  #forget(index: number): void {
    const account = this.#keyWords[(index << KEY_WORDS) + OWNER];
    const clientOrderId = this.#ids[index << KEY_DOUBLES];
    const marks = this.rules < 3 ? this.#forgotten : this.#marks;
    const mark = this.rules < 3 ? account : account * ID_BITS + bitLength(clientOrderId) - 1;
    if (clientOrderId > marks[mark]) marks[mark] = clientOrderId;
    this.#delete(this.#positionOf(account, clientOrderId, -(index + 1)));
  }

  /** Forgets what accounts remember above their share. Cold. */
  #applyShare(): void {
    const windows = this.#windows;
    windows.share = this.rules < 3 ? windows.window : this.#share;
    for (let account = 0; account < this.#forgotten.length; account++) {
      while (windows.held(account) > windows.share) {
        this.#forget(windows.oldest(account));
        windows.drop(account);
      }
    }
  }

  /** Position of the id, or the empty position where it belongs. The table is never full. */
  #probe(account: number, clientOrderId: number): number {
    const table = this.#table;
    const mask = this.#mask;
    let at = homeOf(account, clientOrderId, this.#seed, this.#mask);
    let away = 0;
    for (let found = table[at]; found !== EMPTY; found = table[at]) {
      if ((found & FAR) === away) {
        const ref = found >> AWAY_BITS;
        if (ref > 0) {
          if (this.#slab.clientOrderId(ref - 1) === clientOrderId && this.#slab.account(ref - 1) === account) break;
        } else if (this.#ids[~ref << KEY_DOUBLES] === clientOrderId && this.#keyWords[(~ref << KEY_WORDS) + OWNER] === account) break;
      }
      at = (at + 1) & mask;
      if (away < FAR) away++;
    }
    return at;
  }

  /** Adds a reference of an id that is not in the table. Reads no key. */
  #insert(account: number, clientOrderId: number, ref: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let at = homeOf(account, clientOrderId, this.#seed, this.#mask);
    let away = 0;
    for (; table[at] !== EMPTY; at = (at + 1) & mask) if (away < FAR) away++;
    table[at] = (ref << AWAY_BITS) | away;
  }

  /** Position of a reference that the table has for the id. Reads no key. */
  #positionOf(account: number, clientOrderId: number, ref: number): number {
    const table = this.#table;
    const mask = this.#mask;
    let at = homeOf(account, clientOrderId, this.#seed, this.#mask);
    for (let found = table[at]; found >> AWAY_BITS !== ref; found = table[at]) {
      assert(found !== EMPTY, 'client order id is in the table');
      at = (at + 1) & mask;
    }
    return at;
  }

  /** Empties a position and moves back the entries that were displaced by it, so that no tombstones remain. */
  #delete(at: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let hole = at;
    let next = (at + 1) & mask;
    for (let found = table[next]; found !== EMPTY; found = table[next]) {
      const away = (found & FAR) < FAR ? found & FAR : this.#awayOf(next);
      const back = (next - hole) & mask;
      if (away >= back) {
        table[hole] = (found & ~FAR) | Math.min(FAR, away - back);
        hole = next;
      }
      next = (next + 1) & mask;
    }
    table[hole] = EMPTY;
  }

  /** How far behind its home an id is. */
  #awayOf(at: number): number {
    const ref = this.#table[at] >> AWAY_BITS;
    const home =
      ref > 0
        ? homeOf(this.#slab.account(ref - 1), this.#slab.clientOrderId(ref - 1), this.#seed, this.#mask)
        : homeOf(this.accountOf(-ref - 1), this.idOf(-ref - 1), this.#seed, this.#mask);
    return (at - home) & this.#mask;
  }
}

/** Bits of an id from 1 to 2^53 - 1. */
function bitLength(id: number): number {
  const high = (id * TWO_M32) | 0;
  return high === 0 ? 32 - Math.clz32(id) : 64 - Math.clz32(high);
}

/** @param mask length of the table, a power of two, minus 1 */
function homeOf(account: number, clientOrderId: number, seed: number, mask: number): number {
  const low = clientOrderId | 0;
  let hash =
    Math.imul((low >>> 3) ^ seed, 0x9e3779b1) ^ Math.imul((clientOrderId * TWO_M32) | 0, 0x85ebca6b) ^ Math.imul(account, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return ((hash << 3) | (low & 7)) & mask;
}
