/** Work that an owner may do at once after it has waited, ms: it does not wait for each request. */
const PORTION_MS = 0.2;

/** How much of a thread one owner may use. */
export interface WorkShare {
  /** Part of the thread's time in the long run. */
  readonly share: number;
  /** Time that it may use at once, ms. */
  readonly burstMs: number;
}

/** The time of a thread that the work of one owner takes, bounded. Who has used it up waits; it refills at a steady rate. One thread. */
export class WorkBudget {
  /** Bytes of its requests that wait. The queue of the requests keeps it. */
  waitingBytes = 0;
  readonly #share: number;
  readonly #burstMs: number;
  #leftMs: number;
  #at: number;
  #waits = false;

  /** @param now ms of a monotonic clock */
  constructor({ share, burstMs }: WorkShare, now: number = performance.now()) {
    this.#share = share;
    this.#burstMs = burstMs;
    this.#leftMs = burstMs;
    this.#at = now;
  }

  /** Takes time that was used, ms, which may be more than is left. */
  spend(ms: number, now: number = performance.now()): void {
    this.#refill(now);
    this.#leftMs -= ms;
  }

  /** Time until its next work, ms; 0: it may work now. */
  waitMs(now: number = performance.now()): number {
    this.#refill(now);
    if (this.#leftMs <= 0) this.#waits = true;
    else if (this.#leftMs >= PORTION_MS) this.#waits = false;
    return this.#waits ? (PORTION_MS - this.#leftMs) / this.#share : 0;
  }

  #refill(now: number): void {
    this.#leftMs = Math.min(this.#burstMs, this.#leftMs + (now - this.#at) * this.#share);
    this.#at = now;
  }
}

/** Most owners that are remembered: beyond it, the one that came longest ago starts anew. */
const MOST_OWNERS = 4096;

/** A {@link WorkBudget} per owner, such as an account or the subject of a token. An owner that leaves and comes back has the same one. One thread. */
export class WorkBudgets {
  readonly #share: WorkShare;
  readonly #budgets = new Map<string | number, WorkBudget>();

  constructor(share: WorkShare) {
    this.#share = share;
  }

  of(owner: string | number): WorkBudget {
    const budget = this.#budgets.get(owner) ?? new WorkBudget(this.#share);
    this.#budgets.delete(owner);
    this.#budgets.set(owner, budget);
    for (const oldest of this.#budgets.keys()) {
      if (this.#budgets.size <= MOST_OWNERS) break;
      this.#budgets.delete(oldest);
    }
    return budget;
  }
}
