import { connect, type StatusView, type TradeView } from '../../client/index.ts';
import { type ConnectionFlags, clientOptions } from './connection.ts';
import { ExitCode } from './exit.ts';
import { screen } from './ladder-view.ts';

const REPAINT_MS = 100;
const RECENT_TRADES = 100;
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** Shows a book in the terminal and keeps it up to date, until Ctrl-C or q. */
export async function watchBook(name: string, flags: ConnectionFlags & { readonly depth: number }): Promise<ExitCode> {
  const client = await connect(clientOptions(flags));
  const symbol = await client.symbols.find(name);
  const { market } = client;
  const trades: TradeView[] = [];
  let status: StatusView | undefined;
  const onTrade = (trade: TradeView): void => {
    trades.unshift(trade);
    trades.length = Math.min(trades.length, RECENT_TRADES);
  };
  const onStatus = (next: StatusView): void => {
    status = next;
  };
  const [book] = await Promise.all([
    market.book(name),
    market.trades(name, { onItem: onTrade }),
    market.status(name, { onItem: onStatus }),
  ]);
  const { stdout, stdin } = process;
  stdout.write(ENTER);
  const paint = () => {
    const lines = screen({
      symbol: symbol.name,
      price: (ticks) => symbol.price(ticks),
      quantity: (lots) => symbol.quantity(lots),
      bids: book.bids,
      asks: book.asks,
      trades,
      status,
      inStep: book.inStep,
      depth: flags.depth,
      // Some terminals do not know their size.
      width: stdout.columns || 80,
      rows: stdout.rows || 24,
      colour: stdout.hasColors(),
    });
    stdout.write(`${HOME}${lines.map((line) => line + CLEAR_LINE).join('\n')}${CLEAR_BELOW}`);
  };
  paint();
  const timer = setInterval(paint, REPAINT_MS);
  try {
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
      if (!stdin.isTTY) return;
      stdin.setRawMode(true);
      stdin.on('data', (key) => {
        if (key.toString() === 'q' || key[0] === 3) resolve();
      });
    });
  } finally {
    clearInterval(timer);
    stdout.write(LEAVE);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    await client.close();
  }
  return ExitCode.Ok;
}
