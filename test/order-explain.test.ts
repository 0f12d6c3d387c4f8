/** GET /v1/accounts/ID/orders/ORDER: the life of one order, at a real exchange. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { codeText } from '../engine/code-texts.ts';
import { Code } from '../engine/codes.ts';
import { connect, type OpenbellClient, type PlaceOrder } from '../gateway/client/index.ts';
import { get as ask, client, exchange, post } from './support/admin-exchange.ts';
import { until } from './support/until.ts';

let opened: Promise<OpenbellClient> | undefined;
/** A client of account 2. Not opened in a hook, because the exchange starts in one. */
function second(): Promise<OpenbellClient> {
  const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
  opened ??= connect({ grpcPort, httpPort, wsPort, account: 2 });
  return opened;
}
after(async () => (await opened)?.close());

/** The history has all reports: an answer on a busy machine is then never one of a history that is behind. */
async function historyIsComplete(): Promise<void> {
  const { seq } = exchange.engine.sequencer;
  await until(() => exchange.history.stats().watermark >= seq, 'the history has all reports');
}

async function get(path: string): ReturnType<typeof ask> {
  await historyIsComplete();
  return await ask(path);
}

const SYMBOL = 'SOL-USD';
const order = (side: 'buy' | 'sell', quantity: string, price: string, more: Partial<PlaceOrder> = {}): PlaceOrder => ({
  symbol: SYMBOL,
  side,
  quantity,
  price,
  ...more,
});

interface StepJson {
  readonly step: string;
  readonly text: string;
  readonly leaves: string;
  readonly filled: string;
  readonly seq: number;
  readonly time: string;
  readonly timeUs: number;
}

/** Each step as a line of a ledger: what happened, what is open, what is filled. */
const ledger = (json: { steps: StepJson[] }) =>
  json.steps.map(
    ({ step, text, leaves, filled }) =>
      `${step} | ${text.replaceAll(/\d+(?=$| with order)|(?<=with order )\d+/g, '#')} | ${leaves} ${filled}`,
  );

test('partial fills, an amend that loses its place, one that keeps it, a rejected one, and a cancel', async () => {
  const other = await second();
  const { orderId, clientOrderId } = await client.orders.place(order('buy', '5', '150.000'));
  await other.orders.place(order('sell', '1', '150.000'));
  await client.orders.amend({ symbol: SYMBOL, orderId, price: '149.000', quantity: '6' });
  await client.orders.amend({ symbol: SYMBOL, orderId, price: '149.000', quantity: '3' });
  await assertRejected(client.orders.amend({ symbol: SYMBOL, orderId, price: '149.000', quantity: '99999999' }));
  await assertRejected(client.orders.cancel({ symbol: 'BTC-USD', orderId }));
  await other.orders.place(order('sell', '2', '149.000', { timeInForce: 'ioc' }));
  const cancelled = await client.orders.cancel({ symbol: SYMBOL, orderId });
  const { status, json } = await get(`/v1/accounts/1/orders/${orderId}`);
  assert.equal(status, 200);
  assert.deepEqual(ledger(json), [
    'accepted | buy 5.000 SOL-USD at 150.000, gtc | 5.000 0.000',
    'fill | bought 1.000 at 150.000 as maker, fee 0.030000 USD, trade # with order # | 4.000 1.000',
    'amended | to 6.000 open at 149.000, priority lost | 6.000 1.000',
    'amended | to 3.000 open at 149.000, priority kept | 3.000 1.000',
    'amend rejected | to 99999999.000 open at 149.000: Above maxQuantity. | 3.000 1.000',
    `cancel rejected | ${codeText(Code.UNKNOWN_ORDER)} | 3.000 1.000`,
    'fill | bought 2.000 at 149.000 as maker, fee 0.059600 USD, trade # with order # | 1.000 3.000',
    'cancelled | 1.000: The account requested it. | 0.000 3.000',
  ]);
  const last = json.steps.at(-1) as StepJson;
  assert.equal(last.seq, cancelled.seq);
  assert.equal(last.time, new Date(cancelled.timeUs / 1000).toISOString());
  assert.deepEqual(
    [
      json.account,
      json.orderId,
      json.clientOrderId,
      json.symbol,
      json.side,
      json.timeInForce,
      json.status,
      json.next,
      json.resting,
      json.lost,
    ],
    [1, orderId, clientOrderId, SYMBOL, 'buy', 'gtc', 'cancelled', 0, undefined, undefined],
  );
  assert.deepEqual((await get(`/v1/accounts/1/orders/by-client-order-id/${clientOrderId}`)).json, json);
  await historyIsComplete();
  assert.deepEqual(await client.queries.order({ orderId }), json);
  assert.deepEqual(await other.queries.order({ clientOrderId, account: 1 }), json);
  assert.equal((await client.queries.order({ orderId, limit: 2, from: json.steps[1].reportNo })).steps.length, 2);
  await assert.rejects(other.queries.order({ orderId }), { code: 'UNKNOWN_ORDER', message: /account 2 has no order \d+ in its reports/ });
});

