import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import {
  SELF_TRADE_NAMES,
  type SelfTradeName,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
  TRIGGER_NAMES,
  type TriggerName,
} from '../../../engine/wire/names.ts';
import type { OpenbellClient, ReportView, SideName, TimeInForceName } from '../../client/index.ts';
import { isoTime } from '../../iso-time.ts';
import { type ChildFlags, childOptions, hasChildren, placeParent } from './child-flags.ts';
import { type AccountFlags, accountOption, amount, connectionOptions, id as idOf, print, printJson, withClient } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { explainCommand } from './explain.ts';
import { type PegFlags, pegOptions, pegTerms } from './peg-flags.ts';
import { reportLine } from './report-line.ts';
import { newTrailOptions, type TrailFlags, trailOptions, trailTerms } from './trail-flags.ts';

/** Kinds of reports that follow the answer to a command. */
const FOLLOW: ReadonlySet<string> = new Set(['fill', 'cancelled', 'triggered']);

/** Codes of an amend that the exchange made, not the account. */
const CHANGED: ReadonlySet<string> = new Set(['CANCELLED_SELF_TRADE', 'CANCELLED_LINKED', 'CANCELLED_PARENT', 'PARENT_FILLED']);

/** Without a price an order is a market order; there is nothing to choose. */
const PRICED = TIME_IN_FORCE_NAMES.filter((name) => name !== 'market');
/** Those that a market order can have. */
const UNPRICED: ReadonlySet<string> = new Set(['fok', 'at-the-open', 'at-the-close']);

interface OrderFlags extends AccountFlags, TrailFlags, PegFlags, ChildFlags {
  readonly tif?: TimeInForceName;
  readonly id?: number;
  readonly minQuantity?: string;
  readonly display?: string;
  readonly expires?: Date;
  readonly selfTrade?: SelfTradeName;
  readonly stop?: string;
  readonly trigger?: TriggerName;
  readonly triggerNow?: true;
  readonly postOnly?: true;
  readonly reprice?: true;
  readonly hidden?: true;
}

interface TargetFlags extends AccountFlags, TrailFlags {
  readonly clientId?: true;
  readonly display?: string;
  readonly stop?: string;
}

interface CancelFlags extends TargetFlags {
  readonly all?: true;
  readonly allAfter?: number;
  readonly symbol?: string;
  readonly side?: SideName;
}

