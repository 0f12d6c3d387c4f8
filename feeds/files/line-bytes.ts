import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

const PIECE_BYTES = 256 * 1024;

/**
 * The bytes of a file in pieces, decompressed if its name ends in `.gz`.
 * @param content in place of the file's
 * @param failed makes the error that is thrown when the bytes have no good end; `isCut`: the compressed data ends early
 */
export async function* lineBytes(
  path: string,
  content: Uint8Array | undefined,
  failed: (reason: string, isCut: boolean, cause: unknown) => Error,
): AsyncGenerator<Buffer> {
  const file = content === undefined ? createReadStream(path, { highWaterMark: PIECE_BYTES }) : Readable.from([content]);
  // The callback handles a failure of the first stage, so that it is not uncaught. The loop below receives the same error.
  const source = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => file.destroy()) : file;
  try {
    for await (const piece of source) yield piece as Buffer;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw failed(reason, (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR', error);
  }
}
