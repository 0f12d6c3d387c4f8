import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { Machine } from './result.ts';

/** @param dir where the scopes write @param flags that their processes get */
export function describeMachine(dir: string, flags: readonly string[]): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryMb: Math.round(totalmem() / 1e6),
    kernel: `${type()} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    flags: [...flags, ...(process.env.NODE_OPTIONS?.split(' ').filter(Boolean) ?? [])],
    virtualization: virtualization(),
    disk: disk(dir),
  };
}

/** The commit of the working tree, `-dirty` when it has changes; `unknown` outside of a repository. */
export function describeCommit(root: string): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '-dirty');
  } catch {
    return 'unknown';
  }
}

function virtualization(): string {
  if (!/^flags.*\bhypervisor\b/m.test(read('/proc/cpuinfo'))) return 'none seen';
  const product = `${read('/sys/class/dmi/id/sys_vendor').trim()} ${read('/sys/class/dmi/id/product_name').trim()}`.trim();
  return product === '' ? 'virtual machine' : `virtual machine (${product})`;
}

/** File system and device of the mount that `dir` is on. fdatasync into tmpfs has no cost and no effect, so the file system must be reported. */
function disk(dir: string): string {
  const path = `${realpathSync(dir)}/`;
  let [best, found] = ['', 'unknown'];
  for (const line of read('/proc/mounts').split('\n')) {
    const [device, point, kind] = line.split(' ');
    const prefix = point === '/' ? '/' : `${point}/`;
    if (path.startsWith(prefix) && prefix.length >= best.length) [best, found] = [prefix, `${kind} on ${device}`];
  }
  return found;
}

/** Empty if the file does not exist: not Linux, or hidden in a container. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
