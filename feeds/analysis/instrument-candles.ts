import { TakerSide } from '../feed.ts';
import { BAR_FIELDS, type BarBudget, BarField, BarRing } from './bar-ring.ts';
import { CANDLE_FIELDS, CANDLE_INTERVALS, CandleField, Candles, INTERVAL_US, PACKED_CANDLES, Taker } from './candles.ts';
import { rescaleCandle } from './rescale.ts';

const INTERVALS = CANDLE_INTERVALS.length;
const LIMIT = 2 ** 53;

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

/** Index of each number of a stored state, behind those of `Candles.pack`. */
const StateField = {
  priceDecimals: PACKED_CANDLES,
  quantityDecimals: PACKED_CANDLES + 1,
  /** The newest trade. */
  lastUs: PACKED_CANDLES + 2,
  lastId: PACKED_CANDLES + 3,
  /** Since when no trade is missing, as of the newest trade. */
  wholeFromUs: PACKED_CANDLES + 4,
} as const;
/** Numbers of a stored state. */
export const INSTRUMENT_STATE = PACKED_CANDLES + 5;

/** What is to be stored of an instrument. State and candles belong together: they are stored in one transaction. */
export interface NewCandles {
  /** Continues the candles: INSTRUMENT_STATE numbers. */
  readonly state: Float64Array;
  /** Closed candles, BAR_FIELDS numbers each, and the number of the interval of each. */
  readonly bars: Float64Array;
  readonly intervals: Uint8Array;
  /** Closed candles that were dropped before they could be stored. */
  readonly lost: number;
}

/** The candles of one instrument of a source: those that form, and the last closed ones. The thread of the source owns it. */
export class InstrumentCandles {
  /** Set by the owner: something has changed since {@link InstrumentCandles.takeNew}. */
  isTouched = false;
  readonly #candles: Candles;
  readonly #budget: BarBudget;
  readonly #closed: (BarRing | undefined)[] = Array.from({ length: INTERVALS }, () => undefined);
  /** By interval: how many of the closed candles are stored, and how many will be with what was taken last. */
  readonly #stored = new Float64Array(INTERVALS);
  readonly #taken = new Float64Array(INTERVALS);
  /** The smallest units so far, and what the source's present units have of them. */
  #priceDecimals = 0;
  #quantityDecimals = 0;
  #priceFactor = 1;
  #quantityFactor = 1;
  #lastUs = 0;
  #lastId = 0;
  #wholeFromUs = Number.POSITIVE_INFINITY;
  /** The connection of the newest trade, and the newest trade of those before it. */
  #connection = 0;
  #beforeUs = 0;
  #beforeId = 0;
  /** No trade is missing between the connections before and this one. */
  #isBridged = false;

  /** @param state a stored one, which it continues */
  constructor(budget: BarBudget, state?: Float64Array) {
    this.#budget = budget;
    this.#candles = state === undefined ? new Candles() : Candles.unpack(state);
    if (state === undefined) return;
    this.#priceDecimals = state[StateField.priceDecimals];
    this.#quantityDecimals = state[StateField.quantityDecimals];
    this.#lastUs = state[StateField.lastUs];
    this.#lastId = state[StateField.lastId];
    this.#wholeFromUs = state[StateField.wholeFromUs];
    // Whatever comes now is of another connection.
    this.#connection = -1;
  }

  /** Time of the newest trade, microseconds; 0: none yet. */
  get lastUs(): number {
    return this.#lastUs;
  }

  /** When the next candle ends, microseconds; Infinity: none is forming. */
  get dueUs(): number {
    return this.#candles.dueUs;
  }

