import type { Command } from 'commander';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, count, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';
import { type TradeJson, tradeRow } from './trade-lines.ts';

/** Of the admin interface's lists. */
const MAX_PAGE = 1000;

interface LevelJson {
  readonly price: string;
  readonly quantity: string;
  readonly orders: number;
}

interface BookJson {
  readonly symbol: string;
  readonly phase: string;
  readonly subPhase?: string;
  readonly lastPrice: string;
  /** 0 before the first trade. */
  readonly lastPriceTicks: number;
  readonly bids: readonly LevelJson[];
  readonly asks: readonly LevelJson[];
}

export function bookCommand(program: Command): void {
  const command = program
    .command('book')
    .summary('watch an order book')
    .description('Shows an order book: live in a terminal, once with --once, --json or into a pipe.')
    .argument('<symbol>', 'such as BTC-USD')
    .option('--depth <levels>', 'price levels of each side', count(5000), 10)
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
      const book = await askAdmin<BookJson>(flags, `/v1/book/${pathOf(symbol)}?depth=${flags.depth}`);
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
    .option('--limit <count>', 'how many', count(MAX_PAGE), 20)
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
      const path = `/v1/symbols/${pathOf(symbol)}/trades?limit=${flags.limit}`;
      const { trades } = await askAdmin<{ trades: TradeJson[] }>(flags, path);
      const past = trades.toReversed();
      if (flags.json) for (const trade of past) printJson(trade);
      else if (past.length > 0) print(table(past.map(tradeRow)));
      else if (!flags.follow) print('no trades');
      if (flags.follow) await (await import('./follow-trades.ts')).followTrades(symbol, flags, Number(past.at(-1)?.tradeId ?? 0));
      return ExitCode.Ok;
    }),
  );
}

/** The book as a table. */
export function bookText({ symbol, phase, subPhase, lastPrice, lastPriceTicks, bids, asks }: BookJson): string {
  const row = (side: string) => (level: LevelJson) => [side, level.price, level.quantity, level.orders];
  const rows = [['', 'price', 'quantity', 'orders'], ...asks.map(row('ask')).toReversed(), ...bids.map(row('bid'))];
  return `${symbol}  ${subPhase ?? phase}, last ${lastPriceTicks === 0 ? '-' : lastPrice}\n${rows.length === 1 ? 'the book is empty' : table(rows)}`;
}
