import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { FeedFault, FeedState } from '../feeds/feed.ts';
import { RecordKind } from '../feeds/feed-record.ts';
import { captureBooks } from '../feeds/files/capture-books.ts';
import { CaptureWriter } from '../feeds/files/capture-writer.ts';
import { demoCapture } from '../feeds/simulator/demo-capture.ts';
import { Feeds } from '../feeds/worker/feeds.ts';
import { connect } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { ExchangeProcess, openbell } from './support/exchange-process.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-mirror-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Waits until it holds, without much load; the suite's time limit ends it. */
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let waited = 0; !(await condition()); waited += 50) {
    assert.ok(waited < 100_000, `timed out: ${what}`);
    await sleep(50);
  }
}

type Levels = readonly (readonly [price: string, quantity: string])[];

/** A capture of Bybit with one instrument: a snapshot at each time, ms. The last frame ends the round. */
async function capture(name: string, steps: readonly [ms: number, bids: Levels, asks: Levels][]): Promise<string> {
  const path = join(folder, name);
  const writer = new CaptureWriter(path, 'bybit', {}, 1e15);
  writer.connect('ws', 1e15, 'wss://stream.bybit.com/v5/public/spot');
  for (const [update, [ms, b, a]] of steps.entries()) {
    const data = { s: 'BTCUSDT', b, a, u: update + 1, seq: update + 1 };
    writer.recv('ws', 1e15 + ms * 1000, Buffer.from(JSON.stringify({ topic: 'orderbook.50.BTCUSDT', type: 'snapshot', ts: 1e12, data })));
  }
  await writer.end();
  return path;
}

const VENUE = `
assets:
  - { id: 1, name: USD, decimals: 6 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - { id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 0.0001, reference-price: 60000.00, price-band: 20%, limits: { max-price: 500000.00 } }
accounts:
  - { id: 1, name: one, deposits: { USD: 1000000, BTC: 5 } }
  - { id: 6, name: taker }
  - { id: 8, name: maker }
  - { id: 9, name: maker-2 }
simulator: { makers: [8, 9], takers: [6], mirror: { BTC-USD: BTCUSDT } }
`;

