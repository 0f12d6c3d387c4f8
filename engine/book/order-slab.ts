import { type Allocate, allocateLocal } from '../allocate.ts';
import { assert, fail } from '../assert.ts';
import type { Money, PriceTicks, QtyLots } from '../units.ts';
import { OrderIndex } from './order-index.ts';

const NIL = -1;

/**
 * An order, 64 bytes. The fields that a command touches are in one or two cache
 * lines. (One column per field caused a cache miss per field as soon as the
 * columns outgrew the cache; docs/PERFORMANCE.md has the figures.)
 *
 *   byte 0       4      8      16       24              32     40     44     48      52        56                     60
 *   ┌───────┬──────┬──────┬────────┬───────────────┬──────┬──────┬──────┬───────┬─────────┬──────────────────────┬─────┐
 *   │ price │ fees │ open │ filled │ clientOrderId │ held │ next │ prev │ level │ account │ symbol, side, t.i.f. │ tag │
 *   └───────┴──────┴──────┴────────┴───────────────┴──────┴──────┴──────┴───────┴─────────┴──────────────────────┴─────┘
 *
 * `fees` has the carry of the order's fee in its lower 20 bits, its fee schedule in the next 11, and in the highest one
 * whether the order has more than its record, such as an end or a partner; see FeeSchedules. The byte of the time in force has it in its lower 4 bits; bits 4 to 6 are the order's
 * SelfTradeMode; bit 7 is set for an order that is
 * post-only and whose time in force does not say so. The byte of the side has it in bit 0, and above it the terms of a pending stop;
 * see PendingStops, which says what the other fields of a pending stop mean. Its bit 3 is set for an iceberg, whose `open` is what it displays;
 * the rest is in {@link OrderSlab.icebergs}. A stop that waits has the bit if it will be an iceberg, hidden or repriced; its `open` is the whole, see Icebergs.keep. Its bit 4 is set for a hidden order,
 * bit 7 for a pegged one; see {@link PegNumber}.
 */
const ORDER_BYTES = 64;
/** Positions of an order's fields, from its first double at `slot << ORDER_DOUBLES_SHIFT`. For hot functions; see {@link OrderSlab}. */
export const ORDER_DOUBLES_SHIFT = 3;
export const OrderDouble = { open: 1, filled: 2, clientOrderId: 3, held: 4 } as const;
/** Positions from the order's first word at `slot << ORDER_WORDS_SHIFT`; `terms` has symbol, side and time in force. */
export const ORDER_WORDS_SHIFT = 4;
export const OrderWord = { price: 0, fees: 1, next: 10, prev: 11, level: 12, account: 13, terms: 14, tag: 15 } as const;

/** An order's numbers in {@link OrderSlab.icebergs}, from its first one at `slot << ICEBERG_SHIFT`. Only `firstId` has a meaning for other orders. */
export const ICEBERG_SHIFT = 2;
export const IcebergNumber = {
  /** Open lots that are not displayed. */
  reserve: 0,
  /** Lots that each part displays. */
  display: 1,
  /** Id of the part that is displayed, in market data and for the other side of its trades. */
  publicId: 2,
  /** Id of the first part since the order came to its price; of other orders see {@link OrderSlab.arrival}. */
  firstId: 3,
} as const;
/** In the word of an order's terms: it is an iceberg. */
export const ICEBERG = 1 << 19;
/** It is hidden. */
export const HIDDEN = 1 << 20;
/** The same in the byte of the side. */
export const HIDDEN_SIDE = HIDDEN >> 16;
/** It is pegged. */
export const PEGGED = 1 << 23;
/** The same in the byte of the side. */
export const PEGGED_SIDE = PEGGED >> 16;
/** Orders that are no reference for pegged ones. */
export const NO_REFERENCE = HIDDEN | PEGGED;

