/** An error answer. `code` is a number of docs/CODES.md, 0 for what has none there. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: number;
  override readonly name: string;
  /** Further fields of the body. */
  readonly fields: object;

  constructor(status: number, code: number, name: string, message: string, fields: object = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.name = name;
    this.fields = fields;
  }
}
