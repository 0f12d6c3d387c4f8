import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { timeText } from './account.ts';
import { askAdmin, type ConnectionFlags, clientOptions, connectionOptions, print, printJson, table, whole } from './connection.ts';
import { ExitCode, run } from './exit.ts';

/** Of the admin interface's lists. */
const MAX_PAGE = 1000;
/** Time limit and interval with which `--follow` reads missing trades from the history, ms. */
const HISTORY_WAIT_MS = 5000;
const HISTORY_RETRY_MS = 50;

interface LevelJson {
  readonly price: string;
  readonly quantity: string;
  readonly orders: number;
}

interface BookJson {
  readonly symbol: string;
  readonly phase: string;
  readonly lastPrice: string;
  readonly bids: readonly LevelJson[];
  readonly asks: readonly LevelJson[];
}

interface TradeJson {
  readonly tradeId: number;
  readonly price: string;
  readonly quantity: string;
  readonly aggressor?: string;
  readonly auction: boolean;
  readonly timeUs: number;
}

export function bookCommand(program: Command): void {
  const command = program
    .command('book')
    .summary('watch an order book')
    .description('Shows an order book: live in a terminal, once with --once, --json or into a pipe.')
    .argument('<symbol>', 'such as BTC-USD')
    .option('--depth <levels>', 'price levels of each side', whole, 10)
    .option('--once', 'show it once')
    .addHelpText(
      'after',
      `
Examples:
  openbell book BTC-USD
  openbell book BTC-USD --depth 5 --once
  openbell book BTC-USD --json`,
    );
  connectionOptions(command).action((symbol: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { depth: number; once?: true }>();
      if (!flags.json && !flags.once && process.stdout.isTTY) return await (await import('./watch-book.ts')).watchBook(symbol, flags);
      const book = await askAdmin<BookJson>(flags, `/v1/book/${encodeURIComponent(symbol)}?depth=${flags.depth}`);
      if (flags.json) printJson(book);
      else print(bookText(book));
      return ExitCode.Ok;
    }),
  );
}

export function tradesCommand(program: Command): void {
  const command = program
    .command('trades')
    .summary('trades of a symbol')
    .description('Shows the last trades of a symbol, oldest first; with --follow also those to come.')
    .argument('<symbol>', 'such as BTC-USD')
    .option('--limit <count>', 'how many', whole, 20)
    .option('--follow', 'show new trades until Ctrl-C')
    .addHelpText(
      'after',
      `
Examples:
  openbell trades BTC-USD
  openbell trades BTC-USD --follow
  openbell trades BTC-USD --limit 100 --json`,
    );
  connectionOptions(command).action((symbol: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { limit: number; follow?: true }>();
      const path = `/v1/symbols/${encodeURIComponent(symbol)}/trades?limit=${flags.limit}`;
      const { trades } = await askAdmin<{ trades: TradeJson[] }>(flags, path);
      const past = trades.toReversed();
      if (flags.json) for (const trade of past) printJson(trade);
      else if (past.length > 0) print(table(past.map(tradeRow)));
      else if (!flags.follow) print('no trades');
      if (flags.follow) await followTrades(symbol, flags, past.at(-1)?.tradeId ?? 0);
      return ExitCode.Ok;
    }),
  );
}

const tradeRow = (t: TradeJson) => [timeText(t.timeUs), t.auction ? 'auction' : t.aggressor, t.quantity, t.price, `#${t.tradeId}`];

/** Follows trades until a signal. Trades missed meanwhile are read from the history. @param seen last trade id shown */
async function followTrades(name: string, flags: ConnectionFlags, seen: number): Promise<void> {
  const { connect } = await import('../../client/index.ts');
  const client = await connect(clientOptions(flags));
  const symbol = await client.symbols.find(name);
  const stream = await client.market.trades(name);
  const stop = () => stream.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  /** Oldest first. The history is written shortly after trading, so missing trades are read again. */
  const tradesBefore = async (tradeId: number, count: number): Promise<TradeJson[]> => {
    const path = `/v1/symbols/${encodeURIComponent(name)}/trades?before=${tradeId}&limit=${count}`;
    for (const deadline = Date.now() + HISTORY_WAIT_MS; ; await sleep(HISTORY_RETRY_MS)) {
      const { trades } = await askAdmin<{ trades: TradeJson[] }>(flags, path);
      if (trades[0]?.tradeId === tradeId - 1 || Date.now() > deadline) return trades.filter((trade) => trade.tradeId > last).toReversed();
    }
  };
  let last = seen;
  for await (const { tradeId, price, quantity, aggressor, auction, timeUs } of stream) {
    if (tradeId <= last) continue;
    const missed = Math.min(tradeId - last - 1, MAX_PAGE);
    for (const trade of missed > 0 ? await tradesBefore(tradeId, missed) : []) showTrade(trade, flags);
    last = tradeId;
    showTrade({ tradeId, price: symbol.price(price), quantity: symbol.quantity(quantity), aggressor, auction, timeUs }, flags);
  }
  await client.close();
}

function showTrade(trade: TradeJson, flags: ConnectionFlags): void {
  if (flags.json) printJson(trade);
  else print(tradeRow(trade).join('  '));
}

function bookText({ symbol, phase, lastPrice, bids, asks }: BookJson): string {
  const row = (side: string) => (level: LevelJson) => [side, level.price, level.quantity, level.orders];
  const rows = [['', 'price', 'quantity', 'orders'], ...asks.map(row('ask')).toReversed(), ...bids.map(row('bid'))];
  return `${symbol}  ${phase}, last ${lastPrice}\n${rows.length === 1 ? 'the book is empty' : table(rows)}`;
}
