/** The terms of open orders that only the engine has, in each topology: their end, and the self-trade mode that they name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { temporaryDirectory } from './support/engine-fixture.ts';
import { openbell } from './support/exchange-process.ts';

for (const topology of ['compact', 'pinned']) {
  test(`open orders show their end and their self-trade mode: ${topology}`, async (t) => {
    const cleanUps: (() => unknown)[] = [];
    t.after(async () => {
      for (const cleanUp of cleanUps.reverse()) await cleanUp();
    });
    const data = temporaryDirectory((cleanUp) => cleanUps.push(cleanUp));
    const ports = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology };
    const exchange = await startExchange(loadConfig({ flags: { data, ...ports }, env: {} }), { log: createLogger('silent') });
    cleanUps.push(() => exchange.stop());
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account: 1 });
    cleanUps.push(() => client.close());
    const expires = new Date(Date.now() + 3_600_000);
    const place = (price: string, more = {}) => client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price, ...more });
    const gone = await place('49000.00', { expires });
    await client.orders.cancel({ symbol: 'BTC-USD', orderId: gone.orderId });
    // It has the slot of the order before, which had an end.
    await place('49001.00');
    const dated = await place('49002.00', { expires, selfTrade: 'decrement' });
    await place('49003.00', { selfTrade: 'cancel-oldest' });
    const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/accounts/1/open-orders`);
    const { orders } = (await answer.json()) as { orders: { price: string; endUs?: number; selfTrade?: string }[] };
    assert.deepEqual(
      orders.map(({ price, endUs, selfTrade }) => [price, endUs, selfTrade]),
      [
        ['49001.00', undefined, undefined],
        ['49002.00', expires.getTime() * 1000, 'decrement'],
        ['49003.00', undefined, 'cancel-oldest'],
      ],
    );
    const { resting } = await client.queries.order({ orderId: dated.orderId });
    assert.deepEqual([resting?.endUs, resting?.selfTrade], [expires.getTime() * 1000, 'decrement']);
    const flags = ['--grpc-port', `${grpcPort}`, '--ws-port', `${wsPort}`, '--http-port', `${httpPort}`];
    const shown = await openbell(['account', '1', ...flags]);
    assert.match(shown.stdout, new RegExp(`49002\\.00.*open, until ${expires.toISOString()}, self-trade prevention decrement`));
    assert.match(shown.stdout, /49001\.00.*open$/m);
    const explained = await openbell(['order', 'explain', `${dated.orderId}`, '--account', '1', ...flags]);
    assert.match(explained.stdout, new RegExp(`ends at ${expires.toISOString()}\nself-trade prevention: decrement`));
  });
}
