import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReportView } from '../gateway/client/index.ts';
import { client, clientSidecar, https, sessionToItsEnd, submit } from './support/envoy-client.ts';
import { withoutEnvoy } from './support/envoy-fixture.ts';
import { ask, venue } from './support/envoy-venue.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

const options = { skip: withoutEnvoy };
/** Envoy's default limit of a route is 15 s. */
const LONGER_MS = 20_000;
const ORDER = { symbol: 'BTC-USD', side: 'buy', price: '50000.00', quantity: '0.01' } as const;

/** Every value of a key, anywhere in it. */
function* valuesOf(key: string, value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === key) yield inner;
    yield* valuesOf(key, inner);
  }
}

test('no stream has a time limit: by configuration, and a stream that outlives the defaults', options, async (t) => {
  const place = await venue(t);
  const { files, envoy } = place;
  const library = await client(t, files, envoy);
  const sidecar = await clientSidecar(t, files, envoy, await files.token());
  const dump = JSON.parse(await envoy.ask('/config_dump'));
  const managers = dump.configs.flatMap((config: unknown) => [
    ...valuesOf('dynamic_listeners', config),
    ...valuesOf('static_listeners', config),
  ]);
  for (const name of ['orders', 'market']) {
    const listener = managers.flat().find((each: { listener: { name: string } }) => each.listener.name === name).listener;
    const only = (key: string) => [...new Set(valuesOf(key, listener))];
    assert.deepEqual(only('stream_idle_timeout'), ['0s'], name);
    assert.deepEqual(only('request_timeout'), ['0s'], name);
    const timeouts = [...valuesOf('route', listener)].map((route) => (route as { timeout: string }).timeout);
    assert.ok(timeouts.length >= 2 && timeouts.every((timeout) => timeout === '0s'), name);
    assert.deepEqual(only('max_stream_duration'), [], name);
    assert.deepEqual(only('max_connection_duration'), [], name);
    assert.deepEqual(only('retry_policy'), [], name);
  }
  await library.orders.place(ORDER);
  const market = await RawWebSocket.open(sidecar.ports.market, { protocol: 'json-raw' });
  const orders = await RawWebSocket.open(sidecar.ports.market, { path: '/v1/orders?account=1' });
  t.after(() => [market, orders].map((socket) => socket.destroy()));
  let lost = 0;
  library.orders.on('lost', () => lost++);
  await sleep(LONGER_MS);
  assert.equal(lost, 0);
  assert.deepEqual([market.status, orders.status], ['HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 101 Switching Protocols']);
  assert.ok(!market.ended && !orders.ended);
  assert.equal((await library.orders.place(ORDER)).kind, 'accepted');
});

test('an exchange that is killed and restarted: clients reconnect and miss nothing', options, async (t) => {
  const place = await venue(t);
  const library = await client(t, place.files, place.envoy, { lastReport: 0 });
  const reports: ReportView[] = [];
  library.orders.on('report', (report) => reports.push(report));
  const answers: Promise<ReportView>[] = [];
  let { exchange } = place;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 200; i++) answers.push(library.orders.place(ORDER));
    await sleep(2 + round * 5);
    await exchange.end('SIGKILL');
    exchange = await place.restart();
  }
  const settled = await Promise.all(answers);
  assert.ok(settled.every(({ kind }) => kind === 'accepted' || kind === 'rejected'));
  await library.close();
  assert.deepEqual(
    reports.map(({ reportNo }) => reportNo),
    reports.map((_, i) => i + 1),
    'each report once, in order, without a gap',
  );
  const ids = new Set(reports.filter(({ kind }) => kind === 'accepted' || kind === 'rejected').map(({ clientOrderId }) => clientOrderId));
  assert.equal(ids.size, settled.length);
  const more = JSON.parse(await ask(exchange, `/v1/accounts/1/reports?from=${reports.length + 1}`));
  assert.deepEqual(more.reports, [], 'the exchange has no more reports than came');
});

