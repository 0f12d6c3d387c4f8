import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { clusterOf } from '../bench/mesh/bootstrap.ts';
import { encodeDropCopy } from '../engine/wire/drop-copy-frame.ts';
import { PlaceOrderRequestSchema } from '../gateway/protobuf/generated/openbell/v1/trading_pb.ts';
import { Side } from '../gateway/protobuf/generated/openbell/v1/types_pb.ts';
import { Authority } from './support/certificates.ts';
import { client, https, type Shows, submit, unary, webSocket } from './support/envoy-client.ts';
import { type Claims, ENVOY, type Envoy, EnvoyFiles, withoutEnvoy } from './support/envoy-fixture.ts';
import { ask, venue } from './support/envoy-venue.ts';
import { type ExchangeProcess, openbell } from './support/exchange-process.ts';

const options = { skip: withoutEnvoy };

const Grpc = { Ok: 0, PermissionDenied: 7, ResourceExhausted: 8, Unavailable: 14, Unauthenticated: 16 } as const;

/** Number of requests for orders and market data that reached the exchange, counted by the exchange and by Envoy. */
async function seen(exchange: ExchangeProcess, envoy: Envoy): Promise<Record<string, number>> {
  const metrics = await ask(exchange, '/metrics');
  const counted = metrics.matchAll(/^(openbell_(?:sessions_total|commands_total|command_frames_total|market_connections\S*)) (\d+)$/gm);
  const counts: Record<string, number> = Object.fromEntries([...counted].map(([, name, value]) => [name, Number(value)]));
  assert.ok(Object.keys(counts).length >= 4, 'the metrics have other names now');
  for (const cluster of ['orders', 'market', 'administration'])
    counts[cluster] = await envoy.stat(`cluster.openbell-${cluster}.upstream_rq_total`);
  return counts;
}

test('every Envoy file is valid', options, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'openbell-envoy-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const { dir } = await EnvoyFiles.make(root);
  const file = join(dir, 'envoy.yaml');
  // The unchanged file, except for its directory: the validated file is the deployed one.
  const sed = `s#/etc/openbell/envoy#${dir}#`;
  writeFileSync(file, execFileSync('sed', [sed, new URL('../mesh/envoy/envoy.yaml', import.meta.url).pathname]));
  const output = execFileSync('sh', ['-c', '"$0" --mode validate -c "$1" 2>&1 | cat', ENVOY ?? 'envoy', file], { encoding: 'utf8' });
  assert.match(output, /configuration '.*' OK/);
  assert.doesNotMatch(output, /deprecated/i);
});

test('orders and market data pass, with the client library', options, async (t) => {
  const { exchange, files, envoy } = await venue(t);
  const library = await client(t, files, envoy);
  const book = await library.market.book('BTC-USD');
  const placed = await library.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '50000.00', quantity: '0.01' });
  assert.equal(placed.kind, 'accepted');
  const cancelled = await library.orders.cancel({ symbol: 'BTC-USD', orderId: placed.orderId });
  assert.equal(cancelled.kind, 'cancelled');
  assert.ok(book !== undefined);
  assert.equal((await seen(exchange, envoy)).openbell_commands_total, 2);
  // And unary.
  const answer = await submit(files, envoy.ports.orders, 1, 77, { certificate: files.client, token: await files.token() });
  assert.deepEqual([answer.status, answer.message], [Grpc.Ok, '']);
  for (const name of Object.keys(answer.headers)) assert.doesNotMatch(name, /^x-envoy/);
});

test('orders and market data in protobuf pass by role, the actions of the operator do not', options, async (t) => {
  const { exchange, files, envoy } = await venue(t);
  const call = async (path: string, claims: Claims = {}, body: Uint8Array = new Uint8Array(0)): Promise<number> =>
    (await unary(files, envoy.ports.orders, path, body, { certificate: files.client, token: await files.token(claims) })).status;
  const order = create(PlaceOrderRequestSchema, { account: 1, symbol: 'BTC-USD', side: Side.BUY, orderQty: '0.01', price: '50000.00' });
  const bytes = toBinary(PlaceOrderRequestSchema, order);
  assert.equal(await call('/openbell.v1.Trading/PlaceOrder', {}, bytes), Grpc.Ok);
  assert.equal((await seen(exchange, envoy)).openbell_commands_total, 1);
  assert.equal(await call('/openbell.v1.MarketData/ListAssets', { roles: 'auditor' }), Grpc.Ok);
  assert.equal(await call('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', { roles: 'auditor' }), Grpc.Ok);
  // A reader passes to the exchange, which refuses the order.
  assert.equal(await call('/openbell.v1.Trading/PlaceOrder', { roles: 'read-only' }, bytes), Grpc.PermissionDenied);
  const before = await seen(exchange, envoy);
  assert.equal(await call('/openbell.v1.Trading/PlaceOrder', { roles: 'auditor' }, bytes), Grpc.PermissionDenied);
  assert.equal(await call('/openbell.v1.Admin/TakeSnapshot', { roles: 'operator' }), Grpc.PermissionDenied);
  assert.equal((await seen(exchange, envoy)).orders, before.orders);
});

