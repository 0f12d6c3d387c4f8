import type { IncomingMessage } from 'node:http';
import { Code } from '../../../engine/codes.ts';
import { isLoopback } from '../../config/config-options.ts';
import type { Action } from '../../identity/permissions.ts';
import type { Principal } from '../../identity/principal.ts';
import { queryProblem } from '../query-problem.ts';
import { HttpError } from './http-error.ts';
import type { LongList } from './json-pieces.ts';
import { parseJson } from './json-text.ts';

/** Maximum size of a request's body, bytes. */
const MAX_BODY_BYTES = 64 * 1024;

export interface Request {
  readonly method: string;
  /** Of the route's pattern: `/v1/accounts/:id` gives `id`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The parsed body of a POST: always an object. */
  readonly body: Readonly<Record<string, unknown>>;
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly principal: Principal;
  /** Whose share of the limits and turns the request takes: the subject, or the address where authentication is off. */
  readonly caller: string;
  /** Sequences of the commands that the request caused; for the audit trail. */
  readonly seqs: number[];
  /** Runs long work of the query in slices, in turn with that of other callers. */
  readonly inSlices: <T>(work: Generator<undefined, T>) => Promise<T>;
  /** Checks a right that depends on the body. @throws HttpError 403 */
  readonly demand: (action: Action, account: number) => void;
}

export type ShortReply =
  | { readonly status?: number; readonly json: unknown }
  | { readonly status?: number; readonly text: string; readonly type: string };

/** `pieces`: an answer with long lists, which is made in slices. */
export type Reply = ShortReply | { readonly status?: number; readonly pieces: Readonly<Record<string, unknown>> | LongList };

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Segments; one that begins with a colon is a parameter. */
  readonly path: string;
  /** Query parameters that it reads; others are rejected. Default: none. */
  readonly query?: readonly string[];
  /** Private or state-changing: closed to web pages, see {@link guard}. */
  readonly guarded: boolean;
  /** The required right; with a parameter `id` in the path, for that account. */
  readonly action: Action;
  readonly handle: (request: Request) => Reply | Promise<Reply>;
}

/** The parameters when `path` fits the route's, else undefined. @throws HttpError for broken percent-encoding */
export function matchPath(route: Route, path: readonly string[]): Record<string, string> | undefined {
  const pattern = route.path.split('/');
  if (pattern.length !== path.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, segment] of pattern.entries()) {
    if (segment.startsWith(':')) params[segment.slice(1)] = path[i];
    else if (segment !== path[i]) return undefined;
  }
  return params;
}

/** @throws HttpError 400 for a parameter that the route does not have, or that is given twice */
export function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  const problem = queryProblem(query, known);
  if (problem !== undefined) throw badParameter(problem);
}

function badParameter(message: string): HttpError {
  return new HttpError(400, Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}

/** @throws HttpError 400 */
export function splitPath(path: string): string[] {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    throw new HttpError(400, 0, 'BAD_PATH', 'the path is not valid percent-encoding');
  }
}

/**
 * Rejects requests of web pages. A page can make a browser on this host send
 * requests here: with its own Origin, or, after pointing its own name at
 * 127.0.0.1, without one, and then with that name as Host. Programs send neither.
 * @param knownHost undefined: the caller has sent credentials, which such a page does not have, so any Host is accepted
 * @throws HttpError 403
 */
export function guard(request: IncomingMessage, knownHost: string | undefined): void {
  const { origin, host = '' } = request.headers;
  if (origin !== undefined) {
    throw new HttpError(
      403,
      0,
      'CROSS_SITE',
      'requests of web pages (with an Origin header) are rejected; use a program such as curl or openbell',
    );
  }
  if (knownHost === undefined) return;
  const name = hostName(host);
  if (isLoopback(name) || name === knownHost) return;
  throw new HttpError(
    403,
    0,
    'UNKNOWN_HOST',
    `the Host header names another host; ask by ${[...new Set(['127.0.0.1', 'localhost', knownHost])].join(' or ')}`,
  );
}

function hostName(host: string): string {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:]*))(?::\d+)?$/i.exec(host);
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase();
}

/** The body exceeds the limit. Its rest has not been read. */
export class BodyTooLargeError extends HttpError {
  constructor() {
    super(413, 0, 'BODY_TOO_LARGE', `the body exceeds ${MAX_BODY_BYTES} bytes; send several requests`);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body of a POST; an empty one is an empty object. @throws HttpError 400, 413, 415 */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  requireJson(request.headers);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw new BodyTooLargeError();
  const text = textOf(await bytesOf(request));
  if (text.trim() === '') return {};
  const body = parseJson(text);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpError(400, 0, 'BAD_JSON', 'the body must be a JSON object such as {"asset": "USD", "amount": "10.00"}');
  }
  return body as Record<string, unknown>;
}

/** @throws HttpError 415 */
function requireJson({ 'content-type': type = '', 'content-encoding': encoding = 'identity' }: IncomingMessage['headers']): void {
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new HttpError(415, 0, 'NOT_JSON', 'send the header "content-type: application/json"');
  }
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(type)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new HttpError(415, 0, 'NOT_JSON', 'JSON is UTF-8: send the body in UTF-8, without another charset');
  }
  if (!/^\s*(identity)?\s*$/i.test(encoding)) {
    throw new HttpError(415, 0, 'ENCODED_BODY', 'compressed bodies are not supported: send it without content-encoding');
  }
}

/** The request is not destroyed when it is too large, so that the answer can still be sent. @throws HttpError 400, 413 */
function bytesOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= MAX_BODY_BYTES) return;
      request.off('data', take);
      reject(new BodyTooLargeError());
    };
    request.on('data', take);
    request.on('end', () => resolve(Buffer.concat(chunks)));
    // The peer has disconnected, or the time limit of a request has ended its connection.
    request.on('error', () => reject(new HttpError(400, 0, 'BODY_INCOMPLETE', 'the connection ended within the body')));
  });
}

/** @throws HttpError 400 */
function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new HttpError(400, 0, 'BAD_JSON', 'the body is not valid UTF-8');
  }
}
