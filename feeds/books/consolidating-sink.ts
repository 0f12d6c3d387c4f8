import { ALL_INSTRUMENTS, type BookSide, type FeedFault, type FeedState, type TakerSide } from '../feed.ts';
import type { InstrumentTerms } from '../instrument-terms.ts';
import type { PublishedSink } from '../rings/record-publisher.ts';
import type { ConsolidatedBook } from './consolidated-book.ts';

/** An instrument of the source, by its number in the sink, and its place in a consolidated book. */
export interface ConsolidatedInstrument {
  readonly instrument: number;
  readonly book: ConsolidatedBook;
  readonly source: number;
}

/**
 * The sink of a source with instruments that consolidated books include: it keeps those books, and passes every call on.
 * At a flush, the books become visible before what the next sink has.
 */
export class ConsolidatingSink implements PublishedSink {
  readonly #next: PublishedSink;
  /** By the number of the instrument, as far as there are any. */
  readonly #books: (ConsolidatedBook | undefined)[] = [];
  readonly #sources: number[] = [];
  /** Each book once. */
  readonly #distinct: readonly ConsolidatedBook[];
  #nowUs = 0;

  constructor(next: PublishedSink, instruments: readonly ConsolidatedInstrument[]) {
    this.#next = next;
    const length = Math.max(...instruments.map(({ instrument }) => instrument)) + 1;
    for (let i = 0; i < length; i++) {
      const found = instruments.find(({ instrument }) => instrument === i);
      this.#books.push(found?.book);
      this.#sources.push(found?.source ?? -1);
    }
    this.#distinct = [...new Set(instruments.map(({ book }) => book))];
  }

  received(nowUs: number): void {
    this.#nowUs = nowUs;
    this.#next.received(nowUs);
  }

  at(nowUs: number): void {
    this.#nowUs = nowUs;
    this.#next.at(nowUs);
  }

  flush(): void {
    for (let i = 0; i < this.#distinct.length; i++) this.#distinct[i].publish(this.#nowUs);
    this.#next.flush();
  }

  instrument(name: string): number {
    return this.#next.instrument(name);
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    this.#book(instrument)?.scale(this.#sources[instrument], priceDecimals, quantityDecimals);
    this.#next.scale(instrument, priceDecimals, quantityDecimals);
  }

  sequence(venueSequence: number): void {
    this.#next.sequence(venueSequence);
  }

  bookClear(instrument: number): void {
    this.#book(instrument)?.bookClear(this.#sources[instrument]);
    this.#next.bookClear(instrument);
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    this.#book(instrument)?.level(this.#sources[instrument], side, price, quantity);
    this.#next.level(instrument, side, price, quantity);
  }

  bookEnd(instrument: number, venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    this.#book(instrument)?.bookEnd(this.#sources[instrument]);
    this.#next.bookEnd(instrument, venueTimeUs, bid, bidQuantity, ask, askQuantity);
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void {
    this.#next.trade(instrument, price, quantity, takerSide, venueTimeUs, tradeId);
  }

  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void {
    this.#next.quote(instrument, bid, bidQuantity, ask, askQuantity, venueTimeUs);
  }

  listed(instrument: number, terms: InstrumentTerms): void {
    this.#next.listed?.(instrument, terms);
  }

  status(instrument: number, state: FeedState, fault: FeedFault): void {
    if (instrument !== ALL_INSTRUMENTS) this.#book(instrument)?.status(this.#sources[instrument], state, fault, this.#nowUs);
    this.#next.status(instrument, state, fault);
  }

  fault(instrument: number, fault: FeedFault): void {
    this.#next.fault(instrument, fault);
  }

  #book(instrument: number): ConsolidatedBook | undefined {
    return instrument < this.#books.length ? this.#books[instrument] : undefined;
  }
}
