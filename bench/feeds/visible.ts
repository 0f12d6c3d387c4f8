import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { assert } from '../../engine/assert.ts';
import { RecordKind } from '../../feeds/feed-record.ts';
import { BroadcastReader } from '../../feeds/rings/broadcast-ring.ts';
import { allocateFeeds, type FeedHandles } from '../../feeds/worker/feed-handles.ts';
import { Pacer } from '../suite/pacer.ts';
import { type Latency, Recorder } from '../suite/recorder.ts';
import { FIRST_TIME_MS, RECORDS_PER_FRAME } from './frames.ts';
import { checkSource } from './parse.ts';
import { SharedClock } from './shared-clock.ts';
import type { VisibleStart, VisibleWindow } from './visible-worker.ts';

export interface VisiblePlan {
  readonly recordsPerSecond: number;
  readonly windowSeconds: number;
  readonly windows: number;
}

export interface VisibleLatencies {
  /** From the planned time of a frame: with the time in which its thread had no core. */
  readonly planned: Latency;
  /** From the moment at which the thread has the frame: with the frames before it that came at the same time. */
  readonly taken: Latency;
}

/** Until the first frame of a window is due. */
const LEAD_MS = 5;
/** A window whose last record does not come fails after this time. */
const STUCK_MS = 10_000;
/** Turns without a record between two readings of the clock, which make garbage. */
const TURNS_UNREAD = 2 ** 20;

/**
 * From a frame until another thread has its last record out of the ring. One thread reads frames, this one the ring;
 * both poll without a pause and without garbage. A bare window has the same threads and times, and a shared count in place of frames
 * and records: it shows what the cores and the scheduler add.
 */
export class Visible {
  readonly #plan: VisiblePlan;
  readonly #handles: FeedHandles = allocateFeeds({}, 1);
  readonly #reader = new BroadcastReader(this.#handles.ring);
  readonly #clock = new SharedClock();
  readonly #planned = new Recorder();
  readonly #taken = new Recorder();
  readonly #frames: number;
  readonly #takenMs: Float64Array;
  readonly #bareCount = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  #window = 0;

  static async start(plan: VisiblePlan): Promise<Visible> {
    const visible = new Visible(plan);
    await once(visible.#worker, 'message');
    return visible;
  }

  private constructor(plan: VisiblePlan) {
    this.#plan = plan;
    this.#frames = Math.round((plan.recordsPerSecond / RECORDS_PER_FRAME) * plan.windowSeconds);
    this.#takenMs = new Float64Array(new SharedArrayBuffer(8 * this.#frames));
    const { windows } = plan;
    const workerData: VisibleStart = {
      handles: this.#handles,
      frames: this.#frames,
      windows,
      takenMs: this.#takenMs,
      bareCount: this.#bareCount,
    };
    this.#worker = new Worker(new URL('./visible-worker.ts', import.meta.url), { workerData });
  }

  /** The latencies of every frame of one window. Blocks this thread. @throws InvariantError unless every record arrived */
  window(): VisibleLatencies {
    const reader = this.#reader;
    // Passes over the snapshot before the first window.
    if (this.#window === 0) reader.skipToNewest();
    const firstFrame = this.#window++ * this.#frames;
    const pacer = this.#begin(false);
    let [frames, records, turns] = [0, 0, 0];
    while (frames < this.#frames) {
      const count = reader.poll();
      assert(reader.missed === 0, 'feeds: the reader missed records');
      if (count === 0) {
        if (++turns % TURNS_UNREAD === 0) this.#assertNotStuck(pacer);
        continue;
      }
      const nowMs = this.#clock.nowMs();
      records += count;
      for (let i = 0; i < count; i++) {
        const record = reader.at(i);
        if (record.kind !== RecordKind.bookEnd) continue;
        // Frame 0 of the first window is update 2 of the venue.
        const frame = record.venueTimeUs / 1000 - FIRST_TIME_MS - firstFrame;
        assert(frame === frames, 'feeds: a frame out of order');
        this.#record(pacer, frames++, nowMs);
      }
    }
    assert(records === this.#frames * RECORDS_PER_FRAME, 'feeds: a frame with more or fewer records');
    return this.#take();
  }

  /** The same without feed and ring. Blocks this thread. */
  bareWindow(): VisibleLatencies {
    Atomics.store(this.#bareCount, 0, 0);
    const pacer = this.#begin(true);
    let [frames, turns] = [0, 0];
    while (frames < this.#frames) {
      const count = Atomics.load(this.#bareCount, 0);
      if (count === frames) {
        if (++turns % TURNS_UNREAD === 0) this.#assertNotStuck(pacer);
        continue;
      }
      const nowMs = this.#clock.nowMs();
      while (frames < count) this.#record(pacer, frames++, nowMs);
    }
    return this.#take();
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
    checkSource(this.#handles, 1 + this.#window * this.#frames);
  }

  #begin(bare: boolean): Pacer {
    const framesPerSecond = this.#plan.recordsPerSecond / RECORDS_PER_FRAME;
    const pacer = new Pacer(framesPerSecond, this.#clock.nowMs() + LEAD_MS);
    this.#worker.postMessage({ startMs: pacer.startMs, framesPerSecond, bare } satisfies VisibleWindow);
    return pacer;
  }

  #assertNotStuck(pacer: Pacer): void {
    assert(this.#clock.nowMs() < pacer.plannedMs(this.#frames) + STUCK_MS, 'feeds: the frames of a window did not all arrive');
  }

  #record(pacer: Pacer, frame: number, nowMs: number): void {
    this.#planned.record(nowMs - pacer.plannedMs(frame));
    this.#taken.record(nowMs - this.#takenMs[frame]);
  }

  #take(): VisibleLatencies {
    return { planned: this.#planned.take(), taken: this.#taken.take() };
  }
}
