import { retryDelay } from './retry.ts';

/** A message for one endpoint that is not delivered yet. */
export interface Delivery {
  readonly endpoint: number;
  readonly account: number;
  /** Number of the event, per account. */
  readonly no: number;
  /** Attempts that have failed. */
  attempts: number;
  /** When it may be sent, ms since the Unix epoch. */
  dueMs: number;
}

/** The result of one attempt. */
export interface Outcome {
  /** Status of the answer; 0: there was none. */
  readonly status: number;
  /** Why it failed, such as `TIMEOUT`; of an answer `HTTP_503`. Empty: delivered. */
  readonly reason: string;
  /** What the endpoint asked for, ms; 0 = nothing. */
  readonly retryAfterMs: number;
}

/** What follows from an attempt. `gone`: the endpoint wants no messages any more. */
export type Verdict = 'delivered' | 'retry' | 'dead' | 'gone';

export interface QueueLimits {
  /** Messages that are being sent at once: to one endpoint, those of one account, all. */
  readonly perEndpoint: number;
  readonly perAccount: number;
  readonly total: number;
}

const GONE = 410;

/** The messages of one endpoint. */
class EndpointQueue {
  /** In the order of their times, and then of their numbers. */
  readonly waiting: Delivery[] = [];
  sending = 0;
  /** The last attempt failed: one message is sent at a time, until one arrives. */
  failing = false;

  insert(delivery: Delivery): void {
    let at = this.waiting.length;
    while (at > 0 && isBefore(delivery, this.waiting[at - 1])) at--;
    this.waiting.splice(at, 0, delivery);
  }
}

function isBefore(a: Delivery, b: Delivery): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.no < b.no);
}

/**
 * Decides which message is sent next, and what follows from the result; it has no clock, no network and no disk. Endpoints take
 * turns, and each has a bound of its own, so that a slow one delays its own messages only. One thread.
 *
 * ```
 *         add            next                 finish
 *  ─────▶ waiting ─────▶ being sent ─┬─ 2xx ───────────────▶ delivered
 *            ▲                       ├─ 410 ───────────────▶ gone: the endpoint is disabled
 *            └──── retry, later ─────┴─ else ── 9 attempts ─▶ dead
 * ```
 */
export class DeliveryQueue {
  readonly #limits: QueueLimits;
  readonly #random: () => number;
  /** The endpoint whose turn is next comes first. */
  readonly #endpoints = new Map<number, EndpointQueue>();
  readonly #sendingOf = new Map<number, number>();
  readonly #pendingOf = new Map<number, number>();
  #sending = 0;
  #pending = 0;

  /** @param random from 0 to 1: the jitter of retries */
  constructor(limits: QueueLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Messages that wait or are being sent. @param account of this account; default: all */
  pending(account?: number): number {
    return account === undefined ? this.#pending : (this.#pendingOf.get(account) ?? 0);
  }

  get sending(): number {
    return this.#sending;
  }

  add(delivery: Delivery): void {
    let queue = this.#endpoints.get(delivery.endpoint);
    if (queue === undefined) {
      queue = new EndpointQueue();
      this.#endpoints.set(delivery.endpoint, queue);
    }
    queue.insert(delivery);
    this.#count(this.#pendingOf, delivery.account, 1);
    this.#pending++;
  }

  /** Takes the next message that may be sent; undefined: none now. Each taken one must be given to {@link finish}. */
  next(nowMs: number): Delivery | undefined {
    if (this.#sending >= this.#limits.total) return undefined;
    for (const [endpoint, queue] of this.#endpoints) {
      const first = queue.waiting[0];
      if (first === undefined || first.dueMs > nowMs || !this.#hasTurn(queue, first.account)) continue;
      queue.waiting.shift();
      queue.sending++;
      this.#sending++;
      this.#count(this.#sendingOf, first.account, 1);
      this.#endpoints.delete(endpoint);
      this.#endpoints.set(endpoint, queue);
      return first;
    }
    return undefined;
  }

  /** When {@link next} may have a message, ms since the Unix epoch; Infinity: not before a further call of `add` or `finish`. */
  get dueMs(): number {
    if (this.#sending >= this.#limits.total) return Number.POSITIVE_INFINITY;
    let due = Number.POSITIVE_INFINITY;
    for (const queue of this.#endpoints.values()) {
      const first = queue.waiting[0];
      if (first !== undefined && first.dueMs < due && this.#hasTurn(queue, first.account)) due = first.dueMs;
    }
    return due;
  }

  /** Takes the result of an attempt; a message to be sent again waits in the queue, with its new time. */
  finish(delivery: Delivery, { status, reason, retryAfterMs }: Outcome, nowMs: number): Verdict {
    const queue = this.#endpoints.get(delivery.endpoint);
    this.#sending--;
    this.#count(this.#sendingOf, delivery.account, -1);
    this.#count(this.#pendingOf, delivery.account, -1);
    this.#pending--;
    if (queue !== undefined) {
      queue.sending--;
      queue.failing = reason !== '';
    }
    if (reason === '') return this.#left(delivery.endpoint, 'delivered');
    delivery.attempts++;
    if (status === GONE) return this.#left(delivery.endpoint, 'gone');
    const delay = retryDelay(delivery.attempts, this.#random(), retryAfterMs);
    if (delay === undefined || queue === undefined) return this.#left(delivery.endpoint, 'dead');
    delivery.dueMs = nowMs + delay;
    this.add(delivery);
    return 'retry';
  }

  /** Removes what waits for an endpoint, which is deleted or disabled. @returns the messages */
  clear(endpoint: number): Delivery[] {
    const queue = this.#endpoints.get(endpoint);
    const waiting = queue?.waiting.splice(0) ?? [];
    for (const { account } of waiting) this.#count(this.#pendingOf, account, -1);
    this.#pending -= waiting.length;
    this.#left(endpoint, 'gone');
    return waiting;
  }

  #hasTurn(queue: EndpointQueue, account: number): boolean {
    const { perEndpoint, perAccount } = this.#limits;
    return queue.sending < (queue.failing ? 1 : perEndpoint) && (this.#sendingOf.get(account) ?? 0) < perAccount;
  }

  /** Forgets an endpoint without messages. */
  #left(endpoint: number, verdict: Verdict): Verdict {
    const queue = this.#endpoints.get(endpoint);
    if (queue !== undefined && queue.waiting.length === 0 && queue.sending === 0) this.#endpoints.delete(endpoint);
    return verdict;
  }

  #count(counts: Map<number, number>, account: number, by: number): void {
    const count = (counts.get(account) ?? 0) + by;
    if (count === 0) counts.delete(account);
    else counts.set(account, count);
  }
}
