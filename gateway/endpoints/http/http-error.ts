import type { Code } from '../../../engine/codes.ts';
import { RequestError } from '../json/request-error.ts';
import { statusOf } from './reject-status.ts';

/** An error answer with its HTTP status. */
export class HttpError extends RequestError {
  readonly status: number;

  constructor(status: number, code: number, name: string, message: string, fields: object = {}) {
    super(code, name, message, fields);
    this.status = status;
  }

  /** The answer for an error that is the same in every protocol. What has no code is a fault of the request's form. */
  static of(error: RequestError): HttpError {
    if (error instanceof HttpError) return error;
    const { code, name, message, fields } = error;
    return new HttpError(code === 0 ? 400 : statusOf({ code: code as Code }), code, name, message, fields);
  }
}
