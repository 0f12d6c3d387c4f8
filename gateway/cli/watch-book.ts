import { connect, type LevelView, type LocalBook, type SymbolUnits } from '../client/index.ts';
import { type ConnectionFlags, table } from './connection.ts';
import { ExitCode } from './exit.ts';

const REPAINT_MS = 100;
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** Shows a book in the terminal and keeps it up to date, until Ctrl-C or q. */
export async function watchBook(name: string, flags: ConnectionFlags & { readonly depth: number }): Promise<ExitCode> {
  const client = await connect(flags);
  const symbol = await client.symbols.find(name);
  const book = await client.market.book(name);
  const { stdout, stdin } = process;
  stdout.write(ENTER);
  const paint = () => {
    const lines = ladder(book, symbol, flags.depth).split('\n');
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

function ladder(book: LocalBook, symbol: SymbolUnits, depth: number): string {
  const asks = book.levels('sell').slice(0, depth);
  const bids = book.levels('buy').slice(0, depth);
  const largest = Math.max(1, ...[...asks, ...bids].map(({ quantity }) => quantity));
  const row = (side: string, level: LevelView) => [
    side,
    symbol.price(level.price),
    symbol.quantity(level.quantity),
    level.orders,
    '█'.repeat(Math.ceil((30 * level.quantity) / largest)),
  ];
  const rows = [
    ['', 'price', 'quantity', 'orders', ''],
    ...asks.map((level) => row('ask', level)).reverse(),
    ...bids.map((level) => row('bid', level)),
  ];
  const state = book.inStep ? `update ${book.number}` : 'connecting …';
  return `${symbol.name}  ${state}   (q to leave)\n\n${rows.length === 1 ? 'the book is empty' : table(rows)}`;
}
