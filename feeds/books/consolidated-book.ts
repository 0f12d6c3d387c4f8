import { BookSide, FeedFault, FeedState } from '../feed.ts';
import { BookSourceField, ConsolidatedField, type ConsolidatedHandle, ConsolidatedLayout, Crossing } from '../rings/consolidated-table.ts';
import { LockedRowsWriter } from '../rings/locked-rows.ts';
import { POWERS } from '../text/decimal.ts';
import { type BookLevels, LevelChange, VenueBook } from './venue-book.ts';

/** What a consolidated book keeps of one source. */
class SourceBook {
  /** All levels of the source, in the units of the consolidated book. */
  readonly levels = new VenueBook();
  state: FeedState = FeedState.Down;
  fault: FeedFault = FeedFault.None;
  stateTimeUs = 0;
  /** Units of the source. */
  priceDecimals = 0;
  quantityDecimals = 0;
  /** From those of the source to those of the book. */
  priceFactor = 1;
  quantityFactor = 1;
  /** The units of the source and of the book have units in common. */
  fits = true;
  /** An update is being written: its levels are not yet those of one moment. */
  updating = false;

  /** Its levels count. */
  get live(): boolean {
    return this.fits && this.state === FeedState.Live;
  }

  /** What readers see as its state. */
  get shownState(): FeedState {
    if (this.state !== FeedState.Live) return this.state;
    return !this.fits ? FeedState.Stale : this.updating ? FeedState.Syncing : FeedState.Live;
  }

  get shownFault(): FeedFault {
    return this.state === FeedState.Live && !this.fits ? FeedFault.NumberTooLarge : this.fault;
  }
}

/**
 * The best levels of one instrument over several sources: a state machine that takes the levels of each source, and
 * publishes what follows into shared memory. Sources are numbered by their place in the configuration.
 *
 * Only live sources count. The units are the smallest of all sources and never become larger. A level that needs 2^53 of
 * them or more is left out, and counted; a source is left out as a whole (`NUMBER_TOO_LARGE`) if no units can hold its
 * prices and those of the others.
 *
 * A change of one level costs a search in the levels of its source. Only if it is among those that are shown, `publish`
 * merges its side anew: levels x sources steps. Nothing is allocated, except where the book of a source becomes larger
 * than ever. One thread writes a book.
 */
export class ConsolidatedBook {
  readonly #rows: LockedRowsWriter;
  readonly #layout: ConsolidatedLayout;
  readonly #sources: readonly SourceBook[];
  #priceDecimals = 0;
  #quantityDecimals = 0;
  /** By side: how many levels are shown, and the price of the last one. */
  readonly #shown = new Int32Array(2);
  readonly #worst = new Float64Array(2);
  /** By side: what is shown may not be what follows from the sources. */
  readonly #changed = new Uint8Array(2);
  /** For the merge, by source: the next level of a side, and its price, negative for bids; infinite behind the last. */
  readonly #depths: Int32Array;
  readonly #keys: Float64Array;

