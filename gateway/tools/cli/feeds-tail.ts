import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FeedSnapshot, FeedUpdate, OpenbellError } from '../../client/index.ts';
import { printable } from '../../log-lines.ts';
import { clientOptions, connectionOptions, count, print, printJson } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { type FeedRecordView, RECORD_KINDS, RecordingSink, type RecordKind, recordLine } from './feed-records.ts';
import { sourceOf, sourceOptions } from './feed-source-flags.ts';
import { ifRunning, type RunningFlags, recordsOf, runningFeeds, runningOption } from './running-feeds.ts';
import { stopSignal } from './stop-signals.ts';

interface Flags extends RunningFlags {
  readonly only?: readonly RecordKind[];
  readonly count?: number;
  readonly levels: string;
}

/** Output that its reader has not taken, bytes; above it, records are left out and counted. */
const MAX_UNREAD = 8 << 20;

export function feedsTailCommand(feeds: Command): void {
  const command = feeds
    .command('tail')
    .summary('follow a live source, record by record')
    .description(
      'Prints what a source brings, until SIGINT. Of the running exchange: states, trades, best prices and changes of the best levels of each instrument, as a stream that leaves out what changes more often than ten times a second. With --config, or a venue with --instruments, it connects from here and prints all that the adapter understands: levels, trades, quotes, states and faults. Prices and quantities are decimal text, in the unit of the instrument.',
    )
    .argument('<source>', 'a name under feeds in the configuration, or a venue with --instruments; "feeds ls" lists both')
    .addOption(new Option('--only <kinds>', `kinds of records, separated by commas: ${RECORD_KINDS.join(', ')}`).argParser(kinds))
    .addOption(new Option('--count <records>', 'end after this many, from 1').argParser(count(Number.MAX_SAFE_INTEGER)))
    .addOption(new Option('--levels <count>', 'of each side, of the running exchange').choices(['1', '10', '50']).default('10'))
    .addOption(runningOption())
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds tail btc --only trade
  openbell feeds tail kraken-v1 --instruments XBT/USD --only trade,quote
  openbell feeds tail btc --config venue.yaml --json --count 100`,
    );
  connectionOptions(sourceOptions(command)).action((source: string) => run(() => tail(source, command.opts<Flags>())));
}

async function tail(name: string, flags: Flags): Promise<ExitCode> {
  const running = await ifRunning(flags, () => runningFeeds(flags, name));
  if (running !== undefined) return tailRunning(name, flags);
  const source = await sourceOf(name, flags);
  const { lineOf } = await import('../../../feeds/lines/feed-source.ts');
  const stop = stopSignal();
  const { promise: enough, resolve: end } = Promise.withResolvers<void>();
  const output = new RecordOutput(flags, end);
  const sink = new RecordingSink((record) => output.show(record));
  const line = lineOf(source, sink, { log: (_fault, text) => process.stderr.write(`openbell: ${text}\n`) });
  if (stop.aborted) end();
  stop.addEventListener('abort', () => end(), { once: true });
  line.start();
  await enough;
  output.end();
  await line.stop();
  if (line.counters.connects === 0) throw new CliError(`${source.name} could not be reached`, ExitCode.Unreachable);
  return ExitCode.Ok;
}

/** Shows the stream of the running exchange. */
async function tailRunning(name: string, flags: Flags): Promise<ExitCode> {
  const { connect } = await import('../../client/index.ts');
  const stop = stopSignal();
  const { promise: enough, resolve: end } = Promise.withResolvers<OpenbellError | undefined>();
  const output = new RecordOutput(flags, () => end(undefined));
  const client = await connect(clientOptions(flags));
  try {
    await client.followFeed({
      feed: name,
      levels: Number(flags.levels) as 1 | 10 | 50,
      onMessage: (message) => {
        for (const record of recordsOf(message)) output.show(record);
        noteGaps(message);
      },
      onLost: (error, final) => {
        if (final) end(error);
        else process.stderr.write(`openbell: ${error.message}; connecting again\n`);
      },
    });
    if (stop.aborted) end(undefined);
    stop.addEventListener('abort', () => end(undefined), { once: true });
    const failure = await enough;
    if (failure !== undefined) throw failure;
  } finally {
    await client.close();
  }
  output.end();
  return ExitCode.Ok;
}

function noteGaps(message: FeedSnapshot | FeedUpdate): void {
  const { instrument } = message;
  const left = message.kind === 'snapshot' ? message.updatesLeftOut : message.tradesLeftOut;
  if (left !== undefined)
    process.stderr.write(
      `openbell: ${printable(instrument)}: ${left} ${message.kind === 'snapshot' ? 'updates' : 'trades'} were left out\n`,
    );
  if (message.kind === 'update' && message.missedRecords !== undefined)
    process.stderr.write(`openbell: the exchange missed ${message.missedRecords} records of its feeds; trades may be missing\n`);
}

/** Prints records, as many as asked for. */
class RecordOutput {
  readonly #flags: Flags;
  readonly #most: number;
  readonly #enough: () => void;
  #shown = 0;
  #leftOut = 0;

  constructor(flags: Flags, enough: () => void) {
    this.#flags = flags;
    this.#most = flags.count ?? Number.POSITIVE_INFINITY;
    this.#enough = enough;
  }

  show(record: FeedRecordView): void {
    if (this.#shown >= this.#most || this.#flags.only?.includes(record.kind) === false) return;
    if (process.stdout.writableLength > MAX_UNREAD) {
      this.#leftOut++;
      return;
    }
    if (this.#flags.json) printJson(record);
    else print(printable(recordLine(record)));
    if (++this.#shown >= this.#most) this.#enough();
  }

  /** Nothing is shown from here on. */
  end(): void {
    this.#shown = Number.POSITIVE_INFINITY;
    if (this.#leftOut > 0)
      process.stderr.write(`openbell: ${this.#leftOut} records were left out, because the output was read too slowly\n`);
  }
}

function kinds(text: string): readonly RecordKind[] {
  return text.split(',').map((word) => {
    const kind = RECORD_KINDS.find((known) => known === word.trim());
    if (kind === undefined) throw new InvalidArgumentError(`must be some of ${RECORD_KINDS.join(', ')}, separated by commas.`);
    return kind;
  });
}
