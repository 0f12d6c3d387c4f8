import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandKind, Phase, Side, TimeInForce } from '../engine/wire/layout.ts';
import { MarketSockets } from '../gateway/endpoints/websocket/market-sockets.ts';
import { MarketData } from '../gateway/market/market-data.ts';
import { EVERYBODY } from './support/everybody.ts';
import { MarketVenue } from './support/market-venue.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

type Json = Record<string, unknown>;

let venue: MarketVenue;
const raws: RawWebSocket[] = [];
before(async () => {
  venue = await MarketVenue.start(3, { heartbeatMs: 200, maxConnections: 40, maxSubscriptions: 8 });
});
after(async () => {
  for (const raw of raws) raw.destroy();
  await venue.stop();
});

async function open(protocol: string | undefined = 'json-raw'): Promise<RawWebSocket> {
  const raw = await RawWebSocket.open(venue.port, { protocol });
  raws.push(raw);
  return raw;
}

/** Waits for a JSON message with these fields; it and all earlier ones are consumed. */
async function take(raw: RawWebSocket, fields: Json): Promise<Json> {
  const matches = (message: Json) => Object.entries(fields).every(([key, value]) => message[key] === value);
  await raw.until(() => raw.json().some(matches));
  const at = raw.json().findIndex(matches);
  const found = raw.json()[at];
  raw.messages.splice(0, at + 1);
  return found;
}

const kinds = (raw: RawWebSocket) => raw.json().map(({ kind, channel, symbol }) => `${kind} ${channel} ${symbol}`);

test('snapshot, numbered deltas, unsubscribe', async () => {
  const raw = await open();
  raw.text({ op: 'subscribe', channel: 'book', symbol: 'S1', tag: 5 });
  assert.equal((await take(raw, { kind: 'subscribed' })).tag, 5);
  const snapshot = await take(raw, { kind: 'snapshot', channel: 'book', symbol: 'S1' });
  assert.deepEqual(snapshot.levels, []);
  const order = venue.place(1, 1, Side.Buy, 900, 5);
  const first = await take(raw, { kind: 'delta' });
  assert.equal(first.first_no, (snapshot.first_no as number) + 1);
  assert.deepEqual(
    (first.levels as Json[]).map(({ seq, ...level }) => level),
    [{ side: 'buy', price: 900, quantity: 5, orders: 1 }],
  );
  venue.place(2, 1, Side.Buy, 900, 7);
  venue.place(2, 1, Side.Buy, 900, 1);
  venue.place(2, 1, Side.Sell, 950, 2);
  const second = await take(raw, { kind: 'delta' });
  assert.equal(second.first_no, (first.first_no as number) + 1);
  // Two orders at one price within one flush are one update: the last state.
  assert.deepEqual(
    (second.levels as Json[]).map(({ seq, ...level }) => level),
    [
      { side: 'buy', price: 900, quantity: 13, orders: 3 },
      { side: 'sell', price: 950, quantity: 2, orders: 1 },
    ],
  );
  venue.do({ kind: CommandKind.Cancel, account: 1, symbol: 1, clientOrderId: order });
  assert.equal((await take(raw, { kind: 'delta' })).first_no, (second.first_no as number) + 2);
  raw.text({ op: 'unsubscribe', channel: 'book', symbol: 'S1', tag: 6 });
  assert.equal((await take(raw, { kind: 'unsubscribed' })).tag, 6);
  venue.place(1, 1, Side.Buy, 800, 5);
  await venue.quiet();
  await sleep(50);
  assert.deepEqual(
    kinds(raw).filter((kind) => kind.startsWith('delta')),
    [],
  );
  // What is not subscribed cannot be left.
  raw.text({ op: 'unsubscribe', channel: 'book', symbol: 'S1', tag: 7 });
  assert.deepEqual((await take(raw, { kind: 'refused' })).name, 'BAD_SUBSCRIPTION');
  raw.text({ op: 'resnapshot', channel: 'book', symbol: 'S1', tag: 8 });
  assert.deepEqual((await take(raw, { kind: 'refused' })).tag, 8);
});

