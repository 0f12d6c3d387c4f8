import { SymbolParam } from '../params.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { TimeUs } from '../units.ts';
import { Phase, SubPhase } from '../wire/layout.ts';
import { publishPhase } from './publish-phase.ts';
import type { MachineState } from './state.ts';

/**
 * Volatility interruptions: auctions that the engine begins when a trade would
 * leave a band, and ends by itself. The first command or tick stamped at or after the
 * end uncrosses, and continuous trading goes on before that command. One command ends
 * one interruption at most, the one with the earliest end, then the lowest symbol; the
 * others follow with the next ones. A phase that is set ends the interruption
 * without an uncross. Owned by the engine thread.
 */
export class Interruptions implements StatePart {
  readonly kinds = [RowKind.Volatility];
  /** From this time on there is something to do, microseconds since the Unix epoch; infinite = nothing. */
  earliestUs: TimeUs = Number.POSITIVE_INFINITY;
  readonly #state: MachineState;
  readonly #uncross: (symbol: number) => void;
  /** Symbols with an interruption. */
  readonly #symbols: number[] = [];

  /** @param uncross ends what is due in the book of a symbol in an auction, and uncrosses it */
  constructor(state: MachineState, uncross: (symbol: number) => void) {
    this.#state = state;
    this.#uncross = uncross;
  }

  /** Begins the auction of a continuous symbol. */
  begin(symbol: number): void {
    const { symbols, timeUs, changedAuctions } = this.#state;
    symbols.phase[symbol] = Phase.Auction;
    symbols.subPhase[symbol] = SubPhase.VolatilityAuction;
    symbols.interruptedUntilUs[symbol] = timeUs + symbols.param(symbol, SymbolParam.VolatilityUs);
    this.#symbols.push(symbol);
    this.#findEarliest();
    publishPhase(this.#state, symbol);
    changedAuctions.add(symbol);
  }

  /** Call it when the phase of a symbol is set: its interruption, if there is one, no longer ends by itself. */
  end(symbol: number): void {
    const { interruptedUntilUs } = this.#state.symbols;
    if (interruptedUntilUs[symbol] === 0) return;
    interruptedUntilUs[symbol] = 0;
    this.#symbols.splice(this.#symbols.indexOf(symbol), 1);
    this.#findEarliest();
  }

  /** Call it before a command when `earliestUs` is not after its time. */
  run(): void {
    const { symbols, stops } = this.#state;
    const symbol = this.#first();
    this.#uncross(symbol);
    this.end(symbol);
    symbols.phase[symbol] = Phase.Continuous;
    symbols.subPhase[symbol] = SubPhase.None;
    stops.activate(symbol);
    publishPhase(this.#state, symbol);
  }

  #first(): number {
    const { interruptedUntilUs: ends } = this.#state.symbols;
    return this.#symbols.reduce((first, symbol) =>
      ends[symbol] < ends[first] || (ends[symbol] === ends[first] && symbol < first) ? symbol : first,
    );
  }

  #findEarliest(): void {
    this.earliestUs = this.#symbols.length === 0 ? Number.POSITIVE_INFINITY : this.#state.symbols.interruptedUntilUs[this.#first()];
  }

  save(out: RowWriter): void {
    const { defined, staticPrice, interruptedUntilUs } = this.#state.symbols;
    for (let symbol = 0; symbol < defined.length; symbol++) {
      const [price, end] = [staticPrice[symbol], interruptedUntilUs[symbol]];
      if (price !== 0 || end !== 0) out.row(RowKind.Volatility, symbol, price, end);
    }
  }

  load(r: Float64Array, at: number): void {
    const { staticPrice, interruptedUntilUs } = this.#state.symbols;
    const symbol = r[at + 1];
    staticPrice[symbol] = r[at + 2];
    interruptedUntilUs[symbol] = r[at + 3];
    if (r[at + 3] === 0) return;
    this.#symbols.push(symbol);
    this.#findEarliest();
  }
}
