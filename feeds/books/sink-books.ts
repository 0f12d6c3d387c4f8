import { ALL_INSTRUMENTS, type BookSide, type FeedFault, type FeedSink, FeedState } from '../feed.ts';
import { decimalText } from '../text/decimal.ts';
import { type BookLevels, MAX_FILE_LEVELS, VenueBook } from './venue-book.ts';

/** One instrument of {@link SinkBooks}. */
export class SinkBook {
  readonly name: string;
  readonly book: VenueBook = new VenueBook(MAX_FILE_LEVELS);
  state: FeedState = FeedState.Down;
  priceDecimals = 0;
  quantityDecimals = 0;
  /** Updates of the book, not counting whole books. */
  updates = 0;
  /** Updates of a live instrument after which the best bid was at or above the best ask. */
  crossed = 0;
  trades = 0;
  quotes = 0;
  /** A whole book is being written. */
  isWhole = false;

  constructor(name: string) {
    this.name = name;
  }

  /** The best `depth` levels as pairs of decimal text. */
  texts(side: BookSide, depth: number): [price: string, quantity: string][] {
    const levels = this.book.side(side);
    return Array.from({ length: Math.min(depth, levels.length) }, (_, level) => this.#text(levels, level));
  }

  #text(levels: BookLevels, level: number): [string, string] {
    return [
      decimalText(levels.price(level), this.priceDecimals, this.priceDecimals),
      decimalText(levels.quantity(level), this.quantityDecimals, this.quantityDecimals),
    ];
  }
}

/** A sink that keeps the book of each instrument, and counts. Behind a source that keeps no sorted book of its own. */
export class SinkBooks implements FeedSink {
  readonly instruments: SinkBook[] = [];
  /** By fault. */
  readonly faults = new Map<FeedFault, number>();
  readonly #numbers = new Map<string, number>();

  /** In the order of their names. */
  sorted(): SinkBook[] {
    return [...this.instruments].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  instrument(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.instruments.push(new SinkBook(name)) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    const of = this.instruments[instrument];
    of.priceDecimals = priceDecimals;
    of.quantityDecimals = quantityDecimals;
  }

  sequence(): void {
    // Books do not need it.
  }

  bookClear(instrument: number): void {
    this.instruments[instrument].book.clear();
    this.instruments[instrument].isWhole = true;
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    this.instruments[instrument].book.side(side).set(price, quantity, 0, 0);
  }

  bookEnd(instrument: number): void {
    const of = this.instruments[instrument];
    if (of.isWhole) of.isWhole = false;
    else of.updates++;
    // In an auction, or while trading is halted, orders may collect on both sides of a price.
    if (of.state === FeedState.Live && of.book.crossed) of.crossed++;
  }

  trade(instrument: number): void {
    this.instruments[instrument].trades++;
  }

  quote(instrument: number): void {
    this.instruments[instrument].quotes++;
  }

  status(instrument: number, state: FeedState): void {
    if (instrument !== ALL_INSTRUMENTS) this.instruments[instrument].state = state;
  }

  fault(_instrument: number, fault: FeedFault): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }
}
