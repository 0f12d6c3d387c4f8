import { SymbolParam } from '../params.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import type { MachineState } from './state.ts';

/** Call it when the phase of a symbol has changed. Pegged orders follow it. Publishes a symbol's phase with its sub-phase, reference price, last trade, last price and the earliest end of its interruption as a market event. */
export function publishPhase({ symbols, market, pegs }: Pick<MachineState, 'symbols' | 'market' | 'pegs'>, symbol: number): void {
  pegs.note(symbol);
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
