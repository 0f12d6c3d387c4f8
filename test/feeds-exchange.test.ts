import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { recordsOf } from '../gateway/tools/cli/running-feeds.ts';
import { BybitMarket, BybitTwin } from './support/bybit-frames.ts';
import { openbell } from './support/exchange-process.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';

const LISTED = {
  symbol: 'BTCUSDT',
  status: 'Trading',
  baseCoin: 'BTC',
  quoteCoin: 'USDT',
  lotSizeFilter: { basePrecision: '0.000001' },
  priceFilter: { tickSize: '0.01' },
};
/** What the exchange shows of it. */
const TERMS = { status: 'trading', base: 'BTC', quote: 'USDT', tick: '0.01', lot: '0.000001', priceDecimals: 2, quantityDecimals: 6 };

test('a feed of the configuration is read beside trading, and shown by the admin interface', { timeout: 60_000 }, async () => {
  const market = new BybitMarket('BTCUSDT', 7);
  const twin = new BybitTwin();
  const venue = await LoopbackVenue.start({
    connected: (socket) =>
      socket.once('message', () => {
        for (const frame of [market.snapshot(), market.delta(), market.trade()]) {
          twin.receive(frame);
          socket.send(frame.text);
        }
      }),
    answer: (_request, response) => void response.end(JSON.stringify({ result: { list: [LISTED], nextPageCursor: '' } })),
  });
  const data = mkdtempSync(join(tmpdir(), 'openbell-feeds-'));
  const config = join(data, 'venue.yaml');
  writeFileSync(
    config,
    `feeds:\n  - { name: outside, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: ${venue.webSocketUrl}, http-url: ${venue.httpUrl} }\n`,
  );
  const flags = { config, data: join(data, 'data'), 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  const ask = (path: string) => fetch(`http://127.0.0.1:${exchange.ports.http}${path}`);
  try {
    // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer
    let feed: any;
    do {
      await sleep(5);
      feed = await (await ask('/v1/feeds/outside')).json();
    } while (feed.instruments[0]?.trade === undefined);
    let listed: unknown[];
    do {
      await sleep(5);
      listed = (await (await ask('/v1/feeds/instruments?feed=outside')).json()) as { status: string }[];
    } while ((listed[0] as { status: string }).status === 'unknown');
    assert.deepEqual(listed, [{ feed: 'outside', instrument: 'BTCUSDT', state: 'live', ...TERMS }]);
    assert.equal((await ask('/v1/feeds/instruments?feed=none')).status, 404);
    assert.equal((await ask('/v1/feeds/instruments?other=1')).status, 400);
    const { bids, asks } = twin.book.line('', 1);
    const [shown] = feed.instruments;
    assert.deepEqual([feed.state, feed.faults, shown.name, shown.state], ['live', {}, 'BTCUSDT', 'live']);
    assert.deepEqual([Number(shown.bid.price), Number(shown.bid.quantity)], bids[0].map(Number));
    assert.deepEqual([Number(shown.ask.price), Number(shown.ask.quantity)], asks[0].map(Number));
    assert.ok(['buy', 'sell'].includes(shown.trade.takerSide));
    const [all] = (await (await ask('/v1/feeds')).json()) as [{ name: string; instruments?: unknown }];
    assert.deepEqual([all.name, all.instruments], ['outside', undefined]);
    const missing = await ask('/v1/feeds/none');
    assert.equal(missing.status, 404);
    assert.match(await missing.text(), /"UNKNOWN_FEED".*there is no feed none; there are: outside/);
    await commandsOf(exchange.ports, twin);
    const metrics = await (await ask('/metrics')).text();
    assert.match(metrics, /openbell_feed_connected\{feed="outside"\} 1/);
    assert.match(metrics, /openbell_feed_instruments\{feed="outside",state="live"\} 1/);
    assert.match(metrics, /openbell_feed_candle_left_out_total\{feed="outside",reason="repeated"\} 0/);
    assert.match(metrics, /openbell_feed_faults_total\{feed="outside",fault="CHECKSUM_WRONG"\} 0/);
  } finally {
    await exchange.stop();
    await venue.close();
    rmSync(data, { recursive: true, force: true });
  }
});

/** `openbell feeds status` and `tail` of the running exchange. */
async function commandsOf({ http, ws }: { readonly http: number; readonly ws: number }, twin: BybitTwin): Promise<void> {
  const at = ['--http-port', String(http), '--ws-port', String(ws)];
  const [all, json, unknown, tail, levels, instruments] = await Promise.all([
    openbell(['feeds', 'status', ...at]),
    openbell(['feeds', 'status', 'outside', '--json', ...at]),
    openbell(['feeds', 'status', 'none', ...at]),
    openbell(['feeds', 'tail', 'outside', '--only', 'status,clear,end,quote', '--count', '4', '--json', ...at]),
    openbell(['feeds', 'tail', 'outside', '--only', 'level', '--levels', '1', '--count', '2', '--json', ...at]),
    openbell(['feeds', 'instruments', ...at]),
  ]);
  assert.equal(all.code, 0, all.stderr);
  assert.match(all.stdout, /^outside +BTCUSDT +live/m);
  assert.deepEqual([json.code, JSON.parse(json.stdout)], [0, { source: 'outside', instrument: 'BTCUSDT', state: 'live' }]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /UNKNOWN_FEED: there is no feed none; there are: outside/);
  assert.equal(tail.code, 0, tail.stderr);
  const records = tail.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    records.map(({ kind, instrument }) => [kind, instrument]),
    [
      ['status', 'BTCUSDT'],
      ['clear', 'BTCUSDT'],
      ['end', 'BTCUSDT'],
      ['quote', 'BTCUSDT'],
    ],
  );
  const { bids } = twin.book.line('', 1);
  assert.deepEqual([records[3].bid, records[3].bidQuantity].map(Number), bids[0].map(Number));
  assert.equal(levels.code, 0, levels.stderr);
  const { side, price, quantity } = JSON.parse(levels.stdout.split('\n')[0]);
  assert.deepEqual([side, Number(price), Number(quantity)], ['bid', ...bids[0].map(Number)]);
  assert.equal(instruments.code, 0, instruments.stderr);
  assert.match(instruments.stdout, /^outside +BTCUSDT +trading +BTC +USDT +0\.01 +0\.000001 +live/m);
}

