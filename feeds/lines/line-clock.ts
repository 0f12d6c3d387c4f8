/**
 * Receive times: wall time in microseconds that never goes back. It runs with
 * the monotonic clock and is set to the wall clock when that is ahead. When the
 * wall clock goes back, it runs on as before.
 */
export class LineClock {
  /** How often the wall clock was behind by more than {@link STEP_US}, since it was last not. */
  steps = 0;
  readonly #wallMs: () => number;
  readonly #monotonicMs: () => number;
  /** Wall time minus monotonic time, us. */
  #offsetUs: number;
  #behind = false;

  /** The clocks are parameters for tests. */
  constructor(wallMs: () => number = Date.now, monotonicMs: () => number = () => performance.now()) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    this.#offsetUs = (wallMs() - monotonicMs()) * 1000;
  }

  /** Whole microseconds since 1970. */
  nowUs(): number {
    const monotonicUs = this.#monotonicMs() * 1000;
    const wallUs = this.#wallMs() * 1000;
    const ahead = wallUs - monotonicUs - this.#offsetUs;
    if (ahead > STEP_US) this.#offsetUs += ahead;
    const behind = ahead < -STEP_US;
    if (behind && !this.#behind) this.steps++;
    this.#behind = behind;
    return Math.floor(monotonicUs + this.#offsetUs);
  }
}

/** `Date.now` has steps of a millisecond; clocks that are disciplined differ by little more. */
const STEP_US = 50_000;
