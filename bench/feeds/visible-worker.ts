/** The thread that stands for the feed thread: takes each frame at its planned time, and writes its records. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FeedHandles } from '../../feeds/worker/feed-handles.ts';
import { Spin } from '../core/spin.ts';
import { Pacer } from '../suite/pacer.ts';
import { makeFrames } from './frames.ts';
import { Parser, parseWindow } from './parse.ts';
import { SharedClock } from './shared-clock.ts';

export interface VisibleStart {
  readonly handles: FeedHandles;
  /** Of one window. */
  readonly frames: number;
  readonly windows: number;
  /** When the thread took each frame of the window, ms of the shared clock. Written before the frame is visible. */
  readonly takenMs: Float64Array;
  /** Word 0: frames of a bare window so far. */
  readonly bareCount: Int32Array;
}

/** A window begins: frame 0 is due at this time of the shared clock, ms. */
export interface VisibleWindow {
  readonly startMs: number;
  readonly framesPerSecond: number;
  /** Raises a count in place of reading a frame: what two threads on these cores need without any work. */
  readonly bare: boolean;
}

if (parentPort !== null) serve(parentPort, workerData as VisibleStart);

function serve(port: NonNullable<typeof parentPort>, { handles, frames, windows, takenMs, bareCount }: VisibleStart): void {
  // The same code, until V8 has compiled it.
  parseWindow();
  const { snapshot, deltas } = makeFrames(frames * windows);
  const parser = new Parser(handles);
  const clock = new SharedClock();
  const spin = new Spin();
  let next = 0;
  parser.frame(snapshot, 0);
  port.on('message', ({ startMs, framesPerSecond, bare }: VisibleWindow) => {
    const pacer = new Pacer(framesPerSecond, startMs);
    for (let done = 0; done < frames; ) {
      const nowMs = clock.nowMs();
      const due = Math.min(frames, pacer.due(nowMs));
      if (due === done) spin.forMs(pacer.plannedMs(done) - nowMs);
      // As a read of a socket: all frames that have come are in its hands now, and the last one waits for the others.
      for (; done < due; done++) {
        takenMs[done] = nowMs;
        if (bare) Atomics.store(bareCount, 0, done + 1);
        else parser.frame(deltas[next++], Math.floor(nowMs * 1000));
      }
    }
  });
  port.postMessage('ready');
}
