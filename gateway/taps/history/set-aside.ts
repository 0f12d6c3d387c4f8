import { existsSync, renameSync } from 'node:fs';
import { syncDirectory } from '../../../engine/journal/segment-file.ts';
import { historyPath } from './store-paths.ts';

/** Moves the history away: see {@link setStoreAside}. */
export function setHistoryAside(dataDir: string): string {
  return setStoreAside(dataDir, historyPath(dataDir));
}

/** Moves a store away, so that the next opening makes a new one. Nothing is deleted. Returns the new path. */
export function setStoreAside(dataDir: string, path: string): string {
  const time = new Date().toISOString().replaceAll(':', '-');
  let kept = `${path}-damaged-${time}`;
  for (let n = 2; existsSync(kept); n++) kept = `${path}-damaged-${time}-${n}`;
  renameSync(path, kept);
  syncDirectory(dataDir);
  return kept;
}
