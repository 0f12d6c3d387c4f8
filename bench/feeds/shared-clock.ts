/**
 * The same clock in all threads of a process. `performance.now()` counts from the start of its thread; both it and
 * `process.hrtime()` read the monotonic clock, so one difference, measured once, converts it without garbage.
 */
export class SharedClock {
  readonly #offsetMs: number;

  constructor() {
    let [narrowest, offset] = [Number.POSITIVE_INFINITY, 0];
    for (let i = 0; i < 1000; i++) {
      const before = performance.now();
      const [seconds, nanoseconds] = process.hrtime();
      const after = performance.now();
      if (after - before >= narrowest) continue;
      narrowest = after - before;
      offset = seconds * 1e3 + nanoseconds / 1e6 - (before + after) / 2;
    }
    this.#offsetMs = offset;
  }

  nowMs(): number {
    return performance.now() + this.#offsetMs;
  }
}
