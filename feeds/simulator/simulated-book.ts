import { Side } from '../../engine/wire/layout.ts';

/** Price levels that a maker quotes on each side of a symbol. */
export const QUOTE_LEVELS = 16;

/**
 * The simulator's model of the resting orders of one symbol: each maker has one
 * quote per side and level. The model is exact while only the simulator trades,
 * because fills follow from price-time priority. Orders of other participants
 * make it an estimate, which the next requotes correct.
 *
 * The book is small, so the best quote is found by a scan of all quotes of a side.
 */
export class SimulatedBook {
  /** Ticks; 0 = no quote. */
  readonly price: Float64Array;
  /** Open lots. */
  readonly open: Float64Array;
  readonly clientOrderId: Float64Array;
  /** Priority; a smaller value is older. */
  readonly #place: Float64Array;
  /** Net lots bought by each maker, negative when sold. */
  readonly position: Float64Array;
  readonly #makers: number;
  #lastPlace = 0;

  constructor(makers: number) {
    const places = makers * 2 * QUOTE_LEVELS;
    this.#makers = makers;
    this.price = new Float64Array(places);
    this.open = new Float64Array(places);
    this.clientOrderId = new Float64Array(places);
    this.#place = new Float64Array(places);
    this.position = new Float64Array(makers);
  }

  /** Index of a quote. The quotes of a side are neighbours. */
  at(maker: number, side: Side, level: number): number {
    return (side * this.#makers + maker) * QUOTE_LEVELS + level;
  }

  rest(at: number, clientOrderId: number, price: number, open: number): void {
    this.clientOrderId[at] = clientOrderId;
    this.price[at] = price;
    this.open[at] = open;
    this.#place[at] = ++this.#lastPlace;
  }

  remove(at: number): void {
    this.price[at] = 0;
    this.open[at] = 0;
  }

  /** Index of the best quote of a side, -1 = none. */
  best(side: Side): number {
    const first = side * this.#makers * QUOTE_LEVELS;
    const end = first + this.#makers * QUOTE_LEVELS;
    let best = -1;
    for (let at = first; at < end; at++) {
      const price = this.price[at];
      if (price === 0) continue;
      if (best === -1) best = at;
      else if (price === this.price[best]) {
        if (this.#place[at] < this.#place[best]) best = at;
      } else if (side === Side.Buy ? price > this.price[best] : price < this.price[best]) best = at;
    }
    return best;
  }

  /** True if an order at this limit would trade on arrival. */
  crosses(side: Side, limit: number): boolean {
    const best = this.best(side === Side.Buy ? Side.Sell : Side.Buy);
    if (best === -1) return false;
    return side === Side.Buy ? this.price[best] <= limit : this.price[best] >= limit;
  }

  /** Lots that an order at this limit could trade now. */
  fillable(side: Side, limit: number): number {
    const first = (side === Side.Buy ? Side.Sell : Side.Buy) * this.#makers * QUOTE_LEVELS;
    let lots = 0;
    for (let at = first; at < first + this.#makers * QUOTE_LEVELS; at++) {
      const price = this.price[at];
      if (price !== 0 && (side === Side.Buy ? price <= limit : price >= limit)) lots += this.open[at];
    }
    return lots;
  }

  /** Trades an incoming order with the quotes, best and oldest first. Returns its remaining quantity. */
  take(side: Side, limit: number, quantity: number): number {
    const other = side === Side.Buy ? Side.Sell : Side.Buy;
    let left = quantity;
    while (left > 0) {
      const best = this.best(other);
      if (best === -1 || (side === Side.Buy ? this.price[best] > limit : this.price[best] < limit)) break;
      const traded = Math.min(left, this.open[best]);
      const maker = Math.floor(best / QUOTE_LEVELS) % this.#makers;
      this.position[maker] += side === Side.Buy ? -traded : traded;
      left -= traded;
      this.open[best] -= traded;
      if (this.open[best] === 0) this.remove(best);
    }
    return left;
  }
}
