import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CapturedBook, CapturedBooks } from '../../../feeds/files/capture-books.ts';
import type { FileBook, FileBooks } from '../../../feeds/files/file-books.ts';
import { printable } from '../../log-lines.ts';
import { print, printJson, table } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

/** What a column may be: CSV_COLUMNS. */
const COLUMN_NAMES = [
  'time',
  'instrument',
  'price',
  'quantity',
  'side',
  'buyerIsMaker',
  'tradeId',
  'bid',
  'bidQuantity',
  'ask',
  'askQuantity',
];
const MOST_LEVELS = 100_000;

/** `capture`, and the names of FILE_FORMATS. */
const FORMATS = ['capture', 'log', 'itch', 'lobster', 'databento', 'csv'];

interface Flags {
  readonly levels: number;
  readonly json?: true;
  readonly format?: string;
  readonly columns?: Readonly<Record<string, string>>;
  readonly instrument?: string;
}

export function feedsBooksCommand(feeds: Command): void {
  const command = feeds
    .command('books')
    .summary('the books of a recorded session or a file of market data')
    .description(
      "Reads a capture through its venue's adapter, a file of market data (NASDAQ ITCH 5.0, LOBSTER, Databento CSV, CSV of trades or quotes; each plain or gzipped), or the log in a data directory that no exchange uses, and prints the book of each instrument as it is at the end, in the venue's own text. Exit code 1 if a checksum was wrong, a book was crossed or the file was cut short.",
    )
    .argument('<file>', 'a recorded session (.jsonl, .ws, each also .gz), or a file of market data')
    .addOption(new Option('--levels <count>', 'levels of each side').argParser(levels).default(10))
    .addOption(new Option('--format <name>', 'of the file, where name and content do not show it').choices(FORMATS))
    .addOption(
      new Option('--columns <list>', 'CSV: columns that are not recognised by name, as price=p,quantity=q,time=t').argParser(columns),
    )
    .option('--instrument <name>', 'CSV: the instrument of all rows, where no column names it')
    .option('--json', 'JSON instead of text: a line for each instrument')
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds books capture-kraken.jsonl.gz
  openbell feeds books capture-kraken.jsonl.gz --levels 1 --json
  openbell feeds books 12302019.NASDAQ_ITCH50.gz --levels 1
  openbell feeds books AAPL_2012-06-21_34200000_57600000_message_10.csv
  openbell feeds books ./data --levels 5
  openbell feeds books fills.csv --columns price=p,quantity=q --instrument BTC-USD

docs/FEEDS.md describes captures, files and the output.`,
    );
  command.action((path: string) =>
    run(async () => {
      const flags = command.opts<Flags>();
      const { books, faults, truncated } = await booksOf(path, flags);
      printBooks(books, faults, flags.json === true);
      if (truncated !== undefined) throw truncated;
      return checkBooks(books);
    }),
  );
}

async function booksOf(path: string, { levels, format, columns, instrument }: Flags): Promise<CapturedBooks | FileBooks> {
  if (format === 'capture' || (format === undefined && /\.(jsonl|ws)(\.gz)?$/.test(path))) {
    const { captureBooks } = await import('../../../feeds/files/capture-books.ts');
    return captureBooks(path, levels);
  }
  const { fileBooks } = await import('../../../feeds/files/file-books.ts');
  return fileBooks(path, levels, format, { columns, instrument });
}

/** Prints books and, on stderr, how often each fault was counted. */
export function printBooks(books: readonly (CapturedBook | FileBook)[], faults: ReadonlyMap<string, number>, json: boolean): void {
  for (const book of books) {
    if (json) printJson(book);
    else print(bookText(book));
  }
  for (const [code, count] of faults) process.stderr.write(`openbell: fault ${code}: ${count}\n`);
}

/** @throws CliError BOOKS_WRONG for a wrong checksum or a crossed book */
export function checkBooks(books: readonly (CapturedBook | FileBook)[]): ExitCode {
  const wrong = books.filter(({ failed, crossed }) => failed > 0 || crossed > 0);
  if (wrong.length === 0) return ExitCode.Ok;
  const names = wrong.map(({ instrument }) => instrument).join(', ');
  throw new CliError(`wrong checksums or crossed books: ${names}`, ExitCode.Failed, 'BOOKS_WRONG');
}

function bookText(book: CapturedBook | FileBook): string {
  const { instrument, bids, asks, updates, checks, failed, crossed } = book;
  const rows = Array.from({ length: Math.max(bids.length, asks.length) }, (_, depth) => {
    const [bid = '', bidQuantity = ''] = bids[depth] ?? [];
    const [ask = '', askQuantity = ''] = asks[depth] ?? [];
    return [bidQuantity, bid, ask, askQuantity];
  });
  const counts = `${updates} updates, ${checks} checksums, ${failed} wrong, ${crossed} times crossed${'trades' in book ? `, ${book.trades} trades, ${book.quotes} quotes` : ''}`;
  return `${printable(instrument)}  ${counts}\n${table([['bid quantity', 'bid', 'ask', 'ask quantity'], ...rows])}\n`;
}

function levels(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count > MOST_LEVELS) throw new InvalidArgumentError(`must be a number of levels from 0 to ${MOST_LEVELS}.`);
  return count;
}

/** Which columns there are is checked with the header. */
function columns(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('='));
  const wrong = pairs.find(([column, name]) => !COLUMN_NAMES.includes(column) || name === undefined || name === '');
  if (wrong !== undefined)
    throw new InvalidArgumentError(`has ${wrong.join('=')}; give COLUMN=NAME, COLUMN one of ${COLUMN_NAMES.join(', ')}.`);
  return Object.fromEntries(pairs);
}
