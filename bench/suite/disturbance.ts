import { readFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** Node reports a collection some turns of the event loop after it. */
const REPORTED_AFTER_MS = 10;
/** Linux; for the reading thread: nanoseconds on a core, nanoseconds ready but without one, time slices. */
const SCHEDSTAT = '/proc/thread-self/schedstat';

/** Disturbances of a measurement. */
export interface Disturbance {
  /** Garbage collections of the measuring thread. */
  readonly collections: number;
  /** Time in which the measuring thread was ready but had no core of this machine; 0 if the system does not report it. */
  readonly waitedMs: number;
}

export const UNDISTURBED: Disturbance = { collections: 0, waitedMs: 0 };

export function addDisturbance(a: Disturbance, b: Disturbance): Disturbance {
  return { collections: a.collections + b.collections, waitedMs: a.waitedMs + b.waitedMs };
}

/** Monitors the thread that creates it, one time span after the other. */
export class DisturbanceWatch {
  #starts: number[] = [];
  #waited = 0;
  readonly #observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) this.#starts.push(startTime);
  });

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** Collects garbage now, so that the garbage of the preparation is not collected in the span, and starts monitoring. Needs `--expose-gc`. */
  async begin(): Promise<void> {
    globalThis.gc?.();
    await delay(REPORTED_AFTER_MS);
    this.#starts = [];
    this.#waited = waitedMs();
  }

  /** Since `begin`, up to `toMs` on performance.now(). Call it right after the span. */
  async end(toMs: number): Promise<Disturbance> {
    const waited = waitedMs() - this.#waited;
    await delay(REPORTED_AFTER_MS);
    return { collections: this.#starts.filter((at) => at <= toMs).length, waitedMs: waited };
  }

  close(): void {
    this.#observer.disconnect();
  }
}

/** For how long the calling thread was ready so far, but had no core; 0 if the system does not report it. */
export function waitedMs(): number {
  try {
    return Number(readFileSync(SCHEDSTAT, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
