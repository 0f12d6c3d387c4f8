import type { ChildProcess } from 'node:child_process';

/** Of what it said on stderr, the end is kept. */
const LOG_CHARACTERS = 4000;

/** Kills the child when the scope is aborted or this process ends, and keeps the end of its stderr. @returns that end, as of now */
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