export function orderCommand(program: Command): void {
  const command = program
    .command('order')
    .summary('place an order, or explain one')
    .description(
      'Places an order and prints the answer. Without a price it is a market order, with --stop or --trail when the stop triggers.',
    )
    .helpCommand(false)
    .addArgument(new Argument('<side>').choices(SIDE_NAMES))
    .argument('<quantity>', 'in the base asset, such as 0.5', amount)
    .argument('<symbol>', 'such as BTC-USD')
    .argument('[price]', 'in the quote asset, such as 59000.00', amount)
    .addOption(
      new Option('--tif <how>', 'time in force; without a price and without a stop: fok, at-the-open and at-the-close only').choices(
        PRICED,
      ),
    )
    .option(
      '--expires <when>',
      'with gtd, the default then: a time such as 2026-12-24T12:00:00Z, or from now such as 90s, 15m, 8h, 7d; to send an order again with --id, give the time',
      expiry,
    )
    .addOption(
      new Option(
        '--self-trade <mode>',
        'instead of a trade with an order of the same account or group; default: that of the account',
      ).choices(SELF_TRADE_NAMES),
    )
    .option('--min-quantity <quantity>', 'with ioc, or without a price: trade at once at least that much or not at all', amount)
    .option('--display <quantity>', 'iceberg: what market data shows of it at a time, at least a hundredth', amount)
    .option(
      '--stop <price>',
      'wait until the trigger price is at the stop price or beyond it: at or above for a buy, at or below for a sell',
      amount,
    )
    .addOption(
      new Option('--trigger <price>', 'with --stop or --trail: the price that triggers (default: last, the last trade)').choices(
        TRIGGER_NAMES,
      ),
    )
    .option('--trigger-now', 'with --stop: trigger at once if the trigger price is there already; otherwise the order is rejected')
    .option('--post-only', 'cancel or reject the order if it would trade on arrival or when it triggers')
    .option('--hidden', 'market data shows nothing of the order; it trades behind all that is displayed at its price')
    .option('--reprice', 'with --post-only or --tif post-only: instead of a rejection, rest one step of the price behind the other side')
    .option('--id <id>', 'client order id: the same order with the same id does not trade twice, another order is rejected', idOf)
    .addHelpText(
      'after',
      `
Examples:
  openbell order buy 0.5 BTC-USD 59000.00
  openbell order sell 0.5 BTC-USD --account 2
  openbell order buy 1 ETH-USD 2990.00 --tif post-only --json
  openbell order buy 1 ETH-USD 2990.00 --post-only --reprice
  openbell order buy 1 ETH-USD --tif fok
  openbell order buy 1 ETH-USD 2990.00 --expires 15m
  openbell order buy 1 ETH-USD 3010.00 --tif ioc --min-quantity 0.25
  openbell order buy 20 ETH-USD 2990.00 --display 1.5
  openbell order buy 20 ETH-USD 2990.00 --hidden
  openbell order sell 5 BTC-USD 57900.00 --stop 58000.00 --display 0.5
  openbell order sell 0.5 BTC-USD --stop 58000.00
  openbell order sell 0.5 BTC-USD 57900.00 --stop 58000.00 --trigger reference
  openbell order sell 0.5 BTC-USD --trail 150.00
  openbell order sell 0.5 BTC-USD --trail 2% --activation 60500.00 --limit-offset 20.00
  openbell order sell 0.5 BTC-USD --trail 150.00 --report-trail
  openbell order buy 0.5 BTC-USD 59000.00 --take-profit 60000.00 --stop-loss 58000.00
  openbell order buy 0.5 BTC-USD --stop-loss 58000.00 --stop-loss-limit 57900.00
  openbell order buy 0.5 BTC-USD 59000.00 --take-profit 60000.00 --stop-loss-trail 2%
  openbell order buy 0.5 BTC-USD --stop 60500.00 --take-profit 62000.00 --stop-loss 60000.00
  openbell order buy 0.5 BTC-USD 59000.00 --take-profit 62000.00 --stop-loss-trail 2%
  openbell order buy 0.5 BTC-USD 59000.00 --peg primary --peg-offset 0.50
  openbell order sell 0.5 BTC-USD 58000.00 --peg midpoint
  openbell order explain 17

With a symbol that has sessions and auctions, by a calendar or by openbell phase:
  openbell order buy 0.5 BTC-USD 59000.00 --tif day
  openbell order buy 0.5 BTC-USD 59000.00 --tif at-the-close
  openbell order sell 0.5 BTC-USD --tif at-the-open`,
    );
  newTrailOptions(command);
  pegOptions(command);
  childOptions(command);
  connectionOptions(accountOption(command)).action((side: SideName, quantity: string, symbol: string, price: string | undefined) =>
    run(async () => {
      const flags = command.opts<OrderFlags>();
      const stops = flags.stop !== undefined || flags.trail !== undefined;
      if (price === undefined && !stops && flags.tif !== undefined && !UNPRICED.has(flags.tif))
        throw new CliError(`--tif ${flags.tif} needs a price`, ExitCode.Usage);
      return await withClient(flags, async (client) => {
        const followed = collect(client);
        const order = {
          symbol,
          side,
          quantity,
          ...(price !== undefined && { price }),
          ...(price === undefined && !stops && { type: 'market' as const }),
          ...trailTerms(flags),
          ...pegTerms(flags),
          ...(flags.stop !== undefined && { stopPrice: flags.stop }),
          ...(flags.trigger && { trigger: flags.trigger }),
          ...(flags.triggerNow && { triggerNow: true }),
          ...(flags.postOnly && { postOnly: true }),
          ...(flags.reprice && { reprice: true }),
          ...(flags.hidden && { hidden: true }),
          ...(flags.tif && { timeInForce: flags.tif }),
          ...(flags.expires && { expires: flags.expires }),
          ...(flags.selfTrade && { selfTrade: flags.selfTrade }),
          ...(flags.minQuantity !== undefined && { minQuantity: flags.minQuantity }),
          ...(flags.display !== undefined && { displayedQuantity: flags.display }),
          ...(flags.id !== undefined && { clientOrderId: flags.id }),
        };
        if (hasChildren(flags)) return await showAll(flags, await placeParent(client, order, flags), followed, true);
        const answer = await client.orders.place(order);
        return show(flags, answer, await followed(answer));
      });
    }),
  );
  explainCommand(command);
}