/** The numbers of a pegged order in {@link OrderSlab.icebergs}; it is no iceberg. `IcebergNumber.firstId` has the same meaning. */
export const PegNumber = {
  /** Its limit price, ticks; `price` is its present one, 0 while it is parked. */
  limit: 0,
  /** Ticks away from the other side; below 0: towards it. */
  offset: 1,
  /** A PegKind. */
  kind: 2,
} as const;
/** Level of a pegged order outside the book. */
export const PARKED = -2;
/** Level of a child that waits for fills of its parent, outside the book and the stops. */
export const WAITS_FOR_PARENT = -(2 ** 30);

/** In {@link OrderSlab.ownerAt}: the account, which is below 2^22. */
export const OWNER_ACCOUNT = 0x3fffff;
/** The bit of the side. */
export const OWNER_SIDE_SHIFT = 22;
/** The lower 9 bits of the symbol. */
export const OWNER_SYMBOL_SHIFT = 23;
export const OWNER_SYMBOLS = 512;

/** Account, side and the lower bits of the symbol of an order in one word. @param terms OrderWord.terms */
export function ownerWord(account: number, terms: number): number {
  return account | (((terms >>> 16) & 1) << OWNER_SIDE_SHIFT) | (terms << OWNER_SYMBOL_SHIFT);
}

/** Bits of the byte of the side. The others are 0. */
export const SIDE_BIT = 1;
/** A pending stop that the reference price triggers, not the last trade. */
export const STOP_BY_REFERENCE = 2;
/** A pending stop whose stop price follows the trigger price. */
export const TRAILING = 4;
/** An order that has a partner; see OrderLinks. */
export const LINKED = 32;
/** A side of a quote; see QuoteOrders. */
export const QUOTE = 0x40;

/**
 * The open orders of a shard: a record per slot, -1 for no slot. All books
 * of the shard share one slab, so that a busy book can use slots that a quiet
 * book does not need. Freed slots are reused last in, first out, while their
 * cache lines are warm.
 *
 * The owner sets the fields after `acquire` and updates `filled`. A book owns
 * `next`, `prev` and `level`, and also `open` while the order rests. The risk
 * model owns `held`. One thread owns the slab.
 *
 * The accessors are for cold code. V8 inlines at most 920 bytecodes into a
 * function, and each accessor call takes 20 of them: five accessor calls in a
 * hot function prevent the inlining of other functions. A hot function computes
 * the start of the record once, and reads `doubles` and `words` directly
 * ({@link OrderDouble}, {@link OrderWord}). The accessors have the positions as
 * literals, because a named constant makes them longer than the 27 bytecodes
 * that are always inlined.
 */
export class OrderSlab {
  declare readonly capacity: number;
  /** Orders in the slab. */
  count = 0;
  /** Exchange order id, in a separate column because the index reads only ids. */
  declare readonly id: Float64Array;
  /** Hash of the terms that the order was sent with, 0 = unknown; see hashTerms. A column of its own, because only entry and end of an order touch it. */
  declare readonly termsHash: Int32Array;
  /** By slot, what {@link ownerWord} packs; 0 in a free slot. A column of its own, so that a search for the orders of an account, or those of a side or symbol, reads little memory. */
  declare readonly ownerAt: Int32Array;
  /** End of an order that has one, microseconds since the Unix epoch; see DeadlineHeap, which owns it. A column of its own, whose memory only such orders use. */
  declare readonly endUs: Float64Array;
  /** Number of the session whose end cancels the order, 0 = none. A column of its own, which only orders with more than their record touch. */
  declare readonly session: Uint8Array;
  declare readonly doubles: Float64Array;
  declare readonly words: Int32Array;
  /** Numbers of icebergs; see {@link IcebergNumber}. The system gives it memory only where it is used. */
  declare readonly icebergs: Float64Array;
  private declare readonly index: OrderIndex;
  private free = 0;

