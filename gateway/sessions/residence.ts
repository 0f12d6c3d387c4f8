import { getI64 } from '../../engine/units.ts';
import { Report } from '../../engine/wire/layout.ts';
import type { ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import { LatencyBuckets } from '../latency-buckets.ts';

/** Microseconds; finer around the target of 1 ms. */
const RESIDENCE_BOUNDS_US = [
  20, 30, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900, 1000, 1250, 1500, 2000, 3000, 5000, 7500, 10_000, 20_000, 50_000,
  100_000, 1_000_000,
] as const;

/**
 * How long orders are in the process: from the socket read that brought a
 * command to the moment its report is handed to the socket's write, for every
 * report that leaves on the session's own time (what a returning session is
 * sent again does not count). I/O thread.
 */
export class ResidenceClock {
  readonly latency = new LatencyBuckets(RESIDENCE_BOUNDS_US);
  readonly #nowUs: () => number;

  /** @param nowUs the clock that stamps commands */
  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** The frame is about to be written. @param afterSeq reports of commands up to here are not counted */
  note(frame: ReportFrameWriter, afterSeq: number): void {
    const { words } = frame;
    const now = this.#nowUs();
    for (let i = 0; i < frame.count; i++) {
      const at = frame.wordOf(i);
      if (getI64(words, at + Report.seq / 4) > afterSeq) this.latency.observe(now - getI64(words, at + Report.timeUs / 4));
    }
  }
}
