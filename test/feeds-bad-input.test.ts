/** What a venue can send wrongly, at a whole exchange: each has a counter of the metrics and a line of the log, and ends nothing. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import type { WebSocket } from 'ws';
import { MAX_FRAME_BYTES } from '../feeds/feed.ts';
import { connect } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { startExchange } from '../gateway/main.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';
import { until } from './support/until.ts';

const NOW_MS = 1_672_304_484_978;

/** Frames of Bybit. */
function book(type: 'snapshot' | 'delta', u: number, b: readonly string[][], a: readonly string[][], more: object = {}): string {
  return JSON.stringify({ topic: 'orderbook.50.BTCUSDT', type, ts: NOW_MS + u, data: { s: 'BTCUSDT', b, a, u }, ...more });
}
const SNAPSHOT = book('snapshot', 10, [['100', '1']], [['101', '1']]);
const NEXT = book('delta', 11, [['99', '1']], []);

/** What a venue of Bybit sends behind the snapshot of its first connection, and what is counted. */
const FRAMES: readonly (readonly [what: string, fault: string, frames: readonly (string | Buffer)[]])[] = [
  ['unknown-type', 'UNKNOWN_MESSAGE', ['{"topic":"weather.BTCUSDT","data":{}}']],
  ['missing-field', 'MISSING_FIELD', ['{"topic":"orderbook.50.BTCUSDT","type":"delta","data":{"b":[],"a":[]}}']],
  ['negative-size', 'NUMBER_NEGATIVE', [book('delta', 11, [['100', '-1']], [])]],
  ['malformed-size', 'NUMBER_MALFORMED', [book('delta', 11, [['100', '1x']], [])]],
  ['size-too-large', 'NUMBER_TOO_LARGE', [book('delta', 11, [['100', '9007199254740993']], [])]],
  ['crossed-snapshot', 'CROSSED', [book('snapshot', 20, [['102', '1']], [['101', '1']]), book('delta', 21, [['102', '0']], [])]],
  ['jump', 'SEQUENCE_GAP', [book('delta', 13, [['99', '1']], [])]],
  ['duplicate', 'SEQUENCE_BACK', [NEXT, NEXT]],
  ['cut-off-text', 'MALFORMED', [NEXT.slice(0, -20)]],
  ['frame-too-large', 'FRAME_TOO_LARGE', [Buffer.alloc(MAX_FRAME_BYTES + 1, ' ')]],
  ['other-symbol', 'UNKNOWN_INSTRUMENT', [NEXT.replaceAll('BTCUSDT', 'ETHUSDT')]],
  ['clock-back', 'CLOCK_BACK', [book('delta', 11, [['99', '1']], [], { ts: NOW_MS - 3_600_000 })]],
];
/** The others. */
const MORE = [
  ['half-closed', 'CLOSED'],
  ['silent', 'SILENT'],
  ['gone-symbol', 'DELISTED'],
  ['truncated-gzip', 'MALFORMED'],
] as const;

interface Line {
  readonly feed?: string;
  readonly fault?: string;
  readonly msg: string;
}

