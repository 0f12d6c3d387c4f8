import { assert } from '../../engine/assert.ts';
import { CANDLE_INTERVALS, CandleField, type Candles, INTERVAL_US } from './candles.ts';
import { addWide, subtractWide, WIDE_BASE } from './wide-sum.ts';

/** Number of the interval that the window is made of. */
export const MINUTE = CANDLE_INTERVALS.indexOf('1m');
const MINUTE_US = INTERVAL_US[MINUTE];
/** Length of the window, microseconds. */
export const DAY_US = 24 * 60 * MINUTE_US;
const LIMIT = 2 ** 53;

// What is kept of a minute: these fields of its candle, in this order.
const { start, open, high, low, close, volume, notionalLow, notionalHigh, trades } = CandleField;
const KEPT = [start, open, high, low, close, volume, notionalLow, notionalHigh, trades];
const FIELDS = KEPT.length;
const [START, OPEN, HIGH, LOW, CLOSE, VOLUME, NOTIONAL, TRADES] = [0, 1, 2, 3, 4, 5, 6, 8];
const FIRST_MINUTES = 16;

/** What traded in the window. Prices in ticks, volume in lots; all 0 without a trade. */
export interface DaySummary {
  open: number;
  high: number;
  low: number;
  last: number;
  /** At most 2^53 - 1. */
  volume: number;
  /** Sum of price times quantity, see wide-sum.ts. */
  notionalLow: number;
  notionalHigh: number;
  trades: number;
}

/** Begin of the 24 hours that end with the minute of `timeUs`. */
export function dayBegin(timeUs: number): number {
  return timeUs - (timeUs % MINUTE_US) + MINUTE_US - DAY_US;
}

/**
 * What a symbol traded in the last 24 hours, in whole minutes: a ring of the closed minutes with running sums. Pure: it has no clock. Its memory
 * grows with the minutes that have trades, up to some 150 KB. One thread owns it.
 */
export class DayWindow {
  #minutes = new Float64Array(FIRST_MINUTES * FIELDS);
  #first = 0;
  #count = 0;
  /** Volume and notional of the closed minutes, wide sums. */
  readonly #sums = new Float64Array(4);
  #trades = 0;
  /** Of the closed minutes; 0: to be looked for. */
  #high = 0;
  #low = 0;

  /** When the window next changes by time alone, microseconds; Infinity: never. */
  get dueUs(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#minutes[this.#at(0) + START] + DAY_US;
  }

  /** Adds the minute that the last `trade` or `advance` of the candles has closed, if it has closed one. */
  follow(candles: Candles): void {
    if ((candles.justClosed & (1 << MINUTE)) !== 0) this.add(candles.state, candles.closedAt(MINUTE));
  }

