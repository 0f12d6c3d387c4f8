import { FileBytesError, inflate, readPieces } from './file-bytes.ts';

/**
 * The bytes of a file in pieces, decompressed if its name ends in `.gz`. All that can be had of a file that is cut or damaged is
 * given out before the error. A file may be written meanwhile: a reader of lines recognises a half one by its missing end.
 * @param content in place of the file's
 * @param failed makes the error that is thrown when the bytes have no good end; `isCut`: the compressed data ends early
 */
export async function* lineBytes(
  path: string,
  content: Uint8Array | undefined,
  failed: (reason: string, isCut: boolean, cause: unknown) => Error,
): AsyncGenerator<Buffer> {
  const bytes = content === undefined ? readPieces(path, false) : once(content);
  try {
    for await (const piece of path.endsWith('.gz') ? inflate(path, bytes) : bytes)
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  } catch (error) {
    if (!(error instanceof FileBytesError)) throw error;
    const cause = error.cause ?? error;
    throw failed(cause instanceof Error ? cause.message : String(cause), error.code === 'FILE_TRUNCATED', cause);
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
