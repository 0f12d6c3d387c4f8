import { type ChildProcess, fork } from 'node:child_process';
import type { Placement } from '../suite/cores.ts';

/** The command that runs node with these arguments on these cores. */
export function onCores(cores: string | undefined, args: readonly string[]): { command: string; args: string[] } {
  const [command, ...rest] = [...(cores === undefined ? [] : ['taskset', '-c', cores]), process.execPath, ...args];
  return { command, args: rest };
}

/** `fork` on these cores, with a channel; its output goes to the output of this process. */
export function forkOn(cores: string | undefined, module: string, nodeFlags: readonly string[]): ChildProcess {
  const { command, args } = onCores(cores, nodeFlags);
  return fork(module, { execPath: command, execArgv: args, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** A sentence for the report. */
export function describePlacement({ exchange, clients }: Placement): string {
  return exchange === undefined
    ? 'No process is bound to a core: the scheduler decides which one waits behind the generator, which never sleeps.'
    : `The exchange with all its threads is bound to core ${exchange}, as is a floor during its turns; the load generator, readers and the suite itself are bound to core ${clients} (taskset).`;
}