  /** Adds a closed minute, later than those before. @param candle holds its candle at `from`, see CandleField */
  add(candle: Float64Array, from: number): void {
    // So the ring has at most the minutes of a day.
    this.advance(candle[from + start]);
    const to = this.#append(candle[from + start]);
    const minutes = this.#minutes;
    for (let i = 0; i < FIELDS; i++) minutes[to + i] = candle[from + KEPT[i]];
    addWide(this.#sums, 0, minutes[to + VOLUME], 0);
    // A sum that no money of the world reaches: the minute then counts without its notional.
    if (!addWide(this.#sums, 2, minutes[to + NOTIONAL], minutes[to + NOTIONAL + 1])) minutes.fill(0, to + NOTIONAL, to + NOTIONAL + 2);
    this.#trades += minutes[to + TRADES];
    if (this.#count === 1 || (this.#high !== 0 && minutes[to + HIGH] > this.#high)) this.#high = minutes[to + HIGH];
    if (this.#count === 1 || (this.#low !== 0 && minutes[to + LOW] < this.#low)) this.#low = minutes[to + LOW];
  }

  /** Puts closed minutes before those that are there; what is there already stays. @param candles one after the other, `fields` numbers each */
  prepend(candles: Float64Array, fields: number): void {
    const own = Float64Array.from(
      { length: this.#count * FIELDS },
      (_, i) => this.#minutes[this.#at(Math.floor(i / FIELDS)) + (i % FIELDS)],
    );
    const before = own.length === 0 ? Number.POSITIVE_INFINITY : own[START];
    this.#clear();
    for (let from = 0; from < candles.length && candles[from + start] < before; from += fields) this.add(candles, from);
    const candle = new Float64Array(Math.max(...KEPT) + 1);
    for (let at = 0; at < own.length; at += FIELDS) {
      for (let i = 0; i < FIELDS; i++) candle[KEPT[i]] = own[at + i];
      this.add(candle, 0);
    }
  }

  /** Drops the minutes that are more than 24 hours before the end of the minute of `timeUs`. */
  advance(timeUs: number): void {
    const begin = dayBegin(timeUs);
    while (this.#count !== 0 && this.#minutes[this.#at(0) + START] < begin) this.#drop();
  }

  /** Writes what traded in the closed minutes and in the forming one. @param forming holds its candle at `from`; without a trade: there is none */
  read(forming: Float64Array, from: number, to: DaySummary): void {
    const minutes = this.#minutes;
    const sums = this.#sums;
    const isForming = forming[from + trades] !== 0;
    const isClosed = this.#count !== 0;
    const last = isClosed ? this.#at(this.#count - 1) : 0;
    if (isClosed && (this.#high === 0 || this.#low === 0)) this.#look();
    to.open = isClosed ? minutes[this.#at(0) + OPEN] : isForming ? forming[from + open] : 0;
    to.last = isForming ? forming[from + close] : isClosed ? minutes[last + CLOSE] : 0;
    to.high = isClosed ? this.#high : 0;
    to.low = isClosed ? this.#low : 0;
    if (isForming && (!isClosed || forming[from + high] > to.high)) to.high = forming[from + high];
    if (isForming && (!isClosed || forming[from + low] < to.low)) to.low = forming[from + low];
    to.trades = this.#trades;
    const lots = sums[0] + sums[1] * WIDE_BASE;
    to.volume = Math.min(LIMIT - 1, isForming ? lots + forming[from + volume] : lots);
    to.notionalLow = sums[2];
    to.notionalHigh = sums[3];
    if (!isForming) return;
    to.trades += forming[from + trades];
    addTo(to, forming[from + notionalLow], forming[from + notionalHigh]);
  }

  #at(i: number): number {
    return ((this.#first + i) & (this.#minutes.length / FIELDS - 1)) * FIELDS;
  }

  /** @returns where the new minute is written */
  #append(startUs: number): number {
    assert(this.#count === 0 || startUs > this.#minutes[this.#at(this.#count - 1) + START], 'day window: minutes are added in order');
    if (this.#count * FIELDS === this.#minutes.length) this.#grow();
    return this.#at(this.#count++);
  }

  #drop(): void {
    const minutes = this.#minutes;
    const at = this.#at(0);
    subtractWide(this.#sums, 0, minutes[at + VOLUME], 0);
    subtractWide(this.#sums, 2, minutes[at + NOTIONAL], minutes[at + NOTIONAL + 1]);
    this.#trades -= minutes[at + TRADES];
    if (minutes[at + HIGH] === this.#high) this.#high = 0;
    if (minutes[at + LOW] === this.#low) this.#low = 0;
    this.#first++;
    this.#count--;
  }

  #look(): void {
    this.#high = 0;
    this.#low = LIMIT;
    for (let i = 0; i < this.#count; i++) {
      const at = this.#at(i);
      this.#high = Math.max(this.#high, this.#minutes[at + HIGH]);
      this.#low = Math.min(this.#low, this.#minutes[at + LOW]);
    }
  }

  #grow(): void {
    const larger = new Float64Array(2 * this.#minutes.length);
    for (let i = 0; i < this.#count; i++) larger.set(this.#minutes.subarray(this.#at(i), this.#at(i) + FIELDS), i * FIELDS);
    this.#minutes = larger;
    this.#first = 0;
  }

  #clear(): void {
    this.#first = this.#count = this.#trades = this.#high = this.#low = 0;
    this.#sums.fill(0);
  }
}

function addTo(sum: DaySummary, low: number, high: number): void {
  const total = sum.notionalLow + low;
  const carry = total >= WIDE_BASE ? 1 : 0;
  sum.notionalLow = total - carry * WIDE_BASE;
  sum.notionalHigh = Math.min(LIMIT - 1, sum.notionalHigh + high + carry);
}
