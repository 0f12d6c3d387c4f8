const CALIBRATION_TURNS = 2_000_000;
const CALIBRATIONS = 5;
/** Stops this much earlier; the caller's clock covers the rest. */
const MARGIN_MS = 2e-4;

/**
 * Waits without yielding the core and without reading the clock. Reading
 * it allocates 16 bytes, and a loop that only reads the clock would cause a garbage
 * collection during the measurement.
 */
export class Spin {
  readonly #turnsPerMs: number;
  #value = 1;

  constructor() {
    let best = 0;
    for (let i = 0; i < CALIBRATIONS; i++) {
      const from = performance.now();
      this.#turn(CALIBRATION_TURNS);
      best = Math.max(best, CALIBRATION_TURNS / (performance.now() - from));
    }
    this.#turnsPerMs = best;
  }

  /** Waits a little less than that, unless the scheduler takes the core; returns at once if it is too short. */
  forMs(ms: number): void {
    if (ms > MARGIN_MS) this.#turn((ms - MARGIN_MS) * this.#turnsPerMs);
  }

  #turn(turns: number): void {
    let value = this.#value;
    for (let i = 0; i < turns; i++) value = (Math.imul(value, 1664525) + 1013904223) | 0;
    this.#value = value;
  }
}
