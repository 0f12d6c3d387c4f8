import { QuietTurns } from './quiet-turns.ts';

/** Longest work per turn of the event loop, ms. */
const SLICE_MS = 0.2;
/** Rest between two slices, ms: the orders that have arrived are processed meanwhile. */
const REST_MS = 2;

interface Job {
  /** Does one small piece of work, at most some 0.1 ms. True: there is no more. */
  readonly step: () => boolean;
}

/**
 * Background work of the order thread, in slices of a fifth of a millisecond with a rest between two of
 * them: a long answer delays an order by one slice, not by the whole answer. All jobs together
 * share one slice. Owners take turns, one piece each, so that one owner's jobs do not delay those of
 * another. I/O thread.
 */
export class Slices {
  /** When the slices run, these and others. */
  readonly turns = new QuietTurns();
  /** Jobs by owner. The owner whose turn is next comes first. */
  readonly #jobs = new Map<string, Job[]>();
  #waiting = false;
  #restUntil = 0;

  /** Jobs that have not ended. */
  get pending(): number {
    let count = 0;
    for (const jobs of this.#jobs.values()) count += jobs.length;
    return count;
  }

  /**
   * Runs work that yields between small pieces.
   * @param owner whose turn it takes
   */
  run<T>(owner: string, work: Generator<undefined, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const step = (): boolean => {
        try {
          const { done, value } = work.next();
          if (done) resolve(value);
          return done === true;
        } catch (error) {
          reject(error as Error);
          return true;
        }
      };
      const jobs = this.#jobs.get(owner);
      if (jobs === undefined) this.#jobs.set(owner, [{ step }]);
      else jobs.push({ step });
      this.#schedule();
    });
  }

  /**
   * Runs work whose first part, until it awaits something, is one small piece.
   * @param owner whose turn it takes
   */
  begin<T>(owner: string, work: () => T | Promise<T>): Promise<T> {
    // biome-ignore lint/correctness/useYield: it is one piece
    const piece = function* (): Generator<undefined, T | Promise<T>> {
      return work();
    };
    return this.run<T | Promise<T>>(owner, piece()) as Promise<T>;
  }

  #schedule(): void {
    if (this.#waiting || this.#jobs.size === 0) return;
    this.#waiting = true;
    if (performance.now() < this.#restUntil) setTimeout(this.#rested, REST_MS);
    else this.turns.next(this.#turn);
  }

  readonly #rested = (): void => this.turns.next(this.#turn);

  readonly #turn = (): void => {
    const end = performance.now() + SLICE_MS;
    do this.#step();
    while (this.#jobs.size !== 0 && performance.now() < end);
    this.#restUntil = performance.now() + REST_MS;
    this.#waiting = false;
    this.#schedule();
  };

  #step(): void {
    for (const [owner, jobs] of this.#jobs) {
      // The step may add further jobs of its owner.
      if (jobs[0].step()) jobs.shift();
      this.#jobs.delete(owner);
      if (jobs.length !== 0) this.#jobs.set(owner, jobs);
      return;
    }
  }
}
