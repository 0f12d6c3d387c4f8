import { type FeedState, FeedState as State, type TakerSide } from '../feed.ts';
import type { TradeListener } from '../rings/trade-listener.ts';
import type { BarBudget } from './bar-ring.ts';
import { type BarRange, InstrumentCandles, type NewCandles } from './instrument-candles.ts';

/** A venue's books may be ahead of its trades by that much: its time closes a candle so long after its end, microseconds. */
export const CLOSE_AFTER_US = 1e6;
/** A time that is further than this ahead of the receipt is wrong: it would close all candles for ever, microseconds. */
export const MOST_AHEAD_US = 3600 * 1e6;

/** Counters of {@link LeftOut}, in this order: memory that the counting thread writes and any thread reads. */
export const LEFT_OUT_REASONS = ['late', 'untimed', 'ahead', 'repeated'] as const;
const Left = { Late: 0, Untimed: 1, Ahead: 2, Repeated: 3 } as const;

/** Counters of the trades of each source that are in no candle, for any thread. One writer for each source. */
export function allocateLeftOut(sources: number): Float64Array[] {
  const memory = new SharedArrayBuffer(sources * LEFT_OUT_REASONS.length * 8);
  return Array.from(
    { length: sources },
    (_, source) => new Float64Array(memory, source * LEFT_OUT_REASONS.length * 8, LEFT_OUT_REASONS.length),
  );
}

/** What the counters say now. */
export function leftOutOf(counters: Float64Array): LeftOut {
  return { late: counters[Left.Late], untimed: counters[Left.Untimed], ahead: counters[Left.Ahead], repeated: counters[Left.Repeated] };
}

/** Trades of a source that are in no candle, or not in all. */
export interface LeftOut {
  /** Older than a candle that was closed already: missing in that one. */
  readonly late: number;
  /** Without a time of the venue. */
  readonly untimed: number;
  /** With a time more than an hour after its receipt. */
  readonly ahead: number;
  /** Not newer than the last one before the connection was opened again. */
  readonly repeated: number;
}

export interface FeedCandlesOptions {
  /** Nothing is missing between two connections: they are the rounds of a capture. */
  readonly isSeamless?: boolean;
  /** The stored state of an instrument, read once, when it appears; undefined: there is none. */
  readonly stateOf?: (row: number) => Float64Array | undefined;
}

/**
 * The candles of all instruments of one source, from its trades as they come. Time is the venue's: that of trades and
 * books, never a clock. A candle closes with the first trade of a later bucket, or when the venue's time has passed its end.
 * While a source is silent or away, none closes. One thread owns the object.
 */
export class FeedCandles implements TradeListener {
  /** A closed candle is shown as such when it is stored: see {@link InstrumentCandles.bars}. */
  isHeld = false;
  readonly #budget: BarBudget;
  readonly #rows = new Map<number, InstrumentCandles>();
  /** The venue's time, as far as it is known. */
  #timeUs = 0;
  /** When the next candle of an instrument ends. */
  #dueUs = Number.POSITIVE_INFINITY;
  /** The venue's time when the present connection began to send; Infinity: nothing came yet, or there is none. */
  #liveFromUs = Number.POSITIVE_INFINITY;
  #isOpen = false;
  /** Connections so far. */
  #connections = 0;
  readonly #left: Float64Array;
  readonly #isSeamless: boolean;
  readonly #stateOf: (row: number) => Float64Array | undefined;
  readonly #touched: number[] = [];

  /**
   * @param budget of candles kept, shared by the sources of a process
   * @param left counters, of {@link allocateLeftOut}; they go on from what they are
   */
  constructor(budget: BarBudget, left: Float64Array = allocateLeftOut(1)[0], { isSeamless = false, stateOf }: FeedCandlesOptions = {}) {
    this.#budget = budget;
    this.#left = left;
    this.#isSeamless = isSeamless;
    this.#stateOf = stateOf ?? (() => undefined);
  }

