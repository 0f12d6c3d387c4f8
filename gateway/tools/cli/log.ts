import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LogComparison, LogTip } from '../../../engine/journal/log-lookup.ts';
import { print, printJson } from './connection.ts';
import { mustExist, onDirectory } from './data.ts';
import { ExitCode } from './exit.ts';
import { dumpCommand } from './log-dump.ts';

interface Flags {
  readonly at?: number;
  readonly compare?: string;
  readonly json?: true;
}

export function logCommand(program: Command): void {
  const command = program
    .command('log')
    .summary('print the hash chain of a log, compare two logs, or print commands')
    .description(
      'Prints the hash chain of a command log at its end or at a command, or compares the logs of two directories. Changes nothing; an exchange may be running on them.',
    )
    .argument('<data>', 'the data directory')
    .addOption(new Option('--at <seq>', 'at this command instead of the last one').argParser(seqOf).conflicts('compare'))
    .option('--compare <data>', 'find the first command that differs from the log in this directory')
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell log ./data
  openbell log ./data --at 120000 --json
  openbell log ./data --compare ./standby
  openbell log dump ./data --from 120000 --reports

Two logs hold the same commands up to one when their chains agree at it and
begin at the same command. Exit code 1 when --compare finds a difference.`,
    );
  dumpCommand(command);
  command.action((data: string) =>
    onDirectory(data, async () => {
      const flags = command.opts<Flags>();
      mustExist(data);
      return flags.compare === undefined ? await printChain(data, flags) : await compare(data, flags.compare, flags);
    }),
  );
}

async function printChain(data: string, { at, json }: Flags): Promise<ExitCode> {
  const [{ chainAt, logTip }, { firstLoggedSeq }] = await Promise.all([
    import('../../../engine/journal/log-lookup.ts'),
    import('../../../engine/threads/log-start.ts'),
  ]);
  const first = firstLoggedSeq(data);
  const tip = logTip(data);
  const seq = at ?? tip.seq;
  const value = at === undefined ? tip.chain : chainAt(data, at);
  if (json)
    printJson({
      seq,
      logId: tip.logId,
      chain: value?.chain ?? null,
      fromSeq: value?.fromSeq ?? null,
      ...(first > 1 && { firstSeq: first }),
    });
  else {
    print(`command       ${seq}${at === undefined ? ', the last one' : ''}`);
    if (first > 1) print(`begins with   command ${first}; older segments were removed`);
    print(`log id        ${tip.logId}`);
    if (value === undefined) print('chain         none: an earlier release wrote the log; it begins with the next command');
    else print(`chain         ${value.chain}, over the commands from ${value.fromSeq} on`);
  }
  return ExitCode.Ok;
}

async function compare(a: string, b: string, { json }: Flags): Promise<ExitCode> {
  mustExist(b);
  const [{ compareLogs, commandAt }, { describeCommand }] = await Promise.all([
    import('../../../engine/journal/log-lookup.ts'),
    import('./log-record.ts'),
  ]);
  const result = compareLogs(a, b);
  const { differsAt } = result;
  const commands = differsAt === undefined ? undefined : [a, b].map((dir) => describeCommand(commandAt(dir, differsAt)));
  if (json) printJson({ ...result, commands });
  else {
    print(`first log     ${tipText(result.tips[0])}  ${a}`);
    print(`second log    ${tipText(result.tips[1])}  ${b}`);
    print(`verdict       ${verdict(result)}`);
    const [first = {}, second = {}] = commands ?? [];
    for (const name of Object.keys({ ...first, ...second })) {
      const [value = '', other = ''] = [first[name], second[name]];
      print(`  ${name.padEnd(15)} ${value.padEnd(20)} ${other.padEnd(20)}${value === other ? '' : ' differs'}`.trimEnd());
    }
  }
  return result.same ? ExitCode.Ok : ExitCode.Failed;
}

function verdict({ same, fromSeq, toSeq, differsAt, differsBy }: LogComparison): string {
  if (same) return `the same commands from ${fromSeq} to ${toSeq}`;
  if (differsAt === undefined)
    return `DIFFERENT: at command ${differsBy} or before; the commands before it are no longer in both directories`;
  return `DIFFERENT: command ${differsAt} is the first that differs`;
}

function tipText({ seq, logId }: LogTip): string {
  return `log id ${logId}, last command ${seq}`;
}

function seqOf(text: string): number {
  const seq = Number(text);
  if (!/^\d+$/.test(text) || seq < 1 || !Number.isSafeInteger(seq))
    throw new InvalidArgumentError('must be the number of a command, from 1.');
  return seq;
}
