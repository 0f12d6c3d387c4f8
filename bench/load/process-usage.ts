import { readdirSync, readFileSync } from 'node:fs';

/** Ticks a second of the times in /proc: fixed in the kernel's interface on every architecture that Node runs on. */
const CLOCK_TICKS = 100;

/** CPU time of the process and all its threads, user and system, seconds; resolution 10 ms. Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may contain spaces; utime and stime are fields 14 and 15, counted from the start of the line.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

export interface ResidentMemory {
  /** Private memory of the process, including memory shared between its threads, MB of 10^6 bytes. */
  readonly ownMb: number;
  /** Resident mapped files, such as the history's: page cache, which the kernel reclaims when memory is short. */
  readonly filesMb: number;
}

export function residentMemory(pid: number): ResidentMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const megabytes = (name: string): number => (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { ownMb: megabytes('RssAnon') + megabytes('RssShmem'), filesMb: megabytes('RssFile') };
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
