import type { ReportHandler } from '../engine/pumps.ts';
import type { RingSlots } from '../engine/ring.ts';
import { getI64 } from '../engine/units.ts';
import { Report, ReportKind } from '../engine/wire/layout.ts';

/** Upper bounds of the buckets, microseconds; what is above the last one falls into one more. */
export const LATENCY_BOUNDS_US = [
  50, 100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 7500, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000,
] as const;

const WORDS = Report.bytes / 4;
const HIGHEST_CODE = 1023;
const KINDS = 8;

/**
 * Counts and times reports on their way to the hub. Order-to-report latency is
 * from the moment the sequencer stamped the command to the moment its first
 * report may leave, so in mode `durable` the disk is in it. Counting is a few
 * typed-array stores; metrics read the arrays when they are asked.
 */
export class ReportTap implements ReportHandler {
  /** Per bucket of {@link LATENCY_BOUNDS_US}, and one above. */
  readonly buckets = new Float64Array(LATENCY_BOUNDS_US.length + 1);
  latencySumUs = 0;
  latencyCount = 0;
  /** Reports by kind, and refusals by code. */
  readonly kinds = new Float64Array(KINDS);
  readonly refusals = new Float64Array(HIGHEST_CODE + 1);
  /** Off while recovery shows reports of the past. */
  timing = false;
  readonly #next: ReportHandler;
  readonly #nowUs: () => number;
  /** Microseconds, read once a poll; 0 = not yet. */
  #now = 0;
  #lastSeqLow = 0;

  constructor(next: ReportHandler, nowUs: () => number) {
    this.#next = next;
    this.#nowUs = nowUs;
  }

  onReport(slots: RingSlots, slot: number): void {
    const words = slots.i32;
    const at = slot * WORDS;
    this.kinds[words[at] & 7]++;
    const code = words[at + Report.code / 4] & 0xffff;
    if (code !== 0 && code <= HIGHEST_CODE && isRefusal(words[at] & 0xff)) this.refusals[code]++;
    const seqLow = words[at + Report.seq / 4];
    if (this.timing && seqLow !== this.#lastSeqLow) {
      this.#lastSeqLow = seqLow;
      if (this.#now === 0) this.#now = this.#nowUs();
      this.#observe(this.#now - getI64(words, at + Report.timeUs / 4));
    }
    this.#next.onReport(slots, slot);
  }

  onReportsEnd(): void {
    this.#now = 0;
    this.#next.onReportsEnd();
  }

  #observe(us: number): void {
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_US.length && us > LATENCY_BOUNDS_US[bucket]) bucket++;
    this.buckets[bucket]++;
    this.latencyCount++;
    this.latencySumUs += us;
  }
}

function isRefusal(kind: number): boolean {
  return kind === ReportKind.Rejected || kind === ReportKind.CancelRejected || kind === ReportKind.AmendRejected;
}
