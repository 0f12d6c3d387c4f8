/**
 * A grid bot: buy orders below the middle of the market, sell orders above it, at equal steps. When one is filled, the opposite order
 * goes one step away, so that each pair of fills earns a step less fees. It ends by itself, cancels what is open, and says what it did.
 */
import { readFileSync } from 'node:fs';
import { BaseError, NetworkError } from 'ccxt';
import openbell from './openbell.mjs';

const { env } = process;
const SYMBOL = env.SYMBOL ?? 'BTC/USD';
/** Orders of each side, their distance in the quote currency, and the quantity of each. */
const LEVELS = Number(env.LEVELS ?? 5);
const STEP = Number(env.STEP ?? 10);
const AMOUNT = Number(env.AMOUNT ?? 0.01);
/** It ends after so many seconds, or so many filled orders. */
const SECONDS = Number(env.SECONDS ?? 60);
const FILLS = Number(env.FILLS ?? 20);

/** How long it waits at the end for an exchange that does not answer, and until a request is sent again, ms. */
const END_MS = 10_000;
const AGAIN_MS = 500;

// One line is enough for an exchange that is not there, or does not permit this.
process.once('uncaughtException', (error) => {
  console.error(error instanceof BaseError ? error.message : error);
  process.exit(1);
});

const exchange = new openbell({
  uid: env.ACCOUNT ?? '3',
  ...(env.TOKEN_FILE !== undefined && { token: readFileSync(env.TOKEN_FILE, 'utf8').trim() }),
});
// An exchange on this machine.
exchange.setSandboxMode(true);
if (env.HTTP_PORT !== undefined) exchange.urls.api.rest = `http://localhost:${env.HTTP_PORT}`;
if (env.WS_PORT !== undefined) exchange.urls.api.ws = `ws://localhost:${env.WS_PORT}`;

/** Orders of the grid that are open, by id. */
const grid = new Map();
/** Reports may come before the answer to the request: orders that were filled before the grid knew them. */
const early = new Map();
let filled = 0;
let stopped = false;
let stop;
const end = new Promise((resolve) => {
  stop = () => {
    stopped = true;
    resolve(undefined);
  };
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);

await exchange.loadMarkets();
const { bids, asks } = await exchange.fetchOrderBook(SYMBOL, 1);
if (bids.length === 0 || asks.length === 0) throw new Error(`${SYMBOL} has no market: start the exchange with --simulate`);
const middle = (bids[0][0] + asks[0][0]) / 2;
const began = await exchange.fetchTime();
console.log(
  `${SYMBOL} is at ${exchange.priceToPrecision(SYMBOL, middle)}: ${LEVELS} buy and ${LEVELS} sell orders of ${AMOUNT}, ${STEP} apart`,
);

// The stream first: it has the fills of the orders from the first one on.
const following = follow();
const timer = setTimeout(stop, SECONDS * 1000);
try {
  for (let level = 1; level <= LEVELS && !stopped; level += 1) {
    await place('buy', middle - level * STEP);
    await place('sell', middle + level * STEP);
  }
  await end;
} finally {
  clearTimeout(timer);
  stop();
  await finish().catch(fail);
  await exchange.close();
}

async function finish() {
  await cancelAll();
  await following;
  await summary();
}

/** Cancels what is open; tries for a while. */
async function cancelAll() {
  for (const until = Date.now() + END_MS; ; ) {
    try {
      await exchange.cancelAllOrders(SYMBOL);
      return;
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      if (Date.now() >= until) throw new Error(`no answer within ${END_MS / 1000} s, so orders may be open: ${error.message}`);
      await exchange.sleep(AGAIN_MS);
    }
  }
}

/** Answers each filled order with the opposite one, until the end. */
async function follow() {
  while (!stopped) {
    try {
      const orders = await Promise.race([exchange.watchOrders(SYMBOL), end]);
      for (const order of orders ?? []) if (order.status === 'closed') await answer(order);
    } catch (error) {
      // The next call connects again, and gets the reports that were missed.
      if (!(error instanceof NetworkError)) return fail(error);
      console.log(`connection lost: ${error.message}`);
      await exchange.sleep(AGAIN_MS);
    }
  }
}

async function answer(order) {
  const { id, side, price, average, amount, fee } = order;
  if (!grid.delete(id)) return void early.set(id, order);
  filled += 1;
  console.log(
    `${side === 'buy' ? 'bought' : 'sold'} ${amount} at ${average ?? price}${fee ? `, fee ${fee.cost}` : ''} (${filled} of ${FILLS})`,
  );
  if (filled >= FILLS) return stop();
  if (!stopped) await place(side === 'buy' ? 'sell' : 'buy', side === 'buy' ? price + STEP : price - STEP);
}

async function place(side, price) {
  // A request without an answer is sent again, and with the same id it is the same order.
  const clientOrderId = exchange.nextClientOrderId();
  let order;
  while (order === undefined) {
    try {
      order = await exchange.createOrder(SYMBOL, 'limit', side, AMOUNT, price, { clientOrderId });
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      if (stopped) return;
      await exchange.sleep(AGAIN_MS);
    }
  }
  grid.set(order.id, order);
  const filledOrder = order.status === 'closed' ? order : early.get(order.id);
  if (filledOrder !== undefined) await answer(filledOrder);
}

function fail(error) {
  console.error(error.message);
  process.exitCode = 1;
  stop();
}

async function summary() {
  const trades = await exchange.fetchMyTrades(SYMBOL, began);
  let [position, money, fees] = [0, 0, 0];
  for (const { side, amount, cost, fee } of trades) {
    position += side === 'buy' ? amount : -amount;
    money += side === 'buy' ? -cost : cost;
    fees += fee.cost;
  }
  const { last } = await exchange.fetchTicker(SYMBOL);
  const result = money + position * last - fees;
  console.log(
    `stopped: ${filled} orders filled in ${trades.length} trades, position ${position.toFixed(4)}, fees ${fees.toFixed(2)}, result ${result.toFixed(2)}`,
  );
}
