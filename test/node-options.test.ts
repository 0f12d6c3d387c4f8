/** `start` replaces its process by one with the Node options of an exchange, invisibly to the parent process. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../dist/gateway/cli.js', import.meta.url));
const skip = spawnSync('taskset', ['--version']).status === 0 ? false : 'taskset is missing (Debian package util-linux)';

describe('Node options of start, on one core', { skip }, () => {
  const base = mkdtempSync(join(tmpdir(), 'openbell-node-options-'));
  after(() => rmSync(base, { recursive: true, force: true }));

  async function started(t: TestContext, name: string, options: string): Promise<ChildProcess> {
    const ports = ['--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
    const args = ['-c', '0', process.execPath, '--expose-gc', CLI, 'start', '--json', '--data', join(base, name), ...ports];
    const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: options } });
    t.after(() => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer];
    assert.ok(JSON.parse(line.toString()).grpc > 0, 'what it prints comes through the pipe of the first process');
    return child;
  }
  const read = (child: ChildProcess, file: string): string[] => readFileSync(`/proc/${child.pid}/${file}`, 'utf8').split('\0');

  it('they are set; process id, arguments and flags stay, and a signal reaches it', async (t) => {
    const child = await started(t, 'one', '');
    assert.ok(read(child, 'environ').includes('NODE_OPTIONS=--max-semi-space-size=2 --v8-pool-size=1'));
    assert.deepEqual(read(child, 'cmdline').slice(1, 4), ['--expose-gc', CLI, 'start']);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });

  it('options in NODE_OPTIONS stay', async (t) => {
    const child = await started(t, 'beside', '--max-semi-space-size=8');
    assert.ok(read(child, 'environ').includes('NODE_OPTIONS=--max-semi-space-size=8 --v8-pool-size=1'));
  });

  it('a process that has them all is not replaced', async (t) => {
    const child = await started(t, 'own', '--v8_pool_size=2 --max-semi-space-size=4');
    assert.ok(read(child, 'environ').includes('NODE_OPTIONS=--v8_pool_size=2 --max-semi-space-size=4'));
  });
});