test('messages of a stream as records', () => {
  const about = { feed: 'a', instrument: 'X' };
  const best = { bid: ['1', '4'], ask: null, venueTimeUs: 0 } as const;
  const snapshot = { ...about, kind: 'snapshot', no: 1, state: 'stale', fault: 'CLOSED', best, bids: [['1', '4']], asks: [] } as const;
  assert.deepEqual(recordsOf(snapshot), [
    { kind: 'status', instrument: 'X', state: 'stale', fault: 'CLOSED' },
    { kind: 'clear', instrument: 'X' },
    { kind: 'level', instrument: 'X', side: 'bid', price: '1', quantity: '4' },
    { kind: 'end', instrument: 'X' },
    { kind: 'quote', instrument: 'X', bid: '1', bidQuantity: '4', ask: '0', askQuantity: '0' },
  ]);
  const trade = { price: '2', quantity: '3', takerSide: 'sell', tradeId: 9, venueTimeUs: 7 } as const;
  assert.deepEqual(recordsOf({ ...about, kind: 'update', no: 2, trades: [trade], state: 'live', fault: null }), [
    { kind: 'status', instrument: 'X', state: 'live' },
    { kind: 'trade', instrument: 'X', side: 'sell', price: '2', quantity: '3', tradeId: 9, venueTimeUs: 7 },
  ]);
  assert.deepEqual(recordsOf({ ...about, kind: 'update', no: 3, asks: [['5', '0']] }), [
    { kind: 'level', instrument: 'X', side: 'ask', price: '5', quantity: '0' },
    { kind: 'end', instrument: 'X' },
  ]);
});
