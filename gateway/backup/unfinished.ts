import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A file of a partial backup: its presence means that the next backup may remove the directory's content. */
export const UNFINISHED = 'backup-unfinished';

/** The directory in which the backup `target` is made. */
export function partialOf(target: string): string {
  return join(dirname(target), `${basename(target)}.partial`);
}

/** The directory of a backup to `target` that is being made or was interrupted; undefined: there is none. */
export function unfinishedBackup(target: string): string | undefined {
  const partial = partialOf(target);
  return existsSync(join(partial, UNFINISHED)) ? partial : undefined;
}
