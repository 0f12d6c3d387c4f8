import type { Delivery, Outcome, Verdict } from '../webhooks/delivery-queue.ts';
import type { AlertStore } from './alert-store.ts';
import type { DeadLetters } from './dead-letters.ts';
import { type Endpoints, rowsOf } from './endpoints.ts';

/** The result of an attempt. */
export interface DeliveryResult {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  readonly verdict: Verdict;
  readonly atMs: number;
}

/** Results of attempts that are not stored yet. A crash loses them: then their messages are sent again. One thread. */
export class DeliveryResults {
  readonly #store: AlertStore;
  readonly #endpoints: Endpoints;
  readonly #dead: DeadLetters;
  #results: DeliveryResult[] = [];

  constructor(store: AlertStore, endpoints: Endpoints, dead: DeadLetters) {
    this.#store = store;
    this.#endpoints = endpoints;
    this.#dead = dead;
  }

  add(result: DeliveryResult): void {
    this.#results.push(result);
  }

  /** Stores all. @returns endpoints that are disabled now @throws HistoryFullError: the results are kept */
  store(nowMs: number): ReadonlySet<number> {
    const results = this.#results;
    const gone = new Set(results.filter(({ verdict }) => verdict === 'gone').map(({ delivery }) => delivery.endpoint));
    if (results.length === 0) return gone;
    const waiting = [...gone].reduce((rows, endpoint) => rows + this.#store.pending.getCount(rowsOf(endpoint)), 0);
    this.#store.write(4 * results.length + 2 * waiting, () => {
      for (const result of results) this.#storeOne(result);
      for (const endpoint of gone) this.#disable(endpoint, nowMs);
    });
    this.#results = [];
    return gone;
  }

  #storeOne({ delivery, outcome, verdict, atMs }: DeliveryResult): void {
    const { endpoint: id, no, attempts, dueMs } = delivery;
    const endpoint = this.#endpoints.get(id);
    const row = this.#store.pending.get([id, no]);
    if (endpoint === undefined || row === undefined) return;
    const failed = outcome.reason !== '';
    const count = failed ? { failed: endpoint.failed + 1 } : { delivered: endpoint.delivered + 1 };
    this.#endpoints.put({ ...endpoint, ...count, lastMs: atMs, lastResult: failed ? outcome.reason : `HTTP_${outcome.status}` });
    if (verdict === 'retry') {
      this.#store.pending.putSync([id, no], { ...row, attempts, dueMs });
      return;
    }
    this.#store.pending.removeSync([id, no]);
    if (verdict !== 'delivered') this.#dead.bury(id, no, { attempts, deadMs: atMs, reason: outcome.reason, body: row.body });
  }

  /** The endpoint has answered 410: what waits for it are dead letters. */
  #disable(id: number, nowMs: number): void {
    for (const { key, value } of [...this.#store.pending.getRange(rowsOf(id))]) {
      this.#store.pending.removeSync(key);
      this.#dead.bury(id, key[1], { attempts: value.attempts, deadMs: nowMs, reason: 'DISABLED', body: value.body });
    }
    const endpoint = this.#endpoints.get(id);
    if (endpoint !== undefined) this.#endpoints.put({ ...endpoint, disabled: true });
  }
}
