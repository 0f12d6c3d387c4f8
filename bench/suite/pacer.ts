/**
 * An open-loop schedule: event `i` is due at `startMs + i / rate`, independent
 * of the earlier ones. Latency counts from there, so that a stall of the
 * system under test (or of the load generator) is included in every event that it
 * delayed, and not hidden by sending fewer (coordinated omission).
 */
export class Pacer {
  readonly startMs: number;
  readonly ratePerSecond: number;
  readonly #msPerEvent: number;

  constructor(ratePerSecond: number, startMs: number) {
    this.ratePerSecond = ratePerSecond;
    this.startMs = startMs;
    this.#msPerEvent = 1000 / ratePerSecond;
  }

  /** The number of events that are due. */
  due(nowMs: number): number {
    return Math.max(0, Math.floor((nowMs - this.startMs) / this.#msPerEvent) + 1);
  }

  /** When event `index`, from 0, was or is due. */
  plannedMs(index: number): number {
    return this.startMs + index * this.#msPerEvent;
  }
}