  /** @param capacity most orders at a time, 1 to 2^26; all memory is taken here */
  constructor(capacity: number, allocate: Allocate = allocateLocal) {
    assert(Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 26, 'order slab: capacity is 1 to 2^26');
    this.capacity = capacity;
    this.id = new Float64Array(allocate(capacity * 8));
    this.termsHash = new Int32Array(allocate(capacity * 4));
    this.ownerAt = new Int32Array(allocate(capacity * 4));
    this.endUs = new Float64Array(allocate(capacity * 8));
    this.session = new Uint8Array(allocate(capacity));
    const records = allocate(capacity * ORDER_BYTES);
    this.doubles = new Float64Array(records);
    this.words = new Int32Array(records);
    this.icebergs = new Float64Array(allocate((capacity << ICEBERG_SHIFT) * 8));
    this.index = new OrderIndex(this.id, allocate);
    for (let slot = 0; slot < capacity; slot++) {
      this.setLevel(slot, NIL);
      this.setNext(slot, slot + 1 === capacity ? NIL : slot + 1);
    }
  }

  /** Takes a slot for `orderId`, which must not be in the slab; -1 if the slab is full. Fields other than `id` hold old values. */
  acquire(orderId: number): number {
    const slot = this.free;
    if (slot === NIL) return NIL;
    this.free = this.words[(slot << 4) | 10];
    this.id[slot] = orderId;
    this.index.insert(slot, orderId);
    this.count++;
    return slot;
  }

  /** Releases the slot of an order that is in no book. */
  release(slot: number): void {
    const { words } = this;
    const record = slot << 4;
    if (words[record | 12] !== NIL) fail('order slab: release of a resting order');
    this.index.remove(slot);
    this.ownerAt[slot] = 0;
    words[record | 10] = this.free;
    this.free = slot;
    this.count--;
  }

  /** The slot of `orderId`, -1 if there is none. Accepts any number. */
  find(orderId: number): number {
    return this.index.find(orderId);
  }

  /** {@link find} for another thread, whose slab has the same memory; see {@link OrderIndex.peek}. */
  peek(orderId: number): number {
    return this.index.peek(orderId);
  }

  /** Limit price. */
  price(slot: number): PriceTicks {
    return this.words[slot << 4];
  }

  setPrice(slot: number, ticks: PriceTicks): void {
    this.words[slot << 4] = ticks;
  }

  /** Fee schedule and carry, as {@link feesWord} packs them. */
  fees(slot: number): number {
    return this.words[(slot << 4) | 1];
  }

  setFees(slot: number, fees: number): void {
    this.words[(slot << 4) | 1] = fees;
  }

  /** Open quantity, in lots; of an iceberg, what it displays. */
  open(slot: number): QtyLots {
    return this.doubles[(slot << 3) | 1];
  }

  setOpen(slot: number, lots: QtyLots): void {
    this.doubles[(slot << 3) | 1] = lots;
  }

  /** Open quantity with what an iceberg does not display, in lots. */
  total(slot: number): QtyLots {
    const open = this.doubles[(slot << 3) | 1];
    return (this.words[(slot << 4) | 14] & 0x80000) === 0 ? open : open + this.icebergs[slot << 2];
  }

  /** The order's id in market data; 0 for a hidden order. */
  publicId(slot: number): number {
    const terms = this.words[(slot << 4) | 14] & 0x180000;
    if (terms === 0) return this.id[slot];
    return terms === 0x80000 ? this.icebergs[(slot << 2) | 2] : 0;
  }

  isHidden(slot: number): boolean {
    return (this.words[(slot << 4) | 14] & 0x100000) !== 0;
  }

  /**
   * A number by which two orders at one price are in the order of their arrival. Ids only grow, so it is the order's id, or the one that it would have had
   * when it lost its place; see RestingOrders.arrived. It is compared with that of a hidden order only.
   */
  arrival(slot: number): number {
    return Math.max(this.id[slot], this.icebergs[(slot << 2) | 3]);
  }

  isPegged(slot: number): boolean {
    return (this.words[(slot << 4) | 14] & 0x800000) !== 0;
  }

