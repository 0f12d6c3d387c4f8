/** docs/examples/ccxt: its exceptions as a table, each of its methods and the bot with the real ccxt and a running exchange. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Code } from '../engine/codes.ts';
import { EXAMPLES, ExampleProcess, startCommand } from './support/example.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';

const DIR = join(EXAMPLES, 'ccxt');
const skip =
  existsSync(join(DIR, 'node_modules/ccxt')) || process.env.OPENBELL_CI === '1'
    ? false
    : 'SKIPPED: no ccxt: npm ci --prefix docs/examples/ccxt --ignore-scripts';

type Params = Readonly<Record<string, unknown>>;
interface Info {
  readonly totalAffectedOrders: number;
  readonly avgPx: string;
}
interface Structure {
  readonly id: string;
  readonly info: Info;
  readonly symbol: string;
  readonly timestamp: number;
}
interface Order extends Structure {
  readonly clientOrderId: string;
  readonly status: string;
  readonly type: string;
  readonly side: string;
  readonly price: number;
  readonly triggerPrice?: number;
  readonly amount: number;
  readonly filled: number;
  readonly remaining: number;
  readonly average?: number;
  readonly timeInForce: string;
  readonly postOnly: boolean;
  readonly fee?: { readonly currency: string };
}
interface Trade extends Structure {
  readonly order: string;
  readonly side: string;
  readonly price: number;
  readonly amount: number;
  readonly takerOrMaker?: string;
  readonly fee: { readonly cost: number; readonly currency: string };
}
interface Book {
  readonly symbol: string;
  readonly bids: readonly (readonly number[])[];
  readonly asks: readonly (readonly number[])[];
}
interface Market {
  readonly active: boolean;
  readonly maker: number;
  readonly precision: Readonly<Record<'amount' | 'price', number>>;
  readonly limits: Readonly<Record<'amount' | 'price' | 'cost', { readonly min: number; readonly max: number }>>;
}
interface Ticker {
  readonly symbol: string;
  readonly bid: number;
  readonly ask: number;
  readonly last: number;
}
type Balance = Readonly<Record<'free' | 'used' | 'total', Readonly<Record<string, number>>>>;
type Candle = readonly number[];

/** What the tests use of the class: ccxt is no dependency of this project, so its types are not there. */
interface Exchange {
  readonly urls: { api: { rest: string; ws: string } };
  readonly has: Readonly<Record<string, unknown>>;
  readonly exceptions: { readonly exact: Readonly<Record<string, unknown>> };
  setSandboxMode(on: boolean): void;
  loadMarkets(): Promise<Readonly<Record<string, Market>>>;
  fetchTime(): Promise<number>;
  fetchOrderBook(symbol: string, limit?: number): Promise<Book>;
  fetchTicker(symbol: string): Promise<Ticker>;
  fetchTickers(symbols?: readonly string[]): Promise<Readonly<Record<string, Ticker>>>;
  fetchTrades(symbol: string, since?: number, limit?: number): Promise<readonly Trade[]>;
  fetchOHLCV(symbol: string, timeframe?: string, since?: number, limit?: number): Promise<readonly Candle[]>;
  createOrder(symbol: string, type: string, side: string, amount: number, price?: number, params?: Params): Promise<Order>;
  editOrder(id: string, symbol: string, type: string, side: string, amount?: number, price?: number, params?: Params): Promise<Order>;
  cancelOrder(id: string | undefined, symbol?: string, params?: Params): Promise<Order>;
  cancelAllOrders(symbol?: string): Promise<readonly Order[]>;
  fetchOrder(id: string | undefined, symbol?: string, params?: Params): Promise<Order>;
  fetchOpenOrders(symbol?: string, since?: number): Promise<readonly Order[]>;
  fetchClosedOrders(symbol?: string, since?: number, limit?: number): Promise<readonly Order[]>;
  fetchMyTrades(symbol?: string, since?: number, limit?: number): Promise<readonly Trade[]>;
  fetchBalance(): Promise<Balance>;
  fetchLedger(code?: string, since?: number): Promise<readonly { readonly type: string; readonly after: number }[]>;
  watchOrderBook(symbol: string, limit?: number): Promise<Book>;
  watchTrades(symbol: string): Promise<readonly Trade[]>;
  watchTicker(symbol: string, params?: Params): Promise<Ticker>;
  watchOHLCV(symbol: string, timeframe?: string): Promise<readonly Candle[]>;
  watchOrders(symbol?: string): Promise<readonly Order[]>;
  watchMyTrades(symbol?: string): Promise<readonly Trade[]>;
  watchBalance(): Promise<Balance>;
  close(): Promise<void>;
}

