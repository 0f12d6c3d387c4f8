import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { changesOf, type RunningFeed } from '../gateway/tools/cli/running-feeds.ts';
import { BybitMarket, BybitTwin } from './support/bybit-frames.ts';
import { openbell } from './support/exchange-process.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';

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
  });
  const data = mkdtempSync(join(tmpdir(), 'openbell-feeds-'));
  const config = join(data, 'venue.yaml');
  writeFileSync(config, `feeds:\n  - { name: outside, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: ${venue.webSocketUrl} }\n`);
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
    await commandsOf(exchange.ports.http, twin);
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
async function commandsOf(port: number, twin: BybitTwin): Promise<void> {
  const at = ['--http-port', String(port)];
  const [all, json, unknown, tail, levels] = await Promise.all([
    openbell(['feeds', 'status', ...at]),
    openbell(['feeds', 'status', 'outside', '--json', ...at]),
    openbell(['feeds', 'status', 'none', ...at]),
    openbell(['feeds', 'tail', 'outside', '--count', '4', '--json', ...at]),
    openbell(['feeds', 'tail', 'outside', '--only', 'level', ...at]),
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
      ['status', undefined],
      ['status', 'BTCUSDT'],
      ['quote', 'BTCUSDT'],
      ['trade', 'BTCUSDT'],
    ],
  );
  const { bids } = twin.book.line('', 1);
  assert.deepEqual([records[2].bid, records[2].bidQuantity].map(Number), bids[0].map(Number));
  assert.equal(levels.code, 2);
  assert.match(levels.stderr, /a running exchange shows trade, quote, status, not level/);
}

test('changes of a running source: only what is new', () => {
  const quote = { venueTimeUs: 0, receiveTimeUs: 5 };
  const trade = { price: '2', quantity: '3', takerSide: 'sell', venueTimeUs: 7, receiveTimeUs: 8 } as const;
  const instrument = { name: 'X', state: 'live', bid: { price: '1', quantity: '4' }, quote, trade };
  const one: RunningFeed = { name: 'a', state: 'live', instruments: [instrument] };
  const changed = (...instruments: RunningFeed['instruments']) => changesOf(one, { ...one, instruments });
  assert.deepEqual(changesOf(one, one), []);
  assert.deepEqual(changesOf(undefined, one), [
    { kind: 'status', state: 'live' },
    { kind: 'status', state: 'live', instrument: 'X' },
    { kind: 'quote', instrument: 'X', bid: '1', bidQuantity: '4', ask: '0', askQuantity: '0' },
    { kind: 'trade', instrument: 'X', side: 'sell', price: '2', quantity: '3', venueTimeUs: 7 },
  ]);
  assert.deepEqual(changesOf(one, { ...one, state: 'down', fault: 'CLOSED' }), [{ kind: 'status', state: 'down', fault: 'CLOSED' }]);
  assert.deepEqual(changed({ ...instrument, state: 'stale' }), [{ kind: 'status', state: 'stale', instrument: 'X' }]);
  assert.deepEqual(changed({ ...instrument, quote: { ...quote, receiveTimeUs: 6 } }).length, 1);
  // The same price again is another trade.
  assert.deepEqual(changed({ ...instrument, trade: { ...trade, receiveTimeUs: 9 } }).length, 1);
});
