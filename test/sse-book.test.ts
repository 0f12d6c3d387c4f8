import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOrders, readTrades } from '../feeds/files/order-flow-csv.ts';
import { RecordingBook } from './support/recording-book.ts';
import { missing, sharedData } from './support/shared-data.ts';

const MILLI_PER_TICK = 10;

/** What the exchange printed: continuous trades in order, and of each auction the lots that each order received. */
interface Printed {
  readonly continuous: string[];
  readonly auctionLots: Map<number, number>;
}

async function printed(path: string): Promise<Printed> {
  const continuous: string[] = [];
  const auctionLots = new Map<number, number>();
  for await (const { phase, buyOrderId, sellOrderId, priceMilli, quantity } of readTrades(path)) {
    if (phase === 'continuous') continuous.push(`${buyOrderId} ${sellOrderId} ${priceMilli / MILLI_PER_TICK} ${quantity}`);
    else for (const id of [buyOrderId, sellOrderId]) addTo(auctionLots, id, quantity);
  }
  return { continuous, auctionLots };
}

function addTo(lots: Map<number, number>, id: number, quantity: number): void {
  lots.set(id, (lots.get(id) ?? 0) + quantity);
}

for (const symbol of ['600536', '600961', '605580']) {
  const ordersPath = sharedData('sse', `${symbol}.orders.csv.gz`);
  const tradesPath = sharedData('sse', `${symbol}.trades.csv.gz`);
  describe(`a trading day of ${symbol}`, { skip: missing(ordersPath, tradesPath) }, () => {
    it("is reproduced trade by trade, both auctions by price, volume and each order's quantity", async () => {
      const expected = await printed(tradesPath);
      const real = new RecordingBook({ orders: 2 ** 16, pages: 4096, maxPrice: 2 ** 14 });
      const continuous: string[] = [];
      const auctionLots = new Map<number, number>();
      let phase = '';
      let uncrosses = 0;
      let lastPrice = 0;
      for await (const row of readOrders(ordersPath)) {
        real.trades = [];
        if (row.op === 'phase') phase = row.phase;
        else if (row.op === 'cancel') assert.ok(real.cancel(row.orderId), `line ${row.line}: order ${row.orderId} rests`);
        else if (row.op === 'new') {
          const side = row.side === 'B' ? 0 : 1;
          const left = real.enter(row.orderId, side, row.priceMilli / MILLI_PER_TICK, row.quantity, { collect: phase === 'auction' });
          assert.equal(left, 0, `line ${row.line}: the book has room`);
          for (const [maker, taker, price, quantity] of real.trades) {
            continuous.push(`${side === 0 ? taker : maker} ${side === 0 ? maker : taker} ${price} ${quantity}`);
            lastPrice = price;
          }
        } else {
          real.audit(true);
          real.book.indicate(lastPrice);
          assert.deepEqual(
            [real.book.indicativePrice, real.book.indicativeVolume],
            [row.priceMilli / MILLI_PER_TICK, row.quantity],
            `line ${row.line}`,
          );
          real.book.uncross(lastPrice);
          real.audit();
          for (const [buy, sell, price, quantity] of real.trades) {
            assert.equal(price, row.priceMilli / MILLI_PER_TICK);
            addTo(auctionLots, buy, quantity);
            addTo(auctionLots, sell, quantity);
          }
          uncrosses++;
        }
      }
      assert.equal(uncrosses, 2);
      assert.ok(continuous.length > 10_000, `${continuous.length} trades`);
      assert.deepEqual(continuous, expected.continuous);
      assert.deepEqual([...auctionLots].sort(byId), [...expected.auctionLots].sort(byId));
    });
  });
}

function byId([a]: [number, number], [b]: [number, number]): number {
  return a - b;
}
