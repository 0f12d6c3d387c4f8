import assert from 'node:assert/strict';
import fs, { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
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
  const { inode: _inode, ...identity } = mine;
  lock.release();
  const stale: [string, string][] = [
    ['no such process', JSON.stringify({ ...mine, pid: 2 ** 22 + 1 })],
    ['the pid is used again', JSON.stringify({ ...mine, started: '1' })],
    ['the machine was booted since', JSON.stringify({ ...mine, boot: 'another' })],
    ['torn', '{"pid":'],
    ['empty', ''],
    ['not a lock', '[]'],
    ['null', 'null'],
    ['a number', '7'],
    ['a text', '"lock"'],
    ['another pid than a number', JSON.stringify({ ...mine, pid: String(mine.pid) })],
    ['bytes', '\u0000\u0001\uffff'],
  ];
  for (const [why, text] of stale) {
    writeFileSync(path, text);
    assert.equal(lockHolder(dir), 0, why);
    const taken = DataLock.acquire(dir);
    const { inode: _inode, ...owner } = JSON.parse(readFileSync(path, 'utf8'));
    assert.deepEqual(owner, identity, why);
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

test('the lock in a copy of a directory holds nothing, neither does a copied takeover', (t) => {
  const base = temporaryDirectory(t);
  const [dir, copy, moved] = ['data', 'copy', 'moved'].map((name) => join(base, name));
  const lock = DataLock.acquire(dir);
  writeFileSync(join(dir, 'lock.takeover'), readFileSync(join(dir, 'lock')));
  cpSync(dir, copy, { recursive: true });
  rmSync(join(dir, 'lock.takeover'));
  assert.equal(lockHolder(copy), 0);
  const second = DataLock.acquire(copy);
  assert.deepEqual([lockHolder(copy), lockHolder(dir)], [process.pid, process.pid]);
  second.release();
  // A directory that is moved while it is in use stays locked.
  renameSync(dir, moved);
  assert.throws(() => DataLock.acquire(moved), { code: 'DATA_LOCKED' });
  // And one that takes its place keeps its own lock.
  const { inode: _inode, ...other } = JSON.parse(readFileSync(join(moved, 'lock'), 'utf8'));
  mkdirSync(dir);
  writeFileSync(join(dir, 'lock'), JSON.stringify({ ...other, pid: 1, started: 'of another process' }));
  lock.release();
  assert.deepEqual(readdirSync(dir), ['lock']);
});

test('the lock of an earlier release is respected while its process runs', (t) => {
  const dir = temporaryDirectory(t);
  const probe = DataLock.acquire(dir);
  const { pid, started, boot } = JSON.parse(readFileSync(join(dir, 'lock'), 'utf8'));
  probe.release();
  writeFileSync(join(dir, 'lock'), JSON.stringify({ pid, started, boot }));
  assert.throws(() => DataLock.acquire(dir), { code: 'DATA_LOCKED', pid: process.pid });
});

test('a lock that is no file is an error with a code', (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, 'lock'));
  const bad = { code: 'DATA_LOCK_BAD', message: /lock cannot be read as a lock file \(EISDIR.*Remove it only if .*"fuser -v"/ };
  assert.throws(() => DataLock.acquire(dir), bad);
  assert.throws(() => lockHolder(dir), bad);
  assert.deepEqual(readdirSync(dir), ['lock'], 'nothing is left behind');
});

test('work that only reads needs no lock in a directory that cannot be written, unless it is in use', (t) => {
  const base = temporaryDirectory(t);
  const dir = join(base, 'data');
  DataLock.acquire(dir).release();
  for (const [code, mayWrite] of [
    ['EROFS', true],
    ['EACCES', true],
    ['ENOSPC', false],
  ] as const) {
    t.mock.method(fs, 'openSync', () => {
      throw Object.assign(new Error(`${code}: as the disk says`), { code });
    });
    syncBuiltinESMExports();
    try {
      assert.throws(() => DataLock.acquire(dir), { code });
      assert.equal(DataLock.acquireToRead(dir, mayWrite).held, false);
      if (code === 'ENOSPC') assert.throws(() => DataLock.acquireToRead(dir, true), { code });
    } finally {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    }
    assert.deepEqual(readdirSync(dir), []);
    const lock = DataLock.acquire(dir);
    assert.throws(() => DataLock.acquireToRead(dir), { code: 'DATA_LOCKED' });
    lock.release();
  }
});
