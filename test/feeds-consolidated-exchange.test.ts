import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { connect, type FeedBook } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';

const CLI = join(import.meta.dirname, '..', 'dist', 'gateway', 'cli.js');

type Level = readonly [price: string, quantity: string];

function bybitSnapshot(b: readonly Level[], a: readonly Level[]): string {
  return JSON.stringify({ topic: 'orderbook.50.BTCUSDT', type: 'snapshot', ts: 1, data: { s: 'BTCUSDT', b, a, u: 7, seq: 7 }, cts: 1 });
}

function coinbaseSnapshot(bids: readonly Level[], asks: readonly Level[]): string {
  const update = (side: string) => (level: Level) => ({ side, price_level: level[0], new_quantity: level[1] });
  const updates = [...bids.map(update('bid')), ...asks.map(update('offer'))];
  const events = [{ type: 'snapshot', product_id: 'BTC-USD', updates }];
  return JSON.stringify({ channel: 'l2_data', timestamp: '2026-01-01T00:00:00Z', sequence_num: 0, events });
}

/** A venue that sends a frame to each connection, after its first message; while it is `shut`, it takes none. */
async function venueOf(frame: string) {
  const sockets: WebSocket[] = [];
  const state = { shut: false };
  const venue = await LoopbackVenue.start({
    refuse: () => (state.shut ? 503 : undefined),
    connected: (socket) => {
      sockets.push(socket);
      socket.once('message', () => socket.send(frame));
    },
  });
  return { venue, state, cut: () => sockets.at(-1)?.terminate() };
}

/** `price total feed=quantity...` of each level. */
function rows(levels: FeedBook['bids']): string[] {
  return levels.map(({ price, quantity, sources }) =>
    [price, quantity, ...sources.map((source) => `${source.feed}=${source.quantity}`)].join(' '),
  );
}

test('two venues in one book: client, command and HTTP, while one goes and comes back', { timeout: 120_000 }, async (t) => {
  const one = await venueOf(
    bybitSnapshot(
      [
        ['100.5', '1.25'],
        ['100.0', '2'],
      ],
      [['101.0', '3']],
    ),
  );
  const two = await venueOf(
    coinbaseSnapshot(
      [
        ['101.25', '0.5'],
        ['100.00', '4'],
      ],
      [['101.50', '6']],
    ),
  );
  const data = mkdtempSync(join(tmpdir(), 'openbell-feed-books-'));
  t.after(() => Promise.all([one.venue.close(), two.venue.close()]));
  const config = join(data, 'venue.yaml');
  writeFileSync(
    config,
    `feeds:
  - { name: one, venue: bybit, instruments: [BTCUSDT], ws-url: ${one.venue.webSocketUrl} }
  - { name: two, venue: coinbase, instruments: [BTC-USD], ws-url: ${two.venue.webSocketUrl} }
feed-books:
  - { name: BTC, sources: [one:BTCUSDT, two:BTC-USD], levels: 2 }
`,
  );
  const flags = { config, data: join(data, 'data'), 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  t.after(() => exchange.stop());
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const { http } = exchange.ports;
  const client = await connect({ httpPort: http });
  t.after(() => client.close());
  const until = async (holds: (book: FeedBook) => boolean): Promise<FeedBook> => {
    for (;;) {
      const book = await client.queries.feedBook('BTC');
      if (holds(book)) return book;
      await sleep(10);
    }
  };

  // The venues say nothing after their snapshots: a slow machine may see that they are silent, and connect again.
  const allLive = ({ sources }: FeedBook) => sources.every(({ state }) => state === 'live');
  const both = await until(allLive);
  assert.deepEqual(rows(both.bids), ['101.25 0.50 two=0.50', '100.50 1.25 one=1.25']);
  assert.deepEqual(rows(both.asks), ['101.00 3.00 one=3.00', '101.50 6.00 two=6.00']);
  assert.deepEqual([both.name, both.crossing, both.leftOut], ['BTC', 'crossed', 0]);
  assert.ok(both.timeUs > 0);

  const watch = spawn(process.execPath, [CLI, 'feeds', 'book', 'BTC', '--watch', '--json', '--http-port', String(http)]);
  t.after(() => watch.kill('SIGKILL'));
  const lines = createInterface({ input: watch.stdout })[Symbol.asyncIterator]();
  const shown = async (holds: (book: FeedBook) => boolean): Promise<FeedBook> => {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, 'the command goes on');
      const book = JSON.parse(value) as FeedBook;
      if (holds(book)) return book;
    }
  };
  assert.deepEqual(rows((await shown(allLive)).asks), rows(both.asks));

  two.state.shut = true;
  two.cut();
  const alone = await shown(({ sources }) => sources[1].state === 'stale' && sources[0].state === 'live');
  assert.deepEqual(rows(alone.bids), ['100.50 1.25 one=1.25', '100.00 2.00 one=2.00']);
  assert.equal(alone.crossing, 'none');
  assert.match(alone.sources[1].fault ?? '', /^(CLOSED|SILENT)$/);
  two.state.shut = false;
  const again = await shown(allLive);
  assert.deepEqual(rows(again.bids), rows(both.bids));
  watch.kill('SIGINT');
  await once(watch, 'exit');
  assert.equal(watch.exitCode, 0);

  const missing = await fetch(`http://127.0.0.1:${http}/v1/feeds/books/none`);
  assert.equal(missing.status, 404);
  assert.match(await missing.text(), /"UNKNOWN_FEED_BOOK".*there is no consolidated book none; there are: BTC/);
  const metrics = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
  assert.match(metrics, /openbell_feed_book_live_sources\{book="BTC"\} [012]\n/);
  assert.match(metrics, /openbell_feed_book_crossing\{book="BTC"\} [02]\n/);
  const list = (await (await fetch(`http://127.0.0.1:${http}/v1/feeds/books`)).json()) as unknown[];
  assert.deepEqual(list, [
    {
      name: 'BTC',
      levels: 2,
      sources: [
        { feed: 'one', instrument: 'BTCUSDT' },
        { feed: 'two', instrument: 'BTC-USD' },
      ],
    },
  ]);
});
