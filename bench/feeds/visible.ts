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
  /** From the planned time of a frame. */
  readonly planned: Latency;
  /** From the moment at which the thread begins to read it: without the time in which the thread had no core. */
  readonly begun: Latency;
}

/** Until the first frame of a window is due. */
const LEAD_MS = 5;
/** A window whose last record does not come fails after this time. */
const STUCK_MS = 10_000;

/**
 * From the planned time of a frame until another thread has its last record out of the ring. One thread reads frames,
 * this one the ring; both poll without a pause.
 */
export class Visible {
  readonly #plan: VisiblePlan;
  readonly #handles: FeedHandles = allocateFeeds({}, 1);
  readonly #reader = new BroadcastReader(this.#handles.ring);
  readonly #clock = new SharedClock();
  readonly #planned = new Recorder();
  readonly #begun = new Recorder();
  readonly #frames: number;
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
    const workerData: VisibleStart = { handles: this.#handles, frames: this.#frames, windows: plan.windows };
    this.#worker = new Worker(new URL('./visible-worker.ts', import.meta.url), { workerData });
  }

  /** The latencies of every frame of one window. Blocks this thread. @throws InvariantError unless every record arrived */
  window(): VisibleLatencies {
    const reader = this.#reader;
    const framesPerSecond = this.#plan.recordsPerSecond / RECORDS_PER_FRAME;
    const pacer = new Pacer(framesPerSecond, this.#clock.nowMs() + LEAD_MS);
    // Passes over the snapshot before the first window.
    if (this.#window === 0) reader.skipToNewest();
    const firstFrame = this.#window++ * this.#frames;
    this.#worker.postMessage({ startMs: pacer.startMs, framesPerSecond } satisfies VisibleWindow);
    const deadline = pacer.plannedMs(this.#frames) + STUCK_MS;
    let [frames, records] = [0, 0];
    while (frames < this.#frames) {
      const count = reader.poll();
      assert(reader.missed === 0, 'feeds: the reader missed records');
      if (count === 0) {
        assert(this.#clock.nowMs() < deadline, 'feeds: the records of a window did not all arrive');
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
        this.#planned.record(nowMs - pacer.plannedMs(frames++));
        this.#begun.record(nowMs - record.receiveTimeUs / 1000);
      }
    }
    assert(records === this.#frames * RECORDS_PER_FRAME, 'feeds: a frame with more or fewer records');
    return { planned: this.#planned.take(), begun: this.#begun.take() };
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
    checkSource(this.#handles, 1 + this.#window * this.#frames);
  }
}
