/** Orders over REST, on a running exchange. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code } from '../engine/codes.ts';
import { readTrail } from '../gateway/audit/audit-reader.ts';
import { RouteTable } from '../gateway/endpoints/http/route-table.ts';
import { PROBLEM } from '../gateway/endpoints/json/schemas/problem.ts';
import { type Answer, ask, client, data, get, post } from './support/admin-exchange.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';

const table = new RouteTable(ADMIN_ROUTES);

/** Asks, and compares the answer with the schema of its route, or of a problem. */
async function call(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer> {
  const answer = await ask(method, path, body, { ...(method === 'PATCH' && { 'content-type': 'application/json' }), ...headers });
  const { route } = table.find(method, path.split('?')[0]);
  assert.ok(route, path);
  const { error } = (answer.status < 300 ? route.answer : PROBLEM).safeParse(answer.json);
  assert.equal(error, undefined, `${method} ${path}: ${JSON.stringify(answer.json)}\n${JSON.stringify(error?.issues)}`);
  return answer;
}

const place = (body: object, headers?: Record<string, string>) =>
  call('POST', '/v1/orders', { account: 2, symbol: 'ETH-USD', ...body }, headers);

/** Asks until the history has what is waited for. */
async function read(path: string, done: (json: Answer['json']) => boolean): Promise<Answer['json']> {
  for (;;) {
    const { json } = await call('GET', path);
    if (done(json)) return json;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('an order is placed, read, amended and cancelled, by either id', { timeout: 300_000 }, async () => {
  const placed = await place({ side: 'buy', orderQty: '1.5', price: '2000.00', clOrdId: '77' });
  assert.equal(placed.status, 201);
  const { orderId } = placed.json;
  assert.deepEqual(
    [placed.json.clOrdId, placed.json.ordStatus, placed.json.price, placed.json.orderQty, placed.json.cumQty, placed.json.leavesQty],
    ['77', 'new', '2000.00', '1.5000', '0.0000', '1.5000'],
  );
  const accepted = placed.json.transactTimeUs;
  for (const path of [`/v1/orders/${orderId}?account=2`, '/v1/orders/by-client-order-id/77?account=2']) {
    const { json } = await call('GET', path);
    assert.deepEqual([json.orderId, json.ordStatus, json.leavesQty], [orderId, 'new', '1.5000'], path);
    assert.deepEqual([json.acceptedTimeUs, json.acceptedTime], [accepted, placed.json.transactTime], path);
  }
  const amended = await call('PATCH', `/v1/orders/${orderId}`, { account: 2, leavesQty: '1.2' });
  assert.equal(amended.json.acceptedTime, undefined, 'its reports are those of the command');
  assert.deepEqual([amended.status, amended.json.price, amended.json.leavesQty], [200, '2000.00', '1.2000']);
  const moved = await call('PATCH', '/v1/orders/by-client-order-id/77', { account: 2, leavesQty: '1', price: '2001.00' });
  assert.deepEqual([moved.json.price, moved.json.leavesQty], ['2001.00', '1.0000']);
  const named = await call('PATCH', `/v1/orders/${orderId}`, { account: 2, symbol: 'ETH-USD', leavesQty: '1', price: '2001.00' });
  assert.equal(named.json.leavesQty, '1.0000');
  const elsewhere = await call('PATCH', `/v1/orders/${orderId}`, { account: 2, symbol: 'BTC-USD', leavesQty: '1' });
  assert.equal(elsewhere.json.name, 'UNKNOWN_ORDER');
  const listed = await call('GET', '/v1/orders?account=2&symbol=ETH-USD');
  assert.deepEqual(
    listed.json.orders.map((order: Record<string, unknown>) => [order.orderId, order.ordStatus, order.orderQty, order.leavesQty]),
    [[orderId, 'new', '1.0000', '1.0000']],
  );
  // At once, and from the history.
  const whole = await call('GET', '/v1/orders?account=2&status=all&symbol=ETH-USD');
  const own = await call('GET', '/v1/accounts/2/open-orders');
  assert.deepEqual(
    [listed.json.orders[0].acceptedTimeUs, whole.json.orders[0].acceptedTimeUs, own.json.orders[0].acceptedUs],
    [accepted, accepted, accepted],
  );
  const cancelled = await call('DELETE', '/v1/orders/by-client-order-id/77?account=2');
  assert.deepEqual(
    [cancelled.json.orderId, cancelled.json.ordStatus, cancelled.json.orderQty, cancelled.json.leavesQty, cancelled.json.name],
    [orderId, 'canceled', '1.0000', '0.0000', 'CANCELLED_BY_CLIENT'],
  );
  assert.deepEqual((await call('GET', '/v1/orders?account=2')).json.orders, []);
  const ended = await call('GET', `/v1/orders/${orderId}?account=2`);
  assert.deepEqual([ended.json.ordStatus, ended.json.name, ended.json.cumQty], ['canceled', 'CANCELLED_BY_CLIENT', '0.0000']);
  const again = await call('DELETE', `/v1/orders/${orderId}?account=2&symbol=ETH-USD`);
  assert.deepEqual([again.status, again.json.name, again.json.code], [404, 'UNKNOWN_ORDER', Code.UNKNOWN_ORDER]);
});

test('the average price and the fees of an order are those of its fills', { timeout: 300_000 }, async () => {
  const sell = (price: string, quantity: string) => client.orders.place({ symbol: 'ETH-USD', side: 'sell', price, quantity });
  await sell('3000.00', '1');
  await sell('3001.00', '2');
  const { json } = await place({ side: 'buy', orderQty: '2', price: '3001.00', timeInForce: 'ioc', clOrdId: 90 });
  const filled = await read(`/v1/orders/${json.orderId}?account=2`, ({ ordStatus }) => ordStatus === 'filled');
  assert.deepEqual([filled.avgPx, filled.cumQty, filled.leavesQty, filled.orderQty], ['3000.500000', '2.0000', '0.0000', '2.0000']);
  // 0.05 % of 6001 USD.
  assert.equal(filled.fees, '3.000500');
  const { fills } = await read('/v1/fills?account=2', (page) => page.fills.length === 2);
  assert.deepEqual(
    fills.map((fill: Record<string, unknown>) => [fill.orderId, fill.lastPx, fill.lastQty, fill.liquidity, fill.feeCurrency]),
    [
      [json.orderId, '3001.00', '1.0000', 'taker', 'USD'],
      [json.orderId, '3000.00', '1.0000', 'taker', 'USD'],
    ],
  );
  const all = await call('GET', '/v1/orders?account=2&status=all&limit=1');
  assert.deepEqual([all.json.orders[0].orderId, all.json.orders[0].ordStatus, all.json.next !== '0'], [json.orderId, 'filled', true]);
  await call('DELETE', '/v1/orders?account=1');
});

test('an order that is sent again with its id or key is the same order', async () => {
  const body = { side: 'buy', orderQty: '1', price: '1900.00' };
  const first = await place(body, { 'idempotency-key': '4711' });
  const second = await place({ ...body, clOrdId: '4711' });
  assert.deepEqual([first.json.clOrdId, second.json.orderId, second.json.duplicate], ['4711', first.json.orderId, true]);
  const other = await place({ ...body, orderQty: '2' }, { 'idempotency-key': '4711' });
  assert.deepEqual([other.status, other.json.name], [409, 'CLIENT_ORDER_ID_REUSED']);
  const key = await place(body, { 'idempotency-key': 'a-uuid' });
  assert.deepEqual([key.status, key.json.name], [400, 'BAD_IDEMPOTENCY_KEY']);
  const made = [await place(body), await place(body)].map(({ json }) => json.clOrdId);
  assert.notEqual(made[0], made[1], 'ids that are made differ');
  const swept = await call('DELETE', '/v1/orders?account=2&symbol=ETH-USD&side=buy');
  assert.deepEqual(swept.json, { account: 2, symbol: 'ETH-USD', side: 'buy', totalAffectedOrders: 3 });
});

test('stops, icebergs, pegged and hidden orders show their terms', async () => {
  const terms = async (body: object) => {
    const { status, json } = await place(body);
    assert.equal(status, 201, JSON.stringify(json));
    return json;
  };
  await client.orders.place({ symbol: 'ETH-USD', side: 'sell', price: '3500.00', quantity: '1' });
  const stop = await terms({ side: 'buy', orderQty: '1', stopPx: '3600.00' });
  assert.deepEqual([stop.ordStatus, stop.stopPx, stop.trigger], ['pending', '3600.00', 'last']);
  const trail = await terms({ side: 'buy', orderQty: '1', trailOffset: '5.00' });
  assert.deepEqual([trail.ordStatus, trail.trailOffset], ['pending', '5.00']);
  const iceberg = await terms({ side: 'buy', orderQty: '5', price: '2500.00', displayQty: '1' });
  assert.deepEqual([iceberg.ordStatus, iceberg.displayQty, iceberg.leavesQty], ['new', '1.0000', '5.0000']);
  assert.equal((await terms({ side: 'buy', orderQty: '1', price: '2500.00', hidden: true })).hidden, true);
  const peg = await terms({ side: 'buy', orderQty: '1', price: '2600.00', peg: 'primary', pegOffset: '1.00' });
  assert.deepEqual([peg.peg, peg.pegOffset, peg.limitPrice], ['primary', '1.00', '2600.00']);
  const open = await call('GET', '/v1/orders?account=2');
  assert.equal(open.json.orders.length, 5);
  await call('DELETE', '/v1/orders?account=2');
  await call('DELETE', '/v1/orders?account=1');
});

test('a reject has code, name and the limit that was broken; unknown keys are rejected', async () => {
  for (const [body, status, name, limit] of [
    [{ orderQty: '1', price: '2000.00', colour: 'red' }, 400, 'BAD_PARAMETER'],
    [{ orderQty: '1', price: '2000.0010' }, 400, 'BAD_RANGE'],
    [{ orderQty: '1', price: '2000.00', timeInForce: 'never' }, 400, 'BAD_PARAMETER'],
    [{ orderQty: '1', price: '2000.00', ordType: 'market' }, 400, 'BAD_RANGE'],
    [{ orderQty: '1', price: '2000.00', timeInForce: 'ioc', postOnly: true }, 400, 'ILLEGAL_COMBINATION'],
    [{ orderQty: '1', price: '2000.00', clOrdId: '0' }, 400, 'BAD_PARAMETER'],
    [{ orderQty: '1', price: '2000.00', clOrdId: 0 }, 400, 'BAD_PARAMETER'],
    [{ orderQty: '-1', price: '2000.00' }, 400, 'BAD_PARAMETER'],
    [{ orderQty: '1', price: -1 }, 400, 'BAD_PARAMETER'],
    [{ orderQty: '1', price: '2000.00', account: 0 }, 400, 'BAD_PARAMETER'],
    [{ orderQty: '1', peg: 'primary', pegOffset: 'x' }, 400, 'BAD_PARAMETER'],
    [{ orderQty: '1', ordType: 'stop' }, 400, 'BAD_RANGE'],
    [{ orderQty: '1', price: '2000.00', timeInForce: 'gtd' }, 400, 'BAD_RANGE'],
    [{ orderQty: '1', price: '2000.00', timeInForce: 'gtd', expireTime: '9999-12-31T23:59:59Z' }, 400, 'BAD_RANGE'],
    [{ orderQty: '1', price: '2000.00', timeInForce: 'gtd', expireTime: '1969-12-31T23:59:59Z' }, 400, 'BAD_RANGE'],
    [{ orderQty: '1', price: '2000.00', symbol: 'NONE' }, 404, 'UNKNOWN_SYMBOL'],
    [{ orderQty: '1', price: '2000.00', account: 4711 }, 404, 'UNKNOWN_ACCOUNT'],
    [{ orderQty: '90000000', price: '2000.00' }, 409, 'QUANTITY_MAX', 'maxQuantity'],
  ] as const) {
    const answer = await place({ side: 'buy', ...body });
    assert.deepEqual([answer.status, answer.json.name], [status, name], JSON.stringify(answer.json));
    assert.doesNotMatch(answer.json.detail, /pattern|expected|stopPrice|expires|Date|GMT/, 'the words of this interface');
    if (limit !== undefined) assert.equal(answer.json.limit.name, limit, JSON.stringify(answer.json));
  }
  const rejected = await place({ side: 'buy', orderQty: '5000', price: '3000.00', clOrdId: '5000' });
  assert.deepEqual([rejected.status, rejected.json.name, rejected.json.clOrdId], [409, 'INSUFFICIENT_FUNDS', '5000']);
  const { name: ofFunds, asset, available, needed } = rejected.json.limit;
  // 15,000,000 USD and 0.05 % of them, the taker's fee.
  assert.deepEqual([ofFunds, asset, needed, Number(available) < Number(needed)], ['funds', 'USD', '15007500.000000', true]);
  const found = await read('/v1/orders/by-client-order-id/5000?account=2', ({ ordStatus }) => ordStatus === 'rejected');
  assert.deepEqual([found.name, found.orderQty, found.cumQty], ['INSUFFICIENT_FUNDS', '5000.0000', '0.0000']);
  assert.equal((await get('/v1/orders')).json.name, 'BAD_PARAMETER', 'the account is missing');
  for (const wrong of ['depth=1', 'before=5', 'status=all&after=5'])
    assert.equal((await get(`/v1/orders?account=2&${wrong}`)).json.name, 'BAD_PARAMETER', wrong);
  assert.equal((await post('/v1/orders/7', {})).json.name, 'WRONG_METHOD');
  assert.equal((await call('GET', '/v1/account?account=2')).json.id, 2);
});

test('the audit trail records who sends orders, not each of them', { timeout: 300_000 }, async () => {
  // The next action of the operator is recorded after all orders.
  assert.equal((await post('/v1/accounts/3/deposit', { asset: 'USD', amount: '1' })).status, 200);
  for (;;) {
    const records: { readonly kind: string; readonly action: string; readonly account?: number | undefined }[] = [];
    for await (const record of readTrail(data)) records.push(record);
    if (records.some(({ action }) => action.endsWith('/deposit'))) {
      const ofOrders = records.filter(({ action }) => action.includes('/v1/orders'));
      assert.deepEqual(ofOrders.map(({ kind, account }) => [kind, account]).sort(), [
        ['session', 1],
        ['session', 2],
      ]);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
