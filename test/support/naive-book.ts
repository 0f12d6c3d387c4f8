import { amongLimits } from './naive-auction-price.ts';

/** The book as its rules read: one array, sorted and filtered again for every question. Slow on purpose; it shares no code with the engine. */
export interface NaiveOrder {
  readonly id: number;
  readonly side: number;
  readonly price: number;
  open: number;
  /** Lower came first. */
  readonly arrival: number;
}

/** `maker,taker,price,quantity`; in an auction `buy,sell,price,quantity`. */
export type NaiveTrade = readonly [number, number, number, number];

export interface NaiveIndication {
  readonly price: number;
  readonly volume: number;
  readonly surplus: number;
  readonly side: number;
}

export class NaiveBook {
  orders: NaiveOrder[] = [];
  #arrivals = 0;
  readonly #maxPrice: number;

  constructor(maxPrice: number) {
    this.#maxPrice = maxPrice;
  }

  /** Best price first, then oldest first. */
  queue(side: number): NaiveOrder[] {
    const sign = side === 0 ? -1 : 1;
    return this.orders.filter((order) => order.side === side).sort((a, b) => sign * (a.price - b.price) || a.arrival - b.arrival);
  }

  find(id: number): NaiveOrder | undefined {
    return this.orders.find((order) => order.id === id);
  }

  match(taker: number, side: number, limit: number, quantity: number): { left: number; trades: NaiveTrade[] } {
    const trades: NaiveTrade[] = [];
    let left = quantity;
    for (const maker of this.queue(1 - side)) {
      if (left === 0 || (side === 0 ? maker.price > limit : maker.price < limit)) break;
      const traded = Math.min(left, maker.open);
      trades.push([maker.id, taker, maker.price, traded]);
      maker.open -= traded;
      left -= traded;
    }
    this.#dropFilled();
    return { left, trades };
  }

  rest(id: number, side: number, price: number, open: number): void {
    this.orders.push({ id, side, price, open, arrival: this.#arrivals++ });
  }

  remove(id: number): void {
    this.orders = this.orders.filter((order) => order.id !== id);
  }

  /** Tries every price. */
  indicate(reference: number, step: number, rule = 0): NaiveIndication {
    let candidates: { price: number; volume: number; gap: number }[] = [];
    for (let price = step; price <= this.#maxPrice; price += step) {
      const demand = this.#lots((order) => order.side === 0 && order.price >= price);
      const supply = this.#lots((order) => order.side === 1 && order.price <= price);
      candidates.push({ price, volume: Math.min(demand, supply), gap: demand - supply });
    }
    const volume = Math.max(...candidates.map((candidate) => candidate.volume));
    if (volume === 0) return { price: 0, volume: 0, surplus: 0, side: 0 };
    if (rule > 0) {
      const gapAt = (price: number) => candidates.find((candidate) => candidate.price === price)?.gap ?? 0;
      const limits = new Set(this.orders.map(({ price }) => price));
      const price = amongLimits(
        candidates.filter((each) => limits.has(each.price)),
        rule,
        reference,
        step,
      );
      return { price, volume, surplus: Math.abs(gapAt(price)), side: gapAt(price) < 0 ? 1 : 0 };
    }
    candidates = candidates.filter((candidate) => candidate.volume === volume);
    const surplus = Math.min(...candidates.map(({ gap }) => Math.abs(gap)));
    candidates = candidates.filter(({ gap }) => Math.abs(gap) === surplus);
    const chosen = this.#chooseByPressure(candidates, reference);
    return { price: chosen.price, volume, surplus, side: chosen.gap < 0 ? 1 : 0 };
  }

  #chooseByPressure<C extends { price: number; gap: number }>(candidates: C[], reference: number): C {
    const byPrice = candidates.sort((a, b) => a.price - b.price);
    if (byPrice.every(({ gap }) => gap > 0)) return byPrice[byPrice.length - 1];
    if (byPrice.every(({ gap }) => gap < 0)) return byPrice[0];
    return byPrice.sort((a, b) => Math.abs(a.price - reference) - Math.abs(b.price - reference) || b.price - a.price)[0];
  }

  uncross(reference: number, step: number, rule = 0): NaiveTrade[] {
    const { price, volume } = this.indicate(reference, step, rule);
    const trades: NaiveTrade[] = [];
    let left = volume;
    while (left > 0) {
      const [buy] = this.queue(0);
      const [sell] = this.queue(1);
      const traded = Math.min(left, buy.open, sell.open);
      trades.push([buy.id, sell.id, price, traded]);
      buy.open -= traded;
      sell.open -= traded;
      left -= traded;
      this.#dropFilled();
    }
    return trades;
  }

  #lots(counts: (order: NaiveOrder) => boolean): number {
    return this.orders.reduce((sum, order) => sum + (counts(order) ? order.open : 0), 0);
  }

  #dropFilled(): void {
    this.orders = this.orders.filter((order) => order.open > 0);
  }
}
