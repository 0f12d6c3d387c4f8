import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CapturedBook } from '../../../feeds/files/capture-books.ts';
import { print, printJson, table } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

const MOST_LEVELS = 100_000;

export function feedsBooksCommand(feeds: Command): void {
  const command = feeds
    .command('books')
    .summary('the books of a recorded session')
    .description(
      "Reads a capture through its venue's adapter and prints the book of each instrument as it is at the end, in the venue's own text. Exit code 1 if a checksum was wrong or a book was crossed.",
    )
    .argument('<capture>', 'a recorded session: .jsonl, or .jsonl.gz')
    .addOption(new Option('--levels <count>', 'levels of each side').argParser(levels).default(10))
    .option('--json', 'JSON instead of text: a line for each instrument')
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds books capture-kraken.jsonl.gz
  openbell feeds books capture-kraken.jsonl.gz --levels 1 --json

docs/FEEDS.md describes captures and the output.`,
    );
  command.action((path: string) =>
    run(async () => {
      const flags = command.opts<{ levels: number; json?: true }>();
      const { captureBooks } = await import('../../../feeds/files/capture-books.ts');
      const { books, faults, truncated } = await captureBooks(path, flags.levels);
      for (const book of books) {
        if (flags.json) printJson(book);
        else print(bookText(book));
      }
      for (const [code, count] of faults) process.stderr.write(`openbell: fault ${code}: ${count}\n`);
      if (truncated !== undefined) throw truncated;
      const wrong = books.filter(({ failed, crossed }) => failed > 0 || crossed > 0);
      if (wrong.length === 0) return ExitCode.Ok;
      const names = wrong.map(({ instrument }) => instrument).join(', ');
      throw new CliError(`wrong checksums or crossed books: ${names}`, ExitCode.Failed, 'BOOKS_WRONG');
    }),
  );
}

function bookText({ instrument, bids, asks, updates, checks, failed, crossed }: CapturedBook): string {
  const rows = Array.from({ length: Math.max(bids.length, asks.length) }, (_, depth) => {
    const [bid = '', bidQuantity = ''] = bids[depth] ?? [];
    const [ask = '', askQuantity = ''] = asks[depth] ?? [];
    return [bidQuantity, bid, ask, askQuantity];
  });
  const counts = `${updates} updates, ${checks} checksums, ${failed} wrong, ${crossed} times crossed`;
  return `${instrument}  ${counts}\n${table([['bid quantity', 'bid', 'ask', 'ask quantity'], ...rows])}\n`;
}

function levels(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count > MOST_LEVELS) throw new InvalidArgumentError(`must be a number of levels from 0 to ${MOST_LEVELS}.`);
  return count;
}
