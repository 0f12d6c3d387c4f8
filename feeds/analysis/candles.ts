import { addProduct } from './wide-sum.ts';

/** The intervals of candles. Each divides the next, and a bucket begins at a multiple of its interval since the Unix epoch. */
export const CANDLE_INTERVALS = ['1s', '15s', '1m', '5m', '15m', '1h', '4h', '1d'] as const;
export type CandleInterval = (typeof CANDLE_INTERVALS)[number];

/** Their length, microseconds. */
export const INTERVAL_US: readonly number[] = [1, 15, 60, 300, 900, 3600, 14_400, 86_400].map((seconds) => seconds * 1e6);

/** The side that took: market-data and order-entry sides have the same numbers. */
export const Taker = { Buy: 0, Sell: 1, /** A trade of an auction. */ None: 2 } as const;

/**
 * Index of each field of a candle. All are integers below 2^53: prices in ticks, volumes in lots, times in microseconds.
 * `trades` 0: there is no candle.
 */
export const CandleField = {
  /** Begin of the bucket, which ends before `start + INTERVAL_US`. */
  start: 0,
  open: 1,
  high: 2,
  low: 3,
  close: 4,
  volume: 5,
  /** Part of `volume` that a buyer took, and that a seller took. The rest traded in auctions. */
  buyVolume: 6,
  sellVolume: 7,
  /** Sum of price times quantity, see wide-sum.ts. Divided by `volume` it is the volume-weighted average price in ticks. */
  notionalLow: 8,
  notionalHigh: 9,
  trades: 10,
  /** Trades whose volume and notional are not in the sums, because a sum would have passed its limit. */
  uncounted: 11,
  firstTradeId: 12,
  lastTradeId: 13,
  /** Sequence of the last trade's command. */
  seq: 14,
} as const;
export const CANDLE_FIELDS = 15;

const { start, open, high, low, close, volume, buyVolume, sellVolume, notionalLow, trades, uncounted, firstTradeId, lastTradeId, seq } =
  CandleField;

const INTERVALS = CANDLE_INTERVALS.length;
const LIMIT = 2 ** 53;
/** Of all intervals: the number of the last trade. */
const LAST_ID = 0;
const HEADER = 1;
/** Of each interval: the last closed candle, the forming one, and the begin of the first bucket that is not closed. */
const CLOSED = 0;
const FORMING = CANDLE_FIELDS;
const OPEN_FROM = 2 * CANDLE_FIELDS;
const STRIDE = OPEN_FROM + 1;

/** Numbers in {@link Candles.state}. */
export const CANDLES_STATE = HEADER + INTERVALS * STRIDE;

/** Of each interval in {@link Candles.pack}: the forming candle, and the begin of the first bucket that is not closed. */
const PACKED_STRIDE = STRIDE - FORMING;
/** Numbers of {@link Candles.pack}. */
export const PACKED_CANDLES = HEADER + INTERVALS * PACKED_STRIDE;

/**
 * The candles of one instrument, in all intervals at once, from its trades. A pure state machine: time is that of the
 * trades and of {@link advance}, never a clock. A candle closes once: with the first trade of a later bucket, or when
 * `advance` passes the end of its bucket. A bucket without a trade has no candle.
 *
 * All state is in `state`, so a copy of it continues exactly where this object stands. One thread owns the object;
 * nothing is allocated after its construction.
 */
export class Candles {
  readonly state: Float64Array;
  /** The intervals of which the last call of `trade` or `advance` has closed a candle, a bit for each. */
  justClosed = 0;
  /** Trades of buckets that were closed already, in at least one interval. They are missing there. An engine's own trades are never late. */
  late = 0;

  /** @param state of {@link CANDLES_STATE} numbers; default: no trade yet */
  constructor(state: Float64Array = new Float64Array(CANDLES_STATE)) {
    this.state = state;
  }

  /** Number of the last trade; trades up to it are ignored. 0: none yet, or trades without numbers. */
  get lastTradeId(): number {
    return this.state[LAST_ID];
  }

  /** Sequence of the last trade's command; 0: no trade yet. */
  get lastSeq(): number {
    const day = INTERVALS - 1;
    return this.state[this.formingAt(day) + seq] || this.state[this.closedAt(day) + seq];
  }

