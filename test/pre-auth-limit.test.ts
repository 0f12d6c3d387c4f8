import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest, type RequestOptions } from 'node:http';
import { type ClientHttp2Session, connect as connectH2 } from 'node:http2';
import { request as httpsRequest, Agent as SecureAgent } from 'node:https';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { pino } from 'pino';
import { z } from 'zod';
import { SILENT } from '../gateway/audit/audit-sink.ts';
import type { GrpcCall } from '../gateway/endpoints/grpc/call.ts';
import { GrpcServer } from '../gateway/endpoints/grpc/server.ts';
import { AdminServer } from '../gateway/endpoints/http/admin.ts';
import { PreAuthLimit } from '../gateway/endpoints/pre-auth-limit.ts';
import { SocketServer } from '../gateway/endpoints/websocket/socket-server.ts';
import { FailedLogins } from '../gateway/identity/failed-logins.ts';
import { startIdentity } from '../gateway/identity/start-identity.ts';
import { createMetrics } from '../gateway/metrics.ts';
import { networkOf } from '../gateway/network-of.ts';
import { Certificates } from '../gateway/tls/certificates.ts';
import { Authority } from './support/certificates.ts';
import { EVERYBODY } from './support/everybody.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { AUDIENCE, ISSUER, Issuer } from './support/issuer.ts';
import { MarketVenue } from './support/market-venue.ts';
import { until } from './support/order-entry-fixture.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

const log = pino({ level: 'silent' });
const noneTrusted = (): boolean => false;
const grpcHeaders = (path: string) => ({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });

/** A silent TCP connection, and whether it is closed. */
function silent(port: number, options: Partial<NetConnectOpts> = {}): { readonly socket: Socket; readonly gone: () => boolean } {
  const socket = connect({ port, host: '127.0.0.1', ...options } as NetConnectOpts);
  socket.on('error', () => undefined);
  socket.resume();
  return { socket, gone: () => socket.closed };
}

function http2(t: { after(work: () => void): void }, origin: string, options: object = {}): ClientHttp2Session {
  const session = connectH2(origin, options);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

/** A call that sends nothing; resolves with its grpc-status, or undefined while it is open. */
function call(session: ClientHttp2Session, path: string, headers: Record<string, string> = {}) {
  const stream = session.request({ ...grpcHeaders(path), ...headers }, { endStream: false });
  const state: { opened: boolean; status: string | undefined } = { opened: false, status: undefined };
  stream.on('response', (got) => {
    state.opened = true;
    state.status = got['grpc-status'] as string | undefined;
  });
  stream.on('trailers', (got) => {
    state.status = got['grpc-status'] as string | undefined;
  });
  stream.on('error', () => undefined);
  stream.resume();
  return { state, stream };
}

/** One request on a connection of its own or of `agent`; undefined if it was disconnected. */
function ask(
  options: RequestOptions,
  tls: boolean,
): Promise<{ readonly status: number; readonly body: string; readonly connection: string | undefined } | undefined> {
  return new Promise((resolve) => {
    const send = tls ? httpsRequest : httpRequest;
    const sent = send({ host: '127.0.0.1', agent: false, rejectUnauthorized: false, ...options } as RequestOptions, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, connection: response.headers.connection }));
    });
    sent.on('error', () => resolve(undefined));
    sent.end();
  });
}

