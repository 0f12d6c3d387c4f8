import * as uWS from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Phase, Side, TimeInForce } from '../engine/wire/layout.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { LocalBook, LocalOrderBook } from '../gateway/client/local-book.ts';
import { MarketClient } from '../gateway/client/market.ts';
import type { LevelView, MarketFrameView, OrderView } from '../gateway/client/market-decode.ts';
import { MarketStream } from '../gateway/client/market-stream.ts';
import { SymbolCatalog } from '../gateway/client/symbols.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { eventually, sameBook } from './support/market-check.ts';
import { MarketVenue } from './support/market-venue.ts';

const level = (side: 'buy' | 'sell', price: number, quantity: number): LevelView => ({ side, price, quantity, orders: 1, seq: 1 });
const order = (action: OrderView['action'], orderId: number, quantity: number, price = 100): OrderView => ({
  action,
  side: 'buy',
  orderId,
  price,
  quantity,
  seq: 1,
});

function frame<C extends 'book' | 'book-l3'>(
  channel: C,
  kind: 'snapshot' | 'delta',
  firstNo: number,
  updates: MarketFrameView<C>['updates'],
): MarketFrameView<C> {
  return { kind, channel, symbol: 1, code: 'OK', tag: 0, firstNo, timeUs: 0, updates };
}

test('a local book applies the next updates, skips known ones, and stops at a gap', () => {
  const book = new LocalBook('X');
  const events: string[] = [];
  book.on('gap', () => events.push('gap'));
  book.on('change', () => events.push('change'));
  assert.equal(book.apply(frame('book', 'delta', 5, [level('buy', 1, 1)])), 'stale', 'before the first snapshot');
  assert.equal(book.apply(frame('book', 'snapshot', 7, [level('buy', 10, 1), level('sell', 12, 2)])), 'applied');
  assert.equal(book.apply(frame('book', 'delta', 6, [level('buy', 9, 1), level('buy', 8, 1)])), 'stale');
  assert.equal(book.apply(frame('book', 'delta', 8, [level('buy', 11, 3), level('sell', 12, 0)])), 'applied');
  assert.deepEqual([book.number, book.bids.map(({ price }) => price), book.asks], [9, [11, 10], []]);
  assert.equal(book.apply(frame('book', 'delta', 11, [level('buy', 7, 1)])), 'gap');
  assert.equal(book.inStep, false);
  assert.equal(book.apply(frame('book', 'delta', 12, [level('buy', 7, 1)])), 'stale', 'waits for a snapshot');
  assert.equal(book.apply(frame('book', 'snapshot', 3, [])), 'applied', 'a snapshot may be of another run');
  assert.deepEqual([book.number, book.inStep, book.bids], [3, true, []]);
  assert.deepEqual(events, ['change', 'change', 'gap', 'change']);
});

test('orders keep their position when they change', () => {
  const book = new LocalOrderBook('X');
  book.apply(frame('book-l3', 'snapshot', 0, [order('add', 1, 5), order('add', 2, 5), order('add', 3, 5, 101)]));
  book.apply(frame('book-l3', 'delta', 1, [order('change', 1, 2), order('remove', 3, 0, 101), order('add', 4, 1)]));
  assert.deepEqual(
    book.orders('buy').map(({ orderId, quantity }) => [orderId, quantity]),
    [
      [1, 2],
      [2, 5],
      [4, 1],
    ],
  );
  assert.equal(book.size, 3);
  assert.equal(book.order(3), undefined);
});

test('a stream without a reader keeps the newest events and counts the rest', async () => {
  const stream = new MarketStream<'bbo'>({ limit: 3 }, () => undefined);
  const item = (seq: number) => ({ seq, symbol: 'X' }) as Parameters<typeof stream.push>[0];
  for (let seq = 1; seq <= 5; seq++) stream.push(item(seq));
  assert.equal(stream.dropped, 2);
  const seen: number[] = [];
  for await (const { seq } of stream) {
    seen.push(seq);
    if (seq === 5) break;
  }
  assert.deepEqual(seen, [3, 4, 5]);
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
});

