import { MILLION, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import type { PriceTicks } from '../units.ts';
import { Side } from '../wire/layout.ts';
import type { Symbols } from './symbols.ts';

const { MaxPrice, ReferencePrice, StaticBandPpm, DynamicBandPpm, WideBandPpm } = SymbolParam;

/**
 * The volatility bands of a symbol: the prices at which an incoming order may
 * trade now. The static band is around the last auction price, the dynamic one
 * around the reference price, which trades set unless an outside source does; so the bands are
 * measured before a match, and stay for the whole of it. Owned by the engine thread.
 */
export class VolatilityBands {
  /** Lowest and highest price of an execution, ticks, as of the last `measure`. If the bands do not overlap, no price is between them. */
  low: PriceTicks = 0;
  high: PriceTicks = 0;
  readonly #symbols: Symbols;

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
  }

  measure(symbol: number): void {
    const { params, staticPrice } = this.#symbols;
    const row = symbol * SYMBOL_PARAMS;
    this.low = 1;
    this.high = params[row + MaxPrice];
    this.#narrow(params[row + ReferencePrice], params[row + DynamicBandPpm]);
    this.#narrow(staticPrice[symbol], params[row + StaticBandPpm]);
  }

  #narrow(middle: PriceTicks, ppm: number): void {
    if (middle === 0 || ppm === 0) return;
    const distance = Math.floor((middle * ppm) / MILLION);
    this.low = Math.max(this.low, middle - distance);
    this.high = Math.min(this.high, middle + distance);
  }

  contain(price: PriceTicks): boolean {
    return price >= this.low && price <= this.high;
  }

  /** Whether an auction may trade at a price without an extension. */
  allowAuction(symbol: number, price: PriceTicks): boolean {
    const { params } = this.#symbols;
    const row = symbol * SYMBOL_PARAMS;
    const [middle, ppm] = [params[row + ReferencePrice], params[row + WideBandPpm]];
    return middle === 0 || ppm === 0 || Math.abs(price - middle) <= Math.floor((middle * ppm) / MILLION);
  }

  /** The nearer of an order's limit and the edge of the bands on its side. */
  limit(side: number, limit: PriceTicks): PriceTicks {
    return side === Side.Buy ? Math.min(limit, this.high) : Math.max(limit, this.low);
  }
}
