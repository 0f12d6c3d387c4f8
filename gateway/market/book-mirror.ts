import { assert } from '../../engine/assert.ts';
import type { RingSlots } from '../../engine/rings/ring.ts';
import { OrderAction, Phase, SubPhase } from '../../engine/wire/layout.ts';
import {
  MARKET_EVENT_BYTES,
  MarketEventKind,
  MarketField,
  TRADE_IN_AUCTION,
  TRADE_KEEPS_ORDER,
  TRADE_KEEPS_OTHER,
} from '../../engine/wire/market-event.ts';
import type { Level } from './levels-copy.ts';
import { MirrorLevels } from './mirror-levels.ts';
import type { MirrorOrders } from './mirror-orders.ts';

export type { Level } from './levels-copy.ts';

/** Called after each change of a resting order. When the order is removed, its columns (open included) are still valid. */
export interface OrderSink {
  /** @param order slot in the mirror's `orders` */
  onOrder(action: OrderAction, order: number): void;
}

/** One resting order, as an object; allocates. */
export interface MirrorOrder {
  orderId: number;
  side: number;
  /** Ticks. */
  price: number;
  /** Lots still open. */
  quantity: number;
}

const SLOT_F64 = MARKET_EVENT_BYTES / 8;
const SLOT_U32 = MARKET_EVENT_BYTES / 4;

/**
 * The book of one symbol, built from its market events: orders in priority per
 * level, quantity and order count per level, best prices, last trade, phase,
 * indication. Pure: no clock, no I/O. Owned by the thread that feeds it; an
 * event costs no garbage.
 */
export class BookMirror {
  readonly symbol: number;
  readonly orders: MirrorOrders;
  readonly levels = new MirrorLevels();
  /** Orders in this book. */
  restingOrders = 0;
  /** Sequence and time (µs since the epoch) of the last event's command. */
  seq = 0;
  timeUs = 0;
  phase: Phase = Phase.Halted;
  subPhase: SubPhase = SubPhase.None;
  /** Earliest end of its volatility interruption, µs since the epoch; 0 = there is none. */
  interruptedUntilUs = 0;
  /** Ticks; 0 = none. */
  referencePrice = 0;
  /** Last trade, 0 = none known. `lastTradeId` counts the symbol's trades without gaps from 1. */
  lastPrice = 0;
  lastQuantity = 0;
  lastTradeId = 0;
  /** Auction: the result of an uncross now; price 0 = no trade. */
  indicativePrice = 0;
  indicativeVolume = 0;
  surplus = 0;
  surplusSide = 0;
  /** Orders that rest in this book. */
  count = 0;
  /** Slot of the next order that a walk in steps reads, -1 = none: it stays valid although orders leave between its steps. */
  walkAt = -1;
  readonly #sink: OrderSink | undefined;

  /** @param orders shared by the mirrors of an exchange; order ids are unique across its symbols */
  constructor(symbol: number, orders: MirrorOrders, sink?: OrderSink) {
    this.symbol = symbol;
    this.orders = orders;
    this.#sink = sink;
  }

  /**
   * Applies the market event in `slot`.
   * @returns its MarketEventKind
   * @throws InvariantError when it names an order that does not rest here: engine and mirror have diverged
   */
  apply(slots: RingSlots, slot: number): number {
    const { f64, u8 } = slots;
    const at = slot * SLOT_F64;
    const byte = slot * MARKET_EVENT_BYTES;
    const kind = u8[byte + MarketField.kind];
    const side = u8[byte + MarketField.side];
    assert(slots.u32[slot * SLOT_U32 + MarketField.symbol] === this.symbol, 'mirror: an event of another symbol');
    this.seq = f64[at + MarketField.seq];
    this.timeUs = f64[at + MarketField.time];
    switch (kind) {
      case MarketEventKind.Add:
        this.#add(side, f64, at);
        break;
      case MarketEventKind.Trade:
        this.#trade(u8[byte + MarketField.flags], f64, at);
        break;
      case MarketEventKind.Reduce: {
        const order = this.#find(f64, at + MarketField.orderId);
        this.#fall(order, this.orders.open[order] - f64[at + MarketField.quantity]);
        break;
      }
      case MarketEventKind.Remove: {
        const order = this.#find(f64, at + MarketField.orderId);
        this.#fall(order, this.orders.open[order]);
        break;
      }
      case MarketEventKind.Phase:
        this.phase = u8[byte + MarketField.flags] as Phase;
        this.subPhase = side as SubPhase;
        this.interruptedUntilUs = f64[at + MarketField.quantity];
        this.referencePrice = f64[at + MarketField.price];
        this.lastTradeId = Math.max(this.lastTradeId, f64[at + MarketField.otherId]);
        this.lastPrice = f64[at + MarketField.extra];
        this.#indicate(0, 0, 0, 0);
        break;
      case MarketEventKind.Indicative:
        this.#indicate(f64[at + MarketField.price], f64[at + MarketField.quantity], f64[at + MarketField.extra], side);
        break;
      default:
        // Accepted, Unknown, Amended: the book has not changed.
        break;
    }
    return kind;
  }

