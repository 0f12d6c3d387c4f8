import { CsvReader, type CsvRow } from '../text/csv-reader.ts';
import { wholeNumber } from '../text/decimal.ts';
import { secondsToUs } from '../text/times.ts';
import { fileBytes } from './file-bytes.ts';

const MINUS = 0x2d;

export interface NumberRows {
  readonly count: number;
  /** Numbers of a row. */
  readonly columns: number;
  /** Row by row; NaN where the text is no integer of absolute value below 2^53. */
  readonly values: Float64Array;
}

/**
 * The rows of a text of integers without a header, as batches of numbers.
 * @param columns of each row; 0 takes the number of the first. Missing fields are NaN, additional ones are left out
 * @param timeColumn seconds with a fraction, given as microseconds; -1 for none
 * @throws FileBytesError after the last good batch
 */
export async function* numberRows(path: string, columns: number, timeColumn: number): AsyncGenerator<NumberRows> {
  const batch = new Batch(columns, timeColumn);
  const reader = new CsvReader(batch);
  let failure: unknown;
  try {
    for await (const piece of fileBytes(path)) {
      reader.push(piece);
      if (batch.count > 0) yield batch.take();
    }
  } catch (error) {
    failure = error;
  }
  // Without its line break, the last row may be half a row.
  if (failure === undefined) reader.end();
  if (batch.count > 0) yield batch.take();
  if (failure !== undefined) throw failure;
}

class Batch {
  count = 0;
  #columns: number;
  readonly #timeColumn: number;
  #values = new Float64Array(4096);

  constructor(columns: number, timeColumn: number) {
    this.#columns = columns;
    this.#timeColumn = timeColumn;
  }

  row(row: CsvRow): void {
    if (this.#columns === 0) this.#columns = row.count;
    const at = this.count++ * this.#columns;
    if (at + this.#columns > this.#values.length) {
      const larger = new Float64Array(Math.max(this.#values.length * 2, this.#columns));
      larger.set(this.#values);
      this.#values = larger;
    }
    for (let column = 0; column < this.#columns; column++) {
      this.#values[at + column] = column < row.count ? this.#number(row, column) : Number.NaN;
    }
  }

  take(): NumberRows {
    const taken = { count: this.count, columns: this.#columns, values: this.#values.slice(0, this.count * this.#columns) };
    this.count = 0;
    return taken;
  }

  #number(row: CsvRow, column: number): number {
    const { bytes } = row;
    const from = row.from(column);
    const to = row.to(column);
    if (column === this.#timeColumn) return from === to ? Number.NaN : secondsToUs(bytes, from, to);
    if (bytes[from] !== MINUS) return positive(bytes, from, to);
    return -positive(bytes, from + 1, to);
  }
}

function positive(bytes: Uint8Array, from: number, to: number): number {
  const value = wholeNumber(bytes, from, to);
  return value === -1 ? Number.NaN : value;
}
