import { cgroupMemoryBytes } from './cgroup.ts';
import { type Check, type Needs, note, ok, problem, unknown, warning } from './finding.ts';
import { wholeNumber } from './host.ts';

const GIB = 2 ** 30;
const gib = (bytes: number) => `${(bytes / GIB).toFixed(1)} GiB`;

/** Bytes of Node.js and its threads before any capacity; rounded up. */
const PROCESS_BYTES = 100e6;
/** Of the state machine: rings, whatever the capacities. */
const FIXED_STATE_BYTES = 15e6;
const ORDER_BYTES = 84;
/** The mirror that market data keeps of each order. */
const MIRRORED_ORDER_BYTES = 70;
const LEVEL_PAGE_BYTES = 1540;
const REMEMBERED_ORDER_BYTES = 76;
const REMEMBERED_KEY_BYTES = 60;
/** With a mark of forgotten client order ids for each bit length. */
const ACCOUNT_BYTES = 506;
const BALANCE_BYTES = 16;
const SYMBOL_BYTES = 210;

/** Bytes when every capacity is used up and a snapshot, which is a second state, is being taken. An estimate. */
export function memoryNeed({ capacities }: Pick<Needs, 'capacities'>): number {
  const { orders, accounts, symbols, assets, levelPages, rememberedOrders, rememberedKeys } = capacities;
  const state =
    FIXED_STATE_BYTES +
    orders * ORDER_BYTES +
    levelPages * LEVEL_PAGE_BYTES +
    rememberedOrders * REMEMBERED_ORDER_BYTES +
    rememberedKeys * REMEMBERED_KEY_BYTES +
    accounts * (ACCOUNT_BYTES + assets * BALANCE_BYTES) +
    symbols * SYMBOL_BYTES;
  return PROCESS_BYTES + 2 * state + orders * MIRRORED_ORDER_BYTES;
}

const memory: Check = {
  id: 'memory',
  why: 'the kernel kills a process over its limit; the log has everything acknowledged, but the exchange is down',
  linux: true,
  startup: true,
  run(host, needs) {
    const installed = kibibytes(host.field('/proc/meminfo', 'MemTotal'));
    const limit = cgroupMemoryBytes(host);
    if (installed === undefined && limit === undefined) return unknown('the kernel does not report it');
    const bytes = Math.min(installed ?? Number.POSITIVE_INFINITY, limit ?? Number.POSITIVE_INFINITY);
    if (bytes === Number.POSITIVE_INFINITY) return unknown('the kernel does not report it');
    const need = memoryNeed(needs);
    const found = `${gib(bytes)} ${bytes === limit ? 'by cgroup limit' : 'installed'}; full capacities and a snapshot take about ${gib(need)}`;
    const fix = 'raise the limit, or lower capacities.orders, remembered-orders and accounts in the configuration';
    if (bytes < need) return problem(found, fix);
    return bytes < 1.5 * need ? warning(found, fix) : ok(found);
  },
};

const THP = '/sys/kernel/mm/transparent_hugepage';

const hugePages: Check = {
  id: 'huge-pages',
  why: 'the kernel may stop a thread to make a huge page out of small ones, at a page fault or in the background',
  linux: true,
  startup: true,
  run(host) {
    const enabled = host.chosen(`${THP}/enabled`);
    if (enabled === undefined) return unknown('this kernel has no transparent huge pages, or does not report them');
    const defrag = host.chosen(`${THP}/defrag`);
    const found = `${enabled}, defrag ${defrag ?? 'unknown'}`;
    if (enabled !== 'always') return ok(found);
    const fix = `echo madvise > ${THP}/enabled`;
    // With `always` a page fault itself reclaims and compacts.
    return defrag === 'always' ? warning(found, fix) : note(found, fix);
  },
};

const swap: Check = {
  id: 'swap',
  why: 'a swapped-out page of the book costs a disk read on the matching thread',
  linux: true,
  startup: true,
  run(host) {
    const total = kibibytes(host.field('/proc/meminfo', 'SwapTotal'));
    const free = kibibytes(host.field('/proc/meminfo', 'SwapFree'));
    if (total === undefined || free === undefined) return unknown('the kernel does not report it');
    if (total === 0) return ok('none');
    const swappiness = host.number('/proc/sys/vm/swappiness');
    const found = `${gib(total)}, ${gib(total - free)} of it in use; swappiness ${swappiness ?? 'unknown'}`;
    if (total > free) return warning(found, 'swapoff -a');
    return swappiness !== undefined && swappiness <= 10 ? ok(found) : note(found, 'swapoff -a, or: sysctl vm.swappiness=1');
  },
};

const numa: Check = {
  id: 'numa',
  why: 'memory of another node is slower, and balancing moves pages by making threads fault',
  linux: true,
  run(host) {
    const nodes = host.cpus('/sys/devices/system/node/online');
    if (nodes === undefined || nodes.length === 0) return unknown('the kernel does not report it');
    if (nodes.length === 1) return ok('one node');
    const balancing = host.text('/proc/sys/kernel/numa_balancing');
    const mine = host.field('/proc/self/status', 'Mems_allowed_list');
    const found = `${nodes.length} nodes, memory of ${mine ?? 'unknown'} allowed, balancing ${balancing === '0' ? 'off' : 'on'}`;
    return mine !== undefined && /^\d+$/.test(mine)
      ? ok(found)
      : note(found, 'numactl --cpunodebind=0 --membind=0 openbell start; sysctl kernel.numa_balancing=0');
  },
};

/** Bytes of a field such as `16384 kB`. */
function kibibytes(text: string | undefined): number | undefined {
  const kib = wholeNumber(/^(\d+) kB$/.exec(text ?? '')?.[1]);
  return kib === undefined ? undefined : kib * 1024;
}

export const MEMORY_CHECKS: readonly Check[] = [memory, hugePages, swap, numa];