  /** The limit price: of a pegged order not its present price. */
  limit(slot: number): PriceTicks {
    return this.isPegged(slot) ? this.icebergs[slot << 2] : this.words[slot << 4];
  }

  isIceberg(slot: number): boolean {
    return (this.words[(slot << 4) | 14] & 0x80000) !== 0;
  }

  /** Lots that each part of an iceberg displays. */
  display(slot: number): QtyLots {
    return this.icebergs[(slot << 2) | 1];
  }

  /** Filled quantity, in lots. */
  filled(slot: number): QtyLots {
    return this.doubles[(slot << 3) | 2];
  }

  /** The same; 0 for an order that waits for its trigger or auction, whose record has another number there. */
  traded(slot: number): QtyLots {
    const level = this.level(slot);
    return level < NIL && level !== WAITS_FOR_PARENT && !this.isPegged(slot) ? 0 : this.filled(slot);
  }

  setFilled(slot: number, lots: QtyLots): void {
    this.doubles[(slot << 3) | 2] = lots;
  }

  clientOrderId(slot: number): number {
    return this.doubles[(slot << 3) | 3];
  }

  setClientOrderId(slot: number, id: number): void {
    this.doubles[(slot << 3) | 3] = id;
  }

  /** The amount reserved for the order, in the smallest unit of the asset that it pays with. */
  held(slot: number): Money {
    return this.doubles[(slot << 3) | 4];
  }

  setHeld(slot: number, amount: Money): void {
    this.doubles[(slot << 3) | 4] = amount;
  }

  account(slot: number): number {
    return this.words[(slot << 4) | 13] >>> 0;
  }

  tag(slot: number): number {
    return this.words[(slot << 4) | 15] >>> 0;
  }

  setTag(slot: number, tag: number): void {
    this.words[(slot << 4) | 15] = tag;
  }

  symbol(slot: number): number {
    return this.words[(slot << 4) | 14] & 0xffff;
  }

  side(slot: number): number {
    return (this.words[(slot << 4) | 14] >>> 16) & 1;
  }

  /** The side and the bits beside it. */
  sideBits(slot: number): number {
    return (this.words[(slot << 4) | 14] >>> 16) & 0xff;
  }

  timeInForce(slot: number): number {
    return (this.words[(slot << 4) | 14] >>> 24) & 15;
  }

  /** The time in force and the bits beside it. */
  lifetime(slot: number): number {
    return this.words[(slot << 4) | 14] >>> 24;
  }

  /** Sets the account and the terms that never change. @param symbol below 2^16 @param side with the bits beside it @param lifetime the time in force and the bits beside it */
  setTerms(slot: number, account: number, symbol: number, side: number, lifetime: number): void {
    const terms = symbol | (side << 16) | (lifetime << 24);
    this.words[(slot << 4) | 13] = account;
    this.words[(slot << 4) | 14] = terms;
    this.ownerAt[slot] = ownerWord(account, terms);
  }

  /** The next order in the queue of its level. In a free slot: the next free slot. */
  next(slot: number): number {
    return this.words[(slot << 4) | 10];
  }

  setNext(slot: number, other: number): void {
    this.words[(slot << 4) | 10] = other;
  }

  /** The previous order in the queue of its level. */
  prev(slot: number): number {
    return this.words[(slot << 4) | 11];
  }

  setPrev(slot: number, other: number): void {
    this.words[(slot << 4) | 11] = other;
  }

  /** The level at which the order is queued, an index into the books' shared level pages; -1 if the order does not rest; below -1 if it is a pending stop, or waits outside the book for another reason. */
  level(slot: number): number {
    return this.words[(slot << 4) | 12];
  }

  setLevel(slot: number, level: number): void {
    this.words[(slot << 4) | 12] = level;
  }

  /** Longest chain of the id index: 1 or 2 unless ids were chosen to collide. Walks the whole index. */
  longestChain(): number {
    return this.index.longestChain();
  }
}
