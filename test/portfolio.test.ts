/** Portfolios of a real exchange: the query, the stream over WebSocket and the client, with marks of the venue and of an outside one. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { connect, type OpenbellClient, type Portfolio, type PortfolioStream } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { PORTFOLIO } from '../gateway/endpoints/json/schemas/accounts.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { BybitMarket, BybitTwin } from './support/bybit-frames.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';
import { RawWebSocket } from './support/raw-websocket.ts';
import { until } from './support/until.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-portfolio-'));
after(() => rmSync(base, { recursive: true, force: true }));

const VENUE = `
capacities: { orders: 1024, accounts: 15, symbols: 7 }
assets:
  - { id: 1, name: USD, decimals: 6 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - { id: 3, name: BTC-USD, reference-price: 59000, limits: { max-price: 100000 }, base: BTC, quote: USD, tick: 0.01, lot: 0.0001, phase: continuous, fees: { maker: 0.02%, taker: 0.05% } }
accounts:
  - { id: 1, name: one, deposits: { USD: 1000000, BTC: 50 } }
  - { id: 2, name: two, deposits: { USD: 1000000, BTC: 50 } }
  - { id: 3, name: three, deposits: { USD: 1000000, BTC: 50 } }
`;

/** @param feeds section of the configuration */
async function started(t: TestContext, name: string, feeds = ''): Promise<RunningExchange> {
  const config = join(base, `${name}.yaml`);
  writeFileSync(config, VENUE + feeds);
  const ports = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
  const flags = { config, data: join(base, name), topology: 'compact', durability: 'fast', ...ports };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  t.after(() => exchange.stop());
  return exchange;
}

async function clientOf(t: TestContext, { ports }: RunningExchange, account: number, wsPort = ports.ws): Promise<OpenbellClient> {
  const client = await connect({ grpcPort: ports.grpc, httpPort: ports.http, wsPort, account });
  t.after(() => client.close());
  return client;
}

/** `buyer` buys from `seller`, who rests. */
async function trade(buyer: OpenbellClient, seller: OpenbellClient, quantity: string, price: string): Promise<void> {
  await seller.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity, price });
  await buyer.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity, price, timeInForce: 'ioc' });
}

/** Reads the stream until a portfolio has it. */
async function awaited(stream: PortfolioStream, has: (portfolio: Portfolio) => boolean): Promise<Portfolio> {
  for await (const portfolio of { [Symbol.asyncIterator]: () => ({ next: () => stream.next() }) }) {
    assert.equal(PORTFOLIO.safeParse(portfolio).error, undefined, JSON.stringify(portfolio));
    if (has(portfolio)) return portfolio;
  }
  throw new Error('the stream has ended');
}

test('the portfolio has each fill at once, and is the same after a restart', async (t) => {
  let exchange = await started(t, 'query');
  let [one, two] = [await clientOf(t, exchange, 1), await clientOf(t, exchange, 2)];
  assert.deepEqual((await one.portfolio()).positions, []);
  await trade(one, two, '0.3000', '59000.00');
  await trade(one, two, '0.1000', '59100.00');
  const [mine, theirs] = [await one.portfolio(), await two.portfolio({ mark: 'last' })];
  assert.deepEqual([mine.behind, mine.next, mine.lost, mine.mark], [undefined, 0, undefined, 'venue']);
  const [position] = mine.positions;
  const { symbol, averagePrice, cost, mark, markKind, value, unrealised, realised } = position;
  assert.deepEqual([symbol, position.position, averagePrice, cost], ['BTC-USD', '0.4000', '59025.000000', '23610.000000']);
  assert.deepEqual([mark, markKind, value, unrealised, realised], ['59100.00', 'last', '23640.000000', '30.000000', '0.000000']);
  assert.deepEqual([theirs.positions[0].position, theirs.positions[0].unrealised], ['-0.4000', '-30.000000']);
  // Fees are those of the account's trades.
  const { trades } = (await (await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/accounts/1/trades`)).json()) as {
    trades: { fee: string }[];
  };
  assert.equal(Number(position.fees).toFixed(6), trades.reduce((sum, { fee }) => sum + Number(fee), 0).toFixed(6));
  await trade(two, one, '0.5000', '59200.00');
  const closed = await one.portfolio();
  assert.deepEqual(
    [closed.positions[0].position, closed.positions[0].averagePrice, closed.positions[0].realised],
    ['-0.1000', '59200.000000', '70.000000'],
  );
  assert.equal(closed.totals.length, 1);
  await Promise.all([one.close(), two.close()]);
  await exchange.stop();
  exchange = await started(t, 'query');
  [one, two] = [await clientOf(t, exchange, 1), await clientOf(t, exchange, 2)];
  assert.deepEqual((await one.portfolio()).positions, closed.positions);
  const first = await one.portfolio({ account: 2 });
  assert.deepEqual(await two.portfolio(), first);
  const page = (await (await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/accounts/1/portfolio?limit=1&after=0`)).json()) as Portfolio;
  assert.deepEqual(page.positions, closed.positions);
  assert.deepEqual((await one.portfolio({ after: 3 })).positions, []);
});

