import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { BybitMarket, BybitTwin } from './support/bybit-frames.ts';
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
    const metrics = await (await ask('/metrics')).text();
    assert.match(metrics, /openbell_feed_connected\{feed="outside"\} 1/);
    assert.match(metrics, /openbell_feed_faults_total\{feed="outside",fault="CHECKSUM_WRONG"\} 0/);
  } finally {
    await exchange.stop();
    await venue.close();
    rmSync(data, { recursive: true, force: true });
  }
});
