/**
 * Calls back on the event loop when another thread has changed a shared word and notified it. One thread owns it.
 *
 * ```ts
 * watch.look();
 * // work that reads what the word stands for
 * if (watch.changed) again(); else watch.wait();
 * ```
 *
 * A change between `look` and `wait` is not lost: the wait compares with the value that was looked at.
 */
export class WordWatch {
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #onChange: () => void;
  #seen: number;
  #waiting = false;

  /** @param words in shared memory @param onChange called once for each `wait`, in a later turn of the event loop */
  constructor(words: Int32Array, index: number, onChange: () => void) {
    this.#words = words;
    this.#index = index;
    this.#onChange = onChange;
    this.#seen = Atomics.load(words, index);
  }

  look(): void {
    this.#seen = Atomics.load(this.#words, this.#index);
  }

  /** Since the last `look`. */
  get changed(): boolean {
    return Atomics.load(this.#words, this.#index) !== this.#seen;
  }

  /** Calls back after the next notification of a change, or soon if there was one since the last `look`. Does nothing while it waits. */
  wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const waiting = Atomics.waitAsync(this.#words, this.#index, this.#seen);
    if (waiting.async) void waiting.value.then(this.#ended);
    else setImmediate(this.#ended);
  }

  readonly #ended = (): void => {
    this.#waiting = false;
    this.#onChange();
  };
}
