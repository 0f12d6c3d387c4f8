import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { Side, TimeInForce } from '../engine/wire/layout.ts';
import { challengeText } from '../gateway/challenge-text.ts';
import { connect } from '../gateway/client/index.ts';
import { ACTIONS, may } from '../gateway/identity/permissions.ts';
import { type Principal, ROLES, type Role } from '../gateway/identity/principal.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';
import { RawSession, rawClient } from './support/order-entry-fixture.ts';
import type { RawWebSocket } from './support/raw-websocket.ts';
import { until } from './support/until.ts';

const [UNAUTHENTICATED, PERMISSION_DENIED] = [16, 7];
const raw = (bytes: Buffer): Buffer => bytes;

interface Rejected {
  readonly code: number;
  readonly details: string;
}

/** The result of a session: `open`, or the status and details of its reject. */
async function session(port: number, headers: Record<string, string>): Promise<'open' | Rejected> {
  const stream = new RawSession(port, { 'x-openbell-account': '1', ...headers });
  const fate = await Promise.race([
    stream.opened.then(async (last): Promise<Rejected | 'open'> => (last === 'undefined' ? await stream.ended : 'open')),
    stream.ended,
  ]);
  stream.close();
  return fate;
}

async function submit(port: number, headers: Record<string, string>): Promise<number> {
  const { Metadata } = await import('@grpc/grpc-js');
  const metadata = new Metadata();
  for (const [name, value] of Object.entries({ 'x-openbell-account': '1', ...headers })) metadata.set(name, value);
  const batch = new CommandBatch(1);
  batch.cancel(1, 4711);
  const client = rawClient(port);
  const frame = Buffer.from(batch.bytes());
  const code = await new Promise<number>((resolve) =>
    client.makeUnaryRequest('/openbell.OrderEntry/Submit', raw, raw, frame, metadata, (error) => resolve(error?.code ?? 0)),
  );
  client.close();
  return code;
}

