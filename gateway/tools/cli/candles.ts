import { type Command, InvalidArgumentError, Option } from 'commander';
import { CANDLE_INTERVALS } from '../../../feeds/analysis/candles.ts';
import { askCandles, type CandleFlags, candleTable, MAX_PAGE } from './candle-lines.ts';
import { connectionOptions, count, print, printJson } from './connection.ts';
import { ExitCode, run } from './exit.ts';

export function candlesCommand(program: Command): void {
  const command = program
    .command('candles')
    .summary('candles of a symbol or of an outside market')
    .description('Shows the last candles of a symbol, oldest first; with --follow also those to come, each when it has closed.')
    .argument('<symbol>', 'such as BTC-USD; with --source an instrument as its venue writes it')
    .option('--source <name>', 'of an outside market: its name under feeds in the configuration of the exchange')
    .addOption(new Option('--interval <interval>', 'length of a candle').choices(CANDLE_INTERVALS).default('1m'))
    .option('--limit <count>', 'how many', count(MAX_PAGE), 20)
    .option('--from <time>', 'from that one on, such as 2026-01-31T09:30:00Z', timeText)
    .option('--to <time>', 'before that one', timeText)
    .addOption(new Option('--empty', 'also those without a trade: the last close, volume 0').conflicts('source'))
    .addOption(new Option('--follow', 'show each further candle when it has closed, until Ctrl-C').conflicts('to'))
    .addHelpText(
      'after',
      `
Examples:
  openbell candles BTC-USD
  openbell candles BTC-USD --interval 1s --follow
  openbell candles --source kraken BTC/USD --interval 15s --follow
  openbell candles BTC-USD --interval 1h --from 2026-01-31T00:00:00Z --json`,
    );
  connectionOptions(command).action((symbol: string) =>
    run(async () => {
      const flags = command.opts<CandleFlags>();
      const { candles } = await askCandles(symbol, flags, { limit: flags.limit, from: flags.from, to: flags.to });
      // Those that are followed are shown when they have closed.
      const past = flags.follow ? candles.filter(({ closed }) => closed) : candles;
      if (flags.json) for (const candle of past) printJson(candle);
      else if (past.length > 0) print(candleTable(past));
      else if (!flags.follow) print('no candles');
      if (!flags.follow) return ExitCode.Ok;
      const seenUs = past.at(-1)?.startUs;
      if (flags.source === undefined) await (await import('./follow-candles.ts')).followCandles(symbol, flags, seenUs);
      else await (await import('./follow-feed-candles.ts')).followFeedCandles(symbol, flags, seenUs);
      return ExitCode.Ok;
    }),
  );
}

function timeText(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('Give a time with its zone, such as 2026-01-31T09:30:00Z.');
}
