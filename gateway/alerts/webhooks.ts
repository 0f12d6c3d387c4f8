import type { AlertEvent, AlertWebhook, WebhookMessage } from '../client/alert-types.ts';
import { type Delivery, DeliveryQueue, type Outcome, type QueueLimits } from '../webhooks/delivery-queue.ts';
import { signatures } from '../webhooks/signature.ts';
import { messageBody, messageId } from './alert-event.ts';
import type { AlertStore, Endpoint, PendingRow } from './alert-store.ts';
import { DeadLetters } from './dead-letters.ts';
import { DeliveryResults } from './delivery-results.ts';
import { Endpoints, rowsOf } from './endpoints.ts';
import { MAX_PENDING, MAX_PENDING_PER_ACCOUNT } from './limits.ts';

const CONCURRENCY: QueueLimits = { perEndpoint: 2, perAccount: 4, total: 64 };
/** Results wait so long, so that one transaction stores many of them; ms. */
const STORE_RESULTS_MS = 250;
/** Until results that could not be stored are tried again, ms. */
const STORE_AGAIN_MS = 2000;
/** Longest timer, ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const USER_AGENT = 'openbell-webhooks';
const NOTHING: Outcome = { status: 0, reason: '', retryAfterMs: 0 };

/** Sends a message; never rejects. */
export type Send = (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<Outcome>;

export interface WebhookOptions {
  readonly send: Send;
  readonly nowMs?: () => number;
  readonly random?: () => number;
  /** Called after each change of the counters. */
  readonly onCount?: () => void;
  /** Called when results cannot be stored, and when they can again (undefined). */
  readonly onFailing?: (error: Error | undefined) => void;
}

/** Counters since the start. */
export interface WebhookCounters {
  readonly delivered: number;
  readonly failed: number;
  readonly dead: number;
}

/** Endpoints and the delivery of events to them. What is not delivered is in the store: after a crash it is sent again, with the same id. One thread. */
export class Webhooks {
  readonly #store: AlertStore;
  readonly #options: WebhookOptions;
  readonly #nowMs: () => number;
  readonly #queue: DeliveryQueue;
  readonly #endpoints: Endpoints;
  readonly #dead: DeadLetters;
  readonly #results: DeliveryResults;
  #delivered = 0;
  #failed = 0;
  #timer: NodeJS.Timeout | undefined;
  #storing: NodeJS.Timeout | undefined;
  #stopped = false;

  /** Takes up what the store has. Nothing is sent before {@link run}. */
  constructor(store: AlertStore, options: WebhookOptions) {
    this.#store = store;
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#queue = new DeliveryQueue(CONCURRENCY, options.random);
    this.#endpoints = new Endpoints(store, this.#nowMs);
    this.#dead = new DeadLetters(store, this.#endpoints);
    this.#results = new DeliveryResults(store, this.#endpoints, this.#dead);
    for (const { key, value } of store.pending.getRange()) {
      const endpoint = this.#endpoints.get(key[0]);
      if (endpoint !== undefined)
        this.#queue.add({ endpoint: key[0], account: endpoint.account, no: key[1], attempts: value.attempts, dueMs: value.dueMs });
    }
  }

  get counters(): WebhookCounters {
    return { delivered: this.#delivered, failed: this.#failed, dead: this.#dead.total };
  }

  get pending(): number {
    return this.#queue.pending();
  }

  get endpoints(): number {
    return this.#endpoints.size;
  }

  /** How many rows {@link enqueue} writes for events of an account, at most. */
  rowsOf(account: number): number {
    return 2 * this.#endpoints.of(account).length;
  }

  /**
   * Stores a message for each endpoint of the event's account. Call it in a transaction, and then {@link taken}, once the transaction has ended.
   * @param queued messages of this transaction so far; those of the event are added
   */
  enqueue(event: AlertEvent, queued: Delivery[]): void {
    const { account, no } = event;
    // A transaction has events of many accounts, and each endpoint gets one message of an event.
    const entering = queued.reduce((count, delivery) => count + (delivery.account === account ? 1 : 0), 0);
    for (const { id, disabled } of this.#endpoints.of(account)) {
      const dueMs = this.#nowMs();
      const body = messageBody(event);
      const full =
        this.#queue.pending(account) + entering >= MAX_PENDING_PER_ACCOUNT || this.#queue.pending() + queued.length >= MAX_PENDING;
      if (disabled || full) this.#dead.bury(id, no, { attempts: 0, deadMs: dueMs, reason: disabled ? 'DISABLED' : 'QUEUE_FULL', body });
      else {
        this.#store.pending.putSync([id, no], { attempts: 0, dueMs, body });
        queued.push({ endpoint: id, account, no, attempts: 0, dueMs });
      }
    }
  }

  /** Takes messages that are stored, and sends what is due. */
  taken(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) if (this.#endpoints.get(delivery.endpoint) !== undefined) this.#queue.add(delivery);
    this.run();
  }

  /** Sends what is due, and what will be, each at its time. */
  run(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    for (let next = this.#queue.next(this.#nowMs()); next !== undefined; next = this.#queue.next(this.#nowMs())) void this.#send(next);
    const { dueMs } = this.#queue;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.run(), Math.min(MAX_TIMER_MS, Math.max(1, dueMs - this.#nowMs())));
  }

  /** Defines an endpoint. @returns it with its secret, which is not shown again @throws AlertError WEBHOOK_LIMIT */
  add(account: number, url: string, note: string): AlertWebhook & { readonly secret: string } {
    const { endpoint, secret } = this.#endpoints.add(account, url, note);
    return { ...this.#view(endpoint), secret };
  }

  /** A further secret. The one before signs for a day yet, beside it. @throws AlertError UNKNOWN_WEBHOOK */
  rotate(account: number, id: number): AlertWebhook & { readonly secret: string } {
    const { endpoint, secret } = this.#endpoints.rotate(account, id);
    return { ...this.#view(endpoint), secret };
  }

  /** Deletes an endpoint with its messages. @throws AlertError UNKNOWN_WEBHOOK */
  remove(account: number, id: number): void {
    this.#endpoints.find(account, id);
    const pending = [...this.#store.pending.getKeys(rowsOf(id))];
    const dead = [...this.#store.dead.getKeys(rowsOf(id))];
    this.#store.write(1 + pending.length + dead.length, () => {
      for (const key of pending) this.#store.pending.removeSync(key);
      for (const key of dead) this.#store.dead.removeSync(key);
      this.#store.endpoints.removeSync(id);
    });
    this.#endpoints.forget(id);
    this.#dead.removed(id, this.#dead.count(id));
    this.#queue.clear(id);
  }

  list(account: number): AlertWebhook[] {
    return this.#endpoints.of(account).map((endpoint) => this.#view(endpoint));
  }

  /** Messages that are not delivered, by event number. @param after an event number @throws AlertError UNKNOWN_WEBHOOK */
  messages(account: number, id: number, after: number, limit: number): WebhookMessage[] {
    this.#endpoints.find(account, id);
    this.#flush();
    const range = { start: [id, after + 1] as [number, number], end: [id + 1] as unknown as [number, number], limit };
    const pending = [...this.#store.pending.getRange(range)].map(({ key, value }): WebhookMessage => {
      return { no: key[1], state: 'pending', attempts: value.attempts, time: iso(value.dueMs), body: JSON.parse(value.body) };
    });
    const dead = [...this.#store.dead.getRange(range)].map(({ key, value }): WebhookMessage => {
      const { attempts, deadMs, reason, body } = value;
      return { no: key[1], state: 'dead', attempts, time: iso(deadMs), reason, body: JSON.parse(body) };
    });
    return [...pending, ...dead].sort((a, b) => a.no - b.no).slice(0, limit);
  }

  /**
   * Sends dead letters again, with their ids; a disabled endpoint is enabled again. As many as may wait, oldest first.
   * @param no of this event; undefined: all
   * @returns how many
   * @throws AlertError UNKNOWN_WEBHOOK
   */
  replay(account: number, id: number, no: number | undefined): { replayed: number; left: number } {
    this.#endpoints.find(account, id);
    // This may change the endpoint.
    this.#flush();
    const endpoint = this.#endpoints.find(account, id);
    const room = Math.min(MAX_PENDING_PER_ACCOUNT - this.#queue.pending(account), MAX_PENDING - this.#queue.pending());
    const range = no === undefined ? rowsOf(id) : { start: [id, no] as [number, number], end: [id, no + 1] as [number, number] };
    const rows = [...this.#store.dead.getRange({ ...range, limit: Math.max(0, room) })];
    const dueMs = this.#nowMs();
    this.#store.write(1 + 2 * rows.length, () => {
      for (const { key, value } of rows) {
        this.#store.dead.removeSync(key);
        this.#store.pending.putSync(key, { attempts: 0, dueMs, body: value.body });
      }
      if (endpoint.disabled) this.#endpoints.put({ ...endpoint, disabled: false });
    });
    this.#dead.removed(id, rows.length);
    this.taken(rows.map(({ key }) => ({ endpoint: id, account, no: key[1], attempts: 0, dueMs })));
    return { replayed: rows.length, left: this.#dead.count(id) };
  }

  /** Sends nothing more, and stores the results so far. Messages under way are sent again after the next start. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#storing);
    this.#flush();
  }

  async #send(delivery: Delivery): Promise<void> {
    const endpoint = this.#endpoints.get(delivery.endpoint);
    const row = this.#store.pending.get([delivery.endpoint, delivery.no]);
    if (endpoint === undefined || row === undefined) {
      // It is not in the store any more, so there is nothing to send.
      this.#queue.finish(delivery, NOTHING, this.#nowMs());
      return;
    }
    const outcome = await this.#options.send(endpoint.url, this.#headers(endpoint, delivery, row), row.body);
    if (this.#stopped) return;
    this.#finished(delivery, outcome);
    this.run();
  }

  #headers(endpoint: Endpoint, { account, no }: Delivery, { body }: PendingRow): Record<string, string> {
    const nowMs = this.#nowMs();
    const id = messageId({ account, no });
    const timestamp = Math.floor(nowMs / 1000);
    return {
      'content-type': 'application/json',
      'user-agent': USER_AGENT,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatures(this.#endpoints.secretsOf(endpoint), id, timestamp, body),
    };
  }

  #finished(delivery: Delivery, outcome: Outcome): void {
    const atMs = this.#nowMs();
    const verdict = this.#queue.finish(delivery, outcome, atMs);
    if (this.#endpoints.get(delivery.endpoint) === undefined) return;
    if (outcome.reason === '') this.#delivered++;
    else this.#failed++;
    this.#results.add({ delivery: { ...delivery }, outcome, verdict, atMs });
    this.#storeSoon(STORE_RESULTS_MS);
    this.#options.onCount?.();
  }

  #storeSoon(ms: number): void {
    this.#storing ??= setTimeout(() => {
      this.#storing = undefined;
      try {
        this.#flush();
        this.#options.onFailing?.(undefined);
      } catch (error) {
        this.#options.onFailing?.(error as Error);
        this.#storeSoon(STORE_AGAIN_MS);
      }
      this.#options.onCount?.();
    }, ms);
  }

  /** Stores all results so far. @throws HistoryFullError: they are kept */
  #flush(): void {
    for (const endpoint of this.#results.store(this.#nowMs())) this.#queue.clear(endpoint);
  }

  #view(endpoint: Endpoint): AlertWebhook {
    const { id, account, url, note, createdMs, disabled, delivered, failed, dropped, lastMs, lastResult } = endpoint;
    const secrets = this.#endpoints.secretsOf(endpoint).length;
    const counts = { pending: this.#store.pending.getCount(rowsOf(id)), dead: this.#dead.count(id), delivered, failed, dropped };
    const last = lastResult === '' ? {} : { last: { time: iso(lastMs), result: lastResult } };
    return { id, account, url, note, created: iso(createdMs), disabled, secrets, ...counts, ...last };
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
