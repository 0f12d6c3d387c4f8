import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isSea } from 'node:sea';

/** With fewer cores the threads of V8 share one with the trading. */
const CORES_FOR_V8 = 4;

/**
 * V8 compiles and sweeps in four threads, however many cores there are. On few of them each takes a slice of the
 * scheduler in turn, 4 ms, and the trading waits for all four (docs/PERFORMANCE.md): one such thread is enough. Their
 * number is fixed when Node starts, so the process replaces itself by one that starts with it: same id, same arguments,
 * same open files. An explicit `--v8-pool-size` is kept.
 */
export function limitV8Threads(): void {
  const { argv, env, execArgv, execPath } = process;
  const options = env.NODE_OPTIONS ?? '';
  if (process.platform !== 'linux' || availableParallelism() >= CORES_FOR_V8) return;
  if ([options, ...execArgv].some((option) => option.includes('--v8-pool-size'))) return;
  // A failed execve aborts the process; without /proc the path is a guess.
  if (process.execve === undefined || !existsSync(execPath)) return;
  const script = isSea() ? [] : [argv[1]];
  process.execve(execPath, [execPath, ...execArgv, ...script, ...argv.slice(2)], {
    ...env,
    NODE_OPTIONS: `${options} --v8-pool-size=1`.trim(),
  });
}
