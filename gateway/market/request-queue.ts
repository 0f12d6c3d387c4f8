import type { WorkBudget } from '../work-budget.ts';

/** Time for requests of all readers per turn of the event loop, ms. */
const TURN_MS = 0.5;
/** Maximum bytes of one reader's requests that wait. */
const MAX_BYTES = 2 * 1024 * 1024;
/** The same of all readers with one budget; what a request takes besides its bytes counts, too. */
const MAX_OWNER_BYTES = 16 * 1024 * 1024;
const REQUEST_BYTES = 256;
/** Time of one request that counts, at most, ms. */
const MOST_COUNTED_MS = 5;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

interface Inbox {
  readonly requests: Waiting[];
  /** The next request. */
  at: number;
  bytes: number;
}

const NO_CONTENT: Waiting = { bytes: new Uint8Array(0), isBinary: false };

function newInbox(): Inbox {
  return { requests: [], at: 0, bytes: 0 };
}

/** Handles a request. @returns whether the time that it took counts against the reader's budget */
export type HandleRequest<Reader> = (reader: Reader, bytes: Uint8Array, isBinary: boolean) => boolean;

export interface RequestQueueOptions<Reader> {
  /** Requests of one reader that wait at most. */
  readonly most: number;
  /** Time for requests of all readers per turn of the event loop, ms. */
  readonly turnMs?: number;
  /** The budget that a reader shares with the others of its owner, always the same. */
  readonly budgetOf: (reader: Reader) => WorkBudget;
}

/**
 * Bounds the time that requests of readers take per turn of the event loop: further ones wait, and readers take turns. A
 * read from one socket may hold ten thousand requests. The requests of an owner that has used up its budget wait for it, however
 * many readers it has, so that the turns are left to the others. I/O thread.
 */
export class RequestQueue<Reader> {
  readonly #most: number;
  readonly #turnMs: number;
  readonly #budgetOf: (reader: Reader) => WorkBudget;
  readonly #handle: HandleRequest<Reader>;
  /** Readers whose requests wait. The one whose turn is next comes first. */
  readonly #inboxes = new Map<Reader, Inbox>();
  /** What waits for the budget of its reader. */
  readonly #resting = new Map<Reader, Inbox>();
  /** What waits of readers that are held. */
  readonly #held = new Map<Reader, Inbox>();
  /** End of this turn's time, ms of the monotonic clock; 0 until its first request. */
  #end = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ most, turnMs = TURN_MS, budgetOf }: RequestQueueOptions<Reader>, handle: HandleRequest<Reader>) {
    this.#turnMs = turnMs;
    this.#most = most;
    this.#budgetOf = budgetOf;
    this.#handle = handle;
  }

  /** Handles the request now or later. `bytes` need to be valid during the call only. False: too many of the reader wait. */
  take(reader: Reader, bytes: Uint8Array, isBinary: boolean): boolean {
    this.#begin();
    const budget = this.#budgetOf(reader);
    const inbox = this.#held.get(reader) ?? this.#resting.get(reader) ?? this.#inboxes.get(reader);
    const now = performance.now();
    if (inbox === undefined && now < this.#end && budget.waitMs(now) === 0) {
      this.#work(reader, budget, bytes, isBinary, now);
      return true;
    }
    const own = inbox ?? this.#open(reader);
    const size = bytes.length + REQUEST_BYTES;
    own.bytes += size;
    budget.waitingBytes += size;
    own.requests.push({ bytes: bytes.slice(), isBinary });
    return (
      own.requests.length - own.at <= this.#most &&
      own.bytes <= MAX_BYTES + this.#most * REQUEST_BYTES &&
      budget.waitingBytes <= MAX_OWNER_BYTES
    );
  }

  /** Lets the further requests of a reader wait until `resume`. The one that is being handled is not done. */
  hold(reader: Reader): void {
    this.#held.set(reader, this.#inboxes.get(reader) ?? this.#resting.get(reader) ?? newInbox());
    this.#inboxes.delete(reader);
    this.#resting.delete(reader);
  }

  /** Handles a request without content in the reader's turn, and then what waits. Nothing if the reader is not held. */
  resume(reader: Reader): void {
    const inbox = this.#held.get(reader);
    if (inbox === undefined) return;
    this.#held.delete(reader);
    inbox.requests.splice(0, inbox.at, NO_CONTENT);
    inbox.at = 0;
    inbox.bytes += REQUEST_BYTES;
    this.#budgetOf(reader).waitingBytes += REQUEST_BYTES;
    this.#inboxes.set(reader, inbox);
    this.#begin();
  }

  /** Drops what waits of a reader that has left. */
  forget(reader: Reader): void {
    for (const inboxes of [this.#inboxes, this.#resting, this.#held]) {
      const inbox = inboxes.get(reader);
      if (inbox === undefined) continue;
      this.#budgetOf(reader).waitingBytes -= inbox.bytes;
      inboxes.delete(reader);
    }
  }

  #open(reader: Reader): Inbox {
    const inbox = newInbox();
    this.#inboxes.set(reader, inbox);
    return inbox;
  }

  #begin(): void {
    if (this.#end !== 0) return;
    this.#end = performance.now() + this.#turnMs;
    setImmediate(this.#next);
  }

  /** The next turn: handles what waits. */
  readonly #next = (): void => {
    this.#end = 0;
    if (this.#inboxes.size === 0) return;
    this.#begin();
    for (let now = performance.now(); this.#inboxes.size !== 0 && now < this.#end; now = performance.now()) this.#one(now);
  };

  #one(now: number): void {
    for (const [reader, inbox] of this.#inboxes) {
      const budget = this.#budgetOf(reader);
      this.#inboxes.delete(reader);
      const waitMs = budget.waitMs(now);
      if (waitMs !== 0) {
        this.#resting.set(reader, inbox);
        this.#wake(waitMs);
        return;
      }
      const { bytes, isBinary } = inbox.requests[inbox.at++];
      const size = bytes.length + REQUEST_BYTES;
      inbox.bytes -= size;
      budget.waitingBytes -= size;
      if (inbox.at < inbox.requests.length) this.#inboxes.set(reader, inbox);
      this.#work(reader, budget, bytes, isBinary, now);
      return;
    }
  }

  #work(reader: Reader, budget: WorkBudget, bytes: Uint8Array, isBinary: boolean, from: number): void {
    const counts = this.#handle(reader, bytes, isBinary);
    if (!counts) return;
    const now = performance.now();
    // The machine may take the core away meanwhile: that is not the reader's work.
    budget.spend(Math.min(now - from, MOST_COUNTED_MS), now);
  }

  /** Looks in that time whose budget allows work again. */
  #wake(inMs: number): void {
    if (this.#timer === undefined) this.#timer = setTimeout(this.#rested, Math.max(1, inMs)).unref();
  }

  readonly #rested = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [reader, inbox] of this.#resting) {
      const waitMs = this.#budgetOf(reader).waitMs(now);
      if (waitMs !== 0) next = Math.min(next, waitMs);
      else {
        this.#resting.delete(reader);
        this.#inboxes.set(reader, inbox);
      }
    }
    if (this.#resting.size !== 0) this.#wake(next);
    if (this.#inboxes.size !== 0) this.#begin();
  };
}
