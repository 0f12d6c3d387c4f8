import { SymbolParam } from '../../engine/params.ts';

/** The bands of the naive exchange, from the definition: which prices a trade may have, and when its interruption ends. */
export class NaiveVolatility {
  /** Middle of the static band, 0 = none. */
  middle = 0;
  /** Earliest end of the interruption that is under way; infinite = there is none. */
  until = Infinity;
  readonly #params: number[];

  constructor(params: number[]) {
    this.#params = params;
    if (params[SymbolParam.StaticBandPpm] > 0) this.middle = params[SymbolParam.ReferencePrice];
  }

  /** The prices around the two references as they are now. */
  bands(): (price: number) => boolean {
    const around = [
      [this.#params[SymbolParam.ReferencePrice], this.#params[SymbolParam.DynamicBandPpm]],
      [this.middle, this.#params[SymbolParam.StaticBandPpm]],
    ].filter(([middle, ppm]) => middle > 0 && ppm > 0);
    return (price) => around.every(([middle, ppm]) => Math.abs(price - middle) <= Math.floor((middle * ppm) / 1e6));
  }

  /** Of resting orders in the order in which they would trade, those with which an order could trade. */
  inside<Order extends { price: number }>(reach: readonly Order[]): Order[] {
    const within = this.bands();
    if (reach.length === 0 || !within(reach[0].price)) return [];
    return reach.filter(({ price }) => within(price));
  }

  begin(timeUs: number): void {
    this.until = timeUs + this.#params[SymbolParam.VolatilityUs];
  }

  /** An auction has traded at a price, or the operator has set it. */
  setMiddle(price: number): void {
    if (this.#params[SymbolParam.StaticBandPpm] > 0) this.middle = price;
  }

  /** The operator sets a band. */
  set(param: number, value: number): void {
    this.#params[param] = value;
    if (this.#params[SymbolParam.StaticBandPpm] === 0) this.middle = 0;
    else if (param === SymbolParam.StaticBandPpm && this.middle === 0) this.middle = this.#params[SymbolParam.ReferencePrice];
  }

  rows(symbol: number): number[][] {
    const until = this.until === Infinity ? 0 : this.until;
    return this.middle + until === 0 ? [] : [[31, symbol, this.middle, until]];
  }
}
