import { FeedFault } from '../../feed.ts';
import type { ByteTable } from '../../text/byte-table.ts';
import { DecimalReader, decimalText, MAX_DECIMALS, wholeNumber } from '../../text/decimal.ts';
import { JsonFields } from '../../text/json-fields.ts';
import type { JsonScanner } from '../../text/json-scanner.ts';

/** One instrument of a venue's list, as fields of a JSON object. For lists, which are read seldom: it allocates. */
export class ListEntry {
  readonly #scanner: JsonScanner;
  readonly #fields: JsonFields;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #decimals = new DecimalReader();
  /** Positions of the members of a list in the entry. */
  readonly #members: number[] = [];

  /** @param names of fields that are read @param entered as in {@link JsonFields} */
  constructor(scanner: JsonScanner, names: readonly string[], entered = 0) {
    this.#scanner = scanner;
    this.#fields = new JsonFields(names, entered);
    this.#numbers = new Map(names.map((name, number) => [name, number]));
  }

  /** Reads the object at a position of a text that the scanner has read to its end. @returns false if it is none */
  read(position: number): boolean {
    this.#scanner.resume(position);
    return this.#fields.readObject(this.#scanner);
  }

  has(name: string): boolean {
    return this.#fields.has(this.#number(name));
  }

  /** A text, number or literal as text; '' if it is absent, an object or a list. */
  text(name: string): string {
    const number = this.#number(name);
    if (!this.#fields.has(number)) return '';
    this.#scanner.resume(this.#fields.position[number]);
    return this.#scanner.value() ? this.#scanner.text() : '';
  }

  isTrue(name: string): boolean {
    return this.text(name) === 'true';
  }

  /** The number of a word in a table; -1 if it is not there. */
  word(name: string, table: ByteTable): number {
    return this.#fields.id(this.#scanner, this.#number(name), table);
  }

  /** A count of decimals; -1 if it is none that a feed can have. */
  count(name: string): number {
    const number = this.#number(name);
    const count = wholeNumber(this.#scanner.bytes, this.#fields.from[number], this.#fields.to[number]);
    return count <= MAX_DECIMALS ? count : -1;
  }

  /** Decimals of a step, `0.01`; -1 if it is none that a feed can have. */
  decimals(name: string): number {
    const number = this.#number(name);
    const decimals = this.#decimals;
    const fault = decimals.read(this.#scanner.bytes, this.#fields.from[number], this.#fields.to[number]);
    return fault === FeedFault.None && decimals.mantissa > 0 ? decimals.decimals : -1;
  }

  /** Calls back with the positions of the members of a list, in order, until it has returned true. */
  some(name: string, each: (position: number) => boolean): void {
    if (!this.#fields.list(this.#scanner, this.#number(name), this.#members)) return;
    this.#members.some(each);
  }

  #number(name: string): number {
    const number = this.#numbers.get(name);
    if (number === undefined) throw new RangeError(`the list has no field ${name}`);
    return number;
  }
}

/** The step of a number with so many decimals: `0.01`. */
export function stepText(decimals: number): string {
  return decimals === -1 ? '' : decimalText(1, decimals, decimals);
}
