import { NumberQueue } from '../book/number-queue.ts';
import type { OrderBook } from '../book/order-book.ts';
import { ICEBERG_SHIFT, type OrderSlab, PegNumber } from '../book/order-slab.ts';
import { SymbolParam } from '../params.ts';
import type { PriceTicks } from '../units.ts';
import { Phase, Side } from '../wire/layout.ts';
import { PegKind } from '../wire/peg-terms.ts';
import type { Symbols } from './symbols.ts';

const NIL = -1;
const { TickStep, MaxPrice } = SymbolParam;
const { limit: LIMIT, offset: OFFSET, kind: KIND } = PegNumber;
/** Numbers of {@link PegRound.seen}. */
const SEEN = { phase: 0, bid: 1, ask: 2, bestBid: 3, bestAsk: 4 } as const;
const SEEN_NUMBERS = 5;
/** Phase of a round that there is nothing to do in. */
const STAYS = -1;

/** The pegged orders of a symbol, in the order in which they were entered, and how far they have followed. */
export interface PegRound {
  first: number;
  last: number;
  count: number;
  /** Slot of the next one to look at, -1 = the first. */
  cursor: number;
  /** How many are to be looked at, from the cursor on, and around. */
  left: number;
  /** What the round is about: phase, reference prices, best prices; see SEEN. */
  readonly seen: Float64Array;
  /** It is one of `active`. */
  active: boolean;
}

/**
 * The pegged orders of each symbol, and what they follow. Whenever the phase, a reference
 * price or a best price of a symbol has changed, all of its pegged orders are looked at once, in the order
 * of their entry. If something changes meanwhile, the round goes on where it is, until each was
 * looked at since. Owned by the engine thread.
 */
export class PeggedOrders {
  /** There may be work after the command. */
  pending = false;
  /** By symbol. */
  readonly rounds: (PegRound | undefined)[] = [];
  /** Symbols whose rounds have to go on, in the order of their turns. */
  readonly active = new NumberQueue();
  /** Pegged orders of each account. */
  readonly ofAccount: Int32Array;
  readonly #slab: OrderSlab;
  readonly #symbols: Symbols;
  readonly #books: readonly (OrderBook | undefined)[];
  readonly #now = new Float64Array(SEEN_NUMBERS);
  /** By slot; memory from the first pegged order on. */
  #next = new Int32Array(0);
  #prev = new Int32Array(0);

  constructor(slab: OrderSlab, symbols: Symbols, books: readonly (OrderBook | undefined)[], accounts: number) {
    this.#slab = slab;
    this.#symbols = symbols;
    this.#books = books;
    this.ofAccount = new Int32Array(accounts);
  }

  /** Something has changed that pegged orders of the symbol may follow. */
  note(symbol: number): void {
    const round = this.rounds[symbol];
    if (round === undefined || round.count === 0 || round.active) return;
    round.active = true;
    this.active.push(symbol);
    this.pending = true;
  }

  /** The order in `slot`, with its terms, is the last of its symbol. */
  add(slot: number): void {
    const slab = this.#slab;
    if (this.#next.length === 0) {
      this.#next = new Int32Array(slab.capacity);
      this.#prev = new Int32Array(slab.capacity);
    }
    const round = this.open(slab.symbol(slot));
    this.#next[slot] = NIL;
    this.#prev[slot] = round.last;
    if (round.last === NIL) round.first = slot;
    else this.#next[round.last] = slot;
    round.last = slot;
    round.count++;
    // It may stand between the cursor and where the round began.
    if (round.left > 0) round.left++;
    this.ofAccount[slab.account(slot)]++;
  }

  /** The order in `slot` has come to its end. */
  remove(slot: number): void {
    const slab = this.#slab;
    const round = this.rounds[slab.symbol(slot)] as PegRound;
    const earlier = this.#prev[slot];
    const later = this.#next[slot];
    if (earlier === NIL) round.first = later;
    else this.#next[earlier] = later;
    if (later === NIL) round.last = earlier;
    else this.#prev[later] = earlier;
    if (round.cursor === slot) round.cursor = later;
    round.count--;
    round.left = Math.min(round.left, round.count);
    this.ofAccount[slab.account(slot)]--;
    if (round.count === 0) this.#clear(round, slab.symbol(slot));
  }

