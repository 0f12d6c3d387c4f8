import { SymbolParam } from '../params.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import type { MachineState } from './state.ts';

/** Call it when the phase or the reference price of a symbol has changed. Pegged orders follow it. */
export function publishPhaseChange(state: Pick<MachineState, 'symbols' | 'market' | 'pegs'>, symbol: number): void {
  state.pegs.note(symbol);
  publishPhase(state, symbol);
}

/** Publishes a symbol's phase with its sub-phase, reference price, last trade, last price and the earliest end of its interruption as a market event. Changes no state. */
export function publishPhase({ symbols, market }: Pick<MachineState, 'symbols' | 'market'>, symbol: number): void {
  const reference = symbols.param(symbol, SymbolParam.ReferencePrice);
  const { phase, subPhase, tradeId, lastPrice, interruptedUntilUs: until } = symbols;
  market.write(
    MarketEventKind.Phase,
    subPhase[symbol],
    phase[symbol],
    symbol,
    0,
    reference,
    until[symbol],
    tradeId[symbol],
    lastPrice[symbol],
  );
}