describe('permissions over the real ports', () => {
  const issuer = new Issuer();
  let exchange: GuardedExchange;
  before(async () => {
    await issuer.addKey('ES256');
    exchange = await GuardedExchange.start(issuer);
  });
  after(() => exchange.stop());

  const tokenOf = (role: Role | '', accounts = '1') =>
    issuer.token({ sub: `the ${role}`, openbell_roles: role, openbell_accounts: accounts });
  const everybody: (Role | '')[] = [...ROLES, ''];
  const own: Partial<Record<Role, 1>> = { trader: 1, 'market-maker': 1 };
  const readers: Partial<Record<Role, 1>> = {
    trader: 1,
    'market-maker': 1,
    'read-only': 1,
    custodian: 1,
    operator: 1,
    auditor: 1,
    'drop-copy': 1,
  };

  /** The expected answer per role: the named ones are admitted, the others are rejected with 403, PERMISSION_DENIED. */
  const ROUTES: [method: string, path: string, body: object, allowed: Partial<Record<Role, 1>>][] = [
    ['GET', '/v1/assets', {}, readers],
    ['GET', '/v1/symbols', {}, readers],
    ['GET', '/v1/symbols/BTC-USD', {}, readers],
    ['GET', '/v1/book/BTC-USD', {}, readers],
    ['GET', '/v1/symbols/BTC-USD/trades', {}, readers],
    ['GET', '/v1/symbols/BTC-USD/calendar', {}, readers],
    ['GET', '/v1/accounts', {}, readers],
    ['GET', '/v1/accounts/1', {}, readers],
    ['GET', '/v1/accounts/1/open-orders', {}, readers],
    ['GET', '/v1/accounts/1/orders', {}, readers],
    ['GET', '/v1/accounts/1/orders/1', {}, readers],
    ['GET', '/v1/accounts/1/orders/by-client-order-id/1', {}, readers],
    ['GET', '/v1/accounts/1/trades', {}, readers],
    ['GET', '/v1/accounts/1/reports', {}, readers],
    ['GET', '/v1/account?account=1', {}, readers],
    ['GET', '/v1/fills?account=1', {}, readers],
    ['GET', '/v1/orders?account=1', {}, readers],
    ['GET', '/v1/orders/1?account=1', {}, readers],
    ['GET', '/v1/orders/by-client-order-id/1?account=1', {}, readers],
    ['POST', '/v1/orders', { account: 1, symbol: 'BTC-USD', side: 'buy', orderQty: '0.1', price: '20000.00' }, own],
    ['PATCH', '/v1/orders/1', { account: 1, leavesQty: '1' }, own],
    ['PATCH', '/v1/orders/by-client-order-id/1', { account: 1, leavesQty: '1' }, own],
    ['DELETE', '/v1/orders/1?account=1', {}, own],
    ['DELETE', '/v1/orders/by-client-order-id/1?account=1', {}, own],
    ['DELETE', '/v1/orders?account=1', {}, own],
    ['GET', '/openapi.json', {}, readers],
    ['GET', '/v1/accounts/1/portfolio', {}, readers],
    ['GET', '/v1/accounts/0/reports', {}, { operator: 1, auditor: 1 }],
    ['POST', '/v1/accounts/1/deposit', { asset: 'USD', amount: '1.00' }, { custodian: 1 }],
    ['POST', '/v1/accounts/1/withdraw', { asset: 'USD', amount: '1.00' }, { custodian: 1 }],
    ['POST', '/v1/accounts/1/suspend', {}, { operator: 1 }],
    ['POST', '/v1/accounts/1/resume', {}, { operator: 1 }],
    ['POST', '/v1/accounts/1/limits', { maxOpenOrders: 10 }, { operator: 1 }],
    ['POST', '/v1/accounts/1/cancel-orders', {}, { operator: 1 }],
    ['POST', '/v1/symbols/BTC-USD/cancel-orders', {}, { operator: 1 }],
    ['POST', '/v1/accounts/1/position-limit', { symbol: 'BTC-USD', maxPosition: 0 }, { operator: 1 }],
    ['POST', '/v1/accounts/1/fee-tier', { table: 1, tier: 'by-volume' }, { operator: 1 }],
    ['GET', '/v1/fee-tables', {}, { operator: 1, auditor: 1 }],
    ['POST', '/v1/fee-tables/1', { asset: 'USD', tiers: [] }, { operator: 1 }],
    ['GET', '/v1/kill-switches', {}, { operator: 1, auditor: 1 }],
    ['GET', '/v1/sessions', {}, { operator: 1, auditor: 1 }],
    ['DELETE', '/v1/sessions/orders-999', {}, { operator: 1 }],
    ['POST', '/v1/accounts/1/kill-switch', { on: false }, { operator: 1 }],
    ['POST', '/v1/groups/7/kill-switch', { on: false }, { operator: 1 }],
    ['POST', '/v1/groups/7/cancel-orders', {}, { operator: 1 }],
    ['POST', '/v1/symbols/BTC-USD/kill-switch', { on: false }, { operator: 1 }],
    ['POST', '/v1/kill-switch', { on: false }, { operator: 1 }],
    ['POST', '/v1/phases', { symbols: ['BTC-USD'], phase: 'continuous' }, { operator: 1 }],
    ['POST', '/v1/accounts', { id: 1, name: 'again' }, { operator: 1 }],
    ['POST', '/v1/assets', { id: 1, name: 'USD', decimals: 2 }, { operator: 1 }],
    ['POST', '/v1/symbols', {}, { operator: 1 }],
    ['POST', '/v1/symbols/BTC-USD/parameters', { 'price-band': '10%' }, { operator: 1 }],
    ['POST', '/v1/symbols/BTC-USD/phase', { phase: 'continuous' }, { operator: 1 }],
    ['POST', '/v1/symbols/BTC-USD/uncross', {}, { operator: 1 }],
    ['POST', '/v1/snapshot', {}, { operator: 1 }],
  ];

  it('GET /v1/accounts/abc: a reject names no account', async () => {
    const { status, json } = await exchange.http('GET', '/v1/accounts/abc', bearer(await tokenOf('trader')));
    assert.deepEqual([status, json.name, json.message], [403, 'PERMISSION_DENIED', 'PERMISSION_DENIED: your roles do not allow this']);
  });

  for (const [method, path, body, allowed] of ROUTES) {
    it(`${method} ${path}`, async () => {
      for (const role of everybody) {
        const { status, json } = await exchange.http(method, path, bearer(await tokenOf(role)), body);
        const got = status !== 401 && status !== 403;
        assert.equal(got, role !== '' && allowed[role] === 1, `${role}: ${status} ${JSON.stringify(json)}`);
        if (!got) assert.deepEqual([status, json.name], [403, 'PERMISSION_DENIED']);
      }
      const { status, json } = await exchange.http(method, path, {}, body);
      assert.deepEqual([status, json.name, json.code], [401, 'UNAUTHENTICATED', 110]);
    });
  }

  it('the table has every route', () => {
    assert.equal(ROUTES.length, 18 + 25 + 12);
  });

  it('over REST, the account of a caller who has one is the default; another one is forbidden', async () => {
    const headers = bearer(await tokenOf('trader'));
    const order = { symbol: 'BTC-USD', side: 'sell', orderQty: '0.1', price: '90000.00' };
    const placed = await exchange.http('POST', '/v1/orders', headers, order);
    assert.deepEqual([placed.status, placed.json.account], [201, 1], JSON.stringify(placed.json));
    assert.equal((await exchange.http('GET', '/v1/account', headers)).json.id, 1);
    assert.equal((await exchange.http('DELETE', '/v1/orders', headers)).json.totalAffectedOrders, 1);
    const foreign = await exchange.http('POST', '/v1/orders', headers, { ...order, account: 2 });
    assert.deepEqual([foreign.status, foreign.json.name], [403, 'PERMISSION_DENIED']);
    const several = bearer(await tokenOf('trader', '1 2'));
    assert.equal((await exchange.http('POST', '/v1/orders', several, order)).json.name, 'BAD_PARAMETER');
  });

  it('sessions, orders and market data', async () => {
    const { ports } = exchange;
    for (const role of everybody) {
      const headers = bearer(await tokenOf(role));
      const opens = role in { ...own, 'read-only': 1 };
      const fate = await session(ports.grpc, headers);
      if (opens) assert.equal(fate, 'open', role);
      else {
        assert.ok(
          fate !== 'open' && fate.code === PERMISSION_DENIED && fate.details.startsWith('PERMISSION_DENIED: '),
          `${role}: ${JSON.stringify(fate)}`,
        );
      }
      assert.equal(await submit(ports.grpc, headers), role in own ? 0 : PERMISSION_DENIED, role);
      const orders = await exchange.webSocket('/v1/orders?account=1', headers);
      assert.equal(orders.status, opens ? 101 : 403, role);
      const market = await exchange.webSocket('/', headers);
      assert.equal(market.status, role === '' ? 403 : 101, role);
      const copy = await exchange.webSocket('/v1/drop-copy', headers);
      assert.equal(copy.status, role === 'drop-copy' ? 101 : 403, role);
      const portfolio = await exchange.webSocket('/v1/portfolio?account=1', headers);
      assert.equal(portfolio.status, role in readers ? 101 : 403, role);
      const foreign = await exchange.webSocket('/v1/portfolio?account=2', headers);
      assert.equal(foreign.status, 403, role);
      portfolio.socket.destroy();
      copy.socket.destroy();
      orders.socket.destroy();
      market.socket.destroy();
    }
    const anonymous = await session(ports.grpc, {});
    assert.ok(anonymous !== 'open' && anonymous.code === UNAUTHENTICATED && anonymous.details.startsWith('UNAUTHENTICATED: '));
    assert.equal(await submit(ports.grpc, {}), UNAUTHENTICATED);
    for (const path of ['/v1/orders?account=1', '/v1/drop-copy', '/v1/portfolio?account=1', '/'])
      assert.equal((await exchange.webSocket(path)).status, 401);
  });

  it('orders without an account, or with a malformed one, are a bad request; one that may not exist is forbidden', async () => {
    const headers = bearer(await tokenOf('trader'));
    const statuses: number[] = [];
    for (const query of ['', '?account=', '?account=0', '?account=one', '?account=01', '?account=4294967296', '?account=9999']) {
      const { status, socket } = await exchange.webSocket(`/v1/orders${query}`, headers);
      statuses.push(status);
      socket.destroy();
    }
    assert.deepEqual(statuses, [400, 400, 400, 400, 400, 400, 403]);
  });

  it('read-only sessions take no place from those that trade', async (t) => {
    const sockets: RawWebSocket[] = [];
    const operator = bearer(await tokenOf('operator'));
    t.after(async () => {
      for (const socket of sockets) socket.destroy();
      await until(async () => {
        const { sessions } = (await exchange.http('GET', '/v1/sessions', operator)).json;
        return !sessions.some(({ account }: { account?: number }) => account === 1);
      }, 'the sessions to be gone');
    });
    const open = async (role: 'trader' | 'read-only'): Promise<number> => {
      const { status, socket } = await exchange.webSocket('/v1/orders?account=1', bearer(await tokenOf(role)));
      sockets.push(socket);
      return status;
    };
    let readers = 0;
    while (readers < 64 && (await open('read-only')) === 101) readers++;
    assert.ok(readers > 0 && readers <= 32, `${readers} are open`);
    // As many as one may have, so that each has a place of its own.
    for (let i = 0; i < 40; i++) assert.equal(await open('trader'), 101, `trader ${i}`);
    assert.notEqual(await open('read-only'), 101);
  });

  it('a read-only session cannot ask for a cancel on disconnect', async () => {
    const headers = { 'x-openbell-account': '1', 'x-openbell-cancel-on-disconnect': '0', ...bearer(await tokenOf('read-only')) };
    const reader = new RawSession(exchange.ports.grpc, headers);
    assert.match((await reader.ended).details, /^PERMISSION_DENIED: /);
    reader.close();
  });

  it('a read-only session gets reports; each command is rejected, and the session continues', async () => {
    const reader = new RawSession(exchange.ports.grpc, { 'x-openbell-account': '1', ...bearer(await tokenOf('read-only')) });
    reader.read();
    await reader.opened;
    const batch = new CommandBatch(2);
    batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 100, 2, 1);
    batch.cancel(1, 1);
    for (const round of [2, 4]) {
      reader.send(batch.bytes());
      await until(() => reader.refusals.length === round, 'both rejected');
    }
    assert.deepEqual([...new Set(reader.refusals.map(({ code }) => code))], ['PERMISSION_DENIED']);
    const trader = new RawSession(exchange.ports.grpc, { 'x-openbell-account': '1', ...bearer(await tokenOf('trader')) });
    trader.read();
    await trader.opened;
    trader.send(batch.bytes());
    await until(() => reader.reports.length === 2, 'what the trader did');
    reader.close();
    trader.close();
  });

  it('a caller can only access accounts that the credentials name; * is for the staff of the venue and for risk desks', async () => {
    const TOUCH: [method: string, path: string, body: object][] = [
      ['GET', '/v1/accounts/2', {}],
      ['GET', '/v1/accounts/2/open-orders', {}],
      ['GET', '/v1/accounts/2/orders', {}],
      ['GET', '/v1/accounts/2/orders/1', {}],
      ['GET', '/v1/accounts/2/orders/by-client-order-id/1', {}],
      ['GET', '/v1/accounts/2/trades', {}],
      ['GET', '/v1/accounts/2/reports', {}],
      ['GET', '/v1/accounts/02', {}],
      ['GET', '/v1/accounts/%32', {}],
      ['GET', '/v1/accounts/9999', {}],
      ['POST', '/v1/accounts/2/deposit', { asset: 'USD', amount: '1.00' }],
      ['POST', '/v1/accounts/2/withdraw', { asset: 'USD', amount: '1.00' }],
      ['POST', '/v1/accounts/2/suspend', {}],
      ['POST', '/v1/accounts/2/limits', { maxOpenOrders: 1 }],
      ['POST', '/v1/accounts', { id: 2, name: 'mine' }],
    ];
    for (const role of ROLES) {
      const headers = bearer(await tokenOf(role, '1'));
      for (const [method, path, body] of TOUCH)
        assert.equal((await exchange.http(method, path, headers, body)).status, 403, `${role} ${path}`);
      assert.deepEqual((await exchange.http('GET', '/v1/accounts', headers)).json, [1], role);
      for (const account of ['2', '9999']) {
        const fate = await session(exchange.ports.grpc, { 'x-openbell-account': account, ...headers });
        assert.ok(fate !== 'open' && fate.code === PERMISSION_DENIED, role);
        assert.equal(await submit(exchange.ports.grpc, { 'x-openbell-account': account, ...headers }), PERMISSION_DENIED);
        assert.equal((await exchange.webSocket(`/v1/orders?account=${account}`, headers)).status, 403);
      }
    }
    for (const role of ROLES) {
      const headers = bearer(await tokenOf(role, '*'));
      const reads = role === 'operator' || role === 'auditor' || role === 'drop-copy';
      assert.equal((await exchange.http('GET', '/v1/accounts/2', headers)).status, reads ? 200 : 403, role);
      assert.equal((await exchange.http('GET', '/v1/accounts', headers)).json.length, reads ? 10 : 0, role);
      assert.equal((await exchange.http('POST', '/v1/accounts/2/deposit', headers, { asset: 'USD', amount: '1.00' })).status, 403, role);
      assert.notEqual(await session(exchange.ports.grpc, headers), 'open', role);
    }
  });

  it('an operator defines accounts, but cannot deposit', async () => {
    const operator = bearer(await tokenOf('operator', '*'));
    const body = { id: 60, name: 'sixty', deposits: { USD: '1000.00' } };
    const rejected = await exchange.http('POST', '/v1/accounts', operator, body);
    assert.deepEqual([rejected.status, rejected.json.name], [403, 'PERMISSION_DENIED']);
    assert.equal((await exchange.http('GET', '/v1/accounts/60', operator)).status, 404);
    assert.equal((await exchange.http('POST', '/v1/accounts', operator, { id: 60, name: 'sixty' })).status, 201);
    const both = bearer(await issuer.token({ openbell_roles: ['operator', 'custodian'], openbell_accounts: [61] }));
    assert.equal((await exchange.http('POST', '/v1/accounts', both, { ...body, id: 61, name: 'sixty-one' })).status, 201);
  });

  it('health and metrics are open', async () => {
    for (const path of ['/health/live', '/health/ready', '/metrics']) assert.equal((await exchange.http('GET', path)).status, 200);
    const client = rawClient(exchange.ports.grpc);
    const answer = await new Promise<Buffer | undefined>((resolve, reject) =>
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', raw, raw, Buffer.alloc(0), (error, bytes?: Buffer) =>
        error ? reject(error) : resolve(bytes),
      ),
    );
    client.close();
    assert.deepEqual(answer, Buffer.from([8, 1]));
  });

  it('a web page sends its token as a subprotocol, which is not sent back', async () => {
    const token = await tokenOf('trader');
    for (const [path, protocol] of [
      ['/', 'json'],
      ['/v1/orders?account=1', 'binary'],
    ]) {
      const ws = new WebSocket(`ws://127.0.0.1:${exchange.ports.ws}${path}`, [protocol, `openbell.bearer.${token}`]);
      await new Promise((resolve, reject) => Object.assign(ws, { onopen: resolve, onerror: reject }));
      assert.equal(ws.protocol, protocol);
      ws.close();
    }
    assert.equal((await exchange.webSocket('/', {}, 'json, openbell.bearer.nonsense')).status, 401);
    // With nothing else to agree to, the token's subprotocol is agreed to: a browser closes the connection otherwise.
    for (const path of ['/', '/v1/orders?account=1']) {
      const only = `openbell.bearer.${token}`;
      const ws = new WebSocket(`ws://127.0.0.1:${exchange.ports.ws}${path}`, [only]);
      await new Promise((resolve, reject) => Object.assign(ws, { onopen: resolve, onerror: reject }));
      assert.equal(ws.protocol, only);
      ws.close();
      const { status, socket } = await exchange.webSocket(path, {}, `soap, ${only}`);
      assert.deepEqual([status, /sec-websocket-protocol/i.test(socket.head)], [101, false], 'an unknown one is not agreed to');
      socket.destroy();
    }
  });

  it('identity headers are rejected from every address while no proxy is listed', async () => {
    const token = bearer(await tokenOf('trader'));
    for (const name of ['x-openbell-subject', 'x-openbell-roles', 'x-openbell-accounts', 'x-openbell-expires', 'x-forwarded-client-cert']) {
      const headers = { ...token, [name]: 'URI=spiffe://a/b' };
      assert.equal((await exchange.http('GET', '/v1/symbols', headers)).status, 401, name);
      assert.equal((await exchange.webSocket('/', headers)).status, 401, name);
      const fate = await session(exchange.ports.grpc, headers);
      assert.ok(fate !== 'open' && fate.code === UNAUTHENTICATED, name);
    }
  });

  it('a header of a megabyte ends its connection and no other', async () => {
    const huge = bearer('x'.repeat(1 << 20));
    const quietly = async (work: Promise<unknown>): Promise<void> => void (await work.catch(() => undefined));
    await quietly(exchange.http('GET', '/v1/symbols', huge));
    const { status, socket } = await exchange.webSocket('/', huge);
    assert.notEqual(status, 101);
    socket.destroy();
    const fate = await session(exchange.ports.grpc, huge);
    assert.notEqual(fate, 'open');
    assert.equal((await exchange.http('GET', '/v1/symbols', bearer(await tokenOf('trader')))).status, 200);
  });

  it('a session ends when its token expires, after its outstanding reports; with a new token nothing is missed', async () => {
    const soon = Math.floor(Date.now() / 1000) - 27;
    const tokens = [await issuer.token({ exp: soon }), await tokenOf('trader')];
    let calls = 0;
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const client = await connect({
      grpcPort,
      httpPort,
      wsPort,
      account: 1,
      tokenProvider: () => tokens[Math.min(Math.floor(calls++ / 2), 1)],
    });
    const numbers: number[] = [];
    const lost: string[] = [];
    client.orders.on('report', ({ reportNo }) => numbers.push(reportNo));
    client.orders.on('lost', ({ code }) => lost.push(code));
    await client.orders.ready();
    const from = client.orders.lastReport ?? 0;
    const order = { symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price: '30000.00' } as const;
    await client.orders.place(order);
    await until(() => lost.length > 0, 'the end of the session');
    const other = new RawSession(grpcPort, { 'x-openbell-account': '1', ...bearer(tokens[1]) });
    await other.opened;
    const batch = new CommandBatch(1);
    batch.cancel(1, 77);
    other.send(batch.bytes());
    await client.orders.place(order);
    assert.deepEqual(lost, ['UNAUTHENTICATED']);
    await until(() => numbers.length === 3, 'all three reports');
    assert.deepEqual(numbers, [from + 1, from + 2, from + 3]);
    other.close();
    await client.close();
    const market = await exchange.webSocket('/', bearer(await issuer.token({ exp: Math.floor(Date.now() / 1000) - 28 })));
    assert.equal(market.status, 101);
    await market.socket.until(() => market.socket.closeCode !== 0);
    assert.equal(market.socket.closeCode, 4016);
  });
});

