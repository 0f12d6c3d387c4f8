import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '../gateway/client/index.ts';
import { ExchangeProcess, openbell, openbellLines } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-cli-candles-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('candles --follow shows each candle when it has closed, also those that closed without a connection', async (t) => {
  const exchange = await ExchangeProcess.start(join(base, 'candles'));
  t.after(() => exchange.end('SIGKILL'));
  const proxy = await FlakyProxy.start(exchange.ports.ws);
  t.after(() => proxy.stop());
  const { grpc: grpcPort, http: httpPort } = exchange.ports;
  const client = await connect({ grpcPort, httpPort, account: 1 });
  t.after(() => client.close());
  let trades = 0;
  const trade = async (): Promise<void> => {
    trades++;
    for (const side of ['sell', 'buy'] as const)
      await client.orders.place({ symbol: 'BTC-USD', side, price: '59000.00', quantity: '0.01', timeInForce: 'gtc' });
  };
  const flags = [...exchange.flags, '--ws-port', String(proxy.port)];
  await trade();
  const follow = openbellLines(['candles', 'BTC-USD', '--interval', '1s', '--follow', '--json', ...flags]);
  t.after(() => follow.child.kill('SIGKILL'));
  const shown: { lastTradeId: string; firstTradeId: string; closed: boolean; close: string }[] = [];
  /** Reads lines until the candle of a trade. */
  const upTo = async (tradeId: number): Promise<void> => {
    while (Number(shown.at(-1)?.lastTradeId ?? 0) < tradeId) shown.push(JSON.parse(await follow.next()));
  };
  await upTo(trades);
  await trade();
  await upTo(trades);
  proxy.refuse = true;
  proxy.cut();
  await follow.said(/connecting again/);
  await trade();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await trade();
  proxy.refuse = false;
  await upTo(trades);
  assert.ok(shown.every(({ closed, close }) => closed && close === '59000.00'));
  assert.deepEqual(
    shown.map(({ firstTradeId }) => Number(firstTradeId)),
    [1, ...shown.slice(0, -1).map(({ lastTradeId }) => Number(lastTradeId) + 1)],
    'each once, none is missing',
  );
  const { stdout, code } = await openbell(['candles', 'BTC-USD', '--interval', '1d', ...exchange.flags]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^start +open +high +low +close +volume +average +trades\n\S+Z +59000\.00 +59000\.00 +59000\.00 +59000\.00 +\S+ +59000\.000000 +\d+ +forming/,
  );
});
