import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { DataLock } from '../../../engine/journal/data-lock.ts';
import { dataDirectoryError, mustHaveRoom } from '../../../engine/journal/disk.ts';
import { mustBeDirectory } from '../../../engine/journal/path-kind.ts';
import type { RepairProgress } from '../../../engine/journal/repair.ts';
import { mustBeRestored } from '../../backup/restored.ts';
import { unfinishedBackup } from '../../backup/unfinished.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { Progress } from './progress.ts';

export function verifyCommand(program: Command): void {
  const command = program
    .command('verify')
    .summary('replay a data directory and check it')
    .description(
      'Replays a data directory that no exchange is using; prints the state hash and whether money is conserved. Changes nothing, so the directory may be read-only. Exit code 1 if there is no log.',
    )
    .argument('<data>', 'the data directory')
    .option('--from-snapshot', 'start from the newest snapshot instead of the beginning of the log')
    .option('--config <file>', 'configuration file, for the capacities of a log that names none (before log version 2)')
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell verify ./data
  openbell verify ./data --from-snapshot --json

Two directories hold the same state when their hashes agree at the same command.`,
    );
  command.action((data: string) =>
    onDirectory(data, async () => {
      const flags = command.opts<{ fromSnapshot?: true; config?: string; json?: true }>();
      mustExist(data);
      mustBeRestored(data);
      const [{ loadConfig, limitsOf }, { resolveLimits }, { verifyDataDirectory }] = await Promise.all([
        import('../../config/config.ts'),
        import('../../../engine/limits.ts'),
        import('../../../engine/threads/verify.ts'),
      ]);
      const config = loadConfig({ flags: { config: flags.config }, env: process.env });
      const lock = await lockToCheck(data);
      const progress = new Progress('replaying');
      try {
        const result = verifyDataDirectory(data, {
          limits: resolveLimits(limitsOf(config)),
          ...(flags.fromSnapshot && { fromSnapshot: true }),
          onProgress: (seq) => progress.show(`command ${seq.toLocaleString('en')}`),
          onHashing: () => progress.show('hashing the state'),
        });
        progress.end();
        const conserved = result.imbalances.length === 0;
        if (flags.json) printJson({ ...result, conserved });
        else {
          for (const message of result.messages) print(message);
          print(`commands      ${result.seq} (${result.replayed} replayed in ${(result.milliseconds / 1000).toFixed(1)} s)`);
          print(`state hash    ${result.stateHash}`);
          print(`without time  ${result.tradingHash}`);
          print(`conservation  ${conserved ? 'holds: deposits = balances + reservations + fees, in every asset' : 'BROKEN'}`);
          for (const { asset, amount } of result.imbalances) print(`              asset ${asset}: ${amount} smallest units too many`);
          print(`orders        ${result.restingOrders} open: resting, or waiting for a trigger or an auction`);
          if (result.tornBytes > 0) print(`torn tail     ${result.tornBytes} bytes that were never acknowledged; the next start cuts them`);
        }
        return conserved ? ExitCode.Ok : ExitCode.Failed;
      } finally {
        progress.end();
        lock.release();
      }
    }),
  );
}

export function snapshotCommand(program: Command): void {
  const command = program
    .command('snapshot')
    .summary('take a snapshot of the running exchange')
    .description('Takes a snapshot of the running exchange; trading continues meanwhile.')
    .addHelpText('after', '\nExample:\n  openbell snapshot');
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      const taken = await askAdmin<{ seq: number; path: string }>(flags, '/v1/snapshot', {});
      if (flags.json) printJson(taken);
      else print(`snapshot of command ${taken.seq}: ${taken.path}`);
      return ExitCode.Ok;
    }),
  );
}

export function repairCommand(program: Command): void {
  const command = program
    .command('repair')
    .summary('repair a damaged data directory')
    .description('Removes the part of the log after the damage: in place (the removed part is kept in a separate file), or in a copy.')
    .argument('<data>', 'the data directory')
    .addOption(new Option('--cut', 'cut the log at the damage').conflicts('fork'))
    .option('--fork <dest>', 'copy the undamaged part to a new directory, and leave this one unchanged')
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell repair ./data --fork ./data-good
  openbell repair ./data --cut`,
    );
  command.action((data: string) =>
    onDirectory(data, async () => {
      const flags = command.opts<{ cut?: true; fork?: string; json?: true }>();
      if (!flags.cut && flags.fork === undefined)
        throw new CliError('give --cut or --fork DEST; --fork leaves the directory unchanged', ExitCode.Usage);
      mustExist(data);
      mustBeRestored(data);
      const [
        { DataLock },
        { listSegments },
        { listSnapshots },
        { bytesToCut, cutLog, forkLog, surveyToCut },
        { requireRoomToTruncate, truncateHistory },
        { historyPath },
        { checkStore },
        { setHistoryAside },
      ] = await Promise.all([
        import('../../../engine/journal/data-lock.ts'),
        import('../../../engine/journal/log-format.ts'),
        import('../../../engine/journal/snapshot-files.ts'),
        import('../../../engine/journal/repair.ts'),
        import('../../taps/history/store.ts'),
        import('../../taps/history/store-paths.ts'),
        import('../../taps/history/store-check.ts'),
        import('../../taps/history/set-aside.ts'),
      ]);
      const progress = new Progress('repairing');
      const onProgress = ({ stage, done, total }: RepairProgress) => progress.show(`${stage} ${Math.floor((100 * done) / total)} %`);
      const cuts = flags.fork === undefined;
      // A directory that cannot be written needs no lock: a repair of it changes nothing, or fails.
      const lock = DataLock.acquireToRead(data, cuts);
      try {
        if (listSegments(data).length === 0 && (!cuts || (listSnapshots(data).length === 0 && !existsSync(historyPath(data)))))
          throw new CliError(`there is no log in ${data}, and nothing to repair`, ExitCode.Failed, 'NOTHING_TO_REPAIR');
        // A history that this release cannot change is detected before the log is cut.
        const fault = cuts && lock.held ? checkStore(data, Number.POSITIVE_INFINITY).fault : undefined;
        const survey = cuts ? surveyToCut(data, { onProgress }) : undefined;
        if (survey !== undefined && lock.held) {
          // A damaged history is moved away, not truncated.
          if (fault === undefined) await requireRoomToTruncate(data, survey.lastSeq, bytesToCut(data, survey));
          else mustHaveRoom(data, bytesToCut(data, survey), 'the repair');
        }
        const historyKept = fault === undefined ? undefined : setHistoryAside(data);
        const result = flags.fork === undefined ? cutLog(data, { onProgress }, survey) : forkLog(data, flags.fork, { onProgress });
        // The history must not extend beyond the log: the cut commands' numbers will be used again.
        const forgotten = cuts && lock.held ? await truncateHistory(data, result.lastSeq) : 0;
        progress.end();
        if (flags.json) printJson({ ...result, forgotten, ...(historyKept && { historyKept }) });
        else {
          print(result.message);
          if (historyKept) print(`The history is damaged (${fault}). It is kept in ${historyKept}; the next start builds it again.`);
        }
        return ExitCode.Ok;
      } finally {
        progress.end();
        lock.release();
      }
    }),
  );
}