test('each kind of bad input is counted and logged, and the exchange goes on', { timeout: 240_000 }, async (t) => {
  const undo: (() => unknown)[] = [];
  t.after(async () => {
    for (const step of undo.reverse()) await step();
  });
  const connections = new Map<string, number>();
  const venue = await LoopbackVenue.start({
    connected: (socket, request) => {
      const name = (request.url ?? '').slice(1);
      const connection = (connections.get(name) ?? 0) + 1;
      connections.set(name, connection);
      if (name === 'gone-symbol') return kraken(socket);
      const [, , frames = []] = FRAMES.find(([what]) => what === name) ?? [];
      let subscriptions = 0;
      socket.on('message', (bytes) => {
        if (!/"subscribe".*orderbook/.test(String(bytes))) return;
        if (name === 'silent' && connection === 1) return;
        socket.send(SNAPSHOT);
        if (name === 'silent') keepSending(socket);
        // A large frame is read as any other.
        if (name === 'large-frame')
          socket.send(book('delta', 11, [['100.5', '1']], [], { padding: ' '.repeat(10e6) }), { compress: false });
        if (connection > 1 || ++subscriptions > 1) return;
        for (const frame of frames) socket.send(frame, { compress: false });
        if (name === 'half-closed') request.socket.end();
      });
    },
  });
  undo.push(() => venue.close());
  const depth = gzipSync('{"lastUpdateId":10,"bids":[["100","1"]],"asks":[["101","1"]]}');
  let answers = 0;
  const gzip = await LoopbackVenue.start({
    answer: ({ url = '' }, response) => {
      // Lists of instruments.
      if (!url.includes('/depth')) return void response.writeHead(404).end();
      answers++;
      response.setHeader('content-encoding', 'gzip');
      response.end(answers === 1 ? depth.subarray(0, depth.length - 12) : depth);
    },
  });
  undo.push(() => gzip.close());

  const dir = mkdtempSync(join(tmpdir(), 'openbell-bad-input-'));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const feed = (name: string, more: object = {}) => ({
    ...{ name, venue: 'bybit', instruments: ['BTCUSDT'], depth: 50, 'ws-url': `${venue.webSocketUrl}/${name}`, 'http-url': gzip.httpUrl },
    ...more,
  });
  const feeds = [
    ...FRAMES.map(([name]) => feed(name)),
    feed('large-frame'),
    feed('half-closed'),
    feed('silent', { 'stale-after': 1 }),
    feed('gone-symbol', { venue: 'kraken', instruments: ['BTC/USD', 'ETH/USD'] }),
    feed('truncated-gzip', { venue: 'binance', depth: 100, 'ws-url': gzip.webSocketUrl, 'http-url': gzip.httpUrl }),
  ];
  const config = join(dir, 'venue.yaml');
  const demo = readFileSync(new URL('../docs/openbell.example.yaml', import.meta.url), 'utf8');
  writeFileSync(config, `${demo}\nfeeds:\n${feeds.map((each) => `  - ${JSON.stringify(each)}\n`).join('')}`);
  const lines: Line[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const flags = { config, data: join(dir, 'data'), 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log });
  undo.push(() => exchange.stop());

  const { grpc: grpcPort, ws: wsPort, http: httpPort } = exchange.ports;
  const ask = (path: string) => fetch(`http://127.0.0.1:${httpPort}${path}`);
  const wanted = [...FRAMES.map(([what, fault]) => [what, fault] as const), ...MORE];
  await until(async () => {
    const metrics = await (await ask('/metrics')).text();
    return wanted.every(([name, fault]) =>
      new RegExp(`^openbell_feed_faults_total\\{feed="${name}",fault="${fault}"\\} [1-9]`, 'm').test(metrics),
    );
  }, 'every fault is counted');
  await until(
    () => wanted.every(([name, fault]) => lines.some((line) => line.feed === name && line.fault === fault)),
    'every fault is logged',
  );

  // Each instrument is live again, but the one that the venue has given up.
  const pending = new Set(feeds.map(({ name }) => name));
  await until(async () => {
    for (const name of pending) {
      const { instruments } = (await (await ask(`/v1/feeds/${name}`)).json()) as { instruments: { name: string; state: string }[] };
      if (instruments.every(({ name: instrument, state }) => state === 'live' || (instrument === 'BTC/USD' && state === 'delisted')))
        pending.delete(name);
    }
    return pending.size === 0;
  }, 'the books are live again');
  await until(async () => {
    const { instruments } = (await (await ask('/v1/feeds/large-frame')).json()) as { instruments: { bid: { price: string } }[] };
    return Number(instruments[0].bid.price) === 100.5;
  }, 'a frame of 10 MB is in the book');
  assert.ok(!lines.some(({ msg }) => msg.includes('the feed thread ended')));
  const trader = await connect({ grpcPort, wsPort, httpPort, account: 1 });
  const report = await trader.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '50000.00', quantity: '0.01', timeInForce: 'gtc' });
  assert.equal(report.kind, 'accepted');
  await trader.close();
});

/** Changes of the book that the snapshot has. */
function keepSending(socket: WebSocket): void {
  let update = 10;
  const timer = setInterval(() => socket.send(book('delta', ++update, [['99', String(update)]], [])), 200);
  socket.once('close', () => clearInterval(timer));
}

/** A venue of Kraken that gives up one of two instruments. */
function kraken(socket: WebSocket): void {
  socket.on('message', (bytes) => {
    if (!/"subscribe".*"book"/.test(String(bytes))) return;
    const levels = '"bids":[{"price":100.0,"qty":1.0}],"asks":[{"price":101.0,"qty":1.0}]';
    for (const symbol of ['BTC/USD', 'ETH/USD'])
      socket.send(`{"channel":"book","type":"snapshot","data":[{"symbol":"${symbol}",${levels}}]}`);
    const pair = '{"symbol":"BTC/USD","status":"delisted","price_precision":1,"qty_precision":8}';
    socket.send(`{"channel":"instrument","type":"update","data":{"assets":[],"pairs":[${pair}]}}`);
  });
}
