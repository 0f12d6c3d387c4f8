import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client, credentials, makeClientConstructor, status } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { CommandBatch, MAX_FRAME_COMMANDS } from '../engine/wire/frames.ts';
import { Command, Side, TimeInForce } from '../engine/wire/layout.ts';
import type { OrderSession } from '../gateway/client/order-session.ts';
import type { RefusalView, ReportView } from '../gateway/client/types.ts';
import { RawSession, TestExchange, until } from './support/order-entry-fixture.ts';

const { Buy, Sell } = Side;
const { GoodTillCancel, ImmediateOrCancel } = TimeInForce;
const order = { symbol: 'BTC-USD', side: 'buy', price: '10.00', quantity: '1' } as const;

function lines(session: OrderSession): string[] {
  const seen: string[] = [];
  session.on('report', (r) => seen.push(`${r.kind} ${r.price} ${r.quantity} ${r.leaves} ${r.filled}`));
  return seen;
}

/** A status and the code's name at the start of its details. */
async function end(session: RawSession): Promise<string> {
  const { code, details } = await session.ended;
  session.close();
  return `${status[code]} ${/^[A-Z_]+/.exec(details)?.[0]}`;
}

describe('order entry', () => {
  let exchange: TestExchange;
  let alice: OrderSession;
  let bob: OrderSession;
  before(async () => {
    exchange = await TestExchange.start();
    alice = exchange.client(1);
    bob = exchange.client(2);
    await Promise.all([alice.ready(), bob.ready()]);
  });
  after(async () => {
    await Promise.all([alice.close(), bob.close()]);
    await exchange.stop();
  });

  it('places, fills, amends and cancels, with decimal text', async () => {
    const seen = lines(bob);
    const bid = await bob.place({ symbol: 'BTC-USD', side: 'buy', price: '100.25', quantity: '2' });
    assert.equal(bid.kind, 'accepted');
    assert.equal(bid.account, 2);
    const ask = await alice.place({ symbol: 1, side: 'sell', price: 100.25, quantity: 0.5 });
    assert.equal(ask.kind, 'accepted');
    await until(() => seen.length === 2, 'the fill');
    const amended = await bob.amend({ symbol: 'BTC-USD', orderId: bid.orderId, price: '100.25', quantity: '1' });
    assert.deepEqual([amended.kind, amended.keptPriority], ['amended', true]);
    const gone = await bob.cancel({ symbol: 'BTC-USD', clientOrderId: bid.clientOrderId });
    assert.deepEqual([gone.kind, gone.code], ['cancelled', 'CANCELLED_BY_CLIENT']);
    const missing = await bob.cancel({ symbol: 'BTC-USD', orderId: bid.orderId });
    assert.deepEqual([missing.kind, missing.code], ['cancel-rejected', 'UNKNOWN_ORDER']);
    assert.deepEqual(seen.slice(0, 4), [
      'accepted 100.25 2.000 2.000 0.000',
      'fill 100.25 0.500 1.500 0.500',
      'amended 100.25 1.000 1.000 0.500',
      'cancelled 100.25 1.000 0.000 0.500',
    ]);
    bob.removeAllListeners('report');
  });

  it('resolves a rejected order, and throws for a Refusal or an invalid request', async () => {
    const poor = await alice.place({ ...order, price: '10000.00', quantity: '200000' });
    assert.deepEqual([poor.kind, poor.code], ['rejected', 'INSUFFICIENT_FUNDS']);
    const halted = await alice.place({ ...order, timeInForce: 'market', price: undefined });
    assert.deepEqual([halted.kind, halted.code], ['rejected', 'NO_LIQUIDITY']);
    await assert.rejects(alice.place({ ...order, clientOrderId: 0 }), { name: 'OpenbellError', code: 'BAD_CLIENT_ORDER_ID', number: 400 });
    await assert.rejects(alice.place({ ...order, quantity: 0 }), { code: 'BAD_RANGE' });
    await assert.rejects(alice.place({ ...order, price: '10.001' }), { code: 'DECIMAL_NOT_A_MULTIPLE' });
    await assert.rejects(alice.place({ ...order, quantity: 0.1 + 0.2 }), { code: 'DECIMAL_NOT_A_MULTIPLE' });
    await assert.rejects(alice.place({ ...order, price: undefined, timeInForce: 'gtc' }), { code: 'BAD_RANGE' });
    await assert.rejects(alice.place({ ...order, symbol: 'NO-SUCH' }), { code: 'UNKNOWN_SYMBOL' });
    await assert.rejects(alice.cancel({ symbol: 1 }), { code: 'BAD_RANGE', message: /name the order/ });
    await assert.rejects(alice.place({ ...order, clientOrderId: 1.5 }), {
      code: 'BAD_RANGE',
      message: /a client order id is an integer from 1 to/,
    });
    await assert.rejects(alice.cancel({ symbol: 1, orderId: 2 ** 53 }), { code: 'BAD_RANGE' });
    await assert.rejects(alice.cancel({ symbol: 1, orderId: '12x' }), { code: 'BAD_RANGE' });
  });

  it('answers a repeated client order id and does not trade twice', async () => {
    const first = await alice.place({ ...order, clientOrderId: 2 ** 52 });
    const again = await alice.place({ ...order, clientOrderId: 2 ** 52 });
    assert.deepEqual([first.duplicate, again.duplicate, again.orderId], [false, true, first.orderId]);
    assert.equal(exchange.engine.directory.openOrders(1, 10).length, 1);
    const other = await alice.place({ ...order, price: '99.00', clientOrderId: 2 ** 52 });
    assert.deepEqual([other.kind, other.code, other.duplicate], ['rejected', 'CLIENT_ORDER_ID_REUSED', false]);
    await alice.cancel({ symbol: 1, orderId: first.orderId });
    const ended = await alice.place({ ...order, clientOrderId: 2 ** 52 });
    assert.deepEqual([ended.kind, ended.duplicate, ended.leavesLots, ended.filledLots], ['accepted', true, 0, 0]);
  });

  it('sends all reports of an account to each of its sessions', async () => {
    const copy = exchange.client(1);
    await copy.ready();
    const [own, copied] = [lines(alice), lines(copy)];
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => alice.place({ ...order, price: 1 + i })));
    await until(() => copied.length === 50, 'the copy');
    assert.deepEqual(copied, own);
    const cancelled = await Promise.all(answers.map(({ orderId }) => copy.cancel({ symbol: 1, orderId })));
    assert.ok(cancelled.every(({ kind }) => kind === 'cancelled'));
    await copy.close();
    alice.removeAllListeners('report');
  });

  it('sends a session that names its last report the later ones, and none twice', async () => {
    const from = alice.lastReport ?? 0;
    for (let i = 0; i < 20; i++) await alice.cancel({ symbol: 1, orderId: 1 });
    for (const last of [from, from + 7, from + 20]) {
      const session = new RawSession(exchange.port, { 'x-openbell-account': '1', 'x-openbell-last-report': String(last) });
      session.read();
      await session.opened;
      await until(() => session.reports.length >= from + 20 - last, 'the missed reports');
      await alice.cancel({ symbol: 1, orderId: 2 });
      await until(() => session.reports.some((report) => report.orderId === 2), 'the next report');
      const numbers = session.reports.map((report) => report.reportNo);
      assert.deepEqual(
        numbers,
        numbers.map((_, i) => last + 1 + i),
      );
      session.close();
    }
  });

  it('accepts the valid commands of a frame and names each invalid one', async () => {
    const batch = new CommandBatch(8);
    batch.place(1, Buy, GoodTillCancel, 100, 5, 2 ** 52 + 1, 11);
    for (let i = 0; i < 3; i++) batch.place(1, Buy, GoodTillCancel, 100, 5, 2 ** 52 + 2 + i, 20 + i);
    batch.cancel(1, 2 ** 52 + 1, 0, 33);
    const u8 = batch.u8;
    u8[32 + 64 * 1] = 21;
    u8[32 + 64 * 2 + Command.timeInForce] = 9;
    u8[32 + 64 * 3 + Command.account] = 2;
    const refusals: RefusalView[] = [];
    const seen = lines(alice);
    alice.on('refusal', (refusal) => refusals.push(refusal));
    alice.send(batch);
    await until(() => refusals.length === 3 && seen.length === 2, 'the answers');
    assert.deepEqual(
      refusals.map(({ code, index, tag, kind }) => [code, index, tag, kind]),
      [
        ['ADMIN_ONLY', 1, 20, 'other'],
        ['BAD_ENUM', 2, 21, 'new'],
        ['FOREIGN_ACCOUNT', 3, 22, 'new'],
      ],
    );
    assert.deepEqual(seen, ['accepted 1.00 0.005 0.005 0.000', 'cancelled 1.00 0.005 0.000 0.000']);
    alice.removeAllListeners();
  });

  it('answers a unary Submit with the first report of each command and the rejects', async () => {
    const batch = new CommandBatch(4);
    batch.place(1, Sell, GoodTillCancel, 500, 3, 2 ** 52 + 10);
    batch.place(1, Buy, ImmediateOrCancel, 500, 9, 2 ** 52 + 11);
    batch.place(1, Buy, GoodTillCancel, 500, 9, 0);
    batch.cancel(1, 0, 1);
    const { reports, refusals } = await alice.submit(batch);
    assert.deepEqual(
      reports.map(({ kind, clientOrderId }) => [kind, clientOrderId]),
      [
        ['accepted', 2 ** 52 + 10],
        ['accepted', 2 ** 52 + 11],
        ['cancel-rejected', 0],
      ],
    );
    assert.deepEqual(
      refusals.map(({ code, index }) => [code, index]),
      [['BAD_CLIENT_ORDER_ID', 2]],
    );
    assert.deepEqual(await alice.submit(batch), { reports: [], refusals: [] });
    const unknown = exchange.client(60);
    await assert.rejects(unknown.submit(batch), { code: 'UNKNOWN_ACCOUNT' });
    await unknown.close();
  });

  it('answers all commands that a client sent before it closed its side, then ends with OK', async () => {
    const session = new RawSession(exchange.port, { 'x-openbell-account': '3' });
    session.read();
    const batch = new CommandBatch(MAX_FRAME_COMMANDS);
    while (!batch.full) batch.cancel(1, batch.count + 1);
    session.send(batch.bytes());
    session.call.end();
    assert.equal((await session.ended).code, status.OK);
    assert.equal(session.reports.length, MAX_FRAME_COMMANDS);
    session.close();
  });

  it('rejects frames that are too large, and continues', async () => {
    const session = new RawSession(exchange.port, { 'x-openbell-account': '3' });
    session.read();
    session.send(new Uint8Array(MAX_FRAME_COMMANDS * 64 + 2000));
    const batch = new CommandBatch(1);
    batch.cancel(1, 5);
    session.send(batch.bytes());
    await until(() => session.reports.length === 1, 'the answer behind it');
    assert.deepEqual(
      session.refusals.map(({ code, index }) => [code, index]),
      [['FRAME_TOO_LARGE', undefined]],
    );
    session.close();
  });

  const wrong: [string, Record<string, string>][] = [
    ['INVALID_ARGUMENT BAD_RANGE', {}],
    ['INVALID_ARGUMENT BAD_RANGE', { 'x-openbell-account': '0' }],
    ['INVALID_ARGUMENT BAD_RANGE', { 'x-openbell-account': '01' }],
    ['INVALID_ARGUMENT BAD_RANGE', { 'x-openbell-account': '-1' }],
    ['INVALID_ARGUMENT BAD_RANGE', { 'x-openbell-account': '4294967296' }],
    ['INVALID_ARGUMENT BAD_RANGE', { 'x-openbell-account': 'alice' }],
    ['NOT_FOUND UNKNOWN_ACCOUNT', { 'x-openbell-account': '50' }],
    ['NOT_FOUND UNKNOWN_ACCOUNT', { 'x-openbell-account': '4294967295' }],
    ['INVALID_ARGUMENT BAD_RANGE', { 'x-openbell-account': '1', 'x-openbell-last-report': 'x' }],
    ['OUT_OF_RANGE BAD_RANGE', { 'x-openbell-account': '1', 'x-openbell-last-report': '9007199254740991' }],
    ['FAILED_PRECONDITION WRONG_SCHEMA_VERSION', { 'x-openbell-account': '1', 'x-openbell-schema': '3' }],
  ];
  for (const [expected, headers] of wrong) {
    it(`ends a session with ${expected} for ${JSON.stringify(headers)}`, async () => {
      const session = new RawSession(exchange.port, headers);
      session.read();
      assert.equal(await end(session), expected);
    });
  }

  it('ends a session that sends another schema version, naming both, or an invalid frame', async () => {
    const batch = new CommandBatch(1);
    batch.cancel(1, 5);
    const old = batch.bytes().slice();
    old[24] = 9;
    const session = new RawSession(exchange.port, { 'x-openbell-account': '3' });
    session.read();
    session.send(old);
    assert.match((await session.ended).details, /^WRONG_SCHEMA_VERSION: .*version 9.*versions 1/);
    assert.equal(await end(session), 'FAILED_PRECONDITION WRONG_SCHEMA_VERSION');
    const hostile = new RawSession(exchange.port, { 'x-openbell-account': '3' });
    hostile.read();
    hostile.send(new Uint8Array(100).fill(255));
    assert.equal(await end(hostile), 'INVALID_ARGUMENT MALFORMED_FRAME');
  });

  it('reports its health over grpc.health.v1', async () => {
    const Health = makeClientConstructor(healthService as Parameters<typeof makeClientConstructor>[0], 'Health');
    const client = new Health(`127.0.0.1:${exchange.port}`, credentials.createInsecure()) as unknown as Client & {
      check(request: { service: string }, done: (error: Error | null, answer: { status: string }) => void): void;
    };
    const check = (service: string): Promise<string> =>
      new Promise((resolve, reject) => client.check({ service }, (error, answer) => (error ? reject(error) : resolve(answer.status))));
    assert.equal(await check(''), 'SERVING');
    exchange.entry.health.serving = false;
    assert.equal(await check('openbell.OrderEntry'), 'NOT_SERVING');
    exchange.entry.health.serving = true;
    assert.equal(await check('openbell.OrderEntry'), 'SERVING');
    client.close();
  });

  it('counts', () => {
    const { counters } = exchange.sessions;
    assert.equal(counters.sessions, 2);
    assert.ok(counters.sessionsTotal >= 9 && counters.sessionsCut >= 13 && counters.pushedReports > 100 && counters.submits === 3);
    assert.equal(counters.rejects[107], 1);
  });
});