test('an exchange that stops ends its streams in order, and Envoy detects it', options, async (t) => {
  const { exchange, files, envoy } = await venue(t);
  const sidecar = await clientSidecar(t, files, envoy, await files.token());
  const shows = { certificate: files.client, token: await files.token() };
  assert.equal((await https(files, envoy.ports.queries, '/healthz', { certificate: files.client })).status, 200);
  const { ended } = await sessionToItsEnd(files, envoy.ports.orders, shows);
  const market = await RawWebSocket.open(sidecar.ports.market, { protocol: 'json-raw' });
  const orders = await RawWebSocket.open(sidecar.ports.market, { path: '/v1/orders?account=1' });
  await exchange.end('SIGTERM');
  assert.deepEqual(await ended, { status: 0, reset: 0 });
  await Promise.all([market, orders].map((socket) => socket.until(() => socket.ended)));
  assert.deepEqual([market.closeCode, orders.closeCode], [1001, 1001]);
  assert.ok((await envoy.stat('cluster.openbell-orders.upstream_cx_close_notify')) > 0, 'the exchange sent GOAWAY');
  assert.equal(await envoy.stat('cluster.openbell-orders.upstream_rq_rx_reset'), 0);
  for (const cluster of ['orders', 'market']) await envoy.until(`cluster.openbell-${cluster}.membership_healthy`, (hosts) => hosts === 0);
  const answer = await submit(files, envoy.ports.orders, 1, 1, shows);
  assert.equal(answer.status, 14);
  assert.match(answer.message, /^UNAVAILABLE: no healthy upstream/);
  assert.equal((await https(files, envoy.ports.queries, '/healthz', { certificate: files.client })).status, 503);
});

test('Envoy sends no order twice, whatever happens to the exchange and whatever the client requests', options, async (t) => {
  const place = await venue(t);
  const { files, envoy } = place;
  const shows = {
    certificate: files.client,
    token: await files.token(),
    headers: {
      'x-envoy-retry-on': '5xx,reset,connect-failure,refused-stream',
      'x-envoy-retry-grpc-on': 'unavailable,cancelled',
      'x-envoy-max-retries': '3',
    },
  };
  let { exchange } = place;
  const sequenced = async () => {
    const metrics = await ask(exchange, '/metrics');
    return Number(/^openbell_seq\{stage="sequenced"\} (\d+)$/m.exec(metrics)?.[1]);
  };
  const before = await sequenced();
  let sent = 0;
  let failed = 0;
  const answered: number[] = [];
  // Six kills, and more until one of them hit a call: when it does is the scheduler's choice.
  for (let round = 0; round < 6 || (failed === 0 && round < 30); round++) {
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 40; i++) {
      const id = ++sent;
      const call = submit(files, envoy.ports.orders, 1, id, shows).then(
        ({ status }) => (status === 0 ? answered.push(id) : failed++),
        () => failed++,
      );
      calls.push(call);
    }
    // While some are on their way to the exchange, some in it and some on their way back.
    await Promise.race(calls);
    if (round % 2 === 1) await sleep(round % 6);
    await exchange.end('SIGKILL');
    await Promise.all(calls);
    exchange = await place.restart();
    await envoy.until('cluster.openbell-orders.membership_healthy', (hosts) => hosts === 1);
  }
  const commands = (await sequenced()) - before;
  const { reports } = JSON.parse(await ask(exchange, '/v1/accounts/1/reports?from=1&limit=1000'));
  const ids = (reports as { clientOrderId: number; kind: string }[])
    .filter(({ kind }) => kind === 'accepted' || kind === 'rejected')
    .map(({ clientOrderId }) => clientOrderId);
  t.diagnostic(`${sent} orders sent, ${answered.length} answered, ${failed} failed; ${commands} commands in the log`);
  assert.ok(failed > 0, 'no call was hit by a kill');
  assert.equal(new Set(ids).size, ids.length, 'an order has two answers');
  assert.equal(commands, ids.length, 'a command more than orders');
  assert.ok(
    answered.every((id) => ids.includes(id)),
    'what was answered is in the log',
  );
  assert.equal(await envoy.stat('cluster.openbell-orders.upstream_rq_retry'), 0);
  assert.equal(await envoy.stat('cluster.openbell-orders.upstream_rq_retry_overflow'), 0);
});

test('a session ends when its token expires, although Envoy checks it only once', options, async (t) => {
  const { files, envoy } = await venue(t);
  // Both allow 30 s for clocks that differ: Envoy lets it in, and a few seconds are left.
  const { ended } = await sessionToItsEnd(files, envoy.ports.orders, {
    certificate: files.client,
    token: await files.token({ lives: -25 }),
  });
  assert.deepEqual(await ended, { status: 16, reset: 0 });
});
