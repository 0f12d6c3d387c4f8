const FIRST_AFTER_MS = 1000;
const TERMINAL_EVERY_MS = 100;
/** Interval where lines are kept, as in a log: with the time between two calls, less than two seconds. */
const FILE_EVERY_MS = 1500;

/** Reports progress on stderr for work of more than a second. On a terminal it is one line, which is cleared at the end. */
export class Progress {
  readonly #what: string;
  readonly #began = performance.now();
  readonly #terminal = process.stderr.isTTY === true;
  readonly #write: (text: string) => unknown;
  #shownAt = 0;
  #shown = false;

  /** @param write writes to stderr */
  constructor(what: string, write: (text: string) => unknown = (text) => process.stderr.write(text)) {
    this.#what = what;
    this.#write = write;
  }

  /** @param how far the work is @param atOnce a new stage begins: it is shown, however short the last line is ago */
  show(how: string, atOnce = false): void {
    const now = performance.now();
    const every = this.#terminal ? TERMINAL_EVERY_MS : FILE_EVERY_MS;
    if (now - this.#began < FIRST_AFTER_MS || (!atOnce && now - this.#shownAt < every)) return;
    this.#shownAt = now;
    this.#shown = true;
    const text = `${this.#what}: ${how}, ${((now - this.#began) / 1000).toFixed(0)} s`;
    this.#write(this.#terminal ? `\r\x1b[K${text}` : `${text}\n`);
  }

  /** Clears the line; more than once does nothing. */
  end(): void {
    if (this.#shown && this.#terminal) this.#write('\r\x1b[K');
    this.#shown = false;
  }
}
