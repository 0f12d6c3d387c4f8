import { FeedState } from '../feed.ts';
import { allocateLockedRows, type LockedRowsHandle, LockedRowsReader, LockedRowsWriter } from './locked-rows.ts';

/**
 * The newest values of each instrument, for any thread: best bid and ask, last trade, state. A row is one instrument
 * of one source. Its number is the instrument's number in ring records.
 */
export const LatestField = {
  /** Number of the source. */
  source: 0,
  /** A `FeedState`: of the instrument, or of its source if that is worse. */
  state: 1,
  /** The `FeedFault` that led to the state. */
  fault: 2,
  /** When the state was entered, us. */
  stateTimeUs: 3,
  priceDecimals: 4,
  quantityDecimals: 5,
  /** Best bid and ask; price and quantity are 0 on a side without orders. */
  bid: 6,
  bidQuantity: 7,
  ask: 8,
  askQuantity: 9,
  quoteVenueTimeUs: 10,
  quoteReceiveTimeUs: 11,
  /** Last trade; the quantity is 0 before the first. */
  tradePrice: 12,
  tradeQuantity: 13,
  takerSide: 14,
  tradeId: 15,
  tradeVenueTimeUs: 16,
  tradeReceiveTimeUs: 17,
  /** Number of the ring record that brought the newest change. The ring may show it a moment later. */
  record: 18,
} as const;

export const LATEST_FIELDS = Object.keys(LatestField).length;

/** Rows of instruments, by default. */
const DEFAULT_ROWS = 4096;

/** The memory of a table of latest values, sent by `postMessage` to any thread. */
export type LatestHandle = LockedRowsHandle;

export function allocateLatest(rows = DEFAULT_ROWS): LatestHandle {
  return allocateLockedRows({ fields: LATEST_FIELDS, rows });
}

/** The writing end: {@link LatestField}s of a row stand in `draft`, from `row * LATEST_FIELDS`. One thread owns it. */
export function latestWriter(handle: LatestHandle): LockedRowsWriter {
  return new LockedRowsWriter(handle, LATEST_FIELDS);
}

/** A private copy of one row; {@link LatestReader.read} fills it. Units and meaning as in {@link LatestField}. */
export class LatestValues {
  readonly fields = new Float64Array(LATEST_FIELDS);

  get source(): number {
    return this.fields[LatestField.source];
  }
  get state(): FeedState {
    return this.fields[LatestField.state] as FeedState;
  }
  /** The numbers may be used as prices. */
  get live(): boolean {
    return this.state === FeedState.Live;
  }
  get fault(): number {
    return this.fields[LatestField.fault];
  }
  get stateTimeUs(): number {
    return this.fields[LatestField.stateTimeUs];
  }
  get priceDecimals(): number {
    return this.fields[LatestField.priceDecimals];
  }
  get quantityDecimals(): number {
    return this.fields[LatestField.quantityDecimals];
  }
  get bid(): number {
    return this.fields[LatestField.bid];
  }
  get bidQuantity(): number {
    return this.fields[LatestField.bidQuantity];
  }
  get ask(): number {
    return this.fields[LatestField.ask];
  }
  get askQuantity(): number {
    return this.fields[LatestField.askQuantity];
  }
  get quoteVenueTimeUs(): number {
    return this.fields[LatestField.quoteVenueTimeUs];
  }
  get quoteReceiveTimeUs(): number {
    return this.fields[LatestField.quoteReceiveTimeUs];
  }
  get tradePrice(): number {
    return this.fields[LatestField.tradePrice];
  }
  get tradeQuantity(): number {
    return this.fields[LatestField.tradeQuantity];
  }
  get takerSide(): number {
    return this.fields[LatestField.takerSide];
  }
  get tradeId(): number {
    return this.fields[LatestField.tradeId];
  }
  get tradeVenueTimeUs(): number {
    return this.fields[LatestField.tradeVenueTimeUs];
  }
  get tradeReceiveTimeUs(): number {
    return this.fields[LatestField.tradeReceiveTimeUs];
  }
  get record(): number {
    return this.fields[LatestField.record];
  }
}

/**
 * A reading end. One thread owns it.
 *
 * ```ts
 * const row = table.find(source, 'XBT/USD');
 * table.read(row, values);
 * if (values.live) use(values.bid, values.ask);
 * ```
 */
export class LatestReader {
  readonly #rows: LockedRowsReader;
  /** Rows by source and name, as far as they were looked up. */
  readonly #found = new Map<string, number>();
  #known = 0;
  readonly #values = new LatestValues();

  /** @throws FeedMemoryError */
  constructor(handle: LatestHandle) {
    this.#rows = new LockedRowsReader(handle, LATEST_FIELDS);
  }

  /** Rows so far; rows are never removed. */
  get rows(): number {
    return this.#rows.used;
  }

  /** The instrument's name, as its venue writes it. @param row in [0, rows) */
  name(row: number): string {
    return this.#rows.name(row);
  }

  /** The row of an instrument of a source; -1 if there is none yet. Not for the hot path: keep the row. */
  find(source: number, name: string): number {
    for (const used = this.rows; this.#known < used; this.#known++) {
      this.read(this.#known, this.#values);
      this.#found.set(`${this.#values.source} ${this.name(this.#known)}`, this.#known);
    }
    return this.#found.get(`${source} ${name}`) ?? -1;
  }

  /** Copies a row, never torn. @param row in [0, rows) @returns a number that changes with the row */
  read(row: number, into: LatestValues): number {
    return this.#rows.read(row, into.fields);
  }
}