async function mirrored(t: TestContext, source: string, further = '') {
  const file = join(folder, 'venue.yaml');
  writeFileSync(file, VENUE + further);
  const data = mkdtempSync(join(folder, 'data-'));
  const flags = {
    config: file,
    data,
    simulate: `mirror=${source}`,
    'grpc-port': '0',
    'ws-port': '0',
    'http-port': '0',
    topology: 'compact',
  };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  t.after(() => exchange.stop());
  /** `bid bid | ask ask`, best first. */
  const book = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/book/BTC-USD?depth=20`);
    const { bids, asks } = (await response.json()) as Record<'bids' | 'asks', { price: string; quantity: string }[]>;
    return [bids, asks].map((side) => side.map(({ price, quantity }) => `${quantity}@${price}`).join(' ')).join(' | ');
  };
  return { exchange, book };
}

describe('an exchange with the market of an outside source', { timeout: 240_000 }, () => {
  it('funds its accounts, quotes the levels, and fills them up again', async (t) => {
    const hour = 3_600_000;
    const path = await capture('still.jsonl', [
      [
        0,
        [
          ['59990.50', '0.5'],
          ['59980', '1.00005'],
        ],
        [['60010', '0.25']],
      ],
      [hour, [], []],
    ]);
    const { exchange, book } = await mirrored(t, path);
    const all = '0.5000@59990.50 1.0000@59980.00 | 0.2500@60010.00';
    await until(async () => (await book()) === all, 'the levels of the capture');
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account: 1, reconnect: false });
    t.after(() => client.close());
    const bought = await client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.25', price: '60010.00', timeInForce: 'ioc' });
    assert.equal(bought.kind, 'accepted');
    await until(
      async () => exchange.engine.directory.symbolByName('BTC-USD')?.tradeId === 1 && (await book()) === all,
      'the level is there again',
    );
    // An order between the levels stays alone.
    await client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '1', price: '60000.00' });
    await until(async () => (await book()) === `1.0000@60000.00 ${all}`, 'the order of another account');
    assert.equal(exchange.engine.directory.symbolByName('BTC-USD')?.tradeId, 1);
  });

  it('of a feed that is cut off has no quotes until its book is there again', async (t) => {
    const data = { s: 'BTCUSDT', b: [['59990.50', '0.5']], a: [['60010', '0.25']], u: 1, seq: 1 };
    const snapshot = JSON.stringify({ topic: 'orderbook.50.BTCUSDT', type: 'snapshot', ts: 1e12, data });
    const sockets: WebSocket[] = [];
    const venue = await LoopbackVenue.start({
      connected: (socket) => {
        // The second connection has no book at first.
        if (sockets.push(socket) === 1) socket.once('message', () => socket.send(snapshot));
      },
    });
    t.after(() => venue.close());
    const feed = `feeds: [{ name: up, venue: bybit, instruments: [BTCUSDT], ws-url: "${venue.webSocketUrl}" }]`;
    const { book, exchange } = await mirrored(t, 'up', feed);
    const all = '0.5000@59990.50 | 0.2500@60010.00';
    await until(async () => (await book()) === all, 'the levels of the feed');
    sockets[0].terminate();
    await until(async () => sockets.length > 1 && (await book()) === ' | ', 'an empty book');
    const metrics = async () => (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text();
    const withdrawn = await metrics();
    assert.match(withdrawn, /^openbell_mirror_withdrawals_total 1$/m);
    assert.match(withdrawn, /^openbell_mirror_commands_total\{command="cancel"\} 2$/m);
    assert.match(withdrawn, /^openbell_mirror_symbols\{state="quoted"\} 0$/m);
    assert.match(withdrawn, /^openbell_mirror_symbols\{state="withdrawn"\} 1$/m);
    sockets.at(-1)?.send(snapshot);
    await until(async () => (await book()) === all, 'the levels again');
    const again = await metrics();
    assert.match(again, /^openbell_mirror_commands_total\{command="quote"\} [4-9]\d*$/m);
    assert.match(again, /^openbell_mirror_source_connected\{feed="up"\} 1$/m);
    assert.match(again, /^openbell_mirror_symbols\{state="quoted"\} 1$/m);
  });

  it('follows the book through the rounds of the loop', async (t) => {
    const path = await capture('loop.jsonl.gz', [
      [0, [['59990', '1']], [['60000', '1']]],
      [400, [['61000', '2']], [['61010', '2']]],
      [800, [['61000', '2']], [['61010', '2']]],
    ]);
    const { book } = await mirrored(t, path);
    for (let round = 0; round < 2; round++) {
      await until(async () => (await book()) === '1.0000@59990.00 | 1.0000@60000.00', `the beginning of round ${round}`);
      await until(async () => (await book()) === '2.0000@61000.00 | 2.0000@61010.00', `the end of round ${round}`);
    }
  });
});

describe('the shipped capture', { timeout: 240_000 }, () => {
  it('has a book of every symbol of the demo venue, never crossed, in less than 200 kB', async () => {
    const { path } = demoCapture();
    const { books, faults } = await captureBooks(path, 1);
    assert.deepEqual(
      books.map(({ instrument, crossed, bids, asks }) => [instrument, crossed, bids.length, asks.length]),
      ['BTC-USD', 'ETH-BTC', 'ETH-USD', 'SOL-USD'].map((name) => [name, 0, 1, 1]),
    );
    assert.deepEqual([...faults], []);
    // Over real sockets, in binary frames: they wait for the list of symbols, and for the subscriptions after it.
    const played = await openbell(['feeds', 'play', path, '--levels', '1', '--json']);
    assert.equal(played.code, 0, played.stderr);
    assert.deepEqual(
      played.stdout.trim().split('\n'),
      books.map((book) => JSON.stringify(book)),
    );
    assert.ok(statSync(path).size < 200_000);
  });

  it('is the market of `openbell start --simulate mirror=demo`; nothing is left of it after the stop', async (t) => {
    const data = join(folder, 'demo');
    const exchange = await ExchangeProcess.start(data, ['--simulate', 'mirror=demo']);
    t.after(() => exchange.end('SIGKILL'));
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`)).json();
    for (const symbol of ['BTC-USD', 'ETH-USD', 'SOL-USD', 'ETH-BTC']) {
      await until(async () => {
        const { bids, asks } = (await ask(`/v1/book/${symbol}?depth=20`)) as Record<string, unknown[]>;
        return bids.length >= 10 && asks.length >= 10;
      }, `quotes of ${symbol}`);
    }
    await until(async () => Number(((await ask('/v1/symbols/BTC-USD')) as { lastPrice: string }).lastPrice) > 0, 'a trade');
    const feeds = (await ask('/v1/feeds')) as { name: string; state: string }[];
    assert.deepEqual(
      feeds.map(({ name, state }) => [name, state]),
      [['mirror=capture', 'live']],
    );
    assert.equal(await exchange.end('SIGTERM'), 0);
    const { stdout } = await openbell(['feeds', 'books', data, '--json']);
    const books = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(books.length, 4);
    for (const { bids, asks, crossed, trades } of books) assert.deepEqual([bids, asks, crossed], [[], [], 0], `${trades} trades`);
  });
});

