import { nodeTooOld } from '../../node-version.ts';
import { type Check, ok, problem, unknown, warning } from './finding.ts';
import { wholeNumber } from './host.ts';

/** Connections that the exchange is designed for. */
const CONNECTIONS = 10_000;
/** Other open files: a running exchange has about 50 open (log, snapshots, history, epoll and event descriptors of its threads). */
const OTHER_FILES = 200;
/** Below this limit even a modest load does not fit. */
const FEW_FILES = 1024;

const openFiles: Check = {
  id: 'open-files',
  why: 'a connection is an open file: at the limit new ones are rejected, and the log cannot open its next segment',
  linux: true,
  startup: true,
  run(host) {
    const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(host.text('/proc/self/limits') ?? '') ?? [];
    const limit = soft === 'unlimited' ? Number.POSITIVE_INFINITY : wholeNumber(soft);
    if (limit === undefined) return unknown('the kernel does not report it');
    const need = CONNECTIONS + OTHER_FILES;
    // Node.js raises the soft limit to the hard one when it starts, so that this is what it gets.
    const found = `soft ${soft}, hard ${hard}; ${CONNECTIONS} connections and the log take ${need}`;
    if (limit >= need) return ok(found);
    const fix = 'LimitNOFILE=65536 in the systemd unit, docker run --ulimit nofile=65536, or: ulimit -Hn 65536';
    return limit < FEW_FILES ? problem(found, fix) : warning(found, fix);
  },
};

/** What Node.js and uWebSockets.js ask for when they listen. */
const BACKLOG = 512;

const backlog: Check = {
  id: 'somaxconn',
  why: 'connections that come at once and do not fit the queue are dropped; the client tries again after a second',
  linux: true,
  run(host) {
    const limit = host.number('/proc/sys/net/core/somaxconn');
    if (limit === undefined) return unknown('the kernel does not report it');
    return limit >= BACKLOG ? ok(String(limit)) : warning(`${limit}, ${BACKLOG} are asked for`, 'sysctl net.core.somaxconn=4096');
  },
};

/** The oldest that Node.js 22 supports on x64 and arm64. */
const KERNEL = { major: 4, minor: 18 };

const kernel: Check = {
  id: 'kernel',
  why: 'Node.js 22 supports Linux from 4.18 on',
  linux: true,
  run(host) {
    const release = host.text('/proc/sys/kernel/osrelease');
    const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? [];
    if (release === undefined || major === undefined) return unknown('the kernel does not report its version');
    const old = Number(major) < KERNEL.major || (Number(major) === KERNEL.major && Number(minor) < KERNEL.minor);
    return old ? warning(release, 'take a newer kernel') : ok(release);
  },
};

/** Each costs speed or stops the process while it works. */
const SLOW_FLAGS = /^--(inspect(-brk|-wait)?|cpu-prof|heap-prof|prof|jitless|no-opt|trace-.*)(=.*)?$/;

const node: Check = {
  id: 'node',
  why: 'the version decides what runs at all, and debugging flags slow everything down',
  startup: true,
  run({ nodeVersion, nodeFlags }) {
    const flags = nodeFlags.length === 0 ? 'no flags' : nodeFlags.join(' ');
    const found = `Node.js ${nodeVersion}, ${flags}`;
    const old = nodeTooOld(nodeVersion);
    if (old !== undefined) return problem(found, 'npx openbell', old);
    const slow = nodeFlags.filter((flag) => SLOW_FLAGS.test(flag.replaceAll('_', '-')));
    if (slow.length > 0) return warning(found, `start without ${slow.join(' ')}`, 'debugging flags, not meant for production');
    return ok(found);
  },
};

export const PROCESS_CHECKS: readonly Check[] = [openFiles, backlog, kernel, node];
