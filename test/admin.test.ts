import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Client, credentials, makeClientConstructor } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { Code } from '../engine/codes.ts';
import { resolveLimits } from '../engine/limits.ts';
import type { Directory } from '../engine/threads/directory.ts';
import { atOnce } from '../engine/turns.ts';
import { CommandKind, Phase } from '../engine/wire/layout.ts';
import { connect, type OpenbellClient } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { actionRoutes } from '../gateway/endpoints/http/admin-actions.ts';
import { HttpError } from '../gateway/endpoints/http/http-error.ts';
import { KeyedRequests } from '../gateway/endpoints/http/idempotency.ts';
import { ANYBODY } from '../gateway/identity/principal.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { AdminCommands } from '../gateway/venue/admin-commands.ts';
import { makeAccount } from '../gateway/venue/venue-commands.ts';
import { MAX_SYMBOL_SERIES, VenueGauges } from '../gateway/venue/venue-gauges.ts';
import { until } from './support/until.ts';

const data = mkdtempSync(join(tmpdir(), 'openbell-admin-'));
let exchange: RunningExchange;
let client: OpenbellClient;

before(async () => {
  const flags = { data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };
  exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
  client = await connect({ grpcPort, httpPort, wsPort, account: 1 });
});

after(async () => {
  await client?.close();
  await exchange?.stop();
  rmSync(data, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked into by the tests
  readonly json: any;
}

/** Written by hand, because fetch sets Host and Origin itself. */
function ask(method: string, path: string, body?: string | Buffer | object, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : (body ?? '');
  const json = method === 'POST' ? { 'content-type': 'application/json' } : {};
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: exchange.ports.http, method, path, headers: { ...json, ...headers }, agent: false },
      (response) => {
        let answer = '';
        response.on('data', (chunk) => {
          answer += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, json: parse(answer) }));
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}

function parse(text: string): unknown {
  return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
}

const get = (path: string, headers?: Record<string, string>) => ask('GET', path, undefined, headers);
const post = (path: string, body: string | object = {}, headers?: Record<string, string>) => ask('POST', path, body, headers);

/** Waits for the history, which is written a moment behind. */
async function eventually(path: string, done: (json: Answer['json']) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await get(path);
    if (done(answer.json)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('health reports live and ready', async () => {
  assert.deepEqual(await get('/health/live'), { status: 200, json: { status: 'live' } });
  assert.deepEqual(await get('/health/ready'), { status: 200, json: { status: 'ready' } });
});

test('order entry reports over gRPC that it serves', async () => {
  const Health = makeClientConstructor(healthService as Parameters<typeof makeClientConstructor>[0], 'Health');
  const health = new Health(`127.0.0.1:${exchange.ports.grpc}`, credentials.createInsecure()) as unknown as Client & {
    check(request: { service: string }, done: (error: Error | null, answer: { status: string }) => void): void;
  };
  for (const service of ['', 'openbell.OrderEntry']) {
    const status = await new Promise((resolve, reject) =>
      health.check({ service }, (error, answer) => (error ? reject(error) : resolve(answer.status))),
    );
    assert.equal(status, 'SERVING', service);
  }
  health.close();
});

test('symbols, in decimal text and in units', async () => {
  const { json } = await get('/v1/symbols');
  assert.deepEqual(
    json.map(({ name }: { name: string }) => name),
    ['BTC-USD', 'ETH-USD', 'SOL-USD', 'ETH-BTC'],
  );
  const one = (await get('/v1/symbols/ETH-BTC')).json;
  assert.deepEqual(
    [one.tickSize, one.lotSize, one.phase, one.fees.maker, one.fees.taker, one.priceBand, one.limits.maxPrice, one.params.MakerFeePpm],
    ['0.00001', '0.001', 'continuous', '-0.0050%', '0.0500%', '20.0000%', '1.00000', -50],
  );
});

test('an order appears in book, account and, a moment later, in the history', async () => {
  const sell = await client.orders.place({ symbol: 'SOL-USD', side: 'sell', price: '150.000', quantity: '3' });
  const buy = await client.orders.place({ symbol: 'SOL-USD', side: 'buy', price: '150.000', quantity: '1' });
  const { json: book } = await get('/v1/book/SOL-USD?depth=1');
  assert.deepEqual(book.asks, [{ price: '150.000', quantity: '2.000', orders: 1, priceTicks: 150_000, quantityLots: 2000 }]);
  assert.deepEqual(book.bids, []);

  const { json: account } = await get('/v1/accounts/1');
  const usd = account.balances.find(({ asset }: { asset: string }) => asset === 'USD');
  const sol = account.balances.find(({ asset }: { asset: string }) => asset === 'SOL');
  // 150 USD to itself; fees of 0.02 % and 0.05 % leave.
  assert.deepEqual([usd.available, usd.availableUnits], ['9999999.895000', 9_999_999_895_000]);
  assert.deepEqual([sol.available, sol.reserved, account.openOrders], ['99998.000000', '2.000000', 1]);
  const { json: open } = await get('/v1/accounts/1/open-orders');
  assert.deepEqual(
    open.orders.map(({ orderId, leaves, status }: Record<string, unknown>) => [orderId, leaves, status]),
    [[sell.orderId, '2.000', 'open']],
  );

  const { json: orders } = await eventually('/v1/accounts/1/orders', (json) => json.orders.length === 2);
  assert.deepEqual(
    orders.orders.map(({ orderId, status, filled }: Record<string, unknown>) => [orderId, status, filled]),
    [
      [buy.orderId, 'filled', '1.000'],
      [sell.orderId, 'open', '1.000'],
    ],
  );
  const { json: trades } = await eventually('/v1/accounts/1/trades', (json) => json.trades.length === 2);
  assert.deepEqual(trades.trades.map(({ side, price, fee, maker }: Record<string, unknown>) => [side, price, fee, maker]).sort(), [
    ['buy', '150.000', '0.075000', false],
    ['sell', '150.000', '0.030000', true],
  ]);
  const { json: reports } = await get('/v1/accounts/1/reports?from=2&limit=1');
  assert.deepEqual(
    reports.reports.map(({ reportNo, kind }: Record<string, unknown>) => [reportNo, kind]),
    [[2, 'accepted']],
  );
  const { json: printed } = await get('/v1/symbols/SOL-USD/trades');
  assert.deepEqual(
    printed.trades.map(({ tradeId, aggressor, quantity }: Record<string, unknown>) => [tradeId, aggressor, quantity]),
    [[1, 'buy', '1.000']],
  );
  await client.orders.cancel({ symbol: 'SOL-USD', orderId: sell.orderId });
});

test('an account: defined, funded, limited, suspended, resumed', async () => {
  const made = await post('/v1/accounts', { id: 50, name: 'desk', maxOpenOrders: 3, deposits: { USD: '10.50' } });
  assert.equal(made.status, 201);
  assert.deepEqual([made.json.maxOpenOrders, made.json.balances[0].availableUnits], [3, 10_500_000]);
  assert.equal((await post('/v1/accounts/50/deposit', { asset: 'USD', units: 500_000 })).json.amount, '0.500000');
  assert.equal((await post('/v1/accounts/50/withdraw', { asset: 'USD', amount: '1' })).json.units, 1_000_000);
  assert.equal((await get('/v1/accounts/50')).json.balances[0].available, '10.000000');
  assert.equal((await post('/v1/accounts/50/suspend')).json.suspended, true);
  assert.equal((await post('/v1/accounts/50/resume')).json.suspended, false);
  assert.equal((await post('/v1/accounts/50/limits', { maxOpenOrders: 7 })).json.maxOpenOrders, 7);
  const { json } = await eventually('/v1/accounts/0/reports?limit=1000', (all) => all.reports.length > 0);
  assert.equal(json.reports[0].kind, 'accepted');
});

test('a symbol: defined, parameters, auction, uncross', async () => {
  assert.equal((await post('/v1/assets', { id: 20, name: 'CNY', decimals: 4 })).status, 201);
  assert.equal((await post('/v1/assets', { id: 21, name: 'SHARE', decimals: 0 })).status, 201);
  const made = await post('/v1/symbols', {
    id: 600,
    name: '600000',
    base: 'SHARE',
    quote: 'CNY',
    tickSize: '0.01',
    lotSize: '1',
    phase: 'auction',
    referencePrice: '10.00',
    limits: { maxPrice: '1000' },
    fees: { taker: '0.1%' },
  });
  assert.deepEqual([made.status, made.json.phase, made.json.limits.maxPrice, made.json.fees.taker], [201, 'auction', '1000.00', '0.1000%']);
  for (const id of [1, 2]) {
    await post(`/v1/accounts/${id}/deposit`, { asset: 'CNY', amount: '100000' });
    await post(`/v1/accounts/${id}/deposit`, { asset: 'SHARE', units: 1000 });
  }
  await client.orders.place({ symbol: '600000', side: 'buy', price: '10.10', quantity: '100' });
  await client.orders.place({ symbol: '600000', side: 'sell', price: '9.90', quantity: '60' });
  const crossed = await post('/v1/symbols/600000/phase', { phase: 'continuous' });
  assert.deepEqual([crossed.status, crossed.json.name], [409, 'BOOK_CROSSED']);
  const { json: uncrossed } = await post('/v1/symbols/600000/uncross');
  assert.deepEqual([uncrossed.price, uncrossed.quantityLots], ['10.10', 60]);
  assert.equal((await post('/v1/symbols/600000/phase', { phase: 'continuous' })).json.phase, 'continuous');
  assert.equal((await post('/v1/symbols/600000/parameters', { 'price-band': '5%' })).json.priceBand, '5.0000%');
  const later = await post('/v1/symbols/600000/parameters', { fees: { taker: '0.2%' } });
  assert.deepEqual([later.status, later.json.name], [409, 'BOOK_NOT_EMPTY']);
  assert.deepEqual(later.json.applied, [], 'nothing of the action stands');

  // The band is set before the fee. The fee cannot change while an order is in the book.
  const part = await post('/v1/symbols/600000/parameters', { fees: { taker: '0.2%' }, priceBand: '6%' });
  assert.deepEqual([part.status, part.json.name], [409, 'BOOK_NOT_EMPTY']);
  const [band] = part.json.applied;
  assert.deepEqual(part.json.applied, [{ command: 'set-symbol', symbol: 600, parameter: 'price-band', seq: band.seq }]);
  assert.deepEqual(part.json.failed, {
    command: 'set-symbol',
    symbol: 600,
    parameter: 'fees.taker',
    seq: band.seq + 1,
    outcome: 'refused',
  });
  const stands = (await get('/v1/symbols/600000')).json;
  assert.deepEqual([stands.priceBand, stands.fees.taker], ['6.0000%', '0.1000%']);
});

type Rejected = [string, () => Promise<Answer>, number, string, RegExp];
const REJECTED: Rejected[] = [
  ['nothing there', () => get('/v2'), 404, 'NOT_FOUND', /nothing at \/v2/],
  ['unknown symbol', () => get('/v1/symbols/XBT-USD'), 404, 'UNKNOWN_SYMBOL', /there are: BTC-USD/],
  ['unknown account', () => get('/v1/accounts/4711'), 404, 'UNKNOWN_ACCOUNT', /no account 4711/],
  ['account that is no number', () => get('/v1/accounts/one/orders'), 404, 'UNKNOWN_ACCOUNT', /no account one/],
  ['account with a leading zero', () => get('/v1/accounts/01'), 404, 'UNKNOWN_ACCOUNT', /no account 01/],
  ['account 0 with another', () => get('/v1/accounts/00/reports'), 404, 'UNKNOWN_ACCOUNT', /no account 00/],
  [
    'deposit to an account with a leading zero',
    () => post('/v1/accounts/01/deposit', { asset: 'USD', amount: '1' }),
    404,
    'UNKNOWN_ACCOUNT',
    /no account 01/,
  ],
  ['unknown query key', () => get('/v1/accounts?Limit=1'), 400, 'BAD_PARAMETER', /"Limit"; use one of limit, after$/],
  ['query key twice', () => get('/v1/book/BTC-USD?depth=1&depth=2'), 400, 'BAD_PARAMETER', /depth is given a second time/],
  ['query of an action', () => post('/v1/accounts/1/suspend?dry-run=1'), 400, 'BAD_PARAMETER', /there are none here$/],
  ['escape that is not UTF-8', () => get('/v1/symbols/%ff'), 400, 'BAD_PATH', /percent-encoding/],
  ['body that is not UTF-8', () => post('/v1/accounts', Buffer.from('{"id": 60, "name": "a\xff"}', 'latin1')), 400, 'BAD_JSON', /UTF-8/],
  [
    'a key twice',
    () => post('/v1/accounts/1/deposit', '{"asset": "USD", "amount": "1", "amount": "1"}'),
    400,
    'BAD_PARAMETER',
    /^amount: is given a second time/,
  ],
  [
    'a key twice, once escaped, inside',
    () => post('/v1/accounts', '{"id": 60, "name": "a\\"{", "deposits": {"USD": "1", "\\u0055SD": "2"}}'),
    400,
    'BAD_PARAMETER',
    /^deposits\.USD: is given a second time/,
  ],
  ['wrong method', () => post('/v1/book/BTC-USD'), 405, 'WRONG_METHOD', /takes GET, not POST/],
  ['delete', () => ask('DELETE', '/v1/accounts/1'), 405, 'WRONG_METHOD', /takes GET, not DELETE/],
  ['bad page size', () => get('/v1/symbols/BTC-USD/trades?limit=0'), 400, 'BAD_PARAMETER', /limit must be a whole number from 1 to 1000/],
  ['bad depth', () => get('/v1/book/BTC-USD?depth=1e3'), 400, 'BAD_PARAMETER', /depth must be/],
  ['broken escape', () => get('/v1/symbols/%zz'), 400, 'BAD_PATH', /percent-encoding/],
  ['not JSON', () => post('/v1/accounts', '{'), 400, 'BAD_JSON', /not JSON/],
  ['a list', () => post('/v1/accounts', '[]'), 400, 'BAD_JSON', /must be a JSON object/],
  [
    'other content',
    () => post('/v1/accounts', 'id=1', { 'content-type': 'text/plain' }),
    415,
    'NOT_JSON',
    /content-type: application\/json/,
  ],
  ['unknown key', () => post('/v1/accounts', { id: 60, name: 'a', balance: 1 }), 400, 'BAD_PARAMETER', /balance: unknown key/],
  ['missing keys', () => post('/v1/symbols', { id: 9 }), 400, 'BAD_PARAMETER', /name: is missing.*base: is missing.*tick: is missing/],
  ['id that is taken', () => post('/v1/accounts', { id: 1, name: 'again' }), 409, 'ALREADY_DEFINED', /taken/],
  ['id above the capacity', () => post('/v1/accounts', { id: 20_000, name: 'far' }), 400, 'CAPACITY', /capacities/],
  ['too much', () => post('/v1/accounts/1/withdraw', { asset: 'USD', amount: '99999999' }), 409, 'INSUFFICIENT_FUNDS', /less/],
  ['nothing', () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: '0' }), 400, 'BAD_PARAMETER', /above 0/],
  ['between units', () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: '0.0000001' }), 400, 'BAD_PARAMETER', /not a multiple/],
  ['both amounts', () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: '1', units: 1 }), 400, 'BAD_PARAMETER', /either/],
  ['unknown asset', () => post('/v1/accounts/1/deposit', { asset: 'EUR', amount: '1' }), 404, 'UNKNOWN_ASSET', /no asset EUR/],
  ['no such phase', () => post('/v1/symbols/BTC-USD/phase', { phase: 'open' }), 400, 'BAD_PARAMETER', /must be one of halted/],
  ['no such phase is one problem', () => post('/v1/symbols/BTC-USD/phase', { phase: 'open' }), 400, 'BAD_PARAMETER', /not open$/],
  ['no phase', () => post('/v1/symbols/BTC-USD/phase', {}), 400, 'BAD_PARAMETER', /^phase: is missing$/],
  ['no amount', () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: '1e9' }), 400, 'BAD_PARAMETER', /12\.34$/],
  ['number for a text', () => post('/v1/accounts', { id: 60, name: 7 }), 400, 'BAD_PARAMETER', /^name: must be text, not the number 7$/],
  [
    'text for true',
    () => post('/v1/accounts', { id: 60, name: 'a', suspended: 'yes' }),
    400,
    'BAD_PARAMETER',
    /^suspended: must be true or false, not the text "yes"$/,
  ],
  [
    'list for an object',
    () => post('/v1/symbols/BTC-USD/parameters', { limits: [] }),
    400,
    'BAD_PARAMETER',
    /^limits: must be a JSON object/,
  ],
  [
    'null',
    () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: null }),
    400,
    'BAD_PARAMETER',
    /^amount: must be a number.*not null$/,
  ],
  [
    'both ways of writing a key',
    () => post('/v1/accounts/1/limits', { maxOpenOrders: 1, 'max-open-orders': 2 }),
    400,
    'BAD_PARAMETER',
    /^max-open-orders: gives max-open-orders a second time; give it once$/,
  ],
  [
    'unknown key inside, and a number that is not exact',
    () => post('/v1/symbols/BTC-USD/parameters', '{"limits": {"maxPrice": 1234567890123456.789, "maxprice": 1}}'),
    400,
    'BAD_PARAMETER',
    /^limits\.maxPrice: .*write it as text: "1234567890123456\.789"; limits\.maxprice: unknown key; use one of max-price, /,
  ],
  ...['/v1/symbols/BTC-USD/uncross', '/v1/accounts/1/suspend', '/v1/accounts/1/resume', '/v1/snapshot'].map(
    (path): Rejected => [
      `a key of an action without parameters: ${path}`,
      () => post(path, { a: 1 }),
      400,
      'BAD_PARAMETER',
      /^a: unknown key; this action has no parameters$/,
    ],
  ),
  ['no auction', () => post('/v1/symbols/BTC-USD/uncross'), 409, 'WRONG_PHASE', /set phase auction first/],
];

