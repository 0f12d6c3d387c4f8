import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { ALL_INSTRUMENTS, FeedFault, type FeedSink } from '../feed.ts';
import { CsvReader } from '../text/csv-reader.ts';
import { CsvFileError, CsvHeader } from './csv-header.ts';
import { DatabentoCsv, isDatabentoHeader } from './databento.ts';
import { FileBytesError, fileBytes, pieceSteps } from './file-bytes.ts';
import type { FileFormat, FileOptions, FileReading, FileSummary } from './file-reading.ts';
import { ItchBooks } from './itch/itch-books.ts';
import { ItchReader } from './itch/itch-reader.ts';
import { ITCH_LENGTHS } from './itch/layout.ts';
import { LobsterReading, lobsterNames } from './lobster-file.ts';
import { logSteps } from './log-events.ts';
import { QuotesCsv, quotesCsvColumns } from './quotes-csv.ts';
import { dayOfPath } from './venue-day.ts';

const LOG: FileFormat = {
  name: 'log',
  title: 'data directory of an exchange that is not running',
  unit: 'command',
  hasBooks: true,
  matches: (_, path) => isDirectory(path),
  open: log,
};

/** The first that matches counts. */
export const FILE_FORMATS: readonly FileFormat[] = [
  LOG,
  {
    name: 'lobster',
    title: 'LOBSTER message file',
    unit: 'line',
    hasBooks: true,
    matches: (_, path) => lobsterNames(path) !== undefined,
    open: lobster,
  },
  {
    name: 'databento',
    title: 'Databento CSV: mbo, mbp-1, mbp-10, tbbo, trades',
    unit: 'line',
    hasBooks: true,
    matches: matchesDatabento,
    open: databento,
  },
  { name: 'csv', title: 'CSV of trades or quotes', unit: 'line', hasBooks: false, matches: matchesCsv, open: csv },
  { name: 'itch', title: 'NASDAQ TotalView-ITCH 5.0', unit: 'message', hasBooks: true, matches: matchesItch, open: itch },
];

/** No format is the one of the file. */
export class UnknownFormatError extends Error {
  readonly code = 'FORMAT_UNKNOWN';
}

/** Enough for the header of a CSV file. */
const HEAD_BYTES = 4096;

/** The first bytes of a file, decompressed; none of a directory. @throws FileBytesError */
export async function fileHead(path: string): Promise<Uint8Array> {
  if (isDirectory(path)) return new Uint8Array(0);
  for await (const piece of fileBytes(path)) return piece.subarray(0, HEAD_BYTES);
  return new Uint8Array(0);
}

/** The format of a file by its name and its first bytes. @throws UnknownFormatError, FileBytesError */
export async function formatOf(path: string): Promise<FileFormat> {
  const head = await fileHead(path);
  const found = FILE_FORMATS.find((format) => format.matches(head, path));
  if (found !== undefined) return found;
  const names = ['capture', ...FILE_FORMATS.map(({ name }) => name)].join(', ');
  throw new UnknownFormatError(`${path}: this is none of the known formats; check the file, or name its format, one of ${names}`);
}

const EMPTY = 'has nothing to read: not one message, event or header; check the file, or name its format';
const CUT = 'ends in the middle of a message; everything before was used, fetch the file again for the rest';

function itch(path: string, sink: FeedSink): FileReading {
  const reader = new ItchReader(new ItchBooks(sink, dayOfPath(path)));
  return { steps: itchSteps(path, reader, sink), place: () => reader.messages + reader.unknownTypes + reader.wrongLengths };
}

async function* itchSteps(path: string, reader: ItchReader, sink: FeedSink): AsyncGenerator<void, FileSummary, void> {
  const unknown = new CountedFault(sink, FeedFault.UnknownMessage);
  const malformed = new CountedFault(sink, FeedFault.Malformed);
  const count = (): void => {
    unknown.count(reader.unknownTypes);
    malformed.count(reader.wrongLengths + reader.outOfStep);
  };
  let truncated = yield* pieceSteps(path, (piece) => {
    reader.push(piece);
    count();
  });
  reader.end();
  count();
  if (reader.truncatedBytes > 0) truncated ??= new FileBytesError('FILE_TRUNCATED', path, CUT);
  truncated ??= emptyUnless(reader.messages > 0, path);
  return { records: reader.messages, checks: 0, failed: 0, truncated };
}

