import { codeName } from '../../engine/codes.ts';
import { type Latency, mergeLatencies, Recorder } from '../suite/recorder.ts';
import type { WindowFault } from '../suite/result.ts';

/**
 * The share of a latency that may be the generator's own delay, both at p50 or both at p99. Latency counts from
 * the planned time, so the delay of sending is part of it: above a half, the figure is of the generator.
 */
export const MAX_LATE_SHARE = 0.5;

/** Observes, by window of the planned time, what makes a figure unusable: rejects, a load that broke off, a late generator. */
export class WindowWatch {
  readonly #rejects: number[];
  readonly #late: Recorder[];
  #rejectCode = 0;
  #delays: Latency[] | undefined;
  #brokeOff = '';
  #firstBroken: number;

  constructor(windows: number) {
    this.#rejects = Array.from({ length: windows }, () => 0);
    this.#late = Array.from({ length: windows }, () => new Recorder());
    this.#firstBroken = windows;
  }

  /** @param window outside of the windows, such as that of the warm-up, nothing is recorded */
  sent(window: number, delayMs: number): void {
    this.#late[window]?.record(delayMs);
  }

  rejected(window: number, code: number): void {
    if (this.#rejects[window] === undefined) return;
    this.#rejectCode ||= code;
    this.#rejects[window]++;
  }

  /** The load ended early. @param window the first that is not whole, from -1 for the warm-up */
  brokeOff(window: number, reason: string): void {
    if (window >= this.#firstBroken) return;
    this.#firstBroken = Math.max(0, window);
    this.#brokeOff = reason;
  }

  /** Of all windows. */
  sendDelay(): Latency {
    return mergeLatencies(this.#byWindow());
  }

  /** @param latencies of the same windows */
  faults(latencies: readonly Latency[]): WindowFault[] {
    return this.#byWindow().map((late, window) => {
      const rejects = this.#rejects[window];
      if (window >= this.#firstBroken) return { failed: this.#brokeOff };
      if (rejects > 0)
        return { failed: `${rejects.toLocaleString('en')} commands were rejected, the first with ${codeName(this.#rejectCode)}` };
      return lateness(latencies[window], late);
    });
  }

  #byWindow(): Latency[] {
    this.#delays ??= this.#late.map((recorder) => recorder.take());
    return this.#delays;
  }
}

/** @param late from the planned time to the send call */
export function lateness(latency: Latency, late: Latency): WindowFault {
  for (const percentile of ['p99', 'p50'] as const) {
    const [whole, part] = [latency[percentile], late[percentile]];
    if (part > MAX_LATE_SHARE * whole)
      return { vetoed: `the generator itself was late by ${part.toFixed(2)} of the ${whole.toFixed(2)} ms at ${percentile}` };
  }
  return {};
}
