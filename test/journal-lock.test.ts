import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DataLock, DataLockedError, lockHolder } from '../engine/journal/data-lock.ts';
import { temporaryDirectory } from './support/journal-log.ts';

test('one holder at a time, also in one process; the message names it', (t) => {
  const dir = join(temporaryDirectory(t), 'new', 'data');
  const lock = DataLock.acquire(dir);
  assert.equal(lockHolder(dir), process.pid);
  assert.throws(
    () => DataLock.acquire(dir),
    (error) => error instanceof DataLockedError && error.pid === process.pid && error.message.includes(`process ${process.pid}`),
  );
  lock.release();
  assert.deepEqual([lockHolder(dir), readdirSync(dir)], [0, []]);
  const next = DataLock.acquire(dir);
  lock.release();
  assert.equal(lockHolder(dir), process.pid, 'releasing twice does not release that of another');
  next.release();
});

test('the lock of a process that has ended is taken over', (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, 'lock');
  const lock = DataLock.acquire(dir);
  const mine = JSON.parse(readFileSync(path, 'utf8'));
  lock.release();
  const stale: [string, string][] = [
    ['no such process', JSON.stringify({ ...mine, pid: 2 ** 22 + 1 })],
    ['the pid is used again', JSON.stringify({ ...mine, started: '1' })],
    ['the machine was booted since', JSON.stringify({ ...mine, boot: 'another' })],
    ['torn', '{"pid":'],
    ['empty', ''],
    ['not a lock', '[]'],
  ];
  for (const [why, text] of stale) {
    writeFileSync(path, text);
    assert.equal(lockHolder(dir), 0, why);
    const taken = DataLock.acquire(dir);
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), mine, why);
    taken.release();
  }
  assert.deepEqual(readdirSync(dir), []);
});

test('an interrupted takeover does not lock for ever, one in progress does', (t) => {
  const dir = temporaryDirectory(t);
  const probe = DataLock.acquire(dir);
  const mine = readFileSync(join(dir, 'lock'), 'utf8');
  probe.release();
  const gone = JSON.stringify({ ...JSON.parse(mine), started: '1' });
  writeFileSync(join(dir, 'lock'), gone);
  writeFileSync(join(dir, 'lock.takeover'), mine);
  assert.throws(() => DataLock.acquire(dir), { code: 'DATA_LOCKED' });
  writeFileSync(join(dir, 'lock.takeover'), gone);
  DataLock.acquire(dir).release();
  assert.deepEqual(readdirSync(dir), []);
});
