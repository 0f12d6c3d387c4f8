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
 * The watcher waits on the state itself (`Atomics.waitAsync`), not on a message, which both threads would have to
 * serialize.
 *
 * Words: 0 = state, armed or raised, then one for each row: 1 = watched.
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
  #due = false;

  constructor({ memory }: ChangeSignalHandle) {
    this.#words = new Int32Array(memory);
  }

  /** A row was published. */
  note(row: number): void {
    if (this.#words[FIRST_ROW + row] !== 0) this.#due = true;
  }

  /** Call it when what belongs together was published. */
  flush(): void {
    if (!this.#due) return;
    this.#due = false;
    raise(this.#words);
  }
}

/** The end of the thread that reads the table. It needs an event loop, which it does not keep alive. */
export class ChangeWatch {
  readonly #words: Int32Array;
  readonly #onChange: () => void;
  #waiting = false;
  #closed = false;

  /** @param onChange called in a turn of its own, at most once for each {@link arm} */
  constructor({ memory }: ChangeSignalHandle, onChange: () => void) {
    this.#words = new Int32Array(memory);
    this.#onChange = onChange;
  }

  /** Changes of the row wake this thread from now on. Read it once after that. */
  watch(row: number): void {
    Atomics.store(this.#words, FIRST_ROW + row, 1);
  }

  /** The next change wakes this thread. Read the rows after that: changes before it do not wake. */
  arm(): void {
    if (this.#closed) return;
    Atomics.store(this.#words, STATE, ARMED);
    // One that waits already is woken by this change, too.
    if (this.#waiting) return;
    this.#waiting = true;
    const { async: isAsync, value } = Atomics.waitAsync(this.#words, STATE, ARMED);
    // Not asynchronous: it was raised before the wait began.
    void (isAsync ? value : Promise.resolve(value)).then(this.#woken);
  }

  /** Ends the wait; `onChange` is not called any more. */
  close(): void {
    this.#closed = true;
    raise(this.#words);
  }

  readonly #woken = (): void => {
    this.#waiting = false;
    if (!this.#closed) this.#onChange();
  };
}

function raise(words: Int32Array): void {
  if (Atomics.exchange(words, STATE, RAISED) === ARMED) Atomics.notify(words, STATE);
}