async function assertRejected(answer: Promise<{ kind: string }>): Promise<void> {
  assert.match((await answer).kind, /rejected$/);
}

test('an order that rests: its place in the book and what it reserves', async () => {
  const other = await second();
  for (const price of ['148.000', '147.000', '147.000']) await other.orders.place(order('buy', '2', price));
  const { orderId } = await client.orders.place(order('buy', '3', '147.000'));
  await other.orders.place(order('buy', '7', '147.000'));
  const { json } = await get(`/v1/accounts/1/orders/${orderId}`);
  assert.equal(json.status, 'open');
  const { reserved, seq, ...resting } = json.resting;
  assert.deepEqual(resting, {
    ...{ price: '147.000', priceTicks: 147_000, leaves: '3.000', leavesLots: 3000, phase: 'continuous' },
    before: { orders: 2, quantity: '4.000', quantityLots: 4000 },
    better: { levels: 1, orders: 1, quantity: '2.000', quantityLots: 2000 },
    exact: true,
  });
  // 441 USD and the taker's fee of 0.05 %.
  assert.deepEqual(reserved, { asset: 'USD', amount: '441.220500', amountUnits: 441_220_500 });
  assert.ok(seq > 0);
  const sell = await client.orders.place(order('sell', '2', '170.000'));
  const { resting: asked } = (await get(`/v1/accounts/1/orders/${sell.orderId}`)).json;
  assert.deepEqual(
    [asked.reserved, asked.better.levels, asked.before.orders],
    [{ asset: 'SOL', amount: '2.000000', amountUnits: 2_000_000 }, 0, 0],
  );
  assert.deepEqual((await get(`/v1/accounts/1/orders/${orderId}`)).json.resting.better, json.resting.better, 'bids alone');
  await client.orders.cancel({ symbol: SYMBOL, orderId: sell.orderId });
});

test('a rejected order has a life of one step, with its reason', async () => {
  const { clientOrderId } = await client.orders.place(order('buy', '1', '300.000', { clientOrderId: 77 }));
  const path = `/v1/accounts/1/orders/by-client-order-id/${clientOrderId}`;
  const { json } = await get(path);
  assert.deepEqual(ledger(json), [
    'rejected | buy 1.000 SOL-USD at 300.000, gtc: A buy is too far above, or a sell too far below, the reference price. | 0.000 0.000',
  ]);
  assert.deepEqual([json.orderId, json.clientOrderId, json.status], [0, 77, 'rejected']);
  // Sent again, the answer is the first one; with other terms it is another order's reject.
  await client.orders.place(order('buy', '1', '300.000', { clientOrderId: 77 }));
  await client.orders.place(order('buy', '2', '1.000', { clientOrderId: 77 }));
  assert.deepEqual((await get(path)).json, json);
});

test('a market order that finds too little, and an order that is sent again while it rests', async () => {
  const other = await second();
  await other.orders.place(order('sell', '1', '160.000'));
  const market = await client.orders.place({ symbol: SYMBOL, side: 'buy', quantity: '1.500' });
  const { json } = await get(`/v1/accounts/1/orders/${market.orderId}`);
  assert.deepEqual(ledger(json), [
    'accepted | buy 1.500 SOL-USD, market | 1.500 0.000',
    'fill | bought 1.000 at 160.000 as taker, fee 0.080000 USD, trade # with order # | 0.500 1.000',
    'cancelled | 0.500: The quantity that an immediate-or-cancel or market order did not trade. | 0.000 1.000',
  ]);
  const first = order('buy', '1', '130.000', { clientOrderId: 2_000 });
  const { orderId } = await client.orders.place(first);
  await client.orders.place(first);
  const again = (await get(`/v1/accounts/1/orders/${orderId}`)).json;
  assert.deepEqual(ledger(again).slice(1), ['sent again | The same order again: nothing changed. | 1.000 0.000']);
  assert.equal(again.status, 'open');
});

