/** Trailing stops through the client, HTTP and the command line. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { PlaceOrder } from '../gateway/client/index.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

for (const topology of ['compact', 'pinned'] as const) {
  describe(`trailing stops, ${topology}`, { timeout: 300_000 }, () => {
    const venue = demoExchange(topology);
    const symbol = 'BTC-USD';

    before(async () => {
      await trade('50000.00');
    });

    async function trade(price: string): Promise<void> {
      await venue.client.orders.place({ symbol, side: 'sell', quantity: '0.1', price });
      await venue.client.orders.place({ symbol, side: 'buy', quantity: '0.1', price, timeInForce: 'ioc' });
    }
    async function shown(): Promise<unknown[]> {
      const { orders } = (await venue.get('/v1/accounts/1/open-orders')) as { orders: Record<string, unknown>[] };
      return orders.map((o) => [o.status, o.stopPrice, o.price, o.trailOffset ?? o.trailPpm, o.activationPrice, o.limitOffset]);
    }

    it('client and HTTP: orders have their present stop price and limit', async () => {
      const terms: Partial<PlaceOrder>[] = [
        { trailOffset: '100.00' },
        { trailOffset: '120.00' },
        { trailPpm: 10_000, limitOffset: '5.00' },
        { trailPpm: 10_000, activationPrice: '52000.00', trigger: 'reference' },
      ];
      const ids: number[] = [];
      for (const each of terms) {
        const report = await venue.client.orders.place({ symbol, side: 'sell', quantity: '0.1', ...each });
        assert.equal(report.kind, 'accepted', report.code);
        ids.push(report.orderId);
      }
      await trade('51000.00');
      assert.deepEqual(await shown(), [
        ['pending', '50900.00', '0.00', '100.00', undefined, undefined],
        ['pending', '50880.00', '0.00', '120.00', undefined, undefined],
        ['pending', '50490.00', '50485.00', 10_000, undefined, '5.00'],
        ['pending', '51480.00', '0.00', 10_000, '52000.00', undefined],
      ]);
      const amended = await venue.client.orders.amend({ symbol, orderId: ids[2], quantity: '0.2', limitOffset: '6.00', trailPpm: 20_000 });
      assert.deepEqual([amended.kind, amended.stopPrice, amended.price, amended.keptPriority], ['amended', '49980.00', '49974.00', false]);
      const earlier = await venue.client.orders.amend({ symbol, orderId: ids[3], quantity: '0.1', activationPrice: '51500.00' });
      assert.equal(earlier.stopPrice, '50985.00');
      for (const orderId of ids) await venue.client.orders.cancel({ symbol, orderId });
    });

    it('client, HTTP and command line: an order that asks for it is reported with each change of its stop price', async () => {
      const changes: (string | undefined)[] = [];
      venue.client.orders.on('report', (r) => {
        if (r.kind === 'stop-price-changed') changes.push(r.stopPrice);
      });
      const { orderId } = await venue.client.orders.place({
        symbol,
        side: 'sell',
        quantity: '0.1',
        trailOffset: '100.00',
        reportTrail: true,
      });
      const placed = await venue.openbell('order', 'sell', '0.1', symbol, '--trail', '200.00', '--report-trail');
      assert.match(placed.stdout, /^accepted /);
      for (const price of ['53000.00', '52950.00', '54000.00']) await trade(price);
      await until(() => changes.length === 4, 'the reports');
      assert.deepEqual(changes, ['52900.00', '52800.00', '53900.00', '53800.00']);
      const explained = await venue.openbell('order', 'explain', String(orderId));
      assert.match(explained.stdout, /stop price changed .*sell 0\.1\d* BTC-USD at market, stop 53900\.00 \(last trade\)/);
      const { orders } = (await venue.get('/v1/accounts/1/orders')) as { orders: Record<string, unknown>[] };
      const order = orders.find((each) => each.orderId === orderId);
      assert.deepEqual([order?.status, order?.stopPrice], ['pending', '53900.00']);
      await venue.client.orders.cancelAll();
      await trade('51000.00');
    });

    it('client: terms of a trailing stop and of others do not mix', async () => {
      const base = { symbol, side: 'sell', quantity: '0.1' } as const;
      const wrong: [PlaceOrder, string, RegExp][] = [
        [{ ...base, trailOffset: '1', trailPpm: 1 }, 'BAD_RANGE', /one of them/],
        [{ ...base, type: 'trailing-stop' }, 'BAD_RANGE', /needs a trailOffset or a trailPpm/],
        [{ ...base, trailOffset: '1', stopPrice: '5' }, 'BAD_RANGE', /no price and no stopPrice/],
        [{ ...base, type: 'trailing-stop-limit', trailOffset: '1' }, 'BAD_RANGE', /needs a limitOffset/],
        [{ ...base, type: 'trailing-stop', trailOffset: '1', limitOffset: '1' }, 'BAD_RANGE', /has no limitOffset/],
        [{ ...base, price: '5', activationPrice: '1' }, 'BAD_RANGE', /are for trailing stops, not limit/],
        [{ ...base, trailPpm: 1_000_000 }, 'BAD_RANGE', /a trailPpm is an integer from 1 to 999999/],
        [{ ...base, trailOffset: '0' }, 'BAD_RANGE', /a trailOffset is above 0/],
        [{ ...base, trailOffset: '1', triggerNow: true }, 'ILLEGAL_COMBINATION', /^trailing-stop and trigger-now /],
        [{ ...base, price: '5', trailPpm: 5, type: 'limit' }, 'ILLEGAL_COMBINATION', /^limit and trail-ppm /],
      ];
      for (const [order, code, message] of wrong)
        await assert.rejects(venue.client.orders.place(order), { code, message }, JSON.stringify(order));
      const amend = { symbol, orderId: 1, quantity: '0.1', stopPrice: '5', trailPpm: 5 };
      await assert.rejects(venue.client.orders.amend(amend), { code: 'BAD_RANGE', message: /no stopPrice to amend/ });
    });

    if (topology === 'pinned') return;
    it('command line: places, shows, amends and explains one', async () => {
      const placed = await venue.openbell(
        'order',
        'sell',
        '0.2',
        symbol,
        '--trail',
        '2.5%',
        '--activation',
        '52000.00',
        '--limit-offset',
        '10.00',
      );
      const id = /^accepted {2}order (\d+): sell 0.2000 BTC-USD at 50690.00, stop 50700.00 \(last trade\)\n$/.exec(placed.stdout)?.[1];
      assert.ok(id, placed.stdout + placed.stderr);
      const account = await venue.openbell('account', '1');
      assert.match(
        account.stdout,
        / 50690.00 +0.2000 +0.0000 +\S+ +pending, stop 50700.00 \(last trade\), trailing by 2.5%, activation price 52000.00, limit offset 10.00/,
      );
      await trade('52000.00');
      assert.match(
        (await venue.openbell('account', '1')).stdout,
        / 50690.00 +0.2000 +0.0000 +\S+ +pending, stop 50700.00 \(last trade\), trailing by 2.5%, limit offset 10.00\n/,
      );
      await trade('53000.00');
      assert.match(
        (await venue.openbell('account', '1')).stdout,
        / 51665.00 +0.2000 +0.0000 +\S+ +pending, stop 51675.00 \(last trade\), trailing by 2.5%/,
      );
      const amended = await venue.openbell('amend', symbol, id, '0.1', '--trail', '500.00', '--limit-offset', '10.00');
      assert.equal(amended.stdout, `amended   order ${id}: open 0.1000 at 52490.00, stop 52500.00 (last trade), priority lost\n`);
      assert.match(
        (await venue.openbell('order', 'explain', id)).stdout,
        /pending[\s\S]*to 0.1000 open at 52490.00, stop 52500.00 \(last trade\), priority lost/,
      );
      const late = await venue.openbell('order', 'sell', '0.1', symbol, '--trail', '120%');
      assert.deepEqual([late.code, /below 100%/.test(late.stderr)], [2, true]);
      assert.match((await venue.openbell('amend', symbol, id, '0.1')).stderr, /amend needs a price, or --stop or --trail/);
    });
  });
}