describe('proxies, keys and certificates', () => {
  const issuer = new Issuer();
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64');
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const keys = `
keys: [{ id: desk-7, public-key: ${spki(publicKey)}, subject: desk seven, roles: trader, accounts: 1 2 }]
certificates:
  - { uri: "spiffe://openbell/desk-8", roles: trader, accounts: 1 }
  - { name: "CN=auditor,O=Acme", roles: auditor, accounts: "*" }
`;
  let exchange: GuardedExchange;
  before(async () => {
    await issuer.addKey('EdDSA');
    exchange = await GuardedExchange.start(issuer, { 'auth-proxies': '127.0.0.1', 'auth-bound': 'custodian' }, keys);
  });
  after(() => exchange.stop());

  const status = async (headers: Record<string, string | string[]>, path = '/v1/accounts/1') =>
    (await exchange.http('GET', path, headers)).status;

  it('the headers of a listed proxy are trusted completely or rejected', async () => {
    const end = { 'x-openbell-expires': String(Math.floor(Date.now() / 1000) + 60) };
    const headers = { 'x-openbell-subject': 'bob', 'x-openbell-roles': 'trader', 'x-openbell-accounts': '1', ...end };
    const { 'x-openbell-expires': _, ...endless } = headers;
    const list = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
    const hash = 'ab'.repeat(32);
    const cnf = { 'x5t#S256': Buffer.from(hash, 'hex').toString('base64url') };
    const bound = { ...headers, 'x-openbell-certificate': cnf['x5t#S256'] };
    const TABLE: [name: string, headers: Record<string, string | string[]>, status: number][] = [
      ['claims', headers, 200],
      ['claims without an end', endless, 401],
      ['claims that ended', { ...headers, 'x-openbell-expires': '1700000000' }, 401],
      ['an end that is none', { ...headers, 'x-openbell-expires': 'tomorrow' }, 401],
      ['an unknown role', { ...headers, 'x-openbell-roles': 'trader root' }, 401],
      ['another account', { ...headers, 'x-openbell-accounts': '2' }, 403],
      ['no accounts', { ...end, 'x-openbell-subject': 'bob', 'x-openbell-roles': 'trader' }, 403],
      ['no subject', { ...end, 'x-openbell-roles': 'trader', 'x-openbell-accounts': '1' }, 401],
      ['an empty subject', { ...headers, 'x-openbell-subject': '' }, 401],
      ['accounts twice', { ...headers, 'x-openbell-accounts': ['2', '1'] }, 401],
      ['a subject twice', { ...headers, 'x-openbell-subject': ['eve', 'bob'] }, 401],
      ['roles twice', { ...headers, 'x-openbell-roles': ['trader', 'auditor'] }, 401],
      ['a certificate', { 'x-forwarded-client-cert': 'Hash=1;URI=spiffe://openbell/desk-8' }, 200],
      ['a name, the other way round', { 'x-forwarded-client-cert': 'Hash=1;Subject="O=Acme,CN=auditor"' }, 200],
      ['a certificate of an earlier hop', { 'x-forwarded-client-cert': 'URI=spiffe://openbell/desk-8,URI=spiffe://evil/x' }, 401],
      ['quotes around a comma', { 'x-forwarded-client-cert': 'Subject="x,URI=spiffe://openbell/desk-8";URI=spiffe://evil/x' }, 401],
      ['quotes that end nowhere', { 'x-forwarded-client-cert': 'Subject="x,URI=spiffe://openbell/desk-8' }, 401],
      ['an unknown certificate', { 'x-forwarded-client-cert': 'URI=spiffe://openbell/desk-9' }, 401],
      ['claims count before the certificate', { ...headers, 'x-forwarded-client-cert': 'URI=spiffe://evil/x' }, 200],
      ['a token counts before the certificate', { ...bearer(await issuer.token()), 'x-forwarded-client-cert': 'URI=spiffe://evil/x' }, 200],
      ['lists', { ...headers, 'x-openbell-roles': list(['read-only', 'trader']), 'x-openbell-accounts': list([2, 1]) }, 200],
      ['lists as text', { ...headers, 'x-openbell-accounts': list(['1']) }, 200],
      ['a list without this account', { ...headers, 'x-openbell-accounts': list([2]) }, 403],
      ['an unknown role in a list', { ...headers, 'x-openbell-roles': list(['trader', 'root']) }, 401],
      ['base64 of something else', { ...headers, 'x-openbell-roles': list({ trader: true }) }, 401],
      ['the beginning of a list', { ...headers, 'x-openbell-roles': 'WyJ0' }, 401],
      ['bound to the certificate', { ...bound, 'x-forwarded-client-cert': `Hash=${hash};URI=spiffe://a/b` }, 200],
      ['bound, and proxies in between', { ...bound, 'x-forwarded-client-cert': `Hash=${hash},By=x;Hash=${'cd'.repeat(32)}` }, 200],
      ['bound to another certificate', { ...bound, 'x-forwarded-client-cert': `Hash=${'cd'.repeat(32)}` }, 401],
      ['bound, and no certificate', bound, 401],
      ['a binding that is none', { ...headers, 'x-openbell-certificate': 'no', 'x-forwarded-client-cert': `Hash=${hash}` }, 401],
      ['an empty binding', { ...headers, 'x-openbell-certificate': '', 'x-forwarded-client-cert': 'Hash=' }, 401],
      ['an unbound custodian', { ...headers, 'x-openbell-roles': 'trader custodian' }, 401],
      ['a bound custodian', { ...bound, 'x-openbell-roles': 'custodian', 'x-forwarded-client-cert': `Hash=${hash}` }, 200],
      ['a bound token', { ...bearer(await issuer.token({ cnf })), 'x-forwarded-client-cert': `Hash=${hash}` }, 200],
      ['a bound token of another', { ...bearer(await issuer.token({ cnf })), 'x-forwarded-client-cert': 'Hash=00' }, 401],
      ['a bound token alone', bearer(await issuer.token({ cnf })), 401],
      ['a token bound by a key', bearer(await issuer.token({ cnf: { jkt: cnf['x5t#S256'] } })), 401],
      ['a token bound by nothing', bearer(await issuer.token({ cnf: null as never })), 401],
      ['nothing', {}, 401],
      ['another scheme', { authorization: 'Basic YTpi' }, 401],
    ];
    for (const [name, headers, expected] of TABLE) assert.equal(await status(headers), expected, name);
    assert.equal(await session(exchange.ports.grpc, headers), 'open');
    assert.equal((await exchange.webSocket('/v1/orders?account=1', headers)).status, 101);
    assert.equal((await exchange.webSocket('/v1/orders/?account=1', headers)).status, 404, 'no market data in its place');
    assert.equal((await exchange.webSocket('/v1/orders/1', headers)).status, 404);
  });

  it('an API key signs a challenge, once, and gets a token', async () => {
    const ask = async () => (await exchange.http('POST', '/v1/auth/challenge', {}, { key: 'desk-7' })).json.nonce as string;
    const answer = (nonce: string, key: KeyObject = privateKey, id = 'desk-7', text = challengeText(id, nonce)) =>
      exchange.http('POST', '/v1/auth/session', {}, { key: id, nonce, signature: sign(null, Buffer.from(text), key).toString('base64') });
    const nonce = await ask();
    const { status: first, json } = await answer(nonce);
    assert.deepEqual([first, json.expiresInSeconds], [200, 900]);
    assert.equal(await status(bearer(json.token)), 200);
    assert.equal(await status(bearer(json.token), '/v1/accounts/3'), 403);
    assert.equal(await session(exchange.ports.grpc, bearer(json.token)), 'open');
    assert.equal((await answer(nonce)).status, 401, 'the same answer again');
    assert.equal((await answer(await ask(), stranger)).status, 401, 'another key');
    assert.equal((await answer(await ask(), privateKey, 'desk-8')).status, 401, "another key's challenge");
    assert.equal((await answer(await ask(), privateKey, 'desk-7', 'openbell')).status, 401, 'another text');
    const other = await ask();
    assert.equal((await answer(`z${other}`)).status, 401, 'a later end than was given');
    assert.equal(
      (await exchange.http('POST', '/v1/auth/challenge', {}, { key: 'unknown' })).status,
      200,
      'the answer does not reveal whether the key exists',
    );
    assert.equal((await exchange.http('POST', '/v1/auth/session', {}, { key: 'desk-7' })).status, 401);
    for (const [path, body] of [
      ['/v1/auth/challenge', { key: 7 }],
      ['/v1/auth/challenge', { key: 'desk-7', nonce: 'n' }],
      ['/v1/auth/session', { key: 'desk-7', nonce: 'n', signatur: 's' }],
      ['/v1/auth/challenge?key=desk-7', { key: 'desk-7' }],
    ] as const) {
      const { status, json } = await exchange.http('POST', path, {}, body);
      assert.deepEqual([status, json.name, json.code], [400, 'BAD_PARAMETER', Code.BAD_PARAMETER], path);
    }
    // Not at its end: one signature in sixteen ends like that anyway.
    const changed = json.token.replace(/\.(.)([^.]*)$/, (_: string, begin: string, rest: string) => `.${begin === 'A' ? 'B' : 'A'}${rest}`);
    assert.equal(await status(bearer(changed)), 401, 'a token that was changed');
  });

  it('a session token ends when its key is replaced under the same id', async () => {
    const ask = async (key: KeyObject): Promise<string> => {
      const { nonce } = (await exchange.http('POST', '/v1/auth/challenge', {}, { key: 'desk-9' })).json;
      const signature = sign(null, Buffer.from(challengeText('desk-9', nonce)), key).toString('base64');
      return (await exchange.http('POST', '/v1/auth/session', {}, { key: 'desk-9', nonce, signature })).json.token;
    };
    const file = join(exchange.dir, 'keys.yaml');
    const before = readFileSync(file, 'utf8');
    const [first, second] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
    const write = (key: KeyObject): void => {
      const text = key.export({ type: 'spki', format: 'der' }).toString('base64');
      writeFileSync(file, before.replace('keys: [', `keys: [{ id: desk-9, public-key: ${text}, roles: trader, accounts: 1 }, `));
    };
    write(first.publicKey);
    let token = '';
    await until(async () => {
      token = await ask(first.privateKey);
      return token !== undefined;
    }, 'the new key is read');
    assert.equal(await status(bearer(token)), 200);
    write(second.publicKey);
    await until(async () => (await status(bearer(token))) === 401, 'the token of the old key is rejected');
    assert.equal((await exchange.webSocket('/v1/orders?account=1', bearer(token))).status, 401);
    assert.notEqual(await session(exchange.ports.grpc, bearer(token)), 'open');
    assert.equal(await status(bearer(await ask(second.privateKey))), 200);
    writeFileSync(file, before);
  });

  it('a client with an API key; a removed key is rejected, with or without a token', async () => {
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const apiKey = { id: 'desk-7', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    const client = await connect({ grpcPort, httpPort, wsPort, account: 2, apiKey });
    assert.equal((await client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price: '30000.00' })).kind, 'accepted');
    assert.ok((await client.market.book('BTC-USD')).inStep);
    const batch = new CommandBatch(1);
    batch.cancel(1, 77);
    assert.equal((await client.orders.submit(batch)).reports.length, 1);
    await client.close();
    await assert.rejects(connect({ grpcPort, httpPort, wsPort }), { code: 'UNAUTHENTICATED' });
    writeFileSync(join(exchange.dir, 'keys.yaml'), 'keys: []\n');
    // The file is read once a second.
    const rejected = async (): Promise<boolean> => {
      const answer = await connect({ grpcPort, httpPort, wsPort, apiKey }).catch((error: { code: string }) => error.code);
      if (typeof answer !== 'string') await answer.close();
      return answer === 'UNAUTHENTICATED';
    };
    await until(rejected, 'the removed key is rejected');
  });
});