test('by order, best prices, trades and status', async () => {
  const raw = await open();
  for (const channel of ['book-l3', 'bbo', 'trades', 'status']) raw.text({ op: 'subscribe', channel, symbol: 'S2' });
  const snapshot = await take(raw, { kind: 'snapshot', channel: 'status' });
  assert.equal((snapshot.statuses as Json[])[0].phase, 'continuous');
  venue.place(1, 2, Side.Sell, 1000, 10);
  const add = await take(raw, { kind: 'delta', channel: 'book-l3' });
  const [maker] = add.orders as Json[];
  assert.deepEqual([maker.action, maker.side, maker.price, maker.quantity], ['add', 'sell', 1000, 10]);
  const bbo = await take(raw, { kind: 'delta', channel: 'bbo' });
  assert.deepEqual([(bbo.bbos as Json[])[0].bid_price, (bbo.bbos as Json[])[0].ask_quantity], [0, 10]);
  venue.place(2, 2, Side.Buy, 1000, 4, TimeInForce.ImmediateOrCancel);
  const change = await take(raw, { kind: 'delta', channel: 'book-l3' });
  assert.deepEqual(
    (change.orders as Json[]).map(({ action, quantity }) => [action, quantity]),
    [['change', 6]],
  );
  const trade = await take(raw, { kind: 'delta', channel: 'trades' });
  const [fill] = trade.trades as Json[];
  assert.deepEqual([fill.trade_id, fill.price, fill.quantity, fill.aggressor, fill.auction], [1, 1000, 4, 'buy', 0]);
  assert.equal(fill.sell_order_id, maker.order_id);
  assert.equal(trade.first_no, 1, 'trades are numbered by their id');
  // An auction: phases, indications and its trades.
  venue.phase(2, Phase.Auction);
  venue.place(3, 2, Side.Buy, 1005, 9);
  await take(raw, { kind: 'delta', channel: 'status' });
  await venue.quiet();
  venue.do({ kind: CommandKind.Uncross, symbol: 2 });
  venue.phase(2, Phase.Continuous);
  const cross = await take(raw, { kind: 'delta', channel: 'trades' });
  const [auctioned] = cross.trades as Json[];
  assert.deepEqual([auctioned.trade_id, auctioned.quantity, auctioned.auction, auctioned.sell_order_id], [2, 6, 1, maker.order_id]);
  let last: Json = {};
  await raw.until(() => {
    const status = raw
      .json()
      .filter(({ kind, channel }) => kind === 'delta' && channel === 'status')
      .at(-1);
    last = (status?.statuses as Json[] | undefined)?.at(-1) ?? {};
    return last.phase === 'continuous';
  });
  assert.equal(last.indicative_price, 0);
  assert.equal(last.last_price, auctioned.price);
  // Subscribing again: no trades are repeated; the number shows the last one.
  raw.text({ op: 'subscribe', channel: 'trades', symbol: 'S2' });
  const again = await take(raw, { kind: 'snapshot', channel: 'trades' });
  assert.deepEqual([again.first_no, again.trades], [2, []]);
});

test('every symbol, also one that is defined later', async () => {
  const raw = await open();
  raw.text({ op: 'subscribe', channel: 'bbo', symbol: '*', tag: 1 });
  await take(raw, { kind: 'subscribed', symbol: '*' });
  for (const symbol of ['S1', 'S2', 'S3']) await take(raw, { kind: 'snapshot', symbol });
  venue.defineSymbol(4);
  await take(raw, { kind: 'snapshot', symbol: 'S4' });
  venue.place(1, 4, Side.Sell, 77, 1);
  await take(raw, { kind: 'delta', symbol: 'S4' });
  raw.text({ op: 'unsubscribe', channel: 'bbo', symbol: '*' });
  await take(raw, { kind: 'unsubscribed', symbol: '*' });
  venue.defineSymbol(5);
  venue.place(1, 5, Side.Sell, 77, 1);
  await venue.quiet();
  await sleep(30);
  assert.deepEqual(
    kinds(raw).filter((kind) => kind.includes('S5')),
    [],
  );
});

