import type { CsvRow } from '../text/csv-reader.ts';

export type CsvFileErrorCode = 'CSV_HEADER' | 'CSV_COLUMNS';

/** The header of a CSV file is not one that a reader can use. */
export class CsvFileError extends Error {
  readonly code: CsvFileErrorCode;

  constructor(code: CsvFileErrorCode, detail: string) {
    super(detail);
    this.name = 'CsvFileError';
    this.code = code;
  }
}

/** Columns of a CSV file by name: lower case, without spaces at the ends. */
export class CsvHeader {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names.map((name) => name.trim().toLowerCase());
  }

  static of(row: CsvRow): CsvHeader {
    return new CsvHeader(row.texts());
  }

  /** @returns the column with one of these names, the first name first; -1 if there is none */
  find(...names: readonly string[]): number {
    for (const name of names) {
      const column = this.names.indexOf(name);
      if (column !== -1) return column;
    }
    return -1;
  }

  /** @throws CsvFileError if no column has one of these names */
  need(...names: readonly string[]): number {
    const column = this.find(...names);
    if (column !== -1) return column;
    throw new CsvFileError('CSV_HEADER', `the header has no column ${names.join(' or ')}; it has ${this.names.join(', ').slice(0, 200)}`);
  }
}
