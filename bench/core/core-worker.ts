/** The thread behind `runCoreInThread`. */
import { parentPort, workerData } from 'node:worker_threads';
import { runCore } from './core-run.ts';
import type { CoreThreadData, FromCoreThread } from './core-thread.ts';

const { plan, windows } = workerData as CoreThreadData;
const tell = (message: FromCoreThread): void => parentPort?.postMessage(message);
tell({ kind: 'figures', figures: await runCore(plan, windows, (what, done) => tell({ kind: 'progress', what, done })) });
