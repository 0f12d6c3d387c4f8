import { setFlagsFromString } from 'node:v8';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { assert } from '../../engine/assert.ts';
import type { ScopeContext } from './scope.ts';

/** Large enough for the garbage of a window's measurements: 16 bytes for each reading of the clock. V8 applies it to threads that start later. */
export const YOUNG_MB = 64;

type FromThread<Result> =
  | { readonly kind: 'progress'; readonly what: string; readonly done: number }
  | { readonly kind: 'result'; readonly result: Result };

/**
 * Runs the file `entry`, which calls {@link serveRoomyThread}, in a thread with a
 * young generation of {@link YOUNG_MB} MB: the garbage of the measuring loops must not
 * be collected in the middle of a window. Rejects with the error of the
 * thread, and when the scope is aborted; the thread has ended then.
 */
export function runRoomyThread<Data, Result>(entry: URL, data: Data, context: ScopeContext): Promise<Result> {
  context.signal.throwIfAborted();
  setFlagsFromString(`--min-semi-space-size=${YOUNG_MB}`);
  setFlagsFromString(`--max-semi-space-size=${YOUNG_MB}`);
  return runThread(entry, data, context);
}

/** The same with the young generation that threads have. */
export function runThread<Data, Result>(entry: URL, data: Data, { progress, signal }: ScopeContext): Promise<Result> {
  signal.throwIfAborted();
  const worker = new Worker(entry, { workerData: data });
  return new Promise<Result>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`${entry.pathname}: ended with ${code} before its result`)));
    worker.on('message', (message: FromThread<Result>) => {
      if (message.kind === 'progress') progress(message.what, message.done);
      else resolve(message.result);
    });
  }).finally(() => worker.terminate());
}

/** The thread's side: does `work` and sends its result, plain data, to the thread that started this one. */
export async function serveRoomyThread<Data, Result>(
  work: (data: Data, progress: ScopeContext['progress']) => Promise<Result>,
): Promise<void> {
  assert(parentPort !== null, 'roomy thread: runs as a thread');
  const port = parentPort;
  const send = (message: FromThread<Result>): void => port.postMessage(message);
  const result = await work(workerData as Data, (what, done) => send({ kind: 'progress', what, done }));
  send({ kind: 'result', result });
}
