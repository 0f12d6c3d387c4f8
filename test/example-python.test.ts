/** docs/examples/python: the bot with a running exchange, over a cut of its connections and a restart of the exchange. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXAMPLES, ExampleProcess } from './support/example.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';

const DIR = join(EXAMPLES, 'python');
const PYTHON = join(import.meta.dirname, '..', '.venv', 'bin', 'python');
const skip =
  spawnSync(PYTHON, ['-c', 'import httpx, websockets']).status === 0 || process.env.OPENBELL_CI === '1'
    ? false
    : 'SKIPPED: no httpx and websockets: python3 -m venv .venv && .venv/bin/pip install -r docs/examples/python/requirements.txt';

test('the bot trades, misses no fill over a cut and a restart, closes its position, and ends by itself', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'openbell-python-'));
  t.after(() => rmSync(data, { recursive: true, force: true, maxRetries: 3 }));
  const exchange = await ExchangeProcess.start(data, ['--simulate'], t.signal);
  t.after(() => exchange.end('SIGKILL'));
  const { ws, http } = exchange.ports;
  const proxy = await FlakyProxy.start(ws);
  t.after(() => proxy.stop());
  const env = {
    HTTP_PORT: String(http),
    WS_PORT: String(proxy.port),
    DISTANCE: '0.5',
    TRADES: '6',
    SECONDS: '200',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const bot = new ExampleProcess(t, DIR, `${PYTHON} bot.py`, env);
  await bot.says(/^trading BTC-USD for account 2, fee 0\.0500%$/m);
  await bot.says(/^(bought|sold) 0\.0100 at /m);
  proxy.cut();
  await bot.says(/^session lost after report \d+: /m);
  await bot.says(/^market data lost: /m);
  await exchange.end('SIGKILL');
  await bot.says(/^no session: /m);
  const next = await ExchangeProcess.start(data, ['--simulate'], t.signal);
  t.after(() => next.end('SIGKILL'));
  proxy.target = next.ports.ws;
  const [, count] = await bot.says(/^stopped: (\d+) fills, position 0\.0000, fees /m);
  assert.equal(await bot.ended, 0, bot.output);
  assert.ok(Number(count) >= 6, bot.output);

  const ask = async <Answer>(path: string): Promise<Answer> => {
    const answer = await fetch(`http://127.0.0.1:${next.ports.http}${path}`);
    assert.equal(answer.status, 200);
    return (await answer.json()) as Answer;
  };

  const { fills } = await ask<{ readonly fills: readonly unknown[] }>('/v1/fills?account=2');
  assert.equal(fills.length, Number(count), bot.output);
  assert.deepEqual((await ask<{ readonly orders: unknown }>('/v1/orders?account=2')).orders, []);
  const { balances } = await ask<{ readonly balances: readonly { readonly asset: string; readonly available: string }[] }>(
    '/v1/account?account=2',
  );
  assert.equal(balances.find(({ asset }) => asset === 'BTC')?.available, '1000.00000000');
});
