/** Candles of an outside market at a real exchange: over HTTP, in the client, and in the command that follows them. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { connect } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { FEED_CANDLE_MESSAGE } from '../gateway/endpoints/json/schemas/feed-messages.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { BybitMarket } from './support/bybit-frames.ts';
import { openbell, openbellLines } from './support/exchange-process.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';

/** 2023-01-01, long before the clock of this machine, which closes nothing. */
const BEGIN_MS = Date.UTC(2023, 0, 1);

function tradeFrame(seconds: number, price: string, quantity: string, side: 'Buy' | 'Sell'): string {
  const trade = { T: BEGIN_MS + seconds * 1000, s: 'BTCUSDT', S: side, v: quantity, p: price, L: 'PlusTick', i: 'a', BT: false };
  return JSON.stringify({ topic: 'publicTrade.BTCUSDT', type: 'snapshot', ts: trade.T, data: [trade] });
}

test('candles of a feed close by the time of its venue, and are asked for and followed', { timeout: 300_000 }, async (t) => {
  const undo: (() => unknown)[] = [];
  t.after(async () => {
    for (const step of undo.reverse()) await step();
  });
  const connected = Promise.withResolvers<WebSocket>();
  let connectedNext = connected.resolve;
  const venue = await LoopbackVenue.start({ connected: (socket) => socket.once('message', () => connectedNext(socket)) });
  undo.push(() => venue.close());
  const data = mkdtempSync(join(tmpdir(), 'openbell-feed-candles-'));
  undo.push(() => rmSync(data, { recursive: true, force: true }));
  const config = join(data, 'venue.yaml');
  writeFileSync(config, `feeds:\n  - { name: outside, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: ${venue.webSocketUrl} }\n`);
  const flags = { config, data: join(data, 'data'), 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
  const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  undo.push(() => exchange.stop());
  const { http: httpPort } = exchange.ports;
  const client = await connect({ httpPort, wsPort: exchange.ports.ws });
  undo.push(() => client.close());
  const ask = async (query: string) => {
    const response = await fetch(`http://127.0.0.1:${httpPort}/v1/feeds/${query}`);
    return { status: response.status, text: await response.text() };
  };
  const socket = await connected.promise;
  socket.send(new BybitMarket('BTCUSDT', 7).snapshot().text);
  for (const [seconds, price, quantity, side] of [
    [0.1, '60000.10', '0.5', 'Buy'],
    [0.2, '60001.10', '0.25', 'Sell'],
    [1.5, '60002', '1', 'Buy'],
    [5, '59999.90', '2', 'Sell'],
  ] as const)
    socket.send(tradeFrame(seconds, price, quantity, side));

  const wanted = { source: 'outside', instrument: 'BTCUSDT', interval: '1s' } as const;
  let page = await client.queries.feedCandles(wanted).catch(() => undefined);
  while ((page?.candles.length ?? 0) < 3) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    page = await client.queries.feedCandles(wanted).catch(() => undefined);
  }
  const startUs = BEGIN_MS * 1000;
  assert.deepEqual(page, {
    ...{ feed: 'outside', instrument: 'BTCUSDT', interval: '1s' },
    candles: [
      {
        ...{ startUs, start: '2023-01-01T00:00:00.000Z', closed: true },
        ...{
          open: '60000.1',
          high: '60001.1',
          low: '60000.1',
          close: '60001.1',
          volume: '0.750',
          buyVolume: '0.500',
          sellVolume: '0.250',
        },
        ...{ vwap: '60000.43333', notional: '45000.3250', trades: 2 },
      },
      {
        ...{ startUs: startUs + 1e6, start: '2023-01-01T00:00:01.000Z', closed: true },
        ...{
          open: '60002.0',
          high: '60002.0',
          low: '60002.0',
          close: '60002.0',
          volume: '1.000',
          buyVolume: '1.000',
          sellVolume: '0.000',
        },
        ...{ vwap: '60002.00000', notional: '60002.0000', trades: 1 },
      },
      {
        ...{ startUs: startUs + 5e6, start: '2023-01-01T00:00:05.000Z', closed: false },
        ...{
          open: '59999.9',
          high: '59999.9',
          low: '59999.9',
          close: '59999.9',
          volume: '2.000',
          buyVolume: '0.000',
          sellVolume: '2.000',
        },
        ...{ vwap: '59999.90000', notional: '119999.8000', trades: 1 },
      },
    ],
    next: 0,
    leftOut: { late: 0, untimed: 0, ahead: 0, repeated: 0 },
  });
  const second = await client.queries.feedCandles({ ...wanted, from: startUs + 1, limit: 1 });
  assert.deepEqual([second.candles, second.next], [[page?.candles[1]], startUs + 5e6]);

  const address = `ws://127.0.0.1:${exchange.ports.ws}/v1/feed-candles`;
  const live = new WebSocket(`${address}?feed=outside&instrument=BTCUSDT&interval=1s`);
  undo.push(() => live.terminate());
  // biome-ignore lint/suspicious/noExplicitAny: JSON of a message
  const messages: any[] = [];
  const heard = new EventEmitter();
  live.on('message', (text) => {
    messages.push(JSON.parse(String(text)));
    heard.emit('message');
  });
  while (messages.length === 0) await once(heard, 'message');
  assert.equal(FEED_CANDLE_MESSAGE.safeParse(messages[0]).error, undefined, JSON.stringify(messages[0]));
  assert.deepEqual(messages[0], {
    ...{ kind: 'snapshot', feed: 'outside', instrument: 'BTCUSDT', interval: '1s' },
    candles: page?.candles.slice(1),
  });

  const command = ['candles', '--source', 'outside', 'BTCUSDT', '--interval', '1s', '--http-port', String(httpPort)];
  const follow = openbellLines([...command, '--follow', '--json']);
  undo.push(() => follow.child.kill('SIGKILL'));
  const starts: number[] = [];
  while (starts.length < 2) starts.push(JSON.parse(await follow.next()).startUs);
  socket.send(tradeFrame(5.5, '60000.00', '1', 'Buy'));
  socket.send(tradeFrame(9, '60000.00', '1', 'Buy'));
  const closed = JSON.parse(await follow.next());
  assert.deepEqual([...starts, closed.startUs], [startUs, startUs + 1e6, startUs + 5e6]);
  assert.deepEqual([closed.close, closed.trades, closed.closed], ['60000.0', 2, true]);
  const isThere = () => messages.some(({ candles }) => candles.some((candle: { startUs: number }) => candle.startUs === startUs + 9e6));
  while (!isThere()) await once(heard, 'message');
  const closedLive = messages.slice(1).flatMap(({ candles }) => candles.filter((candle: { closed: boolean }) => candle.closed));
  assert.deepEqual(closedLive, [closed], 'closed once');
  for (const [query, status] of [
    ['feed=none&instrument=BTCUSDT', 404],
    ['feed=outside&instrument=NONE', 404],
    ['feed=outside&instrument=BTCUSDT&interval=2m', 400],
    ['feed=outside&instrument=BTCUSDT&limit=1', 400],
  ] as const) {
    const refused = new WebSocket(`${address}?${query}`);
    const [, response] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, status, query);
    response.resume();
  }
  const indicators = ['sma:2', 'vwap:2'];
  const page2 = await client.queries.feedIndicators({ ...wanted, indicators, limit: 3 });
  const [, second2, third] = page2.bars;
  assert.deepEqual(
    page2.bars.map(({ startUs: at, closed: isClosed, close }) => [(at - startUs) / 1e6, isClosed, close]),
    [
      [1, true, '60002.0'],
      [5, true, '60000.0'],
      [9, false, '60000.0'],
    ],
  );
  assert.deepEqual([second2.values['sma:2'], third.values['sma:2']], [60_001, 60_000]);
  assert.ok(Math.abs(Number(second2.values['vwap:2']) - (60_002 + 2 * 59_999.9 + 60_000) / 4) < 1e-6);
  const streamed: { readonly at: number; readonly closed: boolean; readonly sma: unknown }[] = [];
  const stream = await client.feedIndicators({
    ...{ ...wanted, indicators, bars: 2 },
    onBar: ({ startUs: at, closed: isClosed, values }) => {
      streamed.push({ at: (at - startUs) / 1e6, closed: isClosed, sma: values['sma:2'] });
      heard.emit('bar');
    },
  });
  undo.push(() => stream.close());
  socket.send(tradeFrame(9.5, '60010.00', '1', 'Buy'));
  socket.send(tradeFrame(12, '60020.00', '1', 'Buy'));
  const hasBar = (wantedAt: number) => streamed.some(({ at }) => at === wantedAt);
  while (!hasBar(12)) await once(heard, 'bar');
  assert.deepEqual(
    streamed.filter(({ closed: isClosed }) => isClosed),
    [
      { at: 5, closed: true, sma: 60_001 },
      { at: 9, closed: true, sma: 60_005 },
    ],
  );
  assert.deepEqual(streamed.at(-1), { at: 12, closed: false, sma: 60_015 });
  const noInstrument = { source: 'outside', instrument: 'NONE', indicators, onBar: () => undefined };
  await assert.rejects(client.feedIndicators(noInstrument), { code: 'UNKNOWN_INSTRUMENT' });
  await assert.rejects(client.feedIndicators({ ...noInstrument, source: 'none' }), { code: 'UNKNOWN_FEED' });
  const shown = await openbell([
    'indicators',
    '--source',
    'outside',
    'BTCUSDT',
    'sma:2',
    '--interval',
    '1s',
    '--http-port',
    String(httpPort),
  ]);
  assert.match(shown.stdout, /^start +close +sma:2\n(2023-01-01T00:00:\S+Z +\S+ .*\n){5}$/, shown.stderr);

  live.send('anything');
  const [code] = await once(live, 'close');
  assert.equal(code, 4003);
  const { stdout } = await openbell(command);
  assert.match(stdout, /^start +open +high +low +close +volume +average +trades\n(2023-01-01T00:00:\S+Z +\S+ .*\n){5}$/);

  for (const [query, status, text] of [
    ['none/candles?instrument=BTCUSDT', 404, /UNKNOWN_FEED.*there is no feed none; there are: outside/],
    ['outside/candles?instrument=NONE', 404, /UNKNOWN_INSTRUMENT.*feed outside has no instrument NONE/],
    ['outside/candles', 400, /BAD_PARAMETER.*instrument must be the name of an instrument/],
    ['outside/candles?instrument=BTCUSDT&interval=2m', 400, /BAD_PARAMETER.*interval must be one of/],
    ['outside/candles?instrument=BTCUSDT&limit=1001', 400, /BAD_PARAMETER.*limit must be/],
  ] as const) {
    const answer = await ask(query);
    assert.equal(answer.status, status, query);
    assert.match(answer.text, text);
  }

  // After a restart, all is there, and what formed goes on.
  const before = await client.queries.feedCandles(wanted);
  await exchange.stop();
  const again = Promise.withResolvers<WebSocket>();
  connectedNext = again.resolve;
  const next = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  undo.push(() => next.stop());
  const later = await connect({ httpPort: next.ports.http, wsPort: next.ports.ws });
  undo.push(() => later.close());
  assert.deepEqual(
    (await later.queries.feedCandles(wanted)).candles,
    before.candles.filter(({ closed: isClosed }) => isClosed),
  );
  const line = await again.promise;
  line.send(new BybitMarket('BTCUSDT', 7).snapshot().text);
  line.send(tradeFrame(12.5, '60030.00', '1', 'Buy'));
  line.send(tradeFrame(20, '60030.00', '1', 'Buy'));
  let joined = await later.queries.feedCandles(wanted);
  while (joined.candles.at(-1)?.startUs !== startUs + 20e6) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    joined = await later.queries.feedCandles(wanted);
  }
  assert.deepEqual(joined.candles.slice(0, -2), before.candles.slice(0, -1));
  const { open, close, trades, incomplete, closed: isClosed } = joined.candles.at(-2) ?? {};
  assert.deepEqual([open, close, trades, incomplete, isClosed], ['60020.0', '60030.0', 2, true, true], 'two trades without numbers');
});

