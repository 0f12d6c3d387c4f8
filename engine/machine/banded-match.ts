import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import type { PriceTicks } from '../units.ts';
import { SelfTradeMode, Side } from '../wire/layout.ts';
import type { GuardedMatch } from './guarded-match.ts';
import type { Interruptions } from './interruptions.ts';
import type { MachineState } from './state.ts';

/**
 * The match of an incoming order of a symbol with volatility bands. It trades up
 * to the edge of the bands. If the next trade would leave them, it does not
 * happen, and the symbol is interrupted. Owned by the engine thread.
 */
export class BandedMatch {
  readonly #state: MachineState;
  readonly #guarded: GuardedMatch;
  readonly #interruptions: Interruptions;
  /** Whether the last match has left the bands. */
  #left = false;

  constructor(state: MachineState, guarded: GuardedMatch, interruptions: Interruptions) {
    this.#state = state;
    this.#guarded = guarded;
    this.#interruptions = interruptions;
  }

  /** Whether the symbol has bands: its orders match here. */
  applies(symbol: number): boolean {
    return this.#state.symbols.banded[symbol] !== 0;
  }

  /** Trades the aggressor. Returns false if self-trade prevention cancels the rest of it. */
  match(book: OrderBook, side: number, limit: PriceTicks): boolean {
    const { aggressor, bands, selfTrade } = this.#state;
    const { symbol } = book;
    bands.measure(symbol);
    let allowed = true;
    if (selfTrade.mode > SelfTradeMode.None || book.guards !== 0) allowed = this.#guarded.match(book, side, limit, bands.low, bands.high);
    else if (bands.contain(side === Side.Buy ? book.bestAsk() : book.bestBid())) book.match(side, bands.limit(side, limit), aggressor.open);
    this.#left = allowed && aggressor.open > 0 && book.crosses(side, limit);
    if (this.#left) this.#interruptions.begin(symbol);
    return allowed;
  }

  /** The code of what an order that does not rest leaves, after its match. */
  remainderCode(symbol: number): Code {
    return this.#left && this.applies(symbol) ? Code.CANCELLED_VOLATILITY : Code.CANCELLED_REMAINDER;
  }
}