test('heartbeats are counted, pings answered, symbols can be named by id', async () => {
  const raw = await open();
  assert.equal((await take(raw, { kind: 'heartbeat' })).first_no, 1);
  assert.equal((await take(raw, { kind: 'heartbeat' })).first_no, 2);
  raw.text({ op: 'ping', tag: 99 });
  assert.equal((await take(raw, { kind: 'pong' })).tag, 99);
  raw.text({ op: 'subscribe', channel: 'bbo', symbol: 3 });
  assert.equal((await take(raw, { kind: 'snapshot' })).symbol, 'S3');
  raw.send(9, 'are you there');
  await raw.until(() => raw.messages.some(({ opcode, data }) => opcode === 10 && data.toString() === 'are you there'));
});

test('rejects have codes and the connection stays open; too many faults close it', async () => {
  const raw = await open();
  raw.text({ op: 'subscribe', channel: 'book', symbol: 'NO"PE', tag: 1 });
  assert.equal((await take(raw, { kind: 'refused', tag: 1 })).name, 'UNKNOWN_SYMBOL');
  for (const channel of ['book', 'bbo']) raw.text({ op: 'subscribe', channel, symbol: '*', tag: 2 });
  // Five symbols by now, eight subscriptions allowed.
  assert.equal((await take(raw, { kind: 'refused', tag: 2 })).name, 'BAD_SUBSCRIPTION');
  for (let i = 1; i < 16; i++) {
    raw.text('{');
    assert.equal((await take(raw, { kind: 'refused' })).name, 'MALFORMED_FRAME');
  }
  raw.text({ op: 'ping', tag: 3 });
  await take(raw, { kind: 'pong', tag: 3 });
  raw.text('{');
  await raw.until(() => raw.ended);
  assert.equal(raw.closeCode, 4002);
});

test('the 16th request that no correct client sends closes the connection, whatever its code; wrong symbols do not count', async () => {
  const documented =
    readFileSync(new URL('../docs/MARKET-DATA.md', import.meta.url), 'utf8').match(/ with the 16th request of the[^;]*;/)?.[0] ?? '';
  const counted: [request: object | string, name: string][] = [
    ['{', 'MALFORMED_FRAME'],
    [{ op: 'dance', tag: 1 }, 'UNKNOWN_KIND'],
    [{ op: 'subscribe', channel: 'tape', symbol: 'S1', tag: 1 }, 'BAD_ENUM'],
    [{ op: 'ping', tag: -1 }, 'BAD_RANGE'],
  ];
  const raw = await open();
  for (let i = 0; i < 16; i++) {
    raw.text({ op: 'subscribe', channel: 'bbo', symbol: 'NOPE', tag: 2 });
    assert.equal((await take(raw, { kind: 'refused' })).name, 'UNKNOWN_SYMBOL');
    raw.text({ op: 'unsubscribe', channel: 'bbo', symbol: 'S1', tag: 3 });
    assert.equal((await take(raw, { kind: 'refused' })).name, 'BAD_SUBSCRIPTION');
    const [request, name] = counted[i % counted.length];
    raw.text(request);
    assert.equal((await take(raw, { kind: 'refused' })).name, name);
    assert.ok(documented.includes(`\`${name}\``), name);
  }
  await raw.until(() => raw.ended);
  assert.deepEqual([raw.closeCode, raw.closeReason], [4002, 'too many malformed requests']);
});

