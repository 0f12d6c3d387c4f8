import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The cores of a process of a load, in the format of `taskset`; undefined: the scheduler decides. */
export interface Placement {
  readonly exchange: string | undefined;
  /** The generator, readers, and all other processes of the suite. */
  readonly clients: string | undefined;
}

export const ANYWHERE: Placement = { exchange: undefined, clients: undefined };

let known: Placement | undefined;

/**
 * The last core is for the clients, the others are for the exchange. The generator
 * never sleeps. Without binding, the scheduler queues the exchange behind it, where
 * it waits for a whole slice (3 to 4 ms) while the other core is idle.
 * No binding on a machine with one core, or without taskset (util-linux).
 * It is the same during the whole life of the process, also while the process itself is bound.
 */
export function clientsApart(): Placement {
  known ??= placementOn(allowedCores(ownStatus()));
  return known;
}

function placementOn(cores: readonly number[]): Placement {
  if (cores.length < 2 || spawnSync('taskset', ['--version']).status !== 0) return ANYWHERE;
  return { exchange: cores.slice(0, -1).join(), clients: cores.at(-1)?.toString() };
}

/**
 * Keeps this process, with all its threads, off the exchange's cores while the work runs: even a process that only shows progress
 * displaces the exchange each time it wakes. Processes that it starts meanwhile inherit that, unless they are placed.
 */
export async function offTheExchange<Result>(work: () => Promise<Result>): Promise<Result> {
  const { exchange, clients } = clientsApart();
  if (exchange === undefined || clients === undefined) return await work();
  bindOwnThreads(clients);
  try {
    return await work();
  } finally {
    bindOwnThreads(`${exchange},${clients}`);
  }
}

/** A thread that ends meanwhile is none that must be bound, so an error is none of the suite. */
function bindOwnThreads(cores: string): void {
  spawnSync('taskset', ['--all-tasks', '--pid', '--cpu-list', cores, String(process.pid)], { stdio: 'ignore' });
}

/** @param status /proc/PID/status */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  if (list === undefined) return [];
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Empty if the system does not have it. */
function ownStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'latin1');
  } catch {
    return '';
  }
}
