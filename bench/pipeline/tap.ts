import type { RingConsumer, RingSlots } from '../../engine/rings/ring.ts';
import type { MarketHandler, ReportHandler } from '../../engine/threads/pumps.ts';
import { Report } from '../../engine/wire/layout.ts';
import type { Pacer } from '../suite/pacer.ts';
import type { Recorder } from '../suite/recorder.ts';

const REPORT_WORDS = Report.bytes / 4;
const SEQ = Report.seq / 4;

/**
 * Takes the place of the gateway: behind the gates, on the I/O thread. Records
 * when each command's reports arrive. It also reads the history's end of the report
 * ring, which would fill without a reader.
 */
export class Tap implements ReportHandler, MarketHandler {
  /** Commands since `begin` with a report. */
  answered = 0;
  /** All reports received. */
  marketEvents = 0;
  /** When the last report came. */
  lastMs = 0;
  readonly #history: RingConsumer;
  /** Per poll of the gate: how many commands are answered, and when. */
  readonly #count: Int32Array;
  readonly #atMs: Float64Array;
  #polls = 0;
  #lastSeq = -1;

  /** @param capacity most commands of a window */
  constructor(history: RingConsumer, capacity: number) {
    this.#history = history;
    this.#count = new Int32Array(capacity);
    this.#atMs = new Float64Array(capacity);
  }

  begin(): void {
    this.answered = 0;
    this.#polls = 0;
  }

  /** Called outside of the window: the latency of each of its commands, from its planned time. */
  record(pacer: Pacer, recorder: Recorder): void {
    for (let poll = 0, command = 0; poll < this.#polls; poll++)
      for (; command < this.#count[poll]; command++) recorder.record(this.#atMs[poll] - pacer.plannedMs(command));
  }

  onReport({ i32 }: RingSlots, slot: number): void {
    const seq = i32[slot * REPORT_WORDS + SEQ];
    if (seq === this.#lastSeq) return;
    this.#lastSeq = seq;
    this.answered++;
  }

  /** The reports of one command never arrive in two polls, except if they overflowed the ring. */
  onReportsEnd(): void {
    this.lastMs = performance.now();
    if (this.#polls < this.#count.length) {
      this.#count[this.#polls] = this.answered;
      this.#atMs[this.#polls++] = this.lastMs;
    }
    while (this.#history.next() !== -1);
    this.#history.release();
  }

  /** Market events leave through the same gates and are discarded here. */
  onMarketEvent(): void {
    this.marketEvents++;
  }

  onMarketEnd(): void {
    // Nothing is sent.
  }
}
