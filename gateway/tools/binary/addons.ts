import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getAsset } from 'node:sea';
import { parseArgs } from 'node:util';
import { setEnvironmentData } from 'node:worker_threads';
import { loadConfig } from '../../config/config.ts';
import { addonKey, open } from './open-addon.ts';

/** No directory allows writing files and mapping code from them. */
export class AddonError extends Error {
  readonly code = 'OPENBELL_ADDON';

  constructor(name: string, tried: readonly string[]) {
    super(
      `the native part "${name}" cannot be opened (${tried.join('; ')}); ` +
        'set OPENBELL_ADDON_DIR to a writable directory that is not mounted noexec',
    );
    this.name = 'AddonError';
  }
}

const opened = new Map<string, unknown>();

/**
 * Opens an add-on embedded in the binary, once. The system's loader needs a file, so
 * one is written to a directory with access for this user only, and removed
 * before this returns: no end of the process leaves a file behind.
 * @throws AddonError
 */
export function loadAddon(name: string): unknown {
  if (!opened.has(name)) opened.set(name, openEmbedded(name));
  return opened.get(name);
}

function openEmbedded(name: string): unknown {
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

/** Directories in the order in which they are tried. A container often has no /tmp and a noexec /dev/shm, but has its data directory. */
function* places(): Generator<string> {
  const configured = process.env.OPENBELL_ADDON_DIR;
  if (configured) return yield configured;
  yield tmpdir();
  yield '/dev/shm';
  const { data, config } = parseArgs({
    args: process.argv.slice(2),
    strict: false,
    options: { data: { type: 'string' }, config: { type: 'string' } },
  }).values;
  yield loadConfig({ flags: { data, config }, env: process.env }).data;
}
