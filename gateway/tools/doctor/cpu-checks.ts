import { chooseTopology } from '../../../engine/threads/engine-options.ts';
import { LATENCY_DEVICE } from '../../host-tuning.ts';
import { cpuQuota } from './cgroup.ts';
import { type Check, note, ok, problem, unknown, warning } from './finding.ts';
import { type Host, parseCpuList } from './host.ts';

const CPU = '/sys/devices/system/cpu';

/** CPUs that this process may run on. */
const allowed = (host: Host) => host.field('/proc/self/status', 'Cpus_allowed_list');
const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** The values of a setting over all CPUs, such as `performance` or `performance, powersave`; empty when no CPU has it. */
function perCpu(host: Host, file: string): string[] {
  const cpus = host.names(CPU).filter((name) => /^cpu\d+$/.test(name));
  const values = cpus.map((cpu) => host.text(`${CPU}/${cpu}/${file}`));
  return [...new Set(values.filter((value) => value !== undefined))].sort();
}

const cores: Check = {
  id: 'cores',
  why: 'from four cores on each stage has a thread of its own; on fewer they share cores with each other and with all other processes',
  startup: true,
  run(host, { topology }) {
    const { parallelism } = host;
    const chosen = topology === 'auto' ? chooseTopology(parallelism) : topology;
    const found = `${plural(parallelism, 'core')}, topology ${chosen}${topology === 'auto' ? '' : ' (configured)'}`;
    // Threads that start on ordinary cores may be moved to isolated ones.
    const reachable = parallelism + (host.cpus(`${CPU}/isolated`)?.length ?? 0);
    if (chosen === 'pinned' && chooseTopology(reachable) === 'compact')
      return warning(found, 'openbell start --topology auto', 'threads of the pinned topology spin and compete for the cores');
    return chosen === 'compact' && topology === 'auto' ? note(found) : ok(found);
  },
};

const quota: Check = {
  id: 'cpu-quota',
  why: 'once the quota of a period (100 ms as a rule) is used up the kernel stops every thread until the next one: tens of milliseconds at the tail',
  linux: true,
  startup: true,
  run(host) {
    const limit = cpuQuota(host);
    if (limit === undefined) return unknown('no cgroup reports a quota');
    if (limit.cpus === Number.POSITIVE_INFINITY) return ok('no CPU quota');
    const found = `${Number(limit.cpus.toFixed(2))} CPUs, stopped in ${limit.throttled} of ${limit.periods} periods; Node.js counts ${host.parallelism}`;
    const fix = 'give whole CPUs with a cpuset and no quota (Docker: --cpuset-cpus; Kubernetes: CPU manager policy static)';
    return limit.cpus < 1 ? problem(found, fix) : warning(found, fix);
  },
};

const affinity: Check = {
  id: 'affinity',
  why: 'the scheduler does not balance isolated CPUs: threads that may use several of them all stay on one',
  linux: true,
  startup: true,
  run(host) {
    const mine = parseCpuList(allowed(host));
    const online = host.cpus(`${CPU}/online`);
    if (mine === undefined || online === undefined) return unknown('the kernel does not report it');
    const isolated = new Set(host.cpus(`${CPU}/isolated`) ?? []);
    const both = mine.filter((cpu) => isolated.has(cpu));
    const found = `may run on CPUs ${allowed(host)} of ${host.text(`${CPU}/online`)}`;
    if (both.length > 1)
      return warning(`${found}, of which ${both.join(',')} are isolated`, 'taskset -cp CPU TID for each thread: docs/TUNING.md');
    return ok(found);
  },
};

const isolation: Check = {
  id: 'isolated-cores',
  why: 'on a core that is not isolated the kernel also runs other work: other processes, kernel threads, timer ticks',
  linux: true,
  run(host) {
    const isolated = host.text(`${CPU}/isolated`);
    if (isolated === undefined) return unknown('the kernel does not report it');
    const tickless = host.text(`${CPU}/nohz_full`) ?? '';
    const without = tickless === '' || tickless === '(null)';
    if (isolated !== '') return ok(`CPUs ${isolated}${without ? ', with timer ticks' : `, without timer ticks ${tickless}`}`);
    return note('none', host.parallelism < 4 ? undefined : 'isolate CPUs at boot, place threads with taskset: docs/TUNING.md');
  },
};

