import { endBook } from '../books/end-book.ts';
import { areSorted, replaceLevels } from '../books/replace-levels.ts';
import { VenueBook } from '../books/venue-book.ts';
import { BookSide, FeedFault, type FeedSink, FeedState, TakerSide } from '../feed.ts';

/** Types of event in a message file. */
const Event = { New: 1, Cancel: 2, Delete: 3, Execution: 4, HiddenExecution: 5, Cross: 6, Halt: 7 } as const;
const BUY = 1;
/** More levels than LOBSTER offers. */
const MAX_DEPTH = 1024;

/** Prices of LOBSTER are integers of 10^-4 dollars. */
export const LOBSTER_PRICE_DECIMALS = 4;

/**
 * The book of a day of LOBSTER: a file of events, and a file with the first levels of the book after each of them.
 *
 * The events follow one another exactly, but the book before the first one is not in the files, nor what happens
 * beyond the last level. So the first row of the book, and each level that comes into view from
 * beyond the last one, is taken from the book file. All other levels follow from the events,
 * and {@link state} compares them with the file: that is a check, and all of them must be right.
 *
 * Without a book file, orders from before the first event are unknown, and changes of them are counted as faults.
 *
 * Source: LOBSTER output structure, https://lobsterdata.com/info/DataStructure.php
 */
export class LobsterBook {
  readonly #sink: FeedSink;
  readonly #instrument: number;
  readonly #book: VenueBook;
  readonly #dayStartUs: number;
  readonly #prices = new Float64Array(MAX_DEPTH);
  readonly #quantities = new Float64Array(MAX_DEPTH);
  #timeUs = 0;
  /** States that were compared, and of these the ones that were wrong. */
  checks = 0;
  failed = 0;

