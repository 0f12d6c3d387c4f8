import { ByteTable } from './byte-table.ts';
import type { JsonScanner } from './json-scanner.ts';

/**
 * Where the fields of a JSON object stand in its text. A message is scanned once and checked to its end, whatever the
 * order of its keys; then its fields are read. Nothing is allocated per message.
 *
 * Fields have the numbers of their names in the list that the constructor is given.
 */
export class JsonFields {
  /** Where the value begins; -1 if the object has no such field. {@link JsonScanner.resume} reads it. */
  readonly position: Int32Array;
  /** A text, number or literal: `bytes[from..to)`, without quotes. Both 0 for an object or array. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly #names: ByteTable;
  readonly #entered: number;

  /**
   * @param names of fields that are read; others are skipped
   * @param entered the first fields of `names`, as many as this, are objects whose fields belong to the same list
   */
  constructor(names: readonly string[], entered = 0) {
    this.#names = new ByteTable(names);
    this.#entered = entered;
    this.position = new Int32Array(names.length);
    this.from = new Int32Array(names.length);
    this.to = new Int32Array(names.length);
  }

  /** Reads a whole text. @returns whether it was JSON and an object */
  readText(scanner: JsonScanner, bytes: Uint8Array): boolean {
    scanner.start(bytes);
    const object = this.readObject(scanner);
    return scanner.finished() && object;
  }

  /** Reads the value that comes next and leaves it. @returns whether it was an object; a text that breaks off is for `scanner.failed` to say */
  readObject(scanner: JsonScanner): boolean {
    this.position.fill(-1);
    this.from.fill(0);
    this.to.fill(0);
    if (!scanner.object()) return false;
    this.#fields(scanner);
    return true;
  }

  has(field: number): boolean {
    return this.position[field] !== -1;
  }

  /** The number of the field's text in a table; -1 if it is not there, or no text. */
  id(scanner: JsonScanner, field: number, table: ByteTable): number {
    if (!this.has(field)) return -1;
    scanner.resume(this.position[field]);
    return scanner.value() ? scanner.id(table) : -1;
  }

  /**
   * Where the values of a list begin. They are collected first, because to read one of them loses the place in the list.
   * @param positions is overwritten and may be used again
   * @returns false if the field is no list
   */
  list(scanner: JsonScanner, field: number, positions: number[]): boolean {
    positions.length = 0;
    if (!this.has(field)) return false;
    scanner.resume(this.position[field]);
    if (!scanner.array()) return false;
    while (scanner.next()) positions.push(scanner.position);
    return true;
  }

  #fields(scanner: JsonScanner): void {
    while (scanner.nextKey()) {
      const field = scanner.id(this.#names);
      if (field === -1) continue;
      this.position[field] = scanner.position;
      if (scanner.value()) {
        this.from[field] = scanner.from;
        this.to[field] = scanner.to;
      } else if (field < this.#entered && scanner.object()) this.#fields(scanner);
    }
  }
}