const governor: Check = {
  id: 'governor',
  why: 'a core that was clocked down while idle is slow for the first orders of a burst',
  linux: true,
  startup: true,
  run(host) {
    const governors = perCpu(host, 'cpufreq/scaling_governor');
    if (governors.length === 0) return unknown('no cpufreq here: the hypervisor or the firmware sets the clock');
    if (governors.some((name) => !/^\w+$/.test(name))) return unknown('scaling_governor contains no name');
    const found = `${governors.join(', ')}${host.text(`${CPU}/intel_pstate/no_turbo`) === '1' ? ', turbo off' : ''}`;
    const drivers = perCpu(host, 'cpufreq/scaling_driver');
    // With their own governors, intel_pstate and amd-pstate-epp take `powersave` for "as fast as is needed, by preference".
    const preferences = perCpu(host, 'cpufreq/energy_performance_preference');
    const eager = drivers.some((driver) => /^(intel_pstate|amd-pstate-epp)$/.test(driver)) && preferences.join() === 'performance';
    if (governors.join() === 'performance' || eager) return ok(found);
    return warning(found, 'cpupower frequency-set -g performance');
  },
};

/** Exit latency, in us, that is a tenth of the latency objective. */
const DEEP_US = 100;
const SHALLOW_US = 10;

const idleStates: Check = {
  id: 'c-states',
  why: 'a core in a deep idle state must wake up before it handles the frame that woke it',
  linux: true,
  run(host) {
    const dir = `${CPU}/cpu0/cpuidle`;
    const states = host.names(dir).filter((name) => /^state\d+$/.test(name));
    if (states.length === 0) return unknown('no cpuidle here: the hypervisor or the firmware decides');
    const bound = latencyRequest(host) ?? Number.POSITIVE_INFINITY;
    let deepest = { name: 'none', us: 0 };
    for (const state of states) {
      const us = host.number(`${dir}/${state}/latency`);
      if (us === undefined) return unknown(`${dir}/${state}/latency contains no number`);
      if (host.text(`${dir}/${state}/disable`) === '1' || us > bound) continue;
      if (us >= deepest.us) deepest = { name: host.text(`${dir}/${state}/name`) ?? state, us };
    }
    const found = `deepest in use: ${deepest.name}, ${deepest.us} us to wake up`;
    if (deepest.us <= SHALLOW_US) return ok(found);
    const fix = 'openbell start --tune, cpupower idle-set -D 10, or tuned-adm profile network-latency';
    return deepest.us >= DEEP_US ? warning(found, fix) : note(found, fix);
  },
};

/** The shortest wake-up, in us, that a process asks for, such as tuned; undefined: none, or this user may not read it. */
function latencyRequest(host: Host): number | undefined {
  const request = host.bytes(LATENCY_DEVICE);
  return request?.length === 4 ? request.readInt32LE() : undefined;
}

const tune: Check = {
  id: 'tune',
  why: 'a CPU that sleeps must wake up before it handles a frame; with --tune all CPUs of the host stay awake while the exchange runs',
  linux: true,
  run(host, { tune: wanted, running }) {
    if (running !== undefined) {
      const files = host.names(`/proc/${running}/fd`);
      if (files.length === 0) return unknown(`this user may not look at process ${running}, the exchange`);
      if (files.some((fd) => host.link(`/proc/${running}/fd/${fd}`) === LATENCY_DEVICE)) return ok(`on in process ${running}`);
      return note(`off in process ${running}`, 'openbell start --tune');
    }
    const writable = host.writable(LATENCY_DEVICE);
    if (wanted && writable === undefined)
      return warning(
        `there is no ${LATENCY_DEVICE}`,
        'start without --tune, or pass the device on to the container',
        'the start fails: TUNE_ABSENT',
      );
    if (wanted && !writable)
      return warning(
        `this user may not write to ${LATENCY_DEVICE}`,
        'root, or write access to the device: docs/TUNING.md',
        'the start fails: TUNE_REFUSED',
      );
    if (wanted) return ok('on from the next start, which is permitted');
    if (writable === undefined) return unknown(`there is no ${LATENCY_DEVICE}`);
    return writable
      ? note('off; this user may use it', 'openbell start --tune')
      : note('off', `openbell start --tune, as root or with write access to ${LATENCY_DEVICE}`);
  },
};

