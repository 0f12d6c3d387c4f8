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
  isOpen(order: Order): boolean;
}

const TIMES = [TimeInForce.AtTheOpen, TimeInForce.AtTheClose];

/** The orders at the open and at the close, in arrays that are searched from the start. */
export class NaiveAuctions<Order extends Terms> {
  /** Outside the book, in the order in which they came; with those that end. */
  waiting: Order[] = [];
  openingAhead = false;
  closingOver = false;
  /** Orders that one command lets enter or end. */
  perCommand = WAITING_PER_COMMAND;
  /** Of these, what the current command may still do. */
  left = WAITING_PER_COMMAND;
  /** In the order in which they entered the book, and perhaps left it. */
  #entered: Order[] = [];
  /** Their auction is over, and they may have ended since. */
  #ending: Order[] = [];
  readonly #symbol: { readonly phase: number; readonly subPhase: number; readonly rules: number };
  readonly #host: Host<Order>;

  constructor(symbol: { readonly phase: number; readonly subPhase: number; readonly rules: number }, host: Host<Order>) {
    this.#symbol = symbol;
    this.#host = host;
  }

  /** From rules 6 on. */
  get #inParts(): boolean {
    return this.#symbol.rules >= 6;
  }

  /** Those that end, the next one first. */
  get ending(): Order[] {
    return this.#ending.filter((o) => this.#host.isOpen(o));
  }

  isEnding(order: Order): boolean {
    return this.ending.includes(order);
  }

  /** An uncross may come now. */
  get isReady(): boolean {
    return this.ending.length === 0 && !this.queue().some(({ tif }) => this.isOn(tif));
  }

  isOver(tif: number): boolean {
    return tif === TimeInForce.AtTheOpen ? !this.openingAhead : this.closingOver;
  }

  /** In the order of mass cancels. */
  queue(): Order[] {
    return TIMES.flatMap((tif) => this.waiting.filter((o) => o.tif === tif && !this.#ending.includes(o)));
  }

  isOn(tif: number): boolean {
    const its = tif === TimeInForce.AtTheOpen ? SubPhase.OpeningAuction : SubPhase.ClosingAuction;
    return this.#symbol.phase === Phase.Auction && this.#symbol.subPhase === its;
  }

  add(order: Order): void {
    this.waiting.push(order);
    if (this.isOn(order.tif) && this.queue().filter(({ tif }) => tif === order.tif).length === 1) this.#take(order, true);
  }

  /** Before the command, and when the phase has changed. */
  continue(): void {
    if (this.#inParts) {
      this.#ending.push(...this.queue().filter(({ tif }) => this.#symbol.phase === Phase.Closed || this.isOver(tif)));
      for (const order of this.ending) {
        if (this.left === 0) break;
        this.left--;
        this.#host.end(order);
      }
    }
    for (const order of this.queue()) {
      const ends = this.#symbol.phase === Phase.Closed || this.isOver(order.tif);
      if (this.left === 0 || !(ends || this.isOn(order.tif))) continue;
      this.left--;
      this.#take(order, !ends);
    }
  }

  beforePhase(): void {
    if (this.#inParts) return;
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
    if (this.#inParts) return;
    for (const order of this.queue()) if (this.isOn(order.tif)) this.#take(order, true);
  }

  afterUncross(book: () => readonly Order[]): void {
    if (this.isOn(TimeInForce.AtTheOpen)) this.openingAhead = false;
    if (this.isOn(TimeInForce.AtTheClose)) this.closingOver = true;
    for (const tif of TIMES) if (this.isOn(tif)) this.#leave(book(), tif);
    if (this.#inParts) this.continue();
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

  /** In rows of their own: those in the book, limit orders first; and those that end. */
  rows(idOf: (order: Order) => number): number[][] {
    if (!this.#inParts) return [];
    const inBook = TIMES.flatMap((tif) => [false, true].flatMap((market) => this.#inBook(tif, market)));
    return [...inBook.map((o) => [53, idOf(o)]), ...this.ending.map((o) => [54, idOf(o)])];
  }

  states(): string[] {
    const states: string[] = [];
    if (this.ending.some((o) => !this.waiting.includes(o))) states.push('orders of an auction leave the book in parts');
    if (this.ending.some((o) => this.waiting.includes(o))) states.push('orders of an auction that does not come end in parts');
    return states;
  }

  #inBook(time: number, market: boolean): Order[] {
    return this.#entered.filter((o) => o.tif === time && o.market === market && this.#host.isOpen(o) && !this.#ending.includes(o));
  }

  #leave(book: readonly Order[], time: number): void {
    if (!this.#inParts) {
      for (const order of book) if (order.tif === time) this.#host.end(order);
      return;
    }
    for (const order of this.#inBook(time, true)) this.#host.end(order);
    this.#ending.push(...this.#inBook(time, false));
  }

  #take(order: Order, enters: boolean): void {
    if (!enters) return this.#host.end(order);
    this.#host.enter(order);
    if (this.#host.isOpen(order) && !this.waiting.includes(order)) this.#entered.push(order);
  }
}
