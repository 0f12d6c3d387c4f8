import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

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

/** Ends the child, unless it has ended: asks it to, and waits. @returns its exit code; null after a signal */
export async function endChild(child: ChildProcess, ask: () => void): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  ask();
  const [code] = (await exited) as [number | null];
  return code;
}
