import { assert } from '../../engine/assert.ts';
import { FeedMemoryError } from './feed-memory.ts';
import { fence } from './fence.ts';

/**
 * A table of rows of float64 fields in shared memory: one thread writes, any thread reads, and a row that is read is
 * always one that was written as a whole.
 *
 * Each row has a sequence lock over two copies. Version v of a row stands in copy `v & 1`. The writer fills the other
 * copy, then raises the version. A reader loads the version, copies, and loads the version again: if it is the same,
 * the writer has not come back to that copy. So a writer that is stopped in the middle of a row delays no reader, and
 * a reader never delays the writer.
 *
 *   byte 0        128                                                    128 + row bytes
 *   ┌────────────┬─────────┬────────────┬─────────────┬────────┬────────┬─────
 *   │ layout,    │ version │ name bytes │ name        │ copy 0 │ copy 1 │ row 1
 *   │ rows used  │ i32     │ i32        │ (once)      │        │        │ …
 *   └────────────┴─────────┴────────────┴─────────────┴────────┴────────┴─────
 *
 * Lines are 128 bytes: adjacent-line prefetch makes 64 too few.
 */
const LINE = 128;
const LAYOUT_VERSION = 1;

// Words of the header.
const VERSION = 0;
const FIELDS = 1;
const ROWS = 2;
const USED = 3;

// Words of a row, and bytes.
const ROW_VERSION = 0;
const NAME_BYTES = 1;
const NAME_AT = 8;

/** Bytes of UTF-8 that a name may have. */
export const MAX_NAME_BYTES = LINE - NAME_AT;

/** The memory of a table, sent by `postMessage` to any thread. */
export interface LockedRowsHandle {
  readonly memory: SharedArrayBuffer;
}

export interface LockedRowsSpec {
  /** Fields of a row, 1 to 4,096. */
  readonly fields: number;
  /** Rows, 1 to 65,536. */
  readonly rows: number;
}

/** Allocates and touches the memory of a table without rows. */
export function allocateLockedRows({ fields, rows }: LockedRowsSpec): LockedRowsHandle {
  assert(Number.isInteger(fields) && fields >= 1 && fields <= 4096, 'locked rows: 1 to 4,096 fields');
  assert(Number.isInteger(rows) && rows >= 1 && rows <= 65_536, 'locked rows: 1 to 65,536 rows');
  const memory = new SharedArrayBuffer(LINE + rows * rowBytes(fields));
  new Uint8Array(memory).fill(0);
  const header = new Int32Array(memory, 0, LINE / 4);
  header[FIELDS] = fields;
  header[ROWS] = rows;
  Atomics.store(header, VERSION, LAYOUT_VERSION);
  return { memory };
}

function copyBytes(fields: number): number {
  return Math.ceil((fields * 8) / LINE) * LINE;
}

function rowBytes(fields: number): number {
  return LINE + 2 * copyBytes(fields);
}

/** Where things stand in the memory of a table; for both ends, and for tests. */
export class LockedRowsLayout {
  readonly words: Int32Array;
  readonly f64: Float64Array;
  readonly bytes: Uint8Array;
  readonly fields: number;
  readonly rows: number;
  readonly #rowBytes: number;
  readonly #copyBytes: number;

  /** @throws FeedMemoryError unless the memory is a table with so many fields */
  constructor({ memory }: LockedRowsHandle, fields: number) {
    const header = memory.byteLength >= LINE ? new Int32Array(memory, 0, LINE / 4) : new Int32Array(LINE / 4);
    this.fields = fields;
    this.rows = header[ROWS];
    this.#rowBytes = rowBytes(fields);
    this.#copyBytes = copyBytes(fields);
    const size = LINE + this.rows * this.#rowBytes;
    if (Atomics.load(header, VERSION) !== LAYOUT_VERSION || header[FIELDS] !== fields || memory.byteLength !== size)
      throw new FeedMemoryError(
        `a table of ${fields} fields in layout ${LAYOUT_VERSION}`,
        `${header[FIELDS]} fields in layout ${header[VERSION]}, ${memory.byteLength} bytes`,
      );
    this.words = new Int32Array(memory);
    this.f64 = new Float64Array(memory);
    this.bytes = new Uint8Array(memory);
  }

