import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FlatReader } from '../engine/wire/flat.ts';
import { type ConnectOptions, connect, OpenbellError, type ReportView, type ResyncView } from '../gateway/client/index.ts';
import { Resume } from '../gateway/client/resume.ts';
import { ExchangeProcess } from './support/exchange-process.ts';

const ORDER = { symbol: 'BTC-USD', side: 'buy', price: '50000.00', quantity: '0.01' } as const;

/** An exchange on a data directory, and an older copy of the directory that another one can continue from. */
async function place(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'openbell-resync-'));
  t.after(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
  const data = join(root, 'data');
  const copy = join(root, 'copy');
  const start = async (directory: string, flags: readonly string[] = []) => {
    const exchange = await ExchangeProcess.start(directory, ['--log-level', 'warn', ...flags], t.signal);
    t.after(() => exchange.end('SIGKILL'));
    return exchange;
  };
  const client = async ({ ports }: ExchangeProcess, options: ConnectOptions = {}) => {
    const { grpc: grpcPort, ws: wsPort, http: httpPort } = ports;
    const connected = await connect({ grpcPort, wsPort, httpPort, account: 1, ...options });
    t.after(() => connected.close());
    return connected;
  };
  return { data, copy, start, client };
}

/** A session that placed two orders before the copy was made and two after it; the exchange is then gone. */
async function takenOver(t: TestContext, options: ConnectOptions) {
  const { data, copy, start, client } = await place(t);
  let exchange = await start(data);
  const { orders } = await client(exchange, { lastReport: 0, ...options });
  const reports: ReportView[] = [];
  orders.on('report', (report) => reports.push(report));
  const kept = [await orders.place(ORDER), await orders.place(ORDER)];
  const reconnected = once(orders, 'open');
  await exchange.end('SIGTERM');
  cpSync(data, copy, { recursive: true });
  exchange = await start(data, exchange.flags);
  await reconnected;
  const lost = [await orders.place(ORDER), await orders.place({ ...ORDER, quantity: '0.02' })];
  const changed = await orders.amend({ symbol: ORDER.symbol, price: ORDER.price, orderId: kept[1].orderId, quantity: '0.005' });
  await exchange.end('SIGKILL');
  return { copy, start, client, orders, reports, kept, lost, changed, flags: exchange.flags };
}