for (const format of ['binary', 'json-raw'] as const) {
  test(`streams deliver trades, best prices and phases (${format})`, async (t) => {
    const venue = await MarketVenue.start(2);
    t.after(() => venue.stop());
    const client = venue.client({ format });
    const prices: [string, number, number][] = [];
    const phases: string[] = [];
    await client.bbo('*', { onItem: ({ symbol, bidPrice, askPrice }) => prices.push([symbol, bidPrice, askPrice]) });
    await client.status('S2', { onItem: ({ phase }) => phases.push(phase) });
    const trades = await client.trades('S1');
    venue.place(1, 1, Side.Sell, 500, 3);
    venue.place(2, 1, Side.Buy, 500, 1, TimeInForce.ImmediateOrCancel);
    venue.place(2, 1, Side.Buy, 500, 2, TimeInForce.ImmediateOrCancel);
    venue.phase(2, Phase.Halted);
    const seen: [number, number, string][] = [];
    for await (const { tradeId, quantity, symbol } of trades) {
      seen.push([tradeId, quantity, symbol]);
      if (tradeId === 2) break;
    }
    assert.deepEqual(seen, [
      [1, 1, 'S1'],
      [2, 2, 'S1'],
    ]);
    venue.place(1, 2, Side.Buy, 400, 3);
    venue.place(1, 1, Side.Buy, 300, 3);
    await eventually(() => {
      assert.deepEqual(
        prices.findLast(([symbol]) => symbol === 'S1'),
        ['S1', 300, 0],
      );
      assert.deepEqual(phases, ['continuous', 'halted']);
    });
    // Leaving the loop has left the channel.
    await eventually(() => assert.equal(venue.market.counters.subscriptionsNow, 3));
    await assert.rejects(client.book('NOPE'), { code: 'UNKNOWN_SYMBOL' });
  });
}

test('trades missed during a disconnection are reported', async (t) => {
  const venue = await MarketVenue.start(1);
  t.after(() => venue.stop());
  const proxy = await FlakyProxy.start(venue.port);
  t.after(() => proxy.stop());
  const client = venue.client({ port: proxy.port });
  const ids: number[] = [];
  const gaps: [string, number, number][] = [];
  await client.trades('S1', { onItem: ({ tradeId }) => ids.push(tradeId), onGap: (symbol, from, to) => gaps.push([symbol, from, to]) });
  const trade = () => {
    venue.place(1, 1, Side.Sell, 500, 1);
    venue.place(2, 1, Side.Buy, 500, 1, TimeInForce.ImmediateOrCancel);
  };
  trade();
  await eventually(() => assert.deepEqual(ids, [1]));
  proxy.cut();
  // Before it can be back, two trades happen.
  trade();
  trade();
  await venue.quiet();
  await eventually(() => assert.equal(client.reconnects, 1));
  await eventually(() => assert.deepEqual(gaps, [['S1', 2, 3]]));
  trade();
  await eventually(() => assert.deepEqual(ids, [1, 4]));
});

