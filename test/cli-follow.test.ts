import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '../gateway/client/index.ts';
import { ExchangeProcess, openbell, openbellLines, openbellUntil } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-follow-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('trades --follow shows past and new trades, each once', async (t) => {
  const config = join(base, 'busy.yaml');
  const example = readFileSync(new URL('../docs/openbell.example.yaml', import.meta.url), 'utf8');
  writeFileSync(config, example.replace('rate: 500', 'rate: 1500'));
  const exchange = await ExchangeProcess.start(join(base, 'data'), ['--simulate', '--config', config]);
  t.after(() => exchange.end('SIGKILL'));
  const lines = await openbellUntil(['trades', 'BTC-USD', '--follow', '--json', '--limit', '5', ...exchange.flags], (count) => count >= 50);
  const ids = lines.map((line) => Number(JSON.parse(line).tradeId));
  assert.deepEqual(
    ids,
    ids.map((_, i) => ids[0] + i),
  );
  assert.equal(await exchange.end('SIGTERM'), 0);
});

test('trades --follow shows what was traded without a connection as soon as it is back', async (t) => {
  const exchange = await ExchangeProcess.start(join(base, 'quiet'));
  t.after(() => exchange.end('SIGKILL'));
  const proxy = await FlakyProxy.start(exchange.ports.ws);
  t.after(() => proxy.stop());
  const { grpc: grpcPort, http: httpPort } = exchange.ports;
  const client = await connect({ grpcPort, httpPort, account: 1 });
  t.after(() => client.close());
  const trade = async (): Promise<void> => {
    for (const side of ['sell', 'buy'] as const)
      await client.orders.place({ symbol: 'BTC-USD', side, price: '59000.00', quantity: '0.01', timeInForce: 'gtc' });
  };
  const flags = [...exchange.flags, '--ws-port', String(proxy.port)];
  const follow = openbellLines(['trades', 'BTC-USD', '--follow', '--json', ...flags]);
  t.after(() => follow.child.kill('SIGKILL'));
  const idOf = (line: string): number => Number(JSON.parse(line).tradeId);
  await trade();
  assert.equal(idOf(await follow.next()), 1, 'from the history, or as it happened');
  await trade();
  assert.equal(idOf(await follow.next()), 2, 'so the stream is open');
  proxy.refuse = true;
  proxy.cut();
  await follow.said(/connecting again/);
  for (let i = 0; i < 3; i++) await trade();
  proxy.refuse = false;
  assert.deepEqual([idOf(await follow.next()), idOf(await follow.next()), idOf(await follow.next())], [3, 4, 5]);
  await trade();
  assert.equal(idOf(await follow.next()), 6);
  follow.child.kill('SIGINT');
  assert.equal(await follow.ended, 0);
});

test('drop-copy follows accounts, as JSON and as text, and ends with 0', async (t) => {
  const exchange = await ExchangeProcess.start(join(base, 'copied'));
  t.after(() => exchange.end('SIGKILL'));
  const { grpc: grpcPort, http: httpPort } = exchange.ports;
  const client = await connect({ grpcPort, httpPort, account: 1 });
  t.after(() => client.close());
  const cancelled = async (): Promise<number> => {
    const { orderId } = await client.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '100.00', quantity: '0.1' });
    return (await client.orders.cancel({ symbol: 'BTC-USD', orderId })).reportNo;
  };
  const last = await cancelled();
  const follow = openbellLines(['drop-copy', '--account', '2', '--from', `1:${last - 1}`, '--json', ...exchange.flags]);
  t.after(() => follow.child.kill('SIGKILL'));
  const next = async (): Promise<number[]> => {
    const { account, reportNo } = JSON.parse(await follow.next());
    return [account, reportNo];
  };
  assert.deepEqual(
    [await next(), await next()],
    [
      [1, last - 1],
      [1, last],
    ],
  );
  await cancelled();
  assert.deepEqual(await next(), [1, last + 1]);
  follow.child.kill('SIGINT');
  assert.equal(await follow.ended, 0);
  const text = openbellLines(['drop-copy', '--from', `1:${last}`, ...exchange.flags]);
  t.after(() => text.child.kill('SIGKILL'));
  assert.match(await text.next(), new RegExp(`^1 #${last} cancelled order \\d+: 0\\.1`));
  text.child.kill('SIGTERM');
  assert.equal(await text.ended, 0);
  for (const args of [[], ['--from', '1'], ['--from', '1:0'], ['--account', '0']]) {
    const { code, stderr } = await openbell(['drop-copy', ...args, ...exchange.flags]);
    assert.equal(code, 2, stderr);
  }
  const unknown = await openbell(['drop-copy', '--account', '4711', ...exchange.flags]);
  assert.deepEqual([unknown.code, /UNKNOWN_ACCOUNT/.test(unknown.stderr)], [1, true]);
});
