/** Entry of a scope's process: started by `scope-process.ts`, runs one scope, sends its result. */
import { loadScope } from './catalog.ts';
import type { Assignment, Message } from './messages.ts';

/** More frequent progress messages would disturb the measurement. */
const PROGRESS_MS = 500;
/** Time for a scope to stop its load after the runner has ended. */
const GRACE_MS = 5000;

const abort = new AbortController();
const interrupted = (): void => abort.abort(new Error('interrupted'));
process.on('SIGINT', interrupted);
process.on('SIGTERM', interrupted);
process.on('disconnect', () => {
  // The runner was killed, so this process must stop the processes that it started.
  interrupted();
  setTimeout(() => leave(1), GRACE_MS);
});
process.once('message', (assignment: Assignment) => void run(assignment));

async function run({ file, ...context }: Assignment): Promise<void> {
  let reportedMs = -PROGRESS_MS;
  const progress = (what: string, done: number): void => {
    if (performance.now() - reportedMs < PROGRESS_MS) return;
    reportedMs = performance.now();
    send({ kind: 'progress', what, done: Math.min(1, Math.max(0, done)) });
  };
  try {
    const scope = await loadScope(file);
    const result = await scope.run({ ...context, progress, signal: abort.signal });
    send({ kind: 'result', result }, () => leave(0));
  } catch (error) {
    send({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }, () => leave(1));
  }
}

/** Without a runner, kills the whole process group. */
function leave(code: number): void {
  if (!process.connected) process.kill(-process.pid, 'SIGKILL');
  process.exit(code);
}

/** The receiver may have ended. */
function send(message: Message, then = (): void => undefined): void {
  if (process.connected) process.send?.(message, then);
  else then();
}
