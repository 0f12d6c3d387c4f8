import { type Command, InvalidArgumentError } from 'commander';
import type { QuoteProtection, QuoteSide, ReportView } from '../../client/index.ts';
import { type AccountFlags, accountOption, connectionOptions, count, print, printJson, withClient } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { collect } from './orders.ts';
import { reportLine } from './report-line.ts';

interface QuoteFlags extends AccountFlags {
  readonly bid?: QuoteSide;
  readonly ask?: QuoteSide;
  readonly postOnly?: true;
  readonly cancel?: true;
}

interface ProtectionFlags extends AccountFlags {
  readonly window?: number;
  readonly fills?: number;
  readonly lots?: number;
  readonly netLots?: number;
  readonly off?: true;
  readonly reset?: true;
}

const MOST = Number.MAX_SAFE_INTEGER;

export function quoteCommand(program: Command): void {
  const command = program
    .command('quote')
    .summary('quote both sides of a symbol')
    .description(
      "Replaces the account's quote in a symbol: a bid and an ask. A side that is left out is cancelled. The same or a smaller quantity at the same price keeps its place.",
    )
    .argument('<symbol>', 'such as BTC-USD')
    .option('--bid <quantity@price>', 'what is to be open on the buy side, such as 0.5@59000.00', side)
    .option('--ask <quantity@price>', 'on the sell side', side)
    .option('--post-only', 'reject the quote if a side would trade on arrival')
    .option('--cancel', 'cancel both sides')
    .addHelpText(
      'after',
      `
Examples:
  openbell quote BTC-USD --bid 0.5@58000.00 --ask 0.5@62000.00
  openbell quote BTC-USD --bid 0.5@59000.00 --post-only --account 2
  openbell quote BTC-USD --cancel`,
    );
  connectionOptions(accountOption(command)).action((symbol: string) =>
    run(async () => {
      const flags = command.opts<QuoteFlags>();
      const { bid, ask, postOnly = false } = flags;
      if ((bid === undefined && ask === undefined) !== (flags.cancel === true))
        throw new CliError('quote needs --bid, --ask or both; or --cancel alone', ExitCode.Usage);
      return await withClient(flags, async (client) => {
        const follow = collect(client);
        const answer = await client.orders.quote({ symbol, ...(bid && { bid }), ...(ask && { ask }), postOnly });
        const followed: ReportView[] = [];
        for (const its of [answer.bid, answer.ask]) if (its.orderId !== 0) followed.push(...(await follow(its)));
        if (flags.json) printJson(followed.length === 0 ? answer : { ...answer, followed });
        else {
          for (const its of [answer.bid, answer.ask]) print(`${sideText(its)}  ${answerLine(its)}`);
          for (const report of followed) print(`${sideText(report)}  ${reportLine(report)}`);
        }
        return answer.bid.kind === 'rejected' ? ExitCode.Failed : ExitCode.Ok;
      });
    }),
  );
}

export function protectionCommand(program: Command): void {
  const command = program
    .command('protection')
    .summary('limit what quotes trade in a time')
    .description(
      'Market-maker protection: if the resting quotes of the account trade more than this in the window, all of them are cancelled, and new ones are rejected until --reset.',
    )
    .option('--window <time>', 'the window, such as 500ms, 5s, 1m, 1h', windowMs)
    .option('--fills <count>', 'most fills', count(MOST))
    .option('--lots <count>', 'most lots', count(MOST))
    .option('--net-lots <count>', 'most lots bought above those sold, or sold above those bought', count(MOST))
    .option('--off', 'no protection')
    .option('--reset', 'accept quotes again')
    .addHelpText(
      'after',
      `
Examples:
  openbell protection --window 5s --fills 20 --net-lots 1000
  openbell protection --reset --account 2
  openbell protection --off`,
    );
  connectionOptions(accountOption(command)).action(() =>
    run(async () => {
      const flags = command.opts<ProtectionFlags>();
      const { window, fills, lots, netLots } = flags;
      const limits: QuoteProtection = { ...(fills && { fills }), ...(lots && { lots }), ...(netLots && { netLots }) };
      const hasLimits = Object.keys(limits).length > 0;
      const wanted = [hasLimits || window !== undefined, flags.off, flags.reset].filter(Boolean).length;
      if (wanted !== 1 || hasLimits !== (window !== undefined))
        throw new CliError('protection needs --window with --fills, --lots or --net-lots; or --off; or --reset', ExitCode.Usage);
      return await withClient(flags, async ({ orders }) => {
        const report = flags.reset
          ? await orders.resetProtection()
          : await orders.protectQuotes({ ...limits, ...(window && { windowMs: window }) });
        if (flags.json) printJson(report);
        else print(report.kind === 'accepted' ? protectionLine(flags) : reportLine(report));
        return report.kind === 'accepted' ? ExitCode.Ok : ExitCode.Failed;
      });
    }),
  );
}

function protectionLine({ reset, off, fills, lots, netLots, window }: ProtectionFlags): string {
  if (reset) return 'reset     quotes are accepted again';
  if (off) return 'off       quotes have no protection';
  const limits = [fills && `${fills} fills`, lots && `${lots} lots`, netLots && `${netLots} net lots`].filter(Boolean).join(', ');
  return `set       more than ${limits} in ${(window ?? 0) / 1000} s cancels the quotes of the account`;
}

function sideText({ side: its }: ReportView): string {
  return its === 'buy' ? 'bid' : 'ask';
}

/** A side that was not there and is not wanted is answered as cancelled, without an order id. */
function answerLine(report: ReportView): string {
  return report.kind === 'cancelled' && report.orderId === 0 ? 'none' : reportLine(report);
}

/** `0.5@59000.00` */
function side(text: string): QuoteSide {
  const found = /^(\d+(?:\.\d+)?)@(\d+(?:\.\d+)?)$/.exec(text);
  if (found === null) throw new InvalidArgumentError('Give quantity@price, such as 0.5@59000.00.');
  return { quantity: found[1], price: found[2] };
}

function windowMs(text: string): number {
  const found = /^(\d{1,8})(ms|s|m|h)$/.exec(text);
  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (found === null) throw new InvalidArgumentError('Give a time such as 500ms, 5s, 1m or 1h.');
  return Number(found[1]) * units[found[2] as keyof typeof units];
}
