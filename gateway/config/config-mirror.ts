import { SinkBooks } from '../../feeds/books/sink-books.ts';
import { checkCapture } from '../../feeds/files/capture-replay.ts';
import type { FileFormat } from '../../feeds/files/file-reading.ts';
import { fileErrorText } from '../../feeds/lines/file-fault.ts';
import { type FileSource, formatOfSource } from '../../feeds/lines/file-source.ts';
import { mirrorSource } from '../mirror-source.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config-place.ts';

/** Pieces of a file in which a book is looked for: some 64 MiB. */
const MOST_STEPS = 1024;

/**
 * Checks that a file given with `--simulate mirror=PATH` can be read and has a book, as far as its beginning shows it.
 * @throws ConfigError with the code of the reader's error
 */
export async function checkMirrorFile({ simulate, feeds }: Pick<Config, 'simulate' | 'feeds'>): Promise<void> {
  if (typeof simulate !== 'object') return;
  const source = mirrorSource(simulate.mirror, feeds)?.file;
  if (source === undefined) return;
  try {
    const format = await formatOfSource(source);
    if (format === undefined) await checkCapture(source.file);
    else await checkBook(source, format);
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    throw new ConfigError([`--simulate mirror=${simulate.mirror}: ${fileErrorText(error)}`]);
  }
}

/** A file of trades and quotes has nothing that could be mirrored. */
class NoBookError extends Error {
  readonly code = 'FILE_NO_BOOK';
}

async function checkBook({ file: { path } }: FileSource, format: FileFormat): Promise<void> {
  const noBook = new NoBookError(`${path}: a file of the format ${format.name} with levels or orders is needed; this one has none`);
  if (!format.hasBooks) throw noBook;
  const sink = new SinkBooks();
  const { steps } = format.open(path, sink, {});
  try {
    for (let step = 0; step < MOST_STEPS; step++) {
      const { done, value } = await steps.next();
      if (sink.instruments.some(({ book }) => book.bids.length + book.asks.length > 0)) return;
      if (done === true) throw value.truncated ?? noBook;
    }
  } finally {
    await steps.return(undefined as never);
  }
}
