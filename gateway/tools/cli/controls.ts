import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { FEE_TABLES, TIERS_PER_TABLE } from '../../../engine/params.ts';
import { SELF_TRADE_NAMES } from '../../../engine/wire/names.ts';
import type { AccountLimits, KillSwitches } from '../../client/admin-client.ts';
import { pathOf } from '../../client/symbols.ts';
import { type AccountJson, accountHeading, positionTable } from './account.ts';
import { confirm } from './confirm.ts';
import { accountId, askAdmin, type ConnectionFlags, connectionOptions, count, print, printJson, whole } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

const MAX_GROUP = 65_535;
const LIMITS = [
  'maxOpenOrders',
  'group',
  'commandsPerSecond',
  'commandBurst',
  'orderToTrade',
  'selfTrade',
] as const satisfies (keyof AccountLimits)[];

interface KillFlags extends ConnectionFlags {
  readonly account?: number;
  readonly group?: number;
  readonly symbol?: string;
  readonly venue?: true;
}

interface Swept {
  readonly cancelled: number;
  readonly more?: true;
}

export function killSwitchCommand(program: Command): void {
  const command = program
    .command('kill-switch')
    .summary('operator: stop an account, a group, a symbol or the venue')
    .description(
      'Switches a kill switch on or off. While it is on, new orders and amends in its scope are rejected with KILL_SWITCH, and cancels are accepted. Switching it on cancels the open orders there. Without an argument: shows those that are on.',
    )
    .addArgument(new Argument('[state]', 'on or off').choices(['on', 'off']))
    .addOption(new Option('-a, --account <id>', 'of this account').argParser(accountId))
    .addOption(new Option('--group <number>', 'of the accounts of this group').argParser(count(MAX_GROUP)))
    .option('--symbol <name>', 'of this symbol')
    .option('--venue', 'of all accounts and symbols')
    .addHelpText(
      'after',
      `
Each switch is independent: off for a symbol leaves the switch of the venue on.

Examples:
  openbell kill-switch
  openbell kill-switch on --account 2
  openbell kill-switch on --symbol BTC-USD
  openbell kill-switch off --venue`,
    );
  connectionOptions(command).action((state: 'on' | 'off' | undefined) =>
    run(async () => {
      const flags = command.opts<KillFlags>();
      if (state === undefined) {
        if (scopesOf(flags).length > 0) throw new CliError('give the state, on or off', ExitCode.Usage);
        const switches = await askAdmin<KillSwitches>(flags, '/v1/kill-switches');
        if (flags.json) printJson(switches);
        else print(switchesText(switches));
        return ExitCode.Ok;
      }
      const path = scopePath(flags);
      if (state === 'on' && flags.venue) await confirm(flags, 'stop all trading of the venue and cancel all orders', 'go on');
      const answer = await askAdmin<Swept>(flags, `${path}/kill-switch`, { on: state === 'on' });
      if (flags.json) printJson(answer);
      else print(`kill switch ${state}${state === 'on' ? `, ${sweptText(answer)}` : ''}`);
      return ExitCode.Ok;
    }),
  );
}

function switchesText({ venue, groups, symbols, accounts }: KillSwitches): string {
  const scopes = [
    ...(venue ? ['venue'] : []),
    ...groups.map((group) => `group ${group}`),
    ...symbols.map((symbol) => `symbol ${symbol}`),
    ...accounts.map((account) => `account ${account}`),
  ];
  return scopes.length === 0 ? 'no kill switch is on' : scopes.map((scope) => `kill switch on: ${scope}`).join('\n');
}

function scopesOf({ account, group, symbol, venue }: KillFlags): string[] {
  return [
    account !== undefined && `/v1/accounts/${account}`,
    group !== undefined && `/v1/groups/${group}`,
    symbol !== undefined && `/v1/symbols/${pathOf(symbol)}`,
    venue === true && '/v1',
  ].filter((path) => path !== false);
}

function scopePath(flags: KillFlags): string {
  const [path, more] = scopesOf(flags);
  if (path === undefined || more !== undefined) throw new CliError('give one of --account, --group, --symbol and --venue', ExitCode.Usage);
  return path;
}

function sweptText({ cancelled, more }: Swept): string {
  return `cancelled ${cancelled} order${cancelled === 1 ? '' : 's'}${more ? '; more are left, send it again' : ''}`;
}

export function suspendCommand(program: Command): void {
  accountSuspension(program.command('suspend'), 'suspend');
}

/** @param named how the command is called */
export function accountSuspension(command: Command, named: string): void {
  command
    .summary('operator: suspend an account')
    .description(
      'Suspends an account: its new orders and amends are rejected, and its cancels are accepted. Its resting orders still trade, unless they are cancelled.',
    )
    .argument('<id>', 'the account', accountId)
    .option('--cancel', 'also cancel what rests')
    .addHelpText('after', `\nExamples:\n  openbell ${named} 2\n  openbell ${named} 2 --cancel`);
  connectionOptions(command).action((id: number) =>
    run(async () => {
      const flags = command.optsWithGlobals<ConnectionFlags & { readonly cancel?: true }>();
      const cancel = flags.cancel === true;
      await confirm(flags, `suspend account ${id}${cancel ? ' and cancel its orders' : ''}`, 'go on');
      const answer = await askAdmin<AccountJson & Swept>(flags, `/v1/accounts/${id}/suspend`, { cancel });
      showAccount(flags, answer);
      if (cancel && !flags.json) print(sweptText(answer));
      return ExitCode.Ok;
    }),
  );
}

