import { type SinkBook, SinkBooks } from '../books/sink-books.ts';
import { BookSide, faultCode } from '../feed.ts';
import type { CapturedBook } from './capture-books.ts';
import type { FileBytesError } from './file-bytes.ts';
import { allMalformed, FILE_FORMATS, formatOf } from './file-formats.ts';
import { type FileOptions, readToEnd } from './file-reading.ts';

/** The book of an instrument at the end of a file. */
export interface FileBook extends CapturedBook {
  readonly trades: number;
  readonly quotes: number;
}

export interface FileBooks {
  readonly format: string;
  /** Messages or rows. */
  readonly records: number;
  /** In the order of the names. */
  readonly books: readonly FileBook[];
  /** How often each fault was counted, by code; none that did not occur. */
  readonly faults: ReadonlyMap<string, number>;
  /** The end of the file could not be read, or nothing in it. */
  readonly truncated: FileBytesError | undefined;
}

/**
 * Reads a file of market data. Checks and wrong ones among them are the states that the file itself confirms (LOBSTER).
 * @param levels most levels of each side
 * @param formatName of {@link FILE_FORMATS}; undefined takes the one that the file's name and first bytes show
 * @throws UnknownFormatError, CsvFileError, FileBytesError if the file cannot be opened
 */
export async function fileBooks(path: string, levels: number, formatName?: string, options: FileOptions = {}): Promise<FileBooks> {
  const format = FILE_FORMATS.find(({ name }) => name === formatName) ?? (await formatOf(path));
  const sink = new SinkBooks();
  const { records, checks, failed, truncated } = await readToEnd(format.open(path, sink, options));
  return {
    format: format.name,
    records,
    books: sink.sorted().map((book) => fileBook(book, levels, checks, failed)),
    faults: new Map([...sink.faults].map(([fault, count]) => [faultCode(fault), count])),
    truncated: truncated ?? malformed(path, records, sink),
  };
}

/** Not one message or row gave a book, a trade or a quote, and each had a fault. */
function malformed(path: string, records: number, sink: SinkBooks): FileBytesError | undefined {
  const faults = [...sink.faults.values()].reduce((sum, count) => sum + count, 0);
  if (faults === 0 || faults < records || sink.instruments.some(({ updates, trades, quotes }) => updates + trades + quotes > 0))
    return undefined;
  return allMalformed(path, records);
}

function fileBook(book: SinkBook, levels: number, checks: number, failed: number): FileBook {
  const { name, updates, crossed, trades, quotes } = book;
  const bids = book.texts(BookSide.Bid, levels);
  const asks = book.texts(BookSide.Ask, levels);
  return { instrument: name, bids, asks, updates, checks, failed, crossed, trades, quotes };
}
