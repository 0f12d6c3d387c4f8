import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { notDirectory, PathError, statIfThere } from './path-kind.ts';
import { syncDirectory } from './segment-file.ts';

/**
 * Makes a directory, and those above it, if they do not exist, and makes their entries durable: a power cut must not take away a directory
 * whose files are durable. Returns the first one that was made; undefined if all existed.
 *
 * It makes one after the other. Node's recursive mkdir never returns where a file system answers ENOENT below a directory
 * that exists, as /proc does.
 *
 * @param mode of the last one, as of mkdir
 * @throws PathError, the system's Error
 */
export function makeDirectory(dir: string, mode = 0o777): string | undefined {
  const missing: string[] = [];
  for (let path = dir; !isDirectory(path); path = dirname(path)) missing.push(path);
  for (const path of missing.toReversed()) {
    makeOne(path, path === missing[0] ? mode : 0o777);
    syncDirectory(dirname(path));
  }
  return missing.at(-1);
}

/** False: there is nothing. @throws PathError if something else is there */
function isDirectory(path: string): boolean {
  const found = statIfThere(path);
  if (found === undefined && path === dirname(path)) throw new PathError('DATA_NO_DIRECTORY', path, 'does not exist.');
  if (found !== undefined && !found.isDirectory()) throw notDirectory(path);
  return found !== undefined;
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Another process was faster, or the name is a link to nothing.
    if (code === 'EEXIST' && statIfThere(path)?.isDirectory()) return;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
    throw new PathError('DATA_NO_DIRECTORY', path, `cannot be made as a directory (${message}). Choose another place for it.`);
  }
}