describe('captures in the feed thread', { timeout: 120_000 }, () => {
  it('are played in a loop, each round a connection of its own; a file that cannot be read leaves its source down', async (t) => {
    const path = await capture('short.jsonl', [
      [0, [['1', '1']], [['3', '1']]],
      [20, [['2', '1']], [['3', '1']]],
    ]);
    const notes: string[] = [];
    const feeds = new Feeds({
      sources: [
        { name: 'good', file: { path } },
        { name: 'absent', file: { path: join(folder, 'absent.jsonl') } },
        { name: 'strange', file: { path: 'memory', content: Buffer.from('{"t":"header","format":2,"exchange":"NOWHERE"}\n') } },
      ].map((source) => ({ ...source, instruments: [], speed: 1, atEnd: 'loop' as const })),
      onNote: (source, fault, text) => notes.push(`${source} ${fault} ${text}`),
    });
    t.after(() => feeds.stop());
    const reader = feeds.reader({ from: 'oldest' });
    const seen: string[] = [];
    await until(() => {
      for (let count = reader.poll(); count > 0; count = reader.poll()) {
        for (let i = 0; i < count; i++) {
          const { kind, detail, source, instrument, a } = reader.at(i);
          if (source !== 0 || instrument === -1) continue;
          if (kind === RecordKind.status) seen.push(Object.keys(FeedState)[detail]);
          if (kind === RecordKind.bookEnd) seen.push(`bid ${a}`);
        }
      }
      return seen.length >= 12 && notes.length === 2;
    }, 'three rounds');
    assert.deepEqual(seen.slice(0, 9), ['Syncing', 'bid 1', 'Live', 'bid 2', 'Stale', 'bid 1', 'Live', 'bid 2', 'Stale']);
    assert.match(notes.join('\n'), /absent 31 absent: .*absent\.jsonl: cannot be read \(.*\); check the path/);
    assert.match(notes.join('\n'), /strange 35 strange: memory:1: is of NOWHERE, which has no adapter/);
    assert.deepEqual(
      feeds.status().map(({ state, fault }) => [state, fault]),
      [
        [FeedState.Live, FeedFault.None],
        [FeedState.Down, FeedFault.FileUnreadable],
        [FeedState.Down, FeedFault.FileUnusable],
      ],
    );
  });
});
