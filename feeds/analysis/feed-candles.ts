import { type FeedState, FeedState as State, TakerSide } from '../feed.ts';
import type { TradeListener } from '../rings/trade-listener.ts';
import { BAR_FIELDS, type BarBudget, BarField, BarRing } from './bar-ring.ts';
import { CANDLE_FIELDS, CANDLE_INTERVALS, CandleField, Candles, INTERVAL_US, Taker } from './candles.ts';
import { rescaleCandle } from './rescale.ts';

const INTERVALS = CANDLE_INTERVALS.length;
/** A venue's books may be ahead of its trades by that much: its time closes a candle so long after its end, microseconds. */
export const CLOSE_AFTER_US = 1e6;
/** A time that is further than this ahead of the receipt is wrong: it would close all candles for ever, microseconds. */
export const MOST_AHEAD_US = 3600 * 1e6;

/** Which candles: buckets of the interval counted from the Unix epoch, `to` not included. */
export interface BarRange {
  /** Number of the interval. */
  readonly interval: number;
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  /** The last `limit` of the range instead of the first. */
  readonly newest: boolean;
}

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

/**
 * The candles of all instruments of one source, from its trades as they come. Time is the venue's: that of trades and
 * books, never a clock. A candle closes with the first trade of a later bucket, or when the venue's time has passed its end.
 * While a source is silent or away, none closes. One thread owns the object.
 */
export class FeedCandles implements TradeListener {
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

  /** @param budget of candles kept, shared by the sources of a process @param left counters, of {@link allocateLeftOut}; they go on from what they are */
  constructor(budget: BarBudget, left: Float64Array = allocateLeftOut(1)[0]) {
    this.#budget = budget;
    this.#left = left;
  }

