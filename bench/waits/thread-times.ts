import { readdirSync, readFileSync } from 'node:fs';

/** Times of a thread since its start. */
export interface ThreadTimes {
  readonly tid: number;
  readonly comm: string;
  /** On a core, ms. */
  readonly ranMs: number;
  /** Ready, and not on a core, ms. */
  readonly waitedMs: number;
}

/** All threads of a process, the main thread first. Linux only. */
export function threadTimes(pid: number): ThreadTimes[] {
  const found: ThreadTimes[] = [];
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      const read = (name: string) => readFileSync(`/proc/${pid}/task/${tid}/${name}`, 'latin1').trim();
      const [ran, waited] = read('schedstat').split(' ').map(Number);
      found.push({ tid: Number(tid), comm: read('comm'), ranMs: ran / 1e6, waitedMs: waited / 1e6 });
    } catch (error) {
      // It ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return found.toSorted((a, b) => a.tid - b.tid);
}

/**
 * Names for the threads of an exchange: `io`, `v8`, `signals`, `pool` for the threads of libuv, and `worker 1` and so on in the order of their
 * start. In the topology `compact` the first worker writes the history.
 */
export function threadNames(pid: number): Map<number, string> {
  const names = new Map<number, string>();
  let unnamed = 0;
  let workers = 0;
  for (const { tid, comm } of threadTimes(pid)) {
    if (tid === pid) names.set(tid, 'io');
    else if (comm.startsWith('libuv')) names.set(tid, 'pool');
    else if (comm.startsWith('Delayed')) names.set(tid, 'v8');
    // Node starts V8's threads and one for signals before libuv's pool, and workers after it.
    else if ([...names.values()].includes('pool')) names.set(tid, `worker ${++workers}`);
    else names.set(tid, unnamed++ === 0 ? 'v8' : 'signals');
  }
  return names;
}