const HALT_POLL = '/sys/module/haltpoll/parameters/guest_halt_poll_ns';

const haltPolling: Check = {
  id: 'halt-polling',
  why: 'an idle virtual core is returned to the host, and a frame that wakes it waits until the host schedules it again',
  linux: true,
  run(host) {
    const guest = isGuest(host);
    if (guest === undefined) return unknown('the CPU does not report whether this is a virtual machine');
    if (!guest) return ok('not a virtual machine');
    if (host.text(`${CPU}/cpuidle/current_driver`) !== 'haltpoll')
      return unknown('the driver cpuidle-haltpoll is not in use: modprobe cpuidle-haltpoll, on KVM with force=1');
    const ns = host.number(HALT_POLL);
    if (ns === undefined) return unknown(`${HALT_POLL} contains no number`);
    if (latencyRequest(host) === 0) return ok('a core looks for work until there is some: a process asks for it');
    if (ns > 0) return ok(`a core looks for work for ${ns / 1000} us before it halts`);
    return note('off: a core halts at once', `openbell start --tune, or: echo 200000 > ${HALT_POLL}`);
  },
};

const threading: Check = {
  id: 'smt',
  why: 'two hardware threads share one core: what runs on the sibling slows down the engine',
  linux: true,
  run(host) {
    const control = host.text(`${CPU}/smt/control`);
    const active = host.text(`${CPU}/smt/active`);
    if (active === undefined) return unknown('the kernel does not report it');
    if (active === '1') return note('on', 'leave the siblings of the pinned CPUs idle, or: echo off > /sys/devices/system/cpu/smt/control');
    if (isGuest(host))
      return unknown('a virtual machine may not see it; two of its CPUs, or one of its CPUs and one of another guest, can share a core');
    return ok(`off${control === undefined ? '' : ` (${control})`}`);
  },
};

/** undefined when the CPU does not report it. */
function isGuest(host: Host): boolean | undefined {
  return /^flags\s*:(.*)$/m
    .exec(host.text('/proc/cpuinfo') ?? '')?.[1]
    .split(/\s+/)
    .includes('hypervisor');
}

const virtualisation: Check = {
  id: 'virtualisation',
  why: 'the hypervisor can stop a virtual CPU at any time, and nothing in this guest can prevent it',
  linux: true,
  run(host) {
    const guest = isGuest(host);
    if (guest === undefined) return unknown('the CPU has no flags that report it');
    return guest ? note('a virtual machine', 'use dedicated cores or a dedicated host') : ok('none');
  },
};

/** What reads the clock in user space, by name of the kernel's clock source. */
const FAST_CLOCKS = new Set([
  'tsc',
  'arch_sys_counter',
  'kvm-clock',
  'hyperv_clocksource_tsc_page',
  'timebase',
  'riscv_clocksource',
  'tod',
]);
const SLOW_CLOCKS = new Set(['hpet', 'acpi_pm', 'pit', 'jiffies', 'refined-jiffies', 'xen']);

const clock: Check = {
  id: 'clock-source',
  why: 'a clock that is read by a system call or from a device makes every time stamp slow',
  linux: true,
  startup: true,
  run(host) {
    const dir = '/sys/devices/system/clocksource/clocksource0';
    const current = host.text(`${dir}/current_clocksource`);
    if (!current) return unknown('the kernel does not report it');
    if (FAST_CLOCKS.has(current)) return ok(current);
    const available = host.text(`${dir}/available_clocksource`) ?? '';
    const better = available.split(' ').find((name) => FAST_CLOCKS.has(name));
    const fix =
      better === undefined ? 'find the reason with: dmesg | grep -i -e clocksource -e tsc' : `echo ${better} > ${dir}/current_clocksource`;
    return SLOW_CLOCKS.has(current) ? warning(current, fix) : note(`${current}, which is not known here`);
  },
};

export const CPU_CHECKS: readonly Check[] = [
  cores,
  quota,
  affinity,
  isolation,
  governor,
  idleStates,
  tune,
  haltPolling,
  threading,
  virtualisation,
  clock,
];
