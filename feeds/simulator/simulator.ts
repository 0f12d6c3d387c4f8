import { putI64 } from '../../engine/units.ts';
import { Command, CommandKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { Prng } from './prng.ts';
import { QUOTE_LEVELS, SimulatedBook } from './simulated-book.ts';

/** Views of an array of 64-byte commands, such as the slots of a command ring. */
export interface CommandSlots {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
}

export interface SimulatedSymbol {
  readonly id: number;
  /** Ticks: the initial fair price, to which the fair price reverts. From 50, at most 2^25. */
  readonly price: number;
  /** Lots of a typical trade, from 1. */
  readonly quantity: number;
  /** Prices are multiples of it. Default 1. */
  readonly tickStep?: number;
  /** Quantities are multiples of it. Default 1. */
  readonly lotStep?: number;
  /** Smallest order in lots. Default 1. */
  readonly minQuantity?: number;
}

export interface SimulatorOptions {
  /** [0, 2^53) */
  readonly seed: number;
  readonly symbols: readonly SimulatedSymbol[];
  /** Accounts that quote, and accounts that trade with the quotes. No account may be both. */
  readonly makers: readonly number[];
  readonly takers: readonly number[];
  /** First client order id; later ones increase. Use an unused range for accounts that have traded before. Default 1. */
  readonly firstClientOrderId?: number;
}

/** Mean of {@link Simulator.gap}. */
export const GAP_UNIT = 1000;

// Probabilities, in thousandths.
const TAKER_ARRIVES = 8;
const TAKER_FOLLOWS = 600;
const MAKER_IS_LATE = 6;
const FAIR_MOVES = 60;
/** Units of the fair price per tick. */
const FAIR_PARTS = 16;
/** Distance of each level from the best one, and its size in quarters of a typical trade: small at the touch, larger behind it, small at the far end. */
const LEVEL_OFFSETS = [0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 85, 113];
const LEVEL_SIZES = [4, 6, 9, 12, 14, 16, 17, 17, 16, 14, 12, 10, 8, 7, 6, 5];
/** Position, in typical trades, at which a participant's bias against its position reaches its maximum. */
const FULL_LEAN_TRADES = 100;
/** Waiting times of a Poisson process: the exponential distribution's 1024 quantiles, with mean GAP_UNIT. */
const GAPS = Uint16Array.from({ length: 1024 }, (_, i) => Math.round(-Math.log((i + 0.5) / 1024) * GAP_UNIT));
const BURST_GAP_SHIFT = 4;
const { Buy, Sell } = Side;
const { GoodTillCancel, ImmediateOrCancel, FillOrKill, Market, PostOnly } = TimeInForce;
const NO_LIMIT = Number.POSITIVE_INFINITY;

interface SymbolState {
  readonly id: number;
  readonly anchor: number;
  readonly usual: number;
  readonly tickStep: number;
  readonly lotStep: number;
  readonly least: number;
  /** Ticks between neighbouring offsets. */
  readonly spacing: number;
  readonly furthest: number;
  readonly book: SimulatedBook;
  /** Net lots bought by each taker. */
  readonly takerPosition: Float64Array;
  /** Fair price; a tick has FAIR_PARTS units. */
  fair: number;
}

/**
 * Generates realistic order flow as a pure function of its options: the same
 * options give the same commands, on any machine.
 *
 * Makers quote sixteen levels a side around a fair price that walks randomly
 * and reverts to its start; nine of ten orders end cancelled. Takers arrive as a
 * Poisson process. Each arrival starts a burst of further ones on the same side,
 * and moves the fair price. All participants prefer trades that reduce their
 * position, so that accounts stay within their funds in runs of any length.
 *
 * Owns only a few kilobytes of memory. Not for concurrent use by several threads.
 */
export class Simulator {
  /** Time between the last two commands, in thousandths of the mean interval. */
  gap = 0;
  readonly #prng: Prng;
  readonly #makers: readonly number[];
  readonly #takers: readonly number[];
  readonly #symbols: SymbolState[];
  #clientOrderId: number;
  #slots: CommandSlots = { u8: new Uint8Array(Command.bytes), i32: new Int32Array(Command.bytes / 4) };
  #slot = 0;
  /** The quote that was cancelled for a replacement, which is the next command; -1 = none. */
  #requoteSymbol = 0;
  #requoteMaker = -1;
  #requoteSide: Side = Buy;
  #requoteLevel = 0;
  #burstSymbol = -1;
  #burstSide: Side = Buy;

  /** @throws RangeError that names the invalid option */
  constructor(options: SimulatorOptions) {
    const { seed, symbols, makers, takers, firstClientOrderId = 1 } = options;
    if (symbols.length === 0 || makers.length === 0 || takers.length === 0) {
      throw new RangeError('a simulation needs a symbol, a maker and a taker; give at least one of each');
    }
    this.#prng = new Prng(seed);
    this.#makers = makers;
    this.#takers = takers;
    this.#clientOrderId = firstClientOrderId - 1;
    this.#symbols = symbols.map((symbol) => symbolState(symbol, makers.length, takers.length));
  }

  /** Writes the next command into a slot: all 64 bytes, seq and time 0. */
  next(slots: CommandSlots, slot: number): void {
    this.#slots = slots;
    this.#slot = slot;
    const prng = this.#prng;
    const inBurst = this.#burstSymbol !== -1;
    this.gap = GAPS[prng.below(GAPS.length)] >> (inBurst ? BURST_GAP_SHIFT : 0);
    if (inBurst) {
      const symbol = this.#symbols[this.#burstSymbol];
      if (!prng.chance(TAKER_FOLLOWS)) this.#burstSymbol = -1;
      this.#take(symbol, this.#burstSide);
    } else if (this.#requoteMaker !== -1) {
      const maker = this.#requoteMaker;
      this.#requoteMaker = -1;
      this.#quote(this.#symbols[this.#requoteSymbol], maker, this.#requoteSide, this.#requoteLevel);
    } else {
      // Each symbol has half the flow of the symbol before it; the last two have equal shares.
      const symbol = this.#symbols[prng.geometric(1, this.#symbols.length - 1)];
      if (prng.chance(FAIR_MOVES)) moveFair(symbol, prng.chance(500) ? 1 : -1, prng);
      if (prng.chance(TAKER_ARRIVES)) this.#takerArrives(symbol);
      else this.#tend(symbol);
    }
  }

  // Takers ------------------------------------------------------------------

  #takerArrives(symbol: SymbolState): void {
    this.#burstSymbol = this.#symbols.indexOf(symbol);
    this.#burstSide = this.#prng.chance(500 - 400 * lean(symbol, sum(symbol.takerPosition))) ? Buy : Sell;
    this.#take(symbol, this.#burstSide);
  }

  #take(symbol: SymbolState, side: Side): void {
    const prng = this.#prng;
    const taker = this.#willingTaker(symbol, side);
    const best = symbol.book.best(side === Buy ? Sell : Buy);
    // Sizes have a heavy tail: one in 64 is sixteen times the typical size.
    const size = (symbol.usual * (1 + prng.below(4)) * 2 ** prng.geometric(1, 4)) / 8;
    let quantity = toLots(symbol, size);
    const kind = prng.below(10);
    const timeInForce = kind < 6 ? ImmediateOrCancel : kind < 8 ? FillOrKill : Market;
    // Some orders exceed the quantity near the touch, so that some fill-or-kill orders are killed.
    if (timeInForce === FillOrKill && prng.chance(150)) quantity *= 64;
    const touch = best === -1 ? Math.round(symbol.fair / FAIR_PARTS / symbol.tickStep) * symbol.tickStep : symbol.book.price[best];
    const reach = prng.below(4) * symbol.spacing * symbol.tickStep;
    const limit = side === Buy ? touch + reach : Math.max(symbol.tickStep, touch - reach);
    const bound = timeInForce !== Market ? limit : side === Buy ? NO_LIMIT : 0;
    const killed = timeInForce === FillOrKill && symbol.book.fillable(side, limit) < quantity;
    const filled = killed ? 0 : quantity - symbol.book.take(side, bound, quantity);
    symbol.takerPosition[taker] += side === Buy ? filled : -filled;
    if (filled > 0) moveFair(symbol, side === Buy ? 1 : -1, prng);
    const price = timeInForce === Market ? 0 : limit;
    this.#write(CommandKind.New, side, timeInForce, symbol.id, this.#takers[taker], ++this.#clientOrderId, price, quantity);
  }

  /** Draws two takers, and returns the one whose position gains more from a trade on this side. */
  #willingTaker(symbol: SymbolState, side: Side): number {
    const one = this.#prng.below(this.#takers.length);
    const other = this.#prng.below(this.#takers.length);
    const wants = symbol.takerPosition[one] < symbol.takerPosition[other] === (side === Buy);
    return wants ? one : other;
  }

  // Makers ------------------------------------------------------------------

  /** A maker updates one of its quotes; quotes near the touch are updated more often. */
  #tend(symbol: SymbolState): void {
    const prng = this.#prng;
    const { book } = symbol;
    const maker = prng.below(this.#makers.length);
    const side = prng.chance(500) ? Buy : Sell;
    const level = Math.min(prng.below(QUOTE_LEVELS), prng.below(QUOTE_LEVELS));
    const at = book.at(maker, side, level);
    if (book.price[at] === 0) return this.#quote(symbol, maker, side, level);
    const price = this.#quotePrice(symbol, maker, side, level);
    const choice = prng.below(100);
    if (choice < 8) return this.#amendQuantity(symbol, maker, at, side);
    if (choice < 18 && price !== book.price[at] && !book.crosses(side, price))
      return this.#amend(symbol, maker, at, side, price, book.open[at]);
    if (choice < 92) {
      this.#requoteSymbol = this.#symbols.indexOf(symbol);
      this.#requoteMaker = maker;
      this.#requoteSide = side;
      this.#requoteLevel = level;
    }
    this.#write(CommandKind.Cancel, side, GoodTillCancel, symbol.id, this.#makers[maker], book.clientOrderId[at], 0, 0);
    book.remove(at);
  }

  #quote(symbol: SymbolState, maker: number, side: Side, level: number): void {
    const prng = this.#prng;
    const { book } = symbol;
    const timeInForce = prng.chance(400) ? PostOnly : GoodTillCancel;
    let price = this.#quotePrice(symbol, maker, side, level);
    const opposite = book.best(side === Buy ? Sell : Buy);
    // A maker with an outdated price crosses the other side: a post-only order is rejected, others trade.
    if (opposite !== -1 && prng.chance(MAKER_IS_LATE)) price = book.price[opposite];
    const quantity = this.#quoteQuantity(symbol, level);
    const clientOrderId = ++this.#clientOrderId;
    if (timeInForce !== PostOnly || !book.crosses(side, price)) {
      const left = book.take(side, price, quantity);
      book.position[maker] += side === Buy ? quantity - left : left - quantity;
      if (left > 0) book.rest(book.at(maker, side, level), clientOrderId, price, left);
    }
    this.#write(CommandKind.New, side, timeInForce, symbol.id, this.#makers[maker], clientOrderId, price, quantity);
  }

  /** A lower quantity keeps the order's priority; a higher one loses it. */
  #amendQuantity(symbol: SymbolState, maker: number, at: number, side: Side): void {
    const { book } = symbol;
    const open = book.open[at];
    const less = toLots(symbol, open / 2);
    const more = open + toLots(symbol, symbol.usual / 2);
    const quantity = less < open && this.#prng.chance(600) ? less : more;
    this.#amend(symbol, maker, at, side, book.price[at], quantity);
  }

  #amend(symbol: SymbolState, maker: number, at: number, side: Side, price: number, open: number): void {
    const { book } = symbol;
    const clientOrderId = book.clientOrderId[at];
    if (price === book.price[at] && open < book.open[at]) book.open[at] = open;
    else book.rest(at, clientOrderId, price, open);
    this.#write(CommandKind.Amend, side, GoodTillCancel, symbol.id, this.#makers[maker], clientOrderId, price, open);
  }

  /** Ticks. A maker with a long position quotes lower, so that it buys less and sells more. */
  #quotePrice(symbol: SymbolState, maker: number, side: Side, level: number): number {
    const { spacing, tickStep } = symbol;
    const jitter = this.#prng.below(1 + (level >> 2));
    const away = Math.min(symbol.furthest, (1 + LEVEL_OFFSETS[level] + jitter) * spacing);
    const centre = symbol.fair / FAIR_PARTS - lean(symbol, symbol.book.position[maker]) * 8 * spacing;
    // Rounded away from the middle, so that the two sides of one maker never cross.
    const price = side === Buy ? Math.floor((centre - away) / tickStep) : Math.ceil((centre + away) / tickStep);
    return Math.max(1, price) * tickStep;
  }

  #quoteQuantity(symbol: SymbolState, level: number): number {
    const tail = 1 + this.#prng.geometric(1, 6);
    return toLots(symbol, (symbol.usual * LEVEL_SIZES[level] * tail * (4 + this.#prng.below(8))) / 32);
  }

  #write(
    kind: CommandKind,
    side: Side,
    timeInForce: TimeInForce,
    symbol: number,
    account: number,
    clientOrderId: number,
    price: number,
    quantity: number,
  ): void {
    const { u8, i32 } = this.#slots;
    const byte = this.#slot * Command.bytes;
    const word = byte / 4;
    u8[byte + Command.kind] = kind;
    u8[byte + Command.side] = side;
    u8[byte + Command.timeInForce] = timeInForce;
    u8[byte + Command.parameter] = 0;
    i32[word + Command.symbol / 4] = symbol;
    i32[word + Command.account / 4] = account;
    i32[word + Command.tag / 4] = 0;
    putI64(i32, word + Command.seq / 4, 0);
    putI64(i32, word + Command.timeUs / 4, 0);
    putI64(i32, word + Command.clientOrderId / 4, clientOrderId);
    putI64(i32, word + Command.orderId / 4, 0);
    putI64(i32, word + Command.price / 4, price);
    putI64(i32, word + Command.quantity / 4, quantity);
  }
}