describe('an exchange with authentication', { concurrency: true }, () => {
  const issuer = new Issuer();
  let exchange: GuardedExchange;
  before(async () => {
    await issuer.addKey('ES256');
    // Long enough for a busy machine to serve those that authenticate.
    exchange = await GuardedExchange.start(issuer, { 'admission-timeout': '4' });
  });
  after(() => exchange.stop());

  it('disconnects an unauthenticated gRPC connection, whatever else it does, and no other', async (t) => {
    const origin = `http://127.0.0.1:${exchange.ports.grpc}`;
    const unknown = [silent(exchange.ports.grpc).socket];
    const health = http2(t, origin);
    const watch = call(health, '/grpc.health.v1.Health/Watch');
    watch.stream.end(Buffer.alloc(5));
    const rejected = http2(t, origin);
    const token = await issuer.token({ aud: 'elsewhere' });
    const known = http2(t, origin);
    const open = call(known, '/openbell.OrderEntry/Session', { 'x-openbell-account': '1', ...bearer(await issuer.token()) });
    // The end of a call does not end the connection's admission: clients keep connections.
    const idle = http2(t, origin);
    const forbidden = bearer(await issuer.token({ openbell_roles: 'auditor' }));
    const over = call(idle, '/openbell.OrderEntry/Session', { 'x-openbell-account': '1', ...forbidden });
    await until(() => open.state.opened && watch.state.opened && over.state.status === '7', 'those calls');
    // Busy, but unauthenticated.
    const asking = setInterval(() => {
      if (rejected.destroyed) return;
      rejected.ping(() => undefined);
      call(rejected, '/openbell.OrderEntry/Session', { 'x-openbell-account': '1', ...bearer(token) });
    }, 100);
    t.after(() => clearInterval(asking));
    await until(() => unknown[0].closed && health.destroyed && rejected.destroyed, 'those to be cut');
    assert.deepEqual([known.destroyed, idle.destroyed, open.state.status], [false, false, undefined]);
    assert.match((await exchange.http('GET', '/metrics')).json, /^openbell_newcomers_cut_total\{port="grpc",reason="late"\} 3$/m);
  });

  it('disconnects an HTTP connection that stays unauthenticated, and no other', async () => {
    const { http } = exchange.ports;
    const mute = [silent(http), silent(http)];
    mute[1].socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = bearer(await issuer.token());
    const first = await ask({ port: http, path: '/v1/symbols', headers, agent }, false);
    assert.deepEqual([first?.status, first?.connection], [200, 'keep-alive']);
    await until(() => mute.every(({ gone }) => gone()), 'both are disconnected');
    const metrics = await ask({ port: http, path: '/metrics' }, false);
    assert.match(metrics?.body ?? '', /^openbell_newcomers_cut_total\{port="http",reason="late"\} 2$/m);
    assert.equal(Object.values(agent.freeSockets).flat().length, 1, 'the authenticated one is still open');
    assert.equal((await ask({ port: http, path: '/v1/symbols', headers, agent }, false))?.status, 200);
    agent.destroy();
  });

  it('closes a WebSocket connection with its reject, and one without a request', { timeout: 300_000 }, async () => {
    const { ws } = exchange.ports;
    const mute = [silent(ws), silent(ws)];
    mute[1].socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    const dripping = setInterval(() => mute[1].socket.write('x: y\r\n'), 1000);
    const page = silent(ws);
    page.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const closed: unknown[] = [];
    for (const each of [...mute, page]) each.socket.once('close', () => closed.push(each));
    const bad = ['/', '/v1/orders?account=1'].map((path) => exchange.webSocket(path));
    const garbled = exchange.webSocket('/', bearer('garbage'));
    const foreign = exchange.webSocket('/', bearer(await issuer.token({ aud: 'elsewhere' })));
    const reader = await exchange.webSocket('/', bearer(await issuer.token()));
    assert.equal(reader.status, 101);
    for (const { status, socket } of await Promise.all([...bad, garbled, foreign])) {
      assert.equal(status, 401);
      await socket.until(() => socket.ended);
    }
    await until(() => closed.length === 3, 'they are disconnected');
    assert.equal(closed[0], page, 'an HTTP connection is closed with the answer, not after 10 s like those without a request');
    clearInterval(dripping);
    assert.equal(reader.socket.ended, false);
    reader.socket.destroy();
  });
});

