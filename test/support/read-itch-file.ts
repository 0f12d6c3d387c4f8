import { fileBytes } from '../../feeds/files/file-bytes.ts';
import { type ItchHandler, ItchReader } from '../../feeds/files/itch/itch-reader.ts';

/**
 * Reads a file of ITCH 5.0, plain or gzipped, to its end, piece by piece.
 * @returns the reader with its counters, which also say what was damaged
 * @throws FileBytesError after everything before the damage was passed on; `reader`, if given, has the counters
 */
export async function readItchFile(path: string, handler: ItchHandler, reader: ItchReader = new ItchReader(handler)): Promise<ItchReader> {
  try {
    for await (const piece of fileBytes(path)) reader.push(piece);
  } finally {
    reader.end();
  }
  return reader;
}
