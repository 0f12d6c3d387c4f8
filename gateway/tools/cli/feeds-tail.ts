import { type Command, InvalidArgumentError, Option } from 'commander';
import { printable } from '../../log-lines.ts';
import { print, printJson, whole } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { RECORD_KINDS, RecordingSink, type RecordKind, recordLine } from './feed-records.ts';
import { type SourceFlags, sourceOf, sourceOptions } from './feed-source-flags.ts';
import { stopSignal } from './stop-signals.ts';

interface Flags extends SourceFlags {
  readonly only?: readonly RecordKind[];
  readonly count?: number;
  readonly json?: true;
}

/** Output that its reader has not taken, bytes; above it, records are left out and counted. */
const MAX_UNREAD = 8 << 20;

export function feedsTailCommand(feeds: Command): void {
  const command = feeds
    .command('tail')
    .summary('follow a live source, record by record')
    .description(
      'Connects to a source and prints what its adapter understands: levels, trades, quotes, states and faults, until SIGINT. Prices and quantities are decimal text, in the unit of the instrument.',
    )
    .argument('<source>', 'a name under feeds in the configuration, or a venue with --instruments; "feeds ls" lists both')
    .addOption(new Option('--only <kinds>', `kinds of records, separated by commas: ${RECORD_KINDS.join(', ')}`).argParser(kinds))
    .addOption(new Option('--count <records>', 'end after this many').argParser(whole))
    .option('--json', 'a JSON object a line instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds tail kraken-v1 --instruments XBT/USD --only trade,quote
  openbell feeds tail btc --config venue.yaml --json --count 100`,
    );
  sourceOptions(command).action((source: string) => run(() => tail(source, command.opts<Flags>())));
}

async function tail(name: string, flags: Flags): Promise<ExitCode> {
  const source = await sourceOf(name, flags);
  const { lineOf } = await import('../../../feeds/lines/feed-source.ts');
  const stop = stopSignal();
  const { promise: enough, resolve: end } = Promise.withResolvers<void>();
  let shown = 0;
  let leftOut = 0;
  const most = flags.count ?? Number.POSITIVE_INFINITY;
  const sink = new RecordingSink((record) => {
    if (shown >= most || flags.only?.includes(record.kind) === false) return;
    if (process.stdout.writableLength > MAX_UNREAD) {
      leftOut++;
      return;
    }
    if (flags.json) printJson(record);
    else print(printable(recordLine(record)));
    if (++shown >= most) end();
  });
  const line = lineOf(source, sink, { log: (_fault, text) => process.stderr.write(`openbell: ${text}\n`) });
  if (stop.aborted) end();
  stop.addEventListener('abort', () => end(), { once: true });
  line.start();
  await enough;
  shown = most;
  await line.stop();
  if (leftOut > 0) process.stderr.write(`openbell: ${leftOut} records were left out, because the output was read too slowly\n`);
  if (line.counters.connects === 0) throw new CliError(`${source.name} could not be reached`, ExitCode.Unreachable);
  return ExitCode.Ok;
}

function kinds(text: string): readonly RecordKind[] {
  return text.split(',').map((word) => {
    const kind = RECORD_KINDS.find((known) => known === word.trim());
    if (kind === undefined) throw new InvalidArgumentError(`must be some of ${RECORD_KINDS.join(', ')}, separated by commas.`);
    return kind;
  });
}