test('unauthenticated connections are limited on both ports, with and without TLS, per network and in total; authenticated and trusted ones do not count', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-pre-auth-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const pair = new Authority(dir).issue({ name: 'server' });
  for (const tls of [false, true]) {
    const certificates = tls ? new Certificates({ ...pair, clientCa: undefined }, log) : undefined;
    const trusts = (address: string): boolean => address === '127.0.0.9';
    const make = () => new PreAuthLimit({ timeoutMs: 60_000, most: 5, mostPerNetwork: 3 }, trusts);
    const [forGrpc, forSockets] = [make(), make()];
    const admit = (admitted: GrpcCall): void => {
      admitted.admit();
      admitted.end();
    };
    const server = new GrpcServer({ methods: { '/test/In': admit }, maxMessageBytes: 1024, certificates, preAuthLimit: forGrpc });
    const sockets = new SocketServer(certificates, forSockets);
    sockets.ws('/*', { upgrade: (res, req, context) => res.upgrade({}, req.getHeader('sec-websocket-key'), '', '', context) });
    const ports = { grpc: await server.listen('127.0.0.1', 0), ws: sockets.listen('127.0.0.1', 0) };
    const insecure = { rejectUnauthorized: false };
    /** Authenticates a connection from there; resolves with its end. */
    const letIn = {
      grpc: async (localAddress: string) => {
        const session = http2(t, `${tls ? 'https' : 'http'}://127.0.0.1:${ports.grpc}`, { ...insecure, localAddress });
        const { state } = call(session, '/test/In');
        await until(() => state.status === '0' || session.destroyed, 'the call');
        return () => session.destroyed;
      },
      ws: async (localAddress: string) => {
        const to = { port: ports.ws, host: '127.0.0.1', localAddress };
        const socket = tls ? connectTls({ ...to, ...insecure }) : connect(to);
        t.after(() => socket.destroy());
        socket.on('error', () => undefined);
        socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
        socket.write('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
        await Promise.race([once(socket, 'data'), once(socket, 'close')]);
        return () => socket.closed;
      },
    };
    for (const [port, limit] of [
      ['grpc', forGrpc],
      ['ws', forSockets],
    ] as const) {
      const name = `${port}${tls ? ' with TLS' : ''}`;
      const from = (localAddress: string) => silent(ports[port], { localAddress });
      const first = Array.from({ length: 3 }, () => from('127.0.0.1'));
      await sleep(100);
      const fourth = from('127.0.0.1');
      await until(fourth.gone, `${name}: the fourth of an address is closed`);
      const others = [from('127.0.0.2'), from('127.0.0.2')];
      await sleep(100);
      const sixth = from('127.0.0.3');
      await until(sixth.gone, `${name}: the sixth of all is closed`);
      assert.deepEqual(
        [...first, ...others].map(({ gone }) => gone()),
        [false, false, false, false, false],
        name,
      );
      assert.equal(limit.crowded, 2, name);
      const trusted = Array.from({ length: 4 }, () => from('127.0.0.9'));
      await sleep(100);
      assert.ok(!trusted.some(({ gone }) => gone()), `${name}: a proxy's are not counted`);
      first[0].socket.destroy();
      await sleep(100);
      // One after the other: each frees its place when it is authenticated.
      for (let i = 0; i < 4; i++) assert.equal((await letIn[port]('127.0.0.1'))(), false, `${name}: ${i}`);
      for (const { socket } of [...first, ...others, ...trusted]) socket.destroy();
      assert.equal(limit.crowded, 2, name);
    }
    certificates?.stop();
    sockets.close();
    await server.stop(0);
  }
});

