import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type AccountJson, accountCommand, accountHeading, accountView } from './account.ts';
import { accountId, askAdmin, type ConnectionFlags, connectionOptions, print, printJson, whole } from './connection.ts';
import { accountSetting, accountSuspension, resumption } from './controls.ts';
import { ExitCode, run } from './exit.ts';

const PAGE = 1000;

interface AddFlags extends ConnectionFlags {
  readonly name: string;
  readonly maxOpenOrders?: number;
  readonly suspended?: true;
  readonly deposit?: Readonly<Record<string, string>>;
  readonly feeTiers?: Readonly<Record<string, string>>;
  readonly key?: string;
}

/** Keys of the body that defines an account, for the test that compares them with the interface. */
export const ACCOUNT_BODY_KEYS = ['id', 'name', 'suspended', 'max-open-orders', 'fee-tiers', 'deposits'] as const;

/** `openbell account`, and the commands below it. */
export function accountGroup(program: Command): void {
  const account = accountCommand(program);
  lsCommand(account);
  accountView(account.command('show').summary('balances and open orders, orders or trades'), 'account show');
  addCommand(account);
  accountSetting(account.command('set'), 'account set');
  accountSuspension(account.command('suspend'), 'account suspend');
  resumption(account.command('resume'), 'account resume');
}

function lsCommand(account: Command): void {
  const command = account
    .command('ls')
    .summary('ids of the accounts')
    .description('Lists the ids of all accounts that the caller may see.')
    .addHelpText('after', '\nExamples:\n  openbell account ls\n  openbell account ls --json');
  connectionOptions(command).action(() =>
    run(async () => {
      // Commander gives `account` the options that both have.
      const flags = command.optsWithGlobals<ConnectionFlags>();
      const accounts: number[] = [];
      for (let page: number[] = [], after = 0; ; after = accounts[accounts.length - 1]) {
        page = await askAdmin<number[]>(flags, `/v1/accounts?limit=${PAGE}&after=${after}`);
        for (const id of page) accounts.push(id);
        if (page.length < PAGE) break;
      }
      if (flags.json) printJson({ accounts });
      else print(accounts.length === 0 ? 'no accounts' : accounts.join('\n'));
      return ExitCode.Ok;
    }),
  );
}

function addCommand(account: Command): void {
  const command = account
    .command('add')
    .summary('operator: define an account')
    .description(
      'Defines an account. With deposits, the caller must also be its custodian. The request has an idempotency key, which is printed.',
    )
    .argument('<id>', 'its number, which no other account has', accountId)
    .addOption(new Option('--name <text>', 'its name').makeOptionMandatory())
    .addOption(new Option('--max-open-orders <count>', 'most resting orders').argParser(whole))
    .option('--suspended', 'it can only cancel orders, until it is resumed')
    .option('--deposit <asset=amount>', 'a first deposit, such as USD=1000.00; may be given several times', pair)
    .option('--fee-tiers <table=tier>', 'a tier of a fee table, such as 1=3; may be given several times', pair)
    .option('--key <key>', 'idempotency key of an earlier attempt; default: a new one')
    .addHelpText('after', '\nExample:\n  openbell account add 50 --name "desk seven" --deposit USD=1000000.00 --deposit BTC=5');
  connectionOptions(command).action((id: number) =>
    run(async () => {
      const flags = command.optsWithGlobals<AddFlags>();
      const { name, maxOpenOrders, suspended, deposit, feeTiers, key = randomUUID() } = flags;
      const body = {
        id,
        name,
        ...(maxOpenOrders !== undefined && { 'max-open-orders': maxOpenOrders }),
        ...(suspended && { suspended }),
        ...(deposit && { deposits: deposit }),
        ...(feeTiers && { 'fee-tiers': feeTiers }),
      };
      const made = await askAdmin<AccountJson & { readonly repeated?: true }>(flags, '/v1/accounts', body, undefined, key);
      if (flags.json) printJson({ ...made, key });
      else print(`${accountHeading(made)}${made.repeated ? '; it had been defined before' : ''}\nkey ${key}`);
      return ExitCode.Ok;
    }),
  );
}

function pair(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [key, value, more] = text.split('=');
  if (!key || !value || more !== undefined) throw new InvalidArgumentError('must have the form KEY=VALUE, such as USD=1000.00.');
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`${key} is given twice.`);
  return { ...before, [key]: value };
}