function symbolState(symbol: SimulatedSymbol, makers: number, takers: number): SymbolState {
  const { id, price, quantity, tickStep = 1, lotStep = 1, minQuantity = 1 } = symbol;
  if (!Number.isInteger(price) || price < 50 * tickStep || price > 2 ** 25) {
    throw new RangeError(`symbol ${id}: a price of ${price} ticks is not in [50 steps, 2^25]; choose another price or tick`);
  }
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 2 ** 32) {
    throw new RangeError(`symbol ${id}: a usual quantity of ${quantity} lots is not in [1, 2^32]; choose another`);
  }
  return {
    id,
    anchor: price,
    usual: Math.max(quantity, lotStep),
    tickStep,
    lotStep,
    least: Math.ceil(Math.max(1, minQuantity) / lotStep) * lotStep,
    spacing: Math.max(tickStep, Math.round(price / 20_000)),
    furthest: Math.max(4 * tickStep, price >> 3),
    book: new SimulatedBook(makers),
    takerPosition: new Float64Array(takers),
    fair: price * FAIR_PARTS,
  };
}

/** One step of the random walk. The further the price is from the anchor, the likelier is a step back. The distance is at most a tenth of the anchor. */
function moveFair(symbol: SymbolState, direction: 1 | -1, prng: Prng): void {
  const anchor = symbol.anchor * FAIR_PARTS;
  const gone = (symbol.fair - anchor) / (anchor / 10);
  const pulled = prng.below(1000) < Math.abs(gone) * 1000;
  const way = pulled ? -Math.sign(gone) : direction;
  symbol.fair += way * symbol.spacing * (1 + prng.below(FAIR_PARTS / 2));
}

/** Bias against a position: from -1 (short) to 1 (long). */
function lean(symbol: SymbolState, position: number): number {
  return Math.max(-1, Math.min(1, position / (symbol.usual * FULL_LEAN_TRADES)));
}

function sum(positions: Float64Array): number {
  let total = 0;
  for (let i = 0; i < positions.length; i++) total += positions[i];
  return total;
}

/** A valid quantity of the symbol, near `lots`. */
function toLots(symbol: SymbolState, lots: number): number {
  return Math.max(symbol.least, Math.round(lots / symbol.lotStep) * symbol.lotStep);
}
