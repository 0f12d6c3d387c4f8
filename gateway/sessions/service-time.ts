import type { ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import { LatencyBuckets } from '../latency-buckets.ts';

/** Microseconds; finer around the target of 1 ms. */
const SERVICE_TIME_BOUNDS_US = [
  20, 30, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900, 1000, 1250, 1500, 2000, 3000, 5000, 7500, 10_000, 20_000, 50_000,
  100_000, 1_000_000,
] as const;

/**
 * The service time of orders: from the socket read that brought a command to
 * the moment its report is handed to the socket's write, for every report that
 * was published during the session (reports sent again after a reconnect do not
 * count). I/O thread.
 */
export class ServiceTime {
  readonly latency = new LatencyBuckets(SERVICE_TIME_BOUNDS_US);
  readonly #nowUs: () => number;
  readonly #report = new ReportView();

  /** @param nowUs the clock that stamps commands */
  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** Call just before the frame is written. @param afterSeq reports of commands up to here are not counted */
  note(frame: ReportFrameWriter, afterSeq: number): void {
    const report = this.#report;
    const now = this.#nowUs();
    for (let i = 0; i < frame.count; i++) {
      report.wrap(frame.words, frame.wordOf(i));
      if (report.seq > afterSeq) this.latency.observe(report.ageUs(now));
    }
  }
}
