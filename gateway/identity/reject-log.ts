import type { Logger } from '../log.ts';

/** Maximum lines per second. */
const MAX_A_SECOND = 20;

/** Logs rejects at a limited rate, because the thread that takes orders writes the log synchronously. */
export class RejectLog {
  readonly #log: Logger;
  #second = 0;
  #lines = 0;
  #omitted = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  note(reject: object): void {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines === MAX_A_SECOND) {
      this.#omitted++;
      return;
    }
    this.#lines++;
    this.#log.warn({ ...reject, ...(this.#omitted > 0 && { unsaid: this.#omitted }) }, 'rejected');
    this.#omitted = 0;
  }
}
