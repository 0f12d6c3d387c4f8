import { Code } from '../../../engine/codes.ts';
import { parseJson } from './json-text.ts';
import { RequestError } from './request-error.ts';
import { type Op, type OrderRequest, REQUESTS } from './schemas/order-messages.ts';
import { shapeProblems } from './shape-problems.ts';

/** Requests of one message, and values in it: what is read in one turn of the event loop. */
export const MAX_REQUESTS = 32;
const MAX_VALUES = 512;
/** Characters of an op that an answer quotes. */
const MAX_QUOTED = 32;
const MAX_TAG = 2 ** 32 - 1;

/** What an answer repeats of a request; of one that is wrong, what could be read. */
export interface Asked {
  readonly op?: string;
  readonly tag?: number;
  readonly clOrdId?: string;
  readonly orderId?: string;
}

/** A request of a message, or why it is none. */
export type ReadRequest =
  | { readonly asked: Asked; readonly request: OrderRequest; readonly error?: undefined }
  | { readonly asked: Asked; readonly request?: undefined; readonly error: RequestError };

/** The requests of a message, in their order. Never throws. @param text with untrusted content */
export function readRequests(text: string): readonly ReadRequest[] {
  let value: unknown;
  try {
    value = parseJson(text, { values: MAX_VALUES });
  } catch (error) {
    return [{ asked: {}, error: malformed(error) }];
  }
  if (!Array.isArray(value)) return [readRequest(value)];
  if (value.length >= 1 && value.length <= MAX_REQUESTS) return value.map(readRequest);
  return [{ asked: {}, error: fault(Code.MALFORMED_FRAME, `a list has 1 to ${MAX_REQUESTS} requests, not ${value.length}`) }];
}

function readRequest(value: unknown): ReadRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { asked: {}, error: fault(Code.MALFORMED_FRAME, 'a request is a JSON object with an op') };
  const op = own(value, 'op');
  const asked = askedOf(value, op);
  if (typeof op !== 'string') return { asked, error: fault(Code.MALFORMED_FRAME, 'op is missing, or no text') };
  if (!Object.hasOwn(REQUESTS, op))
    return {
      asked,
      error: fault(Code.UNKNOWN_KIND, `there is no op ${op.slice(0, MAX_QUOTED)}; use one of ${Object.keys(REQUESTS).join(', ')}`),
    };
  const { data, error } = REQUESTS[op as Op].safeParse(value);
  return error === undefined ? { asked, request: data as OrderRequest } : { asked, error: shapeProblems(error) };
}

function askedOf(value: object, op: unknown): Asked {
  const tag = own(value, 'tag');
  const clOrdId = idText(own(value, 'clOrdId'));
  const orderId = idText(own(value, 'orderId'));
  return {
    ...(typeof op === 'string' && { op: op.slice(0, MAX_QUOTED) }),
    ...(Number.isInteger(tag) && (tag as number) > 0 && (tag as number) <= MAX_TAG && { tag: tag as number }),
    ...(clOrdId !== undefined && { clOrdId }),
    ...(orderId !== undefined && { orderId }),
  };
}

function idText(id: unknown): string | undefined {
  const text = typeof id === 'number' || typeof id === 'string' ? String(id) : '';
  return /^\d{1,16}$/.test(text) ? text : undefined;
}

/** A value of the object itself, not of its prototype. */
function own(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

function malformed(error: unknown): RequestError {
  if (error instanceof RequestError) return fault(Code.MALFORMED_FRAME, error.message);
  throw error;
}

function fault(code: typeof Code.MALFORMED_FRAME | typeof Code.UNKNOWN_KIND, message: string): RequestError {
  return new RequestError(code, code === Code.UNKNOWN_KIND ? 'UNKNOWN_KIND' : 'MALFORMED_FRAME', message);
}
