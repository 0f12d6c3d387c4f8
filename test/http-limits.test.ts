import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it, test } from 'node:test';
import { pino } from 'pino';
import { Gauge } from 'prom-client';
import { z } from 'zod';
import { SILENT } from '../gateway/audit/audit-sink.ts';
import { CALLER_LIMITS, readCallerLimits } from '../gateway/caller-limits.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { AdminServer } from '../gateway/endpoints/http/admin.ts';
import type { Route } from '../gateway/endpoints/http/route.ts';
import { jsonBytes, LongList } from '../gateway/endpoints/json/json-pieces.ts';
import { PreAuthLimit } from '../gateway/endpoints/pre-auth-limit.ts';
import { LimitCounters } from '../gateway/limit-counters.ts';
import { createMetrics } from '../gateway/metrics.ts';
import { Rate, Rates } from '../gateway/rate.ts';
import { Slices } from '../gateway/slices.ts';
import { EVERYBODY } from './support/everybody.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';
import { until } from './support/order-entry-fixture.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

/** A connection that collects what it receives. */
class RawHttp {
  readonly socket: Socket;
  text = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: string) => {
      this.text += chunk;
    });
  }

  get statuses(): string[] {
    return [...this.text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);
  }

  async closed(): Promise<this> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this;
  }
}

const registry = createMetrics();
let scrapes = 0;
new Gauge({
  name: 'test_scrapes',
  help: 'How often the metrics were read',
  registers: [registry],
  collect() {
    this.set(++scrapes);
  },
});
new Gauge({ name: 'test_without_sample', help: 'A gauge without a sample', registers: [registry] }).set(Number.NaN);

