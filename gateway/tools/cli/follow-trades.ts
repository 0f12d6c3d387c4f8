import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type OpenbellClient, type TradeView } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, clientOptions } from './connection.ts';
import { showTrade, type TradeJson } from './trade-lines.ts';

/** Of the admin interface's lists. */
const MAX_PAGE = 1000;
/** Time limit and interval with which missing trades are read from the history, ms: it is written shortly after trading. */
const HISTORY_WAIT_MS = 5000;
const HISTORY_RETRY_MS = 50;
/** Trades that wait to be shown; beyond that they are read from the history again. */
const MAX_WAITING = 10_000;

/**
 * Shows the trades of a symbol until a signal, each once and in order. Trades that
 * were missed while there was no connection are read from the history as soon as
 * it is back. @param seen last trade id shown
 */
export async function followTrades(name: string, flags: ConnectionFlags, seen: number): Promise<void> {
  const client = await connect(clientOptions(flags));
  try {
    await follow(client, name, flags, seen);
  } finally {
    await client.close();
  }
}

async function follow(client: OpenbellClient, name: string, flags: ConnectionFlags, seen: number): Promise<void> {
  const symbol = await client.symbols.find(name);
  /** Trades, and ids up to which trades are known to exist. */
  const waiting: (TradeView | number)[] = [];
  let wake: () => void = () => undefined;
  let stopped = false;
  const add = (next: TradeView | number): void => {
    // Ids have no gaps, so the trades that are dropped here are noticed, and read from the history.
    if (waiting.length === MAX_WAITING) waiting.shift();
    waiting.push(next);
    wake();
  };
  const stop = (): void => {
    stopped = true;
    wake();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  await client.market.trades(name, {
    after: seen,
    onItem: add,
    onGap: (_, __, to) => add(to),
    onLost: ({ message }, final) => {
      if (!final) process.stderr.write(`openbell: ${message}; connecting again\n`);
    },
  });
  let last = seen;
  while (!stopped) {
    const next = waiting.shift();
    if (next === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    } else if (typeof next === 'number') {
      last = await showMissed(name, flags, last, next);
    } else if (next.tradeId > last) {
      last = await showMissed(name, flags, last, next.tradeId - 1);
      const { tradeId, price, quantity, aggressor, auction, timeUs } = next;
      showTrade(
        { tradeId: String(tradeId), price: symbol.price(price), quantity: symbol.quantity(quantity), aggressor, auction, timeUs },
        flags,
      );
      last = tradeId;
    }
  }
}

/** Shows the trades after `last` up to `to` from the history, page by page. @returns the id of the last one */
async function showMissed(name: string, flags: ConnectionFlags, last: number, to: number): Promise<number> {
  let shown = last;
  while (shown < to) {
    const end = Math.min(to, shown + MAX_PAGE);
    const trades = await historyUpTo(name, flags, end, end - shown);
    for (const trade of trades) showTrade(trade, flags);
    if (idOf(trades[0]) !== shown + 1 || idOf(trades.at(-1)) !== end) {
      process.stderr.write(`openbell: the history does not have all trades from ${shown + 1} to ${to}\n`);
      return Math.max(to, shown);
    }
    shown = end;
  }
  return shown;
}

/** Oldest first; fewer than `count` when the history does not have them after a while. */
async function historyUpTo(name: string, flags: ConnectionFlags, tradeId: number, count: number): Promise<readonly TradeJson[]> {
  const path = `/v1/symbols/${pathOf(name)}/trades?before=${tradeId + 1}&limit=${count}`;
  for (const deadline = performance.now() + HISTORY_WAIT_MS; ; await sleep(HISTORY_RETRY_MS)) {
    const { trades } = await askAdmin<{ trades: TradeJson[] }>(flags, path);
    if (idOf(trades[0]) === tradeId || performance.now() > deadline)
      return trades.filter((trade) => idOf(trade) > tradeId - count).toReversed();
  }
}

function idOf(trade: TradeJson | undefined): number {
  return Number(trade?.tradeId);
}
