import type { Command } from 'commander';
import type { MarketClient } from '../client/market.ts';
import type { SymbolCatalog } from '../client/symbols.ts';
import { timeText } from './account.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson, table, whole } from './connection.ts';
import { ExitCode, run } from './exit.ts';

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
    .option('--follow', 'go on with new ones until Ctrl-C')
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

/** Until the connection is closed by a signal. */
async function followTrades(name: string, flags: ConnectionFlags, seen: number): Promise<void> {
  const { market, catalog } = await openMarket(flags);
  const symbol = await catalog.find(name);
  const stream = await market.trades(name);
  const stop = () => stream.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  for await (const trade of stream) {
    if (trade.tradeId <= seen) continue;
    const { tradeId, auction, aggressor, timeUs } = trade;
    const shown = { tradeId, price: symbol.price(trade.price), quantity: symbol.quantity(trade.quantity), aggressor, auction, timeUs };
    if (flags.json) printJson(shown);
    else print(tradeRow(shown).join('  '));
  }
  await market.close();
}

export async function openMarket(flags: ConnectionFlags): Promise<{ market: MarketClient; catalog: SymbolCatalog }> {
  const [{ MarketClient }, { SymbolCatalog }] = await Promise.all([import('../client/market.ts'), import('../client/symbols.ts')]);
  const { host, wsPort, httpPort } = flags;
  const catalog = new SymbolCatalog(`http://${host.includes(':') ? `[${host}]` : host}:${httpPort}/v1/symbols`);
  await catalog.load();
  return { market: new MarketClient({ host, port: wsPort, symbols: catalog }), catalog };
}

export function bookText({ symbol, phase, lastPrice, bids, asks }: BookJson): string {
  const row = (side: string) => (level: LevelJson) => [side, level.price, level.quantity, level.orders];
  const rows = [['', 'price', 'quantity', 'orders'], ...asks.map(row('ask')).toReversed(), ...bids.map(row('bid'))];
  return `${symbol}  ${phase}, last ${lastPrice}\n${rows.length === 1 ? 'the book is empty' : table(rows)}`;
}
