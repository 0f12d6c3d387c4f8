/** `--against`: turns of two commits, and what their pairs say. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeChange } from '../bench/report/model.ts';
import { compareScope } from '../bench/suite/against.ts';
import { comparePairs } from '../bench/suite/compare.ts';
import { judgePairs, signTest } from '../bench/suite/pair-verdict.ts';
import type { Pair, RunResult, ScopeResult, Window } from '../bench/suite/result.ts';
import type { Measurement } from '../bench/suite/run-scope.ts';
import type { Scope } from '../bench/suite/scope.ts';
import { orderOf, pairFigures, type Side, sideOf, takeTurns } from '../bench/suite/turns.ts';

const SUITE = fileURLToPath(new URL('./support/bench-suite.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'openbell-against-'));
after(() => rmSync(root, { recursive: true, force: true }));

const pairsOf = (...pairs: readonly (readonly [here: number, there: number])[]): Pair[] => pairs.map(([here, there]) => ({ here, there }));

test('sign test: two-sided probabilities of fair coins', () => {
  assert.equal(signTest(5, 0), 2 / 32);
  assert.equal(signTest(0, 6), 2 / 64);
  assert.equal(signTest(7, 1), 18 / 256);
  assert.equal(signTest(8, 1), 20 / 512);
  assert.equal(signTest(3, 3), 1);
  assert.equal(signTest(0, 0), 1);
});

test('pairs: better or worse only where they agree, the rest is noise', () => {
  const faster = pairsOf([9, 10], [8, 10], [9, 11], [7, 10], [9.9, 10]);
  const verdict = judgePairs(faster, 'lower');
  assert.equal(verdict.outcome, 'better');
  assert.equal(verdict.change, 2 / 11);
  assert.equal(judgePairs(faster, 'higher').outcome, 'worse');
  assert.equal(judgePairs(faster.slice(1), 'lower').outcome, 'noise', 'four pairs say nothing');
  assert.equal(judgePairs([...faster.slice(1), { here: 11, there: 10 }], 'lower').outcome, 'noise');
  assert.equal(judgePairs([...faster, ...faster.slice(0, 3), { here: 11, there: 10 }], 'lower').outcome, 'better', 'eight of nine');
  assert.equal(judgePairs([...faster.slice(1), { here: 10, there: 10 }], 'lower').outcome, 'noise', 'an equal pair is on no side');
});

test('pairs: a vetoed pair does not count, a side that failed is the worse one', () => {
  const faster = pairsOf([9, 10], [8, 10], [9, 11], [7, 10]);
  const vetoed = judgePairs([...faster, { here: 1, there: 2, vetoed: 'the generator was late' }], 'lower');
  assert.deepEqual([vetoed.outcome, vetoed.used], ['noise', 4]);
  assert.equal(judgePairs([...faster, { here: 1000 }], 'lower').outcome, 'better', 'the other side failed');
  assert.equal(judgePairs([...faster, { there: 1000 }], 'lower').outcome, 'noise', 'this side failed');
  assert.equal(judgePairs([...faster, {}], 'lower').used, 4, 'both failed');
  const always = Array.from({ length: 5 }, (): Pair => ({ here: 3 }));
  assert.equal(judgePairs(always, 'higher').outcome, 'better');
  assert.equal(describeChange(comparePairs({ metric: 'a', pairs: always }, 'higher')), 'better, 5 of 5');
});

test('pairs as text', () => {
  const text = (direction: 'lower' | 'higher', ...pairs: Pair[]): string => describeChange(comparePairs({ metric: 'a', pairs }, direction));
  const faster = pairsOf([8, 10], [8, 10], [8, 10], [8, 10], [8, 10]);
  assert.equal(text('lower', ...faster), '20 % better, 5 of 5');
  assert.equal(text('higher', ...faster), '20 % worse, 5 of 5');
  assert.equal(text('lower', ...faster.slice(1), { here: 12, there: 10 }), 'noise (+20 %, 4 of 5)');
  assert.equal(text('lower', ...pairsOf([1, 1], [1, 1], [1, 1], [1, 1], [1, 1])), 'same');
});

const resultOf = (value: number | Window, more: Partial<ScopeResult> = {}): ScopeResult => ({
  scope: 'core',
  title: 'core',
  method: ['a method'],
  startedAt: '2026-11-30T00:00:00.000Z',
  seconds: 2,
  series: [],
  metrics: [{ id: 'core.time', title: 'time', unit: 'us', better: 'lower', windows: [typeof value === 'number' ? { value } : value] }],
  ...more,
});
const failedResult = (reason: string): ScopeResult => resultOf(0, { metrics: [], failed: `${reason}\n    at a stack` });

test('turns: the order changes from pair to pair', async () => {
  const seen: string[] = [];
  const turns = await takeTurns(5, async (side, pair) => {
    seen.push(`${pair}${side}`);
    return resultOf(1);
  });
  assert.equal(turns.length, 5);
  assert.deepEqual(seen.slice(0, 4), ['0here', '0there', '1there', '1here']);
  assert.notDeepEqual(orderOf(0), orderOf(1));
});

test('turns: a turn that failed or is vetoed is kept, and vetoes are made up for by two more pairs', async () => {
  let added = 0;
  const measure = async (side: Side, pair: number): Promise<ScopeResult> => {
    if (side === 'there' && pair === 2) return failedResult('6,564 commands were rejected');
    if (side === 'here' && pair === 1) return resultOf({ value: 50, vetoed: 'the generator was late' });
    return resultOf(side === 'here' ? 1 : 2);
  };
  const turns = await takeTurns(5, measure, () => added++);
  assert.deepEqual([turns.length, added], [6, 1], 'five pairs count, one of them because a side failed');
  const [{ metric, pairs }] = pairFigures(turns);
  assert.equal(metric, 'core.time');
  assert.deepEqual(pairs.slice(0, 3), [{ here: 1, there: 2 }, { vetoed: 'the generator was late' }, { here: 1 }]);
  const there = sideOf(turns, 'there');
  assert.equal(there.failed, undefined);
  assert.equal(there.seconds, 12);
  assert.deepEqual(there.metrics[0].windows[2], { failed: '6,564 commands were rejected' });
  assert.match(there.method.join(), /Turn 3 failed: 6,564/);
});

test('turns: a side that fails in both of the first turns is not tried again', async () => {
  const turns = await takeTurns(5, async (side) => (side === 'there' ? failedResult('does not start') : resultOf(1)));
  assert.equal(turns.length, 2);
  assert.match(sideOf(turns, 'there').failed ?? '', /does not start/);
  assert.equal(sideOf(turns, 'here').failed, undefined);
});

const scopeOf = (subject?: Scope['subject']): Scope => ({
  name: 'core',
  title: 'core',
  options: {},
  ...(subject !== undefined && { subject }),
  seconds: () => 1,
  run: async () => resultOf(1),
});
const OTHER = { commit: 'c0ffee', root: '/other', suite: '/other/beside' };

test('what a comparison exchanges: the command, the sources, or nothing', async () => {
  const compare = async (subject: Scope['subject'], fails: (measurement: Measurement) => boolean = () => false) => {
    const seen = new Set<string>();
    const measure = async (_: string, measurement: Measurement): Promise<ScopeResult> => {
      seen.add(`${measurement.file} ${measurement.windows} ${measurement.checkout ?? 'here'}`);
      return fails(measurement) ? failedResult('no such export') : resultOf(1);
    };
    const turns = { pairs: 5, root: '/here', other: OTHER, measure, more: () => undefined };
    return { compared: await compareScope(scopeOf(subject), '/here/bench/scopes/core.ts', turns), seen: [...seen] };
  };
  const file = '/here/bench/scopes/core.ts';
  assert.deepEqual((await compare('command')).seen, [`${file} 1 here`, `${file} 1 /other`]);
  assert.deepEqual((await compare(undefined)).seen, [`${file} 1 here`, '/other/beside/scopes/core.ts 1 here']);
  const inside = await compare('turns');
  assert.deepEqual(inside.seen, [`${file} 5 /other`]);
  assert.deepEqual(inside.compared.figures, [{ metric: 'core.time', pairs: [{ here: 1, there: 1 }] }]);
  const broken = await compare(undefined, ({ file: used }) => used.startsWith('/other'));
  assert.match(broken.compared.there.failed ?? '', /no such export/, 'its own suite is not there either');
});

/** A repository whose second commit is faster, has another lock file, and is checked out. */
function repository(): string {
  const folder = join(root, 'repository');
  const put = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], { stdio: 'ignore' });
  const state = (version: string, micros: number): void => {
    put(
      'package-lock.json',
      JSON.stringify({ name: 'fixture', version, lockfileVersion: 3, packages: { '': { name: 'fixture', version } } }),
    );
    put('package.json', JSON.stringify({ name: 'fixture', version, type: 'module', scripts: { build: 'node build.js' } }));
    put('engine/micros.ts', `export const MICROS: number = ${micros};`);
    git('add', '-A');
    git('commit', '--quiet', '-m', version);
  };
  put('.gitignore', 'node_modules/\ndist/\nout/\n');
  put('build.js', `import { mkdirSync } from 'node:fs'; mkdirSync('dist');`);
  put(
    'bench/scopes/speed.ts',
    `import { MICROS } from '../../engine/micros.ts';
const at = { scope: 'speed', title: 'speed', startedAt: '2026-11-30T00:00:00.000Z', seconds: 1, series: [] };
const metric = (id: string, windows: object[]) => ({ id: 'speed.' + id, title: id, unit: 'us', better: 'lower', windows });
export const scope = { name: 'speed', title: 'speed', options: {}, seconds: () => 1, run: async (context: { windows: number }) => ({
  ...at, method: [], metrics: [metric('time', [{ value: MICROS }]), metric('constant', [{ value: 7 }]), metric('windows', [{ value: context.windows }])],
}) };`,
  );
  execFileSync('git', ['init', '--quiet', folder]);
  state('1.0.0', 10);
  state('1.1.0', 8);
  mkdirSync(join(folder, 'node_modules'));
  return folder;
}

