/**
 * Wakes another thread when rows of a table that it watches have changed. The writer of the table raises the signal at
 * most once until the watcher has armed it again, so the watcher decides how often it is woken; what changes meanwhile
 * is in the table, and the newest values count.
 *
 * ```
 * watcher   arm ▸ read the rows ▸ … woken ▸ arm ▸ read the rows
 * writer    publish a row ▸ note(row) ▸ … ▸ flush: raised, if a watched row was noted and the signal is armed
 * ```
 *
 * Words: 0 = armed or raised, then one for each row: 1 = watched.
 */
export interface ChangeSignalHandle {
  readonly memory: SharedArrayBuffer;
}

const ARMED = 0;
const RAISED = 1;
const STATE = 0;
const FIRST_ROW = 1;

/** @param rows of the table */
export function allocateChangeSignal(rows: number): ChangeSignalHandle {
  return { memory: new SharedArrayBuffer(4 * (FIRST_ROW + rows)) };
}

/** The end of the thread that writes the table. */
export class ChangeSignal {
  readonly #words: Int32Array;
  readonly #wake: () => void;
  #due = false;

  /** @param wake sends the watcher a message; it is called at most once until the watcher arms the signal */
  constructor({ memory }: ChangeSignalHandle, wake: () => void) {
    this.#words = new Int32Array(memory);
    this.#wake = wake;
  }

  /** A row was published. */
  note(row: number): void {
    if (this.#words[FIRST_ROW + row] !== 0) this.#due = true;
  }

  /** Call it when what belongs together was published. */
  flush(): void {
    if (!this.#due) return;
    this.#due = false;
    if (Atomics.exchange(this.#words, STATE, RAISED) === ARMED) this.#wake();
  }
}

/** The end of the thread that reads the table. */
export class ChangeWatch {
  readonly #words: Int32Array;

  constructor({ memory }: ChangeSignalHandle) {
    this.#words = new Int32Array(memory);
  }

  /** Changes of the row wake this thread from now on. Read it once after that. */
  watch(row: number): void {
    Atomics.store(this.#words, FIRST_ROW + row, 1);
  }

  /** The next change wakes this thread. Read the rows after that: changes before it do not wake. */
  arm(): void {
    Atomics.store(this.#words, STATE, ARMED);
  }
}
