import { type FlowPhase, readOrders } from '../../../feeds/files/order-flow-csv.ts';
import type { OpenbellClient } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, withClient } from './connection.ts';
import { counted } from './counted.ts';
import { CliError, describe, ExitCode } from './exit.ts';
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

export interface ReplayFlags extends ConnectionFlags {
  /** By index of the file. */
  readonly expect: readonly string[];
  readonly symbol: readonly string[];
  readonly speed: number;
  readonly batch: number;
}

/** A day that is to be replayed: read and checked as a whole, nothing defined yet. */
interface Day {
  readonly path: string;
  readonly target: ReplaySymbol;
  readonly flow: FlowSummary;
  readonly expected: ExpectedTrade[] | undefined;
}

/** Checks the files, then sends them. @returns Failed if a trade differs from the expected ones @throws CliError */
export async function replay(flags: ReplayFlags, paths: readonly string[]): Promise<ExitCode> {
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
  )}: ${reasonOf(cause)}`;
  const names: string[] = [];
  const open: string[] = [];
  for (const { venue } of files) {
    try {
      await setPhase(flags, venue.symbol, 'closed');
      names.push(venue.symbol);
    } catch (error) {
      open.push(`${venue.symbol} could not be closed (${reasonOf(error)}): check its phase`);
    }
  }
  const [verb, them] = names.length === 1 ? ['is', 'it'] : ['are', 'them'];
  const done = names.length === 0 ? [] : [`${names.join(', ')} ${verb} closed now, with the orders that rest in ${them}`];
  return new CliError(
    `the replay ended early, ${sent}; ${[...done, ...open].join('; ')}`,
    open.length === 0 ? ExitCode.Failed : ExitCode.Unreachable,
  );
}

/** What is wrong, without the line that says what to do next. */
function reasonOf(error: unknown): string {
  return describe(error).split('\n', 1)[0];
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

/** `10:30:05` from milliseconds since midnight. */
function timeOfDay(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}
