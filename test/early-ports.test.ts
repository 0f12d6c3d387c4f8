import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { credentials, type MethodDefinition, makeClientConstructor, type ServiceError, status } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { OrderEntry } from '../gateway/endpoints/grpc/order-entry.ts';
import { serveOrderSockets } from '../gateway/endpoints/websocket/order-sockets.ts';
import { SocketServer } from '../gateway/endpoints/websocket/socket-server.ts';
import { createLogger } from '../gateway/log.ts';
import { Certificates } from '../gateway/tls/certificates.ts';
import { Authority } from './support/certificates.ts';
import { EVERYBODY } from './support/everybody.ts';
import { RawSession, TestExchange } from './support/order-entry-fixture.ts';

test('gRPC listens before the exchange runs: calls are unavailable and health is NOT_SERVING until it is served', async (t) => {
  const exchange = await TestExchange.start();
  t.after(() => exchange.stop());
  const entry = new OrderEntry({ host: '127.0.0.1', port: 0, identity: EVERYBODY });
  const port = await entry.listen();
  t.after(() => entry.stop(0));
  const Health = makeClientConstructor(healthService as Parameters<typeof makeClientConstructor>[0], 'Health');
  const client = new Health(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => client.close());
  const watched: string[] = [];
  const watch = client.watch({ service: 'openbell.OrderEntry' });
  watch.on('error', () => undefined);
  const next = () =>
    new Promise<void>((resolve) =>
      watch.once('data', (answer: { status: string }) => {
        watched.push(answer.status);
        resolve();
      }),
    );
  await next();
  assert.deepEqual(watched, ['NOT_SERVING']);

  const early = new RawSession(port, { 'x-openbell-account': '1' });
  early.read();
  const { code, details } = await early.ended;
  early.close();
  assert.equal(code, status.UNAVAILABLE);
  assert.match(details, /^RECOVERING: /);

  const changed = next();
  entry.serve(exchange.sessions, exchange.dropCopies);
  await changed;
  assert.deepEqual(watched, ['NOT_SERVING', 'SERVING']);
  const later = new RawSession(port, { 'x-openbell-account': '1' });
  later.read();
  assert.equal(await later.opened, '0');
  later.close();
});

test('the WebSocket port listens before its paths exist: 503 until then, with and without TLS', async (t) => {
  const exchange = await TestExchange.start();
  t.after(() => exchange.stop());
  const dir = mkdtempSync(join(tmpdir(), 'openbell-early-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const pair = new Authority(dir).issue({ name: 'server' });
  for (const tls of [false, true]) {
    const certificates = tls ? new Certificates({ ...pair, clientCa: undefined }, createLogger('silent')) : undefined;
    const sockets = new SocketServer(certificates);
    const to = { port: sockets.listen('127.0.0.1', 0), host: '127.0.0.1' };
    t.after(() => {
      sockets.close();
      certificates?.stop();
    });
    /** The beginning of the answer to an upgrade. */
    const upgrade = () =>
      new Promise<string>((resolve, reject) => {
        const socket = tls ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
        t.after(() => socket.destroy());
        socket.on('error', reject);
        socket.write('GET /v1/orders?account=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
        socket.write('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
        socket.once('data', (data) => resolve(data.toString('latin1')));
      });
    assert.match(await upgrade(), /^HTTP\/1.1 503 [\s\S]*RECOVERING: /);
    serveOrderSockets(sockets, exchange.sessions, EVERYBODY);
    assert.match(await upgrade(), /^HTTP\/1.1 101 /);
  }
});

test('a program whose files were replaced goes on: calls of openbell.v1 are unavailable, and order entry serves', async (t) => {
  const exchange = await TestExchange.start();
  t.after(() => exchange.stop());
  const failures: unknown[] = [];
  const load = () => Promise.reject(new Error('ERR_MODULE_NOT_FOUND'));
  const entry = new OrderEntry({ host: '127.0.0.1', port: 0, identity: EVERYBODY, load, onLoadFailed: (error) => failures.push(error) });
  const port = await entry.listen();
  t.after(() => entry.stop(0));
  const { sessions, dropCopies } = exchange;
  entry.serve(sessions, dropCopies, {} as Parameters<typeof entry.serve>[2]);
  const Market = makeClientConstructor(
    {
      listAssets: {
        ...(healthService as Record<string, MethodDefinition<object, object>>).Check,
        path: '/openbell.v1.MarketData/ListAssets',
      },
    },
    'MarketData',
  );
  const client = new Market(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => client.close());
  for (let i = 0; i < 2; i++) {
    const error = await new Promise<ServiceError>((resolve) => client.listAssets({}, (error: ServiceError) => resolve(error)));
    assert.equal(error.code, status.UNAVAILABLE);
    assert.match(error.details, /^BUSY: .* must be started again$/);
  }
  assert.equal(failures.length, 1);
  const session = new RawSession(port, { 'x-openbell-account': '1' });
  session.read();
  t.after(() => session.close());
  assert.equal(await session.opened, '0');
});
