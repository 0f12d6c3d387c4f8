import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FeedSource } from '../../../feeds/lines/feed-source.ts';
import type { SourceLine } from '../../../feeds/lines/source-line.ts';
import { print, printJson } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { type SourceFlags, sourceOptions, venueOf } from './feed-source-flags.ts';
import { Progress } from './progress.ts';
import { stopSignal } from './stop-signals.ts';

interface Flags extends SourceFlags {
  readonly out: string;
  readonly for?: number;
  readonly json?: true;
}

const SHOW_MS = 200;
/** Instruments that a message names. */
const MOST_NAMED = 10;

export function feedsRecordCommand(feeds: Command): void {
  const command = feeds
    .command('record')
    .summary('record a live source as a capture')
    .description(
      'Connects to a source and writes everything that is sent and received to a file, until SIGINT, SIGTERM or the time of --for. The file is a capture: "feeds books" and "feeds play" read it. A file is never replaced. If no book is live when the time of --for is over, the exit code is 1.',
    )
    .argument('<source>', 'a name under feeds in the configuration, or a venue with --instruments; "feeds ls" lists both')
    .requiredOption('--out <file>', 'the file to write; compressed if its name ends in .gz')
    .addOption(new Option('--for <seconds>', 'how long to record').argParser(duration))
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds record kraken-v1 --instruments XBT/USD,ETH/USD --out kraken.jsonl.gz --for 60
  openbell feeds record btc --config venue.yaml --out btc.jsonl.gz`,
    );
  sourceOptions(command).action((source: string) => run(() => record(source, command.opts<Flags>())));
}

async function record(name: string, flags: Flags): Promise<ExitCode> {
  const source = await venueOf(name, flags, 'recorded');
  const [{ CaptureWriter }, { lineOf }, { RecordingSink }, { captureExchange }] = await Promise.all([
    import('../../../feeds/files/capture-writer.ts'),
    import('../../../feeds/lines/feed-source.ts'),
    import('./feed-records.ts'),
    import('../../../feeds/lines/capture-exchange.ts'),
  ]);
  const stop = stopSignal();
  const sink = new RecordingSink();
  const exchange = captureExchange(source, sink);
  const writer = new CaptureWriter(flags.out, exchange, { instruments: source.instruments }, Date.now() * 1000);
  const webSocket = (connection: number) => `${exchange}.ws.${connection}`;
  const line: SourceLine = lineOf(source, sink, {
    tap: {
      connect: (connection, atUs, url) => writer.connect(webSocket(connection), atUs, url),
      send: (connection, atUs, url, frame) => writer.send(webSocket(connection), atUs, url, frame),
      recv: (connection, atUs, bytes, binary) => writer.recv(webSocket(connection), atUs, bytes, binary),
      http: (connection, atUs, url, bytes) => writer.http(`${exchange}.http.${connection}`, atUs, url, bytes),
    },
    log: (_fault, text) => process.stderr.write(`openbell: ${text}\n`),
  });
  const progress = new Progress('recording');
  const show = setInterval(
    () =>
      progress.show(
        `${line.counters.frames.toLocaleString('en')} frames, ${(writer.bytes / 1e6).toFixed(1)} MB of text, ${sink.live} of ${sink.instruments.length} books live`,
      ),
    SHOW_MS,
  );
  line.start();
  const failed = await Promise.race([writer.failed, ended(stop, flags.for)]);
  clearInterval(show);
  // Before the line ends, which makes all of them stale.
  const { live } = sink;
  await line.stop();
  progress.end();
  if (failed !== undefined) throw failed;
  await writer.end();
  const { connects, frames } = line.counters;
  const result = { file: flags.out, lines: writer.lines, frames, connections: connects, faults: Object.fromEntries(sink.faults) };
  if (flags.json) printJson(result);
  else
    print(
      `${flags.out}: ${writer.lines.toLocaleString('en')} lines, ${frames.toLocaleString('en')} frames of ${connects} connection${connects === 1 ? '' : 's'}`,
    );
  if (connects === 0) throw new CliError(`${source.name} could not be reached; the file holds no frames`, ExitCode.Unreachable);
  // Who ends it by a signal saw the progress.
  const problem = stop.aborted ? undefined : noBookProblem(source, live);
  if (problem !== undefined) throw new CliError(problem, ExitCode.Failed);
  return ExitCode.Ok;
}

/** What is wrong with a recording that ends with so many live books; undefined: nothing. */
export function noBookProblem({ name, instruments }: Pick<FeedSource, 'name' | 'instruments'>, live: number): string | undefined {
  if (live > 0) return undefined;
  const named = instruments.slice(0, MOST_NAMED).join(', ');
  const more = instruments.length > MOST_NAMED ? ` and ${instruments.length - MOST_NAMED} more` : '';
  return `${name}: 0 of ${instruments.length} books were live at the end: ${named}${more}; the file may hold no book of them`;
}

/** Resolves at the signal, or when the time is over. */
function ended(stop: AbortSignal, seconds: number | undefined): Promise<undefined> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
    const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
    if (stop.aborted) end();
    else stop.addEventListener('abort', end, { once: true });
  });
}

function duration(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds <= 0 || seconds > 1e6)
    throw new InvalidArgumentError('must be a number of seconds above 0, at most 1000000.');
  return seconds;
}
