/** GET /v1/symbols/NAME/candles at a real exchange: closed and forming candles, across restarts and a copy of the data as after a kill. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CANDLE_INTERVALS, INTERVAL_US, Taker } from '../feeds/analysis/candles.ts';
import { vwapText } from '../feeds/analysis/vwap.ts';
import type { CandleRecord } from '../gateway/candle-record.ts';
import { connect, type OpenbellClient } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { withEmpty } from '../gateway/empty-candles.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { naiveCandles } from './support/naive-candles.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-candle-query-'));
after(() => rmSync(base, { recursive: true, force: true }));

const SYMBOL = 'BTC-USD';

interface Run {
  readonly exchange: RunningExchange;
  readonly buyer: OpenbellClient;
  readonly seller: OpenbellClient;
}

async function run(data: string, topology: string, work: (run: Run) => Promise<void>): Promise<void> {
  const flags = { data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
  const clients = await Promise.all([1, 2].map((account) => connect({ grpcPort, httpPort, wsPort, account })));
  try {
    await work({ exchange, buyer: clients[0], seller: clients[1] });
  } finally {
    for (const client of clients) await client.close();
    await exchange.stop();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked into by the tests
async function ask(exchange: RunningExchange, path: string): Promise<{ status: number; json: any }> {
  const response = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`);
  return { status: response.status, json: await response.json() };
}

async function someTrades({ buyer, seller }: Run, prices: readonly string[]): Promise<void> {
  for (const [i, price] of prices.entries()) {
    const [maker, taker] = i % 2 === 0 ? [buyer, seller] : [seller, buyer];
    const side = i % 2 === 0 ? 'buy' : 'sell';
    await maker.orders.place({ symbol: SYMBOL, side, price, quantity: '0.002' });
    await taker.orders.place({ symbol: SYMBOL, side: side === 'buy' ? 'sell' : 'buy', price, quantity: '0.001', timeInForce: 'ioc' });
    await maker.orders.cancelAll?.();
  }
}

/** The candles of every interval are those of the definition, made from all trades that the history has. */
async function check(exchange: RunningExchange, count: number): Promise<void> {
  const answers: unknown[] = [];
  for (const interval of CANDLE_INTERVALS) {
    // At once, although the history is written later.
    const { json } = await ask(exchange, `/v1/symbols/${SYMBOL}/candles?interval=${interval}&limit=1000`);
    assert.equal(json.behind, undefined);
    answers.push(
      json.candles.map((c: Record<string, unknown>) => [
        ...[c.startUs, c.openTicks, c.highTicks, c.lowTicks, c.closeTicks, c.volumeLots, c.buyVolumeLots, c.sellVolumeLots],
        ...[c.trades, c.firstTradeId, c.lastTradeId, c.seq],
      ]),
    );
    const lasts = json.candles.map((c: { closed: boolean }) => c.closed).slice(0, -1);
    assert.ok(!lasts.includes(false), 'only the last one may be forming');
  }
  let trades: Record<string, never>[] = [];
  while (trades.length < count) trades = (await ask(exchange, `/v1/symbols/${SYMBOL}/trades?limit=1000`)).json.trades;
  const all = trades.toReversed().map((t) => ({
    ...{ timeUs: t.timeUs, price: t.priceTicks, quantity: t.quantityLots, tradeId: Number(t.tradeId), seq: t.seq },
    taker: t.auction ? Taker.None : t.aggressor === ('buy' as never) ? Taker.Buy : Taker.Sell,
  }));
  assert.equal(all.length, count);
  const expected = CANDLE_INTERVALS.map((_, i) =>
    naiveCandles(all, i).map((c) => [
      ...[c.start, c.open, c.high, c.low, c.close, Number(c.volume), Number(c.buyVolume), Number(c.sellVolume)],
      ...[c.trades, String(c.firstTradeId), String(c.lastTradeId), c.seq],
    ]),
  );
  assert.deepEqual(answers, expected);
}