it('the complete table of rights', () => {
  const who = (role: Role, accounts: number[], all: boolean): Principal => ({
    subject: role,
    roles: new Set([role]),
    accounts: new Set(accounts),
    all,
    via: 'token',
    expiresAt: 0,
  });
  const rights = ROLES.map((role) => {
    const named = ACTIONS.filter((action) => may(who(role, [7], false), action, 7));
    const others = ACTIONS.filter((action) => may(who(role, [7], false), action, 8));
    const all = ACTIONS.filter((action) => may(who(role, [], true), action, 8));
    return [role, named.join(' '), others.join(' '), all.join(' ')];
  });
  assert.deepEqual(rights, [
    [
      'trader',
      'market:read session:open order:send order:use account:read alert:use alert:read alert:manage',
      'market:read order:use alert:use',
      'market:read order:use alert:use',
    ],
    [
      'market-maker',
      'market:read session:open order:send order:use account:read alert:use alert:read alert:manage',
      'market:read order:use alert:use',
      'market:read order:use alert:use',
    ],
    ['read-only', 'market:read session:open account:read alert:use alert:read', 'market:read alert:use', 'market:read alert:use'],
    ['custodian', 'market:read account:read account:money', 'market:read', 'market:read'],
    [
      'operator',
      'market:read account:read alert:use alert:read alert:manage account:define account:manage venue:manage venue:reports snapshot:take',
      'market:read alert:use account:define venue:manage venue:reports snapshot:take',
      'market:read account:read alert:use alert:read alert:manage account:define account:manage venue:manage venue:reports snapshot:take',
    ],
    [
      'auditor',
      'market:read account:read alert:use alert:read venue:reports',
      'market:read alert:use venue:reports',
      'market:read account:read alert:use alert:read venue:reports',
    ],
    ['drop-copy', 'market:read account:read copy:open copy:read', 'market:read copy:open', 'market:read account:read copy:open copy:read'],
  ]);
});
