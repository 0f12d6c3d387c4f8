import type { Command } from 'commander';
import type { FeedBook, FeedBookLevel } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { printable } from '../../log-lines.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';
import { outputTaken } from './followed.ts';
import { stopSignal } from './stop-signals.ts';

/** Between two looks at a book that is watched. */
const LOOK_MS = 250;
const HOME = '\x1b[H\x1b[2J';

export function feedsBookCommand(feeds: Command): void {
  const command = feeds
    .command('book')
    .summary('a consolidated book of a running exchange')
    .description(
      'Shows a consolidated book of the configuration (feed-books): the best prices over all its live sources, the quantity of all and of each source, and whether the market is locked or crossed between them.',
    )
    .argument('<name>', 'a name under feed-books in the configuration of the exchange')
    .option('--watch', 'show it again whenever it has changed, until Ctrl-C')
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds book BTC-USD
  openbell feeds book BTC-USD --watch
  openbell feeds book BTC-USD --json`,
    );
  connectionOptions(command).action((name: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { watch?: true }>();
      const ask = () => askAdmin<FeedBook>(flags, `/v1/feeds/books/${pathOf(name)}`);
      const show = (book: FeedBook): void => {
        if (flags.json) printJson(book);
        else print(flags.watch && process.stdout.isTTY ? HOME + bookText(book) : bookText(book));
      };
      let shown = await ask();
      show(shown);
      if (!flags.watch) return ExitCode.Ok;
      const stop = stopSignal();
      while (!stop.aborted) {
        await pause(LOOK_MS, stop);
        const book = await ask();
        if (JSON.stringify(book) === JSON.stringify(shown)) continue;
        shown = book;
        show(book);
        await outputTaken(stop);
      }
      return ExitCode.Ok;
    }),
  );
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener('abort', end);
  });
}

function bookText({ name, crossing, timeUs, leftOut, sources, bids, asks }: FeedBook): string {
  const states = sources.map(({ feed, instrument, state, fault }) => [feed, printable(instrument), state, fault]);
  const row = (side: string) => (level: FeedBookLevel) => [
    side,
    level.price,
    level.quantity,
    ...sources.map((of) => level.sources.find(({ feed, instrument }) => feed === of.feed && instrument === of.instrument)?.quantity),
  ];
  const head = ['', 'price', 'quantity', ...sources.map(({ feed, instrument }) => `${feed}:${printable(instrument)}`)];
  const rows = [head, ...asks.map(row('ask')).toReversed(), ...bids.map(row('bid'))];
  const market = crossing === 'none' ? '' : `  ${crossing}`;
  const without = leftOut === 0 ? '' : `  ${leftOut} levels left out: see docs/FEEDS.md`;
  return [
    `${name}  ${new Date(timeUs / 1000).toISOString()}${market}${without}`,
    table([['source', 'instrument', 'state', ''], ...states]),
    rows.length === 1 ? 'the book is empty' : table(rows),
  ].join('\n\n');
}