for (const format of ['binary', 'json-raw'] as const) {
  test(`streams of trades begin with the last ones, each once (${format})`, async (t) => {
    const venue = await MarketVenue.start(1);
    t.after(() => venue.stop());
    const proxy = await FlakyProxy.start(venue.port);
    t.after(() => proxy.stop());
    const client = venue.client({ format, port: proxy.port });
    const trade = () => {
      venue.place(1, 1, Side.Sell, 500, 1);
      venue.place(2, 1, Side.Buy, 500, 1, TimeInForce.ImmediateOrCancel);
    };
    const follow = async (options: { last?: number; after?: number }) => {
      const got: { ids: number[]; gaps: [number, number][] } = { ids: [], gaps: [] };
      await client.trades('S1', {
        ...options,
        onItem: ({ tradeId }) => got.ids.push(tradeId),
        onGap: (_symbol, from, to) => got.gaps.push([from, to]),
      });
      return got;
    };
    // The exchange keeps trades from the first request for some.
    const first = await follow({ last: 5 });
    for (let i = 0; i < 3; i++) trade();
    await eventually(() => assert.deepEqual(first.ids, [1, 2, 3]));
    const second = await follow({ last: 2 });
    assert.deepEqual(second.ids, [2, 3]);
    const after = await follow({ last: 1, after: 1 });
    assert.deepEqual(after, { ids: [3], gaps: [[2, 2]] });
    const plain = await follow({});
    trade();
    await eventually(() => {
      for (const { ids } of [first, second, after, plain]) assert.equal(ids.at(-1), 4);
    });
    proxy.cut();
    trade();
    trade();
    await eventually(() => assert.equal(client.reconnects, 1));
    trade();
    await eventually(() => {
      for (const { ids } of [first, second, after, plain]) assert.equal(ids.at(-1), 7);
    });
    assert.deepEqual(first, { ids: [1, 2, 3, 4, 5, 6, 7], gaps: [] });
    assert.deepEqual(second, { ids: [2, 3, 4, 5, 6, 7], gaps: [] });
    assert.deepEqual(after, { ids: [3, 4, 5, 6, 7], gaps: [[2, 2]] });
    assert.deepEqual(plain, { ids: [4, 5, 6, 7], gaps: [] });
  });

  test(`a book of the best levels follows them, beside the whole book (${format})`, async (t) => {
    const venue = await MarketVenue.start(1);
    t.after(() => venue.stop());
    const client = venue.client({ format });
    const [whole, best] = await Promise.all([client.book('S1'), client.book('S1', { depth: 5 })]);
    assert.notEqual(whole, best);
    assert.equal(await client.book('S1', { depth: 5 }), best);
    await venue.load(new Prng(7), 400, 1);
    const mirror = venue.market.book(1);
    assert.ok(mirror);
    await eventually(() => {
      sameBook(whole, mirror);
      const levels = ({ bids, asks }: LocalBook) => [bids, asks].map((side) => side.slice(0, 5).map(({ seq: _, ...level }) => level));
      assert.deepEqual(levels(best), levels(whole));
      assert.ok(best.bids.length <= 5 && whole.bids.length > 5);
    });
    const { subscriptionsNow } = venue.market.counters;
    await client.release(best);
    await eventually(() => assert.equal(venue.market.counters.subscriptionsNow, subscriptionsNow - 1));
    assert.notEqual(await client.book('S1', { depth: 5 }), best);
  });

  test(`a ticker begins with the present state (${format})`, async (t) => {
    const venue = await MarketVenue.start(1);
    t.after(() => venue.stop());
    const client = venue.client({ format });
    venue.place(1, 1, Side.Buy, 400, 3);
    await venue.quiet();
    const tickers = await client.ticker('S1');
    const first = await tickers.next();
    assert.deepEqual([first.value?.symbol, first.value?.bidPrice, first.value?.bidQuantity, first.value?.trades], ['S1', 400, 3, 0]);
    venue.place(2, 1, Side.Sell, 400, 1, TimeInForce.ImmediateOrCancel);
    for await (const { trades, last, volume, bidQuantity } of tickers)
      if (trades === 1) {
        assert.deepEqual([last, volume, bidQuantity], [400, 1, 2]);
        break;
      }
  });
}

test('an option of a subscription that is out of range is an error', async (t) => {
  const venue = await MarketVenue.start(1);
  t.after(() => venue.stop());
  const client = venue.client();
  for (const depth of [0, 7, 100, '5']) await assert.rejects(client.book('S1', { depth: depth as 5 }), { code: 'BAD_OPTION' }, `${depth}`);
  for (const last of [0, 101, 1.5, '5']) await assert.rejects(client.trades('S1', { last: last as 5 }), { code: 'BAD_OPTION' }, `${last}`);
  await assert.rejects(client.bbo('S1', { last: 5 } as object), { code: 'BAD_OPTION' });
});