for (const topology of ['compact', 'pinned'])
  test(`candles over restarts and after a kill, topology ${topology}`, async () => {
    const data = join(base, topology);
    const copy = join(base, `${topology}-copy`);
    await run(data, topology, async (r) => {
      await check(r.exchange, 0);
      await someTrades(r, ['60000.00', '60001.00', '59999.00']);
      await check(r.exchange, 3);
      await someTrades(r, ['60005.00']);
      // The log is durable; the history may not have the last trade, as after a kill.
      cpSync(data, copy, { recursive: true, filter: (path) => !path.includes('lock') || path.includes('lock.mdb') });
    });
    for (const [dir, before] of [
      [data, 4],
      [copy, 4],
    ] as const)
      await run(dir, topology, async (r) => {
        await check(r.exchange, before);
        await someTrades(r, ['60002.00', '59000.00']);
        await check(r.exchange, before + 2);
        const first = (await ask(r.exchange, `/v1/symbols/${SYMBOL}/candles?interval=1d`)).json;
        assert.deepEqual(Object.keys(first), ['symbol', 'interval', 'candles', 'next']);
        const [day] = first.candles;
        assert.equal(day.high, '60005.00');
        assert.equal(day.volume, '0.0060');
        assert.match(day.vwap, /^59834\.500000$/);
      });
  });

test('pages, empty buckets, and what is wrong', async () => {
  await run(join(base, 'pages'), 'compact', async (r) => {
    const get = (query: string) => ask(r.exchange, `/v1/symbols/${SYMBOL}/candles${query}`);
    for (const [query, says] of [
      ['?interval=2m', /interval must be one of 1s, 15s, 1m, 5m, 15m, 1h, 4h, 1d, not 2m/],
      ['?from=yesterday', /from must be microseconds since the Unix epoch, or a time such as/],
      ['?to=2026-01-31T09:30:00', /to must be microseconds/],
      ['?from=2026-02-30', /from must be microseconds/],
      ['?to=2026-04-31T10:00Z', /to must be microseconds/],
      ['?from=2&to=1', /from must not be after to/],
      ['?empty=yes', /empty must be 1/],
      ['?limit=1001', /limit must be a whole number from 1 to 1000/],
      ['?before=1', /before/],
    ] as const) {
      const { status, json } = await get(query);
      assert.equal(status, 400, query);
      assert.match(json.message, says);
    }
    assert.equal((await ask(r.exchange, '/v1/symbols/NONE/candles')).status, 404);
    assert.deepEqual((await get('?empty=1')).json.candles, [], 'without any trade there is no last close');
    await someTrades(r, ['60000.00', '60001.00']);
    const startUs = (await get('?interval=1s')).json.candles.at(-1).startUs;
    const empty = (await get(`?interval=1s&empty=1&from=${startUs - 2e6}&limit=5`)).json;
    assert.ok(empty.candles.length >= 1 && empty.candles[0].startUs >= startUs - 2e6);
    const whole = (await get('?interval=1s&empty=1&from=0&limit=1')).json;
    assert.deepEqual(whole.candles, (await get('?interval=1s&from=0&limit=1')).json.candles, 'a page begins with the first trade');
    const page = (await get('?interval=1s&from=0&limit=1')).json;
    assert.equal(page.candles.length, 1);
    if (page.next !== 0) assert.equal((await get(`?interval=1s&from=${page.next}`)).json.candles[0].startUs, page.next);
    assert.deepEqual((await get('?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z')).json.candles, []);
  });
});

test('empty buckets carry the last close, and none stands before the first trade', () => {
  const minute = CANDLE_INTERVALS.indexOf('1m');
  const at = (n: number) => n * INTERVAL_US[minute];
  const candles = [1, 4].map((n): CandleRecord => ({ startUs: at(n), close: n * 10, open: n, volume: 5, closed: n === 1 }) as CandleRecord);
  const rows = (from: number, to: number, closeBefore: number) =>
    [
      ...withEmpty(
        candles.filter(({ startUs }) => startUs >= at(from)),
        minute,
        at(from),
        at(to),
        closeBefore,
        at(4),
      ),
    ].map(({ startUs, open, close, volume, closed }) => `${startUs / at(1)} ${open} ${close} ${volume} ${closed}`);
  assert.deepEqual(rows(0, 6, 0), ['1 1 10 5 true', '2 10 10 0 true', '3 10 10 0 true', '4 4 40 5 false', '5 40 40 0 false']);
  assert.deepEqual(rows(2, 4, 10), ['2 10 10 0 true', '3 10 10 0 true']);
});

test('the average price is exact, to four places more than the tick, rounded half up', () => {
  assert.equal(vwapText(706, 0, 7, 1, 2), '1.008571');
  assert.equal(vwapText(0, 0, 0, 1, 2), '');
  assert.equal(vwapText(1, 0, 3, 25, 3), '0.0083333');
  assert.equal(vwapText(0, 3, 2 ** 52, 1, 0), '3.0000');
  assert.equal(vwapText(1, 0, 20_000, 1, 0), '0.0001', 'half of the last place');
});
