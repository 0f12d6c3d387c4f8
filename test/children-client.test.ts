/** Orders that wait for another one through the client, HTTP and the command line, with one thread and with several. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { ReportView } from '../gateway/client/index.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

for (const topology of ['compact', 'pinned']) {
  describe(`orders that wait for another (${topology})`, { timeout: 300_000 }, () => {
    const venue = demoExchange(topology);
    const reports: ReportView[] = [];

    before(async () => {
      venue.client.orders.on('report', (report) => reports.push(report));
    });

    const open = async (): Promise<unknown[]> => {
      const { orders } = (await venue.get('/v1/accounts/1/open-orders')) as { orders: Record<string, unknown>[] };
      return orders.map((o) => [o.orderId, o.status, o.leaves, o.parentOrderId, o.toCome]);
    };
    const sell = (quantity: string, price: string) => venue.client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity, price });
    const lives = (orderId: number): unknown[] =>
      reports.filter((r) => r.orderId === orderId && r.code === 'PARENT_FILLED').map(({ quantity, leaves }) => [quantity, leaves]);

    it('client: a bracket becomes live with the fills of its parent', async () => {
      const [parent, profit, loss] = await venue.client.orders.bracket({
        ...{ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', parent: { price: '60000.00' } },
        ...{ takeProfit: { price: '61000.00' }, stopLoss: { stopPrice: '59000.00', price: '58000.00' } },
      });
      assert.deepEqual([parent.kind, profit.side, profit.price, loss.stopPrice], ['accepted', 'sell', '61000.00', '59000.00']);
      const [id, one, other] = [parent.orderId, profit.orderId, loss.orderId];
      assert.deepEqual(await open(), [
        [id, 'open', '0.5000', undefined, undefined],
        [one, 'waiting', '0.5000', id, '0.5000'],
        [other, 'waiting', '0.5000', id, '0.5000'],
      ]);
      await sell('0.2', '60000.00');
      await until(() => lives(other).length === 1, 'the children are live');
      assert.deepEqual([lives(one), lives(other)], [[['0.2000', '0.5000']], [['0.2000', '0.5000']]]);
      const shown = (await venue.openbell('account', '1')).stdout;
      assert.match(shown, new RegExp(`open, one updates other, with order ${other}, 0.3000 of it not live before fills of order ${id}\n`));
      assert.deepEqual((await open()).slice(0, 3), [
        [id, 'open', '0.3000', undefined, undefined],
        [one, 'open', '0.5000', id, '0.3000'],
        [other, 'pending', '0.5000', id, '0.3000'],
      ]);
      const life = (await venue.get(`/v1/accounts/1/orders/${one}`)) as {
        status: string;
        resting: Record<string, unknown>;
        steps: { step: string }[];
      };
      assert.deepEqual([life.status, life.resting.parentOrderId, life.resting.toCome], ['open', id, '0.3000']);
      assert.deepEqual(
        life.steps.map(({ step }) => step),
        ['accepted', 'live'],
      );
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: id });
      assert.deepEqual(await open(), [
        [one, 'open', '0.2000', undefined, undefined],
        [other, 'pending', '0.2000', undefined, undefined],
      ]);
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: one });
    });

    it('client: one triggers other, of any sides; what does not fit is refused', async () => {
      const orders = [
        { side: 'buy', price: '60000.00' },
        { side: 'sell', price: '61000.00' },
      ] as const;
      const [parent, child] = await venue.client.orders.oto({ symbol: 'BTC-USD', quantity: '0.1', orders });
      await venue.client.orders.amend({ symbol: 'BTC-USD', orderId: child.orderId, quantity: '0.1', price: '62000.00' });
      const wrong = venue.client.orders.oto({
        symbol: 'BTC-USD',
        side: 'buy',
        orders: [
          { price: '1.00', quantity: '1' },
          { price: '2.00', quantity: '2' },
        ],
      });
      await assert.rejects(wrong, { code: 'BAD_LIST' });
      await assert.rejects(
        venue.client.orders.oto({
          symbol: 'BTC-USD',
          side: 'buy',
          quantity: '1',
          orders: [{ price: '1.00' }, { price: '1.00', timeInForce: 'ioc' }],
        }),
        { code: 'ILLEGAL_COMBINATION', message: /^ioc and child cannot be combined/ },
      );
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: parent.orderId });
      assert.deepEqual(await open(), []);
    });

    it('command line: a bracket, shown in account and in explain', async () => {
      const placed = await venue.openbell(
        'order',
        'buy',
        '0.5',
        'BTC-USD',
        '60000.00',
        '--take-profit',
        '61000.00',
        '--stop-loss',
        '59000.00',
      );
      assert.match(
        placed.stdout,
        /^accepted {2}order \d+: buy 0\.5000 BTC-USD at 60000\.00\naccepted {2}order \d+: sell .*\naccepted {2}order \d+: sell .*stop/,
      );
      const [id, one, other] = [...placed.stdout.matchAll(/order (\d+):/g)].map(([, each]) => each);
      assert.match(placed.stdout, new RegExp(`at 61000.00, waits for fills of order ${id}\n`));
      const account = await venue.openbell('account', '1');
      assert.match(account.stdout, new RegExp(`open, parent of orders ${one} and ${other}\n`));
      assert.match(account.stdout, new RegExp(`waiting, not live before fills of order ${id}`));
      assert.match(account.stdout, new RegExp(`waiting, stop 59000.00 \\(last trade\\), not live before fills of order ${id}`));
      const explained = await venue.openbell('order', 'explain', other);
      assert.match(explained.stdout, new RegExp(`for fills of its parent, order ${id}, with 0.5000 open`));
      assert.match((await venue.openbell('order', 'explain', id)).stdout, new RegExp(`\nparent of orders ${one} and ${other}\n`));
      const { orders } = await venue.get('/v1/accounts/1/orders?limit=3');
      assert.deepEqual(
        orders.map((o: Record<string, unknown>) => [o.orderId, o.status, o.parentOrderId, o.toCome, o.childOrderIds, o.quantity]),
        [
          [Number(other), 'waiting', Number(id), '0.5000', undefined, '0.5000'],
          [Number(one), 'waiting', Number(id), '0.5000', undefined, '0.5000'],
          [Number(id), 'open', undefined, undefined, [Number(one), Number(other)], '0.5000'],
        ],
      );
      assert.match(explained.stdout, /waiting/);
      assert.notEqual((await venue.openbell('order', 'buy', '1', 'BTC-USD', '60000.00', '--stop-loss-limit', '1')).code, 0);
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: Number(id) });
      assert.deepEqual(await open(), [], one);
    });

    it('command line and client: an entry stop with a stop-loss that trails', async () => {
      const placed = await venue.openbell(
        ...['order', 'buy', '0.5', 'BTC-USD', '--stop', '62000.00', '--trigger', 'reference'],
        ...['--take-profit', '63000.00', '--stop-loss-trail', '2%'],
      );
      assert.match(placed.stdout, /stop 62000\.00 \(reference price\)/);
      const [id, , loss] = [...placed.stdout.matchAll(/order (\d+):/g)].map(([, each]) => Number(each));
      assert.match(
        (await venue.openbell('account', '1')).stdout,
        new RegExp(`waiting, trailing by 2%, not live before fills of order ${id}`),
      );
      const { status, waiting } = (await venue.get(`/v1/accounts/1/orders/${loss}`)) as {
        status: string;
        waiting: Record<string, unknown>;
      };
      assert.equal(status, 'waiting');
      assert.deepEqual([waiting.for, waiting.parentOrderId, waiting.trailPpm], ['parent', id, 20_000]);
      const explained = (await venue.openbell('order', 'explain', `${loss}`)).stdout;
      assert.match(
        explained,
        /waits outside the book for fills of its parent.*\ntrailing by 2%.*\nbecomes a trailing stop, then a market order\n/,
      );
      const below = ['order', 'buy', '1', 'BTC-USD', '60000.00', '--take-profit', '59000.00', '--stop-loss', '58000.00'];
      assert.match((await venue.openbell(...below)).stderr, /BAD_LIST: .*a take-profit that is no better than the entry/);
      const both = await venue.openbell('order', 'buy', '1', 'BTC-USD', '60000.00', '--stop-loss', '1', '--stop-loss-trail', '2%');
      assert.match(both.stderr, /give --stop-loss or --stop-loss-trail/);
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId: id });
      assert.deepEqual(await open(), []);
    });

    it('command line: a market order with a stop-loss', async () => {
      const { orderId } = await sell('0.3', '60000.00');
      const placed = await venue.openbell('order', 'buy', '0.2', 'BTC-USD', '--stop-loss', '59000.00');
      assert.match(placed.stdout, /live {6}order (\d+): 0\.2000 at market, stop 59000\.00 \(last trade\), open 0\.2000/);
      await venue.client.orders.cancel({ symbol: 'BTC-USD', orderId });
      await venue.client.orders.cancelAll();
    });
  });
}
