import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Scope } from '../../../bench/suite/scope.ts';

/** Starts a process that outlives it, writes its id to the file that option `pid` names, and waits (option `wait=no`: throws). */
export const scope: Scope = {
  name: 'parent',
  title: 'starts a process and leaves it behind',
  options: { pid: 'file for the id', wait: 'no: throws at once' },
  seconds: () => 60,
  run: async ({ options, signal }) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    writeFileSync(options.pid, String(child.pid));
    if (options.wait !== 'no') await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw new Error('left it behind');
  },
};