  get leftOut(): LeftOut {
    return leftOutOf(this.#left);
  }

  scale(row: number, priceDecimals: number, quantityDecimals: number): void {
    const instrument = this.#row(row);
    this.#noting(row, instrument);
    instrument.scale(priceDecimals, quantityDecimals);
  }

  trade(
    row: number,
    price: number,
    quantity: number,
    takerSide: TakerSide,
    venueTimeUs: number,
    receiveTimeUs: number,
    tradeId: number,
  ): void {
    if (venueTimeUs === 0) return void this.#left[Left.Untimed]++;
    if (venueTimeUs > receiveTimeUs + MOST_AHEAD_US) return void this.#left[Left.Ahead]++;
    if (price === 0 || quantity === 0) return;
    this.time(venueTimeUs, receiveTimeUs);
    const instrument = this.#row(row);
    if (!instrument.admits(venueTimeUs, tradeId, this.#connections)) return void this.#left[Left.Repeated]++;
    this.#noting(row, instrument);
    if (!instrument.trade(venueTimeUs, price, quantity, takerSide, tradeId, this.#liveFromUs)) this.#left[Left.Late]++;
    this.#dueUs = Math.min(this.#dueUs, instrument.dueUs);
  }

  time(venueTimeUs: number, receiveTimeUs: number): void {
    if (venueTimeUs <= 0 || venueTimeUs > receiveTimeUs + MOST_AHEAD_US) return;
    // Infinity until then. The candle of the last time before may lack trades, also where the venue's time goes back.
    if (this.#isOpen && this.#liveFromUs === Number.POSITIVE_INFINITY) this.#liveFromUs = Math.max(venueTimeUs, this.#timeUs + 1);
    if (venueTimeUs <= this.#timeUs) return;
    this.#timeUs = venueTimeUs;
    const closedUs = venueTimeUs - CLOSE_AFTER_US;
    // A venue that sends its last trades again to a new connection has a second for them.
    if (closedUs < this.#dueUs || closedUs < this.#liveFromUs) return;
    this.#dueUs = Number.POSITIVE_INFINITY;
    for (const [row, instrument] of this.#rows) {
      if (instrument.dueUs <= closedUs) this.#noting(row, instrument);
      instrument.advance(closedUs, this.#connections, this.#liveFromUs);
      this.#dueUs = Math.min(this.#dueUs, instrument.dueUs);
    }
  }

  connection(state: FeedState): void {
    const isOpen = state === State.Live;
    if (isOpen && !this.#isOpen) this.#connections++;
    this.#isOpen = isOpen;
    if (!this.#isOpen && !this.#isSeamless) this.#liveFromUs = Number.POSITIVE_INFINITY;
  }

  /** Candles of an instrument, BAR_FIELDS numbers each, oldest first; the last one may be forming. */
  bars(row: number, range: BarRange): Float64Array {
    return this.#rows.get(row)?.bars(range, this.#connections, this.#liveFromUs, this.isHeld) ?? new Float64Array(0);
  }

  /** Begin of the oldest candle that {@link FeedCandles.bars} has of an interval; Infinity: it has none. */
  beginUs(row: number, interval: number): number {
    return this.#rows.get(row)?.beginUs(interval) ?? Number.POSITIVE_INFINITY;
  }

  /** What is to be stored of the instrument that has waited longest; undefined: there is nothing. */
  takeNew(): ({ readonly row: number } & NewCandles) | undefined {
    const row = this.#touched.shift();
    return row === undefined ? undefined : { row, ...this.#row(row).takeNew() };
  }

  /** What was taken of an instrument is stored. */
  noteStored(row: number): void {
    this.#row(row).noteStored();
  }

  /** What was taken of an instrument could not be stored: it is taken again. */
  noteUnstored(row: number): void {
    this.#noting(row, this.#row(row));
  }

  /** Before a change of the instrument. */
  #noting(row: number, instrument: InstrumentCandles): void {
    if (instrument.isTouched) return;
    instrument.isTouched = true;
    this.#touched.push(row);
  }

  #row(row: number): InstrumentCandles {
    let instrument = this.#rows.get(row);
    if (instrument === undefined) {
      instrument = new InstrumentCandles(this.#budget, this.#stateOf(row));
      this.#rows.set(row, instrument);
      this.#timeUs = Math.max(this.#timeUs, instrument.lastUs);
      this.#dueUs = Math.min(this.#dueUs, instrument.dueUs);
    }
    return instrument;
  }
}
