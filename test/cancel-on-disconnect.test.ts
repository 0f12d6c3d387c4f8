/** Cancel on disconnect: docs/ORDER-ENTRY.md. */

import * as uWS from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, it, mock } from 'node:test';
import { Code } from '../engine/codes.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { checkCommand } from '../engine/wire/check-command.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { CommandKind, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { serveOrderSockets } from '../gateway/endpoints/websocket/order-sockets.ts';
import { createLogger } from '../gateway/log.ts';
import { CancelOnDisconnect } from '../gateway/sessions/cancel-on-disconnect.ts';
import { IN_METADATA, readCaller } from '../gateway/sessions/order-caller.ts';
import { EVERYBODY } from './support/everybody.ts';
import { describe as describeReport, Harness, parseCommand, SMALL_LIMITS, SYMBOL } from './support/exchange-fixture.ts';
import { RawSession, TestExchange } from './support/order-entry-fixture.ts';
import { Opcode, RawWebSocket } from './support/raw-websocket.ts';
import { copyOf } from './support/snapshot-at-any.ts';
import { until } from './support/until.ts';

describe('the command', () => {
  it('cancels the orders of the account, reports the reason, and answers the operator with their number', () => {
    const harness = new Harness().setUp(2);
    for (const line of ['1 new 1 buy 1 @ 500', '1 new 2 sell 2 @ 700', '2 new 1 buy 3 @ 500', '1 new 3 sell 1 stop 400'])
      harness.must(parseCommand(line));
    const { reports } = harness.do({ kind: CommandKind.CancelOnDisconnect, account: 1 });
    assert.deepEqual(reports.map(describeReport), [
      '1 MassCancelled 3 later 0 CANCELLED_ON_DISCONNECT',
      '1 Cancelled 1 1@500 leaves 0 CANCELLED_ON_DISCONNECT',
      '1 Cancelled 2 2@700 leaves 0 CANCELLED_ON_DISCONNECT',
      '1 Cancelled 3 1@0 leaves 0 stop 400 CANCELLED_ON_DISCONNECT',
      '0 Accepted 3@0',
    ]);
    assert.equal(harness.exchange.slab.count, 1);
  });
  it('of a session: cancels only what it entered, stops, quotes and lists included, and later what is left', () => {
    const harness = new Harness().setUp(2);
    const from = (session: number, line: string) => harness.do({ ...parseCommand(line), session });
    from(1, '1 new 1 buy 1 @ 500');
    from(2, '1 new 2 sell 2 @ 700');
    from(0, '1 new 3 buy 3 @ 499');
    from(1, '2 new 1 buy 3 @ 500');
    from(1, '1 new 4 sell 1 stop 400');
    from(2, '1 new 5 sell 1 stop 401');
    const quote = { kind: CommandKind.Quote, symbol: SYMBOL, account: 1, price: 498, quantity: 1, clientOrderId: 702, orderId: 1 };
    harness.do({ ...quote, session: 2 });
    // The quote is the latest one's; the order stays that of the session which entered it.
    harness.do({ ...quote, clientOrderId: 703, session: 1 });
    harness.do({ ...parseCommand('1 amend 2 1 @ 700'), session: 1 });
    assert.equal(stateHash(copyOf(harness.exchange)), stateHash(harness.exchange));
    const gone = (quantity: number) => {
      const fields = { kind: CommandKind.CancelSession, account: 1, quantity };
      return harness.do(fields).reports.map(describeReport);
    };
    assert.deepEqual(gone(1), [
      '1 MassCancelled 4 later 0 CANCELLED_ON_DISCONNECT',
      '1 Cancelled 1 1@500 leaves 0 CANCELLED_ON_DISCONNECT',
      '1 Cancelled bid 1@498 leaves 0 CANCELLED_ON_DISCONNECT',
      '1 Cancelled ask 1@703 leaves 0 CANCELLED_ON_DISCONNECT',
      '1 Cancelled 4 1@0 leaves 0 stop 400 CANCELLED_ON_DISCONNECT',
      '0 Accepted 4@0',
    ]);
    assert.deepEqual(gone(1), ['1 MassCancelled 0 later 0 CANCELLED_ON_DISCONNECT', '0 Accepted']);
    assert.deepEqual(gone(2).length, 4);
    assert.equal(harness.exchange.slab.count, 2);
  });
  it('of a session: a stop that rests after its trigger, an iceberg and a linked order stay its', () => {
    const harness = new Harness().setUp(3);
    const from = (session: number, line: string) => harness.do({ ...parseCommand(line), session });
    from(2, '1 new 1 buy 5 stop 505 @ 500');
    from(0, '2 new 1 sell 1 @ 505');
    from(0, '3 new 1 buy 1 @ 505');
    from(2, '1 new 2 buy 9 @ 490 show 3');
    for (const fields of [harness.exchange, copyOf(harness.exchange)])
      assert.deepEqual(
        [...fields.slab.session].filter((session) => session !== 0),
        [2, 2],
      );
    const { reports } = harness.do({ kind: CommandKind.CancelSession, account: 1, quantity: 2 });
    assert.equal(reports.filter(({ kind }) => kind === ReportKind.Cancelled).length, 2);
    assert.ok(harness.exchange.slab.session.every((session) => session === 0));
  });
  it('of a session: an order whose partner ended stays its, and leaves nothing behind', () => {
    const harness = new Harness().setUp(2);
    const { legs = [], ...list } = parseCommand('ouo: 1 new 1 sell 5 @ 520 & 1 new 2 sell 5 stop 480');
    harness.do({ ...list, legs: legs.map((leg) => ({ ...leg, session: 3 })) });
    harness.do(parseCommand('2 new 1 buy 5 @ 480'));
    harness.do(parseCommand('2 new 2 sell 5 @ 480'));
    // The stop found nothing to trade with, and the other order is linked no more.
    assert.deepEqual(
      harness.exchange.accounts.openOrders[1] > 0 && [...harness.exchange.slab.session].filter((session) => session !== 0),
      [3],
    );
    harness.do({ kind: CommandKind.CancelSession, account: 1, quantity: 3 });
    assert.ok(harness.exchange.slab.session.every((session) => session === 0));
  });
  it('of a session: needs rules 6 and a number', () => {
    const cancel = (harness: Harness, quantity: number) =>
      harness.do({ kind: CommandKind.CancelSession, account: 1, quantity }).reports[0].code;
    const harness = new Harness().setUp(1);
    assert.deepEqual([0, 128, 127].map((number) => cancel(harness, number)).slice(0, 2), [Code.BAD_PARAMETER, Code.BAD_PARAMETER]);
    const old = new Harness(SMALL_LIMITS, 5).setUp(1);
    assert.equal(cancel(old, 1), Code.UNKNOWN_KIND);
    old.do({ ...parseCommand('1 new 1 buy 1 @ 500'), session: 1 });
    assert.ok(
      old.exchange.slab.session.every((session) => session === 0),
      'rules 5 have no sessions',
    );
  });
  it('needs an account that exists, and rules 5', () => {
    const [none] = new Harness().setUp(1).do({ kind: CommandKind.CancelOnDisconnect, account: 9 }).reports;
    assert.deepEqual([none.kind, none.code], [ReportKind.Rejected, Code.UNKNOWN_ACCOUNT]);
    const old = new Harness(SMALL_LIMITS, 4).setUp(1);
    const [answer] = old.do({ kind: CommandKind.CancelOnDisconnect, account: 1 }).reports;
    assert.deepEqual([answer.kind, answer.code], [ReportKind.Rejected, Code.UNKNOWN_KIND]);
  });
  it('cannot be sent by a client', () => {
    const bytes = new Uint8Array(64);
    const words = new Int32Array(bytes.buffer);
    encodeCommand(bytes, words, 0, { kind: CommandKind.CancelOnDisconnect, account: 7 });
    assert.equal(checkCommand(bytes, words, 0, 7), Code.ADMIN_ONLY);
  });
});

describe('the time that an account may be without its sessions', () => {
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  /** @param codes answers to the cancels, in order; OK after them */
  function watched(t: { after: (clean: () => void) => void }, codes: Code[] = []) {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const cancelled: (number | string)[] = [];
    const counters = { disconnectCancels: 0 };
    const watch = new CancelOnDisconnect(
      async (account, session) => {
        cancelled.push(session === 1 ? account : `${account}/${session}`);
        return codes.shift() ?? Code.OK;
      },
      counters,
      createLogger('silent'),
    );
    return { watch, cancelled, counters };
  }

  it('begins when the last session that asked is gone, and is the one that this session named', async (t) => {
    const { watch, cancelled, counters } = watched(t);
    watch.opened(1, 1);
    watch.opened(1, 1);
    watch.closed(1, 1, 5);
    mock.timers.tick(60_000);
    watch.closed(1, 1, 30);
    mock.timers.tick(29_999);
    await settle();
    assert.deepEqual(cancelled, []);
    mock.timers.tick(1);
    await settle();
    assert.deepEqual([cancelled, counters.disconnectCancels], [[1], 1]);
    mock.timers.tick(3_600_000);
    await settle();
    assert.deepEqual(cancelled, [1]);
  });
  it('is that of each session number', async (t) => {
    const { watch, cancelled } = watched(t);
    watch.opened(1, 1);
    watch.opened(1, 2);
    watch.closed(1, 2, 5);
    mock.timers.tick(5000);
    await settle();
    assert.deepEqual(cancelled, ['1/2']);
    watch.closed(1, 1, 5);
    watch.opened(1, 2);
    mock.timers.tick(5000);
    await settle();
    assert.deepEqual(cancelled, ['1/2', 1]);
  });
  it('ends when a session that asks comes back, and begins again when it leaves', async (t) => {
    const { watch, cancelled } = watched(t);
    watch.opened(1, 1);
    watch.closed(1, 1, 10);
    mock.timers.tick(9000);
    watch.opened(1, 1);
    mock.timers.tick(60_000);
    watch.closed(1, 1, 10);
    mock.timers.tick(9999);
    await settle();
    assert.deepEqual(cancelled, []);
    mock.timers.tick(1);
    await settle();
    assert.deepEqual(cancelled, [1]);
  });
  it('a cancel that is not taken is tried again until it is', async (t) => {
    const { watch, cancelled, counters } = watched(t, [Code.BUSY, Code.DISK_FULL]);
    watch.opened(1, 1);
    watch.closed(1, 1, 0);
    for (let second = 0; second < 3; second++) {
      mock.timers.tick(second === 0 ? 0 : 1000);
      await settle();
    }
    assert.deepEqual([cancelled, counters.disconnectCancels], [[1, 1, 1], 1]);
  });
  it('a session that is back ends the attempts', async (t) => {
    const back = watched(t, [Code.BUSY]);
    back.watch.opened(2, 1);
    back.watch.closed(2, 1, 0);
    mock.timers.tick(0);
    await settle();
    back.watch.opened(2, 1);
    mock.timers.tick(60_000);
    await settle();
    assert.deepEqual(back.cancelled, [2]);
  });
  it('nothing is cancelled when the exchange stops', async (t) => {
    const { watch, cancelled } = watched(t);
    for (const account of [1, 2]) watch.opened(account, 1);
    watch.closed(1, 1, 1);
    watch.stop();
    watch.closed(2, 1, 0);
    mock.timers.tick(60_000);
    await settle();
    assert.deepEqual(cancelled, []);
  });
});

describe('a session that asks for it', () => {
  let exchange: TestExchange;
  before(async () => {
    exchange = await TestExchange.start();
  });
  after(() => exchange.stop());

  const order = { symbol: 'BTC-USD', side: 'buy', quantity: '1', price: '100.00' } as const;
  const resting = (): number => exchange.engine.directory.openOrders(1, 10).length;
  const newOrder = (clientOrderId: number): Uint8Array => {
    const batch = new CommandBatch(1);
    batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 100, 1, clientOrderId);
    return batch.bytes();
  };

  it('gets it confirmed, and loses what it entered when it is gone; the orders of other sessions stay', async () => {
    const other = exchange.client(1);
    const client = exchange.client(1, { cancelOnDisconnect: 0 });
    await Promise.all([other.ready(), client.ready()]);
    const codes: string[] = [];
    other.on('report', ({ code }) => codes.push(code));
    assert.equal((await other.place(order)).kind, 'accepted');
    assert.equal((await client.place(order)).kind, 'accepted');
    await client.close();
    await until(
      () => codes.filter((code) => code === 'CANCELLED_ON_DISCONNECT').length === 2,
      'one order is cancelled, and the cancel reported',
    );
    assert.equal(resting(), 1);
    await other.cancelAll();
    await other.close();
  });
  it('by its number: lists and quotes, too; a session with the same number keeps them', async () => {
    const names = { cancelOnDisconnect: 0, sessionNumber: 7 };
    const [first, second, other] = [names, names, { cancelOnDisconnect: 0, sessionNumber: 8 }].map((options) =>
      exchange.client(1, options),
    );
    await Promise.all([first, second, other].map((client) => client.ready()));
    await first.place(order);
    await first.oco({ symbol: 'BTC-USD', side: 'buy', quantity: '1', orders: [{ price: '98.00' }, { type: 'stop', stopPrice: '200.00' }] });
    await first.quote({ symbol: 'BTC-USD', bid: { price: '99.00', quantity: '1' }, postOnly: true });
    await other.place(order);
    const sessions = (): unknown[] => exchange.engine.directory.openOrders(1, 10).map(({ session }) => session);
    assert.deepEqual(sessions(), [7, 7, 7, 7, 8]);
    await first.close();
    await second.place(order);
    assert.equal(resting(), 6);
    await second.close();
    await until(() => resting() === 1, 'the orders of both are cancelled');
    assert.deepEqual(sessions(), [8]);
    await other.close();
    await until(() => resting() === 0, 'the order of the other one is cancelled');
  });
  it('by its connection being lost, too', async () => {
    const session = new RawSession(exchange.port, { 'x-openbell-account': '1', 'x-openbell-cancel-on-disconnect': '0' });
    await session.opened;
    session.send(newOrder(21));
    await until(() => resting() === 1, 'the order rests');
    session.close();
    await until(() => resting() === 0, 'the order is cancelled');
  });
  it('over WebSocket, by a parameter', async (t) => {
    const app = uWS.App();
    serveOrderSockets(app, exchange.sessions, EVERYBODY);
    t.after(() => app.close());
    const port = await new Promise<number>((resolve) =>
      app.listen('127.0.0.1', 0, (socket) => resolve(uWS.us_socket_local_port(socket as unknown as uWS.us_socket))),
    );
    const open = (grace: string) => RawWebSocket.open(port, { path: `/v1/orders?account=1&cancel-on-disconnect=${grace}` });
    const socket = await open('0');
    assert.match(socket.head, /^x-openbell-cancel-on-disconnect: 0\r?$/im);
    assert.match(socket.head, /^x-openbell-session-number: 1\r?$/im);
    socket.send(Opcode.Binary, newOrder(22));
    await until(() => resting() === 1, 'the order rests');
    socket.destroy();
    await until(() => resting() === 0, 'the order is cancelled');
    assert.match((await open('3601')).status, / 400 /);
    assert.match((await open('0&session-number=128')).status, / 400 /);
  });
  for (const wrong of ['-1', '3601', '1.5', '', 'x']) {
    it(`names 0 to 3600 seconds, not "${wrong}"`, async () => {
      const session = new RawSession(exchange.port, { 'x-openbell-account': '1', 'x-openbell-cancel-on-disconnect': wrong });
      const { details } = await session.ended;
      assert.match(details, /^BAD_RANGE: x-openbell-cancel-on-disconnect must be 0 to 3600 seconds/);
      session.close();
    });
  }
});

