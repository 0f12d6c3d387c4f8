import type { Limits } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { allocateRing, RingConsumer } from '../../engine/rings/ring.ts';
import { SpillingProducer } from '../../engine/rings/spilling-producer.ts';
import { POLL_COMMANDS } from '../../engine/threads/engine-core.ts';
import { Report, ReportKind } from '../../engine/wire/layout.ts';
import { Pacer } from '../suite/pacer.ts';
import type { Recorder } from '../suite/recorder.ts';
import { Spin } from './spin.ts';

const REPORT_WORDS = Report.bytes / 4;
/** Until the first command of a window is due. */
const LEAD_MS = 0.1;

/** Start and end of a window, as performance.now(). */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The bare state machine with its real output rings, which the same thread
 * empties: the engine thread's work on a command, without log and gates.
 */
export class MeasuredCore {
  readonly exchange: Exchange;
  /** Commands that were answered, and those of them that traded, since the start. */
  answered = 0;
  traded = 0;
  readonly #reports: SpillingProducer;
  readonly #market: SpillingProducer;
  readonly #reportEnd: RingConsumer;
  readonly #marketEnd: RingConsumer;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  /** Per batch of a window: how many commands are completed, and when. */
  readonly #doneCount: Int32Array;
  readonly #doneMs: Float64Array;
  readonly #spin = new Spin();
  #lastSeq = 0;
  #lastFillSeq = 0;

  /** @param commands the memory in which windows are prepared */
  constructor(limits: Limits, commands: { readonly bytes: Uint8Array; readonly words: Int32Array }) {
    const reportRing = allocateRing({ slotBytes: Report.bytes, capacity: 2 ** 12, consumers: 1 });
    const marketRing = allocateRing({ slotBytes: 64, capacity: 2 ** 12, consumers: 1 });
    this.#reports = new SpillingProducer(reportRing);
    this.#market = new SpillingProducer(marketRing);
    this.#reportEnd = new RingConsumer(reportRing);
    this.#marketEnd = new RingConsumer(marketRing);
    this.exchange = new Exchange(limits, { reports: this.#reports, market: this.#market });
    this.#bytes = commands.bytes;
    this.#words = commands.words;
    const capacity = commands.bytes.length / 64;
    this.#doneCount = new Int32Array(capacity);
    this.#doneMs = new Float64Array(capacity);
  }

  /** All `count` commands at the maximum rate, in polls like those of the engine stage. */
  closedLoop(count: number): Span {
    const fromMs = performance.now();
    for (let first = 0; first < count; first += POLL_COMMANDS) {
      this.#apply(first, Math.min(count, first + POLL_COMMANDS));
      this.#empty();
    }
    return { fromMs, toMs: performance.now() };
  }

  /**
   * Each command at its planned time, or as soon as the earlier ones are done.
   * The latency in `recorder` counts from the planned time until all reports of its
   * poll are in the ring. The times are stored during the run and recorded afterwards.
   */
  openLoop(count: number, ratePerSecond: number, recorder: Recorder): Span {
    const pacer = new Pacer(ratePerSecond, performance.now() + LEAD_MS);
    let batches = 0;
    let done = 0;
    while (done < count) {
      const now = performance.now();
      const due = Math.min(pacer.due(now), count, done + POLL_COMMANDS);
      if (due <= done) {
        this.#spin.forMs(pacer.plannedMs(done) - now);
        continue;
      }
      this.#apply(done, due);
      done = due;
      this.#doneCount[batches] = done;
      this.#doneMs[batches++] = performance.now();
      this.#empty();
    }
    const toMs = performance.now();
    for (let batch = 0, command = 0; batch < batches; batch++) {
      const at = this.#doneMs[batch];
      for (; command < this.#doneCount[batch]; command++) recorder.record(at - pacer.plannedMs(command));
    }
    return { fromMs: pacer.startMs, toMs };
  }

  #apply(first: number, end: number): void {
    const exchange = this.exchange;
    for (let slot = first; slot < end; slot++) exchange.apply(this.#bytes, this.#words, slot);
    exchange.endBatch();
    this.#reports.publish();
    this.#market.publish();
  }

  /** Takes all reports; a command that was not answered would leave a gap. */
  #empty(): void {
    const { i32, u8 } = this.#reportEnd.slots;
    do {
      for (let slot = this.#reportEnd.next(); slot !== -1; slot = this.#reportEnd.next()) {
        const seq = i32[slot * REPORT_WORDS + Report.seq / 4];
        if (seq !== this.#lastSeq) this.answered++;
        this.#lastSeq = seq;
        if (seq === this.#lastFillSeq || u8[slot * Report.bytes + Report.kind] !== ReportKind.Fill) continue;
        this.#lastFillSeq = seq;
        this.traded++;
      }
      this.#reportEnd.release();
      while (this.#marketEnd.next() !== -1);
      this.#marketEnd.release();
    } while (!this.#reports.drain() || !this.#market.drain());
  }
}