for (const [name, send, status, code, message] of REJECTED) {
  test(`rejected: ${name}`, async () => {
    const answer = await send();
    assert.deepEqual([answer.status, answer.json.name], [status, code]);
    assert.match(answer.json.message, message);
    assert.equal(typeof answer.json.code, 'number');
  });
}

test('a rejected body lists each problem with the key as it was sent; a key that names no asset is not renamed', async () => {
  const { json } = await post('/v1/symbols/BTC-USD/parameters', { priceBand: '5', fees: { maker: '200%' } });
  assert.deepEqual([json.code, json.problems.map(({ path }: { path: string }) => path)], [Code.BAD_PARAMETER, ['priceBand', 'fees.maker']]);
  assert.equal(json.message, json.problems.map(({ path, problem }: Record<string, string>) => `${path}: ${problem}`).join('; '));
  const { json: account } = await post('/v1/accounts', { id: 60, name: 'a', deposits: { tickSize: '1' } });
  const { problems } = (await post('/v1/symbols', { id: 9, name: 'XY' })).json;
  assert.deepEqual(
    problems.map(({ path }: { path: string }) => path),
    ['base', 'quote', 'tick', 'lot'],
    'a missing key has its path',
  );
  assert.match(account.message, /^deposits\.tickSize: no asset has this name/);
});