function log(path: string, sink: FeedSink): FileReading {
  let command = 0;
  return { steps: steps(), place: () => command };

  async function* steps(): AsyncGenerator<void, FileSummary, void> {
    const work = logSteps(path, sink);
    try {
      for (;;) {
        const { done, value } = work.next();
        command = value;
        if (done === true) return { records: value, checks: 0, failed: 0, truncated: undefined };
        yield;
      }
    } finally {
      work.return(0);
    }
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function lobster(path: string, sink: FeedSink): FileReading {
  const reading = new LobsterReading(path, sink);
  return { steps: lobsterSteps(path, reading), place: () => reading.events };
}

async function* lobsterSteps(path: string, reading: LobsterReading): AsyncGenerator<void, FileSummary, void> {
  const { events, malformed, checks, failed, truncated } = yield* reading.steps();
  const unusable = events > 0 && malformed === events ? allMalformed(path, events) : emptyUnless(events > 0 || reading.isUnwanted, path);
  return { records: events, checks, failed, truncated: truncated ?? unusable };
}

function databento(path: string, sink: FeedSink): FileReading {
  const source = new DatabentoCsv(sink);
  const reader = new CsvReader(source);
  return { steps: csvSteps(path, reader, source, sink), place: () => reader.line };
}

function csv(path: string, sink: FeedSink, options: FileOptions): FileReading {
  const instrument = options.instrument ?? basename(path).replace(/(\.csv)?(\.gz)?$/i, '');
  const reader: CsvReader = new CsvReader({ row: (row) => source.row(row) });
  const source = new QuotesCsv(sink, reader, { instrument, columns: options.columns });
  return { steps: csvSteps(path, reader, source, sink), place: () => reader.line };
}

/** Reads all whole rows. The last one of a file that is cut may be half a row, and is left out. */
async function* csvSteps(
  path: string,
  reader: CsvReader,
  source: DatabentoCsv | QuotesCsv,
  sink: FeedSink,
): AsyncGenerator<void, FileSummary, void> {
  const skipped = new CountedFault(sink, FeedFault.Malformed);
  let truncated: FileBytesError | undefined;
  try {
    truncated = yield* pieceSteps(path, (piece) => {
      reader.push(piece);
      skipped.count(reader.skippedRows);
    });
    if (truncated === undefined) reader.end();
  } catch (error) {
    if (error instanceof CsvFileError) throw new CsvFileError(error.code, `${path}: ${error.message}`);
    throw error;
  } finally {
    skipped.count(reader.skippedRows);
  }
  source.end();
  return { records: source.rows, checks: 0, failed: 0, truncated: truncated ?? emptyUnless(source.hasHeader, path) };
}

/** Why a file is of no use whose messages or rows are all wrong. */
export function allMalformed(path: string, records: number): FileBytesError {
  const detail = `none of its ${records} messages or rows could be used; check the file, its format and its columns`;
  return new FileBytesError('FILE_MALFORMED', path, detail);
}

function emptyUnless(read: boolean, path: string): FileBytesError | undefined {
  return read ? undefined : new FileBytesError('FILE_EMPTY', path, EMPTY);
}

/** A fault of which a reader counts how often it occurred. */
class CountedFault {
  readonly #sink: FeedSink;
  readonly #fault: FeedFault;
  #counted = 0;

  constructor(sink: FeedSink, fault: FeedFault) {
    this.#sink = sink;
    this.#fault = fault;
  }

  /** Writes the new faults to the sink. @param total so far */
  count(total: number): void {
    for (; this.#counted < total; this.#counted++) this.#sink.fault(ALL_INSTRUMENTS, this.#fault);
  }
}

function matchesItch(head: Uint8Array): boolean {
  return head.length > 2 && ((head[0] << 8) | head[1]) === ITCH_LENGTHS[head[2]];
}

function matchesDatabento(head: Uint8Array): boolean {
  return isDatabentoHeader(firstHeader(head, ','));
}

function matchesCsv(head: Uint8Array): boolean {
  return [',', ';', '\t', '|'].some((separator) => {
    try {
      quotesCsvColumns(firstHeader(head, separator));
      return true;
    } catch {
      return false;
    }
  });
}

function firstHeader(head: Uint8Array, separator: string): CsvHeader {
  const line = Buffer.from(head)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/\r?\n/, 1)[0];
  return new CsvHeader(line.split(separator).map((name) => name.replace(/^"|"$/g, '')));
}
