import { type Host, wholeNumber } from './host.ts';

const MOUNT = '/sys/fs/cgroup';

/** Directories of this process's cgroup and its ancestors, each of which may set a limit. Version 2 comes first. */
function directories(host: Host, controller: 'cpu' | 'memory'): string[] {
  const dirs: string[] = [];
  for (const line of host.text('/proc/self/cgroup')?.split('\n') ?? []) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === '') dirs.push(...upwards(MOUNT, path), ...upwards(`${MOUNT}/unified`, path));
    else if (controllers.split(',').includes(controller)) {
      dirs.push(...upwards(`${MOUNT}/${controller}`, path), ...upwards(`${MOUNT}/${controllers}`, path));
    }
  }
  return [...new Set(dirs)];
}

function upwards(mount: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, up) => [mount, ...parts.slice(0, parts.length - up)].join('/'));
}

export interface CpuQuota {
  /** CPUs that may be used on average over a period; Infinity = no quota. */
  readonly cpus: number;
  /** Periods so far in which the process had to stop, and all of them. */
  readonly throttled: number;
  readonly periods: number;
}

/** The tightest CPU quota; undefined when no cgroup reports one. */
export function cpuQuota(host: Host): CpuQuota | undefined {
  let tightest: CpuQuota | undefined;
  for (const dir of directories(host, 'cpu')) {
    const [quota, period] = host.text(`${dir}/cpu.max`)?.split(' ') ?? [
      host.text(`${dir}/cpu.cfs_quota_us`),
      host.text(`${dir}/cpu.cfs_period_us`),
    ];
    const cpus =
      quota === 'max' || quota === '-1' ? Number.POSITIVE_INFINITY : (wholeNumber(quota) ?? Number.NaN) / (wholeNumber(period) ?? 0);
    if (!(cpus > 0) || (tightest !== undefined && cpus >= tightest.cpus)) continue;
    const count = (name: string) => wholeNumber(host.field(`${dir}/cpu.stat`, name)) ?? 0;
    tightest = { cpus, throttled: count('nr_throttled'), periods: count('nr_periods') };
  }
  return tightest;
}

/** Value of version 1 for "no limit": the largest number of whole pages in an Int64. */
const NO_LIMIT = 2 ** 62;

/** The tightest memory limit in bytes, Infinity = none; undefined when no cgroup reports one. */
export function cgroupMemoryBytes(host: Host): number | undefined {
  let tightest: number | undefined;
  for (const dir of directories(host, 'memory')) {
    for (const file of ['memory.max', 'memory.high', 'memory.limit_in_bytes']) {
      const text = host.text(`${dir}/${file}`);
      const bytes = text === 'max' ? Number.POSITIVE_INFINITY : wholeNumber(text);
      if (bytes === undefined) continue;
      tightest = Math.min(tightest ?? Number.POSITIVE_INFINITY, bytes >= NO_LIMIT ? Number.POSITIVE_INFINITY : bytes);
    }
  }
  return tightest;
}
