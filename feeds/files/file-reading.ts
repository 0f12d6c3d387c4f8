import type { FeedSink } from '../feed.ts';
import type { FileBytesError } from './file-bytes.ts';
import type { CsvColumn } from './quotes-csv.ts';

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

/** A file that is being read. Who reads it decides when the next step is made, so its memory and its share of a thread are bounded. */
export interface FileReading {
  /**
   * Each step reads a piece of the file, at most some 64 KiB, and writes what it has to the sink. Ends with what was read;
   * `return` abandons the file. @throws CsvFileError; FileBytesError if the file cannot be opened; the errors of a log
   */
  readonly steps: AsyncGenerator<void, FileSummary, void>;
  /** The line, message or command that is being read, from 1; 0 before the first. During a call of the sink, the one that led to it. */
  place(): number;
}

/** What {@link FileReading.place} counts. */
export type PlaceUnit = 'line' | 'message' | 'command';

export interface FileFormat {
  /** For `--format`. */
  readonly name: string;
  readonly title: string;
  readonly unit: PlaceUnit;
  /** Files of the format may have levels, not trades and quotes only. */
  readonly hasBooks: boolean;
  /** @param head the first bytes of the file, decompressed @param path of the file */
  matches(head: Uint8Array, path: string): boolean;
  /** A reading of the file into a sink, as far as it can be read. Nothing is opened before its first step. */
  open(path: string, sink: FeedSink, options: FileOptions): FileReading;
}

/** Makes all steps of a reading. @throws as its steps */
export async function readToEnd({ steps }: FileReading): Promise<FileSummary> {
  for (;;) {
    const { done, value } = await steps.next();
    if (done === true) return value;
  }
}
