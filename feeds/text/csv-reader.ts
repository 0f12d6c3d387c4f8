/** Longest row. A longer one is counted and skipped. */
const MAX_ROW_BYTES = 64 * 1024;
const MAX_FIELDS = 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;
/** Of a UTF-8 file, which some tools put in front of the header. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** A row in the bytes of a file, by reference: valid until the handler returns. Quotes around a field do not belong to it. */
export class CsvRow {
  bytes: Uint8Array = new Uint8Array(0);
  /** Of the file, from 1. */
  line = 0;
  count = 0;
  readonly #from = new Int32Array(MAX_FIELDS);
  readonly #to = new Int32Array(MAX_FIELDS);

  /** First byte of a field below {@link count}. */
  from(field: number): number {
    return this.#from[field];
  }

  /** Behind the last byte of a field. */
  to(field: number): number {
    return this.#to[field];
  }

  isEmpty(field: number): boolean {
    return this.#from[field] === this.#to[field];
  }

  /** The only byte of a field, 0 if it has none or several. */
  letter(field: number): number {
    return this.#to[field] - this.#from[field] === 1 ? this.bytes[this.#from[field]] : 0;
  }

  /** Allocates. */
  text(field: number): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.from(field), this.to(field) - this.from(field)).toString('utf8');
  }

  /** All fields as text. Allocates. */
  texts(): string[] {
    return Array.from({ length: this.count }, (_, field) => this.text(field));
  }

  /** @returns false if the row has too many fields */
  wrap(bytes: Uint8Array, from: number, to: number, separator: number): boolean {
    this.bytes = bytes;
    this.count = 0;
    let start = from;
    for (;;) {
      if (this.count === MAX_FIELDS) return false;
      let end: number;
      if (bytes[start] === QUOTE && start < to) {
        end = bytes.indexOf(QUOTE, ++start);
        if (end === -1 || end > to) end = to;
      } else {
        end = start;
        while (end < to && bytes[end] !== separator) end++;
      }
      this.#from[this.count] = start;
      this.#to[this.count++] = end;
      while (end < to && bytes[end] !== separator) end++;
      if (end >= to) return true;
      start = end + 1;
    }
  }
}

export interface CsvHandler {
  /** `row` is valid until this method returns. The first row of the file may be a header. Empty rows are left out. */
  row(row: CsvRow): void;
}

/**
 * Splits text of rows and fields, from pieces of any size. It allocates nothing per row. Fields may stand in quotes,
 * then they may hold the separator; escaped quotes and line breaks in a field are not supported.
 */
export class CsvReader {
  readonly #handler: CsvHandler;
  readonly #row = new CsvRow();
  /** The row that the last piece ends in. */
  readonly #rest = new Uint8Array(MAX_ROW_BYTES);
  #restBytes = 0;
  #line = 0;
  #skipping = false;
  /** A byte. It may be set by the handler of the first row. */
  separator = COMMA;
  /** Rows that were too long or had too many fields. */
  skippedRows = 0;

  constructor(handler: CsvHandler) {
    this.#handler = handler;
  }

  /** Number of the last line that ended, from 1; during a call of the handler, that of its row. */
  get line(): number {
    return this.#line;
  }

  push(piece: Uint8Array): void {
    let from = 0;
    for (;;) {
      const newline = piece.indexOf(NEWLINE, from);
      if (newline === -1) break;
      if (this.#restBytes === 0 && !this.#skipping) {
        this.#emit(piece, from, newline);
      } else {
        this.#keep(piece, from, newline);
        this.#endRow();
      }
      from = newline + 1;
    }
    this.#keep(piece, from, piece.length);
  }

  /** The text ends; its last row may have no line break. */
  end(): void {
    if (this.#restBytes > 0 || this.#skipping) this.#endRow();
  }

  #keep(piece: Uint8Array, from: number, to: number): void {
    if (this.#restBytes + to - from > MAX_ROW_BYTES) this.#skipping = true;
    if (this.#skipping) return;
    this.#rest.set(piece.subarray(from, to), this.#restBytes);
    this.#restBytes += to - from;
  }

  #endRow(): void {
    const bytes = this.#restBytes;
    this.#restBytes = 0;
    if (!this.#skipping) return this.#emit(this.#rest, 0, bytes);
    this.#skipping = false;
    this.#line++;
    this.skippedRows++;
  }

  #emit(bytes: Uint8Array, first: number, newline: number): void {
    const line = ++this.#line;
    let from = first;
    if (line === 1 && BYTE_ORDER_MARK.every((byte, index) => bytes[first + index] === byte)) from += BYTE_ORDER_MARK.length;
    const to = newline > from && bytes[newline - 1] === RETURN ? newline - 1 : newline;
    if (to <= from) return;
    const row = this.#row;
    row.line = line;
    if (to - from <= MAX_ROW_BYTES && row.wrap(bytes, from, to, this.separator)) this.#handler.row(row);
    else this.skippedRows++;
  }
}