/** The time of `--expires`: in ISO 8601 with a time zone, or from now. */
export function expiry(text: string): Date {
  const span = /^(\d{1,6})([smhd])$/.exec(text);
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 };
  if (span) return new Date(Date.now() + Number(span[1]) * seconds[span[2] as keyof typeof seconds] * 1000);
  const time = isoTime(text);
  if (time === undefined)
    throw new InvalidArgumentError('Give a time with its zone, such as 2026-12-24T12:00:00Z, or a span from now, such as 15m.');
  return new Date(time);
}

export function cancelCommand(program: Command): void {
  const command = program
    .command('cancel')
    .summary('cancel an order, or all')
    .description('Cancels an order, or with --all the open orders of the account, of a symbol, or of a side.')
    .argument('[symbol]', 'the symbol of the order, such as BTC-USD')
    .argument('[order-id]', 'as `openbell order` printed it', idOf)
    .option('--client-id', 'the id is a client order id')
    .option('--all', 'all open orders of the account')
    .option('--all-after <seconds>', 'all open orders of the account in that time, unless this is run again before; 0: no more', seconds)
    .option('--symbol <symbol>', 'with --all: only those of the symbol')
    .addOption(new Option('--side <side>', 'with --all: only those of the side').choices(SIDE_NAMES))
    .addHelpText(
      'after',
      `
Examples:
  openbell cancel BTC-USD 17
  openbell cancel BTC-USD 4711 --client-id --account 2
  openbell cancel --all
  openbell cancel --all --symbol BTC-USD --side buy
  openbell cancel --all-after 60`,
    );
  connectionOptions(accountOption(command)).action((symbol: string | undefined, id: number | undefined) =>
    run(async () => {
      const flags = command.opts<CancelFlags>();
      if (flags.all || flags.allAfter !== undefined) {
        if (symbol !== undefined || flags.clientId) throw new CliError('all orders are named: leave out the order', ExitCode.Usage);
        if (flags.allAfter === undefined) return await cancelAll(flags);
        if (flags.all || flags.symbol !== undefined || flags.side !== undefined)
          throw new CliError('--all-after is of all orders: leave out --all, --symbol and --side', ExitCode.Usage);
        return await cancelAllAfter(flags, flags.allAfter);
      }
      if (flags.symbol !== undefined || flags.side !== undefined) throw new CliError('--symbol and --side need --all', ExitCode.Usage);
      if (symbol === undefined || id === undefined) throw new CliError('name the symbol and the order, or give --all', ExitCode.Usage);
      return await withClient(flags, async (client) => show(flags, await client.orders.cancel({ symbol, ...target(flags, id) }), []));
    }),
  );
}

/** Prints the answer, and with --json nothing else: the reports of the orders may be many, and are on the account's sessions. */
async function cancelAll(flags: CancelFlags): Promise<ExitCode> {
  const { symbol, side } = flags;
  return await withClient(flags, async (client) =>
    show(flags, await client.orders.cancelAll({ ...(symbol !== undefined && { symbol }), ...(side && { side }) }), []),
  );
}

async function cancelAllAfter(flags: CancelFlags, after: number): Promise<ExitCode> {
  return await withClient(flags, async (client) => {
    const answer = await client.orders.cancelAllAfter(after);
    if (flags.json) printJson(answer);
    else print(reportLine(answer));
    return ExitCode.Ok;
  });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 86_400) throw new InvalidArgumentError('Give 1 to 86400 seconds, or 0 for off.');
  return value;
}

