/** Directories are made one after the other, and what is of the wrong kind is named. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeDirectory } from '../engine/journal/paths.ts';
import { CLI, ExchangeProcess } from './support/exchange-process.ts';
import { temporaryDirectory, writeLog } from './support/journal-log.ts';
import { LONG_RUNS } from './support/long-runs.ts';

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
      timeout: 300_000,
      killSignal: 'SIGKILL',
    });
    assert.deepEqual([status, signal], [1, null], stderr);
    assert.match(stderr, /openbell: DATA_NO_DIRECTORY: \/proc\/x cannot be made as a directory \(ENOENT/);
  }
});

/** A directory of an exchange that has stopped: log, snapshot, history and audit trail. */
async function stoppedExchange(t: TestContext): Promise<string> {
  const data = join(temporaryDirectory(t), 'data');
  const exchange = await ExchangeProcess.start(data);
  assert.equal(await exchange.end('SIGTERM'), 0);
  return data;
}

test('a directory or a pipe where a file belongs is named by its path, and nothing is changed', { timeout: 300_000 }, async (t) => {
  const data = await stoppedExchange(t);
  const start = ['start', '--data', data, '--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
  const verify = ['verify', data];
  const audit = ['audit', 'verify', data];
  const cases: [string, string[][]][] = [
    ['log-0000000000009999.obl', [start, verify, ['log', data], ['repair', data, '--cut']]],
    ['snapshot-0000000000009999.obs', [start, verify]],
    ['snapshot-0000000000009999.obs.tmp', [start]],
    ['genesis.json', [start]],
    [join('history', 'damaged'), [start]],
    [join('audit', 'audit-000000000999.jsonl'), [start, audit]],
  ];
  const makes = [mkdirSync, (pipe: string) => execFileSync('mkfifo', [pipe])];
  for (const [i, [name, commands]] of cases.entries()) {
    const path = join(data, name);
    for (const make of LONG_RUNS ? makes : [makes[i % 2]]) {
      make(path);
      const before = namesIn(data);
      for (const args of commands) {
        const { status, stderr } = spawnSync(process.execPath, [CLI, ...args], {
          encoding: 'utf8',
          timeout: 300_000,
          killSignal: 'SIGKILL',
        });
        assert.equal(status, 1, `${args[0]} with ${name}: ${stderr}`);
        assert.match(stderr, new RegExp(`openbell: DATA_NOT_FILE: ${path} is (a directory|no regular file), `), `${args[0]} with ${name}`);
      }
      assert.deepEqual(namesIn(data), before);
      rmSync(path, { recursive: true });
    }
  }
  rmSync(join(data, 'history', 'data.mdb'));
  mkdirSync(join(data, 'history', 'data.mdb'));
  assert.match(
    spawnSync(process.execPath, [CLI, ...start], { encoding: 'utf8', timeout: 300_000 }).stderr,
    /DATA_NOT_FILE: .*data\.mdb is/,
  );
});

test('a file where a directory belongs is named by its path, and nothing is changed', { timeout: 300_000 }, async (t) => {
  const data = await stoppedExchange(t);
  const file = join(data, '..', 'venue.yaml');
  writeFileSync(file, '');
  const start = ['start', '--data', data, '--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
  const commands: [string, string[]][] = [
    [file, ['verify', file]],
    [file, ['log', file]],
    [file, ['audit', 'verify', file]],
    [file, ['start', '--data', file]],
    [file, ['repair', data, '--fork', file]],
  ];
  for (const name of ['audit', 'history']) {
    rmSync(join(data, name), { recursive: true });
    writeFileSync(join(data, name), '');
    commands.push([join(data, name), start]);
    if (name === 'audit') commands.push([join(data, name), ['audit', 'verify', data]]);
  }
  const before = [namesIn(data), readdirSync(join(data, '..'))];
  for (const [path, args] of commands) {
    if (path.endsWith('history')) rmSync(join(data, 'audit'));
    const { status, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', timeout: 300_000, killSignal: 'SIGKILL' });
    assert.equal(status, 1, `${args}: ${stderr}`);
    assert.match(stderr, new RegExp(`openbell: DATA_NOT_DIRECTORY: ${path} is not a directory`), `${args}`);
    if (!path.endsWith('history')) assert.deepEqual([namesIn(data), readdirSync(join(data, '..'))], before, `${args}`);
  }
});

function namesIn(data: string): string[] {
  return readdirSync(data, { recursive: true }).map(String).sort();
}
