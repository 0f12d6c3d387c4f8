import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { ScopeContext } from '../suite/scope.ts';
import type { CoreFigures, CorePlan } from './core-run.ts';

export interface CoreThreadData {
  readonly plan: CorePlan;
  readonly windows: number;
}

export type FromCoreThread = { readonly kind: 'progress'; readonly what: string; readonly done: number } | CoreFiguresMessage;

export interface CoreFiguresMessage {
  readonly kind: 'figures';
  readonly figures: CoreFigures;
}

/** Holds the clock readings of a window: 16 bytes each. In MB; V8 takes it for threads that start later. */
const YOUNG_MB = 64;

/** {@link runCore} in a thread of its own, with room for the garbage of its clock. Rejects with what it throws, and when it is aborted. */
export function runCoreInThread(plan: CorePlan, { windows, progress, signal }: ScopeContext): Promise<CoreFigures> {
  signal.throwIfAborted();
  setFlagsFromString(`--min-semi-space-size=${YOUNG_MB}`);
  setFlagsFromString(`--max-semi-space-size=${YOUNG_MB}`);
  const data: CoreThreadData = { plan, windows };
  const worker = new Worker(new URL('./core-worker.ts', import.meta.url), { workerData: data });
  return new Promise<CoreFigures>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`core thread: ended with ${code} before its figures`)));
    worker.on('message', (message: FromCoreThread) => {
      if (message.kind === 'progress') progress(message.what, message.done);
      else resolve(message.figures);
    });
  }).finally(() => worker.terminate());
}
