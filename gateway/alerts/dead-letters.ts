import type { AlertStore, DeadRow } from './alert-store.ts';
import { type Endpoints, rowsOf } from './endpoints.ts';
import { MAX_DEAD } from './limits.ts';

/** The messages that are not attempted any more, as many of each endpoint as are kept. One thread. */
export class DeadLetters {
  /** Since the start. */
  total = 0;
  readonly #store: AlertStore;
  readonly #endpoints: Endpoints;
  readonly #counts = new Map<number, number>();

  constructor(store: AlertStore, endpoints: Endpoints) {
    this.#store = store;
    this.#endpoints = endpoints;
    for (const [endpoint] of store.dead.getKeys()) this.#counts.set(endpoint, this.count(endpoint) + 1);
  }

  count(endpoint: number): number {
    return this.#counts.get(endpoint) ?? 0;
  }

  /** Stores a dead letter, and removes the oldest if there are too many. In a transaction. */
  bury(id: number, no: number, row: DeadRow): void {
    this.total++;
    this.#store.dead.putSync([id, no], row);
    const count = this.count(id) + 1;
    this.#counts.set(id, Math.min(count, MAX_DEAD));
    if (count <= MAX_DEAD) return;
    for (const key of [...this.#store.dead.getKeys({ ...rowsOf(id), limit: 1 })]) this.#store.dead.removeSync(key);
    const endpoint = this.#endpoints.get(id);
    if (endpoint !== undefined) this.#endpoints.put({ ...endpoint, dropped: endpoint.dropped + 1 });
  }

  /** Some of an endpoint are removed from the store. */
  removed(endpoint: number, count: number): void {
    const left = this.count(endpoint) - count;
    if (left > 0) this.#counts.set(endpoint, left);
    else this.#counts.delete(endpoint);
  }
}
