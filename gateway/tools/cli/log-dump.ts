import { type Command, Option } from 'commander';
import { accountId, id } from './connection.ts';
import { mustExist, onDirectory } from './data.ts';
import { CliError, ExitCode } from './exit.ts';
import { outputTaken } from './followed.ts';

interface Flags {
  readonly from?: number;
  readonly to?: number;
  readonly account?: number;
  readonly symbol?: string;
  readonly reports?: true;
  readonly raw?: true;
  readonly json?: true;
}

/** Adds `openbell log dump` to `openbell log`. */
export function dumpCommand(log: Command): void {
  const command = log
    .command('dump')
    .summary('print the commands of a log, and the reports that they caused')
    .description(
      'Prints the commands of a log in words, with the reports that they caused. It replays them from the newest snapshot before the first one. Changes nothing; an exchange may be running on the directory. It ends with the last command that the log has at the beginning.',
    )
    .argument('[data]', 'the data directory, or a backup', './data')
    .addOption(new Option('--from <seq>', 'first command (default: the first of the log)').argParser(id))
    .addOption(new Option('--to <seq>', 'last command (default: the last of the log)').argParser(id))
    .addOption(
      new Option('--account <id>', 'only commands of this account; with --reports, also those that caused a report of it').argParser(
        accountId,
      ),
    )
    .option('--symbol <name>', 'only commands of this symbol; with --reports, also those that caused a report of it')
    .option('--reports', 'print the reports, too')
    .addOption(new Option('--raw', 'print the fields as they are, without a replay').conflicts(['account', 'symbol', 'reports']))
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `
Examples:
  openbell log dump ./data --from 120000 --to 120100
  openbell log dump /backup/monday --account 7 --reports
  openbell log dump ./data --symbol BTC-USD --json | jq -c 'select(.kind == "new")'`,
    );
  command.action((data: string) =>
    onDirectory(data, async () => {
      // Commander gives `log` the options that both have.
      const flags = command.optsWithGlobals<Flags>();
      mustExist(data);
      return flags.raw ? await dumpRaw(data, flags) : await dump(data, flags);
    }),
  );
}

interface Range {
  readonly fromSeq: number;
  readonly toSeq: number;
}

async function rangeOf(data: string, { from, to }: Flags): Promise<Range> {
  const [{ logTip }, { firstLoggedSeq }] = await Promise.all([
    import('../../../engine/journal/log-lookup.ts'),
    import('../../../engine/threads/log-start.ts'),
  ]);
  const { seq } = logTip(data);
  const range = { fromSeq: from ?? firstLoggedSeq(data), toSeq: Math.min(to ?? seq, seq) };
  if (range.fromSeq > range.toSeq)
    throw new CliError(`there is no command from ${range.fromSeq} to ${to ?? seq}: the log ends with ${seq}`, ExitCode.Usage);
  return range;
}

async function dump(data: string, flags: Flags): Promise<ExitCode> {
  const [{ dumpLog }, { lastConfiguration }, { resolveLimits }, { directoryOf }, { DumpLines }] = await Promise.all([
    import('../../../engine/threads/dump-log.ts'),
    import('../../../engine/threads/logged-configurations.ts'),
    import('../../../engine/limits.ts'),
    import('./state-directory.ts'),
    import('./dump-lines.ts'),
  ]);
  const { fromSeq, toSeq } = await rangeOf(data, flags);
  const lines = new DumpLines(flags);
  for (const { records, exchange } of dumpLog(data, resolveLimits({ ...lastConfiguration(data) }), fromSeq, toSeq)) {
    // Definitions do not change, so those after the step hold for all of it.
    lines.use(directoryOf(exchange));
    let text = '';
    for (const record of records) {
      text += lines.of(record);
      if (text.length < WRITE_CHARACTERS) continue;
      await write(text);
      text = '';
    }
    await write(text);
  }
  lines.end();
  return ExitCode.Ok;
}

async function dumpRaw(data: string, flags: Flags): Promise<ExitCode> {
  const [{ readLogSteps }, { describeCommand }] = await Promise.all([
    import('../../../engine/journal/log-reader.ts'),
    import('./log-record.ts'),
  ]);
  const { fromSeq, toSeq } = await rangeOf(data, flags);
  let text = '';
  let last = 0;
  const steps = readLogSteps(data, fromSeq, (words, firstWord, count, firstSeq) => {
    for (let i = 0; i < count && firstSeq + i <= toSeq; i++) {
      const fields = describeCommand(words.slice(firstWord + i * 16, firstWord + (i + 1) * 16));
      text += flags.json
        ? `${JSON.stringify(fields)}\n`
        : `${Object.entries(fields)
            .map(([name, value]) => `${name}=${value}`)
            .join(' ')}\n`;
    }
    last = firstSeq + count - 1;
  });
  for (let done: boolean | undefined = false; !done && last < toSeq; ) {
    ({ done } = steps.next());
    await write(text);
    text = '';
  }
  steps.return(undefined as never);
  return ExitCode.Ok;
}

/** Characters of one write. */
const WRITE_CHARACTERS = 64 * 1024;

/** Waits for a reader that is slow, so that nothing collects in memory. */
async function write(text: string): Promise<void> {
  process.stdout.write(text);
  await outputTaken();
}
