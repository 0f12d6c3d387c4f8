import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { mustBeFile } from '../../engine/journal/path-kind.ts';
import { syncDirectory } from '../../engine/journal/segment-file.ts';

/** File of a data directory with the values that its last configuration file gave. */
export const CONFIGURED = 'configured.json';
const VERSION = 1;

/** A value of a configuration, by a key such as `symbol 1 fees.taker`. */
export type ConfiguredValue = number | string;
export type ConfiguredValues = ReadonlyMap<string, ConfiguredValue>;

/**
 * What the configuration file of the last start gave. With it, a start distinguishes a value that was changed in the file from one that an operator
 * changed while the exchange ran. Undefined: an earlier release ran last, or the file cannot be read; then it does not tell them apart.
 * @throws PathError
 */
export function readConfigured(dataDir: string): ConfiguredValues | undefined {
  const path = join(dataDir, CONFIGURED);
  mustBeFile(path);
  try {
    const { version, values } = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown; values?: unknown };
    return version === VERSION && typeof values === 'object' && values !== null ? new Map(Object.entries(values)) : undefined;
  } catch {
    return undefined;
  }
}

/** Durable when it returns. */
export function writeConfigured(dataDir: string, values: ConfiguredValues): void {
  const path = join(dataDir, CONFIGURED);
  const draft = `${path}.draft`;
  const fd = openSync(draft, 'w');
  try {
    const bytes = Buffer.from(`${JSON.stringify({ version: VERSION, values: Object.fromEntries(values) }, undefined, 1)}\n`);
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
  syncDirectory(dataDir);
}
