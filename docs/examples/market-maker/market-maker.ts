/**
 * A market maker: quotes both sides of one symbol around the market's middle, moves the quote against its position, and leaves
 * nothing behind when it ends, whether it is stopped, killed or cut off.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type LocalBook, OpenbellError, type OrderSession, type SymbolUnits } from 'openbell-client';
import { isSame, NO_QUOTE, type Quote, quoteAround, referenceOf } from './quoting.ts';
import { SettingError, wholeNumber } from './settings.ts';

const { env } = process;
// One line is enough for a setting that is wrong, a symbol or account that does not exist, or an exchange that is not there.
process.once('uncaughtException', (error) => {
  const isExpected = error instanceof SettingError || error instanceof OpenbellError;
  console.error(isExpected ? error.message : error);
  process.exit(isExpected ? 2 : 1);
});
const number = (name: string, fallback: number, min = 1): number => wholeNumber(env, name, fallback, min);
const SYMBOL = env.SYMBOL ?? 'BTC-USD';
const TOKEN_FILE = env.TOKEN_FILE;
const SETTINGS = {
  halfSpread: number('HALF_SPREAD', 100),
  size: number('SIZE', 1000),
  maxPosition: number('MAX_POSITION', 20_000),
  skew: number('SKEW', 400, 0),
};
/** Shortest time between two quotes, ms: a market that moves all the time must not use up the limit of commands. */
const PAUSE_MS = 100;
/** After this many fills in a second the exchange cancels the quotes by itself: the market moves faster than this program. */
const PROTECTION = { windowMs: 1000, fills: 50 };
/** Time after which it quotes again, ms. */
const PROTECTION_PAUSE_MS = 5000;
/** How long it waits at the end for an exchange that does not answer, ms. */
const END_MS = 5000;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const exchange = await connect({
  host: env.HOST ?? '127.0.0.1',
  grpcPort: number('GRPC_PORT', 7401),
  wsPort: number('WS_PORT', 7402),
  httpPort: number('HTTP_PORT', 7403),
  account: number('ACCOUNT', 2),
  ...(TOKEN_FILE !== undefined && { tokenProvider: () => readFileSync(TOKEN_FILE, 'utf8').trim() }),
  // The exchange cancels the quotes two seconds after it has lost this session.
  cancelOnDisconnect: 2,
});
const units = await exchange.symbols.find(SYMBOL);
const book = await exchange.market.book(SYMBOL);
const orders = exchange.orders;
await orders.protectQuotes(PROTECTION);

/** Bought less sold since the start, lots. */
let position = 0;
orders.on('report', ({ kind, side, quantityLots, price, symbolId, fee }) => {
  if (kind !== 'fill' || symbolId !== units.id) return;
  position += side === 'buy' ? quantityLots : -quantityLots;
  console.log(
    `${side === 'buy' ? 'bought' : 'sold'} ${units.quantity(quantityLots)} at ${price}, fee ${fee}; position ${inUnits(position)}`,
  );
});
/** The exchange may have cancelled the quotes since the last one was sent. */
let isInDoubt = false;
orders.on('lost', ({ message }) => {
  isInDoubt = true;
  console.log(`connection lost: ${message}`);
});
orders.on('closed', (error) => {
  if (error !== undefined) stop.abort(error);
});

console.log(`quoting ${SYMBOL} for account ${orders.account}`);
try {
  await quoteUntil(stop.signal, orders, book, units);
} catch (error) {
  console.error(error instanceof OpenbellError ? error.message : error);
  process.exitCode = 1;
}
// A quote without sides cancels both. If only the session is gone, the exchange has done it.
if (process.exitCode !== 1) {
  const cancelled = orders.quote({ symbol: SYMBOL }).then(
    () => true,
    () => false,
  );
  if (!(await Promise.race([cancelled, sleep(END_MS, false)]))) {
    console.error('no answer from the exchange: quotes may be open');
    process.exitCode = 1;
  }
}
await exchange.close();
console.log(`stopped; position ${inUnits(position)}`);

async function quoteUntil(end: AbortSignal, orders: OrderSession, book: LocalBook, units: SymbolUnits): Promise<void> {
  let own = NO_QUOTE;
  let at = -1;
  const ended = new Promise<Quote>((resolve) => end.addEventListener('abort', () => resolve(NO_QUOTE)));
  while (!end.aborted) {
    await sleep(PAUSE_MS);
    // Nothing is quoted on a book that may be out of date.
    const reference = book.inStep ? referenceOf(book.bids, book.asks, own) : undefined;
    const wanted = reference === undefined ? NO_QUOTE : quoteAround(reference, position, SETTINGS);
    // A fill changes what is open, so after one the same quote is sent again.
    if (isSame(wanted, own) && at === position && !isInDoubt) continue;
    isInDoubt = false;
    at = position;
    // While there is no connection, an answer may take long.
    own = await Promise.race([send(orders, wanted, units), ended]);
  }
  if (end.reason instanceof OpenbellError) throw end.reason;
}

/** @returns what is quoted now */
async function send(orders: OrderSession, { bid, ask }: Quote, units: SymbolUnits): Promise<Quote> {
  try {
    const answer = await orders.quote({
      symbol: units.id,
      ...(bid && { bid: { price: units.price(bid.price), quantity: units.quantity(bid.quantity) } }),
      ...(ask && { ask: { price: units.price(ask.price), quantity: units.quantity(ask.quantity) } }),
    });
    const codes = [answer.bid.code, answer.ask.code].filter((code) => code !== 'OK');
    if (codes.includes('PROTECTION_TRIGGERED')) {
      console.log('too many fills: the exchange has cancelled the quotes');
      await sleep(PROTECTION_PAUSE_MS);
      await orders.resetProtection();
      return NO_QUOTE;
    }
    if (codes.length > 0) console.log(`rejected: ${codes.join(', ')}`);
    return { bid: answer.bid.leavesLots > 0 ? bid : undefined, ask: answer.ask.leavesLots > 0 ? ask : undefined };
  } catch (error) {
    // BUSY, a limit, or a connection that was lost: the next quote replaces this one, whatever has become of it.
    if (!(error instanceof OpenbellError) || error.code === 'CLOSED') throw error;
    console.log(error.message);
    return NO_QUOTE;
  }
}

function inUnits(lots: number): string {
  return `${lots < 0 ? '-' : ''}${units.quantity(Math.abs(lots))}`;
}
