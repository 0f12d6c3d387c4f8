import { type Command, InvalidArgumentError, Option } from 'commander';
import type { SortedCapture } from '../../../feeds/files/captures.ts';
import type { FeedSource } from '../../../feeds/lines/feed-source.ts';
import type { PlayServer } from '../../../feeds/lines/play-server.ts';
import { print, printJson, whole } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { checkBooks, printBooks } from './feeds-books.ts';
import { Progress } from './progress.ts';
import { stopSignal } from './stop-signals.ts';

interface Flags {
  readonly speed: number;
  readonly levels: number;
  readonly serveOnly?: true;
  readonly loop?: true;
  readonly host: string;
  readonly port: number;
  readonly json?: true;
}

const LOOK_MS = 50;
/** The server's last frames are on their way at most this long, ms. */
const LAST_FRAMES_MS = 5_000;
/** A capture that was cut short may leave books waiting for their snapshot; they are printed as they are. */
const LAST_BOOKS_MS = 1_000;
/** More connections than this, above one for each recorded one: the adapter does not get through the capture. */
const MAX_EXTRA_CONNECTIONS = 20;

export function feedsPlayCommand(feeds: Command): void {
  const command = feeds
    .command('play')
    .summary('replay a recorded session over real sockets')
    .description(
      'Starts a WebSocket and HTTP server that replays a capture, connects its venue\'s adapter to it, and prints the books at the end, as "feeds books" does. Exit code 1 if a checksum was wrong or a book was crossed.',
    )
    .argument('<capture>', 'a recorded session: .jsonl, or .jsonl.gz')
    .addOption(
      new Option('--speed <times>', 'max, or a multiple of the recorded speed, such as 10x or 10')
        .default(Number.POSITIVE_INFINITY, 'max')
        .argParser(speed),
    )
    .addOption(new Option('--levels <count>', 'levels of each side').argParser(whole).default(10))
    .option('--serve-only', 'only the server, until SIGINT: connect another openbell with --ws-url and --http-url')
    .option('--loop', 'with --serve-only: begin again after the end')
    .addOption(new Option('--host <address>', 'address of the server').default('127.0.0.1'))
    .addOption(new Option('--port <port>', 'port of the server').argParser(port).default(0, 'any free one'))
    .option('--json', 'JSON instead of text: a line for each instrument')
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds play capture-kraken.jsonl.gz --speed 10
  openbell feeds play capture-kraken.jsonl.gz --serve-only --port 9000 --speed 1
  openbell feeds tail kraken-v1 --instruments XBT/CHF --ws-url ws://127.0.0.1:9000 --http-url http://127.0.0.1:9000`,
    );
  command.action((path: string) => run(() => play(path, command.opts<Flags>())));
}

async function play(path: string, flags: Flags): Promise<ExitCode> {
  if (flags.loop && !flags.serveOnly)
    throw new CliError('--loop needs --serve-only: without it, the books at the end are printed', ExitCode.Usage);
  const [{ readCaptureByTime }, { playScript }, { PlayServer }] = await Promise.all([
    import('../../../feeds/files/captures.ts'),
    import('../../../feeds/lines/play-script.ts'),
    import('../../../feeds/lines/play-server.ts'),
  ]);
  const capture = await readCaptureByTime(path);
  const source = await sourceOfCapture(path, capture);
  const script = playScript(capture);
  if (script.frames === 0) throw new CliError(`${path} holds no frames; there is nothing to play`, ExitCode.Failed, 'CAPTURE_EMPTY');
  const { speed, host, loop = false } = flags;
  const server = await listening(PlayServer.start(script, { speed, host, port: flags.port, loop }), flags);
  try {
    if (flags.serveOnly) return await serve(server, source, flags);
    return await playBooks(server, source, script.frames, script.sessions.length, flags);
  } finally {
    await server.close();
    if (capture.truncated !== undefined) process.stderr.write(`openbell: ${capture.truncated.code}: ${capture.truncated.message}\n`);
  }
}

/** Venue and instruments of a capture, as its own adapter finds them. */
async function sourceOfCapture(path: string, capture: SortedCapture): Promise<FeedSource> {
  const [{ CaptureReplay }, { RecordingSink }] = await Promise.all([
    import('../../../feeds/files/capture-replay.ts'),
    import('./feed-records.ts'),
  ]);
  const replay = new CaptureReplay(path, capture, new RecordingSink());
  replay.run();
  const { venue, instruments } = replay.adapter;
  const names = instruments.filter(({ snapshots }) => snapshots > 0).map(({ name }) => name);
  if (names.length === 0) throw new CliError(`${path} holds no book`, ExitCode.Failed, 'CAPTURE_EMPTY');
  const hasList = capture.events.some((event) => event.kind === 'http' && replay.adapter.isList(event.url));
  return { name: venue, venue, instruments: names, ...(!hasList && { withoutList: true as const }) };
}