test('amounts as JSON numbers count exactly as they are written, or are rejected', async () => {
  const { json: before } = await get('/v1/accounts/3');
  const deposit = (amount: string) => post('/v1/accounts/3/deposit', `{"asset": "USD", "amount": ${amount}}`);
  for (const [amount, units] of [
    ['0.10', 100_000],
    ['1e2', 100_000_000],
    ['2500000.000001', 2_500_000_000_001],
    ['"2500000.000001"', 2_500_000_000_001],
  ] as const)
    assert.equal((await deposit(amount)).json.units, units, amount);
  // As floats: 4503599627.3704953 would be 4503599627.370495.
  for (const amount of ['4503599627.37049530000000001', '9007199254740993', '1e999', '0.30000000000000001'])
    assert.match((await deposit(amount)).json.message, /^amount: a JSON number cannot hold this exactly; write it as text: "/, amount);
  const { json: now } = await get('/v1/accounts/3');
  assert.equal(now.balances[0].availableUnits - before.balances[0].availableUnits, 100_000 + 100_000_000 + 2 * 2_500_000_000_001);
});

test('an amount of one unit of an asset with many decimals may be a JSON number', async () => {
  assert.equal((await post('/v1/assets', { id: 30, name: 'SMALL', decimals: 12 })).status, 201);
  for (const [amount, units] of [
    ['0.0000001', 100_000],
    ['1e-7', 100_000],
    ['1.25e-10', 125],
    ['1e-12', 1],
    ['1.5e3', 1_500_000_000_000_000],
  ] as const) {
    const { json } = await post('/v1/accounts/3/deposit', `{"asset": "SMALL", "amount": ${amount}}`);
    assert.equal(json.units, units, amount);
  }
  for (const amount of ['1e-13', '1e22', '-1', '-1e-7'])
    assert.equal((await post('/v1/accounts/3/deposit', `{"asset": "SMALL", "amount": ${amount}}`)).json.name, 'BAD_PARAMETER', amount);
});

test('the list of accounts is paged by `limit` and `after`', async () => {
  const { json: all } = await get('/v1/accounts');
  assert.ok(all.length > 3);
  assert.deepEqual((await get('/v1/accounts?limit=2')).json, all.slice(0, 2));
  assert.deepEqual((await get(`/v1/accounts?limit=2&after=${all[1]}`)).json, all.slice(2, 4));
  assert.deepEqual((await get(`/v1/accounts?after=${all.at(-1)}`)).json, []);
});

test('a body that is too large is not read to the end', async () => {
  const answer = await post('/v1/accounts', `{"name": "${'x'.repeat(200_000)}"}`).catch((error: NodeJS.ErrnoException) => error.code);
  // The connection may be reset before the answer is read, as it should be.
  if (typeof answer === 'object') assert.deepEqual([answer.status, answer.json.name], [413, 'BODY_TOO_LARGE']);
  else assert.match(String(answer), /ECONNRESET|EPIPE/);
});

test('a body that is too deep or too wide is rejected before it is parsed as a configuration', async () => {
  const deep = `{"id":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, 1]));
  for (const [body, text] of [
    [deep, /nested deeper than/],
    [wide, /more than 1024 keys/],
  ] as const) {
    const { status, json } = await post('/v1/assets', body);
    assert.deepEqual([status, json.name], [400, 'BAD_PARAMETER']);
    assert.match(json.message, text);
  }
});

test('a deposit or withdrawal with an idempotency key takes effect once', async () => {
  const balance = async (): Promise<number> => {
    const { json } = await get('/v1/accounts/9');
    return json.balances.find(({ asset }: { asset: string }) => asset === 'USD').availableUnits;
  };
  const before = await balance();
  const key = { 'idempotency-key': 'b3c1d2f0-0001' };
  const deposit = { asset: 'USD', amount: '5.00' };
  const first = await post('/v1/accounts/9/deposit', deposit, key);
  assert.deepEqual([first.status, first.json.repeated], [200, undefined]);
  const again = await post('/v1/accounts/9/deposit', deposit, key);
  assert.deepEqual(again, { status: 200, json: { ...first.json, repeated: true } });
  assert.equal(await balance(), before + first.json.units);

  const other = await post('/v1/accounts/9/deposit', { asset: 'USD', amount: '6.00' }, key);
  assert.deepEqual([other.status, other.json.name], [409, 'IDEMPOTENCY_KEY_REUSED']);
  const back = await post('/v1/accounts/9/withdraw', deposit, key);
  assert.deepEqual([back.status, back.json.name], [409, 'IDEMPOTENCY_KEY_REUSED']);
  assert.equal((await post('/v1/accounts/8/deposit', deposit, key)).json.repeated, undefined, 'a key belongs to one account');
  assert.equal((await post('/v1/accounts/9/deposit', deposit)).json.repeated, undefined, 'without a key each request counts');
  assert.equal(await balance(), before + 2 * first.json.units);
  for (const bad of ['', ' ', 'x'.repeat(256), 'a b']) {
    const { status, json } = await post('/v1/accounts/9/deposit', deposit, { 'idempotency-key': bad });
    assert.deepEqual([status, json.name], [400, 'BAD_IDEMPOTENCY_KEY'], JSON.stringify(bad));
  }
});

test('an account with deposits and an idempotency key is made once', async () => {
  const key = { 'idempotency-key': 'open-70' };
  const body = { id: 70, name: 'once', deposits: { USD: '5.00', BTC: '1' } };
  const [first, beside] = await Promise.all([post('/v1/accounts', body, key), post('/v1/accounts', body, key)]);
  assert.deepEqual([first.status, beside.status], [201, 201]);
  assert.deepEqual([first.json.repeated, beside.json.repeated].filter(Boolean), [true], 'one of two at the same time');
  const again = await post('/v1/accounts', body, key);
  assert.deepEqual([again.status, again.json.repeated], [201, true]);
  const usd = ({ json }: Answer) => json.balances.find(({ asset }: { asset: string }) => asset === 'USD').available;
  assert.equal(usd(again), '5.000000');
  assert.equal((await post('/v1/accounts', { ...body, deposits: { USD: '6.00' } }, key)).json.name, 'IDEMPOTENCY_KEY_REUSED');
  assert.equal((await post('/v1/accounts', body, { 'idempotency-key': 'another' })).json.name, 'ALREADY_DEFINED');
  assert.equal((await post('/v1/accounts', body)).json.name, 'ALREADY_DEFINED');
  assert.equal((await post('/v1/accounts', body, { 'idempotency-key': 'a b' })).json.name, 'BAD_IDEMPOTENCY_KEY');
  assert.equal(usd(await get('/v1/accounts/70')), '5.000000');
});

test('a repeated request with a key continues after the commands that were applied, also after one without an answer', async () => {
  const requests = new KeyedRequests();
  const commands = makeAccount({ id: 71, name: 'parts', maxOpenOrders: 1, suspended: false, deposits: [] });
  const sent: number[] = [];
  const attempt = (answer: (kind: number) => HttpError | undefined) =>
    requests.run(71, 'key', 'request', commands, async ({ kind }) => {
      sent.push(kind);
      const error = answer(kind);
      if (error !== undefined) throw error;
    });
  const taken = new HttpError(409, Code.ALREADY_DEFINED, 'ALREADY_DEFINED', '');
  await assert.rejects(
    attempt(() => taken),
    { name: 'ALREADY_DEFINED' },
  );
  await assert.rejects(
    attempt(() => new HttpError(504, 0, 'NO_ANSWER', '')),
    { name: 'NO_ANSWER' },
  );
  const failed = attempt((kind) => (kind === CommandKind.DefineAccount ? taken : new HttpError(503, Code.BUSY, 'BUSY', '')));
  await assert.rejects(failed, { name: 'BUSY' });
  const { DefineAccount, SetAccount } = CommandKind;
  assert.deepEqual(sent, [DefineAccount, DefineAccount, DefineAccount, SetAccount]);
  assert.equal(await attempt(() => undefined), false);
  assert.equal(await attempt(() => assert.fail('nothing is left')), true);
  assert.deepEqual(sent.slice(4), [SetAccount]);
});

test('an action whose command is not answered names the command and an unknown outcome', async () => {
  const { directory, sequencer, schedule } = exchange.engine;
  const silent = { awaitSeq: () => new Promise<Uint8Array>(() => undefined), canAwait: () => true, forget: () => undefined };
  const commands = new AdminCommands(sequencer, silent, schedule, 20);
  const snapshot = () => exchange.engine.snapshotNow();
  const routes = actionRoutes({ directory, history: exchange.history, commands, snapshot, draining: () => false });
  const route = routes.find(({ path }) => path === '/v1/accounts');
  const seqs: number[] = [];
  const request = {
    method: 'POST',
    params: {},
    query: new URLSearchParams(),
    principal: ANYBODY,
    caller: '',
    seqs,
    header: () => undefined,
    demand: () => undefined,
    inSlices: <T>(work: Generator<undefined, T>): Promise<T> => Promise.resolve(atOnce(work)),
  };
  const body = { id: 61, name: 'unanswered', deposits: { USD: '1' } };
  await assert.rejects(
    async () => route?.handle({ ...request, body }),
    (error: HttpError) => {
      assert.deepEqual([error.status, error.name], [504, 'NO_ANSWER']);
      assert.deepEqual(error.fields, {
        applied: [],
        failed: { command: 'define-account', account: 61, seq: seqs[0], outcome: 'unknown' },
      });
      return true;
    },
  );
  assert.equal(seqs.length, 1, 'the audit trail gets its seq');
});

test('web pages are rejected, programs are not', async () => {
  const page = await post('/v1/accounts/1/suspend', {}, { origin: 'http://127.0.0.1:8080' });
  assert.deepEqual([page.status, page.json.name], [403, 'CROSS_SITE']);
  for (const host of ['evil.example:7403', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1']) {
    const rebound = await post('/v1/accounts/1/suspend', {}, { host });
    assert.deepEqual([rebound.status, rebound.json.name], [403, 'UNKNOWN_HOST'], host);
    assert.equal((await get('/v1/accounts/1', { host })).status, 403);
  }
  for (const host of ['localhost:7403', '127.0.0.1', '[::1]:7403']) {
    assert.equal((await get('/v1/accounts/1', { host })).status, 200, host);
  }
  assert.equal((await get('/v1/symbols', { host: 'prices.example' })).status, 200, 'public data may be asked for by any name');
  assert.equal((await get('/v1/accounts/1')).json.suspended, false);
});

test('metrics cover orders, rejects, latency, rings and sequences', async () => {
  await client.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '1.00', quantity: '0.0001' });
  const text = String((await get('/metrics')).json);
  const value = (name: string) => Number(new RegExp(`^${name.replace(/[{}."+]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  assert.equal(value(`openbell_refusals_total{code="${Code.NOTIONAL_MIN}",name="NOTIONAL_MIN"}`), 1);
  assert.ok(value('openbell_reports_total{kind="Fill"}') >= 4);
  assert.ok(value('openbell_order_to_report_seconds_count') > 10);
  assert.equal(value('openbell_order_to_report_seconds_bucket{le="+Inf"}'), value('openbell_order_to_report_seconds_count'));
  assert.equal(value('openbell_seq{stage="durable"}'), exchange.engine.status().durableSeq);
  assert.equal(value('openbell_sessions'), 1);
  assert.equal(value('openbell_ready'), 1);
  assert.equal(value('openbell_ring_depth{ring="command"}'), 0);
  assert.ok(value('nodejs_eventloop_lag_seconds') >= 0);
});

test('metrics name the build, and show what is in use of each capacity, the symbols, auctions and the disk', async () => {
  const scrape = async () => {
    const values = new Map<string, number>();
    for (const [, series, value] of String((await get('/metrics')).json).matchAll(/^(openbell_\S+) (\S+)$/gm))
      values.set(series, Number(value));
    return values;
  };
  const before = await scrape();
  const [build] = [...before.keys()].filter((series) => series.startsWith('openbell_build_info'));
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.match(
    build,
    new RegExp(`version="${version}",node="${process.versions.node}",topology="compact",durability="durable",rules="\\d+"`),
  );
  assert.equal(before.get('openbell_capacity{resource="orders"}'), 2 ** 20);
  assert.equal(before.get('openbell_capacity_used{resource="accounts"}'), (await get('/v1/accounts')).json.length);
  assert.equal(before.get('openbell_capacity_used{resource="symbols"}'), (await get('/v1/symbols')).json.length);
  assert.ok((before.get('openbell_disk_free_bytes') ?? 0) > 0);
  assert.ok((before.get('openbell_disk_size_bytes') ?? 0) >= (before.get('openbell_disk_free_bytes') ?? 0));
  assert.equal(before.get('openbell_symbols_omitted'), 0);

  const first = await client.orders.place({ symbol: 'ETH-USD', side: 'sell', price: '3000.00', quantity: '2' });
  await client.orders.place({ symbol: 'ETH-USD', side: 'buy', price: '3000.00', quantity: '0.5' });
  await post('/v1/symbols/SOL-USD/phase', { phase: 'auction' });
  const sell = await client.orders.place({ symbol: 'SOL-USD', side: 'sell', price: '140.000', quantity: '2.5' });
  const buy = await client.orders.place({ symbol: 'SOL-USD', side: 'buy', price: '140.000', quantity: '1.5' });
  // The text is made at most once a second.
  let now = before;
  const grown = (series: string) => (now.get(series) ?? 0) - (before.get(series) ?? 0);
  await until(async () => {
    now = await scrape();
    return grown('openbell_symbol_resting_orders{symbol="SOL-USD"}') === 2;
  }, 'the orders in the auction');
  assert.equal(grown('openbell_symbol_trades_total{symbol="ETH-USD"}'), 1);
  assert.equal(grown('openbell_symbol_resting_orders{symbol="ETH-USD"}'), 1);
  assert.equal(grown('openbell_capacity_used{resource="orders"}'), 3);
  assert.equal(now.get('openbell_symbol_last_price{symbol="ETH-USD"}'), 3000);
  assert.equal(grown('openbell_symbols{phase="auction"}'), 1);
  assert.deepEqual(
    [now.get('openbell_symbol_indicative_price{symbol="SOL-USD"}'), now.get('openbell_symbol_indicative_volume{symbol="SOL-USD"}')],
    [140, 1.5],
  );
  assert.equal(now.has('openbell_symbol_indicative_price{symbol="ETH-USD"}'), false, 'only in an auction');
  for (const { symbol, orderId } of [first, sell, buy]) await client.orders.cancel({ symbol, orderId });
  await post('/v1/symbols/SOL-USD/phase', { phase: 'continuous' });
  await until(async () => {
    now = await scrape();
    return grown('openbell_capacity_used{resource="orders"}') === 0;
  }, 'the orders are gone');
});

test('series of symbols are bounded, and the others counted', () => {
  const symbol = { tickMantissa: 1, tickDecimals: 2, lotMantissa: 1, lotDecimals: 4, phase: Phase.Continuous, lastPrice: 0, tradeId: 0 };
  const symbols = Array.from({ length: 250 }, (_, i) => ({ ...symbol, id: i + 1, name: `S${i + 1}` }));
  const directory = { version: 1, symbols: () => symbols, assets: () => [], accountIds: () => [] } as unknown as Directory;
  const gauges = new VenueGauges(
    directory,
    () => undefined,
    () => 0,
    resolveLimits(),
    join(data, 'nowhere'),
  );
  assert.deepEqual([gauges.symbols().length, gauges.omittedSymbols()], [MAX_SYMBOL_SERIES, 150]);
  assert.equal(gauges.phases().find(({ phase }) => phase === 'continuous')?.symbols, 250);
});

test('a snapshot is taken while trading continues', async () => {
  const { json } = await post('/v1/snapshot');
  assert.ok(json.seq > 100);
  assert.match(json.path, /snapshot-\d+/);
});

test('while it drains, the readiness check reports it and actions are rejected', async () => {
  exchange.engine.sequencer.draining = true;
  const { status, json } = await post('/v1/accounts/1/suspend');
  exchange.engine.sequencer.draining = false;
  assert.deepEqual([status, json.code, json.name], [503, Code.DRAINING, 'DRAINING']);
});

test('a stopping exchange rejects a snapshot request with DRAINING', async () => {
  const stopped = exchange.stop();
  const { status, json } = await post('/v1/snapshot');
  assert.deepEqual([status, json.code, json.name], [503, Code.DRAINING, 'DRAINING']);
  await stopped;
});
