import { type Command, InvalidArgumentError, Option } from 'commander';
import { printable } from '../../log-lines.ts';
import { SESSION_KINDS, type SessionInfo } from '../../session-info.ts';
import { confirm } from './confirm.ts';
import { accountId, askAdmin, type ConnectionFlags, connectionOptions, count, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';

const MAX_PAGE = 1000;
const MOST = 1_000_000;

interface SessionJson extends Omit<SessionInfo, 'number' | 'sinceMs'> {
  readonly id: string;
  readonly since: string;
}

interface ListFlags extends ConnectionFlags {
  readonly kind?: string;
  readonly account?: number;
  readonly limit: number;
}

export function sessionsCommand(program: Command): void {
  const sessions = program
    .command('sessions')
    .summary('operator: who is connected, and end a session')
    .description('The open sessions of order entry, drop copies and readers of market data.');
  lsCommand(sessions);
  endCommand(sessions);
}

function lsCommand(sessions: Command): void {
  const command = sessions
    .command('ls')
    .summary('the open sessions')
    .description('Lists the open sessions with account, subject, address, progress and backlog.')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(SESSION_KINDS))
    .addOption(new Option('-a, --account <id>', 'only of this account').argParser(accountId))
    .option('--limit <count>', 'how many at most', count(MOST), MAX_PAGE)
    .addHelpText('after', '\nExamples:\n  openbell sessions ls\n  openbell sessions ls --kind orders --account 2 --json');
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<ListFlags>();
      const found = await everyPage(flags);
      if (flags.json) printJson({ sessions: found });
      else print(found.length === 0 ? 'no sessions' : sessionTable(found));
      return ExitCode.Ok;
    }),
  );
}

async function everyPage({ kind, account, limit, ...flags }: ListFlags): Promise<SessionJson[]> {
  const found: SessionJson[] = [];
  let after: string | null = null;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(MAX_PAGE, limit - found.length)) });
    if (kind !== undefined) query.set('kind', kind);
    if (account !== undefined) query.set('account', String(account));
    if (after !== null) query.set('after', after);
    const page: { sessions: SessionJson[]; next: string | null } = await askAdmin(flags, `/v1/sessions?${query}`);
    found.push(...page.sessions);
    after = page.next;
  } while (after !== null && found.length < limit);
  return found;
}

function sessionTable(sessions: readonly SessionJson[]): string {
  const rows = sessions.map((each) => [
    each.id,
    each.account ?? (each.accounts === undefined ? '' : `${each.accounts} accounts`),
    // Who connects chooses some of the text.
    printable(each.subject),
    each.protocol,
    each.address,
    each.since,
    each.commands,
    each.lastReport ?? each.reports,
    each.backlog ?? each.bufferedBytes,
    [
      each.slow && 'slow',
      each.readOnly && 'read-only',
      each.cancelOnDisconnect !== undefined && `cancels after ${each.cancelOnDisconnect} s`,
    ]
      .filter((text) => text !== false && text !== undefined)
      .join(', '),
  ]);
  return table([['session', 'account', 'subject', 'protocol', 'address', 'since', 'commands', 'reports', 'behind', ''], ...rows]);
}

function endCommand(sessions: Command): void {
  const command = sessions
    .command('end')
    .summary('end a session')
    .description(
      'Ends a session. One of order entry takes no more commands, and ends when those it has sent are answered. Its orders stay, unless it asked for a cancel on disconnect.',
    )
    .argument('<session>', 'its id, see "sessions ls"', sessionId)
    .addHelpText('after', '\nExample:\n  openbell sessions end orders-7');
  connectionOptions(command).action((session: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      await confirm(flags, `end session ${session}`);
      const answer = await askAdmin<object>(flags, `/v1/sessions/${session}`, undefined, 'DELETE');
      if (flags.json) printJson(answer);
      else print(`session ${session} is ended`);
      return ExitCode.Ok;
    }),
  );
}

function sessionId(text: string): string {
  if (!/^[a-z-]+-[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('must be the id of a session, such as orders-7.');
  return text;
}
