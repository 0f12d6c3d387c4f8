import { type BookSide, FeedFault, type FeedSink, FeedState, type TakerSide } from '../feed.ts';
import { InstrumentStatus, type InstrumentTerms, sameTerms, unlisted } from '../instrument-terms.ts';
import { DecimalReader, MAX_DECIMALS } from '../text/decimal.ts';
import { endBook } from './end-book.ts';
import { type BookLevels, LevelChange, VenueBook } from './venue-book.ts';

/** A venue's servers differ by less. */
const CLOCK_STEP_US = 1e6;

/**
 * One instrument of one line: takes the numbers of the wire as text, keeps the book, and writes to the sink. What
 * venues have in common is here; when a book is whole and which updates belong to it is the adapter's.
 *
 * ```
 * snapshot:  beginSnapshot · level ... · endSnapshot        -> Live
 * update:    level ... · truncate · endUpdate
 * lost:      sync(fault)                                     -> Stale, until the next snapshot
 * ```
 */
export class InstrumentFeed {
  /** As the venue writes it. */
  readonly name: string;
  /** Its number in the sink. */
  readonly id: number;
  readonly book: VenueBook;
  /** Of the book. The sink gets what the venue's list says instead, if the instrument does not trade. */
  state: FeedState = FeedState.Syncing;
  /** What the venue's list says, last. */
  terms: InstrumentTerms;
  /** A snapshot was read and nothing was lost since: updates belong to the book. */
  whole = false;
  snapshots = 0;
  /** Updates of the book after a snapshot. */
  updates = 0;
  checks = 0;
  failed = 0;
  /** Snapshots, updates, trades and quotes that were written. */
  written = 0;
  /** Updates and snapshots after which the book was crossed. */
  crossed = 0;
  readonly #sink: FeedSink;
  readonly #price = new DecimalReader();
  readonly #quantity = new DecimalReader();
  readonly #askPrice = new DecimalReader();
  readonly #askQuantity = new DecimalReader();
  /** The sink has the units that the book has. */
  #scaled = false;
  /** The sink has a book, if an old one. */
  #shown = false;
  /** The sink's book is to be written again as a whole at the end of the update. */
  #rewrite = false;
  /** Why the book is in its state. */
  #stateFault: FeedFault = FeedFault.None;
  /** The state that the sink has. */
  #published: FeedState = FeedState.Syncing;
  /** Most decimals by the venue's list. */
  #listedPriceDecimals = MAX_DECIMALS;
  #listedQuantityDecimals = MAX_DECIMALS;
  /** The venue's time of the last snapshot or update that has one. */
  #venueTimeUs = 0;

  /** @param capacity most levels of a side */
  constructor(name: string, sink: FeedSink, capacity?: number) {
    this.name = name;
    this.terms = unlisted(name);
    this.id = sink.instrument(name);
    this.book = new VenueBook(capacity);
    this.#sink = sink;
    sink.status(this.id, this.state, FeedFault.None);
  }

  /** Of the book, whatever the venue's list says. */
  get live(): boolean {
    return this.state === FeedState.Live;
  }

  /** The venue's list says that it does not trade. */
  get suspended(): boolean {
    return this.terms.status === InstrumentStatus.Halted || this.delisted;
  }

  get delisted(): boolean {
    return this.terms.status === InstrumentStatus.Delisted;
  }

  /**
   * Takes what the venue's list says. Its decimals become the units, so that these need not change later; its status is shown in place
   * of the book's state while it does not trade. Not between the levels of an update.
   */
  list(terms: InstrumentTerms): void {
    const { status: before } = this.terms;
    if (terms.priceDecimals !== -1 && terms.quantityDecimals !== -1) this.#expectDecimals(terms.priceDecimals, terms.quantityDecimals);
    if (sameTerms(terms, this.terms)) return;
    this.terms = terms;
    this.#sink.listed?.(this.id, terms);
    if (terms.status !== before && this.suspended) this.fault(this.delisted ? FeedFault.Delisted : FeedFault.Halted);
    this.#tell();
  }

