/** A thread works this long at most before it rests: so long may the trading wait for it. */
const WORK_MS = 0.1;
/** Rest for each unit of work: a tenth of a core. */
const REST = 9;

/**
 * Keeps a thread in the background to a share of a core, in small portions.
 * One that works without a pause holds up a thread that trades by whole slices
 * of the scheduler (3 to 4 ms) wherever cores are short; a lower priority does
 * not help there (docs/PERFORMANCE.md). Owned by the thread that works;
 * another one ends the rests with {@link DutyLimit.lift}.
 */
export class DutyLimit {
  readonly #lifted: Int32Array;
  #since = performance.now();
  #rested = 0;

  /** @param word shared with whoever may lift the limit */
  constructor(word: SharedArrayBuffer) {
    this.#lifted = new Int32Array(word);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  }

  /** From now on there is no rest, and the present one ends. Any thread. */
  static lift(word: SharedArrayBuffer): void {
    const lifted = new Int32Array(word);
    Atomics.store(lifted, 0, 1);
    Atomics.notify(lifted, 0);
  }

  /** Milliseconds of rest so far. */
  get rested(): number {
    return this.#rested;
  }

  /** Work begins: what was before was a rest. */
  begin(): void {
    this.#since = performance.now();
  }

  /** Call it between small pieces of work. Blocks when a rest is due. */
  rest(): void {
    const now = performance.now();
    const worked = now - this.#since;
    if (worked < WORK_MS) return;
    Atomics.wait(this.#lifted, 0, 0, worked * REST);
    this.begin();
    this.#rested += this.#since - now;
  }
}
