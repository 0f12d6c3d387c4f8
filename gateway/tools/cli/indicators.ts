import { type Command, Option } from 'commander';
import { CANDLE_INTERVALS, type CandleInterval } from '../../../feeds/analysis/candles.ts';
import type { FollowedIndicators, IndicatorPage, IndicatorValue, OpenbellError } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { MAX_PAGE } from './candle-lines.ts';
import { askAdmin, type ConnectionFlags, clientOptions, connectionOptions, count, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';
import { stopSignal } from './stop-signals.ts';

interface Flags extends ConnectionFlags {
  readonly source?: string;
  readonly interval: CandleInterval;
  readonly limit: number;
  readonly follow?: true;
  readonly forming?: true;
}

/** A bar as it is shown. */
interface Shown {
  readonly startUs: number;
  readonly closed: boolean;
  readonly close: string | number;
  readonly values: Readonly<Record<string, IndicatorValue>>;
}

export function indicatorsCommand(program: Command): void {
  const command = program
    .command('indicators')
    .summary('indicators over the candles of a symbol or of an outside market')
    .description(
      'Shows indicators at the last bars of a symbol, oldest first; with --follow also at those to come, each when it has closed. Indicators are written with their parameters, such as macd:12:26:9; docs/ANALYSIS.md lists them.',
    )
    .argument('<symbol>', 'such as BTC-USD; with --source an instrument as its venue writes it')
    .argument('<indicators...>', 'such as rsi:14 or macd:12:26:9')
    .option('--source <name>', 'of an outside market: its name under feeds in the configuration of the exchange')
    .addOption(new Option('--interval <interval>', 'length of a bar').choices(CANDLE_INTERVALS).default('1m'))
    .option('--limit <count>', 'how many bars of the past', count(MAX_PAGE), 20)
    .option('--follow', 'show each further bar when it has closed, until Ctrl-C')
    .option('--forming', 'with --follow, also the forming bar with each change that the reader of the output is fast enough for')
    .addHelpText(
      'after',
      `
Examples:
  openbell indicators BTC-USD rsi:14 bb:20:2
  openbell indicators BTC-USD --interval 1s ema:20 macd:12:26:9 --follow
  openbell indicators --source kraken BTC/USD --interval 15s ema:20 --follow
  openbell indicators BTC-USD --interval 1h adx:14 vwap --limit 200 --json`,
    );
  connectionOptions(command).action((symbol: string, indicators: readonly string[]) =>
    run(async () => {
      const flags = command.opts<Flags>();
      await (flags.follow ? follow(symbol, indicators, flags) : show(symbol, indicators, flags));
      return ExitCode.Ok;
    }),
  );
}

async function show(symbol: string, indicators: readonly string[], flags: Flags): Promise<void> {
  const query = new URLSearchParams({ interval: flags.interval, limit: String(flags.limit), indicator: indicators.join(',') });
  const { source } = flags;
  if (source !== undefined) query.set('instrument', symbol);
  const of = source === undefined ? `symbols/${pathOf(symbol)}` : `feeds/${pathOf(source)}`;
  const { bars } = await askAdmin<Pick<IndicatorPage, 'bars'>>(flags, `/v1/${of}/indicators?${query}`);
  if (flags.json) for (const bar of bars) printJson(bar);
  else if (bars.length === 0) print('no bars');
  else print(table([head(bars[0].values), ...bars.map(row)]));
}

async function follow(symbol: string, indicators: readonly string[], flags: Flags): Promise<void> {
  const stop = stopSignal();
  const { connect } = await import('../../client/index.ts');
  const client = await connect(clientOptions(flags));
  const ended = Promise.withResolvers<OpenbellError | undefined>();
  stop.addEventListener('abort', () => ended.resolve(undefined), { once: true });
  if (stop.aborted) ended.resolve(undefined);
  let isFirst = true;
  try {
    const options: FollowedIndicators = {
      ...{ indicators, interval: flags.interval, bars: flags.limit },
      onBar: (bar) => {
        if (!bar.closed && (!flags.forming || process.stdout.writableNeedDrain)) return;
        if (flags.json) return printJson({ ...bar, start: new Date(bar.startUs / 1000).toISOString() });
        if (isFirst) print(head(bar.values).join('  ').trimEnd());
        isFirst = false;
        print(row(bar).join('  ').trimEnd());
      },
      onLost: (error, final) => {
        if (!final) process.stderr.write(`openbell: ${error.message}; connecting again\n`);
        else ended.resolve(error);
      },
    };
    const { source } = flags;
    await (source === undefined
      ? client.indicators({ symbol, ...options })
      : client.feedIndicators({ source, instrument: symbol, ...options }));
    const failure = await ended.promise;
    if (failure !== undefined) throw failure;
  } finally {
    await client.close();
  }
}

/** A column for each value. */
function head(values: Shown['values']): string[] {
  const names = Object.entries(values).flatMap(([text, value]) =>
    typeof value === 'object' && value !== null ? Object.keys(value).map((output) => `${text}.${output}`) : [text],
  );
  return ['start', 'close', ...names, ''];
}

function row({ startUs, close, closed, values }: Shown): string[] {
  const numbers = Object.values(values).flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : [value]));
  const start = new Date(startUs / 1000).toISOString().replace('.000Z', 'Z');
  return [start, String(close), ...numbers.map(numberText), closed ? '' : 'forming'];
}

/** Ten digits: more than a person reads. With --json all are there. */
function numberText(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(10)));
}
