import { type Command, InvalidArgumentError } from 'commander';
import { accountId, type ConnectionFlags, clientOptions, connectionOptions, id, print, printJson } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { interruption, outputTaken } from './followed.ts';
import { reportLine } from './report-line.ts';

interface Begin {
  readonly account: number;
  readonly no: number;
}

interface DropCopyFlags extends ConnectionFlags {
  readonly account?: readonly number[];
  readonly from?: readonly Begin[];
}

export function dropCopyCommand(program: Command): void {
  const command = program
    .command('drop-copy')
    .summary('follow the reports of accounts')
    .description('Shows the execution reports of accounts until Ctrl-C. Needs role drop-copy where authentication is on. Sends no orders.')
    .option('-a, --account <id>', 'account to follow from now on; may be given several times', addAccount)
    .option('--from <account:no>', 'begin with this report of an account, 1 for the first; may be given several times', addFrom)
    .addHelpText(
      'after',
      `
A lost connection is made again, and what was missed is shown then.

Examples:
  openbell drop-copy --account 1 --account 2
  openbell drop-copy --from 1:1 --from 2:401 --json`,
    );
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<DropCopyFlags>();
      const { account = [], from = [] } = flags;
      const accounts = [...new Set([...account, ...from.map((begin) => begin.account)])];
      if (accounts.length === 0) throw new CliError('name at least one account, with --account or --from', ExitCode.Usage);
      await follow(flags, accounts, from);
      return ExitCode.Ok;
    }),
  );
}

async function follow(flags: ConnectionFlags, accounts: readonly number[], from: readonly Begin[]): Promise<void> {
  const { connect } = await import('../../client/index.ts');
  const client = await connect(clientOptions(flags));
  const stop = interruption();
  stop.addEventListener('abort', () => void client.close(), { once: true });
  try {
    const copy = client.dropCopy({
      accounts,
      after: Object.fromEntries(from.map(({ account, no }) => [account, no - 1])),
      onLost: ({ message }) => process.stderr.write(`openbell: ${message}; connecting again\n`),
    });
    for await (const report of copy) {
      if (flags.json) printJson(report);
      else print(`${report.account} #${report.reportNo} ${reportLine(report)}`);
      await outputTaken(stop);
      if (stop.aborted) break;
    }
  } finally {
    await client.close();
  }
}

function addAccount(text: string, before: readonly number[] = []): readonly number[] {
  return [...before, accountId(text)];
}

function addFrom(text: string, before: readonly Begin[] = []): readonly Begin[] {
  const [account, no, more] = text.split(':');
  if (no === undefined || more !== undefined) throw new InvalidArgumentError('must be ACCOUNT:NO, such as 1:401.');
  return [...before, { account: accountId(account), no: id(no) }];
}
