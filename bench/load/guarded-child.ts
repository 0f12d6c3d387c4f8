import type { ChildProcess } from 'node:child_process';

/** Length of the end of its stderr that is kept. */
const LOG_CHARACTERS = 4000;

/** Kills the child when the scope is aborted or this process ends, and keeps the end of its stderr. @returns that end at the time of the call */
export function guardChild(child: ChildProcess, signal: AbortSignal): () => string {
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill);
  process.on('exit', kill);
  child.once('exit', () => {
    signal.removeEventListener('abort', kill);
    process.off('exit', kill);
  });
  let log = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    log = (log + bytes).slice(-LOG_CHARACTERS);
  });
  return () => log;
}
