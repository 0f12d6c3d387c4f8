/** docs/examples/backtest: its quotes as a table, and the program with the shipped market and a recorded day. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { othersBest, pricesFor } from '../docs/examples/backtest/strategy.ts';
import { EXAMPLES } from './support/example.ts';
import { LONG_RUNS } from './support/long-runs.ts';
import { missing, sharedData } from './support/shared-data.ts';

const ROOT = join(import.meta.dirname, '..');
const SETTINGS = { size: 10, maxPosition: 30 };

const ROWS: readonly (readonly [best: [number, number], position: number, prices: [number, number]])[] = [
  [[100, 110], 0, [101, 109]],
  [[100, 102], 0, [100, 102]],
  [[100, 110], 21, [0, 109]],
  [[100, 110], -21, [101, 0]],
  [[0, 110], 0, [0, 110]],
  [[100, 0], 0, [100, 0]],
];
for (const [[bid, ask], position, prices] of ROWS)
  test(`best ${bid} / ${ask}, position ${position}: ${prices.join(' / ')}`, () => {
    const found = pricesFor({ bid, ask }, position, SETTINGS);
    assert.deepEqual([found.bid, found.ask], prices);
  });

test('the best price of others leaves out an own order that stands alone', () => {
  const levels = [
    { priceTicks: 100, quantityLots: 10 },
    { priceTicks: 99, quantityLots: 7 },
  ];
  assert.equal(othersBest(levels, { priceTicks: 100, lots: 10 }), 99);
  assert.equal(othersBest(levels, { priceTicks: 100, lots: 4 }), 100);
  assert.equal(othersBest([], { priceTicks: 0, lots: 0 }), 0);
});

test('it compiles, trades in the recorded market, and has the same result each time', { timeout: 300_000 }, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-backtest-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  cpSync(join(EXAMPLES, 'backtest'), dir, { recursive: true, filter: (path) => !path.includes('node_modules') });
  // What `npm install` would give it: the package as it is built, and its dependencies.
  const modules = join(dir, 'node_modules');
  mkdirSync(modules);
  symlinkSync(ROOT, join(modules, 'openbell'));
  symlinkSync(join(ROOT, 'node_modules', '@types'), join(modules, '@types'));
  writeFileSync(
    join(dir, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: 'es2024',
        module: 'nodenext',
        lib: ['es2024'],
        types: ['node'],
        allowImportingTsExtensions: true,
        erasableSyntaxOnly: true,
      },
      files: ['backtest.ts'],
    }),
  );
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: dir, stdio: 'inherit' });
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, ['backtest.ts', ...args], { cwd: dir, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
  const first = run();
  const [, fills] = /^\d+ changes of the market, (\d+) own fills, position -?[\d.]+, last price [\d.]+$/m.exec(first) ?? [];
  assert.ok(Number(fills) > 0, first);
  assert.equal(first.match(/^[\d:.]+ (bought|sold) [\d.]+ at [\d.]+, fee [\d.]+$/gm)?.length, Number(fills));
  assert.match(first, /^profit -?[\d.]+, fees included\nstate [0-9a-f]{64}$/m);
  assert.equal(run(), first);
  const day = sharedData('sse', '605580.orders.csv.gz');
  if (!LONG_RUNS || missing(day) !== false) return;
  assert.match(run(day), /^\d+ changes of the market, [1-9]\d* own fills/m);
});