export function resumeCommand(program: Command): void {
  resumption(program.command('resume'), 'resume');
}

/** @param named how the command is called */
export function resumption(command: Command, named: string): void {
  command
    .summary('operator: end the suspension of an account')
    .description('Ends the suspension of an account. A kill switch stays as it is.')
    .argument('<id>', 'the account', accountId)
    .addHelpText('after', `\nExample:\n  openbell ${named} 2`);
  connectionOptions(command).action((id: number) =>
    run(async () => {
      const flags = command.optsWithGlobals<ConnectionFlags>();
      showAccount(flags, await askAdmin<AccountJson>(flags, `/v1/accounts/${id}/resume`, {}));
      return ExitCode.Ok;
    }),
  );
}

export function accountSetCommand(program: Command): void {
  accountSetting(program.command('account-set'), 'account-set');
}

/** @param named how the command is called */
export function accountSetting(command: Command, named: string): void {
  command
    .summary('operator: set limits and the group of an account')
    .description('Sets limits and the group of an account. Those that are not given stay as they are.')
    .argument('<id>', 'the account', accountId)
    .addOption(new Option('--max-open-orders <count>', 'most resting orders').argParser(whole))
    .addOption(new Option('--group <number>', `its group, up to ${MAX_GROUP}; 0 = none`).argParser(whole))
    .addOption(new Option('--commands-per-second <count>', 'most new orders and amends per second; 0 = no limit').argParser(whole))
    .addOption(new Option('--command-burst <count>', 'most of them at once; 0 = as many as in a second').argParser(whole))
    .addOption(new Option('--order-to-trade <count>', 'most new orders and amends per fill; 0 = no limit').argParser(whole))
    .addOption(new Option('--self-trade <mode>', 'prevention of orders that do not name a mode').choices(SELF_TRADE_NAMES))
    .addHelpText('after', `\nExample:\n  openbell ${named} 2 --max-open-orders 500 --group 7`);
  connectionOptions(command).action((id: number) =>
    run(async () => {
      const flags = command.optsWithGlobals<ConnectionFlags & AccountLimits>();
      const limits: AccountLimits = Object.fromEntries(LIMITS.filter((key) => flags[key] !== undefined).map((key) => [key, flags[key]]));
      if (Object.keys(limits).length === 0) throw new CliError('give at least one option, such as --max-open-orders', ExitCode.Usage);
      showAccount(flags, await askAdmin<AccountJson>(flags, `/v1/accounts/${id}/limits`, limits));
      return ExitCode.Ok;
    }),
  );
}

export function positionLimitCommand(program: Command): void {
  const command = program
    .command('position-limit')
    .summary('operator: limit position and exposure of an account in a symbol')
    .description('Limits the position and the exposure of an account in a symbol. A limit that is not given stays as it is.')
    .argument('<id>', 'the account', accountId)
    .argument('<symbol>', 'name of the symbol')
    .option('--max-position <quantity>', 'largest position, bought or sold; 0 = no limit')
    .option('--max-exposure <quantity>', 'most in open orders, buys and sells together; 0 = no limit')
    .addHelpText('after', '\nExample:\n  openbell position-limit 2 BTC-USD --max-position 10 --max-exposure 25.5');
  connectionOptions(command).action((id: number, symbol: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { readonly maxPosition?: string; readonly maxExposure?: string }>();
      const { maxPosition, maxExposure } = flags;
      if (maxPosition === undefined && maxExposure === undefined)
        throw new CliError('give --max-position, --max-exposure or both', ExitCode.Usage);
      const limits = { ...(maxPosition !== undefined && { maxPosition }), ...(maxExposure !== undefined && { maxExposure }) };
      showAccount(flags, await askAdmin<AccountJson>(flags, `/v1/accounts/${id}/position-limit`, { symbol, ...limits }));
      return ExitCode.Ok;
    }),
  );
}

export function feeTierCommand(program: Command): void {
  const command = program
    .command('fee-tier')
    .summary('operator: give an account a fee tier, whatever its volume')
    .description('Gives an account a tier of a fee table until you take it back. New orders have its rates, open orders keep theirs.')
    .argument('<id>', 'the account', accountId)
    .argument('<table>', 'number of the fee table', count(FEE_TABLES))
    .argument('<tier>', 'number of the tier, 0 = the fees of the symbol; or by-volume, which takes the tier back', givenTier)
    .addHelpText(
      'after',
      '\nExamples:\n  openbell fee-tier 2 1 3\n  openbell fee-tier 2 1 by-volume\n\n`openbell fee-tables` shows the tables.',
    );
  connectionOptions(command).action((id: number, table: number, tier: number | 'by-volume') =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      showAccount(flags, await askAdmin<AccountJson>(flags, `/v1/accounts/${id}/fee-tier`, { table, tier }));
      return ExitCode.Ok;
    }),
  );
}

function givenTier(text: string): number | 'by-volume' {
  if (text === 'by-volume') return text;
  if (/^\d{1,2}$/.test(text) && Number(text) <= TIERS_PER_TABLE) return Number(text);
  throw new InvalidArgumentError(`Give a number up to ${TIERS_PER_TABLE}, or by-volume.`);
}

function showAccount(flags: ConnectionFlags, account: AccountJson): void {
  if (flags.json) printJson(account);
  else print(accountHeading(account) + positionTable(account));
}
