/** Market data without credentials, and for web pages of other origins. */
import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { loadConfig } from '../gateway/config/config.ts';
import { PublicMarket } from '../gateway/endpoints/http/public-market.ts';
import { LimitCounters } from '../gateway/limit-counters.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

const APP = 'https://app.example.com';
const PUBLIC = ADMIN_ROUTES.filter((route) => route.public);

test('what is public is market data of the venue, and nothing that is guarded', () => {
  assert.deepEqual(PUBLIC.map(({ method, path }) => `${method} ${path}`).sort(), [
    'GET /asyncapi.json',
    'GET /openapi.json',
    'GET /v1/assets',
    'GET /v1/book',
    'GET /v1/book/:name',
    'GET /v1/candles',
    'GET /v1/symbols',
    'GET /v1/symbols/:name',
    'GET /v1/symbols/:name/calendar',
    'GET /v1/symbols/:name/candles',
    'GET /v1/symbols/:name/indicators',
    'GET /v1/symbols/:name/trades',
    'GET /v1/ticker',
    'GET /v1/time',
    'GET /v1/trades',
  ]);
  assert.ok(PUBLIC.every(({ guarded, action }) => !guarded && action === 'market:read'));
});

test('each address has its share of what all without credentials have', () => {
  const { limits } = new PublicMarket(new LimitCounters(), { open: true, origins: [] });
  const enter = (caller: string): string => {
    try {
      limits.enter(caller);
      return 'in';
    } catch (error) {
      return (error as Error).name;
    }
  };
  for (let i = 0; i < 4; i++) assert.equal(enter('a'), 'in');
  assert.equal(enter('a'), 'TOO_MANY_REQUESTS');
  for (let i = 0; i < 28; i++) assert.equal(enter(`caller ${Math.floor(i / 4)}`), 'in');
  assert.equal(enter('z'), 'BUSY');
});

test('origins are written as browsers write them', () => {
  const read = (text: string) => loadConfig({ flags: { 'cors-origins': text }, env: {} }).corsOrigins;
  assert.deepEqual(read(`${APP}, http://localhost:3000`), [APP, 'http://localhost:3000']);
  assert.deepEqual(read('*'), ['*']);
  for (const text of [`${APP}/`, 'app.example.com', 'HTTPS://APP.EXAMPLE.COM', 'ftp://app.example.com', ''])
    assert.throws(() => read(text), /cors-origins/, text);
});

