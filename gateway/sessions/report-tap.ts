import type { RingSlots } from '../../engine/rings/ring.ts';
import type { ReportHandler } from '../../engine/threads/pumps.ts';
import { ReportKind } from '../../engine/wire/layout.ts';
import { REPORT_WORDS } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import { LATENCY_BOUNDS_US, LatencyBuckets } from '../latency-buckets.ts';

const HIGHEST_CODE = 1023;
const KINDS = 16;

/**
 * Counts and times reports before the hub takes them. Order-to-report latency is
 * from the moment the sequencer stamped the command to the moment its first
 * report may be sent, so in mode `durable` it includes the disk. Counting is a few
 * typed-array stores; metrics read the arrays on scrape.
 */
export class ReportTap implements ReportHandler {
  readonly latency = new LatencyBuckets(LATENCY_BOUNDS_US);
  /** Reports by kind, and rejects by code. */
  readonly kinds = new Float64Array(KINDS);
  readonly rejects = new Float64Array(HIGHEST_CODE + 1);
  /** Off while recovery publishes past reports. */
  timing = false;
  readonly #next: ReportHandler;
  readonly #nowUs: () => number;
  /** Microseconds, read once a poll; 0 = not yet. */
  #now = 0;
  #lastSeq = 0;
  readonly #report = new ReportView();

  constructor(next: ReportHandler, nowUs: () => number) {
    this.#next = next;
    this.#nowUs = nowUs;
  }

  onReport(slots: RingSlots, slot: number): void {
    const report = this.#report.wrap(slots.i32, slot * REPORT_WORDS);
    const { kind, code, seq } = report;
    this.kinds[kind & 15]++;
    if (code !== 0 && code <= HIGHEST_CODE && isReject(kind)) this.rejects[code]++;
    if (this.timing && seq !== this.#lastSeq) {
      this.#lastSeq = seq;
      if (this.#now === 0) this.#now = this.#nowUs();
      this.latency.observe(report.ageUs(this.#now));
    }
    this.#next.onReport(slots, slot);
  }

  onReportsEnd(): void {
    this.#now = 0;
    this.#next.onReportsEnd();
  }
}

function isReject(kind: number): boolean {
  return kind === ReportKind.Rejected || kind === ReportKind.CancelRejected || kind === ReportKind.AmendRejected;
}
