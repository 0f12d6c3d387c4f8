import type { BookSide, FeedFault, FeedState, TakerSide } from '../feed.ts';
import type { InstrumentTerms } from '../instrument-terms.ts';
import type { PublishedSink } from '../rings/record-publisher.ts';

/** Passes on what an adapter writes, with the venue's times moved: for recorded data that are played as if they came now. */
export class ShiftedSink implements PublishedSink {
  /** Added to each time of the venue, microseconds. */
  shiftUs = 0;
  readonly #to: PublishedSink;

  constructor(to: PublishedSink) {
    this.#to = to;
  }

  received(nowUs: number): void {
    this.#to.received(nowUs);
  }
  at(nowUs: number): void {
    this.#to.at(nowUs);
  }
  flush(): void {
    this.#to.flush();
  }
  instrument(name: string): number {
    return this.#to.instrument(name);
  }
  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    this.#to.scale(instrument, priceDecimals, quantityDecimals);
  }
  listed(instrument: number, terms: InstrumentTerms): void {
    this.#to.listed?.(instrument, terms);
  }
  sequence(venueSequence: number): void {
    this.#to.sequence(venueSequence);
  }
  bookClear(instrument: number): void {
    this.#to.bookClear(instrument);
  }
  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    this.#to.level(instrument, side, price, quantity);
  }
  bookEnd(instrument: number, venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    this.#to.bookEnd(instrument, this.#moved(venueTimeUs), bid, bidQuantity, ask, askQuantity);
  }
  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void {
    this.#to.trade(instrument, price, quantity, takerSide, this.#moved(venueTimeUs), tradeId);
  }
  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void {
    this.#to.quote(instrument, bid, bidQuantity, ask, askQuantity, this.#moved(venueTimeUs));
  }
  status(instrument: number, state: FeedState, fault: FeedFault): void {
    this.#to.status(instrument, state, fault);
  }
  fault(instrument: number, fault: FeedFault): void {
    this.#to.fault(instrument, fault);
  }

  /** 0: the venue gives none. */
  #moved(venueTimeUs: number): number {
    return venueTimeUs === 0 ? 0 : Math.max(1, venueTimeUs + this.shiftUs);
  }
}
