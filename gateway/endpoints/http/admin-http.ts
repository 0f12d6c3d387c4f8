import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../../config/config-options.ts';
import type { Action } from '../../identity/permissions.ts';
import type { Principal } from '../../identity/principal.ts';
import { HttpError } from './http-error.ts';
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
  /** Sequences of the commands that the request caused; for the audit trail. */
  readonly seqs: number[];
  /** Checks a right that depends on the body. @throws HttpError 403 */
  readonly demand: (action: Action, account: number) => void;
}

export type Reply =
  | { readonly status?: number; readonly json: unknown }
  | { readonly status?: number; readonly text: string; readonly type: string };

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Segments; one that begins with a colon is a parameter. */
  readonly path: string;
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

/** The body of a POST; an empty one is an empty object. @throws HttpError 400, 413, 415 */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new HttpError(415, 0, 'NOT_JSON', 'send the header "content-type: application/json"');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES)
      throw new HttpError(413, 0, 'BODY_TOO_LARGE', `the body exceeds ${MAX_BODY_BYTES} bytes; send several requests`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.trim() === '') return {};
  const body = parseJson(text);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpError(400, 0, 'BAD_JSON', 'the body must be a JSON object such as {"asset": "USD", "amount": "10.00"}');
  }
  return body as Record<string, unknown>;
}