test('invalid callers are rejected, and their calls do not reach the exchange', options, async (t) => {
  const { root, exchange, files, envoy } = await venue(t);
  const certificate = files.client;
  const token = await files.token();
  const { orders, market, queries, administration } = envoy.ports;
  const office = files.administrator;
  const stranger = new Authority(join(root, 'stranger')).issue({ name: 'desk' });
  const before = await seen(exchange, envoy);

  await t.test('no client certificate, or one of another authority: no handshake', async () => {
    for (const shown of [undefined, stranger]) {
      await assert.rejects(submit(files, orders, 1, 1, { certificate: shown, token }), /alert|ECONNRESET|socket|closed/i);
      await assert.rejects(https(files, queries, '/v1/accounts', { certificate: shown, token }), /alert|ECONNRESET|socket/i);
    }
    // A member's certificate does not open administration, nor that of the office the rest, whatever token is shown.
    for (const shown of [undefined, stranger, certificate])
      await assert.rejects(https(files, administration, '/v1/accounts', { certificate: shown, token }), /alert|ECONNRESET|socket/i);
    await assert.rejects(https(files, queries, '/v1/accounts', { certificate: office, token }), /alert|ECONNRESET|socket/i);
    // Market data requires no certificate, but rejects a wrong one.
    await assert.rejects(webSocket(files, market, '/', { certificate: stranger, token }), /alert|ECONNRESET|socket/i);
    assert.equal((await webSocket(files, market, '/v1/orders?account=1', { token })).status, 403);
  });

  await t.test('TLS 1.2', async () => {
    const old = { maxVersion: 'TLSv1.2' } as const;
    for (const [port, shown] of [
      [market, certificate],
      [queries, certificate],
      [administration, office],
    ] as const)
      await assert.rejects(https(files, port, '/', { certificate: shown, token }, old), /alert|protocol version/i);
  });

  const rejectedTokens: readonly [string, Claims | undefined, RegExp, forbidden?: true][] = [
    ['no token', undefined, /^UNAUTHENTICATED: Jwt is missing/],
    ['an expired token', { lives: -60 }, /^UNAUTHENTICATED: Jwt is expired/],
    // Envoy authenticates the caller and denies the request.
    ['a token for others', { audience: 'payroll' }, /^PERMISSION_DENIED: Audiences in Jwt are not allowed/, true],
    ['a token of another issuer', { issuer: 'https://elsewhere.example/' }, /^UNAUTHENTICATED: Jwt issuer is not configured/],
  ];
  for (const [name, claims, message, forbidden] of rejectedTokens) {
    await t.test(name, async () => {
      const shows: Shows = { certificate, token: claims === undefined ? undefined : await files.token(claims) };
      const answer = await submit(files, orders, 1, 1, shows);
      assert.equal(answer.status, forbidden ? Grpc.PermissionDenied : Grpc.Unauthenticated);
      assert.match(answer.message, message);
      const status = forbidden ? 403 : 401;
      const asBrowser = { certificate, headers: { 'sec-websocket-protocol': `json, openbell.bearer.${shows.token}` } };
      assert.equal((await webSocket(files, market, '/', asBrowser)).status, status);
      for (const path of ['/', '/v1/orders?account=1']) assert.equal((await webSocket(files, market, path, shows)).status, status);
      assert.equal((await https(files, queries, '/v1/accounts', shows)).status, status);
      assert.equal((await https(files, administration, '/v1/accounts', { ...shows, certificate: office })).status, status);
    });
  }

  await t.test('a token with a foreign signature', async () => {
    const other = await EnvoyFiles.make(join(root, 'other'));
    const answer = await submit(files, orders, 1, 1, { certificate, token: await other.token() });
    assert.equal(answer.status, Grpc.Unauthenticated);
    assert.match(answer.message, /^UNAUTHENTICATED: Jwt verification fails/);
  });

  await t.test('credentials that a browser adds, or a query', async () => {
    const page = { origin: 'https://app.example', 'sec-websocket-protocol': 'json' };
    assert.equal((await webSocket(files, market, '/', { headers: { ...page, cookie: `token=${token}` } })).status, 401);
    assert.equal((await webSocket(files, market, `/?access_token=${token}`, { headers: page })).status, 401);
  });

  await t.test('the wrong role', async () => {
    const denied = async (roles: string, path: string) => {
      const shows = { certificate, token: await files.token({ roles }), headers: { 'x-openbell-account': '1' } };
      const { status, message } = await unary(files, orders, `/openbell.OrderEntry/${path}`, new Uint8Array(), shows);
      assert.equal(status, Grpc.PermissionDenied, `${roles}: ${path}`);
      assert.equal(message, 'PERMISSION_DENIED: RBAC: access denied');
    };
    for (const roles of ['read-only', 'custodian', 'operator', 'auditor', '', 'traders', 'head-trader']) await denied(roles, 'Submit');
    for (const roles of ['custodian', 'operator auditor', '', 'non-trader', 'drop-copy']) await denied(roles, 'Session');
    for (const roles of ['trader', 'read-only', 'operator auditor', '', 'non-drop-copy']) await denied(roles, 'DropCopy');
    assert.equal((await webSocket(files, market, '/v1/drop-copy', { certificate, token })).status, 403);
    assert.equal((await webSocket(files, market, '/v1/drop-copy', { token: await files.token({ roles: 'drop-copy' }) })).status, 403);
    for (const path of ['/v1/portfolio?account=1', '/v1/alerts?account=1'])
      assert.equal((await webSocket(files, market, path, { token })).status, 403, `${path}, without a certificate`);
    const custody = { certificate, token: await files.token({ roles: 'custodian' }) };
    assert.equal((await webSocket(files, market, '/v1/alerts?account=1', custody)).status, 403);
    const trader = { certificate, token };
    for (const path of ['/metrics', '/v1/snapshot', '/v1/accounts/1/deposit', '/v1/accounts/x', '/v1/symbols/BTC-USD/phase']) {
      const { status, text } = await https(files, queries, path, trader);
      assert.deepEqual([status, text], [403, 'PERMISSION_DENIED: RBAC: access denied'], path);
    }
    const auditor = { certificate: office, token: await files.token({ roles: 'auditor', accounts: '*' }) };
    assert.equal((await https(files, administration, '/v1/snapshot', auditor, { method: 'POST' })).status, 403);
    const custodian = { certificate: office, token: await files.token({ roles: 'custodian' }) };
    for (const path of ['/v1/accounts/1/suspend', '/v1/accounts/1/deposit/x', '/metrics'])
      assert.equal((await https(files, administration, path, custodian)).status, 403, path);
    assert.equal((await webSocket(files, market, '/v1/orders?account=1', { ...auditor, certificate })).status, 403);
    // Nothing but orders, alerts and webhooks is changed through the port of queries, whatever the role.
    const everything = { certificate, token: await files.token({ roles: 'operator custodian auditor', accounts: '* 1' }) };
    for (const path of ['/v1/snapshot', '/v1/accounts/1/deposit', '/v1/accounts', '/v1/symbols', '/v1/orders'])
      assert.equal((await https(files, queries, path, everything, { method: 'POST' })).status, 403, path);
    for (const roles of ['read-only', 'auditor', 'custodian', 'drop-copy'])
      for (const path of ['/v1/alerts', '/v1/webhooks', '/v1/webhooks/1/rotate', '/v1/orders'])
        assert.equal(
          (await https(files, queries, path, { certificate, token: await files.token({ roles }) }, { method: 'POST' })).status,
          403,
        );
    assert.equal((await webSocket(files, market, '/', { certificate, token: await files.token({ roles: 'visitor' }) })).status, 403);
  });

  await t.test('attempts to bypass the paths', async () => {
    for (const path of ['/v1/%2e%2e/v1/kill-switches', '/v1%2forders', '//v1/orders/../snapshot']) {
      const { status } = await https(files, queries, path, { certificate, token });
      assert.ok(status === 400 || status === 403, `${path}: ${status}`);
    }
    const answer = await unary(files, orders, '/openbell.Other/Submit', new Uint8Array(), { certificate, token });
    assert.notEqual(answer.status, Grpc.Ok);
  });

  assert.deepEqual(await seen(exchange, envoy), before);
});

