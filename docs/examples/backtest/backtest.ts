/**
 * A market maker in a recorded market: own orders stand in the book, and trade with the recorded takers.
 *
 *     node backtest.ts [FILE]
 *
 * FILE is a recorded trading day (NAME.orders.csv.gz, docs/REPLAY.md) or a recorded market (docs/FEEDS.md). Default: the capture that comes with openbell.
 */
import { createExchange, type EmbeddedExchange, type OpenOrderView } from 'openbell/engine';
import { demoCapture, MarketPlayer, OrderFlowPlayer, readMarket, readOrders } from 'openbell/feeds';
import { othersBest, type Prices, pricesFor, type Settings } from './strategy.ts';

/** Deposits of the accounts that are the market: more than they can use. */
const PLENTY = '1000000000';
const NO_ORDER = { priceTicks: 0, lots: 0 };

/** What is traded, and how much. */
interface Market {
  readonly symbol: string;
  readonly tickSize: string;
  readonly lotSize: string;
  readonly maxPrice: string;
  /** Of the traded asset: the deposit of the strategy, which can so be sold from the start. */
  readonly stock: string;
  readonly settings: Settings;
}

const DEMO: Market = {
  symbol: 'BTC-USD',
  tickSize: '0.01',
  lotSize: '0.0001',
  maxPrice: '500000.00',
  stock: '1',
  settings: { size: 100, maxPosition: 1000 },
};
const SHARES: Market = {
  symbol: 'SHARE',
  tickSize: '0.01',
  lotSize: '1',
  maxPrice: '1000.00',
  stock: '10000',
  settings: { size: 500, maxPosition: 5000 },
};

const [file] = process.argv.slice(2);
const isDay = file !== undefined && /orders\.csv(\.gz)?$/.test(file);
const market = isDay ? SHARES : DEMO;
const { symbol, settings, stock } = market;

const exchange = createExchange({
  assets: [
    { name: 'CASH', decimals: 6 },
    { name: 'STOCK', decimals: 8 },
  ],
  symbols: [
    {
      name: symbol,
      base: 'STOCK',
      quote: 'CASH',
      tickSize: market.tickSize,
      lotSize: market.lotSize,
      maxPrice: market.maxPrice,
      phase: isDay ? 'closed' : 'continuous',
      makerFeePpm: 20,
      takerFeePpm: 50,
    },
  ],
  accounts: [
    { name: 'market', deposits: { CASH: PLENTY, STOCK: '10000000' } },
    { name: 'taker', deposits: { CASH: PLENTY, STOCK: '10000000' } },
    { name: 'strategy', deposits: { CASH: '1000000', STOCK: stock } },
  ],
  limits: { orders: 2 ** 17, ordersPerAccount: 2 ** 17 },
});

let fills = 0;
/** Bought less sold, lots. */
let position = 0;
exchange.on('report', (report) => {
  if (report.kind !== 'fill' || report.account !== 'strategy') return;
  fills++;
  position += report.side === 'buy' ? report.quantityLots : -report.quantityLots;
  const time = new Date(report.timeUs / 1000).toISOString().slice(11, 23);
  console.log(`${time} ${report.side === 'buy' ? 'bought' : 'sold'} ${report.quantity} at ${report.price}, fee ${report.fee}`);
});

let quoted: Prices = { bid: 0, ask: 0 };
let quotedPosition = 0;

/** Looks at the book, and replaces both quotes if they should be others. */
function decide(): void {
  if (exchange.symbol(symbol).phase !== 'continuous') return;
  const [bid, ask] = ownOrders(exchange);
  const book = exchange.book(symbol, 2);
  const best = { bid: othersBest(book.bids, bid), ask: othersBest(book.asks, ask) };
  const wanted = pricesFor(best, position, settings);
  if (wanted.bid === quoted.bid && wanted.ask === quoted.ask && position === quotedPosition) return;
  exchange.quote({
    account: 'strategy',
    symbol,
    ...(wanted.bid !== 0 && { bid: { price: wanted.bid, quantity: settings.size } }),
    ...(wanted.ask !== 0 && { ask: { price: wanted.ask, quantity: settings.size } }),
    postOnly: true,
  });
  quoted = wanted;
  quotedPosition = position;
}

/** The own bid and ask, as they are. */
function ownOrders(of: EmbeddedExchange): readonly (typeof NO_ORDER)[] {
  const open = of.openOrders('strategy');
  const find = (name: OpenOrderView['side']) => {
    const order = open.find(({ side }) => side === name);
    return order === undefined ? NO_ORDER : { priceTicks: order.priceTicks, lots: order.leavesLots };
  };
  return [find('buy'), find('sell')];
}

/** Plays the market. @returns how many changes it had */
async function play(): Promise<number> {
  if (isDay) {
    const day = new OrderFlowPlayer(exchange, { symbol, account: 'market' });
    for await (const row of readOrders(file)) {
      day.apply(row);
      decide();
    }
    return day.rows;
  }
  const player = new MarketPlayer(exchange, { symbol, maker: 'market', taker: 'taker' });
  const options = file === undefined ? { instruments: [symbol] } : {};
  for await (const change of readMarket(file ?? demoCapture(), options)) {
    player.apply(change);
    decide();
  }
  return player.changes;
}

/** Cash and stock of the strategy, at the last price. */
function worth(lastPrice: number): number {
  const total = (asset: string): number => {
    const { available, reserved } = exchange.balance('strategy', asset);
    return Number(available) + Number(reserved);
  };
  return total('CASH') + (total('STOCK') - Number(stock)) * lastPrice - 1_000_000;
}

const changes = await play();
const { lastPrice } = exchange.symbol(symbol);
const units = exchange.units(symbol);
const text = `${position < 0 ? '-' : ''}${units.quantity(Math.abs(position))}`;
console.log(`${changes} changes of the market, ${fills} own fills, position ${text}, last price ${lastPrice}`);
console.log(`profit ${worth(Number(lastPrice)).toFixed(2)}, fees included`);
console.log(`state ${exchange.stateHash()}`);
