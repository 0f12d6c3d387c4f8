/** Pegged orders through the client, HTTP and the command line. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PlaceOrder } from '../gateway/client/index.ts';

import { demoExchange } from './support/demo-exchange.ts';

for (const topology of ['compact', 'pinned'] as const) {
  describe(`pegged orders, ${topology}`, { timeout: 300_000 }, () => {
    const venue = demoExchange(topology);
    const symbol = 'BTC-USD';

    async function shown(): Promise<unknown[]> {
      const { orders } = (await venue.get('/v1/accounts/1/open-orders')) as { orders: Record<string, unknown>[] };
      return orders.map((o) => [o.status, o.price, o.peg, o.pegOffset, o.limitPrice, o.parked]);
    }

    it('client and HTTP: reports and orders have the present price', async () => {
      const base = { symbol, side: 'buy', quantity: '0.1' } as const;
      const terms: Partial<PlaceOrder>[] = [
        { price: '50500.00', peg: 'primary', pegOffset: '0.50' },
        { price: '50500.00', peg: 'primary', pegOffset: -0.25, postOnly: true },
        { price: '50002.00', peg: 'midpoint', expires: new Date(Date.now() + 3_600_000) },
        { price: '50500.00', peg: 'market', pegOffset: '1.00' },
      ];
      const parked = await venue.client.orders.place({ ...base, ...terms[0] });
      assert.deepEqual([parked.kind, parked.price, parked.pegged], ['accepted', '0.00', true]);
      await venue.client.orders.cancel({ symbol, orderId: parked.orderId });
      await venue.client.orders.place({ symbol, side: 'buy', quantity: '0.1', price: '50000.00' });
      await venue.client.orders.place({ symbol, side: 'sell', quantity: '0.1', price: '50010.00' });
      const prices: string[] = [];
      for (const each of terms) {
        const report = await venue.client.orders.place({ ...base, ...each });
        assert.equal(report.kind, 'accepted', report.code);
        prices.push(report.price);
      }
      assert.deepEqual(prices, ['49999.50', '50000.25', '50002.00', '50009.00']);
      const rejected = await venue.client.orders.place({ ...base, price: '50500.00', peg: 'market' });
      assert.equal(rejected.code, 'PEG_OFFSET');
      const { orderId } = await venue.client.orders.place({ symbol, side: 'buy', quantity: '0.1', price: '50001.00' });
      assert.deepEqual(await shown(), [
        ['open', '50000.00', undefined, undefined, undefined, undefined],
        ['open', '50010.00', undefined, undefined, undefined, undefined],
        ['open', '50000.50', 'primary', '0.50', '50500.00', undefined],
        ['open', '50001.25', 'primary', '-0.25', '50500.00', undefined],
        ['open', '50002.00', 'midpoint', '0.00', '50002.00', undefined],
        ['open', '50009.00', 'market', '1.00', '50500.00', undefined],
        ['open', '50001.00', undefined, undefined, undefined, undefined],
      ]);
      await venue.client.orders.cancel({ symbol, orderId });
      await venue.client.orders.cancelAll();
    });

    it('client: terms of a pegged order and of others do not mix', async () => {
      const base = { symbol, side: 'sell', quantity: '0.1', price: '50000.00', peg: 'primary' } as const;
      const wrong: [PlaceOrder, string, RegExp][] = [
        [{ ...base, peg: 'last' as 'market' }, 'BAD_ENUM', /there is no peg last/],
        [{ symbol, side: 'sell', quantity: '0.1', price: '5', pegOffset: '1' }, 'BAD_RANGE', /a pegOffset is for pegged orders/],
        [{ symbol, side: 'sell', quantity: '0.1', type: 'limit', peg: 'market' }, 'BAD_RANGE', /a limit gtc pegged order needs a price/],
        [{ ...base, hidden: true }, 'ILLEGAL_COMBINATION', /^hidden and pegged /],
        [{ ...base, timeInForce: 'ioc' }, 'ILLEGAL_COMBINATION', /^ioc and pegged /],
        [{ ...base, displayedQuantity: '0.1' }, 'ILLEGAL_COMBINATION', /^iceberg and pegged /],
        [{ ...base, stopPrice: '5' }, 'ILLEGAL_COMBINATION', /^stop-limit and pegged /],
      ];
      for (const [order, code, message] of wrong)
        await assert.rejects(venue.client.orders.place(order), { code, message }, JSON.stringify(order));
      await assert.rejects(venue.client.orders.place({ ...base, pegOffset: '--1' }), /number/);
    });

    if (topology === 'pinned') return;
    it('command line: places, shows, amends and explains one', async () => {
      const parked = await venue.openbell('order', 'buy', '0.2', symbol, '51000.00', '--peg', 'primary', '--peg-offset', '0.50');
      const id = /^accepted {2}order (\d+): buy 0.2000 BTC-USD, pegged, parked\n$/.exec(parked.stdout)?.[1];
      assert.ok(id, parked.stdout + parked.stderr);
      const status = /BTC-USD +buy +- +0.2000 +0.0000 +\S+ +pending, parked, pegged to primary, offset 0.50, limit 51000.00\n/;
      assert.match((await venue.openbell('account', '1')).stdout, status);
      const outside = await venue.openbell('order', 'explain', id);
      assert.match(
        outside.stdout,
        /, pending\n[\s\S]*buy 0.2000 BTC-USD, pegged, parked, gtc[\s\S]*is parked outside the book with 0.2000 open/,
      );
      await venue.openbell('order', 'buy', '0.1', symbol, '50000.00');
      assert.match(
        (await venue.openbell('account', '1')).stdout,
        / 49999.50 +0.2000 +0.0000 +\S+ +open, pegged to primary, offset 0.50, limit 51000.00\n/,
      );
      const amended = await venue.openbell('amend', symbol, id, '0.1', '49000.00');
      assert.equal(amended.stdout, `amended   order ${id}: open 0.1000 at 49000.00, pegged, priority lost\n`);
      const explained = await venue.openbell('order', 'explain', id);
      assert.match(
        explained.stdout,
        /rests at 49000.00 with 0.1000 open[^\n]*\npegged to primary, offset 0.50, limit 49000.00\n[\s\S]*1 level,/,
      );
      const towards = await venue.openbell(
        'order',
        'buy',
        '0.1',
        symbol,
        '51000.00',
        '--peg',
        'primary',
        '--peg-offset',
        '-0.25',
        '--json',
      );
      assert.equal(JSON.parse(towards.stdout).price, '50000.25');
      const wrong = await venue.openbell('order', 'buy', '0.1', symbol, '51000.00', '--peg', 'primary', '--peg-offset', 'x');
      assert.deepEqual([wrong.code, /Give a distance/.test(wrong.stderr)], [2, true]);
      await venue.openbell('cancel', symbol, id);
      assert.match((await venue.openbell('account', '1', '--orders')).stdout, new RegExp(`${id} .* 49000.00 .*cancelled`));
    });
  });
}
