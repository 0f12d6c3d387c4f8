import { Code } from '../../../engine/codes.ts';

const CODES: Readonly<Record<string, number>> = Code;

/**
 * Why a request is refused, independent of the protocol that it came by. `code` is a number of docs/CODES.md, 0 for what has none there. A
 * name of that page always has its number.
 */
export class RequestError extends Error {
  readonly code: number;
  override readonly name: string;
  /** Further fields of the answer, such as the limit that was broken. */
  readonly fields: object;

  constructor(code: number, name: string, message: string, fields: object = {}) {
    super(message);
    this.code = Object.hasOwn(CODES, name) ? CODES[name] : code;
    this.name = name;
    this.fields = fields;
  }
}
