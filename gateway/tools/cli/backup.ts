import { constants, setPriority } from 'node:os';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { dataDirectoryError } from '../../../engine/journal/disk.ts';
import type { BackupProgress, BackupStage } from '../../backup/backup.ts';
import type { Manifest } from '../../backup/manifest.ts';
import type { RestoreProgress } from '../../backup/restore.ts';
import { print, printJson } from './connection.ts';
import { mustExist, onDirectory } from './data.ts';
import { CliError, ExitCode } from './exit.ts';
import { Progress } from './progress.ts';

/** MiB in a second, unless --rate is given: a small part of what any disk for a log does. */
const RATE = 100;
const MEBIBYTE = 2 ** 20;
const REPEAT_MS = 250;
const NO_BACKUP = 'name a directory that openbell backup made';

export function backupCommand(program: Command): void {
  const command = program
    .command('backup')
    .summary('copy the data directory of a running or stopped exchange')
    .description(
      'Makes a consistent, checked copy of a data directory in a new directory. The exchange may be running, and trading continues. Run it on the host of the exchange, as its user.',
    )
    .argument('<dir>', 'the directory to make')
    .addOption(new Option('--data <data>', 'the data directory').default('./data').env('OPENBELL_DATA'))
    .option('--since <backup>', 'share the files that have not changed since this backup, as hard links')
    .addOption(new Option('--rate <mib>', 'MiB a second that are read or written, at most').default(RATE).argParser(rateOf))
    .option('--check', 'check the backup <dir>, and make none')
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell backup /backup/monday --data /var/lib/openbell
  openbell backup /backup/tuesday --data /var/lib/openbell --since /backup/monday
  openbell backup /backup/tuesday --check

<dir> appears when the backup is whole and checked. docs/BACKUP.md has the details.`,
    );
  command.action((dir: string) => {
    const flags = command.opts<{ data: string; since?: string; rate: number; check?: true; json?: true }>();
    const read = flags.check ? [] : [flags.data, ...(flags.since === undefined ? [] : [flags.since])];
    return onDirectories(dir, read, async () => {
      if (flags.check) return await check(dir, flags);
      mustExist(flags.data);
      if (flags.since !== undefined) mustExist(flags.since, NO_BACKUP);
      giveWay();
      const { makeBackup } = await import('../../backup/backup.ts');
      const progress = new Progress('backup');
      let last: BackupProgress = { stage: 'copying', done: 0 };
      const onProgress = (now: BackupProgress): void => {
        const begins = now.stage !== last.stage;
        last = now;
        progress.show(BACKUP_TEXT[now.stage](now.done), begins);
      };
      // While threads of LMDB or the file system work.
      const repeat = setInterval(() => onProgress(last), REPEAT_MS);
      try {
        const { manifest, warnings } = await makeBackup({
          dataDir: flags.data,
          target: dir,
          bytesPerSecond: flags.rate * MEBIBYTE,
          ...(flags.since !== undefined && { since: flags.since }),
          onProgress,
        });
        progress.end();
        if (flags.json) printJson({ ...manifest, dir, warnings });
        else {
          print(`backup        ${dir}`);
          printManifest(manifest);
          for (const warning of warnings) print(`warning       ${warning}`);
        }
        return ExitCode.Ok;
      } finally {
        clearInterval(repeat);
        progress.end();
      }
    });
  });
}

export function restoreCommand(program: Command): void {
  const command = program
    .command('restore')
    .summary('make a data directory from a backup')
    .description('Checks a backup, and copies it to a data directory that does not exist or is empty.')
    .argument('<backup>', 'a directory that openbell backup made')
    .requiredOption('--data <data>', 'the data directory to make')
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell restore /backup/monday --data /var/lib/openbell
  openbell start --data /var/lib/openbell

Do not let the restored exchange and the original one serve the same clients:
both use the same numbers for other orders. docs/BACKUP.md has the details.`,
    );
  command.action((backup: string) => {
    const { data, json } = command.opts<{ data: string; json?: true }>();
    return onDirectories(data, [backup], async () => {
      mustExist(backup, NO_BACKUP);
      const { restoreBackup } = await import('../../backup/restore.ts');
      const progress = new Progress('restore');
      try {
        const manifest = await restoreBackup(backup, data, (now) => progress.show(restoreText(now)));
        progress.end();
        if (json) printJson({ ...manifest, data });
        else {
          print(`restored      ${data}`);
          printManifest(manifest);
        }
        return ExitCode.Ok;
      } finally {
        progress.end();
      }
    });
  });
}

