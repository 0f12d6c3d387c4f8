/** Stops through the client, HTTP and the command line. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { codeText } from '../engine/code-texts.ts';
import { Code } from '../engine/codes.ts';
import type { ReportView } from '../gateway/client/index.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

describe('stops', { timeout: 300_000 }, () => {
  const venue = demoExchange();
  const reports: ReportView[] = [];

  before(async () => {
    venue.client.orders.on('report', (report) => reports.push(report));
    for (const side of ['sell', 'buy'] as const)
      await venue.client.orders.place({
        symbol: 'BTC-USD',
        side,
        quantity: '0.5',
        price: '50000.00',
        timeInForce: side === 'sell' ? 'gtc' : 'ioc',
      });
  });

  const get = (path: string): Promise<{ orders: Record<string, unknown>[]; status?: string; steps: { step: string; text: string }[] }> =>
    venue.get(path);

  it('client: wait, are amended, and trigger; HTTP shows them', async () => {
    const stop = await venue.client.orders.place({
      symbol: 'BTC-USD',
      side: 'buy',
      quantity: '0.5',
      stopPrice: '50100.00',
      trigger: 'reference',
    });
    assert.deepEqual(
      [stop.kind, stop.stopPrice, stop.stopPriceTicks, stop.trigger, stop.filled],
      ['accepted', '50100.00', 5_010_000, 'reference', '0.0000'],
    );
    const { orderId } = stop;
    const amended = await venue.client.orders.amend({ symbol: 'BTC-USD', orderId, quantity: '0.4', stopPrice: '50050.00' });
    assert.deepEqual([amended.kind, amended.stopPrice, amended.leaves, amended.keptPriority], ['amended', '50050.00', '0.4000', false]);
    const { orders } = await get('/v1/accounts/1/open-orders');
    const shown = orders.map(({ status, stopPrice, trigger, filled, priceTicks }) => ({ status, stopPrice, trigger, filled, priceTicks }));
    assert.deepEqual(shown, [{ status: 'pending', stopPrice: '50050.00', trigger: 'reference', filled: '0.0000', priceTicks: 0 }]);
    const life = await get(`/v1/accounts/1/orders/${orderId}`);
    const past = async (): Promise<unknown[]> =>
      (await get('/v1/accounts/1/orders')).orders
        .filter((order) => order.orderId === orderId)
        .map((o) => [o.status, o.stopPrice, o.trigger]);
    assert.deepEqual(await past(), [['pending', '50050.00', 'reference']]);
    assert.equal(life.status, 'pending');
    assert.deepEqual(life.steps.at(-1)?.text, 'to 0.4000 open at market, stop 50050.00 (reference price), priority lost');
    await venue.client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '1', price: '50060.00' });
    await venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price: '50060.00' });
    const kinds = (): string[] => reports.filter((report) => report.orderId === orderId).map(({ kind }) => kind);
    await until(() => kinds().includes('fill'), 'the stop trades');
    assert.deepEqual(kinds(), ['accepted', 'amended', 'triggered', 'fill']);
    await get(`/v1/accounts/1/orders/${orderId}`);
    assert.deepEqual(await past(), [['filled', undefined, undefined]]);
    await assert.rejects(venue.client.orders.amend({ symbol: 'BTC-USD', orderId, quantity: '0.4' }), {
      code: 'BAD_RANGE',
      message: /an amend names a price/,
    });
  });

  it('client and command line: stops that become icebergs or hidden', async () => {
    const terms = { symbol: 'BTC-USD', side: 'sell', quantity: '0.5', price: '48000.00', stopPrice: '48100.00' } as const;
    const iceberg = await venue.client.orders.place({ ...terms, displayedQuantity: '0.1' });
    const hidden = await venue.client.orders.place({ ...terms, hidden: true });
    assert.deepEqual([iceberg.kind, hidden.kind], ['accepted', 'accepted']);
    const amended = await venue.client.orders.amend({
      ...{ symbol: 'BTC-USD', orderId: iceberg.orderId, quantity: '0.5', price: '48000.00' },
      displayedQuantity: '0.2',
    });
    assert.deepEqual([amended.kind, amended.stopPrice, amended.keptPriority], ['amended', '48100.00', true]);
    const { orders } = await get('/v1/accounts/1/open-orders');
    const shown = orders.filter(({ orderId }) => orderId === iceberg.orderId || orderId === hidden.orderId);
    assert.deepEqual(
      shown.map((o) => [o.status, o.displayedQuantity, o.publicOrderId, o.hidden]),
      [
        ['pending', '0.2000', undefined, undefined],
        ['pending', undefined, undefined, true],
      ],
    );
    const account = (await venue.openbell('account', '1')).stdout;
    assert.match(account, /pending, stop 48100\.00 \(last trade\), iceberg, displays 0\.2000 at a time/);
    assert.match(account, /pending, stop 48100\.00 \(last trade\), hidden/);
    for (const { orderId } of [iceberg, hidden]) await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId });
    const placed = await venue.openbell('order', 'sell', '0.5', 'BTC-USD', '48000.00', '--stop', '48100.00', '--display', '0.1');
    assert.match(placed.stdout, /^accepted .* at 48000\.00, stop 48100\.00 \(last trade\)\n$/);
    await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: Number(/order (\d+)/.exec(placed.stdout)?.[1]) });
  });

  it('command line: places, shows, amends and explains one', async () => {
    const placed = await venue.openbell(
      'order',
      'sell',
      '0.2',
      'BTC-USD',
      '49900.00',
      '--stop',
      '49950.00',
      '--trigger',
      'last',
      '--tif',
      'day',
    );
    assert.deepEqual([placed.code, placed.stdout], [1, `rejected  NO_SESSION (312): ${codeText(Code.NO_SESSION)}\n`]);
    const sell = await venue.openbell('order', 'sell', '0.2', 'BTC-USD', '49900.00', '--stop', '49950.00', '--post-only');
    const id =
      /^accepted {2}order (\d+): sell 0.2000 BTC-USD at 49900.00, stop 49950.00 \(last trade\)\n$/.exec(sell.stdout)?.[1] ??
      sell.stdout + sell.stderr;
    assert.match((await venue.openbell('account', '1')).stdout, / 49900.00 +0.2000 +0.0000 +\S+ +pending, stop 49950.00 \(last trade\)/);
    const amended = await venue.openbell('amend', 'BTC-USD', id, '0.1', '49910.00', '--stop', '49940.00');
    assert.equal(amended.stdout, `amended   order ${id}: open 0.1000 at 49910.00, stop 49940.00 (last trade), priority lost\n`);
    assert.match(
      (await venue.openbell('order', 'explain', id)).stdout,
      /pending[\s\S]*to 0.1000 open at 49910.00, stop 49940.00 \(last trade\), priority lost/,
    );
    assert.match(
      (await venue.openbell('order', 'explain', id)).stdout,
      /\nwaits outside the book for its trigger with 0.1000 open; the symbol is in phase continuous\ntriggers when the last trade is at 49940.00 or below; it is [\d.]+ now\nthen becomes a limit order at 49910.00\nreserves 0.10+ BTC/,
    );
    assert.equal((await venue.openbell('cancel', 'BTC-USD', id)).code, 0);
    const now = await venue.openbell('order', 'buy', '0.1', 'BTC-USD', '--stop', '50000.00', '--trigger-now');
    assert.match(
      now.stdout,
      /^accepted .*, stop 50000.00 \(last trade\)\ntriggered order \d+: buy 0.1000 BTC-USD at market, stop 50000.00 \(last trade\)\nfill /,
    );
    const late = await venue.openbell('order', 'buy', '0.1', 'BTC-USD', '--stop', '50000.00');
    assert.deepEqual([late.code, late.stdout], [1, `rejected  STOP_WOULD_TRIGGER (411): ${codeText(Code.STOP_WOULD_TRIGGER)}\n`]);
    assert.match((await venue.openbell('amend', 'BTC-USD', id, '0.1')).stderr, /amend needs a price, or --stop/);
    const wrong: [args: string[], text: RegExp][] = [
      [['59000.00', '--activation', '1'], /: --trail, --activation and --limit-offset are for trailing stops, not limit\n/],
      [['59000.00', '--trail', '5'], /: a trailing-stop order has no price and no --stop: they follow\n/],
      [['59000.00', '--trigger', 'reference'], /: --trigger is for stops\n/],
      [['59000.00', '--expires', '5m', '--tif', 'gtc'], /: --expires is for --tif gtd, not gtc\n/],
      [['59000.00', '--tif', 'gtd'], /: --tif gtd needs --expires\n/],
    ];
    for (const [args, text] of wrong) assert.match((await venue.openbell('order', 'buy', '0.1', 'BTC-USD', ...args)).stderr, text);
  });
});