  /** Index of the version of a row, in `words`. */
  versionAt(row: number): number {
    return (LINE + row * this.#rowBytes) / 4 + ROW_VERSION;
  }

  /** Index of the first field of the copy that has this version, in `f64`. */
  copyAt(row: number, version: number): number {
    return (LINE + row * this.#rowBytes + LINE + (version & 1) * this.#copyBytes) / 8;
  }

  /** Byte of the name of a row. */
  nameAt(row: number): number {
    return LINE + row * this.#rowBytes + NAME_AT;
  }

  get used(): number {
    return Atomics.load(this.words, USED);
  }
}

function nameOf(layout: LockedRowsLayout, row: number): string {
  const at = layout.nameAt(row);
  const length = layout.words[layout.versionAt(row) + NAME_BYTES];
  return new TextDecoder().decode(layout.bytes.slice(at, at + length));
}

/** The writing end. One thread owns it. */
export class LockedRowsWriter {
  /** Fields of all rows, at `row * fields`: the owner changes them here, and `publish` makes them visible. */
  readonly draft: Float64Array;
  readonly fields: number;
  /** Rows that the table has room for. */
  readonly rows: number;
  readonly #layout: LockedRowsLayout;
  readonly #versions: Int32Array;
  #used: number;

  /** Continues with the rows that the memory has. @throws FeedMemoryError */
  constructor(handle: LockedRowsHandle, fields: number) {
    const layout = new LockedRowsLayout(handle, fields);
    this.#layout = layout;
    this.fields = fields;
    this.rows = layout.rows;
    this.#used = layout.used;
    this.#versions = new Int32Array(layout.rows);
    this.draft = new Float64Array(layout.rows * fields);
    for (let row = 0; row < this.#used; row++) {
      this.#versions[row] = Atomics.load(layout.words, layout.versionAt(row));
      const copy = layout.copyAt(row, this.#versions[row]);
      this.draft.set(layout.f64.subarray(copy, copy + fields), row * fields);
    }
  }

  get used(): number {
    return this.#used;
  }

  name(row: number): string {
    return nameOf(this.#layout, row);
  }

  /**
   * Adds a row and publishes it. Not for the hot path.
   * @param first values of its first fields; the others are 0
   * @returns its number; -1 if the table is full, or the name longer than {@link MAX_NAME_BYTES}
   */
  add(name: string, first: readonly number[]): number {
    const layout = this.#layout;
    const bytes = new TextEncoder().encode(name);
    if (this.#used === layout.rows || bytes.length > MAX_NAME_BYTES) return -1;
    const row = this.#used++;
    layout.bytes.set(bytes, layout.nameAt(row));
    layout.words[layout.versionAt(row) + NAME_BYTES] = bytes.length;
    this.draft.set(first, row * this.fields);
    this.publish(row);
    // Last: a reader that sees the row sees all of it.
    Atomics.store(layout.words, USED, this.#used);
    return row;
  }

  /** Makes the fields of a row visible, together. */
  publish(row: number): void {
    const { draft, fields } = this;
    const { f64, words } = this.#layout;
    const version = (this.#versions[row] + 1) | 0;
    const copy = this.#layout.copyAt(row, version);
    const from = row * fields;
    for (let field = 0; field < fields; field++) f64[copy + field] = draft[from + field];
    const at = this.#layout.versionAt(row);
    Atomics.store(words, at, version);
    // Keeps the stores of the next publication, which go to the other copy, behind the store of the version: see fence.ts.
    Atomics.load(words, at);
    this.#versions[row] = version;
  }
}

/** A reading end. One thread owns it. */
export class LockedRowsReader {
  readonly #layout: LockedRowsLayout;

  /** @throws FeedMemoryError */
  constructor(handle: LockedRowsHandle, fields: number) {
    this.#layout = new LockedRowsLayout(handle, fields);
  }

  /** Rows so far; rows are never removed. */
  get used(): number {
    return this.#layout.used;
  }

  /** @param row in [0, used) */
  name(row: number): string {
    return nameOf(this.#layout, row);
  }

  /** Copies the fields of a row. Repeats as long as the writer publishes the row faster than it can be copied. @returns its version: it changes with the row */
  read(row: number, into: Float64Array): number {
    const layout = this.#layout;
    const { words, f64, fields } = layout;
    const at = layout.versionAt(row);
    for (let version = Atomics.load(words, at); ; ) {
      const copy = layout.copyAt(row, version);
      for (let field = 0; field < fields; field++) into[field] = f64[copy + field];
      // The loads of the fields must not move behind the load of the version.
      fence();
      const now = Atomics.load(words, at);
      if (now === version) return version;
      version = now;
    }
  }
}
