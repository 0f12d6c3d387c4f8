import { mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from './segment-file.ts';

/** A path is not of the kind that it must be, or a directory cannot be made there. Nothing was changed. */
export class PathError extends Error {
  readonly code: 'DATA_NOT_FILE' | 'DATA_NOT_DIRECTORY' | 'DATA_NO_DIRECTORY';
  readonly path: string;

  constructor(code: PathError['code'], path: string, message: string) {
    super(`${path} ${message}`);
    this.name = 'PathError';
    this.code = code;
    this.path = path;
  }
}

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

/** Throws if something else than a directory is there. @throws PathError */
export function mustBeDirectory(path: string): void {
  const found = statIfThere(path);
  if (found !== undefined && !found.isDirectory()) throw notDirectory(path);
}

/** Throws if something else than a file is there; to open a pipe could wait for ever. @throws PathError */
export function mustBeFile(path: string): void {
  const found = statIfThere(path);
  if (found === undefined || found.isFile()) return;
  const kind = found.isDirectory() ? 'a directory' : 'no regular file';
  throw new PathError(
    'DATA_NOT_FILE',
    path,
    `is ${kind}, where openbell has a file. Nothing was changed. Move it away, and put the file back.`,
  );
}

function notDirectory(path: string): PathError {
  return new PathError('DATA_NOT_DIRECTORY', path, 'is not a directory. Nothing was changed. Move it away, or name another path.');
}

function statIfThere(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