async function serve(server: PlayServer, { venue, instruments }: FeedSource, { json }: Flags): Promise<ExitCode> {
  const { webSocketUrl, httpUrl } = server;
  const stop = stopSignal();
  if (json) printJson({ venue, instruments, webSocketUrl, httpUrl });
  else {
    print(`${venue} at ${webSocketUrl} and ${httpUrl}, with ${instruments.join(',')}`);
    print(`openbell feeds tail ${venue} --instruments ${instruments.join(',')} --ws-url ${webSocketUrl} --http-url ${httpUrl}`);
  }
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  return ExitCode.Ok;
}

async function playBooks(server: PlayServer, source: FeedSource, frames: number, sessions: number, flags: Flags): Promise<ExitCode> {
  const [{ lineOf }, { RecordingSink }, { booksOf }, { VenueLine }, { RECORDING_ENDS }] = await Promise.all([
    import('../../../feeds/lines/feed-source.ts'),
    import('./feed-records.ts'),
    import('../../../feeds/files/capture-books.ts'),
    import('../../../feeds/venues/venue-line.ts'),
    import('../../../feeds/lines/play-server.ts'),
  ]);
  const stop = stopSignal();
  const sink = new RecordingSink();
  const { webSocketUrl, httpUrl } = server;
  const line = lineOf({ ...source, webSocketUrl, httpUrl }, sink, {
    // The limits are those of the venue; this server has none.
    limits: { sends: { messages: 1000, perMs: 1 }, requests: { messages: 1000, perMs: 1 } },
    log: (_fault, text) => {
      if (!text.includes(RECORDING_ENDS)) process.stderr.write(`openbell: ${text}\n`);
    },
  });
  const progress = new Progress('playing');
  let sentAll = false;
  void server.ended.then(() => {
    sentAll = true;
  });
  let waited = 0;
  line.start();
  while (!stop.aborted && waited < LAST_FRAMES_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const { connections, frames: sent } = server.counters;
    progress.show(
      `${line.counters.frames.toLocaleString('en')} of ${frames.toLocaleString('en')} frames, ${sink.live} of ${sink.instruments.length} books live`,
    );
    if (connections > sessions + MAX_EXTRA_CONNECTIONS) break;
    if (!sentAll) continue;
    waited += LOOK_MS;
    if (line.counters.frames >= sent && (sink.live === sink.instruments.length || waited >= LAST_BOOKS_MS)) break;
  }
  // Read before the line ends, which makes every book stale.
  const books = line.adapter instanceof VenueLine ? booksOf(line.adapter, flags.levels) : [];
  await line.stop();
  progress.end();
  if (stop.aborted) throw new CliError('stopped before the end of the capture', ExitCode.Failed);
  if (!sentAll)
    throw new CliError(
      `the adapter connected ${server.counters.connections} times without reaching the end; the messages above say why`,
      ExitCode.Failed,
      'PLAY_FAILED',
    );
  printBooks(books, faultsOf(sink.faults, server.counters.ended), flags.json === true);
  const missing = source.instruments.filter((name) => !books.some(({ instrument }) => instrument === name));
  if (missing.length > 0)
    throw new CliError(`no book of ${missing.join(', ')}, though the capture holds one`, ExitCode.Failed, 'PLAY_FAILED');
  return checkBooks(books);
}

/** Faults without the connections that this server closed itself, because the recorded ones ended there: those are no faults of the capture. */
function faultsOf(faults: ReadonlyMap<string, number>, ended: number): ReadonlyMap<string, number> {
  const closed = (faults.get('CLOSED') ?? 0) - ended;
  return new Map([...faults].map(([code, count]) => [code, code === 'CLOSED' ? closed : count] as const).filter(([, count]) => count > 0));
}

/** @throws CliError when the address cannot be used */
async function listening(starting: Promise<PlayServer>, { host, port: wanted }: Flags): Promise<PlayServer> {
  try {
    return await starting;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(`cannot listen on ${host}:${wanted} (${code}); give another --host or --port`, ExitCode.Usage);
  }
}

/** `max`, `10`, `10x`. */
export function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const value = Number(text.replace(/x$/, ''));
  if (!/^\d+(\.\d+)?x?$/.test(text) || value <= 0 || value > 1e6)
    throw new InvalidArgumentError('must be max or a number above 0, such as 10x or 10.');
  return value;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError('must be a port from 0 to 65535.');
  return value;
}