test('live candles need a token with a role, and end with it', { timeout: 300_000 }, async (t) => {
  const undo: (() => unknown)[] = [];
  t.after(async () => {
    for (const step of undo.reverse()) await step();
  });
  const venue = await LoopbackVenue.start({
    connected: (socket) => socket.once('message', () => socket.send(new BybitMarket('BTCUSDT', 7).snapshot().text)),
  });
  undo.push(() => venue.close());
  const dir = mkdtempSync(join(tmpdir(), 'openbell-feed-candles-'));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, 'venue.yaml');
  writeFileSync(config, `feeds:\n  - { name: outside, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: ${venue.webSocketUrl} }\n`);
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  const exchange = await GuardedExchange.start(issuer, { config });
  undo.push(() => exchange.stop());
  const address = `ws://127.0.0.1:${exchange.ports.ws}/v1/feed-candles?feed=outside&instrument=BTCUSDT`;
  const refused = async (token: string | undefined): Promise<number | undefined> => {
    const socket = new WebSocket(address, { headers: token === undefined ? {} : bearer(token) });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  const below = new WebSocket(address.replace('?', '/?'));
  const [, notFound] = (await once(below, 'unexpected-response')) as [unknown, IncomingMessage];
  notFound.resume();
  assert.equal(notFound.statusCode, 404, 'a path below is no market data');
  assert.equal(await refused(undefined), 401);
  assert.equal(await refused(await issuer.token({ openbell_roles: '' })), 403);
  const reader = { openbell_roles: 'read-only', openbell_accounts: '1' };
  // Until the feed has its instrument.
  while ((await exchange.http('GET', '/v1/feeds/outside', bearer(await issuer.token(reader)))).json.instruments.length === 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
  // Some seconds are left: an expired token is accepted for 30 s more.
  const live = new WebSocket(address, { headers: bearer(await issuer.token({ ...reader, exp: Math.floor(Date.now() / 1000) - 20 })) });
  undo.push(() => live.terminate());
  const closed = once(live, 'close');
  const [text] = await once(live, 'message');
  assert.deepEqual(JSON.parse(String(text)), { kind: 'snapshot', feed: 'outside', instrument: 'BTCUSDT', interval: '1m', candles: [] });
  assert.equal((await closed)[0], 4016);
});
