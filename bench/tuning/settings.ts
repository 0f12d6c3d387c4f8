import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';

/** The exchange that a setting is for, and the cores that are not its own. */
export interface Subject {
  readonly pid: number;
  readonly otherCores: string;
}

/** A setting of the host that is switched on and off while an exchange runs. */
export interface Setting {
  readonly what: string;
  /** Sockets copy it when they are opened. */
  readonly newConnections?: true;
  /** It takes effect for what is started from then on: two exchanges run, one of them started with it, and take turns. */
  readonly atStart?: true;
  /** Switches it on. @returns what switches it off @throws Error when this host does not have it, or does not permit it */
  readonly on: (subject: Subject) => () => void;
}

const THP = '/sys/kernel/mm/transparent_hugepage/enabled';

/** By name. Those of `openbell start --tune`, and those that were tried and left out: docs/PERFORMANCE.md. Root only, Linux only. */
export const SETTINGS: Readonly<Record<string, Setting>> = {
  nothing: { what: 'both turns alike: the noise', on: () => () => undefined },
  'c-states': { what: '/dev/cpu_dma_latency is held at 0', on: holdLatency },
  'halt-polling': {
    what: 'guest_halt_poll_ns 200000',
    on: () => written([['/sys/module/haltpoll/parameters/guest_halt_poll_ns', '200000']]),
  },
  interrupts: { what: 'all interrupts that can be moved are on the other cores', on: moveInterrupts },
  'kernel-threads': {
    what: 'kernel threads and work queues that can be moved are on the other cores',
    on: moveKernelThreads,
  },
  'busy-poll': {
    what: 'net.core.busy_poll and busy_read 50',
    newConnections: true,
    on: () =>
      written([
        ['/proc/sys/net/core/busy_poll', '50'],
        ['/proc/sys/net/core/busy_read', '50'],
      ]),
  },
  fifo: {
    what: 'the I/O thread has SCHED_FIFO, priority 1',
    on: ({ pid }) => scheduled([pid], ['--fifo', '--reset-on-fork'], 1),
  },
  'fifo-network': {
    what: 'the I/O thread has SCHED_FIFO, priority 1, and ksoftirqd of all CPUs priority 2',
    on({ pid }) {
      const network = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name).startsWith('ksoftirqd/'));
      const undo = [scheduled(network.map(Number), ['--fifo'], 2), scheduled([pid], ['--fifo', '--reset-on-fork'], 1)];
      return () => {
        for (const step of undo) step();
      };
    },
  },
  nice: { what: 'the I/O thread has the nice value -20', on: ({ pid }) => niced([pid], -20) },
  batch: {
    what: 'all threads but the I/O thread have SCHED_BATCH',
    on: ({ pid }) => scheduled(otherThreads(pid), ['--batch'], 0),
  },
  'timer-slack-all': {
    what: 'all threads have a timer slack of 1 ns',
    on: ({ pid }) => written([pid, ...otherThreads(pid)].map((thread) => [`/proc/${thread}/timerslack_ns`, '1'] as const)),
  },
  'timer-slack': { what: 'the I/O thread has a timer slack of 1 ns', on: ({ pid }) => written([[`/proc/${pid}/timerslack_ns`, '1']]) },
  'huge-pages': { what: 'transparent huge pages: always', atStart: true, on: () => written([[THP, 'always']]) },
  'slice-io': { what: 'the I/O thread has a slice of 0.1 ms (Linux 6.12)', on: ({ pid }) => sliced([pid], 100_000) },
  'slice-all': {
    what: 'all threads have a slice of 0.1 ms',
    on: ({ pid }) => sliced([pid, ...otherThreads(pid)], 100_000),
  },
};

function holdLatency(): () => void {
  const fd = openSync('/dev/cpu_dma_latency', 'r+');
  writeSync(fd, new Uint8Array(4));
  return () => closeSync(fd);
}

function moveInterrupts({ otherCores }: Subject): () => void {
  const undo: (() => void)[] = [];
  for (const irq of readdirSync('/proc/irq')) {
    if (!/^\d+$/.test(irq)) continue;
    try {
      undo.push(written([[`/proc/irq/${irq}/smp_affinity_list`, otherCores]]));
    } catch {
      // The kernel manages this one itself.
    }
  }
  return () => {
    for (const step of undo) step();
  };
}

const WORK_QUEUES = '/sys/devices/virtual/workqueue/cpumask';

function moveKernelThreads({ otherCores }: Subject): () => void {
  const undo: (() => void)[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    let before: string | undefined;
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      if (!/^Kthread:\s*1$/m.test(status)) continue;
      before = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
    } catch {
      // It has ended meanwhile.
    }
    const move = (cores: string): boolean => spawnSync('taskset', ['-c', '-p', cores, pid]).status === 0;
    if (before !== undefined && before !== otherCores && move(otherCores)) undo.push(() => move(before));
  }
  const mask = otherCores.split(',').reduce((bits, core) => bits + 2 ** Number(core), 0);
  undo.push(written([[WORK_QUEUES, mask.toString(16)]]));
  return () => {
    for (const step of undo) step();
  };
}

function written(values: readonly (readonly [string, string])[]): () => void {
  const before = values.map(([path]) => [path, chosenIn(readFileSync(path, 'latin1'))] as const);
  for (const [path, value] of values) writeFileSync(path, value);
  return () => {
    for (const [path, value] of before) writeFileSync(path, value);
  };
}

/** The choice in brackets, if the file has one. */
function chosenIn(text: string): string {
  return /[[(]([^\])\s]+)[\])]/.exec(text)?.[1] ?? text.trim();
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1');
  } catch {
    return '';
  }
}

function otherThreads(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .map(Number)
    .filter((thread) => thread !== pid);
}

function niced(threads: readonly number[], value: number): () => void {
  for (const thread of threads) setPriority(thread, value);
  return () => {
    for (const thread of threads) setPriority(thread, 0);
  };
}

function sliced(threads: readonly number[], ns: number): () => void {
  const set = (slice: number): void => {
    for (const thread of threads) {
      // size, policy, flags, nice, priority, runtime, deadline, period
      const code = `my $a = pack("LLQlLQQQ", 48, 0, 0, 0, 0, ${slice}, 0, 0); exit(syscall(314, ${thread}, $a, 0) == 0 ? 0 : 1)`;
      if (spawnSync('perl', ['-e', code]).status !== 0) throw new Error('sched_setattr failed');
    }
  };
  set(ns);
  return () => set(0);
}

function scheduled(threads: readonly number[], policy: readonly string[], priority: number): () => void {
  const set = (flags: readonly string[], to: number): void => {
    for (const thread of threads) {
      const { status, stderr, error } = spawnSync('chrt', [...flags, '--pid', String(to), String(thread)], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`chrt: ${error?.message ?? stderr}`);
    }
  };
  set(policy, priority);
  return () => set(['--other'], 0);
}