  #expectDecimals(priceDecimals: number, quantityDecimals: number): void {
    this.#listedPriceDecimals = priceDecimals;
    this.#listedQuantityDecimals = quantityDecimals;
    const finer = priceDecimals > this.book.priceDecimals || quantityDecimals > this.book.quantityDecimals;
    if (finer) this.#grow(Math.max(priceDecimals, this.book.priceDecimals), Math.max(quantityDecimals, this.book.quantityDecimals));
    this.#writeUnits();
  }

  /** The levels of a snapshot follow. The book before it is forgotten. */
  beginSnapshot(): void {
    this.book.clear();
    this.#rewrite = true;
  }

  /** @returns false if the book is crossed: then it is stale until an update or snapshot mends it */
  endSnapshot(venueTimeUs: number): boolean {
    this.whole = true;
    this.snapshots++;
    this.#venueTimeUs = venueTimeUs;
    return this.#end(venueTimeUs);
  }

  /**
   * A level of a snapshot or an update, absolute; quantity 0 removes it. A number that is refused is counted; if it is
   * the quantity, the level is removed, as its quantity is not known. A quantity that needs 2^53 units or more is kept in
   * the book, counted, and not written to the sink.
   * @returns the fault, or `None`
   */
  level(side: BookSide, bytes: Uint8Array, priceFrom: number, priceTo: number, quantityFrom: number, quantityTo: number): FeedFault {
    const price = this.#price;
    const quantity = this.#quantity;
    let fault = price.read(bytes, priceFrom, priceTo);
    if (fault === FeedFault.None) {
      fault = quantity.read(bytes, quantityFrom, quantityTo);
      if (fault === FeedFault.None) fault = this.#accept(price, quantity) ? FeedFault.None : FeedFault.NumberTooLarge;
      if (fault === FeedFault.None) fault = this.#set(side);
      else if (price.decimals <= this.book.priceDecimals) this.#remove(side, price.units(this.book.priceDecimals));
    }
    if (fault !== FeedFault.None) this.fault(fault);
    return fault;
  }

  /** Drops the levels beyond a depth, as venues do that send a limited number of levels. */
  truncate(depth: number): void {
    this.#truncateSide(this.book.bids, depth);
    this.#truncateSide(this.book.asks, depth);
  }

  /** The update is complete. A time that is more than a second before that of the last one is counted, and used. @returns as {@link endSnapshot} */
  endUpdate(venueTimeUs: number): boolean {
    this.updates++;
    if (venueTimeUs > 0) {
      if (venueTimeUs < this.#venueTimeUs - CLOCK_STEP_US) this.fault(FeedFault.ClockBack);
      this.#venueTimeUs = venueTimeUs;
    }
    return this.#end(venueTimeUs);
  }

  /** Counts a checksum of the venue. A wrong one is a fault; the adapter then asks for a snapshot. */
  checked(right: boolean): void {
    this.checks++;
    if (right) return;
    this.failed++;
    this.fault(FeedFault.ChecksumWrong);
  }

  /** The book is not to be trusted, or not there yet: stale if it was live, until the next snapshot. */
  sync(fault: FeedFault): void {
    this.whole = false;
    this.#setState(this.state === FeedState.Syncing ? FeedState.Syncing : FeedState.Stale, fault);
  }

  /** Nothing has come for long although others have something: counted, and stale until the next update. */
  quiet(): void {
    this.fault(FeedFault.Silent);
    this.#setState(FeedState.Stale, FeedFault.Silent);
  }

  /** A trade at price 0 is refused: 0 stands for no price. @returns the fault, or `None` */
  trade(
    bytes: Uint8Array,
    priceFrom: number,
    priceTo: number,
    quantityFrom: number,
    quantityTo: number,
    takerSide: TakerSide,
    venueTimeUs: number,
    tradeId: number,
  ): FeedFault {
    const fault = this.#read(this.#price, this.#quantity, bytes, priceFrom, priceTo, quantityFrom, quantityTo);
    if (fault !== FeedFault.None) return fault;
    const price = this.#price.units(this.book.priceDecimals);
    const quantity = this.#quantity.units(this.book.quantityDecimals);
    if (price === 0) return this.#refuse(this.#restate(FeedFault.NumberMalformed));
    this.#writeUnits();
    this.written++;
    this.#sink.trade(this.id, price, quantity, takerSide, venueTimeUs, tradeId);
    return FeedFault.None;
  }

  /** The first half of a quote: the bid. {@link quoteAsk} must follow. An empty text as price: the side has no orders. */
  quoteBid(bytes: Uint8Array, priceFrom: number, priceTo: number, quantityFrom: number, quantityTo: number): FeedFault {
    return this.#read(this.#price, this.#quantity, bytes, priceFrom, priceTo, quantityFrom, quantityTo);
  }

  /** The second half of a quote, which writes it. */
  quoteAsk(
    bytes: Uint8Array,
    priceFrom: number,
    priceTo: number,
    quantityFrom: number,
    quantityTo: number,
    venueTimeUs: number,
  ): FeedFault {
    const fault = this.#read(this.#askPrice, this.#askQuantity, bytes, priceFrom, priceTo, quantityFrom, quantityTo);
    if (fault !== FeedFault.None) return this.#restate(fault);
    const { priceDecimals, quantityDecimals } = this.book;
    const bid = this.#price.units(priceDecimals);
    const bidQuantity = this.#quantity.units(quantityDecimals);
    const ask = this.#askPrice.units(priceDecimals);
    const askQuantity = this.#askQuantity.units(quantityDecimals);
    if (bid === -1 || bidQuantity === -1 || ask === -1 || askQuantity === -1) return this.#refuse(this.#restate(FeedFault.NumberTooLarge));
    this.#writeUnits();
    this.written++;
    this.#sink.quote(this.id, bid, bidQuantity, ask, askQuantity, venueTimeUs);
    return FeedFault.None;
  }

  fault(fault: FeedFault): void {
    this.#sink.fault(this.id, fault);
  }

  /** Sets the level that was read. @returns `NumberTooLarge` if the sink cannot have its quantity */
  #set(side: BookSide): FeedFault {
    const { book } = this;
    const levels = book.side(side);
    const price = this.#price.units(book.priceDecimals);
    const units = this.#quantity.units(book.quantityDecimals);
    const coarse = units === -1;
    const quantity = coarse ? this.#quantity.mantissa : units;
    const coarseness = coarse ? book.quantityDecimals - this.#quantity.decimals : 0;
    const priceWritten = this.#price.written;
    const quantityWritten = this.#quantity.written;
    const change = levels.set(price, quantity, priceWritten, quantityWritten, coarseness);
    if (change === LevelChange.None) return FeedFault.None;
    if (change === LevelChange.Refused) {
      this.fault(FeedFault.BookFull);
      if (!levels.isBetter(price, levels.price(levels.length - 1))) return FeedFault.None;
      this.#dropWorst(levels);
      levels.set(price, quantity, priceWritten, quantityWritten, coarseness);
    }
    if (!this.#rewrite) this.#sink.level(this.id, side, price, coarse ? 0 : quantity);
    return coarse ? FeedFault.NumberTooLarge : FeedFault.None;
  }

  #remove(side: BookSide, price: number): void {
    if (price === -1 || this.book.side(side).set(price, 0, 0, 0) !== LevelChange.Removed) return;
    if (!this.#rewrite) this.#sink.level(this.id, side, price, 0);
  }

  #truncateSide(levels: BookLevels, depth: number): void {
    while (levels.length > depth) this.#dropWorst(levels);
  }

  #dropWorst(levels: BookLevels): void {
    if (!this.#rewrite) this.#sink.level(this.id, levels.side, levels.price(levels.length - 1), 0);
    levels.dropWorst();
  }

  #end(venueTimeUs: number): boolean {
    this.written++;
    if (this.#rewrite) this.#writeBook(venueTimeUs);
    else this.#writeEnd(venueTimeUs);
    const crossed = this.book.crossed;
    if (crossed) {
      this.crossed++;
      this.fault(FeedFault.Crossed);
    }
    this.#setState(crossed ? FeedState.Stale : FeedState.Live, crossed ? FeedFault.Crossed : FeedFault.None);
    return !crossed;
  }

  /** Reads a price and a quantity that belong to no level. */
  #read(
    price: DecimalReader,
    quantity: DecimalReader,
    bytes: Uint8Array,
    priceFrom: number,
    priceTo: number,
    quantityFrom: number,
    quantityTo: number,
  ): FeedFault {
    if (priceFrom === priceTo) {
      price.clear();
      quantity.clear();
      return FeedFault.None;
    }
    const priceFault = price.read(bytes, priceFrom, priceTo);
    if (priceFault !== FeedFault.None) return this.#refuse(priceFault);
    const quantityFault = quantity.read(bytes, quantityFrom, quantityTo);
    if (quantityFault !== FeedFault.None) return this.#refuse(quantityFault);
    const quantityDecimals = Math.max(this.book.quantityDecimals, quantity.decimals);
    const fits = quantity.units(quantityDecimals) !== -1 && this.#accept(price, quantity);
    return fits ? FeedFault.None : this.#refuse(FeedFault.NumberTooLarge);
  }

  #refuse(fault: FeedFault): FeedFault {
    this.fault(fault);
    return fault;
  }

  /** Whether the book can hold the price that was read; makes its units small enough for both numbers. */
  #accept(price: DecimalReader, quantity: DecimalReader): boolean {
    const priceDecimals = Math.max(this.book.priceDecimals, price.decimals);
    const quantityDecimals = Math.max(this.book.quantityDecimals, quantity.decimals);
    if (price.decimals > this.#listedPriceDecimals || quantity.decimals > this.#listedQuantityDecimals)
      this.fault(FeedFault.PrecisionWrong);
    if (price.units(priceDecimals) === -1) return false;
    if (priceDecimals === this.book.priceDecimals && quantityDecimals === this.book.quantityDecimals) return true;
    return this.#grow(priceDecimals, quantityDecimals);
  }

  #grow(priceDecimals: number, quantityDecimals: number): boolean {
    if (!this.book.grow(priceDecimals, quantityDecimals)) return false;
    this.#scaled = false;
    this.#rewrite = true;
    return true;
  }

  /** Before a number outside of the book: states the units, and writes the book in them if they changed. */
  #writeUnits(): void {
    if (this.#scaled) return;
    if (this.#shown) this.#writeBook(0);
    else this.#scale();
  }

  /** A number outside of the book is refused, but has made the units smaller: the book that was written is written in them. */
  #restate(fault: FeedFault): FeedFault {
    if (this.#shown) this.#writeUnits();
    return fault;
  }

  #scale(): void {
    if (this.#scaled) return;
    this.#sink.scale(this.id, this.book.priceDecimals, this.book.quantityDecimals);
    this.#scaled = true;
  }

  #writeBook(venueTimeUs: number): void {
    this.#scale();
    this.#sink.bookClear(this.id);
    this.#writeSide(this.book.bids);
    this.#writeSide(this.book.asks);
    this.#writeEnd(venueTimeUs);
    this.#rewrite = false;
    this.#shown = true;
  }

  #writeEnd(venueTimeUs: number): void {
    endBook(this.#sink, this.id, venueTimeUs, this.book);
  }

  #writeSide(levels: BookLevels): void {
    for (let depth = 0; depth < levels.length; depth++) {
      const quantity = levels.quantity(depth);
      if (quantity !== 0) this.#sink.level(this.id, levels.side, levels.price(depth), quantity);
    }
  }

  #setState(state: FeedState, fault: FeedFault): void {
    if (state === this.state) return;
    this.state = state;
    this.#stateFault = fault;
    this.#tell();
  }

  /** States what has changed for the sink. */
  #tell(): void {
    const shown = this.delisted ? FeedState.Delisted : this.suspended ? FeedState.Halted : this.state;
    if (shown === this.#published) return;
    this.#published = shown;
    const fault = this.delisted ? FeedFault.Delisted : this.suspended ? FeedFault.Halted : this.#stateFault;
    this.#sink.status(this.id, shown, fault);
  }
}
