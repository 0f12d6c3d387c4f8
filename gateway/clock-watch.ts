import type { BoundedClock, ClockState } from '../engine/threads/bounded-clock.ts';
import type { Logger } from './log.ts';

const EVERY_MS = 1000;
/** Between two log lines while the clocks differ. */
const REPEAT_MS = 60_000;

/** Reports that the clock which stamps commands differs from the host's clock. I/O thread. */
export class ClockWatch {
  readonly #clock: BoundedClock;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #state: ClockState = 'right';
  #steps = 0;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(clock: BoundedClock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    this.#timer = setInterval(() => this.look(), EVERY_MS).unref();
    this.look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reads the clock, also when no command comes, and logs a change. */
  look(): void {
    this.#clock.nowUs();
    const { state, steps } = this.#clock;
    const offsetSeconds = Math.round(this.#clock.offsetUs / 1000) / 1000;
    if (steps !== this.#steps)
      this.#log.warn({ code: 'CLOCK_STEP', steps }, 'the clock of this host jumped forward; time followed it in one step');
    this.#steps = steps;
    const nowMs = performance.now();
    if (state === 'right') {
      if (this.#state !== 'right') this.#log.info({ code: 'CLOCK_RIGHT', offsetSeconds }, 'time agrees with the clock of this host again');
    } else if (state !== this.#state || nowMs >= this.#loggedMs + REPEAT_MS) {
      this.#loggedMs = nowMs;
      this.#log.error({ code: 'CLOCK_DIFFERS', offsetSeconds }, this.warnings()[0]);
    }
    this.#state = state;
  }

  warnings(): string[] {
    const { state, offsetUs } = this.#clock;
    const seconds = Math.round(Math.abs(offsetUs) / 1e6);
    if (state === 'wall-ahead')
      return [
        `CLOCK_DIFFERS: the clock of this host is ${seconds} s ahead of the commands' time, which approaches it at twice its speed; check the host's clock. If it is right, restart, with --clock-step if the exchange was stopped for longer`,
      ];
    if (state === 'wall-behind')
      return [
        `CLOCK_DIFFERS: the clock of this host is ${seconds} s behind the commands' time, which runs slowly until it is right; check the host's clock`,
      ];
    return [];
  }

  /** A time on which both clocks agree: the earlier one, milliseconds. */
  trustedMs(): number {
    return Math.min(Date.now(), this.#clock.nowUs() / 1000);
  }
}