describe('an exchange with authentication and public market data', () => {
  const issuer = new Issuer();
  let exchange: GuardedExchange;
  before(async () => {
    await issuer.addKey('ES256');
    exchange = await GuardedExchange.start(issuer, { 'public-market-data': 'true', 'cors-origins': APP });
  });
  after(() => exchange.stop());
  const at = (path: string) => `http://127.0.0.1:${exchange.ports.http}${path}`;

  it('answers its queries without credentials, and nothing else', async () => {
    for (const path of ['/v1/symbols', '/v1/book/BTC-USD', '/v1/symbols/BTC-USD/trades', '/v1/ticker', '/openapi.json', '/asyncapi.json']) {
      const response = await fetch(at(path));
      assert.equal(response.status, 200, path);
      assert.equal(response.headers.get('connection'), 'close');
      assert.equal(response.headers.get('ratelimit-limit'), '40');
      await response.arrayBuffer();
    }
    assert.equal((await exchange.http('GET', '/v1/symbols/NONE')).json.name, 'UNKNOWN_SYMBOL');
    for (const [method, path] of [
      ['GET', '/v1/accounts/1'],
      ['GET', '/v1/feeds'],
      ['GET', '/v1/nothing'],
      ['POST', '/v1/orders'],
      ['POST', '/v1/symbols'],
      ['OPTIONS', '/v1/orders'],
    ])
      assert.equal((await exchange.http(method, path)).json.name, 'UNAUTHENTICATED', `${method} ${path}`);
  });

  it('sends market data over WebSocket without credentials, to a limited number of readers, and nothing else', async (t) => {
    const open: RawWebSocket[] = [];
    t.after(() => {
      for (const socket of open) socket.destroy();
    });
    const connect = async (headers: Record<string, string> = {}, path = '/'): Promise<[number, RawWebSocket]> => {
      const socket = await RawWebSocket.open(exchange.ports.ws, { path, protocol: 'json', headers });
      open.push(socket);
      return [Number(socket.status.split(' ')[1]), socket];
    };
    const [status, reader] = await connect();
    assert.equal(status, 101);
    reader.text({ op: 'subscribe', channel: 'book', symbol: 'BTC-USD', depth: 10 });
    await reader.until(() => reader.json().some(({ kind }) => kind === 'snapshot'));
    assert.equal((await connect({ origin: APP }))[0], 101);
    assert.equal((await connect({ origin: 'https://other.example.com' }))[0], 403);
    assert.equal((await connect(bearer('wrong')))[0], 401);
    for (const path of [
      '/v1/orders?account=1',
      '/v1/drop-copy?account=1',
      '/v1/portfolio?account=1',
      '/v1/alerts?account=1',
      '/v1/feed-tail?feed=x',
    ])
      assert.equal((await connect({}, path))[0], 401, path);
    for (let more = 3; more <= 16; more++) assert.equal((await connect())[0], 101, `connection ${more}`);
    const [rejected, last] = await connect();
    assert.deepEqual([rejected, last.body], [429, 'Too many connections without credentials; close one, or try again later.\n']);
    // Who has credentials does not count.
    assert.equal((await connect(bearer(await issuer.token())))[0], 101);
    // A reader that leaves makes room.
    reader.destroy();
    for (let connected = 429; connected !== 101; ) [connected] = await connect();
  });

  it('rejects wrong credentials, and counts right ones as before', async () => {
    assert.equal((await exchange.http('GET', '/v1/symbols', bearer('wrong'))).status, 401);
    const response = await fetch(at('/v1/symbols'), { headers: bearer(await issuer.token()) });
    assert.equal(response.headers.get('ratelimit-limit'), '1000');
    await response.arrayBuffer();
  });

  it('lets pages of the origin read market data, and no others', async () => {
    const shared = async (path: string, origin: string, method = 'GET') => {
      const response = await fetch(at(path), { method, headers: { origin } });
      await response.arrayBuffer();
      return [response.status, response.headers.get('access-control-allow-origin'), response.headers.get('vary')];
    };
    assert.deepEqual(await shared('/v1/symbols', APP), [200, APP, 'origin']);
    assert.deepEqual(await shared('/v1/symbols', 'https://other.example.com'), [200, null, 'origin']);
    assert.deepEqual(await shared('/v1/symbols', APP, 'OPTIONS'), [204, APP, 'origin']);
    assert.deepEqual(await shared('/v1/symbols', 'https://other.example.com', 'OPTIONS'), [401, null, 'origin']);
    assert.deepEqual(await shared('/v1/accounts/1', APP), [401, null, null]);
  });

  it('lets pages of the origin send other queries with a token of their own, and no actions', async () => {
    const OTHER = 'https://other.example.com';
    const trader = bearer(await issuer.token());
    const asked = async (path: string, headers: Record<string, string>, method = 'GET') => {
      const response = await fetch(at(path), { method, headers });
      const { name = null } = method === 'OPTIONS' ? {} : ((await response.json()) as { name?: string });
      return [response.status, name, response.headers.get('access-control-allow-origin')];
    };
    assert.deepEqual(await asked('/v1/fills', { origin: APP }, 'OPTIONS'), [204, null, APP]);
    assert.deepEqual(await asked('/v1/fills', { origin: OTHER }, 'OPTIONS'), [401, null, null]);
    assert.deepEqual(await asked('/v1/nothing', { origin: APP }, 'OPTIONS'), [401, null, null]);
    assert.deepEqual(await asked('/v1/fills', { origin: APP, ...trader }), [200, null, APP]);
    assert.deepEqual(await asked('/v1/fills', { origin: OTHER, ...trader }), [403, 'CROSS_SITE', null]);
    assert.deepEqual(await asked('/v1/fills', { origin: APP, ...bearer('wrong') }), [401, 'UNAUTHENTICATED', APP]);
    assert.deepEqual(await asked('/v1/accounts/2', { origin: APP, ...trader }), [403, 'PERMISSION_DENIED', APP]);
    assert.deepEqual(await asked('/v1/orders', { origin: APP, ...trader }, 'DELETE'), [403, 'CROSS_SITE', null]);
    assert.deepEqual(await asked('/v1/alerts/1?account=1', { origin: APP, ...trader }, 'DELETE'), [403, 'CROSS_SITE', null]);
  });
});
