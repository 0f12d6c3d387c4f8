/** The queue of a caller, or of all callers, is full. */
export class QueueFullError extends Error {}

interface Entry {
  readonly start: () => Promise<void>;
}

/**
 * A queue before a pool of threads: callers take turns, so that the queries of one caller do not
 * delay those of another by more than what is running. I/O thread.
 */
export class FairQueue {
  readonly #atOnce: number;
  readonly #mostPerCaller: number;
  readonly #most: number;
  /** Waiting entries by caller. The caller whose turn is next comes first. */
  readonly #waiting = new Map<string, Entry[]>();
  #count = 0;
  #running = 0;

  /** @param atOnce how many run at the same time; limits of what waits: of one caller, of all */
  constructor(atOnce: number, mostPerCaller: number, most: number) {
    this.#atOnce = atOnce;
    this.#mostPerCaller = mostPerCaller;
    this.#most = most;
  }

  /** Entries that wait. */
  get waiting(): number {
    return this.#count;
  }

  /** Runs the work when it is the caller's turn. @throws QueueFullError */
  run<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const own = this.#waiting.get(caller) ?? [];
    if (own.length >= this.#mostPerCaller)
      throw new QueueFullError(`${own.length} of your history queries are waiting already; wait for one`);
    if (this.#count >= this.#most) throw new QueueFullError(`${this.#most} history queries are waiting already; ask again in a moment`);
    return new Promise((resolve, reject) => {
      own.push({ start: () => work().then(resolve, reject) });
      if (own.length === 1) this.#waiting.set(caller, own);
      this.#count++;
      this.#next();
    });
  }

  #next(): void {
    for (const [caller, entries] of this.#waiting) {
      if (this.#running >= this.#atOnce) return;
      const entry = entries.shift() as Entry;
      this.#waiting.delete(caller);
      if (entries.length > 0) this.#waiting.set(caller, entries);
      this.#count--;
      this.#running++;
      void entry.start().finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }
}
