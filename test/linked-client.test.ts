/** Linked orders through the client, HTTP and the command line, with one thread and with several. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { LinkKind } from '../engine/wire/layout.ts';
import { CommandBatch, OrderType, type ReportView, Side, TimeInForce } from '../gateway/client/index.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

for (const topology of ['compact', 'pinned']) {
  describe(`linked orders (${topology})`, { timeout: 300_000 }, () => {
    const venue = demoExchange(topology);
    const reports: ReportView[] = [];

    before(async () => {
      venue.client.orders.on('report', (report) => reports.push(report));
    });

    const linkedOf = async (): Promise<unknown[]> => {
      const { orders } = (await venue.get('/v1/accounts/1/open-orders')) as { orders: { orderId: number; linked?: unknown }[] };
      return orders.map(({ orderId, linked }) => [orderId, linked]);
    };

    it('client: both are accepted, shown with their partner, and one cancels the other', async () => {
      const orders = [{ price: '60000.00' }, { stopPrice: '40000.00' }] as const;
      const [limit, stop] = await venue.client.orders.oco({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', orders });
      assert.deepEqual([limit.kind, limit.price, stop.kind, stop.stopPrice], ['accepted', '60000.00', 'accepted', '40000.00']);
      const [one, other] = [limit.orderId, stop.orderId];
      assert.deepEqual(await linkedOf(), [
        [one, { kind: 'oco', orderId: other }],
        [other, { kind: 'oco', orderId: one }],
      ]);
      const life = (await venue.get(`/v1/accounts/1/orders/${other}`)) as { linked?: unknown; status: string };
      assert.deepEqual([life.status, life.linked], ['pending', { kind: 'oco', orderId: one }]);
      await venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price: '60000.00' });
      const ends = (): unknown[] => reports.filter(({ orderId }) => orderId === other).map(({ kind, code }) => [kind, code]);
      await until(() => ends().length === 2, 'the stop ends');
      assert.deepEqual(ends(), [
        ['accepted', 'OK'],
        ['cancelled', 'CANCELLED_LINKED'],
      ]);
      assert.deepEqual(await linkedOf(), [[one, undefined]]);
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: one });
    });

    it('client: what does not fit is refused with the code of the order in error', async () => {
      const list = { symbol: 'BTC-USD', side: 'sell', quantity: '0.5' } as const;
      await assert.rejects(venue.client.orders.ouo({ ...list, orders: [{ price: '60000.00' }, { price: '61000.00' }] }), {
        code: 'BAD_LIST',
      });
      await assert.rejects(
        venue.client.orders.oco({ ...list, orders: [{ price: '60000.00', timeInForce: 'ioc' }, { stopPrice: '40000.00' }] }),
        {
          code: 'ILLEGAL_COMBINATION',
          message: /^ioc and linked cannot be combined/,
        },
      );
      await assert.rejects(venue.client.orders.oco({ ...list, orders: [{ price: '60000.00' }] as never }), { code: 'BAD_LIST' });
      const orders = [{ price: '60000.00' }, { stopPrice: '40000.00', quantity: '4000000' }] as const;
      const [limit, stop] = await venue.client.orders.oco({ ...list, orders });
      assert.deepEqual([limit.code, stop.code], ['LIST_REJECTED', 'QUANTITY_MAX']);
    });

    it('Submit has the answer of each order', async () => {
      const { id } = (await venue.get('/v1/symbols/BTC-USD')) as { id: number };
      const batch = new CommandBatch(8);
      const limit = {
        symbol: id,
        side: Side.Sell,
        orderType: OrderType.Limit,
        timeInForce: TimeInForce.GoodTillCancel,
        price: 6_000_000,
        quantity: 5,
      };
      const [first, second] = [venue.client.orders.nextClientOrderId(), venue.client.orders.nextClientOrderId()];
      const stop = { ...limit, orderType: OrderType.Stop, price: 0, stopPrice: 4_000_000 };
      batch.placeList(LinkKind.OneUpdatesOther, [
        { ...limit, clientOrderId: first },
        { ...stop, clientOrderId: second },
      ]);
      const answer = await venue.client.orders.submit(batch);
      assert.deepEqual(
        answer.reports.map(({ kind, clientOrderId }) => [kind, clientOrderId]),
        [
          ['accepted', first],
          ['accepted', second],
        ],
      );
      await venue.client.orders.cancel({ symbol: 'BTC-USD', clientOrderId: first });
    });

    it('client and command line: a take-profit iceberg and a trailing stop', async () => {
      await venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price: '50000.00' });
      await venue.client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.1', price: '50000.00', timeInForce: 'ioc' });
      const orders = [
        { price: '60000.00', displayedQuantity: '0.1' },
        { trailPpm: 20_000, reportTrail: true },
      ] as const;
      const [limit, stop] = await venue.client.orders.ouo({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', orders });
      assert.deepEqual([limit.kind, limit.quantity, stop.kind, stop.stopPrice], ['accepted', '0.5000', 'accepted', '49000.00']);
      await venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.2', price: '60000.00' });
      const of = ({ orderId }: { orderId: number }, kind: string): ReportView[] =>
        reports.filter((each) => each.orderId === orderId && each.kind === kind);
      await until(() => of(stop, 'stop-price-changed').length === 1, 'the stop follows');
      assert.deepEqual(
        of(stop, 'amended').map(({ leaves }) => leaves),
        ['0.4000', '0.3000'],
      );
      assert.equal(of(stop, 'stop-price-changed')[0].stopPrice, '58800.00');
      await venue.client.orders.amend({ symbol: 'BTC-USD', orderId: stop.orderId, quantity: '0.2', trailPpm: 20_000 });
      await until(() => of(limit, 'amended').length === 1, 'the iceberg is reduced');
      assert.deepEqual([of(limit, 'amended')[0].leaves, of(limit, 'amended')[0].keptPriority], ['0.2000', true]);
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: limit.orderId });
      const placed = await venue.openbell('oco', 'sell', '0.5', 'BTC-USD', '61000.00', '--display', '0.1', '--trail', '2%', '--updates');
      assert.match(placed.stdout, /^accepted .* at 61000\.00\naccepted .* stop 58800\.00 \(last trade\)\n$/);
      assert.match(
        (await venue.openbell('account', '1')).stdout,
        /pending, stop 58800\.00 \(last trade\), trailing by 2%, one updates other, with order/,
      );
      assert.match((await venue.openbell('oco', 'sell', '0.5', 'BTC-USD', '61000.00')).stderr, /oco needs --stop or --trail/);
      await venue.client.orders.cancelAll();
    });

    it('command line: oco, with the other order in account and in explain', async () => {
      const placed = await venue.openbell(
        'oco',
        'sell',
        '0.5',
        'BTC-USD',
        '60000.00',
        '--stop',
        '40000.00',
        '--stop-limit',
        '39900.00',
        '--updates',
      );
      assert.match(
        placed.stdout,
        /^accepted {2}order (\d+): sell 0\.5000 BTC-USD at 60000\.00\naccepted {2}order (\d+): sell 0\.5000 BTC-USD at 39900\.00, stop 40000\.00 \(last trade\)\n$/,
      );
      const [, one, other] = /order (\d+)[\s\S]*order (\d+)/.exec(placed.stdout) as RegExpExecArray;
      const account = await venue.openbell('account', '1');
      assert.match(account.stdout, new RegExp(`open, one updates other, with order ${other}`));
      assert.match(account.stdout, new RegExp(`pending, stop 40000.00 \\(last trade\\), one updates other, with order ${one}`));
      assert.match((await venue.openbell('order', 'explain', one)).stdout, new RegExp(`linked: one updates other, with order ${other}`));
      const refused = await venue.openbell('oco', 'sell', '0.5', 'BTC-USD', '60000.00', '--stop', '0.001');
      assert.notEqual(refused.code, 0);
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: Number(one) });
    });
  });
}
