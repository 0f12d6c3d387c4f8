import { CANDLE_INTERVALS, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { requireRoom } from '../history/room.ts';
import type { HistoryStore } from '../history/store.ts';
import { seriesOf } from './candle-store.ts';

const SHORT_INTERVALS = CANDLE_INTERVALS.indexOf('1m');
/** One step: at most so many candles are removed. A few milliseconds. */
const STEP_ROWS = 512;
/** Between two steps, and between two passes over all symbols. */
const STEP_EVERY_MS = 200;
const PASS_EVERY_MS = 60_000;

/**
 * Removes candles shorter than a minute that are older, by a given time, than the newest record and the clock, in small
 * transactions. The longer ones are few, and stay. The history's thread owns it.
 */
export class CandleTrimmer {
  readonly #store: HistoryStore;
  readonly #dataDir: string;
  readonly #keepUs: number;
  #symbols: number[] = [];
  #notBefore = 0;

  constructor(store: HistoryStore, dataDir: string, keepUs: number) {
    this.#store = store;
    this.#dataDir = dataDir;
    this.#keepUs = keepUs;
  }

  /**
   * A step, if one is due.
   * @param newestUs time of the newest record; 0 = none is known yet @param nowMs steady clock
   * @throws HistoryFullError, errors of LMDB
   */
  poll(newestUs: number, nowMs: number): void {
    if (newestUs === 0 || nowMs < this.#notBefore) return;
    const complete = this.step(Math.min(newestUs, Date.now() * 1000) - this.#keepUs);
    this.#notBefore = nowMs + (complete ? PASS_EVERY_MS : STEP_EVERY_MS);
  }

  /** Removes candles that begin before `beforeUs`. @returns whether all symbols have been looked at */
  step(beforeUs: number): boolean {
    if (this.#symbols.length === 0) this.#symbols = Array.from(this.#store.candleStates.getKeys({}), Number);
    const keys: [number, number][] = [];
    while (this.#symbols.length > 0 && keys.length < STEP_ROWS) {
      for (const key of this.#old(this.#symbols[0], beforeUs, STEP_ROWS - keys.length)) keys.push(key);
      // The rest of a symbol with many is removed by the next step.
      if (keys.length < STEP_ROWS) this.#symbols.shift();
    }
    if (keys.length > 0) {
      requireRoom(this.#dataDir, keys.length);
      this.#store.root.transactionSync(() => {
        for (const key of keys) this.#store.candles.removeSync(key);
      });
    }
    return this.#symbols.length === 0;
  }

  *#old(symbol: number, beforeUs: number, limit: number): Generator<[number, number]> {
    let left = limit;
    for (let i = 0; i < SHORT_INTERVALS; i++) {
      const series = seriesOf(symbol, i);
      const end = Math.ceil(beforeUs / INTERVAL_US[i]);
      for (const key of this.#store.candles.getKeys({ start: [series, 0], end: [series, Math.max(0, end)], limit: left })) {
        left--;
        yield key as [number, number];
      }
      if (left === 0) return;
    }
  }
}
