/** Recorded markets in an embedded exchange: a day order by order, and books and trades of files. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createExchange, type EmbeddedExchange } from '../engine/index.ts';
import { demoCapture, type MarketChange, MarketPlayer, OrderFlowPlayer, readMarket, readOrders, readTrades } from '../feeds/index.ts';
import { missing, sharedData } from './support/shared-data.ts';

const LIMITS = {
  orders: 2 ** 16,
  pages: 4096,
  accounts: 8,
  assets: 4,
  symbols: 4,
  rememberedOrders: 2 ** 16,
  rememberedKeys: 16,
  ordersPerAccount: 2 ** 16,
  pagesPerAccount: 4096,
};

function open(tickSize: string, lotSize: string, decimals: number, maxPrice: string, orders = LIMITS.orders): EmbeddedExchange {
  return createExchange({
    limits: { ...LIMITS, orders, rememberedOrders: orders, ordersPerAccount: orders, rememberedOrdersPerAccount: orders },
    assets: [
      { name: 'QUOTE', decimals },
      { name: 'BASE', decimals: 8 },
    ],
    symbols: [{ name: 'S', base: 'BASE', quote: 'QUOTE', tickSize, lotSize, maxPrice }],
    accounts: ['market', 'taker', 'me'].map((name) => ({ name, deposits: { QUOTE: 2e15, BASE: 2e15 } })),
  });
}

/** The recorded book of an instrument, as the last changes say. */
class PlainBook {
  readonly levels = { buy: new Map<string, string>(), sell: new Map<string, string>() };

  apply(change: MarketChange): void {
    if (change.kind === 'trade') return;
    if (change.whole) for (const side of ['buy', 'sell'] as const) this.levels[side].clear();
    for (const { side, price, quantity } of change.levels) {
      if (/[1-9]/.test(quantity)) this.levels[side].set(price, quantity);
      else this.levels[side].delete(price);
    }
  }

  /** Best first, as numbers. */
  side(side: 'buy' | 'sell'): [number, number][] {
    const sign = side === 'buy' ? -1 : 1;
    return [...this.levels[side]]
      .map(([price, quantity]) => [Number(price), Number(quantity)] as [number, number])
      .sort((a, b) => sign * (a[0] - b[0]));
  }
}

function bookOf(exchange: EmbeddedExchange): [number, number][][] {
  const { bids, asks } = exchange.book('S');
  return [bids, asks].map((levels) => levels.map(({ price, quantity }) => [Number(price), Number(quantity)]));
}

/** Plays changes, and compares the books at each update that is not crossed. */
function playAll(exchange: EmbeddedExchange, player: MarketPlayer, book: PlainBook, change: MarketChange): number {
  player.apply(change);
  book.apply(change);
  const [bids, asks] = [book.side('buy'), book.side('sell')];
  if (change.kind === 'trade' || (bids.length > 0 && asks.length > 0 && bids[0][0] >= asks[0][0])) return 0;
  assert.deepEqual(bookOf(exchange), [bids, asks], JSON.stringify(change));
  return 1;
}

