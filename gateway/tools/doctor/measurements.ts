import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { synchronousDisk } from '../../../engine/journal/disk.ts';
import { createSegment } from '../../../engine/journal/segment-file.ts';
import { existingDirectory, type Host, wholeNumber } from './host.ts';

const PAGE_BYTES = 4096;
const FILE_BYTES = 1024 * 1024;
const SYNCS = 200;
/** A slow disk gets fewer samples instead of more time. */
const SYNC_LIMIT_MS = 3000;
const SPIN_MS = 200;
const WARM_UP_MS = 50;
const TIMER_MS = 1;
const TIMERS_MS = 300;

/** Times in us. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly samples: number;
}

/**
 * What group commit pays for each batch: a 4 KiB write into a preallocated file, and fdatasync.
 * Blocks this thread. Leaves nothing in the directory.
 * @throws the file system's error
 */
export function measureSync(data: string): Times {
  const dir = mkdtempSync(join(existingDirectory(data).dir, 'openbell-doctor-'));
  try {
    const { fd } = createSegment(dir, 1, FILE_BYTES);
    try {
      return percentiles(syncTimes(fd));
    } finally {
      closeSync(fd);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function syncTimes(fd: number): number[] {
  const page = new Uint8Array(PAGE_BYTES).fill(1);
  const times: number[] = [];
  let failed: Error | null = null;
  const until = performance.now() + SYNC_LIMIT_MS;
  for (let sync = 0; sync < SYNCS && performance.now() < until; sync++) {
    const start = performance.now();
    synchronousDisk.write(fd, page, 0, PAGE_BYTES, (sync * PAGE_BYTES) % FILE_BYTES, (error) => {
      failed ??= error;
    });
    synchronousDisk.syncData(fd, (error) => {
      failed ??= error;
    });
    if (failed !== null) throw failed;
    times.push((performance.now() - start) * 1000);
  }
  return times;
}

function percentiles(times: number[]): Times {
  times.sort((a, b) => a - b);
  const at = (fraction: number) => times[Math.ceil(fraction * times.length) - 1];
  return { p50: at(0.5), p99: at(0.99), samples: times.length };
}

/** The longest time in ms between two looks at the clock by a thread that does nothing else. Blocks this thread for a quarter of a second. */
export function measureSpin(): number {
  // Compiling the loop would be its longest gap.
  longestGap(WARM_UP_MS);
  return longestGap(SPIN_MS);
}

function longestGap(ms: number): number {
  let longest = 0;
  const start = performance.now();
  for (let last = start; last - start < ms; ) {
    const now = performance.now();
    if (now - last > longest) longest = now - last;
    last = now;
  }
  return longest;
}

/** How late timers of 1 ms come on an idle event loop, in us. Takes 300 ms. */
export async function measureTimers(): Promise<Times> {
  const delays = monitorEventLoopDelay({ resolution: TIMER_MS });
  delays.enable();
  await new Promise((resolve) => setTimeout(resolve, TIMERS_MS));
  delays.disable();
  // The histogram has the time from one timer to the next, in ns.
  const late = (percentile: number) => Math.max(0, delays.percentile(percentile) / 1000 - TIMER_MS * 1000);
  return { p50: late(50), p99: late(99), samples: delays.count };
}

/** Ticks of all CPUs since boot. */
export interface Ticks {
  readonly all: number;
  /** Ticks in which this virtual machine was runnable and the hypervisor ran others. */
  readonly stolen: number;
}

/** undefined when the kernel does not report it. */
export function readTicks(host: Host): Ticks | undefined {
  // user nice system idle iowait irq softirq steal; guest time is counted in user already.
  const line = /^cpu\s+(.*)$/m.exec(host.text('/proc/stat') ?? '')?.[1];
  const counts = line?.split(/\s+/).slice(0, 8).map(wholeNumber) ?? [];
  let all = 0;
  for (const count of counts) {
    if (count === undefined) return undefined;
    all += count;
  }
  const stolen = counts[7];
  return stolen === undefined ? undefined : { all, stolen };
}