test('operators and auditors reach the admin port', options, async (t) => {
  const { files, envoy } = await venue(t);
  const { administration } = envoy.ports;
  const auditor = { certificate: files.administrator, token: await files.token({ roles: 'auditor', accounts: '*' }) };
  const operator = { certificate: files.administrator, token: await files.token({ roles: 'read-only operator', accounts: '*' }) };
  assert.equal((await https(files, administration, '/v1/accounts', auditor)).status, 200);
  const json = { ...operator, headers: { 'content-type': 'application/json' } };
  assert.equal((await https(files, administration, '/v1/snapshot', json, { method: 'POST' })).status, 200);
  assert.equal((await https(files, administration, '/v1/symbols', { ...auditor, token: await files.token() })).status, 200);
});

const ROLES = ['trader', 'market-maker', 'read-only', 'custodian', 'operator', 'auditor', 'drop-copy'] as const;

/** Roles that may read alerts and webhooks. */
const ALERTED = ['trader', 'market-maker', 'read-only', 'operator', 'auditor'] as const;

/** Queries of the HTTP port, and the roles with account 1 (staff: with `*`) that docs/SECURITY.md grants them to. */
const QUERIES: readonly (readonly [path: string, roles: readonly string[]])[] = [
  ['/health/ready', ROLES],
  ['/openapi.json', ROLES],
  ['/asyncapi.json', ROLES],
  ['/v1/ticker?symbol=BTC-USD', ROLES],
  ['/v1/trades?symbol=BTC-USD', ROLES],
  ['/v1/account?account=1', ROLES],
  ['/v1/fills?account=1', ROLES],
  ['/v1/ledger?account=1', ROLES],
  ['/v1/orders?account=1', ROLES],
  ['/v1/orders/1?account=1', ROLES],
  ['/v1/assets', ROLES],
  ['/v1/symbols', ROLES],
  ['/v1/symbols/BTC-USD', ROLES],
  ['/v1/symbols/BTC-USD/trades', ROLES],
  ['/v1/symbols/BTC-USD/calendar', ROLES],
  ['/v1/symbols/BTC-USD/candles?interval=1m', ROLES],
  ['/v1/feeds/none/candles?instrument=x', ROLES],
  ['/v1/references', ROLES],
  ['/v1/alerts?account=1', ALERTED],
  ['/v1/book/BTC-USD', ROLES],
  ['/v1/accounts', ROLES],
  ['/v1/accounts/1', ROLES],
  ['/v1/accounts/1/open-orders', ROLES],
  ['/v1/accounts/1/orders?limit=5', ROLES],
  ['/v1/accounts/1/orders/1?limit=5', ROLES],
  ['/v1/accounts/1/orders/by-client-order-id/1', ROLES],
  ['/v1/accounts/1/trades', ROLES],
  ['/v1/accounts/1/portfolio?mark=mid', ROLES],
  ['/v1/accounts/1/reports?from=1', ROLES],
  ['/v1/accounts/2', ['operator', 'auditor', 'drop-copy']],
  ['/v1/accounts/2/orders', ['operator', 'auditor', 'drop-copy']],
  ['/v1/accounts/2/orders/1', ['operator', 'auditor', 'drop-copy']],
  ['/v1/accounts/0/reports', ['operator', 'auditor']],
];