test('a fill in an auction', async () => {
  const other = await second();
  await post('/v1/symbols/ETH-USD/phase', { phase: 'auction' });
  const eth = { symbol: 'ETH-USD', price: '3000.00', quantity: '1' };
  const buy = await client.orders.place({ ...eth, side: 'buy' });
  const waiting = (await get(`/v1/accounts/1/orders/${buy.orderId}`)).json;
  assert.deepEqual([waiting.status, waiting.resting.phase], ['open', 'auction']);
  await other.orders.place({ ...eth, side: 'sell' });
  await post('/v1/symbols/ETH-USD/uncross');
  await post('/v1/symbols/ETH-USD/phase', { phase: 'continuous' });
  const { json } = await get(`/v1/accounts/1/orders/${buy.orderId}`);
  assert.deepEqual(ledger(json), [
    'accepted | buy 1.0000 ETH-USD at 3000.00, gtc | 1.0000 0.0000',
    'filled | bought 1.0000 at 3000.00 in an auction, fee 1.500000 USD, trade # with order # | 0.0000 1.0000',
  ]);
  assert.equal(json.status, 'filled');
});

test('pages of steps', async () => {
  const other = await second();
  const { orderId } = await client.orders.place(order('sell', '0.300', '165.000'));
  for (let i = 0; i < 3; i++) await other.orders.place(order('buy', '0.100', '165.000'));
  const first = (await get(`/v1/accounts/1/orders/${orderId}?limit=2`)).json;
  assert.deepEqual([first.steps.length, first.status], [2, undefined]);
  const rest = (await get(`/v1/accounts/1/orders/${orderId}?from=${first.next}`)).json;
  assert.deepEqual([rest.steps.map(({ step }: StepJson) => step), rest.next, rest.status], [['fill', 'filled'], 0, 'filled']);
  const resting = await client.orders.place(order('sell', '1', '166.000'));
  await client.orders.cancel({ symbol: SYMBOL, orderId: 999_999 });
  const one = (await get(`/v1/accounts/1/orders/${resting.orderId}?limit=1`)).json;
  assert.deepEqual([one.steps.length, one.status, one.next > 0], [1, 'open', true]);
  const none = (await get(`/v1/accounts/1/orders/${resting.orderId}?from=${one.next}`)).json;
  assert.deepEqual(none, { account: 1, orderId: resting.orderId, steps: [], next: 0 });
});

test('an order of another account is answered as one that never was', async () => {
  const other = await second();
  const { orderId, clientOrderId } = await other.orders.place(order('buy', '1', '125.000'));
  assert.equal((await get(`/v1/accounts/2/orders/${orderId}`)).json.resting.reserved.asset, 'USD');
  const unknown = async (path: string) => {
    const { status, json } = await get(path);
    return [status, json.code, json.name, json.message.replace(/\d+ in its/, '# in its')];
  };
  const answer = [404, 401, 'UNKNOWN_ORDER', 'account 1 has no order # in its reports'];
  for (const id of [orderId, orderId - 1, 999_999, Number.MAX_SAFE_INTEGER]) {
    if (id !== orderId - 1 || !(await ownIds()).has(id)) assert.deepEqual(await unknown(`/v1/accounts/1/orders/${id}`), answer, String(id));
  }
  answer[3] = 'account 1 has no client order id # in its reports';
  for (const id of [clientOrderId, 123_456]) assert.deepEqual(await unknown(`/v1/accounts/1/orders/by-client-order-id/${id}`), answer);
  for (const text of ['0', 'x', '01', '9007199254740993', '-1']) {
    const { status, json } = await get(`/v1/accounts/1/orders/${text}`);
    assert.deepEqual([status, json.name], [404, 'UNKNOWN_ORDER'], text);
  }
  assert.deepEqual((await get('/v1/accounts/999/orders/1')).json.name, 'UNKNOWN_ACCOUNT');
  assert.deepEqual((await get('/v1/accounts/0/orders/1')).json.name, 'UNKNOWN_ACCOUNT');
  assert.deepEqual((await get(`/v1/accounts/2/orders/${orderId}?before=3`)).json.name, 'BAD_PARAMETER');
});

async function ownIds(): Promise<Set<number>> {
  const { json } = await get('/v1/accounts/1/orders?limit=1000');
  return new Set(json.orders.map(({ orderId }: { orderId: number }) => orderId));
}
