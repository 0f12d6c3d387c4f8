/** Orders in JSON over WebSocket, and the private stream, of a running exchange: docs/JSON.md. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { demoExchange } from './support/demo-exchange.ts';
import { JsonOrders, type Message } from './support/json-orders.ts';
import { Opcode, RawWebSocket } from './support/raw-websocket.ts';

describe('orders in JSON', { timeout: 300_000 }, () => {
  const venue = demoExchange();

  const open = async (t: TestContext, query: string): Promise<JsonOrders> => {
    const session = await JsonOrders.open(venue.ports.ws, query);
    t.after(() => session.close());
    return session;
  };

  it('are placed, amended and canceled, with the numbers of every other session', async (t) => {
    const flat: Message[] = [];
    venue.client.orders.on('report', (report) => flat.push(report));
    const session = await open(t, 'account=1');
    const { account, lastReportNo, readOnly } = session.messages[0];
    assert.deepEqual([account, readOnly], [1, false]);

    session.send({ op: 'place', tag: 1, symbol: 'BTC-USD', side: 'buy', orderQty: '0.5', price: '50000.00', clOrdId: '11' });
    const placed = await session.report(({ tag }) => tag === 1);
    assert.deepEqual([placed.execType, placed.ordStatus, placed.clOrdId, placed.leavesQty], ['new', 'new', '11', '0.5000']);
    assert.equal(placed.reportNo, lastReportNo + 1);

    // Of the other codec, on the same account.
    await venue.client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.1', type: 'market' });
    const fill = await session.report(({ execType, clOrdId }) => execType === 'trade' && clOrdId === '11');
    assert.deepEqual([fill.lastPx, fill.lastQty, fill.cumQty, fill.liquidity], ['50000.00', '0.1000', '0.1000', 'maker']);

    session.send([
      { op: 'amend', tag: 2, clOrdId: '11', symbol: 'BTC-USD', leavesQty: '0.3', price: '50000.00' },
      { op: 'cancel', tag: 3, orderId: placed.orderId },
      { op: 'cancel', tag: 4, clOrdId: 12 },
      { op: 'cancel-after', tag: 5, timeoutMs: 60_000 },
      { op: 'cancel-after', tag: 6, timeoutMs: 0 },
      { op: 'cancel-all', tag: 7 },
    ]);
    await session.report(({ tag }) => tag === 7);
    const answers = session.reports.filter(({ tag }) => tag >= 2 && tag <= 7).map(({ tag, execType }) => `${tag} ${execType}`);
    assert.deepEqual(answers, [
      '2 replaced',
      '3 canceled',
      '4 cancel-rejected',
      '5 cancel-after-set',
      '6 cancel-after-set',
      '7 mass-canceled',
    ]);

    const last = session.reports.at(-1)?.reportNo;
    await session.until(() => flat.some(({ reportNo }) => reportNo === last));
    const numbers = session.reports.map(({ reportNo }) => reportNo);
    assert.deepEqual(
      numbers,
      Array.from(numbers, (_, i) => lastReportNo + 1 + i),
      'without a gap',
    );
    for (const report of session.reports) {
      const same = flat.find(({ reportNo }) => reportNo === report.reportNo);
      assert.deepEqual([same?.orderId, same?.seq, same?.timeUs], [Number(report.orderId ?? 0), report.seq, report.transactTimeUs]);
    }
  });

  it('amends an order without its symbol and price, which stay, after what was sent before and before what comes later', async (t) => {
    const session = await open(t, 'account=9');
    const order = { op: 'place', symbol: 'BTC-USD', side: 'buy', orderQty: '2', price: '101.00' };
    session.send([
      { ...order, tag: 1, clOrdId: 1 },
      { op: 'amend', tag: 2, clOrdId: 1, leavesQty: '1' },
      { op: 'amend', tag: 3, clOrdId: 1, leavesQty: '0.5', price: '102.00' },
      { op: 'amend', tag: 4, clOrdId: 1, symbol: 'BTC-USD', leavesQty: '0.4' },
      { op: 'amend', tag: 5, clOrdId: 1, symbol: 'ETH-USD', leavesQty: '0.3' },
      { op: 'amend', tag: 6, orderId: 999_999, leavesQty: '1' },
      { op: 'amend', tag: 7, leavesQty: '1' },
      { op: 'amend', tag: 8, clOrdId: 1, leavesQty: '0.00001' },
      { op: 'cancel', tag: 9, clOrdId: 1 },
    ]);
    session.send({ op: 'amend', tag: 10, clOrdId: 1, leavesQty: '1' });
    session.send({ op: 'ping', tag: 11 });
    await session.until(() => session.of('pong').length === 1);
    await session.report(({ tag }) => tag === 9);
    assert.deepEqual(
      session.reports.map(({ tag, execType, price, leavesQty }) => `${tag} ${execType} ${price} ${leavesQty}`),
      [
        '1 new 101.00 2.0000',
        '2 replaced 101.00 1.0000',
        '3 replaced 102.00 0.5000',
        '4 replaced 102.00 0.4000',
        '9 canceled 102.00 0.0000',
      ],
    );
    assert.deepEqual(
      session.of('refused').map(({ tag, name, op }) => `${tag} ${op} ${name}`),
      ['5 amend UNKNOWN_ORDER', '6 amend UNKNOWN_ORDER', '7 amend BAD_PARAMETER', '8 amend BAD_RANGE', '10 amend UNKNOWN_ORDER'],
    );
  });

  it('resumes after a cut, without a gap, also from the history', async (t) => {
    const first = await open(t, 'account=2');
    first.send([1, 2, 3].map((i) => ({ op: 'place', tag: i, symbol: 'BTC-USD', side: 'buy', orderQty: '1', price: '100', clOrdId: i })));
    const { reportNo } = await first.report(({ tag }) => tag === 2);
    await first.close();
    const other = await open(t, 'account=2');
    await other.ask({ op: 'cancel-all', tag: 9 });
    await other.until(() => other.reports.filter(({ execType }) => execType === 'canceled').length === 3);
    const again = await open(t, `account=2&last-report=${reportNo}`);
    const last = other.reports.at(-1)?.reportNo;
    await again.report((report) => report.reportNo === last);
    assert.deepEqual(
      again.reports.map((report) => report.reportNo),
      Array.from({ length: last - reportNo }, (_, i) => reportNo + 1 + i),
    );
    assert.deepEqual(again.reports.slice(-4), other.reports.slice(-4), 'the same reports');
  });

  it('places lists and quotes', async (t) => {
    const session = await open(t, 'account=3');
    const list = { op: 'place-list', symbol: 'BTC-USD', side: 'buy', orderQty: '1' };
    session.send({ ...list, kind: 'oco', tag: 1, side: 'sell', orders: [{ price: '70000' }, { stopPx: '10', price: '9' }] });
    session.send({ ...list, kind: 'bracket', tag: 2, orders: [{ price: '20000' }, { price: '90000' }, { stopPx: '10' }] });
    session.send({ op: 'quote', tag: 3, symbol: 'ETH-USD', bidPx: '10', bidSize: '1', offerPx: '9000', offerSize: '1' });
    await session.until(() => session.reports.filter(({ tag }) => tag === 3).length === 2 && session.reports);
    assert.deepEqual(
      session.reports.map(({ tag, execType }) => `${tag} ${execType}`),
      ['1 new', '1 new', '2 new', '2 new', '2 new', '3 new', '3 new'],
    );
    await session.ask({ op: 'cancel-all', tag: 4 });
  });

  it('protects quotes, and takes them again after a reset', async (t) => {
    const [maker, taker] = [await open(t, 'account=3'), await open(t, 'account=1')];
    const quote = { op: 'quote', symbol: 'ETH-USD', bidPx: '2900', bidSize: '1', offerPx: '3100', offerSize: '1' };
    const answers = (tag: number, count: number) =>
      maker.until(() => {
        const found = maker.reports.filter((report) => report.tag === tag);
        return found.length >= count && found.map(({ execType, name = '' }) => `${execType} ${name}`.trim());
      });
    const set = await maker.ask({ op: 'quote-protection', tag: 1, windowMs: 60_000, fills: 1 });
    assert.deepEqual([set.execType, set.windowUs, set.orderId, set.side], ['quote-protection-set', 60_000_000, undefined, undefined]);
    maker.send({ ...quote, tag: 2 });
    await answers(2, 2);
    for (const tag of [1, 2])
      await taker.ask({ op: 'place', tag, symbol: 'ETH-USD', side: 'buy', orderQty: '0.1', price: '3100', timeInForce: 'ioc' });
    assert.deepEqual(await answers(2, 6), ['new', 'new', 'trade', 'trade', ...Array(2).fill('canceled CANCELLED_PROTECTION')]);
    maker.send({ ...quote, tag: 3 });
    assert.deepEqual(await answers(3, 2), Array(2).fill('rejected PROTECTION_TRIGGERED'));
    assert.equal((await maker.ask({ op: 'quote-protection', tag: 4, reset: true })).windowUs, 0);
    maker.send({ ...quote, tag: 5 });
    assert.deepEqual(await answers(5, 2), ['new', 'new']);
    for (const [tag, limits] of [
      [6, { windowMs: 0, fills: 1 }],
      [7, { windowMs: 5 }],
    ] as const) {
      const refused = await maker.ask({ op: 'quote-protection', tag, ...limits });
      assert.deepEqual([refused.kind, refused.op, refused.name, refused.clOrdId], ['refused', 'quote-protection', 'BAD_RANGE', undefined]);
      assert.match(String(refused.text), /^the window of a protection is 1 to 86400000 ms/);
    }
    await maker.ask({ op: 'quote-protection', tag: 8, windowMs: 0 });
    await maker.ask({ op: 'cancel-all', tag: 9 });
  });

  it('refuses what is wrong with its code, the tag, and the limit that was broken, and goes on', async (t) => {
    const session = await open(t, 'account=1');
    const list = { op: 'place-list', kind: 'oto', symbol: 'BTC-USD', side: 'buy', orderQty: '1' };
    const refused: [message: unknown, name: string, tag?: number][] = [
      ['{"op":', 'MALFORMED_FRAME'],
      [{ op: 'buy', tag: 1 }, 'UNKNOWN_KIND', 1],
      [{ op: 'place', tag: 2, symbol: 'BTC-USD', side: 'buy', orderQty: '1', price: '1', qty: 1 }, 'BAD_PARAMETER', 2],
      [{ op: 'place', tag: 3, symbol: 'NO', side: 'buy', orderQty: '1', price: '1' }, 'UNKNOWN_SYMBOL', 3],
      [
        {
          ...list,
          tag: 5,
          orders: [
            { price: '1', clOrdId: '1' },
            { price: '2', clOrdId: '1' },
          ],
        },
        'BAD_LIST',
        5,
      ],
      ['['.repeat(10_000), 'MALFORMED_FRAME'],
      [`{"op":"ping","x":${'9'.repeat(10_000)}}`, 'BAD_PARAMETER'],
    ];
    for (const [i, [message, name, tag]] of refused.entries()) {
      session.send(message);
      const found = await session.until(() => session.of('refused').at(i));
      assert.deepEqual([found.name, found.tag], [name, tag]);
      assert.ok(found.code > 0 && found.text.length > 0);
    }
    session.socket.send(Opcode.Binary, Buffer.from('{"op":"ping"}'));
    assert.equal((await session.until(() => session.of('refused').at(refused.length))).name, 'MALFORMED_FRAME');

    const order = { op: 'place', symbol: 'BTC-USD', side: 'buy', orderQty: '99999999', price: '1' };
    const rejected = await session.until(() => {
      if (session.reports.length === 0) session.send({ ...order, tag: 10, clOrdId: 1000 });
      return session.reports.find(({ tag }) => tag === 10);
    });
    assert.deepEqual([rejected.execType, rejected.name, rejected.limit?.name], ['rejected', 'QUANTITY_MAX', 'maxQuantity']);
    // At most 25 mass cancels at once.
    session.send(Array.from({ length: 32 }, () => ({ op: 'cancel-all', tag: 11 })));
    const rate = await session.first('refused', ({ name }) => name === 'MASS_CANCEL_RATE');
    assert.deepEqual([rate.op, rate.tag], ['cancel-all', 11]);
    assert.equal((await session.ask({ op: 'ping', tag: 12 })).kind, 'pong');
  });

  it('ends a session with a message that is too long, and with its code', async (t) => {
    const session = await open(t, 'account=1');
    session.send(`{"op":"ping","x":"${'x'.repeat(16 * 1024)}"}`);
    await session.socket.until(() => session.socket.ended);
    assert.deepEqual([session.socket.closeCode, session.socket.closeReason], [1009, 'a message has at most 16384 bytes: send several']);
  });

  it('rejects an upgrade with parameters that a JSON session does not have', async () => {
    for (const query of [
      'account=1&schema=2',
      'account=1&channels=book',
      'account=1&channels=',
      'account=1&channels=orders&channels=fills',
    ]) {
      const socket = await RawWebSocket.open(venue.ports.ws, { path: `/v1/orders?${query}`, protocol: 'json' });
      await socket.until(() => socket.ended);
      assert.match(`${socket.status} ${socket.body}`, / 400 .*BAD_PARAMETER/, query);
    }
    const binary = await RawWebSocket.open(venue.ports.ws, { path: '/v1/orders?account=1&channels=orders' });
    await binary.until(() => binary.ended);
    assert.match(binary.status, / 400 /);
  });

  it('cancels on disconnect what the session entered', async (t) => {
    const session = await open(t, 'account=4&cancel-on-disconnect=0&session-number=3');
    assert.deepEqual([session.messages[0].cancelOnDisconnect, session.messages[0].sessionNumber], [0, 3]);
    session.send({ op: 'place', tag: 1, symbol: 'BTC-USD', side: 'buy', orderQty: '1', price: '100' });
    const { reportNo } = await session.report(({ tag }) => tag === 1);
    await session.close();
    const watcher = await open(t, `account=4&last-report=${reportNo}`);
    assert.equal((await watcher.report(({ execType }) => execType === 'canceled')).name, 'CANCELLED_ON_DISCONNECT');
  });

  describe('the private stream', () => {
    it('has fills alone, and says up to which report', async (t) => {
      const session = await open(t, 'account=5&channels=fills');
      const orders = { op: 'place', symbol: 'ETH-USD', orderQty: '1', price: '3000' };
      session.send([
        { ...orders, side: 'buy', tag: 1, selfTrade: 'none' },
        { ...orders, side: 'sell', tag: 2, selfTrade: 'none' },
      ]);
      await session.until(() => session.reports.length === 2 && session.reports);
      assert.deepEqual(
        session.reports.map(({ execType }) => execType),
        ['trade', 'trade'],
      );
      assert.ok(session.of('reports')[0].lastReportNo >= session.reports[0].reportNo);
      assert.equal((await session.ask({ op: 'unsubscribe', channel: 'fills', tag: 3 })).kind, 'unsubscribed');
      assert.equal((await session.ask({ op: 'subscribe', channel: 'orders', tag: 4 })).kind, 'subscribed');
      session.send({ ...orders, side: 'buy', price: '100', tag: 5 });
      assert.equal((await session.report(({ tag }) => tag === 5)).execType, 'new');
      await session.ask({ op: 'cancel-all', tag: 6 });
    });

    it('has balances after each change, those of a deposit included', async (t) => {
      const session = await open(t, 'account=6&channels=orders,balances');
      const { balances } = await session.first('balances');
      const usd = balances.find(({ asset }: Message) => asset === 'USD');
      assert.equal(usd.reserved, '0.000000');
      session.send({ op: 'place', tag: 1, symbol: 'BTC-USD', side: 'buy', orderQty: '1', price: '100' });
      const reserved = await session.first('balances', (message) =>
        message.balances.some((each: Message) => each.asset === 'USD' && each.reserved !== '0.000000'),
      );
      const placed = await session.report(({ tag }) => tag === 1);
      assert.ok(reserved.lastReportNo >= placed.reportNo);
      assert.ok(
        session.messages.indexOf(reserved) > session.messages.findIndex(({ reports }) => reports?.some(({ tag }: Message) => tag === 1)),
        'after the report',
      );
      assert.deepEqual(
        reserved.balances.map(({ asset, total }: Message) => [asset, total]),
        [['USD', usd.total]],
        'only what changed',
      );

      const { status } = await venue.ask('/v1/accounts/6/deposit', { asset: 'ETH', amount: '7' });
      assert.ok(status < 300, `${status}`);
      const eth = balances.find(({ asset }: Message) => asset === 'ETH');
      await session.first('balances', (message) =>
        message.balances.some((each: Message) => each.asset === 'ETH' && Number(each.total) === Number(eth.total) + 7),
      );
      await session.ask({ op: 'unsubscribe', channel: 'balances', tag: 2 });
      const count = session.of('balances').length;
      session.send({ op: 'cancel-all', tag: 3 });
      await session.report(({ execType }) => execType === 'canceled');
      assert.equal((await session.ask({ op: 'ping', tag: 4 })).kind, 'pong');
      assert.equal(session.of('balances').length, count);
    });

    it('has a snapshot as of a report: what follows it leads to the present state', async (t) => {
      const session = await open(t, 'account=7');
      const order = { op: 'place', symbol: 'BTC-USD', side: 'buy', orderQty: '1' };
      session.send([1, 2, 3].map((i) => ({ ...order, tag: i, price: `${100 + i}`, clOrdId: i })));
      session.send([
        { op: 'snapshot', tag: 10 },
        { op: 'cancel', clOrdId: 2 },
        { ...order, tag: 4, price: '104', clOrdId: 4 },
      ]);
      const snapshot = await session.first('snapshot');
      await session.report(({ tag }) => tag === 4);
      assert.equal(snapshot.complete, true);
      assert.ok(snapshot.balances.length > 0);
      // What a client does with it.
      const orders = new Map<string, Message>(snapshot.orders.map((each: Message) => [each.orderId, each]));
      const at = session.messages.indexOf(snapshot);
      for (const { reports = [] } of session.messages.slice(at + 1))
        for (const report of reports)
          if (report.reportNo <= snapshot.lastReportNo) continue;
          else if (['canceled', 'filled', 'expired'].includes(report.ordStatus)) orders.delete(report.orderId);
          else orders.set(report.orderId, report);
      assert.deepEqual([...orders.values()].map(({ clOrdId }) => clOrdId).sort(), ['1', '3', '4']);
      const before = session.messages.slice(0, at).flatMap(({ reports = [] }) => reports as Message[]);
      assert.ok(
        before.every(({ reportNo }) => reportNo <= snapshot.lastReportNo),
        'no report before it that it lacks',
      );

      const page = await session.ask({ op: 'orders', tag: 11, limit: 2 });
      assert.deepEqual(
        page.orders.map(({ clOrdId }: Message) => clOrdId),
        ['1', '3'],
      );
      const rest = await session.ask({ op: 'orders', tag: 12, after: page.next, symbol: 'BTC-USD' });
      assert.deepEqual([rest.orders.map(({ clOrdId }: Message) => clOrdId), rest.next], [['4'], '0']);
      const { order: canceled } = await session.ask({ op: 'order', tag: 13, clOrdId: '2' });
      assert.deepEqual([canceled.ordStatus, canceled.name], ['canceled', 'CANCELLED_BY_CLIENT']);
      assert.equal((await session.ask({ op: 'order', tag: 14, orderId: 99_999 })).name, 'UNKNOWN_ORDER');
      await session.ask({ op: 'cancel-all', tag: 15 });
    });

    it('has the events of alerts', async (t) => {
      const { status } = await venue.ask('/v1/alerts', { account: 8, kind: 'fill', repeat: 'every' });
      assert.equal(status, 201);
      const session = await open(t, 'account=8');
      assert.equal((await session.ask({ op: 'subscribe', channel: 'alerts', tag: 1 })).kind, 'subscribed');
      assert.equal((await session.ask({ op: 'subscribe', channel: 'orders', after: 1, tag: 2 })).name, 'BAD_PARAMETER');
      assert.equal((await session.ask({ op: 'subscribe', channel: 'alerts', after: 9, tag: 4 })).name, 'BAD_RANGE');
      assert.match((await session.first('unsubscribed')).text, /the last event of account 8 is 0/);
      assert.equal((await session.ask({ op: 'subscribe', channel: 'alerts', after: 0, tag: 5 })).kind, 'subscribed');
      const order = { op: 'place', symbol: 'SOL-USD', orderQty: '1', price: '150' };
      session.send([
        { ...order, side: 'buy', selfTrade: 'none' },
        { ...order, side: 'sell', selfTrade: 'none' },
      ]);
      const { event } = await session.first('alert');
      assert.deepEqual([event.account, event.kind], [8, 'fill']);
      assert.equal((await session.ask({ op: 'unsubscribe', channel: 'alerts', tag: 3 })).kind, 'unsubscribed');
    });
  });
});