test('a flood of unauthenticated HTTP connections displaces only its own: probes, metrics and operators are answered, with TLS and without', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-pre-auth-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  const authJwks = join(dir, 'jwks.json');
  writeFileSync(authJwks, issuer.jwks);
  const asks = { authJwks, authIssuer: ISSUER, authAudience: AUDIENCE, authKeys: undefined, authProxies: undefined, tlsCert: undefined };
  const identity = startIdentity({ host: '127.0.0.1', ...asks }, log, SILENT);
  const headers = bearer(await issuer.token({ openbell_roles: 'operator' }));
  const pair = new Authority(dir).issue({ name: 'server' });
  for (const tls of [false, true]) {
    const certificates = tls ? new Certificates({ ...pair, clientCa: undefined }, log) : undefined;
    const preAuthLimit = new PreAuthLimit({ timeoutMs: 60_000, most: 5, mostPerNetwork: 3, givesWay: 'oldest' }, noneTrusted);
    const common = { host: '127.0.0.1', port: 0, registry: createMetrics(), log, unready: () => [], audit: SILENT, identity };
    const admin = new AdminServer({ ...common, certificates, preAuthLimit, maxAuthenticated: 2 });
    admin.serve([
      {
        method: 'GET',
        path: '/v1/thing',
        summary: '',
        answer: z.unknown(),
        guarded: true,
        action: 'venue:manage',
        handle: () => ({ json: { thing: 1 } }),
      },
    ]);
    const port = await admin.listen();
    const open = (made: readonly { gone(): boolean }[]) => made.filter(({ gone }) => !gone()).length;
    const flood = async (localAddress: string, count: number) => {
      const made = Array.from({ length: count }, () => silent(port, { localAddress }));
      await until(() => open(made) <= 3, 'those above the limit are closed');
      return made;
    };
    const answered = async (when: string) => {
      for (const localAddress of ['127.0.0.1', '127.0.0.2', '127.0.0.3'])
        for (const path of ['/health/live', '/health/ready', '/metrics']) {
          const answer = await ask({ port, path, localAddress }, tls);
          assert.deepEqual([answer?.status, answer?.connection], [200, 'close'], `${path} from ${localAddress}, ${when}`);
        }
    };
    const agent = tls ? new SecureAgent({ keepAlive: true, maxSockets: 1 }) : new Agent({ keepAlive: true, maxSockets: 1 });
    const operator = () => ask({ port, path: '/v1/thing', headers, agent }, tls);

    const one = await flood('127.0.0.1', 20);
    assert.deepEqual([open(one), preAuthLimit.count], [3, 3], 'the limit per address');
    await answered('while one address floods');
    const two = await flood('127.0.0.2', 20);
    await until(() => open(two) <= 3 && open(one) + open(two) <= 5, 'the limit in total');
    await answered('while two addresses flood');
    assert.equal((await ask({ port, path: '/v1/thing' }, tls))?.status, 401);
    assert.deepEqual([(await operator())?.status, (await operator())?.connection], [200, 'keep-alive']);
    const more = await flood('127.0.0.1', 20);
    assert.equal(Object.values(agent.freeSockets).flat().length, 1, 'an authenticated connection stays open');
    assert.equal((await operator())?.status, 200);

    // Authenticated connections have their own limit and do not count towards the other.
    const second = tls ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
    assert.equal((await ask({ port, path: '/v1/thing', headers, agent: second }, tls))?.status, 200);
    const third = await ask({ port, path: '/v1/thing', headers }, tls);
    assert.deepEqual([third?.status, JSON.parse(third?.body ?? '').name, third?.connection], [503, 'BUSY', 'close']);
    await answered('while all authenticated connections are in use');
    agent.destroy();
    second.destroy();
    await sleep(50);
    assert.equal((await operator())?.status, 200, 'a closed connection frees its place');
    agent.destroy();
    const begun = performance.now();
    await admin.stop();
    assert.ok(performance.now() - begun < 5000, 'silent connections do not delay a stop');
    for (const { socket } of [...one, ...two, ...more]) socket.destroy();
    certificates?.stop();
  }
});

test('HTTP connections of a listed proxy are not counted as unauthenticated, within a limit of their own', async (t) => {
  const preAuthLimit = new PreAuthLimit(
    { timeoutMs: 60_000, most: 5, mostPerNetwork: 1, givesWay: 'oldest' },
    (address) => address === '127.0.0.9',
  );
  const common = { host: '127.0.0.1', port: 0, registry: createMetrics(), log, unready: () => [], audit: SILENT, identity: EVERYBODY };
  const admin = new AdminServer({ ...common, preAuthLimit, maxAuthenticated: 3 });
  const port = await admin.listen();
  t.after(() => admin.stop());
  const proxied = Array.from({ length: 3 }, () => silent(port, { localAddress: '127.0.0.9' }));
  await sleep(100);
  assert.deepEqual([proxied.filter(({ gone }) => gone()).length, preAuthLimit.count], [0, 0]);
  // Above that limit they count like any others.
  const more = [silent(port, { localAddress: '127.0.0.9' }), silent(port, { localAddress: '127.0.0.9' })];
  await until(() => more[0].gone(), 'the older one is closed');
  assert.deepEqual([more[1].gone(), preAuthLimit.count], [false, 1]);
  assert.equal((await ask({ port, path: '/health/live', localAddress: '127.0.0.9' }, false))?.status, 200);
  for (const { socket } of [...proxied, ...more]) socket.destroy();
});

