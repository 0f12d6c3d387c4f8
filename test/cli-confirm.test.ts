/** The question before an action that is hard to undo: at a terminal, and without one. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DemoExchange } from './support/demo-exchange.ts';
import { CLI, openbell } from './support/exchange-process.ts';

const PYTHON = fileURLToPath(new URL('support/terminal.py', import.meta.url));
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;
const skip = hasPython || process.env.OPENBELL_CI !== undefined ? false : 'SKIPPED: no python3, which opens a terminal here';

const demo = new DemoExchange();
const config = mkdtempSync(join(tmpdir(), 'openbell-confirm-'));
const env = { XDG_CONFIG_HOME: config };
let flags: string[];
before(async () => {
  await demo.start();
  const { grpc, ws, http } = demo.ports;
  flags = ['--grpc-port', `${grpc}`, '--ws-port', `${ws}`, '--http-port', `${http}`];
  assert.equal((await openbell(['context', 'add', 'careful', ...flags, '--guard'], env)).code, 0);
});
after(async () => {
  await demo.stop();
  rmSync(config, { recursive: true, force: true });
});

async function phaseOf(symbol: string): Promise<string> {
  return (await demo.get(`/v1/symbols/${symbol}`)).phase;
}

/** Types an answer at the question. */
async function answered(typed: string, ...args: string[]): Promise<{ code: number; shown: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; shown: string }>();
  const terminal = spawn('python3', [PYTHON, '? [y/N]', JSON.stringify(typed), process.execPath, CLI, ...args], {
    env: { ...process.env, ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  terminal.stdout.on('data', (bytes: Buffer) => {
    text += bytes;
  });
  terminal.once('close', () => resolve(JSON.parse(text)));
  return promise;
}

const ANSWERS: readonly [what: string, typed: string, goesOn: boolean][] = [
  ['y', 'y\r', true],
  ['Yes', 'Yes\r', true],
  ['n', 'n\r', false],
  ['nothing', '\r', false],
  ['another word', 'yep\r', false],
  ['Ctrl-C', '\x03', false],
  ['Ctrl-D', '\x04', false],
];

for (const [what, typed, goesOn] of ANSWERS)
  test(`at a terminal: ${what}`, { skip, timeout: 120_000 }, async () => {
    assert.equal((await demo.ask('/v1/phases', { symbols: 'all', phase: 'continuous' })).status, 200);
    const { code, shown } = await answered(typed, 'halt', '--all', ...flags);
    assert.match(shown, /halt all symbols\? \[y\/N\]/);
    assert.equal(await phaseOf('ETH-USD'), goesOn ? 'halted' : 'continuous');
    if (goesOn) assert.deepEqual([code, /halted: 4 symbols/.test(shown)], [0, true], shown);
    // On a line of its own.
    else assert.deepEqual([code, /\nopenbell: NOT_CONFIRMED: nothing was done\r?\n$/.test(shown)], [1, true], shown);
    assert.doesNotMatch(shown, /ABORT_ERR| at /);
  });

test('at a terminal: in a guarded context every action asks, and --yes answers beforehand', { skip, timeout: 120_000 }, async () => {
  assert.equal((await demo.ask('/v1/phases', { symbols: 'all', phase: 'continuous' })).status, 200);
  const order = ['order', 'buy', '0.1', 'BTC-USD', '100.00', '--context', 'careful'];
  const no = await answered('n\r', ...order);
  assert.match(no.shown, /send this for account 1 \(context careful is guarded\)\? \[y\/N\]/);
  assert.deepEqual([no.code, (await demo.openbell('account', '1', '--orders')).stdout], [1, 'no orders\n']);
  const yes = await answered('', ...order, '--yes');
  assert.deepEqual([yes.code, /\[y\/N\]/.test(yes.shown), /accepted/.test(yes.shown)], [0, false, true], yes.shown);
});

test('without a terminal, a guarded context names the command', async () => {
  const text = (...args: string[]) => openbell([...args, ...flags, '--context', 'careful'], env).then(({ stderr }) => stderr);
  assert.match(
    await text('halt', 'BTC-USD'),
    /^openbell: NOT_CONFIRMED: halt BTC-USD \(context careful is guarded\): there is no terminal/,
  );
  const phase = await text('phase', 'auction', 'BTC-USD', '--sub-phase', 'opening-auction');
  assert.match(phase, /: phase auction BTC-USD --sub-phase opening-auction \(context careful is guarded\): /);
});

const UNATTENDED: readonly (readonly string[])[] = [
  ['halt', '--all'],
  ['cancel-all', '--account', '1'],
  ['cancel-all', '--venue'],
  ['sessions', 'end', 'orders-1'],
  ['deposit', '1', '1.00', 'USD', '--context', 'careful'],
  ['kill-switch', 'on', '--venue', '--context', 'careful'],
];
for (const args of UNATTENDED)
  test(`without a terminal: openbell ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await openbell([...args, ...flags, '--json'], env);
    assert.deepEqual([code, JSON.parse(stdout).error.code], [2, 'NOT_CONFIRMED'], stderr);
    assert.match(stderr, /there is no terminal for a question; to go on without one, give --yes/);
  });
