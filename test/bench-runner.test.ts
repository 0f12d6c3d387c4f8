import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunResult } from '../bench/suite/result.ts';

const SUITE = fileURLToPath(new URL('./support/bench-suite.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'openbell-bench-'));
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function outputFolder(): string {
  return join(root, `out-${folders++}`);
}

function start(out: string, args: readonly string[], budgets: unknown = []): ChildProcess {
  const file = join(root, 'budgets.json');
  writeFileSync(file, JSON.stringify(budgets));
  return spawn(process.execPath, [...process.execArgv, SUITE, file, out, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function run(out: string, args: readonly string[], budgets: unknown = []): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(out, args, budgets);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    stderr += bytes;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

const resultOf = (out: string): RunResult => JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as RunResult;

test('a run writes its result, a summary and a report; the earlier run becomes the previous one', async () => {
  const out = outputFolder();
  const first = await run(out, ['steady', '--windows', '4']);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /\[1\/1\] steady: starting: 0 %, 0:02 left/);
  assert.match(first.stderr, /steady: a line on stdout/);
  assert.match(first.stdout, /openbell latency suite: commit/);
  assert.ok(first.stdout.split('\n').length < 20, first.stdout);
  const summaryOf = (folder: string): string => readFileSync(join(folder, 'summary.md'), 'utf8');
  assert.match(summaryOf(out), /known latency \(steady\.latency\) \| 125 \(50\.\d+ to 200/);
  assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /^<!doctype html>/);
  const result = resultOf(out);
  assert.equal(result.scopes[0].metrics[0].windows.length, 4);
  assert.match(result.commit, /^[0-9a-f]{12}(-dirty)?$|^unknown$/);
  assert.equal(result.machine.node, process.version);

  const second = await run(out, ['steady', '-o', 'rate=200']);
  assert.equal(second.code, 0, second.stderr);
  assert.match(summaryOf(out), /known rate \(steady\.rate\) \| 90\.0\/s \| 200\/s \| 80\.0\/s \| same/);
  const files = ['history.jsonl', 'previous.json', 'report.html', 'result.json', 'summary.md'];
  assert.deepEqual(readdirSync(out).sort(), files, 'the scope’s folder is gone');
  assert.equal(readFileSync(join(out, 'history.jsonl'), 'utf8').split('\n').length, 3, 'a line for each run');
  assert.equal(readFileSync(join(out, 'previous.json'), 'utf8'), `${JSON.stringify(result)}\n`);

  const elsewhere = outputFolder();
  assert.equal((await run(elsewhere, ['steady', '--compare', join(out, 'previous.json'), '-o', 'rate=200'])).code, 0);
  assert.match(summaryOf(elsewhere), /Compared with commit/);
});

test('a scope that fails, or crashes its process, does not stop the next: exit code 1', async () => {
  const out = outputFolder();
  const { code, stdout } = await run(out, ['steady', 'failing', 'crashing', 'unavailable']);
  assert.equal(code, 1);
  const [steady, failing, crashing, unavailable] = resultOf(out).scopes;
  assert.equal(steady.metrics.length, 3);
  assert.match(failing.failed ?? '', /the load generator fell over\n.*failing\.ts/);
  assert.match(crashing.failed ?? '', /ended by SIGKILL and no result\nlast words/);
  assert.equal(unavailable.skipped, 'no sidecar on the PATH');
  assert.match(stdout, /✗ failing failed: Error: the load generator fell over/);
  assert.match(stdout, /– unavailable skipped: no sidecar/);
  assert.match(readFileSync(join(out, 'summary.md'), 'utf8'), /FAILED:/);
});

test('a scope that hangs is killed at its deadline', async () => {
  const out = outputFolder();
  assert.equal((await run(out, ['hanging'])).code, 1);
  assert.match(resultOf(out).scopes[0].failed ?? '', /killed: not done after 20 s/);
});

test('leftover processes of a scope are killed with it', async () => {
  const file = join(root, 'left.pid');
  assert.equal((await run(outputFolder(), ['parent', '-o', `pid=${file}`, '-o', 'wait=no'])).code, 1);
  await assertGone(Number(readFileSync(file, 'utf8')));
});

test('Ctrl-C stops the scope and its processes, writes nothing, exit code 130', async () => {
  const out = outputFolder();
  const file = join(root, 'interrupted.pid');
  const child = start(out, ['parent', 'steady', '-o', `pid=${file}`]);
  const closed = once(child, 'close');
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') await delay(20);
  child.kill('SIGINT');
  assert.deepEqual(await closed, [130, null]);
  await assertGone(Number(readFileSync(file, 'utf8')));
  assert.deepEqual(readdirSync(out), []);
});

test('a killed runner leaves no process behind', async () => {
  const file = join(root, 'orphan.pid');
  const child = start(outputFolder(), ['parent', '-o', `pid=${file}`]);
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') await delay(20);
  child.kill('SIGKILL');
  await assertGone(Number(readFileSync(file, 'utf8')));
});

test('--check: a broken guard gives exit code 3, a missed target is reported', async () => {
  const guard = { kind: 'guard', scope: 'steady', metric: 'steady.rate', limit: 100, source: 'a test' };
  const target = { ...guard, kind: 'target', limit: 1000 };
  const held = await run(outputFolder(), ['steady', '--check'], [guard, target]);
  assert.equal(held.code, 0, held.stderr);
  assert.match(
    held.stdout,
    /✗ steady\.rate {2}100\/s \(target ≥ 1,000\/s\): not met: 90 % short\n {2}✓ steady\.rate {2}100\/s \(guard ≥ 100\/s\): met\n/,
  );
  const broken = [{ ...guard, limit: 101 }];
  assert.equal((await run(outputFolder(), ['steady', '--check'], broken)).code, 3);
  assert.equal((await run(outputFolder(), ['steady'], broken)).code, 0, 'without --check it is only reported');
  const unknown = [{ ...guard, metric: 'steady.rat' }];
  assert.equal((await run(outputFolder(), ['steady', '--check'], unknown)).code, 3);
  assert.equal((await run(outputFolder(), ['steady', '--check', '-o', 'rate=1'], unknown)).code, 0, 'options may leave figures out');
});

test('--check: a scope with a broken budget is measured again, twice at most; the best window of all counts', async () => {
  const guard = { kind: 'guard', scope: 'disturbed', metric: 'disturbed.rate', limit: 100, source: 'a test' };
  const look = async (name: string, slow: number, ...args: readonly string[]) => {
    const [out, file] = [outputFolder(), join(root, name)];
    const { code, stderr } = await run(out, ['disturbed', '-o', `file=${file}`, '-o', `runs=${slow}`, ...args], [guard]);
    return { code, stderr, runs: readFileSync(file).length, result: resultOf(out).scopes[0] };
  };
  const passing = await look('passing', 1, '--check');
  assert.equal(passing.code, 0);
  assert.equal(passing.runs, 2);
  assert.match(passing.stderr, /disturbed: again, because disturbed\.rate did not hold/);
  assert.match(passing.stderr, /\[2\/2\] disturbed/);
  assert.deepEqual(
    passing.result.metrics[0].windows.map(({ value }) => value),
    [50, 60, 50, 100, 90, 95],
  );
  assert.match(passing.result.method.join(), /Measured again/);

  const staying = await look('staying', 9, '--check');
  assert.equal(staying.code, 3);
  assert.equal(staying.runs, 3);
  assert.match(staying.stderr, /bench: disturbed\.rate must be ≥ 100\/s: broken: 40 % short\n$/);

  assert.equal((await look('unchecked', 1)).runs, 1);
});

test('usage: exit code 2, and no scope is run', async () => {
  const out = outputFolder();
  const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['nonsense'], /no such scope: nonsense/],
    [['--profile', 'quick'], /--profile must be full or ci/],
    [['--windows', '2'], /--windows must be a number from 3/],
    [['--frequency', '2'], /'--frequency'/],
    [['steady', '-o', 'rate'], /-o needs KEY=VALUE/],
    [['steady', '-o', 'speed=1'], /no scope takes -o speed \(there are rate\)/],
    [['steady', 'absent'], /bench-scopes\/absent\.ts is missing/],
    [['steady', '--against', 'HEAD', '--windows', '4'], /--windows must be a number from 5/],
    [['steady', '--against', 'no-such-branch'], /--against no-such-branch: no such commit/],
    [['steady', '--against', '--upload-pack=x'], /--against/],
    [['steady', '--against', 'HEAD', '--compare', 'x'], /give one/],
    [['steady', '--compare', join(root, 'none.json')], /none\.json: ENOENT/],
    [['steady', '--compare', join(root, 'budgets.json')], /not a result\.json/],
  ];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await run(out, args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, message);
    assert.equal(stdout, '');
  }
  assert.equal((await run(out, ['steady'], [{ kind: 'wish' }])).code, 2);
  assert.ok(!existsSync(out));
});

async function assertGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    if (!isRunning(pid)) return;
    await delay(20);
  }
  assert.fail(`process ${pid} still runs`);
}

/** A zombie that has not been reaped yet no longer runs. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
