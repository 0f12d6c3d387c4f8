import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/**
 * A disk that can be really full, until the end of the test. Undefined, and the test is skipped, where this user may not mount one.
 * @param size as tmpfs takes it, such as `40m`
 */
export function smallDisk(t: TestContext, size: string): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir], { stdio: 'ignore' });
  t.after(() => {
    if (status === 0) spawnSync('umount', ['-l', dir], { stdio: 'ignore' });
    rmSync(dir, { recursive: true });
  });
  if (status === 0) return dir;
  t.skip('SKIPPED: a disk that is full needs the right to mount a small tmpfs (root)');
  return undefined;
}
