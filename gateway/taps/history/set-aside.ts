import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { syncDirectory } from '../../../engine/journal/segment-file.ts';
import { historyPath } from './store-paths.ts';

/** Moves the store away, so that the next opening makes a new one. Nothing is deleted. Returns the new path. */
export function setHistoryAside(dataDir: string): string {
  const time = new Date().toISOString().replaceAll(':', '-');
  let kept = join(dataDir, `history-damaged-${time}`);
  for (let n = 2; existsSync(kept); n++) kept = join(dataDir, `history-damaged-${time}-${n}`);
  renameSync(historyPath(dataDir), kept);
  syncDirectory(dataDir);
  return kept;
}
