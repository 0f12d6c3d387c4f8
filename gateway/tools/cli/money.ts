import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { accountId, amount, askAdmin, type ConnectionFlags, connectionOptions, print, printJson } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

interface Moved {
  readonly account: number;
  readonly asset: string;
  readonly amount: string;
  readonly seq: number;
  readonly repeated?: true;
}

/** Visible ASCII, as the exchange takes it. */
const KEY = /^[!-~]{1,255}$/;
/** Answers after which it is not known whether the money has moved. */
const UNKNOWN: ReadonlySet<string> = new Set(['NO_ANSWER', 'BUSY', 'DISK_FULL', 'RECOVERING', 'INTERNAL']);

export function depositCommand(program: Command): void {
  moneyCommand(program, 'deposit', 'deposit money', 'Deposits money', 'deposited');
}

export function withdrawCommand(program: Command): void {
  moneyCommand(program, 'withdraw', 'withdraw money that is available', 'Withdraws money that is available', 'withdrew');
}

function moneyCommand(program: Command, name: 'deposit' | 'withdraw', summary: string, description: string, done: string): void {
  const command = program
    .command(name)
    .summary(`custodian: ${summary}`)
    .description(
      `${description}. The request has an idempotency key, which is printed: sent again with the same key, it moves nothing twice.`,
    )
    .argument('<account>', 'id of the account', accountId)
    .argument('<amount>', 'such as 1000.00', amount)
    .argument('<asset>', 'such as USD')
    .addOption(new Option('--key <key>', 'idempotency key of an earlier attempt; default: a new one').argParser(idempotencyKey))
    .addHelpText('after', `\nExamples:\n  openbell ${name} 1 1000.00 USD\n  openbell ${name} 1 1000.00 USD --key 2026-11-30-0017`);
  connectionOptions(command).action((account: number, quantity: string, asset: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { readonly key?: string }>();
      const { key = randomUUID() } = flags;
      const again = `openbell ${name} ${account} ${quantity} ${asset} --key ${key}`;
      let moved: Moved;
      try {
        moved = await askAdmin<Moved>(flags, `/v1/accounts/${account}/${name}`, { asset, amount: quantity }, undefined, key);
      } catch (error) {
        if (!isUnsure(error)) throw error;
        const next = `next: it may have happened; this does not move the money twice: ${again}`;
        throw new CliError(`${error.message}\n${next}`, error.exitCode, error.code);
      }
      if (flags.json) printJson({ ...moved, key });
      else
        print(
          `${done} ${moved.amount} ${moved.asset}, account ${account}, command ${moved.seq}${moved.repeated ? '; it had been done before, and nothing moved now' : ''}\nkey ${key}`,
        );
      return ExitCode.Ok;
    }),
  );
}

function isUnsure(error: unknown): error is CliError {
  return error instanceof CliError && (error.exitCode === ExitCode.Unreachable || UNKNOWN.has(error.code ?? ''));
}

function idempotencyKey(text: string): string {
  if (!KEY.test(text)) throw new InvalidArgumentError('must be 1 to 255 visible ASCII characters.');
  return text;
}
