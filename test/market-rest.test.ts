/** Market data over REST at a real exchange: the paths with `symbol` in the query, trades by id and time, and the ticker across a restart. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { connect, type OpenbellClient } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { TICKERS, TIME, TRADES } from '../gateway/endpoints/json/schemas/market.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

const data = mkdtempSync(join(tmpdir(), 'openbell-market-rest-'));
after(() => rmSync(data, { recursive: true, force: true }));

const SYMBOL = 'BTC-USD';
const PRICES = ['50000.00', '50010.00', '49990.00', '50005.00', '50001.00'];

// biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked into by the test
type Json = any;

async function run(work: (exchange: RunningExchange) => Promise<void>): Promise<void> {
  const flags = { data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  try {
    await work(exchange);
  } finally {
    await exchange.stop();
  }
}

async function ask({ ports }: RunningExchange, path: string): Promise<{ status: number; json: Json }> {
  const response = await fetch(`http://127.0.0.1:${ports.http}${path}`);
  return { status: response.status, json: await response.json() };
}

async function trade(exchange: RunningExchange, prices: readonly string[]): Promise<void> {
  const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
  const clients: OpenbellClient[] = [];
  try {
    for (const account of [1, 2]) clients.push(await connect({ grpcPort, httpPort, wsPort, account }));
    const [maker, taker] = clients;
    for (const price of prices) {
      await maker.orders.place({ symbol: SYMBOL, side: 'sell', price, quantity: '0.002' });
      await taker.orders.place({ symbol: SYMBOL, side: 'buy', price, quantity: '0.002', timeInForce: 'ioc' });
    }
  } finally {
    for (const client of clients) await client.close();
  }
}

/** All trades, when the history has them; oldest first. */
async function allTrades(exchange: RunningExchange, count: number): Promise<Json[]> {
  for (;;) {
    const { json } = await ask(exchange, `/v1/trades?symbol=${SYMBOL}&after=0`);
    if (json.trades.length >= count) return json.trades;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function tickerOf(exchange: RunningExchange): Promise<Json> {
  const { status, json } = await ask(exchange, `/v1/ticker?symbol=${SYMBOL}`);
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(TICKERS.safeParse(json).error, undefined);
  const { openTimeUs, timeUs, seq, ...ticker } = json.tickers[0];
  assert.ok(openTimeUs <= timeUs && seq > 0);
  return ticker;
}

it('market data over REST', async () => {
  let expected: Json;
  await run(async (exchange) => {
    await trade(exchange, PRICES);
    const trades = await allTrades(exchange, PRICES.length);
    assert.deepEqual(
      trades.map(({ price }) => price),
      PRICES,
    );
    const query = (text: string) => ask(exchange, `/v1/trades?symbol=${SYMBOL}&${text}`);
    const ids = async (text: string): Promise<[string[], string]> => {
      const { json } = await query(text);
      assert.equal(TRADES.safeParse(json).error, undefined, JSON.stringify(json));
      return [json.trades.map(({ tradeId }: Json) => tradeId), json.next];
    };
    const table: [string, number[], number][] = [
      ['limit=2', [5, 4], 4],
      ['limit=2&before=4', [3, 2], 2],
      ['before=2', [1], 0],
      ['after=0&limit=3', [1, 2, 3], 3],
      ['after=3&limit=3', [4, 5], 0],
      ['after=5', [], 0],
      ['after=1&before=4', [2, 3], 0],
      [`from=${trades[2].timeUs}`, [3, 4, 5], 0],
      [`from=${trades[2].timeUs + 1}&limit=1`, [4], 4],
      [`to=${trades[2].timeUs}`, [2, 1], 0],
      [`from=${trades[1].timeUs}&to=${trades[3].timeUs}`, [2, 3], 0],
      [`from=${trades[1].timeUs}&after=2&limit=1`, [3], 3],
      ['from=1&to=2', [], 0],
      [`from=${trades[4].timeUs + 1}`, [], 0],
    ];
    for (const [text, list, next] of table) assert.deepEqual(await ids(text), [list.map(String), String(next)], text);
    assert.partialDeepStrictEqual(await query('from=5&to=4'), { status: 400, json: { name: 'BAD_PARAMETER' } });
    // Both paths of a query answer the same.
    for (const [named, queried] of [
      [`/v1/symbols/${SYMBOL}/trades?limit=3`, `/v1/trades?symbol=${SYMBOL}&limit=3`],
      [`/v1/book/${SYMBOL}?depth=2`, `/v1/book?symbol=${SYMBOL}&depth=2`],
      [`/v1/symbols/${SYMBOL}/candles?interval=1d`, `/v1/candles?symbol=${SYMBOL}&interval=1d`],
    ]) {
      const { status, json } = await ask(exchange, named);
      assert.equal(status, 200);
      assert.deepEqual((await ask(exchange, queried)).json, json);
    }
    for (const path of ['/v1/trades', '/v1/book', '/v1/candles'])
      assert.partialDeepStrictEqual(await ask(exchange, path), {
        status: 400,
        json: { detail: 'symbol is required: the name of a symbol' },
      });
    assert.equal((await ask(exchange, '/v1/ticker?symbol=NONE')).status, 404);
    const { json: time } = await ask(exchange, '/v1/time');
    assert.equal(TIME.safeParse(time).error, undefined);

    expected = {
      ...{ symbol: SYMBOL, open: '50000.00', high: '50010.00', low: '49990.00', last: '50001.00', change: '1.00', changePercent: '0.0020' },
      ...{ trades: 5, lastTradeId: '5' },
    };
    assert.partialDeepStrictEqual(await tickerOf(exchange), {
      ...expected,
      volume: '0.0100',
      quoteVolume: '500.012000',
      bidQuantity: '0.0000',
    });
    const { json: all } = await ask(exchange, '/v1/ticker');
    assert.ok(all.tickers.some(({ symbol }: Json) => symbol === SYMBOL));
  });
  await run(async (exchange) => {
    // The first request for them: what traded before the restart is loaded, while more is traded.
    await trade(exchange, ['60000.00']);
    assert.partialDeepStrictEqual(await tickerOf(exchange), {
      ...expected,
      ...{ high: '60000.00', last: '60000.00', change: '10000.00', changePercent: '20.0000', trades: 6, lastTradeId: '6' },
    });
    const raw = await RawWebSocket.open(exchange.ports.ws, { protocol: 'json' });
    raw.text({ op: 'subscribe', channel: 'trades', symbol: SYMBOL, last: 4 });
    await raw.until(() => raw.json().some(({ kind }) => kind === 'snapshot'));
    const { trades } = raw.json().find(({ kind }) => kind === 'snapshot') as Json;
    raw.destroy();
    assert.deepEqual(
      trades.map(({ tradeId, price }: Json) => [tradeId, price]),
      [
        ['3', PRICES[2]],
        ['4', PRICES[3]],
        ['5', PRICES[4]],
        ['6', '60000.00'],
      ],
    );
  });
});