async function newExchange(uid: string, options: Params = {}): Promise<Exchange> {
  const { default: openbell } = (await import(join(DIR, 'openbell.mjs'))) as { readonly default: new (config: Params) => Exchange };
  return new openbell({ uid, ...options });
}

/** Codes that answer nothing that the class sends: frames, subscriptions, lists and quotes of other interfaces, and those that are no reject. */
const NOT_SENT = [
  ...['OK', 'WRONG_SCHEMA_VERSION', 'FRAME_TOO_LARGE', 'BAD_SUBSCRIPTION', 'REPORTS_GONE'],
  ...['QUOTE_CROSSED', 'QUOTE_OTHER_SIDE', 'UNCROSS_WAITS', 'PARENT_FILLED'],
];

test('each reject of an order is an exception of its own kind', { skip }, async () => {
  const { exact } = (await newExchange('1')).exceptions;
  const rejects = Object.entries(Code).filter(([name, code]) => code < 450 && !NOT_SENT.includes(name));
  assert.deepEqual(
    rejects.map(([name]) => name).filter((name) => !(name in exact)),
    [],
  );
});

async function startExchange(t: TestContext, data: string): Promise<ExchangeProcess> {
  const venue = await ExchangeProcess.start(data, ['--simulate'], t.signal);
  t.after(() => venue.end('SIGKILL'));
  return venue;
}

