import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../gateway/config/config.ts';
import { examine, type Finding, type Needs, readFindings, startupFindings } from '../gateway/tools/doctor/doctor.ts';
import { Host, type HostOptions, parseCpuList } from '../gateway/tools/doctor/host.ts';
import { judgeSpin, judgeSteal, judgeSync, judgeTimers } from '../gateway/tools/doctor/measured-findings.ts';
import { measureSync, readTicks } from '../gateway/tools/doctor/measurements.ts';
import { needsOf } from '../gateway/tools/doctor/needs.ts';
import { openbell } from './support/exchange-process.ts';
import { withSmallExchange } from './support/small-venue.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-doctor-'));
after(() => rmSync(base, { recursive: true, force: true }));

/** Contents by path; a text that begins with `->` is a symbolic link. */
type Files = Readonly<Record<string, string | Uint8Array>>;
let trees = 0;

function tree(files: Files): string {
  const root = join(base, `tree-${trees++}`);
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (typeof content === 'string' && content.startsWith('->')) symlinkSync(content.slice(2), join(root, path));
    else writeFileSync(join(root, path), content);
  }
  return root;
}

const GIB = 2 ** 30;
const CPU = 'sys/devices/system/cpu';
const CLOCK = 'sys/devices/system/clocksource/clocksource0';
const THP = 'sys/kernel/mm/transparent_hugepage';
const CGROUP = 'sys/fs/cgroup';
const mounts = (line: string) => `20 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n${line}\n`;
const limits = (soft: string, hard: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files`;
const cpuFiles = (cpu: number, governor: string): Files => ({
  [`${CPU}/cpu${cpu}/cpufreq/scaling_governor`]: `${governor}\n`,
  [`${CPU}/cpu${cpu}/cpufreq/scaling_driver`]: 'acpi-cpufreq\n',
});

/** Eight cores, six of them isolated, the process on the other two: all as docs/TUNING.md has it. */
const GOOD: Files = {
  'proc/self/cgroup': '0::/system.slice/openbell.service\n',
  [`${CGROUP}/system.slice/openbell.service/cpu.max`]: 'max 100000\n',
  [`${CGROUP}/system.slice/openbell.service/memory.max`]: 'max\n',
  'proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0-1\nMems_allowed_list:\t0\n',
  [`${CPU}/online`]: '0-7\n',
  [`${CPU}/isolated`]: '2-7\n',
  [`${CPU}/nohz_full`]: '2-7\n',
  ...cpuFiles(0, 'performance'),
  ...cpuFiles(1, 'performance'),
  [`${CPU}/cpu0/cpuidle/state0/name`]: 'POLL\n',
  [`${CPU}/cpu0/cpuidle/state0/latency`]: '0\n',
  [`${CPU}/cpu0/cpuidle/state0/disable`]: '0\n',
  [`${CPU}/cpu0/cpuidle/state1/name`]: 'C1\n',
  [`${CPU}/cpu0/cpuidle/state1/latency`]: '2\n',
  [`${CPU}/cpu0/cpuidle/state1/disable`]: '0\n',
  [`${CPU}/cpu0/cpuidle/state2/name`]: 'C6\n',
  [`${CPU}/cpu0/cpuidle/state2/latency`]: '133\n',
  [`${CPU}/cpu0/cpuidle/state2/disable`]: '1\n',
  'proc/4711/fd/0': '->/dev/null',
  'proc/4711/fd/30': '->/dev/cpu_dma_latency',
  [`${CPU}/smt/active`]: '0\n',
  [`${CPU}/smt/control`]: 'off\n',
  'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu vme tsc constant_tsc\n\nprocessor\t: 1\nflags\t\t: fpu\n',
  [`${CLOCK}/current_clocksource`]: 'tsc\n',
  [`${CLOCK}/available_clocksource`]: 'tsc hpet acpi_pm\n',
  'proc/meminfo': 'MemTotal:       65536000 kB\nMemFree:        1 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n',
  'proc/sys/vm/swappiness': '60\n',
  [`${THP}/enabled`]: 'always [madvise] never\n',
  [`${THP}/defrag`]: 'always defer defer+madvise [madvise] never\n',
  'sys/devices/system/node/online': '0\n',
  'proc/self/limits': limits('1048576', '1048576'),
  'proc/sys/net/core/somaxconn': '4096\n',
  'proc/sys/kernel/osrelease': '6.8.0-45-generic\n',
  'proc/self/mountinfo': mounts('30 20 259:1 / /srv/ex rw,noatime shared:2 - xfs /dev/nvme0n1p1 rw,attr2'),
  'sys/dev/block/259:1': '->../../devices/pci0/nvme0n1/nvme0n1p1',
  'sys/devices/pci0/nvme0n1/nvme0n1p1/partition': '1\n',
  'sys/block/nvme0n1/queue/scheduler': '[none] mq-deadline kyber\n',
  'sys/block/nvme0n1/queue/rotational': '0\n',
  'sys/block/nvme0n1/queue/write_cache': 'write through\n',
  'proc/stat': 'cpu  100 0 100 9800 0 0 0 0 0 0\ncpu0 1 2 3\n',
};

const GOOD_OPTIONS: HostOptions = {
  platform: 'linux',
  parallelism: 8,
  nodeVersion: '22.23.3',
  nodeFlags: [],
  freeBytes: () => 100 * GIB,
};
const NEEDS: Needs = {
  data: '/srv/ex/data',
  durability: 'durable',
  topology: 'auto',
  tune: true,
  running: 4711,
  capacities: {
    orders: 2 ** 20,
    ordersPerAccount: 2 ** 17,
    levelPages: 2 ** 15,
    levelPagesPerAccount: 2 ** 12,
    rememberedOrders: 2 ** 20,
    rememberedOrdersPerAccount: 2 ** 17,
    rememberedKeys: 2 ** 16,
    rememberedKeysPerAccount: 2 ** 13,
    accounts: 2 ** 14,
    symbols: 1023,
    assets: 31,
  },
};

function findings(files: Files, options: HostOptions = {}, needs: Partial<Needs> = {}): Map<string, Finding> {
  const host = new Host({ ...GOOD_OPTIONS, ...options, root: tree(files) });
  return new Map(readFindings({ ...NEEDS, ...needs }, host).map((finding) => [finding.id, finding]));
}

test('a tuned host is ok everywhere', () => {
  const found = findings(GOOD);
  assert.equal(found.size, 22);
  for (const { id, status, found: text, why } of found.values()) {
    assert.equal(status, 'ok', `${id}: ${text}`);
    assert.ok(why.length > 20, id);
  }
  assert.equal(found.get('cores')?.found, '8 cores, topology pinned');
  assert.equal(found.get('isolated-cores')?.found, 'CPUs 2-7, without timer ticks 2-7');
  assert.equal(found.get('c-states')?.found, 'deepest in use: C1, 2 us to wake up', 'a disabled state does not count');
  assert.equal(found.get('file-system')?.found, 'xfs at /srv/ex (rw,noatime)');
});

const GUEST: Files = { 'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu hypervisor\n' };
const haltPolled = (ns: string): Files => ({
  ...GUEST,
  [`${CPU}/cpuidle/current_driver`]: 'haltpoll\n',
  'sys/module/haltpoll/parameters/guest_halt_poll_ns': ns,
});

const DEVICE: Files = { 'dev/cpu_dma_latency': '' };

/** Name, changed files, id, status, finding; then other facts and requirements. */
type Row = [string, Files, string, string, RegExp, HostOptions?, Partial<Needs>?];
const request = (us: number) => new Uint8Array(new Int32Array([us]).buffer);
const noFile = { freeBytes: () => 0 };

const ROWS: Row[] = [
  ['few cores', {}, 'cores', 'note', /^2 cores, topology compact$/, { parallelism: 2 }],
  ['one core', {}, 'cores', 'note', /^1 core,/, { parallelism: 1 }],
  [
    'more threads than cores',
    { [`${CPU}/isolated`]: '\n' },
    'cores',
    'warning',
    /^2 cores, topology pinned \(configured\)$/,
    { parallelism: 2 },
    { topology: 'pinned' },
  ],
  ['isolated cores to move to', {}, 'cores', 'ok', /^2 cores, topology pinned \(configured\)$/, { parallelism: 2 }, { topology: 'pinned' }],
  ['compact by choice', {}, 'cores', 'ok', /topology compact \(configured\)/, {}, { topology: 'compact' }],
  ['quota, version 2', { [`${CGROUP}/system.slice/openbell.service/cpu.max`]: '250000 100000\n' }, 'cpu-quota', 'warning', /^2\.5 CPUs, /],
  [
    'quota of a cgroup above',
    { [`${CGROUP}/system.slice/cpu.max`]: '400000 100000', [`${CGROUP}/system.slice/cpu.stat`]: 'nr_periods 50\nnr_throttled 7\n' },
    'cpu-quota',
    'warning',
    /^4 CPUs, stopped in 7 of 50 periods; Node\.js counts 8$/,
  ],
  [
    'the tightest of two quotas',
    { [`${CGROUP}/system.slice/openbell.service/cpu.max`]: '250000 100000', [`${CGROUP}/system.slice/cpu.max`]: '400000 100000' },
    'cpu-quota',
    'warning',
    /^2\.5 CPUs, /,
  ],
  ['quota below one CPU', { 'proc/self/cgroup': '0::/\n', [`${CGROUP}/cpu.max`]: '25000 100000\n' }, 'cpu-quota', 'problem', /^0\.25 CPUs/],
  [
    'quota, version 1',
    {
      'proc/self/cgroup': '4:cpu,cpuacct:/docker/ab\n0::/\n',
      [`${CGROUP}/cpu/cpu.cfs_quota_us`]: '150000\n',
      [`${CGROUP}/cpu/cpu.cfs_period_us`]: '100000\n',
    },
    'cpu-quota',
    'warning',
    /^1\.5 CPUs/,
  ],
  [
    'no quota, version 1',
    { 'proc/self/cgroup': '1:cpu:/\n', [`${CGROUP}/cpu/cpu.cfs_quota_us`]: '-1\n', [`${CGROUP}/cpu/cpu.cfs_period_us`]: '100000\n' },
    'cpu-quota',
    'ok',
    /^no CPU quota$/,
  ],
  ['quota garbage', { [`${CGROUP}/system.slice/openbell.service/cpu.max`]: 'lots of it' }, 'cpu-quota', 'unknown', /no cgroup reports/],
  [
    'several isolated CPUs',
    { 'proc/self/status': 'Cpus_allowed_list:\t1-3\n' },
    'affinity',
    'warning',
    /^may run on CPUs 1-3 of 0-7, of which 2,3 are isolated$/,
  ],
  ['one isolated CPU', { 'proc/self/status': 'Cpus_allowed_list:\t3\n' }, 'affinity', 'ok', /CPUs 3 of/],
  ['nothing isolated', { [`${CPU}/isolated`]: '\n' }, 'isolated-cores', 'note', /^none$/],
  ['isolated with ticks', { [`${CPU}/nohz_full`]: '(null)\n' }, 'isolated-cores', 'ok', /^CPUs 2-7, with timer ticks$/],
  ['one CPU saves power', cpuFiles(1, 'powersave'), 'governor', 'warning', /^performance, powersave$/],
  [
    'pstate that prefers speed',
    {
      ...cpuFiles(0, 'powersave'),
      ...cpuFiles(1, 'powersave'),
      [`${CPU}/cpu0/cpufreq/scaling_driver`]: 'intel_pstate\n',
      [`${CPU}/cpu0/cpufreq/energy_performance_preference`]: 'performance\n',
    },
    'governor',
    'ok',
    /^powersave$/,
  ],
  ['deep state', { [`${CPU}/cpu0/cpuidle/state2/disable`]: '0\n' }, 'c-states', 'warning', /C6, 133 us/],
  [
    'deep state that tuned forbids',
    { [`${CPU}/cpu0/cpuidle/state2/disable`]: '0\n', 'dev/cpu_dma_latency': request(10) },
    'c-states',
    'ok',
    /C1, 2 us/,
  ],
  [
    'deep state that is not disabled',
    { [`${CPU}/cpu0/cpuidle/state2/disable`]: '0\n', 'dev/cpu_dma_latency': request(2_000_000_000) },
    'c-states',
    'warning',
    /C6/,
  ],
  ['a guest that halts at once', haltPolled('0\n'), 'halt-polling', 'note', /a core halts at once/],
  [
    'a guest that is kept awake',
    { ...haltPolled('0\n'), 'dev/cpu_dma_latency': request(0) },
    'halt-polling',
    'ok',
    /until there is some: a process asks/,
  ],
  ['tuned exchange', {}, 'tune', 'ok', /^on in process 4711$/],
  ['exchange that is not tuned', { 'proc/4711/fd/30': '->/dev/null' }, 'tune', 'note', /^off in process 4711$/],
  ['exchange of another user', {}, 'tune', 'unknown', /may not look at process 4712/, {}, { running: 4712 }],
  ['tuned next start', DEVICE, 'tune', 'ok', /^on from the next start/, {}, { running: undefined }],
  ['start that fails for lack of the device', {}, 'tune', 'warning', /there is no/, {}, { running: undefined }],
  ['host that permits it', DEVICE, 'tune', 'note', /^off; this user may use it$/, {}, { running: undefined, tune: false }],
  ['host without the device', {}, 'tune', 'unknown', /there is no/, {}, { running: undefined, tune: false }],
  ['a guest that polls first', haltPolled('200000\n'), 'halt-polling', 'ok', /for work for 200 us before/],
  ['a CPU without idle information', { 'proc/cpuinfo': 'Features\t: fp asimd\n' }, 'halt-polling', 'unknown', /does not report/],
  ['a guest whose setting is odd', haltPolled('N\n'), 'halt-polling', 'unknown', /contains no number/],
  ['a guest with another driver', { ...GUEST, [`${CPU}/cpuidle/current_driver`]: 'acpi_idle\n' }, 'halt-polling', 'unknown', /modprobe/],
  ['middling state', { [`${CPU}/cpu0/cpuidle/state1/latency`]: '40\n' }, 'c-states', 'note', /C1, 40 us/],
  ['threads share cores', { [`${CPU}/smt/active`]: '1\n' }, 'smt', 'note', /^on$/],
  ['threads of a guest', { 'proc/cpuinfo': 'flags\t\t: fpu hypervisor tsc\n' }, 'smt', 'unknown', /may not see it/],
  ['virtual machine', { 'proc/cpuinfo': 'flags\t\t: fpu hypervisor tsc\n' }, 'virtualisation', 'note', /virtual machine/],
  ['CPU without flags', { 'proc/cpuinfo': 'Features\t: fp asimd\n' }, 'virtualisation', 'unknown', /no flags/],
  ['slow clock', { [`${CLOCK}/current_clocksource`]: 'acpi_pm\n' }, 'clock-source', 'warning', /^acpi_pm$/],
  ['clock of a guest', { [`${CLOCK}/current_clocksource`]: 'kvm-clock\n' }, 'clock-source', 'ok', /^kvm-clock$/],
  ['unknown clock', { [`${CLOCK}/current_clocksource`]: 'sundial\n' }, 'clock-source', 'note', /^sundial/],
  [
    'memory limit',
    { [`${CGROUP}/system.slice/memory.max`]: '536870912\n' },
    'memory',
    'problem',
    /^0\.5 GiB by cgroup limit; full capacities and a snapshot take about 0\.6 GiB$/,
  ],
  [
    'memory limit, version 1',
    { 'proc/self/cgroup': '4:memory:/jail\n', [`${CGROUP}/memory/jail/memory.limit_in_bytes`]: '734003200\n' },
    'memory',
    'warning',
    /^0\.7 GiB by cgroup/,
  ],
  [
    'no memory limit, version 1',
    { 'proc/self/cgroup': '4:memory:/\n', [`${CGROUP}/memory/memory.limit_in_bytes`]: '9223372036854771712\n' },
    'memory',
    'ok',
    /^62\.5 GiB installed/,
  ],
  [
    'no limit and nothing installed that is known',
    { 'proc/self/cgroup': '4:memory:/\n', [`${CGROUP}/memory/memory.limit_in_bytes`]: '9223372036854771712\n', 'proc/meminfo': '' },
    'memory',
    'unknown',
    /does not report/,
  ],
  [
    'capacities beyond the memory',
    { 'proc/meminfo': 'MemTotal: 2097152 kB\n' },
    'memory',
    'problem',
    /2\.0 GiB installed/,
    {},
    { capacities: { ...NEEDS.capacities, orders: 2 ** 24 } },
  ],
  ['huge pages for all', { [`${THP}/enabled`]: '[always] madvise never\n' }, 'huge-pages', 'note', /^always, defrag madvise$/],
  [
    'huge pages at any price',
    { [`${THP}/enabled`]: '[always] madvise never', [`${THP}/defrag`]: '[always] defer madvise never' },
    'huge-pages',
    'warning',
    /^always, defrag always$/,
  ],
  [
    'swap',
    { 'proc/meminfo': 'SwapTotal: 1048576 kB\nSwapFree: 1048576 kB\n' },
    'swap',
    'note',
    /^1\.0 GiB, 0\.0 GiB of it in use; swappiness 60$/,
  ],
  ['swap in use', { 'proc/meminfo': 'SwapTotal: 1048576 kB\nSwapFree: 524288 kB\n' }, 'swap', 'warning', /0\.5 GiB of it in use/],
  [
    'two nodes',
    { 'sys/devices/system/node/online': '0-1\n', 'proc/self/status': 'Mems_allowed_list:\t0-1\n' },
    'numa',
    'note',
    /^2 nodes, memory of 0-1/,
  ],
  ['bound to a node', { 'sys/devices/system/node/online': '0-1\n' }, 'numa', 'ok', /memory of 0 allowed/],
  ['few files', { 'proc/self/limits': limits('4096', '4096') }, 'open-files', 'warning', /^soft 4096, hard 4096; 10000 connections/],
  ['hardly any files', { 'proc/self/limits': limits('256', '256') }, 'open-files', 'problem', /^soft 256/],
  ['files without limit', { 'proc/self/limits': limits('unlimited', 'unlimited') }, 'open-files', 'ok', /^soft unlimited/],
  ['short queue', { 'proc/sys/net/core/somaxconn': '128\n' }, 'somaxconn', 'warning', /^128, 512 are asked for$/],
  ['old kernel', { 'proc/sys/kernel/osrelease': '3.10.0-1160.el7.x86_64\n' }, 'kernel', 'warning', /^3\.10/],
  ['old Node.js', {}, 'node', 'problem', /Node\.js 20\.1\.0/, { nodeVersion: '20.1.0' }],
  ['no flags', {}, 'node', 'ok', /no flags/, { parallelism: 2 }],
  ['debugger', {}, 'node', 'warning', /--inspect=0/, { nodeFlags: ['--inspect=0'] }],
  [
    'data in memory',
    { 'proc/self/mountinfo': mounts('31 20 0:30 / /srv/ex rw - tmpfs tmpfs rw,size=1k') },
    'file-system',
    'problem',
    /^tmpfs at \/srv\/ex/,
  ],
  [
    'data in memory by choice',
    { 'proc/self/mountinfo': mounts('31 20 0:30 / /srv/ex rw - tmpfs tmpfs rw') },
    'file-system',
    'warning',
    /^tmpfs/,
    {},
    { durability: 'fast' },
  ],
  ['layer of a container', { 'proc/self/mountinfo': '1 0 0:40 / / rw - overlay overlay rw\n' }, 'file-system', 'warning', /^overlay at \//],
  ['network', { 'proc/self/mountinfo': mounts('31 20 0:30 / /srv rw - nfs4 host:/x rw') }, 'file-system', 'warning', /^nfs4 at \/srv /],
  ['copy on write', { 'proc/self/mountinfo': mounts('31 20 0:30 / /srv rw - btrfs /dev/sdb rw') }, 'file-system', 'note', /^btrfs/],
  [
    'no barriers',
    { 'proc/self/mountinfo': mounts('31 20 8:3 / /srv rw - ext4 /dev/sdb rw,nobarrier') },
    'file-system',
    'problem',
    /nobarrier/,
  ],
  ['read-only', { 'proc/self/mountinfo': mounts('31 20 8:3 / /srv ro - ext4 /dev/sdb rw') }, 'file-system', 'problem', /\(ro,rw\)/],
  [
    'a name that only begins alike',
    { 'proc/self/mountinfo': mounts('31 20 0:30 / /srv/e rw - tmpfs t rw') },
    'file-system',
    'ok',
    /^ext4 at \/ /,
  ],
  [
    'a blank in the name, and one mount over another',
    { 'proc/self/mountinfo': mounts('31 20 8:3 / /srv/a\\040b rw - xfs /dev/b rw\n32 31 0:30 / /srv/a\\040b rw - tmpfs t rw') },
    'file-system',
    'problem',
    /^tmpfs at \/srv\/a b /,
    {},
    { data: '/srv/a b/data' },
  ],
  ['bfq', { 'sys/block/nvme0n1/queue/scheduler': 'none [bfq]\n' }, 'disk', 'warning', /^scheduler bfq/],
  ['volatile cache', { 'sys/block/nvme0n1/queue/write_cache': 'write back\n' }, 'disk', 'note', /write cache write back$/],
  [
    'whole disk',
    { 'proc/self/mountinfo': '1 0 8:0 / / rw - ext4 /dev/sda rw\n', 'sys/dev/block/8:0/queue/scheduler': 'none\n' },
    'disk',
    'ok',
    /^scheduler none, write cache unknown$/,
  ],
  ['no device', { 'proc/self/mountinfo': '1 0 0:40 / / rw - overlay overlay rw\n' }, 'disk', 'unknown', /not a block device/],
  ['no room', {}, 'free-space', 'problem', /^0 MiB, 0 log segments$/, noFile],
  [
    'a file system that does not answer',
    {},
    'free-space',
    'unknown',
    /^cannot be found out: EIO$/,
    {
      freeBytes: () => {
        throw new Error('EIO');
      },
    },
  ],
  ['little room', {}, 'free-space', 'warning', /^1024 MiB, 16 log segments$/, { freeBytes: () => GIB }],
];

for (const [name, files, id, status, text, options, needs] of ROWS) {
  test(`${id}: ${name}`, () => {
    const found = findings({ ...GOOD, ...files }, options, needs).get(id);
    assert.equal(found?.status, status, found?.found);
    assert.match(found?.found ?? '', text);
    if (status === 'warning' || status === 'problem') assert.ok((found?.fix ?? '').length > 3, 'says what to do');
  });
}

test('no cpufreq, no cpuidle, as on most virtual machines: unknown, not a fault', () => {
  const found = findings(Object.fromEntries(Object.entries(GOOD).filter(([path]) => !/cpufreq|cpuidle/.test(path))));
  assert.deepEqual([found.get('governor')?.status, found.get('c-states')?.status], ['unknown', 'unknown']);
});

test('an empty tree and garbage in every file: no check throws or reports a fault', () => {
  const facts: HostOptions = { parallelism: 8 };
  const garbled = (garbage: string | Uint8Array) =>
    findings(Object.fromEntries(Object.entries(GOOD).map(([path, text]) => [path, String(text).startsWith('->') ? text : garbage])), facts);
  const all = [findings({}, facts), garbled(''), garbled('\0\u00ff\n::,[] -'), garbled(new Uint8Array(4096).fill(0xff))];
  for (const found of all) {
    assert.equal(found.size, 22);
    for (const { id, status, found: text } of found.values()) {
      assert.ok(status === 'unknown' || status === 'ok' || status === 'note', `${id} ${status}: ${text}`);
    }
  }
});

test('on other systems than Linux, unknown findings are reported as unknown', () => {
  const found = findings(GOOD, { platform: 'darwin' });
  const known = [...found.values()].filter(({ status }) => status !== 'unknown').map(({ id }) => id);
  assert.deepEqual(known, ['cores', 'node', 'free-space']);
  assert.equal(found.get('clock-source')?.found, 'unknown on darwin');
});

test('a start logs only problems and warnings', () => {
  const files = { ...GOOD, ...cpuFiles(0, 'powersave'), 'proc/self/limits': limits('256', '256'), [`${CPU}/smt/active`]: '1' };
  const logged = (tree: string) =>
    startupFindings(NEEDS, new Host({ ...GOOD_OPTIONS, root: tree })).map(({ id, status }) => `${id} ${status}`);
  assert.deepEqual(logged(tree(files)), ['governor warning', 'open-files problem']);
  assert.deepEqual(logged(tree(GOOD)), []);
});

test('CPU lists', () => {
  assert.deepEqual(parseCpuList('0-2,5'), [0, 1, 2, 5]);
  assert.deepEqual(parseCpuList(''), []);
  assert.deepEqual(parseCpuList('(null)'), []);
  for (const wrong of ['a', '1-', '0-99999', '1,,2', '-3']) assert.equal(parseCpuList(wrong), undefined, wrong);
});

test('measurements are rated', () => {
  const sync = (p99: number) => judgeSync({ p50: 100, p99, samples: 200 }).status;
  assert.deepEqual([300, 2_000, 10_000, 50_000].map(sync), ['ok', 'note', 'warning', 'problem']);
  assert.equal(judgeSync({ p50: 168, p99: 12_340, samples: 200 }).found, 'p50 168 us, p99 12.3 ms (200 x 4 KiB)');
  assert.deepEqual(
    [0.05, 0.1, 1, 10].map((ms) => judgeSpin(ms).status),
    ['ok', 'note', 'warning', 'problem'],
  );
  assert.deepEqual(
    [200, 5_000].map((p99) => judgeTimers({ p50: 80, p99, samples: 200 }).status),
    ['ok', 'warning'],
  );
  const ticks = (all: number, stolen: number) => judgeSteal({ all: 1000, stolen: 0 }, { all, stolen });
  assert.deepEqual(
    [ticks(2000, 0), ticks(2000, 15), ticks(2000, 200)].map(({ status }) => status),
    ['ok', 'warning', 'problem'],
  );
  assert.equal(judgeSteal({ all: 1000, stolen: 50 }, { all: 1100, stolen: 50 }).status, 'note', 'earlier, but not now');
  assert.equal(judgeSteal(undefined, { all: 1, stolen: 1 }).status, 'unknown');
  assert.equal(ticks(1000, 0).found, '0.0 % while measuring, 0.0 % since boot', 'no time has passed');
});

test('ticks are read, and garbage is not', () => {
  const read = (stat: string) => readTicks(new Host({ root: tree({ 'proc/stat': stat }) }));
  assert.deepEqual(read('cpu  10 0 20 60 5 0 0 5 9 0\ncpu0 1\n'), { all: 100, stolen: 5 });
  for (const wrong of ['', 'cpu  1 2 3', 'cpu  1 2 3 4 5 6 7 x', 'cpu0 1 2 3 4 5 6 7 8']) assert.equal(read(wrong), undefined, wrong);
});

test('fsync is measured in the data directory, and leaves no files there', () => {
  const dir = mkdtempSync(join(base, 'disk-'));
  const { p50, p99, samples } = measureSync(join(dir, 'not', 'yet'));
  assert.ok(samples > 0 && samples <= 200 && p50 > 0 && p99 >= p50);
  assert.deepEqual(readdirSync(dir), []);
});

test('the memory is that of the capacities in force: what the file does not give is taken from the log', async () => {
  const dir = mkdtempSync(join(base, 'logged-'));
  const data = join(dir, 'data');
  const none = loadConfig({ flags: { data }, env: {} });
  assert.deepEqual(needsOf(none).capacities, none.capacities, 'there is no log yet');
  await withSmallExchange(dir, async () => undefined);
  const { orders, accounts, symbols, assets } = needsOf(none).capacities;
  assert.deepEqual([orders, accounts, symbols, assets], [1024, 15, 7, none.capacities.assets]);
  const file = join(dir, 'more.yaml');
  writeFileSync(file, 'capacities: { orders: 2048 }\n');
  const given = needsOf(loadConfig({ flags: { data, config: file }, env: {} })).capacities;
  assert.deepEqual([given.orders, given.accounts], [2048, 15]);
  const [log] = readdirSync(data).filter((name) => name.startsWith('log-'));
  for (const name of readdirSync(data)) if (name.startsWith('snapshot-')) rmSync(join(data, name));
  writeFileSync(join(data, log), 'no log');
  assert.doesNotThrow(() => needsOf(none));
});

test('all checks on this machine', async () => {
  const all = await examine(loadConfig({ flags: { data: join(base, 'data') }, env: {} }));
  assert.equal(all.length, 26);
  assert.equal(new Set(all.map(({ id }) => id)).size, 26);
  const tuning = readFileSync(new URL('../docs/TUNING.md', import.meta.url), 'utf8');
  for (const { id } of all) assert.ok(tuning.includes(`\`${id}\``), `docs/TUNING.md describes how to change ${id}`);
});

