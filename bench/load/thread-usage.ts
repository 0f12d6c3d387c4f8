import { readdirSync, readFileSync } from 'node:fs';

/** What the threads of a Node.js process do: its main thread, Workers, V8's helpers, and libuv's pool. */
export const THREAD_ROLES = ['main', 'workers', 'v8', 'libuv'] as const;
export type ThreadRole = (typeof THREAD_ROLES)[number];

/** One thread since its start. */
export interface ThreadUsage {
  readonly id: number;
  readonly role: ThreadRole;
  /** Seconds on a core. */
  readonly cpu: number;
  /** Seconds ready, but without a core. */
  readonly waited: number;
}

/** Time of all threads of each role. */
export type RoleUsage = Readonly<Record<ThreadRole, { readonly cpu: number; readonly waited: number }>>;

const LIBUV = 'libuv-worker';
const V8_TIMERS = 'DelayedTaskSche';

/** The threads of the process, to the nanosecond; empty if the kernel does not count it. Linux only. */
export function threadUsage(pid: number): ThreadUsage[] {
  const threads = readdirSync(`/proc/${pid}/task`)
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((id) => readThread(pid, id));
  return rolesOf(pid, threads).map(({ id, role, cpu, waited }) => ({ id, role, cpu, waited }));
}

interface Thread {
  readonly id: number;
  readonly name: string;
  readonly cpu: number;
  readonly waited: number;
}

/** A thread may end between the listing and the reading. */
function readThread(pid: number, id: number): Thread[] {
  const folder = `/proc/${pid}/task/${id}`;
  try {
    const [cpu, waited] = readFileSync(`${folder}/schedstat`, 'latin1').split(' ').map(Number);
    return [{ id, name: readFileSync(`${folder}/comm`, 'latin1').trim(), cpu: cpu / 1e9, waited: waited / 1e9 }];
  } catch {
    return [];
  }
}

/** Node names only the threads of libuv. V8's helpers start with the process, before libuv's pool; Workers start after it. @param threads in the order of their start */
export function rolesOf<T extends Pick<Thread, 'id' | 'name'>>(pid: number, threads: readonly T[]): (T & { readonly role: ThreadRole })[] {
  const pool = threads.findIndex(({ name }) => name === LIBUV);
  const roleOf = ({ id, name }: T, index: number): ThreadRole => {
    if (id === pid) return 'main';
    if (name === LIBUV) return 'libuv';
    return name === V8_TIMERS || index < pool ? 'v8' : 'workers';
  };
  return threads.map((thread, index) => ({ ...thread, role: roleOf(thread, index) }));
}

/** Between two readings; without the threads that ended meanwhile. */
export function usageSince(before: readonly ThreadUsage[], after: readonly ThreadUsage[]): RoleUsage {
  const earlier = new Map(before.map((thread) => [thread.id, thread]));
  const sum = (role: ThreadRole, read: (thread: ThreadUsage) => number): number =>
    after
      .filter((thread) => thread.role === role)
      .reduce((total, thread) => {
        const last = earlier.get(thread.id);
        return total + read(thread) - (last === undefined ? 0 : read(last));
      }, 0);
  const of = (role: ThreadRole) => ({ cpu: sum(role, ({ cpu }) => cpu), waited: sum(role, ({ waited }) => waited) });
  return { main: of('main'), workers: of('workers'), v8: of('v8'), libuv: of('libuv') };
}

/** Several spans together. */
export function addUsage(usages: readonly RoleUsage[]): RoleUsage {
  const of = (role: ThreadRole) => ({
    cpu: usages.reduce((sum, usage) => sum + usage[role].cpu, 0),
    waited: usages.reduce((sum, usage) => sum + usage[role].waited, 0),
  });
  return { main: of('main'), workers: of('workers'), v8: of('v8'), libuv: of('libuv') };
}
