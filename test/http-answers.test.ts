/** Each answer of a running exchange has the shape of its schema, and the document is that of the schemas. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROBLEM } from '../gateway/endpoints/json/schemas/problem.ts';
import { STREAMS } from '../gateway/endpoints/json/schemas/stream-channels.ts';
import { ask, client, data, eventually, get } from './support/admin-exchange.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';
import { AnswerSchemas } from './support/answer-schemas.ts';

const schemas = new AnswerSchemas();

/** Asks, and compares the answer with the schema of its route. */
async function matches(method: string, path: string, body?: object) {
  const answer = await (method === 'POST' || method === 'PATCH' ? ask(method, path, body ?? {}) : ask(method, path));
  schemas.compare(method, path, answer);
  return answer.json;
}

test('the answers of queries and actions match their schemas', { timeout: 300_000 }, async () => {
  const place = client.orders.place.bind(client.orders);
  const rest = await place({ symbol: 'SOL-USD', side: 'sell', price: '150.000', quantity: '3' });
  await place({ symbol: 'SOL-USD', side: 'buy', price: '150.000', quantity: '1' });
  await place({ symbol: 'SOL-USD', side: 'buy', type: 'stop', stopPrice: '160.000', quantity: '1' });
  await place({ symbol: 'SOL-USD', side: 'buy', type: 'trailing-stop', trailOffset: '1.000', quantity: '1' });
  await place({ symbol: 'SOL-USD', side: 'buy', price: '140.000', quantity: '5', displayedQuantity: '1' });
  await place({ symbol: 'SOL-USD', side: 'buy', peg: 'primary', price: '141.000', quantity: '5' });
  await place({ symbol: 'SOL-USD', side: 'sell', price: '170.000', quantity: '1', hidden: true, selfTrade: 'cancel-oldest' });
  await eventually('/v1/accounts/1/trades', (json) => json.trades.length === 2);

  for (const path of [
    '/openapi.json',
    '/v1/assets',
    '/v1/symbols',
    '/v1/symbols/SOL-USD',
    '/v1/symbols/SOL-USD/calendar',
    '/v1/symbols/SOL-USD/trades',
    '/v1/symbols/SOL-USD/candles?empty=1&limit=5',
    '/v1/symbols/SOL-USD/indicators?indicator=rsi:14,macd',
    '/v1/book/SOL-USD?depth=5',
    '/v1/book?symbol=SOL-USD&depth=5',
    '/v1/trades?symbol=SOL-USD',
    '/v1/candles?symbol=SOL-USD',
    '/v1/ticker',
    '/v1/time',
    '/asyncapi.json',
    '/v1/fee-tables',
    '/v1/kill-switches',
    '/v1/sessions',
    '/v1/feeds',
    '/v1/feeds/books',
    '/v1/feeds/instruments',
    '/v1/references',
    '/v1/accounts',
    '/v1/accounts?limit=1&after=1',
    '/v1/accounts/1',
    '/v1/accounts/1/portfolio?mark=mid',
    '/v1/accounts/1/open-orders',
    '/v1/accounts/1/orders',
    `/v1/accounts/1/orders/${rest.orderId}`,
    `/v1/accounts/1/orders/by-client-order-id/${rest.clientOrderId}`,
    '/v1/accounts/1/trades',
    '/v1/accounts/1/ledger',
    '/v1/accounts/1/ledger?kind=fee&limit=1',
    '/v1/accounts/1/reports',
    '/v1/alerts?account=1',
    '/v1/alerts/events?account=1',
    '/v1/webhooks?account=1',
  ])
    await matches('GET', path);

  await matches('POST', '/v1/assets', { id: 22, name: 'XAU', decimals: 3 });
  await matches('POST', '/v1/symbols', {
    id: 640,
    name: 'XAU-USD',
    base: 'XAU',
    quote: 'USD',
    tickSize: '0.01',
    lotSize: '0.1',
    phase: 'auction',
  });
  await matches('POST', '/v1/symbols/XAU-USD/parameters', { limits: { maxPrice: '9000' }, priceBand: '10%' });
  await matches('POST', '/v1/symbols/XAU-USD/uncross');
  await matches('POST', '/v1/symbols/XAU-USD/phase', { phase: 'continuous' });
  await matches('POST', '/v1/phases', { phase: 'halted', symbols: ['XAU-USD'] });
  await matches('POST', '/v1/symbols/XAU-USD/kill-switch', { on: true });
  await matches('POST', '/v1/symbols/XAU-USD/cancel-orders');
  await matches('POST', '/v1/accounts', { id: 80, name: 'desk', deposits: { USD: '10' } });
  await matches('POST', '/v1/accounts/80/deposit', { asset: 'USD', amount: '10' });
  await matches('POST', '/v1/accounts/80/withdraw', { asset: 'USD', amount: '1' });
  await matches('POST', '/v1/accounts/80/limits', { maxOpenOrders: 5, group: 7 });
  await matches('POST', '/v1/accounts/80/position-limit', { symbol: 'SOL-USD', maxPosition: '5' });
  await matches('POST', '/v1/fee-tables/2', { asset: 'USD', tiers: [{ volume: '1000', maker: '0.1%', taker: '0.2%' }] });
  await matches('POST', '/v1/accounts/80/fee-tier', { table: 2, tier: 1 });
  await matches('GET', '/v1/fee-tables');
  await matches('POST', '/v1/accounts/80/suspend', { cancel: true });
  await matches('POST', '/v1/accounts/80/resume');
  await matches('POST', '/v1/accounts/80/cancel-orders', { symbol: 'SOL-USD' });
  for (const on of [true, false]) {
    await matches('POST', '/v1/accounts/80/kill-switch', { on });
    await matches('POST', '/v1/groups/7/kill-switch', { on });
    await matches('POST', '/v1/kill-switch', { on });
    await matches('GET', '/v1/kill-switches');
  }
  await matches('GET', '/v1/accounts/80');
  await matches('POST', '/v1/groups/7/cancel-orders', { symbol: 'SOL-USD', side: 'buy' });
  await matches('POST', '/v1/snapshot');
  const { sessions } = await matches('GET', '/v1/sessions?kind=orders&account=1');
  await matches('DELETE', `/v1/sessions/${sessions[0].id}`);

  const alert = await matches('POST', '/v1/alerts', { account: 1, kind: 'price', symbol: 'SOL-USD', price: '151' });
  await matches('GET', '/v1/alerts?account=1');
  await matches('DELETE', `/v1/alerts/${alert.id}?account=1`);
  const hook = await matches('POST', '/v1/webhooks', { account: 1, url: 'https://example.com/hooks' });
  await matches('GET', '/v1/webhooks?account=1');
  await matches('POST', `/v1/webhooks/${hook.id}/rotate`, { account: 1 });
  await matches('GET', `/v1/webhooks/${hook.id}/messages?account=1`);
  await matches('POST', `/v1/webhooks/${hook.id}/replay`, { account: 1 });
  await matches('DELETE', `/v1/webhooks/${hook.id}?account=1`);

  // Those of outside markets are compared by test/http-feed-answers.test.ts, those of orders by test/http-orders.test.ts.
  const missing = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path}`).filter((call) => !schemas.seen.has(call));
  assert.deepEqual(
    missing.filter((call) => !/\/v1\/((feeds|references)\/|(orders|account|fills|ledger)\b)/.test(call)),
    [],
    'no answer of it was compared',
  );
});

test('an error is a problem of RFC 9457, and a limited answer says what is left', async () => {
  const response = await fetch(
    new URL(`http://127.0.0.1:${(await import('./support/admin-exchange.ts')).exchange.ports.http}/v1/symbols/NONE`),
  );
  const problem = (await response.json()) as Record<string, unknown>;
  assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  assert.equal(PROBLEM.safeParse(problem).error, undefined);
  assert.deepEqual(
    [problem.type, problem.title, problem.status, problem.code, problem.name],
    ['urn:openbell:problem:UNKNOWN_SYMBOL', 'Unknown symbol', 404, 300, 'UNKNOWN_SYMBOL'],
  );
  assert.equal(problem.detail, problem.message);
  assert.equal(response.headers.get('ratelimit-limit'), '1000');
  assert.ok(Number(response.headers.get('ratelimit-remaining')) < 1000);
  assert.match(response.headers.get('ratelimit-reset') ?? '', /^\d+$/);
});

