import { type OrderSlab, STOP_BY_REFERENCE } from '../book/order-slab.ts';
import { StopBook } from '../book/stop-book.ts';
import { SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import type { PriceTicks } from '../units.ts';
import { Phase, Side, Trigger } from '../wire/layout.ts';
import type { Symbols } from './symbols.ts';

const { ReferencePrice: REFERENCE_PRICE } = SymbolParam;
const NIL = -1;
/** Sets of triggers, as StopBook takes them. */
export const BY_TRADE = (1 << Trigger.LastTrade) | (1 << Trigger.ReferencePrice);
export const BY_REFERENCE = 1 << Trigger.ReferencePrice;

/**
 * The stops that wait for their trigger. Each is a record of the slab whose level
 * is below -1. Of its fields, `next` has the stop price, `filled` a number that grows with
 * time and decides among equal stop prices, and the trigger is a bit above its side. A symbol
 * gets memory for stops with its first one. Owned by the engine thread.
 */
export class PendingStops {
  /** By symbol, 1 = its prices are watched; a symbol with volatility bands is, too. */
  readonly watched: Uint8Array;
  readonly books: (StopBook | undefined)[] = [];
  /** Continuous symbols of which stops are due, in the order of their turns. */
  readonly active: number[] = [];
  /** A command of a watched symbol may have traded, or stops are due: there is work after the command. */
  pending = false;
  readonly #slab: OrderSlab;
  readonly #symbols: Symbols;
  #priority = 0;
  /** The match that began: symbol (0 = none), number of trades before it, and its first price. */
  #symbol = 0;
  #tradeId = 0;
  #first: PriceTicks = 0;

  constructor(symbols: Symbols, slab: OrderSlab) {
    this.watched = symbols.watched;
    this.#symbols = symbols;
    this.#slab = slab;
  }

  /** The order in `slot` waits from now on, behind others of its stop price. Its record must be complete. */
  add(slot: number): void {
    const slab = this.#slab;
    const symbol = slab.symbol(slot);
    slab.setFilled(slot, ++this.#priority);
    this.watched[symbol] = 1;
    while (this.books.length <= symbol) this.books.push(undefined);
    this.books[symbol] ??= new StopBook(slab);
    this.#heapOf(slot).add(slot);
  }

  /** The order in `slot` no longer waits. Nothing of it is filled. */
  remove(slot: number): void {
    this.#heapOf(slot).remove(slot);
    this.#slab.setFilled(slot, 0);
  }

  /** Whether the condition of a stop holds: its price was reached, or counts as reached because of stops that wait for their turn. */
  holds(symbol: number, side: number, trigger: number, stopPrice: PriceTicks): boolean {
    const symbols = this.#symbols;
    const price = trigger === Trigger.LastTrade ? symbols.lastPrice[symbol] : symbols.params[symbol * SYMBOL_PARAMS + REFERENCE_PRICE];
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
    if (symbol !== 0 && this.#symbols.tradeId[symbol] !== this.#tradeId)
      this.moved(symbol, this.#first, this.#symbols.lastPrice[symbol], BY_TRADE);
  }

  /** Prices of a symbol moved from `first` to `last`; 0 = no price. @param triggers {@link BY_TRADE} or {@link BY_REFERENCE} */
  moved(symbol: number, first: PriceTicks, last: PriceTicks, triggers: number): void {
    const book = this.books[symbol];
    if (book === undefined || last === 0) return;
    book.moved(first, last, triggers);
    this.activate(symbol);
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
    if (book === undefined || book.waves.length === 0 || this.#symbols.phase[symbol] !== Phase.Continuous) return;
    if (!this.active.includes(symbol)) this.active.push(symbol);
    this.pending = true;
  }

  /** Slot of the stop whose turn it is, -1 if none is due. */
  nextDue(): number {
    const { active } = this;
    for (let symbol = active[0]; symbol !== undefined; symbol = active[0]) {
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
    if (symbol !== undefined) this.active.push(symbol);
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