  /**
   * @param instrument its number in the sink
   * @param dayStartUs midnight of the venue's day in microseconds since 1970
   */
  constructor(sink: FeedSink, instrument: number, dayStartUs = 0) {
    this.#sink = sink;
    this.#instrument = instrument;
    this.#dayStartUs = dayStartUs;
    this.#book = new VenueBook();
    sink.scale(this.#instrument, LOBSTER_PRICE_DECIMALS, 0);
    sink.status(this.#instrument, FeedState.Live, FeedFault.None);
  }

  /**
   * An event. @param timeUs since midnight @param type see LOBSTER @param direction of the order that is new, changed or
   * executed: 1 buy, -1 sell. @returns false for a type that is not known, or a number that is out of range
   */
  event(timeUs: number, type: number, size: number, price: number, direction: number): boolean {
    if (type === Event.Halt) return this.#halt(price);
    if (!isCount(size) || size === 0 || !isCount(price) || (direction !== 1 && direction !== -1)) return false;
    this.#timeUs = this.#dayStartUs + timeUs;
    const side = direction === BUY ? BookSide.Bid : BookSide.Ask;
    switch (type) {
      case Event.New:
        this.#change(side, price, size);
        return true;
      case Event.Cancel:
      case Event.Delete:
        this.#change(side, price, -size);
        return true;
      case Event.Execution:
        this.#change(side, price, -size);
        this.#trade(price, size, side === BookSide.Bid ? TakerSide.Sell : TakerSide.Buy);
        return true;
      case Event.HiddenExecution:
        this.#trade(price, size, side === BookSide.Bid ? TakerSide.Sell : TakerSide.Buy);
        return true;
      case Event.Cross:
        this.#trade(price, size, TakerSide.Unknown);
        return true;
      default:
        return false;
    }
  }

  /**
   * The levels of the book file after the event that was the last: ask price, ask size, bid price, bid size, level by
   * level. The first call, before any event, is the book to begin with.
   * @param row packed from `at`, `columns` numbers
   */
  state(row: Float64Array, at: number, columns: number): void {
    this.checks++;
    const depth = columns / 4;
    const right = this.#compare(BookSide.Ask, row, at, depth) && this.#compare(BookSide.Bid, row, at + 2, depth);
    if (!right) {
      this.failed++;
      this.#sink.fault(this.#instrument, FeedFault.ChecksumWrong);
    }
    this.#adopt(BookSide.Ask, row, at, depth);
    this.#adopt(BookSide.Bid, row, at + 2, depth);
    endBook(this.#sink, this.#instrument, this.#timeUs, this.#book);
  }

  /** The book to begin with is not known: it is empty. */
  begin(): void {
    this.#sink.bookClear(this.#instrument);
    endBook(this.#sink, this.#instrument, 0, this.#book);
  }

  /** The book to begin with: the first row of the book file, without what the first event did. */
  seed(row: Float64Array, at: number, columns: number, type: number, size: number, price: number, direction: number): void {
    this.#sink.bookClear(this.#instrument);
    this.#adopt(BookSide.Ask, row, at, columns / 4);
    this.#adopt(BookSide.Bid, row, at + 2, columns / 4);
    const before = type === Event.New ? -size : type === Event.Cancel || type === Event.Delete || type === Event.Execution ? size : 0;
    if (before !== 0) this.#change(direction === BUY ? BookSide.Bid : BookSide.Ask, price, before);
    endBook(this.#sink, this.#instrument, 0, this.#book);
  }

  /** An event whose state is not known: no book file. */
  endEvent(): void {
    endBook(this.#sink, this.#instrument, this.#timeUs, this.#book);
  }

  #halt(price: number): boolean {
    const halted = price === -1;
    this.#sink.status(this.#instrument, halted ? FeedState.Stale : FeedState.Live, FeedFault.None);
    return true;
  }

  /** True if the levels that are known are the ones of the row. */
  #compare(side: BookSide, row: Float64Array, at: number, depth: number): boolean {
    const levels = this.#book.side(side);
    for (let level = 0; level < Math.min(depth, levels.length); level++) {
      if (levels.price(level) !== row[at + level * 4] || levels.quantity(level) !== row[at + level * 4 + 1]) return false;
    }
    return true;
  }

  /** Takes the levels of the row: those that came into view, and all of them after a wrong state. Levels beyond are dropped. */
  #adopt(side: BookSide, row: Float64Array, at: number, depth: number): void {
    let count = 0;
    for (; count < Math.min(depth, MAX_DEPTH); count++) {
      const price = row[at + count * 4];
      const quantity = row[at + count * 4 + 1];
      // LOBSTER writes size 0 and a price out of range where a side has fewer levels.
      if (!isCount(price) || !isCount(quantity) || quantity === 0) break;
      this.#prices[count] = price;
      this.#quantities[count] = quantity;
    }
    const levels = this.#book.side(side);
    if (!areSorted(levels, this.#prices, count)) this.#sink.fault(this.#instrument, FeedFault.Malformed);
    else replaceLevels(this.#sink, this.#instrument, levels, this.#prices, this.#quantities, count, LOBSTER_PRICE_DECIMALS);
  }

  #change(side: BookSide, price: number, difference: number): void {
    const levels = this.#book.side(side);
    const level = levels.find(price);
    const had = level === -1 ? 0 : levels.quantity(level);
    if (had + difference < 0) {
      this.#sink.fault(this.#instrument, had === 0 ? FeedFault.UnknownOrder : FeedFault.OrderExceeded);
    }
    if (had > 0 || difference > 0) this.#set(side, price, Math.max(0, had + difference));
  }

  #set(side: BookSide, price: number, quantity: number): void {
    this.#book.side(side).set(price, quantity, LOBSTER_PRICE_DECIMALS, 0);
    this.#sink.level(this.#instrument, side, price, quantity);
  }

  #trade(price: number, size: number, taker: TakerSide): void {
    this.#sink.trade(this.#instrument, price, size, taker, this.#timeUs, 0);
  }
}

/** A price or size of a stated event. */
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
