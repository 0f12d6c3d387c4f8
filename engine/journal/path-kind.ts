import { type Stats, statSync } from 'node:fs';

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

/** The error of a path that must be a directory. */
export function notDirectory(path: string): PathError {
  return new PathError('DATA_NOT_DIRECTORY', path, 'is not a directory. Nothing was changed. Move it away, or name another path.');
}

/** Undefined: there is nothing. */
export function statIfThere(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