  /**
   * Adds a trade, in order of time.
   * @param timeUs its time, microseconds since the Unix epoch
   * @param price ticks, from 1 @param quantity lots, from 1
   * @param taker see {@link Taker}
   * @param tradeId grows from trade to trade, so that a repeated one is ignored; 0 = it has no number
   * @param ofSeq sequence of its command
   * @returns the intervals of which a candle was closed by it, a bit for each: see {@link closedAt}
   */
  trade(timeUs: number, price: number, quantity: number, taker: number, tradeId: number, ofSeq: number): number {
    const { state } = this;
    this.justClosed = 0;
    if (tradeId !== 0) {
      if (tradeId <= state[LAST_ID]) return 0;
      state[LAST_ID] = tradeId;
    }
    let closed = 0;
    let isLate = false;
    for (let i = 0, at = HEADER; i < INTERVALS; i++, at += STRIDE) {
      const candle = at + FORMING;
      const from = state[candle + start];
      const isOpen = state[candle + trades] !== 0;
      if (isOpen && timeUs >= from && timeUs < from + INTERVAL_US[i]) {
        this.#extend(candle, price, quantity, taker, tradeId, ofSeq);
        continue;
      }
      const bucket = timeUs - (timeUs % INTERVAL_US[i]);
      if (bucket < state[at + OPEN_FROM]) {
        isLate = true;
        continue;
      }
      if (isOpen) {
        this.#close(at);
        closed |= 1 << i;
      }
      state[at + OPEN_FROM] = bucket;
      state[candle + start] = bucket;
      state[candle + open] = state[candle + high] = state[candle + low] = price;
      state[candle + firstTradeId] = tradeId;
      this.#extend(candle, price, quantity, taker, tradeId, ofSeq);
    }
    if (isLate) this.late++;
    this.justClosed = closed;
    return closed;
  }

  /** Closes the candles whose buckets have ended by `timeUs`. @returns the intervals, a bit for each */
  advance(timeUs: number): number {
    const { state } = this;
    let closed = 0;
    for (let i = 0, at = HEADER; i < INTERVALS; i++, at += STRIDE) {
      // Buckets nest: while a short one is open, so are the longer ones.
      if (timeUs < state[at + OPEN_FROM] + INTERVAL_US[i]) break;
      if (state[at + FORMING + trades] !== 0) {
        this.#close(at);
        closed |= 1 << i;
      }
      state[at + OPEN_FROM] = timeUs - (timeUs % INTERVAL_US[i]);
    }
    this.justClosed = closed;
    return closed;
  }

  /** When the next candle ends, microseconds; Infinity: none is forming. */
  get dueUs(): number {
    for (let i = 0, at = HEADER; i < INTERVALS; i++, at += STRIDE)
      if (this.state[at + FORMING + trades] !== 0) return this.state[at + FORMING + start] + INTERVAL_US[i];
    return Number.POSITIVE_INFINITY;
  }

  /** Writes what continues these candles: the state without the last closed ones. @param to PACKED_CANDLES numbers, or more */
  pack(to: Float64Array): void {
    to[LAST_ID] = this.state[LAST_ID];
    for (let i = 0; i < INTERVALS; i++) {
      const at = HEADER + i * STRIDE;
      to.set(this.state.subarray(at + FORMING, at + STRIDE), HEADER + i * PACKED_STRIDE);
    }
  }

  /** Candles that continue those that were packed. */
  static unpack(from: Float64Array): Candles {
    const candles = new Candles();
    candles.state[LAST_ID] = from[LAST_ID];
    for (let i = 0; i < INTERVALS; i++) {
      const at = HEADER + i * PACKED_STRIDE;
      candles.state.set(from.subarray(at, at + PACKED_STRIDE), HEADER + i * STRIDE + FORMING);
    }
    return candles;
  }

  /** Index in `state` of the last closed candle of an interval. */
  closedAt(interval: number): number {
    return HEADER + interval * STRIDE + CLOSED;
  }

  /** Index in `state` of the candle that is forming. */
  formingAt(interval: number): number {
    return HEADER + interval * STRIDE + FORMING;
  }

  #extend(candle: number, price: number, quantity: number, taker: number, tradeId: number, ofSeq: number): void {
    const { state } = this;
    if (price > state[candle + high]) state[candle + high] = price;
    if (price < state[candle + low]) state[candle + low] = price;
    state[candle + close] = price;
    state[candle + trades]++;
    state[candle + lastTradeId] = tradeId;
    state[candle + seq] = ofSeq;
    // The difference is exact, where a sum of 2^53 or more would not be.
    if (state[candle + volume] >= LIMIT - quantity || !addProduct(state, candle + notionalLow, price, quantity)) {
      state[candle + uncounted]++;
      return;
    }
    state[candle + volume] += quantity;
    if (taker === Taker.Buy) state[candle + buyVolume] += quantity;
    else if (taker === Taker.Sell) state[candle + sellVolume] += quantity;
  }

  #close(at: number): void {
    this.state.copyWithin(at + CLOSED, at + FORMING, at + FORMING + CANDLE_FIELDS);
    this.state.fill(0, at + FORMING, at + FORMING + CANDLE_FIELDS);
  }
}
