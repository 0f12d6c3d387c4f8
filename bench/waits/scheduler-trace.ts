/** Thread id -> name of the thread, or of a group of threads. */
export type ThreadNames = ReadonlyMap<number, string>;

/** A time in which the watched thread was ready and did not run, ms. */
export interface Wait {
  readonly ms: number;
  /** Who ran meanwhile on its core, by name; a thread without a name counts as `other: COMM`. */
  readonly ran: ReadonlyMap<string, number>;
}

const SWITCH =
  /\[(\d+)\]\s+([\d.]+):\s+sched:sched_switch: prev_comm=.* prev_pid=(\d+) prev_prio=-?\d+ prev_state=(\S+) ==> next_comm=(.*) next_pid=(\d+) /;
const WAKE = /\[\d+\]\s+([\d.]+):\s+sched:sched_(?:wakeup|wakeup_new): comm=.* pid=(\d+) prio=-?\d+ target_cpu=(\d+)/;

interface Running {
  readonly tid: number;
  readonly comm: string;
  readonly sinceMs: number;
}

/**
 * Reads the scheduler's events of `perf sched record`, as `perf script -F cpu,time,event,trace` prints them: how long the watched thread
 * was ready and did not run, who ran meanwhile, and for how long each named thread ran at a stretch.
 */
export class SchedulerTrace {
  readonly waits: Wait[] = [];
  /** By name: the times for which a thread ran without a break, ms. */
  readonly stretches = new Map<string, number[]>();
  readonly #watched: number;
  readonly #names: ThreadNames;
  /** By core. */
  readonly #running = new Map<number, Running>();
  /** Since when, and on which core, the watched thread is ready; undefined while it runs or sleeps. */
  #ready: { readonly sinceMs: number; readonly core: number; readonly ran: Map<string, number> } | undefined;

  /** @param watched id of the thread whose waits are counted */
  constructor(watched: number, names: ThreadNames) {
    this.#watched = watched;
    this.#names = names;
  }

  /** Other lines are ignored. */
  line(text: string): void {
    const woken = WAKE.exec(text);
    if (woken !== null) {
      const [, seconds, tid, core] = woken;
      if (Number(tid) === this.#watched) this.#becameReady(Number(seconds) * 1000, Number(core));
      return;
    }
    const switched = SWITCH.exec(text);
    if (switched === null) return;
    const [, core, seconds, before, state, comm, next] = switched;
    this.#switch(Number(core), Number(seconds) * 1000, Number(before), state.startsWith('R'), { tid: Number(next), comm });
  }

  #becameReady(sinceMs: number, core: number): void {
    const runs = [...this.#running.values()].some(({ tid }) => tid === this.#watched);
    if (this.#ready === undefined && !runs) this.#ready = { sinceMs, core, ran: new Map() };
  }

  #switch(core: number, nowMs: number, before: number, stillReady: boolean, next: Omit<Running, 'sinceMs'>): void {
    const running = this.#running.get(core);
    if (running !== undefined && running.tid === before) this.#ended(running, core, nowMs);
    this.#running.set(core, { ...next, sinceMs: nowMs });
    if (before === this.#watched && stillReady) this.#becameReady(nowMs, core);
    if (next.tid !== this.#watched || this.#ready === undefined) return;
    const { sinceMs, ran } = this.#ready;
    this.waits.push({ ms: nowMs - sinceMs, ran });
    this.#ready = undefined;
  }

  #ended({ tid, comm, sinceMs }: Running, core: number, nowMs: number): void {
    const name = this.#names.get(tid);
    if (name !== undefined) {
      const found = this.stretches.get(name);
      if (found === undefined) this.stretches.set(name, [nowMs - sinceMs]);
      else found.push(nowMs - sinceMs);
    }
    const ready = this.#ready;
    if (ready === undefined || ready.core !== core || tid === 0) return;
    const key = name ?? `other: ${comm}`;
    ready.ran.set(key, (ready.ran.get(key) ?? 0) + nowMs - Math.max(sinceMs, ready.sinceMs));
  }
}
