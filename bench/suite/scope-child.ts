/** Entry of a scope's process: started by `scope-process.ts`, runs one scope, sends its result. */
import { loadScope } from './catalog.ts';
import type { Assignment, Message } from './messages.ts';

/** Telling more often would cost the measurement more than it tells. */
const PROGRESS_MS = 500;
/** What a scope has to stop its load when the runner is gone. */
const GRACE_MS = 5000;

const abort = new AbortController();
const interrupted = (): void => abort.abort(new Error('interrupted'));
process.on('SIGINT', interrupted);
process.on('SIGTERM', interrupted);
process.on('disconnect', () => {
  // The runner was killed. Nobody else will stop what this process started.
  interrupted();
  setTimeout(() => leave(1), GRACE_MS);
});
process.once('message', (assignment: Assignment) => void run(assignment));

async function run({ file, ...context }: Assignment): Promise<void> {
  let told = -PROGRESS_MS;
  const progress = (what: string, done: number): void => {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    tell({ kind: 'progress', what, done: Math.min(1, Math.max(0, done)) });
  };
  try {
    const scope = await loadScope(file);
    const result = await scope.run({ ...context, progress, signal: abort.signal });
    tell({ kind: 'result', result }, () => leave(0));
  } catch (error) {
    tell({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }, () => leave(1));
  }
}

/** Without a runner, it takes its whole group along. */
function leave(code: number): void {
  if (!process.connected) process.kill(-process.pid, 'SIGKILL');
  process.exit(code);
}

/** Whoever listened may be gone. */
function tell(message: Message, then = (): void => undefined): void {
  if (process.connected) process.send?.(message, then);
  else then();
}
