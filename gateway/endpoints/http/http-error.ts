import { Code } from '../../../engine/codes.ts';

const CODES: Readonly<Record<string, number>> = Code;

/** An error answer. `code` is a number of docs/CODES.md, 0 for what has none there. A name of that page always has its number. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: number;
  override readonly name: string;
  /** Further fields of the body. */
  readonly fields: object;

  constructor(status: number, code: number, name: string, message: string, fields: object = {}) {
    super(message);
    this.status = status;
    this.code = Object.hasOwn(CODES, name) ? CODES[name] : code;
    this.name = name;
    this.fields = fields;
  }
}