/** Every token that grants the role: text, and lists as several issuers send them. */
function shapesOf(role: string): readonly Claims[] {
  const staff = role === 'operator' || role === 'auditor' || role === 'drop-copy';
  const accounts = staff ? '*' : '1';
  return [
    { roles: role, accounts },
    { roles: [role], accounts: [accounts] },
    { roles: [role], accounts: staff ? [accounts] : [1] },
  ];
}

test('each role has its queries, whether the claims of its token are text or lists', options, async (t) => {
  const { files, envoy, exchange } = await venue(t);
  const { queries, administration, orders } = envoy.ports;
  for (const role of ROLES) {
    for (const claims of shapesOf(role)) {
      const token = await files.token(claims);
      for (const [path, allowed] of QUERIES) {
        const call = `${JSON.stringify(claims)}: ${path}`;
        // No order was sent, and there are no feeds.
        const found = /\/orders\/(by|\d)|\/none\//.test(path) ? 404 : 200;
        const right = allowed.includes(role) ? found : 403;
        assert.equal((await https(files, queries, path, { certificate: files.client, token })).status, right, call);
        const office = await https(files, administration, path, { certificate: files.administrator, token });
        assert.equal(office.status, right, `administration, ${call}`);
        // And as without a proxy in between.
        const direct = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`, { headers: proxyHeaders(claims) });
        assert.equal(direct.status, right, `direct, ${call}`);
      }
    }
  }
  for (const claims of shapesOf('trader')) {
    const shows = { certificate: files.client, token: await files.token(claims) };
    assert.equal((await submit(files, orders, 1, 1, shows)).status, Grpc.Ok, JSON.stringify(claims));
    assert.equal((await submit(files, orders, 2, 1, shows)).status, Grpc.PermissionDenied, JSON.stringify(claims));
    assert.equal((await webSocket(files, envoy.ports.market, '/v1/orders?account=1', shows)).status, 101);
    assert.equal((await webSocket(files, envoy.ports.market, '/v1/portfolio?account=1', shows)).status, 101);
    assert.equal((await webSocket(files, envoy.ports.market, '/v1/portfolio?account=2', shows)).status, 403);
    assert.equal((await webSocket(files, envoy.ports.market, '/v1/alerts?account=1', shows)).status, 101);
    assert.equal((await webSocket(files, envoy.ports.market, '/v1/alerts?account=2', shows)).status, 403);
  }
  for (const claims of shapesOf('drop-copy')) {
    const shows = { certificate: files.client, token: await files.token(claims) };
    assert.equal((await webSocket(files, envoy.ports.market, '/v1/drop-copy', shows)).status, 101);
    const request = encodeDropCopy([{ account: 60_000, after: undefined }]);
    const answer = await unary(files, orders, '/openbell.OrderEntry/DropCopy', request, shows);
    assert.match(answer.message, /^UNKNOWN_ACCOUNT: there is no account 60000/, JSON.stringify(claims));
  }
  // What is in a list is a word: two roles in one text, or a list in the list, are neither of them.
  for (const roles of [['trader auditor'], [['trader']], [{ trader: 1 }], [''], []]) {
    const shows = { certificate: files.client, token: await files.token({ roles }) };
    assert.equal((await submit(files, orders, 1, 1, shows)).status, Grpc.PermissionDenied, JSON.stringify(roles));
  }
});

test('members change orders, alerts and webhooks, and read candles of outside markets', options, async (t) => {
  const { files, envoy } = await venue(t);
  const { queries, market } = envoy.ports;
  const shows = {
    certificate: files.client,
    token: await files.token(),
    headers: { 'content-type': 'application/json' },
  };
  const changes: readonly [method: string, path: string, body: object | undefined, status: number][] = [
    ['POST', '/v1/orders', { symbol: 'BTC-USD', side: 'sell', orderQty: '0.1', price: '90000.00', clOrdId: '8' }, 201],
    ['PATCH', '/v1/orders/by-client-order-id/8', { leavesQty: '0.05' }, 200],
    ['DELETE', '/v1/orders/by-client-order-id/8?account=1', undefined, 200],
    ['DELETE', '/v1/orders', undefined, 200],
    ['POST', '/v1/orders', { account: 2, symbol: 'BTC-USD', side: 'sell', orderQty: '0.1', price: '90000.00' }, 403],
    ['POST', '/v1/alerts', { account: 1, kind: 'price', symbol: 'BTC-USD', direction: 'up', price: '65000.00' }, 201],
    ['POST', '/v1/alerts', { account: 2, kind: 'price', symbol: 'BTC-USD', direction: 'up', price: '65000.00' }, 403],
    ['DELETE', '/v1/alerts/1?account=1', undefined, 200],
    ['POST', '/v1/webhooks', { account: 1, url: 'https://example.com/hooks' }, 201],
    ['POST', '/v1/webhooks/1/rotate', { account: 1 }, 200],
    ['POST', '/v1/webhooks/1/replay', { account: 1 }, 200],
    ['GET', '/v1/webhooks/1/messages?account=1', undefined, 200],
    ['DELETE', '/v1/webhooks/1?account=1', undefined, 200],
  ];
  for (const [method, path, body, status] of changes) {
    const answer = await https(files, queries, path, shows, { method }, body && JSON.stringify(body));
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  }
  const reader = { token: await files.token({ roles: 'read-only' }) };
  const candles = await webSocket(files, market, '/v1/feed-candles?feed=none&instrument=x', reader);
  assert.equal(candles.status, 404);
  assert.match(candles.text, /^UNKNOWN_FEED/, 'answered by the exchange');
});

/** The headers with which Envoy forwards the claims: a list is the base64 of its JSON. */
function proxyHeaders({ roles, accounts }: Claims): Record<string, string> {
  const text = (claim: Claims['roles']) => (typeof claim === 'string' ? claim : Buffer.from(JSON.stringify(claim)).toString('base64'));
  return {
    'x-openbell-subject': 'alice',
    'x-openbell-roles': text(roles),
    'x-openbell-accounts': text(accounts),
    'x-openbell-expires': '9999999999',
  };
}

test('openbell health sends its token through Envoy, and explains the answer of a proxy', options, async (t) => {
  const { exchange, files, envoy } = await venue(t);
  const { cert, key } = files.client;
  const at = ['--host', 'localhost', '--http-port', String(envoy.ports.queries)];
  const tls = ['--tls-ca', files.authority.ca.cert, '--tls-client-cert', cert, '--tls-client-key', key];
  const health = async (claims?: Claims) => {
    const token = claims === undefined ? '' : await files.token(claims);
    const { code, stdout, stderr } = await openbell(['health', ...at, ...tls], { OPENBELL_TOKEN: token });
    assert.equal(stderr, '');
    assert.ok(token === '' || !stdout.includes(token));
    return [code, stdout.trimEnd()];
  };
  assert.deepEqual(await health({ roles: ['read-only'] }), [0, 'ready']);
  const url = `https://localhost:${envoy.ports.queries}/health/ready`;
  assert.deepEqual(await health(), [
    1,
    `not ready: a proxy rejected ${url}: HTTP 401: UNAUTHENTICATED: Jwt is missing; give a token with --token-file`,
  ]);
  assert.deepEqual(await health({ roles: 'visitor' }), [
    1,
    `not ready: a proxy rejected ${url}: HTTP 403: PERMISSION_DENIED: RBAC: access denied`,
  ]);
  await exchange.end('SIGTERM');
  const [code, text] = await health({});
  assert.equal(code, 1);
  assert.match(String(text), /^not ready: .* is not answered by an exchange: HTTP 503: UNAVAILABLE: upstream connect error/);
});

test('a token that is bound to a certificate counts with this certificate only', options, async (t) => {
  const { files, envoy } = await venue(t);
  const { orders, queries } = envoy.ports;
  const certificate = files.client;
  const other = files.authority.issue({ name: 'other' });
  const own = await files.token({ boundTo: certificate });
  const stolen = await files.token({ boundTo: other });
  assert.equal((await submit(files, orders, 1, 1, { certificate, token: own })).status, Grpc.Ok);
  assert.equal((await https(files, queries, '/v1/accounts/1', { certificate, token: own })).status, 200);
  assert.equal((await submit(files, orders, 1, 2, { certificate, token: stolen })).status, Grpc.Unauthenticated);
  assert.equal((await https(files, queries, '/v1/accounts/1', { certificate, token: stolen })).status, 401);
  assert.equal((await webSocket(files, envoy.ports.market, '/', { certificate, token: stolen })).status, 401);
  assert.equal((await webSocket(files, envoy.ports.market, '/', { token: stolen })).status, 401, 'without any certificate');
  assert.equal((await submit(files, orders, 1, 3, { certificate: other, token: stolen })).status, Grpc.Ok, 'its owner');
});

test('an account over its limit gets RESOURCE_EXHAUSTED; others are not affected', options, async (t) => {
  const { files, envoy } = await venue(t, (bootstrap) => {
    let text = JSON.stringify(bootstrap);
    for (const [limit, tokens] of [
      ['{"max_tokens":2000,"tokens_per_fill":1000,"fill_interval":"1s"}', 3],
      ['{"max_tokens":4000,"tokens_per_fill":2000,"fill_interval":"1s"}', 6],
    ] as const) {
      assert.equal(text.split(limit).length, 2);
      text = text.replace(limit, `{"max_tokens":${tokens},"tokens_per_fill":1,"fill_interval":"3600s"}`);
    }
    Object.assign(bootstrap, JSON.parse(text));
  });
  const certificate = files.client;
  const both = { certificate, token: await files.token({ accounts: '1 2' }) };
  const statuses: number[] = [];
  const before = await envoy.stat('cluster.openbell-orders.upstream_rq_total');
  for (let id = 1; id <= 5; id++) statuses.push((await submit(files, envoy.ports.orders, 1, id, both)).status);
  assert.deepEqual(statuses, [0, 0, 0, Grpc.ResourceExhausted, Grpc.ResourceExhausted]);
  const rejected = await submit(files, envoy.ports.orders, 1, 6, both);
  assert.equal(rejected.message, 'RESOURCE_EXHAUSTED: local_rate_limited');
  assert.equal((await submit(files, envoy.ports.orders, 2, 7, both)).status, Grpc.Ok);
  // By default, Envoy keeps 20 buckets; the 21st would remove the first.
  for (let i = 0; i < 25; i++) {
    const other = { certificate, token: await files.token({ subject: `subject-${i}` }) };
    assert.equal((await submit(files, envoy.ports.orders, 1, 100 + i, other)).status, Grpc.Ok);
  }
  assert.equal((await submit(files, envoy.ports.orders, 1, 9, both)).status, Grpc.ResourceExhausted);
  // Another subject has a separate bucket for the same account, so that it cannot use up this one.
  const bob = { certificate, token: await files.token({ subject: 'bob', accounts: '1' }) };
  assert.equal((await submit(files, envoy.ports.orders, 1, 8, bob)).status, Grpc.Ok);
  assert.equal((await envoy.stat('cluster.openbell-orders.upstream_rq_total')) - before, 30);
  // Naming new accounts, which the exchange rejects, does not help either.
  const carol = { certificate, token: await files.token({ subject: 'carol', accounts: '1' }) };
  const named: number[] = [];
  for (let account = 11; account <= 18; account++) named.push((await submit(files, envoy.ports.orders, account, 1, carol)).status);
  assert.deepEqual(named, [...Array(6).fill(Grpc.PermissionDenied), Grpc.ResourceExhausted, Grpc.ResourceExhausted]);
});

test('beyond the circuit breaker: UNAVAILABLE, and counted', options, async (t) => {
  const { files, envoy } = await venue(t, (bootstrap) => {
    clusterOf(bootstrap, 'openbell-orders').circuit_breakers.thresholds[0].max_requests = 0;
  });
  const answer = await submit(files, envoy.ports.orders, 1, 1, { certificate: files.client, token: await files.token() });
  assert.equal(answer.status, Grpc.Unavailable);
  assert.match(answer.message, /^UNAVAILABLE: .*overflow/);
  // Not upstream_rq_pending_overflow, which is where older versions counted it.
  assert.equal(await envoy.stat('cluster.openbell-orders.upstream_rq_active_overflow'), 1);
});

test('faults are off, and can be enabled at the admin port', options, async (t) => {
  const { exchange, files, envoy } = await venue(t);
  const shows = { certificate: files.client, token: await files.token() };
  const before = await seen(exchange, envoy);
  await envoy.ask('/runtime_modify?openbell.fault.abort_percent=100', 'POST');
  const answer = await submit(files, envoy.ports.orders, 1, 1, shows);
  assert.equal(answer.status, Grpc.Unavailable);
  assert.deepEqual(await seen(exchange, envoy), before);
  await envoy.ask('/runtime_modify?openbell.fault.abort_percent=0&openbell.fault.delay_percent=100&openbell.fault.delay_ms=300', 'POST');
  const from = performance.now();
  assert.equal((await submit(files, envoy.ports.orders, 1, 2, shows)).status, Grpc.Ok);
  assert.ok(performance.now() - from >= 300);
  await envoy.ask('/runtime_modify?openbell.fault.delay_percent=0', 'POST');
  assert.equal((await submit(files, envoy.ports.orders, 1, 3, shows)).status, Grpc.Ok);
});
