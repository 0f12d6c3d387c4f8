import { type Command, InvalidArgumentError, Option } from 'commander';
import { FeedState, faultCode, stateName } from '../../../feeds/feed.ts';
import type { FeedSource } from '../../../feeds/lines/feed-source.ts';
import { printable } from '../../log-lines.ts';
import { connectionOptions, print, printJson, table } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { RecordingSink } from './feed-records.ts';
import { configuredSources, sourceOf, sourceOptions } from './feed-source-flags.ts';
import { ifRunning, type RunningFeed, type RunningFlags, runningFeeds, runningOption } from './running-feeds.ts';
import { stopSignal } from './stop-signals.ts';

interface Flags extends RunningFlags {
  readonly wait: number;
}

const LOOK_MS = 20;

export function feedsStatusCommand(feeds: Command): void {
  const command = feeds
    .command('status')
    .summary('whether sources can be reached and their books are live')
    .description(
      'Prints the state of each instrument: as the running exchange has it or, with --config or a venue with --instruments, as a connection from here finds it when every book is live or the time is over. Exit code 0 if all are live, 1 if not, 3 if a source cannot be reached.',
    )
    .argument(
      '[source]',
      'a name under feeds in the configuration, or a venue with --instruments; default: all of the exchange, or of the configuration',
    )
    .addOption(new Option('--wait <seconds>', 'how long the books may take').argParser(seconds).default(15))
    .addOption(runningOption())
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds status
  openbell feeds status --config venue.yaml
  openbell feeds status kraken-v1 --instruments XBT/USD,ETH/USD --wait 5 --json`,
    );
  connectionOptions(sourceOptions(command)).action((source?: string) => run(() => status(source, command.opts<Flags>())));
}

async function status(name: string | undefined, flags: Flags): Promise<ExitCode> {
  const running = await ifRunning(flags, () => runningFeeds(flags, name));
  if (running !== undefined) return runningStatus(running, flags);
  const sources = name === undefined ? await configuredSources(flags.config) : [await sourceOf(name, flags)];
  if (sources.length === 0)
    throw new CliError(
      'which source? No exchange answers; give a name with --instruments, or --config with a section feeds',
      ExitCode.Usage,
    );
  const [{ lineOf }, { Breakers }] = await Promise.all([
    import('../../../feeds/lines/feed-source.ts'),
    import('../../../feeds/lines/breaker.ts'),
  ]);
  const stop = stopSignal();
  const breakers = new Breakers();
  const watched = sources.map((source) => {
    const sink = new RecordingSink();
    const reasons = new Set<string>();
    return { source, sink, reasons, line: lineOf(source, sink, { breakers, log: (_fault, text) => reasons.add(text) }) };
  });
  for (const { line } of watched) line.start();
  const until = performance.now() + flags.wait * 1000;
  const live = () => watched.every(({ sink }) => sink.instruments.length > 0 && sink.live === sink.instruments.length);
  while (!live() && performance.now() < until && !stop.aborted) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const rows = watched.flatMap(({ source, sink }) => rowsOf(source, sink));
  const allLive = live();
  await Promise.all(watched.map(({ line }) => line.stop()));
  printRows(rows, flags);
  for (const { reasons } of watched) for (const reason of reasons) process.stderr.write(`openbell: ${reason}\n`);
  const unreached = watched.filter(({ line }) => line.counters.connects === 0).map(({ source }) => source.name);
  if (unreached.length > 0) throw new CliError(`could not be reached: ${unreached.join(', ')}`, ExitCode.Unreachable);
  return allLive ? ExitCode.Ok : ExitCode.Failed;
}

/** As a running exchange has it, at once. A source that has not seen an instrument yet is a row of its own. */
function runningStatus(feeds: readonly RunningFeed[], flags: Flags): ExitCode {
  if (feeds.length === 0) throw new CliError('the exchange has no sources: its configuration has no section feeds', ExitCode.Failed);
  const rows = feeds.flatMap(({ name, state, fault, instruments }): Row[] => {
    if (instruments.length === 0) return [{ source: name, instrument: '*', state, ...(fault !== undefined && { fault }) }];
    return instruments.map((one) => ({
      source: name,
      instrument: one.name,
      state: one.state,
      ...(one.fault !== undefined && { fault: one.fault }),
    }));
  });
  printRows(rows, flags);
  const isLive = feeds.every(({ instruments }) => instruments.length > 0 && instruments.every(({ state }) => state === 'live'));
  return isLive ? ExitCode.Ok : ExitCode.Failed;
}

function printRows(rows: readonly Row[], { json }: Flags): void {
  if (json) for (const row of rows) printJson(row);
  else
    print(
      table([
        ['source', 'instrument', 'state', 'reason'],
        ...rows.map((row) => [row.source, printable(row.instrument), row.state, row.fault]),
      ]),
    );
}

interface Row {
  readonly source: string;
  /** Of a connection from here. */
  readonly venue?: string;
  readonly instrument: string;
  readonly state: string;
  /** Why it is in this state, if there is a reason. */
  readonly fault?: string;
}

function rowsOf({ name, venue }: FeedSource, { instruments, state }: RecordingSink): Row[] {
  return instruments.map((instrument) => ({
    source: name,
    venue,
    instrument: instrument.name,
    // A line that is down says more than a book that waits for it.
    state: stateName(state === FeedState.Down ? state : instrument.state),
    ...(instrument.fault !== 0 && { fault: faultCode(instrument.fault) }),
  }));
}

export function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 3600)
    throw new InvalidArgumentError('must be a number of seconds above 0, at most 3600.');
  return value;
}
