/** Cancel on disconnect: docs/ORDER-ENTRY.md. */

import * as uWS from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, it, mock } from 'node:test';
import { Code } from '../engine/codes.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { checkCommand } from '../engine/wire/check-command.ts';
import { CommandKind, ReportKind } from '../engine/wire/layout.ts';
import { serveOrderSockets } from '../gateway/endpoints/websocket/order-sockets.ts';
import { createLogger } from '../gateway/log.ts';
import { CancelOnDisconnect } from '../gateway/sessions/cancel-on-disconnect.ts';
import { EVERYBODY } from './support/everybody.ts';
import { describe as describeReport, Harness, parseCommand, SMALL_LIMITS } from './support/exchange-fixture.ts';
import { RawSession, TestExchange } from './support/order-entry-fixture.ts';
import { RawWebSocket } from './support/raw-websocket.ts';
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
    const cancelled: number[] = [];
    const counters = { disconnectCancels: 0 };
    const watch = new CancelOnDisconnect(
      async (account) => {
        cancelled.push(account);
        return codes.shift() ?? Code.OK;
      },
      counters,
      createLogger('silent'),
    );
    return { watch, cancelled, counters };
  }

  it('begins when the last session that asked is gone, and is the one that this session named', async (t) => {
    const { watch, cancelled, counters } = watched(t);
    watch.opened(1);
    watch.opened(1);
    watch.closed(1, 5);
    mock.timers.tick(60_000);
    watch.closed(1, 30);
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
  it('ends when a session that asks comes back, and begins again when it leaves', async (t) => {
    const { watch, cancelled } = watched(t);
    watch.opened(1);
    watch.closed(1, 10);
    mock.timers.tick(9000);
    watch.opened(1);
    mock.timers.tick(60_000);
    watch.closed(1, 10);
    mock.timers.tick(9999);
    await settle();
    assert.deepEqual(cancelled, []);
    mock.timers.tick(1);
    await settle();
    assert.deepEqual(cancelled, [1]);
  });
  it('a cancel that is not taken is tried again until it is', async (t) => {
    const { watch, cancelled, counters } = watched(t, [Code.BUSY, Code.DISK_FULL]);
    watch.opened(1);
    watch.closed(1, 0);
    for (let second = 0; second < 3; second++) {
      mock.timers.tick(second === 0 ? 0 : 1000);
      await settle();
    }
    assert.deepEqual([cancelled, counters.disconnectCancels], [[1, 1, 1], 1]);
  });
  it('a session that is back ends the attempts', async (t) => {
    const back = watched(t, [Code.BUSY]);
    back.watch.opened(2);
    back.watch.closed(2, 0);
    mock.timers.tick(0);
    await settle();
    back.watch.opened(2);
    mock.timers.tick(60_000);
    await settle();
    assert.deepEqual(back.cancelled, [2]);
  });
  it('nothing is cancelled when the exchange stops', async (t) => {
    const { watch, cancelled } = watched(t);
    for (const account of [1, 2]) watch.opened(account);
    watch.closed(1, 1);
    watch.stop();
    watch.closed(2, 0);
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

  it('gets it confirmed, and its account loses its orders when it is gone; other sessions do not count', async () => {
    const other = exchange.client(1);
    const client = exchange.client(1, { cancelOnDisconnect: 0 });
    await Promise.all([other.ready(), client.ready()]);
    const codes: string[] = [];
    other.on('report', ({ code }) => codes.push(code));
    assert.equal((await other.place(order)).kind, 'accepted');
    assert.equal((await client.place(order)).kind, 'accepted');
    await client.close();
    await until(() => codes.filter((code) => code === 'CANCELLED_ON_DISCONNECT').length === 3, 'both orders are cancelled');
    assert.equal(resting(), 0);
    await other.close();
  });
  it('by its connection being lost, too', async () => {
    const client = exchange.client(1);
    await client.ready();
    await client.place(order);
    const session = new RawSession(exchange.port, { 'x-openbell-account': '1', 'x-openbell-cancel-on-disconnect': '0' });
    await session.opened;
    session.close();
    await until(() => resting() === 0, 'the order is cancelled');
    await client.close();
  });
  it('over WebSocket, by a parameter', async (t) => {
    const app = uWS.App();
    serveOrderSockets(app, exchange.sessions, EVERYBODY);
    t.after(() => app.close());
    const port = await new Promise<number>((resolve) =>
      app.listen('127.0.0.1', 0, (socket) => resolve(uWS.us_socket_local_port(socket as unknown as uWS.us_socket))),
    );
    const client = exchange.client(1);
    await client.ready();
    await client.place(order);
    const open = (grace: string) => RawWebSocket.open(port, { path: `/v1/orders?account=1&cancel-on-disconnect=${grace}` });
    const socket = await open('0');
    assert.match(socket.head, /^x-openbell-cancel-on-disconnect: 0\r?$/im);
    assert.equal(resting(), 1);
    socket.destroy();
    await until(() => resting() === 0, 'the order is cancelled');
    assert.match((await open('3601')).status, / 400 /);
    await client.close();
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
