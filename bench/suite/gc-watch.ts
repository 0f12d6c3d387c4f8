import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** Node tells of a collection some turns of the event loop after it. */
const TOLD_AFTER_MS = 10;

/** Counts the garbage collections of this thread in a span of time. */
export class GcWatch {
  readonly #starts: number[] = [];
  readonly #observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) this.#starts.push(startTime);
  });

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** Collects now, so that the garbage of the preparation does not fall into what comes next. Needs `--expose-gc`. */
  async settle(): Promise<void> {
    globalThis.gc?.();
    await delay(TOLD_AFTER_MS);
    this.#starts.length = 0;
  }

  /** Collections that began from `fromMs` to `toMs` (performance.now()), since the last `settle`. */
  async count(fromMs: number, toMs: number): Promise<number> {
    await delay(TOLD_AFTER_MS);
    return this.#starts.filter((at) => at >= fromMs && at <= toMs).length;
  }

  close(): void {
    this.#observer.disconnect();
  }
}
