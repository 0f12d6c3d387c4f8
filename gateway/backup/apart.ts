import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { BackupError } from './backup-error.ts';

/**
 * A backup inside a data directory, or the other way round, would be lost together with what it is a copy of.
 * @throws BackupError if one is the other, or lies below it. Links count as what they lead to; neither has to exist.
 */
export function mustBeApart(backup: string, dataDir: string): void {
  const [one, other] = [realPath(backup), realPath(dataDir)];
  if (!isWithin(one, other) && !isWithin(other, one)) return;
  const how = one === other ? 'is' : isWithin(one, other) ? 'lies in' : 'contains';
  throw new BackupError(
    'BACKUP_OVERLAP',
    `The backup directory ${resolve(backup)} ${how} the data directory ${resolve(dataDir)}. Nothing was changed. Name a directory outside.`,
  );
}

/** Of a path that does not exist: that of the directory above it that does. */
function realPath(path: string): string {
  const full = resolve(path);
  if (existsSync(full) || dirname(full) === full) return realpathSync(full);
  return join(realPath(dirname(full)), basename(full));
}

function isWithin(path: string, dir: string): boolean {
  const way = relative(dir, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}