for (const [wrong, grace] of [
  ['0', '5'],
  ['128', '5'],
  ['x', '5'],
  ['01', '5'],
  ['1', undefined],
]) {
  it(`a session has number 1 to 127, and asks for a cancel, not "${wrong}" and ${grace}`, () => {
    const claims = {
      names: IN_METADATA,
      account: '1',
      schema: undefined,
      lastReport: undefined,
      cancelOnDisconnect: grace,
      sessionNumber: wrong,
    };
    const caller = readCaller(claims, () => true);
    assert.ok('details' in caller);
    assert.match(caller.details, /^BAD_RANGE: x-openbell-session-number must be 1 to 127, and come with x-openbell-cancel-on-disconnect/);
  });
}

it('a stop of the exchange cancels nothing; a client that comes back asks again', async (t) => {
  const first = await TestExchange.start();
  t.after(() => rmSync(first.dir, { recursive: true, force: true }));
  const client = first.client(1, { cancelOnDisconnect: 0, reconnect: false });
  await client.ready();
  assert.equal((await client.place({ symbol: 'BTC-USD', side: 'buy', quantity: '1', price: '100.00' })).kind, 'accepted');
  await first.stop({ keep: true });
  const second = await TestExchange.start({ dir: first.dir });
  try {
    const resting = (): number => second.engine.directory.openOrders(1, 10).length;
    assert.equal(resting(), 1);
    const again = second.client(1, { cancelOnDisconnect: 0 });
    await again.ready();
    assert.equal(resting(), 1);
    await again.close();
    await until(() => resting() === 0, 'the order is cancelled');
  } finally {
    await second.stop();
  }
});
