import { removeFills } from '../positions/position-repair.ts';
import { requireRoom } from './room.ts';
import { DamagedHistoryError, fieldOf, recordsOf } from './run-format.ts';
import { REPORT_RUNS, type RunLayout, TRADE_RUNS } from './run-layout.ts';
import { NEWEST } from './runs.ts';
import type { HistoryStore } from './store.ts';

/** One step: at most so many runs are removed, and so many owners looked at. A few milliseconds. */
const STEP_RUNS = 256;
const STEP_OWNERS = 64;
/** Between two steps, and between two passes over all owners. */
const STEP_EVERY_MS = 200;
const PASS_EVERY_MS = 60_000;

/**
 * Removes runs whose records are all older, by a given time, than the newest
 * record and the clock, in small transactions. The file does not shrink, but its pages are used
 * again. The number of the last report removed is stored with the removal, so
 * that a reader learns that it is gone, and does not wait for it. The fills
 * of removed reports stay in the bases of the account's positions.
 *
 * The writer's thread owns it.
 */
export class HistoryTrimmer {
  readonly #store: HistoryStore;
  readonly #dataDir: string;
  readonly #keepUs: number;
  #name: 'reports' | 'trades' = 'reports';
  #owner = -1;
  #notBefore = 0;

  constructor(store: HistoryStore, dataDir: string, keepUs: number) {
    this.#store = store;
    this.#dataDir = dataDir;
    this.#keepUs = keepUs;
  }

  /**
   * A step, if one is due.
   * @param newestUs time of the newest record; 0 = none is known yet
   * @param nowMs steady clock
   * @returns records removed
   * @throws HistoryFullError, errors of LMDB
   */
  poll(newestUs: number, nowMs: number): number {
    if (newestUs === 0 || nowMs < this.#notBefore) return 0;
    requireRoom(this.#dataDir, STEP_RUNS);
    const { removed, complete } = this.step(Math.min(newestUs, Date.now() * 1000) - this.#keepUs);
    this.#notBefore = nowMs + (complete ? PASS_EVERY_MS : STEP_EVERY_MS);
    return removed;
  }

  /** Removes runs whose records are all older than `beforeUs`. `complete`: all owners have been looked at. */
  step(beforeUs: number): { removed: number; complete: boolean } {
    let removed = 0;
    let runs = 0;
    const complete = this.#store.root.transactionSync(() => {
      for (let owners = 0; owners < STEP_OWNERS && runs < STEP_RUNS; owners++) {
        const owner = this.#nextOwner();
        if (owner === undefined) {
          this.#owner = -1;
          this.#name = this.#name === 'reports' ? 'trades' : 'reports';
          if (this.#name === 'reports') return true;
          continue;
        }
        const old = this.#oldRuns(owner, beforeUs, STEP_RUNS - runs);
        const last = old.at(-1);
        if (last !== undefined && this.#name === 'reports') {
          removeFills(this.#store, owner, last.no + last.count - 1);
          this.#store.lost.putSync(owner, last.no + last.count - 1);
        }
        for (const { no } of old) this.#store[this.#name].removeSync([owner, no]);
        removed += old.reduce((sum, { count }) => sum + count, 0);
        runs += old.length;
        // The rest of a long list is removed by the next step.
        if (runs < STEP_RUNS) this.#owner = owner;
      }
      return false;
    });
    return { removed, complete };
  }

  #nextOwner(): number | undefined {
    const runs = this.#store[this.#name];
    for (const key of runs.getKeys({ start: [this.#owner + 1, 0], end: [NEWEST, NEWEST], limit: 1 })) return (key as [number, number])[0];
    return undefined;
  }

  #oldRuns(owner: number, beforeUs: number, limit: number): { no: number; count: number }[] {
    const layout: RunLayout = this.#name === 'reports' ? REPORT_RUNS : TRADE_RUNS;
    const found: { no: number; count: number }[] = [];
    for (const { key, value } of this.#store[this.#name].getRange({ start: [owner, 0], end: [owner, NEWEST], limit })) {
      const no = (key as [number, number])[1];
      let records: Buffer;
      try {
        records = recordsOf(layout, owner, no, value);
      } catch (error) {
        // A query or the next start reports it.
        if (error instanceof DamagedHistoryError) break;
        throw error;
      }
      if (fieldOf(records, records.length - layout.bytes + layout.timeAt) >= beforeUs) break;
      found.push({ no, count: records.length / layout.bytes });
    }
    return found;
  }
}
