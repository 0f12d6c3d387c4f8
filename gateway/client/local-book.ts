import { EventEmitter } from 'node:events';
import type { ChannelName } from '../../engine/wire/channels/channels.ts';
import type { LevelView, MarketFrameView, OrderView, UpdateOf } from './market-decode.ts';
import type { SideName } from './types.ts';

/** Effect of a frame: `gap` = updates are missing, and the book waits for a snapshot. */
export type Applied = 'applied' | 'stale' | 'gap';

interface BookEvents {
  /** The book has changed. */
  change: [];
  /** Updates were missed; until the next `change` the book is out of date. */
  gap: [];
}

/** All levels, or the best 5, 10, 20 or 50 of each side. */
export type LevelChannel = Extract<ChannelName, 'book' | `book-${number}`>;
export type BookChannel = LevelChannel | 'book-l3';
/** Limits of the levels of each side that the exchange has. */
export const BOOK_DEPTHS = [5, 10, 20, 50] as const;
export type BookDepth = (typeof BOOK_DEPTHS)[number];

/** The base of both books: numbers, gaps, snapshots. */
abstract class NumberedBook<C extends BookChannel> extends EventEmitter<BookEvents> {
  /** Number of the last update in the book. */
  number = 0;
  /** Sequence of the last command that is reflected in a level or order. */
  seq = 0;
  /** Snapshots taken so far: the first, and one per re-sync. */
  snapshots = 0;
  #inStep = false;

  /** Whether the book follows the exchange; false before the first snapshot and while updates are missing. */
  get inStep(): boolean {
    return this.#inStep;
  }

  /** Takes a snapshot or delta of the channel. */
  apply(frame: MarketFrameView<C>): Applied {
    const { updates } = frame;
    if (frame.kind === 'snapshot') {
      this.clear();
      this.#inStep = true;
      this.snapshots++;
      this.number = frame.firstNo;
    } else {
      if (!this.#inStep) return 'stale';
      const last = frame.firstNo + updates.length - 1;
      if (last <= this.number) return 'stale';
      if (frame.firstNo !== this.number + 1) {
        this.lost();
        return 'gap';
      }
      this.number = last;
    }
    for (const update of updates) {
      this.put(update);
      if (update.seq > this.seq) this.seq = update.seq;
    }
    this.emit('change');
    return 'applied';
  }

  /** Marks the book as out of date until the next snapshot, after a gap or a lost connection. */
  lost(): void {
    if (!this.#inStep) return;
    this.#inStep = false;
    this.emit('gap');
  }

  protected abstract clear(): void;
  protected abstract put(update: UpdateOf[C]): void;
}

/** Price levels of one symbol, kept up to date by snapshot and deltas. Ticks and lots. */
export class LocalBook extends NumberedBook<LevelChannel> {
  readonly symbol: string | number;
  /** Levels of each side, at most; undefined: all. */
  readonly depth: BookDepth | undefined;
  readonly #sides = { buy: new Map<number, LevelView>(), sell: new Map<number, LevelView>() };
  readonly #sorted: { buy: LevelView[] | undefined; sell: LevelView[] | undefined } = { buy: undefined, sell: undefined };

  constructor(symbol: string | number, depth?: BookDepth) {
    super();
    this.symbol = symbol;
    this.depth = depth;
  }

  /** Levels of a side, best first. The list is valid until the book changes; copy it to keep it. */
  levels(side: SideName): readonly LevelView[] {
    let sorted = this.#sorted[side];
    if (sorted === undefined) {
      const order: (a: LevelView, b: LevelView) => number = side === 'buy' ? (a, b) => b.price - a.price : (a, b) => a.price - b.price;
      sorted = [...this.#sides[side].values()].sort(order);
      this.#sorted[side] = sorted;
    }
    return sorted;
  }

  get bids(): readonly LevelView[] {
    return this.levels('buy');
  }

  get asks(): readonly LevelView[] {
    return this.levels('sell');
  }

  level(side: SideName, price: number): LevelView | undefined {
    return this.#sides[side].get(price);
  }

  protected clear(): void {
    for (const side of ['buy', 'sell'] as const) {
      this.#sides[side].clear();
      this.#sorted[side] = undefined;
    }
  }

  protected put(level: LevelView): void {
    const levels = this.#sides[level.side];
    if (level.quantity === 0) levels.delete(level.price);
    else levels.set(level.price, level);
    this.#sorted[level.side] = undefined;
  }
}

/** Every resting order of one symbol in its priority, kept up to date by snapshot and deltas. Ticks and lots. */
export class LocalOrderBook extends NumberedBook<'book-l3'> {
  readonly symbol: string | number;
  readonly #orders = new Map<number, OrderView>();
  /** Orders of each price; a Map keeps the order of arrival. */
  readonly #sides = { buy: new Map<number, Map<number, OrderView>>(), sell: new Map<number, Map<number, OrderView>>() };

  constructor(symbol: string | number) {
    super();
    this.symbol = symbol;
  }

  get size(): number {
    return this.#orders.size;
  }

  order(orderId: number): OrderView | undefined {
    return this.#orders.get(orderId);
  }

  /** Orders of a side in priority: best price first, then order of arrival. Sorts. */
  orders(side: SideName): OrderView[] {
    const prices = [...this.#sides[side].keys()].sort(side === 'buy' ? (a, b) => b - a : (a, b) => a - b);
    return prices.flatMap((price) => [...(this.#sides[side].get(price) as Map<number, OrderView>).values()]);
  }

  protected clear(): void {
    this.#orders.clear();
    this.#sides.buy.clear();
    this.#sides.sell.clear();
  }

  protected put(order: OrderView): void {
    const side = this.#sides[order.side];
    let level = side.get(order.price);
    if (order.action === 'remove') {
      this.#orders.delete(order.orderId);
      level?.delete(order.orderId);
      if (level?.size === 0) side.delete(order.price);
      return;
    }
    if (level === undefined) {
      level = new Map();
      side.set(order.price, level);
    }
    // Setting an existing key keeps its position, as a change requires.
    level.set(order.orderId, order);
    this.#orders.set(order.orderId, order);
  }
}