  get leftOut(): LeftOut {
    return leftOutOf(this.#left);
  }

  scale(row: number, priceDecimals: number, quantityDecimals: number): void {
    this.#row(row).scale(priceDecimals, quantityDecimals);
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
    if (instrument.isRepeated(venueTimeUs, tradeId, this.#connections)) return void this.#left[Left.Repeated]++;
    if (!instrument.trade(venueTimeUs, price, quantity, takerSide, this.#liveFromUs)) this.#left[Left.Late]++;
    this.#dueUs = Math.min(this.#dueUs, instrument.candles.dueUs);
  }

  time(venueTimeUs: number, receiveTimeUs: number): void {
    if (venueTimeUs <= 0 || venueTimeUs > receiveTimeUs + MOST_AHEAD_US) return;
    // Infinity until then; a time that goes back does not make older candles complete.
    if (this.#isOpen && this.#liveFromUs === Number.POSITIVE_INFINITY) this.#liveFromUs = Math.max(venueTimeUs, this.#timeUs);
    if (venueTimeUs <= this.#timeUs) return;
    this.#timeUs = venueTimeUs;
    const closedUs = venueTimeUs - CLOSE_AFTER_US;
    if (closedUs < this.#dueUs) return;
    this.#dueUs = Number.POSITIVE_INFINITY;
    for (const instrument of this.#rows.values()) {
      instrument.advance(closedUs, this.#liveFromUs);
      this.#dueUs = Math.min(this.#dueUs, instrument.candles.dueUs);
    }
  }

  connection(state: FeedState): void {
    const isOpen = state === State.Live;
    if (isOpen && !this.#isOpen) this.#connections++;
    this.#isOpen = isOpen;
    if (!this.#isOpen) this.#liveFromUs = Number.POSITIVE_INFINITY;
  }

  /** Candles of an instrument, BAR_FIELDS numbers each, oldest first; the last one may be forming. */
  bars(row: number, range: BarRange): Float64Array {
    return this.#rows.get(row)?.bars(range, this.#liveFromUs) ?? new Float64Array(0);
  }

  #row(row: number): InstrumentCandles {
    let instrument = this.#rows.get(row);
    if (instrument === undefined) {
      instrument = new InstrumentCandles(this.#budget);
      this.#rows.set(row, instrument);
    }
    return instrument;
  }
}

/** The candles of one instrument: those that form, and the last closed ones. */
class InstrumentCandles {
  readonly candles = new Candles();
  readonly #budget: BarBudget;
  readonly #closed: (BarRing | undefined)[] = Array.from({ length: INTERVALS }, () => undefined);
  #priceDecimals = 0;
  #quantityDecimals = 0;
  /** The newest trade, and the connection that brought it. */
  #lastUs = 0;
  #lastId = 0;
  #connection = 0;

  constructor(budget: BarBudget) {
    this.#budget = budget;
  }

  /** Closed candles keep the units that they were made in. */
  scale(priceDecimals: number, quantityDecimals: number): void {
    const [byPrice, byQuantity] = [10 ** (priceDecimals - this.#priceDecimals), 10 ** (quantityDecimals - this.#quantityDecimals)];
    this.#priceDecimals = priceDecimals;
    this.#quantityDecimals = quantityDecimals;
    const { state } = this.candles;
    for (let i = 0; i < INTERVALS; i++) {
      const at = this.candles.formingAt(i);
      // Decimals become more. A source that began anew may have fewer, and its numbers no longer fit those before.
      if (byPrice >= 1 && byQuantity >= 1) rescaleCandle(state, at, byPrice, byQuantity);
      else state.fill(0, at, at + CANDLE_FIELDS);
    }
  }

  /**
   * Some venues send their last trades again to a new connection. On each one, trades count from the first that is newer than
   * the last one before. @param tradeId 0: it has no number
   */
  isRepeated(timeUs: number, tradeId: number, connection: number): boolean {
    const isNewer = timeUs > this.#lastUs || (timeUs === this.#lastUs && tradeId > this.#lastId);
    if (connection !== this.#connection && !isNewer) return true;
    this.#connection = connection;
    if (isNewer) {
      this.#lastUs = timeUs;
      this.#lastId = tradeId;
    }
    return false;
  }

  /** @returns false: it is missing in a candle that was closed before */
  trade(timeUs: number, price: number, quantity: number, takerSide: TakerSide, liveFromUs: number): boolean {
    const { late } = this.candles;
    const taker = takerSide === TakerSide.Buy ? Taker.Buy : takerSide === TakerSide.Sell ? Taker.Sell : Taker.None;
    // The numbers of a venue need not grow, so they are not compared.
    this.#keep(this.candles.trade(timeUs, price, quantity, taker, 0, 0), liveFromUs);
    return this.candles.late === late;
  }

  advance(timeUs: number, liveFromUs: number): void {
    this.#keep(this.candles.advance(timeUs), liveFromUs);
  }

  bars({ interval, from, to, limit, newest }: BarRange, liveFromUs: number): Float64Array {
    const length = INTERVAL_US[interval];
    const places: (readonly [bars: Float64Array, at: number])[] = [];
    const isIn = (startUs: number) => startUs >= from * length && startUs < to * length;
    const ring = this.#closed[interval];
    for (let i = 0; ring !== undefined && i < ring.count; i++) {
      const at = ring.at(i);
      if (isIn(ring.bars[at + CandleField.start])) places.push([ring.bars, at]);
    }
    const forming = new Float64Array(BAR_FIELDS);
    const at = this.candles.formingAt(interval);
    if (this.candles.state[at + CandleField.trades] !== 0 && isIn(this.candles.state[at + CandleField.start])) {
      this.#put(forming, 0, at, liveFromUs, false);
      places.push([forming, 0]);
    }
    const found = newest ? places.slice(-limit) : places.slice(0, limit);
    const bars = new Float64Array(found.length * BAR_FIELDS);
    for (const [i, [source, from]] of found.entries()) bars.set(source.subarray(from, from + BAR_FIELDS), i * BAR_FIELDS);
    return bars;
  }

  /** @param closed the intervals, a bit for each */
  #keep(closed: number, liveFromUs: number): void {
    if (closed === 0) return;
    for (let i = 0; i < INTERVALS; i++) {
      if ((closed & (1 << i)) === 0) continue;
      this.#closed[i] ??= new BarRing(this.#budget);
      const ring = this.#closed[i] as BarRing;
      const at = ring.add();
      this.#put(ring.bars, at, this.candles.closedAt(i), liveFromUs, true);
    }
  }

  #put(bars: Float64Array, at: number, from: number, liveFromUs: number, isClosed: boolean): void {
    const { state } = this.candles;
    for (let field = 0; field < CANDLE_FIELDS; field++) bars[at + field] = state[from + field];
    bars[at + BarField.priceDecimals] = this.#priceDecimals;
    bars[at + BarField.quantityDecimals] = this.#quantityDecimals;
    bars[at + BarField.incomplete] = state[from + CandleField.start] < liveFromUs ? 1 : 0;
    bars[at + BarField.closed] = isClosed ? 1 : 0;
  }
}
