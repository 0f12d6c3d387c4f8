/** Alerts and webhooks of a real exchange: HTTP, evaluation, store, and deliveries to a real server; across a kill. */
import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { DemoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('alerts of a running exchange', { timeout: 240_000 }, () => {
  const venue = new DemoExchange();
  const received: Received[] = [];
  const status = 200;
  let hooks: Server;
  let url: string;

  before(async () => {
    hooks = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/hook`;
    await venue.start('compact', { 'webhook-loopback': true });
  });

  after(async () => {
    await venue.stop();
    hooks.closeAllConnections();
    hooks.close();
  });

  it('a price that crosses fires once, and its event is delivered, signed', async () => {
    const made = await venue.ask('/v1/webhooks', { account: 1, url, note: 'desk' });
    assert.equal(made.status, 201, JSON.stringify(made.json));
    const { secret } = made.json;
    const seller = await venue.connect(2);
    const trade = async (price: string) => {
      await seller.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.1', price });
      await venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price });
    };
    await trade('60000.00');
    const set = await venue.ask('/v1/alerts', { account: 1, kind: 'price', symbol: 'BTC-USD', price: '60100.00', direction: 'up' });
    assert.equal(set.status, 201, JSON.stringify(set.json));
    await venue.ask('/v1/alerts', { account: 1, kind: 'fill', repeat: 'every' });
    await trade('60100.00');
    await until(() => received.length >= 2, 'two deliveries');
    for (const { headers, body } of received) new Webhook(secret).verify(body, headers as Record<string, string>);
    const kinds = received.map(({ body }) => JSON.parse(body).data.kind).sort();
    assert.deepEqual(kinds, ['fill', 'price']);
    assert.deepEqual(
      (await venue.get('/v1/alerts?account=1')).alerts.map(({ kind }: { kind: string }) => kind),
      ['fill'],
    );
  });
});