test('openbell doctor: text, JSON, and exit codes', async () => {
  const data = join(base, 'data');
  const text = await openbell(['doctor', '--data', data]);
  assert.deepEqual([text.code, text.stderr], [0, '']);
  assert.match(text.stdout, /^\/.*data, mode durable\n\n(ok|note) {2,}cores {2,}\d+ cores?, topology/);
  assert.match(text.stdout, /\n\n.*\d+ ok.*\. How to change it: docs\/TUNING\.md\n$/);
  assert.ok(!text.stdout.includes('\x1b'), 'no colour in a pipe');
  const json = JSON.parse((await openbell(['doctor', '--data', data, '--json'])).stdout);
  assert.equal(json.data, data);
  assert.equal(json.findings.length, 26);
  assert.equal((await openbell(['doctor', '--nonsense'])).code, 2);

  // Under a file nothing can be written, not even by root.
  writeFileSync(join(base, 'file'), '');
  const strict = await openbell(['doctor', '--data', join(base, 'file', 'data'), '--json', '--strict']);
  assert.equal(strict.code, 1);
  const found = JSON.parse(strict.stdout).findings.find(({ id }: Finding) => id === 'fsync');
  assert.deepEqual([found.status, found.found], ['problem', 'cannot write there: ENOTDIR']);
});
