import { type Command, InvalidArgumentError, Option } from 'commander';
import { type FlowPhase, readOrders } from '../../../feeds/files/order-flow-csv.ts';
import { MAX_FRAME_COMMANDS, type OpenbellClient } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, whole, withClient } from './connection.ts';
import { counted } from './counted.ts';
import { CliError, describe, ExitCode, run } from './exit.ts';
import { Progress } from './progress.ts';
import { type ExpectedTrade, ReplayCheck } from './replay-check.ts';
import { replayFiles } from './replay-files.ts';
import { mergeByTime, replayMerged } from './replay-merge.ts';
import { type ReplayedFile, report } from './replay-report.ts';
import { Replay } from './replay-run.ts';
import {
  asInFile,
  type FlowSummary,
  findSymbols,
  milliText,
  prepareVenue,
  type ReplaySymbol,
  type ReplayVenue,
  readExpected,
  setPhase,
  surveyFlow,
} from './replay-venue.ts';

interface ReplayFlags extends ConnectionFlags {
  /** By index of the file. */
  readonly expect: readonly string[];
  readonly symbol: readonly string[];
  readonly speed: number;
  readonly batch: number;
}

const DEFAULT_BATCH = 64;

export function replayCommand(program: Command): void {
  const command = program
    .command('replay')
    .summary('send a recorded trading day into a running exchange')
    .description(
      'Sends order-flow files to a running exchange over gRPC, switches phases as recorded, and compares the results. Several files, one ' +
        'for each symbol, are sent in the order of their times. Defines symbols and accounts if they are missing. Exit code 1 on any difference.',
    )
    .argument('<orders...>', 'ORDERS.csv or ORDERS.csv.gz, one or several')
    .addOption(
      new Option('--expect <trades>', 'TRADES.csv or TRADES.csv.gz: the expected trades; with several files once for each, in their order')
        .default([], 'not compared')
        .argParser(collected),
    )
    .addOption(
      new Option('--symbol <name>', 'symbol with an empty book; with several files once for each, in their order')
        .default([], 'a new one, named after the file')
        .argParser(collected),
    )
    .addOption(
      new Option('--speed <times>', 'max, or a multiple of the recorded speed, such as 10x or 10')
        .default(Number.POSITIVE_INFINITY, 'max')
        .argParser(speed),
    )
    .addOption(new Option('--batch <commands>', 'maximum commands per message').default(DEFAULT_BATCH).argParser(batch))
    .addHelpText(
      'after',
      `
Examples:
  openbell replay 600536.orders.csv.gz --expect 600536.trades.csv.gz
  openbell replay day.orders.csv --symbol TEST-1 --speed 10x --json
  openbell replay a.orders.csv b.orders.csv --expect a.trades.csv --expect b.trades.csv --speed 100x`,
    );
  connectionOptions(command).action((orders: string[]) => run(() => replay(command.opts<ReplayFlags>(), orders)));
}

/** A day that is to be replayed: read and checked as a whole, nothing defined yet. */
interface Day {
  readonly path: string;
  readonly target: ReplaySymbol;
  readonly flow: FlowSummary;
  readonly expected: ExpectedTrade[] | undefined;
}

async function replay(flags: ReplayFlags, paths: readonly string[]): Promise<ExitCode> {
  const files = replayFiles(paths, flags.expect, flags.symbol);
  const targets = await findSymbols(flags, files);
  const days: Day[] = [];
  for (const [index, { path, trades }] of files.entries()) {
    const target = targets[index];
    const flow = await surveyFlow(path, target);
    if (flow.endsInAuction) process.stderr.write(`openbell: ${path}: ends in phase auction; if it is cut, fetch it again\n`);
    days.push({ path, target, flow, expected: trades === undefined ? undefined : await readExpected(trades, target) });
  }
  const venues: ReplayVenue[] = [];
  for (const { target, flow } of days) venues.push(await prepareVenue(flags, target, flow));
  return await withClients(flags, venues, (clients) => send(flags, days, venues, clients));
}