/** As `onDirectory`; of those that are only read, the one that this user may not use is named, too. The work may name each by its whole path. */
function onDirectories(written: string, read: readonly string[], work: () => Promise<ExitCode>): Promise<void> {
  return onDirectory(written, () =>
    work().catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
      // The longest first: a name may be the beginning of another.
      const dirs = [...read, ...read.map((dir) => resolve(dir)), resolve(written)].sort((a, b) => b.length - a.length);
      throw dirs.reduce((named: unknown, dir) => dataDirectoryError(dir, named), error);
    }),
  );
}

async function check(dir: string, { json }: { readonly json?: true }): Promise<ExitCode> {
  mustExist(dir, NO_BACKUP);
  const { checkBackup } = await import('../../backup/restore.ts');
  const progress = new Progress('check');
  try {
    const manifest = await checkBackup(dir, (now) => progress.show(restoreText(now)));
    progress.end();
    if (json) printJson({ ...manifest, dir });
    else {
      print(`whole         ${dir}`);
      printManifest(manifest);
    }
    return ExitCode.Ok;
  } finally {
    progress.end();
  }
}

function printManifest({ beganAt, source, firstSeq, seq, stateHash, chain, historySeq, audit, files }: Manifest): void {
  const bytes = files.reduce((sum, file) => sum + (file.usedBytes ?? file.bytes), 0);
  print(`begun         ${beganAt}, of ${source}`);
  print(`commands      ${firstSeq} to ${seq}`);
  print(`state hash    ${stateHash}`);
  print(
    `chain         ${chain === null ? 'none: an earlier release wrote the log' : `${chain.chain}, over the commands from ${chain.fromSeq} on`}`,
  );
  print(`history       ${historySeq === null ? 'none' : `reports up to command ${historySeq}`}`);
  print(`audit         ${audit === null ? 'none' : `${audit.records} records, head ${audit.head}`}`);
  print(`files         ${files.length}, ${(bytes / MEBIBYTE).toFixed(1)} MiB`);
}

/** Numbers of different stages count different things, so each text begins with its stage. */
const BACKUP_TEXT: Readonly<Record<BackupStage, (done: number) => string>> = {
  copying: (done) => `copying: ${(done / MEBIBYTE).toFixed(0)} MiB`,
  audit: () => 'checking the copied audit trail',
  reading: (done) => `reading the copied log: command ${done.toLocaleString('en')}`,
  replaying: (done) => (done === 0 ? 'loading the newest snapshot' : `replaying the copied log: command ${done.toLocaleString('en')}`),
  hashing: () => 'hashing the state',
  finishing: () => 'making the copy durable',
};

function restoreText({ stage, done, total }: RestoreProgress): string {
  return `${stage} ${Math.floor((100 * done) / Math.max(1, total))} %`;
}

/** The threads of the exchange come first on the processors. Not the lowest priority: beside threads that spin, it would get nothing at all. */
function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    throw new CliError(`the priority of this process cannot be lowered: ${(error as Error).message}`, ExitCode.Failed);
  }
}

function rateOf(text: string): number {
  const rate = Number(text);
  if (!/^\d{1,6}$/.test(text) || rate < 1) throw new InvalidArgumentError('must be a whole number of MiB a second from 1 to 999999.');
  return rate;
}
