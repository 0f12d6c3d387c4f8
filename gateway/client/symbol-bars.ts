import type { CandleInterval } from '../../feeds/analysis/candles.ts';
import { candleBar } from '../candle-bar.ts';
import type { BarEvents, BarPage, BarSource, SeenBar } from './bar-source.ts';
import type { MarketClient } from './market.ts';
import type { QueryClient } from './query-client.ts';
import type { CandleJson } from './query-types.ts';
import type { SymbolUnits } from './symbols.ts';

/** The bars of a symbol. */
export class SymbolBars implements BarSource {
  readonly #queries: QueryClient;
  readonly #market: MarketClient;
  readonly #units: SymbolUnits;
  readonly #what: { readonly symbol: string; readonly interval: CandleInterval };

  constructor(
    queries: QueryClient,
    market: MarketClient,
    units: SymbolUnits,
    what: { readonly symbol: string; readonly interval: CandleInterval },
  ) {
    this.#queries = queries;
    this.#market = market;
    this.#units = units;
    this.#what = what;
  }

  async page(range: { readonly from?: number; readonly to?: number; readonly limit: number }): Promise<BarPage> {
    const { candles, next } = await this.#queries.candles({ ...this.#what, ...range });
    return { bars: candles.map(barOf), next };
  }

  follow({ onBar, onGap, onLost }: BarEvents): Promise<{ close(): void }> {
    const { tick, lot } = this.#units;
    const units = { tickMantissa: tick.mantissa, tickDecimals: tick.decimals, lotMantissa: lot.mantissa, lotDecimals: lot.decimals };
    return this.#market.candles(this.#what.symbol, this.#what.interval, {
      onItem: (candle) => onBar({ ...candleBar(candle, units), closed: candle.closed, progress: candle.lastTradeId }),
      onGap,
      onLost,
    });
  }
}

function barOf({ startUs, closed, open, high, low, close, volume, notional, lastTradeId = '0' }: CandleJson): SeenBar {
  const [o, h, l, c] = [open, high, low, close].map(Number);
  return {
    startUs,
    closed,
    open: o,
    high: h,
    low: l,
    close: c,
    volume: Number(volume),
    notional: Number(notional),
    progress: Number(lastTradeId),
  };
}
