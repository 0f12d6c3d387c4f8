import { AuctionPriceId } from '../params.ts';
import type { PriceLadder } from './price-ladder.ts';

const UNKNOWN = -1;

/**
 * Computes the price of a call auction. Of all prices, it selects in this order:
 * the largest volume; the smallest surplus; market pressure (the highest such
 * price if the surplus is only on the buy side, the lowest if it is only on the
 * sell side); the price nearest to the reference price; the higher price. An
 * {@link AuctionPriceId} can limit the choice to limits of orders.
 *
 * Demand D(p), the lots bid at p or more, falls with p and supply S(p), the lots
 * asked at p or less, rises; so with c the highest price where D >= S, only the
 * flat stretches of D - S that end at c and that begin right above c can win:
 *
 *        D - S
 *    +u  ───────── [low, c]         volume S(c)
 *     0  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─
 *    -w            [c + 1, high]    volume D(c + 1)
 *
 * c, D(c) and S(c) are kept between calls and updated with every order. Finding
 * c again therefore takes a few steps over occupied prices, not a walk over all
 * of them.
 */
export class CallAuction {
  /** Auction price in ticks; 0 if nothing would trade. */
  price = 0;
  /** Lots that trade at `price`. */
  volume = 0;
  /** Lots that would trade at `price` but find no other side. */
  surplus = 0;
  /** 0 = buy, 1 = sell. */
  surplusSide: 0 | 1 = 0;
  /** c, UNKNOWN until the first call; the demand and supply there follow each order. */
  pivot = UNKNOWN;
  demand = 0;
  supply = 0;
  /** False: all orders are limit orders. True: some may be market orders, which count as orders with a limit that is no price of the auction. */
  hasMarketOrders = false;
  readonly #hasLimit: (ladder: PriceLadder, price: number) => boolean;
  readonly #bids: PriceLadder;
  readonly #asks: PriceLadder;
  #step = 1;
  /** Demand and supply one step above c. */
  #demandAbove = 0;
  #supplyAbove = 0;

  /** @param hasLimit whether a limit order rests at a price of a ladder */
  constructor(bids: PriceLadder, asks: PriceLadder, hasLimit: (ladder: PriceLadder, price: number) => boolean) {
    this.#hasLimit = hasLimit;
    this.#bids = bids;
    this.#asks = asks;
  }

  /** `lots` joined (or, negative, left) at `price`. */
  shift(side: number, price: number, lots: number): void {
    if (side === 0) {
      if (price >= this.pivot) this.demand += lots;
    } else if (price <= this.pivot) this.supply += lots;
  }

  /** Orders changed without `shift`. The next call computes c from the start. */
  forget(): void {
    this.pivot = UNKNOWN;
  }

