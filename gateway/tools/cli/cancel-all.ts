import { type Command, Option } from 'commander';
import { pathOf } from '../../client/symbols.ts';
import { confirm } from './confirm.ts';
import { accountId, askAdmin, type ConnectionFlags, connectionOptions, count, print, printJson } from './connection.ts';
import { counted } from './counted.ts';
import { CliError, ExitCode, run } from './exit.ts';

const MAX_GROUP = 65_535;

interface Flags extends ConnectionFlags {
  readonly account?: number;
  readonly group?: number;
  readonly symbol?: string;
  readonly venue?: true;
}

interface Cancelled {
  readonly cancelled: number;
  readonly more?: true;
  readonly later?: number;
}

export function cancelAllCommand(program: Command): void {
  const command = program
    .command('cancel-all')
    .summary('operator: cancel all orders of an account, a group, a symbol or the venue')
    .description(
      'Cancels all open orders of an account, of a group, of a symbol, or of the venue, symbol by symbol. Their accounts get a report with CANCELLED_BY_OPERATOR. New ones are still accepted: see `openbell halt` and `openbell kill-switch`.',
    )
    .addOption(new Option('-a, --account <id>', 'orders of this account').argParser(accountId))
    .addOption(new Option('--group <number>', 'orders of the accounts in this group').argParser(count(MAX_GROUP)))
    .option('--symbol <name>', 'orders of this symbol')
    .option('--venue', 'orders of all symbols')
    .addHelpText(
      'after',
      `
Examples:
  openbell cancel-all --account 2
  openbell cancel-all --symbol BTC-USD
  openbell cancel-all --venue --yes`,
    );
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<Flags>();
      const [path, more] = pathsOf(flags);
      if (path === undefined || more !== undefined)
        throw new CliError('give one of --account, --group, --symbol and --venue', ExitCode.Usage);
      await confirm(flags, `cancel all orders of ${scopeText(flags)}`);
      const answer = flags.venue ? await ofVenue(flags) : await askAdmin<Cancelled>(flags, `/v1/${path}/cancel-orders`, {});
      if (flags.json) printJson(answer);
      else
        print(
          `cancelled ${counted(answer.cancelled, 'order')}${answer.later ? `, ${counted(answer.later, 'order')} of them with later commands` : ''}`,
        );
      if (answer.more && !flags.json) print('orders have arrived meanwhile: halt the symbols first, then send it again');
      return ExitCode.Ok;
    }),
  );
}

function pathsOf({ account, group, symbol, venue }: Flags): string[] {
  return [
    account !== undefined && `accounts/${account}`,
    group !== undefined && `groups/${group}`,
    symbol !== undefined && `symbols/${pathOf(symbol)}`,
    venue === true && 'venue',
  ].filter((path) => path !== false);
}

function scopeText({ account, group, symbol }: Flags): string {
  if (account !== undefined) return `account ${account}`;
  if (group !== undefined) return `group ${group}`;
  return symbol === undefined ? 'the venue' : `symbol ${symbol}`;
}

/** Symbol by symbol: each is an action of its own. A symbol that fails does not keep the others. */
async function ofVenue(flags: Flags): Promise<Cancelled & { readonly symbols: Readonly<Record<string, number>> }> {
  const symbols: Record<string, number> = {};
  const failed: string[] = [];
  let more = false;
  for (const { name } of await askAdmin<{ readonly name: string }[]>(flags, '/v1/symbols')) {
    try {
      const answer = await askAdmin<Cancelled>(flags, `/v1/symbols/${pathOf(name)}/cancel-orders`, {});
      if (answer.cancelled > 0) symbols[name] = answer.cancelled;
      more ||= answer.more === true;
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== ExitCode.Failed) throw error;
      failed.push(`${name}: ${error.message}`);
    }
  }
  const cancelled = Object.values(symbols).reduce((sum, each) => sum + each, 0);
  if (failed.length > 0)
    throw new CliError(
      `cancelled ${counted(cancelled, 'order')}, but not those of ${failed.join('; ')}\nnext: send it again`,
      ExitCode.Failed,
      'PARTLY_CANCELLED',
    );
  return { cancelled, symbols, ...(more && { more }) };
}