test('--against checks out and builds the other commit, takes turns, and says what the pairs say', async () => {
  const folder = repository();
  const out = join(folder, 'out');
  const budgets = join(root, 'budgets.json');
  writeFileSync(budgets, JSON.stringify([{ kind: 'guard', scope: 'speed', metric: 'speed.time', limit: 9, source: 'a test' }]));
  const child = spawn(process.execPath, [...process.execArgv, SUITE, budgets, out, 'speed', '--against', 'HEAD~1'], {
    env: { ...process.env, BENCH_ROOT: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes;
  });
  assert.deepEqual(await once(child, 'close'), [0, null], stderr);
  assert.match(stderr, /installing the dependencies of [0-9a-f]{12}: its package-lock\.json differs/);
  assert.match(stdout, /Better: 1, worse: 0, noise: 2\./);
  assert.match(stdout, /↑ speed\.time: 20 % better, 5 of 5/);
  assert.match(stdout, /✓ speed\.time {2}8\.00 µs \(guard ≤ 9 µs\)/);
  const { against, scopes } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as RunResult;
  assert.deepEqual(
    against?.scopes[0].metrics[0].windows.map(({ value }) => value),
    [10, 10, 10, 10, 10],
  );
  assert.deepEqual(
    scopes[0].metrics.map(({ windows: [{ value }] }) => value),
    [8, 7, 1],
  );
  const [checkout] = readdirSync(join(out, '.against'));
  assert.equal(checkout, against?.commit);
  assert.ok(readdirSync(join(out, '.against', checkout)).includes('dist'), 'it is built');
  assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /<li class="good">speed\.time: 20 % better, 5 of 5/);
});