  /**
   * Sets `price`, `volume`, `surplus` and `surplusSide`.
   * @param reference ticks; 0 = none, which selects the lowest of equal prices
   * @param step the price is a multiple of it, as every resting order's limit is; from 1
   * @param rule AuctionPriceId
   */
  indicate(reference: number, step: number, rule: number = AuctionPriceId.Nearest): void {
    this.price = 0;
    this.volume = 0;
    this.surplus = 0;
    this.surplusSide = 0;
    if (this.#bidFrom(0) === Infinity || this.#askDown(this.#bidDown(this.#bids.none - 1)) < 0) return;
    if (step !== this.#step) this.forget();
    this.#step = step;
    this.#locate();
    if (rule === AuctionPriceId.Nearest || !this.#chooseLimit(reference, rule)) this.#choose(reference);
  }

  /** Moves c to its new price. The book must be crossed; otherwise c does not exist. */
  #locate(): void {
    const step = this.#step;
    let at = this.pivot;
    let demand = this.demand;
    let supply = this.supply;
    if (at === UNKNOWN) {
      at = this.#floor(this.#bidDown(this.#bids.none - 1));
      demand = this.#bidLots(at, this.#bids.none);
      supply = this.#askLots(0, at);
    }
    while (demand < supply) {
      const to = this.#floor(Math.max(this.#askDown(at) - 1, this.#bidDown(at - 1)));
      demand += this.#bidLots(to, at - 1);
      supply -= this.#askLots(to + 1, at);
      at = to;
    }
    for (;;) {
      at = this.#floor(Math.min(this.#bidFrom(at), this.#askFrom(at + 1) - 1));
      this.#demandAbove = demand - this.#bidLots(at, at + step - 1);
      this.#supplyAbove = supply + this.#askLots(at + 1, at + step);
      if (this.#demandAbove < this.#supplyAbove) break;
      at += step;
      demand = this.#demandAbove;
      supply = this.#supplyAbove;
    }
    this.pivot = at;
    this.demand = demand;
    this.supply = supply;
  }

  #choose(reference: number): void {
    const c = this.pivot;
    const step = this.#step;
    const volumeAtC = this.supply;
    const volumeAbove = this.#demandAbove;
    const buySurplus = this.demand - this.supply;
    const sellSurplus = this.#supplyAbove - this.#demandAbove;
    const atC = volumeAtC > volumeAbove || (volumeAtC === volumeAbove && buySurplus <= sellSurplus);
    const above = volumeAbove > volumeAtC || (volumeAtC === volumeAbove && sellSurplus <= buySurplus);
    if (this.hasMarketOrders) this.#chooseWithMarket(reference, atC, above, buySurplus);
    else if (atC && !above && buySurplus > 0) this.price = c;
    else if (above && !atC) this.price = c + step;
    else {
      const low = this.#ceil(Math.max(this.#askDown(c), this.#bidDown(c - 1) + 1));
      const high = above ? this.#floor(Math.min(this.#bidFrom(c + step), this.#askFrom(c + step + 1) - 1)) : c;
      this.price = this.#nearest(reference, low, high);
    }
    if (this.price === 0) return;
    if (this.price <= c) this.#setVolume(this.demand, this.supply);
    else this.#setVolume(this.#demandAbove, this.#supplyAbove);
  }

  /**
   * The choice where the limits of market orders are no prices. Of the prices that are left, all with the same surplus, market pressure selects
   * the last one that a limit order bounds, and the reference price if none does. 0 if there is no reference price either.
   */
  #chooseWithMarket(reference: number, atC: boolean, above: boolean, buySurplus: number): void {
    const c = this.pivot;
    const step = this.#step;
    const low = above && !atC ? c + step : this.#ceil(Math.max(this.#askDown(c), this.#bidDown(c - 1) + 1));
    const high = above ? this.#floor(Math.min(this.#bidFrom(c + step), this.#askFrom(c + step + 1) - 1)) : c;
    const [bids, asks, hasLimit] = [this.#bids, this.#asks, this.#hasLimit];
    const boundsLow = hasLimit(asks, low) || hasLimit(bids, low - step);
    const boundsHigh = hasLimit(bids, high) || hasLimit(asks, high + step);
    if (atC && !above && buySurplus > 0) {
      if (boundsHigh) this.price = high;
      else this.price = hasLimit(asks, low) ? low : this.#reference(reference, low, high);
    } else if (above && !atC) {
      if (boundsLow) this.price = low;
      else this.price = hasLimit(bids, high) ? high : this.#reference(reference, low, high);
    } else if (reference !== 0) this.price = this.#nearest(reference, low, high);
    else if (boundsLow) this.price = low;
    else this.price = boundsHigh ? high : 0;
  }

  /**
   * The choice among limits of orders. With the distance from c to either side, volume falls and surplus grows, so the nearest limits are the best, and the next
   * one is as good only if neither side changes in between. Returns false if no limit order trades.
   */
  #chooseLimit(reference: number, rule: number): boolean {
    const c = this.pivot;
    const below = this.#limitDown(c);
    const above = this.#limitFrom(c + 1);
    const volumeBelow = this.#supplyAt(below);
    const volumeAbove = this.#demandAt(above);
    const volume = Math.max(volumeBelow, volumeAbove);
    if (volume === 0) return false;
    const buySurplus = this.#demandAt(below) - volumeBelow;
    const sellSurplus = this.#supplyAt(above) - volumeAbove;
    const isBelow = volumeBelow === volume && (volumeAbove < volume || buySurplus <= sellSurplus);
    const isAbove = volumeAbove === volume && (volumeBelow < volume || sellSurplus <= buySurplus);
    let low = isBelow ? below : above;
    if (isBelow && !isAbove && buySurplus === 0) {
      const next = this.#limitDown(below - 1);
      if (next > 0 && this.#demandAt(next) === volume && this.#supplyAt(next) === volume) low = next;
    }
    const high = isAbove ? above : below;
    this.price = this.#nearest(rule === AuctionPriceId.Middle ? (low + high) / 2 : reference, low, high);
    this.#setVolume(this.#demandAt(this.price), this.#supplyAt(this.price));
    return true;
  }

  #setVolume(demand: number, supply: number): void {
    this.volume = Math.min(demand, supply);
    this.surplus = Math.abs(demand - supply);
    this.surplusSide = demand < supply ? 1 : 0;
  }

  /** Demand at a price next to c; 0 where there is none. */
  #demandAt(price: number): number {
    if (price < 0 || price === Infinity) return 0;
    return price <= this.pivot ? this.demand + this.#bidLots(price, this.pivot - 1) : this.demand - this.#bidLots(this.pivot, price - 1);
  }

