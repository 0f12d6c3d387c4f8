import { getEnvironmentData } from 'node:worker_threads';
import { addonKey, open } from './open-addon.ts';

/**
 * Opens, in a thread, an add-on that the main thread has open. Its file has
 * been removed and is not needed: glibc identifies a loaded library by its path.
 * So all threads share one, and LMDB detects that they have the same store open.
 */
export function loadAddon(name: string): unknown {
  return open(String(getEnvironmentData(addonKey(name))));
}
