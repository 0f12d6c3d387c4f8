import { ALL_INSTRUMENTS, type BookSide, type FeedFault, type FeedState, type TakerSide } from '../feed.ts';
import type { InstrumentTerms } from '../instrument-terms.ts';
import type { PublishedSink } from '../rings/record-publisher.ts';
import { FileInstruments, UNWANTED } from './file-instruments.ts';

/** The number that an adapter gets for each instrument that is not wanted. */
const NOWHERE = 2 ** 30;

/** The sink of an adapter that plays a capture: it passes on what is wanted. */
export class SelectedSink implements PublishedSink {
  readonly instruments: FileInstruments;
  readonly #sink: PublishedSink;

  /** Parameters as those of {@link FileInstruments}. */
  constructor(sink: PublishedSink, wanted: readonly string[], isRefused: (instrument: number) => boolean) {
    this.#sink = sink;
    this.instruments = new FileInstruments(sink, wanted, isRefused);
  }

  received(nowUs: number): void {
    this.#sink.received(nowUs);
  }

  at(nowUs: number): void {
    this.#sink.at(nowUs);
  }

  flush(): void {
    this.#sink.flush();
  }

  instrument(name: string): number {
    const number = this.instruments.number(name);
    return number === UNWANTED ? NOWHERE : number;
  }

  sequence(venueSequence: number): void {
    this.#sink.sequence(venueSequence);
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    if (instrument !== NOWHERE) this.#sink.scale(instrument, priceDecimals, quantityDecimals);
  }

  listed(instrument: number, terms: InstrumentTerms): void {
    if (instrument !== NOWHERE) this.#sink.listed?.(instrument, terms);
  }

  bookClear(instrument: number): void {
    if (instrument !== NOWHERE) this.#sink.bookClear(instrument);
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    if (instrument !== NOWHERE) this.#sink.level(instrument, side, price, quantity);
  }

  bookEnd(instrument: number, venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    if (instrument !== NOWHERE) this.#sink.bookEnd(instrument, venueTimeUs, bid, bidQuantity, ask, askQuantity);
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void {
    if (instrument !== NOWHERE) this.#sink.trade(instrument, price, quantity, takerSide, venueTimeUs, tradeId);
  }

  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void {
    if (instrument !== NOWHERE) this.#sink.quote(instrument, bid, bidQuantity, ask, askQuantity, venueTimeUs);
  }

  status(instrument: number, state: FeedState, fault: FeedFault): void {
    if (instrument === ALL_INSTRUMENTS) this.#sink.status(instrument, state, fault);
    else if (instrument !== NOWHERE) this.instruments.status(instrument, state, fault);
  }

  fault(instrument: number, fault: FeedFault): void {
    if (instrument !== NOWHERE) this.#sink.fault(instrument, fault);
  }
}
