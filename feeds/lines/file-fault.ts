import { FeedFault } from '../feed.ts';
import type { FileSource } from './file-source.ts';

/** Instruments that a line of the log names. */
const MOST_NAMED = 10;

const FAULTS: Readonly<Record<string, FeedFault>> = {
  FILE_TRUNCATED: FeedFault.FileTruncated,
  CAPTURE_TRUNCATED: FeedFault.FileTruncated,
  FILE_DAMAGED: FeedFault.FileDamaged,
  FILE_CHANGED: FeedFault.FileChanged,
  CAPTURE_HEADER: FeedFault.FileUnusable,
  CAPTURE_LINE: FeedFault.FileUnusable,
  CAPTURE_TOO_LARGE: FeedFault.FileUnusable,
  CAPTURE_EMPTY: FeedFault.FileUnusable,
  FILE_EMPTY: FeedFault.FileUnusable,
  FILE_MALFORMED: FeedFault.FileUnusable,
  FORMAT_UNKNOWN: FeedFault.FileUnusable,
  CSV_HEADER: FeedFault.FileUnusable,
  CSV_COLUMNS: FeedFault.FileUnusable,
  LOG_EMPTY: FeedFault.FileUnusable,
  LOG_BEGINS_LATER: FeedFault.FileUnusable,
};

/** The fault of a source whose file led to an error: of the disk or a log, `FILE_UNREADABLE`; one without a code is a defect, `FILE_UNUSABLE`. */
export function faultOfFile(error: unknown): FeedFault {
  const code = codeOf(error);
  return code === undefined ? FeedFault.FileUnusable : (FAULTS[code] ?? FeedFault.FileUnreadable);
}

/** `CODE: what is wrong`, without a code if the error has none. */
export function fileErrorText(error: unknown): string {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === undefined ? message : `${code}: ${message}`;
}

/** The line of the log about instruments that a file does not have; undefined if there are none. */
export function absentText({ name, file }: Pick<FileSource, 'name' | 'file'>, absent: readonly string[]): string | undefined {
  if (absent.length === 0) return undefined;
  const more = absent.length > MOST_NAMED ? ` and ${absent.length - MOST_NAMED} more` : '';
  return `${name}: ${file.path} has ended, and has nothing of ${absent.slice(0, MOST_NAMED).join(', ')}${more}`;
}

function codeOf(error: unknown): string | undefined {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
