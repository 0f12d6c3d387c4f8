import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { Report, Side, TimeInForce } from '../engine/wire/layout.ts';
import { REPORT_WORDS, ReportFrameReader } from '../engine/wire/report-frames.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import { resetSocket } from '../feeds/lines/reset-socket.ts';
import type { OrderSession } from '../gateway/client/order-session.ts';
import { SymbolCatalog } from '../gateway/client/symbols.ts';
import { grpcSession } from './support/grpc-session.ts';
import { RawSession, SYMBOLS, TestExchange, until } from './support/order-entry-fixture.ts';

const { Buy } = Side;
const { GoodTillCancel } = TimeInForce;

/** Counts the reports of a raw stream and checks their numbers, without keeping them. */
function count(session: RawSession, first: number): { next: number } {
  const state = { next: first };
  const reader = new ReportFrameReader();
  const words = new Int32Array(REPORT_WORDS);
  const report = new ReportView().wrap(words, 0);
  session.call.on('data', (bytes: Buffer) => {
    assert.equal(reader.open(bytes), Code.OK);
    for (let i = 0; i < reader.reports; i++) {
      reader.flat.copyWords(reader.reportsAt + i * Report.bytes, words, 0, REPORT_WORDS);
      assert.equal(report.reportNo, state.next++);
    }
  });
  return state;
}

/** Lets the raw stream read report 1, and no more: a grpc-js stream that never reads would buffer everything. */
async function stall(session: RawSession, client: OrderSession): Promise<{ next: number }> {
  const seen = count(session, 1);
  await client.cancel({ symbol: 1, orderId: 1 });
  await until(() => seen.next === 2, 'the first report');
  session.call.pause();
  return seen;
}

/** Sends `pairs` new orders and their cancels, as fast as engine and disk go: the command ring has room for each frame. */
async function churn(exchange: TestExchange, session: OrderSession, pairs: number): Promise<void> {
  const { counters } = exchange.sessions;
  const before = counters.frames;
  let frames = 0;
  const batch = new CommandBatch(1000);
  for (let i = 0; i < pairs; i++) {
    batch.place(1, Buy, GoodTillCancel, 100, 1, i + 1);
    batch.cancel(1, i + 1);
    if (!batch.full && i !== pairs - 1) continue;
    session.send(batch);
    frames++;
    await until(() => counters.frames === before + frames && exchange.engine.status().commandDepth < 8000, 'room in the ring');
  }
}

describe('a session that does not read', () => {
  it('costs one frame, slows no other session, and later gets 200,000 reports without a gap', async () => {
    const exchange = await TestExchange.start({ retained: 2 ** 14, engine: { durability: 'fast' } });
    const slow = new RawSession(exchange.port, { 'x-openbell-account': '1' });
    await slow.opened;
    const other = exchange.client(2);
    const busy = exchange.client(1);
    await Promise.all([busy.ready(), other.ready()]);
    const seen = await stall(slow, busy);
    await churn(exchange, busy, 100_000);
    await until(() => busy.lastReport === 200_001, 'the reports at the session that reads');
    assert.equal((await other.place({ symbol: 1, side: 'sell', price: 5, quantity: 1 })).kind, 'accepted');
    const { counters } = exchange.sessions;
    assert.equal(counters.blockedSessions, 1);
    // Two sessions of the account: one got everything, the other as much as fits its window.
    assert.ok(counters.pushedReports < 200_000 + 20_000, `${counters.pushedReports} reports left`);
    slow.call.resume();
    await until(() => seen.next === 200_002, 'the reports at the slow session');
    assert.equal(counters.blockedSessions, 0);
    slow.close();
    await Promise.all([busy.close(), other.close()]);
    await exchange.stop();
  });

  it('is not read from until it reads again', async () => {
    const exchange = await TestExchange.start({ retained: 2 ** 12, engine: { durability: 'fast' } });
    const session = new RawSession(exchange.port, { 'x-openbell-account': '1' });
    await session.opened;
    const client = exchange.client(1);
    const seen = await stall(session, client);
    await client.close();
    const batch = new CommandBatch(1000);
    while (!batch.full) batch.cancel(1, 1);
    const { counters } = exchange.sessions;
    let frames = 0;
    while (counters.blockedSessions === 0) {
      assert.ok(frames < 1000, 'it is never blocked');
      session.send(batch.bytes());
      frames++;
      // At the speed of the engine, so that no command is rejected.
      await until(
        () => counters.blockedSessions === 1 || (counters.frames === frames + 1 && exchange.engine.status().commandDepth < 8000),
        'room in the ring',
      );
    }
    for (let more = 0; more < 10; more++) session.send(batch.bytes());
    frames += 10;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(counters.commands <= (frames - 10) * 1000 + 1, 'it is read from all the same');
    session.call.resume();
    await until(() => seen.next === frames * 1000 + 2, 'the reports of all commands');
    assert.equal(counters.blockedSessions, 0);
    session.close();
    await exchange.stop();
  });
});

