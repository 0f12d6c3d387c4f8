import { CANDLE_INTERVALS, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import type { FeedCandleStore } from './feed-candle-store.ts';

const INTERVALS = CANDLE_INTERVALS.length;
const SHORT_INTERVALS = CANDLE_INTERVALS.indexOf('1m');
/** One step: at most so many candles are removed. A few milliseconds. */
const STEP_ROWS = 512;
/** Between two steps, and between two passes over all instruments, ms. */
const STEP_EVERY_MS = 200;
const PASS_EVERY_MS = 60_000;

type Key = [number, number];

/**
 * Keeps the store of candles of feeds within its limits, in small transactions. Candles shorter than a minute that are older, by a
 * given time, than the newest one of their instrument are removed; and when the store is larger than its limit, the oldest of the
 * shortest interval that there is, until it fits. The store's thread owns it.
 */
export class FeedCandleTrimmer {
  /** Candles that were removed. */
  removed = 0;
  readonly #store: FeedCandleStore;
  readonly #keepUs: number;
  readonly #mostBytes: number;
  #series: number[] = [];
  #notBefore = 0;

  constructor(store: FeedCandleStore, keepUs: number, mostBytes: number) {
    this.#store = store;
    this.#keepUs = keepUs;
    this.#mostBytes = mostBytes;
  }

  /** A step, if one is due. @param nowMs steady clock @throws HistoryFullError, errors of LMDB */
  poll(nowMs: number): void {
    if (nowMs < this.#notBefore) return;
    const isDone = this.step(Date.now() * 1000);
    this.#notBefore = nowMs + (isDone ? PASS_EVERY_MS : STEP_EVERY_MS);
  }

  /** @returns whether all that is due was done */
  step(nowUs: number): boolean {
    if (this.#store.bytes > this.#mostBytes) {
      const keys = this.#oldest();
      this.#remove(keys);
      return keys.length === 0;
    }
    if (this.#series.length === 0) this.#series = [...this.#store.series];
    const keys: Key[] = [];
    while (this.#series.length > 0 && keys.length < STEP_ROWS) {
      keys.push(...this.#old(this.#series[0], nowUs, STEP_ROWS - keys.length));
      // The rest of an instrument with many is removed by the next step.
      if (keys.length < STEP_ROWS) this.#series.shift();
    }
    this.#remove(keys);
    return this.#series.length === 0 && this.#store.bytes <= this.#mostBytes;
  }

  #remove(keys: Key[]): void {
    if (keys.length === 0) return;
    this.#store.remove(keys);
    this.removed += keys.length;
  }

  #old(series: number, nowUs: number, limit: number): Key[] {
    const keys: Key[] = [];
    for (let i = 0; i < SHORT_INTERVALS && keys.length < limit; i++) {
      const of = series * INTERVALS + i;
      const last = this.#keys({ start: [of, Number.MAX_SAFE_INTEGER], end: [of, -1], reverse: true, limit: 1 })[0];
      if (last === undefined) continue;
      // A wrong clock removes nothing that is new.
      const end = Math.floor((Math.min(last[1] * INTERVAL_US[i], nowUs) - this.#keepUs) / INTERVAL_US[i]);
      if (end > 0) keys.push(...this.#keys({ start: [of, 0], end: [of, end], limit: limit - keys.length }));
    }
    return keys;
  }

  /** The oldest candles of the instrument that has the oldest one of the shortest interval. */
  #oldest(): Key[] {
    const all = [...this.#store.series];
    for (let i = 0; i < INTERVALS; i++) {
      let oldest: Key | undefined;
      for (const series of all) {
        const of = series * INTERVALS + i;
        const first = this.#keys({ start: [of, 0], end: [of, Number.MAX_SAFE_INTEGER], limit: 1 })[0];
        if (first !== undefined && (oldest === undefined || first[1] < oldest[1])) oldest = first;
      }
      if (oldest !== undefined) return this.#keys({ start: oldest, end: [oldest[0], Number.MAX_SAFE_INTEGER], limit: STEP_ROWS });
    }
    return [];
  }

  #keys(range: object): Key[] {
    return Array.from(this.#store.candles.getKeys(range), (key) => key as Key);
  }
}
