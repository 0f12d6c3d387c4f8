/**
 * A process that takes and releases the lock of a directory, and stops before each step in the file system that it is given. Lines on
 * stdin: `acquire DIR STEPS`, `release STEPS`, and `go STEPS` (from 1) while it is stopped. Answers on stdout: `stopped`, `held`, `locked`, `released`, or an error.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

let steps = Number.POSITIVE_INFINITY;
for (const name of ['linkSync', 'rmSync', 'readFileSync'] as const) {
  const real = fs[name] as (...args: unknown[]) => unknown;
  const stepped = (path: unknown, ...args: unknown[]): unknown => {
    if (!String(path).startsWith('/proc/') && steps-- === 0) steps = Number(ask('stopped').slice('go '.length)) - 1;
    return real(path, ...args);
  };
  Object.assign(fs, { [name]: stepped });
}
syncBuiltinESMExports();
const { DataLock } = await import('../../engine/journal/data-lock.ts');

let lock: ReturnType<typeof DataLock.acquire> | undefined;
let answer = 'ready';
for (;;) {
  const [action, ...rest] = ask(answer).split(' ');
  steps = Number(rest.at(-1));
  try {
    if (action === 'acquire') lock = DataLock.acquire(rest[0]);
    else lock?.release();
    answer = action === 'acquire' ? 'held' : 'released';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    answer = code === 'DATA_LOCKED' ? 'locked' : `error ${message}`;
  }
}

/** Says a line and waits for the next one, without an event loop. */
function ask(text: string): string {
  fs.writeSync(1, `${text}\n`);
  let line = '';
  const byte = Buffer.alloc(1);
  for (;;) {
    if (fs.readSync(0, byte) === 0) process.exit();
    if (byte[0] === 10) return line;
    line += byte.toString('latin1');
  }
}
