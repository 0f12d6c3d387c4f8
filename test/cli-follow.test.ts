import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '../gateway/client/index.ts';
import { ExchangeProcess, openbellLines, openbellUntil } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-follow-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('trades --follow shows past and new trades, each once', async (t) => {
  const config = join(base, 'busy.yaml');
  const example = readFileSync(new URL('../docs/openbell.example.yaml', import.meta.url), 'utf8');
  writeFileSync(config, example.replace('rate: 500', 'rate: 5000'));
  const exchange = await ExchangeProcess.start(join(base, 'data'), ['--simulate', '--config', config]);
  t.after(() => exchange.end('SIGKILL'));
  const lines = await openbellUntil(['trades', 'BTC-USD', '--follow', '--json', '--limit', '5', ...exchange.flags], (count) => count >= 50);
  const ids = lines.map((line) => JSON.parse(line).tradeId as number);
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
  const idOf = (line: string): number => JSON.parse(line).tradeId;
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
