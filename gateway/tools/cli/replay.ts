import { type Command, InvalidArgumentError, Option } from 'commander';
import { readOrders } from '../../../feeds/files/order-flow-csv.ts';
import { MAX_FRAME_COMMANDS } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson, whole, withClient } from './connection.ts';
import { CliError, describe, ExitCode, run } from './exit.ts';
import { Progress } from './progress.ts';
import { ReplayCheck } from './replay-check.ts';
import { Replay, WINDOW } from './replay-run.ts';
import { findSymbol, prepareVenue, type ReplayVenue, readExpected, setPhase, surveyFlow } from './replay-venue.ts';

interface ReplayFlags extends ConnectionFlags {
  readonly expect?: string;
  readonly symbol?: string;
  readonly speed: number;
  readonly batch: number;
}

const DEFAULT_BATCH = 64;

export function replayCommand(program: Command): void {
  const command = program
    .command('replay')
    .summary('send a recorded trading day into a running exchange')
    .description(
      'Sends an order-flow file to a running exchange over gRPC, switches phases as recorded, and compares the results. ' +
        'Defines the symbol and an account if they are missing. Exit code 1 on any difference.',
    )
    .argument('<orders>', 'ORDERS.csv or ORDERS.csv.gz')
    .option('--expect <trades>', 'TRADES.csv or TRADES.csv.gz: the expected trades')
    .option('--symbol <name>', 'symbol with an empty book (default: a new one, named after the file)')
    .addOption(
      new Option('--speed <times>', 'max, or a multiple of the recorded speed, such as 10x')
        .default(Number.POSITIVE_INFINITY, 'max')
        .argParser(speed),
    )
    .addOption(new Option('--batch <commands>', 'maximum commands per message').default(DEFAULT_BATCH).argParser(batch))
    .addHelpText(
      'after',
      `
Examples:
  openbell replay 600536.orders.csv.gz --expect 600536.trades.csv.gz
  openbell replay day.orders.csv --symbol TEST-1 --speed 10x --json`,
    );
  connectionOptions(command).action((orders: string) => run(() => replay(command.opts<ReplayFlags>(), orders)));
}

async function replay(flags: ReplayFlags, path: string): Promise<ExitCode> {
  const progress = new Progress('replaying');
  const target = await findSymbol(flags, path, flags.symbol);
  const flow = await surveyFlow(path, target);
  const expected = flags.expect === undefined ? undefined : await readExpected(flags.expect, target);
  const venue = await prepareVenue(flags, target, flow);
  return await withClient({ ...flags, account: venue.account }, async (client) => {
    const symbol = await client.symbols.find(venue.symbol);
    const check = new ReplayCheck(expected);
    const session = client.orders;
    await session.ready();
    const began = performance.now();
    const work = new Replay({
      session,
      symbol,
      check,
      batch: flags.batch,
      speed: flags.speed,
      actions: { setPhase: (phase) => setPhase(flags, venue.symbol, phase), uncross: () => uncross(flags, venue.symbol) },
      onRow: (rows) => {
        if (rows % 256 === 0) progress.show(`${rows.toLocaleString('en')} of ${flow.rows.toLocaleString('en')} rows`);
      },
    });
    try {
      await work.run(readOrders(path));
    } catch (error) {
      throw await closed(flags, venue.symbol, work, error);
    }
    check.finish();
    progress.end();
    report(flags, venue, work, check, (performance.now() - began) / 1000);
    return check.differences === 0 ? ExitCode.Ok : ExitCode.Failed;
  });
}

/** Closes the symbol of a replay that ended early, so that no order trades against half of a day; the error with what became of it. */
async function closed(flags: ConnectionFlags, symbol: string, { orders, cancels }: Replay, cause: unknown): Promise<CliError> {
  const sent = `after ${orders} orders and ${cancels} cancels: ${describe(cause)}`;
  try {
    await setPhase(flags, symbol, 'closed');
    return new CliError(`the replay ended early, ${sent}; ${symbol} is closed now, with the orders that rest in it`, ExitCode.Failed);
  } catch (error) {
    return new CliError(
      `the replay ended early, ${sent}; ${symbol} could not be closed (${describe(error)}): check its phase`,
      ExitCode.Unreachable,
    );
  }
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

function report(flags: ReplayFlags, { symbol, account }: ReplayVenue, work: Replay, check: ReplayCheck, seconds: number): void {
  const { orders, cancels, latencyUs } = work;
  const commands = orders + cancels;
  const perSecond = Math.round(commands / seconds);
  const max = latencyUs.maxValue;
  // The histogram rounds up to the end of a bucket.
  const [p50, p90, p99, p999] = [50, 90, 99, 99.9].map((percentile) => Math.min(max, latencyUs.getValueAtPercentile(percentile)));
  const latency = { p50, p90, p99, p999, max };
  const { continuousTrades, auctions, differences, shown } = check;
  if (flags.json) {
    const compared = flags.expect !== undefined;
    printJson({
      symbol,
      account,
      orders,
      cancels,
      continuousTrades,
      auctions,
      seconds,
      perSecond,
      latencyUs: latency,
      compared,
      differences,
      shown,
    });
    return;
  }
  const n = (value: number): string => value.toLocaleString('en');
  const verdict =
    differences > 0
      ? `${n(differences)} differences, the first ${shown.length}:\n  ${shown.join('\n  ')}`
      : flags.expect === undefined
        ? 'auctions match the file; without --expect the trades were not compared'
        : 'every trade and every auction is as expected';
  print(`${symbol}, account ${account}: ${n(orders)} orders and ${n(cancels)} cancels in ${seconds.toFixed(2)} s, ${n(perSecond)}/s
${n(continuousTrades)} continuous trades, ${n(auctions)} auctions
answer time, with up to ${WINDOW} commands in flight: p50 ${p50} us, p90 ${p90} us, p99 ${p99} us, p99.9 ${p999} us, max ${max} us
${verdict}`);
}

/** `max`, `1x`, `10x`, `0.5x`. */
function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const times = /^(\d{1,4}(?:\.\d{1,3})?)x$/.exec(text);
  if (times === null || Number(times[1]) === 0) throw new InvalidArgumentError('must be max, or 0.001x to 9999x, such as 1x or 10x.');
  return Number(times[1]);
}

function batch(text: string): number {
  const size = whole(text);
  if (size < 1 || size > Math.min(MAX_FRAME_COMMANDS, 1024)) throw new InvalidArgumentError('must be from 1 to 1024.');
  return size;
}