/** Work on a data directory: a full disk, or one that cannot be written, is named together with its remedy. */
export function onDirectory(data: string, work: () => Promise<ExitCode>): Promise<void> {
  return run(() =>
    work().catch((error: unknown) => {
      throw dataDirectoryError(data, error);
    }),
  );
}

/** Locks a directory that is only read. @throws DataLockedError, with what to do while the exchange runs */
export async function lockToCheck(data: string): Promise<DataLock> {
  const { DataLock, DataLockedError } = await import('../../../engine/journal/data-lock.ts');
  try {
    return DataLock.acquireToRead(data);
  } catch (error) {
    if (error instanceof DataLockedError)
      error.message += `\nnext: to check it while the exchange runs, make a checked copy with \`openbell backup DIR --data ${data}\`, and give DIR to this command`;
    throw error;
  }
}

/** @param hint what to do when there is nothing @throws CliError when there is nothing, PathError when there is something else than a directory */
export function mustExist(data: string, hint = 'name the one that openbell start was given with --data'): void {
  if (!existsSync(data)) {
    const partial = unfinishedBackup(data);
    const unfinished = `${partial} is an unfinished backup: it is being made, or was interrupted, and cannot be used; make it again with: openbell backup ${data} --data DATA`;
    throw new CliError(`there is no directory ${data}; ${partial === undefined ? hint : unfinished}`, ExitCode.Usage);
  }
  mustBeDirectory(data);
}