describe('an HTTP port without authentication', () => {
  const limitCounters = new LimitCounters();
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const slow: (() => void)[] = [];
  const routes: Route[] = [
    {
      method: 'POST',
      path: '/v1/thing',
      summary: '',
      body: z.looseObject({}),
      answer: z.unknown(),
      guarded: true,
      action: 'venue:manage',
      handle: ({ body }) => ({ json: body }),
    },
    {
      method: 'GET',
      path: '/v1/slow',
      summary: '',
      answer: z.unknown(),
      guarded: false,
      action: 'market:read',
      handle: () => new Promise((resolve) => slow.push(() => resolve({ json: {} }))),
    },
  ];
  let admin: AdminServer;
  let port = 0;
  before(async () => {
    const preAuthLimit = new PreAuthLimit({ timeoutMs: 60_000, most: 100, givesWay: 'oldest' }, () => false);
    const limits = { ...CALLER_LIMITS, 'http-concurrency': 4 };
    const common = { host: '127.0.0.1', port: 0, registry, log, unready: () => [], audit: SILENT, identity: EVERYBODY };
    admin = new AdminServer({ ...common, preAuthLimit, limitCounters, limits, maxAuthenticated: 8 });
    admin.serve(routes);
    port = await admin.listen();
  });
  after(() => admin.stop());

  const post = (headers: string, body: string): RawHttp => {
    const raw = new RawHttp(port);
    raw.socket.write(`POST /v1/thing HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`);
    return raw;
  };

  it('makes the text of the metrics for few of many scrapes, and without samples that have no value', async () => {
    const begun = scrapes;
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${port}/metrics`)));
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    assert.ok(scrapes < begun + 10, `made ${scrapes - begun} times for 20 concurrent scrapes`);
    for (let i = 0; i < 60; i++) await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    assert.ok(scrapes < begun + 40, `made ${scrapes - begun} times for 80 scrapes`);
    assert.match(texts[0], /^nodejs_eventloop_lag_seconds \d/m);
    assert.match(texts[0], /^# TYPE test_without_sample gauge$/m);
    assert.doesNotMatch(texts[0], / nan$/im);
    assert.equal(answers[0].headers.get('content-type'), registry.contentType);
  });

  it('closes a connection that sends further requests before its answer, and parses no more of them', async () => {
    const before = limitCounters.count('http', 'pipelining');
    const raw = new RawHttp(port);
    raw.socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000));
    await raw.closed();
    assert.ok(raw.statuses.length <= 1);
    assert.equal(limitCounters.count('http', 'pipelining'), before + 1);
  });

  it('answers 413 to a body that is too large, and the client receives it', async () => {
    const stated = post(`content-type: application/json\r\ncontent-length: ${2 ** 30}\r\n`, 'x'.repeat(100_000));
    await stated.closed();
    assert.deepEqual(stated.statuses, ['413']);
    assert.match(stated.text, /BODY_TOO_LARGE/);
    const chunked = post(
      'content-type: application/json\r\ntransfer-encoding: chunked\r\n',
      `20000\r\n${'x'.repeat(0x20000)}\r\n0\r\n\r\n`,
    );
    await until(() => chunked.statuses.length === 1, 'the answer');
    assert.deepEqual(chunked.statuses, ['413']);
    chunked.socket.destroy();
  });

  it('answers 415 to other charsets and to compressed bodies, 400 to what is not UTF-8', async () => {
    for (const [headers, status] of [
      ['content-type: application/json; charset=utf-16', 415],
      ['content-type: application/json; charset="latin1"', 415],
      ['content-type: application/json\r\ncontent-encoding: gzip', 415],
      ['content-type: application/json; charset="UTF-8"\r\ncontent-encoding: identity', 200],
      ['content-type: application/json; profile=x', 200],
    ] as const) {
      const raw = post(`${headers}\r\ncontent-length: 2\r\n`, '{}');
      await until(() => raw.statuses.length === 1, headers);
      assert.deepEqual(raw.statuses, [String(status)], headers);
      raw.socket.destroy();
    }
    const raw = new RawHttp(port);
    raw.socket.write('POST /v1/thing HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n');
    raw.socket.write(Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')]));
    await until(() => raw.statuses.length === 1, 'the answer');
    assert.deepEqual(raw.statuses, ['400']);
    raw.socket.destroy();
  });

  it('gives no place of an authenticated connection to a body that stalls, and logs nothing when it is aborted', async () => {
    const stalled = Array.from({ length: 20 }, () => post('content-type: application/json\r\ncontent-length: 100\r\n', '{"a":'));
    await Promise.all(stalled.map(({ socket }) => once(socket, 'connect')));
    const other = post('content-type: application/json\r\ncontent-length: 2\r\n', '{}');
    await until(() => other.statuses.length === 1, 'the answer');
    assert.deepEqual(other.statuses, ['200']);
    other.socket.destroy();
    for (const { socket } of stalled) socket.destroy();
    const last = post('content-type: application/json\r\ncontent-length: 2\r\n', '{}');
    await until(() => last.statuses.length === 1, 'an answer after they were aborted');
    last.socket.destroy();
    assert.deepEqual(lines, []);
  });

  it('ends a request whose headers or body do not arrive within its time limit', async () => {
    const headers = new RawHttp(port);
    headers.socket.write('GET /health/live HTTP/1.1\r\nHost:');
    const body = post('content-type: application/json\r\ncontent-length: 100\r\n', '{"a":');
    const begun = performance.now();
    await headers.closed();
    const first = performance.now() - begun;
    await body.closed();
    assert.deepEqual([headers.statuses, body.statuses], [['408'], ['408']]);
    // The library checks every 30 s unless it is configured otherwise.
    assert.ok(first < 20_000 && performance.now() - begun < 25_000);
  });

  it('answers 429 to a caller with too many requests under way, and others go on when one has ended', async () => {
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    const open = Array.from({ length: 4 }, () => get('/v1/slow'));
    await until(() => slow.length === 4, 'four requests under way');
    const fifth = await get('/v1/slow');
    assert.deepEqual([fifth.status, ((await fifth.json()) as { name: string }).name], [429, 'TOO_MANY_REQUESTS']);
    assert.equal(limitCounters.count('http', 'concurrency'), 1);
    assert.equal((await get('/health/live')).status, 200);
    for (const answer of slow.splice(0)) answer();
    for (const answer of await Promise.all(open)) await answer.text();
    const sixth = get('/v1/slow');
    await until(() => slow.length === 1, 'a further request is served');
    slow[0]();
    assert.equal((await sixth).status, 200);
  });
});

test('slices: owners take turns, and the event loop turns between slices', async () => {
  const slices = new Slices();
  const order: string[] = [];
  let turns = 0;
  const count = (): void => {
    turns++;
    if (slices.pending > 0) setImmediate(count);
  };
  function* work(owner: string, steps: number): Generator<undefined, string> {
    for (let i = 0; i < steps; i++) {
      order.push(owner);
      const end = performance.now() + 0.2;
      while (performance.now() < end);
      yield;
    }
    return owner;
  }
  const long = [slices.run('a', work('a', 50)), slices.run('a', work('a', 50))];
  const short = slices.run('b', work('b', 3));
  setImmediate(count);
  assert.equal(await short, 'b');
  assert.equal(order.slice(0, 6).join(''), 'ababab', 'b took its turns');
  assert.deepEqual(await Promise.all(long), ['a', 'a']);
  assert.ok(turns >= 20, `${turns} turns for 103 pieces`);
  const failing = slices.run(
    'c',
    (function* (): Generator<undefined, never> {
      yield;
      throw new Error('no');
    })(),
  );
  await assert.rejects(failing, /no/);
  assert.equal(await slices.begin('d', async () => 'begun'), 'begun');
  await assert.rejects(
    slices.begin('d', () => assert.fail('not begun')),
    /not begun/,
  );
  assert.equal(slices.pending, 0);
});

test('JSON in pieces is the same text as JSON at once', () => {
  const text = (fields: Parameters<typeof jsonBytes>[0]): string => {
    const work = jsonBytes(fields);
    for (;;) {
      const { done, value } = work.next();
      if (done) return (value as Buffer).toString();
    }
  };
  const rows = Array.from({ length: 2000 }, (_, i) => ({ i, text: `"${i}" é` }));
  const same = { a: 1, rows, none: [], last: null };
  assert.equal(text({ ...same, rows: new LongList(rows), none: new LongList([]), gone: undefined }), `${JSON.stringify(same)}\n`);
  assert.equal(text(new LongList([])), '[]\n');
  assert.equal(text(new LongList([1, 2])), '[1,2]\n');
  assert.equal(text({}), '{}\n');
});

test('rates refill with time, and remember a bounded number of callers', () => {
  const rate = new Rate(10, 2, 0);
  assert.deepEqual([rate.take(0), rate.take(0), rate.take(0), rate.take(100), rate.take(100)], [true, true, false, true, false]);
  const rates = new Rates(1, 1);
  assert.deepEqual([rates.take('a', 0), rates.take('a', 0), rates.take('b', 0), rates.has('a', 0)], [true, false, true, false]);
  for (let i = 0; i < 5000; i++) rates.take(`x${i}`, 0);
  assert.equal(rates.has('a', 0), true, 'forgotten');
});

test('limits on callers are configured by name, and take effect', async (t) => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  assert.deepEqual(readCallerLimits('http-rate=7, ws-pings=3'), { ...CALLER_LIMITS, 'http-rate': 7, 'ws-pings': 3 });
  for (const text of [
    '',
    'http-rate',
    'http-rate=0',
    'http-rate=-1',
    'http-rate=1e3',
    'toString=1',
    'http-rate=7;ws-pings=3',
    'http-rate=7,',
  ])
    assert.match(String(readCallerLimits(text)), /NAME one of http-pipelining/, text);
  assert.throws(() => loadConfig({ flags: { 'caller-limits': 'no=1' }, env: {} }), /--caller-limits must be NAME=N/);
  const exchange = await GuardedExchange.start(issuer, { 'caller-limits': 'http-rate=1,ws-connections=2,wrong-credentials=1' });
  t.after(() => exchange.stop());
  const headers = bearer(await issuer.token());
  const statuses: number[] = [];
  for (let i = 0; i < 6; i++) statuses.push((await exchange.http('GET', '/v1/symbols', headers)).status);
  assert.ok(statuses.includes(200) && statuses.includes(429), statuses.join(' '));
  const market = (headers: Record<string, string>) => RawWebSocket.open(exchange.ports.ws, { protocol: 'json', headers });
  const other = bearer(await issuer.token({ sub: 'other' }));
  const sockets = [await market(headers), await market(headers), await market(headers), await market(other)];
  assert.deepEqual(
    sockets.map(({ status }) => status.split(' ')[1]),
    ['101', '101', '429', '101'],
  );
  sockets[0].destroy();
  let again = await market(headers);
  for (; again.status.includes(' 429 '); again = await market(headers)) again.destroy();
  assert.match(again.status, / 101 /, 'a place is free again');
  for (const socket of [...sockets, again]) socket.destroy();
  const forged = bearer(await issuer.token({ aud: 'elsewhere' }));
  let status = 401;
  for (let i = 0; i < 100 && status === 401; i++) status = (await exchange.http('GET', '/v1/symbols', forged)).status;
  assert.equal(status, 503);
  const answer = { key: 'desk-7', nonce: 'no', signature: 'no' };
  assert.equal((await exchange.http('POST', '/v1/auth/session', {}, answer)).status, 503, 'nor is the signature of an API key checked');
  assert.match((await exchange.http('GET', '/metrics')).json, /^openbell_limited_total\{port="any",limit="wrong-credentials"\} [1-9]/m);
});