test('each method of the class, a cut of the stream, and the bot', { skip, timeout: 300_000 }, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'openbell-ccxt-'));
  t.after(() => rmSync(data, { recursive: true, force: true, maxRetries: 3 }));
  const venue = await startExchange(t, data);
  const { ports } = venue;
  const proxy = await FlakyProxy.start(ports.ws);
  t.after(() => proxy.stop());
  const exchange = await newExchange('1');
  t.after(() => exchange.close());
  exchange.setSandboxMode(true);
  assert.match(exchange.urls.api.rest, /^http:\/\/localhost:7403$/);
  exchange.urls.api = { rest: `http://127.0.0.1:${ports.http}`, ws: `ws://127.0.0.1:${proxy.port}` };
  const symbol = 'BTC/USD';
  const rejected = async (call: Promise<unknown>, name: string, text: RegExp): Promise<void> => {
    await assert.rejects(call, (error: Error) => error.constructor.name === name && text.test(error.message));
  };

  await t.test('the market over REST', async () => {
    const market = (await exchange.loadMarkets())[symbol];
    assert.deepEqual([market.active, market.maker, market.precision.amount, market.precision.price], [true, 0.0002, 0.0001, 0.01]);
    const { amount, price, cost } = market.limits;
    assert.deepEqual([amount, price, cost.min], [{ min: 0.0001, max: 1000 }, { min: 0.01, max: 500_000 }, 1]);
    assert.ok(Math.abs((await exchange.fetchTime()) - Date.now()) < 3_600_000);
    // The simulator has begun when both sides are there.
    for (let book: Book | undefined; book === undefined || book.bids.length < 3 || book.asks.length < 3; )
      book = await exchange.fetchOrderBook(symbol, 3);
    const { bid, ask } = await exchange.fetchTicker(symbol);
    assert.ok(bid > 0 && ask > bid);
    assert.deepEqual(Object.keys(await exchange.fetchTickers([symbol, 'ETH/USD'])).sort(), [symbol, 'ETH/USD']);
    await rejected(exchange.fetchTicker('XX/USD'), 'BadSymbol', /XX/);
  });

  await t.test('market data as streams', async () => {
    const before = await exchange.fetchTime();
    for (let no = 0; no < 3; no += 1) {
      const { bids, asks } = await exchange.watchOrderBook(symbol, 3);
      assert.ok(bids.length <= 3 && asks.length <= 3 && bids[0][0] < asks[0][0]);
      assert.deepEqual(
        bids.map(([price]) => price),
        bids.map(([price]) => price).toSorted((a, b) => b - a),
      );
    }
    assert.ok((await exchange.watchOrderBook(symbol)).bids.length > 0);
    assert.equal((await exchange.watchTicker(symbol)).symbol, symbol);
    const [trade] = await exchange.watchTrades(symbol);
    assert.ok(Number(trade.id) > 0 && trade.price > 0 && ['buy', 'sell'].includes(trade.side));
    const candles = await exchange.watchOHLCV(symbol, '1m');
    assert.deepEqual([candles[0].length, candles[0][0] % 60_000], [6, 0]);
    assert.ok((await exchange.fetchTrades(symbol, undefined, 1)).length === 1);
    for (const { timestamp } of await exchange.fetchTrades(symbol, before)) assert.ok(timestamp >= before);
    assert.ok((await exchange.fetchOHLCV(symbol, '15s', undefined, 5)).length > 0);
    await rejected(exchange.watchTicker('ETH/USD', { depth: 10 }), 'InvalidOrder', /depth/);
  });

  await t.test('orders', async () => {
    const order = await exchange.createOrder(symbol, 'limit', 'buy', 0.02, 50_000.004, { clientOrderId: '4711' });
    const { clientOrderId, status, type, price, amount, remaining, timeInForce } = order;
    assert.deepEqual(
      { clientOrderId, status, type, price, amount, remaining, timeInForce },
      { clientOrderId: '4711', status: 'open', type: 'limit', price: 50_000, amount: 0.02, remaining: 0.02, timeInForce: 'GTC' },
    );
    assert.equal((await exchange.createOrder(symbol, 'limit', 'buy', 0.02, 50_000, { clientOrderId: '4711' })).id, order.id, 'once');
    await rejected(exchange.createOrder(symbol, 'limit', 'buy', 0.03, 50_000, { clientOrderId: '4711' }), 'DuplicateOrderId', /REUSED/);
    assert.equal((await exchange.editOrder(order.id, symbol, 'limit', 'buy', 0.01, 50_001)).remaining, 0.01);
    const moved = await exchange.editOrder(order.id, symbol, 'limit', 'buy', undefined, 50_002);
    assert.deepEqual([moved.remaining, moved.price], [0.01, 50_002]);
    assert.deepEqual((await exchange.fetchOrder(undefined, symbol, { clientOrderId: '4711' })).id, order.id);
    assert.deepEqual(
      (await exchange.fetchOpenOrders(symbol)).map(({ id }) => id),
      [order.id],
    );
    assert.equal((await exchange.cancelOrder(order.id, symbol)).status, 'canceled');
    assert.equal((await exchange.fetchOrder(order.id)).status, 'canceled');

    const bought = await exchange.createOrder(symbol, 'market', 'buy', 0.01);
    assert.deepEqual([bought.status, bought.type, bought.filled, bought.fee?.currency], ['closed', 'market', 0.01, 'USD']);
    assert.equal(bought.average, Number(bought.info.avgPx));
    const behind = await exchange.createOrder(symbol, 'limit', 'sell', 0.01, 70_000, { postOnly: true });
    assert.deepEqual([behind.postOnly, behind.timeInForce], [true, 'PO']);
    const ioc = await exchange.createOrder(symbol, 'limit', 'sell', 0.01, 70_000, { timeInForce: 'IOC' });
    assert.deepEqual([ioc.status, ioc.filled], ['canceled', 0]);
    const stop = await exchange.createOrder(symbol, 'market', 'sell', 0.01, undefined, { triggerPrice: 50_000 });
    assert.deepEqual([stop.type, stop.triggerPrice, stop.status], ['market', 50_000, 'open']);
    const stopLimit = await exchange.createOrder(symbol, 'limit', 'sell', 0.01, 49_000, { triggerPrice: 50_000 });
    assert.deepEqual([stopLimit.type, stopLimit.price, stopLimit.triggerPrice], ['limit', 49_000, 50_000]);
    const trailing = await exchange.createOrder(symbol, 'market', 'sell', 0.01, undefined, { trailingPercent: 2 });
    assert.equal(trailing.status, 'open');
    const [all] = await exchange.cancelAllOrders(symbol);
    assert.equal(all.info.totalAffectedOrders, 4);
    assert.deepEqual(await exchange.fetchOpenOrders(), []);

    await rejected(
      exchange.createOrder(symbol, 'limit', 'sell', 0.01, 50_000, { postOnly: true }),
      'OrderImmediatelyFillable',
      /POST_ONLY/,
    );
    await rejected(exchange.createOrder(symbol, 'limit', 'sell', 500, 59_000, { timeInForce: 'FOK' }), 'OrderNotFillable', /FOK/);
    await rejected(exchange.createOrder(symbol, 'limit', 'buy', 400, 60_000), 'InsufficientFunds', /"needed"/);
    await rejected(exchange.createOrder(symbol, 'limit', 'buy', 0.0001, 0.01), 'InvalidOrder', /NOTIONAL_MIN/);
    await rejected(exchange.createOrder(symbol, 'limit', 'buy', 0.01, 60_000, { what: 1 }), 'BadRequest', /what/);
    await rejected(exchange.cancelOrder(order.id, symbol), 'OrderNotFound', /UNKNOWN_ORDER/);
    await rejected(exchange.fetchOrder('999999999'), 'OrderNotFound', /UNKNOWN_ORDER/);

    const [fill] = await exchange.fetchMyTrades(symbol, bought.timestamp);
    assert.deepEqual([fill.order, fill.side, fill.takerOrMaker, fill.fee.currency], [bought.id, 'buy', 'taker', 'USD']);
    assert.deepEqual(
      (await exchange.fetchClosedOrders(symbol)).map(({ id }) => id),
      [bought.id],
    );
    const { free, used, total } = await exchange.fetchBalance();
    assert.deepEqual([free.BTC, used.USD, total.BTC], [1000.01, 0, 1000.01]);
    const ledger = await exchange.fetchLedger('BTC');
    assert.deepEqual(
      ledger.map(({ type, after }) => [type, after]),
      [
        ['transaction', 1000],
        ['trade', 1000.01],
      ],
    );
  });

  await t.test('the stream of the account goes on after a cut', async () => {
    assert.equal((await exchange.watchBalance()).total.BTC, 1000.01);
    const [orders, fills] = [exchange.watchOrders(symbol), exchange.watchMyTrades()];
    const sold = await exchange.createOrder(symbol, 'market', 'sell', 0.01);
    const [seen] = (await orders).slice(-1);
    assert.deepEqual([seen.id, seen.status, seen.average], [sold.id, 'closed', sold.average]);
    assert.equal((await fills).at(-1)?.order, sold.id);

    const waiting = exchange.watchOrders(symbol);
    proxy.refuse = true;
    proxy.cut();
    await rejected(waiting, 'NetworkError', /clos|hang up|reset/i);
    const missed = await exchange.createOrder(symbol, 'limit', 'buy', 0.01, 40_000);
    proxy.refuse = false;
    const after = await exchange.watchOrders(symbol);
    assert.deepEqual(
      after.map(({ id, status, price }) => [id, status, price]),
      [[missed.id, 'open', 40_000]],
    );
    assert.equal((await exchange.watchBalance()).used.USD > 400, true);
    await exchange.cancelAllOrders();
  });

  await t.test('the bot trades, goes on over a restart of the exchange, ends by itself, and leaves nothing', async () => {
    const rest = await FlakyProxy.start(ports.http);
    t.after(() => rest.stop());
    const env = {
      HTTP_PORT: String(rest.port),
      WS_PORT: String(proxy.port),
      ACCOUNT: '2',
      STEP: '0.5',
      LEVELS: '3',
      FILLS: '6',
      SECONDS: '200',
    };
    const bot = new ExampleProcess(t, DIR, startCommand(DIR), env);
    await bot.says(/^(bought|sold) /m);
    await venue.end('SIGKILL');
    const next = await startExchange(t, data);
    [rest.target, proxy.target] = [next.ports.http, next.ports.ws];
    const [, trades] = await bot.says(/^stopped: \d+ orders filled in (\d+) trades, position /m);
    assert.equal(await bot.ended, 0, bot.output);
    const account = await newExchange('2');
    account.urls.api = { ...exchange.urls.api, rest: `http://127.0.0.1:${next.ports.http}` };
    assert.deepEqual(await account.fetchOpenOrders(), []);
    assert.equal((await account.fetchMyTrades()).length, Number(trades), bot.output);
    assert.ok(Number(trades) >= 6, bot.output);
  });
});
