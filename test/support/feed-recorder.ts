import assert from 'node:assert/strict';
import {
  ALL_INSTRUMENTS,
  BookSide,
  FeedFault,
  type FeedLine,
  type FeedSink,
  type FeedState,
  faultCode,
  stateName,
  type TakerSide,
} from '../../feeds/feed.ts';
import { decimalText } from '../../feeds/text/decimal.ts';

/**
 * A sink and a line for tests. Calls become lines of text, numbers decimal text in their units. Books are kept by
 * price, independently of an adapter's own.
 */
export class FeedRecorder implements FeedSink, FeedLine {
  readonly lines: string[] = [];
  readonly faults = new Map<string, number>();
  readonly names: string[] = [];
  readonly states: FeedState[] = [];
  readonly #scales: [number, number][] = [];
  readonly #books: Map<number, number>[][] = [];
  /** Levels are not written as lines. */
  readonly quiet: boolean;

  constructor(quiet = false) {
    this.quiet = quiet;
  }

  /** Takes the lines so far. */
  take(): string[] {
    return this.lines.splice(0);
  }

  /** `price x quantity`, best first, as the sink has it. */
  book(name: string, side: BookSide): string[] {
    const instrument = this.names.indexOf(name);
    const levels = [...(this.#books[instrument]?.[side] ?? [])].sort(([a], [b]) => (side === BookSide.Bid ? b - a : a - b));
    return levels.map(([price, quantity]) => `${this.#price(instrument, price)} x ${this.#quantity(instrument, quantity)}`);
  }

  instrument(name: string): number {
    const known = this.names.indexOf(name);
    if (known !== -1) return known;
    this.#books.push([new Map(), new Map()]);
    return this.names.push(name) - 1;
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    this.#scales[instrument] = [priceDecimals, quantityDecimals];
    this.lines.push(`scale ${this.names[instrument]} ${priceDecimals} ${quantityDecimals}`);
  }

  sequence(): void {
    // Tests of sequences use the ledger.
  }

  bookClear(instrument: number): void {
    for (const side of this.#books[instrument]) side.clear();
    if (!this.quiet) this.lines.push(`clear ${this.names[instrument]}`);
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    if (quantity === 0) this.#books[instrument][side].delete(price);
    else this.#books[instrument][side].set(price, quantity);
    if (this.quiet) return;
    const text = `${this.#price(instrument, price)} x ${this.#quantity(instrument, quantity)}`;
    this.lines.push(`${side === BookSide.Bid ? 'bid' : 'ask'} ${this.names[instrument]} ${text}`);
  }

  bookEnd(instrument: number, venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    const [bids, asks] = this.#books[instrument];
    const best = [bids.size === 0 ? 0 : Math.max(...bids.keys()), asks.size === 0 ? 0 : Math.min(...asks.keys())];
    assert.deepEqual([bid, bidQuantity, ask, askQuantity], [best[0], bids.get(best[0]) ?? 0, best[1], asks.get(best[1]) ?? 0]);
    if (!this.quiet) this.lines.push(`end ${this.names[instrument]} ${venueTimeUs}`);
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void {
    const side = ['', 'buy ', 'sell '][takerSide];
    const text = `${side}${this.#price(instrument, price)} x ${this.#quantity(instrument, quantity)}`;
    this.lines.push(`trade ${this.names[instrument]} ${text} at ${venueTimeUs} id ${tradeId}`);
  }

  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void {
    const bidText = `${this.#price(instrument, bid)} x ${this.#quantity(instrument, bidQuantity)}`;
    const askText = `${this.#price(instrument, ask)} x ${this.#quantity(instrument, askQuantity)}`;
    this.lines.push(`quote ${this.names[instrument]} ${bidText} / ${askText} at ${venueTimeUs}`);
  }

  status(instrument: number, state: FeedState, fault: FeedFault): void {
    if (instrument !== ALL_INSTRUMENTS) this.states[instrument] = state;
    const why = fault === FeedFault.None ? '' : ` ${faultCode(fault)}`;
    this.lines.push(`status ${this.#name(instrument)} ${stateName(state)}${why}`);
  }

  fault(instrument: number, fault: FeedFault): void {
    const code = faultCode(fault);
    this.faults.set(code, (this.faults.get(code) ?? 0) + 1);
    this.lines.push(`fault ${this.#name(instrument)} ${code}`);
  }

  send(text: string): void {
    this.lines.push(`send ${text}`);
  }

  fetch(url: string): void {
    this.lines.push(`fetch ${url}`);
  }

  reconnect(fault: FeedFault): void {
    this.lines.push(`reconnect ${faultCode(fault)}`);
  }

  #name(instrument: number): string {
    return instrument === ALL_INSTRUMENTS ? '*' : this.names[instrument];
  }

  #price(instrument: number, price: number): string {
    const decimals = this.#scales[instrument][0];
    return decimalText(price, decimals, decimals);
  }

  #quantity(instrument: number, quantity: number): string {
    const decimals = this.#scales[instrument][1];
    return decimalText(quantity, decimals, decimals);
  }
}
