/** Order entry as a page has it: WebSocket only, credentials in the subprotocol, and what a page cannot read in the first message. */
import type * as uWS from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import { CommandBatch } from '../engine/wire/frames.ts';
import { Side, TimeInForce } from '../engine/wire/layout.ts';
import { OrderSession } from '../gateway/client/order-session.ts';
import { type SocketOrderOptions, SocketOrderStream } from '../gateway/client/socket-order-stream.ts';
import { SymbolCatalog } from '../gateway/client/symbols.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { SYMBOLS, TestExchange, until } from './support/order-entry-fixture.ts';
import { orderSockets } from './support/order-sockets.ts';
import { Opcode, RawWebSocket } from './support/raw-websocket.ts';

const ORDER = { symbol: 1, side: 'buy', price: 10, quantity: 1 } as const;

describe('order entry of a page', () => {
  let exchange: TestExchange;
  let app: uWS.TemplatedApp;
  let port: number;

  before(async () => {
    exchange = await TestExchange.start({ engine: { durability: 'fast' } });
    ({ app, port } = await orderSockets(exchange));
  });
  after(async () => {
    app.close();
    await exchange.stop();
  });

  const session = (t: TestContext, options: Partial<SocketOrderOptions> & { onLoss?: 'throw' | 'resync' } = {}): OrderSession => {
    const { account = 1, onLoss } = options;
    const connection = { host: '127.0.0.1', port, secure: false, lastReport: undefined, reconnect: true, tokens: undefined, account };
    const orders = new OrderSession(
      { account, symbols: new SymbolCatalog(SYMBOLS), ...(onLoss && { onLoss }) },
      (listener) => new SocketOrderStream({ ...connection, ...options }, listener),
    );
    t.after(() => orders.close());
    return orders;
  };

  it('begins with the headers of the answer as text, and only for a page', async () => {
    const page = await RawWebSocket.open(port, { path: '/v1/orders?account=1&page=1&cancel-on-disconnect=5' });
    await page.until(() => page.messages.length === 1);
    assert.equal(page.messages[0].opcode, Opcode.Text);
    assert.deepEqual(JSON.parse(page.messages[0].data.toString()), {
      'x-openbell-last-report': String(exchange.hub.lastReportNo(1)),
      'x-openbell-schema': '1-2',
      'x-openbell-cancel-on-disconnect': '5',
      'x-openbell-session-number': '1',
    });
    page.destroy();
    for (const [query, status] of [
      ['account=1&page=2', / 400 /],
      ['account=50', / 404 /],
      ['account=50&page=1', / 101 /],
    ] as const) {
      const socket = await RawWebSocket.open(port, { path: `/v1/orders?${query}` });
      assert.match(socket.status, status, query);
      socket.destroy();
    }
    await until(() => exchange.sessions.counters.sessions === 0, 'it to leave');
  });

  it('places, amends, cancels and quotes, and close waits for the answers', async (t) => {
    const orders = session(t);
    const kinds: string[] = [];
    orders.on('report', ({ kind }) => kinds.push(kind));
    const placed = await orders.place(ORDER);
    const amended = await orders.amend({ symbol: 1, orderId: placed.orderId, price: 10, quantity: 2 });
    assert.deepEqual([placed.kind, amended.kind], ['accepted', 'amended']);
    const cancelled = orders.cancel({ symbol: 1, orderId: placed.orderId });
    const quoted = orders.quote({ symbol: 1, bid: { price: 5, quantity: 1 }, ask: { price: 50, quantity: 1 } });
    await new Promise(setImmediate);
    await orders.close();
    assert.equal((await cancelled).kind, 'cancelled');
    assert.deepEqual(
      Object.values(await quoted).map(({ kind }) => kind),
      ['accepted', 'accepted'],
    );
    assert.deepEqual(kinds, ['accepted', 'amended', 'cancelled', 'accepted', 'accepted']);
    assert.throws(() => orders.send(new CommandBatch(1)), { code: 'CLOSED' });
  });

  it('takes batches; there is no unary call', async (t) => {
    const orders = session(t, { account: 2 });
    await orders.ready();
    const batch = new CommandBatch(2);
    batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 9, 1, orders.nextClientOrderId());
    const reported = once(orders, 'report');
    assert.equal(orders.send(batch), true);
    assert.equal((await reported)[0].kind, 'accepted');
    batch.cancel(1, 1);
    await assert.rejects(orders.submit(batch), { code: 'BAD_OPTION' });
  });

  it('a full WebSocket asks to wait, and says when it goes on', async (t) => {
    const proxy = await FlakyProxy.start(port);
    t.after(() => proxy.stop());
    const orders = session(t, { account: 3, port: proxy.port });
    await orders.ready();
    const batch = new CommandBatch(4096);
    const fill = (): CommandBatch => {
      while (!batch.full) batch.cancel(1, 1);
      return batch;
    };
    let drained = 0;
    orders.on('drain', () => drained++);
    let full = false;
    for (let i = 0; i < 50 && !full; i++) full = !orders.send(fill());
    assert.ok(full);
    await until(() => drained > 0, 'the drain');
  });

  it('reconnects after a cut: no report is lost or repeated, and no order is placed twice', async (t) => {
    const proxy = await FlakyProxy.start(port);
    t.after(() => proxy.stop());
    const orders = session(t, { account: 4, port: proxy.port });
    const numbers: number[] = [];
    let lost = 0;
    orders.on('report', ({ reportNo }) => numbers.push(reportNo));
    orders.on('lost', () => lost++);
    await orders.ready();
    const answers = [];
    for (let i = 0; i < 60; i++) {
      answers.push(orders.place(ORDER));
      // Under way, and after an answer.
      if (i % 20 === 10) proxy.cut();
      if (i % 20 === 15) await answers[i];
    }
    const placed = await Promise.all(answers);
    assert.ok(placed.every(({ kind }) => kind === 'accepted'));
    assert.equal(exchange.engine.directory.openOrders(4, 1000).length, 60);
    await until(() => numbers.length === exchange.hub.lastReportNo(4), 'the last report');
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
    );
    assert.ok(lost > 0);
  });

  it('says why it was rejected, and does not try again what cannot work', async (t) => {
    const rejected: [Partial<SocketOrderOptions>, string][] = [
      [{ account: 50 }, 'UNKNOWN_ACCOUNT'],
      [{ lastReport: 9_999_999 }, 'BAD_RANGE'],
      [{ cancelOnDisconnect: 5000 }, 'BAD_RANGE'],
      // A browser gives no reason for a failed first connection.
      [{ port: 1 }, 'CONNECTION_LOST'],
    ];
    for (const [options, code] of rejected) {
      const orders = session(t, options);
      await assert.rejects(orders.ready(), { name: 'OpenbellError', code }, JSON.stringify(options));
      await assert.rejects(async () => orders.place(ORDER), { code });
    }
    await until(() => exchange.sessions.counters.sessions === 0, 'all to leave');
  });

  it('resync: a session that is ahead of the exchange starts at its end', async (t) => {
    const last = exchange.hub.lastReportNo(2);
    const orders = session(t, { account: 2, lastReport: last + 100, onLoss: 'resync' });
    const resynced = once(orders, 'resync');
    const placed = orders.place(ORDER);
    const [{ lastReport, exact }] = await resynced;
    assert.deepEqual([lastReport, exact], [last, false]);
    assert.equal((await placed).reportNo, last + 1);
  });
});