  /** Best bid in ticks, 0 = none. */
  bestBid(): number {
    const level = this.levels.best(0);
    return level === -1 ? 0 : this.levels.price[level];
  }

  /** Best ask in ticks, 0 = none. */
  bestAsk(): number {
    const level = this.levels.best(1);
    return level === -1 ? 0 : this.levels.price[level];
  }

  /** Levels of a side, best first, at most `depth`. Cold: sorts. */
  depth(side: number, depth = Number.POSITIVE_INFINITY): Level[] {
    const { price, quantity, orders } = this.levels;
    const slots = this.levels.sorted(side);
    return Array.from(slots.subarray(0, Math.min(depth, slots.length)), (slot) => ({
      price: price[slot],
      quantity: quantity[slot],
      orders: orders[slot],
    }));
  }

  /** Calls `visit` with the slot of each order of a side, in priority. Cold: sorts. */
  ordersInPriority(side: number, visit: (order: number) => void): void {
    for (const level of this.levels.sorted(side)) {
      for (let order = this.levels.head[level]; order !== -1; order = this.orders.next[order]) visit(order);
    }
  }

  /** The orders of a side, in priority. Cold. */
  list(side: number): MirrorOrder[] {
    const list: MirrorOrder[] = [];
    const { id, price, open } = this.orders;
    this.ordersInPriority(side, (slot) => list.push({ orderId: id[slot], side, price: price[slot], quantity: open[slot] }));
    return list;
  }

  #add(side: number, f64: Float64Array, at: number): void {
    const { orders, levels } = this;
    const order = orders.acquire(f64, at + MarketField.orderId);
    const level = levels.at(side, f64, at + MarketField.price);
    const open = f64[at + MarketField.quantity];
    const last = levels.tail[level];
    orders.price[order] = levels.price[level];
    orders.open[order] = open;
    orders.side[order] = side;
    orders.level[order] = level;
    orders.next[order] = -1;
    orders.prev[order] = last;
    if (last === -1) levels.head[level] = order;
    else orders.next[last] = order;
    levels.tail[level] = order;
    levels.quantity[level] += open;
    levels.orders[level]++;
    this.count++;
    levels.touch(level);
    this.restingOrders++;
    if (this.#sink !== undefined) this.#sink.onOrder(OrderAction.Add, order);
  }

  #trade(flags: number, f64: Float64Array, at: number): void {
    const quantity = f64[at + MarketField.quantity];
    this.lastPrice = f64[at + MarketField.price];
    // A trade moves the reference price of the price band; see SymbolParam.ReferencePrice.
    this.referencePrice = this.lastPrice;
    this.lastQuantity = quantity;
    this.lastTradeId = f64[at + MarketField.extra];
    if ((flags & TRADE_KEEPS_ORDER) === 0) this.#fall(this.#find(f64, at + MarketField.orderId), quantity);
    if ((flags & (TRADE_IN_AUCTION | TRADE_KEEPS_OTHER)) === TRADE_IN_AUCTION)
      this.#fall(this.#find(f64, at + MarketField.otherId), quantity);
  }

  /** Reduces an order's open quantity by `by` lots; at 0 the order leaves the book. */
  #fall(order: number, by: number): void {
    const { orders, levels } = this;
    const level = orders.level[order];
    const open = orders.open[order] - by;
    assert(open >= 0, 'mirror: an order fell below zero');
    orders.open[order] = open;
    levels.quantity[level] -= by;
    levels.touch(level);
    if (open !== 0) {
      if (this.#sink !== undefined) this.#sink.onOrder(OrderAction.Change, order);
      return;
    }
    const next = orders.next[order];
    const prev = orders.prev[order];
    if (prev === -1) levels.head[level] = next;
    else orders.next[prev] = next;
    if (next === -1) levels.tail[level] = prev;
    else orders.prev[next] = prev;
    if (this.walkAt === order) this.walkAt = next;
    this.count--;
    if (--levels.orders[level] === 0) levels.emptied(level);
    if (this.#sink !== undefined) this.#sink.onOrder(OrderAction.Remove, order);
    orders.release(order);
    this.restingOrders--;
  }

  #find(f64: Float64Array, at: number): number {
    const order = this.orders.find(f64, at);
    assert(order !== -1, 'mirror: an event names an order that does not rest');
    return order;
  }

  #indicate(price: number, volume: number, surplus: number, side: number): void {
    this.indicativePrice = price;
    this.indicativeVolume = volume;
    this.surplus = surplus;
    this.surplusSide = side;
  }
}
