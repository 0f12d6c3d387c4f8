import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveLimits } from '../engine/limits.ts';
import { CommandKind, Instruction, Phase, ReportKind } from '../engine/wire/layout.ts';
import { ReportFlag } from '../engine/wire/names.ts';
import { type OrderRow, readOrders, readTrades } from '../feeds/files/order-flow-csv.ts';
import { Harness, type ReportFields, SYMBOL } from './support/exchange-fixture.ts';
import { type DayOrder, type DayTrade, NaiveDay } from './support/naive-day.ts';
import { missing, sharedData } from './support/shared-data.ts';

const MILLI_PER_TICK = 10;
const MAX_PRICE = 2 ** 14;
const EVERY = 10;
/** An iceberg displays this part of its quantity at a time. */
const DISPLAYED = 5;
const LIMITS = resolveLimits({
  ...{ orders: 2 ** 16, ordersPerAccount: 2 ** 16, pages: 2 ** 10, pagesPerAccount: 2 ** 10, accounts: 4, assets: 4, symbols: 4 },
  ...{ rememberedOrders: 2 ** 17, rememberedOrdersPerAccount: 2 ** 17 },
});
const PHASES = { auction: Phase.Auction, continuous: Phase.Continuous, closed: Phase.Closed };

/** What a day came to. */
interface Day {
  readonly trades: readonly DayTrade[];
  readonly auctions: readonly { price: number; volume: number }[];
}

/** Of the orders, every tenth is an iceberg or hidden, in turn, of the same quantity. @param changed none is if false */
async function ordersOf(path: string, changed: boolean): Promise<(OrderRow | (DayOrder & { op: 'enter' }))[]> {
  const rows = [];
  let count = 0;
  for await (const row of readOrders(path)) {
    if (row.op !== 'new') {
      rows.push(row);
      continue;
    }
    const { orderId: id, quantity } = row;
    const isTenth = changed && ++count % EVERY === 0;
    const display = !isTenth ? quantity : count % (2 * EVERY) === 0 ? 0 : Math.ceil(quantity / DISPLAYED);
    rows.push({
      op: 'enter' as const,
      id,
      side: row.side === 'B' ? (0 as const) : (1 as const),
      price: row.priceMilli / MILLI_PER_TICK,
      quantity,
      display,
    });
  }
  return rows;
}

function byTwin(rows: Awaited<ReturnType<typeof ordersOf>>): Day {
  const day = new NaiveDay(MAX_PRICE);
  const auctions = [];
  let collects = false;
  for (const row of rows) {
    if (row.op === 'phase') collects = row.phase === 'auction';
    else if (row.op === 'enter') day.enter(row, collects);
    else if (row.op === 'cancel') day.cancel(row.orderId);
    else if (row.op === 'uncross') auctions.push(day.uncross(lastPrice(day.trades)));
  }
  return { trades: day.trades, auctions };
}

function byExchange(rows: Awaited<ReturnType<typeof ordersOf>>): Day {
  const harness = new Harness(LIMITS).setUp(1, {}, { usd: 2 ** 51, btc: 2 ** 51 });
  const trades: DayTrade[] = [];
  const auctions = [];
  for (const row of rows) {
    if (row.op === 'enter') {
      const { id, side, price, quantity, display } = row;
      const plain = { kind: CommandKind.New, account: 1, symbol: SYMBOL, clientOrderId: id, side, price, quantity };
      const extension = display === 0 ? { instructions: Instruction.Hidden } : { displayedQuantity: display };
      const { reports } = harness.do(display === quantity ? plain : { ...plain, extension });
      assert.equal(reports[0].kind, ReportKind.Accepted, `order ${id}`);
      trades.push(...tradesOf(reports));
    } else if (row.op === 'cancel') harness.do({ kind: CommandKind.Cancel, account: 1, clientOrderId: row.orderId });
    else if (row.op === 'phase') harness.phase(PHASES[row.phase]);
    else {
      const { reports } = harness.do({ kind: CommandKind.Uncross, symbol: SYMBOL });
      const fills = tradesOf(reports);
      trades.push(...fills);
      auctions.push({ price: lastPrice(fills), volume: volumeOf(fills) });
    }
  }
  for (const asset of [1, 2]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
  return { trades, auctions };
}

/** Each trade has two fills, one after the other: the maker's and the taker's, or the buyer's and the seller's. */
function tradesOf(reports: readonly ReportFields[]): DayTrade[] {
  const fills = reports.filter(({ kind }) => kind === ReportKind.Fill);
  const trades: DayTrade[] = [];
  for (let i = 0; i < fills.length; i += 2) {
    const [one, other] = [fills[i], fills[i + 1]];
    assert.deepEqual([one.tradeId, one.price, one.quantity], [other.tradeId, other.price, other.quantity]);
    assert.equal((one.flags ^ other.flags) & ReportFlag.Auction, 0);
    const [buy, sell] = one.side === 0 ? [one, other] : [other, one];
    trades.push(`${buy.clientOrderId} ${sell.clientOrderId} ${one.price} ${one.quantity}`);
  }
  return trades;
}

function lastPrice(trades: readonly DayTrade[]): number {
  return Number(trades.at(-1)?.split(' ')[2] ?? 0);
}

function volumeOf(trades: readonly DayTrade[]): number {
  return trades.reduce((sum, trade) => sum + Number(trade.split(' ')[3]), 0);
}

for (const symbol of ['600536', '600961', '605580']) {
  const ordersPath = sharedData('sse', `${symbol}.orders.csv.gz`);
  const tradesPath = sharedData('sse', `${symbol}.trades.csv.gz`);
  describe(`a trading day of ${symbol}`, { skip: missing(ordersPath, tradesPath) }, () => {
    it('comes back from the twin as it was', async () => {
      const { trades, auctions } = byTwin(await ordersOf(ordersPath, false));
      const printed: string[] = [];
      for await (const { phase, buyOrderId, sellOrderId, priceMilli, quantity } of readTrades(tradesPath))
        if (phase === 'continuous') printed.push(`${buyOrderId} ${sellOrderId} ${priceMilli / MILLI_PER_TICK} ${quantity}`);
      const inAuctions = auctions.map(({ volume }) => volume);
      let first = 0;
      for (let volume = 0; volume < inAuctions[0]; first++) volume += volumeOf([trades[first]]);
      assert.deepEqual(trades.slice(first, first + printed.length), printed);
      assert.equal(volumeOf(trades.slice(first + printed.length)), inAuctions[1]);
    });

    it('with every tenth order an iceberg or hidden has the trades, the volume and the closing price of the twin', async (t) => {
      const rows = await ordersOf(ordersPath, true);
      const [real, naive, plain] = [byExchange(rows), byTwin(rows), byTwin(await ordersOf(ordersPath, false))];
      const close = real.auctions[1];
      t.diagnostic(
        `${real.trades.length} trades, ${volumeOf(real.trades)} lots, closing price ${close.price}; plain: ${plain.trades.length} trades`,
      );
      assert.deepEqual(
        [volumeOf(real.trades), real.trades.length, real.auctions],
        [volumeOf(naive.trades), naive.trades.length, naive.auctions],
      );
      assert.deepEqual(real.trades, naive.trades);
      assert.notDeepEqual(real.trades, plain.trades);
    });
  });
}
