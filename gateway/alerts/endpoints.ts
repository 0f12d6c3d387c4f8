import { newSecret } from '../webhooks/signature.ts';
import { AlertError } from './alert-error.ts';
import type { AlertStore, Endpoint } from './alert-store.ts';
import { MAX_ENDPOINTS, MAX_ENDPOINTS_PER_ACCOUNT, SECRET_OVERLAP_MS } from './limits.ts';

/** The endpoints of webhooks: which account has which, in memory and in the store. One thread. */
export class Endpoints {
  readonly #store: AlertStore;
  readonly #nowMs: () => number;
  readonly #endpoints = new Map<number, Endpoint>();

  constructor(store: AlertStore, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
    for (const { key, value } of store.endpoints.getRange()) this.#endpoints.set(key, value);
  }

  get size(): number {
    return this.#endpoints.size;
  }

  get(id: number): Endpoint | undefined {
    return this.#endpoints.get(id);
  }

  of(account: number): Endpoint[] {
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.account === account);
  }

  /** An endpoint of another account does not exist for this one. @throws AlertError UNKNOWN_WEBHOOK */
  find(account: number, id: number): Endpoint {
    const endpoint = this.#endpoints.get(id);
    if (endpoint?.account === account) return endpoint;
    throw new AlertError('UNKNOWN_WEBHOOK', `account ${account} has no webhook ${id}; list them with: openbell webhooks ls`);
  }

  /** Defines an endpoint. @returns it with its secret @throws AlertError WEBHOOK_LIMIT */
  add(account: number, url: string, note: string): { readonly endpoint: Endpoint; readonly secret: string } {
    if (this.of(account).length >= MAX_ENDPOINTS_PER_ACCOUNT)
      throw new AlertError('WEBHOOK_LIMIT', `the account has ${MAX_ENDPOINTS_PER_ACCOUNT} webhooks, the most it may have: delete one`);
    if (this.#endpoints.size >= MAX_ENDPOINTS)
      throw new AlertError('WEBHOOK_LIMIT', `all accounts together have ${MAX_ENDPOINTS} webhooks, the most there may be`);
    const secret = newSecret();
    const made = { account, url, note, createdMs: this.#nowMs(), secrets: [{ secret, untilMs: 0 }] };
    const none = { disabled: false, delivered: 0, failed: 0, dropped: 0, lastMs: 0, lastResult: '' };
    const endpoint = this.#store.write(2, () => {
      const stored: Endpoint = { id: this.#store.nextId('endpoint'), ...made, ...none };
      this.#store.endpoints.putSync(stored.id, stored);
      return stored;
    });
    this.#endpoints.set(endpoint.id, endpoint);
    return { endpoint, secret };
  }

  /** A further secret. The one before signs for a day yet, beside it. @throws AlertError UNKNOWN_WEBHOOK */
  rotate(account: number, id: number): { readonly endpoint: Endpoint; readonly secret: string } {
    const before = this.find(account, id);
    const secret = newSecret();
    const secrets = [
      { secret, untilMs: 0 },
      { secret: before.secrets[0].secret, untilMs: this.#nowMs() + SECRET_OVERLAP_MS },
    ];
    const endpoint = { ...before, secrets };
    this.#store.write(1, () => this.put(endpoint));
    return { endpoint, secret };
  }

  /** Changes an endpoint. In a transaction. */
  put(endpoint: Endpoint): void {
    this.#store.endpoints.putSync(endpoint.id, endpoint);
    this.#endpoints.set(endpoint.id, endpoint);
  }

  /** Removes an endpoint from memory that is removed from the store. */
  forget(id: number): void {
    this.#endpoints.delete(id);
  }

  /** The secrets that sign now, newest first. */
  secretsOf({ secrets }: Endpoint): string[] {
    const nowMs = this.#nowMs();
    return secrets.filter(({ untilMs }) => untilMs === 0 || untilMs > nowMs).map(({ secret }) => secret);
  }
}

/** The rows of one endpoint. */
export function rowsOf(endpoint: number): { start: [number, number]; end: [number, number] } {
  return { start: [endpoint, 0], end: [endpoint + 1, 0] };
}