/** Runs the public linter. */
function lint(document: unknown, name: string, args: readonly string[] = []) {
  const file = join(data, name);
  writeFileSync(file, JSON.stringify(document));
  const cli = join(import.meta.dirname, '../node_modules/@redocly/cli/bin/cli.js');
  return spawnSync(process.execPath, [cli, 'lint', file, ...args], {
    encoding: 'utf8',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    cwd: data,
    timeout: 240_000,
    killSignal: 'SIGKILL',
  });
}

test('the document passes the public linter, and has every route', { timeout: 300_000 }, async () => {
  const { json: document } = await get('/openapi.json');
  assert.deepEqual(document.paths['/v1/ledger'].get.tags, document.paths['/v1/fills'].get.tags);
  for (const { method, path } of ADMIN_ROUTES)
    assert.ok(document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()], `${method} ${path}`);
  // What a query cannot do without is required.
  const requiredOf = (path: string): string[] =>
    document.paths[path].get.parameters.filter((each: { required: boolean }) => each.required).map(({ name }: { name: string }) => name);
  assert.deepEqual(requiredOf('/v1/symbols/{name}/indicators'), ['name', 'indicator']);
  assert.deepEqual(requiredOf('/v1/trades'), ['symbol']);
  // /v1/feeds/books/NAME and /v1/feeds/NAME/candles both fit one path: the first one is served.
  const { status, stderr } = lint(document, 'openapi.json', ['--skip-rule', 'no-ambiguous-paths']);
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /warning/i);
});

test('the document of the streams passes the public linter, which finds what is wrong', { timeout: 300_000 }, async () => {
  const { json: document } = await get('/asyncapi.json');
  assert.deepEqual(
    Object.values(document.channels as Record<string, { address: string }>).map(({ address }) => address),
    STREAMS.map(({ path }) => path),
  );
  for (const { name, messages } of STREAMS) assert.equal(Object.keys(document.channels[name].messages).length, messages.length, name);
  const { status, stderr } = lint(document, 'asyncapi.json');
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /warning/i);
  document.operations.sendMarket.messages.push({ $ref: '#/channels/market/messages/none' });
  assert.notEqual(lint(document, 'wrong.json').status, 0);
});
