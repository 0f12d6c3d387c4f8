import { basename, dirname, join } from 'node:path';
import { SEGMENT_BYTES } from '../../../engine/journal/segment-size.ts';
import { type Check, note, ok, problem, unknown, warning } from './finding.ts';
import { existingDirectory, type Host } from './host.ts';

const MIB = 2 ** 20;

interface Mount {
  readonly point: string;
  readonly type: string;
  /** Of the mount and of the file system. */
  readonly options: readonly string[];
  /** `major:minor` of its device. */
  readonly device: string;
}

/** The mount that a path lies on; undefined when the kernel does not report it. */
export function mountOf(host: Host, path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of host.text('/proc/self/mountinfo')?.split('\n') ?? []) {
    // id parent major:minor root point options [optional ...] - type source super-options
    const [before, after] = line.split(' - ');
    const [, , device, , octal, options] = before.split(' ');
    const [type, , more] = after?.split(' ') ?? [];
    if (octal === undefined || options === undefined || !type || !/^\d+:\d+$/.test(device)) continue;
    const point = octal.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    const inside = path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`);
    // Of two mounts on one point the later hides the earlier.
    if (!inside || (found !== undefined && point.length < found.point.length)) continue;
    found = { point, type, options: [...new Set([...options.split(','), ...(more ?? '').split(',')])], device };
  }
  return found;
}

/** Where the data directory really is, also before it exists. */
function realPath(data: string): string {
  const { dir, rest } = existingDirectory(data);
  return rest === '' ? dir : join(dir, rest);
}

const MEMORY = new Set(['tmpfs', 'ramfs', 'devtmpfs']);
const REMOTE = /^(nfs4?|cifs|smb3?|smbfs|9p|virtiofs|ceph|glusterfs|lustre|afs|fuse(\..*)?|fuseblk)$/;
const COPIES = new Set(['btrfs', 'zfs', 'bcachefs', 'f2fs', 'nilfs2']);
const LOCAL = new Set(['ext4', 'xfs', 'ext3', 'ext2']);

const fileSystem: Check = {
  id: 'file-system',
  why: 'mode durable depends on what the file system keeps at a power loss',
  linux: true,
  startup: true,
  run(host, { data, durability }) {
    const mount = mountOf(host, realPath(data));
    if (mount === undefined) return unknown('the kernel does not report its mounts');
    const { type, point, options } = mount;
    const found = `${type} at ${point} (${options.filter((option) => /^(r[ow]|sync|.*barrier.*|data=.*|.*atime)$/.test(option)).join(',')})`;
    const elsewhere = 'openbell start --data DIR on a local ext4 or xfs file system';
    if (options.includes('ro')) return problem(found, elsewhere, 'nothing can be written there');
    if (MEMORY.has(type)) {
      const why = 'it is in memory: a reboot loses the log and everything that was acknowledged';
      return durability === 'durable' ? problem(found, elsewhere, why) : warning(found, elsewhere, why);
    }
    if (options.some((option) => option === 'nobarrier' || option === 'barrier=0'))
      return problem(found, `mount -o remount,barrier=1 ${point}`, 'without barriers fdatasync does not reach the disk');
    if (type === 'overlay') return warning(found, elsewhere, 'a layer of the container, removed with the container');
    if (REMOTE.test(type))
      return warning(found, elsewhere, 'the server decides what fdatasync means there, and each one waits for the network');
    if (COPIES.has(type)) return note(found, undefined, 'it writes blocks elsewhere instead of in place, so preallocation has no effect');
    return LOCAL.has(type) ? ok(found) : note(found, undefined, 'not a file system with measured results');
  },
};

/** The current segment, the next one, and room for snapshots and the history. */
const LEAST_BYTES = 4 * SEGMENT_BYTES;
const COMFORTABLE_BYTES = 64 * SEGMENT_BYTES;

const freeSpace: Check = {
  id: 'free-space',
  why: 'without room for the next log segment new orders are rejected with DISK_FULL',
  startup: true,
  run(host, { data }) {
    const bytes = host.freeBytes(existingDirectory(data).dir);
    const found = `${Math.floor(bytes / MIB)} MiB, ${Math.floor(bytes / SEGMENT_BYTES)} log segments`;
    if (bytes < LEAST_BYTES) return problem(found, `df -h ${data}`);
    return bytes < COMFORTABLE_BYTES ? warning(found, `df -h ${data}`) : ok(found);
  },
};

/** Directory of a device's queue; a partition has that of its disk. */
function queueOf(host: Host, device: string): string | undefined {
  const own = `/sys/dev/block/${device}/queue`;
  if (host.text(`${own}/scheduler`) !== undefined) return own;
  const whole = `/sys/block/${basename(dirname(host.link(`/sys/dev/block/${device}`) ?? ''))}/queue`;
  return host.text(`${whole}/scheduler`) === undefined ? undefined : whole;
}

const disk: Check = {
  id: 'disk',
  why: 'each answer in mode durable waits for this device',
  linux: true,
  run(host, { data }) {
    const mount = mountOf(host, realPath(data));
    if (mount === undefined) return unknown('the kernel does not report its mounts');
    const queue = queueOf(host, mount.device);
    if (queue === undefined) return unknown('not a block device known to the kernel');
    const scheduler = host.chosen(`${queue}/scheduler`) ?? host.text(`${queue}/scheduler`) ?? 'unknown';
    const cache = host.text(`${queue}/write_cache`) ?? 'unknown';
    // A virtual disk often reports rotation wrongly.
    const rotates = host.text(`${queue}/rotational`) === '1';
    const found = `scheduler ${scheduler}, write cache ${cache}${rotates ? ', reports that it rotates' : ''}`;
    if (scheduler === 'bfq' || scheduler === 'cfq')
      return warning(found, `echo none > ${queue}/scheduler`, 'it delays and reorders to share bandwidth');
    if (cache === 'write back')
      return note(found, 'a disk with power-loss protection', 'the disk must flush its cache at every fdatasync, unless it is protected');
    return ok(found);
  },
};

export const STORAGE_CHECKS: readonly Check[] = [fileSystem, disk, freeSpace];
