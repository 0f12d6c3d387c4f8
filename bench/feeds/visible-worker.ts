/** The thread that stands for the feed thread: reads each frame at its planned time, and writes its records. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FeedHandles } from '../../feeds/worker/feed-handles.ts';
import { Pacer } from '../suite/pacer.ts';
import { makeFrames } from './frames.ts';
import { Parser, parseWindow } from './parse.ts';
import { SharedClock } from './shared-clock.ts';

export interface VisibleStart {
  readonly handles: FeedHandles;
  /** Of one window. */
  readonly frames: number;
  readonly windows: number;
}

/** A window begins: frame 0 is due at this time of the shared clock, ms. */
export interface VisibleWindow {
  readonly startMs: number;
  readonly framesPerSecond: number;
}

if (parentPort !== null) serve(parentPort, workerData as VisibleStart);

function serve(port: NonNullable<typeof parentPort>, { handles, frames, windows }: VisibleStart): void {
  // The same code, until V8 has compiled it.
  parseWindow();
  const { snapshot, deltas } = makeFrames(frames * windows);
  const parser = new Parser(handles);
  const clock = new SharedClock();
  let next = 0;
  parser.frame(snapshot, 0);
  port.on('message', ({ startMs, framesPerSecond }: VisibleWindow) => {
    const pacer = new Pacer(framesPerSecond, startMs);
    for (let done = 0; done < frames; ) {
      for (const due = Math.min(frames, pacer.due(clock.nowMs())); done < due; done++)
        parser.frame(deltas[next++], Math.floor(clock.nowMs() * 1000));
    }
  });
  port.postMessage('ready');
}
