import { Pacer } from '../suite/pacer.ts';
import type { Recorder } from '../suite/recorder.ts';

/** One slice of load, identical for the disk and for the log. */
export interface Slice {
  /** Commands per second. */
  readonly rate: number;
  /** Commands that arrive together, with one planned time; default 1. */
  readonly batch?: number;
  /** At the start: commands arrive but are not recorded. */
  readonly warmUpMs: number;
  /** After the warm-up. */
  readonly ms: number;
}

/** Commands that arrive by schedule from its creation, and the latency of the completed ones, from the planned time. */
export class Arrivals {
  readonly total: number;
  /** Commands that are durable. */
  done = 0;
  readonly #pacer: Pacer;
  readonly #batch: number;
  readonly #warmUp: number;
  readonly #to: Recorder;

  constructor({ rate, batch = 1, warmUpMs, ms }: Slice, to: Recorder) {
    this.total = Math.round((rate * (warmUpMs + ms)) / 1000);
    this.#warmUp = Math.round((rate * warmUpMs) / 1000);
    this.#batch = batch;
    this.#pacer = new Pacer(rate / batch, performance.now());
    this.#to = to;
  }

  get finished(): boolean {
    return this.done === this.total;
  }

  /** Number of commands that have arrived. */
  arrived(): number {
    return Math.min(this.total, this.#pacer.due(performance.now()) * this.#batch);
  }

  /** Marks all commands up to `count` as durable. */
  complete(count: number): void {
    for (const now = performance.now(); this.done < count; this.done++) {
      if (this.done >= this.#warmUp) this.#to.record(now - this.#pacer.plannedMs(Math.floor(this.done / this.#batch)));
    }
  }
}
