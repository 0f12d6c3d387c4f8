import type { OrderBook } from '../book/order-book.ts';
import { SymbolParam, VolatilityProfileId } from '../params.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { TimeUs } from '../units.ts';
import { CommandKind, Phase, SubPhase } from '../wire/layout.ts';
import { publishPhaseChange } from './publish-phase.ts';
import type { MachineState } from './state.ts';

const TWO_32 = 2 ** 32;
const { VolatilityUs, VolatilityExtensionUs, VolatilityRandomUs, VolatilityProfile } = SymbolParam;
const { LimitUpDown } = VolatilityProfileId;
/** Bits of the state of an interruption. */
const EXTENDED = 1;
/** Its random end is drawn. */
const DRAWN = 2;
/** It is in its limit state. */
const LIMIT_STATE = 4;
/** Length of a limit state, microseconds. */
const LIMIT_STATE_US = 15_000_000;

interface Interruption {
  readonly symbol: number;
  bits: number;
  /** Its end, microseconds since the Unix epoch: later than the published earliest one if it is drawn. */
  endUs: TimeUs;
}

/**
 * Volatility interruptions: auctions that the engine begins when a trade would
 * leave a band, and ends by itself. The first command or tick stamped at or after the
 * end uncrosses, and continuous trading goes on before that command. An auction whose
 * price is outside of the wide band is extended once instead. With the profile
 * LimitUpDown, a limit state of 15 s comes before the auction; if the book would trade
 * inside the bands after it, or not at all, the interruption is over. A random end is drawn
 * with the first tick at or after the earliest end: the tick has a random number,
 * so the draw is in the log. One command does this for one interruption at most, the
 * one with the earliest end, then the lowest symbol; the others follow with the
 * next ones. What is due by then ends before, which may take several commands. A phase that is set ends the interruption without an uncross. Owned by
 * the engine thread.
 */
export class Interruptions implements StatePart {
  readonly kinds = [RowKind.Volatility];
  readonly #state: MachineState;
  readonly #clear: (symbol: number) => void;
  readonly #uncross: (symbol: number) => void;
  readonly #isReady: (symbol: number) => boolean;
  readonly #all: Interruption[] = [];

  /**
   * @param clear ends what is due in the book of a symbol; before rules 6 @param uncross of a symbol in an auction
   * @param isReady whether nothing is to be done before an uncross of the symbol
   */
  constructor(
    state: MachineState,
    clear: (symbol: number) => void,
    uncross: (symbol: number) => void,
    isReady: (symbol: number) => boolean,
  ) {
    this.#isReady = isReady;
    this.#state = state;
    this.#clear = clear;
    this.#uncross = uncross;
  }

  /** From this time on there is something to do, microseconds since the Unix epoch; infinite = nothing. */
  get earliestUs(): TimeUs {
    return this.#state.wakes[2];
  }

  /** Begins the interruption of a continuous symbol. */
  begin(symbol: number): void {
    const { symbols } = this.#state;
    symbols.phase[symbol] = Phase.Auction;
    const its = { symbol, bits: 0, endUs: 0 };
    this.#all.push(its);
    if (symbols.param(symbol, VolatilityProfile) === LimitUpDown) {
      its.bits = LIMIT_STATE;
      symbols.subPhase[symbol] = SubPhase.LimitState;
      this.#endAfter(its, LIMIT_STATE_US);
    } else this.#beginAuction(its);
  }

