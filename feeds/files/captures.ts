import type { CaptureEvent, CaptureFrame, CaptureHeader, CaptureLine } from './capture-lines.ts';
import { type ForeignFormat, foreignFormat } from './foreign-captures.ts';
import { lineBytes } from './line-bytes.ts';
import { LineError, shownText } from './line-error.ts';

export type * from './capture-lines.ts';

export type CaptureErrorCode =
  | 'CAPTURE_UNREADABLE'
  | 'CAPTURE_TRUNCATED'
  | 'CAPTURE_HEADER'
  | 'CAPTURE_LINE'
  | 'CAPTURE_TOO_LARGE'
  | 'CAPTURE_EMPTY';

export class CaptureError extends LineError<CaptureErrorCode> {
  override readonly name = 'CaptureError';
}

/** A capture as a file, or in memory. */
export interface CaptureFile {
  /** In memory: a name for messages, which ends in `.gz` if the content is compressed. */
  readonly path: string;
  readonly content?: Uint8Array;
}

/** Longest line. A frame of 32 MiB has up to twice as many bytes when it is escaped. */
const MAX_LINE_BYTES = 80 * 2 ** 20;
/** Most text that {@link readCaptureByTime} sorts in memory. */
const MAX_SORTED_BYTES = 2 ** 30;
const NEWLINE = 0x0a;

/**
 * The lines of a capture, or of a recording of another program (foreign-captures.ts), in the order of the file, read on demand. A file that was cut short gives all of its whole
 * lines, then CAPTURE_TRUNCATED.
 * @throws CaptureError
 */
export async function* readCapture(file: string | CaptureFile): AsyncGenerator<CaptureLine> {
  const { path, content } = typeof file === 'string' ? { path: file } : file;
  let number = 0;
  let foreign: ForeignFormat | undefined;
  for await (const text of lines(path, content)) {
    number++;
    if (number === 1) {
      foreign = foreignFormat(text);
      if (foreign !== undefined) yield foreign.header;
    }
    if (foreign !== undefined) {
      const events = foreign.read(text);
      if (events === undefined) throw new CaptureError('CAPTURE_LINE', path, number, `is not like the lines before: ${shownText(text)}`);
      yield* events;
      continue;
    }
    const line = parse(path, number, text);
    if ((number === 1) !== (line.kind === 'header')) {
      throw new CaptureError('CAPTURE_HEADER', path, number, 'the header must be the first line and only there; is this a capture?');
    }
    yield line;
  }
  if (number === 0) throw new CaptureError('CAPTURE_HEADER', path, 0, 'is empty; a capture begins with a header');
}

/** True if a file that begins so is a capture, or one of another program. @param head its first bytes, decompressed */
export function isCaptureHead(head: Uint8Array): boolean {
  const line = Buffer.from(head).toString('utf8').split('\n', 1)[0];
  return /^\{\s*"t"\s*:\s*"header"/.test(line) || foreignFormat(line) !== undefined;
}

/** A capture in the order of time, as a venue's adapter would have seen it. */
export interface SortedCapture {
  readonly header: CaptureHeader;
  /** Sorted by time; those of one time in the order of the file. */
  readonly events: readonly CaptureEvent[];
  /** The file was cut short behind these events. */
  readonly truncated: CaptureError | undefined;
}

/** Reads a whole capture into memory and sorts it. @throws CaptureError, but not for a file that was cut short */
export async function readCaptureByTime(file: string | CaptureFile): Promise<SortedCapture> {
  const path = typeof file === 'string' ? file : file.path;
  let header: CaptureHeader | undefined;
  let truncated: CaptureError | undefined;
  let size = 0;
  const events: CaptureEvent[] = [];
  try {
    for await (const line of readCapture(file)) {
      if (line.kind === 'header') {
        header = line;
        continue;
      }
      if (line.kind !== 'connect') size += line.data.length;
      if (size > MAX_SORTED_BYTES) throw new CaptureError('CAPTURE_TOO_LARGE', path, 0, 'has more than 1 GiB of frames; split it');
      events.push(line);
    }
  } catch (error) {
    if (!(error instanceof CaptureError) || error.code !== 'CAPTURE_TRUNCATED' || header === undefined) throw error;
    truncated = error;
  }
  if (header === undefined) throw new CaptureError('CAPTURE_HEADER', path, 0, 'has no header');
  return { header, events: events.sort((a, b) => a.timeUs - b.timeUs), truncated };
}

/** The bytes of a frame as they were on the wire. */
export function frameBytes({ data, binary }: CaptureFrame): Buffer {
  return Buffer.from(data, binary ? 'base64' : 'utf8');
}

function parse(path: string, number: number, text: string): CaptureLine {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    throw new CaptureError('CAPTURE_LINE', path, number, `is not JSON: ${shownText(text)}`, { cause: error });
  }
  if (typeof row !== 'object' || row === null) throw new CaptureError('CAPTURE_LINE', path, number, `is no object: ${shownText(text)}`);
  const fields = row as Readonly<Record<string, unknown>>;
  const binary = (encoding: unknown): { binary: true } => {
    if (encoding === 'base64') return { binary: true };
    throw new CaptureError('CAPTURE_LINE', path, number, `has an encoding other than base64: ${shownText(text)}`);
  };
  const field = (name: string): string => {
    const value = fields[name];
    if (typeof value === 'string') return value;
    throw new CaptureError('CAPTURE_LINE', path, number, `has no text "${name}": ${shownText(text)}`);
  };
  const kind = field('t');
  if (kind === 'header') return { kind, exchange: field('exchange') };
  const conn = field('conn');
  const { ts } = fields;
  if (typeof ts !== 'number' || !(ts >= 0 && ts < 1e10)) {
    throw new CaptureError('CAPTURE_LINE', path, number, `has no time "ts" in seconds: ${shownText(text)}`);
  }
  const timeUs = Math.round(ts * 1e6);
  switch (kind) {
    case 'connect':
      return { kind, conn, timeUs, address: field('addr') };
    case 'send':
    case 'recv':
      return { kind, conn, timeUs, data: field('data'), ...(fields.encoding !== undefined && binary(fields.encoding)) };
    case 'http':
      return { kind, conn, timeUs, url: field('url'), data: field('data') };
    default:
      throw new CaptureError('CAPTURE_LINE', path, number, `"t" is ${shownText(kind)}; expected header, http, connect, send or recv`);
  }
}

async function* lines(path: string, content: Uint8Array | undefined): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 1;
  for await (const chunk of lineBytes(path, content, unreadable(path))) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, at));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      from = at + 1;
      number++;
      if (line !== '' && line !== '\r') yield line;
    }
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MAX_LINE_BYTES) throw new CaptureError('CAPTURE_TOO_LARGE', path, number, `is longer than ${MAX_LINE_BYTES} bytes`);
  }
  if (length > 0) throw new CaptureError('CAPTURE_TRUNCATED', path, number, 'the last line has no end; the recording was cut short');
}

function unreadable(path: string): (reason: string, isCut: boolean, cause: unknown) => CaptureError {
  return (reason, isCut, cause) =>
    isCut
      ? new CaptureError('CAPTURE_TRUNCATED', path, 0, 'ends too early; the recording was cut short', { cause })
      : new CaptureError('CAPTURE_UNREADABLE', path, 0, `cannot be read (${reason}); check the path, or fetch it again`, { cause });
}
