import { type CaptureFile, isCaptureHead } from '../files/captures.ts';
import { FILE_FORMATS, fileHead, formatOf } from '../files/file-formats.ts';
import type { FileFormat, FileOptions } from '../files/file-reading.ts';
import type { FeedSource } from './feed-source.ts';

/** A source whose data come from a file. */
export interface FileSource extends FileOptions {
  /** As that of a {@link FeedSource}, and not one of theirs. */
  readonly name: string;
  /** A capture may be in memory; other formats are files. */
  readonly file: CaptureFile;
  /** `capture`, or a name of FILE_FORMATS; undefined: what the file's name and first bytes show. */
  readonly format?: string;
  /** As the file writes them; empty: all of the file, up to a limit of the line. */
  readonly instruments: readonly string[];
  /** Times the recorded speed, above 0; infinite: as fast as the thread can. */
  readonly speed: number;
  /** At the end of the file: begin again, or stay at its end. */
  readonly atEnd: 'loop' | 'end';
}

/** A source of either kind. */
export type AnySource = FeedSource | FileSource;

export function isFileSource(source: AnySource): source is FileSource {
  return 'file' in source;
}

/**
 * The venue's times of a file in a loop at its recorded speed are moved to those at which it is played: time goes on from round to
 * round, and over a restart.
 */
export function isPlayedAsNow({ speed, atEnd }: FileSource): boolean {
  return atEnd === 'loop' && speed === 1;
}

/** The format of captures, beside those of FILE_FORMATS. */
export const CAPTURE_FORMAT = 'capture';
/** Names of captures. */
const CAPTURE_NAME = /\.(jsonl|ws)(\.gz)?$/;

/** True if the name of a file is that of a capture. */
export function isCaptureName(path: string): boolean {
  return CAPTURE_NAME.test(path);
}

/** Names of all formats. */
export const FORMAT_NAMES: readonly string[] = [CAPTURE_FORMAT, ...FILE_FORMATS.map(({ name }) => name)];

/**
 * The format of a file: what the source states, or what its name and first bytes show.
 * @returns undefined for a capture @throws UnknownFormatError, FileBytesError
 */
export async function formatOfSource({ file, format }: Pick<FileSource, 'file' | 'format'>): Promise<FileFormat | undefined> {
  if (format !== undefined) return FILE_FORMATS.find(({ name }) => name === format);
  if (file.content !== undefined || isCaptureName(file.path)) return undefined;
  return isCaptureHead(await fileHead(file.path)) ? undefined : formatOf(file.path);
}