describe('order entry, full and stopping', () => {
  it('answers BUSY for commands that do not fit into the ring, in order, and accepts the rest later', async () => {
    const limits = { accounts: 16, assets: 8, symbols: 8, orders: 1024, commandRing: 64, reportRing: 128, marketRing: 128 };
    let scheduled = true;
    const exchange: TestExchange = await TestExchange.start({
      engine: { limits },
      // An engine that does not run until the test starts it.
      entry: { onPublished: () => scheduled && exchange.engine.schedule() },
    });
    const session = exchange.client(1);
    const reports: ReportView[] = [];
    const refusals: RefusalView[] = [];
    session.on('report', (report) => reports.push(report));
    session.on('refusal', (refusal) => refusals.push(refusal));
    await session.ready();
    scheduled = false;
    const batch = new CommandBatch(100);
    while (!batch.full) batch.place(1, Buy, GoodTillCancel, 100, 1, batch.count + 1);
    session.send(batch);
    await until(() => refusals.length === 36, 'the refusals');
    assert.deepEqual(
      refusals.map(({ code, index }) => [code, index]),
      Array.from({ length: 36 }, (_, i) => ['BUSY', 64 + i]),
    );
    await assert.rejects(session.place(order), { code: 'BUSY' });
    scheduled = true;
    exchange.engine.schedule();
    await until(() => reports.length === 64, 'the reports');
    assert.equal((await session.place(order)).kind, 'accepted');
    assert.equal(exchange.sessions.counters.rejects[120], 37);
    await session.close();
    await exchange.stop();
  });

  it('serves the maximum number of sessions', async () => {
    const exchange = await TestExchange.start({ entry: { maxSessions: 2 } });
    const headers = { 'x-openbell-account': '1' };
    const sessions = [new RawSession(exchange.port, headers), new RawSession(exchange.port, headers)];
    for (const session of sessions) {
      session.read();
      await session.opened;
    }
    const third = new RawSession(exchange.port, headers);
    third.read();
    assert.equal(await end(third), 'RESOURCE_EXHAUSTED BUSY');
    sessions[0].close();
    await until(() => exchange.sessions.counters.sessions === 1, 'the place');
    const fourth = new RawSession(exchange.port, headers);
    fourth.read();
    await fourth.opened;
    fourth.close();
    sessions[1].close();
    await exchange.stop();
  });

  it('limits the sessions of one account', async () => {
    const exchange = await TestExchange.start({ entry: { maxAccountSessions: 1 } });
    const first = new RawSession(exchange.port, { 'x-openbell-account': '1' });
    first.read();
    await first.opened;
    const second = new RawSession(exchange.port, { 'x-openbell-account': '1' });
    second.read();
    assert.equal(await end(second), 'RESOURCE_EXHAUSTED BUSY');
    const other = new RawSession(exchange.port, { 'x-openbell-account': '2' });
    other.read();
    await other.opened;
    first.close();
    other.close();
    await exchange.stop();
  });

  it('rejects with DRAINING while it drains, sends the outstanding reports and closes with GOAWAY', async () => {
    const exchange = await TestExchange.start();
    const session = exchange.client(1, { reconnect: false });
    await session.ready();
    const answers = Array.from({ length: 100 }, () => session.place(order));
    await answers[0];
    exchange.drain();
    await assert.rejects(session.place(order), { code: 'DRAINING' });
    assert.equal((await Promise.all(answers)).length, 100);
    const late = new RawSession(exchange.port, { 'x-openbell-account': '1' });
    late.read();
    assert.equal(await end(late), 'UNAVAILABLE DRAINING');
    const closed = new Promise((resolve) => session.once('closed', resolve));
    await exchange.stop({ keep: true });
    await closed;

    // The same directory again: clients can resume the reports of the earlier process.
    const next = await TestExchange.start({ dir: exchange.dir });
    const resumed = new RawSession(next.port, { 'x-openbell-account': '1', 'x-openbell-last-report': '40' });
    resumed.read();
    await until(() => resumed.reports.length === 60, 'the reports of the last life');
    assert.deepEqual(
      resumed.reports.map((report) => report.reportNo),
      Array.from({ length: 60 }, (_, i) => 41 + i),
    );
    assert.equal(next.engine.directory.openOrders(1, 1000).length, 100);
    resumed.close();
    await next.stop();
  });

  it('ends open health watches, and disconnects clients that have not left at the deadline', { timeout: 300_000 }, async () => {
    const exchange = await TestExchange.start();
    const raw = (bytes: Buffer): Buffer => bytes;
    const client = new Client(`127.0.0.1:${exchange.port}`, credentials.createInsecure());
    const watch = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', raw, raw, Buffer.alloc(0));
    await new Promise((resolve) => watch.once('data', resolve));
    const ended = new Promise<number>((resolve) => watch.once('error', (error: { code: number }) => resolve(error.code)));
    // It is authenticated, and not asked to end: `sessions.end()` is not called.
    const session = new RawSession(exchange.port, { 'x-openbell-account': '1' });
    session.read();
    await session.opened;
    await exchange.entry.stop(100);
    assert.equal(await ended, status.UNAVAILABLE);
    assert.equal((await session.ended).code, status.UNAVAILABLE);
    session.close();
    client.close();
    await exchange.stop();
  });
});