test('what is wrong with a question has a code', async (t) => {
  const exchange = await started(t, 'wrong');
  const one = await clientOf(t, exchange, 1);
  await assert.rejects(one.portfolio({ account: 4711 }), { code: 'UNKNOWN_ACCOUNT' });
  await assert.rejects(one.portfolio({ mark: 'nowhere' }), {
    code: 'BAD_PARAMETER',
    message: /mark must be venue, last, mid, reference, not nowhere/,
  });
  await assert.rejects(one.portfolio({ instruments: { 'BTC-USD': 'X' } }), { code: 'BAD_PARAMETER', message: /name it with mark/ });
  await assert.rejects(one.portfolio({ marks: 'last' } as never), { code: 'BAD_OPTION' });
  assert.throws(() => one.followPortfolio({ intervalMs: 1 }), { code: 'BAD_RANGE' });
  await assert.rejects(one.followPortfolio({ mark: 'nowhere' }).next(), { code: 'BAD_PARAMETER' });
  const nobody = await connect({ httpPort: exchange.ports.http });
  t.after(() => nobody.close());
  await assert.rejects(nobody.portfolio(), { code: 'NO_ACCOUNT' });
  for (const [path, status] of [
    ['', '400'],
    ['?account=0', '400'],
    ['?account=4711', '404'],
    ['?account=1&interval=5', '400'],
    ['?account=1&mark=nowhere', '400'],
    ['?account=1&account=2', '400'],
    ['?account=1&else=2', '400'],
    ['/?account=1', '404'],
  ])
    assert.equal((await RawWebSocket.open(exchange.ports.ws, { path: `/v1/portfolio${path}` })).status.split(' ')[1], status, path);
});

test('a stream begins with the portfolio, follows fills and marks, and is made again', async (t) => {
  const exchange = await started(t, 'stream');
  const proxy = await FlakyProxy.start(exchange.ports.ws);
  t.after(() => proxy.stop());
  const [one, two, three] = [await clientOf(t, exchange, 1, proxy.port), await clientOf(t, exchange, 2), await clientOf(t, exchange, 3)];
  let lost = 0;
  const stream = one.followPortfolio({ intervalMs: 100, onLost: () => lost++ });
  assert.deepEqual((await awaited(stream, () => true)).positions, []);
  await trade(one, two, '0.1000', '59000.00');
  await awaited(stream, ({ positions }) => positions[0]?.position === '0.1000');
  // Others trade: only the mark moves.
  await trade(three, two, '0.1000', '59010.00');
  const marked = await awaited(stream, ({ positions }) => positions[0]?.mark === '59010.00');
  assert.equal(marked.positions[0].unrealised, '1.000000');
  proxy.cut();
  await until(() => lost > 0, 'the loss is noticed');
  await trade(two, one, '0.1000', '59020.00');
  const closed = await awaited(stream, ({ positions }) => positions[0]?.position === '0.0000');
  assert.deepEqual([closed.positions[0].realised, closed.account], ['2.000000', 1]);
  await stream.return();
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
  const open = async () =>
    /^openbell_portfolio_streams (\d+)$/m.exec(await (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text())?.[1];
  await until(async () => (await open()) === '0', 'the stream is gone');
});

test('streams of a caller are limited, and take no messages', async (t) => {
  const exchange = await started(t, 'limits');
  const path = '/v1/portfolio?account=1&interval=100';
  const sockets = [];
  for (let i = 0; i < 8; i++) sockets.push(await RawWebSocket.open(exchange.ports.ws, { path }));
  assert.deepEqual([...new Set(sockets.map(({ status }) => status.split(' ')[1]))], ['101']);
  const ninth = await RawWebSocket.open(exchange.ports.ws, { path });
  assert.equal(ninth.status.split(' ')[1], '429');
  sockets.pop()?.socket.destroy();
  let closed: number | undefined;
  await until(async () => {
    const again = new WebSocket(`ws://127.0.0.1:${exchange.ports.ws}${path}`);
    closed = await new Promise<number | undefined>((resolve) => {
      again.onopen = () => again.send('hello');
      again.onclose = ({ code }) => resolve(code);
      again.onerror = () => resolve(undefined);
    });
    return closed !== undefined && closed !== 1006;
  }, 'a place is free again');
  assert.equal(closed, 4003);
  for (const { socket } of sockets) socket.destroy();
});

test('positions are valued at an outside source while it is live', async (t) => {
  const market = new BybitMarket('BTCUSDT', 7);
  const twin = new BybitTwin();
  const venue = await LoopbackVenue.start({
    connected: (socket) =>
      socket.once('message', () => {
        const frame = market.snapshot();
        twin.receive(frame);
        socket.send(frame.text);
      }),
  });
  t.after(() => venue.close());
  const source = `{ name: outside, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: ${venue.webSocketUrl} }`;
  const exchange = await started(t, 'outside', `feeds:\n  - ${source}\n`);
  const [one, two] = [await clientOf(t, exchange, 1), await clientOf(t, exchange, 2)];
  await trade(one, two, '0.1000', '59000.00');
  const wanted = { mark: 'outside', instruments: { 'BTC-USD': 'BTCUSDT' } };
  let portfolio = await one.portfolio(wanted);
  await until(async () => {
    portfolio = await one.portfolio(wanted);
    return portfolio.positions[0].mark !== undefined;
  }, 'the source is live');
  const { bids, asks } = twin.book.line('', 1);
  const [position] = portfolio.positions;
  assert.deepEqual([position.markKind, position.markSource], ['mid', 'outside']);
  assert.equal(2 * Number(position.mark), Number(bids[0][0]) + Number(asks[0][0]));
  assert.equal(Number(position.value).toFixed(6), (0.1 * Number(position.mark)).toFixed(6));
  // BTCUSDT is not named like BTC-USD: without the mapping there is no mark.
  assert.equal((await one.portfolio({ mark: 'outside' })).totals[0].unmarked, 1);
  await assert.rejects(one.portfolio({ mark: 'outside', instruments: { 'XXX-USD': 'BTCUSDT' } }), { code: 'BAD_PARAMETER' });
  await venue.close();
  await until(async () => (await one.portfolio(wanted)).totals[0].unmarked === 1, 'a stale source has no mark');
});
