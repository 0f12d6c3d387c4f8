/** Removes old segments of the log in DIR, and kills itself at step STEP: before or after an unlink, or after the sync that follows it. */
import { closeSync, fsyncSync, openSync, unlinkSync } from 'node:fs';
import { type RetentionDisk, removableSegments, removeSegments } from '../../engine/journal/log-retention.ts';
import { listSnapshots } from '../../engine/journal/snapshot-files.ts';

const [dir, killAt] = process.argv.slice(2);
let step = 0;
function mayEnd(): void {
  if (step++ !== Number(killAt)) return;
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const disk: RetentionDisk = {
  unlink: async (path) => {
    mayEnd();
    unlinkSync(path);
    mayEnd();
  },
  syncDirectory: async (path) => {
    const fd = openSync(path, 'r');
    fsyncSync(fd);
    closeSync(fd);
    mayEnd();
  },
};
const verifiedSeq = listSnapshots(dir)[0].seq;
const segments = removableSegments(dir, { verifiedSeq, historySeq: Number.POSITIVE_INFINITY, beforeUs: Number.POSITIVE_INFINITY });
await removeSegments(dir, segments, disk);
process.stdout.write(`${segments.length} ${step}\n`);
