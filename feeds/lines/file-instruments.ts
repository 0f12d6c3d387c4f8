import { MAX_FILE_LEVELS, VenueBook } from '../books/venue-book.ts';
import { ALL_INSTRUMENTS, type BookSide, FeedFault, type FeedSink, FeedState, type TakerSide } from '../feed.ts';
import type { PlayedSink } from './held-records.ts';

/** The number of an instrument that is not wanted. */
export const UNWANTED = -1;
/** Of a file whose instruments are not named, so that it does not fill the table for other sources. */
const MOST_INSTRUMENTS = 1024;

/** Of an instrument. */
interface Played {
  readonly name: string;
  /** As the file states it. */
  stated: FeedState;
  /** As the sink has it; undefined: nothing yet. */
  shown: FeedState | undefined;
  shownFault: FeedFault;
  crossed: boolean;
  /** This round of the file has it. */
  met: boolean;
  /** As the sink has it. Empty for a file of trades. */
  readonly book: VenueBook;
}

/**
 * The instruments of a file that is played: which of them are wanted, and their states. A book that is crossed is stale until an
 * update mends it. Names that were given are in the sink from the beginning, so that one that the file does not have is seen, too.
 */
export class FileInstruments implements PlayedSink {
  readonly #sink: FeedSink;
  readonly #isRefused: (instrument: number) => boolean;
  readonly #takesAll: boolean;
  readonly #numbers = new Map<string, number>();
  /** By number. */
  readonly #played = new Map<number, Played>();

  /**
   * @param wanted names; empty: the first {@link MOST_INSTRUMENTS} that appear
   * @param isRefused whether a number of the sink means that it has no room
   */
  constructor(sink: FeedSink, wanted: readonly string[], isRefused: (instrument: number) => boolean) {
    this.#sink = sink;
    this.#isRefused = isRefused;
    this.#takesAll = wanted.length === 0;
    for (const name of wanted) this.#add(name);
  }

  /** The number of an instrument of the file, or {@link UNWANTED}. */
  number(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      if (!this.#takesAll) return UNWANTED;
      if (this.#numbers.size >= MOST_INSTRUMENTS) {
        this.#sink.fault(ALL_INSTRUMENTS, FeedFault.UnknownInstrument);
        return UNWANTED;
      }
      number = this.#add(name);
    }
    const played = this.#played.get(number);
    if (played !== undefined) played.met = true;
    return number;
  }

  /** A round begins: no book is whole yet. */
  begin(): void {
    for (const [number, played] of this.#played) {
      played.stated = FeedState.Syncing;
      played.met = played.crossed = false;
      this.#show(number, played, FeedState.Syncing, FeedFault.None);
    }
  }

  /** The instrument with this number in the sink. Its book is valid during the call. */
  played(instrument: number): { readonly book: VenueBook } | undefined {
    return this.#played.get(instrument);
  }

  /** The file cannot be used, or not from here on: what it did not have is down. */
  fail(fault: FeedFault): void {
    for (const [number, played] of this.#played) {
      played.stated = played.met ? FeedState.Stale : FeedState.Down;
      this.#show(number, played, played.stated, fault);
    }
  }

  /** The file has ended, or is not read on: the last numbers of its instruments are old. */
  end(state: FeedState, fault: FeedFault): void {
    for (const [number, played] of this.#played) {
      played.stated = state;
      if (played.met) this.#show(number, played, state, fault);
    }
  }

  /** The instruments that this round of the file does not have are down; each is a fault. @returns their names */
  absent(): string[] {
    const names: string[] = [];
    for (const [number, played] of this.#played) {
      if (played.met) continue;
      names.push(played.name);
      this.#sink.fault(number, FeedFault.UnknownInstrument);
      this.#show(number, played, FeedState.Down, FeedFault.UnknownInstrument);
    }
    return names;
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    this.#sink.scale(instrument, priceDecimals, quantityDecimals);
    const book = this.#played.get(instrument)?.book;
    if (book === undefined || (book.priceDecimals === priceDecimals && book.quantityDecimals === quantityDecimals)) return;
    // Levels in other units are followed by a whole book.
    book.clear();
    book.priceDecimals = priceDecimals;
    book.quantityDecimals = quantityDecimals;
  }

  sequence(venueSequence: number): void {
    this.#sink.sequence(venueSequence);
  }

  bookClear(instrument: number): void {
    this.#sink.bookClear(instrument);
    this.#played.get(instrument)?.book.clear();
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    this.#sink.level(instrument, side, price, quantity);
    this.#played.get(instrument)?.book.side(side).set(price, quantity, 0, 0);
  }

  bookEnd(instrument: number, venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    this.#sink.bookEnd(instrument, venueTimeUs, bid, bidQuantity, ask, askQuantity);
    const played = this.#played.get(instrument);
    if (played === undefined) return;
    const crossed = bidQuantity > 0 && askQuantity > 0 && bid >= ask;
    if (crossed === played.crossed) return;
    played.crossed = crossed;
    if (played.stated !== FeedState.Live) return;
    if (crossed) this.#sink.fault(instrument, FeedFault.Crossed);
    this.#show(instrument, played, crossed ? FeedState.Stale : FeedState.Live, crossed ? FeedFault.Crossed : FeedFault.None);
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void {
    this.#sink.trade(instrument, price, quantity, takerSide, venueTimeUs, tradeId);
  }

  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void {
    this.#sink.quote(instrument, bid, bidQuantity, ask, askQuantity, venueTimeUs);
  }

  status(instrument: number, state: FeedState, fault: FeedFault): void {
    const played = this.#played.get(instrument);
    if (played === undefined) return;
    played.stated = state;
    const isCrossed = state === FeedState.Live && played.crossed;
    this.#show(instrument, played, isCrossed ? FeedState.Stale : state, isCrossed ? FeedFault.Crossed : fault);
  }

  #add(name: string): number {
    const number = this.#sink.instrument(name);
    const isRefused = this.#isRefused(number);
    this.#numbers.set(name, isRefused ? UNWANTED : number);
    if (isRefused) return UNWANTED;
    this.#played.set(number, {
      name,
      stated: FeedState.Syncing,
      shown: undefined,
      shownFault: FeedFault.None,
      crossed: false,
      met: false,
      book: new VenueBook(MAX_FILE_LEVELS),
    });
    return number;
  }

  #show(number: number, played: Played, state: FeedState, fault: FeedFault): void {
    if (played.shown === state && played.shownFault === fault) return;
    played.shown = state;
    played.shownFault = fault;
    this.#sink.status(number, state, fault);
  }
}
