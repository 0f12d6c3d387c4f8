import { SymbolParam } from '../../engine/params.ts';

/** The bands of the naive exchange, from the definition: which prices a trade may have, and when its interruption ends. */
export class NaiveVolatility {
  /** Middle of the static band, 0 = none. */
  middle = 0;
  /** Earliest end of the interruption that is under way; infinite = there is none. */
  until = Infinity;
  #end = Infinity;
  /** Rare states that a flow has reached. */
  readonly reached = new Set<string>();
  #extended = false;
  #drawn = false;
  /** In the limit state before the auction. */
  limitState = false;
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
    this.reached.add('interrupted');
    this.limitState = !this.limitState && this.#params[SymbolParam.VolatilityProfile] === 1;
    this.until = timeUs + (this.limitState ? 15_000_000 : this.#params[SymbolParam.VolatilityUs]);
    this.#end = this.until;
    this.#extended = false;
    this.#drawn = false;
  }

  stop(): void {
    this.limitState = false;
    this.until = Infinity;
    this.#end = Infinity;
  }

  /** Whether the auction is over at a time. A command with a random number draws the end, once. @param random of the command, below 1 */
  isOver(timeUs: number, random: number | undefined): boolean {
    if (this.#end > timeUs) return false;
    const window = this.#params[SymbolParam.VolatilityRandomUs];
    if (window === 0 || this.#drawn || this.limitState) return true;
    if (random !== undefined) {
      this.#drawn = true;
      this.reached.add('random end');
      this.#end += Math.floor(window * random);
    }
    return false;
  }

  /** Whether the auction is extended, or begins after the limit state, instead of trading at this price; 0 = it would not trade. */
  extend(timeUs: number, price: number): boolean {
    if (this.limitState) {
      if (price === 0 || this.bands()(price)) return false;
      this.reached.add('pause after a limit state');
      this.begin(timeUs);
      return true;
    }
    const [middle, ppm] = [this.#params[SymbolParam.ReferencePrice], this.#params[SymbolParam.WideBandPpm]];
    if (this.#extended || price === 0 || middle === 0 || ppm === 0 || Math.abs(price - middle) <= Math.floor((middle * ppm) / 1e6))
      return false;
    this.until = timeUs + this.#params[SymbolParam.VolatilityExtensionUs];
    this.#end = this.until;
    this.#extended = true;
    this.reached.add('extended');
    this.#drawn = false;
    return true;
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
    if (this.until === Infinity) return this.middle === 0 ? [] : [[31, symbol, this.middle]];
    return [
      [31, symbol, this.middle, this.until, this.#end, Number(this.#extended) + 2 * Number(this.#drawn) + 4 * Number(this.limitState)],
    ];
  }
}
