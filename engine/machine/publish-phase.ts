import { SymbolParam } from '../params.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import type { MachineState } from './state.ts';

/** Publishes a symbol's phase with its sub-phase, reference price, last trade and last price as a market event. */
export function publishPhase({ symbols, market }: Pick<MachineState, 'symbols' | 'market'>, symbol: number): void {
  const reference = symbols.param(symbol, SymbolParam.ReferencePrice);
  const { phase, subPhase, tradeId, lastPrice } = symbols;
  market.write(MarketEventKind.Phase, subPhase[symbol], phase[symbol], symbol, 0, reference, 0, tradeId[symbol], lastPrice[symbol]);
}
