import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Events wait in memory, so that perf wakes up rarely. */
const RECORD = ['record', '-q', '-a', '-m', '32M', '-e', 'sched:sched_switch', '-e', 'sched:sched_wakeup'];

/** Until perf has started. */
const STARTS_MS = 700;

/** Whether `perf` is there and may record the scheduler's events of all processes. */
export function canRecordScheduler(): boolean {
  return spawnSync('perf', [...RECORD, '-o', '/dev/null', '--', 'true'], { stdio: 'ignore' }).status === 0;
}

/**
 * Records the scheduler's events while `work` runs, and calls `onLine` with each afterwards.
 * @param path of a file for them, which is removed again @param cores of perf itself, as in Placement
 */
export async function recordScheduler(
  path: string,
  cores: string | undefined,
  work: () => Promise<void>,
  onLine: (line: string) => void,
): Promise<void> {
  const bound = cores === undefined ? [] : ['taskset', '-c', cores];
  const [command, ...args] = [...bound, 'perf', ...RECORD, '-o', path];
  const recorder = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(recorder, 'exit');
  await sleep(STARTS_MS);
  try {
    await work();
  } finally {
    recorder.kill('SIGINT');
    await ended;
  }
  try {
    const [program, ...rest] = [...bound, 'perf', 'script'];
    const printer = spawn(program, [...rest, '-i', path, '-F', 'cpu,time,event,trace'], { stdio: ['ignore', 'pipe', 'ignore'] });
    for await (const line of createInterface({ input: printer.stdout })) onLine(line);
  } finally {
    rmSync(path, { force: true });
  }
}
