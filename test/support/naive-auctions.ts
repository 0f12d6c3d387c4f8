import { WAITING_PER_COMMAND } from '../../engine/machine/auction-orders.ts';
import { Phase, Side, SubPhase, TimeInForce } from '../../engine/wire/layout.ts';

interface Terms {
  side: number;
  tif: number;
  price: number;
  market: boolean;
  open: number;
}

/** What becomes of the orders at the open and at the close. */
interface Host<Order> {
  /** Takes it off `waiting`. */
  enter(order: Order): void;
  /** Cancels it because its auction is over. */
  end(order: Order): void;
}

/** The orders at the open and at the close, in arrays that are searched from the start. */
export class NaiveAuctions<Order extends Terms> {
  /** In the order in which they came. */
  waiting: Order[] = [];
  openingAhead = false;
  closingOver = false;
  /** Orders that the current command may still let enter or end. */
  left = WAITING_PER_COMMAND;
  readonly #symbol: { readonly phase: number; readonly subPhase: number };
  readonly #host: Host<Order>;

  constructor(symbol: { readonly phase: number; readonly subPhase: number }, host: Host<Order>) {
    this.#symbol = symbol;
    this.#host = host;
  }

  isOver(tif: number): boolean {
    return tif === TimeInForce.AtTheOpen ? !this.openingAhead : this.closingOver;
  }

  /** In the order of mass cancels. */
  queue(): Order[] {
    return [TimeInForce.AtTheOpen, TimeInForce.AtTheClose].flatMap((tif) => this.waiting.filter((o) => o.tif === tif));
  }

  isOn(tif: number): boolean {
    const its = tif === TimeInForce.AtTheOpen ? SubPhase.OpeningAuction : SubPhase.ClosingAuction;
    return this.#symbol.phase === Phase.Auction && this.#symbol.subPhase === its;
  }

  add(order: Order): void {
    this.waiting.push(order);
    if (this.isOn(order.tif) && this.waiting.filter(({ tif }) => tif === order.tif).length === 1) this.#take(order, true);
  }

  /** Before the command, and when the phase has changed. */
  continue(): void {
    for (const order of this.queue()) {
      const ends = this.#symbol.phase === Phase.Closed || this.isOver(order.tif);
      if (this.left === 0 || !(ends || this.isOn(order.tif))) continue;
      this.left--;
      this.#take(order, !ends);
    }
  }

  beforePhase(): void {
    for (const order of this.queue()) if (this.#symbol.phase === Phase.Closed || this.isOver(order.tif)) this.#take(order, false);
  }

  /** @param book orders in the book, in its order */
  afterPhase(book: readonly Order[]): void {
    const { phase, subPhase } = this.#symbol;
    if (phase === Phase.Halted) return;
    const opens = phase === Phase.Closed || subPhase === SubPhase.PreOpen || subPhase === SubPhase.OpeningAuction;
    if (opens) this.openingAhead = true;
    if (opens || subPhase === SubPhase.ClosingAuction) this.closingOver = false;
    if (phase === Phase.Continuous || subPhase === SubPhase.ClosingAuction) this.openingAhead = false;
    if (phase !== Phase.Auction || !opens) this.#leave(book, TimeInForce.AtTheOpen);
    if (subPhase !== SubPhase.ClosingAuction) this.#leave(book, TimeInForce.AtTheClose);
    this.continue();
  }

  beforeUncross(): void {
    for (const order of this.queue()) if (this.isOn(order.tif)) this.#take(order, true);
  }

  afterUncross(book: () => readonly Order[]): void {
    if (this.isOn(TimeInForce.AtTheOpen)) this.openingAhead = false;
    if (this.isOn(TimeInForce.AtTheClose)) this.closingOver = true;
    for (const tif of [TimeInForce.AtTheOpen, TimeInForce.AtTheClose]) if (this.isOn(tif)) this.#leave(book(), tif);
  }

  /** Of the prices with the most volume and the least surplus, all of the same pressure, the one that limit orders or the reference price select; 0 = none. */
  static price(prices: readonly number[], pressure: number, book: readonly Terms[], reference: number): number {
    const [low, high] = [prices[0], prices[prices.length - 1]];
    const limit = (side: number, price: number): boolean =>
      book.some((o) => !o.market && o.side === side && o.price === price && o.open > 0);
    const atHigh = limit(Side.Buy, high) || limit(Side.Sell, high + 1);
    const atLow = limit(Side.Sell, low) || limit(Side.Buy, low - 1);
    if (pressure > 0 && atHigh) return high;
    if (pressure > 0 && limit(Side.Sell, low)) return low;
    if (pressure < 0 && atLow) return low;
    if (pressure < 0 && limit(Side.Buy, high)) return high;
    if (reference > 0) return Math.min(high, Math.max(low, reference));
    return pressure !== 0 ? 0 : atLow ? low : atHigh ? high : 0;
  }

  #leave(book: readonly Order[], time: number): void {
    for (const order of book) if (order.tif === time) this.#host.end(order);
  }

  #take(order: Order, enters: boolean): void {
    if (!enters) return this.#host.end(order);
    this.#host.enter(order);
  }
}
