import { constants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { listSegments } from './log-format.ts';

const SEGMENT_SUFFIX = '.obl';

/**
 * The pid of another process that has the newest segment of a log open for writing, 0 if there is none. It finds an exchange whose lock
 * file was removed, and one in a container of this host. Linux only; processes that this user may not inspect are not seen.
 * Costs some milliseconds.
 */
export function logOwner(dir: string): number {
  const newest = listSegments(dir).at(-1);
  if (newest === undefined) return 0;
  const { dev, ino } = statSync(join(dir, newest.name), { bigint: true });
  for (const name of entriesOf('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    for (const fd of entriesOf(`/proc/${name}/fd`)) if (writes(`/proc/${name}`, fd, dev, ino)) return Number(name);
  }
  return 0;
}

/** False also if the process, or the file in it, was closed meanwhile. */
function writes(process: string, fd: string, dev: bigint, ino: bigint): boolean {
  try {
    const path = join(process, 'fd', fd);
    // The name comes first: to stat a file on another file system may wait for a server.
    if (!readlinkSync(path).endsWith(SEGMENT_SUFFIX)) return false;
    const found = statSync(path, { bigint: true });
    if (found.dev !== dev || found.ino !== ino) return false;
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(join(process, 'fdinfo', fd), 'latin1'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
  } catch {
    return false;
  }
}

function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