  /** All sources are down, and the book is empty: also for readers, whatever the memory has. @param fault why they are down */
  constructor({ spec, table }: ConsolidatedHandle, fault: FeedFault, nowUs: number) {
    const layout = new ConsolidatedLayout(spec);
    this.#layout = layout;
    this.#rows = new LockedRowsWriter(table, layout.fields);
    if (this.#rows.used === 0) this.#rows.add('', []);
    this.#sources = spec.sources.map(() => new SourceBook());
    this.#depths = new Int32Array(layout.sources);
    this.#keys = new Float64Array(layout.sources);
    for (let source = 0; source < layout.sources; source++) this.status(source, FeedState.Down, fault, nowUs);
    this.publish(nowUs);
  }

  /** As the calls of `FeedSink` with these names, for the instrument of a source. */
  scale(source: number, priceDecimals: number, quantityDecimals: number): void {
    const of = this.#sources[source];
    of.priceDecimals = priceDecimals;
    of.quantityDecimals = quantityDecimals;
    this.#fit(of);
  }

  bookClear(source: number): void {
    const of = this.#sources[source];
    of.levels.clear();
    of.updating = true;
    if (!of.fits) this.#fit(of);
    if (of.live) this.#changed.fill(1);
  }

  level(source: number, side: BookSide, price: number, quantity: number): void {
    const of = this.#sources[source];
    of.updating = true;
    if (!of.fits) return;
    const { draft } = this.#rows;
    const units = price * of.priceFactor;
    if (units > Number.MAX_SAFE_INTEGER) {
      if (quantity > 0) draft[ConsolidatedField.leftOut]++;
      return;
    }
    let amount = quantity * of.quantityFactor;
    if (amount > Number.MAX_SAFE_INTEGER) {
      draft[ConsolidatedField.leftOut]++;
      amount = 0;
    }
    setLevel(of.levels.side(side), units, amount);
    if (of.live && this.#isShown(side, units)) this.#changed[side] = 1;
  }

  bookEnd(source: number): void {
    this.#sources[source].updating = false;
  }

  status(source: number, state: FeedState, fault: FeedFault, nowUs: number): void {
    const of = this.#sources[source];
    of.state = state;
    of.fault = fault;
    of.stateTimeUs = nowUs;
    if (state !== FeedState.Live) of.updating = false;
    this.#changed.fill(1);
  }

  /**
   * Makes visible what changed since the last call. A source in the middle of an update, as an adapter that failed leaves it,
   * is not in the book before the update ends.
   * @param nowUs time of the message that brought the change
   */
  publish(nowUs: number): void {
    const updating = this.#updating();
    // Such a source leaves both sides now, and comes back.
    if (updating) this.#changed.fill(1);
    if (this.#changed[BookSide.Bid] + this.#changed[BookSide.Ask] === 0) return;
    const { draft } = this.#rows;
    draft[ConsolidatedField.priceDecimals] = this.#priceDecimals;
    draft[ConsolidatedField.quantityDecimals] = this.#quantityDecimals;
    draft[ConsolidatedField.timeUs] = nowUs;
    if (this.#changed[BookSide.Bid] === 1) draft[ConsolidatedField.bids] = this.#merge(BookSide.Bid);
    if (this.#changed[BookSide.Ask] === 1) draft[ConsolidatedField.asks] = this.#merge(BookSide.Ask);
    draft[ConsolidatedField.crossing] = this.#crossing();
    this.#changed.fill(updating ? 1 : 0);
    for (let source = 0; source < this.#sources.length; source++) this.#writeState(source);
    this.#rows.publish(0);
  }

  #updating(): boolean {
    for (let source = 0; source < this.#sources.length; source++)
      if (this.#sources[source].updating && this.#sources[source].live) return true;
    return false;
  }

  /** Makes the units small enough for those of a source, if all prices allow it. */
  #fit(of: SourceBook): void {
    const price = Math.max(this.#priceDecimals, of.priceDecimals);
    const quantity = Math.max(this.#quantityDecimals, of.quantityDecimals);
    of.fits = true;
    if (price !== this.#priceDecimals || quantity !== this.#quantityDecimals) {
      this.#changed.fill(1);
      for (const other of this.#sources) of.fits &&= other.levels.canGrow(price, quantity);
      if (!of.fits) {
        of.levels.clear();
        return;
      }
      this.#grow(price, quantity);
    }
    of.priceFactor = POWERS[price - of.priceDecimals];
    of.quantityFactor = POWERS[quantity - of.quantityDecimals];
  }

  #grow(priceDecimals: number, quantityDecimals: number): void {
    this.#priceDecimals = priceDecimals;
    this.#quantityDecimals = quantityDecimals;
    for (const source of this.#sources) {
      source.levels.grow(priceDecimals, quantityDecimals);
      this.#rows.draft[ConsolidatedField.leftOut] += source.levels.bids.dropCoarse() + source.levels.asks.dropCoarse();
      if (!source.fits) continue;
      source.priceFactor = POWERS[priceDecimals - source.priceDecimals];
      source.quantityFactor = POWERS[quantityDecimals - source.quantityDecimals];
    }
  }

  /** A level of this price is among those that are shown, or belongs there. */
  #isShown(side: BookSide, price: number): boolean {
    if (this.#shown[side] < this.#layout.levels) return true;
    return side === BookSide.Bid ? price >= this.#worst[side] : price <= this.#worst[side];
  }

  /** Writes the best levels of a side. @returns how many */
  #merge(side: BookSide): number {
    const { draft } = this.#rows;
    const { levels, levelFields, sources } = this.#layout;
    const keys = this.#keys;
    let next = Number.POSITIVE_INFINITY;
    for (let source = 0; source < sources; source++) {
      this.#depths[source] = -1;
      this.#advance(source, side);
      if (keys[source] < next) next = keys[source];
    }
    let count = 0;
    let at = this.#layout.levelAt(side, 0);
    for (; count < levels && next !== Number.POSITIVE_INFINITY; count++, at += levelFields) {
      const best = next;
      next = Number.POSITIVE_INFINITY;
      draft[at] = this.#worst[side] = Math.abs(best);
      for (let source = 0; source < sources; source++) {
        let quantity = 0;
        if (keys[source] === best) {
          quantity = this.#sources[source].levels.side(side).quantity(this.#depths[source]);
          this.#advance(source, side);
        }
        draft[at + 1 + source] = quantity;
        if (keys[source] < next) next = keys[source];
      }
    }
    this.#shown[side] = count;
    return count;
  }

  /** Goes to the next level of a source. */
  #advance(source: number, side: BookSide): void {
    const of = this.#sources[source];
    const levels = of.levels.side(side);
    const depth = ++this.#depths[source];
    if (!of.live || of.updating || depth >= levels.length) this.#keys[source] = Number.POSITIVE_INFINITY;
    else this.#keys[source] = side === BookSide.Bid ? -levels.price(depth) : levels.price(depth);
  }

  #crossing(): Crossing {
    if (this.#shown[BookSide.Bid] === 0 || this.#shown[BookSide.Ask] === 0) return Crossing.None;
    const { draft } = this.#rows;
    const bid = draft[this.#layout.levelAt(BookSide.Bid, 0)];
    const ask = draft[this.#layout.levelAt(BookSide.Ask, 0)];
    return bid < ask ? Crossing.None : bid === ask ? Crossing.Locked : Crossing.Crossed;
  }

  #writeState(source: number): void {
    const of = this.#sources[source];
    const { draft } = this.#rows;
    const at = this.#layout.sourceAt(source);
    draft[at + BookSourceField.state] = of.shownState;
    draft[at + BookSourceField.fault] = of.shownFault;
    draft[at + BookSourceField.stateTimeUs] = of.stateTimeUs;
  }
}

function setLevel(levels: BookLevels, price: number, quantity: number): void {
  if (levels.set(price, quantity, 0, 0) !== LevelChange.Refused) return;
  if (!levels.isBetter(price, levels.price(levels.length - 1))) return;
  levels.dropWorst();
  levels.set(price, quantity, 0, 0);
}
