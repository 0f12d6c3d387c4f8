import { existsSync, rmdirSync } from 'node:fs';
import { DataLock } from '../../engine/journal/data-lock.ts';
import { mustHaveRoom } from '../../engine/journal/disk.ts';
import { listSegments } from '../../engine/journal/log-format.ts';
import { makeDirectory } from '../../engine/journal/paths.ts';
import { FIRST_SEGMENT_BYTES } from '../../engine/journal/segment-size.ts';
import { mustBeRestored } from '../backup/restored.ts';
import { historyPath } from '../taps/history/store-paths.ts';
import type { StartContext } from './start-context.ts';

/** Free space that a new history needs. */
const HISTORY_ROOM_BYTES = 2 ** 20;

/** Locks the data directory, which is made if it is missing. A lock that is lost later ends the exchange. */
export function lockData({ config, state, undo }: StartContext): DataLock {
  const created = makeDirectory(config.data);
  if (created !== undefined) undo.push(() => removeIfEmpty(config.data));
  const lock = DataLock.acquire(config.data);
  undo.push(() => lock.release());
  mustBeRestored(config.data);
  // On a full disk, LMDB would end the process: it maps a file that has no blocks.
  const newLog = listSegments(config.data).length === 0;
  mustHaveRoom(config.data, (newLog ? FIRST_SEGMENT_BYTES : 0) + (existsSync(historyPath(config.data)) ? 0 : HISTORY_ROOM_BYTES));
  lock.watch((error) => {
    state.engine?.fail(error);
    state.fail(error);
  });
  return lock;
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}