test('a reject names the channel and the symbol of the request, and ? for what is unknown', async () => {
  const raw = await open();
  const cases: [request: object, name: string, channel: string, symbol: string][] = [
    [{ op: 'subscribe', channel: 'bbo', symbol: 'NOPE' }, 'UNKNOWN_SYMBOL', 'bbo', '?'],
    [{ op: 'subscribe', channel: 'bbo', symbol: 4711 }, 'UNKNOWN_SYMBOL', 'bbo', '?'],
    [{ op: 'subscribe', channel: 'trades' }, 'BAD_RANGE', 'trades', '?'],
    [{ op: 'subscribe', channel: 'depth', symbol: 'S1' }, 'BAD_ENUM', '?', 'S1'],
    [{ op: 'buy', channel: 'status', symbol: 'S2' }, 'UNKNOWN_KIND', 'status', 'S2'],
    [{ op: 'unsubscribe', channel: 'status', symbol: 'S2' }, 'BAD_SUBSCRIPTION', 'status', 'S2'],
    [{ op: 'unsubscribe', channel: 'trades', symbol: '*' }, 'BAD_SUBSCRIPTION', 'trades', '*'],
    [{ op: 'subscribe', channel: 'bbo', symbol: 'S2', dept: 5 }, 'MALFORMED_FRAME', 'bbo', 'S2'],
  ];
  for (const [i, [request, name, channel, symbol]] of cases.entries()) {
    raw.text({ ...request, tag: 100 + i });
    const answer = await take(raw, { kind: 'refused', tag: 100 + i });
    assert.deepEqual([answer.name, answer.channel, answer.symbol], [name, channel, symbol], JSON.stringify(request));
  }
  raw.text('{');
  const { name, channel, symbol, tag } = await take(raw, { kind: 'refused', tag: 0 });
  assert.deepEqual([name, channel, symbol, tag], ['MALFORMED_FRAME', '?', '?', 0]);
});

test('a request that is too long closes the connection', async () => {
  const raw = await open();
  raw.text(`{"op":"ping","tag":1,"x":"${'x'.repeat(5000)}"}`);
  await raw.until(() => raw.ended);
  assert.equal(raw.closeCode, 1009);
});

test('connections are limited, and other HTTP requests answered', async () => {
  const opened: RawWebSocket[] = [];
  while (venue.market.counters.connectionsNow < 40) opened.push(await open());
  const extra = await open();
  assert.match(extra.status, /503/);
  assert.equal(venue.market.counters.connectionsRejected, 1);
  for (const raw of opened) raw.destroy();
  await opened[0].until(() => venue.market.counters.connectionsNow < 40);
  assert.match((await open()).status, /101/);
  assert.match((await RawWebSocket.open(venue.port, { path: '/v1/order?account=1' })).status, / 400 /, 'the query of another endpoint');
  const response = await fetch(`http://127.0.0.1:${venue.port}/`);
  assert.equal(response.status, 426);
  await response.text();
});

test('a port that is in use gives an error with a code', async () => {
  const second = new MarketSockets(new MarketData({ orders: 16 }, venue.engine.directory), { identity: EVERYBODY });
  await assert.rejects(second.listen('127.0.0.1', venue.port), { code: 'EADDRINUSE' });
  await second.stop();
});

test('stop closes every connection with a close code', async () => {
  const short = await MarketVenue.start(1);
  const raw = await RawWebSocket.open(short.port);
  await short.stop();
  await raw.until(() => raw.ended);
  assert.equal(raw.closeCode, 1001);
});

test('events without a reader are not flushed: the first reader gets their state, and its latency does not count them', async () => {
  const idle = await MarketVenue.start(1, {});
  try {
    const { counters } = idle.market;
    idle.place(1, 1, Side.Buy, 900, 5);
    await idle.quiet();
    assert.deepEqual([counters.flushes, counters.publishLatency.latency.count], [0, 0]);
    const raw = await RawWebSocket.open(idle.port, { protocol: 'json-raw' });
    raws.push(raw);
    raw.text({ op: 'subscribe', channel: 'book', symbol: 'S1', tag: 1 });
    const snapshot = await take(raw, { kind: 'snapshot', channel: 'book', symbol: 'S1' });
    assert.deepEqual(
      (snapshot.levels as Json[]).map(({ seq, ...level }) => level),
      [{ side: 'buy', price: 900, quantity: 5, orders: 1 }],
    );
    assert.equal(counters.publishLatency.latency.count, 0);
    idle.place(1, 1, Side.Buy, 900, 2);
    assert.equal((await take(raw, { kind: 'delta' })).first_no, (snapshot.first_no as number) + 1);
    assert.ok(counters.publishLatency.latency.count > 0);
  } finally {
    await idle.stop();
  }
});
