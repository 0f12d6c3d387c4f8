import { type Command, Option } from 'commander';
import { InstrumentStatus, instrumentStatusName, unlisted } from '../../../feeds/instrument-terms.ts';
import type { FeedSource } from '../../../feeds/lines/feed-source.ts';
import type { FeedInstrument } from '../../client/index.ts';
import { feedInstrumentView } from '../../feed-instrument-view.ts';
import { printable } from '../../log-lines.ts';
import { askAdmin, connectionOptions, print, printJson, table } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { RecordingSink } from './feed-records.ts';
import { configuredVenues, sourceOptions, venueOf } from './feed-source-flags.ts';
import { seconds } from './feeds-status.ts';
import { ifRunning, type RunningFlags, runningOption } from './running-feeds.ts';
import { stopSignal } from './stop-signals.ts';

interface Flags extends RunningFlags {
  readonly wait: number;
}

const LOOK_MS = 20;

export function feedsInstrumentsCommand(feeds: Command): void {
  const command = feeds
    .command('instruments')
    .summary('instruments of sources, by the lists of their venues')
    .description(
      'Prints what the own list of each venue says of the instruments of a source: status, assets, tick and lot. As the running exchange has it or, with --config or a venue with --instruments, as a connection from here finds it. Exit code 0 if all trade, 1 if one is halted, delisted, or was not described in time, 3 if a source cannot be reached.',
    )
    .argument('[source]', 'a name under feeds in the configuration, or a venue with --instruments; default: all')
    .addOption(new Option('--wait <seconds>', 'how long a connection from here may take').argParser(seconds).default(15))
    .addOption(runningOption())
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds instruments
  openbell feeds instruments btc --json
  openbell feeds instruments okx --instruments BTC-USDT,BTC-USD-SWAP`,
    );
  connectionOptions(sourceOptions(command)).action((source?: string) => run(() => instruments(source, command.opts<Flags>())));
}

async function instruments(name: string | undefined, flags: Flags): Promise<ExitCode> {
  const query = name === undefined ? '' : `?${new URLSearchParams({ feed: name })}`;
  const running = await ifRunning(flags, () => askAdmin<readonly FeedInstrument[]>(flags, `/v1/feeds/instruments${query}`));
  if (running !== undefined) return show(running, flags);
  const sources = name === undefined ? await configuredVenues(flags.config) : [await venueOf(name, flags, 'asked')];
  if (sources.length === 0)
    throw new CliError(
      'which source? No exchange answers; give a name with --instruments, or --config with a section feeds',
      ExitCode.Usage,
    );
  return await ask(sources, flags);
}

/** Connects until every instrument is described, or the time is over. */
async function ask(sources: readonly FeedSource[], flags: Flags): Promise<ExitCode> {
  const [{ lineOf }, { Breakers }] = await Promise.all([
    import('../../../feeds/lines/feed-source.ts'),
    import('../../../feeds/lines/breaker.ts'),
  ]);
  const stop = stopSignal();
  const breakers = new Breakers();
  const asked = sources.map((source) => {
    const sink = new RecordingSink();
    const reasons = new Set<string>();
    return { source, sink, reasons, line: lineOf(source, sink, { breakers, log: (_fault, text) => reasons.add(text) }) };
  });
  for (const { line } of asked) line.start();
  const until = performance.now() + flags.wait * 1000;
  const isDescribed = () => asked.every(({ sink }) => sink.instruments.every(({ terms }) => terms !== undefined));
  while (!isDescribed() && performance.now() < until && !stop.aborted) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const rows = asked.flatMap(({ source, sink }) => rowsOf(source, sink));
  await Promise.all(asked.map(({ line }) => line.stop()));
  const exit = show(rows, flags);
  for (const { reasons } of asked) for (const reason of reasons) process.stderr.write(`openbell: ${reason}\n`);
  const unreached = asked.filter(({ line }) => line.counters.connects === 0).map(({ source }) => source.name);
  if (unreached.length > 0) throw new CliError(`could not be reached: ${unreached.join(', ')}`, ExitCode.Unreachable);
  return exit;
}

function rowsOf(source: FeedSource, sink: RecordingSink): FeedInstrument[] {
  return sink.instruments.map(({ name, state, fault, terms = unlisted(name) }) => feedInstrumentView(source.name, state, fault, terms));
}

const TRADES = [InstrumentStatus.Trading, InstrumentStatus.PostOnly].map(instrumentStatusName);

function show(rows: readonly FeedInstrument[], { json }: Flags): ExitCode {
  if (json) for (const row of rows) printJson(row);
  else
    print(
      table([
        ['feed', 'instrument', 'status', 'base', 'quote', 'tick', 'lot', 'state', 'reason'],
        ...rows.map((row) => [
          row.feed,
          printable(row.instrument),
          row.status,
          ...[row.base, row.quote, row.tick, row.lot].map((text) => text && printable(text)),
          row.state,
          row.fault,
        ]),
      ]),
    );
  return rows.every(({ status }) => TRADES.includes(status)) ? ExitCode.Ok : ExitCode.Failed;
}
