/** Terms of orders through the client and the command line: post-only with reprice; all-or-none is refused. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { codeText } from '../engine/code-texts.ts';
import { Code } from '../engine/codes.ts';

import { demoExchange } from './support/demo-exchange.ts';

describe('terms of orders', { timeout: 300_000 }, () => {
  const venue = demoExchange();

  before(async () => {
    await venue.client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', price: '50000.00' });
  });

  it('post-only with reprice: the answer has the price that the order got', async () => {
    const order = { symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50010.00', reprice: true } as const;
    const placed = await venue.client.orders.place({ ...order, postOnly: true });
    assert.deepEqual([placed.kind, placed.price, placed.timeInForce], ['accepted', '49999.99', 'post-only']);
    const printed = await venue.openbell('order', 'buy', '0.1', 'BTC-USD', '50010.00', '--tif', 'post-only', '--reprice');
    assert.match(printed.stdout, /^accepted {2}order \d+: buy 0.1000 BTC-USD at 49999.99\n$/);
    const alone = await venue.openbell('order', 'buy', '0.1', 'BTC-USD', '50010.00', '--reprice');
    assert.match(alone.stderr, /limit and reprice cannot be combined/);
  });

  it('at the close: waits, and is shown as pending; at the open is over in continuous trading', async () => {
    const order = { symbol: 'BTC-USD', side: 'sell', quantity: '0.5', timeInForce: 'at-the-close' } as const;
    const placed = await venue.client.orders.place({ ...order, type: 'market' });
    assert.deepEqual([placed.kind, placed.timeInForce], ['accepted', 'at-the-close']);
    const { orders } = (await venue.get('/v1/accounts/1/open-orders')) as { orders: Record<string, unknown>[] };
    const shown = orders.find(({ orderId }) => orderId === placed.orderId);
    assert.deepEqual([shown?.status, shown?.type, shown?.timeInForce], ['pending', 'market', 'at-the-close']);
    const life = (await venue.get(`/v1/accounts/1/orders/${placed.orderId}`)) as { status: string; steps: unknown[] };
    assert.deepEqual([life.status, life.steps.length], ['pending', 1]);
    const limit = await venue.openbell('order', 'buy', '0.1', 'BTC-USD', '49000.00', '--tif', 'at-the-close');
    assert.match(limit.stdout, /^accepted {2}order \d+: buy 0.1000 BTC-USD at 49000.00\n$/);
    assert.match((await venue.openbell('account', '1')).stdout, / 49000.00 +0.1000 +0.0000 +\S+ +pending, at-the-close/);
    const late = await venue.openbell('order', 'sell', '0.1', 'BTC-USD', '--tif', 'at-the-open');
    assert.deepEqual([late.code, late.stdout], [1, `rejected  AUCTION_OVER (313): ${codeText(Code.AUCTION_OVER)}\n`]);
    const stop = await venue.openbell('order', 'sell', '0.1', 'BTC-USD', '--stop', '49000.00', '--tif', 'at-the-close');
    assert.match(stop.stderr, /stop and at-the-close cannot be combined/);
  });

  it('all-or-none is refused wherever it can be asked for', async () => {
    const named = await venue.openbell('order', 'buy', '0.1', 'BTC-USD', '50010.00', '--tif', 'all-or-none');
    assert.deepEqual([named.code, /Allowed choices are gtc,/.test(named.stderr)], [2, true], named.stderr);
    const flagged = await venue.openbell('order', 'buy', '0.1', 'BTC-USD', '50010.00', '--all-or-none');
    assert.deepEqual([flagged.code, /unknown option '--all-or-none'/.test(flagged.stderr)], [2, true], flagged.stderr);
  });
});
