/** Readers without credentials have a budget of their own, and give way first. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { Channel } from '../engine/wire/layout.ts';
import { Candles } from '../feeds/analysis/candles.ts';
import { PublicReaders } from '../gateway/endpoints/websocket/public-readers.ts';
import { FORMATS } from '../gateway/market/formats/formats.ts';
import { MarketConnection } from '../gateway/market/market-connection.ts';
import { MarketCounters } from '../gateway/market/market-counters.ts';
import { MarketData, type MarketDataOptions } from '../gateway/market/market-data.ts';
import { FanOut } from '../gateway/market/market-fan-out.ts';
import { MirrorOrders } from '../gateway/market/mirror-orders.ts';
import { CloseCause, type ReaderSocket } from '../gateway/market/reader-socket.ts';
import { DEFAULT_SLOW_READER } from '../gateway/market/slow-reader.ts';
import { SymbolFeed } from '../gateway/market/symbol-feed.ts';
import type { SessionOwner } from '../gateway/session-info.ts';
import { WorkBudget } from '../gateway/work-budget.ts';

const SYMBOLS = Array.from({ length: 300 }, (_, i) => ({
  ...{ id: i + 1, name: `S${i + 1}`, tickMantissa: 1, tickDecimals: 2, lotMantissa: 1, lotDecimals: 3 },
}));

const OWNER: SessionOwner = { subject: 'public', via: 'token', protocol: 'WebSocket market data', address: '127.0.0.1', sinceMs: 0 };

/** What a reader got, and why it was closed. */
class Reader implements ReaderSocket {
  readonly name: string;
  readonly order: string[];
  readonly messages: string[] = [];
  closed: CloseCause | undefined;
  onClosed: () => void = () => undefined;

  constructor(name: string, order: string[]) {
    this.name = name;
    this.order = order;
  }

  /** Takes longer than all snapshots of a flush may take, so that each reader is served in a flush of its own. */
  slow = false;

  buffered(): number {
    for (const end = performance.now() + 1; this.slow && performance.now() < end; );
    return 0;
  }

  send(frame: Uint8Array): void {
    this.messages.push(Buffer.from(frame).toString());
    this.order.push(this.name);
  }

  sendPiece(piece: Uint8Array): void {
    this.send(piece);
  }

  cork(work: () => void): void {
    work();
  }

  close(cause: CloseCause): void {
    this.closed = cause;
    this.onClosed();
  }
}

function start(t: TestContext, options: Partial<MarketDataOptions> = {}) {
  const market = new MarketData({ orders: 16, heartbeatMs: 20, ...options }, { version: 1, symbols: () => SYMBOLS });
  market.start();
  market.onMarketEnd();
  t.after(() => market.stop());
  const order: string[] = [];
  const open = (name: string, isPublic: boolean): { readonly reader: Reader; readonly connection: MarketConnection } => {
    const reader = new Reader(name, order);
    const connection = market.open(reader, FORMATS[2], Number.POSITIVE_INFINITY, OWNER, isPublic);
    reader.onClosed = () => market.onClosed(connection);
    return { reader, connection };
  };
  const ask = (connection: MarketConnection, request: object): void =>
    market.onRequest(connection, Buffer.from(JSON.stringify(request)), false);
  return { market, open, ask };
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
}

it('each address has its share of the connections, and gets it back', () => {
  const readers = new PublicReaders(5, 2);
  const leaves = [readers.enter('10.0.0.1'), readers.enter('10.0.0.1')];
  assert.equal(readers.enter('10.0.0.1'), undefined);
  // Addresses of one 64-bit network are one.
  assert.ok(readers.enter('2001:db8::1'));
  assert.ok(readers.enter('2001:db8::2'));
  assert.equal(readers.enter('2001:db8::3'), undefined);
  assert.ok(readers.enter('10.0.0.2'));
  assert.equal(readers.enter('10.0.0.3'), undefined, 'all places are taken');
  leaves[0]?.();
  assert.ok(readers.enter('10.0.0.1'));
  assert.equal(readers.count, 5);
});

it('a reader with credentials takes the place of the newest one without', (t) => {
  const { market, open } = start(t, { maxConnections: 3 });
  const readers = [open('a', true), open('b', false), open('c', true)];
  assert.equal(market.hasRoom(true), false);
  assert.equal(market.hasRoom(), true);
  assert.deepEqual(
    readers.map(({ reader }) => reader.closed),
    [undefined, undefined, CloseCause.Busy],
  );
  assert.deepEqual([market.counters.publicNow, market.counters.publicCut], [1, 1]);
});

it('a reader without credentials has fewer subscriptions', async (t) => {
  const { open, ask } = start(t);
  const { reader, connection } = open('a', true);
  ask(connection, { op: 'subscribe', channel: 'bbo', symbol: '*', tag: 1 });
  await until(() => reader.messages.length > 0);
  assert.equal(JSON.parse(reader.messages[0]).name, 'BAD_SUBSCRIPTION');
  const other = open('b', false);
  ask(other.connection, { op: 'subscribe', channel: 'bbo', symbol: '*', tag: 1 });
  await until(() => other.reader.messages.length > 300);
  assert.equal(JSON.parse(other.reader.messages[0]).kind, 'subscribed');
});

it('readers with credentials are served first', async () => {
  const counters = new MarketCounters();
  const fanOut = new FanOut(counters, () => 0);
  const feed = new SymbolFeed(1, 'S1', new MirrorOrders(16), new Candles());
  const order: string[] = [];
  const names = ['public 1', 'own 1', 'public 2', 'own 2'];
  for (const name of names) {
    const rights = { isPublic: name.startsWith('public'), maxSubscriptions: 8, budget: new WorkBudget({ share: 1, burstMs: 1000 }) };
    const socket = new Reader(name, order);
    socket.slow = true;
    const reader = new MarketConnection(socket, FORMATS[2], 0, OWNER, 1, 0, DEFAULT_SLOW_READER, rights, counters, () => undefined);
    reader.subscribe(feed.channels[Channel.Book], 0);
    fanOut.wait(reader);
  }
  await until(() => order.length === names.length);
  fanOut.stop();
  assert.deepEqual(order, ['own 1', 'own 2', 'public 1', 'public 2']);
  assert.ok(counters.publicMs > 0, 'the time for readers without credentials is measured');
});

it('while sending to them takes more than their share of the thread, the newest are cut', async (t) => {
  const { market, open } = start(t);
  const readers = Array.from({ length: 8 }, (_, i) => open(`reader ${i}`, i !== 3).reader);
  assert.equal(market.counters.publicNow, 7);
  market.counters.publicMs += 1e9;
  await until(() => market.counters.publicCut > 0);
  assert.deepEqual(
    readers.map(({ closed }) => closed),
    readers.map((_, i) => (i === 3 ? undefined : CloseCause.Busy)),
  );
});
