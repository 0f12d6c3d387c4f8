import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getAsset } from 'node:sea';
import { parseArgs } from 'node:util';
import { setEnvironmentData } from 'node:worker_threads';
import { loadConfig } from '../../config/config.ts';
import { addonKey, open } from './open-addon.ts';

/** No directory could be written and have code mapped from it. */
export class AddonError extends Error {
  readonly code = 'OPENBELL_ADDON';

  constructor(name: string, tried: readonly string[]) {
    super(
      `the native part "${name}" cannot be opened (${tried.join('; ')}); ` +
        'name a directory that may be written to and is not mounted noexec in OPENBELL_ADDON_DIR',
    );
    this.name = 'AddonError';
  }
}

/**
 * Opens an add-on that the binary carries. The system's loader wants a file,
 * so one is written to a directory that only this user can enter, and is gone
 * again before this returns: whatever ends the process leaves nothing behind.
 * @throws AddonError
 */
export function loadAddon(name: string): unknown {
  const tried: string[] = [];
  for (const place of places()) {
    if (!existsSync(place)) {
      tried.push(`${place}: is not there`);
      continue;
    }
    let dir: string | undefined;
    try {
      dir = mkdtempSync(join(place, 'openbell-'));
      const path = join(dir, `${name}.node`);
      writeFileSync(path, new Uint8Array(getAsset(`addons/${name}`)), { mode: 0o600 });
      const addon = open(path);
      setEnvironmentData(addonKey(name), path);
      return addon;
    } catch (error) {
      tried.push(`${place}: ${(error as Error).message}`);
    } finally {
      if (dir !== undefined) rmSync(dir, { recursive: true });
    }
  }
  throw new AddonError(name, tried);
}

/** In the order in which they are tried. A container often has no /tmp and a /dev/shm that is noexec, but has its data. */
function* places(): Generator<string> {
  const asked = process.env.OPENBELL_ADDON_DIR;
  if (asked) return yield asked;
  yield tmpdir();
  yield '/dev/shm';
  const { data, config } = parseArgs({
    args: process.argv.slice(2),
    strict: false,
    options: { data: { type: 'string' }, config: { type: 'string' } },
  }).values;
  yield loadConfig({ flags: { data, config }, env: process.env }).data;
}