  #beginAuction(its: Interruption): void {
    const { symbols } = this.#state;
    its.bits = 0;
    symbols.subPhase[its.symbol] = SubPhase.VolatilityAuction;
    this.#endAfter(its, symbols.param(its.symbol, VolatilityUs));
  }

  /** Call it when the phase of a symbol is set: its interruption, if there is one, no longer ends by itself. */
  end(symbol: number): void {
    const { interruptedUntilUs } = this.#state.symbols;
    if (interruptedUntilUs[symbol] === 0) return;
    interruptedUntilUs[symbol] = 0;
    const index = this.#all.findIndex((each) => each.symbol === symbol);
    this.#all.splice(index, 1);
    this.#findEarliest();
  }

  /** Call it before a command when `earliestUs` is not after its time. */
  run(): void {
    const { order, bands, books, symbols, rules } = this.#state;
    const isTick = order.kind === CommandKind.Tick;
    const its = this.#firstDue(isTick);
    if (its === undefined) return;
    const { symbol } = its;
    if (this.#needsDraw(its)) return this.#draw(its, order.quantity);
    // It stays due: the next command or tick goes on with what comes before.
    if (rules >= 6 && !this.#isReady(symbol)) return;
    this.#clear(symbol);
    const book = books[symbol] as OrderBook;
    book.indicate(symbols.param(symbol, SymbolParam.ReferencePrice), symbols.param(symbol, SymbolParam.AuctionPrice));
    const price = book.indicativePrice;
    bands.measure(symbol);
    if ((its.bits & LIMIT_STATE) !== 0 && price !== 0 && !bands.contain(price)) return this.#beginAuction(its);
    if ((its.bits & (LIMIT_STATE | EXTENDED)) === 0 && price !== 0 && !bands.allowAuction(symbol, price)) {
      its.bits = EXTENDED;
      return this.#endAfter(its, symbols.param(symbol, VolatilityExtensionUs));
    }
    this.#uncross(symbol);
    this.#goOn(symbol);
  }

  #goOn(symbol: number): void {
    const { symbols, stops } = this.#state;
    this.end(symbol);
    symbols.phase[symbol] = Phase.Continuous;
    symbols.subPhase[symbol] = SubPhase.None;
    stops.activate(symbol);
    publishPhaseChange(this.#state, symbol);
  }

  /** Sets and publishes the earliest end. @param lengthUs from now on, microseconds */
  #endAfter(its: Interruption, lengthUs: TimeUs): void {
    const { symbols, timeUs, changedAuctions } = this.#state;
    const { symbol } = its;
    its.endUs = timeUs + lengthUs;
    symbols.interruptedUntilUs[symbol] = its.endUs;
    this.#findEarliest();
    publishPhaseChange(this.#state, symbol);
    changedAuctions.add(symbol);
  }

  #needsDraw({ symbol, bits }: Interruption): boolean {
    return (bits & (DRAWN | LIMIT_STATE)) === 0 && this.#state.symbols.param(symbol, VolatilityRandomUs) !== 0;
  }

  /** @param random from 0 on, below 2^32 */
  #draw(its: Interruption, random: number): void {
    its.bits |= DRAWN;
    its.endUs += Math.floor((this.#state.symbols.param(its.symbol, VolatilityRandomUs) / TWO_32) * random);
    this.#findEarliest();
  }

  /** The first that is due; without a tick, of those whose end is known. */
  #firstDue(isTick: boolean): Interruption | undefined {
    const { timeUs } = this.#state;
    let first: Interruption | undefined;
    for (const its of this.#all) {
      if (its.endUs > timeUs || (!isTick && this.#needsDraw(its))) continue;
      if (first === undefined || its.endUs < first.endUs || (its.endUs === first.endUs && its.symbol < first.symbol)) first = its;
    }
    return first;
  }

  #findEarliest(): void {
    this.#state.wakes[2] = this.#all.reduce((earliest, { endUs }) => Math.min(earliest, endUs), Number.POSITIVE_INFINITY);
  }

  save(out: RowWriter): void {
    const { defined, staticPrice, interruptedUntilUs } = this.#state.symbols;
    for (let symbol = 0; symbol < defined.length; symbol++) {
      const [price, untilUs] = [staticPrice[symbol], interruptedUntilUs[symbol]];
      if (price === 0 && untilUs === 0) continue;
      const its = untilUs === 0 ? undefined : this.#all.find((each) => each.symbol === symbol);
      out.row(RowKind.Volatility, symbol, price, untilUs, its?.endUs ?? 0, its?.bits ?? 0);
    }
  }

  load(r: Float64Array, at: number): void {
    const { staticPrice, interruptedUntilUs } = this.#state.symbols;
    const [symbol, price, untilUs, endUs, bits] = r.subarray(at + 1);
    staticPrice[symbol] = price;
    interruptedUntilUs[symbol] = untilUs;
    if (untilUs === 0) return;
    this.#all.push({ symbol, endUs, bits });
    this.#findEarliest();
  }
}
