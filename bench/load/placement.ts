import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The cores of a process of a load, in the format of `taskset`; undefined: the scheduler decides. */
export interface Placement {
  readonly exchange: string | undefined;
  /** The generator and readers. */
  readonly clients: string | undefined;
}

export const ANYWHERE: Placement = { exchange: undefined, clients: undefined };

/**
 * The last core is for the clients, the others are for the exchange. The generator
 * never sleeps. Without binding, the scheduler queues the exchange behind it, where
 * it waits for a whole slice (3 to 4 ms) while the other core is idle.
 * No binding on a machine with one core, or without taskset (util-linux).
 */
export function clientsApart(): Placement {
  const cores = allowedCores(readFileSync('/proc/self/status', 'latin1'));
  if (cores.length < 2 || spawnSync('taskset', ['--version']).status !== 0) return ANYWHERE;
  return { exchange: cores.slice(0, -1).join(), clients: cores.at(-1)?.toString() };
}

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
    : `The exchange with all its threads is bound to core ${exchange}, the load generator and readers to core ${clients} (taskset).`;
}

/** @param status /proc/self/status */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
