import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { ALL_INSTRUMENTS, FeedFault, type FeedSink } from '../feed.ts';
import { CsvReader } from '../text/csv-reader.ts';
import { CsvFileError, CsvHeader } from './csv-header.ts';
import { DatabentoCsv, isDatabentoHeader } from './databento.ts';
import { FileBytesError, fileBytes, untilDamage } from './file-bytes.ts';
import { ItchBooks } from './itch/itch-books.ts';
import { readItchFile } from './itch/itch-file.ts';
import { ItchReader } from './itch/itch-reader.ts';
import { ITCH_LENGTHS } from './itch/layout.ts';
import { lobsterNames, readLobster } from './lobster-file.ts';
import { readLogEvents } from './log-events.ts';
import { type CsvColumn, QuotesCsv, quotesCsvColumns } from './quotes-csv.ts';
import { dayOfPath } from './venue-day.ts';

export interface FileOptions {
  /** The instrument of a CSV file without such a column; the default is the file's name without its endings. */
  readonly instrument?: string;
  /** Names of columns of a CSV file that are not recognised. */
  readonly columns?: Partial<Readonly<Record<CsvColumn, string>>>;
}

/** What was read of a file; what was wrong with it stands in the sink's faults. */
export interface FileSummary {
  /** Messages or rows. */
  readonly records: number;
  /** States that the file itself confirms, and the wrong ones among them. Only LOBSTER has them. */
  readonly checks: number;
  readonly failed: number;
  /** The end of the file could not be read, or it has nothing to read. */
  readonly truncated: FileBytesError | undefined;
}

export interface FileFormat {
  /** For `--format`. */
  readonly name: string;
  readonly title: string;
  /** @param head the first bytes of the file, decompressed @param path of the file */
  matches(head: Uint8Array, path: string): boolean;
  /** Reads the file into a sink, as far as it can be read. @throws CsvFileError; FileBytesError if it cannot be opened */
  read(path: string, sink: FeedSink, options: FileOptions): Promise<FileSummary>;
}

const LOG: FileFormat = {
  name: 'log',
  title: 'data directory of an exchange that is not running',
  matches: (_, path) => isDirectory(path),
  read: log,
};

/** The first that matches counts. */
export const FILE_FORMATS: readonly FileFormat[] = [
  LOG,
  { name: 'lobster', title: 'LOBSTER message file', matches: (_, path) => lobsterNames(path) !== undefined, read: lobster },
  { name: 'databento', title: 'Databento CSV: mbo, mbp-1, mbp-10, tbbo, trades', matches: matchesDatabento, read: databento },
  { name: 'csv', title: 'CSV of trades or quotes', matches: matchesCsv, read: csv },
  { name: 'itch', title: 'NASDAQ TotalView-ITCH 5.0', matches: matchesItch, read: itch },
];

/** No format is the one of the file. */
export class UnknownFormatError extends Error {
  readonly code = 'FORMAT_UNKNOWN';
}

/** Enough for the header of a CSV file. */
const HEAD_BYTES = 4096;

/** The format of a file by its name and its first bytes. @throws UnknownFormatError, FileBytesError */
export async function formatOf(path: string): Promise<FileFormat> {
  let head: Uint8Array = new Uint8Array(0);
  if (isDirectory(path)) return LOG;
  for await (const piece of fileBytes(path)) {
    head = piece.subarray(0, HEAD_BYTES);
    break;
  }
  const found = FILE_FORMATS.find((format) => format.matches(head, path));
  if (found !== undefined) return found;
  const names = FILE_FORMATS.map(({ name }) => name).join(', ');
  throw new UnknownFormatError(`${path}: this is none of the known formats; check the file, or name one of ${names} with --format`);
}

const EMPTY = 'has nothing to read: not one message, event or header; check the file, or name its format with --format';
const CUT = 'ends in the middle of a message; everything before was used, fetch the file again for the rest';

async function itch(path: string, sink: FeedSink): Promise<FileSummary> {
  const books = new ItchBooks(sink, dayOfPath(path));
  const reader = new ItchReader(books);
  let truncated = await untilDamage(readItchFile(path, books, reader));
  if (reader.truncatedBytes > 0) truncated ??= new FileBytesError('FILE_TRUNCATED', path, CUT);
  truncated ??= emptyUnless(reader.messages > 0, path);
  countFaults(sink, FeedFault.UnknownMessage, reader.unknownTypes);
  countFaults(sink, FeedFault.Malformed, reader.wrongLengths + reader.outOfStep);
  return { records: reader.messages, checks: 0, failed: 0, truncated };
}

async function log(path: string, sink: FeedSink): Promise<FileSummary> {
  return { records: readLogEvents(path, sink), checks: 0, failed: 0, truncated: undefined };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function lobster(path: string, sink: FeedSink): Promise<FileSummary> {
  const { events, malformed, checks, failed, truncated } = await readLobster(path, sink);
  const unusable = events > 0 && malformed === events ? allMalformed(path, events) : emptyUnless(events > 0, path);
  return { records: events, checks, failed, truncated: truncated ?? unusable };
}

async function databento(path: string, sink: FeedSink): Promise<FileSummary> {
  const source = new DatabentoCsv(sink);
  const truncated = await readCsv(path, new CsvReader(source), sink);
  source.end();
  return { records: source.rows, checks: 0, failed: 0, truncated: truncated ?? emptyUnless(source.hasHeader, path) };
}

async function csv(path: string, sink: FeedSink, options: FileOptions): Promise<FileSummary> {
  const instrument = options.instrument ?? basename(path).replace(/(\.csv)?(\.gz)?$/i, '');
  const reader: CsvReader = new CsvReader({ row: (row) => source.row(row) });
  const source = new QuotesCsv(sink, reader, { instrument, columns: options.columns });
  const truncated = await readCsv(path, reader, sink);
  return { records: source.rows, checks: 0, failed: 0, truncated: truncated ?? emptyUnless(source.hasHeader, path) };
}

/** Why a file is of no use whose messages or rows are all wrong. */
export function allMalformed(path: string, records: number): FileBytesError {
  const detail = `none of its ${records} messages or rows could be used; check the file, its --format and its --columns`;
  return new FileBytesError('FILE_MALFORMED', path, detail);
}

function emptyUnless(read: boolean, path: string): FileBytesError | undefined {
  return read ? undefined : new FileBytesError('FILE_EMPTY', path, EMPTY);
}

/** Reads all whole rows. The last one of a file that is cut may be half a row, and is left out. */
async function readCsv(path: string, reader: CsvReader, sink: FeedSink): Promise<FileBytesError | undefined> {
  const read = async () => {
    for await (const piece of fileBytes(path)) reader.push(piece);
    reader.end();
  };
  try {
    return await untilDamage(read());
  } catch (error) {
    if (error instanceof CsvFileError) throw new CsvFileError(error.code, `${path}: ${error.message}`);
    throw error;
  } finally {
    countFaults(sink, FeedFault.Malformed, reader.skippedRows);
  }
}

function countFaults(sink: FeedSink, fault: FeedFault, count: number): void {
  for (let i = 0; i < count; i++) sink.fault(ALL_INSTRUMENTS, fault);
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
