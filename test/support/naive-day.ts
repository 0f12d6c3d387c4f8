import { NaiveBook } from './naive-book.ts';

/** A limit order of a day, with the lots that it displays at a time: all of a plain order, 0 of a hidden one. */
export interface DayOrder {
  readonly id: number;
  readonly side: 0 | 1;
  readonly price: number;
  readonly quantity: number;
  readonly display: number;
}

interface Resting extends DayOrder {
  open: number;
  /** Displayed now; of a hidden order what is open. */
  shown: number;
  /** Lower came first. */
  readonly arrival: number;
}

/** `buy sell price quantity` */
export type DayTrade = `${number} ${number} ${number} ${number}`;

/**
 * One symbol on a day of continuous trading and auctions, in price levels that are plain arrays: the twin for recorded days, on which
 * {@link NaiveBook} would take hours. It shares no code with the engine.
 */
export class NaiveDay {
  readonly trades: DayTrade[] = [];
  readonly #maxPrice: number;
  /** By side and price; in the sequence in which an order takes from them. */
  readonly #levels: [Map<number, Resting[]>, Map<number, Resting[]>] = [new Map(), new Map()];
  readonly #orders = new Map<number, Resting>();
  #arrivals = 0;

  constructor(maxPrice: number) {
    this.#maxPrice = maxPrice;
  }

  /** @param collect in an auction: the order does not trade on arrival */
  enter(order: DayOrder, collect: boolean): void {
    const open = collect ? order.quantity : this.#match(order);
    if (open === 0) return;
    const shown = order.display === 0 ? open : Math.min(order.display, open);
    const resting = { ...order, open, shown, arrival: this.#arrivals++ };
    this.#orders.set(order.id, resting);
    const levels = this.#levels[order.side];
    levels.set(order.price, queued(levels.get(order.price) ?? [], resting));
  }

  /** False: the order is not open. */
  cancel(id: number): boolean {
    const order = this.#orders.get(id);
    if (order) this.#remove(order);
    return order !== undefined;
  }

  uncross(reference: number): { price: number; volume: number } {
    const { price, volume } = this.indicate(reference);
    const [buys, sells] = [0, 1].map((side) => {
      const sign = side === 0 ? -1 : 1;
      const orders = [...this.#orders.values()].filter((order) => order.side === side);
      return orders.sort((a, b) => sign * (a.price - b.price) || a.arrival - b.arrival);
    });
    for (let left = volume; left > 0; ) {
      const lots = Math.min(left, buys[0].open, sells[0].open);
      this.trades.push(`${buys[0].id} ${sells[0].id} ${price} ${lots}`);
      left -= lots;
      for (const orders of [buys, sells]) {
        const [order] = orders;
        order.open -= lots;
        order.shown = Math.min(order.shown, order.open);
        if (order.open > 0) continue;
        this.#remove(order);
        orders.shift();
      }
    }
    return { price, volume };
  }

  indicate(reference: number): { price: number; volume: number } {
    const book = new NaiveBook(this.#maxPrice);
    for (const side of [0, 1])
      for (const [price, orders] of this.#levels[side]) {
        const open = orders.reduce((sum, order) => sum + order.open, 0);
        book.rest(0, side, price, open);
      }
    return book.indicate(reference, 1);
  }

  #match({ id, side, price, quantity }: DayOrder): number {
    let left = quantity;
    while (left > 0) {
      const level = this.#best((1 - side) as 0 | 1);
      if (level === undefined || (side === 0 ? level.price > price : level.price < price)) break;
      const [maker] = level.orders;
      const lots = Math.min(left, maker.shown);
      this.trades.push(side === 0 ? `${id} ${maker.id} ${maker.price} ${lots}` : `${maker.id} ${id} ${maker.price} ${lots}`);
      left -= lots;
      maker.open -= lots;
      maker.shown -= lots;
      if (maker.open === 0) this.#remove(maker);
      else if (maker.shown === 0) {
        maker.shown = Math.min(maker.display, maker.open);
        level.orders.shift();
        queued(level.orders, maker);
      }
    }
    return left;
  }

  #best(side: 0 | 1): { price: number; orders: Resting[] } | undefined {
    let best: number | undefined;
    for (const price of this.#levels[side].keys()) if (best === undefined || (side === 0 ? price > best : price < best)) best = price;
    return best === undefined ? undefined : { price: best, orders: this.#levels[side].get(best) as Resting[] };
  }

  #remove(order: Resting): void {
    const levels = this.#levels[order.side];
    const rest = (levels.get(order.price) as Resting[]).filter((other) => other !== order);
    if (rest.length > 0) levels.set(order.price, rest);
    else levels.delete(order.price);
    this.#orders.delete(order.id);
  }
}

/** At the end of what is displayed, or of all for a hidden order. */
function queued(orders: Resting[], order: Resting): Resting[] {
  const at = order.display === 0 ? -1 : orders.findIndex(({ display }) => display === 0);
  orders.splice(at === -1 ? orders.length : at, 0, order);
  return orders;
}