  /** Units of what follows. Candles have the smallest ones so far: a source that begins anew may have larger ones at first. */
  scale(priceDecimals: number, quantityDecimals: number): void {
    const price = Math.max(priceDecimals, this.#priceDecimals);
    const quantity = Math.max(quantityDecimals, this.#quantityDecimals);
    const [byPrice, byQuantity] = [10 ** (price - this.#priceDecimals), 10 ** (quantity - this.#quantityDecimals)];
    this.#priceDecimals = price;
    this.#quantityDecimals = quantity;
    this.#priceFactor = 10 ** (price - priceDecimals);
    this.#quantityFactor = 10 ** (quantity - quantityDecimals);
    if (byPrice === 1 && byQuantity === 1) return;
    for (let i = 0; i < INTERVALS; i++) rescaleCandle(this.#candles.state, this.#candles.formingAt(i), byPrice, byQuantity);
  }

  /**
   * Whether a trade counts: on a later connection, those up to the newest one before it are repeated ones. If the venue sends that one
   * again, or the next number follows it, nothing is missing between the connections.
   * @param tradeId 0: it has no number @param connection its number
   */
  admits(timeUs: number, tradeId: number, connection: number): boolean {
    const isFirst = connection !== this.#connection;
    if (isFirst) {
      this.#connection = connection;
      this.#beforeUs = this.#lastUs;
      this.#beforeId = this.#lastId;
      this.#isBridged = false;
    }
    if (timeUs < this.#beforeUs || (timeUs === this.#beforeUs && tradeId <= this.#beforeId)) {
      if (tradeId !== 0 && tradeId === this.#beforeId && timeUs === this.#beforeUs) this.#isBridged = true;
      return false;
    }
    if (isFirst && this.#beforeId !== 0 && tradeId === this.#beforeId + 1) this.#isBridged = true;
    return true;
  }

  /**
   * Adds a trade that was admitted.
   * @param liveFromUs since when the source has been connected; Infinity: it is not
   * @returns false: it is missing in a candle that was closed before
   */
  trade(timeUs: number, price: number, quantity: number, takerSide: TakerSide, tradeId: number, liveFromUs: number): boolean {
    if (timeUs > this.#lastUs || (timeUs === this.#lastUs && tradeId > this.#lastId)) {
      this.#lastUs = timeUs;
      this.#lastId = tradeId;
    }
    if (!this.#isBridged) this.#wholeFromUs = liveFromUs;
    if (price * this.#priceFactor >= LIMIT || quantity * this.#quantityFactor >= LIMIT) this.#useLargerUnits();
    const { late } = this.#candles;
    const taker = takerSide === TakerSide.Buy ? Taker.Buy : takerSide === TakerSide.Sell ? Taker.Sell : Taker.None;
    // The numbers of a venue need not grow, so they are not compared.
    const closed = this.#candles.trade(timeUs, price * this.#priceFactor, quantity * this.#quantityFactor, taker, 0, 0);
    this.#keep(closed, this.#wholeFrom(this.#connection, liveFromUs));
    return this.#candles.late === late;
  }

  /** Closes the candles that have ended. @param connection the present one */
  advance(timeUs: number, connection: number, liveFromUs: number): void {
    const closed = this.#candles.advance(timeUs);
    this.#keep(closed, this.#wholeFrom(connection, liveFromUs));
  }

  /**
   * Candles of a range, BAR_FIELDS numbers each, oldest first; the last one may be forming.
   * @param isHeld a closed candle is shown as the forming one until it is stored, and what follows it is not shown
   */
  bars({ interval, from, to, limit, newest }: BarRange, connection: number, liveFromUs: number, isHeld: boolean): Float64Array {
    const length = INTERVAL_US[interval];
    const isIn = (startUs: number) => startUs >= from * length && startUs < to * length;
    const places: (readonly [bars: Float64Array, at: number, isClosed: boolean])[] = [];
    const ring = this.#closed[interval];
    const count = ring?.count ?? 0;
    const first = (ring?.added ?? 0) - count;
    const shown = isHeld ? Math.max(0, Math.min(count, this.#stored[interval] - first)) : count;
    for (let i = 0; ring !== undefined && i < Math.min(count, shown + 1); i++) {
      const at = ring.at(i);
      if (isIn(ring.bars[at + CandleField.start])) places.push([ring.bars, at, i < shown]);
    }
    const forming = new Float64Array(BAR_FIELDS);
    const at = this.#candles.formingAt(interval);
    const { state } = this.#candles;
    if (shown === count && state[at + CandleField.trades] !== 0 && isIn(state[at + CandleField.start])) {
      this.#put(forming, 0, at, this.#wholeFrom(connection, liveFromUs));
      places.push([forming, 0, false]);
    }
    const found = newest ? places.slice(-limit) : places.slice(0, limit);
    const bars = new Float64Array(found.length * BAR_FIELDS);
    for (const [i, [source, place, isClosed]] of found.entries()) {
      bars.set(source.subarray(place, place + BAR_FIELDS), i * BAR_FIELDS);
      bars[i * BAR_FIELDS + BarField.closed] = isClosed ? 1 : 0;
    }
    return bars;
  }

  /** Begin of the oldest candle that {@link InstrumentCandles.bars} has of an interval; Infinity: it has none. */
  beginUs(interval: number): number {
    const ring = this.#closed[interval];
    if (ring !== undefined && ring.count > 0) return ring.bars[ring.at(0) + CandleField.start];
    const at = this.#candles.formingAt(interval);
    const { state } = this.#candles;
    return state[at + CandleField.trades] === 0 ? Number.POSITIVE_INFINITY : state[at + CandleField.start];
  }

  /** What is new since the last call whose candles were stored. {@link InstrumentCandles.noteStored} says that they are. */
  takeNew(): NewCandles {
    this.isTouched = false;
    const places: (readonly [ring: BarRing, i: number, interval: number])[] = [];
    let lost = 0;
    for (let interval = 0; interval < INTERVALS; interval++) {
      const ring = this.#closed[interval];
      if (ring === undefined) continue;
      const first = ring.added - ring.count;
      lost += Math.max(0, first - this.#stored[interval]);
      this.#stored[interval] = Math.max(first, this.#stored[interval]);
      for (let i = this.#stored[interval] - first; i < ring.count; i++) places.push([ring, i, interval]);
      this.#taken[interval] = ring.added;
    }
    const bars = new Float64Array(places.length * BAR_FIELDS);
    for (const [n, [ring, i]] of places.entries()) bars.set(ring.bars.subarray(ring.at(i), ring.at(i) + BAR_FIELDS), n * BAR_FIELDS);
    return { state: this.#packed(), bars, intervals: Uint8Array.from(places, ([, , interval]) => interval), lost };
  }

  noteStored(): void {
    this.#stored.set(this.#taken);
  }

  #packed(): Float64Array {
    const state = new Float64Array(INSTRUMENT_STATE);
    this.#candles.pack(state);
    state[StateField.priceDecimals] = this.#priceDecimals;
    state[StateField.quantityDecimals] = this.#quantityDecimals;
    state[StateField.lastUs] = this.#lastUs;
    state[StateField.lastId] = this.#lastId;
    state[StateField.wholeFromUs] = this.#wholeFromUs;
    return state;
  }

  /** A candle that began before that has trades missing, perhaps. */
  #wholeFrom(connection: number, liveFromUs: number): number {
    const isBridged = this.#isBridged && connection === this.#connection && liveFromUs !== Number.POSITIVE_INFINITY;
    return isBridged ? this.#wholeFromUs : liveFromUs;
  }

  /** The source's numbers do not fit the smallest units so far: what forms in those ends without a candle. */
  #useLargerUnits(): void {
    const { state } = this.#candles;
    for (let i = 0; i < INTERVALS; i++) {
      const at = this.#candles.formingAt(i);
      state.fill(0, at, at + CANDLE_FIELDS);
    }
    this.#priceDecimals -= Math.round(Math.log10(this.#priceFactor));
    this.#quantityDecimals -= Math.round(Math.log10(this.#quantityFactor));
    this.#priceFactor = 1;
    this.#quantityFactor = 1;
  }

  /** @param closed the intervals, a bit for each */
  #keep(closed: number, wholeFromUs: number): void {
    if (closed === 0) return;
    for (let i = 0; i < INTERVALS; i++) {
      if ((closed & (1 << i)) === 0) continue;
      this.#closed[i] ??= new BarRing(this.#budget);
      const ring = this.#closed[i] as BarRing;
      const at = ring.add();
      this.#put(ring.bars, at, this.#candles.closedAt(i), wholeFromUs);
      ring.bars[at + BarField.closed] = 1;
    }
  }

  #put(bars: Float64Array, at: number, from: number, wholeFromUs: number): void {
    const { state } = this.#candles;
    for (let field = 0; field < CANDLE_FIELDS; field++) bars[at + field] = state[from + field];
    bars[at + BarField.priceDecimals] = this.#priceDecimals;
    bars[at + BarField.quantityDecimals] = this.#quantityDecimals;
    bars[at + BarField.incomplete] = state[from + CandleField.start] < wholeFromUs ? 1 : 0;
    bars[at + BarField.closed] = 0;
  }
}