async function send(
  flags: ReplayFlags,
  days: readonly Day[],
  venues: readonly ReplayVenue[],
  clients: readonly OpenbellClient[],
): Promise<ExitCode> {
  const progress = new Progress('replaying');
  const files: ReplayedFile[] = [];
  for (const [index, client] of clients.entries()) {
    const venue = venues[index];
    const { path, expected } = days[index];
    const symbol = await client.symbols.find(venue.symbol);
    const texts = {
      trade: (lots: number, ticks: number) => asInFile(symbol, lots, ticks),
      price: (ticks: number) => milliText(symbol, ticks),
    };
    const check = new ReplayCheck(expected, texts);
    const session = client.orders;
    await session.ready();
    const actions = {
      setPhase: (phase: FlowPhase) => setPhase(flags, venue.symbol, phase),
      uncross: () => uncross(flags, venue.symbol),
    };
    const work = new Replay({ session, symbol, check, batch: flags.batch, actions });
    files.push({ path, venue, work, check, compared: expected !== undefined });
  }
  const total = days.reduce((sum, { flow }) => sum + flow.rows, 0).toLocaleString('en');
  const began = performance.now();
  try {
    const rows = mergeByTime(days.map(({ path }) => readOrders(path)));
    await replayMerged(
      rows,
      files.map(({ work }) => work),
      flags.speed,
      (count, timeMs) => {
        if (count % 256 === 0) progress.show(`${count.toLocaleString('en')} of ${total} rows, at ${timeOfDay(timeMs)} of the day`);
      },
    );
  } catch (error) {
    throw await closed(flags, files, error);
  }
  for (const { check } of files) check.finish();
  progress.end();
  report(files, (performance.now() - began) / 1000, flags.json === true);
  return files.every(({ check }) => check.differences === 0) ? ExitCode.Ok : ExitCode.Failed;
}

/** A client for the account of each venue. */
async function withClients<T>(
  flags: ReplayFlags,
  venues: readonly ReplayVenue[],
  work: (clients: readonly OpenbellClient[]) => Promise<T>,
  clients: readonly OpenbellClient[] = [],
): Promise<T> {
  if (clients.length === venues.length) return await work(clients);
  const { account } = venues[clients.length];
  return await withClient({ ...flags, account }, (client) => withClients(flags, venues, work, [...clients, client]));
}

/** Closes the symbols of a replay that ended early, so that no order trades against half of a day; the error with what became of them. */
async function closed(flags: ConnectionFlags, files: readonly ReplayedFile[], cause: unknown): Promise<CliError> {
  const sum = (of: (work: Replay) => number): number => files.reduce((total, { work }) => total + of(work), 0);
  const sent = `after ${counted(
    sum(({ orders }) => orders),
    'order',
  )} and ${counted(
    sum(({ cancels }) => cancels),
    'cancel',
  )}: ${describe(cause)}`;
  const names: string[] = [];
  const open: string[] = [];
  for (const { venue } of files) {
    try {
      await setPhase(flags, venue.symbol, 'closed');
      names.push(venue.symbol);
    } catch (error) {
      open.push(`${venue.symbol} could not be closed (${describe(error)}): check its phase`);
    }
  }
  const [verb, them] = names.length === 1 ? ['is', 'it'] : ['are', 'them'];
  const done = names.length === 0 ? [] : [`${names.join(', ')} ${verb} closed now, with the orders that rest in ${them}`];
  return new CliError(
    `the replay ended early, ${sent}; ${[...done, ...open].join('; ')}`,
    open.length === 0 ? ExitCode.Failed : ExitCode.Unreachable,
  );
}

async function uncross(flags: ConnectionFlags, symbol: string): Promise<{ price: number; volume: number }> {
  try {
    const { priceTicks, quantityLots } = await askAdmin<{ priceTicks: number; quantityLots: number }>(
      flags,
      `/v1/symbols/${pathOf(symbol)}/uncross`,
      {},
    );
    return { price: priceTicks, volume: quantityLots };
  } catch (error) {
    // An auction in which nothing crosses is an auction too.
    if (error instanceof CliError && error.message.startsWith('NOTHING_TO_UNCROSS')) return { price: 0, volume: 0 };
    throw error;
  }
}

function collected(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** `10:30:05` from milliseconds since midnight. */
function timeOfDay(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** `max`, `1x`, `10x`, `0.5x`, `10`. */
export function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const times = /^(\d{1,4}(?:\.\d{1,3})?)x?$/.exec(text);
  if (times === null || Number(times[1]) === 0)
    throw new InvalidArgumentError('must be max, or 0.001x to 9999x, such as 1x or 10x; the x can be left out.');
  return Number(times[1]);
}

function batch(text: string): number {
  const size = whole(text);
  if (size < 1 || size > Math.min(MAX_FRAME_COMMANDS, 1024)) throw new InvalidArgumentError('must be from 1 to 1024.');
  return size;
}
