/** A history whose files cannot be opened or written: a coded error, not the end of the process inside LMDB. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { CLI, openbell } from './support/exchange-process.ts';
import { DiskFaults, noDiskFaults, Operation } from './support/faults/disk-faults.ts';

const PORTS = ['--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-unusable-'));
  t.after(() => {
    spawnSync('umount', [dir], { stdio: 'ignore' });
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

/** First words of the line on stderr. */
const CODES = {
  EIO: /^openbell: EIO: the history in .* cannot be written/m,
  ENOSPC: /^openbell: DISK_FULL: .*history is full/m,
  EROFS: /^openbell: DATA_READ_ONLY: .*history cannot be written/m,
};

for (const kind of ['EIO', 'ENOSPC', 'EROFS'] as const)
  it(`${kind} at the open of the history: exit code 1 and one line`, { timeout: 300_000, skip: noDiskFaults() ?? false }, (t) => {
    const data = join(directory(t), 'data');
    const disk = new DiskFaults(data);
    t.after(() => disk.close());
    disk.arm({ kind, operations: Operation.Write | Operation.Open, times: -1, only: 'history' });
    const [command, ...args] = [...disk.prefix, process.execPath, CLI, 'start', '--data', data, ...PORTS];
    const { status, signal, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
    assert.deepEqual([status, signal], [1, null], stderr);
    assert.match(stderr, CODES[kind]);
  });

it('a history of another user: exit code 1 and one line', { timeout: 300_000 }, async (t) => {
  if (process.getuid?.() === 0) return t.skip('SKIPPED: root may write to every file');
  const data = join(directory(t), 'data');
  mkdirSync(join(data, 'history'), { recursive: true });
  writeFileSync(join(data, 'history', 'data.mdb'), '');
  chmodSync(join(data, 'history', 'data.mdb'), 0o400);
  const { code, stderr } = await openbell(['start', '--data', data, ...PORTS]);
  assert.equal(code, 1);
  assert.match(stderr, /^openbell: EACCES: the history in .* cannot be written/m);
});
