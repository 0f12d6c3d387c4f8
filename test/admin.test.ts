import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, credentials, makeClientConstructor } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { Code } from '../engine/codes.ts';
import { atOnce } from '../engine/turns.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { actionRoutes } from '../gateway/endpoints/http/admin-actions.ts';
import { HttpError } from '../gateway/endpoints/http/http-error.ts';
import { KeyedRequests } from '../gateway/endpoints/http/idempotency.ts';
import { ANYBODY } from '../gateway/identity/principal.ts';
import { AdminCommands } from '../gateway/venue/admin-commands.ts';
import { makeAccount } from '../gateway/venue/venue-commands.ts';
import { type Answer, client, eventually, exchange, get, post } from './support/admin-exchange.ts';

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

test('queries of a caller at the same time are all answered', { timeout: 300_000 }, async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => get('/v1/accounts/1/open-orders')));
  assert.deepEqual(
    answers.map(({ status }) => status),
    answers.map(() => 200),
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
    [['1', 'buy', '1.000']],
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
  assert.equal((await post('/v1/symbols/600000/parameters', { auctionPrice: 'middle' })).json.auctionPrice, 'middle');
  for (const referenceSource of ['outside', 'trades'])
    assert.equal((await post('/v1/symbols/600000/parameters', { referenceSource })).json.referenceSource, referenceSource);
  const unknown = await post('/v1/symbols/600000/parameters', { auctionPrice: 'highest' });
  assert.deepEqual([unknown.status, unknown.json.problems[0].path], [400, 'auctionPrice']);
  assert.equal((await post('/v1/symbols/600000/parameters', { fees: { taker: '0.2%' } })).json.fees.taker, '0.2000%');
  // Both fall: the fees in between must cover the rebate, whichever falls first.
  for (const [maker, taker] of [
    ['-0.0500%', '0.0500%'],
    ['-0.0100%', '0.0100%'],
    ['-0.0900%', '0.0900%'],
    ['0.0000%', '0.2000%'],
  ])
    assert.deepEqual((await post('/v1/symbols/600000/parameters', { fees: { maker, taker } })).json.fees, { maker, taker, tiers: 0 });
  assert.equal((await post('/v1/symbols/600000/parameters', { 'session-end': '2026-02-30T00:00:00Z' })).status, 400);
  const end = await post('/v1/symbols/600000/parameters', { sessionEnd: '2100-01-01T17:00:00+08:00' });
  assert.equal(end.json.sessionEnd, '2100-01-01T09:00:00.000Z');
  assert.equal((await post('/v1/symbols/600000/parameters', { 'session-end': 'none' })).json.sessionEnd, null);
  const noon = await post('/v1/symbols/600000/parameters', { 'session-end': 'noon' });
  assert.deepEqual([noon.status, noon.json.name], [400, 'BAD_PARAMETER']);

  // What needs an empty book comes first, so nothing of the action stands.
  const later = await post('/v1/symbols/600000/parameters', { priceBand: '6%', limits: { tickStep: '0.02' } });
  assert.deepEqual([later.status, later.json.name, later.json.applied], [409, 'BOOK_NOT_EMPTY', []]);
  const { seq } = later.json.failed;
  assert.deepEqual(later.json.failed, { command: 'set-symbol', symbol: 600, parameter: 'limits.tick-step', seq, outcome: 'refused' });
  const stands = (await get('/v1/symbols/600000')).json;
  assert.deepEqual([stands.priceBand, stands.fees.taker], ['5.0000%', '0.2000%']);
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
  const commands = makeAccount({ id: 71, name: 'parts', maxOpenOrders: 1, suspended: false, feeTiers: [], deposits: [] });
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
    query: {},
    principal: ANYBODY,
    caller: '',
    seqs,
    visit: { peer: '', wants: '' },
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