describe('a recorded market in an embedded exchange', () => {
  it('has the books of the shipped capture, at their times', async () => {
    const exchange = open('0.01', '0.0001', 6, '500000.00');
    const player = new MarketPlayer(exchange, { symbol: 'S', maker: 'market', taker: 'taker' });
    const book = new PlainBook();
    let [compared, trades, lastUs] = [0, 0, 0];
    for await (const change of readMarket(demoCapture(), { instruments: ['BTC-USD'] })) {
      compared += playAll(exchange, player, book, change);
      if (change.kind === 'trade') trades++;
      lastUs = Math.max(lastUs, change.timeUs);
    }
    assert.ok(compared > 100 && trades > 10, `${compared} books, ${trades} trades`);
    assert.deepEqual([player.rejected, exchange.nowUs], [0, lastUs]);
  });

  const [lobster, orders, prints] = [
    sharedData('lobster', 'AAPL_message_10.csv'),
    sharedData('sse', '605580.orders.csv.gz'),
    sharedData('sse', '605580.trades.csv.gz'),
  ];
  it('has the books of LOBSTER after each event', { skip: missing(lobster) }, async () => {
    const exchange = open('0.0001', '1', 4, '1000.0000');
    const player = new MarketPlayer(exchange, { symbol: 'S', maker: 'market', taker: 'taker' });
    const book = new PlainBook();
    let compared = 0;
    for await (const change of readMarket(lobster)) compared += playAll(exchange, player, book, change);
    assert.ok(compared > 500, `${compared} books`);
    assert.equal(player.rejected, 0);
  });

  it('is a trading day of Shanghai trade by trade', { skip: missing(orders, prints) }, async () => {
    const exchange = open('0.01', '1', 2, '1000.00');
    const player = new OrderFlowPlayer(exchange, { symbol: 'S', account: 'market' });
    const ids = new Map<number, number>();
    const trades: string[] = [];
    exchange.on('report', ({ kind, orderId, clientOrderId }) => {
      if (kind === 'accepted') ids.set(orderId, clientOrderId);
    });
    exchange.on('trade', ({ auction, aggressor, makerOrderId, takerOrderId, priceTicks, quantityLots }) => {
      if (auction) return;
      const [maker, taker] = [ids.get(makerOrderId), ids.get(takerOrderId)];
      trades.push(`${aggressor === 'buy' ? `${taker} ${maker}` : `${maker} ${taker}`} ${priceTicks * 10} ${quantityLots}`);
    });
    let uncrosses = 0;
    let lastMs = 0;
    for await (const row of readOrders(orders)) {
      lastMs = row.timeMs;
      const result = player.apply(row);
      if (row.op !== 'uncross') continue;
      uncrosses++;
      assert.deepEqual([(result?.priceTicks ?? 0) * 10, result?.volumeLots], [row.priceMilli, row.quantity], `line ${row.line}`);
    }
    const expected: string[] = [];
    for await (const { phase, buyOrderId, sellOrderId, priceMilli, quantity } of readTrades(prints))
      if (phase === 'continuous') expected.push(`${buyOrderId} ${sellOrderId} ${priceMilli} ${quantity}`);
    assert.ok(expected.length > 5000);
    assert.deepEqual(trades, expected);
    assert.deepEqual([uncrosses, player.rejected, exchange.nowUs], [2, 0, lastMs * 1000]);
  });

  it('is followed by random changes with an own order in the book, which trades as the recorded takers do', () => {
    const levels = fc.array(
      fc.record({
        side: fc.constantFrom('buy' as const, 'sell' as const),
        at: fc.integer({ min: 1, max: 8 }),
        quantity: fc.integer({ min: 0, max: 9 }),
      }),
      { maxLength: 6 },
    );
    const changes = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('book' as const), whole: fc.constantFrom(false, false, true), levels }),
        fc.record({
          kind: fc.constant('trade' as const),
          taker: fc.constantFrom('buy' as const, 'sell' as const),
          at: fc.integer({ min: 1, max: 8 }),
          quantity: fc.integer({ min: 1, max: 12 }),
        }),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(changes, (script) => {
        const exchange = open('0.01', '1', 2, '200.00', 256);
        const player = new MarketPlayer(exchange, { symbol: 'S', maker: 'market', taker: 'taker' });
        const book = new PlainBook();
        const priceOf = (side: 'buy' | 'sell', at: number): string => (side === 'buy' ? `${100 - at}.00` : `${100 + at}.00`);
        for (const [index, step] of script.entries()) {
          const common = { instrument: 'X', timeUs: index };
          if (step.kind === 'book') {
            const given = step.levels.map(({ side, at, quantity }) => ({ side, price: priceOf(side, at), quantity: String(quantity) }));
            playAll(exchange, player, book, { ...common, kind: 'book', whole: step.whole, levels: given });
          } else {
            const price = priceOf(step.taker === 'buy' ? 'sell' : 'buy', step.at);
            player.apply({ ...common, kind: 'trade', taker: step.taker, price, quantity: String(step.quantity), tradeId: 0 });
          }
        }
      }),
      { numRuns: 30 },
    );
    const exchange = open('0.01', '1', 2, '200.00');
    const player = new MarketPlayer(exchange, { symbol: 'S', maker: 'market', taker: 'taker' });
    player.apply({ kind: 'book', instrument: 'X', timeUs: 0, whole: true, levels: [{ side: 'buy', price: '99.00', quantity: '5' }] });
    const mine = exchange.place({ account: 'me', symbol: 'S', side: 'buy', quantity: '2', price: '99.50' });
    player.apply({ kind: 'trade', instrument: 'X', timeUs: 1, price: '99.00', quantity: '3', taker: 'sell', tradeId: 1 });
    assert.equal(exchange.order({ account: 'me', orderId: mine.orderId }), undefined, 'it was filled');
    player.apply({ kind: 'trade', instrument: 'other', timeUs: 9, price: '99.00', quantity: '3', taker: 'sell', tradeId: 1 });
    assert.deepEqual([player.changes, exchange.nowUs], [2, 1]);
  });
});
