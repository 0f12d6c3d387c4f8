/** A lock that is removed or replaced while its exchange runs: another process may write the log then, so the exchange ends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DataLock } from '../engine/journal/data-lock.ts';
import { segmentName } from '../engine/journal/log-format.ts';
import { scanLog } from '../engine/journal/log-reader.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { CommandRing } from './support/command-ring.ts';
import { RunningEngine } from './support/engine-fixture.ts';
import { ExchangeProcess, openbell } from './support/exchange-process.ts';
import { openLog, temporaryDirectory, writeLog } from './support/journal-log.ts';

const PORTS = ['--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];

test('the holder finds that its lock is gone or replaced, and nothing after its release', async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, 'lock');
  const lost = [() => rmSync(path), () => writeFileSync(path, '{"pid":1,"started":"1","boot":"x"}'), () => renameSync(dir, `${dir}-moved`)];
  for (const [index, lose] of lost.entries()) {
    const lock = DataLock.acquire(dir);
    lock.check();
    const found = Promise.withResolvers<Error>();
    // The interval alone does not keep the loop alive.
    const alive = setInterval(() => undefined, 1000);
    lock.watch(found.resolve);
    lose();
    assert.throws(() => lock.check(), { code: 'DATA_LOCK_LOST' });
    const { message } = await found.promise;
    clearInterval(alive);
    assert.match(message, [/the lock of this process, is gone\./, /was replaced by process 1\./, /is gone\./][index]);
    lock.release();
    lock.check();
  }
  rmSync(`${dir}-moved`, { recursive: true });
  mkdirSync(dir, { recursive: true });
});

for (const topology of ['compact', 'pinned'] as const)
  test(`${topology}: an engine that is failed by its owner answers nothing more, and does not write`, async (t) => {
    const dir = temporaryDirectory(t);
    const failures: Error[] = [];
    const running = await RunningEngine.start({ dir, topology, onFailed: (error) => failures.push(error) });
    running.send({ kind: CommandKind.DefineAccount, account: 1, name: 'a1' });
    await running.engine.drain();
    running.engine.sequencer.draining = false;
    const [reports, before] = [running.reports.length, running.engine.status().durableSeq];
    running.engine.fail(new Error('the lock is gone'));
    running.send({ kind: CommandKind.DefineAccount, account: 2, name: 'a2' });
    assert.equal(running.engine.status().phase, 'failed');
    await assert.rejects(running.stop(), /the lock is gone/);
    assert.deepEqual([running.reports.length, failures.map(({ message }) => message)], [reports, ['the lock is gone']]);
    assert.equal(scanLog(dir).lastSeq, before);
  });

test('a log that was written since it was read is not continued', async (t) => {
  const dir = temporaryDirectory(t);
  await writeLog(dir, [3], false);
  const end = scanLog(dir);
  await writeLog(dir, [2], false);
  const before = readFileSync(join(dir, segmentName(1)));
  assert.throws(() => openLog(dir, new CommandRing(256, 3), { end, segmentBytes: 4096 }), { code: 'LOG_CHANGED', message: /byte 256 / });
  assert.deepEqual(readFileSync(join(dir, segmentName(1))), before);
});

for (const topology of ['compact', 'pinned'])
  test(`${topology}: without its lock, a running exchange is found by others, and ends`, { timeout: 300_000 }, async (t) => {
    if (process.platform !== 'linux') return t.skip('SKIPPED: the process that has the log open is found on Linux');
    const dir = temporaryDirectory(t);
    const exchange = await ExchangeProcess.start(dir, ['--topology', topology]);
    t.after(() => exchange.end('SIGKILL'));
    const { pid } = exchange.child;
    // It must not find that its lock is gone before the others have looked.
    exchange.child.kill('SIGSTOP');
    rmSync(join(dir, 'lock'));
    for (const args of [
      ['start', '--data', dir, ...PORTS],
      ['verify', dir],
      ['repair', dir, '--cut'],
    ]) {
      const { code, stderr } = await openbell(args);
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`DATA_LOCKED: The data directory ${dir} is in use by process ${pid}, which has the log open`));
    }
    assert.ok(!readdirSync(dir).includes('lock'));
    const ended = once(exchange.child, 'exit');
    exchange.child.kill('SIGCONT');
    assert.deepEqual(await ended, [1, null]);
    assert.match(exchange.stderr, /"code":"DATA_LOCK_LOST".*has failed and no longer answers/);
    const again = await ExchangeProcess.start(dir);
    assert.equal(await again.end('SIGTERM'), 0);
    const { code } = await openbell(['verify', dir]);
    assert.equal(code, 0);
  });
