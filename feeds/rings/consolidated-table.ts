import type { BookSide, FeedFault, FeedState } from '../feed.ts';
import { allocateLockedRows, type LockedRowsHandle, LockedRowsReader } from './locked-rows.ts';

/**
 * A consolidated book in shared memory, for any thread: the best prices of one instrument over several sources, with the
 * quantity of each source at each price. It is one row of a table of locked rows, so that a reader never sees half of
 * an update.
 *
 *   field 0        7                      7 + 3K                 7 + 3K + N(1 + K)
 *   ┌─────────────┬──────────────────────┬──────────────────────┬─────────────┐
 *   │ whole book  │ source 0 … source K-1│ bid 0 … bid N-1      │ asks        │
 *   │             │ state, fault, time   │ price, K quantities  │ as the bids │
 *   └─────────────┴──────────────────────┴──────────────────────┴─────────────┘
 *
 * K sources, N levels a side. All prices and quantities are exact integers in [0, 2^53), in units of
 * 10^-priceDecimals and 10^-quantityDecimals.
 */
export const ConsolidatedField = {
  priceDecimals: 0,
  quantityDecimals: 1,
  /** When a message changed what the book shows, last, us. */
  timeUs: 2,
  /** A {@link Crossing}. */
  crossing: 3,
  /** Levels that were left out until now, because they need 2^53 units or more. */
  leftOut: 4,
  /** Levels of each side. */
  bids: 5,
  asks: 6,
} as const;

/** Fields of a source, from {@link ConsolidatedLayout.sourceAt}. */
export const BookSourceField = {
  /** A `FeedState`. Only levels of live sources are in the book. */
  state: 0,
  /** The `FeedFault` that led to the state. */
  fault: 1,
  /** When the state was entered, us. */
  stateTimeUs: 2,
} as const;

/** How the best bid stands to the best ask. Between venues all three occur. */
export const Crossing = {
  None: 0,
  /** They are equal. */
  Locked: 1,
  /** The bid is above the ask: who buys at one venue and sells at the other has the difference, before fees. */
  Crossed: 2,
} as const;
export type Crossing = (typeof Crossing)[keyof typeof Crossing];

const HEADER_FIELDS = Object.keys(ConsolidatedField).length;
const SOURCE_FIELDS = Object.keys(BookSourceField).length;

/** Bounds of a book, so that the cost of an update is bounded. */
export const MAX_BOOK_SOURCES = 16;
export const MAX_BOOK_LEVELS = 50;
export const DEFAULT_BOOK_LEVELS = 10;

/** An instrument of a source that a consolidated book includes. */
export interface BookSource {
  /** Name of the source. */
  readonly feed: string;
  /** As the venue writes it. */
  readonly instrument: string;
}

/** A consolidated book by configuration. */
export interface BookSpec {
  readonly name: string;
  /** Levels of each side, 1 to {@link MAX_BOOK_LEVELS}. */
  readonly levels: number;
  /** 1 to {@link MAX_BOOK_SOURCES}. An instrument of a source is in one book at most. */
  readonly sources: readonly BookSource[];
}

/** A consolidated book, sent by `postMessage` to any thread. */
export interface ConsolidatedHandle {
  readonly spec: BookSpec;
  readonly table: LockedRowsHandle;
}

/** Where the fields of a book stand in its row. */
export class ConsolidatedLayout {
  readonly levels: number;
  readonly sources: number;
  /** Fields of a level. */
  readonly levelFields: number;
  readonly fields: number;

  constructor({ levels, sources }: BookSpec) {
    this.levels = levels;
    this.sources = sources.length;
    this.levelFields = 1 + this.sources;
    this.fields = HEADER_FIELDS + this.sources * SOURCE_FIELDS + 2 * levels * this.levelFields;
  }

  /** The first field of a source. */
  sourceAt(source: number): number {
    return HEADER_FIELDS + source * SOURCE_FIELDS;
  }

  /** The price of a level; the quantity of each source follows. */
  levelAt(side: BookSide, level: number): number {
    return HEADER_FIELDS + this.sources * SOURCE_FIELDS + (side * this.levels + level) * this.levelFields;
  }
}

export function allocateConsolidated(spec: BookSpec): ConsolidatedHandle {
  return { spec, table: allocateLockedRows({ fields: new ConsolidatedLayout(spec).fields, rows: 1 }) };
}

/**
 * A reading end, and the private copy that it reads into. One thread owns it. The copy is valid until the next {@link read}.
 *
 * ```ts
 * book.read();
 * if (book.bids > 0) use(book.price(BookSide.Bid, 0), book.total(BookSide.Bid, 0));
 * ```
 */
export class ConsolidatedReader {
  readonly spec: BookSpec;
  readonly #layout: ConsolidatedLayout;
  readonly #rows: LockedRowsReader;
  readonly #fields: Float64Array;

  /** @throws FeedMemoryError */
  constructor({ spec, table }: ConsolidatedHandle) {
    this.spec = spec;
    this.#layout = new ConsolidatedLayout(spec);
    this.#rows = new LockedRowsReader(table, this.#layout.fields);
    this.#fields = new Float64Array(this.#layout.fields);
  }

  /** Copies the book, never torn. @returns a number that changes with the book */
  read(): number {
    return this.#rows.read(0, this.#fields);
  }

  get priceDecimals(): number {
    return this.#fields[ConsolidatedField.priceDecimals];
  }
  get quantityDecimals(): number {
    return this.#fields[ConsolidatedField.quantityDecimals];
  }
  get timeUs(): number {
    return this.#fields[ConsolidatedField.timeUs];
  }
  get crossing(): Crossing {
    return this.#fields[ConsolidatedField.crossing] as Crossing;
  }
  get leftOut(): number {
    return this.#fields[ConsolidatedField.leftOut];
  }
  get bids(): number {
    return this.#fields[ConsolidatedField.bids];
  }
  get asks(): number {
    return this.#fields[ConsolidatedField.asks];
  }

  /** @param source by its place in {@link BookSpec.sources}, as in the methods below */
  state(source: number): FeedState {
    return this.#fields[this.#layout.sourceAt(source) + BookSourceField.state] as FeedState;
  }
  fault(source: number): FeedFault {
    return this.#fields[this.#layout.sourceAt(source) + BookSourceField.fault] as FeedFault;
  }
  stateTimeUs(source: number): number {
    return this.#fields[this.#layout.sourceAt(source) + BookSourceField.stateTimeUs];
  }

  /** @param level from 0, the best, to below {@link bids} or {@link asks} */
  price(side: BookSide, level: number): number {
    return this.#fields[this.#layout.levelAt(side, level)];
  }

  /** What a source has at the price of a level; 0 if nothing. */
  quantity(side: BookSide, level: number, source: number): number {
    return this.#fields[this.#layout.levelAt(side, level) + 1 + source];
  }

  /** What all sources have at the price of a level. @returns -1 if it is 2^53 units or more */
  total(side: BookSide, level: number): number {
    let total = 0;
    for (let source = 0; source < this.#layout.sources; source++) total += this.quantity(side, level, source);
    return total <= Number.MAX_SAFE_INTEGER ? total : -1;
  }
}
