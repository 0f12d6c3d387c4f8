/** Directories are made one after the other, and what is of the wrong kind is named. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory } from '../engine/journal/paths.ts';
import { CLI } from './support/exchange-process.ts';
import { temporaryDirectory, writeLog } from './support/journal-log.ts';

test('missing directories are made, those that exist stay, and the first one made is returned', (t) => {
  const base = temporaryDirectory(t);
  assert.equal(makeDirectory(join(base, 'a', 'b', 'c'), 0o700), join(base, 'a'));
  assert.equal(statSync(join(base, 'a', 'b', 'c')).mode & 0o777, 0o700);
  assert.equal(makeDirectory(join(base, 'a', 'b')), undefined);
  assert.equal(makeDirectory(join(base, 'a', '..', 'd', '')), join(base, 'd', ''));
  assert.deepEqual(readdirSync(base), ['a', 'd']);
  symlinkSync('a', join(base, 'link'));
  assert.equal(makeDirectory(join(base, 'link', 'e')), join(base, 'link', 'e'));
  assert.ok(existsSync(join(base, 'a', 'e')));
});

test('a directory that cannot be made is an error with a code, and does not keep the process busy', (t) => {
  const base = temporaryDirectory(t);
  writeFileSync(join(base, 'file'), '');
  symlinkSync('nowhere', join(base, 'dangling'));
  for (const [path, code] of [
    ['/proc/x', 'DATA_NO_DIRECTORY'],
    ['/proc/x/y', 'DATA_NO_DIRECTORY'],
    [join(base, 'dangling'), 'DATA_NO_DIRECTORY'],
    [join(base, 'file'), 'DATA_NOT_DIRECTORY'],
    [join(base, 'file', 'below'), 'DATA_NOT_DIRECTORY'],
  ])
    assert.throws(() => makeDirectory(path), { code }, path);
});

test('start and repair --fork end when the file system takes no directory', async (t) => {
  const base = temporaryDirectory(t);
  const data = join(base, 'data');
  mkdirSync(data);
  await writeLog(data, [3], true);
  const commands = [
    ['start', '--data', '/proc/x'],
    ['repair', data, '--fork', '/proc/x'],
  ];
  for (const args of commands) {
    const { status, signal, stderr } = spawnSync(process.execPath, [CLI, ...args], {
      encoding: 'utf8',
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    assert.deepEqual([status, signal], [1, null], stderr);
    assert.match(stderr, /openbell: DATA_NO_DIRECTORY: \/proc\/x cannot be made as a directory \(ENOENT/);
  }
});
