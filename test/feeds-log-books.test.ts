import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveLimits } from '../engine/limits.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { allocateRing, RingConsumer } from '../engine/rings/ring.ts';
import { SpillingProducer } from '../engine/rings/spilling-producer.ts';
import { nameAt } from '../engine/rules/accounts.ts';
import { replayLog } from '../engine/threads/replay-log.ts';
import { MarketField } from '../engine/wire/market-event.ts';
import { fileBooks } from '../feeds/files/file-books.ts';
import { BookMirror } from '../gateway/market/book-mirror.ts';
import { MirrorOrders } from '../gateway/market/mirror-orders.ts';
import { OLD_DATA, unpackOldData } from './support/old-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-log-books-'));
after(() => rmSync(folder, { recursive: true }));

/** `BTC-USD bid 99.50 0.20`, level by level, as the mirrors of market data have them. */
function mirrored(dir: string): string[] {
  const limits = resolveLimits({});
  const rings = [128, 64].map((slotBytes) => allocateRing({ slotBytes, capacity: 2 ** 16, consumers: 1 }));
  const [reports, market] = rings.map((ring) => new SpillingProducer(ring));
  const [, events] = rings.map((ring) => new RingConsumer(ring));
  const exchange = new Exchange(limits, { reports, market });
  replayLog(exchange, dir, 1);
  exchange.endBatch();
  market.publish();
  const orders = new MirrorOrders(limits.orders);
  const mirrors = new Map<number, BookMirror>();
  for (let slot = events.next(); slot !== -1; slot = events.next()) {
    const symbol = events.slots.u32[slot * 16 + MarketField.symbol];
    const mirror = mirrors.get(symbol) ?? new BookMirror(symbol, orders);
    mirrors.set(symbol, mirror);
    mirror.apply(events.slots, slot);
  }
  const { symbols } = exchange;
  const text = (units: number, mantissa: number, decimals: number) => ((units * mantissa) / 10 ** decimals).toFixed(decimals);
  return [...mirrors].flatMap(([symbol, mirror]) =>
    ['bid', 'ask'].flatMap((side, index) =>
      mirror.depth(index).map(({ price, quantity }) => {
        const priceText = text(price, symbols.tickMantissa[symbol], symbols.tickDecimals[symbol]);
        return `${nameAt(symbols.names, symbol)} ${side} ${priceText} ${text(quantity, symbols.lotMantissa[symbol], symbols.lotDecimals[symbol])}`;
      }),
    ),
  );
}

for (const name of OLD_DATA) {
  test(`the log of ${name} has the books that market data publishes`, async () => {
    const dir = unpackOldData(mkdtempSync(join(folder, name)), name);
    const { format, books, faults, records } = await fileBooks(dir, 1000);
    assert.equal(format, 'log');
    assert.ok(records > 0);
    assert.deepEqual([...faults], []);
    const own = books.flatMap(({ instrument, bids, asks }) => [
      ...bids.map(([price, quantity]) => `${instrument} bid ${price} ${quantity}`),
      ...asks.map(([price, quantity]) => `${instrument} ask ${price} ${quantity}`),
    ]);
    assert.deepEqual(own.sort(), mirrored(dir).sort());
    assert.ok(own.length > 0 && books.some(({ trades }) => trades > 0));
    assert.deepEqual(
      books.map(({ crossed }) => crossed),
      books.map(() => 0),
    );
  });
}

test('a directory without a log is an error, not a log without books', async () => {
  const dir = mkdtempSync(join(folder, 'empty-'));
  await assert.rejects(fileBooks(dir, 10), { code: 'LOG_EMPTY', message: /^\/.*empty-.*there is no log with a command/ });
});
