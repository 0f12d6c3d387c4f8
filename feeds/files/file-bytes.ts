import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';

export type FileBytesErrorCode = 'FILE_UNREADABLE' | 'FILE_TRUNCATED' | 'FILE_DAMAGED' | 'FILE_CHANGED' | 'FILE_EMPTY' | 'FILE_MALFORMED';

/** The file has an end that cannot be read, or nothing that can. All bytes before it have been given out. */
export class FileBytesError extends Error {
  readonly code: FileBytesErrorCode;
  readonly path: string;

  constructor(code: FileBytesErrorCode, path: string, detail: string, options?: ErrorOptions) {
    super(`${path}: ${detail}`, options);
    this.name = 'FileBytesError';
    this.code = code;
    this.path = path;
  }
}

const GZIP_MAGIC = [0x1f, 0x8b];
/** Of the file at a time. A compressed piece becomes at most a thousand times as much, which then is in memory at once. */
const PIECE_BYTES = 64 * 1024;
/** How much the decompressor gives out at a time; as much is lost before a place that is damaged. */
const INFLATED_BYTES = 64 * 1024;

/**
 * The bytes of a file in pieces, decompressed if it begins as a gzip file does, whatever its name. A piece may be
 * kept. Memory does not grow with the file.
 * @throws FileBytesError after the last good piece: FILE_UNREADABLE for an error of the file system, FILE_TRUNCATED
 * for a gzip file without its end, FILE_DAMAGED for one that breaks its format, FILE_CHANGED for a file that was written
 * while it was read: its end, at least, may be half of what it is to be. A file that another one replaced is read to its end
 */
export async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  const pieces = readPieces(path, true);
  try {
    const first = await pieces.next();
    if (first.done === true) return;
    const isPacked = GZIP_MAGIC.every((byte, index) => first.value[index] === byte);
    const bytes = chain(first.value, pieces);
    yield* isPacked ? inflate(path, bytes) : bytes;
  } finally {
    // Who leaves after the first piece has not begun with the others.
    await pieces.return(undefined);
  }
}

/**
 * Reads a file in steps, a piece each. `return` abandons it.
 * @returns why the file has no good end; undefined if it has one @throws what `push` throws; FileBytesError FILE_UNREADABLE
 */
export async function* pieceSteps(path: string, push: (piece: Uint8Array) => void): AsyncGenerator<void, FileBytesError | undefined, void> {
  try {
    for await (const piece of fileBytes(path)) {
      push(piece);
      yield;
    }
  } catch (error) {
    return endOf(error);
  }
  return undefined;
}

/** The error as the reason why a file has no good end. @throws any other error */
export function endOf(error: unknown): FileBytesError {
  if (error instanceof FileBytesError && error.code !== 'FILE_UNREADABLE') return error;
  throw error;
}

/**
 * The bytes of a file as they are on the disk.
 * @param whole a file that is written meanwhile is an error @throws FileBytesError FILE_UNREADABLE, FILE_CHANGED
 */
export async function* readPieces(path: string, whole: boolean): AsyncGenerator<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const before = await file.stat();
    for (;;) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafeSlow(PIECE_BYTES) });
      if (bytesRead === 0) break;
      yield buffer.subarray(0, bytesRead);
    }
    const after = await file.stat();
    if (whole && before.isFile() && (after.size !== before.size || after.mtimeMs !== before.mtimeMs))
      throw new FileBytesError('FILE_CHANGED', path, 'was written while it was read; what came before its end was used');
  } catch (error) {
    if (error instanceof FileBytesError) throw error;
    throw new FileBytesError('FILE_UNREADABLE', path, `cannot be read (${reason(error)}); check the path and its permissions`, {
      cause: error,
    });
  } finally {
    await file?.close();
  }
}

/**
 * Decompresses. The stream flows all the time: what it gives out is collected at once, because a stream that is destroyed by an
 * error drops what still waits in it. Only the writes wait.
 * @throws FileBytesError after the last good piece: FILE_TRUNCATED, FILE_DAMAGED
 */
export async function* inflate(path: string, packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: INFLATED_BYTES });
  let inflated: Uint8Array[] = [];
  let failure: Error | undefined;
  gunzip.on('data', (piece: Uint8Array) => inflated.push(piece));
  gunzip.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise<void>((resolve) => gunzip.once('close', resolve));
  const take = () => {
    const taken = inflated;
    inflated = [];
    return taken;
  };
  try {
    for await (const piece of packed) {
      await Promise.race([new Promise((resolve) => gunzip.write(piece, resolve)), closed]);
      yield* take();
      if (failure !== undefined) break;
    }
    if (failure === undefined) gunzip.end();
    await closed;
    yield* take();
  } finally {
    gunzip.destroy();
  }
  if (failure !== undefined) throw gzipError(path, failure);
}

async function* chain(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

function gzipError(path: string, cause: Error): FileBytesError {
  const truncated = 'code' in cause && cause.code === 'Z_BUF_ERROR';
  return truncated
    ? new FileBytesError('FILE_TRUNCATED', path, 'the gzip data ends early; fetch the file again, or go on with what it has', { cause })
    : new FileBytesError('FILE_DAMAGED', path, `the gzip data is damaged (${reason(cause)}); fetch the file again`, { cause });
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