  /** A round without orders is in no snapshot, so it has no turn either. */
  #clear(round: PegRound, symbol: number): void {
    round.seen.fill(0);
    if (!round.active) return;
    round.active = false;
    this.active.remove(symbol);
  }

  /** Slot of the first of a symbol, -1 if it has none. */
  first(symbol: number): number {
    return this.rounds[symbol]?.first ?? NIL;
  }

  /** Slot of the one that was entered after it, -1 if there is none. */
  next(slot: number): number {
    return this.#next[slot];
  }

  /** Slots of those outside the book. */
  *parked(): Generator<number> {
    for (const symbol of this.rounds.keys())
      for (let slot = this.first(symbol); slot !== NIL; slot = this.#next[slot]) if (this.#slab.level(slot) < NIL) yield slot;
  }

  /** Slot of the next one to look at, whose turn is over then; -1: the symbol has followed what there is. */
  take(symbol: number): number {
    const round = this.rounds[symbol] as PegRound;
    if (round.count === 0) return NIL;
    if (this.#hasChanged(symbol, round)) {
      if (round.left === 0) round.cursor = NIL;
      round.left = round.seen[SEEN.phase] === STAYS ? 0 : round.count;
    }
    if (round.left === 0) return NIL;
    const slot = round.cursor === NIL ? round.first : round.cursor;
    round.cursor = this.#next[slot];
    round.left--;
    return slot;
  }

  /** Whether all of a symbol in an auction were parked for it. */
  areParked(symbol: number): boolean {
    const round = this.rounds[symbol];
    return round === undefined || round.count === 0 || (round.seen[SEEN.phase] === Phase.Auction && round.left === 0);
  }

  /** The symbol, whose turn it was, has followed what there is. */
  finish(symbol: number): void {
    if (this.active.first !== symbol) return;
    this.active.shift();
    (this.rounds[symbol] as PegRound).active = false;
  }

  /** The turn of the symbol is over; the next one has its turn. */
  passTurn(symbol: number): void {
    if (this.active.first === symbol) this.active.push(this.active.shift());
  }

  #hasChanged(symbol: number, { seen }: PegRound): boolean {
    const now = this.#now;
    const book = this.#books[symbol] as OrderBook;
    const phase = this.#symbols.phase[symbol];
    now.fill(0);
    if (phase === Phase.Continuous) {
      now[SEEN.bid] = book.referencePrice(Side.Buy);
      now[SEEN.ask] = book.referencePrice(Side.Sell);
      now[SEEN.bestBid] = book.bestBid();
      now[SEEN.bestAsk] = book.bestAsk();
    }
    now[SEEN.phase] = phase === Phase.Continuous || phase === Phase.Auction ? phase : STAYS;
    let changed = false;
    for (let i = 0; i < SEEN_NUMBERS; i++) {
      if (now[i] !== seen[i]) changed = true;
      seen[i] = now[i];
    }
    return changed;
  }

  /**
   * The price at which the pegged order in `slot` should rest now, 0 = none: it is parked. It follows its reference, at most to its limit, and at
   * most to one step behind the other side.
   */
  priceOf(slot: number): PriceTicks {
    const slab = this.#slab;
    const at = slot << ICEBERG_SHIFT;
    const { icebergs } = slab;
    return this.price(slab.symbol(slot), slab.side(slot), icebergs[at + KIND], icebergs[at + OFFSET], icebergs[at + LIMIT]);
  }

  /** The same for an order with these terms. */
  price(symbol: number, side: number, kind: number, offset: number, limit: PriceTicks): PriceTicks {
    if (this.#symbols.phase[symbol] !== Phase.Continuous) return 0;
    const book = this.#books[symbol] as OrderBook;
    const step = this.#symbols.param(symbol, TickStep);
    const highest = this.#symbols.param(symbol, MaxPrice);
    const doubled = doubledReference(book, side, kind);
    if (doubled === 0) return 0;
    let price: number;
    if (side === Side.Buy) {
      const ask = book.bestAsk();
      price = Math.min(Math.floor((doubled / 2 - offset) / step) * step, limit);
      if (ask !== 0) price = Math.min(price, ask - step);
    } else {
      const bid = book.bestBid();
      price = Math.max(Math.ceil((doubled / 2 + offset) / step) * step, limit);
      if (bid !== 0) price = Math.max(price, bid + step);
    }
    return price < 1 || price > highest ? 0 : price;
  }

  /** Those of a symbol. */
  open(symbol: number): PegRound {
    while (this.rounds.length <= symbol) this.rounds.push(undefined);
    let round = this.rounds[symbol];
    if (round === undefined) {
      round = { first: NIL, last: NIL, count: 0, cursor: NIL, left: 0, seen: new Float64Array(SEEN_NUMBERS), active: false };
      this.rounds[symbol] = round;
    }
    return round;
  }
}

/** Twice what an order of a kind follows, ticks, so that it is whole for the middle, too; 0 = it is not there. */
function doubledReference(book: OrderBook, side: number, kind: number): number {
  if (kind === PegKind.Primary) return 2 * book.referencePrice(side);
  if (kind === PegKind.Market) return 2 * book.referencePrice(1 - side);
  const bid = book.referencePrice(Side.Buy);
  const ask = book.referencePrice(Side.Sell);
  return bid === 0 || ask === 0 ? 0 : bid + ask;
}
