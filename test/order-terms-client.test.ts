/** Terms of orders through the client and the command line: post-only with reprice; all-or-none is refused. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { codeText } from '../engine/code-texts.ts';
import { Code } from '../engine/codes.ts';
import { connect, type OpenbellClient } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { openbell } from './support/exchange-process.ts';

describe('terms of orders', { timeout: 120_000 }, () => {
  const data = mkdtempSync(join(tmpdir(), 'openbell-terms-'));
  let exchange: RunningExchange;
  let client: OpenbellClient;
  let flags: string[];

  before(async () => {
    const ports = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };
    exchange = await startExchange(loadConfig({ flags: { data, ...ports }, env: {} }), { log: createLogger('silent') });
    const { grpc, http, ws } = exchange.ports;
    flags = ['--grpc-port', `${grpc}`, '--ws-port', `${ws}`, '--http-port', `${http}`];
    client = await connect({ grpcPort: grpc, httpPort: http, wsPort: ws, account: 1 });
    await client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', price: '50000.00' });
  });
  after(async () => {
    await client?.close();
    await exchange?.stop();
    rmSync(data, { recursive: true, force: true });
  });

  const run = (...args: string[]) => openbell([...args, ...flags]);

  it('post-only with reprice: the answer has the price that the order got', async () => {
    const order = { symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50010.00', reprice: true } as const;
    const placed = await client.orders.place({ ...order, postOnly: true });
    assert.deepEqual([placed.kind, placed.price, placed.timeInForce], ['accepted', '49999.99', 'post-only']);
    const printed = await run('order', 'buy', '0.1', 'BTC-USD', '50010.00', '--tif', 'post-only', '--reprice');
    assert.match(printed.stdout, /^accepted {2}order \d+: buy 0.1000 BTC-USD at 49999.99\n$/);
    const alone = await run('order', 'buy', '0.1', 'BTC-USD', '50010.00', '--reprice');
    assert.match(alone.stderr, /limit and reprice cannot be combined/);
  });

  it('at the close: waits, and is shown as pending; at the open is over in continuous trading', async () => {
    const order = { symbol: 'BTC-USD', side: 'sell', quantity: '0.5', timeInForce: 'at-the-close' } as const;
    const placed = await client.orders.place({ ...order, type: 'market' });
    assert.deepEqual([placed.kind, placed.timeInForce], ['accepted', 'at-the-close']);
    const get = async (path: string) => (await (await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`)).json()) as never;
    const { orders } = (await get('/v1/accounts/1/open-orders')) as { orders: Record<string, unknown>[] };
    const shown = orders.find(({ orderId }) => orderId === placed.orderId);
    assert.deepEqual([shown?.status, shown?.type, shown?.timeInForce], ['pending', 'market', 'at-the-close']);
    const life = (await get(`/v1/accounts/1/orders/${placed.orderId}`)) as { status: string; steps: unknown[] };
    assert.deepEqual([life.status, life.steps.length], ['pending', 1]);
    const limit = await run('order', 'buy', '0.1', 'BTC-USD', '49000.00', '--tif', 'at-the-close');
    assert.match(limit.stdout, /^accepted {2}order \d+: buy 0.1000 BTC-USD at 49000.00\n$/);
    assert.match((await run('account', '1')).stdout, / 49000.00 +0.1000 +0.0000 +pending, at-the-close/);
    const late = await run('order', 'sell', '0.1', 'BTC-USD', '--tif', 'at-the-open');
    assert.deepEqual([late.code, late.stdout], [1, `rejected  AUCTION_OVER (313): ${codeText(Code.AUCTION_OVER)}\n`]);
    const stop = await run('order', 'sell', '0.1', 'BTC-USD', '--stop', '49000.00', '--tif', 'at-the-close');
    assert.match(stop.stderr, /stop and at-the-close cannot be combined/);
  });

  it('all-or-none is refused wherever it can be asked for', async () => {
    const named = await run('order', 'buy', '0.1', 'BTC-USD', '50010.00', '--tif', 'all-or-none');
    assert.deepEqual([named.code, /Allowed choices are gtc,/.test(named.stderr)], [2, true], named.stderr);
    const flagged = await run('order', 'buy', '0.1', 'BTC-USD', '50010.00', '--all-or-none');
    assert.deepEqual([flagged.code, /unknown option '--all-or-none'/.test(flagged.stderr)], [2, true], flagged.stderr);
  });
});