test('the network of an address is the same however the address is written', () => {
  for (const [address, network] of [
    ['10.1.2.3', '10.1.2.3'],
    ['', ''],
    ['::', '0:0:0:0'],
    ['::1', '0:0:0:0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:5::4', '2001:db8:5:0'],
    ['2001:db8:5:0:1:2:3:4', '2001:db8:5:0'],
    ['fd00::5:a:b:c:d', 'fd00:0:0:5'],
    ['fd00:0:0:6:a:b:c:d', 'fd00:0:0:6'],
    ['fe80::', 'fe80:0:0:0'],
  ]) {
    assert.equal(networkOf(address), network, address);
  }
});

test('wrong credentials count by network', () => {
  const failed = new FailedLogins(1);
  for (let host = 1; host <= 10; host++) failed.note(`2001:db8:1:2::${host}`);
  assert.ok(failed.reject('2001:db8:1:2:3:4:5:6'));
  assert.equal(failed.reject('2001:db8:1:3::1'), undefined);
});

test('IPv6 addresses count by their networks of 64 bits', () => {
  const limit = new PreAuthLimit({ timeoutMs: 1000, mostPerNetwork: 1 }, noneTrusted);
  const leave = limit.enter('2001:db8:1:2::1', () => undefined);
  assert.ok(leave);
  for (const address of ['2001:db8:1:2::2', '2001:db8:1:2:3:4:5:6'])
    assert.equal(
      limit.enter(address, () => undefined),
      undefined,
      address,
    );
  assert.ok(limit.enter('2001:db8:1:3::1', () => undefined));
  leave();
  leave();
  assert.ok(limit.enter('2001:db8:1:2::2', () => undefined));
});

test('only authenticated readers count towards the limit of market data, and it is never exceeded', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-pre-auth-'));
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  const authJwks = join(dir, 'jwks.json');
  writeFileSync(authJwks, issuer.jwks);
  const asks = { authJwks, authIssuer: ISSUER, authAudience: AUDIENCE, authKeys: undefined, authProxies: undefined, tlsCert: undefined };
  const identity = startIdentity({ host: '127.0.0.1', ...asks }, log, SILENT);
  const venue = await MarketVenue.start(1, { identity, maxConnections: 2 });
  t.after(async () => {
    await venue.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const open = async (headers: Record<string, string>) => (await RawWebSocket.open(venue.port, { headers })).status.split(' ')[1];
  const mute = Array.from({ length: 5 }, () => silent(venue.port));
  for (let i = 0; i < 5; i++) assert.equal(await open({}), '401');
  // All requests are sent before the first is answered.
  const tokens = await Promise.all(Array.from({ length: 5 }, (_, i) => issuer.token({ sub: `reader ${i}` })));
  const statuses = await Promise.all(tokens.map((token) => open(bearer(token))));
  assert.deepEqual(statuses.sort(), ['101', '101', '503', '503', '503']);
  assert.deepEqual([venue.market.counters.connectionsNow, venue.market.counters.connectionsRejected], [2, 3]);
  assert.equal(await open({}), '401', 'an unauthenticated caller does not learn that the limit is reached');
  for (const { socket } of mute) socket.destroy();
});

test('a peer that keeps its side of the connection open does not delay a stop, whatever its state', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-stop-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const certificates = new Certificates({ ...new Authority(dir).issue({ name: 'server' }), clientCa: undefined }, log);
  t.after(() => certificates.stop());
  const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
  for (const [first, secured] of [
    [PREFACE, undefined],
    ['', certificates],
  ] as const) {
    const server = new GrpcServer({ methods: {}, maxMessageBytes: 1024, certificates: secured });
    const peer = silent(await server.listen('127.0.0.1', 0), { allowHalfOpen: true });
    t.after(() => peer.socket.destroy());
    await once(peer.socket, 'connect');
    if (first !== '') peer.socket.write(first);
    await sleep(200);
    const stopped = server.stop(300).then(() => 'stopped');
    assert.equal(await Promise.race([stopped, sleep(5000, 'still waits')]), 'stopped');
  }
});