/** Between client and exchange: cuts every connection on request. */
class Cutter {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cuts = 0;

  constructor(port: number) {
    this.#server = createServer((client) => {
      const upstream = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ]) {
        this.#sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port)));
  }

  cut(): void {
    this.cuts++;
    for (const socket of this.#sockets) resetSocket(socket);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

describe('a connection that is lost repeatedly', () => {
  it('loses no order and no report, and nothing trades twice', async () => {
    const exchange = await TestExchange.start({ retained: 64 });
    const cutter = new Cutter(exchange.port);
    const port = await cutter.listen();
    const session = grpcSession({
      host: '127.0.0.1',
      port,
      account: 1,
      lastReport: undefined,
      reconnect: true,
      symbols: new SymbolCatalog(SYMBOLS),
    });
    const numbers: number[] = [];
    let lost = 0;
    session.on('report', (report) => numbers.push(report.reportNo));
    session.on('lost', () => lost++);
    await session.ready();
    let sending = true;
    // A connection is lost only after it has brought a report, so that a slow machine makes progress, too.
    const cutting = (async () => {
      for (let seen = 0; sending; seen = numbers.length) {
        await until(() => !sending || numbers.length > seen, 'a report after a loss');
        await new Promise((resolve) => setTimeout(resolve, 30));
        cutter.cut();
      }
    })();
    const answers = [];
    for (let i = 0; i < 600 || lost < 5; i++) {
      const side = i % 2 === 0 ? 'buy' : 'sell';
      answers.push(session.place({ symbol: 1, side, price: side === 'buy' ? 10 : 20, quantity: 1 + i, clientOrderId: i + 1 }));
      if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
    }
    const reports = await Promise.all(answers);
    sending = false;
    await cutting;
    const orders = answers.length;
    await session.ready();
    assert.ok(reports.every(({ kind }) => kind === 'accepted'));
    const open = exchange.engine.directory.openOrders(1, 10_000);
    assert.equal(open.length, orders);
    assert.equal(new Set(open.map((order) => order.clientOrderId)).size, orders);
    const last = exchange.hub.lastReportNo(1);
    await until(() => session.lastReport === last, 'the last report');
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
    );
    assert.ok(numbers.length >= orders);
    await session.close();
    cutter.close();
    await exchange.stop();
  });

  it('reports to the caller of an amend that it may have happened', async () => {
    const exchange = await TestExchange.start();
    const cutter = new Cutter(exchange.port);
    const session = grpcSession({
      host: '127.0.0.1',
      port: await cutter.listen(),
      account: 1,
      lastReport: undefined,
      reconnect: true,
      symbols: new SymbolCatalog(SYMBOLS),
    });
    const placed = await session.place({ symbol: 1, side: 'sell', price: 7, quantity: 3 });
    const amended = session.amend({ symbol: 1, orderId: placed.orderId, price: 7, quantity: 2 });
    // Behind the turn in which it is sent, before the answer can be there.
    setImmediate(() => setImmediate(() => cutter.cut()));
    await assert.rejects(amended, { code: 'CONNECTION_LOST' });
    assert.equal((await session.cancel({ symbol: 1, orderId: placed.orderId })).kind, 'cancelled');
    await session.close();
    await assert.rejects(session.place({ symbol: 1, side: 'sell', price: 7, quantity: 3 }), { code: 'CLOSED' });
    cutter.close();
    await exchange.stop();
  });

  it('gives up at once if a retry would fail again, or retries are disabled', async () => {
    const exchange = await TestExchange.start();
    const unknown = exchange.client(60);
    await assert.rejects(unknown.ready(), { code: 'UNKNOWN_ACCOUNT' });
    const ahead = exchange.client(1, { lastReport: 1000 });
    await assert.rejects(ahead.place({ symbol: 1, side: 'sell', price: 7, quantity: 3 }), { code: 'BAD_RANGE' });
    const once = exchange.client(1, { reconnect: false });
    await once.ready();
    const closed = new Promise((resolve) => once.once('closed', resolve));
    await exchange.stop();
    assert.equal((await closed) instanceof Error, true);
    const late = exchange.client(1, { reconnect: false });
    await assert.rejects(late.ready(), { code: 'CONNECTION_LOST' });
  });
});
