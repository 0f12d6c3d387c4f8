/** Longest work between two rests. Trading waits at most this long for the background thread. */
const WORK_MS = 0.1;
/** Rest per unit of work; the thread uses a tenth of a core. */
const REST = 9;

/**
 * Limits a background thread to a share of a core, in small portions. If there
 * are not enough cores, a thread that works without a pause delays the trading
 * threads by whole slices of the scheduler (3 to 4 ms). A lower priority does not
 * prevent that (docs/PERFORMANCE.md). Owned by the background thread; another
 * thread ends the rests with {@link DutyLimit.lift}.
 */
export class DutyLimit {
  readonly #lifted: Int32Array;
  readonly #workMs: number;
  #since = performance.now();
  #rested = 0;

  /** @param word shared with the thread that may lift the limit @param workMs longest work between two rests, if the pieces are small */
  constructor(word: SharedArrayBuffer, workMs = WORK_MS) {
    this.#lifted = new Int32Array(word);
    this.#workMs = workMs;
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  }

  /** Ends the present rest and all later ones. Any thread. */
  static lift(word: SharedArrayBuffer): void {
    const lifted = new Int32Array(word);
    Atomics.store(lifted, 0, 1);
    Atomics.notify(lifted, 0);
  }

  /** Milliseconds of rest so far. */
  get rested(): number {
    return this.#rested;
  }

  /** Starts the measurement of work; the time before was a rest. */
  begin(): void {
    this.#since = performance.now();
  }

  /**
   * Call it between small pieces of work. Blocks if a rest is due.
   * @param perWork rest per unit of work
   */
  rest(perWork = REST): void {
    const now = performance.now();
    if (now - this.#since >= this.#workMs) this.#block(now, perWork);
  }

  /** The same before a piece of work that is not small: blocks in any case. */
  restBefore(perWork = REST): void {
    this.#block(performance.now(), perWork);
  }

  #block(now: number, perWork: number): void {
    Atomics.wait(this.#lifted, 0, 0, (now - this.#since) * perWork);
    this.begin();
    this.#rested += this.#since - now;
  }
}
