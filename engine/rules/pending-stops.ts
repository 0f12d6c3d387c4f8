import { NumberQueue } from '../book/number-queue.ts';
import { OffsetHeap } from '../book/offset-heap.ts';
import { type OrderSlab, STOP_BY_REFERENCE } from '../book/order-slab.ts';
import { StopBook } from '../book/stop-book.ts';
import type { TrailBook, TrailMemory } from '../book/trail-book.ts';
import type { TrailGroups } from '../book/trail-groups.ts';
import { ReferenceSourceId, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import type { PriceTicks } from '../units.ts';
import { Phase, Side, Trigger } from '../wire/layout.ts';
import type { Symbols } from './symbols.ts';
import { TrailBegins } from './trail-begins.ts';
import { StopPrices } from './trail-prices.ts';
import { TrailReports } from './trail-reports.ts';

const { ReferencePrice: REFERENCE_PRICE, ReferenceSource: REFERENCE_SOURCE } = SymbolParam;
const NIL = -1;
/** Sets of triggers, as StopBook takes them. */
const BY_LAST_TRADE = 1 << Trigger.LastTrade;
const BY_TRADE = BY_LAST_TRADE | (1 << Trigger.ReferencePrice);
/** More steps than there are orders. */
export const ALL = 2 ** 30 - 1;
export const BY_REFERENCE = 1 << Trigger.ReferencePrice;

/**
 * The stops that wait for their trigger. Each is a record of the slab whose level
 * is below -1. Of its fields, `next` has the stop price, `filled` a number that grows with
 * time and decides among equal stop prices, and the trigger is a bit above its side. A symbol
 * gets memory for stops with its first one.
 *
 * A trailing stop has its offset in `prev`, in parts per million below 0, and the distance of its limit as its price. Until it
 * follows, `next` has its activation price. Trailing stops follow once per command, after its triggers; not while
 * stops of their side are due: a cascade is one event, whatever commands it takes.
 * Owned by the engine thread.
 */
export class PendingStops {
  /** By symbol, 1 = its prices are watched; a symbol with volatility bands is, too. */
  readonly watched: Uint8Array;
  readonly books: (StopBook | undefined)[] = [];
  /** Continuous symbols of which stops are due, in the order of their turns. */
  readonly active = new NumberQueue();
  /** A command of a watched symbol may have traded, or stops are due: there is work after the command. */
  pending = false;
  /** Groups of trailing stops that may still be made one with another, and trailing stops that may become active, with this command; at least 1 before one. */
  followsLeft = ALL;
  /** From rules 7 on, a wave ends with its last stop. Before, it ended when something asked for the waves, which a snapshot did, too. */
  endsWaves = true;
  /** Trailing stops are behind the prices that they follow, because `followsLeft` was used up: there is work for a tick. */
  following = false;
  /** Present prices of the stops. */
  readonly prices: StopPrices;
  /** Trailing stops whose account asked for a report of each change. */
  readonly reports: TrailReports;
  readonly #begins: TrailBegins;
  readonly #slab: OrderSlab;
  readonly #symbols: Symbols;
  readonly #memory: TrailMemory;
  /** Symbols with trailing stops whose trigger prices have moved since they followed. */
  readonly #moved = new NumberQueue();
  #priority = 0;
  /** The match that began: symbol (0 = none), number of trades before it, and its first price. */
  #symbol = 0;
  #tradeId = 0;
  #first: PriceTicks = 0;

  constructor(symbols: Symbols, slab: OrderSlab, groups: TrailGroups) {
    this.watched = symbols.watched;
    this.prices = new StopPrices(slab, groups, symbols);
    const stopPrice = (slot: number): PriceTicks => this.prices.stopPrice(slot);
    this.reports = new TrailReports(slab, stopPrice);
    this.#begins = new TrailBegins(slab, groups, stopPrice);
    this.#memory = { slab, groups, offsets: new OffsetHeap(slab), stopPrice };
    this.#symbols = symbols;
    this.#slab = slab;
  }

  /** The order in `slot` waits from now on, behind others of its stop price. Its record must be complete. */
  add(slot: number): void {
    this.#slab.setFilled(slot, ++this.#priority);
    this.open(this.#slab.symbol(slot));
    this.#heapOf(slot).add(slot);
  }

  /** The stops of a symbol, which from now on is watched. */
  open(symbol: number): StopBook {
    this.watched[symbol] = 1;
    while (this.books.length <= symbol) this.books.push(undefined);
    const book = this.books[symbol] ?? new StopBook(this.#slab);
    this.books[symbol] = book;
    return book;
  }

  /** Trailing stops of a symbol. @param number as in StopBook.trails */
  trail(symbol: number, number: number): TrailBook {
    return this.open(symbol).trail(number, this.#memory);
  }

  /** The trailing stop in `slot` waits for its activation price. Its record must be complete. */
  addWaiting(slot: number, activationPrice: PriceTicks): void {
    const slab = this.#slab;
    slab.setFilled(slot, ++this.#priority);
    slab.setNext(slot, activationPrice);
    this.#trailOf(slot).addWaiting(slot);
  }

  /** The trailing stop in `slot` follows from `extreme`. Its record must be complete. @param again it did before, and nothing was followed since */
  addFollowing(slot: number, extreme: PriceTicks, again: boolean): void {
    this.#slab.setFilled(slot, ++this.#priority);
    if (again) this.#trailOf(slot).addAgain(slot, extreme);
    else this.#trailOf(slot).addFollowing(slot, extreme);
  }

  /** The trailing stop in `slot` trails when the others of its side may follow. Its record must be complete. @param extreme present price, ticks; 0 = it waits for its activation price, which is its `next` */
  addBeginning(slot: number, extreme: PriceTicks): void {
    this.#slab.setFilled(slot, ++this.#priority);
    this.#begins.add(this.open(this.#slab.symbol(slot)), slot, extreme);
    this.pending = true;
  }

  /** Whether a trailing stop does not trail yet. */
  begins(slot: number): boolean {
    return this.#begins.has(slot);
  }

  /** Extreme of the trailing stop in `slot`, 0 = it does not follow yet. */
  extremeOf(slot: number): PriceTicks {
    return this.#memory.groups.extremeOf(slot);
  }

  /** The order in `slot` no longer waits. Nothing of it is filled, and its price is its limit. */
  end(slot: number): void {
    this.reports.remove(slot);
    this.remove(slot);
  }

  /** The same for an order that is added again. */
  remove(slot: number): void {
    const slab = this.#slab;
    if (this.prices.isTrailing(slot)) {
      slab.setPrice(slot, this.prices.limit(slot));
      if (this.#begins.has(slot)) this.#begins.remove(this.books[slab.symbol(slot)] as StopBook, slot);
      else this.#trailOf(slot).remove(slot);
    } else this.#heapOf(slot).remove(slot);
    slab.setFilled(slot, 0);
    if (this.endsWaves) this.books[slab.symbol(slot)]?.endEmpty();
    // Trailing stops may stand because of it.
    if (this.#moved.length + this.#begins.symbols.length > 0) this.pending = true;
  }

  /** The price that triggers stops of a symbol now, 0 = there is none. */
  triggerPrice(symbol: number, trigger: number): PriceTicks {
    const { lastPrice, params } = this.#symbols;
    return trigger === Trigger.LastTrade ? lastPrice[symbol] : params[symbol * SYMBOL_PARAMS + REFERENCE_PRICE];
  }

  /** Whether the condition of a stop holds: its price was reached, or counts as reached because of stops that wait for their turn. */
  holds(symbol: number, side: number, trigger: number, stopPrice: PriceTicks): boolean {
    const price = this.triggerPrice(symbol, trigger);
    const key = side === Side.Buy ? stopPrice : -stopPrice;
    if (price !== 0 && key <= (side === Side.Buy ? price : -price)) return true;
    return this.books[symbol]?.isCrossed(side * 2 + trigger, key) === true;
  }

  /** Call it before an incoming order of a watched symbol matches. @param best the price at which it would trade first, or 0 */
  beforeMatch(symbol: number, best: PriceTicks): void {
    this.#symbol = symbol;
    this.#tradeId = this.#symbols.tradeId[symbol];
    this.#first = best;
    this.pending = true;
  }

  /** The match that began trades first at this price: self-trade prevention passed the best one. */
  tradesFirst(price: PriceTicks): void {
    this.#first = price;
  }

  /** Finds what the match that began has crossed. */
  afterMatch(): void {
    const symbol = this.#symbol;
    this.#symbol = 0;
    if (symbol !== 0 && this.#symbols.tradeId[symbol] !== this.#tradeId) this.traded(symbol, this.#first, this.#symbols.lastPrice[symbol]);
  }

  /** Trades of a symbol at prices from `first` to `last`. They move the reference price, too, unless an outside source sets it. */
  traded(symbol: number, first: PriceTicks, last: PriceTicks): void {
    const followsTrades = this.#symbols.params[symbol * SYMBOL_PARAMS + REFERENCE_SOURCE] === ReferenceSourceId.Trades;
    this.moved(symbol, first, last, followsTrades ? BY_TRADE : BY_LAST_TRADE);
  }

  /** Prices of a symbol moved from `first` to `last`; 0 = no price. @param triggers a set of them, such as {@link BY_REFERENCE} */
  moved(symbol: number, first: PriceTicks, last: PriceTicks, triggers: number): void {
    const book = this.books[symbol];
    if (book === undefined || last === 0) return;
    book.moved(first, last, triggers);
    if (book.trails.length > 0) this.#saw(symbol, book, first, last, triggers);
    this.activate(symbol);
  }

  #saw(symbol: number, { trails }: StopBook, first: PriceTicks, last: PriceTicks, triggers: number): void {
    for (let number = 0; number < trails.length; number++) {
      const trail = trails[number];
      if (trail === undefined || (triggers & (1 << ((number >> 1) & 1))) === 0) continue;
      trail.saw(first);
      trail.saw(last);
    }
    this.noteMoved(symbol);
  }

  /** Trailing stops of a symbol have a price to follow. */
  noteMoved(symbol: number): void {
    if (!this.#moved.includes(symbol)) this.#moved.push(symbol);
    this.pending = true;
  }

  /**
   * The trailing stops follow the best trigger price that they have not followed yet, and those whose activation price it has
   * reached begin to. Call it after the triggers of a command. What exceeds `followsLeft` goes on with the next call: by symbol, side,
   * trigger and unit of the offset, first those that follow already, then by activation price.
   */
  follow(): void {
    const moved = this.#moved;
    this.following = false;
    for (let left = moved.length; left > 0; left--) {
      const symbol = moved.shift();
      const book = this.books[symbol] as StopBook;
      const buysDue = book.isDue(Side.Buy);
      const sellsDue = book.isDue(Side.Sell);
      for (let number = 0; number < book.trails.length; number++) {
        const trail = book.trails[number];
        if (trail === undefined || trail.best === 0 || (number < 4 ? buysDue : sellsDue)) continue;
        this.#follow(trail);
        if (trail.changed) this.#noteChanged(trail, symbol);
      }
      const buysStand = buysDue || book.isBehind(Side.Buy);
      const sellsStand = sellsDue || book.isBehind(Side.Sell);
      // Where the price was better before in this command, it may have reached the new stop prices.
      for (let heap = 0; heap < 4; heap++) {
        const price = this.triggerPrice(symbol, heap & 1);
        if (price !== 0 && !(heap < 2 ? buysStand : sellsStand)) book.cross(heap >> 1, heap < 2 ? price : -price, 1 << (heap & 1));
      }
      if (buysStand || sellsStand) moved.push(symbol);
      this.activate(symbol);
    }
    if (this.#begins.symbols.length > 0) for (const symbol of [...this.#begins.symbols]) this.#begin(symbol);
  }

  /** Trailing stops of a symbol begin to trail, by stop price or activation price, on the sides that do not stand. */
  #begin(symbol: number): void {
    const book = this.books[symbol] as StopBook;
    for (const side of [Side.Buy, Side.Sell]) {
      const heap = book.begins[side];
      if (heap.count === 0 || book.isDue(side) || book.isBehind(side)) continue;
      for (; heap.count > 0 && this.followsLeft > 0; this.followsLeft--) this.#beginOne(book, heap.first);
      if (heap.count > 0) this.following = true;
      for (const trigger of [Trigger.LastTrade, Trigger.ReferencePrice]) {
        const price = this.triggerPrice(symbol, trigger);
        if (price !== 0) book.cross(side, side === Side.Buy ? price : -price, 1 << trigger);
      }
    }
    this.activate(symbol);
  }

  /** It follows from the better one of its price so far and the present one. */
  #beginOne(book: StopBook, slot: number): void {
    const slab = this.#slab;
    const [symbol, side] = [slab.symbol(slot), slab.side(slot)];
    const price = this.triggerPrice(symbol, triggerOf(slab, slot));
    const before = this.extremeOf(slot);
    const from = before || slab.next(slot);
    const isReached = price !== 0 && (side === Side.Buy ? price <= from : price >= from);
    this.#begins.remove(book, slot);
    if (isReached) this.addFollowing(slot, price, true);
    else if (before !== 0) this.addFollowing(slot, before, true);
    else this.addWaiting(slot, from);
    if (isReached && price !== before) this.reports.moved(symbol);
  }

  #noteChanged(trail: TrailBook, symbol: number): void {
    trail.changed = false;
    this.reports.moved(symbol);
  }

  /** Whether a command or tick has more to do. */
  get busy(): boolean {
    return this.active.length > 0 || this.following || this.reports.active.length > 0;
  }

  #follow(trail: TrailBook): void {
    const { best } = trail;
    if (this.followsLeft > 0) this.followsLeft -= trail.raise(this.followsLeft);
    while (this.followsLeft > 0) {
      const slot = trail.activate();
      if (slot === NIL) return;
      this.addFollowing(slot, best, false);
      this.followsLeft--;
    }
    this.following = true;
  }

  /** The stop in `slot` is due, though no price moved. */
  triggerNow(slot: number): void {
    const slab = this.#slab;
    const [symbol, side] = [slab.symbol(slot), slab.side(slot)];
    this.books[symbol]?.cross(side, side === Side.Buy ? slab.next(slot) : -slab.next(slot), 1 << triggerOf(slab, slot));
    this.activate(symbol);
  }

  /** Call it when stops of a symbol may be due, and when its phase becomes continuous. */
  activate(symbol: number): void {
    const book = this.books[symbol];
    if (book === undefined || book.waves.count === 0 || this.#symbols.phase[symbol] !== Phase.Continuous) return;
    if (!this.active.includes(symbol)) this.active.push(symbol);
    this.pending = true;
  }

  /** Slot of the stop whose turn it is, -1 if none is due. @param blocked by symbol, not 0: its turn is later */
  nextDue(blocked: Int32Array): number {
    const { active } = this;
    for (let left = active.length; left > 0; left--) {
      const symbol = active.first;
      if (blocked[symbol] !== 0) {
        this.passTurn();
        continue;
      }
      if (this.#symbols.phase[symbol] === Phase.Continuous) {
        const slot = (this.books[symbol] as StopBook).nextDue();
        if (slot !== NIL) return slot;
      }
      active.shift();
    }
    return NIL;
  }

  /** The next turn is that of another symbol, if stops of several are due. */
  passTurn(): void {
    const symbol = this.active.shift();
    if (symbol !== NIL) this.active.push(symbol);
  }

  #trailOf(slot: number): TrailBook {
    const slab = this.#slab;
    const number = (slab.side(slot) * 2 + triggerOf(slab, slot)) * 2 + Number(slab.prev(slot) < 0);
    return this.trail(slab.symbol(slot), number);
  }

  #heapOf(slot: number) {
    const slab = this.#slab;
    return (this.books[slab.symbol(slot)] as StopBook).heaps[slab.side(slot) * 2 + triggerOf(slab, slot)];
  }
}

/** The Trigger of a pending stop. */
export function triggerOf(slab: OrderSlab, slot: number): number {
  return (slab.sideBits(slot) & STOP_BY_REFERENCE) === 0 ? Trigger.LastTrade : Trigger.ReferencePrice;
}