export function amendCommand(program: Command): void {
  const command = program
    .command('amend')
    .summary('change an order')
    .description(
      'Changes price and open quantity of an order; the price of a pegged order is its limit. The same or a smaller quantity at the same price keeps its priority. A stop that waits can also get another stop price, or another offset.',
    )
    .argument('<symbol>', 'the symbol of the order, such as BTC-USD')
    .argument('<order-id>', 'as `openbell order` printed it', idOf)
    .argument('<quantity>', 'the new open quantity, in the base asset', amount)
    .argument('[price]', 'the new price, in the quote asset; none for a stop that becomes a market order', amount)
    .option('--stop <price>', 'the new stop price; without it, a stop with a price keeps its own', amount)
    .option('--display <quantity>', 'the new displayed quantity of an iceberg; a smaller one keeps the priority', amount)
    .option('--client-id', 'the id is a client order id')
    .addHelpText(
      'after',
      `
Examples:
  openbell amend BTC-USD 17 0.25 59000.00
  openbell amend BTC-USD 17 0.25 --stop 58100.00
  openbell amend BTC-USD 17 0.25 --trail 1.5%
  openbell amend BTC-USD 4711 0.25 59000.00 --client-id --account 2`,
    );
  trailOptions(command);
  connectionOptions(accountOption(command)).action((symbol: string, id: number, quantity: string, price: string | undefined) =>
    run(async () => {
      const flags = command.opts<TargetFlags>();
      const trail = trailTerms(flags);
      if (price === undefined && flags.stop === undefined && Object.keys(trail).length === 0)
        throw new CliError('amend needs a price, or --stop or --trail', ExitCode.Usage);
      return await withClient(flags, async (client) => {
        const followed = collect(client);
        const answer = await client.orders.amend({
          symbol,
          ...target(flags, id),
          quantity,
          ...(price !== undefined && { price }),
          ...(flags.stop !== undefined && { stopPrice: flags.stop }),
          ...(flags.display !== undefined && { displayedQuantity: flags.display }),
          ...trail,
        });
        return show(flags, answer, await followed(answer));
      });
    }),
  );
}

/**
 * The fills of a command, the trigger of its stop, and the cancellation of its remainder. They arrive with
 * its answer, on the same session; closing the session waits for all of them.
 */
export function collect(client: OpenbellClient): (answer: ReportView) => Promise<ReportView[]> {
  const reports: ReportView[] = [];
  client.orders.on('report', (report) => reports.push(report));
  return async ({ seq, orderId }) => {
    await client.close();
    return reports.filter(
      ({ kind, ...its }) =>
        its.seq === seq && its.orderId === orderId && (FOLLOW.has(kind) || (kind === 'amended' && CHANGED.has(its.code))),
    );
  };
}

/** The answers of a list, and what followed them. @param haveParent all but the first order wait for its fills */
export async function showAll(
  flags: AccountFlags,
  answers: readonly ReportView[],
  followed: (answer: ReportView) => Promise<ReportView[]>,
  haveParent = false,
): Promise<ExitCode> {
  const reports = [...answers];
  for (const answer of answers) reports.push(...(await followed(answer)));
  if (flags.json) printJson(reports);
  else
    for (const report of reports) {
      const waits = haveParent && report.kind === 'accepted' && report !== answers[0];
      print(`${reportLine(report)}${waits ? `, waits for fills of order ${answers[0].orderId}` : ''}`);
    }
  return answers.some(({ kind }) => kind === 'rejected') ? ExitCode.Failed : ExitCode.Ok;
}

function target({ clientId }: TargetFlags, id: number): { orderId: number } | { clientOrderId: number } {
  return clientId ? { clientOrderId: id } : { orderId: id };
}

export function show(flags: AccountFlags, answer: ReportView, followed: readonly ReportView[]): ExitCode {
  const rejected = answer.kind.endsWith('rejected') || (answer.kind === 'mass-cancelled' && answer.code !== 'OK');
  if (flags.json) printJson(followed.length === 0 ? answer : { ...answer, followed });
  else for (const report of [answer, ...followed]) print(reportLine(report));
  return rejected ? ExitCode.Failed : ExitCode.Ok;
}