test('a silent connection is closed and reopened', async (t) => {
  const venue = await MarketVenue.start(1, { heartbeatMs: 50 });
  t.after(() => venue.stop());
  const proxy = await FlakyProxy.start(venue.port);
  t.after(() => proxy.stop());
  const client = venue.client({ port: proxy.port, idleMs: 300 });
  const book = await client.book('S1');
  proxy.stall();
  await eventually(() => assert.equal(book.inStep, false));
  proxy.flow();
  await venue.load(new Prng(2), 200, 1);
  const mirror = venue.market.book(1);
  assert.ok(mirror);
  await eventually(() => sameBook(book, mirror));
  assert.ok(client.reconnects >= 1);
});

test('a client that cannot connect gets an error with advice', async () => {
  const client = new MarketClient({ port: 1, symbols: new SymbolCatalog([{ id: 1, name: 'S1', tickSize: '1', lotSize: '1' }]) });
  await assert.rejects(client.book('S1'), { code: 'CONNECTION_LOST', message: /is the exchange running there/ });
  await assert.rejects(client.ping(), { code: 'CONNECTION_LOST' });
  await client.close();
});

test('a call that waits for a snapshot fails when the client closes', { timeout: 300_000 }, async (t) => {
  // An exchange that gets as far as the answer to the subscription.
  const app = uWS.App();
  t.after(() => app.close());
  const subscribed = new Promise<void>((resolve) => {
    app.ws('/*', {
      message: (ws, message) => {
        const { op, tag } = JSON.parse(Buffer.from(message).toString()) as { op: string; tag: number };
        ws.send(`{"kind":"${op === 'ping' ? 'pong' : 'subscribed'}","channel":"book","symbol":"S1","tag":${tag},"time_us":1}`);
        if (op === 'ping') resolve();
      },
    });
  });
  const port = await new Promise<number>((resolve) => {
    app.listen('127.0.0.1', 0, (socket) => resolve(uWS.us_socket_local_port(socket as unknown as uWS.us_socket)));
  });
  const symbols = new SymbolCatalog([{ id: 1, name: 'S1', tickSize: '1', lotSize: '1' }]);
  const client = new MarketClient({ port, format: 'json-raw', symbols });
  // A stream of every symbol does not wait for a snapshot; one of a single symbol does, like a book.
  const status = await client.status('*');
  const rejected = Promise.all([
    assert.rejects(client.trades('S1'), { code: 'CLOSED' }),
    assert.rejects(client.book('S1'), { code: 'CLOSED' }),
  ]);
  await client.ping();
  await subscribed;
  await client.close();
  await rejected;
  status.close();
});

test('a released book is no longer updated; a later request creates a new one', async (t) => {
  const venue = await MarketVenue.start(1);
  t.after(() => venue.stop());
  const client = venue.client();
  const book = await client.book('S1');
  assert.equal(await client.book(1), book, 'by id or by name, one subscription');
  await client.release(book);
  await client.ping();
  assert.equal(venue.market.counters.subscriptionsNow, 0);
  assert.notEqual(await client.book('S1'), book);
});

test('a closed client rejects new subscriptions, also one that never connected', { timeout: 60_000 }, async () => {
  const symbols = new SymbolCatalog([{ id: 1, name: 'S1', tickSize: '1', lotSize: '1' }]);
  const client = new MarketClient({ symbols, port: 1 });
  await client.close();
  const closed = { code: 'CLOSED' };
  await assert.rejects(client.book(1), closed);
  await assert.rejects(client.trades(1), closed);
  await assert.rejects(client.candles('*', '1s'), closed);
});
