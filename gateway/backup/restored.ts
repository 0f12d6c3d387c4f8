import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupError } from './backup-error.ts';

/** File of a data directory that was restored; it stays there. */
export const RESTORED = 'restored.json';
/** The same while the restore is under way. */
export const RESTORING = 'restore-unfinished.json';

/** Where a restored data directory comes from. */
export interface Restored {
  /** The backup's directory when it was restored. */
  readonly backup: string;
  /** When the backup was begun, and when it was restored; ISO 8601, UTC. */
  readonly beganAt: string;
  readonly restoredAt: string;
  /** Last command in the backup, and the state after it. */
  readonly seq: number;
  readonly stateHash: string;
}

/** @throws BackupError if a restore of the directory was interrupted: files are missing */
export function mustBeRestored(dataDir: string): void {
  if (!existsSync(join(dataDir, RESTORING))) return;
  throw new BackupError(
    'RESTORE_UNFINISHED',
    `A restore of ${dataDir} was interrupted: files are missing. Nothing was changed. Run openbell restore with the same backup again.`,
  );
}

/** Undefined: the directory was not restored, or the file cannot be read. */
export function readRestored(dataDir: string): Restored | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, RESTORED), 'utf8')) as Restored;
  } catch {
    return undefined;
  }
}
