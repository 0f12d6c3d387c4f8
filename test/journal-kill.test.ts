/** kill -9 of a process that appends: all commands that it reported as durable are present. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DataLock, lockHolder } from '../engine/journal/data-lock.ts';
import { scanLog } from '../engine/journal/log-reader.ts';
import { addSegmentSize } from '../engine/journal/segment-size.ts';
import { readSeqs } from './support/command-ring.ts';
import { temporaryDirectory } from './support/journal-log.ts';
import { times } from './support/long-runs.ts';

const APPENDER = fileURLToPath(new URL('./support/journal-appender.ts', import.meta.url));
const APPENDER_SEGMENT_BYTES = 256 * 1024;
const CYCLES = times(6, 14);

test(`kill -9 of ${CYCLES} processes: every acknowledged command is present exactly once`, async (t) => {
  const dir = temporaryDirectory(t);
  addSegmentSize(APPENDER_SEGMENT_BYTES);
  let before = 0;
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const child = spawn(process.execPath, [...process.execArgv, APPENDER, dir, cycle % 2 === 0 ? 'asynchronous' : 'synchronous'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
    });
    const closed = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), closed]);
    assert.throws(() => DataLock.acquire(dir), { code: 'DATA_LOCKED', pid: child.pid });
    await delay(20 + ((cycle * 37) % 100));
    child.kill('SIGKILL');
    const [, signal] = await closed;
    assert.equal(signal, 'SIGKILL', errors);
    // The last line may be cut off by the kill.
    const acknowledged = Number(output.split('\n').at(-2));
    assert.ok(acknowledged > before, `life ${cycle} appended something`);
    const { count, last } = readSeqs(dir, 1);
    assert.ok(count >= acknowledged && last === count, `${count} of ${acknowledged} acknowledged commands are there`);
    assert.equal(scanLog(dir).lastSeq, count);
    before = count;
  }
  assert.equal(lockHolder(dir), 0);
});
