import { type Delivery, DeliveryQueue, type Outcome, type QueueLimits } from '../webhooks/delivery-queue.ts';
import { newSecret, signatures } from '../webhooks/signature.ts';
import { AlertError } from './alert-error.ts';
import { type AlertEvent, messageBody, messageId } from './alert-event.ts';
import type { AlertStore, DeadRow, Endpoint, PendingRow } from './alert-store.ts';
import { MAX_DEAD, MAX_ENDPOINTS, MAX_ENDPOINTS_PER_ACCOUNT, MAX_PENDING, MAX_PENDING_PER_ACCOUNT, SECRET_OVERLAP_MS } from './limits.ts';

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

/** An endpoint as its owner sees it: without its secrets. */
export interface EndpointView {
  readonly id: number;
  readonly account: number;
  readonly url: string;
  readonly note: string;
  readonly created: string;
  readonly disabled: boolean;
  /** Secrets that sign: two while one is replaced. */
  readonly secrets: number;
  readonly pending: number;
  readonly dead: number;
  readonly delivered: number;
  readonly failed: number;
  readonly dropped: number;
  readonly last?: { readonly time: string; readonly result: string };
}

/** A message as its owner sees it. */
export interface MessageView {
  readonly no: number;
  readonly state: 'pending' | 'dead';
  readonly attempts: number;
  /** Of the next attempt; of a dead letter: when it died. */
  readonly time: string;
  readonly reason?: string;
  readonly body: unknown;
}

/** Counters since the start. */
export interface WebhookCounters {
  delivered: number;
  failed: number;
  dead: number;
}

/** A result that is not stored yet. */
interface Result {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  readonly verdict: 'delivered' | 'retry' | 'dead' | 'gone';
  readonly atMs: number;
}

/** Endpoints and the delivery of events to them. What is not delivered is in the store: after a crash it is sent again, with the same id. One thread. */
export class Webhooks {
  readonly counters: WebhookCounters = { delivered: 0, failed: 0, dead: 0 };
  readonly #store: AlertStore;
  readonly #options: WebhookOptions;
  readonly #nowMs: () => number;
  readonly #queue: DeliveryQueue;
  readonly #endpoints = new Map<number, Endpoint>();
  /** Dead letters by endpoint. */
  readonly #dead = new Map<number, number>();
  #results: Result[] = [];
  #timer: NodeJS.Timeout | undefined;
  #storing: NodeJS.Timeout | undefined;
  #stopped = false;

  /** Takes up what the store has. Nothing is sent before {@link run}. */
  constructor(store: AlertStore, options: WebhookOptions) {
    this.#store = store;
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#queue = new DeliveryQueue(CONCURRENCY, options.random);
    for (const { key, value } of store.endpoints.getRange()) this.#endpoints.set(key, value);
    for (const { key, value } of store.pending.getRange()) {
      const endpoint = this.#endpoints.get(key[0]);
      if (endpoint !== undefined) this.#queue.add({ endpoint: key[0], account: endpoint.account, no: key[1], ...timesOf(value) });
    }
    for (const [endpoint] of store.dead.getKeys()) this.#dead.set(endpoint, (this.#dead.get(endpoint) ?? 0) + 1);
  }

  get pending(): number {
    return this.#queue.pending();
  }

  get endpoints(): number {
    return this.#endpoints.size;
  }

  /** How many rows {@link enqueue} writes for events of an account, at most. */
  rowsOf(account: number): number {
    return 2 * this.#of(account).length;
  }

  /**
   * Stores a message for each endpoint of the event's account. Call it in a transaction, and then {@link taken}, once the transaction has ended.
   * @param queued messages of this transaction so far; those of the event are added
   */
  enqueue(event: AlertEvent, queued: Delivery[]): void {
    const { account, no } = event;
    // A transaction has events of many accounts, and each endpoint gets one message of an event.
    const entering = queued.reduce((count, delivery) => count + (delivery.account === account ? 1 : 0), 0);
    for (const { id, disabled } of this.#of(account)) {
      const dueMs = this.#nowMs();
      const body = messageBody(event);
      const full =
        this.#queue.pending(account) + entering >= MAX_PENDING_PER_ACCOUNT || this.#queue.pending() + queued.length >= MAX_PENDING;
      if (disabled || full) this.#bury(id, no, { attempts: 0, deadMs: dueMs, reason: disabled ? 'DISABLED' : 'QUEUE_FULL', body });
      else {
        this.#store.pending.putSync([id, no], { attempts: 0, dueMs, body });
        queued.push({ endpoint: id, account, no, attempts: 0, dueMs });
      }
    }
  }