test('resync: the session continues after the last report in common, and says what is in doubt', async (t) => {
  const { copy, start, client, orders, reports, kept, lost, changed, flags } = await takenOver(t, { onLoss: 'resync' });
  const resyncs: ResyncView[] = [];
  orders.on('resync', (view) => resyncs.push(view));
  // Under way during the takeover: the order is sent once there is an exchange again, what names an order id is not.
  const waiting = orders.place({ ...ORDER, quantity: '0.03' });
  const cancel = orders.cancel({ symbol: ORDER.symbol, orderId: lost[0].orderId });
  const rejected = assert.rejects(cancel, { name: 'OpenbellError', code: 'REPORTS_LOST' });
  const before = reports.length;
  const exchange = await start(copy, flags);
  await rejected;
  const placed = await waiting;
  assert.equal(placed.kind, 'accepted');
  assert.equal(resyncs.length, 1);
  const [{ lastReport, exact, inDoubt, lost: gone }] = resyncs;
  assert.deepEqual([lastReport, exact], [kept[1].reportNo, true]);
  assert.deepEqual(gone, [...lost, changed], 'the reports as they came before');
  assert.deepEqual(
    inDoubt.map((order) => [order.orderId, order.clientOrderId, order.gone, order.report.kind]),
    [
      [lost[0].orderId, lost[0].clientOrderId, true, 'accepted'],
      [lost[1].orderId, lost[1].clientOrderId, true, 'accepted'],
      [kept[1].orderId, kept[1].clientOrderId, false, 'amended'],
    ],
  );
  // An order id may name another order now: why the cancel was not sent.
  assert.equal(placed.orderId, lost[0].orderId);
  assert.equal(placed.reportNo, lastReport + 1);
  for (let i = 0; i < 3; i++) assert.equal((await orders.place(ORDER)).kind, 'accepted');
  assert.deepEqual(
    reports.slice(before).map(({ reportNo }) => reportNo),
    [1, 2, 3, 4].map((i) => lastReport + i),
    'each later report once, without a gap',
  );
  const open = await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/accounts/1/open-orders`);
  assert.equal(((await open.json()) as { orders: unknown[] }).orders.length, 2 + 4);
  await (await client(exchange)).close();
});

test('resync: an exchange that has reached the number again is recognised by the content', async (t) => {
  const { copy, start, client, orders, kept, lost, changed, flags } = await takenOver(t, { onLoss: 'resync' });
  // Another client trades on the copy, at another address, until the numbers are further than this session's.
  const elsewhere = await start(copy);
  const other = await client(elsewhere);
  const others: ReportView[] = [];
  for (let i = 0; i < 5; i++) others.push(await other.orders.place({ ...ORDER, quantity: '0.04' }));
  await other.close();
  await elsewhere.end('SIGTERM');
  const reports: ReportView[] = [];
  orders.on('report', (report) => reports.push(report));
  const resynced = once(orders, 'resync') as Promise<[ResyncView]>;
  await start(copy, flags);
  const [{ lastReport, exact, lost: gone }] = await resynced;
  assert.deepEqual([lastReport, exact], [kept[1].reportNo, true]);
  assert.deepEqual(gone, [...lost, changed]);
  const own = await orders.place(ORDER);
  assert.deepEqual(
    reports.map(({ reportNo, clientOrderId }) => [reportNo, clientOrderId]),
    [...others, own].map(({ reportNo, clientOrderId }) => [reportNo, clientOrderId]),
    "the other client's reports come, too",
  );
});

test('throw, the default: the session ends, also when the numbers do not show the loss', async (t) => {
  await t.test('fewer reports', async (t) => {
    const { copy, start, orders, flags } = await takenOver(t, {});
    const closed = once(orders, 'closed') as Promise<[OpenbellError]>;
    const order = assert.rejects(orders.place(ORDER), OpenbellError);
    await start(copy, flags);
    assert.match((await closed)[0].code, /^(BAD_RANGE|REPORTS_LOST)$/);
    await order;
  });
  await t.test('as many', async (t) => {
    const { copy, start, client, orders, flags } = await takenOver(t, {});
    const elsewhere = await start(copy);
    const other = await client(elsewhere);
    for (let i = 0; i < 5; i++) await other.orders.place(ORDER);
    await other.close();
    await elsewhere.end('SIGTERM');
    const closed = once(orders, 'closed') as Promise<[OpenbellError]>;
    await start(copy, flags);
    assert.equal((await closed)[0].code, 'REPORTS_LOST');
  });
});

test('an exchange that lost nothing: no resync, and each report once', async (t) => {
  const { data, start, client } = await place(t);
  let exchange = await start(data);
  const { orders } = await client(exchange, { onLoss: 'resync' });
  const reports: ReportView[] = [];
  orders.on('report', (report) => reports.push(report));
  orders.on('resync', () => assert.fail('nothing was lost'));
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 3; i++) assert.equal((await orders.place(ORDER)).kind, 'accepted');
    const reconnected = once(orders, 'open');
    await exchange.end('SIGKILL');
    exchange = await start(data, exchange.flags);
    await reconnected;
  }
  assert.deepEqual(
    reports.map(({ reportNo }) => reportNo),
    reports.map((_, i) => reports[0].reportNo + i),
  );
  assert.equal(reports.length, 9);
});

test('a number from before the loss, given at the start: continues at the end, and says that it is not exact', async (t) => {
  const { data, start, client } = await place(t);
  const exchange = await start(data);
  const { orders } = await client(exchange, { onLoss: 'resync', lastReport: 1000 });
  const [{ lastReport, exact, lost }] = (await once(orders, 'resync')) as [ResyncView];
  const placed = await orders.place(ORDER);
  assert.deepEqual([lastReport, exact, lost], [placed.reportNo - 1, false, []]);
  const throwing = await client(exchange, { lastReport: 1000 });
  await assert.rejects(throwing.orders.ready(), { code: 'BAD_RANGE' });
});

test('reports that the exchange cannot send again are not compared after three calls: trading goes on', () => {
  const flat = new FlatReader();
  flat.view = new DataView(new ArrayBuffer(128));
  const resume = new Resume('resync');
  for (const no of [6, 7]) resume.memory.take(no, flat, 0);
  for (let call = 0; call < 3; call++) {
    assert.equal(resume.after(7), 6, 'the last report again');
    assert.equal(resume.opened(7, 9), 'repeated');
    assert.ok(resume.comparing);
  }
  assert.deepEqual([resume.after(7), resume.opened(7, 9), resume.comparing], [7, 'current', false]);
  assert.equal(resume.after(7), 6, 'and compared with the next call');
  // The search ends, too: with what the exchange has now.
  assert.equal(resume.beyondEnd(), 'ask-again');
  for (let call = 0; call < 3; call++) assert.deepEqual([resume.after(7), resume.opened(7, 9)], [5, 'repeated']);
  assert.deepEqual([resume.after(7), resume.opened(7, 9), resume.common, resume.exact], [undefined, 'lost', 9, false]);
});
