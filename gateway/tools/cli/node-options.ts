import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isSea } from 'node:sea';

/** With fewer cores the threads of V8 share one with the trading. */
const CORES_FOR_V8 = 4;

/**
 * Node options of an exchange that can only be set when Node starts (docs/PERFORMANCE.md, the tail):
 *
 * - A small young generation. The buffers that sockets read into are freed with it. Under load a large one, which is
 *   collected rarely, lets them reach V8's limit of external memory, and V8 marks the whole heap several times a second.
 * - V8 compiles and sweeps in four threads, however many cores there are. On few of them each takes a slice of the
 *   scheduler in turn, 4 ms, and the trading waits for all four: one such thread is enough.
 */
function wantedOptions(): readonly { readonly name: string; readonly value: number }[] {
  const pool = availableParallelism() < CORES_FOR_V8 ? [{ name: '--v8-pool-size', value: 1 }] : [];
  return [{ name: '--max-semi-space-size', value: 2 }, ...pool];
}

/**
 * Replaces this process by one with the options above: same id, same arguments, same open files. Options that are
 * already given, on the command line or in NODE_OPTIONS, are kept. Linux only; elsewhere it does nothing.
 */
export function restartWithNodeOptions(): void {
  const { argv, env, execArgv, execPath } = process;
  const given = [env.NODE_OPTIONS ?? '', ...execArgv];
  // Node takes underscores for dashes.
  const missing = wantedOptions().filter(({ name }) => !given.some((option) => option.replaceAll('_', '-').includes(name)));
  if (process.platform !== 'linux' || missing.length === 0) return;
  // A failed execve aborts the process; without /proc the path is a guess.
  if (process.execve === undefined || !existsSync(execPath)) return;
  const script = isSea() ? [] : [argv[1]];
  process.execve(execPath, [execPath, ...execArgv, ...script, ...argv.slice(2)], {
    ...env,
    NODE_OPTIONS: [env.NODE_OPTIONS ?? '', ...missing.map(({ name, value }) => `${name}=${value}`)].join(' ').trim(),
  });
}