  /** Takes messages that are stored, and sends what is due. */
  taken(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) if (this.#endpoints.has(delivery.endpoint)) this.#queue.add(delivery);
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
  add(account: number, url: string, note: string): EndpointView & { readonly secret: string } {
    if (this.#of(account).length >= MAX_ENDPOINTS_PER_ACCOUNT)
      throw new AlertError('WEBHOOK_LIMIT', `the account has ${MAX_ENDPOINTS_PER_ACCOUNT} webhooks, the most it may have: delete one`);
    if (this.#endpoints.size >= MAX_ENDPOINTS)
      throw new AlertError('WEBHOOK_LIMIT', `all accounts together have ${MAX_ENDPOINTS} webhooks, the most there may be`);
    const secret = newSecret();
    const endpoint = this.#store.write(2, () => {
      const made: Endpoint = {
        id: this.#store.nextId('endpoint'),
        account,
        url,
        note,
        createdMs: this.#nowMs(),
        secrets: [{ secret, untilMs: 0 }],
        disabled: false,
        delivered: 0,
        failed: 0,
        dropped: 0,
        lastMs: 0,
        lastResult: '',
      };
      this.#store.endpoints.putSync(made.id, made);
      return made;
    });
    this.#endpoints.set(endpoint.id, endpoint);
    return { ...this.#view(endpoint), secret };
  }

  /** A further secret. The one before signs for a day yet, beside it. @throws AlertError UNKNOWN_WEBHOOK */
  rotate(account: number, id: number): EndpointView & { readonly secret: string } {
    const endpoint = this.#find(account, id);
    const secret = newSecret();
    const [{ secret: before }] = endpoint.secrets;
    const secrets = [
      { secret, untilMs: 0 },
      { secret: before, untilMs: this.#nowMs() + SECRET_OVERLAP_MS },
    ];
    return { ...this.#view(this.#put({ ...endpoint, secrets })), secret };
  }

  /** Deletes an endpoint with its messages. @throws AlertError UNKNOWN_WEBHOOK */
  remove(account: number, id: number): void {
    this.#find(account, id);
    const pending = [...this.#store.pending.getKeys(rangeOf(id))];
    const dead = [...this.#store.dead.getKeys(rangeOf(id))];
    this.#store.write(1 + pending.length + dead.length, () => {
      for (const key of pending) this.#store.pending.removeSync(key);
      for (const key of dead) this.#store.dead.removeSync(key);
      this.#store.endpoints.removeSync(id);
    });
    this.#endpoints.delete(id);
    this.#dead.delete(id);
    this.#queue.clear(id);
  }

  list(account: number): EndpointView[] {
    return this.#of(account).map((endpoint) => this.#view(endpoint));
  }

  /** Messages that are not delivered, by event number. @param after an event number @throws AlertError UNKNOWN_WEBHOOK */
  messages(account: number, id: number, after: number, limit: number): MessageView[] {
    this.#find(account, id);
    this.#flush();
    const range = { start: [id, after + 1] as [number, number], end: [id + 1] as unknown as [number, number], limit };
    const pending = [...this.#store.pending.getRange(range)].map(({ key, value }): MessageView => {
      return { no: key[1], state: 'pending', attempts: value.attempts, time: iso(value.dueMs), body: JSON.parse(value.body) };
    });
    const dead = [...this.#store.dead.getRange(range)].map(({ key, value }): MessageView => {
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
    const endpoint = this.#find(account, id);
    this.#flush();
    const room = Math.min(MAX_PENDING_PER_ACCOUNT - this.#queue.pending(account), MAX_PENDING - this.#queue.pending());
    const range = no === undefined ? rangeOf(id) : { start: [id, no] as [number, number], end: [id, no + 1] as [number, number] };
    const rows = [...this.#store.dead.getRange({ ...range, limit: Math.max(0, room) })];
    const dueMs = this.#nowMs();
    this.#store.write(1 + 2 * rows.length, () => {
      for (const { key, value } of rows) {
        this.#store.dead.removeSync(key);
        this.#store.pending.putSync(key, { attempts: 0, dueMs, body: value.body });
      }
      if (endpoint.disabled) this.#store.endpoints.putSync(id, { ...endpoint, disabled: false });
    });
    this.#endpoints.set(id, { ...endpoint, disabled: false });
    this.#dead.set(id, (this.#dead.get(id) ?? 0) - rows.length);
    this.taken(rows.map(({ key }) => ({ endpoint: id, account, no: key[1], attempts: 0, dueMs })));
    return { replayed: rows.length, left: this.#dead.get(id) ?? 0 };
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
      'webhook-signature': signatures(secretsOf(endpoint, nowMs), id, timestamp, body),
    };
  }

  #finished(delivery: Delivery, outcome: Outcome): void {
    const atMs = this.#nowMs();
    const verdict = this.#queue.finish(delivery, outcome, atMs);
    if (!this.#endpoints.has(delivery.endpoint)) return;
    if (outcome.reason === '') this.counters.delivered++;
    else this.counters.failed++;
    this.#results.push({ delivery: { ...delivery }, outcome, verdict, atMs });
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
    const results = this.#results;
    if (results.length === 0) return;
    const gone = new Set(results.filter(({ verdict }) => verdict === 'gone').map(({ delivery }) => delivery.endpoint));
    const goneRows = [...gone].reduce((rows, endpoint) => rows + this.#store.pending.getCount(rangeOf(endpoint)), 0);
    this.#store.write(4 * results.length + 2 * goneRows, () => {
      for (const result of results) this.#storeResult(result);
      for (const endpoint of gone) this.#disable(endpoint);
    });
    this.#results = [];
    for (const endpoint of gone) this.#queue.clear(endpoint);
  }

  #storeResult({ delivery, outcome, verdict, atMs }: Result): void {
    const { endpoint: id, no, attempts, dueMs } = delivery;
    const endpoint = this.#endpoints.get(id);
    const row = this.#store.pending.get([id, no]);
    if (endpoint === undefined || row === undefined) return;
    const failed = outcome.reason !== '';
    const changed = {
      ...endpoint,
      [failed ? 'failed' : 'delivered']: endpoint[failed ? 'failed' : 'delivered'] + 1,
      lastMs: atMs,
      lastResult: failed ? outcome.reason : `HTTP_${outcome.status}`,
    };
    this.#endpoints.set(id, changed);
    this.#store.endpoints.putSync(id, changed);
    if (verdict === 'retry') {
      this.#store.pending.putSync([id, no], { ...row, attempts, dueMs });
      return;
    }
    this.#store.pending.removeSync([id, no]);
    if (verdict !== 'delivered') this.#bury(id, no, { attempts, deadMs: atMs, reason: outcome.reason, body: row.body });
  }

  /** The endpoint has answered 410: what waits for it are dead letters. */
  #disable(id: number): void {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return;
    for (const { key, value } of [...this.#store.pending.getRange(rangeOf(id))]) {
      this.#store.pending.removeSync(key);
      this.#bury(id, key[1], { attempts: value.attempts, deadMs: this.#nowMs(), reason: 'DISABLED', body: value.body });
    }
    const disabled = { ...(this.#endpoints.get(id) as Endpoint), disabled: true };
    this.#endpoints.set(id, disabled);
    this.#store.endpoints.putSync(id, disabled);
  }

  /** Stores a dead letter, and removes the oldest if there are too many. In a transaction. */
  #bury(id: number, no: number, row: DeadRow): void {
    this.counters.dead++;
    this.#store.dead.putSync([id, no], row);
    const count = (this.#dead.get(id) ?? 0) + 1;
    this.#dead.set(id, Math.min(count, MAX_DEAD));
    if (count <= MAX_DEAD) return;
    for (const key of [...this.#store.dead.getKeys({ ...rangeOf(id), limit: 1 })]) this.#store.dead.removeSync(key);
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return;
    this.#endpoints.set(id, { ...endpoint, dropped: endpoint.dropped + 1 });
    this.#store.endpoints.putSync(id, { ...endpoint, dropped: endpoint.dropped + 1 });
  }

  #put(endpoint: Endpoint): Endpoint {
    this.#store.write(1, () => this.#store.endpoints.putSync(endpoint.id, endpoint));
    this.#endpoints.set(endpoint.id, endpoint);
    return endpoint;
  }

  #of(account: number): Endpoint[] {
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.account === account);
  }

  /** An endpoint of another account does not exist for this one. */
  #find(account: number, id: number): Endpoint {
    const endpoint = this.#endpoints.get(id);
    if (endpoint?.account === account) return endpoint;
    throw new AlertError('UNKNOWN_WEBHOOK', `account ${account} has no webhook ${id}; list them with: openbell webhooks ls`);
  }

  #view(endpoint: Endpoint): EndpointView {
    const { id, account, url, note, createdMs, disabled, delivered, failed, dropped, lastMs, lastResult } = endpoint;
    return {
      id,
      account,
      url,
      note,
      created: iso(createdMs),
      disabled,
      secrets: secretsOf(endpoint, this.#nowMs()).length,
      pending: this.#store.pending.getCount(rangeOf(id)),
      dead: this.#dead.get(id) ?? 0,
      delivered,
      failed,
      dropped,
      ...(lastResult !== '' && { last: { time: iso(lastMs), result: lastResult } }),
    };
  }
}

function timesOf({ attempts, dueMs }: PendingRow): Pick<Delivery, 'attempts' | 'dueMs'> {
  return { attempts, dueMs };
}

/** The rows of one endpoint. */
function rangeOf(endpoint: number): { start: [number, number]; end: [number, number] } {
  return { start: [endpoint, 0], end: [endpoint + 1, 0] };
}

function secretsOf({ secrets }: Endpoint, nowMs: number): string[] {
  return secrets.filter(({ untilMs }) => untilMs === 0 || untilMs > nowMs).map(({ secret }) => secret);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
