import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../bench/suite/free-port.ts';
import { CommandKind, Phase } from '../engine/wire/layout.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import type { LocalBook, LocalOrderBook } from '../gateway/client/local-book.ts';
import type { MarketClient } from '../gateway/client/market.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { eventually, sameAsEngine, sameBook } from './support/market-check.ts';
import { MarketVenue } from './support/market-venue.ts';

const SYMBOLS = 2;
const FORMATS = ['binary', 'json-raw'] as const;

interface Reader {
  readonly what: string;
  readonly client: MarketClient;
  readonly symbol: number;
  readonly book: LocalBook | LocalOrderBook;
}

async function reader(
  venue: MarketVenue,
  what: string,
  format: 'binary' | 'json-raw',
  level3: boolean,
  symbol: number,
  port = venue.port,
): Promise<Reader> {
  const client = venue.client({ format, port });
  const book = level3 ? await client.orderBook(`S${symbol}`) : await client.book(`S${symbol}`);
  return { what: `${what}, ${format}, ${level3 ? 'by order' : 'by level'}`, client, symbol, book };
}

async function check(venue: MarketVenue, readers: readonly Reader[]): Promise<void> {
  await venue.quiet();
  for (const { what, symbol, book } of readers) {
    const mirror = venue.market.book(symbol);
    assert.ok(mirror);
    await eventually(() => sameBook(book, mirror)).catch((error: Error) => {
      error.message = `${what}: ${error.message}`;
      throw error;
    });
  }
  assert.ok(sameAsEngine(venue, SYMBOLS) > 50, 'there are books to compare');
}

for (const seed of [11, 12]) {
  test(`every reader has the engine's book: steady, late, dropped, lagging ones (seed ${seed})`, { timeout: 300_000 }, async (t) => {
    const venue = await MarketVenue.start(SYMBOLS, { slowReader: { softLimitBytes: 32 * 1024, lagLimitMs: 60_000, resyncLimit: 1000 } });
    t.after(() => venue.stop());
    const prng = new Prng(seed);
    const cutting = await FlakyProxy.start(venue.port);
    const stalling = await FlakyProxy.start(venue.port);
    t.after(() => {
      cutting.stop();
      stalling.stop();
    });
    const readers: Reader[] = [];
    for (const format of FORMATS) {
      for (const level3 of [false, true]) {
        readers.push(await reader(venue, 'steady', format, level3, 1));
        readers.push(await reader(venue, 'dropped', format, level3, 1, cutting.port));
        readers.push(await reader(venue, 'lagging', format, level3, 2, stalling.port));
      }
    }
    for (let round = 0; round < 8; round++) {
      if (round % 4 === 1) stalling.stall();
      if (round === 1) {
        // More than the kernel keeps for a reader: the exchange has to drop it, and to bring it back.
        for (let churn = 0; churn < 8; churn++) {
          await venue.fill(2);
          await venue.sweep(2);
        }
        await venue.fill(2);
      }
      await venue.load(prng, 1500, SYMBOLS);
      if (round % 2 === 0) cutting.cut();
      // One reader that connects during the load, and one that disconnects.
      const late = reader(venue, 'late', FORMATS[round % 2], round % 4 < 2, 1 + (round % SYMBOLS));
      await venue.load(prng, 500, SYMBOLS);
      if (round === 3) venue.phase(1, Phase.Auction);
      if (round === 5) {
        venue.do({ kind: CommandKind.Uncross, symbol: 1 });
        venue.phase(1, Phase.Continuous);
      }
      if (round % 4 === 3) stalling.flow();
      readers.push(await late);
      if (round % 4 !== 1 && round % 4 !== 2) await check(venue, readers);
      if (round % 3 === 2) await readers.splice(prng.below(4), 1)[0].client.close();
    }
    assert.ok(venue.market.counters.resyncs > 0, 'some lagged');
    assert.ok(cutting.connections > 4, 'connections were closed and reopened');
    for (const { what, client, book } of readers) {
      if (what.startsWith('dropped')) assert.ok(client.reconnects >= 1, what);
      if (what.startsWith('steady')) assert.deepEqual([client.reconnects, book.snapshots], [0, 1], what);
    }
  });
}

test('a reader that lost one update detects it, requests a snapshot, and is correct again', async (t) => {
  const venue = await MarketVenue.start(1);
  t.after(() => venue.stop());
  const { client, book } = await reader(venue, 'losing', 'binary', true, 1);
  const apply = book.apply.bind(book) as (frame: unknown) => string;
  let lost = 0;
  // The third delta never arrives.
  Object.assign(book, {
    apply: (frame: { kind: string }) => (frame.kind === 'delta' && ++lost === 3 ? 'applied' : apply(frame)),
  });
  let gaps = 0;
  book.on('gap', () => gaps++);
  const prng = new Prng(5);
  for (let i = 0; i < 10; i++) await venue.load(prng, 100, 1);
  await venue.quiet();
  const mirror = venue.market.book(1);
  assert.ok(mirror);
  await eventually(() => sameBook(book, mirror));
  assert.equal(gaps, 1);
  assert.equal(book.snapshots, 2);
  assert.equal(client.reconnects, 0);
});

test('after a restart the readers reconnect automatically, to the same books and numbers of trades', { timeout: 300_000 }, async (t) => {
  const venue = await MarketVenue.start(SYMBOLS, {}, await freePort());
  t.after(() => venue.stop());
  const readers = [await reader(venue, 'binary', 'binary', true, 1), await reader(venue, 'json-raw', 'json-raw', false, 2)];
  const ids: number[] = [];
  const gaps: number[][] = [];
  const { client } = readers[0];
  await client.trades('S1', { onItem: ({ tradeId }) => ids.push(tradeId), onGap: (_, from, to) => gaps.push([from, to]) });
  const prng = new Prng(21);
  await venue.load(prng, 2000, SYMBOLS);
  await check(venue, readers);
  const before = [1, 2].map((symbol) => venue.market.book(symbol)?.list(0));
  await venue.restart();
  assert.deepEqual(
    [1, 2].map((symbol) => venue.market.book(symbol)?.list(0)),
    before,
    'the recovered books, in priority',
  );
  await eventually(() => assert.equal(venue.market.counters.snapshots, 3, 'all three subscriptions are back'));
  await venue.load(prng, 500, SYMBOLS);
  await check(venue, readers);
  const trades = venue.market.book(1)?.lastTradeId ?? 0;
  await eventually(() => assert.equal(ids.at(-1), trades));
  // Nothing traded while they were away, and the numbers went on.
  assert.deepEqual(
    ids,
    Array.from({ length: trades }, (_, i) => i + 1),
  );
  assert.deepEqual(gaps, []);
});