  #supplyAt(price: number): number {
    if (price < 0 || price === Infinity) return 0;
    return price <= this.pivot ? this.supply - this.#askLots(price + 1, this.pivot) : this.supply + this.#askLots(this.pivot + 1, price);
  }

  #reference(reference: number, low: number, high: number): number {
    return reference === 0 ? 0 : this.#nearest(reference, low, high);
  }

  #nearest(reference: number, low: number, high: number): number {
    if (reference <= low) return low;
    if (reference >= high) return high;
    const below = this.#floor(reference);
    const above = below + this.#step;
    return reference - below < above - reference ? below : above;
  }

  #floor(price: number): number {
    return price - (price % this.#step);
  }

  #ceil(price: number): number {
    return this.#floor(price + this.#step - 1);
  }

  // Occupied prices in ticks; Infinity or -1 where there is none.

  #bidFrom(price: number): number {
    const bids = this.#bids;
    if (price >= bids.none) return Infinity;
    const key = bids.previous(price ^ bids.flip);
    return key === -1 ? Infinity : key ^ bids.flip;
  }

  #bidDown(price: number): number {
    const bids = this.#bids;
    if (price < 0) return -1;
    const key = bids.next(price ^ bids.flip);
    return key === bids.none ? -1 : key ^ bids.flip;
  }

  #askFrom(price: number): number {
    const asks = this.#asks;
    if (price >= asks.none) return Infinity;
    const key = asks.next(price);
    return key === asks.none ? Infinity : key;
  }

  #askDown(price: number): number {
    return this.#asks.previous(price);
  }

  /** The highest price at or below `price` with a limit order. */
  #limitDown(price: number): number {
    let at = Math.max(this.#bidDown(price), this.#askDown(price));
    while (at > 0 && this.hasMarketOrders && !this.#isLimit(at)) at = Math.max(this.#bidDown(at - 1), this.#askDown(at - 1));
    return at;
  }

  /** The lowest price at or above `price` with a limit order. */
  #limitFrom(price: number): number {
    let at = Math.min(this.#bidFrom(price), this.#askFrom(price));
    while (at < Infinity && this.hasMarketOrders && !this.#isLimit(at)) at = Math.min(this.#bidFrom(at + 1), this.#askFrom(at + 1));
    return at;
  }

  #isLimit(price: number): boolean {
    return this.#hasLimit(this.#bids, price) || this.#hasLimit(this.#asks, price);
  }

  /** Lots bid at `from` to `to`, both included. */
  #bidLots(from: number, to: number): number {
    let lots = 0;
    for (let price = this.#bidFrom(from); price <= to; price = this.#bidFrom(price + 1)) {
      lots += this.#bids.totalAt(price ^ this.#bids.flip);
    }
    return lots;
  }

  #askLots(from: number, to: number): number {
    let lots = 0;
    for (let price = this.#askFrom(from); price <= to; price = this.#askFrom(price + 1)) {
      lots += this.#asks.totalAt(price);
    }
    return lots;
  }
}
